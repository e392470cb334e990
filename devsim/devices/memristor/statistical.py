"""`StatisticalCell`: cells that are written once and described by the statistics of what comes out."""

import abc
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from devsim import check
from devsim.devices.memristor.cell import Cell
from devsim.devices.memristor.conduction import Conduction, Ohmic
from devsim.devices.preset import Preset, look_up, sources
from devsim.parameter import parameter, state
from devsim.quantise import round_through
from devsim.randomness import named_key


class StatisticalCell(Cell):
    """An array of cells whose write error, ageing and read noise follow published distributions.

    Equations: g_written = max(0, target + deviation), deviation = s_write(target) x; ageing is a function of the time
    since each cell was written and of one standard draw that the cell took when it was written, so that `age` draws
    nothing and composes exactly; one read adds a normal deviate of s_read(g, time). Stuck cells sit at an end of the
    range, whatever is written: low where the cell's uniform draw u < p (1 - high share), high for the rest of u < p.
    The derivatives with respect to `stuck_probability` and `stuck_high_share` are zero: the yield moves by jumps.
    Valid: at the temperature of the source; `age` ignores its temperature and its key.
    """

    catalogue: ClassVar[dict[str, Preset]]

    conduction: Conduction = eqx.field(default_factory=Ohmic)
    minimum_conductance: Array = parameter(0.0, unit="S", bounds=(0, None), doc="lowest target that can be written")
    maximum_conductance: Array = parameter(25e-6, unit="S", bounds=(0, None), doc="highest target that can be written")
    pulse_fraction: Array = parameter(
        0.01, unit="1", bounds=check.above(0, 1), doc="share of the range that one nominal pulse moves"
    )
    stuck_probability: Array = parameter(
        0.0, unit="1", bounds=(0, 1), stage="fabricate", ideal=0.0, doc="share of the cells that no write can move"
    )
    stuck_high_share: Array = parameter(
        0.0, unit="1", bounds=(0, 1), stage="fabricate", doc="share of the stuck cells that sit at the maximum"
    )
    target: Array = state(0.0, unit="S", bounds=(0, None), doc="conductance that was asked for, after clipping")
    deviation: Array = state(0.0, unit="S", doc="what the write added to the target")
    draw: Array = state(0.0, unit="1", doc="standard normal draw, taken at the write, that decides how the cell ages")
    elapsed: Array = state(0.0, unit="s", bounds=(0, None), stage="age", doc="time since the cell was written")
    stuck_draw: Array = state(
        1.0,
        unit="1",
        bounds=(0, 1),
        stage="fabricate",
        doc="uniform draw that decides which cells are stuck; 1 before fabrication",
    )

    def __check_init__(self):
        low, high = self.minimum_conductance, self.maximum_conductance
        if check.is_concrete(low) and check.is_concrete(high) and not np.all(np.asarray(low) < np.asarray(high)):
            raise check.InputError(f"`maximum_conductance` must be above `minimum_conductance` ({low} S), but is {high} S.")

    @classmethod
    def preset(cls, name: str, shape: tuple[int, ...] = (), **changes) -> Self:
        """An array of unwritten cells (all at the minimum) with the published parameters `name`; `changes` override."""
        fields = look_up(cls.catalogue, name) | changes
        blank = {n: jnp.zeros(shape) for n in ("deviation", "draw", "elapsed")}
        lowest = jnp.broadcast_to(jnp.asarray(fields.get("minimum_conductance", 0.0), float), shape)
        return cls(**({"target": lowest, "stuck_draw": jnp.ones(shape)} | blank | fields))

    @classmethod
    def of(cls, shape: tuple[int, ...] = (), **changes) -> Self:
        """An array of unwritten cells with the parameters of the first preset."""
        return cls.preset(next(iter(cls.catalogue)), shape, **changes)

    @classmethod
    def presets(cls) -> dict[str, str]:
        """Preset name -> source."""
        return sources(cls.catalogue)

    @abc.abstractmethod
    def write_deviation(self, target: Array) -> Array:
        """Standard deviation (S) of what one write of `target` (S) leaves."""

    @abc.abstractmethod
    def draws(self, key: Key[Array, ""]) -> tuple[Array, Array]:
        """Standard normal draws of one write: for the write error and for the ageing, each of `shape()`."""

    @abc.abstractmethod
    def aged(self) -> Array:
        """Conductance (S) of cells that are not stuck, `elapsed` after they were written."""

    @abc.abstractmethod
    def read_deviation(self) -> Array:
        """Standard deviation (S) of one read at the present age."""

    def shape(self):
        """The shape of the array of cells."""
        return jnp.shape(self.target)

    def written(self) -> Array:
        """Conductance (S) right after the last write, at least 0; of stuck cells, the end of the range they sit at."""
        return self.or_stuck(jnp.maximum(self.target + self.deviation, 0.0))

    def conductance(self):
        """Stored conductance (S) at the cells' present age, without read noise."""
        return self.or_stuck(self.aged())

    def or_stuck(self, conductance: Array) -> Array:
        """`conductance` (S), but of stuck cells the end of the range they sit at."""
        low_share = self.stuck_probability * (1 - self.stuck_high_share)
        end = jnp.where(self.stuck_draw < low_share, self.minimum_conductance, self.maximum_conductance)
        return jnp.where(self.stuck_draw < self.stuck_probability, end, conductance)

    def sample(self, key):
        """Conductance (S) as one read finds it, at least 0."""
        noise = self.read_deviation() * self.normal(key)
        return jnp.maximum(self.conductance() + noise, 0.0)

    def program(self, target, key):
        """Write `target` (S, clipped to the range) once: fresh draws, and every clock starts anew."""
        if not check.fits(jnp.shape(target), self.shape()):
            raise check.InputError(f"`target` must fit the cells {self.shape()}, but has shape {jnp.shape(target)}.")
        wanted = jnp.broadcast_to(jnp.asarray(target, self.target.dtype), self.shape())
        wanted = jnp.clip(wanted, self.minimum_conductance, self.maximum_conductance)
        write, ageing = self.draws(key)
        clock = jnp.zeros_like(self.elapsed)
        return self.put(target=wanted, deviation=self.write_deviation(wanted) * write, draw=ageing, elapsed=clock)

    def nudge(self, pulses, key):
        """Write present conductance + count x `pulse_step()` into the cells whose rounded count is not 0; no others.

        There is no pulse physics here: a moved cell takes a new write error and a new clock. The derivative with
        respect to `pulses` is that of the unrounded count.
        """
        if not check.fits(jnp.shape(pulses), self.shape()):
            raise check.InputError(f"`pulses` must fit the cells {self.shape()}, but has shape {jnp.shape(pulses)}.")
        count = round_through(jnp.broadcast_to(pulses, self.shape()).astype(self.target.dtype))
        step = count * self.pulse_step()
        moved = self.program(self.conductance() + step, key)
        chosen = jnp.round(pulses) != 0
        return self.put(
            target=jnp.where(chosen, moved.target, self.target + step),
            deviation=jnp.where(chosen, moved.deviation, self.deviation),
            draw=jnp.where(chosen, moved.draw, self.draw),
            elapsed=jnp.where(chosen, moved.elapsed, self.elapsed),
        )

    def pulse_step(self):
        """Conductance (S) that one nominal pulse moves: `pulse_fraction` of the range."""
        return self.pulse_fraction * (self.maximum_conductance - self.minimum_conductance)

    def fabricate(self, key):
        """One die: spreads as declared, and the uniform draw that decides which cells are stuck."""
        draw = jax.random.uniform(named_key(key, "stuck_draw"), self.shape(), self.target.dtype)
        return super().fabricate(key).put(stuck_draw=draw)

    def ideal(self):
        """Every imperfection at its ideal value; the error and the ageing draw of the last write are forgotten."""
        return super().ideal().put(deviation=jnp.zeros_like(self.deviation), draw=jnp.zeros_like(self.draw))

    def age(self, seconds, temperature, key):
        """The same cells `seconds` later. Nothing is drawn; `temperature` (K) and `key` are not used."""
        return self.put(elapsed=self.elapsed + jnp.asarray(seconds, self.elapsed.dtype))

    def normal(self, key: Key[Array, ""]) -> Array:
        """Standard normal draws of `shape()`."""
        check.key(key)
        return jax.random.normal(key, self.shape(), self.target.dtype)


def two_draws(self: StatisticalCell, key: Key[Array, ""]) -> tuple[Array, Array]:
    """`draws` of a cell whose ageing is independent of its write error."""
    return self.normal(named_key(key, "write")), self.normal(named_key(key, "ageing"))


def one_draw(self: StatisticalCell, key: Key[Array, ""]) -> tuple[Array, Array]:
    """`draws` of a cell whose deviation keeps its sign while it grows."""
    draw = self.normal(named_key(key, "write"))
    return draw, draw
