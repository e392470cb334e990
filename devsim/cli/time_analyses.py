"""The analyses of a circuit file at rest and in time, each as a `Finding`."""

import functools
from collections.abc import Callable, Sequence

import jax
import numpy as np

from devsim import plot_analyses
from devsim.analyses.operating_point import operating_point
from devsim.analyses.start import PowerUp
from devsim.analyses.transient import refined, transient
from devsim.check import SolveError
from devsim.circuit import Circuit
from devsim.cli.finding import Finding, Rows, listed, worded
from devsim.cli.schedule import Schedule
from devsim.cli.workbench import Workbench
from devsim.dataset import dataset
from devsim.solution import Solution
from devsim.trajectory import UNITS, Trajectory
from devsim.units import engineering

TOLERANCE = 5e-4
"""By how much, relative to its swing, dividing the steps by four may still change a net."""
JUMP = 1e-5
"""Within which share of a step what is stored becomes what it is just after the sources are switched on."""


def at_rest(bench: Workbench) -> Finding:
    """The operating point: every net, and for people the currents of sources."""
    found = operating_point(bench.circuit, bench.inputs)
    ports = bench.circuit.netlist.net_ports()
    nets = {net: np.asarray(found[net]) for net in found.nets()}
    cells = [(net, worded(value, UNITS[ports[net].domain])) for net, value in nets.items()]
    tables = [Rows.of(f"{bench.file.name}: operating point, {found.words()}", ("net", "value"), cells)]
    if currents := _currents(bench.circuit, found):
        tables.append(Rows.of("", ("part", "current into its first pin"), currents))
    return Finding({"nets": {net: listed(value) for net, value in nets.items()}}, tables)


def _currents(circuit: Circuit, found: Solution) -> list[tuple[str, ...]]:
    """The currents of parts that have them as an unknown: sources of potential, inductors."""
    plan = found.plan
    slots = {part: plan.slots.get(("unknown", part, "current")) for part in circuit.netlist.names()}
    return [(part, worded(slot.read(found.segments), "A")) for part, slot in slots.items() if slot]


def over_time(
    bench: Workbench,
    schedule: Schedule,
    *,
    method: str | None,
    seed: int | None,
    keep: Sequence[str],
    rescue: Callable[[Finding], str],
    complain: Callable[[str], object],
) -> Finding:
    """The transient; noise is drawn where there is a `seed`, else a step that is not fixed is divided until it suffices.

    Where a step fails, `rescue` is given what was found before and says where that lies; then SolveError goes on.
    """
    initial = dict(bench.deck.initial) or None
    if schedule.from_initial:
        initial = PowerUp(bench.deck.power_up, within=JUMP * schedule.step)
    options = {
        "duration": schedule.duration,
        "step": schedule.step,
        "every": schedule.every,
        "method": method,
        "keep": list(keep) or None,
        "initial": initial,
    }
    try:
        if seed is not None or schedule.is_fixed:
            key = None if seed is None else jax.random.key(seed)
            found = transient(bench.circuit, bench.inputs, key=key, **options)
        else:
            found, divisions, change = refined(bench.circuit, bench.inputs, tolerance=TOLERANCE, **options)
            if change > TOLERANCE:
                complain(
                    f"warning: {_accuracy(schedule.step / divisions, change)}; give a smaller step in the file, or `--step`."
                )
    except SolveError as error:
        if not isinstance(error.solution, Trajectory):
            raise
        place = rescue(_of_trajectory(bench, error.solution, schedule.start, keep))
        raise SolveError(f"{error} What was found before is in `{place}`.", error.solution) from error
    return _of_trajectory(bench, found, schedule.start, keep)


def _accuracy(step: float, change: float) -> str:
    """What the last division of the steps changed."""
    return (
        f"in steps of {engineering(step, 's')}, which differ from four times longer ones by {100 * change:.2g} % of the swing"
    )


def _of_trajectory(bench: Workbench, found: Trajectory, start: float, keep: Sequence[str]) -> Finding:
    names = list(dict.fromkeys(keep)) or bench.circuit.netlist.net_ports()
    values = {name: np.asarray(found[name]) for name in names}
    time = np.asarray(found.time)
    known = np.all([np.isfinite(v).reshape(time.size, -1).all(axis=1) for v in values.values()], axis=0)
    end = time.size if known.all() else int(np.argmin(known))
    span = slice(int(np.searchsorted(time, start * (1 - 1e-9))) if start < time[max(end - 1, 0)] else 0, end)
    told = {"time": time[span].tolist(), "nets": {name: listed(value[span]) for name, value in values.items()}}
    variables = {name: (value[span], found.units[name]) for name, value in values.items()}
    left = dataset(("time", time[span], "s"), variables, analysis="transient", method=found.method)
    title = f"{bench.file.name}: transient, {found.words() if not known.all() else f'{found.method}, {time.size} times'}"
    cells = [
        (name, *(worded(np.asarray(v), found.units[name]) for v in (low, high, last)))
        for name, (low, high, last) in {n: _extent(v[span]) for n, v in values.items()}.items()
    ]
    table = Rows.of(title, ("net", "lowest", "highest", "at the end"), cells)
    first = list(keep) or bench.favourites()
    return Finding(told, [table], left, functools.partial(plot_analyses.transient_lines, left, first=first))


def _extent(values: np.ndarray) -> tuple:
    """Lowest, highest and last value, of complex ones by magnitude; 0 for what is rounding beside the largest."""
    if not values.size:
        return (np.nan,) * 3
    sizes = np.abs(values) if np.iscomplexobj(values) else values
    least = 1e-13 * np.abs(values).max()
    return tuple(np.where(np.abs(each) < least, 0, each) for each in (sizes.min(), sizes.max(), values[-1]))
