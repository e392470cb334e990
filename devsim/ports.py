"""Where a part meets a net: domains, shapes, directions; and what a part says of its physics there."""

from typing import NamedTuple

import equinox as eqx
from jaxtyping import Array

GROUND = "gnd"
"""The one reserved net: potential zero, takes any current."""


class Port(NamedTuple):
    """One port. `shape` is `()` for a pin and `(n,)` for a bus.

    domain: `electrical`, `optical`, `signal` or `spike`. On an optical port the part is told the wave that arrives and
    answers with the wave that leaves, complex envelopes in W^0.5.
    drives: the part decides the net's value. On an electrical net the driving port imposes the potential and is told
    the current into it (an ideal source, a virtual ground); every other electrical port is told the potential and
    answers with the current into it. On a signal or spike net the one driving port gives the value, the others read it.
    is_complex: the value is a complex number; always so on optical ports.
    """

    domain: str
    shape: tuple[int, ...] = ()
    drives: bool = False
    is_complex: bool = False


def electrical(shape: tuple[int, ...] = ()) -> Port:
    """A port that is told its potential (V) and answers with the current into it (A)."""
    return Port("electrical", shape)


def potential_out(shape: tuple[int, ...] = ()) -> Port:
    """An electrical port that imposes its potential (V) and is told the current into it (A)."""
    return Port("electrical", shape, drives=True)


def signal_in(shape: tuple[int, ...] = (), *, is_complex: bool = False) -> Port:
    """A port that reads a number or an array."""
    return Port("signal", shape, is_complex=is_complex)


def signal_out(shape: tuple[int, ...] = (), *, is_complex: bool = False) -> Port:
    """A port that drives a number or an array."""
    return Port("signal", shape, drives=True, is_complex=is_complex)


def optical(shape: tuple[int, ...] = ()) -> Port:
    """A port that is told the wave that arrives and answers with the wave that leaves (complex, W^0.5)."""
    return Port("optical", shape, is_complex=True)


def spikes_in(shape: tuple[int, ...] = ()) -> Port:
    """A port that is told the number of events of the present step."""
    return Port("spike", shape)


def spikes_out(shape: tuple[int, ...] = ()) -> Port:
    """A port that drives the number of events of the present step."""
    return Port("spike", shape, drives=True)


class Unknown(NamedTuple):
    """An internal unknown: its value at power-up (real or complex) and the size that counts as large for it.

    settles: an operating point finds the value at which nothing changes any more (an inductor's current, a heater's
    temperature); otherwise a stored unknown is memory, which a read leaves where it is (a memristor's state).
    """

    value: Array
    scale: float = 1.0
    settles: bool = False


class Stated(NamedTuple):
    """What an internal unknown equals: `value`, as it was `delay` seconds ago; without a delay, as it is.

    A delay is resolved by a transient whose steps are no longer, and by the phase in a small-signal analysis.
    """

    value: Array
    delay: Array | None = None


class Balance(NamedTuple):
    """A part's share of `static + d(stored)/dt = 0`.

    static: by port, the current into it, the potential it imposes, the value it drives or the wave that leaves; by
    internal unknown, the residual of its equation. stored: by port, the charge behind it; by internal unknown, the
    quantity whose rate of change enters its equation. stated: by internal unknown, what it equals, in place of an
    equation. A port or unknown that is left out contributes nothing.
    """

    static: dict[str, Array]
    stored: dict[str, Array] = {}
    stated: dict[str, Stated] = {}


class Noise(eqx.Module):
    """One noise source: a one-sided spectral density that acts between two ports, or in one equation.

    between: two ports (a current out of the first into the second), or `("unknown",)`, the internal unknown whose
    equation has the noise added to its value, or to its rate where it stores something.
    density: unit^2/Hz (A^2/Hz between electrical ports that are told their potential), at `corner` (Hz) where it is
    not white. colour: `white`; `flicker`, density x corner / f; `telegraph`, a Lorentzian with that `corner`.
    """

    density: Array
    between: tuple[str, ...] = eqx.field(static=True)
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
