"""What every rule of plasticity keeps: shapes, what it may see, one compilation, batches, both precisions, derivatives."""

import dataclasses
import functools
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.learning.plasticity import PLASTICITY, Fired, Local, Signals, published, replay, survey
from devsim.parameter import quantities

PRE, POST, STEP, STEPS = 3, 2, 1e-3, 60
EVERY = list(PLASTICITY)
RNG = np.random.default_rng(4)
PRE_EVENTS = (RNG.random((STEPS, PRE)) < 0.1).astype(float)
POST_EVENTS = (RNG.random((STEPS, POST)) < 0.15).astype(float)
MEMBRANE = {"VSTDP": RNG.uniform(-0.07, 0.0, (STEPS, POST))}
WEIGHTS = np.linspace(0.2, 0.8, PRE * POST).reshape(PRE, POST)
OFFERED = {"membrane": Local.MEMBRANE, "dendrite": Local.DENDRITE, "third_factor": Local.THIRD_FACTOR}


def rule(name):
    """The rule with windows of calcium that short trains reach."""
    windows = {"up_low": 0.1, "down_low": 0.1} if name == "SDSP" else {}
    return PLASTICITY[name](**windows)


def signals(name, dtype=float):
    """Of all steps, one more axis in front."""
    membrane = MEMBRANE.get(name, np.linspace(0, 1.2, STEPS * POST).reshape(STEPS, POST))
    every = Signals(PRE_EVENTS, POST_EVENTS, membrane=membrane, dendrite=0.8 * membrane, third_factor=np.linspace(-1, 2, STEPS))
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), every)


@eqx.filter_jit
def course(rule, weights, signals, key):
    """(weights, state) at the end."""

    def one(carry, now):
        index, signals = now
        return rule.step(*carry, signals, jnp.asarray(STEP, weights.dtype), jax.random.fold_in(key, index)), None

    return jax.lax.scan(one, (weights, rule.begin(weights)), (jnp.arange(STEPS), signals))[0]


def key():
    return jax.random.key(7)


@functools.cache
def ended(name):
    return course(rule(name), jnp.asarray(WEIGHTS), signals(name), key())


def times_of(events):
    return [np.flatnonzero(column) * STEP for column in events.T]


def replayed(name, weights=WEIGHTS, *, pre=PRE_EVENTS, post=POST_EVENTS, **changes):
    """`replay` of the same trains."""
    now = signals(name)
    given = {"membrane": now.membrane, "dendrite": now.dendrite, "third_factor": now.third_factor, "key": key()} | changes
    return replay(rule(name), weights, times_of(pre), times_of(post), duration=STEPS * STEP, step=STEP, **given)


@pytest.mark.parametrize("name", EVERY)
def test_weights_and_local_variables_keep_their_shapes_and_are_finite(name):
    weights, state = ended(name)
    begun = rule(name).begin(jnp.asarray(WEIGHTS))
    assert weights.shape == WEIGHTS.shape
    assert jax.tree.map(jnp.shape, state) == jax.tree.map(jnp.shape, begun)
    assert not any(jnp.isnan(leaf).any() for leaf in jax.tree.leaves((weights, state)))


@pytest.mark.parametrize("name", EVERY)
def test_what_a_rule_keeps_is_named_by_its_kind(name):
    assert set(rule(name).kinds) == set(rule(name).begin(jnp.asarray(WEIGHTS)))
    assert set(rule(name).kinds.values()) <= set(rule(name).uses)


@pytest.mark.parametrize("name", EVERY)
def test_only_what_belongs_to_a_pair_has_a_value_for_each_pair(name):
    wide = [kept for kept, value in rule(name).begin(jnp.zeros((5, 7))).items() if value.shape[-2:] == (5, 7)]
    assert wide == (["eligibility"] if name == "R-STDP" else [])


@pytest.mark.parametrize("name", EVERY)
def test_a_replay_is_the_same_as_the_steps_one_by_one(name):
    weights, state = ended(name)
    run = replayed(name, every=6)
    assert run.weights.shape == (STEPS // 6, PRE, POST)
    np.testing.assert_allclose(run.final, weights, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(run.times, np.arange(6, STEPS + 1, 6) * STEP, rtol=1e-12)
    for kept, value in state.items():
        np.testing.assert_allclose(run.local[kept][-1], value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["PSTDP", "TSTDP", "SDSP", "C-MPDP", "RDSP", "BDSP"])
def test_events_given_as_lists_of_neurons_change_the_same_weights(name):
    """Twelve neurons a side, so that lists are taken at all."""
    rng, few = np.random.default_rng(3), (np.arange(16) % 5 == 0)
    pre, post = ((rng.random((STEPS, 16)) < 0.2 * few).astype(float) for _ in range(2))
    now = dataclasses.replace(signals(name), pre=jnp.asarray(pre), post=jnp.asarray(post), membrane=jnp.full((STEPS, 16), 0.7))
    start = jnp.asarray(rng.uniform(0.2, 0.8, (16, 16)))
    lists = {}
    for side, events in (("pre_fired", pre), ("post_fired", post)):
        lists[side] = Fired(jnp.asarray(np.argsort(-events, 1, kind="stable")[:, :4]), jnp.asarray(events.sum(1), int))
    dense, _ = course(rule(name), start, now, key())
    sparse, _ = course(rule(name), start, dataclasses.replace(now, **lists), key())
    assert float(jnp.abs(dense - start).max()) > 1e-4
    np.testing.assert_allclose(sparse, dense, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", EVERY)
def test_one_compilation_serves_all_values_of_the_knobs(name):
    seen = []

    @eqx.filter_jit
    def run(rule, weights):
        seen.append(1)
        return rule.step(weights, rule.begin(weights), jax.tree.map(lambda x: x[0], signals(name)), STEP, key())

    for factor in (1.0, 1.1, 1.2):
        run(jax.tree.map(lambda leaf: leaf * factor, rule(name)), jnp.asarray(WEIGHTS) / factor)
    assert len(seen) == 1


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_of_knobs_and_weights_is_the_loop_over_them(name):
    factors = jnp.array([0.8, 1.0, 1.1])
    several = jax.vmap(lambda f: jax.tree.map(lambda leaf: leaf * f, rule(name)))(factors)
    start = jnp.stack([WEIGHTS * f for f in (0.9, 1.0, 1.1)])
    batch, _ = jax.vmap(lambda r, w: course(r, w, signals(name), key()))(several, start)
    for i in range(3):
        alone, _ = course(jax.tree.map(lambda leaf: leaf[i], several), start[i], signals(name), key())
        np.testing.assert_allclose(batch[i], alone, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", EVERY)
def test_single_precision_stays_single_and_close(name):
    """Changes of 60 steps, each rounded to 6e-8 of a weight of at most 1."""
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), rule(name))
    weights, state = course(single, jnp.asarray(WEIGHTS, jnp.float32), signals(name, jnp.float32), key())
    assert {leaf.dtype for leaf in jax.tree.leaves((weights, state))} == {jnp.dtype("float32")}
    np.testing.assert_allclose(weights, ended(name)[0], atol=60 * 4 * 6e-8)


@pytest.mark.parametrize("name", EVERY)
def test_derivatives_with_respect_to_knobs_weights_and_signals_are_finite(name):
    def loss(given):
        rule, weights, signals = given
        return jnp.sum(rule.efficacy(*course(rule, weights, signals, key())) ** 2)

    slopes = jax.grad(loss)((rule(name), jnp.asarray(WEIGHTS), signals(name)))
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(slopes))
    assert float(jnp.abs(slopes[1]).max()) > 0 or name == "SDSP"


@eqx.filter_jit
def twice(rule, weights, state, signals):
    """Changes of the weights and of what they transmit in two equal steps."""
    after = rule.step(weights, state, signals, STEP, key())
    after = rule.step(*after, signals, STEP, key())
    return jnp.stack([after[0] - weights, rule.efficacy(*after) - weights])


def disturbed(name, local):
    """Changes in two steps where everything happens: with one local variable as it is, and with another value."""
    events = Signals(jnp.ones(PRE), jnp.ones(POST), jnp.full(POST, -0.02), jnp.full(POST, 0.4), jnp.array(1.0))
    weights, state = jnp.asarray(WEIGHTS), ended(name)[1]
    if name in ("SDSP", "C-MPDP"):
        state, events = {"calcium": jnp.full(POST, 0.5)}, dataclasses.replace(events, membrane=jnp.full(POST, 0.9))
    others = weights, state, events
    if local in OFFERED.values():
        field = next(field for field, offered in OFFERED.items() if offered == local)
        others = weights, state, dataclasses.replace(events, **{field: getattr(events, field) * 0.5 + 0.003})
    elif local == Local.WEIGHT:
        others = weights * 0.9, state, events
    else:
        found = {kept: 0.05 * value for kept, value in state.items() if rule(name).kinds[kept] == local}
        others = weights, state | found, events
    wide = dataclasses.replace(rule(name), minimum_weight=-10.0, maximum_weight=10.0)
    return [twice(wide, *given) for given in ((weights, state, events), others)]


@pytest.mark.parametrize("name", EVERY)
def test_a_rule_reads_what_it_says_and_nothing_else(name):
    for local in Local:
        as_it_is, changed = disturbed(name, local)
        moved = bool((jnp.abs(as_it_is - changed) > 1e-12).any())
        assert moved == (local in rule(name).uses), local


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("field", OFFERED)
def test_a_signal_that_a_rule_needs_and_does_not_get_is_named(name, field):
    if OFFERED[field] not in rule(name).uses:
        assert replayed(name, **{field: None}).final.shape == WEIGHTS.shape
        return
    with pytest.raises(InputError, match=f"{type(rule(name)).__name__} needs the {OFFERED[field]}.*give `{field}`"):
        replayed(name, **{field: None})


@pytest.mark.parametrize("name", EVERY)
def test_without_events_weights_rest_or_drift_as_the_law_says(name):
    none = np.zeros_like(PRE_EVENTS), np.zeros_like(POST_EVENTS)
    final = replayed(name, pre=none[0], post=none[1]).final
    seconds = STEPS * STEP
    expected = WEIGHTS
    if name == "SDSP":
        expected = WEIGHTS + np.where(WEIGHTS > 0.5, 3.5, -3.5) * seconds
        expected = np.clip(expected, 0, 1)
    if name == "C-STDP":
        expected = WEIGHTS - WEIGHTS * (1 - WEIGHTS) * (0.5 - WEIGHTS) * seconds / 150
    np.testing.assert_allclose(final, expected, atol=1e-6 if name == "C-STDP" else 1e-12)


def test_the_survey_marks_what_each_rule_uses():
    lines = survey().splitlines()
    assert len(lines) == 1 + len(PLASTICITY) == 15
    for name, line in zip(PLASTICITY, lines[1:], strict=True):
        assert line.split()[0] == name
        assert [mark == "x" for mark in line.split()[1:]] == [local in PLASTICITY[name].uses for local in Local]


@pytest.mark.parametrize("name", EVERY)
def test_knobs_say_their_unit_and_refuse_nonsense(name):
    for knob, quantity in quantities(PLASTICITY[name]).items():
        with pytest.raises(InputError, match=f"`{knob}` must be"):
            PLASTICITY[name](**{knob: float("nan")})
        assert quantity.unit


KNOWN = {"rule", "weights", "pre", "post"}
REFUSED = {
    "unsorted": (dict(pre=[[0.02, 0.01], [], []]), "`pre_times` must be sorted, but of neuron 0 0.02 s comes before 0.01 s"),
    "negative": (dict(pre=[[-0.01], [], []]), "`pre_times` must be within the run.*neuron 0 is -0.01 s"),
    "beyond": (dict(post=[[], [0.06]]), "`post_times` must be within the run.*below 0.06 s, but a time of neuron 1 is 0.06 s"),
    "not a number": (dict(post=[[], [float("nan")]]), "`post_times` must be finite, but a time of neuron 1 is NaN"),
    "two in a step": (
        dict(pre=[[], [0.0101, 0.0102], []]),
        "at most one spike per neuron and step.*neuron 1 has two",
    ),
    "too few neurons": (dict(pre=[[], []]), "`pre_times` must match the 3 rows of `weights`, but holds 2 neurons"),
    "too many neurons": (dict(post=[[], [], []]), "`post_times` must match the 2 columns of `weights`, but holds 3 neurons"),
    "a plain row": (dict(pre=[0.1, 0.2, 0.3]), "`pre_times` must hold one list of times"),
    "weights below": (dict(weights=-np.ones((3, 2))), "`weights` must be at least 0 and at most 1, but is -1"),
    "weights above": (dict(weights=2 * np.ones((3, 2))), "`weights` must be at least 0 and at most 1, but is 2"),
    "weights not finite": (dict(weights=np.full((3, 2), np.nan)), "`weights` must be finite, but 6 of 6"),
    "a row of weights": (dict(weights=np.ones(3)), "`weights` must be a matrix"),
    "a long step": (dict(step=0.03), "`step` must be at most `pre_time` .0.02 s., but is 0.03 s"),
    "a broken duration": (dict(duration=0.0605), "`duration` must be a whole number of steps"),
    "every": (dict(every=7), "`every` must divide the 60 steps"),
    "a rule's class": (dict(rule=PLASTICITY["PSTDP"]), "`rule` must be a Plasticity, but is the class PSTDP itself"),
    "a short membrane": (dict(membrane=np.zeros((5, 2))), "`membrane` must be a number or have shape .60, 2., but has .5, 2."),
    "no key": (dict(rule=published("DP")), "CSTDP draws noise; give `key`, or set `noise` to 0"),
    "crossed bounds": (
        dict(rule=lambda: PLASTICITY["PSTDP"](minimum_weight=2.0)),
        "`minimum_weight` must be at most `max",
    ),
    "crossed calcium": (dict(rule=lambda: PLASTICITY["SDSP"](up_low=20.0)), "`up_low` must be at most `up_high`"),
    "crossed membrane": (
        dict(rule=lambda: PLASTICITY["H-MPDP"](low_threshold=1.0)),
        "`low_threshold` must be at most `high",
    ),
    "unknown constants": (dict(rule=lambda: published("DDP")), "`name` must be one of.*Did you mean `DP`"),
}


def attempt(given):
    """Make the rule, where it is a recipe, and run it."""
    made = given["rule"]() if isinstance(given["rule"], types.FunctionType) else given["rule"]
    replay(made, given["weights"], given["pre"], given["post"], **{name: given[name] for name in given.keys() - KNOWN})


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_refused_in_words(case):
    given, words = REFUSED[case]
    given = {"rule": PLASTICITY["PSTDP"](), "weights": WEIGHTS, "pre": [[], [], []], "post": [[], []]} | given
    given = {"duration": 0.06, "step": 1e-3} | given
    with pytest.raises(InputError, match=words):
        attempt(given)
