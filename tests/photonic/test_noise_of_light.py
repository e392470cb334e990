"""Noise of photonic parts in whole circuits, beside closed forms."""

import numpy as np

from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.circuit import Circuit
from devsim.devices.electrical import Resistor
from devsim.devices.photonic import BalancedDetector, CoherentDetector, Laser, OpticalAmplifier, Photodiode
from devsim.physics import ELEMENTARY_CHARGE, PLANCK

BANDWIDTH, DARK, SPEED_OF_LIGHT = 1e9, 1e-6, 299_792_458.0


def test_shot_noise_of_every_detector_is_low_passed_as_its_signal():
    """2 q (R P + I_dark) below the bandwidth, 1/101 of it at ten times that; all detectors into one load."""
    powers = {"one": 1e-3, "plus": 2e-3, "minus": 0.5e-3, "signal": 0.1e-3, "local": 3e-3}
    common = {"responsivity": 0.8, "dark_current": DARK, "time_constant": 1 / (2 * np.pi * BANDWIDTH)}
    parts = {f"{name} laser": Laser(power) for name, power in powers.items()}
    parts |= {"pd": Photodiode(**common), "bal": BalancedDetector(**common), "coh": CoherentDetector(**common)}
    pins = dict(zip(powers, ("pd.light", "bal.light0", "bal.light1", "coh.signal", "coh.local"), strict=True))
    nets = {f"{name} light": (f"{name} laser.out", pin) for name, pin in pins.items()}
    nets["v"] = ("pd.anode", "bal.plus", "coh.in_phase", "load.a")
    nets["gnd"] = ("pd.cathode", "bal.minus", "coh.quadrature", "coh.common", "load.b")
    circuit = Circuit(parts | {"load": Resistor(50.0)}, nets)
    found = noise_spectrum(circuit, output="v", frequency=np.array([1.0, 10 * BANDWIDTH]))
    wanted = {
        "pd.shot": 0.8e-3 + DARK,
        "bal.shot": 0.8 * 2.5e-3 + 2 * DARK,
        "coh.in_phase_shot": 0.8 * 3.1e-3 / 2 + 2 * DARK,
    }
    for name, current in wanted.items():
        density = 2 * ELEMENTARY_CHARGE * current * 50.0**2
        np.testing.assert_allclose(found.by_source[name], [density, density / 101], rtol=1e-9, err_msg=name)
    assert not np.any(found.by_source["coh.quadrature_shot"])


def test_light_beats_with_the_spontaneous_emission_of_its_amplifier():
    """4 R^2 G P n_sp (G - 1) h nu: the field's in-phase quadrature beside the amplified light."""
    parts = {"laser": Laser(1e-4), "amp": OpticalAmplifier(20.0, spontaneous_emission=1.5)}
    parts |= {"pd": Photodiode(0.8), "load": Resistor(50.0)}
    nets = {"weak": ("laser.out", "amp.in"), "strong": ("amp.out", "pd.light"), "v": ("pd.anode", "load.a")}
    circuit = Circuit(parts, nets | {"gnd": ("pd.cathode", "load.b")})
    found = noise_spectrum(circuit, output="v", frequency=np.array([1e3, 1e9]))
    photon = PLANCK * SPEED_OF_LIGHT / 1.55e-6
    beat = 4 * 0.8**2 * 100.0 * 1e-4 * 1.5 * 99.0 * photon
    np.testing.assert_allclose(found.by_source["amp.inphase"] + found.by_source["amp.quadrature"], beat * 50.0**2, rtol=1e-9)
