"""The differential pair and the transconductance amplifier against circuits of EKV transistors, and their noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.cmos import OTA, DifferentialPair, Technology
from devsim.devices.electrical import MOSFET, CurrentSource, VoltageSource
from devsim.physics import ELEMENTARY_CHARGE, thermal_voltage

UT = thermal_voltage(300.0)
BIAS, COMMON = 1e-12, 1.0
DIFFERENCES = np.linspace(-0.15, 0.15, 7)
LONG = dict(length_modulation=0.0, mobility_reduction=0.0, body_effect=0.5)

PAIR = Circuit(
    {
        "m1": MOSFET(**LONG),
        "m2": MOSFET(**LONG),
        "tail": CurrentSource(BIAS),
        "d1": VoltageSource(1.8),
        "d2": VoltageSource(1.8),
    },
    {
        "g1": ("m1.gate",),
        "g2": ("m2.gate",),
        "s": ("m1.source", "m2.source", "tail.plus"),
        "a": ("m1.drain", "d1.plus"),
        "b": ("m2.drain", "d2.plus"),
        "gnd": ("m1.bulk", "m2.bulk", "tail.minus", "d1.minus", "d2.minus"),
    },
    inputs={"g1": "g1", "g2": "g2"},
)
LOADS = dict(threshold=-0.9, length_modulation=0.0, mobility_reduction=0.0)
FIVE = Circuit(
    {
        "m1": MOSFET(**LONG),
        "m2": MOSFET(**LONG),
        "p1": MOSFET.p_channel(**LOADS),
        "p2": MOSFET.p_channel(**LOADS),
        "tail": CurrentSource(BIAS),
        "supply": VoltageSource(2.0),
        "load": VoltageSource(1.2),
    },
    {
        "g1": ("m1.gate",),
        "g2": ("m2.gate",),
        "s": ("m1.source", "m2.source", "tail.plus"),
        "mirror": ("m1.drain", "p1.drain", "p1.gate", "p2.gate"),
        "out": ("m2.drain", "p2.drain", "load.plus"),
        "vdd": ("p1.source", "p1.bulk", "p2.source", "p2.bulk", "supply.plus"),
        "gnd": ("m1.bulk", "m2.bulk", "tail.minus", "supply.minus", "load.minus"),
    },
    inputs={"g1": "g1", "g2": "g2"},
)


def channel(gate):
    """Pinch-off voltage and slope factor of the transistors of a pair at a gate voltage (V)."""
    at = MOSFET(**LONG).inversion({"gate": gate, "drain": 1.8, "source": 0.0, "bulk": 0.0})
    return float(at.bulk) - 0.9, float(at.slope)


def coupling():
    """kappa = dV_P / dV_G at the common gate voltage."""
    return (channel(COMMON + 1e-4)[0] - channel(COMMON - 1e-4)[0]) / 2e-4


def bound(difference):
    """By how much ln(I_1 / I_2) of EKV transistors departs from kappa dV / U_T: bent pinch-off voltage, moderate inversion."""
    (high, n1), (low, n2) = channel(COMMON + difference / 2), channel(COMMON - difference / 2)
    bent = abs((high - low - coupling() * difference) / UT) + abs(np.log(n1 / n2))
    specific = 2 * n1 * 1.5e-4 * UT**2
    return bent + 2 * np.sqrt(BIAS / specific)


def solved(circuit):
    """Solutions of a transistor circuit over `DIFFERENCES`."""
    at = jax.jit(jax.vmap(lambda d: operating_point(circuit, {"g1": COMMON + d / 2, "g2": COMMON - d / 2})))
    return at(jnp.asarray(DIFFERENCES))


def technology(**knobs):
    return Technology(gate_coupling=coupling(), **knobs)


def told(difference):
    return {"plus": jnp.asarray(difference), "minus": jnp.zeros(())}


@pytest.mark.slow
def test_a_pair_of_ekv_transistors_shares_its_current_as_the_equation_says():
    found = solved(PAIR)
    pair = DifferentialPair(BIAS, technology=technology())
    for i, d in enumerate(DIFFERENCES):
        plus, minus = pair.currents(told(d))
        tolerance = bound(d) * float(plus * minus) / BIAS**2 * 1.01 + 1e-9
        assert bound(d) < 0.02
        assert -float(found["d1.current"][i]) / BIAS == pytest.approx(float(plus) / BIAS, abs=tolerance)
        assert -float(found["d2.current"][i]) / BIAS == pytest.approx(float(minus) / BIAS, abs=tolerance)


@pytest.mark.slow
def test_five_ekv_transistors_make_a_hyperbolic_tangent():
    found = solved(FIVE)
    amplifier = OTA(BIAS, technology=technology())
    current = np.asarray(found["load.current"]) / BIAS
    for i, d in enumerate(DIFFERENCES):
        wanted = float(amplifier.current(told(d))) / BIAS
        mirror = np.exp(-(2.0 - float(found["mirror"][i])) / UT) + np.exp(-0.8 / UT)
        tolerance = bound(d) * (1 - wanted**2) / 2 * 1.01 + mirror + 1e-9
        assert tolerance < 0.02
        assert current[i] == pytest.approx(wanted, abs=tolerance)


@pytest.mark.parametrize("kind", [DifferentialPair, OTA])
def test_the_current_is_conserved_and_bounded_at_any_difference(kind):
    part = kind(np.full(3, 2e-9), domain="signal")
    p = {"plus": jnp.array([-5.0, 0.01, 5.0]), "minus": jnp.zeros(3)}
    static = part.balance(0.0, p, {}).static
    if kind is DifferentialPair:
        np.testing.assert_allclose(static["out_plus"] + static["out_minus"], 2e-9, rtol=1e-12)
        assert float(static["out_minus"][0]) == pytest.approx(2e-9, rel=1e-12, abs=0)
    else:
        np.testing.assert_allclose(static["out"][jnp.array([0, 2])], [-2e-9, 2e-9], rtol=1e-12)
    single = jax.tree.map(lambda v: v.astype(jnp.float32), (part, p))
    slopes = jax.grad(lambda part, p: sum(jnp.sum(v) for v in part.balance(0.0, p, {}).static.values()) * 1e9, (0, 1))(*single)
    assert all(np.isfinite(v).all() for v in jax.tree.leaves(slopes))


def test_signals_and_pins_carry_the_same_current():
    p = {"plus": jnp.array(0.03), "minus": jnp.array(0.01)}
    signal, pins = (OTA(domain=domain).balance(0.0, p, {}).static for domain in ("signal", "electrical"))
    assert float(signal["out"]) == -float(pins["out"]) > 0
    assert float(pins["plus"]) == float(pins["minus"]) == 0.0


def test_offsets_spread_as_pelgrom_says_and_grow_with_small_transistors():
    count = 20_000
    for width in (1e-6, 4e-6):
        die = OTA(np.full(count, 1e-9), technology=Technology(width=width, length=1e-6)).fabricate(jax.random.key(3))
        zero = np.asarray(die.offset)
        assert zero.std() == pytest.approx(5e-9 / np.sqrt(width * 1e-6), rel=5 / np.sqrt(2 * count), abs=0)
        assert abs(np.corrcoef(zero, np.log(die.bias("bias_current")))[0, 1]) < 5 / np.sqrt(count)
        at_zero = die.current({"plus": -die.offset, "minus": jnp.zeros(count)})
        np.testing.assert_allclose(at_zero, 0.0, atol=1e-22)


def test_noise_of_an_amplifier_at_balance_is_that_of_four_transistors():
    """4 x 2 q I_b / 2 out, and flicker of the two gates."""
    frequency = np.geomspace(1.0, 1e4, 5)
    circuit = Circuit(
        {"ota": OTA(1e-9, technology=Technology(flicker_coefficient=1e-23))},
        {"plus": ("ota.plus",), "minus": ("ota.minus",), "out": ("ota.out",)},
        inputs={"plus": "plus", "minus": "minus"},
        outputs={"out": "out"},
    )
    found = noise_spectrum(circuit, {"plus": 0.0, "minus": 0.0}, output="out", frequency=frequency)
    np.testing.assert_allclose(found.by_source["ota.shot"], 4 * ELEMENTARY_CHARGE * 1e-9, rtol=1e-12)
    slope = 0.7 * 1e-9 / (2 * UT)
    gate = 1e-23 / 4e-12 / frequency
    np.testing.assert_allclose(found.by_source["ota.flicker"], 2 * gate * slope**2, rtol=1e-12)


def test_an_amplifier_warms_as_its_thermal_voltage():
    slope = lambda kelvin: jax.grad(lambda d: OTA(technology=Technology(temperature=kelvin)).current(told(d)))(0.0)
    assert float(slope(300.0) / slope(330.0)) == pytest.approx(1.1, rel=1e-12, abs=0)


def test_a_negative_bias_is_refused():
    for kind in (DifferentialPair, OTA):
        with pytest.raises(InputError, match="`bias_current` must be above 0 A, but is -1e-09 A"):
            kind(-1e-9)
        with pytest.raises(InputError, match="`domain` must be one of electrical, signal, but is `optical`"):
            kind(domain="optical")
