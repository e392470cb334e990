"""`Rows`: measured data as a fit takes them, device by device, checked against the axes of a bench."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from devsim import check
from devsim.check import InputError
from devsim.fit.bench import Axis, Bench

SAME_UNIT = {"": "1", "dimensionless": "1", "none": "1", "Ohm": "ohm", "Ω": "ohm", "Ohms": "ohm", "ohms": "ohm"}
"""Other spellings of a unit."""
NAMED = 5
"""How many rows a message names."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """The measurements of every device, padded to one length.

    devices: what `by` says of each, or one empty name. inputs: name -> (devices, rows). output, weight: (devices, rows);
    weight is what a residual is multiplied with (one over its standard deviation where that is known, which is `absolute`),
    zero where there is no measurement. counts: measurements of each device. columns: `x` (of the first input) and `y` as the
    data name them. warnings: what was left out.
    """

    devices: tuple[str, ...]
    inputs: dict[str, np.ndarray]
    output: np.ndarray
    weight: np.ndarray
    absolute: bool
    counts: np.ndarray
    columns: tuple[str, str]
    by: str | None
    warnings: tuple[str, ...]
    data: dict[str, str | int]


def rows_of(bench: Bench, data: Any, *, x: Any, y: str, by: str | None, sigma: Any, weights: Any) -> Rows:
    """The rows of `data`, a Dataset or a mapping of arrays, in SI.

    A row without a number is left out and counted in a warning; where only its output is missing it still tells a bench with
    memory what was done. Raises InputError for a column that is not there, units other than the bench's, lengths that differ,
    data without a number, weights that are negative or all zero, an input without its column.
    """
    table = _table(data)
    asked = _asked(bench, x, y)
    names = {**asked, **({"by": by} if by is not None else {})}
    for role, name in names.items():
        _column(table, name, role)
    for role, axis in (*bench.inputs.items(), ("output", bench.output)):
        _check_unit(table[asked[role]], asked[role], axis)
    if sigma is not None and weights is not None:
        raise InputError("`sigma` and `weights` must not both be given: the first is one over the square root of the second.")
    column = lambda value, name: _numbers(table[value] if isinstance(value, str) else value, name)
    flat = _flattened({role: table[name] for role, name in names.items()})
    values = {role: _numbers(flat[role], names[role]) for role in asked}
    given = sigma if sigma is not None else weights
    if isinstance(given, str):
        _column(table, given, "sigma" if sigma is not None else "weights")
    size = len(values["output"])
    extra = None if given is None else _filled(column(given, "sigma" if sigma is not None else "weights"), size)
    weight = _weight(bench, values["output"], extra, is_sigma=sigma is not None)
    labels = np.array([_label(each) for each in flat["by"]]) if by is not None else np.full(size, "")
    usable, warnings = _usable(bench, asked, values, weight)
    told = {"name": str(getattr(data, "attrs", {}).get("source", "data")), "sha256": _fingerprint(data, values, labels)}
    return _padded(bench, values, np.where(usable, weight, 0.0), labels, sigma is not None, asked, by, warnings, told)


def _table(data: Any) -> Mapping[str, xr.DataArray]:
    if isinstance(data, xr.Dataset):
        return {str(name): data[name] for name in data.variables}
    check.mapping("data", data, "names of columns to arrays")
    arrays = {name: value if isinstance(value, xr.DataArray) else np.asarray(value) for name, value in data.items()}
    lengths = {name: value.shape for name, value in arrays.items() if not isinstance(value, xr.DataArray)}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"`{name}` {shape}" for name, shape in lengths.items())
        raise InputError(f"The columns of `data` must have one shape, but have: {told}.")
    dims = lambda value: tuple(f"row{i}" for i in range(value.ndim))
    return {n: v if isinstance(v, xr.DataArray) else xr.DataArray(v, dims=dims(v)) for n, v in arrays.items()}


def _asked(bench: Bench, x: Any, y: Any) -> dict[str, str]:
    """Input -> column, and `output` -> column."""
    inputs = list(bench.inputs)
    if isinstance(x, str):
        if len(inputs) > 1:
            told = ", ".join(f"`{name}`" for name in inputs)
            raise InputError(f"`x` must give a column to each input of `{bench.name}` ({told}), but gives one name, `{x}`.")
        x = {inputs[0]: x}
    check.mapping("x", x, "inputs of the bench to columns")
    for name in x:
        if name not in inputs:
            raise InputError(f"`{name}` must be an input of `{bench.name}`, but is none.{check.suggest(str(name), inputs)}")
    for name in inputs:
        if name not in x:
            raise InputError(f"`x` must give a column to the input `{name}` of `{bench.name}` ({bench.inputs[name].doc}).")
    if not isinstance(y, str):
        raise InputError(f"`y` must be the name of a column, but is {check.described(y)}.")
    return {name: x[name] for name in inputs} | {"output": y}


def _column(table: Mapping[str, Any], name: Any, role: str) -> None:
    if name not in table:
        raise InputError(f"`data` has no column `{name}`, asked for as {role}.{check.suggest(str(name), table)}")


def _check_unit(array: xr.DataArray, name: str, axis: Axis) -> None:
    given = array.attrs.get("units", array.attrs.get("unit"))
    if given is None:
        return
    if SAME_UNIT.get(str(given), str(given)) != axis.unit:
        raise InputError(
            f"Mixed units: `{name}` must be in {_unit(axis.unit)} ({axis.doc}), but is in {_unit(str(given))}; "
            "convert it, or name the unit of the column when it is read."
        )


def _unit(unit: str) -> str:
    return "1 (a pure number)" if unit == "1" else unit


def _flattened(arrays: dict[str, xr.DataArray]) -> dict[str, np.ndarray]:
    """Columns of one length: those with fewer dimensions are repeated along the others."""
    try:
        together = xr.broadcast(*(array.reset_coords(drop=True) for array in arrays.values()))
    except ValueError as error:
        raise InputError(f"The columns of `data` must go together, but do not: {error}.") from error
    return {role: np.ravel(array.values) for role, array in zip(arrays, together, strict=True)}


def _numbers(value: Any, name: str) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise InputError(f"`{name}` must hold real numbers, but holds {'complex ones' if array.dtype.kind == 'c' else 'text'}.")
    return np.ravel(array).astype(float)


def _label(value: Any) -> str:
    """The name of a device, a whole number without its point."""
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def _filled(values: np.ndarray, size: int) -> np.ndarray:
    if values.size not in (1, size):
        raise InputError(f"`sigma` and `weights` must be one number or one for each of {size} rows, but have {values.size}.")
    return np.broadcast_to(values, (size,))


def _weight(bench: Bench, output: np.ndarray, given: np.ndarray | None, *, is_sigma: bool) -> np.ndarray:
    """What each residual is multiplied with."""
    if given is None:
        return np.ones(len(output))
    name = "sigma" if is_sigma else "weights"
    bad = ~np.isnan(given) & ((given <= 0) if is_sigma else (given < 0))
    if bad.any():
        wanted = "above 0" if is_sigma else "at least 0"
        raise InputError(f"`{name}` must be {wanted}, but is {given[bad][0]:g} in row {int(np.argmax(bad))}.")
    if not is_sigma:
        if not (given > 0).any():
            raise InputError("`weights` must leave something to fit, but all of them are 0.")
        return np.sqrt(given)
    relative = np.abs(output) if bench.residual == "logarithm" else 1.0
    return relative / given


def _usable(
    bench: Bench, asked: dict[str, str], values: dict[str, np.ndarray], weight: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which rows can be fitted, and what is said of the others."""
    fine = {asked[role]: np.isfinite(column) for role, column in values.items()} | {"the weight": np.isfinite(weight)}
    usable = np.logical_and.reduce(list(fine.values()))
    warnings = []
    if not usable.all():
        where = ", ".join(f"{int((~each).sum())} in `{name}`" for name, each in fine.items() if not each.all())
        rows = np.flatnonzero(~usable)
        if not usable.any():
            raise InputError(f"`data` must hold a row of numbers, but none of {len(usable)} rows is one ({where} are not).")
        warnings.append(f"{rows.size} of {len(usable)} rows hold no number ({where}) and are left out: {_listed(rows)}.")
    if bench.residual == "logarithm":
        zero = usable & (values["output"] == 0)
        if zero.any():
            warnings.append(
                f"{int(zero.sum())} rows have an output of 0, which has no logarithm, and are left out: "
                f"{_listed(np.flatnonzero(zero))}."
            )
        usable = usable & ~zero
    return usable, tuple(warnings)


def _listed(rows: np.ndarray) -> str:
    more = " and more" if rows.size > NAMED else ""
    return f"row{'s' * (rows.size > 1)} {', '.join(map(str, rows[:NAMED]))}{more}"


def _fingerprint(data: Any, values: dict[str, np.ndarray], labels: np.ndarray) -> str:
    told = getattr(data, "attrs", {}).get("sha256")
    if told:
        return str(told)
    digest = hashlib.sha256()
    for column in values.values():
        digest.update(np.ascontiguousarray(column).tobytes())
    digest.update("\n".join(labels).encode())
    return digest.hexdigest()


def _padded(bench, values, weight, labels, absolute, asked, by, warnings, told) -> Rows:
    known = np.logical_and.reduce([np.isfinite(values[name]) for name in bench.inputs])
    devices = tuple(dict.fromkeys(labels[known & (labels != "nan")].tolist()))
    if not devices:
        raise InputError(f"`{by}` must name a device, but names none." if by else "`data` must hold at least one row.")
    places = [np.flatnonzero(known & (labels == device)) for device in devices]
    longest = max(len(place) for place in places)
    index = np.array([np.concatenate([place, np.repeat(place[-1], longest - len(place))]) for place in places])
    there = np.arange(longest) < np.array([len(place) for place in places])[:, None]
    weight = np.where(there, weight[index], 0.0)
    counts = (weight > 0).sum(axis=1)
    output = np.nan_to_num(values["output"][index], nan=1.0, posinf=1.0, neginf=1.0)
    inputs = {name: values[name][index] for name in bench.inputs}
    columns = (asked[next(iter(bench.inputs))], asked["output"])
    return Rows(devices, inputs, output, weight, absolute, counts, columns, by, warnings, {**told, "rows": int(counts.sum())})
