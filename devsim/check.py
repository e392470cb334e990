"""The one wording of errors: what is wrong, what is allowed, what was given, how to mend it."""

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np


class InputError(ValueError):
    """What a user gave cannot be used; the message is one line that says how to mend it."""


class SolveError(RuntimeError):
    """A solve did not reach its tolerance; the message names the worst net or part and what to try.

    solution: what was computed before it failed, where there is something.
    """

    def __init__(self, message: str, solution=None):
        super().__init__(message)
        self.solution = solution


class Bounds(NamedTuple):
    """The interval of allowed values; `None` is no bound, an `open_low` or `open_high` bound is itself excluded."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def __str__(self) -> str:
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        left = "(" if self.low is None or self.open_low else "["
        right = ")" if self.high is None or self.open_high else "]"
        return f"{left}{low}, {high}{right}"

    def requirement(self, unit: str) -> str:
        """The interval in words: `at least 0 ohm`."""
        unit = "" if unit == "1" else f" {unit}"
        low, high = self.low, self.high
        words = []
        if low is not None and low > -np.inf:
            words.append(f"{'above' if self.open_low else 'at least'} {low:g}{unit}")
        if high is not None and high < np.inf:
            words.append(f"{'below' if self.open_high else 'at most'} {high:g}{unit}")
        return " and ".join(words) or "a finite number"

    def outside(self, value: np.ndarray) -> np.ndarray:
        """True where `value` is not allowed; NaN never is; infinity is only without bounds, or as the bound itself."""
        bad = np.isnan(value)
        if self.low is not None or self.high is not None:
            bad |= (np.isposinf(value) & (self.high != np.inf)) | (np.isneginf(value) & (self.low != -np.inf))
        if self.low is not None:
            bad |= value <= self.low if self.open_low else value < self.low
        if self.high is not None:
            bad |= value >= self.high if self.open_high else value > self.high
        return bad


def above(low: float, high: float | None = None) -> Bounds:
    """Bounds that exclude `low` itself: a resistance is above zero."""
    return Bounds(low, high, open_low=True)


def is_concrete(value) -> bool:
    """True for an array whose numbers can be looked at, that is, outside of a JAX transformation."""
    if isinstance(value, np.ndarray | np.generic | float | int):
        return True
    import jax  # here, so that a command line that only looks things up never pays for it

    return isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)


def within(name: str, value, bounds: Bounds, unit: str = "1") -> None:
    """Raise where a concrete `value` leaves `bounds`; inside a transformation nothing is looked at."""
    if not is_concrete(value):
        return
    array = np.asarray(value)
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        return
    bad = bounds.outside(array)
    if bad.any():
        worst = array[bad].flat[0]
        where = "" if array.ndim == 0 else f" at index {tuple(int(i) for i in np.argwhere(bad)[0])}"
        unit_text = "" if unit == "1" else f" {unit}"
        wanted = "finite" if np.isinf(worst) else bounds.requirement(unit)
        raise InputError(f"`{name}` must be {wanted}, but is {worst:g}{unit_text}{where}.")


def at_most(name: str, value, limit_name: str, limit, unit: str = "1", *, strict: bool = False) -> None:
    """Raise where a known `value` is above (`strict`: not below) another known one, beyond its rounding."""
    if not (is_concrete(value) and is_concrete(limit)) or broadcast(np.shape(value), np.shape(limit)) is None:
        return
    value, limit = np.broadcast_arrays(np.asarray(value), np.asarray(limit))
    bad = value >= limit if strict else value > limit + 1e-6 * np.abs(limit)
    if bad.any():
        unit = "" if unit == "1" else f" {unit}"
        words = f"{'below' if strict else 'at most'} `{limit_name}` ({limit[bad].flat[0]:g}{unit})"
        raise InputError(f"`{name}` must be {words}, but is {value[bad].flat[0]:g}{unit}.")


def whole(name: str, value, low: int) -> None:
    """Raise where `value` is not a whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise InputError(f"`{name}` must be a whole number of at least {low}, but is {described(value)}.")


def mapping(name: str, value, what: str) -> None:
    """Raise where `value` is not a mapping, `what` saying from which names to what."""
    if not isinstance(value, Mapping):
        raise InputError(f"`{name}` must be a mapping from {what}, but is {described(value)}.")


def real(name: str, value) -> None:
    """Raise where `value` is missing or complex."""
    if value is None or np.issubdtype(getattr(value, "dtype", np.dtype(float)), np.complexfloating):
        what = "None" if value is None else "complex"
        raise InputError(f"`{name}` must be a real number or an array of them, but is {what}.")


def key(value, *, single: bool = True) -> None:
    """Raise where `value` is not a typed random key, or not a `single` one."""
    import jax

    if single and np.shape(value) != () and hasattr(value, "dtype") and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key):
        raise InputError(f"`key` must be one key, but has shape {np.shape(value)}; use `jax.vmap` over keys.")
    if not jax.numpy.issubdtype(getattr(value, "dtype", np.dtype(float)), jax.dtypes.prng_key):
        raise InputError(f"`key` must be made by `jax.random.key(seed)`, but is {described(value)}.")


def described(value) -> str:
    """What arrived, in one short line: a number or a word as it is, anything else by its kind."""
    if isinstance(value, type):
        return f"the class {value.__name__} itself"
    text = repr(value)
    return (
        text if isinstance(value, bool | int | float | complex | str | None) and len(text) < 60 else f"a {type(value).__name__}"
    )


def shown(text: str, most: int = 60) -> str:
    """A piece of a file for an error message: one line, printable, not long."""
    plain = "".join(c if c.isprintable() else "?" for c in text[: most + 1].strip())
    return plain if len(text) <= most else plain[: most - 3] + "..."


def finite(name: str, value) -> None:
    """Raise where a concrete `value` holds NaN or infinity, with how many and where the first is."""
    if not is_concrete(value):
        return
    array = np.asarray(value)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"`{name}` must be finite, but {int(bad.sum())} of {array.size} values are not (first at index {first})."
        )


def magnitude_one(name: str, value, tolerance: float) -> None:
    """Raise where the magnitude of a known complex number is off one by more than `tolerance`, with how many and the first."""
    if not is_concrete(value):
        return
    magnitude = np.abs(np.asarray(value))
    wrong = np.argwhere(~(np.abs(magnitude - 1) < tolerance))
    if len(wrong):
        first = tuple(int(i) for i in wrong[0])
        raise InputError(
            f"`{name}` must hold complex numbers of magnitude 1, but {len(wrong)} of {magnitude.size} have another "
            f"(first {magnitude[first]:g} at index {first}); `jnp.exp(1j * phase)` makes them."
        )


def instance(name: str, value, kind: type) -> None:
    """Raise where `value` is not of a `kind`."""
    if not isinstance(value, kind):
        raise InputError(f"`{name}` must be a {kind.__name__}, but is {described(value)}.")


def shape(name: str, value, expected: tuple[int, ...], what: str) -> None:
    """Raise where `value` does not end in the `expected` shape; leading axes are free."""
    given = np.shape(value)
    if given[len(given) - len(expected) :] != tuple(expected) or len(given) < len(expected):
        raise InputError(f"`{name}` must match {what} (shape {tuple(expected)}), but has shape {given}.")


def fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """True where an array of shape `given` can be broadcast to the shape `wanted`."""
    return broadcast(given, wanted) == tuple(wanted)


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape to which `shapes` broadcast together, or None."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def one_of(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise where `value` is not among `allowed`, with the nearest ones."""
    allowed = sorted(allowed)
    if value not in allowed:
        raise InputError(f"`{name}` must be one of {', '.join(allowed)}, but is `{value}`.{suggest(value, allowed)}")


def suggest(given: str, known: Iterable[str], most: int = 3) -> str:
    """` Did you mean ...?` with the names nearest to `given`, or the first of those there are."""
    known = list(known)
    near = difflib.get_close_matches(given, known, n=most, cutoff=0.5)
    tail = given.rsplit(".", 1)[-1]
    near += [k for k in known if k.rsplit(".", 1)[-1] == tail and k not in near][: most - len(near)]
    if near:
        return f" Did you mean {' or '.join(f'`{n}`' for n in near)}?"
    shown = ", ".join(f"`{n}`" for n in known[:8])
    return f" There are {shown}{' and more' if len(known) > 8 else ''}." if known else ""
