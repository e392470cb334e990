"""`SpikingNetwork`: layers of spiking cells behind synaptic arrays, in one scan over time."""

from itertools import pairwise
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import Bounds, InputError, above
from devsim.devices.synaptic_array import SynapticArray
from devsim.learning.plasticity import Local, Plasticity
from devsim.learning.spiking_cells import SpikingCells
from devsim.learning.spiking_scan import LayerScan, chunked
from devsim.parameter import as_leaf
from devsim.part import Part
from devsim.randomness import named_key, numbered_keys


class SpikingLayer(Part):
    """Cells behind an array of weights (inputs, n), with another one (n, n) from the cells to themselves where there is one.

    Events of the cells come back through `recurrent` one step later. rule: how the weights of `array` change while it runs;
    None for weights that stay.

    Raises InputError for arrays that do not fit the cells, and a rule that needs a dendrite, which the cells do not have.
    """

    array: SynapticArray
    cells: SpikingCells
    recurrent: SynapticArray | None = None
    rule: Plasticity | None = None

    def check_shapes(self):
        """Raise where the arrays do not fit the cells."""
        check.instance("array", self.array, SynapticArray)
        check.instance("cells", self.cells, SpikingCells)
        n = self.cells.size()
        if (shape := width(self.array))[1] != n:
            raise InputError(f"`array` must have a column for each of the {n} cells, but has {shape[1]} columns.")
        if self.recurrent is not None:
            check.instance("recurrent", self.recurrent, SynapticArray)
            if (shape := width(self.recurrent)) != (n, n):
                raise InputError(f"`recurrent` must have shape {(n, n)}, from the cells to the cells, but has {shape}.")
        if self.rule is not None:
            check.instance("rule", self.rule, Plasticity)
            if Local.DENDRITE in self.rule.uses:
                raise InputError(
                    f"`rule` must not need a dendrite, which these cells lack, but {type(self.rule).__name__} does."
                )

    def ports(self):
        """None: it is asked through a network."""
        return {}

    def age(self, seconds, temperature, key):
        """Arrays and cells age."""
        return self.put(**{n: part.age(seconds, temperature, named_key(key, n)) for n, part in self.children().items()})


class SpikingRun(eqx.Module):
    """What a network did.

    spikes: the events of each layer, (..., steps, n). weights, before: those with which each layer with a rule ended and began,
    (rows, n); None for the others. states: of each layer, the variables asked for, by name, at the end of each step. step: s.
    """

    spikes: tuple[Array, ...]
    weights: tuple[Array | None, ...]
    before: tuple[Array | None, ...]
    states: tuple[dict[str, Array], ...]
    step: Array

    @property
    def rates(self) -> tuple[Array, ...]:
        """Events per second of each neuron of each layer, (..., n)."""
        return tuple(jnp.mean(spikes, -2) / self.step for spikes in self.spikes)


class SpikingNetwork(Part):
    """Spiking layers, each driven by the events of the one before.

    Steps: all layers move by one step under what has arrived before, and fire; then the events arrive, those of the inputs and
    of the layer before in the same step, those of `recurrent` arrays one step later. An event that arrives shows in the next
    step, so that each layer adds one step of delay. Arrays are read once for a run, by events that are one or zero: what they
    answer to each row alone is what its events bring, with all imperfections of a read.

    Raises InputError for no layers, and layers that do not chain.
    """

    layers: tuple[SpikingLayer, ...]

    def check_shapes(self):
        """Raise where layers do not chain."""
        check.instance("layers", self.layers, tuple)
        if not self.layers:
            raise InputError("`layers` must hold at least one layer, but is empty.")
        for layer in self.layers:
            check.instance("layers", layer, SpikingLayer)
        for k, (first, second) in enumerate(pairwise(self.layers)):
            if first.cells.size() != width(second.array)[0]:
                raise InputError(
                    f"`layers` must chain, but layer {k} has {first.cells.size()} cells and the array of layer {k + 1} has "
                    f"{width(second.array)[0]} rows."
                )

    def ports(self):
        """None: it is asked through `run`."""
        return {}

    def children(self):
        """The layers: `layer_0` and so on."""
        return {f"layer_{k}": layer for k, layer in enumerate(self.layers)}

    def put(self, **fields):
        """A copy with whole layers replaced, by their names in `children` or all as `layers`."""
        layers = fields.get("layers") or tuple((self.children() | fields).values())
        return type(self)(layers)

    def _assigned(self, path, leaf, full):
        name, _, rest = path.partition(".")
        return self.put(**{name: self.children()[name]._assigned(rest, leaf, full)})

    def age(self, seconds, temperature, key):
        """All layers age."""
        return self.put(**{n: layer.age(seconds, temperature, named_key(key, n)) for n, layer in self.children().items()})

    def run(
        self,
        spikes: Any,
        step: Array | float,
        key: Key[Array, ""],
        *,
        drive: Any = None,
        third_factor: Any = None,
        keep: tuple[str, ...] = (),
    ) -> SpikingRun:
        """What becomes of the events `spikes` (..., steps, inputs) in steps of `step` seconds.

        key: of the reads of the arrays, and of rules that draw noise. drive: an extra input into the neurons of the last
        layer, in the unit of its cells: a number, (n,) or (..., steps, n); a teacher. third_factor: of the rules: a number, or
        (steps,). keep: names of state variables to keep for every step. A network with a rule learns from one stream: `spikes`
        (steps, inputs); what it learned is in `weights`, and `learned` writes it.
        Raises InputError for events of another width, negative or not finite, for a step longer than one of the cells' or the
        rules' times, and names that are no state variables.
        """
        spikes = checked_spikes(self, spikes)
        self._check_step(as_leaf(step))
        check.key(key)
        last = self.layers[-1].cells
        drive = checked_course("drive", 0.0 if drive is None else drive, spikes.shape[:-1], last.size())
        if third_factor is not None:
            third_factor = as_leaf(third_factor)
            check.finite("third_factor", third_factor)
            if third_factor.shape not in ((), spikes.shape[-2:-1]):
                raise InputError(
                    f"`third_factor` must be a number or have shape {spikes.shape[-2:-1]}, but has shape {third_factor.shape}."
                )
        known = sorted({name for layer in self.layers for name in layer.cells.begin()})
        for name in keep:
            check.one_of("keep", name, known)
        return _run(self, spikes, as_leaf(step), key, drive, third_factor, tuple(keep))

    def learned(self, run: SpikingRun, key: Key[Array, ""]) -> Self:
        """The network whose arrays were asked for the changes of weights that the rules of a `run` made: one `nudge` each.

        A rule writes at every event, a device takes a change with its own noise, steps and bounds: those count once here, at
        the end of a run. Cut a long lesson into short runs where they matter sooner.
        """
        fields, keys = {}, numbered_keys(named_key(key, "learned"), len(self.layers))
        for k, (layer, after, before) in enumerate(zip(self.layers, run.weights, run.before, strict=True)):
            if after is not None and before is not None:
                fields[f"layer_{k}"] = layer.put(array=layer.array.nudge(after - before, keys[k]))
        return self.put(**fields) if fields else self

    def _check_step(self, step: Array) -> None:
        check.within("step", step, above(0), "s")
        for name, layer in self.children().items():
            for time, value in layer.cells.times().items():
                positive = jnp.where(value > 0, value, jnp.inf) if check.is_concrete(value) else value
                check.at_most("step", step, f"{name}.cells.{time}", positive, "s")
            if layer.rule is not None:
                for time, value in layer.rule.time_constants().items():
                    check.at_most("step", step, f"{name}.rule.{time}", value, "s")


@eqx.filter_jit
def _run(network: SpikingNetwork, spikes, step, key, drive, third_factor, keep) -> SpikingRun:
    """`run` with its inputs checked."""
    keys = numbered_keys(named_key(key, "layers"), len(network.layers))
    layers = [LayerScan.of(layer, step, k) for layer, k in zip(network.layers, keys, strict=True)]
    dtype = layers[0].weights.dtype
    steps, lead = spikes.shape[-2], spikes.shape[:-2]
    inputs = jnp.moveaxis(layers[0].arriving(spikes.astype(dtype)), -2, 0)
    drive = jnp.moveaxis(drive.astype(dtype), -2, 0) if drive.ndim > 1 else drive.astype(dtype)
    in_time = {"events": inputs, "index": jnp.arange(steps)}
    in_time |= {"drive": drive} if drive.ndim > 1 else {}
    in_time |= {"third_factor": third_factor} if third_factor is not None and third_factor.ndim else {}
    held = {"drive": drive, "third_factor": third_factor}

    def body(carry, now):
        told, after, events = held | now, [], now["events"]
        drives = [0.0] * (len(layers) - 1) + [told["drive"]]
        fired = [layer.fire(*each) for layer, *each in zip(layers, carry, drives, strict=True)]
        for layer, state, new in zip(layers, carry, fired, strict=True):
            after.append(layer.strike(state, new, events, told, summed=layer is layers[0]))
            events = new.events
        kept = tuple({name: state["cells"][name] for name in keep if name in state["cells"]} for state in after)
        return after, (tuple(new.events for new in fired), kept)

    last, (events, states) = chunked(body, [layer.begin(lead) for layer in layers], in_time, steps)
    out = lambda x: jnp.moveaxis(x, 0, -2)
    ended = tuple(layer.ended(state) for layer, state in zip(layers, last, strict=True))
    began = tuple(layer.weights if layer.rule is not None else None for layer in layers)
    return SpikingRun(tuple(map(out, events)), ended, began, jax.tree.map(out, states), step)


def width(array: SynapticArray) -> tuple[int, int]:
    """(rows, columns) of the weights; nothing is computed."""
    rows, columns = jax.eval_shape(array.weights).shape[-2:]
    return rows, columns


def checked_spikes(network: SpikingNetwork, spikes: Any) -> Array:
    """Events (..., steps, inputs), once they fit the network."""
    spikes, rows = as_leaf(spikes), width(network.layers[0].array)[0]
    if spikes.ndim < 2 or spikes.shape[-1] != rows or not spikes.shape[-2]:
        raise InputError(f"`spikes` must have shape (..., steps, {rows}), one column per input, but has shape {spikes.shape}.")
    check.real("spikes", spikes)
    check.finite("spikes", spikes)
    check.within("spikes", spikes, Bounds(0))
    if spikes.ndim > 2 and any(layer.rule is not None for layer in network.layers):
        raise InputError(
            f"`spikes` must have shape (steps, {rows}) for a network with a rule, which learns from one stream, but has shape "
            f"{spikes.shape}; use `jax.vmap` for many copies of the network."
        )
    return spikes


def checked_course(name: str, value: Any, lead: tuple[int, ...], n: int) -> Array:
    """A number, (n,) or (..., steps, n), once it is finite and has one of these shapes."""
    value = as_leaf(value)
    check.real(name, value)
    check.finite(name, value)
    if not (value.shape in ((), (n,)) or value.shape == (*lead, n)):
        raise InputError(f"`{name}` must be a number or have shape {(n,)} or {(*lead, n)}, but has shape {value.shape}.")
    return value
