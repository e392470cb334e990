"""Behaviours by name: the numbers that `OptoelectronicNeuron.preset` builds from.

Izhikevich's classes are told in pF, mV, ms and pA. On a chip a millisecond is `TIME`, a millivolt `VOLTAGE` and a picoampere
`CURRENT`; the equations keep their form, and potentials count from the resting one.
"""

from typing import Any

from devsim.devices.preset import Preset

TIME, VOLTAGE, CURRENT = 4e-9, 1e-2, 1e-7
"""Seconds for a millisecond, volts for a millivolt, amperes for a picoampere."""


def _tonic() -> dict[str, Any]:
    membrane = {"capacitance": 1.72e-12, "gain": 1.5278e-3, "resting_potential": 0.3, "threshold": 0.5}
    return membrane | {"peak_potential": 0.8, "reset_potential": 0.0, "refractory_time": 8.3e-9}


def _scaled(membrane: dict[str, float], recovery: dict[str, float]) -> dict[str, Any]:
    """Fields from `c` (pF), `k` (pA/mV^2), potentials `v_t`, `v_peak` and `reset` above the resting one (mV); `a` (1/ms),
    `b` (pA/mV), `d` (pA)."""
    return {
        "capacitance": membrane["c"] * CURRENT * TIME / VOLTAGE,
        "gain": membrane["k"] * CURRENT / VOLTAGE**2,
        "resting_potential": 0.0,
        "threshold": membrane["v_t"] * VOLTAGE,
        "peak_potential": membrane["v_peak"] * VOLTAGE,
        "reset_potential": membrane["reset"] * VOLTAGE,
        "refractory_time": 0.0,
        "recovery_rate": recovery["a"] / TIME,
        "recovery_conductance": recovery["b"] * CURRENT / VOLTAGE,
        "recovery_step": recovery["d"] * CURRENT,
    }


def _adapting() -> dict[str, Any]:
    return _scaled({"c": 100, "k": 0.7, "v_t": 20, "v_peak": 95, "reset": 10}, {"a": 0.03, "b": -2, "d": 100})


def _bursting() -> dict[str, Any]:
    return _scaled({"c": 50, "k": 1.5, "v_t": 20, "v_peak": 85, "reset": 20}, {"a": 0.03, "b": 1, "d": 150})


PRESETS = {
    "tonic": Preset(
        "fitted to the transfer curve of the optoelectronic neuron of Lee et al., Opt. Express 30, 19360 (2022): 0.4 MHz rms"
        " between 25 and 250 uA; no recovery current",
        _tonic,
    ),
    "adapting": Preset("regular spiking, Izhikevich, Dynamical Systems in Neuroscience (MIT Press, 2007), 8.2.1", _adapting),
    "bursting": Preset("chattering, Izhikevich, Dynamical Systems in Neuroscience (MIT Press, 2007), 8.2.3", _bursting),
}
