"""The chip that learns a binary mapping by contrastive Hebbian learning."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.mzi_contrastive_hebbian import MZIContrastiveHebbian, MZIContrastiveHebbian8, binary_mapping, real_mesh
from devsim.compare import compare
from devsim.devices.mesh import Mesh, Symmetric

KEY = jax.random.key(0)


@pytest.mark.parametrize("size", [4, 8])
def test_a_mapping_has_different_inputs_and_binary_targets(size):
    inputs, targets = binary_mapping(size, KEY)
    assert inputs.shape == targets.shape == (2 * size, size)
    assert len(np.unique(np.asarray(inputs), axis=0)) == 2 * size
    assert set(np.unique(inputs)) <= {0.0, 1.0}
    np.testing.assert_allclose(np.unique(targets), [0.1, 0.9])


def test_a_push_pull_mesh_driven_differentially_is_real():
    mesh = real_mesh(Mesh.of(Symmetric(4)), KEY)
    assert mesh.settings().shape == (6,)
    assert float(jnp.max(jnp.abs(jnp.imag(mesh.weights())))) < 1e-14


def test_knobs_of_the_chip_reach_every_mesh_and_vanish_in_the_ideal_one():
    chip = MZIContrastiveHebbian.design()
    die = chip.build(chip.task(KEY), KEY)
    for layer in ("hidden", "output"):
        for mesh in ("first", "last"):
            assert float(jnp.std(getattr(die.circuit[layer], mesh).splitter_error)) > 0
            assert die.circuit[layer].get(f"{mesh}.phase_noise") == chip.phase_noise
    ideal = chip.ideal().build(chip.task(KEY), KEY)
    assert not np.any(ideal.circuit["hidden"].first.splitter_error)


def test_eight_units_are_the_same_chip_with_other_sizes():
    chip = MZIContrastiveHebbian8.design()
    assert chip.circuit["hidden"].shape() == (8, 8)
    assert set(chip.metrics) == set(MZIContrastiveHebbian.metrics)


@pytest.mark.slow
def test_meshes_beat_chance_but_not_the_ideal_network():
    result = compare(MZIContrastiveHebbian.design(), dies=8, key=KEY)
    mean = {name: float(result[name].mean()) for name in MZIContrastiveHebbian.metrics}
    two_errors = lambda one, other: 2 * float((result[one] - result[other]).std()) / np.sqrt(8)
    for kind in ("coherent", "incoherent", "homodyne", "balanced", "svd"):
        assert mean[f"error_{kind}"] < mean["error_constant"] < mean["error_chance"], kind
        assert mean[f"error_{kind}"] > mean["error_ideal"], kind
    for worse, better in (
        ("coherent", "homodyne"),
        ("incoherent", "homodyne"),
        ("coherent", "balanced"),
        ("incoherent", "svd"),
        ("balanced", "svd"),
    ):
        worse, better = f"error_{worse}", f"error_{better}"
        assert mean[worse] - mean[better] > two_errors(worse, better), (worse, better)
