"""Which of a part's answers depend on which of the values it is told, read off its traced program."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from devsim.part import Element
from devsim.ports import Balance, Port


def told_values(part: Element, ports: Mapping[str, Port]) -> tuple[dict, dict]:
    """Port values and internal unknowns of the right shapes, all at rest."""
    return {name: jnp.zeros(port.shape) for name, port in ports.items()}, {k: u.value for k, u in part.rest().items()}


def answers(part: Element, ports: Mapping[str, Port], grounded: frozenset[str] = frozenset()) -> Balance:
    """The shapes of what `balance` returns to a part whose `grounded` ports are told potential zero."""
    p, x = told_values(part, ports)
    ground = {name: np.zeros(ports[name].shape) for name in grounded}
    return jax.eval_shape(lambda part, p, x: part.balance(0.0, p | ground, x), part, p, x)


def dependencies(part: Element, ports: Mapping[str, Port], grounded: frozenset[str] = frozenset()) -> dict[str, frozenset[str]]:
    """Each entry of `balance(...).static` -> the ports and internal unknowns on which it may depend."""
    p, x = told_values(part, ports)
    names = [*sorted(set(p) - grounded), *sorted(x)]
    ground = {name: np.zeros(ports[name].shape) for name in grounded}

    def program(values):
        told = dict(zip(names, values, strict=True)) | ground
        return part.balance(0.0, {k: told[k] for k in p}, {k: told[k] for k in x}).static

    static, reach = _reach(program, [(p | x)[n] for n in names])
    return {entry: frozenset(names[i] for i in reached) for entry, reached in zip(sorted(static), reach, strict=True)}


def constant_zeros(part: Element, ports: Mapping[str, Port]) -> frozenset[str]:
    """The potentials that a part imposes and that are zero whatever it is told and whatever its parameters are."""
    imposed = [name for name, port in ports.items() if port.drives and port.domain == "electrical"]
    if not imposed:
        return frozenset()
    told, structure = jax.tree.flatten((part, *told_values(part, ports)))

    def program(values):
        part, p, x = jax.tree.unflatten(structure, values)
        static = part.balance(0.0, p, x).static
        return {name: static[name] for name in imposed}

    _, reach = _reach(program, told)
    fixed = [name for name, reached in zip(sorted(imposed), reach, strict=True) if not reached]
    values = program(told) if fixed else {}
    return frozenset(name for name in fixed if not jnp.any(values[name]))


def _reach(program: Callable, values: list) -> tuple[dict, list[set[int]]]:
    """The shapes that `program` returns and, for each leaf of it, the inputs that reach it."""
    closed, shapes = jax.make_jaxpr(program, return_shape=True)(values)
    known = {var: {i} for i, var in enumerate(closed.jaxpr.invars)}

    def of(atom) -> set[int]:
        return set() if isinstance(atom, Literal) else known.get(atom, set())

    for equation in closed.jaxpr.eqns:
        reached = set().union(*(of(atom) for atom in equation.invars))
        known |= dict.fromkeys(equation.outvars, reached)
    return shapes, [of(atom) for atom in closed.jaxpr.outvars]
