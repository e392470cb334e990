"""`Deck`: a circuit from a file, and what the file asks to be computed of it."""

import dataclasses
from collections.abc import Mapping

from devsim.circuit import Circuit

SWEEPS = ("dec", "oct", "lin")
"""How the points of a frequency sweep lie: so many a decade, so many an octave, or so many in all."""


@dataclasses.dataclass(frozen=True)
class OperatingPoint:
    """`.op`: the circuit at rest."""


@dataclasses.dataclass(frozen=True)
class Transient:
    """`.tran`: from 0 to `duration` (s); points are kept every `step` (s) from `start` (s) on.

    maximum_step: the longest step of the integration (s), or None. from_initial: what is stored starts as the deck says
    (`Deck.power_up`), or empty, instead of at an operating point (`uic`).
    """

    duration: float
    step: float
    start: float = 0.0
    maximum_step: float | None = None
    from_initial: bool = False


@dataclasses.dataclass(frozen=True)
class SmallSignal:
    """`.ac`: frequencies from `start` to `stop` (Hz); `points` a decade, an octave, or in all, as `sweep` says."""

    sweep: str
    points: int
    start: float
    stop: float


@dataclasses.dataclass(frozen=True)
class NoiseAnalysis:
    """`.noise`: noise at net `output` against net `reference` (None is ground), referred to the part `source`.

    Frequencies as in `SmallSignal`.
    """

    output: str
    reference: str | None
    source: str
    sweep: str
    points: int
    start: float
    stop: float


Analysis = OperatingPoint | Transient | SmallSignal | NoiseAnalysis


@dataclasses.dataclass(frozen=True)
class Deck:
    """A circuit from a file.

    circuit: with the direct values of its sources, for an operating point and what is linear around it.
    transient_circuit: with their waveforms in place of the direct values. stimuli: source -> (magnitude in V or A,
    phase in rad) of its small signal. analyses: in the order of the file. initial: net -> potential (V) to start from.
    warnings: what the file says that was left out, in one line each. power_up: net -> potential (V) and `part.unknown` ->
    value from which charges and fluxes start under `uic`.
    """

    title: str
    circuit: Circuit
    transient_circuit: Circuit
    stimuli: Mapping[str, tuple[float, float]]
    analyses: tuple[Analysis, ...]
    initial: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    power_up: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        kinds = ", ".join(type(each).__name__ for each in self.analyses) or "no analyses"
        parts, nets = len(self.circuit.netlist.names()), len(self.circuit.nets)
        lines = [f"{self.title or 'untitled'}: {parts} parts, {nets} nets; {kinds}"]
        return "\n".join([*lines, *(f"  left out: {warning}" for warning in self.warnings)])

    __repr__ = __str__
