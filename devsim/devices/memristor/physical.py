"""`Memristor`: a two-terminal device whose internal state moves while it conducts."""

import abc
from typing import ClassVar, Self

import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor.preset import Preset, look_up, sources
from devsim.part import Element
from devsim.ports import Balance, Port, Unknown, ageless, electrical, quiet


class Memristor(Element):
    """A device, or an array of them, with one state per device: i = current(v, w), dw/dt = rate(v, w).

    Ports `a` and `b`; the voltage is that of `a` against `b`. Because the state is a stored quantity, an operating
    point holds it: a read is not a relaxation. At 0 V the published equations keep the state for ever, so that `age`
    changes nothing. The models have no noise of their own. Knobs are scalars or arrays of the devices' shape.
    """

    catalogue: ClassVar[dict[str, Preset]]
    age = ageless
    noise = quiet

    @abc.abstractmethod
    def start(self) -> Unknown:
        """The state at power-up, of the devices' shape, and the size that counts as large for it."""

    @abc.abstractmethod
    def current(self, voltage: Array, state: Array) -> Array:
        """Current (A) into `a` at `voltage` (V)."""

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
        voltage = p["a"] - p["b"]
        current = self.current(voltage, x["w"])
        return Balance({"a": current, "b": -current, "w": -self.rate(voltage, x["w"])}, {"w": x["w"]})


def held_inside(rate: Array, state: Array, low: Array, high: Array) -> Array:
    """`rate`, or zero where it would carry `state` out of [low, high]."""
    leaving = ((state <= low) & (rate < 0)) | ((state >= high) & (rate > 0))
    return jnp.where(leaving, 0.0, rate)
