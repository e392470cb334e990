"""Several dies in one vectorised call: the numbers of one after another, and results that describe themselves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.monte_carlo import monte_carlo
from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.analyses.operating_point import operating_point
from devsim.analyses.small_signal import small_signal
from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import Capacitor, Resistor
from devsim.randomness import named_key, numbered_keys

DIES = 8
FREQUENCY = np.geomspace(1e3, 1e7, 5)
FILTER = Circuit(
    {"r": Resistor(1e3, resistance_spread=0.1), "load": Resistor(9e3, resistance_spread=0.1), "c": Capacitor(1e-9)},
    {"in": ("r.a",), "out": ("r.b", "load.a", "c.a"), "gnd": ("load.b", "c.b")},
    inputs={"drive": "in"},
)


def spectrum(die, key):
    """Noise densities of a die."""
    return noise_spectrum(die, {"drive": 1.0}, output="out", frequency=FREQUENCY)


def run(die, key):
    """A noisy transient of a die."""
    return transient(die, {"drive": 1.0}, duration=4e-6, step=5e-7, key=key)


def over_dies(analysis):
    """`monte_carlo` of an analysis, and the same dies one after another."""
    key = jax.random.key(3)
    one = lambda key: analysis(FILTER.fabricate(named_key(key, "fabricate")), named_key(key, "analysis"))
    return monte_carlo(analysis, FILTER, dies=DIES, key=key), [one(key) for key in numbered_keys(key, DIES)]


@pytest.fixture(scope="module")
def spectra():
    return over_dies(spectrum)


@pytest.mark.slow
def test_the_noise_densities_of_dies_are_those_of_one_after_another(spectra):
    many, each = spectra
    assert many.density.shape == (DIES, 5)
    np.testing.assert_allclose(many.density, [one.density for one in each], rtol=1e-12)
    for name in each[0].by_source:
        np.testing.assert_allclose(many.by_source[name], [one.by_source[name] for one in each], rtol=1e-12)
    assert len(set(np.asarray(many.density[:, 0]))) == DIES


@pytest.mark.slow
def test_the_noise_of_dies_is_ranked_printed_and_tabulated(spectra):
    many, each = spectra
    ranking, powers = many.ranking(), np.array([one.integrated() for one in each])
    assert list(ranking) == ["r.thermal", "load.thermal", "c.thermal"]
    np.testing.assert_allclose(ranking["r.thermal"], [one.integrated("r.thermal") for one in each], rtol=1e-12)
    told = f"5 frequencies, integrated shape (8,), {powers.min():.6g} to {powers.max():.6g}"
    assert told in str(many) and "r.thermal" in repr(many)
    table = many.dataset()
    alone = each[2].dataset().sel(source=table["source"])
    assert table["by_source"].dims == ("die", "source", "frequency") and alone["by_source"].dims == ("source", "frequency")
    for name in ("density", "by_source", "integrated"):
        np.testing.assert_allclose(table[name].isel(die=2), alone[name], rtol=1e-12)
    assert table["by_source"].sel(source="r.thermal", die=1).attrs["units"] == "V^2/Hz"


@pytest.mark.slow
def test_noisy_transients_of_dies_are_those_of_one_after_another():
    """The same keys, so the same noise, to Newton's tolerance."""
    many, each = over_dies(run)
    np.testing.assert_allclose(many["out"], [one["out"] for one in each], rtol=1e-9)
    table = many.dataset()
    assert table["out"].dims == ("die", "time") and "transient: " in str(many)
    np.testing.assert_allclose(table["out"].isel(die=5), each[5]["out"], rtol=1e-9)


def test_responses_and_operating_points_of_dies_describe_themselves():
    def both(resistance):
        die = FILTER.set("r.resistance", resistance)
        return small_signal(die, {"drive": 1.0}, source="drive", frequency=FREQUENCY), operating_point(die, {"drive": 1.0})

    ohms = jnp.asarray([1e3, 3e3])
    response, point = jax.vmap(both)(ohms)
    table = response.dataset()
    inside = 1 / (1 / ohms + 1 / 9e3)
    wanted = (inside / ohms)[:, None] / (1 + 2j * np.pi * FREQUENCY * inside[:, None] * 1e-9)
    np.testing.assert_allclose(table["out.real"] + 1j * table["out.imag"], wanted, rtol=1e-11)
    assert table["out.real"].dims == ("die", "frequency")
    assert "from `drive`, 5 frequencies" in str(response)
    assert "out                  shape (2,), 0.75 to 0.9, mean 0.825 V" in str(point)


def test_what_a_table_of_dies_cannot_hold_is_refused_in_words(spectra):
    many, _ = spectra
    twice = jax.tree.map(lambda leaf: leaf[None], many)
    with pytest.raises(InputError, match=r"one leading axis of dies, but `frequency` has shape \(1, 8, 5\); take one"):
        twice.dataset()
    mixed = jax.vmap(lambda low: noise_spectrum(FILTER, {"drive": 1.0}, output="out", frequency=low * FREQUENCY))
    with pytest.raises(InputError, match=r"needs one `frequency` for all of them, but theirs differ"):
        mixed(jnp.asarray([1.0, 2.0])).dataset()
    with pytest.raises(InputError, match=r"`ranking` must be called outside of JAX transformations"):
        jax.jit(lambda: spectrum(FILTER, None).ranking())()
