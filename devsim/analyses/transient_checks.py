"""What can be asked of a transient: its steps, names, method and start, checked at the door."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from devsim import check
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import Plan, plan_of
from devsim.stepping import explicit, implicit
from devsim.stepping.memory import Events, memory_of
from devsim.trajectory import Trajectory

METHODS = (*explicit.METHODS, *implicit.METHODS)
"""The fixed-step methods by name."""


def check_start(start: Any, initial: Any, plan: Plan, method: str, step: float) -> None:
    """Raise InputError where a run cannot go on from `start`."""
    check.instance("start", start, Trajectory)
    if initial is not None:
        raise InputError("`start` and `initial` must not both be given: a continued run starts where the other ended.")
    if start.method != method or method == "diffrax":
        raise InputError(
            f"`start` must come from a run with fixed steps and the same method, {method}, but is from {start.method}."
        )
    if start.plan is not plan:
        raise InputError("`start` must come from a run of the same circuit (parts, nets and resolved delays), but does not.")
    if check.is_concrete(start.step) and not np.allclose(start.step, step, rtol=1e-12, atol=0):
        raise InputError(f"`start` must come from a run with the same step, {step:g} s, but it has {float(start.step):g} s.")
    if start.state.n.ndim:
        raise InputError("`start` must be one run, but holds several along leading axes; use `jax.vmap` over it.")


def positive(name: str, value: Any) -> None:
    """Raise InputError where `value` is no number of seconds above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value < math.inf:
        raise InputError(f"`{name}` must be a number above 0 s, but is {check.described(value)}.")


def checked_steps(duration: Any, step: Any, every: int) -> int:
    """How many steps a run has, or InputError."""
    positive("duration", duration)
    positive("step", step)
    check.whole("every", every, 1)
    steps = round(duration / step)
    if steps < 1 or abs(steps * step - duration) > 1e-6 * step * max(1.0, steps * 1e-6):
        raise InputError(
            f"`duration` must be a whole number of steps of {step:g} s, but {duration:g} s is {duration / step:.9g}."
        )
    if steps % every:
        raise InputError(f"`every` must divide the {steps} steps of the run, but is {every}.")
    return steps


def checked_names(circuit: Circuit, keep: Sequence[str] | None) -> tuple[str, ...]:
    """The names of what is kept, all nets by default, or InputError."""
    nets = circuit.netlist.net_ports()
    if keep is None:
        return tuple(nets)
    if isinstance(keep, str) or not isinstance(keep, Sequence) or not all(isinstance(name, str) for name in keep):
        raise InputError(f"`keep` must be a row of names of nets and `part.unknown`s, but is {check.described(keep)}.")
    graph = plan_of(circuit).graph
    unknowns = [f"{part}.{name}" for part in circuit.netlist.names() for name in graph.outline(part).unknowns]
    for name in keep:
        if name not in nets and name not in unknowns:
            raise InputError(
                f"`keep` names `{name}`, which is neither a net nor an unknown.{check.suggest(name, [*nets, *unknowns])}"
            )
    return tuple(dict.fromkeys(keep))


def checked_method(circuit: Circuit, method: str | None, late: frozenset) -> str:
    """The name of the method, chosen for the circuit where none is given, or InputError."""
    if method is not None:
        check.one_of("method", method, METHODS)
    plan = plan_of(circuit, "explicit", late)
    charged = charged_nets(plan) + _told_stores(plan)
    if method is None:
        loops = any(step.implicit for step in plan.steps)
        if not charged and not loops and memory_of(plan).has_mass(circuit.groups) is not False:
            return "split"
        return "tr_bdf2" if Events(plan) else "trapezoidal"
    if method in explicit.METHODS and charged:
        raise InputError(
            f"`method` must be one of {', '.join(implicit.METHODS)} for a circuit that stores what its nets say"
            f" (`{charged[0]}`), but is `{method}`."
        )
    if method in explicit.METHODS and memory_of(plan).has_mass(circuit.groups) is False:
        raise InputError(
            f"`method` must be one of {', '.join(implicit.METHODS)} for a circuit in which a time constant is zero, but is"
            f" `{method}`."
        )
    return method


def charged_nets(plan: Plan) -> list[str]:
    """The pins behind which parts store charge."""
    return [
        f"{part}.{name}"
        for part in plan.netlist.names()
        for name in plan.graph.facts(part).stored
        if name in plan.graph.outline(part).ports
    ]


def _told_stores(plan: Plan) -> list[str]:
    """The unknowns for which a part stores what depends on more than its own stored unknowns."""
    found = []
    for part in plan.netlist.names():
        stored, ports = plan.graph.facts(part).stored, plan.graph.outline(part).ports
        own = set(stored) - set(ports)
        found += [f"{part}.{name}" for name in own if stored[name].reach - own]
    return found
