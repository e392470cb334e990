"""`sweep`: a chip measured over the values of its knobs, resumable, in this process or on many machines."""

import json
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import xarray as xr
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.chip import Chip
from devsim.files import output_folder, replace_file
from devsim.sweep.cache import FOLDER, forget_compilations
from devsim.sweep.design import Design
from devsim.sweep.engines import Engine, Shard, engine_of
from devsim.sweep.pieces import Cutting
from devsim.sweep.plan import Plan
from devsim.sweep.result import dataset
from devsim.sweep.store import GROUP, RESULT, Store, refuse_another, told_as_unwritable


def sweep(
    chip: Chip,
    over: Mapping[str, Any] | Sequence[str],
    *,
    dies: int,
    key: Key[Array, ""],
    design: str = "grid",
    points: int | None = None,
    metrics: Iterable[str] | None = None,
    out: Path | str | None = None,
    engine: str = "local",
    resume: bool = False,
    shard: str | tuple[int, int] | None = None,
    chunk: int | None = None,
    attributes: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], object] | None = None,
) -> xr.Dataset | None:
    """Measure `dies` dies of `chip` at every point of a design over its knobs.

    over: path -> `lin:a:b:n`, `log:a:b:n`, `v1,v2,...` or a row of numbers, in SI units; or words `path=axis`. design: `grid`;
    `zip`, axes in step; `random` or `sobol`, `points` of them between `lin:a:b` or among the values of a list.

    Returns a Dataset, whose dimensions are the swept paths (`point` unless a grid) and `die`: each metric, and over dies its
    `_mean`, its 95 % interval `_low` to `_high`, and `_ideal`, what the ideal network does at that point. `status` is 1 where
    a run's metric is no finite number; means leave those out, and `attrs["not_finite"]` counts them.

    Die i is that of `compare` with the same `key`, at every point. A run's numbers depend on the point and the die alone: to
    the bit on machines of one kind (processor, number of cores), whatever the `chunk` (runs that are written at once, by
    default some seconds of work), the order, the `engine` and what was resumed.

    out: the folder where results grow (`sweep.zarr`) and in the end lie whole (`sweep.nc`). resume: do what is missing there.
    engine: `local`, or `dask://HOST:PORT`. shard: `i/N`, this job's part of the chunks in a folder that N jobs share; the
    one that finds all done gathers them, the others return None.

    `progress` is told how many runs are done, and of how many; `tell` what is worth a line. `attributes` join those of the
    result. Raises InputError for what cannot be swept, before anything is made; where the disk fills or a cluster is lost,
    finished chunks are kept.
    """
    planned = Design.planned(chip, over, kind=design, points=points, key=key)
    plan = Plan.of(chip, planned, dies=dies, key=key, metrics=metrics)
    part = None if shard is None else Shard.read(shard)
    if chunk is not None:
        check.whole("chunk", chunk, 1)
    if out is None and (part is not None or resume):
        raise InputError("`out` must name the folder in which a sweep is resumed or shared by shards, but is missing.")
    with _place(out) as folder:
        finished = _finished(folder, plan) if resume or part else None
        if finished is not None:
            return finished
        _refuse_unfinished(folder, allowed=resume or part is not None)
        compiled = None if out is None else str((folder / FOLDER).resolve())
        with _closing(engine_of(engine, shard=part, folder=compiled)) as chosen:
            store = Store.found(folder, plan) or _made(folder, plan, chosen, chunk, dict(attributes or {}), tell)
            pieces = store.missing() if part is None else part.part(store.missing())
            _work(plan, store, chosen, pieces, progress)
        return _gathered(folder, plan, store, dict(attributes or {}))


@contextmanager
def _place(out: Path | str | None) -> Iterator[Path]:
    if out is None:
        with tempfile.TemporaryDirectory(prefix="devsim-sweep-") as folder:
            yield Path(folder)
    else:
        with output_folder(Path(out)) as folder:
            yield folder


def _finished(folder: Path, plan: Plan) -> xr.Dataset | None:
    """The result that already lies there whole; None where there is none, or where another grows beside it."""
    if not (folder / RESULT).exists() or (folder / GROUP).exists():
        return None
    try:
        found = xr.load_dataset(folder / RESULT, engine="h5netcdf")
        identity = found.attrs["identity"]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"`{folder / RESULT}` cannot be read as the result of a sweep; choose another `--out`.") from error
    refuse_another(folder / RESULT, json.loads(identity), plan)
    return found


def _refuse_unfinished(folder: Path, *, allowed: bool) -> None:
    if (folder / GROUP).exists() and not allowed:
        raise InputError(
            f"`{folder}` holds a sweep that is not finished; go on with `--resume`, or take `{folder / GROUP}` away to begin "
            "anew."
        )


def _closing(engine: Engine) -> Any:
    return closing(engine) if hasattr(engine, "close") else nullcontext(engine)


def _made(folder: Path, plan: Plan, engine: Engine, chunk: int | None, extra: dict[str, Any], tell: Any) -> Store:
    """A new store, cut to the pace that the engine measures."""
    pace = engine.pace(plan)
    runs = plan.runs(pace.width)
    size = engine.chunk(pace, runs.count) if chunk is None else pace.width * math.ceil(chunk / pace.width)
    advice = engine.advice(pace, runs.count)
    if advice and tell is not None:
        tell(advice)
    return Store.made(folder, plan, Cutting(runs.count, runs.ideals, size, pace.width, pace.device), extra)


def _work(plan: Plan, store: Store, engine: Engine, pieces: list, progress: Callable[[int, int], None] | None) -> None:
    total = store.cutting.count + store.cutting.ideals
    done = total - sum(piece.stop - piece.start for piece in pieces)

    def more(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    more(0)
    if pieces:
        engine.work(plan, store, pieces, more)


def _gathered(folder: Path, plan: Plan, store: Store, extra: dict[str, Any]) -> xr.Dataset | None:
    """The Dataset, written whole, once every chunk is there; None before. Then the store is taken away."""
    values = store.values()
    if values is None:
        return _finished(folder, plan)
    result = dataset(
        plan,
        values,
        plan.runs(store.cutting.width).ideal_of,
        extra | {"block": store.cutting.width, "device": store.cutting.device},
    )
    with told_as_unwritable(folder / RESULT):
        replace_file(folder / RESULT, lambda file: result.to_netcdf(file, engine="h5netcdf"))
    store.remove()
    forget_compilations(folder / FOLDER)
    return result
