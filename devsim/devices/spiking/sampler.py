"""`SamplerNeuron`: a neuron whose noise draws samples."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError, above
from devsim.devices.spiking.countdown import restarted, waiting
from devsim.devices.spiking.neuron import IntegrateAndFire
from devsim.parameter import parameter
from devsim.part import Element
from devsim.ports import Balance, Noise, Unknown, signal_out
from devsim.randomness import numbered_keys


def _fast() -> IntegrateAndFire:
    return IntegrateAndFire(1.0, leak_conductance=1e-8, reset_potential=0.9, refractory_time=10e-3)


class SamplerNeuron(Element):
    """Integrate-and-fire neurons in a bath of noise, each a random variable z that is 1 while the neuron is refractory.

    Equations: those of the `IntegrateAndFire` inside, whose input is the current told and a noise current i_n,
      tau_n di_n/dt = -i_n + white noise, of the variance (g sigma)^2 (1 + C / (g tau_n)): without events the membrane has the
      standard deviation sigma. z = 1 for the refractory time after an event.
      With a membrane and a refractory time far shorter than tau_n, p(z = 1) = Phi((u - v_th) / sigma) for a mean membrane u, of
      1/2 at the threshold; for a refractory time near tau_n it is nearly 1 / (1 + exp(-(u - u_0) / alpha)), as `calibrated`.
    Source: Petrovici, Bill, Bytschkow, Schemmel and Meier, Phys. Rev. E 94, 042312 (2016).
    Valid: as the neuron inside; a reset near the threshold and C / g far below tau_n, the state of high conductance.
    """

    neuron: IntegrateAndFire = eqx.field(default_factory=_fast)
    noise_time: Array = parameter(10e-3, unit="s", bounds=above(0), doc="tau_n, correlation time of the noise current")
    membrane_deviation: Array = parameter(
        0.1, unit="V", bounds=(0, None), stage="read", doc="sigma, standard deviation of a membrane that does not fire"
    )

    def __check_init__(self):
        check.instance("neuron", self.neuron, IntegrateAndFire)

    def ports(self):
        """Those of the neuron, and `state`, the z as a signal."""
        return self.neuron.ports() | {"state": signal_out(self.neuron.threshold.shape)}

    def age(self, seconds, temperature, key):
        """The neuron's."""
        return eqx.tree_at(lambda part: part.neuron, self, self.neuron.age(seconds, temperature, key))

    def rest(self):
        """The neuron's, and the noise current (A)."""
        return self.neuron.rest() | {"noise_current": Unknown(jnp.zeros_like(self.neuron.threshold), 1e-9)}

    def noise_deviation(self) -> Array:
        """Standard deviation of the noise current, A."""
        leak = self.neuron.leak_conductance
        return leak * self.membrane_deviation * jnp.sqrt(1 + self.neuron.capacitance / (leak * self.noise_time))

    def state(self, x: dict[str, Array]) -> Array:
        """z, 1.0 or 0.0."""
        return jnp.where(waiting(x["countdown"], self.neuron.refractory_time), 1.0, 0.0)

    def balance(self, t, p, x):
        """The neuron's, with the noise current into it."""
        noisy, own = x["noise_current"], {n: v for n, v in x.items() if n != "noise_current"}
        inside = self.neuron.balance(t, p | {"input": p["input"] + noisy}, own)
        static = {"noise_current": noisy / self.noise_time, "state": self.state(x)}
        return Balance(dict(inside.static) | static, dict(inside.stored) | {"noise_current": noisy})

    def jump(self, t, p, x):
        """The neuron's."""
        return self.neuron.jump(t, p, x)

    def noise(self, p, x):
        """What drives the noise current, beside the noise of the neuron."""
        density = jnp.broadcast_to(4 * self.noise_deviation() ** 2 / self.noise_time, self.neuron.threshold.shape)
        return self.neuron.noise(p, x) | {"bath": Noise(density, ("noise_current",))}

    def advance(self, state: dict[str, Array], drive: Array, normal: Array, seconds: Array) -> tuple[dict, Array]:
        """The state after a step under a constant current `drive` (A) and one standard `normal` draw, and its events.

        The noise current is exact in law at any step, the membrane exact for its mean over the step; events are on the grid.
        The white noise of the neuron inside takes no part. state: as `rest`, with any axes in front, as drive and draws.
        """
        neuron, kept = self.neuron, jnp.exp(-seconds / self.noise_time)
        noisy = state["noise_current"] * kept + self.noise_deviation() * jnp.sqrt(1 - kept**2) * normal
        aim = neuron.resting_potential + (drive + 0.5 * (state["noise_current"] + noisy)) / neuron.leak_conductance
        stays = jnp.exp(-seconds * neuron.leak_conductance / neuron.capacitance)
        held = waiting(state["countdown"], neuron.refractory_time)
        membrane = jnp.where(held, state["membrane"], aim + (state["membrane"] - aim) * stays)
        countdown = state["countdown"] - seconds
        event = neuron.event({"membrane": membrane, "countdown": countdown})
        after = {
            "membrane": jnp.where(event > 0.5, neuron.reset_potential, membrane),
            "countdown": restarted(countdown, event, neuron.refractory_time),
            "noise_current": noisy,
        }
        return after, event

    def occupancy(self, drive: Array, *, steps: int, step: float, key: Key[Array, ""]) -> Array:
        """The share of `steps` steps of `step` (s) that each neuron spends at z = 1 under a constant current `drive` (A)."""
        check.whole("steps", steps, 1)
        shape = jnp.broadcast_shapes(jnp.shape(drive), self.neuron.threshold.shape)
        start = {name: jnp.broadcast_to(unknown.value, shape) for name, unknown in self.rest().items()}
        start["noise_current"] = self.noise_deviation() * jax.random.normal(jax.random.fold_in(key, steps), shape)

        def forward(carry, own):
            state, total = carry
            state, _ = self.advance(state, drive, jax.random.normal(own, shape), step)
            return (state, total + self.state(state)), None

        (_, total), _ = jax.lax.scan(forward, (start, jnp.zeros(shape)), numbered_keys(key, steps))
        return total / steps


def calibrated(means: Array, shares: Array) -> tuple[Array, Array]:
    """The u_0 and alpha (V) of p = 1 / (1 + exp(-(u - u_0) / alpha)) nearest to `shares` of time at mean membranes `means` (V).

    Least squares of ln(p / (1 - p)), each point with the weight p (1 - p) that the variance of a share gives it. Raises
    InputError where fewer than two shares are between 0 and 1.
    """
    means, shares = jnp.asarray(means), jnp.asarray(shares)
    inside = (shares > 0) & (shares < 1)
    if check.is_concrete(shares) and int(inside.sum()) < 2:
        raise InputError("`shares` must have two values or more between 0 and 1, where a logistic can be told from a step.")
    weight = jnp.where(inside, shares * (1 - shares), 0.0)
    logit = jnp.log(jnp.where(inside, shares, 0.5)) - jnp.log1p(-jnp.where(inside, shares, 0.5))
    mean = lambda values: jnp.sum(weight * values) / jnp.sum(weight)
    slope = mean((means - mean(means)) * logit) / mean((means - mean(means)) ** 2)
    return mean(means) - mean(logit) / slope, 1 / slope
