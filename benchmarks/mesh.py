"""Meshes of interferometers: waves, gradients and decompositions beside dense products, plain differentiation and SAX.

Run as `python benchmarks/mesh.py [--sizes 64,128,256] [--batch 256]`, on one thread. `kernel` is the way from phases to waves
of `devsim.devices.mesh.optics` alone, `Mesh.answer` all of a chip with losses, offsets and crosstalk of zero. A gradient is
that of a real loss with respect to all phases, its value included. Medians; compilation apart.
"""

import argparse
import os
import platform
import sys
from functools import partial

from one_thread import median_ms, print_table, shown  # isort: skip

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import unitary_group

from devsim.devices.mesh import Mesh, Rectangular, Triangular
from devsim.devices.mesh.columns import lane_factors, plain_columns
from devsim.devices.mesh.decomposition import decompose
from devsim.devices.mesh.optics import optics, transmit
from devsim.devices.mesh.realise import realise

HEADER = ("modes", "number", "task", "ms", "compile s", "over dense", "over forward", "bar", "error")
BARS = {"forward": 3.5, "gradient": 5.0}
"""Largest time of a forward pass over a dense product, and of a gradient over the forward pass."""
MOST = {64: 5.0, 256: 150.0}
"""Largest time of a decomposition by modes, ms."""


def kernel(layout, phases, waves):
    """Phases of all heaters and waves (modes, batch) to waves, without anything that a chip suffers from."""
    errors = jnp.zeros((2, *layout.shape), phases.dtype)
    return transmit(layout, optics(layout, layout.heaters.on_chip(phases), errors, jnp.ones_like(errors)), waves)


def plain(layout, phases, waves):
    """The same by a scan over columns, with the derivatives that JAX finds for itself."""
    errors = jnp.zeros((2, *layout.shape), phases.dtype)
    places = layout.heaters.on_chip(phases, plain=True)
    parts = optics(layout, places, errors, jnp.ones_like(errors), plain=True)
    return parts.screen[:, None] * plain_columns(layout, *lane_factors(layout, parts.cells, parts.idle), waves)


def dense(matrix, waves):
    return matrix @ waves


def loss(function, wanted, *args):
    out = function(*args)
    return jnp.sum(wanted * (jnp.real(out) ** 2 + jnp.imag(out) ** 2))


def with_gradient(function, wanted):
    return jax.jit(jax.value_and_grad(partial(loss, function, wanted)))


def single(mesh):
    """The mesh in 32-bit numbers."""
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32), mesh)


def draw(modes, batch, dtype):
    rng = np.random.default_rng(0)
    real = jnp.float32 if dtype == jnp.complex64 else jnp.float64
    mesh = Mesh.of(Rectangular(modes)) if real == jnp.float64 else single(Mesh.of(Rectangular(modes)))
    mesh = mesh.put(phases=jnp.asarray(rng.uniform(0, 2 * np.pi, mesh.phases.shape), real))
    waves = jnp.asarray(rng.normal(size=(modes, batch)) + 1j * rng.normal(size=(modes, batch)), dtype)
    return mesh, waves, jnp.asarray(rng.normal(size=(modes, batch)), real)


def wave_rows(modes, batch, dtype):
    """Forward passes and gradients, over dense ones and over each other."""
    mesh, waves, wanted = draw(modes, batch, dtype)
    layout, phases, number = mesh.layout, mesh.phases, np.dtype(dtype).name
    matrix = jax.jit(lambda mesh: mesh.matrix())(mesh)
    expected, scale = dense(matrix, waves), float(jnp.max(jnp.abs(matrix @ waves)))
    _, product = median_ms(jax.jit(dense), matrix, waves)
    yield modes, number, "dense product", product, None, None, None, None, None
    _, both = median_ms(with_gradient(dense, wanted), matrix, waves)
    yield modes, number, "dense product, gradient", both, None, both / product, both / product, None, None
    answer = lambda phases, waves: mesh.put(phases=phases).answer(waves.T).T
    ways = {"kernel": partial(kernel, layout), "Mesh.answer": answer, "plain scan": partial(plain, layout)}
    for name, way in ways.items():
        budget = 1.0 if name == "plain scan" else 2.0
        bars = (None, None) if name == "plain scan" else (BARS["forward"], BARS["gradient"])
        ahead = jax.jit(way)
        compile_s, forward = median_ms(ahead, phases, waves, budget=budget)
        wrong = float(jnp.max(jnp.abs(ahead(phases, waves) - expected))) / scale
        yield modes, number, name, forward, compile_s, forward / product, None, bars[0], wrong
        compile_s, total = median_ms(with_gradient(way, wanted), phases, waves, budget=budget)
        yield modes, number, f"{name}, gradient", total, compile_s, total / product, total / forward, bars[1], None


def decomposition_rows(modes):
    """One random unitary matrix in double precision: its interferometers, then its phases as well."""
    target = jnp.asarray(unitary_group.rvs(modes, random_state=1))
    for kind in (Rectangular, Triangular):
        layout = kind(modes)
        compile_s, ours = median_ms(decompose, layout, target)
        bar = MOST.get(modes)
        wrong = float(decompose(layout, target).residual)
        yield modes, "complex128", f"decompose, {kind.__name__}", ours, compile_s, None, None, bar and f"{bar:g} ms", wrong
        cells, perfect = decompose(layout, target), jnp.zeros((2, *layout.shape))
        compile_s, ours = median_ms(realise, layout, cells, perfect)
        yield modes, "complex128", f"phases, {kind.__name__}", ours, compile_s, None, None, None, None


def sax_rows(modes):
    """The scattering matrix of the same rectangle as a netlist of SAX, its interferometers given as functions."""
    try:
        import sax
    except ImportError:
        yield modes, "complex128", "SAX", None, None, None, None, None, "not installed"
        return
    mesh, *_ = draw(modes, modes, jnp.complex128)
    circuit, settings = sax_mesh(sax, mesh)
    ahead = jax.jit(lambda settings: circuit(**settings))
    compile_s, theirs = median_ms(ahead, settings)
    ours_s, ours = median_ms(jax.jit(lambda mesh: mesh.matrix()), mesh)
    found, names = ahead(settings), [f"o{k}" for k in range(modes)]
    matrix = np.array([[found[f"i{j}", out] for j in range(modes)] for out in names])
    wrong = float(np.max(np.abs(matrix - np.asarray(mesh.matrix()))))
    yield modes, "complex128", "matrix, ours", ours, ours_s, None, None, None, None
    yield modes, "complex128", "matrix, SAX", theirs, compile_s, None, theirs / ours, None, wrong


def sax_mesh(sax, mesh):
    """(circuit, settings): instance cC_S for every interferometer, phases of the outputs last."""
    layout, modes = mesh.layout, mesh.layout.modes

    def interferometer(inner=0.0, before=0.0):
        half, x, y = jnp.exp(0.5j * inner), jnp.sin(inner / 2), jnp.cos(inner / 2)
        turn = jnp.exp(1j * before)
        elements = {("a", "c"): turn * x, ("b", "c"): y, ("a", "d"): turn * y, ("b", "d"): -x}
        return sax.reciprocal({ports: 1j * half * value for ports, value in elements.items()})

    def shifter(phase=0.0):
        return sax.reciprocal({("a", "c"): jnp.exp(1j * phase)})

    instances, connections, ends, settings = {}, {}, dict.fromkeys(range(modes)), {}
    starts, count = {}, layout.interferometers

    def join(mode, name, port, out):
        if ends[mode] is None:
            starts[f"i{mode}"] = f"{name},{port}"
        else:
            connections[ends[mode]] = f"{name},{port}"
        ends[mode] = f"{name},{out}"

    places = [(c, s) for c, s in np.ndindex(layout.shape) if layout.used[c, s]]
    for k, (c, s) in enumerate(places):
        name = f"c{c}s{s}"
        instances[name] = "interferometer"
        settings[name] = {"inner": mesh.phases[k], "before": mesh.phases[count + k]}
        join(layout.top[c, s], name, "a", "c")
        join(layout.bottom[c, s], name, "b", "d")
    for mode in range(modes):
        instances[f"p{mode}"] = "shifter"
        settings[f"p{mode}"] = {"phase": mesh.phases[2 * count + mode]}
        join(mode, f"p{mode}", "a", "c")
    ports = starts | {f"o{mode}": end for mode, end in ends.items()}
    netlist = {"instances": instances, "connections": connections, "ports": ports}
    circuit, _ = sax.circuit(netlist, {"interferometer": interferometer, "shifter": shifter})
    return circuit, settings


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="64,128,256")
    parser.add_argument("--batch", default=256, type=int)
    told = parser.parse_args()
    rows = []
    for modes in (int(size) for size in told.sizes.split(",")):
        for dtype in (jnp.complex64, jnp.complex128):
            rows.extend(shown(row) for row in wave_rows(modes, told.batch, dtype))
            print(f"waves {modes} {np.dtype(dtype).name} done", file=sys.stderr)
        if modes in MOST:
            rows.extend(shown(row) for row in decomposition_rows(modes))
            print(f"decomposition {modes} done", file=sys.stderr)
    rows.extend(shown(row) for row in sax_rows(8))
    print_table(
        HEADER,
        rows,
        f"One thread, {platform.machine()}, Python {platform.python_version()}, JAX {jax.__version__}, "
        f"NumPy {np.__version__}, batch {told.batch}; load {os.getloadavg()[0]:.1f}",
    )


if __name__ == "__main__":
    main()
