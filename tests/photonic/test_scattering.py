"""Passive optics: unitary, reciprocal, passive, and the written formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.photonic import (
    AddDropRing,
    Attenuator,
    DirectionalCoupler,
    ElectroOpticPhaseShifter,
    Isolator,
    MachZehnder,
    Mirror,
    PhaseShifter,
    RingModulator,
    RingResonator,
    Splitter,
    Termination,
    ThermoOpticPhaseShifter,
    Waveguide,
)
from tests.photonic.scattering import matrix, optical

ROUNDING = 1e-14
LOSSLESS = {
    "waveguide": Waveguide(3e-3, dispersion=1e-3, wavelength=1.5432e-6),
    "coupler": DirectionalCoupler(0.3),
    "bar coupler": DirectionalCoupler(0.0),
    "interferometer": MachZehnder(0.7, 1.9, input_error=0.1, output_error=-0.05),
    "mirror": Mirror(0.3),
    "phase shifter": PhaseShifter(0.7),
    "electro-optic shifter": ElectroOpticPhaseShifter(3.0, bias=0.2),
    "thermo-optic shifter": ThermoOpticPhaseShifter(offset=0.4),
    "ring": RingResonator(coupling=0.2),
    "add-drop ring": AddDropRing(coupling=0.2, drop_coupling=0.1),
    "ring modulator": RingModulator(coupling=0.05),
}
LOSSY = {
    "waveguide": (Waveguide(3e-3, loss_db_per_cm=2.0), 0.6),
    "coupler": (DirectionalCoupler(0.3, excess_loss_db=0.4), 0.4),
    "interferometer": (MachZehnder(0.7, 1.9, arm_loss_db=0.3), 0.3),
    "mirror": (Mirror(0.3, loss_db=1.5), 1.5),
    "attenuator": (Attenuator(6.0), 6.0),
    "phase shifter": (PhaseShifter(0.7, loss_db=0.2), 0.2),
    "electro-optic shifter": (ElectroOpticPhaseShifter(loss_db=1.0), 1.0),
    "thermo-optic shifter": (ThermoOpticPhaseShifter(loss_db=0.5), 0.5),
}
ABSORBING = {
    "splitter": Splitter(0.05, excess_loss_db=0.1),
    "termination": Termination(),
    "ring": RingResonator(coupling=0.2, loss_db_per_cm=3.0),
    "add-drop ring": AddDropRing(coupling=0.2, drop_coupling=0.1, loss_db_per_cm=3.0),
}


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_lossless_part_is_unitary_and_reciprocal(name):
    s = np.asarray(matrix(LOSSLESS[name]))
    np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(s, s.T, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", LOSSY)
def test_what_does_not_come_out_is_the_stated_loss(name):
    part, decibels = LOSSY[name]
    s = np.asarray(matrix(part))
    np.testing.assert_allclose(s.conj().T @ s, 10 ** (-decibels / 10) * np.eye(len(s)), rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(s, s.T, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", ABSORBING)
def test_a_part_that_absorbs_is_reciprocal_and_never_gains(name):
    s = np.asarray(matrix(ABSORBING[name]))
    assert np.linalg.svd(s, compute_uv=False).max() <= 1 + ROUNDING
    np.testing.assert_allclose(s, s.T, rtol=0, atol=ROUNDING)


def test_a_lossy_ring_absorbs_what_its_round_trip_loses():
    ring = RingResonator(coupling=0.2, loss_db_per_cm=3.0)
    leaving = matrix(ring)[1, 0]
    round_trip = ring.transmission(ring.length)
    entering = 1j * np.sqrt(0.2) / (1 - np.sqrt(0.8) * round_trip)
    lost = (1 - abs(round_trip) ** 2) * abs(entering) ** 2
    assert 1 - abs(leaving) ** 2 == pytest.approx(float(lost), rel=1e-10, abs=0)


def test_an_isolator_passes_one_way_only():
    s = matrix(Isolator(0.5).set("isolation_db", 30.0))
    np.testing.assert_allclose(s, [[0, 10**-1.5], [10**-0.025, 0]], rtol=1e-14)
    assert not np.asarray(matrix(Isolator()))[0].any()


def test_the_forward_wave_of_a_feed_forward_part_depends_on_nothing_that_leaves():
    for name in ("waveguide", "coupler", "interferometer", "ring"):
        part = LOSSLESS[name]
        s, ports = np.asarray(matrix(part)), optical(part)
        forward = [i for i, n in enumerate(ports) if n.startswith("in")]
        assert not s[np.ix_(forward, forward)].any(), name


def test_a_coupler_and_a_splitter_have_the_matrices_of_their_textbooks():
    np.testing.assert_allclose(
        matrix(DirectionalCoupler(0.3))[2:, :2], np.sqrt([[0.7, -0.3 + 0j], [-0.3 + 0j, 0.7]]), rtol=1e-15
    )
    np.testing.assert_allclose(matrix(Splitter())[1:, 0], np.sqrt([0.5, 0.5]), rtol=1e-14)
    np.testing.assert_allclose(matrix(Splitter(0.1))[1:, 0], np.sqrt([0.6, 0.4]), rtol=1e-14)


def test_a_splitter_combines_light_in_phase_and_radiates_the_rest():
    s = matrix(Splitter())
    even, odd = jnp.array([0, 1, 1]) / np.sqrt(2), jnp.array([0, 1, -1]) / np.sqrt(2)
    np.testing.assert_allclose(s @ even, [1, 0, 0], atol=ROUNDING)
    np.testing.assert_allclose(s @ odd, 0, atol=ROUNDING)


def test_an_interferometer_is_its_couplers_and_phases_in_a_row():
    part = MachZehnder(0.7, 1.9, input_error=0.1, output_error=-0.05, arm_loss_db=0.2)
    coupler = lambda e: matrix(DirectionalCoupler(np.sin(np.pi / 4 + e) ** 2))[2:, :2]
    phase = lambda angle: np.diag([np.exp(1j * angle), 1])
    wanted = 10**-0.01 * coupler(-0.05) @ phase(0.7) @ coupler(0.1) @ phase(1.9)
    np.testing.assert_allclose(matrix(part)[2:, :2], wanted, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.0), (0.1, -0.05), (0.03, 0.2)])
def test_an_interferometer_divides_power_as_its_angles_say(alpha, beta):
    """|T00|^2 = sin^2(theta/2) cos^2(alpha - beta) + cos^2(theta/2) sin^2(alpha + beta)."""
    for theta in np.linspace(0, 2 * np.pi, 7):
        upper = MachZehnder(theta, 0.4, input_error=alpha, output_error=beta).matrix()[0]
        bar = np.sin(theta / 2) ** 2 * np.cos(alpha - beta) ** 2 + np.cos(theta / 2) ** 2 * np.sin(alpha + beta) ** 2
        assert abs(upper) ** 2 == pytest.approx(bar, abs=ROUNDING)


def test_a_waveguide_has_the_formula_of_saxs_straight():
    """With wavelengths and lengths in um, n = neff - (wl - wl0)(ng - neff)/wl0, and 1e-4 cm per um."""
    wavelength = np.linspace(1.5, 1.6, 101)
    index = 2.34 - (wavelength - 1.55) * (3.4 - 2.34) / 1.55
    wanted = 10 ** (-1e-4 * 2.5 * 120 / 20) * np.exp(2j * np.pi * index * 120 / wavelength)
    guide = Waveguide(120e-6, effective_index=2.34, group_index=3.4, loss_db_per_cm=2.5)
    ours = jax.vmap(lambda wl: guide.put(wavelength=wl).transmission(guide.length))(wavelength * 1e-6)
    # The phase is about 1.2e3 rad, of which each operation rounds 2e-16.
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=10 * 1.2e3 * 2.3e-16)


def test_group_delay_is_the_derivative_of_the_phase_and_dispersion_that_of_the_delay():
    guide = Waveguide(2e-3, dispersion=-4e-4, wavelength=1.53e-6, reference_wavelength=1.55e-6)
    speed = 299792458.0
    at = lambda wavelength: guide.put(wavelength=wavelength)

    def phase(wavelength):
        return 2 * jnp.pi * at(wavelength).phase_index() * guide.length / wavelength

    slope = jax.grad(phase)(guide.wavelength) / (-2 * np.pi * speed / guide.wavelength**2)
    assert float(guide.delay(guide.length)) == pytest.approx(float(slope), rel=1e-12, abs=0)
    bend = jax.grad(lambda wavelength: at(wavelength).delay(1.0))(guide.reference_wavelength)
    assert float(bend) == pytest.approx(-4e-4, rel=1e-9, abs=0)


def test_both_ends_of_a_waveguide_state_the_same_delay():
    guide = LOSSLESS["waveguide"]
    stated = guide.balance(
        0.0, {"in": jnp.asarray(1j), "out": jnp.asarray(2.0)}, {n: u.value for n, u in guide.rest().items()}
    ).stated
    assert stated["forward"].delay == stated["backward"].delay > 0
    np.testing.assert_allclose(stated["backward"].value, -2j * stated["forward"].value, rtol=1e-14)
