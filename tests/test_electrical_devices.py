"""Electrical parts in time: their equations solved at device level, and compared with closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.electrical import (
    Capacitor,
    CoupledInductors,
    CurrentControlledCurrentSource,
    CurrentControlledVoltageSource,
    CurrentSource,
    Diode,
    Inductor,
    OperationalAmplifier,
    VoltageControlledCurrentSource,
    VoltageControlledVoltageSource,
    VoltageSource,
)
from devsim.physics import BOLTZMANN

FOUR_KT = 4 * BOLTZMANN * 300.0


def numbers(**values):
    return {name: jnp.asarray(value, float) for name, value in values.items()}


def admittance(part, pins, frequency):
    """Current into the first pin per volt across the two at `frequency`, the part's unknowns eliminated exactly."""
    p = {name: jnp.zeros(()) for name in part.ports()}
    x = {name: unknown.value for name, unknown in part.rest().items()}
    unknowns = list(x)

    def answer(excitation, held):
        balance = part.balance(0.0, p | {pins[0]: excitation}, x | dict(zip(unknowns, held, strict=True)))
        names = [pins[0], *unknowns]
        pick = lambda table: jnp.stack([jnp.asarray(table.get(n, 0.0), float) for n in names])
        return pick(balance.static), pick(balance.stored)

    held = jnp.zeros(len(unknowns))
    by_port = jax.jacfwd(lambda volts: answer(volts, held))(0.0)
    by_unknown = jax.jacfwd(lambda x: answer(jnp.zeros(()), x))(held)
    conductive, reactive = (np.column_stack([port, inner]) for port, inner in zip(by_port, by_unknown, strict=True))
    matrix = conductive + 2j * np.pi * frequency * reactive
    return matrix[0, 0] - (matrix[0, 1:] @ np.linalg.solve(matrix[1:, 1:], matrix[1:, 0]) if unknowns else 0)


def test_a_capacitor_has_the_admittance_of_its_capacitance_and_leakage():
    part = Capacitor(2e-9, leakage_conductance=1e-6)
    expected = 1e-6 + 2j * np.pi * 1e3 * 2e-9
    assert admittance(part, "ab", 1e3) == pytest.approx(expected, rel=1e-14)
    assert float(part.noise({}, {})["thermal"].density) == pytest.approx(FOUR_KT * 1e-6, rel=1e-14)


def test_an_inductor_has_the_admittance_of_its_inductance_and_resistance():
    part = Inductor(3e-3, series_resistance=20.0)
    assert admittance(part, "ab", 1e3) == pytest.approx(1 / (20 + 2j * np.pi * 1e3 * 3e-3), rel=1e-14)
    noise = part.noise({}, {})["thermal"]
    assert noise.between == ("current",)
    assert float(noise.density) == pytest.approx(FOUR_KT * 20, rel=1e-14)
    assert part.rest()["current"].settles


def test_a_shorted_transformer_shows_its_leakage_inductance():
    part = CoupledInductors(4e-3, 1e-3, coupling=0.8)
    leakage = 4e-3 * (1 - 0.8**2)
    pins = ("primary_a", "primary_b")
    assert admittance(part, pins, 1e3) == pytest.approx(1 / (2j * np.pi * 1e3 * leakage), rel=1e-12)


def test_coupled_inductors_store_energy_whatever_the_currents():
    for coupling in (-0.999, 0.0, 0.999):
        part = CoupledInductors(4e-3, 1e-3, coupling=coupling)
        still = dict.fromkeys(part.ports(), 0.0)
        flux = jax.jacfwd(lambda x, part=part: part.balance(0.0, still, x).stored)(numbers(primary=0, secondary=0))
        matrix = np.array([[flux[n][m] for m in flux] for n in flux])
        assert np.all(np.linalg.eigvalsh(matrix) > 0)
    with pytest.raises(InputError, match="`coupling` must be above -1 and below 1, but is 1"):
        CoupledInductors(coupling=1.0)


def test_a_source_with_resistance_is_as_noisy_as_its_resistance():
    series = VoltageSource(np.zeros(2), source_resistance=50.0).noise({}, {})["thermal"]
    np.testing.assert_allclose(series.density, FOUR_KT * 50 * np.ones(2), rtol=1e-14)
    assert series.between == ("current",)
    parallel = CurrentSource(0.0, source_conductance=1e-3).noise({}, {})["thermal"]
    assert float(parallel.density) == pytest.approx(FOUR_KT * 1e-3, rel=1e-14)
    assert float(VoltageSource().noise({}, {})["thermal"].density) == 0.0


def test_controlled_sources_say_the_four_laws():
    pins = numbers(plus=3.0, minus=1.0, sense_plus=0.7, sense_minus=0.2)
    volts = VoltageControlledVoltageSource(4.0).balance(0.0, pins, numbers(current=0.1)).static
    np.testing.assert_allclose([volts["current"], volts["plus"], volts["minus"]], [0.0, 0.1, -0.1], atol=1e-15)
    amperes = VoltageControlledCurrentSource(2e-3).balance(0.0, pins, {}).static
    np.testing.assert_allclose([amperes["plus"], amperes["minus"]], [1e-3, -1e-3], rtol=1e-14)
    mirrored = CurrentControlledCurrentSource(5.0).balance(0.0, pins, numbers(sensed=0.2)).static
    np.testing.assert_allclose([mirrored[n] for n in ("plus", "sense_plus", "sensed")], [1.0, 0.2, 0.5], rtol=1e-14)
    across = CurrentControlledVoltageSource(10.0).balance(0.0, pins, numbers(sensed=0.2, current=0.3)).static
    np.testing.assert_allclose([across["current"], across["plus"], across["sense_minus"]], [0.0, 0.3, -0.2], atol=1e-15)


def settled_stage(part, error):
    """The stage voltage at which nothing changes any more, by bisection."""
    low, high = -1e9, 1e9
    p = numbers(plus=error, minus=0.0, out=0.0)
    held = jax.jit(lambda stage: part.balance(0.0, p, {"stage": stage, "current": jnp.zeros(())}).static["stage"])
    for _ in range(120):
        middle = (low + high) / 2
        low, high = (middle, high) if held(middle) < 0 else (low, middle)
    return middle


def output(part, stage):
    """The open-circuit output voltage."""
    drop = part.balance(0.0, numbers(plus=0.0, minus=0.0, out=0.0), numbers(stage=stage, current=0.0)).static["current"]
    return -float(drop)


def test_an_amplifier_amplifies_less_its_offset():
    part = OperationalAmplifier.of(gain=2e4, offset=1e-3)
    assert output(part, settled_stage(part, 5e-3)) == pytest.approx(2e4 * 4e-3, rel=1e-9)


def test_an_amplifier_stays_within_its_swing_and_recovers():
    part = OperationalAmplifier.of(gain=1e5, swing=5.0)
    small = output(part, settled_stage(part, 1e-6))
    assert small == pytest.approx(5 * np.tanh(0.1 / 5), rel=1e-7)
    for overload in (0.1, 10.0):
        stage = settled_stage(part, overload)
        assert 0.998 * 5 < output(part, stage) <= 5.0
        assert stage < 4 * 5 + overload


def test_an_amplifier_has_its_unity_gain_frequency_and_slew_rate():
    part = OperationalAmplifier.of(gain=1e5, unity_gain_frequency=1e6, slew_rate=2e6)

    def rate(error):
        """du/dt at u = 0."""
        balance = part.balance(0.0, numbers(plus=error, minus=0.0, out=0.0), numbers(stage=0.0, current=0.0))
        return -float(balance.static["stage"]) / float(part.time_constant)

    assert rate(1e-6) == pytest.approx(2 * np.pi * 1e6 * 1e-6, rel=1e-10)  # less (e/L)^2 / 3 = 3e-12 of it
    assert rate(100.0) == pytest.approx(2e6, rel=1e-12)
    assert rate(-100.0) == pytest.approx(-2e6, rel=1e-12)


def test_the_ideal_amplifier_asks_for_equal_inputs():
    part = OperationalAmplifier.of(gain=1e3, swing=5.0, slew_rate=1e6, offset=0.1, output_resistance=50.0).ideal()
    balance = part.balance(0.0, numbers(plus=0.3, minus=0.1, out=2.0), numbers(stage=2.0, current=0.5))
    assert float(balance.static["stage"]) == pytest.approx(-0.2, rel=1e-14)
    assert float(balance.static["current"]) == 0.0
    assert float(balance.stored["stage"]) == 0.0


def test_limits_can_be_turned_off_with_a_finite_derivative():
    part, pins, x = OperationalAmplifier(), numbers(plus=0.3, minus=0.1, out=2.0), numbers(stage=2.0, current=0.5)
    for limit in ("inverse_swing", "inverse_slew_rate", "time_constant", "inverse_gain"):
        answer = lambda value, limit=limit: part.put(**{limit: value}).balance(0.0, pins, x).static
        slopes = jax.jacfwd(answer)(jnp.zeros(()))
        assert all(np.isfinite(float(slope)) for slope in slopes.values()), limit


def test_the_noise_of_an_amplifier_is_in_series_with_its_input():
    noise = OperationalAmplifier.of(noise_density=5e-9, noise_corner=100.0, output_resistance=75.0).noise({}, {})
    assert float(noise["input"].density) == pytest.approx(25e-18, rel=1e-14)
    assert float(noise["flicker"].density) / noise["flicker"].corner == pytest.approx(25e-16, rel=1e-14)
    assert noise["flicker"].colour == "flicker"
    assert float(noise["output thermal"].density) == pytest.approx(FOUR_KT * 75, rel=1e-14)


@pytest.mark.parametrize(
    ("part", "field"), [(Capacitor(np.full(4000, 1e-9)), "capacitance"), (Inductor(np.full(4000, 1e-6)), "inductance")]
)
def test_fabrication_spreads_what_is_stored(part, field):
    die = part.set(f"{field}_spread", 0.05).fabricate(jax.random.key(3))
    relative = np.asarray(getattr(die, field) / getattr(part, field))
    assert relative.std() == pytest.approx(0.05, abs=5 * 0.05 / np.sqrt(2 * 4000))
    assert relative.mean() == pytest.approx(1.0, abs=5 * 0.05 / np.sqrt(4000))


JUNCTION = {"junction_capacitance": 3e-12, "built_in_potential": 0.7, "grading": 0.4, "depletion_factor": 0.45}


@pytest.mark.parametrize("voltage", [-5.0, -0.3, 0.0, 0.31, 0.32, 0.6])
def test_the_derivative_of_the_charge_of_a_diode_is_its_capacitance(voltage):
    """C_j0 (1 - v/phi)^-m, or beyond FC phi its tangent there, plus the transit time by the conductance."""
    diode = Diode(transit_time=2e-9, **JUNCTION)
    edge = 0.45 * 0.7
    depletion = (1 - min(voltage, edge) / 0.7) ** -0.4 + 0.4 / 0.7 * 0.55**-1.4 * max(voltage - edge, 0.0)
    conductance = float(jax.grad(diode.current)(jnp.asarray(voltage)))
    found = float(jax.grad(diode.charge)(jnp.asarray(voltage)))
    assert found == pytest.approx(3e-12 * depletion + 2e-9 * conductance, rel=1e-12)


def test_the_charge_of_a_diode_is_none_at_rest_and_all_of_it_is_given_back():
    diode = Diode(transit_time=2e-9, **JUNCTION)
    assert float(diode.charge(jnp.zeros(()))) == 0.0
    stored = diode.balance(0.0, numbers(anode=0.6, cathode=0.1), {}).stored
    assert float(stored["anode"]) == -float(stored["cathode"]) == float(diode.charge(jnp.asarray(0.5))) > 0
    assert float(Diode().charge(jnp.asarray(0.5))) == 0.0


def test_derivatives_of_the_charge_with_respect_to_its_parameters_are_finite_at_every_voltage():
    for voltage in (-1e3, 0.0, 0.315, 0.7, 2.0):
        slopes = jax.grad(lambda part, v=voltage: part.charge(jnp.asarray(v)))(Diode(transit_time=2e-9, **JUNCTION))
        assert all(np.isfinite(leaf) for leaf in jax.tree.leaves(slopes)), voltage


@pytest.mark.parametrize("name", ["grading", "depletion_factor"])
def test_a_share_of_one_is_refused(name):
    with pytest.raises(InputError, match=f"`{name}` must be at least 0 and below 1, but is 1"):
        Diode(**{name: 1.0})
