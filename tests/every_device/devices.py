"""Every public device, ready to be asked. A new device joins the laws of this folder by being listed here."""

import jax
import jax.numpy as jnp
import numpy as np

from devsim.devices.cmos import (
    OTA,
    AxonHillock,
    BiasGenerator,
    BistabilityAmplifier,
    Bump,
    CapacitorWeight,
    CurrentPair,
    CurrentSteering,
    CurrentSum,
    CurrentWeights,
    DifferentialPair,
    DPINeuron,
    DPISynapse,
    EligibilityTrace,
    FacilitationNode,
    FloatingGates,
    LogDomainFilter,
    MirrorIntegrator,
    ResourceNode,
    ThirdFactorGate,
    WeightBounds,
    WinnerTakeAll,
)
from devsim.devices.converters import ADC, DAC, Comparator, SampleAndHold, TransimpedanceAmplifier
from devsim.devices.delay import DelayChains, TappedDelays
from devsim.devices.electrical.amplifier import OperationalAmplifier
from devsim.devices.electrical.controlled import (
    CurrentControlledCurrentSource,
    CurrentControlledVoltageSource,
    VoltageControlledCurrentSource,
    VoltageControlledVoltageSource,
)
from devsim.devices.electrical.level_one import LevelOneMOSFET
from devsim.devices.electrical.mosfet import MOSFET
from devsim.devices.electrical.passive import ConductanceBus, Diode, Resistor, Switch
from devsim.devices.electrical.reactive import Capacitor, CoupledInductors, Inductor
from devsim.devices.electrical.ribbon import ElectricalRibbon
from devsim.devices.electrical.sources import CurrentSource, VoltageSource
from devsim.devices.magnetic import AutoOscillator, Macrospin, PhaseOscillator
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
from devsim.devices.mesh import Homodyne, Mesh, OpticalArray, SingularValueMesh
from devsim.devices.photonic import (
    AddDropRing,
    Attenuator,
    BalancedDetector,
    CoherentDetector,
    DirectionalCoupler,
    ElectroOpticPhaseShifter,
    Isolator,
    Laser,
    MachZehnder,
    Mirror,
    OpticalAmplifier,
    OpticalRibbon,
    PhaseShifter,
    Photodiode,
    RingModulator,
    RingResonator,
    Splitter,
    TabulatedScatterer,
    Termination,
    ThermoOpticPhaseShifter,
    Waveguide,
)
from devsim.devices.spiking import (
    CurrentSynapse,
    IntegrateAndFire,
    OptoelectronicNeuron,
    ResetSwitch,
    SamplerNeuron,
    SpikeDelay,
    SpikeSource,
    SpikingComparator,
)
from devsim.devices.synaptic_array import IdealArray
from devsim.waveform import PiecewiseLinear, Sine

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


def _delays(kind, **knobs):
    array = kind.of(3, 2, uniformity=0.5, leakage_current=1e-9, delay_spread=1e-12, coupling_spread=0.05, **knobs)
    drifting = array.put(cell=array.cell.put(drift=jnp.asarray(0.02)))
    return drifting.fabricate(KEY).program(_WEIGHTS * np.exp(2j * _WEIGHTS), KEY)


def _mesh(**knobs):
    phases = jnp.asarray(np.random.default_rng(7).uniform(0, 6, 16))
    return Mesh.of(4, phases=phases, splitter_error=0.03, loss_db=0.1, imbalance_db=0.05, crosstalk=0.01, **knobs)


_TABLE = 0.3 * np.exp(1j * np.arange(12)).reshape(3, 2, 2)

DEVICES = {
    "resistor": lambda: Resistor(2e3, resistance_spread=0.0),
    "conductance bus": lambda: ConductanceBus(np.array([1e-3, 2e-3])),
    "switch": Switch,
    "diode": Diode,
    "charged diode": lambda: Diode(1e-12, junction_capacitance=2e-12, transit_time=5e-9, grading=0.33),
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
    "Stanford-PKU": lambda: StanfordPKU.of(SHAPE, ambient=300.0),
    "filament VCM": lambda: FilamentVCM.of(SHAPE, ambient=300.0),
    "crossbar": _crossbar,
    "reduced crossbar": lambda: _crossbar().reduce(),
    "delay chains": lambda: _delays(DelayChains, delay_bits=6),
    "tapped delays": lambda: _delays(TappedDelays),
    "reduced delay array": lambda: _delays(DelayChains).reduce(),
    "mesh": lambda: _mesh(thermal_sensitivity=1e-3, phase_offset=0.2),
    "singular-value mesh": lambda: SingularValueMesh.of(3, 2, mesh={"splitter_error": 0.02}).program(_WEIGHTS, KEY),
    "optical array": lambda: OpticalArray.of(_mesh(), Homodyne(gain=2.0, bandwidth=1e9)),
    "moving voltage source": lambda: VoltageSource(np.zeros(2), waveform=Sine(phase=1.0)),
    "moving current source": lambda: CurrentSource(0.0, waveform=PiecewiseLinear(np.array([0, 1e-3]), np.array([1.0, 2]))),
    "capacitor": lambda: Capacitor(np.array([1e-9, 2e-9]), leakage_conductance=1e-6),
    "inductor": lambda: Inductor(1e-3, series_resistance=2.0),
    "coupled inductors": lambda: CoupledInductors(1e-3, 2e-3, coupling=-0.5, primary_resistance=1.0),
    "VCVS": lambda: VoltageControlledVoltageSource(10.0),
    "VCCS": VoltageControlledCurrentSource,
    "CCCS": CurrentControlledCurrentSource,
    "CCVS": lambda: CurrentControlledVoltageSource(np.array([1e3, -2e3])),
    "MOSFET": MOSFET,
    "p-channel MOSFET": lambda: MOSFET.p_channel(width=np.array([1e-6, 5e-6]), threshold=-0.1, temperature=350.0),
    "level-one MOSFET": lambda: LevelOneMOSFET(body_effect=0.5, length_modulation=0.02, drain_junction_capacitance=1e-13),
    "operational amplifier": lambda: OperationalAmplifier.of((2,), gain=100.0, swing=5.0, slew_rate=1e6),
    "spiking comparator": lambda: SpikingComparator(np.zeros(3), refractory_time=1e-3),
    "integrate-and-fire": lambda: IntegrateAndFire(np.ones(3), domain="electrical"),
    "bias generator": lambda: BiasGenerator.of(np.array([1e-11, 1e-9, 1e-6]), domain="electrical"),
    "current weights": lambda: CurrentWeights.of(3, 2).program(_WEIGHTS, KEY),
    "floating gates": lambda: FloatingGates.of(3, 2).program(_WEIGHTS, KEY),
    "DPI synapse": lambda: DPISynapse(50e-12 * np.ones((3, 2)), domain="electrical"),
    "bistability amplifier": lambda: BistabilityAmplifier(np.full(2, 1e-12), threshold=0.1, domain="electrical"),
    "differential pair": lambda: DifferentialPair(np.full(2, 1e-9), domain="electrical"),
    "bump": lambda: Bump(np.full(2, 1e-9), domain="electrical"),
    "winner-take-all": lambda: WinnerTakeAll(cells=3, early_voltage=0.1, domain="electrical"),
    "mirror integrator": lambda: MirrorIntegrator(np.full(2, 1e-9), domain="electrical"),
    "log-domain filter": lambda: LogDomainFilter(weight_current=np.full(2, 1e-9), domain="electrical"),
    "OTA": lambda: OTA(np.full(2, 1e-9), offset=1e-3),
    "DPI neuron": lambda: DPINeuron(1e-9 * np.ones(3), domain="electrical"),
    "Axon-Hillock": lambda: AxonHillock(1e-9 * np.ones(3)),
    "sampler neuron": lambda: SamplerNeuron(IntegrateAndFire(np.ones(3))),
    "capacitor weight": lambda: CapacitorWeight(np.array([1e-12, 2e-12])),
    "weight bounds": WeightBounds,
    "current pair": lambda: CurrentPair(np.full(2, 1e-9), domain="electrical"),
    "current steering": CurrentSteering,
    "current sum": CurrentSum,
    "eligibility trace": EligibilityTrace,
    "third-factor gate": ThirdFactorGate,
    "facilitation node": FacilitationNode,
    "resource node": ResourceNode,
    "optoelectronic neuron": lambda: OptoelectronicNeuron.preset("bursting", 3, refractory_time=5e-9, dark_current=1e-9),
    "spike delay": SpikeDelay,
    "current synapse": lambda: CurrentSynapse(1e-9 * _WEIGHTS),
    "spike source": lambda: SpikeSource(np.array([[0.0, 1e-3], [2e-3, np.inf]])),
    "reset switch": ResetSwitch,
    "electrical ribbon": lambda: ElectricalRibbon(3),
    "optical ribbon": lambda: OpticalRibbon(3),
    "tabulated scatterer": lambda: TabulatedScatterer.of(("in", "out"), [1.2e14, 1.9e14, 2.1e14], _TABLE),
    "auto-oscillator": lambda: AutoOscillator.of(3, nonlinear_shift=3e8, detuning=np.array([0, 1e-3, -1e-3]), ageing=1e-4),
    "phase oscillator": lambda: PhaseOscillator.of(3, nonlinearity=1.5, second_harmonic=1e6, limiter_softness=0.3),
    "laser": lambda: Laser(np.array([1e-3, 2e-3]), linewidth=1e5, relative_intensity_noise=1e-15),
    "modulated laser": lambda: Laser(modulated=True, phase=0.3),
    "waveguide": lambda: Waveguide(1e-4, loss_db_per_cm=2.0, dispersion=1e-3),
    "directional coupler": lambda: DirectionalCoupler(np.array([0.1, 0.5]), excess_loss_db=0.1),
    "splitter": lambda: Splitter(0.02),
    "attenuator": lambda: Attenuator(3.0),
    "isolator": lambda: Isolator(0.5, 1e-3),
    "termination": lambda: Termination((2,)),
    "mirror": Mirror,
    "interferometer": lambda: MachZehnder(np.array([0.3, 2.0]), 0.5, input_error=0.02, arm_loss_db=0.2),
    "phase shifter": lambda: PhaseShifter(np.array([0.3, 2.0])),
    "electro-optic shifter": lambda: ElectroOpticPhaseShifter(capacitance=1e-14, leak_conductance=1e-6, loss_db_per_volt=0.1),
    "thermo-optic shifter": lambda: ThermoOpticPhaseShifter(np.full(3, 1e3), crosstalk=0.05, temperature_coefficient=1e-3),
    "ring": lambda: RingResonator(loss_db_per_cm=2.0),
    "add-drop ring": lambda: AddDropRing(coupling=np.array([0.1, 0.2]), loss_db_per_cm=2.0),
    "ring modulator": lambda: RingModulator(capacitance=1e-14, series_resistance=50.0, leak_conductance=1e-6),
    "optical amplifier": lambda: OpticalAmplifier(10.0, saturation=100.0, spontaneous_emission=1.5),
    "macrospin": lambda: Macrospin(np.array([1e3, 2e3]), field_z=0.3, anisotropy_field=0.1, initial=(0.6, 0.0, 0.8)),
    "photodiode": lambda: Photodiode(0.9, dark_current=1e-9, shunt_conductance=1e-6, capacitance=1e-14),
    "balanced detector": lambda: BalancedDetector(np.array([0.9, 0.8]), time_constant=1e-11, imbalance=0.05),
    "coherent detector": lambda: CoherentDetector(0.9, shunt_conductance=1e-6, hybrid_error=0.05),
}
PASSIVE = (
    "resistor", "conductance bus", "switch", "diode", "charged diode", "linear cell", "PCM cell", "Wan ReRAM cell",
    "CMO ReRAM cell", "pulse cell", "VTEAM", "Yakopcic", "Stanford-PKU", "filament VCM", "crossbar", "reduced crossbar",
    "capacitor", "inductor", "coupled inductors", "MOSFET", "p-channel MOSFET", "level-one MOSFET", "reset switch",
    "electro-optic shifter", "thermo-optic shifter", "ring modulator", "electrical ribbon", "macrospin",
)  # fmt: skip
OHMIC = (
    "resistor", "conductance bus", "switch", "linear cell", "PCM cell", "pulse cell", "Wan ReRAM cell", "current source",
    "capacitor", "MOSFET", "reset switch", "thermo-optic shifter", "photodiode", "VTEAM", "Yakopcic", "Stanford-PKU",
    "filament VCM", "mesh", "macrospin",
)  # fmt: skip
"""Devices whose noise between two ports without voltage is that of their conductance."""
FROZEN = {
    "reduced crossbar": "A reduced crossbar cannot age; age the crossbar, then call `reduce",
    "reduced delay array": "A reduced delay array cannot age; age the delay array, then call `reduce",
}
"""Devices without cells any more, which cannot age -> their words for it."""
SURROGATE = ("comparator", "spiking comparator")
"""Devices that decide: their derivative is one that they state, not the one that a difference measures."""


def told(device, seed: int = 0, size: float = 0.2):
    """Port values of about `size`, complex where the port is, and internal unknowns at rest."""
    rng = np.random.default_rng(seed)
    p = {name: jnp.asarray(drawn(rng, port, size)) for name, port in device.ports().items()}
    return p, {name: unknown.value for name, unknown in device.rest().items()}


def drawn(rng, port, size: float):
    """Numbers uniform in [-size, size] of the port's shape; real and imaginary parts where it is complex."""
    real = rng.uniform(-size, size, port.shape)
    return real + 1j * rng.uniform(-size, size, port.shape) if port.is_complex else real


def answer(device, p, x, t: float = 0.0):
    """All that a device answers, by name: its static terms, its stored ones, the values it states."""
    balance = device.balance(t, p, x)
    stored = {f"stored {n}": value for n, value in balance.stored.items()}
    return dict(balance.static) | stored | {f"stated {n}": jnp.asarray(s.value) for n, s in balance.stated.items()}
