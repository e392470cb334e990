"""Noise that stays the same when the step is halved.

A white source is a Brownian path, built like Levy's construction: the N = m 2^j steps of a run are m cells (m odd), whose
increments are drawn independently; each is halved j times, the difference of the halves being an independent normal
draw. Halving the step adds a level below and changes none above. Every draw takes a key made of the source's own key, the
level and the place, so that it depends on nothing else.
Coloured noise is a sum of Ornstein-Uhlenbeck processes dx = -a x dt + sqrt(2 a) dW, one per octave for 1/f. What a cell adds
to one, scaled to variance one, is z = (c z1 + z2) / sqrt(1 + c^2) of its halves, c = exp(-a T) with T the length of a half;
so z1 = (c z + y) / sqrt(1 + c^2), z2 = (z - c y) / sqrt(1 + c^2) with an independent draw y: the same tree, in which c = 1
is the Brownian path. The processes therefore pass through the same values at the times that two steps have in common. Over
a step the noise is their value at its end, a little less where they are quicker than the step.
Runs whose numbers of steps do not differ by a power of two draw unrelated noise.
Source: Levy, Processus stochastiques et mouvement brownien (Gauthier-Villars, 1948); coloured noise as a sum of
Ornstein-Uhlenbeck processes: van der Ziel, Physica 16, 359 (1950).
"""

import math
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim.noise import NoiseSources, Source
from devsim.randomness import named_key


class PathState(NamedTuple):
    """levels: (j + 1, n) standard normal increments of the present interval at each level; poles: the coloured states."""

    levels: Array
    poles: list[Array]


class NoisePath:
    """The noise of all sources over a run of `steps` steps of `step` seconds."""

    def __init__(self, sources: NoiseSources, key: Key[Array, ""], steps: int, step: Array):
        self.sources, self.steps, self.step = sources.sources, steps, step
        self.depth = (steps & -steps).bit_length() - 1
        self.poles = [_pole_frequencies(source, steps, step) for source in self.sources]
        self.keys = [_keys(source, key, len(poles)) for source, poles in zip(self.sources, self.poles, strict=True)]
        self.sizes = [keys.shape[0] * keys.shape[1] * s.size for keys, s in zip(self.keys, self.sources, strict=True)]
        self.kept = self._kept()

    def _kept(self) -> Array:
        """What is left of every process after half a cell of each level, (levels, n); one for white noise."""
        rates = [
            jnp.repeat(2 * jnp.pi * frequencies, size // frequencies.size) if frequencies.size else jnp.zeros(size)
            for frequencies, size in zip(self.poles, self.sizes, strict=True)
        ]
        lengths = self.step * 2.0 ** jnp.arange(self.depth, -1, -1)
        return jnp.exp(-lengths[:, None] * jnp.concatenate(rates))

    def start(self, before: PathState | None = None) -> PathState:
        """Before the first step; the coloured processes begin at equilibrium, or where a like run `before` ended."""
        levels = jnp.zeros((self.depth + 1, sum(self.sizes)))
        poles = []
        for source, keys, frequencies in zip(self.sources, self.keys, self.poles, strict=True):
            drawn = _normal(jax.vmap(jax.vmap(lambda key: named_key(key, "start")))(keys), source.size)
            poles.append(drawn if frequencies.size else jnp.zeros((0, 0)))
        if before is not None and [p.shape for p in before.poles] == [p.shape for p in poles]:
            poles = before.poles
        return PathState(levels, poles)

    def advance(self, state: PathState, n: Array) -> tuple[PathState, list[Array]]:
        """Step n: (next state, for every source its value over sqrt(density), each (members, size))."""
        levels = self._levels(state.levels, n)
        units, poles, offset = [], [], 0
        rows = zip(self.sources, self.keys, self.poles, state.poles, self.sizes, strict=True)
        for source, keys, frequencies, pole, size in rows:
            z = levels[-1, offset : offset + size].reshape(*keys.shape, source.size)
            offset += size
            if not frequencies.size:
                units.append(z[0] / jnp.sqrt(2 * self.step))
                poles.append(pole)
                continue
            decay = jnp.exp(-2 * jnp.pi * frequencies * self.step)[:, None, None]
            pole = decay * pole + jnp.sqrt(-jnp.expm1(2 * jnp.log(decay))) * z
            averaged = _averaging(2 * jnp.pi * frequencies * self.step)[:, None, None]
            units.append(jnp.sqrt(_pole_variance(source, frequencies)) * jnp.sum(averaged * pole, axis=0))
            poles.append(pole)
        return PathState(levels, poles), units

    def _levels(self, levels: Array, n: Array) -> Array:
        """The increments of every level at step n: those that change are drawn, from the coarsest down."""
        depth = self.depth
        changing = depth - jnp.minimum(_trailing_zeros(n, depth), depth)

        def draw(level: Array) -> Array:
            place = (n >> (depth - level)) >> jnp.where(level > 0, 1, 0)
            place_key = lambda key: jax.random.fold_in(jax.random.fold_in(key, level), place)
            rows = zip(self.keys, self.sources, strict=True)
            drawn = [_normal(jax.vmap(jax.vmap(place_key))(keys), s.size).reshape(-1) for keys, s in rows]
            return jnp.concatenate([jnp.zeros(0), *drawn])

        def refine(carry):
            level, levels = carry
            fresh = draw(level)
            above, kept = levels[jnp.maximum(level - 1, 0)], self.kept[level]
            second = (n >> (depth - level)) & 1
            half = jnp.where(second, above - kept * fresh, kept * above + fresh) / jnp.sqrt(1 + kept**2)
            return level + 1, levels.at[level].set(jnp.where(level == 0, fresh, half))

        return jax.lax.while_loop(lambda carry: carry[0] <= depth, refine, (changing, levels))[1]


def _trailing_zeros(n: Array, most: int) -> Array:
    """How often n can be halved; `most` for zero."""
    lowest = n & -n
    return jnp.where(n == 0, most, jax.lax.population_count(lowest - 1))


def _keys(source: Source, key: Key[Array, ""], poles: int) -> Key[Array, "poles members"]:
    """A key for every pole (one for white noise) of every member, made of names alone."""
    of_part = jax.vmap(jax.random.fold_in, (None, 0))(key, _codes(source.parts))
    of_source = jax.vmap(lambda key: named_key(key, source.name))(of_part)
    poles_of = jax.vmap(jax.random.fold_in, (0, None))
    return jax.vmap(poles_of, (None, 0))(of_source, _codes([str(pole) for pole in range(max(poles, 1))]))


def _codes(names: Sequence[str]) -> np.ndarray:
    """What `named_key` folds into a key for each name."""
    return np.array([zlib.crc32(name.encode()) for name in names], np.uint32)


def _normal(keys: Array, size: int) -> Array:
    return jax.vmap(jax.vmap(lambda key: jax.random.normal(key, (size,))))(keys)


def _pole_frequencies(source: Source, steps: int, step: Array) -> Array:
    """Corners (Hz) of the Lorentzians that make up the source's colour; none for white noise."""
    if source.colour == "white":
        return jnp.zeros(0)
    if source.colour == "telegraph":
        return jnp.full(1, source.corner)
    octaves = max(math.ceil(math.log2(math.pi * steps)), 1) + 1
    return 2.0 ** jnp.arange(octaves) / (2 * jnp.pi * steps * step)


def _averaging(steps: Array) -> Array:
    """The factor by which a process of memory 1/`steps`, held over each step, keeps its density at low frequencies."""
    small = steps < 1e-3
    safe = jnp.where(small, 1.0, steps / 2)
    return jnp.where(small, 1 - steps**2 / 24, jnp.sqrt(jnp.tanh(safe) / safe))


def _pole_variance(source: Source, frequencies: Array) -> Array:
    """Variance of each Lorentzian for a stated density of one: that which makes the sum the source's colour."""
    if source.colour == "telegraph":
        return jnp.pi / 2 * frequencies[0]
    return jnp.asarray(source.corner * math.log(2.0))
