"""Any matrix as two meshes and attenuators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.mesh import SingularValueMesh, Triangular
from devsim.part import aged
from tests.mesh.composed import KEY, by_hand, weights, with_random_phases


@jax.jit
def used(blank, target, inputs, back):
    """The mesh programmed for `target`, its weights, and what it answers from either side."""
    mesh = blank.program(target, KEY)
    return mesh, mesh.weights(), mesh.read(inputs, KEY), mesh.read_reverse(back, KEY)


def random(*shape, seed=0, real=True):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) if real else rng.normal(size=shape) + 1j * rng.normal(size=shape)


LONG = [((1, 4), False), ((4, 1), True), ((4, 4), False)]
CASES = [((1, 1), True), ((3, 5), False), ((5, 3), True), *(pytest.param(*case, marks=pytest.mark.slow) for case in LONG)]


@pytest.mark.parametrize(("shape", "real"), CASES)
def test_any_matrix_is_programmed_and_read_both_ways(shape, real):
    """To 1e-12 of the largest singular value for each mode, as its meshes; inputs of some leading axes."""
    target, inputs, back = random(*shape, real=real), random(2, 3, shape[0], seed=1), random(2, 3, shape[1], seed=2)
    _, found, ahead, behind = used(SingularValueMesh.of(*shape), target, inputs, back)
    bound = 1e-12 * max(shape) * np.linalg.norm(target, 2)
    np.testing.assert_allclose(found, target, rtol=0, atol=bound)
    np.testing.assert_allclose(ahead, inputs @ target, rtol=0, atol=10 * bound)
    np.testing.assert_allclose(behind, back @ target.T, rtol=0, atol=10 * bound)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_matrices_of_lower_rank_leave_attenuators_closed(rank):
    target = random(4, rank, seed=3) @ random(rank, 3, seed=4)
    mesh, found, *_ = used(SingularValueMesh.of(4, 3), target, np.eye(4), np.eye(3))
    np.testing.assert_allclose(found, target, rtol=0, atol=1e-11)
    assert np.sum(np.asarray(mesh.attenuations) > 1e-12) == rank


@pytest.mark.slow
def test_the_amplification_is_the_largest_singular_value():
    target = random(4, 3)
    mesh, found, *_ = used(SingularValueMesh.of(4, 3, layout=Triangular), target, np.eye(4), np.eye(3))
    np.testing.assert_allclose(found, target, rtol=0, atol=1e-11)
    values = np.linalg.svd(target, compute_uv=False)
    assert float(mesh.amplification) == pytest.approx(values[0], rel=1e-13)
    np.testing.assert_allclose(mesh.attenuations, values / values[0], rtol=1e-12)


@pytest.mark.parametrize("gain", [0.1, 1.0, 100.0])
def test_a_gain_too_small_scales_all_weights_alike(gain):
    target = random(4, 3)
    _, found, *_ = used(SingularValueMesh.of(4, 3, maximum_gain=gain), target, np.eye(4), np.eye(3))
    scale = min(1.0, gain / np.linalg.norm(target, 2))
    np.testing.assert_allclose(found, scale * target, rtol=0, atol=1e-11)


def test_attenuators_are_rounded_offset_and_lossy():
    mesh = SingularValueMesh.of(
        3, 3, attenuation_step=0.25, attenuator_loss_db=3.0, attenuation_offset=np.array([0.0, 0.1, -0.2])
    )
    mesh = mesh.put(attenuations=jnp.array([1.0, 0.6, -0.95]), amplification=jnp.asarray(2.0))
    expected = 2 * 10 ** (-3 / 20) * np.array([1.0, 0.5 + 0.1, -1.0])
    np.testing.assert_allclose(mesh.transmissions(), expected, rtol=1e-14)
    w = by_hand(mesh.first).T * expected @ by_hand(mesh.last).T
    np.testing.assert_allclose(weights(mesh), w, rtol=0, atol=1e-14)


def test_offsets_of_attenuators_spread_from_one_to_the_next():
    mesh = SingularValueMesh.of(40, 40, attenuation_spread=0.02).fabricate(KEY)
    found = np.asarray(mesh.attenuation_offset)
    assert abs(found.std() - 0.02) < 5 * 0.02 / np.sqrt(2 * 40)
    assert abs(found.mean()) < 5 * 0.02 / np.sqrt(40)


def test_its_meshes_are_fabricated_read_and_aged_apart():
    mesh = SingularValueMesh.of(4, 4, mesh={"splitter_spread": 0.1, "phase_noise": 0.1, "drift_rate": 0.1})
    made = mesh.fabricate(KEY)
    found = aged(made, 10.0, key=KEY).snapshot(KEY)
    for field in ("splitter_error", "drift", "noise_draw"):
        first, last = np.asarray(getattr(found.first, field)), np.asarray(getattr(found.last, field))
        assert not np.any((first == last) & (first != 0))
        assert np.any(first != 0)


def test_settings_are_phases_and_attenuations_kept_in_their_range():
    mesh = SingularValueMesh.of(3, 2)
    mesh = mesh.put(first=with_random_phases(mesh.first, 1), attenuations=jnp.array([0.7, -0.4]))
    settings = mesh.settings()
    assert settings.shape == (mesh.first.phases.size + mesh.last.phases.size + 2,)
    np.testing.assert_allclose(weights(mesh.tuned(settings)), weights(mesh), rtol=0, atol=1e-13)
    far = mesh.tuned(settings.at[-1].add(5.0).at[0].set(-0.1))
    assert float(far.attenuations[-1]) == 1.0
    assert float(far.first.phases[0]) == pytest.approx(2 * np.pi - 0.1)


def test_losses_of_its_meshes_weaken_what_it_does():
    perfect = SingularValueMesh.of(4, 4)
    lossy = perfect.put(first=perfect.first.set("loss_db", 0.2), last=perfect.last.set("loss_db", 0.2))
    assert np.linalg.norm(weights(lossy), 2) < np.linalg.norm(weights(perfect), 2)
