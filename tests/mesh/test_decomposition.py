"""A mesh programmed for a unitary matrix has it, to a few roundings for each column."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.mesh import Butterfly, LocalCorrection, Mesh, Rectangular, Symmetric, Triangular
from devsim.devices.mesh.decomposition import decompose
from tests.mesh.composed import KEY, bit_reversed_fourier, by_hand, haar, program, random_butterfly, weights

UNIVERSAL = [Rectangular, Triangular, Symmetric]
QUICK = {Rectangular: (2, 3, 4, 5, 8, 16, 33, 64), Triangular: (2, 3, 4, 5, 8, 16, 64), Symmetric: (2, 3, 4, 5, 8, 33, 64)}


def programmed(layout, target):
    return program(Mesh.of(layout), jnp.asarray(target))


def assert_realised(mesh, target):
    """The mesh has `target` to N roundings of 1e-12, small ones composed by hand, with phases of one turn."""
    modes = mesh.layout.modes
    found = weights(mesh) if modes > 16 else by_hand(mesh).T
    np.testing.assert_allclose(found, target, rtol=0, atol=1e-12 * modes)
    phases = np.asarray(mesh.phases)
    assert np.all((phases >= 0) & (phases < 2 * np.pi))


@pytest.mark.parametrize(("kind", "modes"), [(kind, modes) for kind, sizes in QUICK.items() for modes in sizes])
def test_a_universal_mesh_has_any_unitary_matrix(kind, modes):
    target = haar(modes, 100 + modes)
    assert_realised(programmed(kind(modes), target), target)


@pytest.mark.slow
@pytest.mark.parametrize("kind", UNIVERSAL)
@pytest.mark.parametrize("modes", [128, 256])
def test_a_large_universal_mesh_has_any_unitary_matrix(kind, modes):
    target = haar(modes, 100 + modes)
    assert_realised(programmed(kind(modes), target), target)


@pytest.mark.parametrize("kind", UNIVERSAL)
@pytest.mark.parametrize("modes", [6, pytest.param(7, marks=pytest.mark.slow)])
def test_local_correction_is_exact_where_no_interferometer_clips(kind, modes):
    """Splitters, offsets and efficiencies are all undone. A clip would leave an error of the order of sigma^2 = 1e-6."""
    target = haar(modes, 7)
    mesh = Mesh.of(kind(modes), splitter_spread=1e-3, phase_offset_spread=0.3, power_pi_spread=0.1).fabricate(KEY)
    mesh = program(mesh.put(programmer=LocalCorrection()), target)
    np.testing.assert_allclose(weights(mesh), target, rtol=0, atol=1e-12 * modes)


@pytest.mark.parametrize("modes", [2, 4, 16, 64])
def test_a_butterfly_has_every_product_of_its_columns(modes):
    """Weights are the transposed transfer."""
    for transfer in (random_butterfly(modes, modes), bit_reversed_fourier(modes)):
        assert_realised(programmed(Butterfly(modes), transfer.T), transfer.T)


def test_a_butterfly_cannot_have_a_random_unitary_matrix():
    """Rows of halves are not multiples of each other: a Haar matrix misses by as much as its elements are large."""
    assert float(decompose(Butterfly(16), jnp.asarray(haar(16, 0))).residual) > 0.1


@pytest.mark.parametrize("kind", UNIVERSAL)
@pytest.mark.parametrize("modes", [3, 8])
def test_permutations_are_reached_with_finite_phases(kind, modes):
    """No light in one arm leaves a phase undetermined; the ones before it are zero then."""
    identity = np.eye(modes)
    turned, order = np.roll(identity, 1, 0), np.random.default_rng(modes).permutation(modes)
    for target in (identity, identity[::-1], turned, identity[order], -identity, 1j * identity):
        mesh = programmed(kind(modes), target)
        assert_realised(mesh, target)
        if not mesh.layout.push_pull:
            cells = mesh.layout.interferometers
            inner, before, _ = np.split(np.asarray(mesh.phases), [cells, 2 * cells])
            assert np.all((inner == 0) | (abs(inner - np.pi) < 1e-12)) and np.all(before == 0)


def test_the_same_matrix_has_the_same_phases_whatever_its_rounding():
    """Elements of the size of rounding have no phase."""
    rng = np.random.default_rng(0)
    noise = 1e-17 * (rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6)))
    one, other = programmed(Rectangular(6), np.eye(6)), programmed(Rectangular(6), np.eye(6) + noise)
    turns = np.exp(1j * np.asarray(one.phases)) - np.exp(1j * np.asarray(other.phases))
    assert np.max(np.abs(turns)) < 1e-12


def test_real_targets_are_programmed_as_complex_ones():
    target = np.linalg.qr(np.random.default_rng(3).normal(size=(7, 7)))[0]
    one, other = programmed(Rectangular(7), target), programmed(Rectangular(7), target.astype(complex))
    assert_realised(one, target)
    np.testing.assert_array_equal(one.phases, other.phases)


@pytest.mark.parametrize("size", [(3, 5), (5, 3), (1, 5), (5, 1), (4, 4), (6, 2)])
def test_a_mesh_holds_isometries_smaller_than_itself(size):
    tall = (max(size), min(size))
    rng = np.random.default_rng(1)
    empty = Mesh.of(6, size=size)
    for drawn in (rng.normal(size=tall), rng.normal(size=tall) + 1j * rng.normal(size=tall)):
        isometry = np.linalg.qr(drawn)[0]
        target = isometry if size == tall else isometry.T
        mesh = empty.program(target, KEY)
        np.testing.assert_allclose(by_hand(mesh)[: size[1], : size[0]].T, target, rtol=0, atol=6e-12)
        for found, wanted in ((mesh.weights(), target), (mesh.read(jnp.eye(size[0]), KEY), target)):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=6e-12)
        np.testing.assert_allclose(mesh.read_reverse(jnp.eye(size[1]), KEY), target.T, rtol=0, atol=6e-12)


@pytest.mark.parametrize("kind", UNIVERSAL)
def test_a_batch_is_decomposed_as_a_loop_does(kind):
    layout, targets = kind(6), jnp.asarray(haar(6, 5, draws=4))
    mesh = Mesh.of(layout)
    together = jax.vmap(lambda target: mesh.program(target, KEY).phases)(targets)
    alone = jnp.stack([mesh.program(target, KEY).phases for target in targets])
    turns = np.exp(1j * np.asarray(together)) - np.exp(1j * np.asarray(alone))
    assert np.max(np.abs(turns)) < 1e-12 * 6


def test_a_decomposition_is_made_of_unitaries():
    for layout, transfer in ((Rectangular(9), haar(9, 2)), (Triangular(9), haar(9, 2)), (Butterfly(8), random_butterfly(8, 2))):
        found = decompose(layout, jnp.asarray(transfer))
        cells = np.asarray(found.cells)
        product = np.conj(np.swapaxes(cells, -1, -2)) @ cells
        np.testing.assert_allclose(product, np.broadcast_to(np.eye(2), product.shape), rtol=0, atol=1e-13)
        np.testing.assert_allclose(np.abs(found.screen), 1.0, rtol=0, atol=1e-14)
        assert float(found.residual) < 1e-13
