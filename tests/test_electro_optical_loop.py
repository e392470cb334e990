"""Light, heat and currents in one loop: against SciPy on the written equations, and in its derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import root

from devsim.analyses.operating_point import operating_point
from devsim.analyses.small_signal import small_signal
from devsim.circuit import Circuit
from devsim.devices.electrical import Diode, Resistor
from devsim.devices.photonic import (
    DirectionalCoupler,
    Laser,
    Photodiode,
    Termination,
    ThermoOpticPhaseShifter,
    Waveguide,
)

PARTS = {
    "laser": Laser(power=8e-3, linewidth=1e5, relative_intensity_noise=1e-15),
    "split": DirectionalCoupler(0.45, excess_loss_db=0.1, coupling_spread=0.02),
    "heater": ThermoOpticPhaseShifter(
        resistance=900.0, offset=0.4, temperature_coefficient=4e-4, loss_db=0.2, crosstalk=0.1, resistance_spread=0.05
    ),
    "guide": Waveguide(length=12e-6, loss_db_per_cm=3.0, dispersion=1e-4, wavelength=1.55e-6, reference_wavelength=1.54e-6),
    "join": DirectionalCoupler(0.52, excess_loss_db=0.15, coupling_spread=0.02),
    "detector": Photodiode(
        responsivity=0.9,
        dark_current=2e-5,
        time_constant=1e-11,
        shunt_conductance=2e-5,
        capacitance=1e-13,
        responsivity_spread=0.03,
    ),
    "shunt": Resistor(1.5e3, temperature=310.0, temperature_coefficient=1e-3),
    "feed": Diode(1e-12, ideality=1.2, saturation_current_spread=0.2),
    "load": Resistor(2e3, temperature=320.0, temperature_coefficient=-1e-3),
    "dark": Termination(),
    "spill": Termination(),
}
NETS = {
    "in": ("laser.out", "split.in0"),
    "unused": ("dark.in", "split.in1"),
    "upper": ("split.out0", "heater.in"),
    "lower": ("split.out1", "guide.in"),
    "hot": ("heater.out", "join.in0"),
    "late": ("guide.out", "join.in1"),
    "lost": ("join.out1", "spill.in"),
    "light": ("join.out0", "detector.light"),
    "sense": ("detector.anode", "shunt.a", "feed.anode"),
    "drive": ("feed.cathode", "load.a", "heater.plus"),
    "gnd": ("detector.cathode", "shunt.b", "load.b", "heater.minus"),
}
LOOP = Circuit(PARTS, NETS)
"""Laser, interferometer with a heated arm, photodiode, resistors and a diode, back to the heater."""
KT_OVER_Q = 1.380649e-23 * 300 / 1.602176634e-19


def by_scipy(circuit, start=(2.9, 2.2, 5.6)):
    """Potentials of `sense` and `drive` (V), and the heat (W), as a root near `start` (V, V, mW) of the equations."""
    value = {path: float(entry.value) for path, entry in circuit.parameters().items()}

    def coupler(name):
        kept = 10 ** (-value[f"{name}.excess_loss_db"] / 20)
        return kept * np.sqrt(1 - value[f"{name}.coupling"]), 1j * kept * np.sqrt(value[f"{name}.coupling"])

    def guided():
        wavelength, reference = value["guide.wavelength"], value["guide.reference_wavelength"]
        away, index = wavelength - reference, value["guide.effective_index"]
        index += away * (index - value["guide.group_index"]) / reference
        index -= away**2 * 299792458.0 * value["guide.dispersion"] / (2 * reference)
        length = value["guide.length"]
        return 10 ** (-value["guide.loss_db_per_cm"] * 100 * length / 20) * np.exp(2j * np.pi * index * length / wavelength)

    def ohmic(name):
        rise = value[f"{name}.temperature"] - 300.0
        return value[f"{name}.resistance"] * (1 + value[f"{name}.temperature_coefficient"] * rise)

    (stay, cross), (stay_again, cross_again) = coupler("split"), coupler("join")
    late = guided()

    def equations(unknowns):
        sense, drive, heat = unknowns[0], unknowns[1], unknowns[2] * 1e-3
        phase = np.pi * heat / value["heater.power_pi"] + value["heater.offset"]
        hot = 10 ** (-value["heater.loss_db"] / 20) * np.exp(1j * phase)
        wave = np.sqrt(value["laser.power"]) * (stay_again * hot * stay + cross_again * late * cross)
        photocurrent = value["detector.responsivity"] * abs(wave) ** 2 + value["detector.dark_current"]
        across = sense - drive
        feed = value["feed.saturation_current"] * np.expm1(across / (value["feed.ideality"] * KT_OVER_Q))
        feed += value["feed.minimum_conductance"] * across
        warm = value["heater.temperature_coefficient"] * value["heater.thermal_resistance"] * heat
        heater = drive / (value["heater.resistance"] * (1 + warm))
        leaves = sense / ohmic("shunt") + value["detector.shunt_conductance"] * sense
        return [
            1e3 * (leaves + feed - photocurrent),
            1e3 * (drive / ohmic("load") + heater - feed),
            1e3 * (heat - drive * heater),
        ]

    found = root(equations, start, tol=1e-14)
    assert np.abs(found.fun).max() < 1e-12, found
    return found.x * [1.0, 1.0, 1e-3]


@pytest.mark.parametrize(("watts", "start"), [(8e-3, (2.9, 2.2, 5.6)), (12e-3, (4.54, 3.84, 16.1)), (20e-3, (5.2, 4.5, 21.9))])
def test_the_loop_solves_the_written_equations(watts, start):
    """Also where the loop is so strong that Newton's path from rest is folded."""
    circuit = LOOP.set("laser.power", watts)
    solution = operating_point(circuit)
    sense, drive, heat = by_scipy(circuit, start)
    assert 0.5 < drive < sense and heat > 1e-3  # the diode conducts, the heater counts
    assert float(solution["sense"]) == pytest.approx(sense, rel=1e-9, abs=0)
    assert float(solution["drive"]) == pytest.approx(drive, rel=1e-9, abs=0)


def test_the_light_that_is_split_is_detected_or_lost_as_the_losses_say():
    """|light|^2 + |lost|^2 is what the arms keep of the laser's power, less the loss of the second coupler."""
    solution = operating_point(LOOP)
    size = lambda net: abs(complex(solution[net])) ** 2
    assert size("in") == pytest.approx(8e-3, rel=1e-14)
    assert size("upper") + size("lower") == pytest.approx(8e-3 * 10**-0.01, rel=1e-14)
    assert size("light") + size("lost") == pytest.approx((size("hot") + size("late")) * 10**-0.015, rel=1e-13)
    assert size("hot") == pytest.approx(size("upper") * 10**-0.02, rel=1e-13)


@pytest.mark.slow
def test_every_parameter_has_the_derivative_of_central_differences():
    """All knobs at once by reverse mode, each in units of its value (of one where that is zero)."""
    paths = [path for path, entry in LOOP.parameters().items() if entry.quantity.knob]
    assert len(paths) > 50
    size = jnp.asarray([abs(float(LOOP.get(path))) or 1.0 for path in paths])

    def score(shares):
        circuit = LOOP
        for path, shift in zip(paths, shares * size, strict=True):
            circuit = circuit.set(path, circuit.get(path) + shift)
        solution = operating_point(circuit)
        return solution["sense"] + 2 * solution["drive"]

    still = jnp.zeros(len(paths))
    slopes = np.asarray(jax.jit(jax.grad(score))(still))
    step = 1e-5
    moves = step * jnp.concatenate([k * jnp.eye(len(paths)) for k in (1, -1, 2, -2)])
    ends = np.asarray(jax.jit(jax.vmap(score))(moves)).reshape(4, -1)
    differences = (8 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12 * step)
    np.testing.assert_allclose(slopes, differences, rtol=0, atol=1e-6 * np.abs(differences).max())
    moving = {path for path, slope in zip(paths, slopes, strict=True) if slope != 0}
    acting = {"laser.power", "split.coupling", "heater.offset", "guide.wavelength", "detector.responsivity", "feed.ideality"}
    assert acting <= moving and "laser.linewidth" not in moving


@pytest.mark.slow
def test_dies_vmapped_are_dies_one_by_one():
    keys = jax.random.split(jax.random.key(11), 64)
    solve = lambda key: {n: operating_point(LOOP.fabricate(key))[n] for n in ("sense", "drive")}
    together = jax.jit(jax.vmap(solve))(keys)
    assert np.asarray(together["drive"]).std() > 1e-3
    for k in (0, 31, 63):
        sense, drive, _ = by_scipy(LOOP.fabricate(keys[k]))
        assert float(together["sense"][k]) == pytest.approx(sense, rel=1e-9, abs=0)
        assert float(together["drive"][k]) == pytest.approx(drive, rel=1e-9, abs=0)


def test_slow_changes_of_the_power_move_the_loop_as_its_operating_point_does():
    """At 1 mHz nothing lags. At 100 MHz the heat stands still but for 1 / (w tau), 1.3e-3, times the gain of the loop,
    below 1: the lagging photocurrent meets the detector's capacitance and the slopes of diode, resistors and heater."""
    found = small_signal(LOOP, source="laser.power", frequency=[1e-3, 1e8])["drive"]
    at = lambda power: float(operating_point(LOOP.set("laser.power", power))["drive"])
    slope = (8 * (at(8.01e-3) - at(7.99e-3)) - (at(8.02e-3) - at(7.98e-3))) / 0.12e-3
    assert complex(found[0]) == pytest.approx(slope, rel=1e-6, abs=0)
    solution = operating_point(LOOP)
    conductance = lambda name: 1 / float(LOOP[name].resistance) / (1 + 1e-3 * (10.0 if name == "shunt" else -20.0))
    heat = by_scipy(LOOP)[2]
    feed = float(jax.grad(LOOP["feed"].current)(solution["sense"] - solution["drive"]))
    leaks = conductance("shunt") + 2e-5, conductance("load") + float(LOOP["heater"].conductance(heat))
    s = 2j * np.pi * 1e8
    matrix = np.array([[leaks[0] + feed + s * 1e-13, -feed], [-feed, leaks[1] + feed]])
    photocurrent = 0.9 * abs(complex(solution["light"])) ** 2 / 8e-3 / (1 + s * 1e-11)
    assert complex(found[1]) == pytest.approx(np.linalg.solve(matrix, [photocurrent, 0.0])[1], rel=1.3e-3, abs=0)
    assert complex(found[0]).real > 2 * abs(found[1])
