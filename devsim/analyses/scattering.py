"""Scattering: what leaves the optical outputs for a wave of one into each optical input."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.operating_point import checked_inputs, from_rest
from devsim.check import InputError, SolveError, above
from devsim.circuit import Circuit
from devsim.compile import Plan, evaluate, plan_of
from devsim.linearised import in_batches
from devsim.newton import WORDS, Outcome
from devsim.parameter import as_leaf


class Scattering(eqx.Module):
    """S-parameters between named ports: `scattering["out", "in"]`.

    matrix: complex, (wavelengths, outputs, inputs), without the first axis where one wavelength was asked for; a bus of n
    lanes stands for n outputs or inputs. wavelength: m, or None where the parts' own were kept.
    """

    matrix: Array
    wavelength: Array | None
    status: Array
    outputs: dict[str, tuple[int, ...]] = eqx.field(static=True)
    inputs: dict[str, tuple[int, ...]] = eqx.field(static=True)

    def __getitem__(self, pair: tuple[str, str]) -> Array:
        """The wave at an output for a wave of one at an input; shapes of the wavelengths, the output, the input."""
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise InputError(f"Name an output and an input, such as `['out', 'in']`, but not {check.described(pair)}.")
        check.one_of("output", pair[0], self.outputs)
        check.one_of("input", pair[1], self.inputs)
        rows, columns = _places(self.outputs)[pair[0]], _places(self.inputs)[pair[1]]
        block = self.matrix[..., rows, columns]
        return block.reshape(*block.shape[:-2], *self.outputs[pair[0]], *self.inputs[pair[1]])

    def __str__(self) -> str:
        lines = [f"scattering: {len(self.outputs)} outputs, {len(self.inputs)} inputs, shape {self.matrix.shape}"]
        for out in list(self.outputs)[:8]:
            for each in list(self.inputs)[:8]:
                power = jnp.abs(self[out, each]) ** 2
                told = f"{float(power):.6g}" if power.ndim == 0 else f"{power.min():.6g} to {power.max():.6g}"
                lines.append(f"  {each} -> {out:<12} power {told}")
        return "\n".join(lines)

    __repr__ = __str__


def _places(shapes: dict[str, tuple[int, ...]]) -> dict[str, slice]:
    found, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape, dtype=int))
        found[name] = slice(start, start + size)
        start += size
    return found


def scattering(circuit: Circuit, inputs: Mapping[str, Any] | None = None, *, wavelength: Any = None) -> Scattering:
    """The linear response of the optical outputs to the optical inputs, at the operating point of everything else.

    inputs: values of the inputs that are not optical, and of optical ones (zero where left out) about which a circuit
    that is not linear is linearised. wavelength: m, a number or a row of them, given to every part that has a carrier
    wavelength; without it the parts keep their own. Feed-forward optics are evaluated in order, loops by one linear solve.
    A pure function of the circuit. Raises InputError where the circuit has no optical input or output, for a wavelength
    that is not above zero, and for parts that differ in their wavelength; SolveError where a loop has no solution.
    """
    circuit.check_single()
    ports = circuit.netlist.net_ports()
    optical = {
        kind: {name: net for name, net in named if ports[net].domain == "optical"}
        for kind, named in (("inputs", circuit.netlist.inputs), ("outputs", circuit.netlist.outputs))
    }
    for kind, named in optical.items():
        if not named:
            raise InputError(f"`scattering` needs a circuit with optical {kind}, but it has none.")
    inputs = {} if inputs is None else inputs
    check.mapping("inputs", inputs, "the names of the circuit's inputs to values")
    dark = {name: jnp.zeros(ports[net].shape, complex) for name, net in optical["inputs"].items()}
    told = checked_inputs(circuit, dark | dict(inputs))
    names = (tuple(optical["inputs"]), tuple(optical["outputs"]))
    if wavelength is None:
        circuit.check_carrier()
        matrix, outcomes = _one(circuit, told, names)
    else:
        wavelength = as_leaf(wavelength).astype(float)
        check.within("wavelength", wavelength, above(0), "m")
        circuit.check_covered(wavelength)
        if wavelength.ndim > 1:
            raise InputError(f"`wavelength` must be a number or a row of them, but has shape {wavelength.shape}.")
        run = _one_tuned if wavelength.ndim == 0 else _many_tuned
        matrix, outcomes = run(circuit, told, wavelength, names)
    status = jnp.max(jnp.stack([jnp.max(o.status) for o in outcomes])) if outcomes else jnp.zeros((), int)
    if check.is_concrete(status) and int(status):
        plan = plan_of(circuit)
        loops = [step for step in plan.steps if step.implicit]
        step, outcome = next((s, o) for s, o in zip(loops, outcomes, strict=True) if np.asarray(o.status).any())
        worst = int(np.asarray(outcome.worst).ravel()[np.asarray(outcome.status).ravel().argmax()])
        raise SolveError(
            f"The scattering failed: {WORDS[int(status)]} at {step.names[worst]}; a loop without loss has no answer."
        )
    shapes = lambda named: {name: ports[net].shape for name, net in named.items()}
    return Scattering(matrix, wavelength, status, shapes(optical["outputs"]), shapes(optical["inputs"]))


@eqx.filter_jit
def _one(circuit: Circuit, inputs: dict[str, Array], names: tuple) -> tuple[Array, list[Outcome]]:
    plan = plan_of(circuit)
    rest = {name: value for name, value in inputs.items() if name not in names[0]}
    shapes = {name: inputs[name].shape for name in names[0]}
    bias = jnp.concatenate([jnp.ravel(inputs[name]) for name in names[0]])

    def leaving(waves: Array) -> tuple[Array, list[Outcome]]:
        told = {name: waves[place].reshape(shapes[name]) for name, place in _places(shapes).items()}
        segments, outcomes = evaluate(plan, circuit.groups, from_rest(plan, circuit, rest | told))
        return jnp.concatenate([jnp.ravel(_leaving(plan, segments, name)) for name in names[1]]), outcomes

    def response(direction: Array) -> tuple[Array, list[Outcome]]:
        _, change, outcomes = jax.jvp(leaving, (bias,), (direction,), has_aux=True)
        return change, outcomes

    size = bias.shape[0]
    return jax.vmap(response, out_axes=(1, None))(jnp.eye(size, dtype=bias.dtype))


def _leaving(plan: Plan, segments: list[Array], output: str) -> Array:
    """The wave that leaves the circuit at an output."""
    net = dict(plan.netlist.outputs)[output]
    slot = plan.slots.get(("wave", plan.graph.pins_of[net][0]))
    return slot.read(segments) if slot else jnp.zeros(plan.graph.net_ports[net].shape, complex)


@eqx.filter_jit
def _one_tuned(circuit, inputs, wavelength, names):
    return _one(circuit.tuned(wavelength), inputs, names)


@eqx.filter_jit
def _many_tuned(circuit, inputs, wavelength, names):
    plan, directions = plan_of(circuit), sum(inputs[name].size for name in names[0])
    held = (step.size * (directions + (step.size // step.blocks if step.implicit else 0)) for step in plan.steps)
    return in_batches(lambda each: _one(circuit.tuned(each), inputs, names), wavelength, sum(held))
