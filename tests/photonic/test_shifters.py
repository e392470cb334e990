"""Phase shifters: the electrical side, the heat, the phase."""

import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.photonic import ElectroOpticPhaseShifter, RingModulator, ThermoOpticPhaseShifter
from devsim.physics import BOLTZMANN
from tests.photonic.scattering import at_rest, told

LANES = 5


def answers(part, unknowns, **ports):
    x = at_rest(part) | {n: jnp.broadcast_to(jnp.asarray(v), at_rest(part)[n].shape) for n, v in unknowns.items()}
    return part.balance(0.0, told(part, **ports), x), x


def test_the_voltage_pi_turns_by_pi():
    shifter = ElectroOpticPhaseShifter(voltage_pi=3.0, bias=0.2, loss_db=1.0)
    for volts in (-3.0, 0.0, 1.5, 3.0):
        out = answers(shifter, {"junction": volts}, **{"in": 1.0})[0].static["out"]
        np.testing.assert_allclose(out, 10**-0.05 * np.exp(1j * (np.pi * volts / 3 + 0.2)), rtol=1e-14)


def test_loss_that_depends_on_voltage_is_never_a_gain():
    shifter = ElectroOpticPhaseShifter(loss_db=1.0, loss_db_per_volt=0.5)
    for volts, decibels in ((2.0, 2.0), (-1.0, 0.5), (-2.0, 0.0), (-9.0, 0.0)):
        out = answers(shifter, {"junction": volts}, **{"in": 1.0})[0].static["out"]
        assert abs(out) == pytest.approx(10 ** (-decibels / 20), rel=1e-14, abs=0)


@pytest.mark.parametrize("kind", [ElectroOpticPhaseShifter, RingModulator])
def test_an_electrode_is_a_capacitance_behind_a_resistance_with_its_equilibrium_noise(kind):
    """Y = G + i w C / (1 + i w R C), and the noise between the pins is 4 k T Re Y."""
    part = kind(capacitance=30e-15, series_resistance=200.0, leak_conductance=1e-4)
    omega = 2 * np.pi * 20e9
    junction = 1 / (1 + 1j * omega * 200.0 * 30e-15)

    def flows(unknown, volts):
        balance, _ = answers(part, {"junction": unknown}, plus=volts)
        return {n: balance.static[n] + 1j * omega * balance.stored[n] for n in balance.stored}

    real, imaginary = flows(junction.real, 1.0), flows(junction.imag, 0.0)
    total = {n: real[n] + 1j * imaginary[n] for n in real}
    admittance = 1e-4 + 1j * omega * 30e-15 * junction
    np.testing.assert_allclose(total["plus"], admittance, rtol=1e-12)
    np.testing.assert_allclose(total["minus"], -admittance, rtol=1e-12)
    assert abs(total["junction"]) < 1e-15
    noise = part.noise(told(part), at_rest(part))
    through = abs(omega * 30e-15 * junction) ** 2
    density = noise["leak"].density + noise["series"].density * through
    assert float(density) == pytest.approx(4 * BOLTZMANN * 300 * admittance.real, rel=1e-12, abs=0)
    assert (noise["leak"].between, noise["series"].between) == (("plus", "minus"), ("junction",))


def test_a_heater_settles_where_its_heat_is_its_power_and_turns_by_pi_at_power_pi():
    heater = ThermoOpticPhaseShifter(offset=0.3)
    volts = np.sqrt(24.8e-3 * 1e3)
    balance, _ = answers(heater, {"power": 24.8e-3}, plus=volts, **{"in": 1.0})
    assert abs(balance.static["power"]) < 1e-17
    np.testing.assert_allclose(balance.static["out"], np.exp(1j * (np.pi + 0.3)), rtol=1e-14)
    np.testing.assert_allclose([balance.static["plus"], balance.static["minus"]], [volts / 1e3, -volts / 1e3], rtol=1e-14)


def test_heat_arrives_with_the_thermal_time_constant():
    heater = ThermoOpticPhaseShifter()
    residual = lambda heat: answers(heater, {"power": heat}, plus=2.0)[0]
    one, other = residual(0.0), residual(1e-3)
    rate = (other.static["power"] - one.static["power"]) / (other.stored["power"] - one.stored["power"])
    assert float(rate) == pytest.approx(1 / 1.22e-6, rel=1e-12, abs=0)


def test_a_warm_heater_resists_more_and_is_louder():
    heater = ThermoOpticPhaseShifter(temperature_coefficient=1e-3)
    rise = 2.9e3 * 20e-3
    balance, x = answers(heater, {"power": 20e-3}, plus=1.0)
    warm = 1e3 * (1 + 1e-3 * rise)
    assert float(balance.static["plus"]) == pytest.approx(1 / warm, rel=1e-14, abs=0)
    noise = heater.noise(told(heater), x)["thermal"].density
    assert float(noise) == pytest.approx(4 * BOLTZMANN * (300 + rise) / warm, rel=1e-14, abs=0)


def test_neighbours_feel_a_share_that_falls_with_distance():
    heater = ThermoOpticPhaseShifter(offset=np.zeros(LANES), crosstalk=0.05)
    heat = np.zeros(LANES)
    heat[1] = 24.8e-3
    np.testing.assert_allclose(heater.phase(heat) / np.pi, 0.05 ** np.array([1.0, 0, 1, 2, 3]), rtol=1e-13)
    alone = heater.put(crosstalk=jnp.asarray(0.0))
    np.testing.assert_allclose(alone.phase(heat) / np.pi, [0, 1, 0, 0, 0], atol=1e-15)
    single = ThermoOpticPhaseShifter(crosstalk=0.05)
    assert float(single.phase(24.8e-3)) == pytest.approx(np.pi, rel=1e-14, abs=0)
