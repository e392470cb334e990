"""What every memristive cell offers to the arrays, writers and circuits that hold it."""

import abc
from typing import Self

import equinox as eqx
from jaxtyping import Array, Key

from devsim.devices.memristor.conduction import Conduction
from devsim.part import Element
from devsim.physics import BOLTZMANN, ROOM_TEMPERATURE
from devsim.ports import Balance, Noise, Port, electrical, no_memory


class Cell(Element):
    """A two-terminal memory cell, or an array of them of one `shape`.

    Knobs are scalars or arrays of that shape; what is drawn or written has that shape. Conductances are low-field
    values in siemens; `conduction` bends the I-V curve around them.
    """

    conduction: eqx.AbstractVar[Conduction]
    minimum_conductance: eqx.AbstractVar[Array]
    maximum_conductance: eqx.AbstractVar[Array]

    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of cells."""

    @abc.abstractmethod
    def conductance(self) -> Array:
        """Stored conductance (S) at the cell's present age, without read noise; `shape()`."""

    @abc.abstractmethod
    def sample(self, key: Key[Array, ""]) -> Array:
        """Conductance (S) as one read finds it, with read noise; `shape()`."""

    @abc.abstractmethod
    def program(self, target: Array, key: Key[Array, ""]) -> Self:
        """Write `target` (S) once, open loop; the cell's clock starts anew. Targets beyond the range are clipped."""

    @abc.abstractmethod
    def nudge(self, pulses: Array, key: Key[Array, ""]) -> Self:
        """Apply signed pulse counts (up is positive); fractions are rounded with a straight-through derivative."""

    @abc.abstractmethod
    def pulse_step(self) -> Array:
        """Conductance (S) that one nominal pulse moves: what turns a wanted change into a pulse count."""

    def current(self, voltage: Array, conductance: Array) -> Array:
        """Current (A) through the cells at `voltage` (V) when their low-field conductance is `conductance` (S)."""
        return self.conduction.current(voltage, conductance)

    def ports(self) -> dict[str, Port]:
        """Two electrical buses of the array's shape."""
        return {"a": electrical(self.shape()), "b": electrical(self.shape())}

    def balance(self, t, p, x) -> Balance:
        """i = conduction(v, g), into `a` and out of `b`."""
        current = self.current(p["a"] - p["b"], self.conductance())
        return Balance({"a": current, "b": -current})

    def noise(self, p, x) -> dict[str, Noise]:
        """Johnson noise of the low-field conductance at 300 K, 4 k T g."""
        return {"thermal": Noise(4 * BOLTZMANN * ROOM_TEMPERATURE * self.conductance(), ("a", "b"))}

    rest = no_memory
