"""32-bit numbers: every analysis of a small circuit, in a process of its own."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp, numpy as np
from devsim import Circuit, noise_spectrum, operating_point, small_signal, transient
from devsim.devices.converters import SampleAndHold
from devsim.devices.electrical import Capacitor, Resistor, VoltageSource
from devsim.physics import BOLTZMANN

R, C = 1e3, 1e-9
circuit = Circuit(
    {"v": VoltageSource(1.0), "r": Resistor(R), "load": Resistor(3 * R), "c": Capacitor(C)},
    {"in": ("v.plus", "r.a"), "out": ("r.b", "load.a", "c.a"), "gnd": ("v.minus", "load.b", "c.b")},
)
close = lambda found, wanted, rtol: np.testing.assert_allclose(np.asarray(found, float), wanted, rtol=rtol)
point = operating_point(circuit)
assert point["out"].dtype == jnp.float32
close(point["out"], 0.75, 1e-6)
close(point.current("v.plus"), -0.25 / R, 1e-5)

frequency = np.geomspace(1e3, 1e9, 121)
gain = small_signal(circuit, source="v.voltage", frequency=frequency)["out"]
assert gain.dtype == jnp.complex64
np.testing.assert_allclose(gain, 0.75 / (1 + 2j * np.pi * frequency * 0.75 * R * C), rtol=1e-5)

wide = np.geomspace(1e0, 1e11, 441)
heard = noise_spectrum(circuit, output="out", frequency=wide)
close(heard.integrated(), BOLTZMANN * 300 / C, 1e-4)  # what lies below and above the row holds 1e-5

step, draws = 5e-7, 512
seen = transient(circuit, duration=draws * step, step=step, key=jax.random.key(1), initial={"out": 0.75})["out"]
assert seen.dtype == jnp.float32
low = (1 - step / (1.5 * R * C)) / (1 + step / (1.5 * R * C))
bound = 5 * np.sqrt(2 / draws * (1 + low**2) / (1 - low**2))
told = np.asarray(seen, float)[1:]
close(told.mean(), 0.75, 1e-4)
close(told.var(), BOLTZMANN * 300 / C, bound)  # five standard errors of a sequence with the correlation low^n
held = Circuit(
    {"hold": SampleAndHold(0.0, acquisition_time=1e-6, domain="signal")},
    {"in": ("hold.input",), "track": ("hold.track",), "out": ("hold.out",)},
    inputs={"in": "in", "track": "track"},
    outputs={"out": "out"},
)
tracked = transient(held, {"in": 1.0, "track": 1.0}, duration=5e-6, step=5e-8)
assert tracked.method == "split"
close(tracked["out"][1:], -np.expm1(-np.arange(1, 101) * 5e-8 / 1e-6), 1e-3)

from devsim.devices.delay import DelayChains
from devsim.devices.magnetic import AutoOscillator, PhaseOscillator
from devsim.learning import OscillatorNetwork, scramble
patterns = jnp.exp(2j * jnp.pi * jax.random.uniform(jax.random.key(2), (2, 24)))
cues = scramble(patterns, 0.3, jax.random.key(3))
for kind in (AutoOscillator, PhaseOscillator):
    for linewidth in (0.0, 1e4):
        memory = OscillatorNetwork(kind.of(24, linewidth=linewidth), DelayChains.of(24, 24)).store(patterns, jax.random.key(4))
        recalled = memory.recall(cues, 4e-6, jax.random.key(5), targets=patterns)
        assert recalled.states.dtype == jnp.complex64 and recalled.errors.dtype == jnp.float32
        assert float(jnp.max(recalled.errors[:, -1])) < (0.02 if linewidth else 1e-4)
"""


@pytest.mark.slow
def test_single_precision_runs_every_analysis_without_a_warning():
    """Tolerances are those of 24 bits, 6e-8, times the number of roundings; integrals are of closed forms."""
    told = os.environ | {"JAX_ENABLE_X64": "0", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=told, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not done.stderr
