"""Closed forms of precession against textbook geometries, and against transients of the macrospin itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import cumulative_simpson
from scipy.optimize import brentq

from devsim.check import InputError
from devsim.devices.magnetic import Macrospin, auto_oscillation, steady_precession
from devsim.physics import BOLTZMANN, GYROMAGNETIC_RATIO, VACUUM_PERMEABILITY
from tests.magnetic.spins import FIELD, MEFF, frequency, in_plane, perpendicular, run

ALPHA, B0, M = 0.01, 0.1, 0.8
W_H, W_M = GYROMAGNETIC_RATIO * B0, GYROMAGNETIC_RATIO * M
W_0 = np.sqrt(W_H * (W_H + W_M))
SHIFT = -W_H * W_M * (W_H + W_M / 4) / W_0**2


def threshold(spin, torque):
    """The current (A) whose torque is `torque` (T)."""
    return torque / float(spin.torque_field(jnp.ones(())))


def test_perpendicular_coefficients_are_those_of_the_textbook():
    spin = perpendicular(temperature=300.0)
    found, gap = auto_oscillation(spin), GYROMAGNETIC_RATIO * (FIELD - MEFF)
    moment = MEFF / VACUUM_PERMEABILITY * float(spin.area * spin.thickness)
    told = {
        "frequency": gap / (2 * np.pi),
        "damping_rate": ALPHA * gap / (1 + ALPHA**2),
        "nonlinear_shift": 2 * GYROMAGNETIC_RATIO * MEFF,
        "nonlinear_damping": 2 * MEFF / (FIELD - MEFF) - 1,
        "threshold_current": threshold(spin, ALPHA * (FIELD - MEFF)),
        "diffusion": ALPHA * GYROMAGNETIC_RATIO * BOLTZMANN * 300.0 / (moment * (1 + ALPHA**2)) / 4,
    }
    for name, value in told.items():
        assert float(getattr(found, name)) == pytest.approx(value, rel=1e-9), name


def test_the_linewidth_tends_to_the_exact_one_at_the_threshold():
    """D_s / sin^2 (1 + 1 / alpha^2) / pi with sin^2 = 4 p (1 - p); to first order in zeta - 1."""
    spin, excess = perpendicular(temperature=300.0), 1e-4
    found = auto_oscillation(spin)
    current = (1 + excess) * found.threshold_current
    exact = spin.diffusion() / (4 * steady_precession(spin, current).power) * (1 + 1 / ALPHA**2) / np.pi
    assert float(found.linewidth(current)) == pytest.approx(float(exact), rel=10 * excess + ALPHA**2)


def test_in_plane_coefficients_are_those_of_the_textbook():
    """The shift is the slope at zero of a cubic through orbits of finite size."""
    spin = in_plane(temperature=300.0)
    found = auto_oscillation(spin)
    moment = M / VACUUM_PERMEABILITY * float(spin.area * spin.thickness)
    rate = ALPHA * (W_H + W_M / 2) / (1 + ALPHA**2)
    told = {
        "frequency": W_0 / (2 * np.pi),
        "damping_rate": rate,
        "nonlinear_shift": SHIFT,
        "threshold_current": threshold(spin, ALPHA * (B0 + M / 2)),
        "diffusion": rate * BOLTZMANN * 300.0 * GYROMAGNETIC_RATIO / (4 * moment * W_0),
    }
    for name, value in told.items():
        assert float(getattr(found, name)) == pytest.approx(value, rel=1e-6), name


def test_an_easy_axis_along_the_field_adds_to_the_stiffness_and_has_a_shift_of_its_own():
    """In Lambert's coordinates q, r, m_x = 1 - rho^2 / 2 and (m_y, m_z) = (q, r) (1 - rho^2 / 4)^(1/2), E is quartic.

    Its mean over the ellipse q^2 H_y = r^2 H_z, H_y = B_0 + B_k, H_z = H_y + M, W^2 = H_y H_z, is that of
    -(B_k rho^4 + M r^2 rho^2) / 8, which gives N = -gamma [M H_y (3 H_y + H_z) + B_k (3 H_y^2 + 3 H_z^2 + 2 W^2)] / 4 W^2.
    """
    easy = 0.03
    found = auto_oscillation(in_plane(anisotropy_field=easy))
    y, z = B0 + easy, B0 + easy + M
    shift = -(M * y * (3 * y + z) + easy * (3 * y**2 + 3 * z**2 + 2 * y * z)) / (4 * y * z)
    assert float(found.frequency) == pytest.approx(GYROMAGNETIC_RATIO * np.sqrt(y * z) / (2 * np.pi), rel=1e-9)
    assert float(found.nonlinear_shift) == pytest.approx(GYROMAGNETIC_RATIO * shift, rel=1e-6)
    assert float(found.damping_rate) == pytest.approx(ALPHA * GYROMAGNETIC_RATIO * (y + z) / 2 / (1 + ALPHA**2), rel=1e-9)


# --- Against transients of the macrospin, in plane --------------------------------------------------

ZETA = np.array([0.9, 0.95, 1.05, 1.1, 1.0, 1.0, 0.0, 0.0, 0.0])
TILT = np.array([0.004, 0.004, 0.002, 0.002, 0.1, 0.2, 0.2, 0.3, 0.4])
GROWING, CRITICAL, FREE = slice(0, 4), slice(4, 6), slice(6, 9)


@pytest.fixture(scope="module")
def orbits():
    """Coefficients, times and m of a bus: small orbits that shrink and grow, critical ones, and ones without damping."""
    start = np.stack([np.cos(TILT), np.sin(TILT), 0 * TILT], axis=-1)
    damping = np.where(ZETA > 0, ALPHA, 0.0)
    spin = in_plane(resistance=np.full(len(ZETA), 1e3), damping=damping, initial=start)
    coefficients = auto_oscillation(in_plane())
    return coefficients, *run(spin, ZETA * coefficients.threshold_current, duration=20e-9, step=1e-12, every=2)


def amplitude(m):
    """The distance of m from x in the units in which small orbits are circles."""
    return np.hypot(np.sqrt(B0) * m[..., 1], np.sqrt(B0 + M) * m[..., 2])


def test_the_growth_rate_is_proportional_to_the_excess_over_the_threshold(orbits):
    """One part in a thousand: the square of the tilt is 2e-5, the method's own loss (omega h)^5 / 144 alpha is 3e-7."""
    coefficients, time, m = orbits
    rates = np.polyfit(time, np.log(amplitude(m[:, GROWING])), 1)[0]
    np.testing.assert_allclose(rates, float(coefficients.damping_rate) * (ZETA[GROWING] - 1), rtol=1e-3)
    assert np.interp(0.0, rates, ZETA[GROWING]) == pytest.approx(1, abs=1e-4)


def test_the_frequency_shifts_with_the_canonical_power(orbits):
    """The power is the enclosed part of the sphere; what is left of the second order after a straight line is p^2."""
    _, time, m = orbits
    free = m[:, FREE]
    angle = np.unwrap(np.arctan2(free[..., 2], free[..., 1]), axis=0)
    rise = (2 - free[1:, :, 0] - free[:-1, :, 0]) / 2
    power = np.sum(rise * np.diff(angle, axis=0), axis=0) / (angle[-1] - angle[0]) / 2
    shifts = 2 * np.pi * np.abs(frequency(time, free, (1, 2))) - W_0
    assert np.polyfit(power, shifts / power, 1)[1] == pytest.approx(SHIFT, rel=0.01)
    other = np.mean(1 - free[..., 0], axis=0) / 2
    assert np.polyfit(other, shifts / other, 1)[1] == pytest.approx(
        -W_H * W_M * (W_H + W_M / 4) / (W_0 * (W_H + W_M / 2)), rel=0.01
    )


def test_a_critical_orbit_shrinks_as_the_nonlinear_damping_says(orbits):
    """At zeta = 1, d(1/p)/dt = 2 G (1 + Q); p from the energy 2 W p + N p^2 / gamma, errors of order p and alpha."""
    coefficients, time, m = orbits
    critical = m[:, CRITICAL]
    height = B0 * (1 - critical[..., 0]) + M * critical[..., 2] ** 2 / 2
    stiffness, shift = W_0 / GYROMAGNETIC_RATIO, SHIFT / GYROMAGNETIC_RATIO
    power = (np.sqrt(stiffness**2 + shift * height) - stiffness) / shift
    slopes = np.polyfit(time, 1 / power, 1)[0] / (2 * float(coefficients.damping_rate))
    np.testing.assert_allclose(slopes, 1 + float(coefficients.nonlinear_damping), rtol=0.01)


OBLIQUE = np.array([0.3, 0.0, FIELD])
"""T; a field that is neither across the film nor in it."""


@pytest.fixture(scope="module")
def oblique():
    """Axes of the equilibrium in an oblique field, coefficients, times and m of two critical orbits and three free ones.

    The step is so small that the method's own loss, (omega h)^5 / 144, is below one part in a hundred of 2 alpha (1 + Q) p.
    """
    slope = lambda a: -OBLIQUE[0] * np.cos(a) + OBLIQUE[2] * np.sin(a) - MEFF * np.sin(a) * np.cos(a)
    rest = brentq(slope, 0.0, np.pi / 2)
    frame = np.array([[np.sin(rest), 0, np.cos(rest)], [np.cos(rest), 0, -np.sin(rest)], [0, 1, 0]])
    tilt, damping = np.array([0.12, 0.18, 0.1, 0.15, 0.2]), np.array([ALPHA, ALPHA, 0, 0, 0])
    start = np.cos(tilt)[:, None] * frame[0] + np.sin(tilt)[:, None] * frame[2]
    aligned = {"field_x": OBLIQUE[0], "polariser": frame[0]}
    told = auto_oscillation(perpendicular(**aligned))
    spin = perpendicular(**aligned, resistance=np.full(5, 1e3), damping=damping, initial=start)
    return frame, told, *run(spin, (damping > 0) * told.threshold_current, duration=20e-9, step=0.5e-12, every=2)


def turn_by_turn(time, m, frame):
    """Times (s) at which turns of one m (times, 3) about the first axis of `frame` begin, and the power of each."""
    along, first, second = (m @ axis for axis in frame)
    angle = np.unwrap(np.arctan2(second, first))
    swept = np.append(0, np.cumsum((2 - along[1:] - along[:-1]) / 2 * np.diff(angle))) / (4 * np.pi)
    turned = np.abs(angle - angle[0]) / (2 * np.pi)
    whole = np.arange(int(turned[-1]) + 1)
    return np.interp(whole, turned, time), np.abs(np.diff(np.interp(whole, turned, swept)))


def test_coefficients_hold_about_an_oblique_equilibrium_too(oblique):
    """Shrinking of critical orbits and shift of free ones, to zero power by straight lines; the polariser along m_0."""
    frame, told, time, m = oblique
    turns = [turn_by_turn(time, m[:, k], frame) for k in range(5)]
    powers = np.array([power.mean() for _, power in turns])
    rates = [np.polyfit((when[1:] + when[:-1]) / 2, 1 / power, 1)[0] for when, power in turns[:2]]
    wanted = 2 * told.damping_rate * (1 + told.nonlinear_damping)
    assert np.polyfit(powers[:2], rates, 1)[1] == pytest.approx(float(wanted), rel=0.01)
    shifts = np.array([2 * np.pi * (len(when) - 1) / (when[-1] - when[0]) for when, _ in turns[2:]])
    shifts -= 2 * np.pi * float(told.frequency)
    assert np.polyfit(powers[2:], shifts / powers[2:], 1)[1] == pytest.approx(float(told.nonlinear_shift), rel=0.01)


def test_the_torque_of_an_oblique_polariser_is_its_average_along_free_orbits(oblique):
    """Energy lost per alpha, |m x B|^2, and won per a, (m x B).(m x p), relative to those of the smallest orbits."""
    frame, _, time, m = oblique
    polariser = np.array([0.0, 0.0, 1.0])
    spin = perpendicular(field_x=OBLIQUE[0], polariser=polariser)
    told, nonlinear, powers = auto_oscillation(spin), [], []
    loss = float(told.damping_rate) * (1 + ALPHA**2) / (ALPHA * GYROMAGNETIC_RATIO)
    for k in (2, 3, 4):
        when, power = turn_by_turn(time, m[:, k], frame)
        turning = np.cross(m[:, k], np.asarray(spin.field(jnp.asarray(m[:, k]))))
        rates = np.sum(turning**2, axis=1), np.sum(turning * np.cross(m[:, k], polariser), axis=1)
        lost, won = (np.interp(when[-1], time, cumulative_simpson(r, x=time, initial=0)) / when[-1] for r in rates)
        field = 4 * power.mean() * 2 * np.pi * (len(when) - 1) / (when[-1] - when[0]) / GYROMAGNETIC_RATIO
        nonlinear.append((lost / loss - won / (polariser @ frame[0])) / field / power.mean())
        powers.append(power.mean())
    assert np.polyfit(powers, nonlinear, 1)[1] == pytest.approx(1 + float(told.nonlinear_damping), rel=0.01)


# --- Transformations and errors ---------------------------------------------------------------------


def test_it_can_be_differentiated_and_holds_for_a_bus_and_for_oblique_fields():
    """Central differences err by (1e-4 / 0.1)^2; lanes are one by one what a single macrospin is."""
    shift = jax.jit(lambda b: auto_oscillation(in_plane(field_x=b, field_y=jnp.asarray(0.05))).nonlinear_shift)
    slope = jax.grad(shift)(B0)
    assert float(slope) == pytest.approx(float(shift(B0 + 1e-4) - shift(B0 - 1e-4)) / 2e-4, rel=1e-5)
    fields = np.array([0.1, 0.2])
    bus = auto_oscillation(in_plane(field_x=fields, field_y=0.05))
    for k, field in enumerate(fields):
        alone = auto_oscillation(in_plane(field_x=field, field_y=0.05))
        np.testing.assert_allclose([leaf[k] for leaf in bus], alone, rtol=1e-9)


def test_geometries_without_a_threshold_are_refused_in_words():
    with pytest.raises(InputError, match="must have a stable equilibrium without current to be an auto-oscillator"):
        auto_oscillation(Macrospin())
    with pytest.raises(InputError, match="`polariser` must have a component along the equilibrium for a threshold"):
        auto_oscillation(Macrospin(field_x=0.1))


def test_geometries_without_an_axis_are_refused_in_words():
    with pytest.raises(InputError, match="must be along `polariser` for a steady precession"):
        steady_precession(perpendicular(field_x=0.1), 1e-4)
    with pytest.raises(InputError, match="must be along `polariser` for a steady precession"):
        steady_precession(in_plane(), 1e-4)
    with pytest.raises(InputError, match="must outweigh the anisotropy along `polariser`"):
        steady_precession(perpendicular(anisotropy_field=2.0), 1e-4)


def test_below_the_threshold_there_is_no_steady_precession():
    told = steady_precession(perpendicular(), 1e-6)
    assert np.isnan(told.frequency) and float(told.power) == 0
    assert float(auto_oscillation(perpendicular()).power(1e-6)) == 0
