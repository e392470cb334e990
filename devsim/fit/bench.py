"""`Bench`: what a fit fits, a device under test and the way in which it was measured."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Array

from devsim.part import Part
from devsim.ports import Port, ageless


@dataclasses.dataclass(frozen=True)
class Axis:
    """A measured quantity: its SI unit and what it is."""

    unit: str
    doc: str


@dataclasses.dataclass(frozen=True)
class Search:
    """Where a fit looks for a parameter to begin with: evenly between the ends, or evenly in the logarithm."""

    low: float
    high: float
    logarithmic: bool = False


class Bench(Part):
    """A device under test and how it was measured. Its knobs, here and in the device, are what a fit may free.

    The device is the field `device`: a fitted `device.x` becomes the knob `x` of that device in a chip, while a knob of the
    bench itself (where a trace begins, the floor of an ammeter) stays with the measurement.

    inputs: what was set, name -> axis, the first of them the one that plots run over. output: what was read. free: the paths
    that are fitted unless told otherwise. search: path -> where starts lie, for every path that may be free and has no two
    finite bounds. residual: `value`, or `logarithm` where the noise is relative and the output spans decades.
    """

    name: ClassVar[str]
    inputs: ClassVar[dict[str, Axis]]
    output: ClassVar[Axis]
    free: ClassVar[tuple[str, ...]]
    search: ClassVar[dict[str, Search]] = {}
    residual: ClassVar[str] = "value"
    age = ageless

    def ports(self) -> dict[str, Port]:
        """None: a bench is asked through `predict`."""
        return {}

    @abc.abstractmethod
    def predict(self, inputs: Mapping[str, Array]) -> Array:
        """The output (n,) at the rows `inputs`, name -> (n,); differentiable. A row may depend on those before it only."""

    def guess(self, inputs: Mapping[str, Array], output: Array) -> dict[str, Array]:
        """Path -> a first value read off the data, which joins the starts; nothing unless a bench knows better."""
        return {}
