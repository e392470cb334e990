"""`read_measured`: measurements from files of many kinds, as rows of named quantities in SI."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from devsim import check
from devsim.check import InputError, shown
from devsim.exchange.iccap import read_iccap
from devsim.exchange.matlab import matlab_columns
from devsim.exchange.measured_table import Column, table_columns
from devsim.exchange.measured_unit import EntryUnit, entry_unit
from devsim.exchange.touchstone import scattering_of

LONGEST_NAME = 200
"""Characters of the name of a column."""
MOST_PORTS = 16
"""Of a Touchstone file: each pair of ports makes four columns."""


def read_measured(path: str | Path, *, units: Mapping[str, str] | None = None) -> xr.Dataset:
    """What a file measured: one variable (row,) for each column, in SI, with its `units`.

    path: told apart by its ending. `.csv`, `.tsv`, `.txt`, `.dat`: a table with units in its names, `V [V]`, `I (uA)`,
    `wavelength/nm`, or in a line below them; laser sweeps of SiEPIC's test stands among them. `.mat`: MATLAB, structs become
    `outer.inner`, the columns of a matrix `name_1`, `name_2`; a spectrum in SiEPIC's `scandata` becomes `wavelength` and
    `channel_1`, `channel_2`, ... `.mdm`, `.mdm.gz`: IC-CAP, each point a row, with `temperature` where it is told. `.s2p` and
    its kin: Touchstone, `frequency`, `wavelength`, and for every pair of ports the real and the imaginary part, the power and
    the phase of its parameter, `s21_real`, ...
    units: of columns that do not say theirs. dBm become watts, dB a ratio of powers, Celsius kelvin.
    Empty cells and those that say so are NaN, and so is what a laser sweep marks as below its range (-100 dBm).

    Raises InputError for a file that cannot be read so, a unit that is unknown or given twice, and two columns of one name.
    """
    units = {} if units is None else units
    check.mapping("units", units, "names of columns to units")
    if not isinstance(path, str | Path):
        raise InputError(f"`path` must be the path of a file of measurements, but is {check.described(path)}.")
    path = Path(path)
    columns, notes = _columns(path)
    return _dataset(columns, dict(units), notes, shown(path.name))


def _columns(path: Path) -> tuple[list[Column], dict]:
    """Columns in whatever unit they stand, and notes."""
    ending = path.name.lower()
    if ending.endswith((".csv", ".tsv", ".txt", ".dat")):
        return table_columns(path)
    if ending.endswith(".mat"):
        return matlab_columns(path)
    if ending.endswith((".mdm", ".mdm.gz")):
        return _of_grid(read_iccap(path))
    if re.search(r"\.s\d+p$|\.ts$", ending):
        return _of_touchstone(path)
    raise InputError(
        f"The file `{shown(path.name)}` must end in .csv, .tsv, .txt, .dat, .mat, .mdm, .mdm.gz or .s2p and its kin."
    )


def _of_grid(grid: xr.Dataset) -> tuple[list[Column], dict]:
    """Every point of a grid as a row, its coordinates as columns."""
    sizes = dict(grid.sizes)
    columns = []
    for name in [*grid.coords, *grid.data_vars]:
        variable = grid[name].variable.set_dims(sizes).transpose(*sizes)
        columns.append(Column(str(name), grid[name].attrs.get("units"), np.ravel(variable.values).astype(float)))
    temperature = grid.attrs.get("temperature")
    if temperature is not None and "temperature" not in grid.variables:
        columns.append(Column("temperature", "K", np.full(columns[0].values.size, temperature)))
    return columns, {}


def _of_touchstone(path: Path) -> tuple[list[Column], dict]:
    """Each scattering parameter as four columns over frequency."""
    _, frequency, scattering = scattering_of(path)
    ports = scattering.shape[1]
    if ports > MOST_PORTS:
        raise InputError(f"{shown(path.name)} must have at most {MOST_PORTS} ports to be a table, but has {ports}.")
    columns = [Column("frequency", "Hz", frequency)]
    if np.all(frequency > 0):
        columns.append(Column("wavelength", "m", 299_792_458.0 / frequency))
    between = "" if ports < 10 else "_"
    for out in range(ports):
        for into in range(ports):
            name, values = f"s{out + 1}{between}{into + 1}", scattering[:, out, into]
            parts = {"real": values.real, "imaginary": values.imag, "power": np.abs(values) ** 2}
            columns += [Column(f"{name}_{kind}", "1", part) for kind, part in parts.items()]
            columns.append(Column(f"{name}_phase", "rad", np.unwrap(np.angle(values))))
    return columns, {}


def _dataset(columns: list[Column], units: dict[str, str], notes: dict, name: str) -> xr.Dataset:
    """The columns in SI."""
    names = [column.name for column in columns]
    if any(len(column) > LONGEST_NAME for column in names):
        raise InputError(f"{name} must have names of at most {LONGEST_NAME} characters, but has one of {max(map(len, names))}.")
    twice = next((n for n in names if names.count(n) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise InputError(f"{name} must give every column another name, but has `{shown(twice)}` twice.")
    for column in units:
        if column not in names:
            raise InputError(f"There is no column `{shown(str(column))}` in {name}.{check.suggest(str(column)[:60], names)}")
    if len({column.values.size for column in columns}) > 1:
        raise InputError(f"{name} must have columns of one length, but they differ.")
    variables = {}
    for column in columns:
        unit = _unit(column, units, name)
        values = unit.convert(np.asarray(column.values, float))
        if np.any(np.isinf(values)):
            raise InputError(f"The column `{shown(column.name)}` of {name} must be finite in {unit.si}, but is too large.")
        variables[column.name] = (("row",), values, {"units": unit.si})
    return xr.Dataset(variables, attrs={"source": name} | notes)


def _unit(column: Column, units: dict[str, str], name: str) -> EntryUnit:
    """The one unit of a column, from the file or from the caller."""
    given, title = units.get(column.name), shown(column.name)
    if given is not None and not isinstance(given, str):
        raise InputError(f"The unit of `{title}` must be text like `uA`, but is {check.described(given)}.")
    own = None if column.unit is None else entry_unit(column.unit)
    if column.unit is not None and own is None and " and " in column.unit:
        raise InputError(f"The column `{title}` of {name} must have one unit, but has {shown(column.unit)}.")
    if own is not None and given is not None:
        raise InputError(
            f"The column `{title}` of {name} must have its unit from one place, but the file says `{shown(column.unit or '')}`"
            f" and `units` says `{shown(given)}`."
        )
    text = given if given is not None else column.unit
    found = own if given is None and own is not None else None if text is None else entry_unit(text)
    if text is not None and found is None:
        raise InputError(
            f"The column `{title}` of {name} must have a unit like V, uA, nm, dBm or A/cm^2, but has `{shown(text, 30)}`;"
            f" give `units`."
        )
    return found or EntryUnit("1", 1.0)
