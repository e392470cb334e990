"""`Macrospin` against what is known of it exactly: precession, energy, Boltzmann, diffusion, errors."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim import Circuit, transient
from devsim.check import InputError
from devsim.devices.electrical import CurrentSource
from devsim.devices.magnetic import Macrospin, auto_oscillation, steady_precession
from devsim.physics import BOLTZMANN, GYROMAGNETIC_RATIO
from tests.magnetic.spins import FIELD, MEFF, circuit, frequency, in_plane, perpendicular, run

ALPHA, STEP = 0.01, 0.5e-12
ZETA = np.array([1.5, 2.0, 0.8])


@pytest.fixture(scope="module")
def driven():
    """Spin, currents, times and m of a bus above, further above and below its threshold."""
    spin = perpendicular(resistance=np.full(3, 1e3))
    current = ZETA * np.asarray(auto_oscillation(spin).threshold_current)
    return spin, current, *run(spin, current, duration=40e-9, step=STEP, every=4)


def test_precession_about_the_polariser_has_the_frequency_and_power_of_the_closed_form(driven):
    """What the method takes away by itself, (omega h)^5 / 144 of each turn, acts as a relative error of the damping."""
    spin, current, time, m = driven
    late = time > 30e-9
    torque = ZETA * ALPHA * (FIELD - MEFF)
    exact = GYROMAGNETIC_RATIO * torque / (2 * np.pi * ALPHA)
    error = (2 * np.pi * exact[1] * STEP) ** 5 / (144 * ALPHA)
    assert error < 1e-6
    np.testing.assert_allclose(frequency(time[late], m[late])[:2], exact[:2], rtol=error)
    np.testing.assert_allclose((1 - m[-1, :2, 2]) / 2, (FIELD - MEFF) * (ZETA[:2] - 1) / (2 * MEFF), rtol=2 * error)
    told = steady_precession(spin, current)
    np.testing.assert_allclose(told.frequency[:2], exact[:2], rtol=1e-12)
    np.testing.assert_allclose((1 - m[-1, :2, 2]) / 2, told.power[:2], rtol=2 * error)


def test_below_the_threshold_nothing_oscillates(driven):
    """The power dies at twice the rate G (1 - zeta), of which the power itself changes a part (1 + Q) p / (1 - zeta)."""
    spin, _, time, m = driven
    power = (1 - m[:, 2, 2]) / 2
    late = power < 1e-3
    small = auto_oscillation(spin)
    rate = -np.polyfit(time[late], np.log(power[late]), 1)[0]
    told = 2 * small.damping_rate[2] * (1 - ZETA[2])
    assert power[-1] < 1e-4
    assert rate == pytest.approx(float(told), rel=(1 + float(small.nonlinear_damping[2])) * 1e-3 / (1 - ZETA[2]))


def test_the_magnetisation_keeps_its_length_to_rounding(driven):
    lengths = np.linalg.norm(driven[3], axis=-1)
    assert np.abs(lengths - 1).max() <= 4 * np.finfo(float).eps


def energy(spin, m):
    """Energy density over Ms in T, up to a constant: -m.(b + B(m)) / 2."""
    applied = np.asarray(spin.field(jnp.zeros((*spin.shape(), 3))))
    return -np.sum(m * (applied + np.asarray(spin.field(jnp.asarray(m)))), axis=-1) / 2


def test_without_damping_and_current_errors_of_m_and_of_its_energy_fall_with_the_fourth_power_of_the_step():
    spin = in_plane(damping=0.0, anisotropy_field=0.05, field_z=0.1, initial=(0.6, 0.64, 0.48))
    ends, drifts = [], []
    for step in (2e-12, 1e-12, 0.5e-12, 0.0625e-12):
        _, m = run(spin, 0.0, duration=256e-12, step=step, every=round(256e-12 / step))
        start, end = energy(spin, m)
        ends.append(m[-1])
        drifts.append(abs(end - start) / abs(start))
    errors = [np.linalg.norm(end - ends[-1]) for end in ends[:-1]]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.4)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(4, abs=0.2)
    assert np.log2(drifts[0] / drifts[2]) / 2 == pytest.approx(4, abs=0.2)
    assert drifts[-1] < drifts[2] / 8**3.5


# --- Noise ------------------------------------------------------------------------------------------

LANES = 192
WARMTH = np.array([2.0, 5.0])
"""Ms A d B / k T of the two halves of the bus in a field."""


@pytest.fixture(scope="module")
def thermal():
    """Spin, times and m of three baths of spheres: two in a field, one in none."""
    spin = Macrospin(damping=0.5, demagnetisation=(0, 0, 0), magnetoresistance=0.0)
    field = BOLTZMANN * 300.0 / (spin.saturation_magnetisation * spin.area * spin.thickness) * np.append(WARMTH, 0.0)
    spin = spin.put(field_z=jnp.repeat(field, LANES))
    step = 0.005 / float(spin.diffusion())
    return spin, *run(spin, 0.0, duration=2048 * step, step=step, every=64, key=jax.random.key(3))


def test_a_bath_of_macrospins_has_the_mean_of_langevin(thermal):
    """After 1024 steps, ten times 1 / 2 D_s; a step's 2 D_s h / 2 of D_s, and so of x, is at most 0.002 of the mean."""
    _, time, m = thermal
    means = m[time > time[-1] / 2][..., 2].mean(axis=0).reshape(3, LANES)
    for mean, x in zip(means, [*WARMTH, None], strict=True):
        wanted = 0.0 if x is None else 1 / np.tanh(x) - 1 / x
        assert abs(mean.mean() - wanted) <= 5 * mean.std() / np.sqrt(LANES) + (0.002 if x else 0.0)


def test_a_free_direction_forgets_itself_at_twice_the_rate_of_diffusion(thermal):
    """<m(t).m(0)> = exp(-2 D_s t); tolerance: five standard errors, and the half of 2 D_s h in the rate."""
    spin, time, m = thermal
    free = m[:, 2 * LANES :, 0]
    for k in (1, 2, 4):
        told = 2 * float(spin.diffusion()) * time[k]
        assert abs(free[k].mean() - np.exp(-told)) <= 5 * free[k].std() / np.sqrt(LANES) + 0.005 * told * np.exp(-told)


@pytest.mark.slow
def test_the_phase_diffuses_as_nonlinear_theory_says():
    """Var(phase) = 2 D [t + nu^2 (t - (1 - exp(-r t)) / r)], D = D_s / sin^2, nu = 1 / alpha, r the rate of the power.

    Tolerance: five standard errors of a variance from independent windows, of which neighbours share little.
    """
    alpha, lanes, step, every, windows = 0.05, 256, 1e-12, 1024, 8
    zeta, gap = 2.0, FIELD - MEFF
    cosine = (FIELD - zeta * gap) / MEFF
    start = (np.sqrt(1 - cosine**2), 0.0, cosine)
    spin = perpendicular(damping=alpha, temperature=3.0, resistance=np.full(lanes, 1e3), initial=start)
    current = zeta * auto_oscillation(spin).threshold_current
    _, m = run(spin, current, duration=(windows + 1) * every * step, step=step, every=every, key=jax.random.key(4))
    turned = np.angle(np.exp(1j * (np.diff(np.arctan2(m[..., 1], m[..., 0]), axis=0)[1:])))
    relative = np.angle(np.exp(1j * (turned - np.angle(np.exp(1j * turned).mean()))))
    rate = alpha * GYROMAGNETIC_RATIO * MEFF * (1 - cosine**2) / (1 + alpha**2)
    t = every * step
    direct = np.asarray(spin.diffusion()).flat[0] / (1 - cosine**2)
    told = 2 * direct * (t + (t - -np.expm1(-rate * t) / rate) / alpha**2)
    assert told < 0.3  # no window turns by more than pi
    assert relative.var() == pytest.approx(told, rel=5 * np.sqrt(2 / relative.size))


def test_johnson_noise_is_that_of_the_conductance_and_both_vanish_in_the_cold():
    spin = Macrospin(np.array([1e3, 2e3]))
    noise = spin.noise({}, {"vector": spin.rest()["vector"].value})
    np.testing.assert_allclose(noise["thermal"].density, 4 * BOLTZMANN * 300.0 * 0.75 / np.array([1e3, 2e3]), rtol=1e-12)
    np.testing.assert_allclose(noise["field"].density, 4 * float(spin.diffusion()), rtol=1e-12)
    cold = spin.ideal().noise({}, {"vector": spin.rest()["vector"].value})
    assert all(not np.any(source.density) for source in cold.values())


# --- The two terminals ------------------------------------------------------------------------------


def test_the_conductance_goes_with_the_cosine_from_parallel_to_antiparallel():
    spin = Macrospin(1e3, 1.5, polariser=(0, 0, 1))
    g = spin.conductance(np.array([[0, 0, 1.0], [0, 0, -1], [1, 0, 0]]))
    np.testing.assert_allclose(g, [1e-3, 1e-3 / 2.5, (1e-3 + 1e-3 / 2.5) / 2], rtol=1e-12)


@pytest.mark.slow
def test_a_current_source_drives_it_as_a_voltage_does_and_the_voltage_follows_the_resistance():
    """Newton finds the potential in every stage; without magnetoresistance the runs are the same to its tolerance."""
    ends = []
    for ratio in (0.0, 1.0):
        spin = perpendicular(magnetoresistance=ratio)
        parts = {"bias": CurrentSource(-4e-4), "spin": spin}
        fed = Circuit(parts, {"out": ("bias.plus", "spin.top"), "gnd": ("bias.minus", "spin.bottom")})
        found = transient(fed, duration=200e-12, step=1e-12, method="rk4", keep=["out", "spin.m"])
        ends.append(np.asarray(found["spin.m"][-1]))
        np.testing.assert_allclose(found["out"] * spin.conductance(found["spin.m"]), 4e-4, rtol=1e-9)
    _, m = run(perpendicular(), 4e-4, duration=200e-12, step=1e-12)
    np.testing.assert_allclose(ends, [m[-1], m[-1]], atol=1e-9)


def test_every_lane_of_a_bus_draws_its_own_spread():
    spin = Macrospin(np.full(4, 1e3), damping_spread=0.1, anisotropy_field_spread=0.01, area_spread=0.05)
    die = spin.fabricate(jax.random.key(1))
    for name in ("damping", "anisotropy_field", "area"):
        assert len(set(np.asarray(die.get(name)))) == 4, name
    assert die.get("thickness").shape == ()


def test_the_gradient_through_a_transient_equals_central_differences():
    """Central differences err by about h^2 and by rounding over h: 1e-6 of each at h = 1e-5 of the value."""
    values = {"field_z": FIELD, "damping": 0.02, "anisotropy_field": 0.1}

    @jax.jit
    def end(told, volts):
        spin = perpendicular().put(**{name: jnp.asarray(value) for name, value in told.items()})
        options = {"duration": 64e-12, "step": 1e-12, "method": "rk4", "keep": ["spin.m"]}
        return transient(circuit(spin), {"drive": volts}, **options)["spin.m"][-1] @ jnp.array([0.3, 0.5, 0.8])

    slopes, volt_slope = jax.jit(jax.grad(end, argnums=(0, 1)))(values, 0.5)
    for name, value in values.items():
        moved = [float(end({**values, name: value * (1 + s * 1e-5)}, 0.5)) for s in (1, -1)]
        assert float(slopes[name]) == pytest.approx((moved[0] - moved[1]) / (2e-5 * value), rel=1e-5), name
    moved = [float(end(values, 0.5 * (1 + s * 1e-5))) for s in (1, -1)]
    assert float(volt_slope) == pytest.approx((moved[0] - moved[1]) / 1e-5, rel=1e-5)


SINGLE = """
import warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp, numpy as np
from devsim import transient
from devsim.devices.magnetic import auto_oscillation, steady_precession
from tests.magnetic.spins import circuit, in_plane, perpendicular
spin = perpendicular(temperature=1e-3)
small = auto_oscillation(spin)
current = float(2 * small.threshold_current)
close = lambda found, wanted, rtol: np.testing.assert_allclose(np.asarray(found, float), wanted, rtol=rtol)
close(small.nonlinear_damping, 5.0, 1e-3)
flat = auto_oscillation(in_plane())
w_h, w_m = 0.1 * 1.76085963023e11, 0.8 * 1.76085963023e11
close(flat.nonlinear_shift, -w_h * w_m * (w_h + w_m / 4) / (w_h * (w_h + w_m)), 1e-3)
slope = jax.grad(lambda area: auto_oscillation(spin.put(area=area)).threshold_current)(spin.area)
close(slope, small.threshold_current / spin.area, 1e-4)
told = {"duration": 2e-8, "step": 1e-12, "method": "rk4", "keep": ["spin.m"], "key": jax.random.key(1)}
m = transient(circuit(spin), {"drive": 1e3 * current}, **told)["spin.m"]
assert m.dtype == jnp.float32
close(jnp.linalg.norm(m, axis=-1), 1.0, 5e-7)
close((1 - m[-1, 2]) / 2, steady_precession(spin, jnp.float32(current)).power, 1e-2)
"""


@pytest.mark.slow
def test_single_precision_does_not_underflow():
    """Tolerance of the power: 6e-8 per stage and turn beside a damping of 1e-2 times the angle of a step."""
    told = os.environ | {"JAX_ENABLE_X64": "0", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", SINGLE], env=told, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


# --- Errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"damping": -0.01}, r"`damping` must be at least 0, but is -0.01\."),
        ({"temperature": -1.0}, r"`temperature` must be at least 0 K, but is -1 K\."),
        ({"initial": (0, 0, 0)}, r"`initial` must be a vector of length 1, but has length 0\."),
        ({"polariser": (1, 1, 0)}, r"`polariser` must be a vector of length 1, but has length 1\.41421\."),
        ({"easy_axis": (0, 1)}, r"`easy_axis` must match x, y and z \(shape \(3,\)\), but has shape \(2,\)\."),
        (
            {"resistance": [1, 2], "initial": np.eye(3)},
            r"`initial` must be of shape \(3,\) or \(2, 3\), but has shape \(3, 3\)",
        ),
        ({"resistance": [1, 2], "area": [1, 2, 3]}, "The parameters of a Macrospin must be numbers or arrays of one shape"),
    ],
)
def test_what_cannot_be_a_macrospin_is_refused_in_words(knobs, words):
    with pytest.raises(InputError, match=words):
        Macrospin(**knobs)


def test_a_direction_that_is_set_later_is_checked_too():
    with pytest.raises(InputError, match=r"`easy_axis` must be a vector of length 1, but has length 0\.866025\."):
        Macrospin().set("easy_axis", 0.5)
