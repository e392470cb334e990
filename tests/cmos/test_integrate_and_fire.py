"""The leaky integrate-and-fire neuron at a step so small that its frequency is that of the closed form."""

import jax
import jax.numpy as jnp
import numpy as np

from devsim.devices.spiking import IntegrateAndFire

LEAK, CAPACITANCE, REFRACTORY, RESET = 1e-10, 1e-12, 2e-3, -0.1
NEURON = IntegrateAndFire(
    np.ones(4), capacitance=CAPACITANCE, leak_conductance=LEAK, reset_potential=RESET, refractory_time=REFRACTORY
)
DRIVES = np.array([1.1, 1.5, 3.0, 10.0]) * LEAK


def test_the_frequency_is_that_of_the_closed_form():
    end = DRIVES / LEAK
    interval = REFRACTORY + CAPACITANCE / LEAK * np.log((end - RESET) / (end - 1.0))
    steps = 1.5e-5 * interval  # each lane its own; the grid and explicit Euler stretch an interval by three steps at most

    @jax.jit
    def gaps(told):
        def forward(carry, k):
            x, last, gap = carry
            static = NEURON.balance(0.0, {"input": told}, x).static
            x = x | {"membrane": x["membrane"] - steps * static["membrane"] / CAPACITANCE, "countdown": x["countdown"] - steps}
            event = NEURON.event(x)
            gap, last = jnp.where(event > 0.5, k - last, gap), jnp.where(event > 0.5, k, last)
            return (x | NEURON.jump(0.0, {"input": told}, x), last, gap), None

        start = {name: unknown.value for name, unknown in NEURON.rest().items()}
        zero = jnp.zeros(4)
        return jax.lax.scan(forward, (start, zero, zero), jnp.arange(160_000))[0][2]

    np.testing.assert_allclose(1 / (np.asarray(gaps(jnp.asarray(DRIVES))) * steps), 1 / interval, rtol=1e-4)
