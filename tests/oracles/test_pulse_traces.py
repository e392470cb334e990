"""Pulse cells against a plain NumPy loop of the published update, and against stored traces of aihwkit 1.1.0.

Where the loop and that code agree: all 17 noise-free devices, to float32 rounding. What the traces settle or the code
does otherwise than its own documentation:
- a nominal asymmetry only ever shrinks one side (`up_down` > 0 the down step), it is not shared between both;
- the write noise of every device is in units of `dw_min` (not visible in a noise-free trace);
- a one-sided PCM device does take down pulses: the first one throws it back to zero.
"""

import csv
import os
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_steps import (
    ConstantStep,
    ExpStep,
    LinearStep,
    PiecewiseStep,
    PowStep,
    SoftBounds,
    SoftBoundsReference,
)

PULSES = 400
BASE = {"step": 0.001, "w_min": -0.6, "w_max": 0.6}
EXP = {"a": 0.244, "b": 0.2425, "up": (0.00081, 12.44625), "down": (0.36833, 12.78785)}
GONG = {"a": -0.5, "b": -0.5, "up": (-1.18445, 5.0), "down": (-0.081404, 5.0)}
PCM = {"a": -1.0, "b": 0.0, "up": (-27.235, 2.5), "down": (-2.235, 2.5)}


def exp_law(p):
    return ExpStep(
        scale=p["a"],
        shift=p["b"],
        amplitude_up=p["up"][0],
        gamma_up=p["up"][1],
        amplitude_down=p["down"][0],
        gamma_down=p["down"][1],
    )


# name in the stored file -> cell, rule of the NumPy loop, its numbers: (s_up, s_dn, b_min, b_max, parameters)
DEVICES = {
    "ConstantStepDevice": (PulseCell((), ConstantStep(), **BASE), "constant", (0.001, 0.001, -0.6, 0.6, None)),
    "SoftBoundsDevice": (PulseCell((), SoftBounds(), **BASE), "linear", (0.001, 0.001, -0.6, 0.6, (1.0, 1.0))),
    "LinearStep(gamma=.5,.3)": (PulseCell((), LinearStep(0.5, 0.3), **BASE), "linear", (0.001, 0.001, -0.6, 0.6, (0.5, 0.3))),
    "PowStepDevice": (PulseCell((), PowStep(), **BASE), "power", (0.001, 0.001, -0.6, 0.6, (1.0, 1.0))),
    "PowStep(gamma=2)": (PulseCell((), PowStep(2.0, 2.0), **BASE), "power", (0.001, 0.001, -0.6, 0.6, (2.0, 2.0))),
    "ExpStepDevice": (PulseCell((), exp_law(EXP), **BASE), "exp", (0.001, 0.001, -0.6, 0.6, EXP)),
    "Piecewise([1.5,1,.5],[.5,1,1.5])": (
        PulseCell((), PiecewiseStep((1.5, 1, 0.5), (0.5, 1, 1.5)), **BASE),
        "piecewise",
        (0.001, 0.001, -0.6, 0.6, ((1.5, 1, 0.5), (0.5, 1, 1.5))),
    ),
    "ReRamESPresetDevice": (PulseCell.preset("reram-es"), "exp", (0.00135, 0.00135 * (1 - 0.259359), -1.0, 1.0, GONG)),
    "ReRamSBPresetDevice": (PulseCell.preset("reram-sb"), "linear", (0.002, 0.002, -0.75, 1.25, (1.0, 1.0))),
    "ReRamArrayOMPresetDevice": (PulseCell.preset("reram-om"), "linear", (0.0949, 0.0949, -1.0, 1.0, (1.0, 1.0))),
    "ReRamArrayHfO2PresetDevice": (PulseCell.preset("reram-hfo2"), "linear", (0.4622, 0.4622, -1.0, 1.0, (1.0, 1.0))),
    "CapacitorPresetDevice": (PulseCell.preset("capacitor"), "linear", (0.005, 0.005, -1.0, 1.0, (0.05, 0.05))),
    "EcRamPresetDevice": (PulseCell.preset("ecram"), "linear", (0.002, 0.002, -0.8276, 1.1724, (0.1153, 0.5085))),
    "EcRamMOPresetDevice": (
        PulseCell.preset("ecram-mo"),
        "linear",
        (2.8214e-4, 2.8214e-4, -0.8286, 1.1714, (0.4152, 0.7342)),
    ),
    "PCMPresetDevice": (PulseCell.preset("pcm"), "exp", (0.01, 0.01, 0.0, 2.0, PCM)),
    "IdealizedPresetDevice": (PulseCell.preset("idealised"), "constant", (0.0002, 0.0002, -1.0, 1.0, None)),
    "GokmenVlasovPresetDevice": (PulseCell.preset("gokmen-vlasov"), "constant", (0.0016, 0.0016, -1.0, 1.0, None)),
}


def published_step(rule, w, up, numbers, real):
    """One pulse of the published update in NumPy, in the arithmetic of `real`."""
    s_up, s_dn, low, high, p = numbers
    size = real(s_up if up else s_dn)
    low, high = real(low), real(high)
    if rule == "constant":
        change = size
    elif rule == "linear":
        change = size * (real(1) - real(p[0]) * w / high) if up else size * (real(1) - real(p[1]) * w / low)
    elif rule == "power":
        distance = (high - w) / (high - low) if up else (w - low) / (high - low)
        change = size * distance ** real(p[0] if up else p[1])
    elif rule == "exp":
        z = real(2) * w / (high - low) * real(p["a"]) + real(p["b"])
        amplitude, gamma = p["up"] if up else p["down"]
        change = size * max(real(1) - real(amplitude) * np.exp(real(gamma) * (z if up else -z)), real(0))
    else:
        nodes = p[0] if up else p[1]
        change = size * real(np.interp((w - low) / (high - low), np.linspace(0, 1, len(nodes)), nodes))
    return real(min(max(w + change if up else w - change, low), high))


def published_trace(rule, numbers, real=np.float64):
    """Weight after each of 400 up and 400 down pulses from zero, the start included."""
    w, trace = real(0), [real(0)]
    for up in [True] * PULSES + [False] * PULSES:
        w = published_step(rule, w, up, numbers, real)
        trace.append(w)
    return np.array(trace)


@jax.jit
def our_trace(cell):
    """The same by `PulseCell.pulse`, without noise."""

    def one(cell, upward):
        cell = cell.put(hidden=cell.pulse(upward, jnp.zeros(())))
        return cell, cell.hidden

    trace = jax.lax.scan(one, cell, jnp.arange(2 * PULSES) < PULSES)[1]
    return jnp.concatenate([jnp.zeros(1), trace])


def rounding(trace):
    """What float32 can do to a trace: one rounding of every sum, ten of every increment, seven printed digits.

    No rule here stretches an error faster than its steps shrink it, so that the errors at most add up.
    """
    unit = np.finfo(np.float32).eps / 2
    steps = np.concatenate([[0], np.abs(np.diff(trace))])
    return unit * (np.cumsum(np.abs(trace)) + 10 * np.cumsum(steps)) + 0.5e-6 * np.abs(trace) + 1e-12


def stored():
    if "DEVSIM_DATA" not in os.environ:
        pytest.skip("the environment variable DEVSIM_DATA does not say where the stored traces are")
    path = pathlib.Path(os.environ["DEVSIM_DATA"]) / "oracles" / "aihwkit_pulse_traces.csv"
    rows = list(csv.reader(path.open()))[1:]
    return {row[0]: np.array(row[1:], float) for row in rows}


@pytest.mark.parametrize("name", DEVICES)
def test_a_trace_follows_the_published_update(name):
    cell, rule, numbers = DEVICES[name]
    np.testing.assert_allclose(our_trace(cell), published_trace(rule, numbers), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", DEVICES)
def test_a_trace_equals_the_stored_one_to_float32_rounding(name):
    theirs = stored()[name]
    ours = np.array(our_trace(DEVICES[name][0]))
    excess = np.abs(ours - theirs) - rounding(ours)
    assert excess.max() <= 0, f"beyond rounding by {excess.max():.1e} after pulse {excess.argmax()}"


def test_every_stored_device_is_compared():
    assert set(stored()) == set(DEVICES)


def test_the_stored_deviation_is_their_rounding():
    """A float32 loop of the same rule falls on the stored constant steps to the last digit."""
    for name in ("ConstantStepDevice", "GokmenVlasovPresetDevice", "IdealizedPresetDevice"):
        theirs = stored()[name]
        single = published_trace(*DEVICES[name][1:], real=np.float32)
        assert np.abs(single - theirs).max() <= 0.5e-6 * np.abs(theirs).max() + np.finfo(np.float32).eps


def test_the_asymmetry_shrinks_one_side_only():
    """Shared between both sides, as the published text can be read, it would miss the stored trace by far."""
    theirs = stored()["ReRamESPresetDevice"]
    half = 0.259359 / 2
    shared = published_trace("exp", (0.00135 * (1 + half), 0.00135 * (1 - half), -1.0, 1.0, GONG))
    assert np.abs(shared - theirs).max() > 1000 * rounding(theirs).max()


LAWS = {
    "constant": (ConstantStep(), "constant", None),
    "linear": (LinearStep(0.5, 0.3), "linear", (0.5, 0.3)),
    "linear at the mean bound": (LinearStep(0.5, 0.3, mean_bound=True), "linear", (0.5, 0.3)),
    "soft": (SoftBounds(), "linear", (1.0, 1.0)),
    "soft with reference": (SoftBoundsReference(), "linear", (1.0, 1.0)),
    "power": (PowStep(0.7, 1.6), "power", (0.7, 1.6)),
    "exponential": (exp_law(GONG), "exp", GONG),
    "piecewise": (PiecewiseStep((2.0, 1.0, 0.2), (0.1, 1.0, 3.0)), "piecewise", ((2.0, 1.0, 0.2), (0.1, 1.0, 3.0))),
}


@pytest.mark.parametrize("name", LAWS)
def test_a_train_is_its_pulses_one_by_one(name):
    """`nudge` by 400 up and then 400 down, into both bounds, ends where the published loop ends."""
    law, rule, p = LAWS[name]
    cell = PulseCell((1,), law, step=0.01, w_min=-0.5, w_max=0.8, most_pulses=PULSES)
    trace = published_trace(rule, (0.01, 0.01, -0.5, 0.8, p))
    up = cell.nudge(PULSES, jax.random.key(0))
    np.testing.assert_allclose(up.hidden[0], trace[PULSES], rtol=0, atol=1e-12)
    np.testing.assert_allclose(up.nudge(-PULSES, jax.random.key(0)).hidden[0], trace[-1], rtol=0, atol=1e-12)


def test_a_reference_shifts_the_weight_to_the_symmetry_point():
    """Published: the update acts on w + ref, is clipped there, and ref is subtracted again."""
    cell = PulseCell((), SoftBoundsReference(offset=0.1), step=0.01, asymmetry=0.2, w_min=-0.5, w_max=0.8)
    s_up, s_dn, low, high = 0.01, 0.008, -0.5, 0.8
    ref = 0.1 + (s_up - s_dn) / (s_up / high - s_dn / low)
    w, trace = 0.0, [0.0]
    for up in [True] * PULSES + [False] * PULSES:
        x = w + ref
        x = x + s_up * (1 - x / high) if up else x - s_dn * (1 - x / low)
        w = min(max(x, low), high) - ref
        trace.append(w)
    np.testing.assert_allclose(our_trace(cell), trace, rtol=0, atol=1e-12)
