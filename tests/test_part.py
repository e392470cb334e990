"""Declared quantities, the verbs that follow from them, and the draws behind them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from devsim import check
from devsim.check import Bounds, InputError, above
from devsim.engine import for_each_key
from devsim.parameter import parameter, state
from devsim.part import Part, aged
from devsim.ports import ageless
from devsim.quantise import quantise, round_through
from devsim.randomness import lognormal_factor, named_key, numbered_keys, spread

KEY = jax.random.key(9)
DRAWS = 20_000


class Spring(Part):
    """A part for these tests only."""

    stiffness: Array = parameter(2.0, unit="N/m", bounds=above(0), doc="stiffness")
    stiffness_spread: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="fabricate", spreads="stiffness", ideal=0.0, doc="its spread"
    )
    friction: Array = parameter(0.1, unit="1", bounds=(0, 1), stage="read", ideal=0.0, doc="loss")
    rust: Array = state(0.0, unit="m", doc="grows")
    age = ageless

    def ports(self):
        """None."""
        return {}


class Mattress(Part):
    """Springs inside a part."""

    left: Spring
    right: Spring
    age = ageless

    def ports(self):
        """None."""
        return {}


@pytest.fixture
def mattress():
    return Mattress(Spring(3.0, stiffness_spread=0.1), Spring(np.full(DRAWS, 4.0), stiffness_spread=0.5))


def test_the_table_spells_out_every_quantity_below(mattress):
    table = mattress.parameters()
    assert list(table) == [
        f"{side}.{name}" for side in ("left", "right") for name in ("stiffness", "stiffness_spread", "friction", "rust")
    ]
    assert list(mattress.imperfections()) == [f"{s}.{n}" for s in ("left", "right") for n in ("stiffness_spread", "friction")]
    assert table["left.stiffness"].quantity.unit == "N/m"
    assert not table["left.rust"].quantity.knob


def test_set_returns_a_copy_and_fills_arrays(mattress):
    changed = mattress.set("right.stiffness", 7.0)
    np.testing.assert_array_equal(changed.get("right.stiffness"), np.full(DRAWS, 7.0))
    assert float(mattress.get("right.stiffness")[0]) == 4.0


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("left.stifness", 1.0, r"There is no parameter `left.stifness`. Did you mean `left.stiffness`"),
        ("stiffness", 1.0, r"There is no parameter `stiffness`. Did you mean `left.stiffness`"),
        ("left.stiffness", 0.0, r"`left.stiffness` must be above 0 N/m, but is 0 N/m"),
        ("left.friction", 2.0, r"`left.friction` must be at least 0 and at most 1, but is 2"),
        ("left.friction", np.nan, r"`left.friction` must be at least 0 and at most 1, but is nan"),
        ("right.stiffness", [1.0, 2.0], r"`right.stiffness` must be a number or have shape \(20000,\), but has shape \(2,\)"),
        ("left.stiffness", "hard", r"A parameter must be a number or an array of numbers, but is 'hard'"),
    ],
)
def test_set_refuses_in_one_line(mattress, path, value, words):
    with pytest.raises(InputError, match=words):
        mattress.set(path, value)


def test_construction_refuses_what_set_refuses():
    with pytest.raises(InputError, match=r"`stiffness` must be above 0 N/m, but is -1 N/m at index \(1,\)"):
        Spring([1.0, -1.0])


def test_leaves_are_strongly_typed_so_that_nothing_compiles_twice():
    traces = 0

    @jax.jit
    def energy(spring):
        nonlocal traces
        traces += 1
        return spring.stiffness / 2

    for spring in (Spring(), Spring(3), Spring(jnp.float64(3.0)), Spring().set("stiffness", 5), jax.jit(lambda: Spring(2.0))()):
        energy(spring)
    assert traces == 1


def test_fabricate_draws_the_field_that_is_named_and_nothing_else(mattress):
    die = mattress.fabricate(KEY)
    drawn = np.asarray(die.get("right.stiffness"))
    assert drawn.min() > 0
    assert drawn.mean() == pytest.approx(4.0, abs=5 * 2.0 / np.sqrt(DRAWS))
    # A log-normal factor with relative deviation s has excess kurtosis about 16 s^2 + ...; 8 covers s = 0.5.
    assert drawn.std() == pytest.approx(2.0, rel=5 * np.sqrt((2 + 8) / (4 * DRAWS)))
    for path, entry in die.parameters().items():
        if not path.endswith("stiffness"):
            np.testing.assert_array_equal(entry.value, mattress.get(path))


@pytest.mark.parametrize(("law", "deviation"), [("relative", 0.2), ("absolute", 0.5), ("lognormal", 0.2)])
def test_spreads_have_the_stated_moments(law, deviation):
    drawn = np.asarray(spread(jnp.full(DRAWS, 3.0), jnp.asarray(deviation), law, KEY))
    expected = deviation if law == "absolute" else 3 * deviation
    assert drawn.mean() == pytest.approx(3.0, abs=5 * expected / np.sqrt(DRAWS))
    assert drawn.std() == pytest.approx(expected, rel=5 * np.sqrt((2 + 16 * 0.04) / (4 * DRAWS)))


def test_the_derivative_of_a_draw_with_respect_to_its_spread_exists_at_zero():
    x = jax.random.normal(KEY, (50,))
    np.testing.assert_allclose(jax.vmap(jax.grad(lognormal_factor), (None, 0))(0.0, x), x, rtol=1e-12)
    h = 1e-4
    central = (lognormal_factor(0.3 + h, x) - lognormal_factor(0.3 - h, x)) / (2 * h)
    np.testing.assert_allclose(jax.vmap(jax.grad(lognormal_factor), (None, 0))(0.3, x), central, rtol=1e-6, atol=1e-8)


def test_the_same_key_draws_the_same_die_alone_and_vmapped(mattress):
    keys = numbered_keys(KEY, 5)
    stiffness = lambda key: mattress.fabricate(key).get("left.stiffness")
    np.testing.assert_array_equal(jax.vmap(stiffness)(keys), [stiffness(k) for k in keys])
    np.testing.assert_array_equal(jax.random.key_data(numbered_keys(KEY, 3)), jax.random.key_data(keys[:3]))


def test_keys_of_names_do_not_depend_on_the_process():
    one, other = (jax.random.key_data(named_key(KEY, n)) for n in ("array", "dac"))
    assert (np.asarray(one) != np.asarray(other)).any()


def test_ageing_is_checked_at_the_door():
    for seconds, temperature, words in [
        (-1.0, 300.0, r"`seconds` must be at least 0 s"),
        (1.0, 0.0, r"`temperature` must be above 0 K"),
    ]:
        with pytest.raises(InputError, match=words):
            aged(Spring(), seconds, temperature=temperature, key=KEY)


def test_bounds_say_themselves():
    assert str(Bounds(0, 1)) == "[0, 1]"
    assert str(above(0)) == "(0, inf)"
    assert Bounds().requirement("V") == "a finite number"
    assert Bounds(0, 2, open_high=True).requirement("V") == "at least 0 V and below 2 V"


def test_suggestions_and_choices():
    with pytest.raises(InputError, match=r"`mode` must be one of fast, slow, but is `fsat`. Did you mean `fast`"):
        check.one_of("mode", "fsat", ("slow", "fast"))


def test_rounding_is_straight_through():
    x = jnp.array([0.2, 0.5, 1.5, -2.7])
    np.testing.assert_array_equal(round_through(x), [0, 0, 2, -3])
    np.testing.assert_array_equal(jax.grad(lambda x: round_through(x).sum())(x), np.ones(4))
    np.testing.assert_array_equal(quantise(x, jnp.zeros(())), x)
    errors = np.round(np.array(x) / 0.3) - np.array(x) / 0.3
    assert float(jax.grad(lambda s: quantise(x, s).sum())(0.3)) == pytest.approx(errors.sum(), rel=1e-12)


@pytest.mark.parametrize("chunk", [1, 3, 7, 20])
def test_chunks_and_threads_change_nothing(chunk):
    keys = numbered_keys(KEY, 10)
    seen = []
    draw = lambda scale, key: {"x": scale * jax.random.normal(key, (4,))}
    found = for_each_key(draw, jnp.asarray(2.0), keys, chunk=chunk, progress=seen.append)
    np.testing.assert_array_equal(found["x"], np.stack([2 * jax.random.normal(k, (4,)) for k in keys]))
    assert sorted(seen)[-1] == 10
