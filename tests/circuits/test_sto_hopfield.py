"""The chip of spin-torque oscillators: its pictures, its die, what it recalls, and what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from circuits import phase_pictures, sto_hopfield_pictures
from circuits.sto_hopfield import (
    OSCILLATORS,
    STORED,
    StoHopfield,
    StoHopfieldBinary,
    StoHopfieldRandom,
    Task,
    grey_levels,
    joined,
)
from circuits.sto_hopfield_pictures import breakdown, tapped
from devsim import transient
from devsim.check import InputError
from devsim.devices.delay import DelayChains
from devsim.devices.magnetic import AutoOscillator
from devsim.learning import storage
from devsim.learning.oscillator_network import OscillatorNetwork
from devsim.learning.phases import phase_error, scramble

KEY = jax.random.key(2)


@pytest.fixture(scope="module")
def chip():
    return StoHopfield.design()


@pytest.fixture(scope="module")
def few(chip):
    """The task with one corrupted cue for each picture."""
    return chip.budget_task(chip.task(KEY))


def test_twelve_different_pictures_of_grey_levels_are_drawn():
    drawn = phase_pictures.pictures()
    assert len(drawn) == STORED
    assert all(picture.shape == (16, 12) and picture.min() >= 0 and picture.max() <= 1 for picture in drawn.values())
    assert all(np.ptp(picture) > 0.5 for picture in drawn.values())
    assert np.linalg.cond(np.exp(1.5j * np.pi * grey_levels())) < 10


def test_a_stroke_is_black_on_its_line_and_fades_beside_it():
    drawn = phase_pictures.drawn([[(0.5, 0.0), (0.5, 4 / 3)]])
    away = np.abs((np.arange(12) + 0.5) / 12 - 0.5)
    expected = np.clip((phase_pictures.PEN + phase_pictures.BLUR - away) / phase_pictures.BLUR, 0, 1)
    np.testing.assert_allclose(drawn, np.broadcast_to(expected, (16, 12)), atol=1e-12)


def test_levels_of_phases_are_those_that_were_stored(chip):
    levels = lambda chip, phasors: chip.levels(np.asarray(phasors), np.asarray(phasors)).reshape(len(phasors), -1)
    np.testing.assert_allclose(levels(chip, chip.patterns(KEY)), grey_levels(), atol=1e-9)
    beyond = np.exp(1j * np.array([1.6, 1.9]) * np.pi) * np.ones((OSCILLATORS, 1))
    np.testing.assert_array_equal(levels(chip, beyond.T)[:, 0], [1, 0])
    binary = StoHopfieldBinary.design()
    np.testing.assert_array_equal(levels(binary, binary.patterns(KEY)), grey_levels() > 0.5)
    away = StoHopfieldRandom.design().levels(1j * np.ones((1, OSCILLATORS)), np.ones((1, OSCILLATORS)))
    np.testing.assert_allclose(away, 0.5)


def test_cues_differ_from_what_was_stored_as_the_task_says(chip):
    task = chip.task(KEY)
    changed = np.mean(np.abs(task.corrupted - task.corrupted_targets) > 1e-9, axis=-1)
    np.testing.assert_allclose(changed, round(0.3 * OSCILLATORS) / OSCILLATORS, atol=2 / OSCILLATORS)
    hidden = np.mean(np.abs(task.occluded - task.occluded_targets) > 1e-9, axis=-1)
    np.testing.assert_allclose(hidden, 0.5, atol=2 / OSCILLATORS)


def test_the_ideal_die_has_the_weights_of_the_pseudo_inverse(chip, few):
    die = chip.ideal().build(few, KEY)
    exact = storage.pseudo_inverse(few.stored, keep_diagonal=False)
    np.testing.assert_allclose(die.circuit["weights"].weights(), exact, atol=1e-12)
    np.testing.assert_array_equal(die.circuit["oscillators"].detuned(), 0)


def test_power_is_that_of_its_parts(chip, few):
    die = chip.build(few, KEY)
    links = OSCILLATORS * (OSCILLATORS - 1)
    expected = {
        "oscillators": OSCILLATORS * 1e-4**2 * 2e3,
        "amplifiers": OSCILLATORS * 20e-6,
        "inverters": 5 * links * 1e-15 * 0.8**2 * 300e6,
        "leakage": 5 * links * 1e-9 * 0.8,
    }
    found = die.power()
    assert found.keys() == expected.keys()
    for name, watts in expected.items():
        assert float(found[name]) == pytest.approx(watts, rel=1e-9), name


@pytest.mark.slow
def test_all_pictures_come_back_and_energies_add_up(chip, few):
    measure = jax.jit(lambda chip, key: chip.build(few, key).measure(few, key))
    found, ideal = measure(chip, KEY), measure(chip.ideal(), KEY)
    for told in (found, ideal):
        assert told.keys() == StoHopfield.metrics.keys()
        assert float(told["recall_success"]) == 1.0
        parts = sum(float(told[f"energy_{name}"]) for name in chip.power())
        assert float(told["energy_per_recall"]) == pytest.approx(parts, rel=1e-9)
    assert 0.02 < float(found["rms_error"]) < 0.04
    assert float(ideal["rms_error"]) < 0.003
    assert 2e-7 < float(ideal["time_to_5_percent"]) < float(found["time_to_5_percent"]) < 8e-7
    lines = jax.jit(lambda chip, key: chip.build(few, key).measure(few, key))(tapped(chip, 16), KEY)
    assert float(lines["recall_success"]) == 1.0
    assert float(lines["energy_inverters"]) < float(found["energy_inverters"]) / 50


@pytest.mark.slow
def test_every_figure_is_drawn(chip, monkeypatch):
    for name, value in {"DIES": 1, "COUPLINGS": (1e7, 3e7), "SPREADS": np.array([1e-5, 1e-2]), "BITS": (2, 3)}.items():
        monkeypatch.setattr(sto_hopfield_pictures, name, value)
    monkeypatch.setattr(sto_hopfield_pictures, "AGES", {"an hour": 3600.0, "a day": 86_400.0})
    drawn = chip.pictures(chip.task(KEY), KEY)
    assert [each.name for each in drawn] == ["recall", "error", "spread", "energy", "stability", "bits", "ageing"]
    assert all(each.figure.axes and each.caption for each in drawn)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [StoHopfieldRandom, StoHopfieldBinary])
def test_the_other_sets_come_back_too(kind):
    chip = kind.design()
    task = chip.budget_task(chip.task(KEY))
    found = jax.jit(lambda chip, key: chip.build(task, key).measure(task, key))(chip, KEY)
    assert float(found["recall_success"]) == 1.0
    assert len(chip.names()) == STORED


@pytest.mark.slow
def test_the_circuit_in_the_graph_does_what_the_network_does():
    """Twelve oscillators and their delays as nets and parts, by a general method in time."""
    size = 12
    patterns = jnp.exp(2j * jnp.pi * jax.random.uniform(KEY, (2, size)))
    weights = DelayChains.of(size, size).program(storage.pseudo_inverse(patterns, keep_diagonal=False), KEY)
    cue = scramble(patterns[0], 0.3, KEY)
    oscillators = AutoOscillator.of(size, linewidth=0.0, frequency_spread=1e-3).fabricate(KEY)
    network = OscillatorNetwork(oscillators, weights)
    found = network.recall(cue, 2e-7, KEY, targets=patterns[0], step=5e-10)
    circuit = joined(oscillators.put(initial_phase=jnp.angle(cue)), weights)
    graph = transient(circuit, duration=2e-7, step=5e-10, method="rk4", every=400)["sent"][-1]
    np.testing.assert_allclose(graph, found.states, atol=1e-4)
    assert float(phase_error(graph, patterns[0])) == pytest.approx(float(found.errors[-1]), abs=1e-5)


def test_one_frequency_serves_oscillators_and_delays(chip):
    quick = chip.set("oscillators.frequency", 1e9)
    assert float(quick.get("weights.frequency")) == 1e9
    assert float(quick.get("weights.delay_bits")) == pytest.approx(5.0)
    assert float(chip.set("weights.frequency", 5e8).get("oscillators.frequency")) == 5e8


def test_what_cannot_be_is_refused(chip):
    with pytest.raises(InputError, match=r"`frequency` must be at least 2\.916e\+08 Hz for these lines, but is 2\.5e\+07 Hz"):
        chip.set("oscillators.frequency", 25e6)
    with pytest.raises(InputError, match="`patterns` must be linearly independent, but pattern 1 is made of 0"):
        chip.set("phase_range", 0.0).task(KEY)
    with pytest.raises(InputError, match="`recall_time` must be above 0 s"):
        chip.set("recall_time", 0.0)
    assert isinstance(chip.task(KEY), Task)


def test_the_breakdown_is_where_the_error_passes_its_level():
    spreads = np.geomspace(1e-4, 1e-1, 4)
    assert breakdown(spreads, 50 * spreads, 0.05) == pytest.approx(1e-3)
    assert np.isnan(breakdown(spreads, 0 * spreads, 0.05))
    assert np.isnan(breakdown(spreads, 1 + spreads, 0.05))
