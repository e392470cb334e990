"""Nonlinear least squares from many starts, for many devices: one compilation, all vmapped."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.engine import for_each
from devsim.fit.bench import Bench
from devsim.fit.coordinate import Coordinate
from devsim.fit.loss import LOSSES, TUNING, transformed
from devsim.fit.marquardt import minimum
from devsim.fit.rows import Rows

LANES, MOST_NUMBERS = 128, 2**24
"""Starts in a vectorised call, and the most numbers that their Jacobians may hold together."""
NEARLY_ABSOLUTE = 0.01
"""Of the spread of the output: where the first pass of a robust loss begins to count residuals by their size."""
NORMAL = 1.4826
"""Standard deviation of normal noise over its median absolute value."""


@dataclasses.dataclass(frozen=True)
class Solved:
    """The minima found, for each device: z (devices, starts, p) with `cost` (half the loss in units of `scale`) and whether
    each search `converged`; at the `best`: prediction, weighted residual and its derivative by z (devices, rows, p)."""

    z: np.ndarray
    cost: np.ndarray
    converged: np.ndarray
    best: np.ndarray
    predicted: np.ndarray
    residual: np.ndarray
    jacobian: np.ndarray
    scale: np.ndarray


class Model(eqx.Module):
    """The residuals of one device's measurement (inputs, output, weight) as a function of its coordinates."""

    coordinates: tuple[Coordinate, ...] = eqx.field(static=True)

    def predicted(self, bench: Bench, z: Array, inputs: dict[str, Array]) -> Array:
        """The output (rows,)."""
        for coordinate, value in zip(self.coordinates, z, strict=True):
            bench = bench.set(coordinate.path, coordinate.to_x(value, jnp))
        return bench.predict(inputs)

    def residual(self, bench: Bench, z: Array, rows: tuple) -> Array:
        """Weighted differences (rows,), or those of logarithms, zero where there is no measurement."""
        inputs, output, weight = rows
        there = weight > 0
        predicted = jnp.where(there, self.predicted(bench, z, inputs), output)
        if bench.residual == "logarithm":
            tiny = jnp.finfo(predicted.dtype).tiny
            difference = jnp.log(jnp.abs(predicted) + tiny) - jnp.log(jnp.abs(output) + tiny)
        else:
            difference = predicted - output
        return jnp.where(there, weight * difference, 0.0)


class _Search(Model):
    """All starts of one device."""

    def __call__(self, shared: tuple[Bench, Array], one: tuple[tuple, Array, Array]) -> dict[str, Array]:
        (bench, loss), (rows, starts, scale) = shared, one
        counted = lambda z: transformed(loss, self.residual(bench, z, rows) / scale)
        cost = lambda z: jnp.sum(counted(z) ** 2) / 2
        first = jax.vmap(cost)(starts)
        lost = ~jnp.isfinite(first)
        usable = starts[jnp.argmin(jnp.where(lost, jnp.inf, first))]
        z, last, converged = jax.vmap(lambda start: minimum(counted, start))(jnp.where(lost[:, None], usable, starts))
        last = jnp.where(lost | ~jnp.isfinite(last), jnp.inf, last)
        best = jnp.argmin(last)
        at = z[best]
        residual, jacobian = self.residual(bench, at, rows), jax.jacfwd(lambda each: self.residual(bench, each, rows))(at)
        told = {"z": z, "cost": last, "converged": converged & ~lost, "best": best, "residual": residual}
        return told | {"jacobian": jacobian, "predicted": self.predicted(bench, at, rows[0])}


def solved(bench: Bench, coordinates: tuple[Coordinate, ...], rows: Rows, starts: np.ndarray, *, loss: str) -> Solved:
    """The minima from `starts` (devices, starts, p).

    A start without a finite loss never wins, and takes no time of the others. A robust loss without known standard deviations
    is fitted twice: almost by absolute values first, whose residuals tell the noise by their median.
    """
    measured = (rows.inputs, rows.output, rows.weight)
    scale = np.ones(len(rows.devices)) if rows.absolute else _sizes(bench, rows)
    search = _Search(coordinates)
    run = lambda name, starts, scale: _run(search, bench, name, measured, starts, scale)
    if loss != "linear" and not rows.absolute:
        first = run("soft_l1", starts, NEARLY_ABSOLUTE * scale)
        sizes = np.where(rows.weight > 0, np.abs(first["residual"]), np.nan)
        noise = NORMAL * np.nanmedian(sizes, axis=1) * np.sqrt(rows.counts / np.maximum(rows.counts - len(coordinates), 1))
        scale, starts = np.maximum(noise, 1e-9 * scale), first["z"]
    scale = scale * TUNING[loss]
    return Solved(**run(loss, starts, scale), scale=scale)


def _run(search: _Search, bench: Bench, loss: str, measured: tuple, starts: np.ndarray, scale: np.ndarray) -> dict[str, Any]:
    devices, count, parameters = starts.shape
    numbers = count * parameters * measured[1].shape[1]
    chunk = max(1, min(devices, LANES // count, MOST_NUMBERS // numbers))
    index = jnp.asarray(LOSSES.index(loss))
    return for_each(search, (bench, index), (_leaves(measured), _leaves(starts), _leaves(scale)), chunk=chunk)


def _leaves(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf, jnp.asarray(0.0).dtype), tree)


def _sizes(bench: Bench, rows: Rows) -> np.ndarray:
    """How far the output is spread, by which residuals are divided so that their squares are numbers of about one."""
    value = np.log(np.abs(np.where(rows.weight > 0, rows.output, 1.0))) if bench.residual == "logarithm" else rows.output
    total = np.maximum((rows.weight**2).sum(axis=1), 1e-300)
    mean = (rows.weight**2 * value).sum(axis=1) / total
    spread = np.sqrt((rows.weight**2 * (value - mean[:, None]) ** 2).sum(axis=1) / np.maximum(rows.counts, 1))
    level = np.sqrt((rows.weight**2 * value**2).sum(axis=1) / np.maximum(rows.counts, 1))
    return np.where(spread > 1e-9 * level, spread, np.where(level > 0, level, 1.0))
