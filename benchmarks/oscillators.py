"""A memory of 192 oscillators beside its matrix products, diffrax and NumPy; macrospins beside cmtj.

Run as `python benchmarks/oscillators.py [--cues 1,64] [--steps 5000] [--short 250]`, on one thread. 12 random patterns are
stored by the pseudo-inverse; cues have 30 % of their phases scrambled; frequencies differ by 1e-4, lines are 100 kHz wide.
`recall` is all of `OscillatorNetwork.recall` in steps of 2 ns. `two products` is the floor: complex (cues, 192) @ (192, 192)
twice per step, in one scan. diffrax solves the same equations, with noise in real and imaginary parts, all cues as one state
(vmap over cues takes as long): by Heun's method, which asks for the field twice per step as ours does, or by EulerHeun, which
asks once; its noise from `UnsafeBrownianPath` (fresh draws) or `VirtualBrownianTree` (one path whatever the steps).
NumPy does our split steps with normal draws. All but the floor take the product of real matrices of `RealProduct`.

`ms` is of `--steps` steps: rows that ran fewer, as `ran` says, are scaled. Medians; compilation apart. `error` is the RMS phase
error, in turns, after `--short` steps in every row. `off` is the difference to ours: with noise that of the squares of the
errors, in standard errors over the cues (by chance below 4), without noise the largest of any state. The macrospins (in a
transient, by RK4 in steps of 0.5 ps, without noise) precess at twice their threshold; cmtj's gamma is 0.9982 of the electron's.
"""

import argparse
import os
import platform
import sys
from typing import NamedTuple

from one_thread import median_ms, print_table, shown  # isort: skip

import diffrax
import jax
import jax.numpy as jnp
import lineax
import numpy as np

from devsim.devices.magnetic import AutoOscillator, auto_oscillation
from devsim.devices.synaptic_array import IdealArray
from devsim.learning.oscillator_network import OscillatorNetwork
from devsim.learning.phases import phase_error, scramble
from devsim.stepping.rotating_frame import RealProduct
from tests.magnetic.spins import frequency, perpendicular, run

SIZE, STORED, STEP, FRAME = 192, 12, 2e-9, 50
KEY = jax.random.key(0)
HEADER = ("cues", "number", "task", "ran", "ms", "compile s", "over floor", "over ours", "bar", "error", "off")
BAR = 20.0
"""Least time of diffrax's step over ours for the largest batch."""
SPIN_HEADER = ("macrospins", "task", "steps", "us per step and spin", "compile s", "over ours", "GHz")
SPIN_STEP, SPIN_STEPS, ZETA = 0.5e-12, 40000, 2.0
MANY = 16
"""Cues from which on the time to call a short recall does not show."""
RUNS = 0.5
"""Seconds for the runs of one row; three runs at least."""


class Task(NamedTuple):
    """A memory and what it is asked."""

    network: OscillatorNetwork
    cues: jax.Array
    targets: jax.Array

    def quiet(self):
        """Without noise."""
        still = self.network.oscillators.put(linewidth=jnp.zeros_like(self.network.oscillators.linewidth))
        return self._replace(network=self.network.put(oscillators=still))

    def recall(self, steps):
        """Ours."""
        told = {"targets": self.targets, "step": STEP, "frames": steps // FRAME}
        return self.network.recall(self.cues, steps * STEP, KEY, **told)


def rms(values):
    return float(jnp.sqrt(jnp.mean(values**2)))


def draw(cues, number):
    """A `Task` of `cues` cues in `number` bits."""
    fabricate, choose, corrupt = jax.random.split(KEY, 3)
    patterns = jnp.exp(2j * jnp.pi * jax.random.uniform(choose, (STORED, SIZE)))
    oscillators = AutoOscillator.of(SIZE, linewidth=1e5, frequency_spread=1e-4).fabricate(fabricate)
    network = OscillatorNetwork(oscillators, IdealArray(jnp.zeros((SIZE, SIZE), complex))).store(patterns, KEY)
    targets = patterns[jnp.arange(cues) % STORED]
    task = Task(network, scramble(targets, 0.3, corrupt), targets)
    return task if number == 64 else jax.tree.map(single, task)


def single(leaf):
    """A leaf in half as many bits."""
    return leaf.astype({"float64": jnp.float32, "complex128": jnp.complex64}.get(str(leaf.dtype), leaf.dtype))


def products(task, steps):
    """Two complex products per step, of a unitary matrix, so that nothing grows or fades."""
    rng = np.random.default_rng(0)
    unitary, _ = np.linalg.qr(rng.normal(size=(SIZE, SIZE)) + 1j * rng.normal(size=(SIZE, SIZE)))
    matrix = jnp.asarray(unitary, task.cues.dtype)
    body = lambda sent, _: ((sent @ matrix) @ matrix, None)
    return jax.jit(lambda sent: jax.lax.scan(body, sent, None, length=steps)[0])


def with_diffrax(task, steps, solver, tree=False):
    """The same equations as one stochastic differential equation of real and imaginary parts (2, cues, 192)."""
    others, field = task.network.oscillators, RealProduct.of(task.network.array.weights())
    growth, fall = others.gain()
    power = others.free_power()

    def drift(t, parts, _):
        state = jax.lax.complex(*parts)
        excess = power * (jnp.real(state) ** 2 + jnp.imag(state) ** 2 - 1)
        own = growth - fall * (power + excess) + 1j * (others.detuned() + others.nonlinear_shift * excess)
        rate = own * state + others.pull(state, field(others.sent(state)))
        return jnp.stack([jnp.real(rate), jnp.imag(rate)])

    def solve(cues):
        start = jnp.stack([jnp.real(cues), jnp.imag(cues)])
        size = jnp.sqrt(2 * others.phase_diffusion())
        diffusion = lambda t, parts, _: lineax.DiagonalLinearOperator(jnp.broadcast_to(size, parts.shape))
        shape = jax.ShapeDtypeStruct(start.shape, start.dtype)
        end = steps * STEP
        fresh = diffrax.UnsafeBrownianPath(shape, KEY)
        noise = diffrax.VirtualBrownianTree(0.0, end, STEP / 2, shape, KEY) if tree else fresh
        terms = diffrax.MultiTerm(diffrax.ODETerm(drift), diffrax.ControlTerm(diffusion, noise))
        told = {"stepsize_controller": diffrax.ConstantStepSize(), "saveat": diffrax.SaveAt(t1=True), "max_steps": steps + 1}
        told["adjoint"] = diffrax.ForwardMode()
        return jax.lax.complex(*diffrax.diffeqsolve(terms, solver, 0.0, end, STEP, start, **told).ys[0])

    return jax.jit(solve)


def with_numpy(task, steps):
    """Our split steps by hand, for limiters without softness, no second harmonic, no noise of the bias."""
    others = task.network.oscillators
    growth, fall = (np.asarray(each) for each in others.gain())
    power, shift, feedback = (np.asarray(each) for each in (others.free_power(), others.nonlinear_shift, others.feedback()))
    size = np.sqrt(2 * np.asarray(others.phase_diffusion()) * STEP)
    detuned, both = np.asarray(others.detuned()), np.asarray(RealProduct.of(task.network.array.weights()).both)
    rng = np.random.default_rng(0)

    def flow(state, seconds):
        square = power * (state.real**2 + state.imag**2)
        ahead = np.log1p(fall * square * (np.expm1(2 * growth * seconds) / growth))
        turn = detuned * seconds + shift * (ahead / (2 * fall) - power * seconds)
        return state * np.exp(growth * seconds - ahead / 2 + 1j * turn)

    def pull(state):
        sent = state / np.abs(state)
        field = np.concatenate([sent.real, sent.imag], axis=-1) @ both
        return feedback * (field[:, :SIZE] + 1j * field[:, SIZE:])

    def solve(cues):
        state = flow(cues, STEP / 2)
        for _ in range(steps):
            state = state + STEP * pull(state + STEP / 2 * pull(state))
            if size.any():
                state = state + size * (rng.normal(size=state.shape) + 1j * rng.normal(size=state.shape))
            state = flow(state, STEP)
        return flow(state, -STEP / 2)

    return lambda cues: solve(np.asarray(cues))


def timed(function, *args):
    """(compilation in s, median in ms, result)."""
    last = []

    def kept():
        last[:] = [function(*args)]
        return last[0]

    first, ms = median_ms(kept, budget=RUNS)
    return max(first - ms / 1e3, 0.0), ms, last[0]


def deviations(theirs, ours):
    """Squares of the errors of each cue: the mean of their difference in its standard errors; None for one cue."""
    away = np.asarray(theirs) ** 2 - np.asarray(ours) ** 2
    return float(away.mean() / (away.std(ddof=1) / np.sqrt(away.size))) if away.size > 1 else None


def recall_rows(cues, number, told, bar):
    """One `Task`: the floor, ours, and the same elsewhere."""
    task, short = draw(cues, number), told.short
    quiet, scale = task.quiet(), told.steps / short
    compile_s, floor, _ = timed(products(task, short), task.cues)
    floor *= scale
    yield cues, number, "two products", short, floor, compile_s, None, None, None, None, None

    compile_s, ours, found = timed(task.recall, told.steps)
    errors = found.errors[:, short // FRAME]
    yield cues, number, "recall", told.steps, ours, compile_s, ours / floor, None, None, rms(errors), None
    ran = short if cues >= MANY else told.steps
    compile_s, still, found = timed(quiet.recall, ran)
    still, ends = still * told.steps / ran, found if ran == short else quiet.recall(short)
    error = rms(ends.errors[:, -1])
    yield cues, number, "recall, no noise", ran, still, compile_s, still / floor, None, None, error, None

    ways = {"diffrax Heun, fresh": with_diffrax(task, short, diffrax.Heun())}
    if number == 64:
        ways["diffrax EulerHeun, fresh"] = with_diffrax(task, short, diffrax.EulerHeun())
        ways["diffrax Heun, tree"] = with_diffrax(task, short, diffrax.Heun(), tree=True)
        ways["NumPy"] = with_numpy(task, short)
    for name, way in ways.items():
        compile_s, theirs, states = timed(way, task.cues)
        theirs, each = theirs * scale, phase_error(jnp.asarray(states), task.targets)
        compiled, limit = (None, None) if name == "NumPy" else (compile_s, bar)
        ratios = theirs / floor, theirs / ours
        yield cues, number, name, short, theirs, compiled, *ratios, limit, rms(each), deviations(each, errors)
    if number == 64:
        _, theirs, states = timed(with_numpy(quiet, short), task.cues)
        theirs, error = theirs * scale, rms(phase_error(jnp.asarray(states), task.targets))
        off = float(np.max(np.abs(states / np.abs(states) - ends.states)))
        yield cues, 64, "NumPy, no noise", short, theirs, None, theirs / floor, theirs / still, None, error, off


def spin_rows(every=20):
    """Time per step and spin of RK4, and the frequency found."""
    per_step = lambda ms: 1e3 * ms / SPIN_STEPS
    spins = {1: perpendicular(), 256: perpendicular(resistance=np.full(256, 1e3))}
    times = {}
    for count, spin in spins.items():
        current = ZETA * auto_oscillation(spin).threshold_current
        ours = lambda: run(spin, current, duration=SPIN_STEPS * SPIN_STEP, step=SPIN_STEP, every=every)
        compile_s, ms = median_ms(ours, budget=RUNS)
        times[count] = per_step(ms) / count
        hertz = float(np.mean(late_frequency(*ours())))
        yield count, "transient", SPIN_STEPS, times[count], compile_s, times[count] / times[1], f"{hertz / 1e9:.4f}"
    try:
        from tests.magnetic.cmtj_runs import precession
    except ImportError:
        yield 1, "cmtj", None, None, None, None, "not installed"
        return
    way = lambda: precession(ZETA, duration=SPIN_STEPS * SPIN_STEP, step=SPIN_STEP, every=every)
    _, ms = median_ms(way, budget=RUNS)
    hertz = late_frequency(*way())
    yield 1, "cmtj", SPIN_STEPS, per_step(ms), None, per_step(ms) / times[1], f"{hertz / 1e9:.4f}"


def late_frequency(time, m):
    """Hz over the second half."""
    late = len(m) // 2
    return frequency(time[late:], m[late:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cues", default="1,64")
    parser.add_argument("--steps", default=5000, type=int)
    parser.add_argument("--short", default=250, type=int)
    told = parser.parse_args()
    if told.steps % FRAME or told.short % FRAME or not FRAME <= told.short <= told.steps:
        parser.error(f"--steps and --short must be multiples of {FRAME}, --short at most --steps")
    batches, rows = [int(count) for count in told.cues.split(",")], []
    for cues in batches:
        for number in (64, 32):
            bar = BAR if cues == max(batches) else None
            rows.extend(shown(row) for row in recall_rows(cues, number, told, bar))
            print(f"{cues} cues, {number} bits done", file=sys.stderr)
    title = (
        f"One thread, {platform.machine()}, Python {platform.python_version()}, JAX {jax.__version__}, "
        f"diffrax {diffrax.__version__}, NumPy {np.__version__}, {told.steps} steps; load {os.getloadavg()[0]:.1f}"
    )
    print_table(HEADER, rows, title)
    print_table(SPIN_HEADER, [shown(row) for row in spin_rows()], f"Macrospins, 64 bits, RK4; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
