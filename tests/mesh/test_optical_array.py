"""Detected answers against their formulas, noise against its variance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.mesh import Balanced, Homodyne, Incoherent, Intensity, Mesh, OpticalArray, SingularValueMesh
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE
from tests.mesh.composed import KEY, by_hand, haar, program, with_random_phases

ROWS = 4
FIRST, SECOND = (with_random_phases(Mesh.of(ROWS, loss_db=0.1, splitter_error=0.05), seed) for seed in (1, 2))
U, V = (by_hand(mesh) for mesh in (FIRST, SECOND))
INPUTS = np.random.default_rng(0).uniform(0, 1, (2, 3, ROWS))
KINDS = [Intensity, Incoherent, Homodyne, Balanced]


def of(kind, **knobs):
    return OpticalArray.of(FIRST, kind(**({"gain": 2.5} | knobs)), **({"other": SECOND} if kind is Balanced else {}))


def formula(kind, inputs, u=U, v=V):
    """Answers for transfers u, v (outputs, inputs)."""
    wave = inputs @ u.T
    power = lambda matrix: inputs @ (np.abs(matrix) ** 2).T
    laws = {
        Intensity: lambda: np.abs(wave) ** 2,
        Incoherent: lambda: power(u),
        Homodyne: lambda: wave.real,
        Balanced: lambda: power(u) - power(v),
    }
    return 2.5 * laws[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_answers_follow_the_formula_of_their_detection(kind):
    array = of(kind)
    np.testing.assert_allclose(array.read(INPUTS, KEY), formula(kind, INPUTS), rtol=0, atol=1e-13)
    np.testing.assert_allclose(array.answer(jnp.asarray(INPUTS)), formula(kind, INPUTS), rtol=0, atol=1e-13)
    np.testing.assert_allclose(array.weights(), formula(kind, np.eye(ROWS)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_backwards_the_transposed_matrices_are_detected(kind):
    found = of(kind).read_reverse(INPUTS, KEY)
    np.testing.assert_allclose(found, formula(kind, INPUTS, U.T, V.T), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", [Incoherent, Homodyne, Balanced])
def test_linear_detections_answer_with_their_weights(kind):
    array = of(kind)
    np.testing.assert_allclose(array.read(INPUTS, KEY), INPUTS @ np.asarray(array.weights()), rtol=0, atol=1e-13)


BANDWIDTH, POWER, RESPONSIVITY, DARK, LOAD, RIN, LOCAL = 1e9, 2e-3, 0.8, 1e-8, 500.0, 1e-15, 5e-3
KNOBS = {
    "bandwidth": BANDWIDTH,
    "power": POWER,
    "responsivity": RESPONSIVITY,
    "dark_current": DARK,
    "load_resistance": LOAD,
    "relative_intensity_noise": RIN,
    "temperature": 320.0,
}


def variance(current, relative):
    """(2 q (I + dark) + 4 k T / R + RIN I^2) B."""
    shot, thermal = 2 * ELEMENTARY_CHARGE * (current + DARK), 4 * BOLTZMANN * 320.0 / LOAD
    return (shot + thermal + RIN * relative**2) * BANDWIDTH


def deviations(kind, answers):
    """Of answers of gain 2.5, from the photocurrents behind them."""
    part = abs(answers) / 2.5
    if kind is Homodyne:
        unit = 2 * RESPONSIVITY * np.sqrt(LOCAL * POWER)
        return 2.5 / unit * np.sqrt(variance(RESPONSIVITY * LOCAL, unit * part / 2))
    unit = RESPONSIVITY * POWER
    lit = np.maximum(part, 1.0) if kind is Balanced else part
    return 2.5 / unit * np.sqrt(variance(unit * lit, unit * part))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_has_the_variance_of_its_photocurrents(kind):
    """Five standard errors of mean and variance of 4000 reads, and no correlation between reads."""
    draws = 4000
    array = of(kind, **KNOBS, **({"local_oscillator": LOCAL} if kind is Homodyne else {}))
    single = INPUTS[0, 0]
    clean = formula(kind, single)
    expected = deviations(kind, clean)
    np.testing.assert_allclose(array.detection.deviation(clean), expected, rtol=1e-12)
    found = np.asarray(array.read(np.broadcast_to(single, (draws, ROWS)), KEY))
    assert np.all(abs(found.mean(0) - clean) < 5 * expected / np.sqrt(draws))
    assert np.all(abs(found.var(0) / expected**2 - 1) < 5 * np.sqrt(2 / draws))
    lagged = np.mean((found[1:] - clean) * (found[:-1] - clean), axis=0) / expected**2
    assert np.all(abs(lagged) < 5 / np.sqrt(draws))


def test_the_worked_budget_of_one_milliampere_in_ten_gigahertz():
    """Shot 1.79, thermal 1.82 and laser 3.16 uA (50 ohm, -150 dB/Hz) are 4.06 uA together."""
    detection = Incoherent(
        power=1e-3, responsivity=1.0, bandwidth=1e10, dark_current=0.0, load_resistance=50.0, relative_intensity_noise=1e-15
    )
    assert float(detection.deviation(jnp.asarray(1.0))) * 1e-3 == pytest.approx(4.06e-6, rel=2e-3)


def test_the_quadrature_noise_of_a_bright_local_oscillator_is_that_of_the_vacuum():
    """Shot noise of the local oscillator alone is (2 q R P_l B)^0.5 / (2 R (P_l P)^0.5): independent of P_l."""
    quiet = {"bandwidth": 1e9, "dark_current": 0.0, "load_resistance": 1e15, "power": 1e-6}
    found = [float(Homodyne(local_oscillator=p, **quiet).deviation(jnp.asarray(0.0))) for p in (1e-3, 1e-2)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0] == pytest.approx(np.sqrt(2 * ELEMENTARY_CHARGE * 1e9 / (4 * 0.9 * 1e-6)), rel=1e-6)


def test_one_draw_of_phase_noise_is_shared_by_all_inputs_of_a_read():
    """What is read is linear in the inputs, with other weights at another key."""
    array = OpticalArray.of(FIRST.set("phase_noise", 0.1), Homodyne())
    seen = np.asarray(array.read(np.eye(ROWS), KEY))
    np.testing.assert_allclose(array.read(INPUTS, KEY), INPUTS @ seen, rtol=0, atol=1e-13)
    assert np.max(abs(seen - np.asarray(array.read(np.eye(ROWS), jax.random.key(5))))) > 1e-3


def test_homodyne_arrays_are_programmed_with_real_weights():
    target = np.linalg.qr(np.random.default_rng(1).normal(size=(ROWS, ROWS)))[0]
    array = program(OpticalArray.of(Mesh.of(ROWS), Homodyne(gain=3.0)), 3.0 * target)
    np.testing.assert_allclose(array.weights(), 3.0 * target, rtol=0, atol=1e-11)
    free = np.random.default_rng(2).normal(size=(3, 5))
    array = program(OpticalArray.of(SingularValueMesh.of(3, 5), Homodyne()), free)
    np.testing.assert_allclose(array.weights(), free, rtol=0, atol=1e-11)
    np.testing.assert_allclose(array.read(np.eye(3), KEY), free, rtol=0, atol=1e-11)
    np.testing.assert_allclose(array.read_reverse(np.eye(5), KEY), free.T, rtol=0, atol=1e-11)


def test_powers_of_a_unitary_mesh_are_doubly_stochastic():
    mesh = program(Mesh.of(6), haar(6, 3))
    weights = np.asarray(OpticalArray.of(mesh, Incoherent()).weights())
    np.testing.assert_allclose(weights.sum(0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(weights.sum(1), 1.0, rtol=1e-12)
