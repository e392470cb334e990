"""Adaptive steps: they see every pulse, keep their tolerance, have derivatives, and say what they cannot do."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.transient import transient
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.devices.converters import SampleAndHold
from devsim.parameter import parameter
from devsim.part import Element
from devsim.ports import Balance, Unknown, ageless, quiet, signal_out
from devsim.waveform import Pulse

TAU, STEP, STEPS, WIDTH = 1e-4, 1e-5, 1000, 2e-5

TRACKER = Circuit(
    {"hold": SampleAndHold(0.0, acquisition_time=TAU)},
    {"in": ("hold.input",), "track": ("hold.track",), "out": ("hold.out",)},
    inputs={"in": "in", "track": "track"},
    outputs={"out": "out"},
)


def tracked(height, tau=TAU, tolerance=None):
    """The lag's answer to a pulse of two steps in the middle of a long rest."""
    pulse = Pulse(0.0, height, delay=STEPS * STEP / 2, width=WIDTH)
    circuit = TRACKER.set("hold.acquisition_time", tau)
    told = {"in": pulse, "track": 1.0}
    return transient(circuit, told, duration=STEPS * STEP, step=STEP, method=diffrax.Tsit5(), tolerance=tolerance)


@pytest.mark.slow
def test_adaptive_steps_do_not_jump_over_a_pulse_and_have_its_derivatives():
    """1 - exp(-w / tau) at the end of the pulse, exp(-t / tau) of it later; central differences of the closed form.

    Every step may add its tolerance of 1e-8.
    """
    run = jax.jit(lambda height, tau: tracked(height, tau)["out"])
    end = STEPS // 2 + round(WIDTH / STEP)
    height = lambda tau: -np.expm1(-WIDTH / tau)
    out = np.asarray(run(2.0, TAU))
    later = np.arange(STEPS + 1 - end) * STEP
    np.testing.assert_allclose(out[end:], 2.0 * height(TAU) * np.exp(-later / TAU), rtol=0, atol=STEPS * 1e-8)
    np.testing.assert_allclose(out[: STEPS // 2 + 1], 0.0, atol=1e-12)
    slopes = jax.jit(jax.grad(lambda height, tau: tracked(height, tau)["out"][end], argnums=(0, 1)))(2.0, TAU)
    small = 1e-4 * TAU
    assert float(slopes[0]) == pytest.approx(height(TAU), rel=STEPS * 1e-8)
    assert float(slopes[1]) == pytest.approx((height(TAU + small) - height(TAU - small)) / small, rel=STEPS * 1e-8)


class Explosion(Element):
    """dx/dt = 1 + x^2: tan t, which is infinite at pi / 2."""

    rate: jax.Array = parameter(1.0, unit="1/s", doc="speed")
    age, noise = ageless, quiet

    def ports(self):
        return {"out": signal_out()}

    def rest(self):
        return {"x": Unknown(jnp.zeros(()))}

    def balance(self, t, p, x):
        return Balance({"out": x["x"], "x": -self.rate * (1 + x["x"] ** 2)}, {"x": x["x"]})


def test_adaptive_steps_that_fail_say_when_and_what_helps():
    circuit = Circuit({"e": Explosion()}, {"out": ("e.out",)}, outputs={"out": "out"})
    with pytest.raises(SolveError, match=r"The transient failed: .* at t = 1\.\d+ s; give a larger `tolerance`") as caught:
        transient(circuit, duration=2.0, step=0.125, method=diffrax.Tsit5(), tolerance=1e-6)
    found = caught.value.solution
    assert found is not None
    np.testing.assert_allclose(found["out"][:13], np.tan(0.125 * np.arange(13)), rtol=1e-4)


@pytest.mark.parametrize(
    ("tolerance", "method", "words"),
    [
        (1e-6, None, r"`tolerance` must be given to adaptive steps only"),
        (0.0, diffrax.Tsit5(), r"`tolerance` must be a number between 0 and 1, but is 0.0"),
        ("fine", diffrax.Tsit5(), r"`tolerance` must be a number between 0 and 1, but is 'fine'"),
    ],
)
def test_a_tolerance_is_a_number_for_adaptive_steps(tolerance, method, words):
    with pytest.raises(InputError, match=words):
        transient(TRACKER, {"in": 0.0, "track": 1.0}, duration=1e-4, step=1e-5, method=method, tolerance=tolerance)
