"""How a wanted change of weights becomes a change of settings: strategies.

A proposal wants the answers to its inputs `pre` to move along its `post`. What it gains is
J(settings) = sum_k weight_k Re(post_k* answer(pre_k)), whose gradient, for an array that is linear in its inputs, is that of
the weights contracted with the wanted change.
"""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import above
from devsim.devices.mesh.tunable import Tunable
from devsim.devices.synaptic_array import Proposal
from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless
from devsim.randomness import named_key, numbered_keys

SCALES = 0.5 ** np.arange(6)
"""The shares of a step that a search along it tries."""


class Steering(Part):
    """A strategy."""

    age = ageless

    def ports(self):
        """None: a strategy is a procedure."""
        return {}

    @abc.abstractmethod
    def change(self, array: Tunable, proposal: Proposal, key: Key[Array, ""]) -> Array:
        """What to add to the array's settings."""


def gain(answers: Array, proposal: Proposal) -> Array:
    """J of the answers (k, columns) to the proposal's inputs."""
    return jnp.sum(proposal.weight[:, None] * jnp.real(jnp.conj(proposal.post) * answers))


class ChainRule(Steering):
    """Along the gradient, as a model of the chip (with its imperfections) knows it.

    Equations: d settings = dJ / d settings, that is the transposed Jacobian of the weights on the wanted change.
    Source: the chain rule; on a chip from intensities as in Hughes et al., Optica 5, 864 (2018).
    Valid: with settings that the model knows.
    """

    def change(self, array, proposal, key):
        """One vector-Jacobian product."""
        return jax.grad(lambda settings: gain(array.tuned(settings).answer(proposal.pre), proposal))(array.settings())


class Perturbation(Steering):
    """Along random directions, by how much two measurements along each differ.

    Equations: d settings = mean over directions s of s (J(settings + c s) - J(settings - c s)) / (2 c), s of +-1.
    Source: Spall, IEEE Trans. Autom. Control 37, 332 (1992).
    Valid: on any chip, without a model; its mean is the gradient up to c^2, its noise grows with the number of settings.
    """

    step: Array = parameter(0.02, unit="1", bounds=above(0), stage="program", doc="c, in units of the settings")
    directions: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        check.whole("directions", self.directions, 1)

    def change(self, array, proposal, key):
        """Two reads for each direction."""
        settings = array.settings()

        def one(key):
            sign = jax.random.rademacher(named_key(key, "direction"), settings.shape, settings.dtype)
            read = lambda side: array.tuned(settings + side * self.step * sign).read(
                proposal.pre, named_key(key, f"read {side}")
            )
            return sign * (gain(read(1), proposal) - gain(read(-1), proposal)) / (2 * self.step)

        return jnp.mean(jax.vmap(one)(numbered_keys(key, self.directions)), axis=0)


class MeasuredLeastSquares(Steering):
    """The smallest change that brings the measured weights nearest to the wanted ones, in random directions.

    Equations: for random unit directions v_k, X_k = (W(s + h v_k) - W(s - h v_k)) / (2 h); a = argmin |X a - dW|^2 +
    damping |a|^2; s <- s + r V a with that r of 1, 1/2, 1/4, ... whose measured residual is least, if any is less than before;
    repeated for some rounds.
    Source: least-squares optimisation of directional derivatives, arXiv:2401.03564 (2024).
    Valid: on any chip, without a model; W is what one input at a time gives.
    """

    step: Array = parameter(0.02, unit="1", bounds=above(0), stage="program", doc="h, in units of the settings")
    damping: Array = parameter(1e-6, unit="1", bounds=above(0), stage="program", doc="weight of |a|^2 over the mean of X^T X")
    share: float = eqx.field(static=True, default=0.25)
    rounds: int = eqx.field(static=True, default=4)

    def __check_init__(self):
        check.whole("rounds", self.rounds, 1)
        check.within("share", self.share, above(0, 1))

    def change(self, array, proposal, key):
        """Rounds of measuring and solving."""
        settings = array.settings()
        count = max(1, round(self.share * settings.size))
        probe = jnp.eye(array.shape()[0])
        measured = lambda s, key: _real_row(array.tuned(s).read(probe, key))
        start = measured(settings, named_key(key, "start"))
        wanted = start + _real_row(jnp.broadcast_to(proposal.change(), array.shape()), like=array.answer(probe))

        def round_of(carry, key):
            s, now = carry
            v = jax.random.normal(named_key(key, "directions"), (count, s.size), s.dtype)
            v = v / jnp.linalg.norm(v, axis=1, keepdims=True)
            sides = jax.vmap(lambda v, key: measured(s + self.step * v, key) - measured(s - self.step * v, key))
            x = sides(v, numbered_keys(named_key(key, "sides"), count)) / (2 * self.step)
            normal = x @ x.T
            damped = normal + self.damping * jnp.trace(normal) / count * jnp.eye(count, dtype=s.dtype)
            step = jnp.linalg.solve(damped, x @ (wanted - now)) @ v
            tried = jnp.concatenate([s[None], s + SCALES[:, None] * step])
            after = jax.vmap(measured)(tried[1:], numbered_keys(named_key(key, "after"), len(SCALES)))
            seen = jnp.concatenate([now[None], after])
            best = jnp.argmin(jnp.sum((wanted - seen) ** 2, axis=1))
            return (tried[best], seen[best]), None

        (found, _), _ = jax.lax.scan(round_of, (settings, start), numbered_keys(named_key(key, "rounds"), self.rounds))
        return found - settings


def _real_row(values: Array, like: Array | None = None) -> Array:
    """All numbers in one row, real parts before imaginary ones where the array is complex."""
    if jnp.iscomplexobj(values if like is None else like):
        return jnp.concatenate([jnp.real(values).reshape(-1), jnp.imag(values).reshape(-1)])
    return jnp.real(values).reshape(-1)


class PerInterferometer(Steering):
    """The published rule: every interferometer changes by the powers at its own inputs and outputs alone.

    Equations: D = sum_k weight_k y_k x_k^T, x and y the powers at its two inputs and outputs when the mesh is lit with pre_k;
    with h half its inner phase, dh = D00 / cos h - D01 / sin h - D10 / sin h - D11 / cos h.
    Source: simulations of El Srouji et al., arXiv:2208.13144 (2022).
    Valid: as it stands, it divides by the derivative that the chain rule multiplies with, and is singular at h = k pi/2;
    outer phases stay. Only the inputs of a proposal are used.
    """

    floor: Array = parameter(1e-3, unit="1", bounds=above(0), stage="program", doc="least |cos h| and |sin h| divided by")

    def change(self, array, proposal, key):
        """Asks the array for the powers at its interferometers."""
        return array.local_change(proposal, self.floor)
