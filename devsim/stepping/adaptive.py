"""Adaptive steps through diffrax, for circuits whose stored quantities are their own states and that have no loop."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.check import InputError, described
from devsim.circuit import Circuit
from devsim.compile import Given, Plan, at_rest, evaluate
from devsim.layout import REST_SEGMENT
from devsim.stepping.fixed import Run, inputs_over_time
from devsim.stepping.memory import Events, memory_of
from devsim.trajectory import Trajectory

MOST_STEPS = 1_000_000
"""Beside two for each step of the grid."""
TOLERANCE = 1e-8
"""Relative error of a step; the absolute one is a hundredth of it, in units of each unknown's scale."""
ROUNDING = 1e-15
"""Of a time, relative: a step that is no longer leads nowhere."""


def check_adaptive(plan: Plan, solver: Any, key: Any) -> None:
    """Raise InputError where a diffrax solver cannot run the circuit of a plan."""
    import diffrax

    if not isinstance(solver, diffrax.AbstractAdaptiveSolver):
        raise InputError(
            f"`method` must be a name or an adaptive diffrax solver such as `diffrax.Tsit5()`, but is {described(solver)}."
        )
    loops = [step.names[0] for step in plan.steps if step.implicit]
    if loops:
        raise InputError(f"Adaptive steps need a circuit without loops, but there is one through {loops[0]}; use a fixed step.")
    if key is not None:
        raise InputError("Adaptive steps are for circuits without noise, but `key` is given; use a fixed step.")
    if plan.graph.late or Events(plan):
        raise InputError("Adaptive steps are for circuits without delays and events; use a fixed step.")


def checked_tolerance(tolerance: Any, adaptive: bool) -> float:
    """The relative error of a step, or InputError."""
    if tolerance is None:
        return TOLERANCE
    if not adaptive:
        raise InputError("`tolerance` must be given to adaptive steps only: fixed ones are as long as `step` says.")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float | np.number) or not 0 < tolerance < 1:
        raise InputError(f"`tolerance` must be a number between 0 and 1, but is {described(tolerance)}.")
    return float(tolerance)


@eqx.filter_jit
def adaptive_run(
    circuit: Circuit, constant: dict, waves: dict, begin: Any, step: Array, solver: Any, tolerance: Array, run: Run
) -> Trajectory:
    """A run from the segments `begin` whose values are kept on the grid of its steps.

    No step is longer than one of the grid: else it would jump over a pulse that begins and ends while all is at rest.
    """
    import diffrax

    plan, groups, inputs = run.plan, circuit.groups, inputs_over_time(run.plan, constant, waves)
    (rest, scales), memory = at_rest(plan, groups), memory_of(plan)
    times = jnp.arange(run.steps // run.every + 1) * run.every * step

    def segments_at(t: Array, stored: Array) -> list[Array]:
        return evaluate(plan, groups, Given(inputs(t), stored, scales, t))[0]

    found = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, _: memory.rates(groups, segments_at(t, y * scales), t) / scales),
        solver,
        times[0],
        times[-1],
        None,
        (rest if begin is None else begin[REST_SEGMENT]) / scales,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance / 100, dtmax=step, dtmin=ROUNDING * times[-1]),
        max_steps=MOST_STEPS + 2 * run.steps,
        throw=False,
        adjoint=diffrax.RecursiveCheckpointAdjoint(checkpoints=256),
    )
    values = jax.vmap(lambda t, stored: run.read(segments_at(t, stored * scales)))(times, found.ys)
    fails = found.result != diffrax.RESULTS.successful
    reached = jnp.sum(jnp.all(jnp.isfinite(found.ys), axis=1)) * run.every
    status, failed_step = jnp.where(fails, 1, 0), jnp.where(fails, reached, -1)
    return run.trajectory(times, values, status, failed_step, jnp.full(2, -1), None, step)
