"""Digits learned by spikes: the ideal layer is the published equations, the silicon one its rule, and learning stops."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.plastic_layer import PlasticLayer, fired_inputs, rested
from circuits.sdsp_classifier import (
    BREAK,
    DIGITS,
    INPUTS,
    LESSONS,
    NEURONS,
    RULE,
    STAGES,
    SDSPClassifier,
    at_rest,
    digits,
    parts,
)
from devsim.compare import compare
from devsim.learning.plasticity import Signals
from devsim.learning.plasticity.silicon import SiliconSDSP
from devsim.learning.spiking_cells import IdealCells

KEY = jax.random.key(17)
STEP, STEPS, WIDE, MANY = 1e-3, 150, 6, 4
"""Of the small layer: its step (s), steps of a lesson, inputs and cells."""


@pytest.fixture(scope="module")
def chip():
    return SDSPClassifier.design()


@pytest.fixture(scope="module")
def task(chip):
    return chip.task(KEY)


def small(rule, **fields) -> PlasticLayer:
    """A layer of a few cells."""
    cells = IdealCells.of(MANY, synapse_time=5e-3, refractory_time=2e-3)
    gains = {"excitation": jnp.ones((WIDE, MANY)), "inhibition": jnp.ones(MANY)} | fields
    return PlasticLayer(rule, cells, strength=jnp.asarray(3.0), share=jnp.asarray(0.3), step=jnp.asarray(STEP), **gains)


def lesson(rates: float = 60.0):
    """Random weights, and random inputs as `fired_inputs` lists them."""
    weights = jax.random.uniform(KEY, (WIDE, MANY), float)
    return weights, fired_inputs(jnp.full(WIDE, rates), STEPS, jnp.asarray(STEP), KEY)


DRIVE = jnp.array([0.8, 1.3, 2.2, 3.5])


def brader(weights, listed, drive):
    """The equations of Brader, Senn and Fusi, step by step, with the neurons solved exactly: weights, and who fired."""
    w, n = np.array(weights), weights.shape[1]
    v, s, wait, calcium, fired = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), []
    fast, slow, of_calcium = (np.exp(-STEP / tau) for tau in (5e-3, 20e-3, float(RULE.calcium_time)))
    through = (fast - slow) * 5e-3 / (5e-3 - 20e-3)
    for row in np.asarray(listed):
        events = np.isin(np.arange(len(w)), row).astype(float)
        free = wait == 0
        v = np.where(free, slow * v + through * s + (1 - slow) * drive, v)
        s, spikes = fast * s, free & (v > 1)
        wait, high = np.where(spikes, 2, np.maximum(wait - 1, 0)), v > RULE.membrane_threshold
        calcium *= of_calcium
        up = high & (RULE.up_low < calcium) & (calcium < RULE.up_high)
        down = ~high & (RULE.down_low < calcium) & (calcium < RULE.down_high)
        w = np.clip(w + np.where(w > RULE.weight_threshold, RULE.up_drift, -RULE.down_drift) * STEP, 0, 1)
        w = np.clip(w + events[:, None] * (RULE.up_jump * up - RULE.down_jump * down), 0, 1)
        calcium, v = calcium + spikes, np.where(spikes, 0.0, v)
        s += 3.0 * (events @ (w > RULE.weight_threshold) - 0.3 * events.sum())
        fired.append(spikes)
    return w, np.array(fired)


def test_the_ideal_layer_is_the_published_equations_step_by_step():
    weights, listed = lesson()
    learn = jax.jit(lambda cell: small(RULE).learn(weights, listed, DRIVE, watched=(0, cell)), static_argnums=0)
    wanted, fired = brader(weights, listed, np.asarray(DRIVE))
    assert fired.any(0).all() and np.abs(wanted - np.asarray(weights)).max() > 0.2
    for cell in range(MANY):
        found = learn(cell)
        np.testing.assert_allclose(found.weights, wanted, rtol=0, atol=STEPS * np.finfo(float).eps)
        np.testing.assert_array_equal(found.course.spikes, fired[:, cell])


@pytest.mark.slow
@pytest.mark.parametrize(("leakage", "tolerance"), [(0.0, 1e-10), (1e-15, 1e-15 * STEPS * STEP / (1e-12 * 1.8))])
def test_a_layer_of_circuits_is_its_rule_step_by_step(leakage, tolerance):
    """Between events, drift and leakage act once for all steps: exact for each alone, together within all that leaks."""
    die = SiliconSDSP.imitating(RULE).sized(WIDE, MANY).set("technology.leakage_current", leakage).fabricate(KEY)
    weights, listed = lesson()
    found = eqx.filter_jit(small(die).learn)(weights, listed, DRIVE)
    layer = small(die)

    def advance(carry, row):
        weights, local, state = carry
        fired = layer.cells.stepper(layer.step).fire(state, DRIVE)
        events = jnp.any(row[:, None] == jnp.arange(WIDE), axis=0).astype(float)
        weights, local = die.step(weights, local, Signals(events, fired.events, fired.membrane), layer.step, None)
        brought = events @ (die.efficacy(weights, local) - 0.3)
        return (weights, local, layer.cells.stepper(layer.step).strike(fired.state, 3.0 * brought)), None

    start = weights, die.begin(weights), layer.cells.begin()
    wanted = jax.jit(lambda start: jax.lax.scan(advance, start, listed))(start)[0][0]
    assert float(jnp.abs(wanted - weights).max()) > 0.1
    np.testing.assert_allclose(found.weights, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("rule", [RULE, SiliconSDSP.imitating(RULE).sized(WIDE, MANY)], ids=["ideal", "circuits"])
@pytest.mark.parametrize(("drive", "first"), [(-20.0, 0), (60.0, 100)], ids=["silent", "too active"])
def test_learning_stops_where_calcium_is_outside_of_its_windows(rule, drive, first):
    """Silent neurons, and neurons that calcium has told to be active enough: their synapses only drift."""
    weights, listed = lesson()
    quiet = jnp.where(jnp.arange(STEPS)[:, None] < first, WIDE, listed)
    found = eqx.filter_jit(small(rule).learn)(weights, quiet, jnp.full(MANY, drive))
    assert float(found.stopped) > 0.999
    np.testing.assert_allclose(found.weights, rested(rule, weights, jnp.asarray(STEPS * STEP)), atol=1e-3 * float(RULE.up_jump))


def test_weights_at_rest_are_at_a_rail_and_a_break_keeps_them_there(chip):
    weights = jax.random.uniform(KEY, (INPUTS, NEURONS), float)
    for layer in (chip.layer(), chip.ideal_layer()):
        settled = np.asarray(at_rest(layer, weights))
        assert np.minimum(settled, 1 - settled).max() < 1e-2
        far = np.abs(np.asarray(weights) - 0.5) > 0.02
        np.testing.assert_array_equal((settled > 0.5)[far], (np.asarray(weights) > 0.5)[far])
        np.testing.assert_allclose(rested(layer.rule, settled, jnp.asarray(BREAK)), settled, atol=1e-2)


def test_an_untaught_chip_guesses(chip, task):
    """All pools are alike before learning, so that over starts the mean is chance; the bound is five standard errors."""
    layer, starts = chip.ideal_layer(), jax.vmap(chip.start)(jax.random.split(KEY, 30))
    named = eqx.filter_jit(chip.named)(layer, layer.wires(at_rest(layer, starts)), task, KEY)
    right = np.asarray(jnp.mean(named == task.labels, axis=-1))
    assert abs(right.mean() - 1 / len(DIGITS)) < 5 * right.std(ddof=1) / np.sqrt(len(right))


def test_no_digit_of_the_test_part_is_in_a_lesson_and_all_digits_have_as_many(task):
    pictures, labels = digits()
    training, tests = parts(labels)
    assert not set(training) & set(tests)
    kept = {picture.tobytes() for picture in pictures[training]}
    told = np.asarray(task.lessons).reshape(-1, INPUTS)
    assert told.shape[0] == STAGES * LESSONS
    assert all(picture.tobytes() in kept for picture in told)
    np.testing.assert_array_equal(np.bincount(np.asarray(task.lesson_labels).ravel()), STAGES * LESSONS // len(DIGITS))


def test_each_imperfection_set_to_its_ideal_by_path_gives_the_ideal_chip(chip):
    by_path = chip
    for path, entry in chip.imperfections().items():
        by_path = by_path.set(path, entry.quantity.ideal)
    jax.tree.map(np.testing.assert_array_equal, by_path, chip.ideal())


def test_a_year_weakens_the_synapses_and_leaves_the_ideal_chip_alone(chip):
    gain = lambda chip: np.asarray(chip.age(chip.storage_time, chip.storage_temperature, KEY).layer().excitation)
    kappa, thermal = float(chip.get("plasticity.technology.gate_coupling")), 1.380649e-23 * 310 / 1.602176634e-19
    young = np.asarray(chip.layer().excitation)
    np.testing.assert_allclose(gain(chip), young * np.exp(-kappa * 10e-3 / thermal), rtol=1e-9)
    np.testing.assert_array_equal(gain(chip.ideal()), np.asarray(chip.ideal().layer().excitation))


@pytest.mark.slow
def test_warmth_mismatch_and_strength_do_not_compile_again(chip):
    traces = 0
    listed = fired_inputs(jnp.full(INPUTS, 40.0), 20, jnp.asarray(STEP), KEY)

    @jax.jit
    def learned(chip):
        nonlocal traces
        traces += 1
        die = chip.build(None, KEY)
        return die.layer().learn(chip.start(KEY), listed, jnp.full(NEURONS, 4.0)).weights.mean()

    technology = "plasticity.technology"
    settings = {f"{technology}.temperature": 330.0, f"{technology}.threshold_mismatch": 2e-8, "strength": 0.5}
    values = [float(learned(chip)), *(float(learned(chip.set(path, value))) for path, value in settings.items())]
    assert traces == 1
    assert len(set(values)) == len(values)


@pytest.mark.slow
def test_a_die_learns_digits_and_its_pictures_are_drawn(chip, task):
    from devsim.plot import png

    found = compare(chip, dies=4, key=KEY, task=task)
    mean = {name: float(found[name].mean()) for name in chip.metrics}
    assert mean["accuracy_linear_regression"] > 0.95
    assert mean["accuracy_ideal_rule"] > 0.75, mean
    assert mean["accuracy"] > 0.65 > 2 * mean["accuracy_untaught"], mean
    assert mean["stopped"] > 0.5 and 0.2 < mean["potentiated"] < 0.8, mean
    drawn = chip.pictures(task, KEY)
    assert [p.name for p in drawn] == ["weights", "learning", "synapse", "confusion"]
    assert all(png(p.figure).startswith(b"\x89PNG") and p.caption.endswith(".") for p in drawn)
