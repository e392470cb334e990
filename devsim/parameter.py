"""Physical quantities declared once, with all that the rest of the package needs to know of them."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from devsim import check, randomness
from devsim.check import Bounds, InputError

STAGES = ("design", "fabricate", "program", "age", "read")
_KEY = "devsim"
_FINITE = Bounds(-float(np.finfo(np.float32).max))
"""Of what has no bounds of its own, in either precision."""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What a field declares of itself.

    unit: SI, `1` for a pure number. bounds: allowed values. stage: the verb at which it acts. spreads: the field that
    `fabricate` draws with it. law: of that draw (`devsim.randomness.spread`). ideal: the value at which an
    imperfection vanishes; None for what is no imperfection. knob: False for what the part carries along (a programmed
    conductance), which is shown but not swept. is_complex: its values may be complex.
    """

    unit: str
    doc: str
    bounds: Bounds = Bounds()
    stage: str = "design"
    spreads: str | None = None
    law: str = "lognormal"
    ideal: float | None = None
    knob: bool = True
    is_complex: bool = False


def parameter(
    default: Any = dataclasses.MISSING,
    *,
    unit: str,
    doc: str,
    bounds: tuple = (None, None),
    stage: str = "design",
    spreads: str | None = None,
    law: str = "lognormal",
    ideal: float | None = None,
) -> Any:
    """A physical knob of a part: a float or an array, checked against `bounds` where its value is known.

    Infinity is refused, but above where `doc` says that an array is `padded with inf`.
    """
    assert stage in STAGES and law in randomness.LAWS, (stage, law)
    if "padded with inf" in doc:
        bounds = (bounds[0], np.inf, *bounds[2:])
    return _field(default, Quantity(unit, doc, Bounds(*bounds), stage, spreads, law, ideal))


def deviation(field: str, unit: str, law: str = "absolute", *, each: str = "lane") -> Any:
    """The knob that spreads `field` from one `each` to another: a normal draw added to it, or a log-normal factor on it."""
    words = "relative standard deviation" if law == "lognormal" else "standard deviation"
    return parameter(
        0.0,
        unit=unit,
        bounds=(0, None),
        stage="fabricate",
        spreads=field,
        law=law,
        ideal=0.0,
        doc=f"{words} of {field} from {each} to {each}",
    )


def state(
    default: Any = dataclasses.MISSING,
    *,
    unit: str,
    doc: str,
    bounds: tuple = (None, None),
    stage: str = "program",
    is_complex: bool = False,
) -> Any:
    """A quantity that a part carries along (a written conductance, its age): shown, not swept."""
    return _field(default, Quantity(unit, doc, Bounds(*bounds), stage, knob=False, is_complex=is_complex))


def _field(default, quantity: Quantity):
    return eqx.field(default=default, converter=_as_leaf_if_possible, metadata={_KEY: quantity})


def _as_leaf_if_possible(value: Any) -> Any:
    """A leaf, or `value` itself for `check_fields` to refuse: a converter does not know its field's name."""
    try:
        return as_leaf(value)
    except (InputError, ValueError, TypeError):
        return value


def as_leaf(value: Any) -> Any:
    """A strongly typed array: a weakly typed leaf would compile a second time. Tracers and keys pass unchanged."""
    if isinstance(value, jax.Array):
        whole = jnp.issubdtype(value.dtype, jnp.integer) or jnp.issubdtype(value.dtype, jnp.bool_)
        return value.astype(float) if whole else value.astype(value.dtype) if value.weak_type else value
    if value is None:
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        if array.dtype.kind not in "iub":
            raise InputError(f"A parameter must be a number or an array of numbers, but is {value!r}.")
        array = array.astype(float)
    return jnp.asarray(array)


def quantities(part: Any) -> dict[str, Quantity]:
    """The declared fields of a part (or of its class), by name, in the order of declaration."""
    return {f.name: f.metadata[_KEY] for f in dataclasses.fields(part) if _KEY in f.metadata}


def check_fields(part: Any) -> None:
    """Raise where a declared field of `part` is no real number or array, or leaves its bounds."""
    for field in dataclasses.fields(part):
        if _KEY not in field.metadata:
            continue
        name, value, quantity = field.name, getattr(part, field.name), field.metadata[_KEY]
        if value is None and field.default is None:
            continue
        dtype = getattr(value, "dtype", None)
        if dtype is not None and jnp.issubdtype(dtype, jnp.complexfloating) and not quantity.is_complex:
            raise InputError(f"`{name}` must be real, but is complex.")
        if value is None or isinstance(value, str | list | tuple | dict | type):
            raise InputError(f"`{name}` must be a number or an array of numbers, but is {check.described(value)}.")
        check.within(name, value, quantity.bounds, quantity.unit)
        if quantity.bounds == Bounds():
            check.within(name, value, _FINITE, quantity.unit)


@dataclasses.dataclass(frozen=True)
class Derived:
    """Another name for a knob, in a unit people use: a converter's `bits` for its `step`.

    `get(part)` tells its value; `put(part, value)` tells the values of the fields that it sets.
    """

    get: Any
    put: Any
    unit: str
    doc: str
    bounds: Bounds = Bounds()
