"""`VTEAM`: the voltage-threshold adaptive memristor."""

from functools import partial
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import Bounds, above
from devsim.devices.memristor.physical import Memristor, held_inside
from devsim.devices.memristor.window import NoWindow, Window
from devsim.devices.preset import Preset
from devsim.parameter import Derived, parameter, state
from devsim.ports import Unknown

PRESETS = {
    "memtorch-default": Preset(
        "Kvatinsky et al., IEEE Trans. Circuits Syst. II 62, 786 (2015); constants of Lammie et al., Neurocomputing 485 (2022)",
        partial(dict, initial=0.0),
    )
}
"""Named parameter sets of `VTEAM`."""

SET_SPEED = Derived(
    lambda part: -part.on_speed,
    lambda part, speed: {"on_speed": -speed},
    "m/s",
    "another name for `on_speed`: its magnitude",
    above(0),
)
SET_THRESHOLD = Derived(
    lambda part: -part.on_threshold,
    lambda part, volts: {"on_threshold": -volts},
    "V",
    "another name for `on_threshold`: its magnitude",
    Bounds(1e-6),
)


class VTEAM(Memristor):
    """A boundary at w that moves at a power of the voltage above a threshold; resistance is linear in w.

    Equations: i = v / (R_off w / D + R_on (1 - w / D)), D = w_off;
      dw/dt = k_off (v / v_off - 1)^a_off f(w) for v > v_off, k_on (v / v_on - 1)^a_on f(w) for v < v_on, else 0,
      and dying away over the last 1/1000 of D before a bound that it leads to, so that implicit steps find where it stops.
    Positive voltage raises w: RESET is positive, SET negative.
    Source: Kvatinsky et al., IEEE Trans. Circuits Syst. II 62, 786 (2015), eqs. 1 and 4, lower bound w_on = 0.
    Valid: circuits that need thresholds and speed of the right kind; no temperature, no rectification.
    """

    catalogue: ClassVar = PRESETS
    derived = {"set_speed": SET_SPEED, "set_threshold": SET_THRESHOLD}
    window: Window = eqx.field(default_factory=NoWindow)
    low_resistance: Array = parameter(50.0, unit="ohm", bounds=(1e-3, None), doc="R_on: resistance at w = 0")
    high_resistance: Array = parameter(1000.0, unit="ohm", bounds=(1e-3, None), doc="R_off: resistance at w = w_off")
    length: Array = parameter(3e-9, unit="m", bounds=(1e-12, None), doc="w_off: largest state")
    on_speed: Array = parameter(-10.0, unit="m/s", bounds=(None, 0), doc="k_on: speed at twice the SET threshold")
    off_speed: Array = parameter(5e-4, unit="m/s", bounds=(0, None), doc="k_off: speed at twice the RESET threshold")
    on_exponent: Array = parameter(3.0, unit="1", bounds=(0, None), doc="a_on: power of the overdrive at SET")
    off_exponent: Array = parameter(1.0, unit="1", bounds=(0, None), doc="a_off: power of the overdrive at RESET")
    on_threshold: Array = parameter(-0.2, unit="V", bounds=(None, -1e-6), doc="v_on: voltage below which it sets")
    off_threshold: Array = parameter(0.02, unit="V", bounds=(1e-6, None), doc="v_off: voltage above which it resets")
    initial: Array = state(0.0, unit="m", bounds=(0, None), doc="state at power-up")

    def start(self):
        """`initial` (m), on the scale of a nanometre."""
        return Unknown(self.initial, 1e-9)

    def bounds(self):
        """0 and D (m)."""
        return 0.0, self.length

    def go_together(self):
        """The state at power-up lies in [0, D]."""
        check.at_most("initial", self.initial, "length", self.length, "m")

    def current(self, voltage, state):
        """v / R(w), in A."""
        share = state / self.length
        return voltage / (self.high_resistance * share + self.low_resistance * (1 - share))

    def rate(self, voltage, state):
        """dw/dt, in m/s."""
        off = self.off_speed * overdrive(voltage / self.off_threshold, self.off_exponent)
        on = self.on_speed * overdrive(voltage / self.on_threshold, self.on_exponent)
        free = off + on
        position = jnp.clip(state / self.length, 0.0, 1.0)
        return held_inside(free * self.window.factor(position, free), state, *self.bounds())


def overdrive(ratio: Array, exponent: Array) -> Array:
    """(ratio - 1)^exponent above 1, else 0, with a finite derivative at 1."""
    above = ratio > 1
    return jnp.where(above, jnp.exp(exponent * jnp.log(jnp.where(above, ratio - 1, 1.0))), 0.0)
