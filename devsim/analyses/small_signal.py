"""Small-signal analysis: transfer functions around an operating point."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.operating_point import checked_inputs, operating_point
from devsim.analyses.start import moved
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import Plan, plan_of
from devsim.layout import INPUT_SEGMENT, Slot
from devsim.linearised import Linearised, at_frequencies
from devsim.noise import row_slot
from devsim.parameter import as_leaf
from devsim.ports import Port
from devsim.solution import named_place, wave_place
from devsim.trajectory import UNITS


class Response(eqx.Module):
    """Transfer functions from one source to every net: `response["out"]`, complex, (frequencies, ...).

    frequency: Hz. `response["coil.current"]` is that of an internal unknown. Where values are complex a last axis of two
    holds the in-phase (real) and the quadrature (imaginary) part of the envelope, each a phasor of its own.
    """

    frequency: Array
    segments: list[Array]
    source: str = eqx.field(static=True)
    plan: Plan = eqx.field(static=True)

    def __getitem__(self, name: str) -> Array:
        """Change of a net, or of a `part.unknown`, per unit of the source, (frequencies, ...).

        On a net that light crosses both ways it is the wave of `Solution.__getitem__`; `wave` tells both directions.
        """
        return self._value(*named_place(self.plan, name))

    def wave(self, pin: str) -> Array:
        """Change of the wave that leaves the optical port `part.port`, (frequencies, ..., 2). Raises InputError for others."""
        return self._value(*wave_place(self.plan, pin))

    def _value(self, slot: Slot | None, port: Port) -> Array:
        """What stands at a slot, its quadratures along a last axis; zero where there is none."""
        lead, shape = self.segments[0].shape[:-1], (*port.shape, 2) if port.is_complex else port.shape
        if slot is None:
            return jnp.zeros((*lead, *shape), complex)
        values = self.segments[slot.segment][..., slot.offset : slot.offset + slot.size]
        if not port.is_complex:
            return values.reshape(*lead, *shape)
        return jnp.moveaxis(values.reshape(*lead, 2, *port.shape), len(lead), -1)

    def nets(self) -> list[str]:
        """Every net, ground left out."""
        return list(self.plan.netlist.net_ports())

    def dataset(self):
        """Every net as an `xarray.Dataset` over `frequency`, real and imaginary parts, with units."""
        from devsim.dataset import dataset

        ports = self.plan.netlist.net_ports()
        variables = {n: (np.asarray(self[n]), f"{UNITS[ports[n].domain]} per unit of {self.source}") for n in self.nets()}
        over = ("frequency", np.asarray(self.frequency), "Hz")
        return dataset(over, variables, analysis="small signal", source=self.source)

    def __str__(self) -> str:
        lines = [f"small signal: from `{self.source}`, {self.frequency.shape[-1]} frequencies"]
        for net in self.nets()[:24]:
            size = jnp.abs(self[net])
            lines.append(f"  {net:<20} magnitude {float(size.min()):.6g} to {float(size.max()):.6g}")
        return "\n".join(lines)

    __repr__ = __str__


def small_signal(
    circuit: Circuit, inputs: Mapping[str, Any] | None = None, *, source: str, frequency: Any, quadrature: bool = False
) -> Response:
    """Transfer functions from `source` to every net at `frequency` (Hz, a row of them above 0), around the operating point.

    source: a named input; a pin `part.port`, into whose net a current of 1 A (to whose wave 1 W^0.5) is added; or the path
    of a parameter, such as `supply.voltage` or `laser.power`, all of whose elements grow by one. quadrature: an input or
    pin with complex values is driven in its imaginary part, not its real one: on light of phase zero, in its phase. What is
    stored takes part, memory too; delays turn the phase. A pure function of circuit and inputs. Raises InputError for an
    unknown source or frequencies that are not above zero, SolveError where the operating point fails.
    """
    frequency = checked_frequency(frequency)
    kind = source_kind(circuit, source)
    _check_quadrature(circuit, source, kind, quadrature)
    segments, plan = around(circuit, inputs)
    response = _solve(circuit, segments, frequency, plan, source, kind, quadrature)
    return Response(frequency, response, f"{source} in quadrature" if quadrature else source, plan)


def around(circuit: Circuit, inputs: Mapping[str, Any] | None) -> tuple[list[Array], Plan]:
    """The operating point in the layout of the plan for small changes."""
    inputs = {} if inputs is None else inputs
    check.mapping("inputs", inputs, "the names of the circuit's inputs to values")
    solution = operating_point(circuit, checked_inputs(circuit, dict(inputs)))
    plan = plan_of(circuit, "frequency")
    return moved(solution.plan, solution.segments, plan, circuit.groups), plan


def checked_frequency(frequency: Any) -> Array:
    """A row of frequencies above zero, or InputError."""
    leaf = as_leaf(frequency).astype(float)
    check.within("frequency", leaf, check.above(0), "Hz")
    check.finite("frequency", leaf)
    if leaf.ndim != 1 or not leaf.size:
        raise InputError(f"`frequency` must be a row of frequencies in Hz, but has shape {leaf.shape}.")
    return leaf


def source_kind(circuit: Circuit, source: Any) -> str:
    """`input`, `pin` or `parameter`; InputError for what is none of them."""
    inputs, pins = dict(circuit.netlist.inputs), circuit.netlist.pin_ports()
    if not isinstance(source, str):
        raise InputError(f"`source` must name an input, a pin or a parameter, but is {check.described(source)}.")
    if source in inputs:
        return "input"
    if source in pins:
        return "pin"
    if source in circuit.parameters():
        return "parameter"
    known = [*inputs, *pins, *circuit.parameters()]
    raise InputError(f"`source` must name an input, a pin or a parameter, but is `{source}`.{check.suggest(source, known)}")


def _check_quadrature(circuit: Circuit, source: str, kind: str, quadrature: Any) -> None:
    """Raise InputError where `quadrature` is asked for and the source has no imaginary part."""
    check.instance("quadrature", quadrature, bool)
    netlist = circuit.netlist
    port = netlist.net_ports()[dict(netlist.inputs)[source]] if kind == "input" else netlist.pin_ports().get(source)
    if quadrature and not (port and port.is_complex):
        raise InputError(f"`quadrature` needs a source with complex values, an input or pin of light, but `{source}` is real.")


@eqx.filter_jit
def _solve(
    circuit: Circuit, segments: list[Array], frequency: Array, plan: Plan, source: str, kind: str, quadrature: bool
) -> list[Array]:
    linear = Linearised(plan, circuit.groups, segments)
    if kind == "input":
        own, pushes = _of_input(linear, source, quadrature)
    elif kind == "pin":
        own, pushes = None, _of_pin(plan, source, quadrature)
    else:
        own, pushes = None, _of_parameter(circuit, plan, segments, source)

    def at(omega: Array) -> list[Array]:
        causes = {}
        for step in plan.steps:
            if step.segment in pushes:
                static, stored, is_direct = pushes[step.segment]
                causes[step.segment] = static + 0j if is_direct else linear.pushed(step, static, stored, omega)
        found = linear.response(causes, omega)
        if own is not None:
            found[INPUT_SEGMENT] = own + 0j
        return found

    return at_frequencies(at, frequency, linear.entries)


def _driven(slot: Slot, size: int, quadrature: bool) -> Array:
    """One at the places of a slot in a segment of `size`: at those of its real or its imaginary part."""
    places = slot.indices().reshape(2 if slot.is_complex else 1, -1)[int(quadrature)]
    return jnp.zeros(size).at[places].set(1.0)


def _of_input(linear: Linearised, source: str, quadrature: bool) -> tuple[Array, dict]:
    """The input's own change, and what it changes in each stage's equations."""
    plan = linear.plan
    net = dict(plan.netlist.inputs)[source]
    slot = next(plan.slots[kind, net] for kind in ("potential", "signal", "input") if (kind, net) in plan.slots)
    own = _driven(slot, plan.lengths[INPUT_SEGMENT], quadrature)
    pushes = {}
    for step in plan.steps:
        block = linear.blocks.get((step.segment, INPUT_SEGMENT))
        if block is not None:
            pushes[step.segment] = (block.static @ own, block.stored @ own, False)
    return own, pushes


def _of_pin(plan: Plan, source: str, quadrature: bool) -> dict:
    part, port = source.rsplit(".", 1)
    slot = row_slot(plan, part, port)
    if slot is None:
        raise InputError(f"`source` must be a pin whose net can move, but nothing can be added at `{source}`.")
    size = plan.lengths[slot.segment]
    return {slot.segment: (_driven(slot, size, quadrature), jnp.zeros(size), True)}


def _of_parameter(circuit: Circuit, plan: Plan, segments: list[Array], source: str) -> dict:
    value = circuit.get(source)
    changed = lambda value: circuit._assigned(source, value, source).groups
    pushes = {}
    for step in plan.steps:
        told = lambda value, step=step: step.equations(changed(value), segments[: step.segment + step.implicit], 0.0)
        _, push = jax.jvp(told, (value,), (jnp.ones_like(value),))
        pushes[step.segment] = (*push, False)
    return pushes
