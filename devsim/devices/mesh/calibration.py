"""Finding out what a mesh's heaters and interferometers are like, and setting it, from measured powers alone."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.devices.mesh.mesh import Mesh
from devsim.devices.mesh.realise import TURN
from devsim.randomness import named_key, numbered_keys


class Fringe(NamedTuple):
    """A sinusoid fitted to a sweep: power = offset + amplitude cos(turns_per_watt 2 pi heat + phase); residual its
    root-mean-square deviation, in units of the measured powers."""

    offset: Array
    amplitude: Array
    turns_per_watt: Array
    phase: Array
    residual: Array

    @property
    def power_pi(self) -> Array:
        """Heat for a phase of pi, W."""
        return 1 / (2 * self.turns_per_watt)


def calibrate(heat: Array, powers: Array, *, candidates: int = 400) -> Fringe:
    """Fit the phase of a heater against its heat from a sweep: `powers` (..., points) of an output at `heat` (points,), W.

    Equations: power = a + b cos(w heat) + c sin(w heat); a, b, c by linear least squares for each of many w, the best
    refined by Gauss-Newton steps on all four.
    Source: thermo-optic calibration as in Harris et al., Opt. Express 22, 10487 (2014).
    Valid: heat between half a turn and `candidates` / 8 turns over the sweep, one sinusoid in the power.

    Raises InputError for sweeps of fewer than eight points, or that do not rise.
    """
    heat, powers = jnp.asarray(heat, float), jnp.asarray(powers, float)
    check.finite("heat", heat)
    check.finite("powers", powers)
    if heat.ndim != 1 or heat.size < 8:
        raise InputError(f"`heat` must be a row of at least 8 points, but has shape {heat.shape}.")
    check.shape("powers", powers, heat.shape, "the points of the sweep")
    if check.is_concrete(heat) and np.any(np.diff(np.asarray(heat)) <= 0):
        raise InputError("`heat` must rise from point to point.")
    flat = powers.reshape(-1, heat.size)
    found = jax.vmap(lambda p: _fringe(heat, p, candidates))(flat)
    return jax.tree.map(lambda x: x.reshape(powers.shape[:-1]), found)


def _fringe(heat: Array, powers: Array, candidates: int) -> Fringe:
    span = heat[-1] - heat[0]
    # A fringe that a sweep shows at all turns by at least about half, and by no more than its points can tell.
    most = min(candidates / 8, heat.size / 2.5)
    rates = TURN * jnp.linspace(0.4, most, candidates) / span
    basis = lambda w: jnp.stack([jnp.ones_like(heat), jnp.cos(w * heat), jnp.sin(w * heat)], -1)

    def fitted(w):
        values = jnp.linalg.lstsq(basis(w), powers)[0]
        return values, jnp.sum((basis(w) @ values - powers) ** 2)

    values, errors = jax.vmap(fitted)(rates)
    best = jnp.argmin(errors)
    start = jnp.append(values[best], rates[best] * span)
    model = lambda p: basis(p[3] / span) @ p[:3] - powers

    def refine(p, _):
        step = jnp.linalg.lstsq(jax.jacfwd(model)(p), model(p))[0]
        return p - step, None

    p, _ = jax.lax.scan(refine, start, None, length=8)
    residual = jnp.sqrt(jnp.mean(model(p) ** 2))
    return Fringe(p[0], jnp.hypot(p[1], p[2]), p[3] / span / TURN, jnp.arctan2(-p[2], p[1]), residual)


def self_configure(mesh: Mesh, target: Array, key: Key[Array, ""], *, passes: int = 10) -> tuple[Mesh, Array]:
    """The mesh set for the weights `target` (rows, columns) from output powers alone, and the share of the light that leaves
    where it should after every pass (passes + 1,).

    Nothing of its splitters, offsets or heaters is known. Light goes in as the conjugate of column k of the target, so that all
    of it should leave output k. Every heater in turn is set to where the sum over k of those powers is largest.
    Equations: the sum is a + b cos(phase) + c sin(phase), known from three settings a third of a turn apart; the phase is then
    atan2(c, b).
    Source: self-configuration from powers: Miller, Photon. Res. 1, 1 (2013); Hamerly, Bandyopadhyay, Englund, Phys. Rev.
    Applied 18, 024018 (2022); one sinusoid at a time: Nakanishi, Fujii, Todo, Phys. Rev. Research 2, 043158 (2020).
    Valid: from any start, best from that of `program`; without noise, and with heaters that turn as they are asked, no pass
    loses light. Powers do not see the outputs' phases, whose heaters stay as they are; a local maximum is possible from a start
    far away.

    Raises InputError for a target of another shape.
    """
    check.instance("mesh", mesh, Mesh)
    check.whole("passes", passes, 1)
    target = jnp.asarray(target)
    if target.shape != mesh.shape():
        raise InputError(f"`target` must match the mesh's weights {mesh.shape()}, but has shape {target.shape}.")
    check.finite("target", target)
    return _self_configured(mesh, target, key, passes)


@eqx.filter_jit
def _self_configured(mesh: Mesh, target: Array, key: Key[Array, ""], passes: int) -> tuple[Mesh, Array]:
    probes = jnp.conj(target.T)
    heaters = jnp.arange(mesh.layout.heaters.count - mesh.layout.modes)  # the outputs' own are not seen
    thirds = TURN / 3 * jnp.arange(3)

    def light(phases: Array, key: Key[Array, ""]) -> Array:
        answers = jnp.diagonal(mesh.tuned(phases).read(probes, key))
        return jnp.mean(jnp.real(answers) ** 2 + jnp.imag(answers) ** 2)

    def one(phases, at):
        heater, key = at
        settings = jnp.mod(phases[heater] + thirds, TURN)
        tried = jax.vmap(lambda s: phases.at[heater].set(s))(settings)
        seen = jax.vmap(light)(tried, numbered_keys(key, 3))
        best = jnp.arctan2(seen @ jnp.sin(settings), seen @ jnp.cos(settings))
        return phases.at[heater].set(jnp.mod(best, TURN)), None

    def sweep(phases, key):
        keys = numbered_keys(named_key(key, "heaters"), heaters.size)
        phases, _ = jax.lax.scan(one, phases, (heaters, keys))
        return phases, light(phases, named_key(key, "light"))

    start = light(mesh.phases, named_key(key, "start"))
    phases, after = jax.lax.scan(sweep, mesh.phases, numbered_keys(named_key(key, "passes"), passes))
    return mesh.tuned(phases), jnp.concatenate([start[None], after])
