"""Draws from the posterior of a fit by the No-U-Turn sampler (extra `bayes`)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.fit.bench import Bench
from devsim.fit.coordinate import Coordinate
from devsim.fit.least_squares import Model, Solved
from devsim.fit.loss import LOSSES, transformed
from devsim.fit.result import Fit
from devsim.fit.rows import Rows
from devsim.parameter_file import Estimate
from devsim.randomness import named_key

CHAINS = 4
MIXED = 1.05
"""The potential scale reduction above which chains have not met (Vehtari et al., Bayesian Anal. 16, 667 (2021))."""


def sampler() -> tuple[Any, Any, Any]:
    """NumPyro's MCMC, NUTS and diagnostics; InputError with what to install where it is missing."""
    try:
        from numpyro import diagnostics
        from numpyro.infer import MCMC, NUTS
    except ImportError as error:
        raise InputError("`nuts` needs NumPyro, which is not installed: `pip install devsim-cosim[bayes]`.") from error
    return MCMC, NUTS, diagnostics


def posterior(
    bench: Bench, moved: tuple[Coordinate, ...], rows: Rows, found: Solved, fits: dict[str, Fit], *, loss: str, samples: int,
    key: Key[Array, ""],
) -> dict[str, Fit]:  # fmt: skip
    """The same fits with draws `samples` of every parameter and the central intervals of these.

    Likelihood: exp(-rho / 2) of the residuals over their standard deviation, which is unknown unless `sigma` was given, with
    prior 1/s. Prior of a parameter: even between two bounds; otherwise normal in its coordinate, as wide as the search. The
    chains begin at the minimum (Hoffman and Gelman, J. Mach. Learn. Res. 15, 1593 (2014)).
    """
    check.whole("samples", samples, CHAINS)
    parts = sampler()
    told = {}
    for i, (device, fit) in enumerate(fits.items()):
        energy = _energy(bench, moved, rows, i, float(found.scale[i]), LOSSES.index(loss))
        start = np.append(found.z[i, found.best[i]], 0.5 * np.log(max(2 * found.cost[i].min() / rows.counts[i], 1e-30)))
        start = start[: len(moved) + (not rows.absolute)]
        draws, reduction = _drawn(parts, energy, start, samples, named_key(key, f"posterior {device}"))
        told[device] = _with(fit, moved, draws, reduction)
    return told


def _energy(bench: Bench, moved: tuple[Coordinate, ...], rows: Rows, i: int, scale: float, loss: int) -> Callable:
    """Minus the logarithm of the posterior at (z, logarithm of the noise in units of `scale`)."""
    model = Model(moved)
    of_device = lambda column: jnp.asarray(column[i], float)
    measured = (jax.tree.map(of_device, rows.inputs), of_device(rows.output), of_device(rows.weight))
    count = int(rows.counts[i])

    def energy(place: Array) -> Array:
        z, noise = place[: len(moved)], (0.0 if rows.absolute else place[len(moved)])
        r = transformed(jnp.asarray(loss), model.residual(bench, z, measured) / scale / jnp.exp(noise))
        prior = sum(_log_prior(coordinate, value) for coordinate, value in zip(moved, z, strict=True))
        total = jnp.sum(r**2) / 2 + count * noise - prior
        return jnp.where(jnp.isfinite(total), total, jnp.inf)

    return energy


def _log_prior(coordinate: Coordinate, z: Array) -> Array:
    if coordinate.kind == "logit":
        first, last = coordinate.ends
        u = first + (last - first) * z
        return -jnp.logaddexp(0.0, -u) - jnp.logaddexp(0.0, u)
    return -((z - 0.5) ** 2) / 2


def _drawn(
    parts: tuple[Any, Any, Any], energy: Callable, start: np.ndarray, samples: int, key: Any
) -> tuple[np.ndarray, float]:
    """(draws, places) of all chains, and the worst reduction of their scale."""
    MCMC, NUTS, diagnostics = parts
    per_chain = -(-samples // CHAINS)
    run = MCMC(
        NUTS(potential_fn=energy, dense_mass=True), num_warmup=max(300, per_chain // 2), num_samples=per_chain,
        num_chains=CHAINS, chain_method="vectorized", progress_bar=False,
    )  # fmt: skip
    jitter = 0.01 * jax.random.normal(named_key(key, "starts"), (CHAINS, start.size))
    run.run(named_key(key, "chains"), init_params=jnp.asarray(start, float) + jitter)
    chains = np.asarray(run.get_samples(group_by_chain=True), float)
    reduction = float(np.nanmax(diagnostics.split_gelman_rubin(chains)))
    return chains.reshape(-1, start.size), reduction


def _with(fit: Fit, moved: tuple[Coordinate, ...], draws: np.ndarray, reduction: float) -> Fit:
    samples = {c.path: np.asarray(c.to_x(draws[:, i])) for i, c in enumerate(moved)}
    tail = 50 * (1 - fit.confidence)
    at = lambda x, percent: float(np.percentile(x, percent))
    parameters = {
        path: Estimate(at(x, 50), at(x, tail), at(x, 100 - tail), fit.parameters[path].unit) for path, x in samples.items()
    }
    warnings = fit.warnings
    if not reduction < MIXED:
        warnings += (f"The chains have not met (scale reduction {reduction:.3g}): ask for more `samples`, or free fewer.",)
    table = np.array(list(samples.values()))
    return dataclasses.replace(
        fit, parameters=parameters, errors=table.std(axis=1), correlations=np.atleast_2d(np.corrcoef(table)), warnings=warnings,
        samples=samples,
    )  # fmt: skip
