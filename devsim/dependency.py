"""Which of a part's answers depend on which of the values it is told, read off its traced program."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal

from devsim.part import Element
from devsim.ports import Balance, Port

_KEEP_ZERO = ("broadcast_in_dim", "convert_element_type", "copy", "reshape", "squeeze")
"""Primitives that make zero of zero."""


class Outline:
    """A part of which only the shapes are known: leaves are `jax.ShapeDtypeStruct`s, so that nothing is computed."""

    def __init__(self, part: Element, ports: Mapping[str, Port]):
        self.part, self.ports = part, dict(ports)
        at_rest = jax.eval_shape(lambda part: {name: jnp.asarray(u.value) for name, u in part.rest().items()}, part)
        self.unknowns: dict[str, tuple[int, ...]] = {name: tuple(value.shape) for name, value in at_rest.items()}

    def answers(self, grounded: frozenset[str]) -> Balance:
        """The shapes of what `balance` returns where the `grounded` ports are told potential zero."""
        return jax.eval_shape(self._balance(grounded), self.part, *self._told(grounded))

    def dependencies(self, grounded: frozenset[str]) -> dict[str, frozenset[str]]:
        """Each entry of `balance(...).static` -> the ports and internal unknowns on which it may depend."""
        traced = _Trace(lambda *told: self._balance(grounded)(*told).static, self.part, *self._told(grounded))
        names = [*(n for n in sorted(self.ports) if n not in grounded), *sorted(self.unknowns)]
        leaves = len(jax.tree.leaves(self.part))
        reach = {entry: traced.reach(atom) for entry, atom in traced.outputs.items()}
        return {entry: frozenset(names[i - leaves] for i in found if i >= leaves) for entry, found in reach.items()}

    def constant_zeros(self) -> frozenset[str]:
        """The potentials that it imposes and that are zero whatever it is told and whatever its parameters are."""
        imposed = [name for name, port in self.ports.items() if port.drives and port.domain == "electrical"]
        if not imposed:
            return frozenset()
        traced = _Trace(lambda *told: self._balance(frozenset())(*told).static, self.part, *self._told(frozenset()))
        return frozenset(name for name in imposed if traced.is_zero(traced.outputs[name]))

    def _told(self, grounded: frozenset[str]) -> tuple[dict, dict]:
        shaped = lambda shape: jax.ShapeDtypeStruct(shape, jnp.result_type(float))
        p = {name: shaped(port.shape) for name, port in self.ports.items() if name not in grounded}
        return p, {name: shaped(shape) for name, shape in self.unknowns.items()}

    def _balance(self, grounded: frozenset[str]) -> Callable[..., Balance]:
        ground = {name: np.zeros(self.ports[name].shape) for name in grounded}
        return lambda part, p, x: part.balance(0.0, p | ground, x)


class _Trace:
    """A traced program that returns a dictionary: what its outputs are made from."""

    def __init__(self, program: Callable[..., dict[str, Any]], *arguments: Any):
        closed, shapes = jax.make_jaxpr(program, return_shape=True)(*arguments)
        self.jaxpr = closed.jaxpr
        self.constants = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
        self.outputs = dict(zip(sorted(shapes), closed.jaxpr.outvars, strict=True))
        self.made_by = {var: equation for equation in closed.jaxpr.eqns for var in equation.outvars}
        self._reach: dict[Any, set[int]] = {var: {i} for i, var in enumerate(closed.jaxpr.invars)}
        for equation in closed.jaxpr.eqns:
            self._reach |= dict.fromkeys(equation.outvars, self._all(equation.invars))

    def _all(self, atoms: Iterable[Any]) -> set[int]:
        return set().union(*(self.reach(atom) for atom in atoms))

    def reach(self, atom: Any) -> set[int]:
        """Indices of the inputs on which a value may depend."""
        return set() if isinstance(atom, Literal) else self._reach.get(atom, set())

    def is_zero(self, atom: Any) -> bool:
        """True where a value is certainly zero."""
        if isinstance(atom, Literal):
            return not np.any(atom.val)
        if atom in self.constants:
            return isinstance(self.constants[atom], np.ndarray) and not self.constants[atom].any()
        equation = self.made_by.get(atom)
        return equation is not None and equation.primitive.name in _KEEP_ZERO and self.is_zero(equation.invars[0])
