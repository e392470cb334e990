"""Meshes programmed with what a computer learned: the data are as named, perfect meshes lose nothing, corrections work."""

import os
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.layers import network_of
from circuits.mesh_vowels import CLASSES, VOWELS, WAYS, MeshVowels, corrected, digits, taught_in_software, vowels
from devsim.compare import compare
from devsim.learning import baselines

KEY = jax.random.key(3)
RECORDINGS = Path(os.environ.get("DEVSIM_DATA", "")) / "vowel" / "h95.csv"


@pytest.fixture(scope="module")
def chip():
    return MeshVowels.design()


@pytest.mark.skipif("DEVSIM_DATA" not in os.environ or not RECORDINGS.exists(), reason="DEVSIM_DATA holds no vowel/h95.csv")
def test_every_speaker_says_every_vowel():
    formants, spoken = vowels(RECORDINGS)
    np.testing.assert_array_equal(np.bincount(spoken), 139)
    assert formants.shape == (139 * len(VOWELS), 3)
    assert (np.diff(formants, axis=1) > 0).all(), "the formants rise"


def test_principal_components_of_digits_do_not_correlate():
    components, labels = digits()
    covariance = np.cov(components.T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-10 * covariance.max())
    assert set(labels) == set(range(CLASSES))


def test_a_computer_learns_four_blobs():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, CLASSES, 400)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    features = jnp.asarray(np.column_stack([corners[labels] + 0.2 * draw.normal(size=(400, 3)), np.ones(400)]))
    network = taught_in_software(features, jnp.asarray(labels), KEY)
    assert float(baselines.accuracy(network.predict(features, KEY), labels)) > 0.99


@pytest.mark.slow
def test_splitters_turn_real_weights_out_of_phase_and_correction_undoes_it(chip):
    """A splitter's error e multiplies by exp(i e X): i e X leaves the real part of a real matrix, so e^2 is left."""
    array = chip.ideal().circuit["hidden"]
    weights = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)))

    @jax.jit
    @partial(jax.vmap, in_axes=(None, 0))
    def deviations(spread, key):
        core = array.core
        meshes = {name: getattr(core, name).put(splitter_spread=spread) for name in ("first", "last")}
        direct = array.put(core=core.put(**meshes)).fabricate(key).program(weights, key)
        off = lambda one: jnp.sqrt(jnp.mean((one.weights() - weights) ** 2))
        return off(direct), off(corrected(direct, weights, key))

    keys = jax.random.split(KEY, 50)
    (small, mended), (large, _) = (deviations(jnp.asarray(spread), keys) for spread in (0.005, 0.01))
    # The next terms are of relative order e^2 to e, 0.01 of the ratio of squares, times the eight columns.
    np.testing.assert_allclose(large / small, 4, rtol=0.1)
    assert float(jnp.median(mended)) < 1e-10 < 1e-5 < float(jnp.median(small))


@pytest.mark.slow
def test_a_perfect_chip_answers_as_the_computer_and_teaching_a_bad_one_helps(chip):
    task = chip.task(KEY)
    worse = chip
    for layer, mesh in ((layer, mesh) for layer in ("hidden", "output") for mesh in ("first", "last")):
        worse = worse.set(f"{layer}.core.{mesh}.splitter_spread", 0.1)
    found = compare(worse, dies=12, key=KEY, task=task)
    assert float(found["answer_error_ideal"]) < 1e-8
    assert float(found["accuracy_programmed_ideal"]) == float(found["accuracy_corrected_ideal"]) > 0.85
    mean = {way: float(found[f"accuracy_{way}"].mean()) for way in WAYS}
    assert mean["in_situ"] > mean["programmed"], mean


@pytest.mark.slow
def test_every_picture_can_be_drawn(chip):
    from devsim.plot import png

    drawn = chip.pictures(chip.task(KEY), KEY)
    assert [p.name for p in drawn] == ["accuracy", "splitters", "confusion"]
    assert all(png(p.figure).startswith(b"\x89PNG") and p.caption.endswith(".") for p in drawn)


def test_both_layers_hold_singular_value_meshes_with_paths(chip):
    assert float(chip.get("hidden.core.first.splitter_spread")) == 0.02
    assert float(chip.get("output.core.last.phase_bits")) == pytest.approx(8)
    assert [array.shape() for array in network_of(chip.circuit).arrays] == [(4, 4), (4, 4)]
