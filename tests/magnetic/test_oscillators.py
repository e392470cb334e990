"""Amplitude and phase of oscillators near one carrier: exact flows, locking, noise, and how the two models agree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.magnetic.auto_oscillator import AutoOscillator
from devsim.devices.magnetic.oscillator import limited
from devsim.devices.magnetic.phase_oscillator import PhaseOscillator
from devsim.part import aged
from devsim.stepping.rotating_frame import SplitSteps

KEY = jax.random.key(5)
QUIET = {"linewidth": 0.0}


def alone(oscillator, field):
    """The oscillators told a constant `field`."""
    nets = {"field": ("o.field",), "sent": ("o.sent",)}
    return Circuit({"o": oscillator}, nets, inputs={"field": "field"}, outputs={"sent": "sent"}), {"field": field + 0j}


@pytest.mark.parametrize("bias_error", [0.0, 0.3, -0.5, -0.9], ids=["nominal", "more", "at threshold", "below threshold"])
def test_own_motion_is_that_of_the_differential_equation(bias_error):
    one = AutoOscillator(detuning=2e-3, nonlinear_shift=4e8, bias_error=bias_error)
    zeta, power = 2 * (1 + bias_error), 1 / 3
    start, seconds = 0.4 + 0.3j, 3e-8

    def rate(t, c):
        p = power * np.abs(c) ** 2
        own = -5e7 * (1 + p) + 5e7 * zeta * (1 - p) + 1j * (2 * np.pi * 300e6 * 2e-3 + 4e8 * (p - power))
        return own * c

    expected = solve_ivp(rate, (0, seconds), [start], rtol=1e-11, atol=1e-13, method="DOP853").y[0, -1]
    np.testing.assert_allclose(one.flow(jnp.asarray(start), seconds), expected, rtol=1e-9)


def test_own_motion_is_a_group():
    one = AutoOscillator.of(3, nonlinear_shift=4e8, detuning=jnp.array([1e-3, 0.0, -2e-3]))
    start = jnp.array([0.2 + 0.1j, 1.0, 1.4j])
    np.testing.assert_allclose(one.flow(one.flow(start, 2e-9), 5e-9), one.flow(start, 7e-9), rtol=1e-13)
    np.testing.assert_allclose(one.flow(one.flow(start, 2e-9), -2e-9), start, rtol=1e-13)


def test_a_free_oscillator_keeps_its_amplitude_and_its_nominal_frequency():
    one = AutoOscillator.of(4, nonlinear_shift=4e8)
    np.testing.assert_allclose(one.flow(one.begin(jnp.arange(4.0)), 1e-6), jnp.exp(1j * jnp.arange(4.0)), rtol=1e-12)


@pytest.mark.parametrize("kind", [AutoOscillator, PhaseOscillator])
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_phases_lock_where_adler_says(kind, shift):
    """sin(phase) = dw / (K (1 + nu^2)^0.5), with a pull that is weak beside the relaxation of the amplitude."""
    coupling, share = 1e5, jnp.array([-0.8, -0.3, 0.0, 0.5, 0.9])
    oscillator = AutoOscillator.of(5, coupling=coupling, nonlinear_shift=1.5e8 * shift, **QUIET)
    detuning = share * coupling * np.sqrt(1 + shift**2) / (2 * np.pi * 300e6)
    oscillator = oscillator.put(detuning=detuning)
    if kind is PhaseOscillator:
        oscillator = PhaseOscillator.reduced(oscillator)
    assert float(oscillator.nonlinear_coefficient()) == pytest.approx(shift)
    phases = jnp.arcsin(share)
    scheme = SplitSteps(oscillator, jnp.ones_like, oscillator.longest_step(), jax.random.split(KEY, 1))

    def held(state, _):
        return scheme.advance(state), None

    at = jax.jit(lambda at: jax.lax.scan(held, at, None, length=20_000)[0])(scheme.start(oscillator.begin(phases[None])))
    found = jnp.angle(oscillator.sent(scheme.now(at)))[0]
    # A step of 0.05 over the pull leaves an error of its square over 8; the pull lifts the amplitude by 1e-3 at most.
    np.testing.assert_allclose(jnp.sin(found), share, atol=0.05**2 / 8 if kind is PhaseOscillator else 2e-3)


def test_a_second_harmonic_makes_zero_and_pi_stable():
    oscillator = PhaseOscillator.of(4, second_harmonic=1e6, nonlinearity=1.5, **QUIET)
    slopes = jax.vmap(jax.grad(lambda phase: oscillator.pull(phase, 0j)))(jnp.array([0.0, np.pi, np.pi / 2]))
    expected = -2e6 * np.sqrt(1 + 1.5**2)
    np.testing.assert_allclose(slopes, [expected, expected, -expected], rtol=1e-12)
    np.testing.assert_allclose(oscillator.pull(jnp.array([0, np.pi]), 0j), 0, atol=1e-9 * 2e6)


def spread_of_phases(oscillator, steps, count=64):
    """The variance of the phases of `count` buses that ran freely for `steps`."""
    keys = jax.random.split(KEY, count)
    scheme = SplitSteps(oscillator, jnp.zeros_like, oscillator.longest_step(), keys)
    start = jnp.broadcast_to(oscillator.begin(jnp.zeros(oscillator.shape())), (count, *oscillator.shape()))
    run = jax.jit(lambda start: jax.lax.scan(lambda at, _: (scheme.advance(at), None), start, None, length=steps)[0])
    phases = jnp.angle(oscillator.sent(scheme.now(run(scheme.start(start)))))
    return float(jnp.mean(phases**2)), phases.size, float(steps * scheme.step)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_a_free_phase_diffuses_as_its_linewidth_says(shift):
    """The variance is 2 D t + 2 D nu^2 (t less the memory of the amplitude), 2 D (1 + nu^2) = 2 pi linewidth."""
    oscillator = AutoOscillator.of(192, linewidth=2e4, nonlinear_shift=1.5e8 * shift)
    variance, count, time = spread_of_phases(oscillator, 400)
    quick = 2 * 5e7
    lag = 2 * -np.expm1(-quick * time) / quick + np.expm1(-2 * quick * time) / (2 * quick)
    diffusion = float(oscillator.phase_diffusion())
    expected = 2 * diffusion * (time + shift**2 * (time - lag))
    assert diffusion * (1 + shift**2) == pytest.approx(np.pi * 2e4)
    assert variance == pytest.approx(expected, rel=5 * np.sqrt(2 / count))
    phase_alone = PhaseOscillator.reduced(oscillator)
    variance, count, time = spread_of_phases(phase_alone, 400)
    assert variance == pytest.approx(2 * np.pi * 2e4 * time, rel=5 * np.sqrt(2 / count))


def test_noise_of_the_bias_widens_the_line_as_the_reduction_says():
    oscillator = AutoOscillator.of(192, nonlinear_shift=3e8, bias_noise=2e-11, **QUIET)
    reduced = PhaseOscillator.reduced(oscillator)
    variance, count, time = spread_of_phases(oscillator, 2000)
    expected = 2 * np.pi * float(reduced.bias_linewidth) * time
    late = 1.5 / (2 * 5e7) / time  # the share of the time for which the power has not followed yet
    assert variance == pytest.approx(expected * (1 - late), rel=5 * np.sqrt(2 / count) + late**2)


def test_noise_of_the_bias_is_not_thermal():
    cold = AutoOscillator(nonlinear_shift=3e8, bias_noise=2e-11, temperature=0.0)
    warm = cold.put(temperature=jnp.asarray(300.0), linewidth=jnp.asarray(0.0))
    diffusion = [float(PhaseOscillator.reduced(each).phase_diffusion()) for each in (cold, warm)]
    assert diffusion[0] == pytest.approx(diffusion[1]) and diffusion[0] > 0


def test_a_bias_error_detunes_as_the_reduction_says():
    oscillator = AutoOscillator.of(2, nonlinear_shift=3e8, bias_error=jnp.array([1e-4, -1e-4]), **QUIET)
    seconds = 1e-6
    settled = oscillator.flow(oscillator.begin(jnp.zeros(2)), seconds)
    turned = jnp.angle(oscillator.flow(settled, seconds) / settled)
    expected = PhaseOscillator.reduced(oscillator).detuned() * seconds
    np.testing.assert_allclose(turned, expected, rtol=1e-3)  # of second order in the error


def test_the_graph_and_the_split_steps_agree():
    field = jnp.array([1.0, 0.5j, -0.3 + 0.2j])
    oscillator = AutoOscillator.of(
        3, nonlinear_shift=3e8, detuning=jnp.array([1e-3, 0, -5e-4]), initial_phase=0.7, limiter_softness=0.4, **QUIET
    )
    scheme = SplitSteps(oscillator, lambda sent: field + 0 * sent, 1e-9, jax.random.split(KEY, 1))
    at = jax.lax.fori_loop(0, 200, lambda _, at: scheme.advance(at), scheme.start(oscillator.begin(jnp.full((1, 3), 0.7))))
    split = oscillator.sent(scheme.now(at))[0]
    circuit, inputs = alone(oscillator, field)
    graph = transient(circuit, inputs, duration=2e-7, step=2e-10, method="rk4", every=1000)["sent"][-1]
    np.testing.assert_allclose(split, graph, atol=2e-4)
    phase = PhaseOscillator.reduced(oscillator)
    circuit, inputs = alone(phase, field)
    graph = transient(circuit, inputs, duration=2e-7, step=1e-9, method="rk4", every=200)["sent"][-1]
    expected = jnp.angle(split * jnp.conj(graph))
    assert float(jnp.max(jnp.abs(expected))) < 0.35  # coupling over amplitude rate is 0.2


@pytest.mark.parametrize("kind", [AutoOscillator, PhaseOscillator])
def test_noise_in_the_graph_is_that_of_the_linewidth(kind):
    oscillator = kind.of(1000, linewidth=2e4)
    circuit, inputs = alone(oscillator, jnp.zeros(1000))
    found = transient(circuit, inputs, duration=4e-7, step=4e-9, key=KEY, every=100, method="heun")
    variance = float(jnp.mean(jnp.angle(found["sent"][-1]) ** 2))
    assert variance == pytest.approx(2 * np.pi * 2e4 * 4e-7, rel=5 * np.sqrt(2 / 1000))


def test_the_limiter_passes_the_phase_alone_or_the_envelope():
    envelope = jnp.array([0.0, 0.5j, 2.0])
    np.testing.assert_allclose(limited(envelope, 0.0), [0, 1j, 1], atol=1e-15)
    np.testing.assert_allclose(limited(envelope, 1e6), envelope, rtol=1e-9)
    np.testing.assert_allclose(limited(jnp.exp(1j * jnp.arange(3)), 0.7), jnp.exp(1j * jnp.arange(3)), rtol=1e-12)
    assert np.isfinite(jax.grad(lambda s: jnp.abs(limited(jnp.asarray(0.3 + 0j), s)))(0.1))


def test_frequencies_spread_and_drift_as_declared():
    drawn = AutoOscillator.of(
        4000, frequency_spread=1e-3, ageing_spread=2e-4, temperature_coefficient_spread=1e-5, temperature=350.0
    ).fabricate(KEY)
    bound = 5 / np.sqrt(2 * 4000)
    turn = 2 * np.pi * 300e6
    expected = turn * np.hypot(1e-3, 50 * 1e-5)
    assert float(jnp.std(drawn.detuned())) == pytest.approx(expected, rel=bound)
    old = aged(drawn, 3600 * (np.e - 1), key=KEY)
    assert float(jnp.std(old.detuned() - drawn.detuned())) == pytest.approx(turn * 2e-4, rel=bound)


def test_the_line_is_as_wide_as_it_is_warm():
    cold = AutoOscillator(linewidth=1e5, temperature=150.0)
    assert float(cold.phase_diffusion()) == pytest.approx(np.pi * 0.5e5)


def test_powers_are_those_of_the_parameters():
    power = AutoOscillator.of(192, bias_current=1e-4, resistance=2e3, amplifier_power=20e-6).power()
    np.testing.assert_allclose([power["oscillators"], power["amplifiers"]], [192 * 20e-6, 192 * 20e-6])


def test_what_cannot_oscillate_is_refused():
    with pytest.raises(InputError, match="`damping_rate` must be above 0 1/s, but is -1 1/s"):
        AutoOscillator(damping_rate=-1.0)
    with pytest.raises(InputError, match=r"`threshold_current` must be below `bias_current` \(4e-05 A\), but is 5e-05 A"):
        AutoOscillator().set("bias_current", 4e-5)
    with pytest.raises(InputError, match="`linewidth` must be at least 0 Hz"):
        PhaseOscillator(linewidth=-1.0)
    with pytest.raises(InputError, match="`count` must be a whole number of at least 1, but is 0"):
        AutoOscillator.of(0)
