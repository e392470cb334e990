"""What compiling a circuit costs as it grows: ladders of 10, 100 and 1,000 resistors and diodes, value and gradient.

Run: python benchmarks/graph.py [--sizes 10,100,1000]. Compile time and run time are apart; medians of five runs.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
from rich.console import Console
from rich.table import Table

from devsim.analyses.operating_point import operating_point
from devsim.circuit import Circuit
from devsim.devices.electrical.passive import Diode, Resistor
from devsim.devices.electrical.sources import VoltageSource


def ladder(size: int) -> Circuit:
    """`size` resistors in series, a diode to ground behind each."""
    parts = {"source": VoltageSource(1.0)}
    nets = {"n0": ["source.plus"], "gnd": ["source.minus"]}
    for i in range(size):
        parts |= {f"r{i}": Resistor(1e3 + i), f"d{i}": Diode()}
        nets[f"n{i}"].append(f"r{i}.a")
        nets[f"n{i + 1}"] = [f"r{i}.b", f"d{i}.anode"]
        nets["gnd"].append(f"d{i}.cathode")
    return Circuit(parts, nets)


def timed(function, *arguments) -> tuple[float, float]:
    """(compile, median run) in seconds."""
    start = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    compile_time = time.perf_counter() - start
    runs = []
    for _ in range(6):
        start = time.perf_counter()
        jax.block_until_ready(compiled(*arguments))
        runs.append(time.perf_counter() - start)
    return compile_time, statistics.median(runs[1:])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10,100,1000")
    sizes = [int(n) for n in parser.parse_args().sizes.split(",")]
    table = Table(title=f"Circuits of n resistors and n diodes (JAX {jax.__version__}, {jax.default_backend()})")
    for column in ("n", "make", "value: compile", "run", "gradient: compile", "run"):
        table.add_column(column, justify="right")
    for size in sizes:
        start = time.perf_counter()
        circuit = ladder(size)
        made = time.perf_counter() - start
        value = lambda c, out=f"n{size}": operating_point(c)[out]
        figures = (made, *timed(value, circuit), *timed(jax.grad(value), circuit))
        table.add_row(str(size), *(f"{1e3 * f:.1f} ms" for f in figures))
    Console().print(table)


if __name__ == "__main__":
    main()
