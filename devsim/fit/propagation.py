"""`propagated`: what follows from a fit, a linewidth or a ratio, with the interval that the fit leaves it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.fit.bench import Bench
from devsim.fit.result import Fit
from devsim.fit.uncertainty import student
from devsim.parameter_file import Estimate


def propagated(found: Fit, quantity: Callable[[Bench], Array], unit: str) -> Estimate:
    """`quantity` of the fitted bench, a number in `unit`, with the interval of the fit's confidence.

    Equations: variance = g^T C g, C the covariance of the parameters, g the gradient of the quantity by them.
    Source: Seber and Wild, Nonlinear Regression (Wiley, 1989), section 5.1.
    Valid: quantities that are nearly linear over the intervals. The ends are None where the quantity depends on a parameter
    that the data do not determine.
    """

    def at(values: list[Array]) -> Array:
        bench = found.template
        for path, value in zip(found.parameters, values, strict=True):
            bench = bench.set(path, value)
        return quantity(bench)

    values = [jnp.asarray(estimate.value, float) for estimate in found.parameters.values()]
    value, slopes = jax.jit(jax.value_and_grad(at))(values)
    slopes, errors = np.asarray(slopes, float), np.asarray(found.errors, float)
    matters = slopes != 0
    if not np.all(np.isfinite(errors[matters])):
        return Estimate(float(value), None, None, unit)
    parts = (slopes * errors)[matters]
    variance = parts @ np.asarray(found.correlations, float)[np.ix_(matters, matters)] @ parts
    half = student(found.degrees, found.confidence) * float(np.sqrt(max(variance, 0.0)))
    return Estimate(float(value), float(value) - half, float(value) + half, unit)
