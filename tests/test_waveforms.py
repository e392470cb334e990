"""Waveforms against ngspice at its own time points, at their corners, and through their derivatives."""

import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import Resistor
from devsim.devices.electrical.sources import CurrentSource, VoltageSource
from devsim.devices.photonic import Waveguide
from devsim.parameter import quantities
from devsim.waveform import (
    Constant,
    Exponential,
    Phasor,
    PiecewiseLinear,
    Pulse,
    Quadratures,
    Sampled,
    Sine,
    Step,
    Waveform,
)
from tests.external.ngspice import needs_ngspice

TIMES, VALUES = np.array([1e-6, 2e-6, 2.5e-6, 7e-6]), np.array([0.5, -1.0, 2.0, 0.0])
SAME = {
    "periodic pulse": (
        Pulse(-1.0, 2.0, delay=0.7e-6, rise_time=0.3e-6, fall_time=0.5e-6, width=0.9e-6, period=2.9e-6),
        "pulse(-1 2 0.7u 0.3u 0.5u 0.9u 2.9u)",
    ),
    "single pulse": (
        Pulse(0.5, -2.0, delay=1e-6, rise_time=0.2e-6, fall_time=0.1e-6, width=3e-6),
        "pulse(0.5 -2 1u 0.2u 0.1u 3u)",
    ),
    "sine": (Sine(0.3, 1.5, 4e5), "sin(0.3 1.5 4e5)"),
    "late damped sine": (
        Sine(0.3, 1.5, 4e5, delay=1e-6, damping=2e5, phase=np.pi / 6),
        "sin(0.3 1.5 4e5 1u 2e5 30)",
    ),
    "exponential": (
        Exponential(-0.5, 2.0, rise_delay=1e-6, rise_time_constant=0.7e-6, fall_delay=4e-6, fall_time_constant=2e-6),
        "exp(-0.5 2 1u 0.7u 4u 2u)",
    ),
    "piecewise linear": (PiecewiseLinear(TIMES, VALUES), "pwl(1u 0.5 2u -1 2.5u 2 7u 0)"),
}
"""Name -> (waveform, the same one as ngspice's text)."""
TIMELESS = (Constant(2.0), Step(-1.0, 3.0, time=2e-6, rise_time=1e-6), Sampled(np.sin(np.arange(9.0)), 1e-6))


def by_ngspice(folder, text):
    """Times and values of the source `text` over 10 us, in ngspice's own steps."""
    deck, table = folder / "deck.cir", folder / "table.txt"
    control = [".control", "set wr_vecnames", "set numdgt=16", "tran 20n 10u 0 20n", f"wrdata {table} v(1)", "quit", ".endc"]
    deck.write_text("\n".join(["deck", f"v1 1 0 dc 0 {text}", "r1 1 0 1k", *control, ".end", ""]))
    subprocess.run(["ngspice", "-b", deck], capture_output=True, timeout=60, check=False)
    return np.loadtxt(table, skiprows=1).T


@needs_ngspice
@pytest.mark.parametrize("name", SAME)
def test_values_equal_those_of_ngspice(name, tmp_path):
    waveform, text = SAME[name]
    times, theirs = by_ngspice(tmp_path, text)
    assert len(times) > 400
    steepest = np.ptp(theirs) / 0.1e-6
    rounding = 4 * np.spacing(10e-6) * steepest  # times of up to 10 us, rounded a few times on a steep edge
    np.testing.assert_allclose(jax.vmap(waveform)(times), theirs, rtol=1e-14, atol=rounding)


@pytest.mark.parametrize("waveform", [one for one, _ in SAME.values()] + list(TIMELESS), ids=lambda w: type(w).__name__)
def test_derivatives_with_respect_to_every_parameter_equal_central_differences(waveform):
    for name in quantities(waveform):
        leaf = jnp.atleast_1d(getattr(waveform, name))
        direction = jnp.linspace(1.0, 2.0, leaf.size).reshape(leaf.shape)
        size = float(jnp.max(jnp.abs(leaf))) or 1e-6
        if float(jnp.min(leaf)) == 0 and quantities(waveform)[name].bounds.low is not None and leaf.size == 1:
            continue  # the period of a single pulse: zero is another kind of pulse

        def at(shift, t, name=name, direction=direction):
            moved = getattr(waveform, name) + shift * direction.reshape(jnp.shape(getattr(waveform, name)))
            return waveform.put(**{name: moved})(t)

        step = 1e-6 * size
        for t in (0.4e-6, 2.213e-6, 5.631e-6, 8.77e-6):
            push = jax.jacfwd(at)(0.0, t)
            difference = (at(step, t) - at(-step, t)) / (2 * step)
            np.testing.assert_allclose(push, difference, rtol=1e-5, atol=1e-7 / size, err_msg=f"{name} at {t}")


def test_a_jump_happens_just_after_its_time():
    sudden = {
        "step": Step(0.0, 1.0, time=1.0),
        "pulse": Pulse(0.0, 1.0, delay=1.0, width=2.0),
        "points": PiecewiseLinear(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0])),
    }
    for name, waveform in sudden.items():
        assert float(waveform(1.0)) == 0.0, name
        assert float(waveform(1.0 + 1e-15)) == 1.0, name
        assert np.isfinite(float(jax.grad(waveform)(1.0))), name
    assert float(sudden["pulse"](3.0)) == 1.0
    assert float(sudden["pulse"](3.0 + 1e-15)) == 0.0


def test_a_periodic_pulse_repeats():
    pulse = SAME["periodic pulse"][0]
    t = np.linspace(0.7e-6, 3.5e-6, 57)
    np.testing.assert_allclose(jax.vmap(pulse)(t + 5 * 2.9e-6), jax.vmap(pulse)(t), rtol=0, atol=3 / 0.3e-6 * 1e-20)


def test_samples_are_joined_or_held():
    samples = np.array([1.0, -2.0, 4.0])
    t = np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 9.0])
    np.testing.assert_allclose(jax.vmap(Sampled(samples, 0.5))(t), [1, 1, -0.5, -2, 1, 4, 4], rtol=1e-15)
    np.testing.assert_array_equal(jax.vmap(Sampled(samples, 0.5, hold=True))(t), [1, 1, 1, -2, -2, 4, 4])
    rounded = Sampled(np.arange(1000.0), 1e-3, hold=True)
    steps = np.arange(1000)
    np.testing.assert_array_equal(jax.vmap(rounded)(steps * 1e-3), steps)


def test_many_points_are_found_like_few():
    times = np.sort(np.random.default_rng(1).uniform(0, 1, 300))
    values = np.random.default_rng(2).normal(size=(300, 2))
    t = np.linspace(-0.1, 1.1, 77)
    ours = jax.vmap(PiecewiseLinear(times, values))(t)
    for lane in range(2):
        np.testing.assert_allclose(ours[:, lane], np.interp(t, times, values[:, lane]), rtol=0, atol=1e-12)


def test_the_sum_of_two_waveforms_has_the_parameters_of_both():
    both = Constant(1.0) + Sine(frequency=2.0)
    assert float(both(0.125)) == pytest.approx(2.0, rel=1e-15)
    assert float(both.set("second.amplitude", 3.0)(0.125)) == pytest.approx(4.0, rel=1e-15)
    assert isinstance(both, Waveform)


def test_a_source_moves_with_its_waveform():
    source = VoltageSource(np.array([1.0, 2.0]), waveform=Sine(np.array([0.0, 5.0]), frequency=1.0))
    zero = {pin: jnp.zeros(2) for pin in ("plus", "minus")}
    drop = source.balance(0.25, zero, {"current": jnp.zeros(2)}).static["current"]
    np.testing.assert_allclose(drop, [-2.0, -8.0], rtol=1e-15)
    moved = CurrentSource(0.5, waveform=Step(0.0, 2.0, time=1.0)).balance(2.0, {"plus": 0.0, "minus": 0.0}, {})
    assert float(moved.static["plus"]) == 2.5
    assert float(source.set("waveform.frequency", 2.0).waveform(0.125)[0]) == pytest.approx(1.0, rel=1e-15)


def test_bad_waveforms_are_named():
    with pytest.raises(InputError, match=r"`times` must ascend, but falls after index 1\."):
        PiecewiseLinear(np.array([0.0, 2.0, 1.0]), np.zeros(3))
    with pytest.raises(InputError, match=r"`times` must be a row with one time per row of `values`"):
        PiecewiseLinear(np.array([0.0, 2.0]), np.zeros(3))
    with pytest.raises(InputError, match=r"`width` must be above 0 s, but is 0 s\."):
        Pulse(width=0.0)
    with pytest.raises(InputError, match=r"`values` must have at least one sample"):
        Sampled(3.0, 1e-3)
    with pytest.raises(InputError, match=r"`hold` must be a bool, but is 'linear'\."):
        Sampled(np.zeros(3), 1e-3, hold="linear")
    with pytest.raises(InputError, match=r"`waveform` must be a Waveform, but is 3\.0\."):
        VoltageSource(waveform=3.0)
    with pytest.raises(InputError, match=r"`waveform` must match `voltage` \(shape \(\)\), but its value has shape \(2,\)\."):
        VoltageSource(waveform=Constant(np.zeros(2)))


def test_light_follows_a_phasor_and_its_quadratures():
    """Samples of the phase turn the light at constant power; samples of both quadratures are joined by chords."""
    phases, interval = np.linspace(0.0, 3.0, 9), 1e-12
    turned = Phasor(Constant(0.01), Sampled(phases, interval))
    chords = Quadratures(Sampled(0.01 * np.cos(phases), interval), Sampled(0.01 * np.sin(phases), interval))
    middle = np.abs([complex(wave(2.5 * interval)) for wave in (turned, chords)])
    np.testing.assert_allclose(middle, [0.01, 0.01 * np.cos(np.diff(phases)[2] / 2)], rtol=1e-14)
    guide = Waveguide(length=1e-6)
    circuit = Circuit({"g": guide}, {"near": ("g.in",), "far": ("g.out",)}, inputs={"near": "near"}, outputs={"far": "far"})
    run = transient(circuit, {"near": turned}, duration=8 * interval, step=interval)
    np.testing.assert_allclose(run["far"], 0.01 * np.exp(1j * phases) * guide.transmission(guide.length), rtol=1e-12)


def test_a_complex_waveform_is_refused_where_values_are_real():
    circuit = Circuit({"r": Resistor(1.0)}, {"in": ("r.a",), "gnd": ("r.b",)}, inputs={"in": "in"})
    with pytest.raises(InputError, match=r"`in` must be a real number or an array of them, but is complex"):
        transient(circuit, {"in": Phasor(Constant(1.0), Constant(0.0))}, duration=1e-6, step=1e-7)
