"""The first chip: what it is beside the ideal network, and that its parts and paths are where they are said to be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits.crossbar_hopfield import STEPS, CrossbarHopfield, digits, exemplars
from devsim.budget import active_imperfections, error_budget
from devsim.check import InputError
from devsim.compare import compare, interval, summary
from devsim.compile import plan_of
from devsim.learning import hopfield
from devsim.randomness import named_key

KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def chip():
    return CrossbarHopfield.design()


@pytest.fixture(scope="module")
def task(chip):
    return chip.task(KEY)


@pytest.fixture(scope="module")
def built(chip):
    """One compiled function for every die and every variant."""
    return jax.jit(lambda chip, task, key: chip.build(task, key))


def reference(patterns, cues, steps):
    """An independent Hopfield network in NumPy: pseudo-inverse without diagonal, synchronous, ties keep their state."""
    x = np.asarray(patterns).T
    weights = x @ np.linalg.pinv(x)
    np.fill_diagonal(weights, 0)
    states = np.array(cues)
    for _ in range(steps):
        field = states @ weights.T
        tie = np.abs(field) <= 1e-12 * np.abs(field).max(axis=1, keepdims=True)
        states = np.where(tie, states, np.sign(field))
    return states


def test_every_image_gives_a_cue_and_one_picture_a_class_is_stored(task):
    pictures, labels = digits()
    assert task.flipped.shape == (1797, 64)
    assert task.stored.shape == (10, 64)
    np.testing.assert_array_equal(task.flipped_targets, np.asarray(task.stored)[labels])
    assert set(map(tuple, np.asarray(task.stored))) <= set(map(tuple, pictures))
    np.testing.assert_array_equal((np.asarray(task.flipped) != np.asarray(task.flipped_targets)).sum(1), np.full(1797, 6))


def test_with_every_imperfection_ideal_it_recalls_the_ideal_network_bit_for_bit(chip, task, built):
    die = built(chip.ideal(), task, KEY)
    cues = jnp.concatenate([task.flipped, task.occluded, task.handwritten])
    found = die.recall(cues, cues, KEY)
    np.testing.assert_array_equal(found.states, reference(task.stored, cues, STEPS))


def test_each_imperfection_set_to_its_ideal_by_path_gives_the_ideal_chip(chip):
    by_path = chip
    for path, entry in chip.imperfections().items():
        by_path = by_path.set(path, entry.quantity.ideal)
    jax.tree.map(np.testing.assert_array_equal, by_path, chip.ideal())


def test_the_read_path_has_no_loop_and_its_parts_have_their_names(chip):
    assert not any(step.implicit for step in plan_of(chip.circuit).steps)
    assert {"dac", "array", "sense", "adc", "threshold"} == set(chip.circuit.netlist.names())
    assert float(chip.get("array.wire_resistance")) == 1.0
    assert float(chip.get("dac.bits")) == pytest.approx(6) == float(chip.get("adc.bits"))


def test_a_stored_pattern_nearly_fills_the_converter(chip, task, built):
    from devsim.analyses.operating_point import operating_point

    die = built(chip.ideal(), task, KEY)
    fields = jax.vmap(lambda s: operating_point(die.circuit, {"state": s})["field"])(task.stored)
    assert 0.5 < float(jnp.max(jnp.abs(fields))) <= 1.0


@pytest.mark.slow
def test_dies_are_the_same_alone_and_together(chip, task):
    few, many = (compare(chip, dies=n, key=KEY, task=task) for n in (2, 3))
    for name in chip.metrics:
        np.testing.assert_allclose(few[name], many[name][:2], rtol=1e-12)
    told = summary(many)
    assert told["array_energy"]["ideal"] is None
    assert told["recall_success"]["ideal"] == float(many["recall_success_ideal"])
    assert told["recall_success"]["unit"] == "1"


def test_wires_and_drift_cost_what_they_should(chip, task, built):
    """A hundred ohms a segment and a year on the shelf must hurt; the ideal knobs alone must not."""
    share = jax.jit(lambda die: die.recall(task.occluded, task.occluded_targets, KEY))
    right = lambda variant: float(hopfield.success(share(built(variant, task, KEY)).states, task.occluded_targets))
    good = right(chip.ideal())
    assert right(chip.ideal().set("array.wire_resistance", 100.0)) < good
    assert right(chip.set("storage_time", 3e7).set("array.cell.drift_spread", 4.0)) < good


@pytest.mark.slow
def test_sweeping_a_knob_over_fifty_values_compiles_once(chip, task):
    traces = 0

    @jax.jit
    def overlap(chip, key):
        nonlocal traces
        traces += 1
        die = chip.build(task, named_key(key, "build"))
        return jnp.mean(hopfield.overlap(die.recall(task.occluded, task.occluded_targets, key).states, task.occluded_targets))

    values = [float(overlap(chip.set("array.wire_resistance", r), KEY)) for r in np.geomspace(0.1, 500, 50)]
    assert traces == 1
    assert values[-1] < values[0]


@pytest.mark.slow
def test_the_budget_ranks_active_imperfections_on_common_dies(chip, task):
    only = chip.ideal().set("array.cell.write_noise", 4.0).set("array.wire_resistance", 5.0)
    assert list(active_imperfections(only)) == ["array.wire_resistance", "array.cell.write_noise"]
    budget = error_budget(only, metric="overlap", dies=3, key=KEY, task=chip.budget_task(task))
    assert next(iter(budget["imperfection"].values)) == "array.cell.write_noise"
    assert (np.diff(budget["cost_alone"]) <= 0).all()
    assert float(budget["chip"]) < float(budget["ideal"])
    # Removing one of two imperfections leaves the other alone.
    np.testing.assert_allclose(budget["removed"].values, budget["alone"].values[::-1], atol=1e-12)


def test_unknown_paths_and_bad_values_name_the_whole_path(chip):
    for path, value, words in [
        ("array.wire_resistanc", 1.0, r"There is no parameter `array.wire_resistanc`. Did you mean `array.wire_resistance`"),
        ("array.cell.write_nois", 1.0, r"Did you mean `array.cell.write_noise`"),
        ("storage_tim", 1.0, r"Did you mean `storage_time`"),
        ("array.wire_resistance", -1.0, r"`array.wire_resistance` must be at least 0 ohm, but is -1 ohm"),
        ("storage_time", np.nan, r"`storage_time` must be at least 0 s, but is nan s"),
    ]:
        with pytest.raises(InputError, match=words):
            chip.set(path, value)


def test_the_interval_is_that_of_student():
    from scipy import stats

    values = np.random.default_rng(1).normal(size=12)
    low, high = stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    np.testing.assert_allclose(interval(values), (values.mean(), low, high), rtol=1e-12)
    assert interval(np.array([1.0, 1.0, 0.9]), 0.0, 1.0)[2] == 1.0


def test_exemplars_are_the_most_typical_of_their_class():
    pictures, labels = digits()
    for c, chosen in enumerate(exemplars(pictures, labels)):
        mates = pictures[labels == c]
        agreement = mates @ mates.sum(axis=0)
        assert chosen @ mates.sum(axis=0) == agreement.max()


@pytest.mark.slow
def test_every_picture_can_be_drawn(chip, task):
    from devsim.plot import png

    drawn = chip.pictures(task, KEY)
    assert [p.name for p in drawn] == ["recall", "overlap", "basin", "ageing", "conductance", "ir_drop"]
    for picture in drawn:
        assert png(picture.figure).startswith(b"\x89PNG")
        assert picture.title
        assert picture.caption.endswith(".")


def test_what_the_chip_carries_along_cannot_be_set_from_the_command_line(capsys, tmp_path):
    from devsim.cli import main

    with pytest.raises(SystemExit, match="2"):
        main(["run", "crossbar-hopfield", "--set", "array.weight_scale=1e-6", "--out", str(tmp_path / "run")])
    assert "`array.weight_scale` is what the chip carries along, not a knob" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
