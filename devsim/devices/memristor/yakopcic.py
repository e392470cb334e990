"""`Yakopcic`: the generalised memristor model of Yakopcic and others."""

from functools import partial
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor.physical import Memristor
from devsim.devices.preset import Preset
from devsim.parameter import parameter, state
from devsim.ports import Unknown

NAMES = ("up_current", "down_current", "bend", "up_speed", "down_speed", "up_threshold", "down_threshold")
NAMES += ("up_decay", "down_decay", "up_knee", "down_knee", "initial")


def _fit(source: str, *values: float) -> Preset:
    """A row of the published table: a1 a2 b, Ap An, Vp Vn, alpha_p alpha_n, xp xn, x0."""
    return Preset(
        f"{source}, as fitted by Yakopcic et al., IEEE TCAD 32, 1201 (2013)",
        partial(dict, **dict(zip(NAMES, values, strict=True))),
    )


PRESETS = {
    "oblea-sine": _fit(
        "Oblea et al., IJCNN 2010: 100 Hz sine, 0.45 V", 0.17, 0.17, 0.05, 4e3, 4e3, 0.16, 0.15, 1, 5, 0.3, 0.5, 0.11
    ),
    "oblea-triangle": _fit(
        "Oblea et al., IJCNN 2010: triangle, 0.25 V", 0.097, 0.097, 0.05, 4e3, 4e3, 0.16, 0.15, 1, 5, 0.3, 0.5, 0.001
    ),
    "miao": _fit(
        "Miao et al., Adv. Mater. 23, 5633 (2011): +0.75 / -1.25 V, 20 s",
        0.11,
        0.11,
        0.5,
        7.5,
        2,
        0.09,
        0.75,
        1,
        5,
        0.3,
        0.5,
        0.11,
    ),
    "jo": _fit(
        "Jo et al., Nano Lett. 10, 1297 (2010): +4 / -2 V, 5 s",
        3.7e-7,
        4.35e-7,
        0.7,
        0.005,
        0.08,
        1.5,
        0.5,
        1.2,
        3,
        0.2,
        0.5,
        0.1,
    ),
}
"""Named parameter sets of `Yakopcic`."""


class Yakopcic(Memristor):
    """A dimensionless state in [0, 1] that scales a sinh conduction and moves above exponential thresholds.

    Equations: i = a_1 x sinh(b v) for v >= 0, a_2 x sinh(b v) below;  dx/dt = eta g(v) f(x)
      g = A_p (e^v - e^v_p) for v > v_p, -A_n (e^-v - e^v_n) for v < -v_n, else 0
      f = e^(-alpha_p (x - x_p)) (1 - x) / (1 - x_p) for x >= x_p moving up,
          e^(alpha_n (x + x_n - 1)) x / (1 - x_n) for x <= 1 - x_n moving down, else 1
    Voltages in exponents are in volts. SET (x rises) at positive voltage for direction eta = 1.
    Source: Yakopcic et al., IEEE Electron Device Lett. 32, 1436 (2011); IEEE TCAD 32, 1201 (2013).
    Valid: near the drive of each fit (voltage and frequency are in its source).
    """

    catalogue: ClassVar = PRESETS
    up_current: Array = parameter(0.17, unit="A", bounds=(0, None), doc="a_1: current scale at positive voltage")
    down_current: Array = parameter(0.17, unit="A", bounds=(0, None), doc="a_2: current scale at negative voltage")
    bend: Array = parameter(0.05, unit="1/V", bounds=(0, None), doc="b: curvature of the I-V curve")
    up_speed: Array = parameter(4000.0, unit="1/s", bounds=(0, None), doc="A_p: speed at positive voltage")
    down_speed: Array = parameter(4000.0, unit="1/s", bounds=(0, None), doc="A_n: speed at negative voltage")
    up_threshold: Array = parameter(0.16, unit="V", bounds=(0, None), doc="v_p: voltage above which the state moves")
    down_threshold: Array = parameter(0.15, unit="V", bounds=(0, None), doc="v_n: magnitude of the negative threshold")
    up_decay: Array = parameter(1.0, unit="1", bounds=(0, None), doc="alpha_p: slowing above the knee")
    down_decay: Array = parameter(5.0, unit="1", bounds=(0, None), doc="alpha_n: slowing below the knee")
    up_knee: Array = parameter(0.3, unit="1", bounds=(0, 0.999), doc="x_p: state from which upward motion slows")
    down_knee: Array = parameter(
        0.5, unit="1", bounds=(0, 0.999), doc="x_n: 1 - x_n is the state below which downward motion slows"
    )
    direction: Array = parameter(1.0, unit="1", bounds=(-1, 1), doc="eta: 1 sets at positive voltage, -1 at negative")
    initial: Array = state(0.11, unit="1", bounds=(0, 1), doc="state at power-up")

    def start(self):
        """`initial`, of order one."""
        return Unknown(self.initial, 1.0)

    def bounds(self):
        """0 and 1."""
        return 0.0, 1.0

    def current(self, voltage, state):
        """a x sinh(b v), in A."""
        scale = jnp.where(voltage >= 0, self.up_current, self.down_current)
        return scale * state * jnp.sinh(self.bend * voltage)

    def rate(self, voltage, state):
        """dx/dt, in 1/s."""
        up = self.up_speed * jnp.maximum(jnp.exp(voltage) - jnp.exp(self.up_threshold), 0.0)
        down = self.down_speed * jnp.maximum(jnp.exp(-voltage) - jnp.exp(self.down_threshold), 0.0)
        free = self.direction * (up - down)
        return free * self.slowing(state, free > 0)

    def slowing(self, state: Array, rising: Array) -> Array:
        """f(x) for motion in the given direction."""
        top = jnp.exp(-self.up_decay * (state - self.up_knee)) * (1 - state) / (1 - self.up_knee)
        bottom = jnp.exp(self.down_decay * (state + self.down_knee - 1)) * state / (1 - self.down_knee)
        upward = jnp.where(state >= self.up_knee, top, 1.0)
        return jnp.where(rising, upward, jnp.where(state <= 1 - self.down_knee, bottom, 1.0))
