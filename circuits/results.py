"""Measures every installed chip beside its ideal network and rewrites the table of results in README.md beside it.

Run as `python -m circuits.results [chip ...]`, or `make results`; rows of chips that are not named stay as they are.
"""

import dataclasses
import os
import platform
import sys
import time
from pathlib import Path

import jax
import xarray as xr

from devsim import registry
from devsim.check import InputError
from devsim.compare import compare, summary
from devsim.engine import CHUNK
from devsim.files import replace_file
from devsim.randomness import named_key
from devsim.units import together

SEED = 0
PAGE = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


@dataclasses.dataclass(frozen=True)
class Measured:
    """One chip: what `compare` found, and what it took to compile and then to run, in s."""

    chip: str
    result: xr.Dataset
    compile_seconds: float
    run_seconds: float


def measured(name: str) -> Measured:
    """Compare the chip of that name with its ideal.

    A few dies run first, which compiles: what they take beyond their share of the second run's time is the compiler's.
    """
    chip, key = registry.load(name).design(), jax.random.key(SEED)
    task = chip.task(named_key(key, "task"))
    seconds, result = [], None
    for dies in (CHUNK, chip.usual_dies):
        start = time.perf_counter()
        result = compare(chip, dies=dies, key=key, task=task)
        seconds.append(time.perf_counter() - start)
    few, many = seconds
    return Measured(name, result, max(few - many * CHUNK / max(chip.usual_dies, CHUNK), 0.0), many)


def tables(chips: list[Measured], page: str) -> str:
    """Metrics, times, and what they were measured with, as Markdown; rows of other chips are those of `page`."""
    metrics = ["| chip | metric | chip, mean | 95 % interval | ideal | unit |", "| --- | --- | ---: | ---: | ---: | --- |"]
    times = ["| chip | dies | to compile, s | to run, s |", "| --- | ---: | ---: | ---: |"]
    found = {each.chip: each for each in chips}
    for name in sorted({*found, *registry.chips()}):
        rows, costs = rows_of(found[name]) if name in found else kept(page, name)
        metrics += rows
        times += costs
    return "\n".join([made_with(chips[0].result.attrs), "", *metrics, "", *times])


def rows_of(each: Measured) -> tuple[list[str], list[str]]:
    """Rows of metrics, and that of times, of one chip."""
    metrics = [_row(each.chip, metric, told) for metric, told in summary(each.result).items()]
    return metrics, [f"| {each.chip} | {each.result.sizes['die']} | {each.compile_seconds:.1f} | {each.run_seconds:.1f} |"]


def kept(page: str, chip: str) -> tuple[list[str], list[str]]:
    """The same as `page` already has them."""
    rows = [line for line in page.splitlines() if line.startswith(f"| {chip} | ")]
    return [row for row in rows if "`" in row], [row for row in rows if "`" not in row]


def _row(chip: str, metric: str, told: dict) -> str:
    mean, low, high = (told["chip"][name] for name in ("mean", "low", "high"))
    width = None if low is None else high - low
    texts, unit = together([mean, low, high, told["ideal"]], told["unit"], resolution=width, typographic=True)
    return f"| {chip} | `{metric}` | {texts[0]} | {texts[1]} to {texts[2]} | {texts[3]} | {unit or '1'} |"


def made_with(told: dict) -> str:
    """A sentence on versions, seed and machine, from what `provenance` tells."""
    packages = {name.removeprefix("version_").replace("_", "-"): told[name] for name in told if name.startswith("version_")}
    versions = ", ".join(f"{name} {version}" for name, version in (packages | {"Python": told["python"]}).items())
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {jax.default_backend().upper()}"
    return f"Measured on {told['created'][:10]} with seed {SEED}: {versions}; {machine}."


def replaced(page: str, text: str, first: str = BEGIN, last: str = END) -> str:
    """`page` with `text` between its markers; InputError where they are not there."""
    before, begin, rest = page.partition(f"{first}\n")
    _, end, after = rest.partition(f"{last}\n")
    if not begin or not end or page.count(first) != 1 or page.count(last) != 1:
        raise InputError(f"The page must hold the lines `{first}` and `{last}` once each, in this order.")
    return f"{before}{begin}{text}\n{end}{after}"


def main() -> None:
    """Measure, then rewrite the page in one step."""
    replaced(PAGE.read_text(encoding="utf-8"), "")  # a page without markers is found before minutes are spent
    chips = []
    for name in sys.argv[1:] or registry.chips():
        print(name, file=sys.stderr, flush=True)
        chips.append(measured(name))
    page = PAGE.read_text(encoding="utf-8")
    text = replaced(page, tables(chips, page))
    replace_file(PAGE, lambda file: file.write_text(text, encoding="utf-8"))


if __name__ == "__main__":
    main()
