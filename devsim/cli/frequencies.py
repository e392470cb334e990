"""Which frequencies an analysis runs over: options of the command over what the file says."""

import math

import numpy as np

from devsim.check import InputError
from devsim.exchange import NoiseAnalysis, SmallSignal

MOST_POINTS = 1_000_000
PER_DECADE = 20
"""Frequencies in a decade where nobody says."""


def frequencies(
    deck: SmallSignal | NoiseAnalysis | None, *, start: float | None, stop: float | None, per_decade: int | None
) -> np.ndarray:
    """The frequencies (Hz), ascending; options that are None come from the file.

    Points to a decade or an octave are as close as asked for or a little less, so that the last is at `stop`, as in
    ngspice. Raises InputError where the ends are missing or not above zero, or there are too many.
    """
    first = deck.start if deck and start is None else start
    last = deck.stop if deck and stop is None else stop
    if first is None or last is None:
        missing = "--start" if first is None else "--stop"
        raise InputError(f"`{missing}` must be given, such as {missing} 1kHz, since the file asks for no such analysis.")
    kind, points = (deck.sweep, deck.points) if deck and per_decade is None else ("dec", per_decade or PER_DECADE)
    if per_decade is not None and per_decade < 1:
        raise InputError(f"`--points-per-decade` must be at least 1, but is {per_decade}.")
    for name, value in (("--start", first), ("--stop", last)):
        if not 0 < value < math.inf:
            raise InputError(f"`{name}` must be above 0 Hz, but is {value:g} Hz.")
    if last < first:
        raise InputError(f"`--stop` must be at least `--start` ({first:g} Hz), but is {last:g} Hz.")
    spans = points - 1 if kind == "lin" else math.floor(points * math.log(last / first, 10 if kind == "dec" else 2) + 1e-9)
    if spans >= MOST_POINTS:
        raise InputError(f"A sweep must have at most {MOST_POINTS} frequencies, but has {spans + 1}.")
    if last == first:
        return np.array([first])
    return (np.linspace if kind == "lin" else np.geomspace)(first, last, max(spans, 1) + 1)
