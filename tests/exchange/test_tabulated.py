"""The part that a table describes: passive where the table is, tied only where the table ties, never extrapolated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.scattering import scattering
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.dependency import Outline
from devsim.devices.photonic.light import SPEED_OF_LIGHT
from devsim.devices.photonic.tabulated import TabulatedScatterer
from tests.exchange.tables import unitary

FREQUENCIES = np.linspace(1.9e14, 1.96e14, 7)
INSIDE = np.linspace(SPEED_OF_LIGHT / 1.96e14, SPEED_OF_LIGHT / 1.9e14, 101)[1:-1]
DELAYS = np.array([1e-13, 2.2e-13, 0.0])
"""s; less than half a turn from one frequency to the next, also twice."""


def delayed(scattering):
    """The same parts behind a length of guide at every port."""
    total = DELAYS[:, None] + DELAYS[None, :]
    return scattering * np.exp(2j * np.pi * total * FREQUENCIES[:, None, None])


def spectrum(part):
    return jax.jit(jax.vmap(lambda w: part.put(wavelength=w).scattering()))(jnp.asarray(INSIDE))


@pytest.mark.parametrize("taken_out", [0.0, 1e-11])
def test_a_guide_in_front_of_each_port_is_followed_exactly(taken_out):
    constant = np.repeat(unitary(2, 1, 3), 7, axis=0)
    found = spectrum(TabulatedScatterer.of("abc", FREQUENCIES, delayed(constant), group_delay=taken_out))
    f = (SPEED_OF_LIGHT / INSIDE)[:, None, None]
    phase = (DELAYS[:, None] + DELAYS[None, :]) * f + taken_out * (f - 1.93e14)
    np.testing.assert_allclose(found, constant[:1] * np.exp(2j * np.pi * phase), rtol=0, atol=1e-9)


def test_linear_interpolation_of_a_passive_table_is_passive():
    for seed in range(5):
        part = TabulatedScatterer.of("abc", FREQUENCIES, delayed(unitary(seed, 7, 3)))
        assert np.linalg.svd(spectrum(part), compute_uv=False).max() <= 1 + 1e-12


@pytest.mark.parametrize("interpolation", ["linear", "magnitude-phase"])
def test_at_its_own_frequencies_the_part_is_the_table(interpolation):
    table = delayed(unitary(3, 7, 3))
    table[2, 0, 1] = 0.0
    part = TabulatedScatterer.of("abc", FREQUENCIES, table, interpolation=interpolation, passive="ignore")
    found = jax.vmap(lambda w: part.put(wavelength=w).scattering())(SPEED_OF_LIGHT / FREQUENCIES)
    np.testing.assert_allclose(found, table, rtol=0, atol=1e-9)


def test_between_two_frequencies_magnitude_and_phase_go_in_proportion():
    table = np.array([0.2 * np.exp(0.3j), 0.6 * np.exp(2.3j)]).reshape(2, 1, 1)
    middle = SPEED_OF_LIGHT / 1.91e14
    given = dict(wavelength=middle, interpolation="magnitude-phase")
    part = TabulatedScatterer.of(["a"], [1.9e14, 1.92e14], table, **given)
    np.testing.assert_allclose(part.scattering()[0, 0], 0.4 * np.exp(1.3j), rtol=1e-9)


def test_a_wave_depends_only_on_waves_that_the_table_lets_through():
    table = np.zeros((7, 3, 3), complex)
    table[:, 2, 0] = 0.5
    part = TabulatedScatterer.of(("west", "tap", "east"), FREQUENCIES, table)
    facts = Outline(part, part.ports()).facts(frozenset()).static
    assert {name: set(fact.reach) for name, fact in facts.items()} == {"west": set(), "tap": set(), "east": {"west"}}
    assert facts["west"].zero and facts["tap"].zero


def test_enforcing_passivity_brings_gains_down_to_one_and_leaves_zeros_zero():
    table = 1.3 * unitary(4, 7, 3)
    table[:, 1, :] = table[:, :, 1] = 0.0
    part = TabulatedScatterer.of("abc", FREQUENCIES, table, passive="enforce", wavelength=SPEED_OF_LIGHT / 1.9e14)
    assert set(part.entries) == {("a", "a"), ("a", "c"), ("c", "a"), ("c", "c")}
    before, after = (np.linalg.svd(m, compute_uv=False) for m in (table[0], part.scattering()))
    np.testing.assert_allclose(after, np.minimum(before, 1), rtol=0, atol=1e-9)


def test_derivatives_with_respect_to_table_and_wavelength_equal_differences():
    part = TabulatedScatterer.of("abc", FREQUENCIES, delayed(unitary(5, 7, 3)))
    wave = lambda part: jnp.abs(part.balance(0.0, {"a": 1.0 + 0j, "b": 0.5j, "c": 0.1 + 0j}, {}).static["b"]) ** 2
    slopes = jax.grad(wave)(part)
    for name, at, h in (("real", (3, 1), 1e-5), ("imaginary", (3, 4), 1e-5), ("wavelength", (), 1e-13)):
        moved = [wave(part.put(**{name: getattr(part, name).at[at].add(s * h)})) for s in (1, -1)]
        assert float(getattr(slopes, name)[at]) == pytest.approx(float(moved[0] - moved[1]) / (2 * h), rel=1e-5, abs=1e-8)


def test_nothing_is_extrapolated():
    part = TabulatedScatterer.of("abc", FREQUENCIES, unitary(6, 7, 3))
    arriving = dict.fromkeys("abc", 0j)
    words = r"`wavelength` must lie in the table, 1.529553e-06 m to 1.577855e-06 m, but is 1.6e-06 m"
    with pytest.raises(InputError, match=words):
        part.set("wavelength", 1.6e-6).balance(0.0, arriving, {})
    with pytest.raises(InputError, match=words):
        part.check_covers([1.55e-6, 1.6e-6])
    with pytest.raises(InputError, match=words):
        TabulatedScatterer.of("abc", FREQUENCIES, unitary(6, 7, 3), wavelength=1.6e-6)
    away = part.set("wavelength", 1.6e-6)
    with pytest.raises(InputError, match=words):  # the table is known, although the waves are not
        jax.jit(lambda p: away.balance(0.0, p, {}).static)(arriving)
    assert np.isnan(jax.vmap(lambda w: part.put(wavelength=w).transmissions())(jnp.array([1.6e-6, 1.5e-6]))).all()


def test_the_middle_of_a_table_far_from_telecom_is_its_carrier():
    part = TabulatedScatterer.of(["a"], [2.9e14, 3.1e14], np.zeros((2, 1, 1)))
    assert float(part.wavelength) == pytest.approx(SPEED_OF_LIGHT / 3e14, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": "aab"}, "must have names, each its own"),
        ({"frequencies": FREQUENCIES[:-1]}, r"must have shape \(6, 3, 3\) for 6 frequencies and 3 ports"),
        ({"frequencies": FREQUENCIES[::-1]}, "must be two or more finite numbers above 0 Hz that rise"),
        (
            {"frequencies": FREQUENCIES / 1e3},
            r"must be those of light, 1e\+12 Hz to 1e\+17 Hz, but one is .*another unit \(GHz, THz\)",
        ),
        ({"frequencies": np.linspace(1.5, 1.6, 7)}, r"but one is 1.5 Hz; are they wavelengths"),
        ({"scattering": np.full((7, 3, 3), np.nan)}, "`scattering parameters of the table` must be finite"),
        ({"scattering": 1.01 * unitary(7, 7, 3)}, "the table has a gain of 1.01 in amplitude at"),
        ({"interpolation": "spline"}, "`interpolation` must be one of linear, magnitude-phase, but is `spline`"),
        ({"passive": "yes"}, "`passive` must be one of check, enforce, ignore, but is `yes`"),
        ({"wavelength": [1.55e-6, 1.56e-6]}, r"`wavelength` must be one number, but has shape \(2,\)"),
    ],
)
def test_a_wrong_table_is_refused_with_what_is_wrong(change, words):
    given = {"names": "abc", "frequencies": FREQUENCIES, "scattering": unitary(7, 7, 3)} | change
    with pytest.raises(InputError, match=words):
        TabulatedScatterer.of(**given)


def test_tables_in_a_circuit_are_solved_at_every_wavelength():
    tables = [
        TabulatedScatterer.of(("in", "out"), FREQUENCIES, 0.9 * delayed(unitary(seed, 7, 3))[:, :2, :2]) for seed in (8, 9)
    ]
    nets = {"in": ["one.in"], "between": ["one.out", "two.in"], "out": ["two.out"]}
    circuit = Circuit({"one": tables[0], "two": tables[1]}, nets, inputs={"in": "in"}, outputs={"out": "out", "back": "in"})
    found = scattering(circuit, wavelength=INSIDE)
    one, two = (np.asarray(spectrum(table)) for table in tables)
    echo = 1 / (1 - one[:, 1, 1] * two[:, 0, 0])
    np.testing.assert_allclose(found["out", "in"], two[:, 1, 0] * one[:, 1, 0] * echo, rtol=0, atol=1e-12)
    back = one[:, 0, 0] + one[:, 0, 1] * two[:, 0, 0] * echo * one[:, 1, 0]
    np.testing.assert_allclose(found["back", "in"], back, rtol=0, atol=1e-12)
