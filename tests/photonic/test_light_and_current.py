"""Lasers, amplifiers and detectors: levels, noise densities, saturation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from devsim.check import InputError
from devsim.devices.photonic import BalancedDetector, CoherentDetector, Laser, OpticalAmplifier, Photodiode
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, PLANCK
from tests.photonic.scattering import at_rest, told

Q = ELEMENTARY_CHARGE


def ask(part, unknowns=None, **ports):
    p, x = told(part, **ports), at_rest(part) | {n: jnp.asarray(v) for n, v in (unknowns or {}).items()}
    return part.balance(0.0, p, x), part.noise(p, x)


def settled(part, **ports):
    """The unknowns of a detector once they follow: what makes each residual zero."""
    residual = ask(part, **ports)[0].static
    return {name: -residual[name] for name in at_rest(part)}


def test_a_laser_emits_its_power_with_its_phase_and_stands_still():
    balance, _ = ask(Laser(2e-3, phase=0.7), {"phase": 0.2, "intensity": 0.1}, out=5.0)
    np.testing.assert_allclose(balance.static["out"], np.sqrt(2e-3 * 1.1) * np.exp(0.9j), rtol=1e-14)
    assert balance.static["phase"] == 0 and balance.stored["phase"] == 0.2 and balance.stated["intensity"].value == 0


def test_a_lasers_noise_has_its_densities():
    laser = Laser(linewidth=1e5).set("relative_intensity_noise_db", -150.0)
    noise = ask(laser)[1]
    assert float(noise["frequency"].density) == pytest.approx(4 * np.pi * 1e5, rel=1e-14, abs=0)
    assert float(noise["intensity"].density) == pytest.approx(1e-15, rel=1e-13, abs=0)
    assert (noise["frequency"].between, noise["intensity"].between) == (("phase",), ("intensity",))
    assert float(laser.get("relative_intensity_noise_db")) == pytest.approx(-150, rel=1e-13, abs=0)
    assert np.isnan(float(Laser().get("relative_intensity_noise_db")))


def test_the_random_walk_of_the_phase_makes_a_lorentzian_of_the_linewidth():
    """Frequency noise of one-sided density S adds the variance S t / 2: <exp i(phi(t) - phi(0))> = exp(-pi linewidth t)."""
    linewidth, step, steps, walkers = 1e6, 1e-9, 100, 4096
    density = ask(Laser(linewidth=linewidth))[1]["frequency"].density
    draws = np.random.default_rng(3).normal(size=(walkers, steps)) * np.sqrt(density * step / 2)
    coherence = np.cos(draws.sum(axis=1))
    assert abs(coherence.mean() - np.exp(-np.pi * linewidth * step * steps)) < 5 * coherence.std() / np.sqrt(walkers)


def test_modulation_multiplies_the_power_and_darkness_has_a_derivative():
    laser = Laser(1e-3, modulated=True)
    for level in (0.0, 0.25, 1.0):
        out = ask(laser, modulation=level)[0].static["out"]
        assert abs(out) ** 2 == pytest.approx(level * 1e-3, rel=1e-14, abs=0)
    slope = jax.grad(lambda m: jnp.real(ask(laser, modulation=m)[0].static["out"]))(0.0)
    assert np.isfinite(float(slope))
    assert "modulation" not in Laser().ports()


def test_a_photodiode_drives_its_current_out_of_the_anode():
    diode = Photodiode(0.8, dark_current=1e-9, shunt_conductance=1e-8, capacitance=2e-14)
    wave = np.sqrt(1e-3) * np.exp(0.4j)
    x = settled(diode, light=wave)
    assert float(x["current"]) == pytest.approx(0.8e-3, rel=1e-14, abs=0)
    balance, _ = ask(diode, x, light=wave, anode=-1.0, cathode=0.5)
    assert float(balance.static["anode"]) == pytest.approx(-0.8e-3 - 1e-9 - 1.5e-8, rel=1e-14, abs=0)
    assert float(balance.stored["anode"]) == pytest.approx(-3e-14, rel=1e-14, abs=0)
    assert balance.static["cathode"] == -balance.static["anode"]
    assert not np.any(balance.static["light"])


def test_a_photodiodes_noise_is_shot_noise_of_all_current_and_that_of_its_shunt():
    diode = Photodiode(0.8, dark_current=1e-6, shunt_conductance=1e-3)
    noise = ask(diode, light=np.sqrt(1e-3))[1]
    assert float(noise["shot"].density) == pytest.approx(2 * Q * (0.8e-3 + 1e-6), rel=1e-14, abs=0)
    assert float(noise["thermal"].density) == pytest.approx(4 * BOLTZMANN * 300 * 1e-3, rel=1e-14, abs=0)


def test_bandwidth_is_another_name_for_the_time_constant():
    diode = Photodiode().set("bandwidth", 20e9)
    one, other = (ask(diode, {"current": i})[0] for i in (0.0, 1.0))
    pole = (other.static["current"] - one.static["current"]) / (other.stored["current"] - one.stored["current"])
    assert float(pole) == pytest.approx(2 * np.pi * 20e9, rel=1e-14, abs=0)
    assert np.isnan(float(Photodiode().get("bandwidth")))
    with pytest.raises(InputError, match="`bandwidth` must be above 0 Hz, but is -1 Hz"):
        diode.set("bandwidth", -1.0)


def test_balanced_photocurrents_subtract_and_their_noise_adds():
    detector = BalancedDetector(0.9, imbalance=0.1, dark_current=1e-8)
    waves = {"light0": np.sqrt(2e-3), "light1": np.sqrt(1e-3) * 1j}
    first, second = 0.9 * 1.05 * 2e-3, 0.9 * 0.95 * 1e-3
    x = settled(detector, **waves)
    balance, noise = ask(detector, x, **waves)
    assert float(balance.static["plus"]) == pytest.approx(second - first, rel=1e-14, abs=0)
    assert float(noise["shot"].density) == pytest.approx(2 * Q * (first + second + 2e-8), rel=1e-14, abs=0)


def test_a_coherent_detector_finds_the_complex_beat():
    detector = CoherentDetector(0.9, capacitance=1e-14, shunt_conductance=1e-6)
    signal, local = 0.03 * np.exp(0.8j), 0.1 * np.exp(-0.3j)
    waves = {"signal": signal, "local": local}
    x = settled(detector, **waves)
    balance, noise = ask(detector, x, **waves)
    beat = -(balance.static["in_phase"] + 1j * balance.static["quadrature"])
    np.testing.assert_allclose(beat, 0.9 * signal * np.conj(local), rtol=1e-14)
    total = 0.9 * (abs(signal) ** 2 + abs(local) ** 2) / 2
    assert float(noise["quadrature_shot"].density) == pytest.approx(2 * Q * total, rel=1e-14, abs=0)
    for share in (balance.static, ask(detector, in_phase=0.3, quadrature=-0.2, common=0.1)[0].stored):
        assert abs(share["in_phase"] + share["quadrature"] + share["common"]) < 1e-18


def test_a_hybrid_off_by_some_degrees_mixes_the_phases():
    detector = CoherentDetector(hybrid_error=0.1)
    x = settled(detector, signal=np.exp(0.5j), local=1.0)
    np.testing.assert_allclose([x["in_phase_current"], x["quadrature_current"]], [np.cos(0.5), np.sin(0.4)], rtol=1e-14)


def test_a_weak_wave_gains_the_small_signal_gain_and_nothing_comes_back():
    balance, _ = ask(OpticalAmplifier(20.0), **{"in": 1e-3j, "out": 1.0})
    np.testing.assert_allclose(balance.static["out"], 1e-2j, rtol=1e-13)
    assert balance.static["in"] == 0 and abs(balance.static["log_gain"]) < 1e-14


def test_a_strong_wave_depletes_the_gain_as_the_implicit_law_says():
    """G = G0 exp(-(G - 1) P_in / P_sat), for the gain at which the residual vanishes."""
    amplifier = OpticalAmplifier(20.0).set("saturation_power", 1e-3)
    wave = np.sqrt(0.5e-3)
    lacking = lambda h: float(ask(amplifier, {"log_gain": h}, **{"in": wave})[0].static["log_gain"])
    gain = np.exp(brentq(lacking, 0.0, 10.0, xtol=1e-14))
    assert 1 < gain < 10
    assert gain == pytest.approx(100 * np.exp(-(gain - 1) * 0.5), rel=1e-11, abs=0)


def test_the_gain_recovers_with_the_carrier_lifetime_and_turns_the_phase_as_it_goes():
    amplifier = OpticalAmplifier(20.0, carrier_lifetime=1e-9, linewidth_enhancement=3.0)
    one, other = (ask(amplifier, {"log_gain": h}, **{"in": 1.0})[0] for h in (1.0, 1.4))
    rate = (other.static["log_gain"] - one.static["log_gain"]) / (other.stored["log_gain"] - one.stored["log_gain"])
    assert float(rate) == pytest.approx(1e9, rel=1e-12, abs=0)
    np.testing.assert_allclose(other.static["out"] / one.static["out"], np.exp(0.2 - 0.6j), rtol=1e-14)


def test_spontaneous_emission_has_the_noise_figure():
    """Both quadratures, beating with the signal: F = (2 S_ase G P + h nu G P) / (h nu G^2 P) for one polarisation."""
    amplifier = OpticalAmplifier(15.0).set("noise_figure_db", 5.0)
    energy, gain = PLANCK * 299792458.0 / 1.55e-6, 10**1.5
    noise = ask(amplifier)[1]
    emission = noise["inphase"].density
    assert emission == noise["quadrature"].density
    figure = (2 * emission / energy + 1) / gain
    assert 10 * np.log10(figure) == pytest.approx(5.0, rel=1e-12, abs=0)
    assert float(amplifier.get("noise_figure_db")) == pytest.approx(5.0, rel=1e-12, abs=0)
    with pytest.raises(InputError, match="`spontaneous_emission` must be at least 0"):
        amplifier.set("noise_figure_db", -30.0)
