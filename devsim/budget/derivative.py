"""The derivative of a metric with respect to each imperfection: by gradient where it can be trusted, else by differences."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim.budget.trials import Trials, with_interval
from devsim.compare import one_die
from devsim.engine import CHUNK, for_each
from devsim.randomness import named_key, numbered_keys

STEP = 0.25
"""Of a difference, as a share of the distance from ideal: wide enough that a mean over dies moves, also where each die
answers in jumps."""
AGREES = 0.1
"""A gradient counts where it is off the difference by at most this share, root mean square over dies."""
GRADIENT, DIFFERENCE = "gradient", "difference"


@dataclasses.dataclass(frozen=True)
class Derivatives:
    """Derivatives (imperfections, 3), each with its 95 % interval over dies, per unit of the imperfection.

    value: the one that counts, by `method`. gradient: by automatic differentiation, NaN where there is none; of the first few
    dies only, where none of these counts.
    difference: by common random numbers. method: `gradient` or `difference`.
    """

    value: np.ndarray
    gradient: np.ndarray
    difference: np.ndarray
    method: list[str]


def step_scales(trials: Trials) -> np.ndarray:
    """Scales (4 imperfections, imperfections): each two steps aside, others as they are; towards ideal only at a bound."""
    count = len(trials.paths)
    scales = np.ones((count, 4, count))
    for i, sides in enumerate(_sides(trials)):
        scales[i, :, i] += STEP * np.array(sides)
    return scales.reshape(4 * count, count)


def derivatives(trials: Trials, whole: np.ndarray, stepped: np.ndarray) -> Derivatives:
    """From the metric of the whole chip (dies,) and at `step_scales` (4 imperfections, dies).

    The difference is the central one at a step of a quarter of the distance from ideal, or of second order towards ideal
    where a bound is nearer than that step. A gradient (forward mode through build and measure, the draws held) is believed
    only where it agrees, die by die, with the difference extrapolated to a vanishing step (Richardson, Phil. Trans. R. Soc. A
    210, 307 (1911)): straight-through quantisers and shares of successes have gradients that are zero or of something else.
    """
    difference, limit = _differences(trials, whole, stepped)
    gradient = _gradients(trials, limit)
    if gradient is None:
        counts, gradient = np.zeros(len(trials.paths), bool), np.full_like(difference, np.nan)
    else:
        counts = _agree(gradient, limit[:, : gradient.shape[1]])
    per_unit = trials.deviation[:, None]
    tables = [with_interval(table / per_unit) for table in (gradient, difference)]
    value = np.where(counts[:, None], *tables)
    return Derivatives(value, tables[0], tables[1], [GRADIENT if yes else DIFFERENCE for yes in counts])


def _sides(trials: Trials) -> list[tuple[float, float, float, float]]:
    """The four steps of each imperfection, in units of STEP."""
    return [(1, -1, 0.5, -0.5) if most >= 1 + STEP else (-1, -0.5, -1, -0.5) for most in trials.most]


def _differences(trials: Trials, whole: np.ndarray, stepped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per scale (imperfections, dies): the difference that is told, and its limit of a vanishing step."""
    a, b, c, d = stepped.reshape(-1, 4, len(whole)).swapaxes(0, 1)
    wide, narrow = (a - b) / (2 * STEP), (c - d) / STEP
    central = (trials.most >= 1 + STEP)[:, None]
    one_sided = (3 * whole - 4 * b + a) / STEP
    return np.where(central, wide, one_sided), np.where(central, (4 * narrow - wide) / 3, one_sided)


def _agree(gradient: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """True for the imperfections whose gradients (imperfections, dies) are those of the differences."""
    size = np.sqrt(np.mean(limit**2, axis=1))
    off = np.sqrt(np.mean((gradient - limit) ** 2, axis=1))
    return np.isfinite(off) & (size > 0) & (off <= AGREES * size)


class _Slopes(eqx.Module):
    """The derivatives (imperfections,) of one die's metric with respect to each scale."""

    paths: tuple[str, ...] = eqx.field(static=True)
    metric: str = eqx.field(static=True)
    forward: bool = eqx.field(static=True)

    def __call__(self, shared: tuple, key: Key[Array, ""]) -> Array:
        chip, task = shared
        ideal = {path: chip.entry(path).quantity.ideal for path in self.paths}

        def of(scales: Array) -> Array:
            scaled = chip
            for i, path in enumerate(self.paths):
                value = chip.get(path)
                scaled = scaled.set(path, value + (scales[i] - 1) * (value - ideal[path]))
            return jnp.asarray(one_die((scaled, task), key)[self.metric], float)

        ones = jnp.ones(len(self.paths))
        if not self.forward:
            return jax.grad(of)(ones)
        return jax.lax.map(lambda along: jax.jvp(of, (ones,), (along,))[1], jnp.eye(len(self.paths)))


def _gradients(trials: Trials, limit: np.ndarray) -> np.ndarray | None:
    """Gradients (imperfections, dies) per scale, of few dies where these show that none counts; None where there are none."""
    keys = numbered_keys(named_key(trials.key, "dies"), trials.dies)
    for forward in (True, False):  # forward keeps no past of a long transient; what defines only its transpose needs the other
        slopes = _Slopes(tuple(trials.paths), trials.metric, forward)
        ask = lambda some, slopes=slopes: for_each(slopes, (trials.chip, trials.task), some).T
        try:
            first = ask(keys[:CHUNK])
        except (TypeError, ValueError, NotImplementedError):  # how JAX says that something has no derivative
            continue
        if trials.dies <= CHUNK or not _agree(first, limit[:, :CHUNK]).any():
            return first
        return np.concatenate([first, ask(keys[CHUNK:])], axis=1)
    return None
