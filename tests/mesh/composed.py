"""Meshes one interferometer after the other, in plain NumPy, and matrices to set them for."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import unitary_group

from devsim.devices.mesh import Butterfly, Mesh

KEY = jax.random.key(0)
program = jax.jit(lambda mesh, target: mesh.program(target, KEY))
weights = jax.jit(lambda mesh: mesh.weights())


def with_random_phases(mesh: Mesh, seed) -> Mesh:
    return mesh.put(phases=jnp.asarray(np.random.default_rng(seed).uniform(0, 2 * np.pi, mesh.phases.shape)))


def haar(modes, seed, draws=None):
    """Random unitary matrices, (modes, modes) or (draws, modes, modes)."""
    return unitary_group.rvs(modes, size=1 if draws is None else draws, random_state=seed)


def coupler(angle):
    return np.array([[np.cos(angle), 1j * np.sin(angle)], [1j * np.sin(angle), np.cos(angle)]])


def interferometer(before, inside, angles, kept):
    """B(angles[1]) diag(kept e^{i inside}) B(angles[0]) diag(e^{i before}, 1)."""
    arms = np.diag(kept * np.exp(1j * np.asarray(inside)))
    return coupler(angles[1]) @ arms @ coupler(angles[0]) @ np.diag([np.exp(1j * before), 1.0])


def by_hand(mesh: Mesh, cell=interferometer):
    """The transfer (outputs, inputs) of a mesh without crosstalk, offsets and rounding, from its documented numbering."""
    layout, phases = mesh.layout, np.asarray(mesh.phases)
    places = [(c, s) for c in range(layout.shape[0]) for s in range(layout.shape[1]) if layout.used[c, s]]
    first, second, rest = np.split(phases, [len(places), 2 * len(places)])
    edges, entries = layout.edges, layout.top[0] if layout.push_pull else np.zeros(0, int)
    edge, entry, screen = np.split(rest, [len(edges), len(edges) + len(entries)])
    angles = np.pi / 4 + np.asarray(mesh.splitter_angles())
    loss, unequal = np.asarray(mesh.loss_db), np.asarray(mesh.imbalance_db)
    matrix = np.eye(layout.modes, dtype=complex)
    matrix[entries] *= np.exp(1j * entry)[:, None]
    for column in range(layout.shape[0]):
        for k, (c, s) in enumerate(places):
            if c == column:
                kept = 10 ** (-(loss[c, s] + np.maximum([unequal[c, s], -unequal[c, s]], 0)) / 20)
                before, inside = (0.0, (first[k], second[k])) if layout.push_pull else (second[k], (first[k], 0.0))
                pair = [layout.top[c, s], layout.bottom[c, s]]
                matrix[pair] = cell(before, inside, angles[:, c, s], kept) @ matrix[pair]
        if column in edges:
            matrix[-1] *= np.exp(1j * edge[list(edges).index(column)])
    return np.exp(1j * screen)[:, None] * matrix


def random_butterfly(modes, seed):
    """A product of butterfly columns of random 2x2 unitaries, and phases behind them."""
    rng, layout = np.random.default_rng(seed), Butterfly(modes)
    matrix = np.eye(modes, dtype=complex)
    for tops, bottoms in zip(layout.top, layout.bottom, strict=True):
        for pair in np.stack([tops, bottoms], 1):
            matrix[pair] = unitary_group.rvs(2, random_state=rng) @ matrix[pair]
    return np.exp(1j * rng.uniform(0, 2 * np.pi, modes))[:, None] * matrix


def bit_reversed_fourier(modes):
    """The unitary discrete Fourier transform of inputs in bit-reversed order."""
    bits = modes.bit_length() - 1
    order = [int(format(i, f"0{bits}b")[::-1], 2) for i in range(modes)]
    return np.fft.fft(np.eye(modes))[:, order] / np.sqrt(modes)
