"""`Memristor`: a two-terminal device whose internal state moves while it conducts."""

import abc
from typing import ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.preset import Preset, look_up, sources
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Port, Unknown, ageless, electrical

LAYER = 1e-3
"""Share of a state's range over which motion towards a bound that stops it dies away."""
RETURN = 1e-2
"""Share of a state's range at which a state outside of it comes back twice as fast."""


class Memristor(Element):
    """A device, or an array of them, with one state per device: i = current(v, w), dw/dt = rate(v, w).

    Ports `a` and `b`; the voltage is that of `a` against `b`. Because the state is a stored quantity, an operating
    point holds it: a read is not a relaxation. At 0 V the published equations keep the state for ever, so that `age`
    changes nothing. Thermal noise 4 k T dI/dv at v = 0 with the state as it is (one-sided), T that of the surroundings
    where the device has one, else 300 K; shot, 1/f and telegraph noise are left out. Knobs are scalars or arrays of the
    devices' shape.

    A step of finite length may carry the state past a bound, by less than it moves in that step: the device is then the
    one at the bound, which no longer moves outwards and comes back the faster the farther out it is. Steps should move
    the state by little of its range; where its motion feeds on itself (`Valid` of each device), by little of itself.
    """

    side_by_side = True
    catalogue: ClassVar[dict[str, Preset]]
    age = ageless

    @abc.abstractmethod
    def start(self) -> Unknown:
        """The state at power-up, of the devices' shape, and the size that counts as large for it."""

    @abc.abstractmethod
    def bounds(self) -> tuple[Array | float, Array | float]:
        """The smallest and the largest state."""

    @abc.abstractmethod
    def current(self, voltage: Array, state: Array) -> Array:
        """Current (A) into `a` at `voltage` (V), with the state inside of its bounds."""

    @abc.abstractmethod
    def rate(self, voltage: Array, state: Array) -> Array:
        """Change of the state per second at `voltage` (V); zero at a bound for motion beyond it."""

    @classmethod
    def preset(cls, name: str, shape: tuple[int, ...] = (), **changes) -> Self:
        """Devices with the published parameters `name`, all in its starting state; `changes` override."""
        fields = look_up(cls.catalogue, name) | changes
        return cls(**(fields | {"initial": jnp.broadcast_to(jnp.asarray(fields["initial"], float), shape)}))

    @classmethod
    def of(cls, shape: tuple[int, ...] = (), **changes) -> Self:
        """Devices with the parameters of the first preset."""
        return cls.preset(next(iter(cls.catalogue)), shape, **changes)

    @classmethod
    def presets(cls) -> dict[str, str]:
        """Preset name -> source."""
        return sources(cls.catalogue)

    def shape(self) -> tuple[int, ...]:
        """The shape of the array of devices."""
        return jnp.shape(self.start().value)

    def ports(self) -> dict[str, Port]:
        """Two electrical buses of the devices' shape."""
        return {"a": electrical(self.shape()), "b": electrical(self.shape())}

    def rest(self):
        """The state `w` of every device."""
        return {"w": self.start()}

    def balance(self, t, p, x) -> Balance:
        """The current through the device, and d(w)/dt - rate = 0."""
        voltage, state = p["a"] - p["b"], x["w"]
        low, high = self.bounds()
        inside = kept_inside(state, low, high)
        current = self.current(voltage, inside)
        rate = self.rate(voltage, inside)
        outside = jnp.minimum(jnp.abs(state - inside) / (high - low), 1.0)
        rate = rate * (1 + outside / RETURN)
        return Balance({"a": current, "b": -current, "w": -rate}, {"w": state})

    def noise(self, p, x) -> dict[str, Noise]:
        """Thermal noise of the conductance at no voltage."""
        state = kept_inside(x["w"], *self.bounds())
        still = jnp.zeros(self.shape(), state.dtype)
        conductance = jax.jvp(lambda v: self.current(v, state), (still,), (jnp.ones_like(still),))[1]
        return {"thermal": Noise(4 * BOLTZMANN * self.surroundings() * conductance, ("a", "b"))}

    def surroundings(self) -> Array | float:
        """Temperature (K) of the thermal noise."""
        return ROOM_TEMPERATURE


def held_inside(rate: Array, state: Array, low: Array, high: Array) -> Array:
    """`rate`, which dies away in proportion over the last `LAYER` of [low, high] where it leads out of it."""
    room = jnp.where(rate < 0, state - low, high - state) / (high - low)
    return rate * kept_inside(room / LAYER, 0.0, 1.0)


def kept_inside(value: Array, low: Array | float, high: Array | float) -> Array:
    """`value` clipped into [low, high], with a derivative of one at the bounds themselves."""
    return jnp.where(value < low, low, jnp.where(value > high, high, value))
