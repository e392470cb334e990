"""Noise at an output, in total and by contributor."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim import check
from devsim.analyses.small_signal import around, checked_frequency
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.compile import Plan
from devsim.linearised import Linearised, at_frequencies
from devsim.noise import NoiseSources, Place, share
from devsim.solution import summary
from devsim.trajectory import UNITS


class NoiseSpectrum(eqx.Module):
    """One-sided noise densities at an output, (frequencies,); leading axes are those of a batch.

    frequency: Hz. density: the square of the output's `unit` per Hz. by_source: `part.source` -> its share of it.
    """

    frequency: Array
    density: Array
    by_source: dict[str, Array]
    output: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)

    def integrated(self, source: str | None = None) -> Array:
        """The noise power (V^2) between the first and the last frequency, of all sources or of one.

        The trapezoidal rule over the logarithm of the frequency, which for densities that vanish at both ends of a
        logarithmic row converges faster than any power of its spacing.
        """
        if source is not None:
            check.one_of("source", source, self.by_source)
        density = self.density if source is None else self.by_source[source]
        return jnp.trapezoid(density * self.frequency, jnp.log(self.frequency))

    def ranking(self) -> dict[str, Array]:
        """Integrated noise power (V^2) of every source, the largest first; of several dies, the largest on average.

        Raises InputError inside a JAX transformation, where nothing can be ordered.
        """
        powers = {name: self.integrated(name) for name in self.by_source}
        if not all(check.is_concrete(power) for power in powers.values()):
            raise InputError("`ranking` must be called outside of JAX transformations; inside, use `integrated(source)`.")
        return dict(sorted(powers.items(), key=lambda item: -float(np.mean(item[1]))))

    def dataset(self):
        """The densities as an `xarray.Dataset` over `frequency` and `source`, and over `die` where there are several."""
        from devsim.dataset import dataset

        names, units = list(self.by_source), f"{self.unit}^2/Hz"
        every = [np.asarray(self.by_source[name]) for name in names]
        stacked = np.stack(every, axis=-1) if every else np.zeros((*self.density.shape, 0))
        over = ("frequency", np.asarray(self.frequency), "Hz")
        variables = {"density": (np.asarray(self.density), units), "by_source": (stacked, units)}
        found = dataset(over, variables, analysis="noise spectrum", output=self.output)
        found = found.rename({"by_source lane 0": "source"}).assign_coords(source=names)
        found["by_source"] = found["by_source"].transpose(..., "source", "frequency")
        dies = found["density"].dims[:-1]
        return found.assign(integrated=(dies, np.asarray(self.integrated()), {"units": f"{self.unit}^2"}))

    def __str__(self) -> str:
        counted, total = self.frequency.shape[-1], summary(self.integrated())
        lines = [f"noise spectrum: at `{self.output}`, {counted} frequencies, integrated {total} {self.unit}^2"]
        if check.is_concrete(self.density):
            lines += [f"  {name:<28} {summary(power)} {self.unit}^2" for name, power in list(self.ranking().items())[:12]]
        return "\n".join(lines)

    __repr__ = __str__


def noise_spectrum(
    circuit: Circuit, inputs: Mapping[str, Any] | None = None, *, output: str | tuple[str, str], frequency: Any
) -> NoiseSpectrum:
    """One-sided noise density of `output` at `frequency` (Hz, a row of them above 0), around the operating point.

    output: a net with one real value, `net[k]` for one wire of a bus, or two of them for their difference. A pure function
    of circuit and inputs. Raises InputError for other outputs, SolveError where the operating point fails.
    """
    frequency = checked_frequency(frequency)
    pair = (output,) if isinstance(output, str) else output
    if not isinstance(pair, tuple) or len(pair) not in (1, 2):
        raise InputError(f"`output` must be a net, or two for their difference, but is {check.described(output)}.")
    segments, plan = around(circuit, inputs)
    places = tuple(_output_place(plan, name) for name in pair)
    found = _solve(circuit, segments, frequency, plan, places)
    total = sum((jnp.sum(each, axis=1) for each in found), jnp.zeros(frequency.shape))
    labelled = zip(_sources(plan).sources, found, strict=True)
    by_source = {name: each[:, k] for source, each in labelled for k, name in enumerate(source.labels())}
    port = plan.netlist.net_ports()[pair[0].partition("[")[0]]
    return NoiseSpectrum(frequency, total, by_source, " - ".join(pair), UNITS[port.domain])


def _output_place(plan: Plan, name: Any) -> tuple[int, int] | None:
    """Segment and index of a real value; None for one that never moves."""
    ports = plan.netlist.net_ports()
    net, _, index = str(name).partition("[")
    check.one_of("output", net, ports)
    port = ports[net]
    if port.is_complex:
        raise InputError(f"`output` must have real values, but net `{net}` carries complex ones; put a detector behind it.")
    count = int(np.prod(port.shape, dtype=int))
    wire = index.removesuffix("]") if index else ("0" if count == 1 else "")
    if not (wire.isascii() and wire.isdigit() and int(wire) < count):
        raise InputError(f"`output` must name one of the {count} wires of net `{net}`, such as `{net}[0]`, but is `{name}`.")
    slot = plan.slot(net)
    return None if slot is None else (slot.segment, slot.offset + int(wire))


@lru_cache(maxsize=64)
def _sources(plan: Plan) -> NoiseSources:
    return NoiseSources(plan)


@eqx.filter_jit
def _solve(circuit: Circuit, segments: list[Array], frequency: Array, plan: Plan, places: tuple) -> list[Array]:
    """The density at the output of every member of each kind of source, (frequencies, members)."""
    linear, sources = Linearised(plan, circuit.groups, segments), _sources(plan)
    densities = sources.densities(circuit.groups, segments)
    wanted: dict[int, Array] = {}
    for place, sign in zip(places, (1.0, -1.0), strict=False):
        if place is not None:
            segment, index = place
            vector = wanted.get(segment, jnp.zeros(plan.lengths[segment]))
            wanted[segment] = vector.at[index].add(sign)

    def at(omega: Array) -> list[Array]:
        influence, found = linear.influence(wanted, omega), []
        for source, density in zip(sources.sources, densities, strict=True):
            transfer = _read(influence, source.into) - (0.0 if source.out_of is None else _read(influence, source.out_of))
            each = jnp.sum(density * jnp.abs(transfer) ** 2, axis=1)
            found.append(each * share(source.colour, omega / (2 * jnp.pi), source.corner))
        return found

    entries = linear.entries + sum(density.size for density in densities)
    return at_frequencies(at, frequency, entries)


def _read(influence: dict[int, Array], place: Place) -> Array:
    """The influence of what enters at a place, (members, size); zero where there is no equation."""
    total = jnp.zeros(place.index.shape, complex)
    for segment, values in influence.items():
        here = place.segment == segment
        if here.any():
            total = jnp.where(here, values[np.where(here, place.index, 0)], total)
    return total
