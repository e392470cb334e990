"""Transfer functions against closed forms: electrical, optical, across, from inputs, pins and parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.analyses.small_signal import small_signal
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.devices.electrical import Capacitor, Diode, Inductor, OperationalAmplifier, Resistor, VoltageSource
from devsim.devices.photonic import DirectionalCoupler, ElectroOpticPhaseShifter, Laser, Mirror, Photodiode, Waveguide
from devsim.physics import thermal_voltage

FREQUENCY = np.geomspace(1e3, 1e8, 31)
S = 2j * np.pi * FREQUENCY
R, L, C = 50.0, 1e-5, 1e-9

RESONANCE = Circuit(
    {"r": Resistor(R), "l": Inductor(L), "c": Capacitor(C), "load": Resistor(1e4)},
    {"in": ("r.a",), "mid": ("r.b", "l.a"), "out": ("l.b", "c.a", "load.a"), "gnd": ("c.b", "load.b")},
    inputs={"drive": "in"},
)


def admittance(load=1e4):
    return S * C + 1 / load


def gain(load=1e4):
    """1 V at the input to the output."""
    return 1 / (1 + (R + S * L) * admittance(load))


def test_from_an_input_every_net_has_its_closed_form():
    found = small_signal(RESONANCE, {"drive": 0.7}, source="drive", frequency=FREQUENCY)
    np.testing.assert_allclose(found["out"], gain(), rtol=1e-11)
    np.testing.assert_allclose(found["mid"], 1 - R * admittance() * gain(), rtol=1e-10)
    np.testing.assert_allclose(found["in"], 1.0, rtol=1e-14)
    np.testing.assert_allclose(found["gnd"], 0.0, atol=0)
    table = found.dataset()
    np.testing.assert_allclose(table["out.real"] + 1j * table["out.imag"], gain(), rtol=1e-10)
    assert table["out.real"].attrs["units"] == "V per unit of drive"
    assert "from `drive`, 31 frequencies" in str(found)


def test_from_a_pin_a_current_meets_the_impedance_of_its_net():
    found = small_signal(RESONANCE, {"drive": 0.7}, source="c.a", frequency=FREQUENCY)
    np.testing.assert_allclose(found["out"], 1 / (admittance() + 1 / (R + S * L)), rtol=1e-11)


@pytest.mark.parametrize("name", ["c.capacitance", "load.resistance"])
def test_from_a_parameter_a_change_acts_through_what_it_multiplies(name):
    """A capacitance at a steady voltage takes s V dC, a resistance gives V dR / R^2, into the impedance of the net."""
    found = small_signal(RESONANCE, {"drive": 0.7}, source=name, frequency=FREQUENCY)
    volts = 0.7 * 1e4 / (1e4 + R)
    pushed = -S * volts if name == "c.capacitance" else volts / 1e4**2
    np.testing.assert_allclose(found["out"], pushed / (admittance() + 1 / (R + S * L)), rtol=1e-11)


def test_a_diode_is_its_slope_at_the_operating_point():
    circuit = Circuit(
        {"s": VoltageSource(2.0), "r": Resistor(1e3), "d": Diode(minimum_conductance=0.0), "c": Capacitor(C)},
        {"in": ("s.plus", "r.a"), "out": ("r.b", "d.anode", "c.a"), "gnd": ("s.minus", "d.cathode", "c.b")},
    )
    found = small_signal(circuit, source="s.voltage", frequency=FREQUENCY)
    current = (2.0 - float(operating_point(circuit)["out"])) / 1e3
    slope = (current + 1e-14) / thermal_voltage(300.0)
    np.testing.assert_allclose(found["out"], 1 / (1 + 1e3 * (slope + S * C)), rtol=1e-9)


@pytest.mark.slow
def test_a_follower_has_the_bandwidth_of_its_amplifier():
    """v = u, tau s u = (e - v) - u / A."""
    amplifier = OperationalAmplifier.of(gain=1e4, unity_gain_frequency=1e6)
    circuit = Circuit(
        {"a": amplifier, "load": Resistor()},
        {"in": ("a.plus",), "out": ("a.minus", "a.out", "load.a"), "gnd": ("load.b",)},
        inputs={"drive": "in"},
    )
    found = small_signal(circuit, {"drive": 0.0}, source="drive", frequency=FREQUENCY)
    np.testing.assert_allclose(found["out"], 1 / (1 + 1e-4 + S / (2 * np.pi * 1e6)), rtol=1e-11)


def test_the_currents_of_a_series_circuit_are_unknowns_of_its_source_and_its_coil():
    """1 / (R + s L + 1 / s C) through the coil, and the same with a minus sign into the source."""
    circuit = Circuit(
        {"s": VoltageSource(0.3), "r": Resistor(R), "l": Inductor(L), "c": Capacitor(C)},
        {"in": ("s.plus", "r.a"), "mid": ("r.b", "l.a"), "out": ("l.b", "c.a"), "gnd": ("s.minus", "c.b")},
    )
    found = small_signal(circuit, source="s.voltage", frequency=FREQUENCY)
    admitted = 1 / (R + S * L + 1 / (S * C))
    np.testing.assert_allclose(found["l.current"], admitted, rtol=1e-11)
    np.testing.assert_allclose(found["s.current"], -admitted, rtol=1e-11)
    with pytest.raises(InputError, match=r"There is no net or unknown `l.curent`. Did you mean `l.current`"):
        found["l.curent"]


# --- Light ------------------------------------------------------------------------------------------

LINK = Circuit(
    {
        "laser": Laser(power=2e-3, modulated=True),
        "guide": Waveguide(length=0.1, loss_db_per_cm=0.3),
        "detector": Photodiode(responsivity=0.8, time_constant=2e-9, capacitance=1e-13),
        "load": Resistor(1e3),
    },
    {
        "m": ("laser.modulation",),
        "near": ("laser.out", "guide.in"),
        "far": ("guide.out", "detector.light"),
        "v": ("detector.anode", "load.a"),
        "gnd": ("detector.cathode", "load.b"),
    },
    inputs={"mod": "m"},
)
"""Light through 10 cm of guide, 1.4 ns and 3 dB, onto a detector."""
KEPT, LATE = 10**-0.3, float(LINK["guide"].delay(0.1))
VOLTS_PER_WATT = 0.8 * 1e3 * KEPT * np.exp(-S * LATE) / (1 + S * 2e-9) / (1 + S * 1e3 * 1e-13)


@pytest.mark.parametrize(("source", "watts"), [("mod", 2e-3), pytest.param("laser.power", 0.6, marks=pytest.mark.slow)])
def test_light_carries_a_change_across_with_its_delay(source, watts):
    """From the modulation (1 is 2 mW) and from the power itself, of which 0.6 passes the modulator."""
    found = small_signal(LINK, {"mod": 0.6}, source=source, frequency=FREQUENCY)
    np.testing.assert_allclose(found["v"], watts * VOLTS_PER_WATT, rtol=1e-11)
    amplitude = np.sqrt(0.6 * 2e-3)
    rise = watts / (2 * amplitude)
    np.testing.assert_allclose(found["near"], np.broadcast_to([rise, 0.0], (31, 2)), atol=1e-14 * rise)
    factor = complex(LINK["guide"].transmission(0.1))
    turned = rise * np.exp(-S * LATE)[:, None] * np.array([factor.real, factor.imag])
    np.testing.assert_allclose(found["far"], turned, rtol=1e-10, atol=1e-13)


def test_a_voltage_turns_light_through_its_electrode():
    """d(out) = i pi / V_pi out dv / (1 + s R C): the in-phase and the quadrature part of the envelope."""
    shifter = ElectroOpticPhaseShifter(voltage_pi=2.0, capacitance=1e-12, series_resistance=200.0)
    circuit = Circuit(
        {"p": shifter},
        {"light": ("p.in",), "out": ("p.out",), "v": ("p.plus",), "gnd": ("p.minus",)},
        inputs={"light": "light", "v": "v"},
        outputs={"out": "out"},
    )
    found = small_signal(circuit, {"light": 1.0 + 0j, "v": 0.5}, source="v", frequency=FREQUENCY)["out"]
    turn = 1j * np.pi / 2.0 * np.exp(1j * np.pi / 4)
    response = 1 / (1 + S * 200e-12)
    np.testing.assert_allclose(found, np.outer(response, [turn.real, turn.imag]), rtol=1e-11)


UNBALANCED = Circuit(
    {
        "split": DirectionalCoupler(coupling=0.3),
        "long": Waveguide(length=1e-2, loss_db_per_cm=1.0),
        "join": DirectionalCoupler(coupling=0.4),
        "detector": Photodiode(responsivity=0.8),
        "load": Resistor(1e3),
    },
    {
        "light": ("split.in0",),
        "dark": ("split.in1",),
        "start": ("split.out0", "long.in"),
        "end": ("long.out", "join.in0"),
        "short": ("split.out1", "join.in1"),
        "seen": ("join.out0", "detector.light"),
        "rest": ("join.out1",),
        "v": ("detector.anode", "load.a"),
        "gnd": ("detector.cathode", "load.b"),
    },
    inputs={"light": "light", "dark": "dark"},
    outputs={"rest": "rest"},
)
"""An interferometer with one arm 0.14 ns longer than the other, before a detector."""
ARM = UNBALANCED["long"]
ARMS = (np.sqrt(0.7 * 0.6) * complex(ARM.transmission(1e-2)), -np.sqrt(0.3 * 0.4))
"""The factors on the carrier of the late arm, which goes straight twice, and of the short one, which crosses twice."""


@pytest.mark.parametrize("source", ["light", pytest.param("split.out0", marks=pytest.mark.slow)])
@pytest.mark.parametrize("quadrature", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_unbalanced_interferometer_turns_a_phase_into_a_power(source, quadrature):
    """P = |sum_k a_k E(t - T_k)|^2, so that dP = 2 Re[conj(sum_k a_k) d a_k] e^{-s T_k}, d = i for a drive in quadrature.

    From the pin before the long arm, only what enters there changes, which has not been weakened by the splitter yet.
    """
    found = small_signal(UNBALANCED, {"light": 1.0 + 0j, "dark": 0j}, source=source, frequency=FREQUENCY, quadrature=quadrature)
    drive, turns = 1j if quadrature else 1.0, np.exp(-S * float(ARM.delay(1e-2)))
    late, early = (drive * arm for arm in (ARMS if source == "light" else (ARMS[0] / np.sqrt(0.7), 0.0)))
    wanted = np.stack([part(late) * turns + part(early) for part in (np.real, np.imag)], axis=-1)
    np.testing.assert_allclose(found["seen"], wanted, rtol=1e-10, atol=1e-13)
    carrier = sum(ARMS)
    watts = 2 * (carrier.real * wanted[:, 0] + carrier.imag * wanted[:, 1])
    np.testing.assert_allclose(found["v"], 0.8 * 1e3 * watts, rtol=1e-9, atol=1e-9)
    assert str(found).startswith(f"small signal: from `{source}{' in quadrature' if quadrature else ''}`")
    if quadrature and source == "light":
        assert abs(found["v"][0]) < 1e-2 * abs(found["v"][-1])  # a slow phase is that of the carrier, which no detector sees


def test_light_that_comes_back_is_read_at_the_pin_that_it_leaves():
    """Through two guides to a mirror and back: both waves on the net between them, each with its own delay."""
    parts = {
        "near": Waveguide(length=0.02),
        "far": Waveguide(length=0.05, loss_db_per_cm=0.5),
        "mirror": Mirror(reflectivity=0.6),
    }
    circuit = Circuit(
        parts,
        {"in": ("near.in",), "mid": ("near.out", "far.in"), "end": ("far.out", "mirror.in"), "o": ("mirror.out",)},
        inputs={"in": "in"},
        outputs={"o": "o"},
    )
    found = small_signal(circuit, {"in": 0j}, source="in", frequency=FREQUENCY)
    near, far = (complex(parts[n].transmission(parts[n].length)) for n in ("near", "far"))
    first, second = (float(parts[n].delay(parts[n].length)) for n in ("near", "far"))
    pair = lambda factor, late: np.exp(-S * late)[:, None] * np.array([factor.real, factor.imag])
    forward, backward = pair(near, first), pair(near * far**2 * np.sqrt(0.6), first + 2 * second)
    np.testing.assert_allclose(found.wave("near.out"), forward, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["mid"], forward, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.wave("far.in"), backward, rtol=1e-9, atol=1e-12)
    with pytest.raises(InputError, match=r"There is no optical port `far.inn`. Did you mean `far.in`"):
        found.wave("far.inn")


# --- Transformations and refusals --------------------------------------------------------------------


def test_a_transfer_is_differentiable_and_vectorised_over_dies():
    at = jnp.asarray([1e6])
    size = lambda c: jnp.abs(
        small_signal(RESONANCE.set("c.capacitance", c), {"drive": 0.0}, source="drive", frequency=at)["out"][0]
    )
    values = jnp.asarray([0.5e-9, 1e-9])
    sizes, slopes = jax.jit(jax.vmap(jax.value_and_grad(size)))(values)
    closed = lambda c, s=2j * np.pi * 1e6: abs(1 / (1 + (R + s * L) * (s * c + 1e-4)))
    np.testing.assert_allclose(sizes, [closed(c) for c in (0.5e-9, 1e-9)], rtol=1e-11)
    differences = [(closed(c * (1 + 1e-5)) - closed(c * (1 - 1e-5))) / (2e-5 * c) for c in (0.5e-9, 1e-9)]
    np.testing.assert_allclose(slopes, differences, rtol=1e-7)


REFUSED = {
    "unknown source": (
        {"source": "dive"},
        r"`source` must name an input, a pin or a parameter, but is `dive`. Did you mean `drive`",
    ),
    "source as a number": ({"source": 1}, r"`source` must name an input, a pin or a parameter, but is 1"),
    "source at ground": ({"source": "c.b"}, r"`source` must be a pin whose net can move, but nothing can be added at `c.b`"),
    "frequency of zero": ({"frequency": [0.0, 1.0]}, r"`frequency` must be above 0 Hz, but is 0 Hz at index \(0,\)"),
    "one frequency": ({"frequency": 1e3}, r"`frequency` must be a row of frequencies in Hz, but has shape \(\)"),
    "no frequency": ({"frequency": []}, r"`frequency` must be a row of frequencies in Hz, but has shape \(0,\)"),
    "infinite frequency": ({"frequency": [np.inf]}, r"`frequency` must be finite"),
    "phase of a voltage": ({"quadrature": True}, r"`quadrature` needs a source with complex values, .* but `drive` is real"),
    "quadrature as a number": ({"quadrature": 1}, r"`quadrature` must be a bool, but is 1"),
    "no input": ({"inputs": {}}, r"`inputs` must give every input of the circuit, but `drive` is missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_linearised_is_refused_in_words(name):
    changes, words = REFUSED[name]
    told = {"inputs": {"drive": 0.0}, "source": "drive", "frequency": FREQUENCY} | changes
    with pytest.raises(InputError, match=words):
        small_signal(RESONANCE, told.pop("inputs"), **told)


def test_an_unknown_net_is_named_with_the_known_ones():
    with pytest.raises(InputError, match=r"There is no net or unknown `ouch`. Did you mean `out`"):
        small_signal(RESONANCE, {"drive": 0.7}, source="drive", frequency=FREQUENCY)["ouch"]


@pytest.mark.slow
def test_a_loop_of_sources_is_named_before_anything_is_linearised():
    circuit = Circuit(
        {"s": VoltageSource(1.0), "t": VoltageSource(2.0), "r": Resistor()},
        {"out": ("s.plus", "t.plus", "r.a"), "gnd": ("s.minus", "t.minus", "r.b")},
    )
    words = r"nothing fixes part `s`, unknown `current`, part `t`, unknown `current`; .* break the loop of ideal sources"
    with pytest.raises(SolveError, match=words):
        small_signal(circuit, source="s.voltage", frequency=FREQUENCY)


@pytest.mark.slow
def test_a_floating_net_is_named_before_anything_is_linearised():
    """Two capacitors in a row leave what is between them free."""
    circuit = Circuit(
        {"s": VoltageSource(1.0), "c": Capacitor(), "d": Capacitor()},
        {"in": ("s.plus", "c.a"), "between": ("c.b", "d.a"), "gnd": ("s.minus", "d.b")},
    )
    with pytest.raises(SolveError, match=r"nothing fixes net `between`; give each a path to `gnd`"):
        small_signal(circuit, source="s.voltage", frequency=FREQUENCY)
