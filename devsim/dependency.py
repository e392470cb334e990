"""Which of a part's answers depend on which of the values it is told, read off its traced program."""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Literal

from devsim.part import Element
from devsim.ports import Balance, Noise, Port

_KEEP_ZERO = frozenset(
    ("broadcast_in_dim", "concatenate", "complex", "conj", "convert_element_type", "copy", "copy_p", "cumsum", "expand_dims")
    + ("imag", "neg", "pad", "real", "reduce_sum", "reshape", "rev", "slice", "squeeze", "transpose", "add", "sub", "add_any")
)
"""Primitives that make zero of zeros."""
_ANY_ZERO = frozenset(("mul", "dot_general"))
"""Primitives that make zero where one factor is zero."""
_CALLS = frozenset(("pjit", "jit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "checkpoint", "remat2"))
"""Primitives that run an inner program on their inputs."""


class Fact(NamedTuple):
    """What is known of a value before its numbers.

    reach: the inputs on which it may depend. zero: it is zero whatever they are. alias: the input that it is, or None.
    """

    reach: frozenset
    zero: bool = False
    alias: Any = None


ZERO = Fact(frozenset(), zero=True)


class Facts(NamedTuple):
    """Facts of a part's answers; what an internal unknown is stated to equal is among the static ones."""

    static: dict[str, Fact]
    stored: dict[str, Fact]


class Outline:
    """A part of which only the shapes are known: leaves are `jax.ShapeDtypeStruct`s, so that nothing is computed."""

    def __init__(self, part: Element, ports: Mapping[str, Port]):
        self.part, self.ports = part, dict(ports)
        settling: set[str] = set()

        def values(part):
            rest = part.rest()
            settling.update(name for name, unknown in rest.items() if unknown.settles)
            return {name: jnp.asarray(unknown.value) for name, unknown in rest.items()}

        at_rest = jax.eval_shape(values, part)
        self.settling = frozenset(settling)
        self.unknowns = {name: Port("unknown", tuple(v.shape), is_complex=_is_complex(v)) for name, v in at_rest.items()}
        self.facts = functools.cache(self._facts)
        self.answers = functools.cache(self._answers)

    def _answers(self, grounded: frozenset[str]) -> Balance:
        """The shapes of what `balance` returns where it is told zero by the names `grounded`."""
        return jax.eval_shape(self._balance(grounded), self.part, *self._told(grounded))

    def noises(self) -> dict[str, Noise]:
        """The shapes of its noise densities."""
        return jax.eval_shape(lambda part, p, x: part.noise(p, x), self.part, *self._told(frozenset()))

    def _facts(self, grounded: frozenset[str]) -> Facts:
        """Each answer's dependence on the ports and internal unknowns, by their names."""

        def program(part, p, x):
            found = self._balance(grounded)(part, p, x)
            return found.static | {name: stated.value for name, stated in found.stated.items()}, found.stored

        told = self._told(grounded)
        closed, shapes = jax.make_jaxpr(program, return_shape=True)(self.part, *told)
        names = [None] * len(jax.tree.leaves(self.part)) + [*sorted(told[0]), *sorted(told[1])]
        inputs = [Fact(frozenset() if name is None else frozenset((name,)), alias=name) for name in names]
        found = _interpreted(closed.jaxpr, closed.consts, inputs)
        static, stored = (sorted(each) for each in shapes)
        return Facts(dict(zip(static, found[: len(static)], strict=True)), dict(zip(stored, found[len(static) :], strict=True)))

    def constant_zeros(self) -> frozenset[str]:
        """The potentials that it imposes and that are zero whatever it is told and whatever its parameters are."""
        imposed = [name for name, port in self.ports.items() if port.drives and port.domain == "electrical"]
        return frozenset(name for name in imposed if self.facts(frozenset()).static.get(name, ZERO).zero)

    def _told(self, grounded: frozenset[str]) -> tuple[dict, dict]:
        shaped = lambda port: jax.ShapeDtypeStruct(port.shape, jnp.result_type(complex if port.is_complex else float))
        ports, unknowns = (
            {name: shaped(port) for name, port in kinds.items() if name not in grounded}
            for kinds in (self.ports, self.unknowns)
        )
        return ports, unknowns

    def _balance(self, grounded: frozenset[str]):
        ports, unknowns = (
            {name: zeros(port) for name, port in kinds.items() if name in grounded} for kinds in (self.ports, self.unknowns)
        )
        return lambda part, p, x: part.balance(0.0, p | ports, x | unknowns)


def zeros(port: Port, lead: tuple[int, ...] = ()) -> np.ndarray:
    """Concrete zeros, so that a part can see that it is told zero and skip work."""
    return np.zeros((*lead, *port.shape), jnp.result_type(complex if port.is_complex else float))


def _is_complex(value) -> bool:
    return jnp.issubdtype(value.dtype, jnp.complexfloating)


def _interpreted(jaxpr: Any, constants: list, inputs: list[Fact]) -> list[Fact]:
    """The facts of a program's outputs, found by running it on facts."""
    known = dict(zip(jaxpr.invars, inputs, strict=True))
    known |= {
        var: ZERO if isinstance(value, np.ndarray) and not value.any() else Fact(frozenset())
        for var, value in zip(jaxpr.constvars, constants, strict=True)
    }

    def fact(atom):
        return (ZERO if not np.any(atom.val) else Fact(frozenset())) if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        given = [fact(atom) for atom in equation.invars]
        inner = _inner(equation)
        if inner is not None:
            found = _interpreted(*inner, given)
        else:
            zero = _is_zero(equation.primitive.name, given)
            found = [ZERO if zero else Fact(frozenset().union(*(g.reach for g in given)))] * len(equation.outvars)
        known |= dict(zip(equation.outvars, found, strict=True))
    return [fact(atom) for atom in jaxpr.outvars]


def _inner(equation: Any) -> tuple[Any, list] | None:
    """The program that a call runs, with its constants; None for a primitive of its own."""
    if equation.primitive.name not in _CALLS:
        return None
    program = equation.params.get("jaxpr", equation.params.get("call_jaxpr"))
    jaxpr, constants = (program.jaxpr, program.consts) if isinstance(program, ClosedJaxpr) else (program, [])
    fits = jaxpr is not None and len(jaxpr.invars) == len(equation.invars) and len(jaxpr.constvars) == len(constants)
    return (jaxpr, constants) if fits else None


def _is_zero(name: str, given: list[Fact]) -> bool:
    if name in _ANY_ZERO:
        return any(g.zero for g in given)
    if name in ("div", "dynamic_slice", "gather"):
        return given[0].zero
    if name == "select_n":
        return all(g.zero for g in given[1:])
    return name in _KEEP_ZERO and bool(given) and all(g.zero for g in given)
