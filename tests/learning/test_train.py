"""Training loops: what they compute, and that a break changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning.baselines import error
from devsim.learning.contrastive import ContrastiveHebbian
from devsim.learning.feedback import Backpropagation, RandomBackpropagation
from devsim.learning.train import Trained, load, train, trained

from .networks import deep, drawn, half_crossbar

KEY = jax.random.key(45)
INPUTS, TARGETS = drawn(1, 12, 6), drawn(2, 12, 3)
RULE = Backpropagation(0.05)


def run(network=None, rule=RULE, inputs=INPUTS, targets=TARGETS, *, epochs=5, key=KEY, **options) -> Trained:
    return train(network or deep(), rule, inputs, targets, epochs=epochs, key=key, **options)


def assert_same_bits(a: Trained, b: Trained):
    for x, y in zip(jax.tree.leaves((a.network, a.errors)), jax.tree.leaves((b.network, b.errors)), strict=True):
        np.testing.assert_array_equal(x, y)


def test_training_is_one_update_after_the_other():
    network, errors = deep(), []
    for _ in range(3):
        errors.append(error(network.predict(INPUTS, KEY), TARGETS))
        network = network.learn(RULE.proposals(network, INPUTS, TARGETS, KEY), KEY)
    errors.append(error(network.predict(INPUTS, KEY), TARGETS))
    found = run(epochs=3)
    np.testing.assert_allclose(found.errors, errors, rtol=1e-13)
    np.testing.assert_allclose(found.network.arrays[0].weights(), network.arrays[0].weights(), rtol=0, atol=1e-14)
    assert found.epochs == 3


def test_an_epoch_in_batches_shows_every_sample_once():
    # Updates of size zero leave the network, so the sum of what a rule sees is that of all samples.
    class Seen(Backpropagation):
        def proposals(self, network, inputs, targets, key):
            jax.debug.callback(lambda x: seen.append(np.array(x)), inputs)
            return Backpropagation.proposals(self, network, inputs, targets, key)

    seen: list[np.ndarray] = []
    run(rule=Seen(0.0), epochs=2, batch=4, every=2)
    jax.effects_barrier()
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch, axis=0), np.sort(INPUTS, axis=0))
    assert len(seen) == 6 and (first != second).any()


@pytest.mark.parametrize("batch", [pytest.param(None, marks=pytest.mark.slow), 5])
def test_a_training_that_was_broken_off_and_resumed_has_the_same_bits(batch, tmp_path):
    network = half_crossbar((6, 5, 3), 3, step=0.01, step_spread=0.3, read_noise=0.02, cycle_noise=0.3, write_noise=0.2)
    rule, record = RandomBackpropagation.drawn(0.3, network, KEY), lambda network, key: network.biases[0]
    options = dict(batch=batch, every=4, record=record)
    whole = run(network, rule, epochs=11, **options)
    run(network, rule, epochs=6, **options, save=tmp_path / "half.npz")
    resumed = run(network, rule, epochs=11, **options, resume=load(tmp_path / "half.npz", network))
    assert_same_bits(whole, resumed)
    np.testing.assert_array_equal(whole.recorded, resumed.recorded)
    assert whole.recorded.shape == (12, 5)


def test_a_saved_training_comes_back_with_the_same_bits(tmp_path):
    found = run()
    found.save(tmp_path / "run.npz")
    back = load(tmp_path / "run.npz", deep(1))
    assert_same_bits(found, back)
    assert (back.batch, back.epochs, str(back)) == (found.batch, found.epochs, str(found))
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_progress_is_told_and_the_file_written_after_every_chunk(tmp_path):
    told = []
    run(
        epochs=7,
        every=3,
        save=tmp_path / "x.npz",
        progress=lambda *n: told.append((*n, load(tmp_path / "x.npz", deep()).epochs)),
    )
    assert told == [(3, 7, 3), (6, 7, 6), (7, 7, 7)]


def test_one_compilation_serves_all_rates_and_lengths():
    traced = []

    def record(network, key):
        traced.append(1)
        return jnp.zeros(())

    run(epochs=3, record=record)
    before = len(traced)
    run(rule=Backpropagation(0.1), epochs=20, record=record)
    run(deep(4), Backpropagation(0.2), epochs=2, key=jax.random.key(1), record=record)
    assert len(traced) == before


def test_many_seeds_train_at_once():
    network = deep()

    def seed(key):
        rule = RandomBackpropagation.drawn(0.05, network, key)
        learnt, errors = trained(network, rule, INPUTS, TARGETS, 4, key, batch=4)
        return learnt.arrays[0].weights(), errors

    keys = jax.random.split(KEY, 3)
    weights, errors = jax.jit(jax.vmap(seed))(keys)
    alone = train(network, RandomBackpropagation.drawn(0.05, network, keys[1]), INPUTS, TARGETS, epochs=4, key=keys[1], batch=4)
    np.testing.assert_allclose(errors[1], alone.errors, rtol=1e-12)
    np.testing.assert_allclose(weights[1], alone.network.arrays[0].weights(), rtol=0, atol=1e-13)
    assert (errors[0] != errors[1]).any()


def test_many_rates_train_at_once():
    rates = jnp.array([0.01, 0.05])
    one = lambda rate: trained(deep(), ContrastiveHebbian(rate), INPUTS, TARGETS, 3, KEY)[1]
    errors = jax.jit(jax.vmap(one))(rates)
    assert errors.shape == (2, 4) and (errors[:, -1] < errors[:, 0]).all() and errors[1, -1] < errors[0, -1]


def test_a_result_tells_what_it_is():
    text = str(run())
    assert text.startswith("Training of a 6-8-7-3 network on IdealArray for 5 epochs, 12 samples per update: error ")


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: run(inputs=INPUTS[:, :5]), r"`inputs` must have shape \(samples, 6\), but has shape \(12, 5\)"),
        (lambda: run(targets=TARGETS[:5]), r"`targets` must be one for each sample, but are 5 for 12 inputs"),
        (lambda: run(targets=TARGETS * np.nan), r"`targets` must be finite, but 36 of 36 values are not"),
        (lambda: run(rule="backprop"), r"`rule` must be a Rule, but is 'backprop'"),
        (lambda: run(network="net"), r"`network` must be a LayeredNetwork, but is 'net'"),
        (lambda: run(epochs=0), r"`epochs` must be a whole number of at least 1, but is 0"),
        (lambda: run(batch=13), r"`batch` must be at most the 12 samples, but is 13"),
        (lambda: run(every=0), r"`every` must be a whole number of at least 1, but is 0"),
        (lambda: run(key=3), r"`key` must be made by `jax.random.key\(seed\)`"),
        (lambda: run(resume=run(), key=jax.random.key(0)), r"`key` must be the one that the training to resume began with"),
        (lambda: run(resume=run(), batch=3), r"`batch` must be the 12 of the training to resume, but is 3"),
        (lambda: run(resume=run(), epochs=2), r"`epochs` must be at least the 5 of the training to resume, but is 2"),
        (lambda: run(resume=run(), record=lambda n, k: jnp.ones(1)), r"`record` must be given where the training to resume"),
        (
            lambda: run(deep(sizes=(6, 3)), resume=run()),
            r"`resume` must be of a network built like `network`, but its arrays differ",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_files_that_are_no_saved_training_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(InputError, match=r"cannot be read: No such file or directory"):
        load(path, deep())
    path.write_text("no arrays")
    with pytest.raises(InputError, match=r"is no saved training"):
        load(path, deep())
    np.savez(path, a=np.ones(3))
    with pytest.raises(InputError, match=r"is no saved training"):
        load(path, deep())
    run().save(path)
    with pytest.raises(
        InputError, match=r"is of another network: it holds no `network.arrays\[0\]|is of another network: `net"
    ):
        load(path, deep(sizes=(6, 4, 3)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"is no saved training"):
        load(path, deep())
