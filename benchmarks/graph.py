"""What compiling a circuit costs as it grows, value and gradient: ladders of resistors and diodes, which are one loop, and
branches and rings that have nothing to do with each other, which are as many loops.

Run: python benchmarks/graph.py [--sizes 10,100,1000] [--loops 1,20,200]. Compile time and run time are apart; medians of five
runs.
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
from devsim.devices.photonic import DirectionalCoupler, Waveguide


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


def branches(count: int) -> Circuit:
    """Resistors from one input, each into a diode."""
    parts, nets = {}, {"in": [], "gnd": []}
    for i in range(count):
        parts |= {f"r{i}": Resistor(1e3 + i), f"d{i}": Diode()}
        nets["in"].append(f"r{i}.a")
        nets["gnd"].append(f"d{i}.cathode")
        nets[f"out{i}"] = [f"r{i}.b", f"d{i}.anode"]
    return Circuit(parts, nets, inputs={"in": "in"})


def rings(count: int) -> Circuit:
    """Ring resonators of a coupler and a guide, each with its own input and output."""
    parts, nets = {}, {}
    for i in range(count):
        parts |= {f"c{i}": DirectionalCoupler(0.1 + 0.1 * i / count), f"g{i}": Waveguide(50e-6, loss_db_per_cm=2.0)}
        nets |= {f"in{i}": [f"c{i}.in0"], f"out{i}": [f"c{i}.out0"]}
        nets |= {f"away{i}": [f"c{i}.out1", f"g{i}.in"], f"back{i}": [f"g{i}.out", f"c{i}.in1"]}
    ends = {f"{end}{i}": f"{end}{i}" for i in range(count) for end in ("in", "out")}
    named = lambda end: {name: net for name, net in ends.items() if name.startswith(end)}
    return Circuit(parts, nets, inputs=named("in"), outputs=named("out"))


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


def measured(title: str, make, asked, sizes: list[int]) -> None:
    """Print one table: `make(size)` is a circuit, `asked(size)` its inputs and the net that is read."""
    table = Table(title=f"{title} (JAX {jax.__version__}, {jax.default_backend()})")
    for column in ("n", "make", "value: compile", "run", "gradient: compile", "run"):
        table.add_column(column, justify="right")
    for size in sizes:
        start = time.perf_counter()
        circuit = make(size)
        made = time.perf_counter() - start
        inputs, net = asked(size)
        value = lambda c, inputs=inputs, net=net: abs(operating_point(c, inputs)[net])
        figures = (made, *timed(value, circuit), *timed(jax.grad(value), circuit))
        table.add_row(str(size), *(f"{1e3 * f:.1f} ms" for f in figures))
    Console().print(table)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10,100,1000")
    parser.add_argument("--loops", default="1,20,200")
    told = parser.parse_args()
    sizes, loops = ([int(n) for n in text.split(",")] for text in (told.sizes, told.loops))
    measured("Ladders of n resistors and n diodes", ladder, lambda n: ({}, f"n{n}"), sizes)
    measured("n branches of a resistor and a diode", branches, lambda n: ({"in": 1.0}, f"out{n - 1}"), loops)
    measured("n ring resonators", rings, lambda n: ({f"in{i}": 0.01 for i in range(n)}, f"out{n - 1}"), loops)


if __name__ == "__main__":
    main()
