"""`OscillatorNetwork`: a memory of phases in oscillators that pull each other through an array of complex weights."""

import math
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.analyses.phase_stability import PhaseStability, phase_stability
from devsim.check import InputError, above
from devsim.devices.delay import DelayArray
from devsim.devices.magnetic.oscillator import Oscillator
from devsim.devices.synaptic_array import SynapticArray
from devsim.learning import storage
from devsim.learning.hopfield import check_cue_key, cue_keys
from devsim.learning.phases import phase_error, phasors
from devsim.parameter import as_leaf
from devsim.part import Part
from devsim.randomness import named_key
from devsim.stepping import schedule
from devsim.stepping.rotating_frame import RealProduct, SplitSteps

RULES = {"hebb": storage.hebb, "pseudo_inverse": storage.pseudo_inverse}
FRAMES = 100
"""Equal parts of a recall, after each of which its error is kept."""


class PhaseRecall(eqx.Module):
    """What `OscillatorNetwork.recall` found; leading axes as the cues.

    states: what each oscillator sends at the end, complex (..., N). time: s, (frames + 1,). errors: `phase_error` at those
    times (..., frames + 1). trajectory: what was sent then (..., frames + 1, N), or None where it was not asked for.
    """

    states: Array
    time: Array
    errors: Array
    trajectory: Array | None

    def time_to(self, error: Array | float) -> Array:
        """Time (s) from which on each error stays at or below `error` (turns, a number or one for each cue), between kept times
        by interpolation; infinite for a cue that ends above it."""
        error = jnp.asarray(error)
        above_it = ~(self.errors <= error[..., None])
        frames = self.time.size
        last = frames - 1 - jnp.argmax(above_it[..., ::-1], axis=-1)
        before = jnp.take_along_axis(self.errors, last[..., None], -1)[..., 0]
        after = jnp.take_along_axis(self.errors, jnp.minimum(last + 1, frames - 1)[..., None], -1)[..., 0]
        fall = before - after
        share = (before - error) / jnp.where(fall > 0, fall, 1.0)
        crossed = self.time[last] + share * (self.time[1] - self.time[0])
        return jnp.where(above_it[..., -1], jnp.inf, jnp.where(jnp.any(above_it, axis=-1), crossed, 0.0))

    def __str__(self) -> str:
        ends = self.errors[..., -1]
        return (
            f"Recall of {ends.size} cues in {float(self.time[-1]):.4g} s: RMS phase error "
            f"{float(jnp.sqrt(jnp.mean(self.errors[..., 0] ** 2))):.4g} -> {float(jnp.sqrt(jnp.mean(ends**2))):.4g} turns, "
            f"the worst {float(jnp.max(ends)):.4g}."
        )


class OscillatorNetwork(Part):
    """Oscillators that remember: what each sends reaches the others through an array of complex weights.

    Equations: F = sent @ W with the weights as the array holds them (`snapshot` draws its read noise and holds it); each
      oscillator follows its own equations under the field F. In the phase model without spread and noise, with W Hermitian,
      the flow never raises E = -1/2 Re(s W s*).
    Source: Prasad, Mukim, Madhavan and Stiles, Neuromorph. Comput. Eng. 2, 034003 (2022); Hoppensteadt and Izhikevich, Phys.
    Rev. Lett. 82, 2983 (1999).
    Valid: delays of the feedback far below 1 / coupling; the oscillators' and the array's own validity.
    """

    oscillators: Oscillator
    array: SynapticArray

    def __check_init__(self):
        check.instance("oscillators", self.oscillators, Oscillator)
        check.instance("array", self.array, SynapticArray)
        shape, count = jax.eval_shape(self.array.weights).shape[-2:], self.oscillators.shape()
        if count == () or shape != 2 * count:
            raise InputError(
                f"`array` must join each of the oscillators {count} to each, but has {shape[0]} rows and {shape[1]} columns."
            )

    def go_together(self):
        """The delays of an array are phases at one carrier, which must be the oscillators'."""
        if not isinstance(self.array, DelayArray):
            return
        own, theirs = self.oscillators.frequency, self.array.frequency
        if check.is_concrete(own) and check.is_concrete(theirs) and not np.allclose(own, theirs, rtol=1e-6, atol=0):
            raise InputError(
                f"`array` must be of delays for the oscillators' {np.ravel(own)[0]:.6g} Hz, but its `frequency` is"
                f" {float(theirs):.6g} Hz."
            )

    def ports(self):
        """None: it is asked through `recall`."""
        return {}

    def age(self, seconds, temperature, key):
        """Both parts age."""
        older = {n: part.age(seconds, temperature, named_key(key, n)) for n, part in self.children().items()}
        return self.put(**older)

    def program(self, target: Array, key: Key[Array, ""]) -> Self:
        """The same network after its array was asked to hold the weights `target` (N, N), complex."""
        return self.put(array=self.array.program(target, key))

    def store(self, patterns: Array, key: Key[Array, ""], *, rule: str = "pseudo_inverse") -> Self:
        """The same network programmed with the weights of `patterns` (P, N), complex of magnitude 1, without self-coupling.

        rule: `pseudo_inverse`, or `hebb`. Raises InputError for more patterns than oscillators, for patterns of another size
        and, by the pseudo-inverse, for linearly dependent ones.
        """
        check.one_of("rule", rule, RULES)
        check.shape("patterns", patterns, self.oscillators.shape(), "the oscillators")
        patterns = storage.unimodular("patterns", patterns)
        if rule == "pseudo_inverse":
            storage.check_independent("patterns", patterns)
        return self.program(RULES[rule](patterns, keep_diagonal=False) + 0j, key)

    def stability(self, pattern: Array) -> PhaseStability:
        """`phase_stability` of a pattern (N,) in the weights that the array holds, for feedback of the right phase."""
        coupling = self.oscillators.coupling
        check.within("coupling", coupling, above(0), "1/s")
        if check.is_concrete(coupling) and np.ptp(coupling) > 0:
            raise InputError("`coupling` must be one for all oscillators for their stability, but has several values.")
        harmonic = self.oscillators.second_harmonic / self.oscillators.coupling
        return phase_stability(self.array.weights(), pattern, second_harmonic=harmonic)

    def recall(
        self,
        cues: Array,
        duration: Array | float,
        key: Key[Array, "..."],
        *,
        targets: Array | None = None,
        step: float | None = None,
        frames: int = FRAMES,
        keep_states: bool = False,
    ) -> PhaseRecall:
        """Set the oscillators to the phases of `cues` (..., N) and let them go for `duration` seconds.

        key: one key, or one per cue: cue i of many (counted through all leading axes) has fold_in(key, i). targets (..., N):
        what errors are taken against; the cues themselves unless given. step: s; unless given the `longest_step`,
        shortened to fit: then one compilation serves all values of all knobs, but there are no reverse-mode derivatives.
        frames: how often the error is kept.

        Raises InputError for cues that are no phases or have another shape, and for a step that is too long.
        """
        cues = phasors("cues", cues)
        targets = cues if targets is None else phasors("targets", targets)
        lead, size = cues.shape[:-1], self.oscillators.shape()
        for name, values in (("cues", cues), ("targets", targets)):
            check.shape(name, values, size, "the oscillators")
        if not check.fits(targets.shape[:-1], lead):
            raise InputError(f"`targets` must be one for all cues or one each {cues.shape}, but have shape {targets.shape}.")
        check_cue_key(key, lead)
        check.whole("frames", frames, 1)
        check.within("duration", as_leaf(duration), above(0), "s")
        every = self._steps_of_frame(duration / frames, step)
        return _run(self, cues, targets, key, as_leaf(duration), every, frames, keep_states)

    def longest_step(self) -> Array:
        """The oscillators' longest step (s) for fields as strong as the spectral norm of the weights, and one at least."""
        return self.oscillators.longest_step(jnp.maximum(jnp.linalg.norm(self.array.weights(), 2), 1.0))

    def _steps_of_frame(self, seconds: Array | float, step: float | None) -> int | Array:
        """How many steps make up one frame: a whole number where `step` says so, else an array."""
        longest = self.longest_step()
        if step is None:
            return jnp.maximum(jnp.ceil(seconds / longest * (1 - 1e-9)), 1).astype(jnp.int32)
        check.within("step", step, above(0), "s")
        if check.is_concrete(longest) and step > longest * (1 + 1e-9):
            raise InputError(
                f"`step` must be at most {float(longest):.3g} s for these oscillators, but is {step:.3g} s: 0.05 over the rate"
                " of the pulls, 0.3 over that of the amplitudes."
            )
        return max(math.ceil(float(seconds) / step * (1 - 1e-9)), 1)


@eqx.filter_jit
def _run(network: OscillatorNetwork, cues, targets, key, duration, every, frames: int, keep_states: bool) -> PhaseRecall:
    """`recall` with its inputs checked."""
    lead, size = cues.shape[:-1], cues.shape[-1]
    oscillators = network.oscillators
    flat = oscillators.begin(jnp.angle(cues.reshape(-1, size)))
    goals = jnp.broadcast_to(targets, cues.shape).reshape(-1, size).astype(jnp.result_type(flat, jnp.complex64))
    step = (duration / (frames * every)).astype(jnp.real(flat).dtype)
    weights = network.array.weights()
    scheme = SplitSteps(oscillators, RealProduct.of(weights), step, cue_keys(key, lead))

    def record(at) -> tuple[Array, Array | None]:
        sent = oscillators.sent(scheme.now(at))
        return phase_error(sent, goals), sent if keep_states else None

    last, (errors, sent) = schedule.run(scheme.advance, record, scheme.start(flat), blocks=frames, every=every)
    states = oscillators.sent(scheme.now(last)).reshape(cues.shape)
    time = jnp.linspace(0, 1, frames + 1) * duration
    kept = None if sent is None else jnp.moveaxis(sent, 0, -2).reshape(*lead, frames + 1, size)
    return PhaseRecall(states, time, jnp.moveaxis(errors, 0, -1).reshape(*lead, frames + 1), kept)
