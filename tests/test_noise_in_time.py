"""Noise in time: its power, its colour, its independence of the step, and whose key draws it."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from devsim.analyses.transient import transient
from devsim.circuit import Circuit
from devsim.compile import plan_of
from devsim.devices.photonic import Laser
from devsim.noise import NoiseSources
from devsim.parameter import parameter
from devsim.part import Element
from devsim.physics import BOLTZMANN
from devsim.ports import Balance, Noise, Stated, Unknown, ageless, signal_out
from devsim.stepping.noise_path import NoisePath
from tests.test_transient import PENDULUM, PUSH, low_pass

DIES, DRAWS = 96, 256


@pytest.fixture(scope="module")
def thermal():
    """Voltages of low passes of 1 nF at rest, (dies, times): of resistances (ohm), at steps of 0.5 us, from keys."""
    run = lambda circuit, key: transient(circuit, {"drive": 0.0}, duration=DRAWS * 5e-7, step=5e-7, key=key)["out"]
    vectorised = jax.jit(jax.vmap(lambda r, key: run(low_pass().set("r.resistance", r), key)))
    return lambda resistances, keys: np.asarray(vectorised(jnp.asarray(resistances), keys))


@pytest.mark.parametrize("resistance", [250.0, 1e3])
def test_a_low_pass_has_the_noise_kt_over_c(thermal, resistance):
    """Five standard errors of the variance of a sequence with the correlation a^n, a = (1 - h/2RC) / (1 + h/2RC)."""
    half = 5e-7 / (2 * resistance * 1e-9)
    a = (1 - half) / (1 + half)
    values = thermal(np.full(DIES, resistance), jax.random.split(jax.random.key(7), DIES))[:, 32:]
    bound = 5 * np.sqrt(2 / values.size * (1 + a**2) / (1 - a**2))
    assert bound < 0.1
    assert values.var() == pytest.approx(BOLTZMANN * 300 / 1e-9, rel=bound, abs=0)


def test_a_die_draws_the_same_noise_alone_and_halving_the_step_keeps_it(thermal):
    """The charge that the noise brings in one step is that of the two halves of the step, to Newton's tolerance."""
    keys = jax.random.split(jax.random.key(8), DIES)
    alone = {k: transient(low_pass(), {"drive": 0.0}, duration=DRAWS * 5e-7, step=5e-7 / k, key=keys[3]) for k in (1, 2)}
    coarse, fine = (np.asarray(alone[k]["out"]) for k in (1, 2))
    np.testing.assert_allclose(coarse, thermal(np.full(DIES, 1e3), keys)[3], rtol=0, atol=1e-12 * np.abs(coarse).max())
    brought = lambda v, h: 1e-9 * np.diff(v) + h / 1e3 * (v[1:] + v[:-1]) / 2
    halves = brought(fine, 2.5e-7)
    np.testing.assert_allclose(brought(coarse, 5e-7), halves[::2] + halves[1::2], rtol=0, atol=1e-9 * np.abs(halves).max())


def test_the_phase_of_a_laser_walks_at_two_pi_linewidths():
    """Var[phase(t)] = 2 pi linewidth t, and a walk through coarse steps meets that through halved ones."""
    circuit = Circuit({"laser": Laser(linewidth=1e5)}, {"o": ("laser.out",)}, outputs={"o": "o"})

    def walk(key, k):
        return transient(circuit, duration=1e-6, step=1e-6 / (16 * k), every=k, key=key, keep=("laser.phase", "o"))

    keys = jax.random.split(jax.random.key(9), 2000)
    phases = np.asarray(jax.jit(jax.vmap(lambda key: walk(key, 1)["laser.phase"]))(keys))
    for time in (4, 16):
        wanted = 2 * np.pi * 1e5 * time / 16 * 1e-6
        assert phases[:, time].var() == pytest.approx(wanted, rel=5 * np.sqrt(2 / len(keys)), abs=0)
    halved = walk(keys[5], 2)
    np.testing.assert_allclose(halved["laser.phase"], phases[5], rtol=0, atol=1e-14)
    np.testing.assert_allclose(halved["o"], np.sqrt(1e-3) * np.exp(1j * phases[5]), rtol=1e-13)


def test_noise_in_a_nonlinear_state_converges_as_the_step_is_halved():
    """Additive noise: the paths of Heun's scheme differ by the order of the step."""
    agitated = PENDULUM.set("p.agitation", 0.5)
    key = jax.random.key(4)
    ends = [transient(agitated, {"drive": PUSH}, duration=4.0, step=1 / (16 * k), every=k, key=key)["y"] for k in (1, 2, 4)]
    first, second = (np.sqrt(np.mean((np.asarray(a) - np.asarray(b)) ** 2)) for a, b in itertools.pairwise(ends))
    assert 1.5 < first / second < 5  # one order at least; where the drift dominates, two
    quiet = transient(PENDULUM, {"drive": PUSH}, duration=4.0, step=1 / 16)["y"]
    assert np.abs(np.asarray(ends[0]) - quiet).max() > 100 * first


class Hiss(Element):
    """A signal that is nothing but noise of one colour, of density one at its corner."""

    level: Array = parameter(1.0, unit="1/Hz", doc="density at the corner")
    corner: float = eqx.field(static=True, default=1.0)
    colour: str = eqx.field(static=True, default="white")
    age = ageless

    def ports(self):
        return {"out": signal_out()}

    def rest(self):
        return {"value": Unknown(jnp.zeros(()))}

    def balance(self, t, p, x):
        return Balance({"out": x["value"]}, stated={"value": Stated(jnp.zeros(()))})

    def noise(self, p, x):
        return {"hiss": Noise(self.level, ("value",), self.colour, self.corner)}


def densities(colour, corner, samples=1024, runs=256):
    """The one-sided density of `samples` values 1 s apart, averaged over runs: (frequencies, densities)."""
    circuit = Circuit({"h": Hiss(2.0, corner, colour)}, {"y": ("h.out",)}, outputs={"y": "y"})
    run = lambda key: transient(circuit, duration=float(samples), step=1.0, key=key)["y"]
    values = np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(12), runs)))[:, 1:]
    return np.fft.rfftfreq(samples), 2 / samples * np.mean(np.abs(np.fft.rfft(values)) ** 2, axis=0)


def white(frequency, corner):
    return np.full(frequency.shape, 2.0)


def telegraph(frequency, corner):
    """A Lorentzian, sampled: a first-order recursion with a = exp(-2 pi corner)."""
    a, variance = np.exp(-2 * np.pi * corner), 2.0 * np.pi / 2 * corner
    return 2 * variance * (1 - a**2) / (1 - 2 * a * np.cos(2 * np.pi * frequency) + a**2)


def flicker(frequency, corner):
    return 2.0 * corner / frequency


def processes(steps, step):
    """The Ornstein-Uhlenbeck processes of a telegraph and of a flicker source at the end of every step."""
    parts = {"t": Hiss(2.0, 0.3, "telegraph"), "f": Hiss(2.0, 0.3, "flicker")}
    circuit = Circuit(parts, {"y": ("t.out",), "z": ("f.out",)}, outputs={"y": "y", "z": "z"})
    path = NoisePath(NoiseSources(plan_of(circuit, "explicit")), jax.random.key(3), steps, jnp.asarray(step))

    def advance(state, n):
        state = path.advance(state, n)[0]
        return state, state.poles

    return [np.asarray(pole)[..., 0] for pole in jax.jit(lambda: jax.lax.scan(advance, path.start(), jnp.arange(steps)))()[1]]


def test_halving_the_step_keeps_coloured_processes_where_they_are():
    """At the times in common; 1/f has one more process, quicker than all others, at the shorter step."""
    for coarse, fine in zip(processes(24, 0.5), processes(48, 0.25), strict=True):
        assert np.std(coarse) > 0.3
        np.testing.assert_allclose(fine[1::2, : coarse.shape[1]], coarse, rtol=0, atol=1e-13)


class Growth(Element):
    """dx/dt = strength x (noise of density 2): multiplicative noise, a signal of its own level."""

    strength: Array = parameter(0.7, unit="1/s^0.5", doc="noise relative to the level")
    age = ageless

    def ports(self):
        return {"out": signal_out()}

    def rest(self):
        return {"level": Unknown(jnp.ones(()))}

    def balance(self, t, p, x):
        return Balance({"out": x["level"], "level": jnp.zeros(())}, {"level": x["level"]})

    def noise(self, p, x):
        return {"growth": Noise(2 * (self.strength * x["level"]) ** 2, ("level",))}


def test_multiplicative_noise_is_that_of_ito():
    """dx = s x dW has mean 1 and E[x^2] = (1 + s^2 h)^N = about exp(s^2 t); in Stratonovich's sense its mean would be
    exp(s^2 t / 2) = 1.28."""
    circuit = Circuit({"g": Growth()}, {"x": ("g.out",)}, outputs={"x": "x"})
    run = lambda key: transient(circuit, duration=1.0, step=1 / 16, every=16, key=key, method="heun")["x"][-1]
    ends = np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(14), 2000)))
    error = np.sqrt(((1 + 0.49 / 16) ** 16 - 1) / 2000)
    assert 5 * error < 0.1
    assert ends.mean() == pytest.approx(1.0, abs=5 * error)


@pytest.mark.parametrize(
    ("law", "slack"), [(white, 0.0), (telegraph, 0.01), (flicker, 0.05)], ids=lambda x: getattr(x, "__name__", "")
)
def test_a_source_has_the_density_of_its_colour(law, slack):
    """Octave by octave within five standard errors of the mean of so many exponential draws; the slack is what a window
    without taper leaks and, for 1/f, what sampling folds back and a sum of Lorentzians leaves as a ripple."""
    frequency, found = densities(law.__name__, 0.02)
    for low in (8, 16, 32):
        octave = slice(low, 2 * low)
        share = np.mean(found[octave] / law(frequency[octave], 0.02))
        assert share == pytest.approx(1.0, abs=5 / np.sqrt(256 * low) + slack)
