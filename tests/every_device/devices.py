"""Every public device, ready to be asked. A new device joins the laws of this folder by being listed here."""

import jax
import jax.numpy as jnp
import numpy as np

from devsim.devices.converters import ADC, DAC, Comparator, SampleAndHold, TransimpedanceAmplifier
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor, Switch
from devsim.devices.electrical.sources import CurrentSource, VoltageSource
from devsim.devices.memristor.crossbar import Crossbar
from devsim.devices.memristor.encoding import DifferentialPairs
from devsim.devices.memristor.filament import FilamentVCM
from devsim.devices.memristor.linear import LinearCell
from devsim.devices.memristor.pcm import PhaseChangeCell
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.reram import CMOReRAM, WanReRAM
from devsim.devices.memristor.stanford import StanfordPKU
from devsim.devices.memristor.vteam import VTEAM
from devsim.devices.memristor.yakopcic import Yakopcic
from devsim.devices.synaptic_array import IdealArray

KEY = jax.random.key(11)
SHAPE = (2, 3)
_WEIGHTS = jnp.asarray(np.random.default_rng(5).normal(size=(3, 2)))


def _written(cell):
    share = jnp.asarray(np.random.default_rng(6).uniform(0.2, 0.9, SHAPE))
    low, high = cell.minimum_conductance, cell.maximum_conductance
    return cell.program(low + share * (high - low), KEY)


def _crossbar():
    cell = LinearCell.of((3, DifferentialPairs().wires(2)), minimum_conductance=1e-6)
    return Crossbar(cell, wire_resistance=3.0, driver_resistance=10.0).program(_WEIGHTS, KEY)


DEVICES = {
    "resistor": lambda: Resistor(2e3, resistance_spread=0.0),
    "conductance bus": lambda: ConductanceBus(np.array([1e-3, 2e-3])),
    "switch": Switch,
    "diode": Diode,
    "voltage source": lambda: VoltageSource(1.0, source_resistance=50.0),
    "current source": lambda: CurrentSource(1e-3, source_conductance=1e-3),
    "DAC": lambda: DAC.of(3, bits=6),
    "ADC": lambda: ADC.of(3, bits=6),
    "transimpedance amplifier": lambda: TransimpedanceAmplifier.of(3, reference=3, time_constant=1e-8),
    "comparator": lambda: Comparator.of(3),
    "sample-and-hold": lambda: SampleAndHold(np.zeros(3), droop_rate=2.0),
    "ideal array": lambda: IdealArray(_WEIGHTS),
    "linear cell": lambda: _written(LinearCell.of(SHAPE, minimum_conductance=1e-6)),
    "PCM cell": lambda: _written(PhaseChangeCell.of(SHAPE)),
    "Wan ReRAM cell": lambda: _written(WanReRAM.of(SHAPE)),
    "CMO ReRAM cell": lambda: _written(CMOReRAM.of(SHAPE)),
    "pulse cell": lambda: PulseCell.preset("reram-es", SHAPE),
    "VTEAM": lambda: VTEAM.of(SHAPE),
    "Yakopcic": lambda: Yakopcic.of(SHAPE),
    "Stanford-PKU": lambda: StanfordPKU.of(SHAPE),
    "filament VCM": lambda: FilamentVCM.of(SHAPE),
    "crossbar": _crossbar,
    "reduced crossbar": lambda: _crossbar().reduce(),
}
PASSIVE = (
    "resistor", "conductance bus", "switch", "diode", "linear cell", "PCM cell", "Wan ReRAM cell", "CMO ReRAM cell",
    "pulse cell", "VTEAM", "Yakopcic", "Stanford-PKU", "filament VCM", "crossbar", "reduced crossbar",
)  # fmt: skip
FROZEN = ("reduced crossbar",)
"""Devices without cells any more: they cannot age."""


def told(device, seed: int = 0, size: float = 0.2):
    """Port values of about `size` and internal unknowns at rest."""
    rng = np.random.default_rng(seed)
    p = {name: jnp.asarray(rng.uniform(-size, size, port.shape)) for name, port in device.ports().items()}
    return p, {name: unknown.value for name, unknown in device.rest().items()}
