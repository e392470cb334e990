"""Noise densities and noise powers against closed forms, in total and by contributor."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.noise_spectrum import noise_spectrum
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import Capacitor, ConductanceBus, Diode, OperationalAmplifier, Resistor, VoltageSource
from devsim.devices.photonic import DirectionalCoupler, Laser, Photodiode, Waveguide
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, thermal_voltage

FREQUENCY = np.geomspace(1e2, 1e8, 25)
WIDE = np.geomspace(1e-4, 1e14, 1801)
"""From 1e-8 to 1e9 corners of the slowest low pass: what is outside holds 1e-8 of its noise."""
FOUR_KT = 4 * BOLTZMANN * 300.0

LADDER = Circuit(
    {"r": Resistor(1e3), "s": Resistor(4e3), "c": Capacitor(1e-9)},
    {"in": ("r.a",), "out": ("r.b", "s.a", "c.a"), "gnd": ("s.b", "c.b")},
    inputs={"drive": "in"},
)
"""A divider with 800 ohm inside; with its capacitor a low pass of 0.8 us."""


def test_a_divider_is_as_noisy_as_its_resistances_in_parallel():
    found = noise_spectrum(LADDER, {"drive": 1.0}, output="out", frequency=FREQUENCY)
    passes = 1 / (1 + (2 * np.pi * FREQUENCY * 800.0 * 1e-9) ** 2)
    np.testing.assert_allclose(found.density, FOUR_KT * 800 * passes, rtol=1e-11)
    np.testing.assert_allclose(found.by_source["r.thermal"], FOUR_KT / 1e3 * 800**2 * passes, rtol=1e-11)
    np.testing.assert_allclose(sum(found.by_source.values()), found.density, rtol=1e-12)
    assert list(found.ranking())[:2] == ["r.thermal", "s.thermal"]


def test_the_noise_of_a_low_pass_integrates_to_kt_over_c():
    """Whatever the resistances: to 1e-6."""
    for scale in (1.0, 30.0):
        circuit = LADDER.set("r.resistance", 1e3 * scale).set("s.resistance", 4e3 * scale)
        found = noise_spectrum(circuit, {"drive": 0.0}, output="out", frequency=WIDE)
        assert float(found.integrated()) == pytest.approx(BOLTZMANN * 300 / 1e-9, rel=1e-6, abs=0)
        assert float(found.integrated("r.thermal")) == pytest.approx(0.8 * BOLTZMANN * 300 / 1e-9, rel=1e-6, abs=0)


def test_a_resistor_at_equilibrium_is_as_noisy_as_its_conductance_says():
    """A passive network at one temperature: 4 k T Re Z at every net, also across two of them."""
    parts = {"r": Resistor(1e3), "s": Resistor(2e3), "q": Resistor(5e3), "c": Capacitor(1e-10), "d": Capacitor(3e-10)}
    nets = {"a": ("r.a", "s.a", "c.a"), "b": ("s.b", "q.a", "d.a"), "gnd": ("r.b", "q.b", "c.b", "d.b")}
    found = {out: noise_spectrum(Circuit(parts, nets), output=out, frequency=FREQUENCY) for out in ("a", ("a", "b"))}
    s = 2j * np.pi * FREQUENCY
    matrix = np.array([[1.5e-3 + s * 1e-10, -5e-4 + 0 * s], [-5e-4 + 0 * s, 7e-4 + s * 3e-10]])
    impedance = np.linalg.inv(np.moveaxis(matrix, -1, 0))
    np.testing.assert_allclose(found["a"].density, FOUR_KT * impedance[:, 0, 0].real, rtol=1e-10)
    across = impedance[:, 0, 0] + impedance[:, 1, 1] - impedance[:, 0, 1] - impedance[:, 1, 0]
    np.testing.assert_allclose(found["a", "b"].density, FOUR_KT * across.real, rtol=1e-10)
    assert found["a", "b"].output == "a - b"


def test_a_biased_diode_has_full_shot_noise():
    """2 q (I + 2 I_s) into its slope resistance in parallel with the load."""
    circuit = Circuit(
        {"s": VoltageSource(3.0), "r": Resistor(1e4), "d": Diode(minimum_conductance=0.0)},
        {"in": ("s.plus", "r.a"), "out": ("r.b", "d.anode"), "gnd": ("s.minus", "d.cathode")},
    )
    found = noise_spectrum(circuit, output="out", frequency=FREQUENCY)
    thermal = np.asarray(found.by_source["r.thermal"])
    resistance = np.sqrt(thermal / (FOUR_KT / 1e4))
    slope = 1 / resistance - 1e-4
    current = slope * thermal_voltage(300.0)
    np.testing.assert_allclose(found.by_source["d.shot"], 2 * ELEMENTARY_CHARGE * current * resistance**2, rtol=1e-9)
    assert current[0] == pytest.approx((3.0 - 0.6) / 1e4, rel=0.05)


@pytest.mark.slow
def test_an_amplifier_multiplies_its_input_noise():
    """White and flicker noise of the input by 1 + R2 / R1; 4 k T R of both resistances as they enter."""
    amplifier = OperationalAmplifier.of(gain=1e9, unity_gain_frequency=1e15, noise_density=1e-8, noise_corner=1e4)
    circuit = Circuit(
        {"a": amplifier, "r": Resistor(1e3), "f": Resistor(9e3)},
        {"sum": ("a.minus", "r.a", "f.a"), "out": ("a.out", "f.b"), "gnd": ("a.plus", "r.b")},
    )
    found = noise_spectrum(circuit, output="out", frequency=FREQUENCY)
    np.testing.assert_allclose(found.by_source["a.input"], 100 * 1e-16, rtol=1e-7)
    np.testing.assert_allclose(found.by_source["a.flicker"], 100 * 1e-16 * 1e4 / FREQUENCY, rtol=1e-7)
    np.testing.assert_allclose(found.by_source["r.thermal"], 81 * FOUR_KT * 1e3, rtol=1e-7)
    np.testing.assert_allclose(found.by_source["f.thermal"], FOUR_KT * 9e3, rtol=1e-7)


LINK = Circuit(
    {
        "laser": Laser(power=2e-3, relative_intensity_noise=1e-15),
        "guide": Waveguide(length=1e-3, loss_db_per_cm=2.0),
        "detector": Photodiode(responsivity=0.8, dark_current=1e-6, shunt_conductance=1e-5),
        "load": Resistor(1e3),
    },
    {
        "near": ("laser.out", "guide.in"),
        "far": ("guide.out", "detector.light"),
        "v": ("detector.anode", "load.a"),
        "gnd": ("detector.cathode", "load.b"),
    },
)


def test_a_detector_hears_shot_noise_intensity_noise_and_its_resistances():
    """2 q (R P + I_dark), RIN (R P)^2 and 4 k T G, each into the load and the shunt."""
    found = noise_spectrum(LINK, output="v", frequency=FREQUENCY)
    photocurrent, square = 0.8 * 2e-3 * 10**-0.02, (1 / (1e-3 + 1e-5)) ** 2
    wanted = {
        "detector.shot": 2 * ELEMENTARY_CHARGE * (photocurrent + 1e-6),
        "laser.intensity": 1e-15 * photocurrent**2,
        "detector.thermal": FOUR_KT * 1e-5,
        "load.thermal": FOUR_KT * 1e-3,
        "laser.frequency": 0.0,
    }
    for name, density in wanted.items():
        np.testing.assert_allclose(found.by_source[name], density * square, rtol=1e-10, atol=1e-40, err_msg=name)
    assert set(found.by_source) == set(wanted)


@pytest.mark.slow
def test_an_unbalanced_interferometer_turns_linewidth_into_intensity():
    """At quadrature dP = P/2 (phi(t) - phi(t - T)); a walk of the density 4 pi dnu / w^2 gives 4 sin^2(w T / 2) of it."""
    late = 1e-9
    guide = Waveguide(length=1e-2)
    guide = guide.set("length", late / float(guide.delay(1.0)))
    turned = np.angle(complex(guide.transmission(guide.length)))
    index = guide.effective_index + (np.pi / 2 - turned) * 1.55e-6 / (2 * np.pi * guide.length)
    guide = guide.put(effective_index=index, group_index=guide.group_index)
    parts = {
        "laser": Laser(power=1e-3, linewidth=1e5),
        "split": DirectionalCoupler(),
        "guide": guide,
        "join": DirectionalCoupler(),
        "detector": Photodiode(),
        "load": Resistor(1e3),
    }
    nets = {
        "l": ("laser.out", "split.in0"),
        "up": ("split.out0", "guide.in"),
        "late": ("guide.out", "join.in0"),
        "down": ("split.out1", "join.in1"),
        "light": ("join.out0", "detector.light"),
        "v": ("detector.anode", "load.a"),
        "gnd": ("detector.cathode", "load.b"),
    }
    circuit = Circuit(parts, nets | {"i": ("split.in1",), "o": ("join.out1",)}, inputs={"i": "i"}, outputs={"o": "o"})
    found = noise_spectrum(circuit, {"i": 0.0 + 0j}, output="v", frequency=FREQUENCY)
    omega = 2 * np.pi * FREQUENCY
    wanted = (1e3 * 1e-3 / 2) ** 2 * 4 * np.pi * 1e5 / omega**2 * 4 * np.sin(omega * late / 2) ** 2
    np.testing.assert_allclose(found.by_source["laser.frequency"], wanted, rtol=1e-6)


# --- Transformations and refusals --------------------------------------------------------------------


def test_equal_parts_are_told_apart_and_a_bus_has_its_wires():
    circuit = Circuit(
        {"g": ConductanceBus(np.array([1e-3, 1e-4])), "c": Capacitor(np.full(2, 1e-12))},
        {"bus": ("g.a", "c.a"), "gnd": ("g.b", "c.b")},
    )
    for wire, resistance in enumerate((1e3, 1e4)):
        found = noise_spectrum(circuit, output=f"bus[{wire}]", frequency=[1.0])
        assert float(found.density[0]) == pytest.approx(FOUR_KT * resistance, rel=1e-9, abs=0)
    with pytest.raises(
        InputError, match=r"`output` must name one of the 2 wires of net `bus`, such as `bus\[0\]`, but is `bus`"
    ):
        noise_spectrum(circuit, output="bus", frequency=[1.0])


def test_noise_is_differentiable():
    """kT/C at T: the derivative by the logarithm of the capacitance is -kT/C."""

    def power(log):
        circuit = LADDER.set("c.capacitance", 1e-9 * jnp.exp(log))
        return noise_spectrum(circuit, {"drive": 0.0}, output="out", frequency=WIDE).integrated()

    slope = float(jax.jit(jax.grad(power))(0.0))
    assert slope == pytest.approx(-BOLTZMANN * 300 / 1e-9, rel=1e-6, abs=0)


REFUSED = {
    "unknown output": ({"output": "ouch"}, r"`output` must be one of in, out, but is `ouch`. Did you mean `out`"),
    "three outputs": ({"output": ("in", "out", "in")}, r"`output` must be a net, or two for their difference, but is a tuple"),
    "output as a number": ({"output": 1}, r"`output` must be a net, or two for their difference, but is 1"),
    "wire of a pin": ({"output": "out[1]"}, r"`output` must name one of the 1 wires of net `out`"),
    "negative frequency": ({"frequency": [-1.0]}, r"`frequency` must be above 0 Hz, but is -1 Hz"),
    "frequency as a word": ({"frequency": "low"}, r"must be .*number"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_heard_is_refused_in_words(name):
    changes, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        noise_spectrum(LADDER, {"drive": 0.0}, **({"output": "out", "frequency": FREQUENCY} | changes))


def test_light_is_heard_by_a_detector_only():
    with pytest.raises(InputError, match=r"net `near` carries complex ones; put a detector behind it"):
        noise_spectrum(LINK, output="near", frequency=FREQUENCY)
    found = noise_spectrum(LINK, output="v", frequency=FREQUENCY)
    with pytest.raises(InputError, match=r"`source` must be one of .*, but is `detector.shout`. Did you mean `detector.shot`"):
        found.integrated("detector.shout")
