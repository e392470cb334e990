"""Photonic parts where they stand in circuits: heaters beside each other, saturation, balance, modulators in time."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from devsim.analyses.operating_point import operating_point
from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import ElectricalRibbon, Resistor, VoltageSource
from devsim.devices.photonic import (
    BalancedDetector,
    DirectionalCoupler,
    ElectroOpticPhaseShifter,
    Laser,
    OpticalAmplifier,
    OpticalRibbon,
    RingModulator,
    Termination,
    ThermoOpticPhaseShifter,
)
from devsim.waveform import Pulse

POWER = 1e-3


def interferometer(parts, nets):
    """Laser, coupler, arms between the nets `upper`, `lower` and `hot`, `cold`, coupler, ends `bar` and `cross`."""
    own = {
        "laser": Laser(POWER),
        "split": DirectionalCoupler(0.5),
        "join": DirectionalCoupler(0.5),
        "dark": Termination(),
        "end0": Termination(),
        "end1": Termination(),
    }
    light = {
        "in": ("laser.out", "split.in0"),
        "unused": ("dark.in", "split.in1"),
        "bar": ("join.out0", "end0.in"),
        "cross": ("join.out1", "end1.in"),
    }
    return Circuit(own | parts, light | nets)


def test_two_heated_arms_of_an_interferometer_warm_each_other():
    volts, matrix, power_pi = np.array([3.0, 1.5]), np.array([[1.0, 0.2], [0.05, 1.0]]), 20e-3
    circuit = interferometer(
        {
            "heaters": ThermoOpticPhaseShifter(np.array([1e3, 1.2e3]), power_pi=power_pi, crosstalk=matrix),
            "before": OpticalRibbon(2),
            "behind": OpticalRibbon(2),
            "wires": ElectricalRibbon(2),
            "v0": VoltageSource(volts[0]),
            "v1": VoltageSource(volts[1]),
        },
        {
            "upper": ("split.out0", "before.lane0"),
            "lower": ("split.out1", "before.lane1"),
            "bus": ("before.bus", "heaters.in"),
            "warm": ("heaters.out", "behind.bus"),
            "hot": ("behind.lane0", "join.in0"),
            "cold": ("behind.lane1", "join.in1"),
            "drive": ("wires.bus", "heaters.plus"),
            "a": ("v0.plus", "wires.lane0"),
            "b": ("v1.plus", "wires.lane1"),
            "gnd": ("v0.minus", "v1.minus", "heaters.minus"),
        },
    )
    found = operating_point(circuit)
    phases = np.pi * matrix @ (volts**2 / [1e3, 1.2e3]) / power_pi
    expected = POWER * np.sin((phases[0] - phases[1]) / 2) ** 2
    assert abs(complex(found["bar"])) ** 2 == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(found["drive"], volts, rtol=1e-12)


@pytest.mark.parametrize(
    ("crosstalk", "words"),
    [
        (np.ones((3, 3)), r"`crosstalk` of 2 lanes .* shape \(2, 2\), but has shape \(3, 3\)"),
        (np.array([[0.5, 0.0], [0.0, 1.0]]), "`crosstalk` must have ones on its diagonal"),
    ],
    ids=["shape", "diagonal"],
)
def test_crosstalk_that_is_no_matrix_between_the_lanes_is_refused(crosstalk, words):
    with pytest.raises(InputError, match=words):
        ThermoOpticPhaseShifter(np.full(2, 1e3), crosstalk=crosstalk)


def test_an_amplifier_is_depleted_as_its_equation_says():
    watts, saturation, gain_db = 2e-3, 400.0, 20.0
    parts = {"laser": Laser(watts), "amplifier": OpticalAmplifier(gain_db, saturation=saturation), "end": Termination()}
    circuit = Circuit(parts, {"in": ("laser.out", "amplifier.in"), "out": ("amplifier.out", "end.in")})
    full = gain_db * np.log(10) / 10
    left = brentq(lambda h: full - h - np.expm1(h) * saturation * watts, 0.0, full, xtol=1e-14)
    assert left < full / 2
    assert abs(complex(operating_point(circuit)["out"])) ** 2 == pytest.approx(watts * np.exp(left), rel=1e-9)


def test_a_balanced_detector_tells_the_difference_of_two_powers():
    coupling, responsivity, ohms = 0.3, 0.8, 50.0
    parts = {
        "laser": Laser(POWER),
        "dark": Termination(),
        "split": DirectionalCoupler(coupling),
        "detector": BalancedDetector(responsivity, imbalance=0.1),
        "load": Resistor(ohms),
    }
    nets = {
        "in": ("laser.out", "split.in0"),
        "unused": ("dark.in", "split.in1"),
        "through": ("split.out0", "detector.light0"),
        "crossed": ("split.out1", "detector.light1"),
        "out": ("detector.plus", "load.a"),
        "gnd": ("detector.minus", "load.b"),
    }
    difference = 1.05 * (1 - coupling) - 0.95 * coupling
    expected = responsivity * POWER * difference * ohms
    assert float(operating_point(Circuit(parts, nets))["out"]) == pytest.approx(expected, rel=1e-12)


def step_of(volts, delay):
    return VoltageSource(0.0, waveform=Pulse(0.0, volts, delay=delay, rise_time=1e-15, width=1.0))


def test_an_electro_optic_arm_follows_its_junction():
    """phase(t) = pi V (1 - exp(-t / RC)) / V_pi behind a step; the trapezoidal rule is off by (h / RC)^2 / 12 of the decay."""
    ohms, farads, volts, voltage_pi = 100.0, 1e-13, 2.0, 5.0
    tau, steps = ohms * farads, 100
    h = tau / 25
    circuit = interferometer(
        {
            "shifter": ElectroOpticPhaseShifter(capacitance=farads, series_resistance=ohms, voltage_pi=voltage_pi),
            "v": step_of(volts, 0.25 * h),
        },
        {
            "upper": ("split.out0", "shifter.in"),
            "hot": ("shifter.out", "join.in0"),
            "lower": ("split.out1", "join.in1"),
            "drive": ("v.plus", "shifter.plus"),
            "gnd": ("v.minus", "shifter.minus"),
        },
    )
    found = transient(circuit, duration=steps * h, step=h, method="trapezoidal")
    bar = np.abs(np.asarray(found["bar"])) ** 2
    since = np.arange(steps + 1) * h - h / 2  # an edge within a step counts as a ramp over all of it
    voltage = np.where(since > 0, volts * -np.expm1(-since / tau), 0.0)
    expected = POWER * np.sin(np.pi * voltage / voltage_pi / 2) ** 2
    tolerance = POWER * np.pi / 2 * volts / voltage_pi * (h / tau) ** 2
    np.testing.assert_allclose(bar[1:], expected[1:], rtol=0, atol=tolerance)
    assert bar[-1] > 1e2 * tolerance


@pytest.mark.slow
def test_a_ring_modulator_ends_at_the_operating_point_of_its_new_voltage():
    ring = RingModulator(
        length=60e-6, coupling=0.05, loss_db_per_cm=3.0, capacitance=1e-14, series_resistance=50.0, shift_per_volt=4e-11
    )
    turns = round(float(ring.effective_index * ring.length / ring.wavelength))
    ring = ring.set("effective_index", turns * ring.wavelength / ring.length)  # in resonance at 0 V

    def circuit(source):
        nets = {
            "in": ("laser.out", "ring.in"),
            "out": ("ring.out", "end.in"),
            "drive": ("v.plus", "ring.plus"),
            "gnd": ("v.minus", "ring.minus"),
        }
        return Circuit({"laser": Laser(POWER), "ring": ring, "end": Termination(), "v": source}, nets)

    size = lambda wave: float(jnp.abs(wave) ** 2)
    step = float(ring.delay(ring.length)) / 2
    found = transient(circuit(step_of(3.0, 2.5 * step)), duration=2000 * step, step=step, every=2000)["out"]
    before, after = (size(operating_point(circuit(VoltageSource(volts)))["out"]) for volts in (0.0, 3.0))
    assert abs(after - before) > 0.01 * POWER
    assert size(found[0]) == pytest.approx(before, rel=1e-9)
    assert size(found[-1]) == pytest.approx(after, rel=1e-6)
