"""Transistors: the limits of the EKV model, its charges, noise and mismatch; the level-one model against ngspice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.electrical import MOSFET, LevelOneMOSFET
from devsim.physics import BOLTZMANN, thermal_voltage
from tests.external.ngspice import needs_ngspice, solved

PINS = ("drain", "gate", "source", "bulk")
UT = thermal_voltage(300.0)
KEY = jax.random.key(17)
SQUARE = MOSFET(mobility_reduction=0.0, length_modulation=0.0)
"""Without what the square law does not know."""


def pins(*values):
    """Potentials of drain, gate, source and bulk."""
    return {name: jnp.asarray(value, float) for name, value in zip(PINS, values, strict=True)}


@jax.jit
def currents(part, potentials):
    """Drain current at every row of `potentials` (drain, gate, source, bulk)."""
    return jax.vmap(lambda row: part.current(pins(*row)))(potentials)


@jax.jit
def derivatives(part, potentials):
    """dI_D / d(drain, gate, source, bulk)."""
    return jax.grad(lambda row: part.current(pins(*row)))(jnp.asarray(potentials, float))


@jax.jit
def balance(part, row):
    """What the part answers at one row of potentials."""
    return part.balance(0.0, pins(*row), {})


@jax.jit
def charge_slopes(part, row):
    """By pin, the derivative of its charge with respect to every potential."""
    return jax.jacfwd(lambda row: part.charges(pins(*row)))(jnp.asarray(row, float))


BIASES = np.random.default_rng(4).uniform(-0.5, 2.5, (60, 4)) - [0, 0, 0, 1.5]
BIASES[:, 3] = np.minimum(BIASES[:, 3], BIASES[:, [0, 2]].min(1))  # junctions in reverse


def test_exchanging_drain_and_source_turns_the_current_round():
    exchanged = BIASES[:, [2, 1, 0, 3]]
    for part in (MOSFET(), LevelOneMOSFET(body_effect=0.4, length_modulation=0.03, threshold=0.5)):
        forward = [balance(part, row).static["drain"] for row in BIASES]
        backward = [balance(part, row).static["source"] for row in exchanged]
        np.testing.assert_allclose(forward, backward, rtol=1e-12, atol=1e-25)


def test_a_p_channel_is_an_n_channel_with_all_signs_turned():
    for kind in (MOSFET, LevelOneMOSFET):
        n, p = kind(threshold=0.4, temperature=330.0), kind(threshold=-0.4, temperature=330.0, polarity="p")
        if kind is LevelOneMOSFET:  # its threshold moves with the gap, whose sign SPICE ties to the polarity
            n, p = n.set("temperature", 300.0), p.set("temperature", 300.0)
        for row in BIASES[:8]:
            one, other = balance(n, row), balance(p, -row)
            for name in PINS:
                for table in ("static", "stored"):
                    here, there = getattr(one, table).get(name, 0.0), getattr(other, table).get(name, 0.0)
                    np.testing.assert_allclose(here, -there, rtol=1e-13, atol=1e-30)


def test_charges_cancel_and_depend_on_differences_alone():
    part = MOSFET()
    for row in BIASES[:10]:
        charges = balance(part, row).stored
        largest = max(abs(float(q)) for q in charges.values())
        assert abs(sum(float(q) for q in charges.values())) <= 4 * np.finfo(float).eps * largest
        for name, moved in balance(part, row + 0.7).stored.items():
            assert float(moved) == pytest.approx(float(charges[name]), abs=1e-13 * largest)


def test_the_gate_sees_its_oxide_in_strong_inversion_and_less_in_depletion():
    part = MOSFET(overlap_capacitance=0.0)
    capacitance = lambda *row: np.array(charge_slopes(part, row)["gate"]) / (part.width * part.length * part.oxide_capacitance)
    accumulated, depleted, inverted = (capacitance(0, gate, 0, 0)[1] for gate in (-3.0, 0.2, 5.0))
    assert accumulated == pytest.approx(1.0, rel=1e-9)
    assert depleted < 0.55
    assert inverted == pytest.approx(1.0, rel=1e-9)
    saturated = capacitance(3.0, 2.0, 0.0, 0.0)
    assert -saturated[2] == pytest.approx(2 / 3, rel=0.04)
    assert abs(saturated[0]) < 1e-6


def test_weak_inversion_has_its_slope_of_n_thermal_voltages():
    gates = np.linspace(-0.25, -0.15, 5)
    slopes = [float(derivatives(SQUARE, [1.0, g, 0.0, 0.0])[1]) / float(SQUARE.current(pins(1.0, g, 0.0, 0.0))) for g in gates]
    depth = gates - 0.5 + 0.9 + 0.7 * np.sqrt(0.9)
    n = 1 / (1 - 0.7 / (2 * np.sqrt(depth + 0.7**2 / 4)))
    bulk = depth - 0.7 * (np.sqrt(depth + 0.7**2 / 4) - 0.7 / 2)
    in_front = lambda bulk: np.log(1 + 0.7 / (2 * np.sqrt(bulk + 4 * UT)))  # the slope factor that multiplies the current
    drift = (in_front(bulk + 1e-6) - in_front(bulk - 1e-6)) / 2e-6 / n
    still_to_come = np.exp((bulk - 0.9) / UT / 2)  # ln F = u - exp(u/2) + ...
    np.testing.assert_allclose(slopes, 1 / (n * UT) + drift, rtol=2 * still_to_come.max())
    decade = np.log(10) * n * UT
    assert np.all((decade > 0.075) & (decade < 0.1))


def test_the_transconductance_efficiency_tends_to_its_limit_and_never_passes_it():
    source = np.linspace(0.0, 3.0, 13)
    efficiency = [
        -float(derivatives(SQUARE, [8.0, 1.5, s, 0.0])[2]) / float(SQUARE.current(pins(8.0, 1.5, s, 0.0))) for s in source
    ]
    assert np.all(np.array(efficiency) * UT <= 1 + 1e-14)
    assert np.all(np.diff(efficiency) > -1e-12)
    assert efficiency[-1] * UT == pytest.approx(1.0, abs=1e-6)  # 1 - exp(u/2)/2 with u far below zero


def test_strong_inversion_is_the_square_law():
    gate, drain = 6.0, 9.0
    at = SQUARE.inversion(pins(drain, gate, 0.0, 0.0))
    pinch = float(at.bulk) - 0.9
    square = float(at.slope) / 2 * 1.5e-4 * pinch**2
    current = float(SQUARE.current(pins(drain, gate, 0.0, 0.0)))
    assert current == pytest.approx(square, rel=1e-15 + 8 * UT / pinch * np.exp(-pinch / (2 * UT)))
    triode = float(derivatives(SQUARE, [0.0, gate, 0.0, 0.0])[0])
    assert triode == pytest.approx(float(at.slope) * 1.5e-4 * pinch, rel=1e-12)


def test_the_pinch_off_voltage_is_zero_at_the_threshold():
    for gamma in (0.0, 0.3, 1.2):
        part = MOSFET(body_effect=gamma, threshold=0.37)
        assert float(part.inversion(pins(1.0, 0.37, 0.0, 0.0)).bulk) - 0.9 == pytest.approx(0.0, abs=1e-14)


def test_temperature_moves_threshold_and_mobility():
    warm = SQUARE.put(temperature=jnp.asarray(360.0), body_effect=jnp.zeros(()))
    cold = SQUARE.put(body_effect=jnp.zeros(()))
    at = [float(part.current(pins(9.0, 4.0, 0.0, 0.0))) for part in (cold, warm)]
    expected = (360 / 300) ** -1.5 * ((4 - 0.5 + 1e-3 * 60) / (4 - 0.5)) ** 2
    assert at[1] / at[0] == pytest.approx(expected, rel=1e-12)


def test_the_silicon_gap_of_300_kelvin_leaves_the_surface_potential_alone():
    phi = lambda t: float(MOSFET(temperature=t).inversion(pins(0.0, -9.0, 0.0, 0.0)).depth)
    assert phi(300.0) == pytest.approx(-9 - 0.5 + 0.9 + 0.7 * np.sqrt(0.9), rel=1e-14)
    assert phi(360.0) < phi(300.0)


@pytest.mark.parametrize("gate", [-0.2, 0.5, 1.0, 3.0])
def test_without_current_the_channel_is_as_noisy_as_its_conductance(gate):
    part = MOSFET(temperature=350.0)
    noise = part.noise(pins(0.4, gate, 0.4, 0.0), {})["thermal"]
    conductance = float(derivatives(part, [0.4, gate, 0.4, 0.0])[0])
    assert float(noise.density) == pytest.approx(4 * BOLTZMANN * 350 * conductance, rel=1e-12)


def test_saturated_noise_is_two_thirds_of_g_ms_in_strong_inversion_and_half_of_it_in_weak():
    for gate, share, tolerance in ((8.0, 2 / 3, 0.01), (-0.2, 1 / 2, 1e-4)):
        noise = float(SQUARE.noise(pins(10.0, gate, 0.0, 0.0), {})["thermal"].density)
        source = -float(derivatives(SQUARE, [10.0, gate, 0.0, 0.0])[2])
        assert noise / (4 * BOLTZMANN * 300 * source) == pytest.approx(share, rel=tolerance)


def test_flicker_noise_is_a_voltage_at_the_gate():
    part = SQUARE.put(flicker_coefficient=jnp.asarray(1e-24), body_effect=jnp.zeros(()))
    noise = part.noise(pins(2.0, 1.0, 0.0, 0.0), {})["flicker"]
    steepness = float(derivatives(part, [2.0, 1.0, 0.0, 0.0])[1])
    assert noise.colour == "flicker"
    assert float(noise.density) * noise.corner == pytest.approx(steepness**2 * 1e-24 / (3.5e-3 * 1e-12), rel=1e-12)


def test_the_difference_of_two_equal_transistors_obeys_pelgrom():
    count = 4000
    part = MOSFET(
        np.full(count, 0.5), width=2e-6, length=0.5e-6, threshold_mismatch=3e-9, gain_mismatch=1e-8
    ).fabricate(KEY)  # fmt: skip
    pairs = lambda value: np.diff(np.asarray(value).reshape(-1, 2), axis=1).std() * np.sqrt(count / 2 / (count / 2 - 1))
    area = np.sqrt(2e-6 * 0.5e-6)
    error = 5 / np.sqrt(2 * count / 2)
    assert pairs(part.threshold) == pytest.approx(3e-9 / area, rel=error)
    assert pairs(np.log(part.transconductance)) == pytest.approx(1e-8 / area, rel=error + 1e-4)
    assert part.transconductance.shape == (count,)
    assert np.all(np.asarray(MOSFET().fabricate(KEY).threshold) == 0.5)


def test_derivatives_are_finite_everywhere_and_equal_central_differences():
    flat = [0.0, 0.5 - 0.9 - 0.7 * np.sqrt(0.9), 0.0, 0.0]  # flat band: the border of depletion
    for part in (MOSFET(), MOSFET(body_effect=0.0)):
        for row in [flat, [0.0] * 4, [1.0, -40.0, 0.0, 0.0], [1.0, 60.0, 0.0, 0.0], *BIASES[:6]]:
            exact = derivatives(part, row)
            assert np.all(np.isfinite(exact))
            assert all(np.all(np.isfinite(slopes)) for slopes in charge_slopes(part, row).values())
    step, part = 1e-6, MOSFET()
    for row in BIASES[:6]:
        moved = currents(part, np.concatenate([row + step * np.eye(4), row - step * np.eye(4)]))
        exact = derivatives(part, row)
        np.testing.assert_allclose(exact, (moved[:4] - moved[4:]) / (2 * step), rtol=1e-6, atol=1e-6 * np.abs(exact).max())


def test_it_works_in_single_precision():
    part = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), MOSFET())
    for row in BIASES[:6]:
        low = {n: v.astype(jnp.float32) for n, v in pins(*row).items()}
        exact = balance(MOSFET(), row)
        single = part.balance(0.0, low, {})
        assert single.static["drain"].dtype == jnp.float32
        for table in ("static", "stored"):
            for name, value in getattr(exact, table).items():
                largest = max(abs(float(v)) for v in getattr(exact, table).values())
                np.testing.assert_allclose(getattr(single, table)[name], value, rtol=3e-4, atol=1e-4 * largest + 1e-15)


# --- Level one -------------------------------------------------------------------------------------

DECKS = {
    "plain n": LevelOneMOSFET(0.7, width=2e-5, length=2e-6),
    "n with body effect": LevelOneMOSFET(
        0.6, 5e-5, width=1e-5, length=1e-6, body_effect=0.5, surface_potential=0.7, length_modulation=0.04
    ),
    "p with body effect": LevelOneMOSFET(
        -0.8, 2e-5, width=4e-5, body_effect=0.3, length_modulation=0.02, polarity="p", saturation_current=1e-15
    ),
    "hot p": LevelOneMOSFET(-0.8, 2e-5, width=4e-5, body_effect=0.3, surface_potential=0.65, polarity="p", temperature=370.0),
    "cold n": LevelOneMOSFET(0.6, 5e-5, body_effect=0.5, length_modulation=0.04, temperature=250.0),
}
SWEEP = [
    (vd, vg, vs, vb)
    for vd in (0.0, 0.2, 1.3, 4.0)
    for vg in (0.3, 1.0, 3.0)
    for vs, vb in ((0.0, 0.0), (0.5, 0.0), (0.0, -2.0))
] + [(0.0, 2.0, 1.0, 0.0), (0.0, 2.0, 1.0, -1.0), (0.1, 1.5, 0.2, 0.3)]
"""Drain, gate, source, bulk for an n-channel: off, triode, saturated, reversed, bulk a little forward."""


@needs_ngspice
@pytest.mark.parametrize("name", DECKS)
def test_level_one_currents_equal_ngspice(name, tmp_path):
    part = DECKS[name]
    sign = 1.0 if part.polarity == "n" else -1.0
    told = {"vto": "threshold", "kp": "transconductance", "gamma": "body_effect", "phi": "surface_potential"}
    told |= {"lambda": "length_modulation", "is": "saturation_current"}
    law = " ".join(f"{card}={float(part.get(field)):.17g}" for card, field in told.items())
    cards = [f".model m1 {part.polarity}mos(level=1 {law})"]
    size = f"w={float(part.width):.17g} l={float(part.length):.17g} temp={float(part.temperature) - 273.15:.17g}"
    for k, row in enumerate(SWEEP):
        cards += [f"v{pin}{k} {pin}{k} 0 {sign * v:.17g}" for pin, v in zip("dgsb", row, strict=True)]
        cards += [f"m{k} d{k} g{k} s{k} b{k} m1 {size}"]
    wanted = [f"i(v{pin}{k})" for k in range(len(SWEEP)) for pin in "dsb"]
    theirs = -solved(tmp_path, cards, wanted).reshape(-1, 3)
    answers = [balance(part, sign * np.array(row)).static for row in SWEEP]
    ours = np.array([[answer[pin] for pin in ("drain", "source", "bulk")] for answer in answers])
    saturated = -float(part.put(minimum_conductance=jnp.zeros(())).junction(-9.0))
    dropped = 2 * np.exp(-3) * saturated  # by ngspice, which leaves out exp(V/U_T) of both junctions below -3 U_T
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=dropped + 1e-16)


def test_level_one_is_continuous_where_its_regions_meet():
    part = DECKS["n with body effect"]
    gate, overdrive = 1.6, 1.0
    slopes = jax.jit(jax.grad(lambda row: part.channel(pins(*row))[0]))
    current = jax.jit(lambda row: part.channel(pins(*row))[0])
    for border in ([overdrive, gate, 0, 0], [1.0, 0.6, 0, 0], [0.0, gate, 0, 0], [2.0, gate, 0.0, 0.0]):
        for direction in np.eye(4):
            low, high = (float(current(np.array(border) + s * 1e-9 * direction)) for s in (-1, 1))
            slope = np.abs(slopes(jnp.asarray(border, float))).sum()
            assert abs(high - low) <= 2e-9 * (1.01 * slope + 1e-6)
            assert np.isfinite(slope)


def test_a_junction_stores_the_integral_of_its_capacitance():
    part = LevelOneMOSFET(drain_junction_capacitance=1e-12, junction_grading=0.4)
    for voltage in (-3.0, -0.5, 0.0, 0.3):
        slope = float(jax.grad(part.depletion)(jnp.asarray(voltage)))
        assert slope == pytest.approx((1 - voltage / 0.8) ** -0.4, rel=1e-12)
    beyond = float(jax.grad(part.depletion)(jnp.asarray(0.7)))
    assert beyond == pytest.approx(0.5**-1.4 * (1 - 0.5 * 1.4 + 0.4 * 0.7 / 0.8), rel=1e-12)
    assert float(part.depletion(jnp.zeros(()))) == 0.0


def test_level_one_noise_is_that_of_its_transconductance():
    part = LevelOneMOSFET(0.5)
    noise = part.noise(pins(3.0, 2.0, 0.0, 0.0), {})["thermal"].density
    steepness = jax.grad(lambda g: part.channel(pins(3.0, g, 0.0, 0.0))[0])(jnp.asarray(2.0))
    assert float(noise) == pytest.approx(8 / 3 * BOLTZMANN * 300 * float(steepness), rel=1e-12)


def test_an_unknown_polarity_is_named():
    for kind in (MOSFET, LevelOneMOSFET):
        with pytest.raises(InputError, match="`polarity` must be one of n, p, but is `x`"):
            kind(polarity="x")
