"""When a transient steps and what it keeps: options of the command over what the file says."""

import dataclasses
import math
from typing import Self

from devsim.check import InputError
from devsim.exchange import Transient

MOST_KEPT, MOST_STEPS = 10_000_000, 10_000_000_000


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Steps of `step` seconds up to `duration` (s), every `every`-th of them kept, shown from `start` (s) on.

    wanted: the time (s) between kept points that was asked for, before it was made to divide the duration. from_initial:
    what is charged starts at its initial potential instead of at an operating point. is_fixed: the step was an option, and
    is not to be divided further; a file's step is only the time between points, as it is in SPICE.
    """

    duration: float
    step: float
    every: int
    start: float
    wanted: float
    from_initial: bool
    is_fixed: bool

    @classmethod
    def of(cls, deck: Transient | None, *, duration: float | None, step: float | None, every: int) -> Self:
        """The schedule; options that are None come from the file.

        A file's step is the time between points, its maximum step that of the integration. The number of points is rounded
        up, so that they divide the duration. Raises InputError where duration or step are missing, not above zero, or too
        many.
        """
        longest = deck.maximum_step if deck and step is None else None
        is_fixed = step is not None
        duration = deck.duration if deck and duration is None else duration
        step = deck.step if deck and step is None else step
        if duration is None or step is None:
            missing = "--duration" if duration is None else "--step"
            raise InputError(f"`{missing}` must be given, such as {missing} 1us, since the file asks for no transient.")
        for name, value in (("--duration", duration), ("--step", step)):
            if not 0 < value < math.inf:
                raise InputError(f"`{name}` must be above 0 s, but is {value:g} s.")
        if every < 1:
            raise InputError(f"`--every` must be at least 1, but is {every}.")
        if step > duration * (1 + 1e-9):
            raise InputError(f"`--step` must be at most the duration, {duration:g} s, but is {step:g} s.")
        if duration / step > MOST_STEPS:
            raise InputError(f"`--step` must make at most {MOST_STEPS:g} steps, but makes {duration / step:g}.")
        points = max(1, math.ceil(duration / (step * every) * (1 - 1e-12) - 1e-9))
        if points > MOST_KEPT:
            raise InputError(f"`--every` must keep at most {MOST_KEPT:g} points, but keeps {points}; take more steps a point.")
        wanted = step * every
        finer = 1 if longest is None else max(1, math.ceil(duration / points / every / longest * (1 - 1e-12)))
        start = deck.start if deck and deck.start < duration else 0.0
        from_initial = bool(deck and deck.from_initial)
        return cls(duration, duration / points / every / finer, every * finer, start, wanted, from_initial, is_fixed)

    def notes(self) -> list[str]:
        """What a user should know: that points lie closer than was asked for, and where the run starts."""
        given, told = self.step * self.every, []
        if abs(given / self.wanted - 1) > 1e-9:
            whole = f"so that they divide the {self.duration:g} s"
            told.append(f"note: points lie {given:.9g} s apart instead of {self.wanted:.9g} s, {whole}.")
        if self.from_initial:
            told.append("note: `uic` starts capacitors at `ic=`, `.ic` or 0 V and inductors at `ic=` or 0 A.")
        return told
