"""`Chip`: a circuit together with what it is asked to do, how well it does it, and how it is drawn."""

import abc
import dataclasses
import inspect
import math
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
from jaxtyping import Array, Key

from devsim.circuit import Circuit
from devsim.part import Entry, Part, unknown_path
from devsim.ports import Port

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Metric:
    """What one number means: its unit, a line of explanation, whether more is better, whether an ideal network has one,
    and the values it can have, to which an interval is cut."""

    unit: str
    doc: str
    higher_is_better: bool = True
    has_ideal: bool = True
    low: float = -math.inf
    high: float = math.inf


def share(doc: str) -> Metric:
    """A metric between 0 and 1."""
    return Metric("1", doc, low=0.0, high=1.0)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure with the file name (without ending), title and caption under which a report shows it."""

    name: str
    title: str
    caption: str
    figure: "Figure"


class Chip(Part):
    """One chip of the gallery: its knobs are those of its circuit plus its own (how long it is stored, how it is asked).

    `budget_metric` names the metric by which imperfections are ranked, `usual_dies` how many dies a run measures unless told.
    `build` and `measure` are pure functions, so that dies run one at a time, vmapped, or far away with the same numbers.
    """

    circuit: eqx.AbstractVar[Circuit]
    name: ClassVar[str]
    metrics: ClassVar[dict[str, Metric]]
    budget_metric: ClassVar[str]
    usual_dies: ClassVar[int] = 32

    @classmethod
    @abc.abstractmethod
    def design(cls) -> Self:
        """The chip with its nominal parameters: the drawing."""

    @abc.abstractmethod
    def task(self, key: Key[Array, ""]) -> Any:
        """The data of the task, the same for every die and for the ideal chip."""

    def budget_task(self, task: Any) -> Any:
        """The part of the task on which the error budget is measured: all of it, unless a chip has too much."""
        return task

    @abc.abstractmethod
    def build(self, task: Any, key: Key[Array, ""]) -> Self:
        """One die, fabricated, programmed and aged, as the reads of the task find it."""

    @abc.abstractmethod
    def measure(self, task: Any, key: Key[Array, ""]) -> dict[str, Array]:
        """What a built die achieves: one number per metric."""

    def pictures(self, task: Any, key: Key[Array, ""]) -> list[Picture]:
        """The chip's own figures, from the die that `key` draws; none unless a chip draws some."""
        return []

    def about(self) -> str:
        """What the module of the chip says of it: a line, then paragraphs."""
        return inspect.cleandoc(sys.modules[type(self).__module__].__doc__ or "")

    def own(self) -> dict[str, Entry]:
        """The knobs of the chip that are not its circuit's."""
        return {path: e for path, e in Part.parameters(self).items() if not path.startswith("circuit.")}

    def parameters(self) -> dict[str, Entry]:
        """The chip's own knobs, then its circuit's, by dotted path."""
        return self.own() | self.circuit.parameters()

    def entry(self, path: str) -> Entry:
        """The row of the table at a dotted path."""
        if path in self.own():
            return self.own()[path]
        if "." not in path:
            raise unknown_path(path, self.parameters())
        return self.circuit.entry(path)

    def _assigned(self, path: str, leaf: Array, full: str) -> Self:
        if path in self.own():
            return super()._assigned(path, leaf, full)
        return self.put(circuit=self.circuit._assigned(path, leaf, full))

    def ports(self) -> dict[str, Port]:
        """The circuit's inputs and outputs."""
        return self.circuit.ports()

    def age(self, seconds, temperature, key):
        """The circuit, older."""
        return self.put(circuit=self.circuit.age(seconds, temperature, key))
