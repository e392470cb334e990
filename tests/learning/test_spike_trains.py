"""Spike trains: times on the grid of the steps, random trains with the rates and correlations asked for, and files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning.spike_trains import correlated_poisson, events, poisson, read_spikes, write_spikes


def key(seed=0):
    return jax.random.key(seed)


def test_a_spike_belongs_to_the_step_that_holds_it():
    """Also where k times the step is a rounding below the spike: 3 x 0.1 ms, 29 x 0.1 ms."""
    times = [[0.0, 3 * 1e-4, 0.0005999], [29 * 1e-4, 0.0099999]]
    fired = np.asarray(events(times, 0.01, 1e-4))
    assert fired.shape == (100, 2)
    np.testing.assert_array_equal(np.flatnonzero(fired[:, 0]), [0, 3, 5])
    np.testing.assert_array_equal(np.flatnonzero(fired[:, 1]), [29, 99])


def test_lists_and_padded_arrays_are_the_same():
    lists = [[0.001, 0.004], [], [0.002]]
    padded = np.array([[0.001, 0.004], [np.inf, np.inf], [0.002, np.inf]])
    np.testing.assert_array_equal(events(lists, 0.005, 1e-3), events(padded, 0.005, 1e-3))


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([[0.002, 0.001]], "`times` must be sorted, but of neuron 0 0.002 s comes before 0.001 s; use `np.sort`"),
        ([[], [-1e-3]], "`times` must be within the run, at least 0 s and below 0.01 s, but a time of neuron 1 is -0.001 s"),
        ([[0.01]], "`times` must be within the run.*is 0.01 s"),
        ([[np.nan]], "`times` must be finite, but a time of neuron 0 is NaN"),
        ([[np.inf, 0.001]], "`times` must be sorted, but of neuron 0 inf s comes before 0.001 s"),
        ([[0.0011, 0.0012]], "at most one spike per neuron and step of 0.001 s, but neuron 0 has two near 0.0011 s"),
        ([0.1], "`times` must hold one list of times"),
        ("spikes", "`times` must hold one list of times"),
        (0.1, "`times` must hold one list of times"),
        ([["a"]], "`times` must hold numbers"),
    ],
)
def test_times_that_cannot_be_run_are_refused_in_words(times, words):
    with pytest.raises(InputError, match=words):
        events(times, 0.01, 1e-3)


def test_poisson_trains_have_their_rates_and_no_memory():
    """Counts within five standard errors; steps in a row as often as chance has it."""
    rates, step = jnp.array([20.0, 80.0, 0.0]), 1e-3
    fired = np.asarray(poisson(rates, 100.0, step, key()))
    chance, count = np.asarray(rates) * step, len(fired)
    error = np.sqrt(chance * (1 - chance) / count)
    assert (np.abs(fired.mean(0) - chance) <= 5 * error).all()
    pairs = (fired[1:] * fired[:-1]).mean(0)
    assert (np.abs(pairs - chance**2) <= 5 * np.sqrt(3 * chance**2 / count)).all()


def test_a_batch_of_rates_is_a_batch_of_trains():
    fired = poisson(jnp.array([[10.0, 0.0], [0.0, 10.0], [500.0, 1000.0]]), 0.1, 1e-3, key())
    assert fired.shape == (3, 100, 2)
    assert not fired[0, :, 1].any()
    assert not fired[1, :, 0].any()
    assert fired[2, :, 1].all()
    several = jax.vmap(lambda k: poisson(jnp.full(2, 100.0), 0.1, 1e-3, k))(jax.random.split(key(), 2))
    assert (several[0] != several[1]).any()


def test_groups_are_correlated_as_asked_and_keep_their_rates():
    """Two groups of two and one alone, coefficients 0.5 and 0.1, within five standard errors of a product of rare events."""
    groups, step, rate = np.array([0, 0, 1, 1, 2]), 1e-3, 50.0
    fired = np.asarray(correlated_poisson(jnp.full(5, rate), groups, jnp.array([0.5, 0.1, 1.0]), 200.0, step, key(2)))
    chance, count = rate * step, len(fired)
    assert (np.abs(fired.mean(0) - chance) <= 5 * np.sqrt(chance / count)).all()
    found = np.corrcoef(fired.T)
    law = np.eye(5)
    law[0, 1] = law[1, 0] = 0.5
    law[2, 3] = law[3, 2] = 0.1
    together = law * chance * (1 - chance) + chance**2
    error = np.sqrt(together / count) / (chance * (1 - chance))
    assert (np.abs(found - law) <= 5 * error).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(rates=[-1.0, 1.0]), "`rates` must be at least 0 1/s and at most 1000 1/s, but is -1 1/s at index .0,."),
        (dict(rates=[1.0, 2000.0]), "`rates` must be at least 0 1/s and at most 1000 1/s, but is 2000"),
        (dict(rates=5.0), "`rates` must hold one rate .1/s. per neuron, but is a number"),
        (dict(groups=[0.0, 1.0]), "`groups` must be a whole number from 0 for each of the neurons"),
        (dict(groups=[0]), "`groups` must be a whole number from 0 for each of the neurons"),
        (dict(groups=[0, -1]), "`groups` must be a whole number from 0 for each of the neurons"),
        (dict(correlation=[0.1, 0.2, 0.3]), "`correlation` must be a number or one per group .2,., but has shape .3,."),
        (dict(correlation=1.5), "`correlation` must be at least 0 and at most 1, but is 1.5"),
        (dict(key=0), "`key` must be made by `jax.random.key"),
    ],
)
def test_random_trains_that_cannot_be_drawn_are_refused_in_words(given, words):
    given = {"rates": [10.0, 20.0], "groups": [0, 1], "correlation": 0.5, "key": key()} | given
    with pytest.raises(InputError, match=words):
        correlated_poisson(**given, duration=0.1, step=1e-3)


def test_a_file_gives_back_what_was_written_to_the_last_bit(tmp_path):
    times = [np.array([0.1, 1 / 3]), np.array([]), np.array([2e-9])]
    write_spikes(tmp_path / "spikes.csv", times)
    assert (tmp_path / "spikes.csv").read_text().splitlines()[0] == "neuron,time (s)"
    for found, row in zip(read_spikes(tmp_path / "spikes.csv"), times, strict=True):
        np.testing.assert_array_equal(found, row)
    assert len(read_spikes(tmp_path / "spikes.csv", neurons=5)) == 5


def test_lines_of_any_order_and_empty_ones_are_read(tmp_path):
    (tmp_path / "spikes.csv").write_text("neuron, time (s)\n1, 0.2\n\n0,0.3\n1,0.1\n")
    found = read_spikes(tmp_path / "spikes.csv")
    np.testing.assert_array_equal(found[0], [0.3])
    np.testing.assert_array_equal(found[1], [0.1, 0.2])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must begin with the header `neuron,time .s.`, but line 1 is ``"),
        ("0,0.1\n", "must begin with the header `neuron,time .s.`, but line 1 is `0,0.1`"),
        ("neuron,time (ms)\n0,1\n", "must begin with the header"),
        ("neuron,time (s)\n0,0.1\n0\n", "line 3 is `0`"),
        ("neuron,time (s)\n0,0.1,7\n", "line 2 is `0,0.1,7`"),
        ("neuron,time (s)\n0.5,0.1\n", "line 2 is `0.5,0.1`"),
        ("neuron,time (s)\n-1,0.1\n", "line 2 is `-1,0.1`"),
        ("neuron,time (s)\n0,soon\n", "line 2 is `0,soon`"),
        ("neuron,time (s)\n0,-0.1\n", "line 2 is `0,-0.1`"),
        ("neuron,time (s)\n0,nan\n", "line 2 is `0,nan`"),
        ("neuron,time (s)\n0,inf\n", "line 2 is `0,inf`"),
        ("neuron,time (s)\n4,0.1\n", "must hold spikes of 3 neurons, from 0 to 2, but has one of neuron 4"),
    ],
)
def test_a_file_that_is_malformed_is_refused_with_its_line(tmp_path, text, words):
    (tmp_path / "spikes.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_spikes(tmp_path / "spikes.csv", neurons=3)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    (tmp_path / "spikes.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("spikes.csv", "missing.csv"):
        with pytest.raises(InputError, match=f"{name}` must be a text file of spikes, but cannot be read"):
            read_spikes(tmp_path / name)
