"""What a chip does to phases: fabrication, rounding, noise, crosstalk, temperature, drift, heaters in a circuit."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.circuit import Circuit
from devsim.devices.electrical import VoltageSource
from devsim.devices.mesh import Mesh, Rectangular, Symmetric, Triangular
from devsim.devices.photonic import Laser, Termination
from devsim.part import aged
from devsim.physics import BOLTZMANN
from tests.mesh.composed import KEY, by_hand, haar, program, weights, with_random_phases

MESH = Mesh.of(24)


def of_places(mesh):
    """Phases of all heaters as light meets them (heaters,)."""
    return np.asarray(mesh.places()).reshape(-1)[mesh.layout.heaters.segment]


SPREADS = [
    ("splitter_spread", "splitter_error", 0.02),
    ("phase_offset_spread", "phase_offset", 0.3),
    ("imbalance_spread", "imbalance_db", 0.1),
    ("thermal_sensitivity_spread", "thermal_sensitivity", 1e-3),
]


@pytest.mark.parametrize(("knob", "field", "sigma"), SPREADS)
def test_absolute_spreads_are_normal_about_the_nominal_value(knob, field, sigma):
    """Five standard errors of the mean, sigma / n^0.5, and of the standard deviation, sigma / (2 n)^0.5."""
    nominal = np.asarray(getattr(MESH, field)) + 0.01
    found = np.asarray(getattr(MESH.put(**{field: nominal}).set(knob, sigma).fabricate(KEY), field)) - nominal
    assert abs(found.mean()) < 5 * sigma / np.sqrt(found.size)
    assert abs(found.std() - sigma) < 5 * sigma / np.sqrt(2 * found.size)


@pytest.mark.parametrize(
    ("knob", "field", "nominal"), [("power_pi_spread", "heater_efficiency", 1.0), ("loss_spread", "loss_db", 0.2)]
)
def test_relative_spreads_keep_mean_and_sign(knob, field, nominal):
    """Lognormal with the relative deviation s: kurtosis adds 8 s^2 to the variance of the variance at most, for s = 0.1."""
    found = np.asarray(getattr(MESH.set(field, nominal).set(knob, 0.1).fabricate(KEY), field)) / nominal
    assert found.min() > 0
    assert abs(found.mean() - 1) < 5 * 0.1 / np.sqrt(found.size)
    assert abs(found.std() - 0.1) < 5 * 0.1 * np.sqrt((1 + 8 * 0.1**2) / (2 * found.size))


def test_splitters_and_phases_are_drawn_apart():
    """Uncorrelated to five standard errors; either splitter of an interferometer has its own error."""
    chip = MESH.set("splitter_spread", 0.1).set("phase_offset_spread", 0.1).fabricate(KEY)
    first, second = np.asarray(chip.splitter_error)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 5 / np.sqrt(first.size)
    count = min(first.size, chip.phase_offset.size)
    assert abs(np.corrcoef(first.ravel()[:count], np.asarray(chip.phase_offset)[:count])[0, 1]) < 5 / np.sqrt(count)


def test_bits_are_another_name_for_the_step_of_phases():
    mesh = with_random_phases(Mesh.of(6, phase_bits=5), 1)
    assert float(mesh.phase_step) == 2 * np.pi / 32
    assert float(mesh.get("phase_bits")) == pytest.approx(5, rel=1e-15)
    assert np.isnan(MESH.get("phase_bits"))
    steps = of_places(mesh) / (2 * np.pi / 32)
    np.testing.assert_allclose(steps, np.round(np.asarray(mesh.phases) * 32 / (2 * np.pi)), rtol=0, atol=1e-13)


def test_extinction_is_what_is_left_of_the_cross_state():
    """Arms in phase send all light across but for -20 log10 |sin 2 e| of it."""
    for decibels in (20.0, 27.0, 40.0):
        mesh = Mesh.of(2, extinction_ratio_db=decibels)
        assert float(mesh.get("extinction_ratio_db")) == pytest.approx(decibels, rel=1e-13)
        assert -20 * np.log10(abs(weights(mesh)[0, 0])) == pytest.approx(decibels, rel=1e-12)
    assert np.isnan(MESH.get("extinction_ratio_db"))


@pytest.mark.parametrize("layout", [Rectangular(7), Triangular(6), Symmetric(7)], ids=str)
def test_one_heater_warms_its_neighbours_by_their_distance(layout):
    """share exp(-(d - pitch) / length) of its phase, at most the share; other guides without a heater feel it as well."""
    share, length, pitch, column = 0.02, 80e-6, 100e-6, 300e-6
    mesh = Mesh.of(
        layout, crosstalk=share, crosstalk_length=length, mode_pitch=pitch, column_pitch=column, heater_efficiency=0.9
    )
    hot = layout.heaters.count // 3
    found = np.asarray(mesh.put(phases=mesh.phases.at[hot].set(2.0)).places())
    row, mode = divmod(layout.heaters.segment[hot], layout.modes)
    rows, modes = np.indices(found.shape)
    distance = np.hypot((rows - row) * column / 2, (modes - mode) * pitch)
    expected = 1.8 * share * np.minimum(np.exp(-(distance - pitch) / length), 1.0)
    expected = np.where((abs(rows - row) <= 3) & (abs(modes - mode) <= 3), expected, 0.0)
    expected[row, mode] = 1.8
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-17)
    missed = 1.8 * share * np.exp(-(4 * pitch - pitch) / length)
    assert missed < 0.03 * share * 1.8


def test_crosstalk_of_many_heaters_adds_up():
    mesh = with_random_phases(Mesh.of(5, crosstalk=0.03), 4)
    alone = [mesh.put(phases=jnp.zeros_like(mesh.phases).at[i].set(mesh.phases[i])).places() for i in range(mesh.phases.size)]
    np.testing.assert_allclose(mesh.places(), sum(alone), rtol=1e-12, atol=1e-14)


def test_the_ambient_temperature_turns_every_phase_by_its_sensitivity():
    mesh = with_random_phases(Mesh.of(4, thermal_sensitivity=0.002, calibration_temperature=295.0, temperature=310.0), 2)
    np.testing.assert_allclose(of_places(mesh), np.asarray(mesh.phases) + 0.03, rtol=1e-14, atol=0)
    turned = mesh.put(phases=mesh.phases + 0.03).set("temperature", 295.0)
    np.testing.assert_allclose(weights(mesh), weights(turned), rtol=0, atol=1e-14)


def test_offsets_are_added_and_efficiencies_multiplied():
    mesh = with_random_phases(Mesh.of(5, phase_offset_spread=0.5, power_pi_spread=0.2).fabricate(KEY), 3)
    expected = np.asarray(mesh.heater_efficiency) * np.asarray(mesh.phases) + np.asarray(mesh.phase_offset)
    np.testing.assert_allclose(of_places(mesh), expected, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(weights(mesh), by_hand(mesh.put(phases=jnp.mod(expected, 2 * np.pi))).T, rtol=0, atol=1e-13)


def test_noise_of_phases_is_drawn_for_each_read_and_held_between():
    """Five standard errors of a standard deviation over all heaters."""
    mesh = MESH.set("phase_noise", 0.05)
    one, other = mesh.snapshot(KEY), mesh.snapshot(jax.random.key(1))
    found = of_places(one)
    assert abs(found.std() - 0.05) < 5 * 0.05 / np.sqrt(2 * found.size)
    assert not np.any(found == of_places(other))
    np.testing.assert_array_equal(mesh.read(jnp.eye(24), KEY), one.read(jnp.eye(24), KEY))
    np.testing.assert_array_equal(of_places(mesh), 0.0)


def test_drift_is_a_random_walk():
    """Its variance is rate^2 t, whether it walks once or twice, to five standard errors 2^0.5 / n^0.5."""
    mesh = Mesh.of(40, drift_rate=1e-3)
    once = aged(mesh, 900.0, key=KEY).drift
    twice = aged(aged(mesh, 300.0, key=KEY), 600.0, key=jax.random.key(1)).drift
    for drift in (once, twice):
        assert abs(np.mean(np.square(drift)) / (1e-6 * 900) - 1) < 5 * np.sqrt(2 / drift.size)
    first, second = aged(mesh, 300.0, key=KEY).drift, twice - aged(mesh, 300.0, key=KEY).drift
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(first.size)
    np.testing.assert_array_equal(of_places(aged(mesh, 300.0, key=KEY)), first)


def test_heaters_driven_in_a_circuit_do_what_the_program_asks_for():
    """v^2 / R watts turn by pi for every power_pi. Light of two lasers comes out as from the programmed mesh."""
    asked = program(Mesh.of(4, splitter_error=0.02, loss_db=0.1), haar(4, 1))
    power, phase = np.array([1e-3, 2e-3, 0.0, 5e-4]), np.array([0.1, 1.0, 0.0, -2.0])
    parts = {
        "laser": Laser(power, phase=phase),
        "mesh": asked.put(phases=jnp.zeros_like(asked.phases)),
        "drive": VoltageSource(asked.drive()),
        "end": Termination((4,)),
    }
    nets = {
        "light": ("laser.out", "mesh.inputs"),
        "out": ("mesh.outputs", "end.in"),
        "hot": ("drive.plus", "mesh.heaters"),
        "gnd": ("drive.minus",),
    }
    point = operating_point(Circuit(parts, nets))
    volts = np.asarray(asked.drive())
    np.testing.assert_allclose(-point.current("drive.plus"), volts / 1e3, rtol=1e-9, atol=1e-15)
    expected = np.sqrt(power) * np.exp(1j * phase) @ np.asarray(weights(asked))
    np.testing.assert_allclose(point["out"], expected, rtol=0, atol=1e-10)


def test_heaters_have_the_noise_of_their_resistance():
    density = MESH.noise({}, {})["thermal"].density
    np.testing.assert_allclose(density, np.full(24**2, 4 * BOLTZMANN * 300.0 / 1e3), rtol=1e-12)


PROGRAM = """
import warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp, numpy as np
from scipy.stats import unitary_group
from devsim.devices.mesh import LocalCorrection, Mesh, Rectangular, SingularValueMesh

key = jax.random.key(0)
for modes in (6, 50):
    target = unitary_group.rvs(modes, random_state=1)
    mesh = Mesh.of(modes, splitter_spread=0.001, phase_offset_spread=0.2, programmer=LocalCorrection()).fabricate(key)
    mesh = jax.jit(lambda m, t: m.program(t, key))(mesh, jnp.asarray(target, jnp.complex64))
    w = jax.jit(lambda m: m.weights())(mesh)
    assert mesh.phases.dtype == jnp.float32 and w.dtype == jnp.complex64, (mesh.phases.dtype, w.dtype)
    assert np.max(np.abs(w - target)) < 1e-6 * modes + 1e-5 * modes**0.5, np.max(np.abs(w - target))
    power = lambda p: jnp.sum(jnp.abs(mesh.put(phases=p).answer(jnp.ones((2, modes)))[:, 0]) ** 2)
    slope = jax.jit(jax.grad(power))(mesh.phases)
    assert slope.dtype == jnp.float32 and np.all(np.isfinite(slope))
matrix = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
both = SingularValueMesh.of(4, 3).program(matrix, key)
assert np.max(np.abs(both.weights() - matrix)) < 1e-4
"""


@pytest.mark.slow
def test_single_precision_programs_answers_and_differentiates_without_a_warning():
    """Errors are those of 24 bits, 6e-8 times a few hundred roundings on a path; the splitters' are corrected."""
    told = os.environ | {"JAX_ENABLE_X64": "0", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=told, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
