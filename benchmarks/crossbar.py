"""Crossbar wires: our solver beside SuperLU, badcrossbar and a damped fixed point, one thread.

Run as `python benchmarks/crossbar.py [--sizes 64,128,256,512]`. Wires of 1 ohm, cells log-uniform
from 10 to 100 kohm, rows at 0 to 0.3 V, columns grounded. Medians; compilation apart.
"""

import argparse
import os
import platform
import sys
import time
from functools import partial

from one_thread import median_ms, print_table, shown  # isort: skip

import jax
import jax.numpy as jnp
import numpy as np
import scipy
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from devsim.devices.memristor.wire_grid import (
    Wires,
    solve_grid,
    solve_nonlinear_grid,
    transfer,
)

WIRE = 1.0
HEADER = ("size", "task", "ours ms", "compile s", "other", "other ms", "other / ours", "error")


def draw(size, count=None):
    random = np.random.default_rng(0)
    shape = (size, size) if count is None else (count, size, size)
    cells = 1 / np.exp(random.uniform(np.log(1e4), np.log(1e5), shape))
    return cells, random.uniform(0, 0.3, (64, size))


def node_matrix(cells):
    size = cells.shape[0]
    word = np.arange(size * size).reshape(size, size)
    bit = word + size * size
    wire = np.full(word[1:].size, 1 / WIRE)
    pairs = [
        (word.ravel(), bit.ravel(), cells.ravel()),
        (word[:, 1:].ravel(), word[:, :-1].ravel(), wire),
        (bit[1:].ravel(), bit[:-1].ravel(), wire),
    ]
    rows = np.concatenate([np.concatenate([a, b, a, b]) for a, b, _ in pairs])
    columns = np.concatenate([np.concatenate([a, b, b, a]) for a, b, _ in pairs])
    values = np.concatenate([np.concatenate([g, g, -g, -g]) for *_, g in pairs])
    ends = np.zeros(2 * size * size)
    ends[word[:, 0]] = ends[bit[-1]] = 1 / WIRE
    matrix = sparse.coo_matrix((values, (rows, columns))) + sparse.diags(ends)
    return matrix.tocsc(), word[:, 0], bit[-1]


def superlu(matrix):
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})


def by_superlu(cells, inputs):
    """Column currents of inputs (inputs, rows); ms to factor, ms to solve."""
    matrix, fed, sensed = node_matrix(cells)
    source = np.zeros((matrix.shape[0], len(inputs)))
    source[fed] = inputs.T / WIRE
    begin = time.perf_counter()
    factors = superlu(matrix)
    middle = time.perf_counter()
    nodes = factors.solve(source)
    end = time.perf_counter()
    nodes = nodes + factors.solve(source - matrix @ nodes)  # refined, for the reference alone
    return nodes[sensed].T / WIRE, 1e3 * (middle - begin), 1e3 * (end - middle)


def by_badcrossbar(cells, inputs):
    try:
        import badcrossbar
    except ImportError:
        return None, "not installed"
    begin = time.perf_counter()
    solution = badcrossbar.compute(inputs.T, 1 / cells, WIRE, node_voltages=False, all_currents=False)
    return np.asarray(solution.currents.output), 1e3 * (time.perf_counter() - begin)


@partial(jax.jit, static_argnums=3)
def fixed_point(cells, row, damping, steps):
    """v <- v + damping (f - Z G v - v), each line's drops from its cumulative sums."""

    def drop(current):
        word = jnp.cumsum(jnp.cumsum(current[:, ::-1], axis=1)[:, ::-1], axis=1)
        bit = jnp.cumsum(jnp.cumsum(current, axis=0)[::-1], axis=0)[::-1]
        return WIRE * (word + bit)

    def step(_, voltage):
        return voltage + damping * (row[:, None] - drop(cells * voltage) - voltage)

    start = jnp.broadcast_to(row[:, None], cells.shape)
    return jnp.sum(cells * jax.lax.fori_loop(0, steps, step, start), axis=0)


def column_current(cells, row, wires):
    return solve_grid(cells, row, jnp.zeros(cells.shape[1]), wires).column_current


def power(cells, row, wires):
    return 1e6 * jnp.sum(column_current(cells, row, wires) ** 2)


def cubic(cells, voltage):
    return cells * (voltage + voltage**3)


def sinh(steepness, cells, voltage):
    return cells * jnp.sinh(steepness * voltage) / steepness


LAWS = {"cubic": cubic, "sinh(2 v)": partial(sinh, 2.0), "sinh(10 v)": partial(sinh, 10.0)}


def error(found, expected):
    return float(np.max(np.abs(np.asarray(found) - expected)) / np.max(np.abs(expected)))


def linear_rows(size):
    cells, inputs = draw(size)
    wires = Wires(WIRE, WIRE)
    expected, factor, solve = by_superlu(cells, inputs)
    _, _, solve_one = by_superlu(cells, inputs[:1]) if size <= 128 else (0, 0, solve / 64)
    one = jax.jit(column_current)
    compile_s, ours = median_ms(one, cells, inputs[0], wires)
    wrong = error(one(cells, inputs[0], wires), expected[0])
    yield size, "1 input", ours, compile_s, "SuperLU", factor + solve_one, None, wrong
    output, bad = by_badcrossbar(cells, inputs[:1])
    wrong = None if output is None else error(output.ravel(), expected[0])
    yield size, "1 input", ours, None, "badcrossbar", bad, None, wrong

    many = jax.jit(jax.vmap(column_current, in_axes=(None, 0, None)))
    compile_s, total = median_ms(many, cells, inputs, wires)
    wrong = error(many(cells, inputs, wires), expected)
    yield size, "64 inputs", total, compile_s, "SuperLU", factor + solve, None, wrong

    gradient = jax.jit(jax.value_and_grad(power, argnums=(0, 1, 2)))
    compile_s, total = median_ms(gradient, cells, inputs[0], wires)
    yield size, "value, all gradients", total, compile_s, "value alone", ours, None, None


def reduced_rows(size):
    cells, inputs = draw(size)
    reduce = jax.jit(transfer)
    compile_s, total = median_ms(reduce, cells, Wires(WIRE, WIRE))
    _, factor, solve = by_superlu(cells, inputs)
    other = factor + solve * size / 64
    yield size, "transfer matrix", total, compile_s, "SuperLU", other, None, None
    matrix, read = reduce(cells, Wires(WIRE, WIRE)), jax.jit(jnp.matmul)
    (_, ours), (_, bare) = median_ms(read, inputs, matrix), median_ms(read, inputs, jnp.asarray(cells))
    task = f"64 reads ({64e3 / ours:.3g} / s)"
    yield size, task, ours, None, "dense product", bare, None, error(read(inputs, matrix), by_superlu(cells, inputs)[0])


def array_rows(size):
    cells, inputs = draw(size, 64)
    every = jax.jit(jax.vmap(column_current, in_axes=(0, None, None)))
    compile_s, ours = median_ms(every, cells, inputs[0], Wires(WIRE, WIRE))
    runs = [by_superlu(array, inputs[:1]) for array in cells[:16]]
    other = 64 * float(np.median([factor + solve for _, factor, solve in runs]))
    found = every(cells, inputs[0], Wires(WIRE, WIRE))[:16]
    wrong = error(found, np.concatenate([currents for currents, *_ in runs]))
    yield size, "64 arrays", ours, compile_s, "SuperLU loop", other, None, wrong


def nonlinear_rows(size):
    cells, inputs = draw(size)
    wires, ground = Wires(WIRE, WIRE), np.zeros(size)
    _, linear = median_ms(jax.jit(column_current), cells, inputs[0], wires)
    for name, law in LAWS.items():

        @jax.jit
        def solve(cells, row, law=law):
            return solve_nonlinear_grid(law, cells, row, ground, wires)

        compile_s, ours = median_ms(solve, cells, inputs[0])
        estimate = float(solve(cells, inputs[0]).error_estimate)
        yield size, f"{name} cells", ours, compile_s, "linear cells", linear, None, estimate


def fixed_point_rows(size):
    """The fixed point with its best damping, run until it is as exact as ours."""
    cells, inputs = draw(size)
    expected = by_superlu(cells, inputs[:1])[0][0]
    compile_s, ours = median_ms(jax.jit(column_current), cells, inputs[0], Wires(WIRE, WIRE))
    goal = max(1e-11, error(column_current(cells, inputs[0], Wires(WIRE, WIRE)), expected))
    reached = {}
    for damping in (1.0, 0.9, 0.8, 0.7, 0.6):
        for steps in (8, 12, 16, 24, 32, 48, 64):
            if error(fixed_point(cells, inputs[0], damping, steps), expected) <= goal:
                reached[steps] = damping
                break
    if not reached:
        yield size, "1 input", ours, compile_s, "fixed point", "diverges", None, None
        return
    steps = min(reached)
    _, other = median_ms(lambda: fixed_point(cells, inputs[0], reached[steps], steps))
    yield size, "1 input", ours, compile_s, f"fixed point, {steps} steps", other, None, goal


def show(row):
    size, task, ours, compile_s, other, other_ms, _, wrong = row
    ratio = other_ms / ours if isinstance(other_ms, float) else None
    return shown((size, task, ours, compile_s, other, other_ms, ratio, wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="64,128,256")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    rows = []

    def measure(measurement, size):
        rows.extend(show(row) for row in measurement(size))
        print(f"{measurement.__name__} {size} done", file=sys.stderr)

    for size in sizes:
        measure(linear_rows, size)
        measure(nonlinear_rows, size)
        if size <= 256:
            measure(reduced_rows, size)
    measure(array_rows, 64)
    measure(fixed_point_rows, 64)
    print_table(
        HEADER,
        rows,
        f"One thread, {platform.machine()}, Python {platform.python_version()}, JAX {jax.__version__}, "
        f"SciPy {scipy.__version__}, NumPy {np.__version__}; load {os.getloadavg()[0]:.1f}",
    )


if __name__ == "__main__":
    main()
