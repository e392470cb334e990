"""Values along one coordinate as an `xarray.Dataset` that a netCDF file can hold."""

from collections.abc import Mapping

import numpy as np
import xarray as xr


def dataset(
    over: tuple[str, np.ndarray, str], variables: Mapping[str, tuple[np.ndarray, str]], **attributes: str
) -> xr.Dataset:
    """Values along one coordinate: `over` is its name, values and unit; variables: name -> (values, unit).

    Complex values become real and imaginary parts. A name that a netCDF file cannot hold (a slash opens a folder there) or
    that is the coordinate's is changed a little.
    """
    coordinate, points, unit = over
    found = xr.Dataset(coords={coordinate: (coordinate, points, {"units": unit})}, attrs=attributes)
    for key, (values, unit) in variables.items():
        name = f"{key}_" if key == coordinate else key.replace("/", "|")
        parts = {f"{name}.real": values.real, f"{name}.imag": values.imag} if np.iscomplexobj(values) else {name: values}
        lanes = (f"{name} lane {k}" for k in range(values.ndim - 1))
        dims = (coordinate, *lanes)
        found = found.assign({part: (dims, each, {"units": unit}) for part, each in parts.items()})
    return found
