"""Values along one coordinate as an `xarray.Dataset` that a netCDF file can hold."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from devsim.check import InputError


def dataset(
    over: tuple[str, np.ndarray, str], variables: Mapping[str, tuple[np.ndarray, str]], **attributes: str
) -> xr.Dataset:
    """Values along one coordinate: `over` is its name, values and unit; variables: name -> (values, unit).

    A leading axis that the coordinate's values have too is that of dies, `die`. Complex values become real and imaginary
    parts. A name that a netCDF file cannot hold (a slash opens a folder there) or that is the coordinate's is changed a
    little. Raises InputError for several leading axes, or dies that differ in the coordinate.
    """
    coordinate, points, unit = over
    points, lead = _shared(coordinate, points)
    found = xr.Dataset(coords={coordinate: (coordinate, points, {"units": unit})}, attrs=attributes)
    for key, (values, unit) in variables.items():
        name = f"{key}_" if key == coordinate else key.replace("/", "|")
        parts = {f"{name}.real": values.real, f"{name}.imag": values.imag} if np.iscomplexobj(values) else {name: values}
        lanes = (f"{name} lane {k}" for k in range(values.ndim - len(lead) - 1))
        dims = (*lead, coordinate, *lanes)
        found = found.assign({part: (dims, each, {"units": unit}) for part, each in parts.items()})
    return found


def _shared(coordinate: str, points: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The coordinate that all dies share, (n,), and the names of the leading axes; InputError where there is none."""
    if points.ndim == 1:
        return points, ()
    if points.ndim > 2:
        raise InputError(
            f"A dataset holds one result or one leading axis of dies, but `{coordinate}` has shape {points.shape}; take one"
            " die after another with `jax.tree.map(lambda leaf: leaf[k], result)`."
        )
    if (points != points[:1]).any():
        raise InputError(f"A dataset of several dies needs one `{coordinate}` for all of them, but theirs differ.")
    return points[0], ("die",)
