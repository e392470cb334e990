"""The analyses of a circuit file over frequency, each as a `Finding`."""

import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Array

from devsim import plot_analyses
from devsim.analyses.noise_spectrum import NoiseSpectrum, noise_spectrum
from devsim.analyses.small_signal import Response, small_signal
from devsim.check import InputError, suggest
from devsim.cli.finding import Finding, Rows, listed
from devsim.cli.workbench import Workbench
from devsim.dataset import dataset
from devsim.exchange import NoiseAnalysis
from devsim.ports import GROUND
from devsim.trajectory import UNITS
from devsim.units import NOTHING, engineering


def over_frequency(bench: Workbench, frequency: np.ndarray, *, source: str | None) -> Finding:
    """The small-signal response to one source of 1, or to all that the file gives a magnitude, together."""
    stimuli = {source: (1.0, 0.0)} if source else {name: given for name, given in bench.deck.stimuli.items() if given[0]}
    if not stimuli:
        raise InputError("`--source` must name a source, since the file gives none an AC magnitude.")
    responses = {
        name: small_signal(bench.circuit, bench.inputs, source=bench.drive(name), frequency=frequency) for name in stimuli
    }
    nets = {net: _superposed(net, responses, stimuli) for net in next(iter(responses.values())).nets()}
    ports = bench.circuit.netlist.net_ports()
    of = " and ".join(stimuli)
    told = {
        "frequency": frequency.tolist(),
        "nets": {net: _polar(value, ports[net].is_complex) for net, value in nets.items()},
    }
    variables = {}
    for net, value in nets.items():
        unit = UNITS[ports[net].domain]
        split = {f"{net}.real": value[..., 0], f"{net}.imag": value[..., 1]} if ports[net].is_complex else {net: value}
        for name, each in split.items():
            variables[f"{name}.magnitude"] = (np.abs(each), f"{unit} per unit of {source}" if source else unit)
            variables[f"{name}.phase"] = (_degrees(each), "degree")
    left = dataset(("frequency", frequency, "Hz"), variables, analysis="small signal", source=of)
    ends = " to ".join(engineering(float(f), "Hz") for f in (frequency[0], frequency[-1]))
    title = f"{bench.file.name}: small signal from {of}, {frequency.size} frequencies, {ends}"
    cells = [(net, *_gain(np.abs(value), frequency)) for net, value in nets.items()]
    table = Rows.of(title, ("net", "at the first", "largest", "at", "at the last"), cells)
    return Finding(told, [table], left, functools.partial(plot_analyses.bode, left, first=bench.favourites()))


def _superposed(net: str, responses: Mapping[str, Response], stimuli: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """The change of a net when every source moves with its magnitude and phase (rad)."""
    weighted = [size * np.exp(1j * phase) * np.asarray(responses[name][net]) for name, (size, phase) in stimuli.items()]
    return np.sum(weighted, axis=0)


def _polar(value: np.ndarray, is_complex: bool) -> dict[str, Any]:
    """Magnitudes and phases; for envelopes those of their two quadratures apart."""
    if is_complex:
        return {"real": _polar(value[..., 0], False), "imag": _polar(value[..., 1], False)}
    return {"magnitude": np.abs(value).tolist(), "phase_deg": _degrees(value).tolist()}


def _degrees(value: np.ndarray) -> np.ndarray:
    return np.degrees(np.angle(value))


def _gain(size: np.ndarray, frequency: np.ndarray) -> tuple[str, ...]:
    """First, largest and last magnitude of a net in decibels; of a bus the largest lane."""
    size = size.reshape(len(size), -1).max(axis=1)
    decibels = lambda value: f"{20 * np.log10(value):z.2f} dB" if value > 0 else NOTHING
    top = int(np.argmax(size))
    at = engineering(float(frequency[top]), "Hz") if size[top] > 0 else NOTHING
    return decibels(size[0]), decibels(size[top]), at, decibels(size[-1])


def noise_at(bench: Workbench, frequency: np.ndarray, *, output: str, reference: str | None) -> Finding:
    """One-sided noise density of `output` against `reference` (None is ground), in total and by source, the loudest first."""
    at = output if reference is None else (output, reference)
    found = noise_spectrum(bench.circuit, bench.inputs, output=at, frequency=frequency)
    ranking = found.ranking()
    total = float(found.integrated())
    told = {
        "frequency": frequency.tolist(),
        "density": listed(found.density),
        "by_source": {name: listed(found.by_source[name]) for name in ranking},
        "integrated": total,
    }
    left = found.dataset()
    table = _contributions(bench, found, ranking, found.unit)
    return Finding(told, [table], left, functools.partial(plot_analyses.noise_densities, left))


def _contributions(bench: Workbench, found: NoiseSpectrum, ranking: Mapping[str, Array], unit: str) -> Rows:
    """What each source adds over the sweep; at a single frequency, its density there."""
    frequency = found.frequency
    if frequency.size == 1:
        total, what, per = float(found.density[0]), "density", "/sqrt(Hz)"
        parts = {name: float(each[0]) for name, each in found.by_source.items()}
        where = f"at {engineering(float(frequency[0]), 'Hz')}"
    else:
        total, what, per = float(found.integrated()), "rms", ""
        parts = {name: float(power) for name, power in ranking.items()}
        where = " to ".join(engineering(float(f), "Hz") for f in (frequency[0], frequency[-1]))
    amount = lambda power: engineering(math.sqrt(power), unit) + per
    order = sorted((name for name in parts if parts[name] > 0), key=lambda name: -parts[name])
    cells = [(name, amount(parts[name]), f"{100 * parts[name] / total:.3g} %") for name in order]
    title = f"{bench.file.name}: noise at {found.output}, {amount(total)}{' rms' * (not per)}, {where}"
    return Rows.of(title, ("source", what, "share of power"), cells)


def checked_output(
    bench: Workbench, asked: NoiseAnalysis | None, output: str | None, reference: str | None
) -> tuple[str, str | None]:
    """The nets whose noise is wanted: those of the options, else those of the file; InputError for what is no net."""
    if output is None and reference is None and asked:
        output, reference = asked.output, asked.reference
    if output is None:
        raise InputError("`--output` must name a net, since the file asks for no noise.")
    nets = bench.circuit.netlist.net_ports()
    for option, net in (("--output", output), ("--reference", reference)):
        if net not in (None, GROUND) and net.partition("[")[0] not in nets:
            raise InputError(f"`{option}` names `{net}`, which is no net of the circuit.{suggest(net, nets)}")
    return output, None if reference == GROUND else reference
