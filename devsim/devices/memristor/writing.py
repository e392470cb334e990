"""How a target gets into cells: one front door, `write`, and the strategies behind it."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError, above
from devsim.devices.memristor.bounded_loop import bounded_loop
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.pulse import PulseCell
from devsim.parameter import parameter
from devsim.part import Part
from devsim.ports import ageless
from devsim.quantise import round_through
from devsim.randomness import named_key


class WriteReport(eqx.Module):
    """What a write cost and what it left.

    pulses: pulses (of other cells: writes) per cell. verified: cells whose last read was within the tolerance (for an
    open loop: all False, nobody looked). residual: stored minus wanted conductance (S), without read noise.
    tolerance: in S; infinite for an open loop. writer: the strategy's name.
    """

    pulses: Array
    verified: Array
    residual: Array
    tolerance: Array
    writer: str = eqx.field(static=True)

    def share_within(self) -> Array:
        """Share of the cells whose true residual is within the tolerance."""
        return jnp.mean(jnp.abs(self.residual) <= self.tolerance)

    def rms(self) -> Array:
        """Root mean square of the residual (S)."""
        return jnp.sqrt(jnp.mean(self.residual**2))

    def __str__(self) -> str:
        pulses = np.asarray(self.pulses)
        text = f"{self.writer}: {pulses.size} cells, residual {float(self.rms()) * 1e6:.3g} uS rms; "
        text += f"{pulses.mean():.1f} pulses a cell, {pulses.max():.0f} at most"
        if not np.all(np.isfinite(self.tolerance)):
            return text
        tolerance = float(np.max(self.tolerance)) * 1e6
        return text + (
            f"; {100 * float(self.share_within()):.1f} % within {tolerance:.3g} uS"
            f" ({100 * float(jnp.mean(self.verified)):.1f} % by their last read)"
        )


class Written(NamedTuple):
    """The cells after a write, and the report of it."""

    cell: Cell
    report: WriteReport


class Writer(Part):
    """A strategy that brings cells to a target."""

    age = ageless

    @abc.abstractmethod
    def write(self, cell: Cell, target: Array, key: Key[Array, ""]) -> Written:
        """Bring `cell` to `target` (S), which has the cells' shape and is within their range."""

    def ports(self):
        """None: a strategy is a procedure."""
        return {}


def write(cell: Cell, target: Array, key: Key[Array, ""], *, writer: Writer | None = None) -> Written:
    """Bring `cell` to `target` (S, a number or of the cells' shape, cut to their range); open loop without a `writer`."""
    check.finite("target", target)
    if jnp.ndim(target):
        check.shape("target", target, cell.shape(), "the array of cells")
    wanted = jnp.clip(jnp.broadcast_to(target, cell.shape()), cell.minimum_conductance, cell.maximum_conductance)
    return (OpenLoop() if writer is None else writer).write(cell, wanted.astype(cell.conductance().dtype), key)


class OpenLoop(Writer):
    """One `program`, and nobody looks at what came out.

    Equations: cell.program(target); its cost is the pulse count of a pulse cell, one write of any other.
    Source: blind programming, the baseline of e.g. Mackin et al., Adv. Electron. Mater. 5, 1900026 (2019).
    Valid: for any cell.
    """

    def write(self, cell, target, key):
        """Program once."""
        pulses = jnp.ones(cell.shape())
        if isinstance(cell, PulseCell):
            pulses = jnp.minimum(jnp.abs(round_through(cell.pulses_towards(target))), cell.most_pulses)
        done = cell.program(target, key)
        nobody = jnp.zeros(cell.shape(), bool)
        return Written(done, WriteReport(pulses, nobody, done.conductance() - target, jnp.asarray(jnp.inf), "open loop"))


class WriteVerify(Writer):
    """Read, compare, correct, until every cell is within the tolerance or has used up its budget.

    Equations: error = target - mean of `reads` reads. A cell stops for good once |error| <= tolerance. Until then a
    pulse cell gets round(gain error / pulse_step) pulses, at least 1, at most `longest` and never beyond its budget;
    any other cell is written again, and counts one pulse per write (its first write included).
    Source: Alibart et al., Nanotechnology 23, 075201 (2012); Milo et al., IEEE Trans. Electron Devices 68, 3832 (2021).
    Valid: for any cell; a tolerance below the read noise stops cells by chance, which the report shows. Derivatives are
    those of the corrections made; a train that is cut at `longest` has none with respect to the error.
    """

    tolerance: Array = parameter(1e-6, unit="S", bounds=above(0), stage="program", doc="largest error that is accepted")
    gain: Array = parameter(
        1.0, unit="1", bounds=above(0), stage="program", doc="share of the error that one correction aims at"
    )
    budget: int = eqx.field(static=True, default=100)
    longest: int = eqx.field(static=True, default=10)
    reads: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        for name in ("budget", "longest", "reads"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"`{name}` must be a whole number of at least 1, but is {value!r}.")

    @eqx.filter_jit
    def write(self, cell, target, key):
        """One loop over rounds of correction; each round has its own key."""
        used = jnp.zeros(cell.shape(), int)
        steps = None
        if isinstance(cell, PulseCell):
            steps = cell.pulse_step()
            steps = jnp.where(steps > 0, steps, jnp.inf)
        else:
            cell, used = cell.program(target, named_key(key, "first")), used + 1
        error = target - self._read(cell, named_key(key, "read"))

        def active(error, used):
            return (jnp.abs(error) > self.tolerance) & (used < self.budget)

        def round_of(i, carry):
            cell, error, used = carry
            here = active(error, used)
            this = jax.random.fold_in(named_key(key, "round"), i)
            if steps is None:
                cell, pulses = _rewrite(cell, target, here, this)
            else:
                counts = self._counts(error / steps, self.budget - used)
                cell = cell.nudge(jnp.where(here, counts, 0.0), named_key(this, "write"))
                pulses = jnp.abs(jax.lax.stop_gradient(counts)).astype(int)
            seen = target - self._read(cell, named_key(this, "read"))
            return cell, jnp.where(here, seen, error), used + jnp.where(here, pulses, 0)

        start = (cell, error, used)
        cell, error, used = bounded_loop(lambda i, carry: active(*carry[1:]), round_of, start, self.budget)
        verified = jnp.abs(error) <= self.tolerance
        return Written(cell, WriteReport(used, verified, cell.conductance() - target, self.tolerance, "write-verify"))

    def _read(self, cell: Cell, key: Key[Array, ""]) -> Array:
        """Mean of `reads` reads (S)."""
        return jnp.mean(jax.vmap(cell.sample)(jax.random.split(key, self.reads)), axis=0)

    def _counts(self, steps: Array, left: Array) -> Array:
        """Whole signed pulses for an error of so many `steps`: at least 1, at most `longest` and what is `left`."""
        most = jnp.minimum(left, self.longest)
        return jnp.sign(steps) * jnp.clip(round_through(jnp.abs(self.gain * steps)), jnp.minimum(1, most), most)


def _rewrite(cell: Cell, target: Array, chosen: Array, key: Key[Array, ""]) -> tuple[Cell, Array]:
    """The cells after one more write of the `chosen` ones, which costs each of them one pulse."""
    again = cell.program(target, named_key(key, "write"))
    return _merge(chosen, again, cell), jnp.ones(cell.shape(), int)


def _merge(chosen: Array, new: Cell, old: Cell) -> Cell:
    """`new` where `chosen`, `old` elsewhere: every array of the cells' shape is taken cell by cell."""
    shape = old.shape()
    return jax.tree.map(lambda n, o: jnp.where(chosen, n, o) if jnp.shape(o) == shape else n, new, old)
