"""Neurons behind plastic synapses of two states: lessons with a teacher, and questions with the weights frozen."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from devsim.devices.cmos.log_domain import current_of
from devsim.learning.plasticity import SDSP, Signals
from devsim.learning.plasticity.plasticity import State, relaxed
from devsim.learning.plasticity.silicon import SiliconSDSP
from devsim.learning.plasticity.silicon.trace import peak_current
from devsim.learning.spiking_cells import IdealCells

MOST = 5
"""Inputs that can fire in one step: what more there is finds the bus of addresses busy and is lost."""


class Course(NamedTuple):
    """One synapse and its neuron in every step (steps,): whether its input has an event, the neuron's `spikes`, its `membrane`
    before a reset, its `calcium` in units of one event, and the `weight` as of the last event."""

    events: Array
    spikes: Array
    membrane: Array
    calcium: Array
    weight: Array


class Lesson(NamedTuple):
    """What became of a lesson: `weights` (inputs, n), the share `stopped` of the jumps that calcium forbade, the course of one
    synapse."""

    weights: Array
    stopped: Array
    course: Course


class PlasticLayer(eqx.Module):
    """n cells that every input reaches through one plastic synapse each, and through inhibition that is common to all.

    Equations: an event of input i brings strength (excitation_ij e_ij - share inhibition_j) to cell j, e_ij the efficacy by the
      rule, excitation and inhibition what mirrors make of a current of one.
    Steps: the cells move and fire, then the events of the step change the weights and arrive. A synapse is brought up to date
    when its input fires: between events it only drifts, which the rule solves for any time.

    rule: with a circuit for each synapse where it is of transistors. excitation: (inputs, n). inhibition: (n,). step: s.
    """

    rule: SDSP | SiliconSDSP
    cells: IdealCells
    excitation: Array
    inhibition: Array
    strength: Array
    share: Array
    step: Array

    def learn(
        self, weights: Array, events: Int[Array, "steps most"], drive: Array, *, watched: tuple[int, int] = (0, 0)
    ) -> Lesson:
        """One lesson from `weights` under the inputs that fire in each step, as `fired_inputs` lists them, and a `drive` (n,).

        watched: the synapse (input, cell) whose course is kept.
        """
        stepper, (i, j) = self.cells.stepper(self.step), watched

        def advance(carry, rows):
            weights, since, local, state, now = carry
            fired, rule = stepper.fire(state, drive), part(self.rule, rows)
            real = (rows < len(weights)).astype(weights.dtype)
            opened = jnp.sum(real) * jnp.mean(open_share(rule, local["calcium"], fired.membrane, self.step))
            idle = ((now - since[rows]) * self.step)[:, None]
            own, local = changed(rule, weights[rows], local, Signals(real, fired.events, fired.membrane), idle, self.step)
            brought = real @ (rule.efficacy(own, local) * self.excitation[rows] - self.share * self.inhibition)
            weights, since = weights.at[rows].set(own, mode="drop"), since.at[rows].set(now + 1, mode="drop")
            calcium = calcium_of(rule, local["calcium"])[j]
            seen = Course(jnp.any(rows == i), fired.events[j], fired.membrane[j], calcium, weights[i, j])
            state = stepper.strike(fired.state, self.strength * brought)
            return (weights, since, local, state, now + 1), (seen, opened, jnp.sum(real))

        start = weights, jnp.zeros(len(weights), int), self.rule.begin(weights), self.cells.begin(), jnp.zeros((), int)
        (weights, since, *_), (course, opened, asked) = jax.lax.scan(advance, start, events)
        weights = rested(self.rule, weights, ((len(events) - since) * self.step)[:, None])
        return Lesson(weights, 1 - opened.sum() / jnp.maximum(asked.sum(), 1.0), course)

    def wires(self, weights: Array) -> Array:
        """What an event of each input brings to each cell (inputs, n), with the weights frozen."""
        efficacy = self.rule.efficacy(weights, self.rule.begin(weights))
        return self.strength * (efficacy * self.excitation - self.share * self.inhibition)

    def answer(
        self, wires: Array, rates: Float[Array, "samples inputs"], drive: Array, steps: int, key: Key[Array, ""]
    ) -> Array:
        """Events of each cell (samples, n) behind `wires` under random inputs of `rates` (1/s)."""
        stepper, size = self.cells.stepper(self.step), len(rates)

        def advance(carry, index):
            state, counts = carry
            events = jax.random.uniform(jax.random.fold_in(key, index), rates.shape, rates.dtype) < rates * self.step
            fired = stepper.fire(state, drive)
            return (stepper.strike(fired.state, events.astype(rates.dtype) @ wires), counts + fired.events), None

        wide = {name: jnp.broadcast_to(value, (size, *value.shape)) for name, value in self.cells.begin().items()}
        start = wide, jnp.zeros((size, wires.shape[1]), rates.dtype)
        return jax.lax.scan(advance, start, jnp.arange(steps))[0][1]


def fired_inputs(rates: Float[Array, " inputs"], steps: int, step: Array, key: Key[Array, ""]) -> Int[Array, "steps most"]:
    """Random inputs of `rates` (1/s): the numbers of those that fire in each step, then the number of inputs as filling."""
    inputs = len(rates)
    events = jax.random.uniform(key, (steps, inputs), rates.dtype) < rates * step
    return jax.vmap(lambda row: jnp.nonzero(row, size=min(MOST, inputs), fill_value=inputs)[0])(events)


def part(rule: SDSP | SiliconSDSP, rows: Int[Array, " most"]) -> SDSP | SiliconSDSP:
    """The rule of the synapses of some inputs; of filling, those of the last input."""
    if isinstance(rule, SDSP):
        return rule
    cut = lambda leaf: leaf[..., rows, :] if leaf.ndim > 1 else leaf
    own = {name: jax.tree.map(cut, getattr(rule, name)) for name, place in rule.places.items() if place == "synapse"}
    return eqx.tree_at(lambda rule: [getattr(rule, name) for name in own], rule, list(own.values()))


def rested(rule: SDSP | SiliconSDSP, weights: Array, seconds: Array) -> Array:
    """`weights` after `seconds` without an event."""
    if isinstance(rule, SDSP):
        rate = jnp.where(weights > rule.weight_threshold, rule.up_drift, -rule.down_drift)
        return rule.within(weights + rate * seconds)
    return rule.weights(rule.kept(rule.voltage(weights), seconds))


def changed(rule, weights: Array, local: State, signals: Signals, idle: Array, step: Array) -> tuple[Array, State]:
    """(weights, local variables) behind a step, before which the weights rested for `idle` (s), one number for each row.

    What `rule.step` does again and again, with the drift of all steps at once.
    """
    if isinstance(rule, SDSP):
        return rule.advance(rested(rule, weights, idle), local, signals, step, None)
    calcium = rule.calcium.relaxed(local["calcium"], step)
    up, down = rule.currents(current_of(calcium), signals.membrane)
    events, voltage = signals.pre[:, None], rule.kept(rule.voltage(weights), idle + step)
    voltage = rule.lowered(rule.raised(voltage, events, up), events, down)
    return rule.weights(voltage), {"calcium": rule.calcium.struck(calcium, rule.calcium.dose(signals.post))}


def open_share(rule: SDSP | SiliconSDSP, calcium: Array, membrane: Array, step: Array) -> Array:
    """The share (n,) of a whole jump that an event one step later makes, between 0 and 1, on its way up or down."""
    if isinstance(rule, SDSP):
        now, high = relaxed(calcium, step, rule.calcium_time), membrane > rule.membrane_threshold
        up, down = (rule.up_low < now) & (now < rule.up_high), (rule.down_low < now) & (now < rule.down_high)
        return jnp.where(high, up, down).astype(membrane.dtype)
    up, down = rule.currents(current_of(rule.calcium.relaxed(calcium, step)), membrane)
    return up / rule.rise.bias("bias_current") + down / rule.fall.bias("bias_current")


def calcium_of(rule: SDSP | SiliconSDSP, calcium: Array) -> Array:
    """Calcium in units of one event."""
    if isinstance(rule, SDSP):
        return calcium / rule.calcium_jump
    return current_of(calcium) / peak_current(rule.technology)
