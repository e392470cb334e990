"""Ring resonators against their closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from devsim.devices.photonic import AddDropRing, RingModulator, RingResonator
from devsim.devices.photonic.light import SPEED_OF_LIGHT
from tests.photonic.scattering import at_rest, matrix, told

RINGS = {
    "all-pass": RingResonator(coupling=0.03, loss_db_per_cm=8.0),
    "strongly coupled": RingResonator(coupling=0.6, loss_db_per_cm=8.0),
    "add-drop": AddDropRing(coupling=0.03, drop_coupling=0.05, loss_db_per_cm=2.0),
}


@pytest.mark.parametrize("name", RINGS)
def test_linewidth_and_free_spectral_range_are_those_of_the_scanned_response(name):
    """The dip 1 - |H|^2 is in proportion to 1 / (1 - 2 a cos + a^2), so its half depth defines the width."""
    ring = RINGS[name]
    response = jax.jit(lambda f: jnp.abs(matrix(ring.put(wavelength=SPEED_OF_LIGHT / f))[1, 0]) ** 2)
    spacing = float(ring.free_spectral_range())
    frequencies = SPEED_OF_LIGHT / 1.55e-6 + np.linspace(0, 2, 2001) * spacing
    scan = np.asarray(jax.vmap(response)(frequencies))
    near = [i for i in range(1, 2000) if scan[i] < min(scan[i - 1], scan[i + 1])]
    assert len(near) == 2
    a, t = float(ring.kept()), np.sqrt(1 - float(ring.coupling))
    lowest = ((t - a / t) / (1 - a)) ** 2
    half = lambda f: float(response(f)) - (1 + lowest) / 2
    edges = [(brentq(half, f - spacing / 2, f), brentq(half, f, f + spacing / 2)) for f in frequencies[near]]
    widths = [high - low for low, high in edges]
    np.testing.assert_allclose(widths, float(ring.linewidth()), rtol=1e-6)
    centres = [(high + low) / 2 for low, high in edges]
    assert centres[1] - centres[0] == pytest.approx(spacing, rel=1e-6, abs=0)


def test_an_all_pass_ring_has_yarivs_response():
    ring = RingResonator(coupling=0.1, loss_db_per_cm=5.0)
    waves = np.linspace(1.54e-6, 1.56e-6, 301)
    ours = jax.vmap(lambda wl: matrix(ring.put(wavelength=wl)))(waves)
    length, kept = float(ring.length), 10 ** (-5.0 * 100 * float(ring.length) / 20)
    index = 2.44 + (waves - 1.55e-6) * (2.44 - 4.18) / 1.55e-6
    turn = kept * np.exp(2j * np.pi * index * length / waves)
    t = np.sqrt(0.9)
    # The phase of 620 rad is rounded to 1e-13, which a resonance enlarges by its finesse, about 60.
    np.testing.assert_allclose(ours[:, 1, 0], (t - turn) / (1 - t * turn), atol=1e-10)


def test_an_add_drop_ring_has_its_closed_form():
    ring = AddDropRing(coupling=0.1, drop_coupling=0.07, loss_db_per_cm=5.0, wavelength=1.5512e-6)
    half = np.asarray(ring.transmission(ring.length / 2))
    t, d = np.sqrt(0.9), np.sqrt(0.93)
    below = 1 - t * d * half**2
    s = dict(zip(["in", "out", "add", "drop"], np.asarray(matrix(ring)), strict=True))
    np.testing.assert_allclose(s["out"][0], (t - d * half**2) / below, rtol=1e-12)
    np.testing.assert_allclose(s["drop"][0], -np.sqrt(0.1 * 0.07) * half / below, rtol=1e-12)
    np.testing.assert_allclose(s["drop"][2], (d - t * half**2) / below, rtol=1e-12)
    np.testing.assert_allclose(s["out"][2], s["drop"][0], rtol=1e-12)


def test_each_half_of_an_add_drop_ring_takes_half_a_round_trip():
    ring = AddDropRing()
    stated = ring.balance(0.0, told(ring), at_rest(ring)).stated.values()
    halves = [float(each.delay * ring.free_spectral_range()) for each in stated]
    np.testing.assert_allclose(halves, [0.5] * 4, rtol=1e-14)


def test_at_critical_coupling_nothing_passes():
    ring = RingResonator(loss_db_per_cm=5.0)
    kept = 10 ** (-5.0 * 100 * float(ring.length) / 10)
    ring = ring.put(coupling=jnp.asarray(1 - kept), effective_index=jnp.asarray(100 * 1.55e-6 / float(ring.length)))
    # On resonance the phase of 2 pi 100 rad is rounded to 1e-13, enlarged by the build-up of 1 / (1 - a^2), about 140.
    assert abs(matrix(ring)[1, 0]) < 1e-10


def test_light_builds_up_round_by_round():
    ring = RingResonator(coupling=0.1, loss_db_per_cm=5.0)
    p, x = told(ring, **{"in": 1.0}), at_rest(ring)
    once = ring.transmission(ring.length) * np.sqrt(0.9)
    final = matrix(ring)[1, 0]
    for n in range(6):
        balance = ring.balance(0.0, p, x)
        # What is missing from the steady wave shrinks by one round trip's factor each time.
        missing = (np.sqrt(0.9) - final) * once**n
        np.testing.assert_allclose(balance.static["out"], final + missing, rtol=1e-12)
        x = {name: stated.value for name, stated in balance.stated.items()}
        assert float(balance.stated["clockwise"].delay * ring.free_spectral_range()) == pytest.approx(1, rel=1e-14, abs=0)


def test_a_voltage_moves_the_resonance_of_a_modulator():
    ring = RingModulator(coupling=0.01, shift_per_volt=2e-11)
    order = round(float(ring.effective_index * ring.length / 1.55e-6))
    ring = ring.put(effective_index=jnp.asarray(order * 1.55e-6) / ring.length)

    def round_phase(wavelength, volts):
        part = ring.put(wavelength=jnp.asarray(wavelength))
        x = at_rest(part) | {"junction": jnp.asarray(volts), "clockwise": jnp.asarray(1.0 + 0j)}
        return float(jnp.angle(part.balance(0.0, told(part), x).stated["clockwise"].value))

    for volts in (-2.0, 1.0, 3.0):
        found = brentq(round_phase, 1.549e-6, 1.551e-6, args=(volts,), xtol=1e-18)
        # Linear in the voltage up to the relative shift itself, 2e-11 volts / 1.55e-6.
        assert found - 1.55e-6 == pytest.approx(2e-11 * volts, rel=2 * 2e-11 * abs(volts) / 1.55e-6 + 1e-6, abs=0)


def test_the_radius_is_another_name_for_the_length():
    ring = RingResonator().set("radius", 5e-6)
    assert float(ring.length) == pytest.approx(2 * np.pi * 5e-6, rel=1e-14, abs=0)
    assert float(ring.get("radius")) == pytest.approx(5e-6, rel=1e-14, abs=0)


def test_a_ring_that_keeps_nothing_has_no_narrower_line_than_its_range():
    ring = RingResonator(coupling=0.99)
    assert float(ring.linewidth()) == float(ring.free_spectral_range())
    assert np.isfinite(float(jax.grad(lambda k: ring.put(coupling=k).linewidth())(jnp.asarray(1.0))))
