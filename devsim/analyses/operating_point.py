"""The operating point: every algebraic unknown solved, memory held where it is."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key
from scipy.linalg import block_diag

from devsim import check
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.compile import Given, Plan, at_rest, evaluate, input_segment, label, plan_of
from devsim.layout import FIRST_STAGE
from devsim.newton import Outcome
from devsim.ordering import Node
from devsim.parameter import as_leaf
from devsim.solution import Solution


def operating_point(
    circuit: Circuit, inputs: Mapping[str, Any] | None = None, *, key: Key[Array, ""] | None = None
) -> Solution:
    """Solve the circuit at rest: what has no loop is evaluated in order, loops are solved by Newton.

    inputs: one value per named input, of the shape of its net (V on electrical nets). key: draws read noise where
    given; without it the read is noiseless. Stored quantities (charge, memristor state) are held: a read is not a
    relaxation.

    It is a pure function: jit, differentiate and vmap it over circuits (dies), inputs and keys. Raises InputError for
    missing, unknown, misshapen or non-finite inputs, and SolveError, naming the net or part, where a solve fails; inside
    a JAX transformation a failed solve gives NaN and a `status` instead.
    """
    inputs = {} if inputs is None else inputs
    check.mapping("inputs", inputs, "the names of the circuit's inputs to values")
    circuit.check_single()
    circuit.check_carrier()
    given = checked_inputs(circuit, dict(inputs))
    if key is not None:
        circuit = circuit.snapshot(key)
    solution = Solution(*_solve(circuit, given), circuit.groups, plan_of(circuit), "operating point")
    if check.is_concrete(solution.status) and np.asarray(solution.status).any():
        raise SolveError(f"The operating point failed: {diagnosis(circuit, solution)}")
    return solution


@eqx.filter_jit
def _solve(circuit: Circuit, inputs: dict[str, Array]) -> tuple[list[Array], list[Outcome]]:
    plan = plan_of(circuit)
    return evaluate(plan, circuit.groups, from_rest(plan, circuit, inputs))


def from_rest(plan: Plan, circuit: Circuit, inputs: dict[str, Array]) -> Given:
    """Where an operating point starts: inputs as given, internal unknowns at power-up."""
    return Given(input_segment(plan, inputs), *at_rest(plan, circuit.groups))


def checked_inputs(circuit: Circuit, inputs: dict[str, Any]) -> dict[str, Array]:
    """Inputs as arrays of the right shapes, or InputError."""
    names = dict(circuit.netlist.inputs)
    ports = circuit.netlist.net_ports()
    for name in inputs:
        check.one_of("inputs", name, names) if names else _no_inputs(name)
    if missing := [name for name in names if name not in inputs]:
        raise InputError(
            f"`inputs` must give every input of the circuit, but {', '.join(f'`{m}`' for m in missing)} is missing."
        )
    values = {}
    for name, value in inputs.items():
        leaf, expected = as_leaf(value), ports[names[name]].shape
        if not ports[names[name]].is_complex:
            check.real(name, leaf)
        check.finite(name, leaf)
        if jnp.shape(leaf) != expected:
            raise InputError(
                f"`{name}` must have the shape {expected} of net `{names[name]}`, but has shape {jnp.shape(leaf)}."
            )
        values[name] = leaf.astype(complex if ports[names[name]].is_complex else float)
    return values


def _no_inputs(name: str) -> None:
    raise InputError(f"`inputs` must be empty, since the circuit has no inputs, but names `{name}`.")


def diagnosis(circuit: Circuit, solution: Solution) -> str:
    """Why a solve failed, naming what nothing fixes, the nets around it, and what helps."""
    free = _undetermined(circuit, solution)
    if not free:
        return f"{solution.words()}; check the sources around it, or start from smaller ones."
    names = [label(node) for node in free]
    told = f"nothing fixes {', '.join(names[:6])}{' and others' if len(names) > 6 else ''}"
    graph, advice = solution.plan.graph, []
    if any(node[0] == "potential" for node in free):
        advice.append("give each a path to `gnd` (a resistor)")
    parts = [node[1] for node in free if node[0] == "unknown"]
    ports = {part: graph.outline(part).ports for part in parts}
    pins = [f"{part}.{name}" for part in parts for name, port in ports[part].items() if port.domain == "electrical"]
    nets = list(dict.fromkeys([*(graph.net_of[pin] for pin in pins), *(node[1] for node in free if node[0] == "current")]))
    if nets:
        shown = f"{', '.join(f'`{net}`' for net in nets[:8])}{' and others' if len(nets) > 8 else ''}"
        advice.append(
            f"between the nets {shown} break the loop of ideal sources (an inductor is one at rest), or put a resistor into it"
        )
    if any(node[0] == "wave" for node in free):
        advice.append("give the loop of light some loss, or another length or wavelength, so that it does not resonate")
    return f"{told}; {', and '.join(advice) or 'give each an equation of its own'}."


def _undetermined(circuit: Circuit, solution: Solution) -> list[Node]:
    """The unknowns of the first failed loop that its Jacobian at rest leaves free."""
    plan = solution.plan
    loops = [(i, step) for i, step in enumerate(plan.steps) if step.implicit]
    for (i, step), outcome in zip(loops, solution.outcomes, strict=True):
        if int(outcome.status):
            task = step.at_rest(circuit.groups, solution.segments[: FIRST_STAGE + i])
            jacobian = np.asarray(step.jacobian(task, jnp.full(step.size, 1e-3)))
            jacobian = jacobian if step.blocks == 1 else np.asarray(block_diag(*jacobian))
            if not np.isfinite(jacobian).all():
                return []
            rows = np.abs(jacobian).max(axis=1, keepdims=True)
            _, sizes, directions = np.linalg.svd(jacobian / np.where(rows > 0, rows, 1))
            free = directions[sizes < 1e-12 * sizes.max()] if sizes.max() > 0 else directions
            moved = np.sqrt((free**2).sum(axis=0))
            moves = moved > 0.01 * moved.max(initial=0.0)
            own = [(node, slot) for node, slot in plan.slots.items() if slot.segment == step.segment]
            return [node for node, slot in sorted(own, key=lambda each: each[1].offset) if moves[slot.indices()].any()]
    return []
