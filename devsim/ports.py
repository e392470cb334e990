"""Where a part meets a net: domains, shapes, directions; and what a part says of its physics there."""

from typing import NamedTuple

import equinox as eqx
from jaxtyping import Array

GROUND = "gnd"
"""The one reserved net: potential zero, takes any current."""


class Port(NamedTuple):
    """One port. `shape` is `()` for a pin and `(n,)` for a bus.

    drives: the part decides the net's value. On an electrical net the driving port imposes the potential and is told
    the current into it (an ideal source, a virtual ground); every other electrical port is told the potential and
    answers with the current into it. On a signal net the one driving port gives the value, the others read it.
    """

    domain: str
    shape: tuple[int, ...] = ()
    drives: bool = False


def electrical(shape: tuple[int, ...] = ()) -> Port:
    """A port that is told its potential (V) and answers with the current into it (A)."""
    return Port("electrical", shape)


def potential_out(shape: tuple[int, ...] = ()) -> Port:
    """An electrical port that imposes its potential (V) and is told the current into it (A)."""
    return Port("electrical", shape, drives=True)


def signal_in(shape: tuple[int, ...] = ()) -> Port:
    """A port that reads a number or an array."""
    return Port("signal", shape)


def signal_out(shape: tuple[int, ...] = ()) -> Port:
    """A port that drives a number or an array."""
    return Port("signal", shape, drives=True)


class Unknown(NamedTuple):
    """An internal unknown: its value at power-up and the size that counts as large for it."""

    value: Array
    scale: float = 1.0


class Balance(NamedTuple):
    """A part's share of `static + d(stored)/dt = 0`.

    static: by port, the current into it, the potential it imposes or the value it drives; by internal unknown, the
    residual of its equation. stored: by port, the charge behind it; by internal unknown, the quantity whose rate of
    change enters its equation. A port or unknown that is left out contributes nothing.
    """

    static: dict[str, Array]
    stored: dict[str, Array] = {}


class Noise(eqx.Module):
    """One noise source: a one-sided spectral density that acts between two ports.

    density: unit^2/Hz (A^2/Hz between electrical ports that are told their potential), at `corner` (Hz) where it is
    not white. colour: `white`; `flicker`, density x corner / f; `telegraph`, a Lorentzian with that `corner`.
    """

    density: Array
    between: tuple[str, str] = eqx.field(static=True)
    colour: str = eqx.field(static=True, default="white")
    corner: float = eqx.field(static=True, default=1.0)


def no_memory(self) -> dict[str, Unknown]:
    """`rest` of a part without internal unknowns."""
    return {}


def quiet(self, p, x) -> dict[str, Noise]:
    """`noise` of a part without noise sources."""
    return {}


def ageless(self, seconds, temperature, key):
    """`age` of a part on which time leaves no mark."""
    return self
