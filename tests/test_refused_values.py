"""Values and shapes that make no sense are refused where a part is made, with what is wrong and what is allowed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.electrical import (
    MOSFET,
    Capacitor,
    CoupledInductors,
    LevelOneMOSFET,
    OperationalAmplifier,
    VoltageSource,
)
from devsim.devices.memristor import FilamentVCM
from devsim.devices.photonic import Attenuator, Laser, OpticalAmplifier, Photodiode, Termination
from devsim.devices.spiking import IntegrateAndFire, ResetSwitch, SpikeSource, SpikingComparator

TWO, THREE = np.full(2, 1e-6), np.full(3, 1e-6)
MISMATCHED = {
    "MOSFET": (lambda: MOSFET(TWO, width=THREE), r"`threshold` \(2,\), `width` \(3,\)"),
    "LevelOneMOSFET": (lambda: LevelOneMOSFET(width=TWO, length=THREE), r"`width` \(2,\), `length` \(3,\)"),
    "Capacitor": (lambda: Capacitor(TWO, leakage_conductance=THREE), r"`capacitance` \(2,\), `leakage_conductance` \(3,\)"),
    "IntegrateAndFire": (lambda: IntegrateAndFire(TWO, capacitance=THREE), r"`threshold` \(2,\), `capacitance` \(3,\)"),
    "SpikingComparator": (lambda: SpikingComparator(TWO, hysteresis=THREE), r"`threshold` \(2,\), `hysteresis` \(3,\)"),
    "ResetSwitch": (lambda: ResetSwitch(TWO, on_resistance=THREE), r"`hold_time` \(2,\), `on_resistance` \(3,\)"),
    "OperationalAmplifier": (lambda: OperationalAmplifier(TWO, inverse_gain=THREE), r"`offset` \(2,\), `inverse_gain` \(3,\)"),
    "VoltageSource": (lambda: VoltageSource(TWO, source_resistance=THREE), r"`voltage` \(2,\), `source_resistance` \(3,\)"),
    "CoupledInductors": (lambda: CoupledInductors(TWO, THREE), r"`primary_inductance` \(2,\), `secondary_inductance` \(3,\)"),
    "FilamentVCM": (lambda: FilamentVCM.of((2,), radius=THREE), r"`radius` \(3,\), `initial` \(2,\)"),
    "a bus narrower than its quantities": (
        lambda: Capacitor(TWO[:1], leakage_conductance=THREE),
        r"while its ports have shape \(1,\)",
    ),
}


@pytest.mark.parametrize("name", MISMATCHED)
def test_quantities_that_do_not_fit_side_by_side_are_refused(name):
    make, words = MISMATCHED[name]
    with pytest.raises(InputError, match="must be numbers or arrays of one shape, but have .*" + words):
        make()


def test_dies_and_transformations_may_hold_one_more_axis():
    widths = jnp.linspace(1e-6, 2e-6, 4)
    made = jax.vmap(lambda width: MOSFET(jnp.zeros(2), width=width * jnp.ones(2)))(widths)
    assert made.width.shape == (4, 2)
    assert jax.vmap(lambda part: part.set("length", 2e-6).width)(made).shape == (4, 2)
    assert MOSFET(width=jnp.ones((4, 2)), length=jnp.ones(2)).ports()["gate"].shape == (4, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Laser(np.inf), "`power` must be finite, but is inf W"),
        (lambda: Attenuator([1.0, np.inf]), r"`loss_db` must be finite, but is inf dB at index \(1,\)"),
        (lambda: Capacitor(1e-9).set("capacitance", np.inf), "`capacitance` must be finite, but is inf F"),
        (lambda: VoltageSource(-np.inf), "`voltage` must be finite, but is -inf V"),
        (lambda: Laser(modulated=2), "`modulated` must be True or False, but is 2"),  # pyright: ignore[reportArgumentType]
        (lambda: Termination(3), "`lanes` must be a shape, .* but is 3"),  # pyright: ignore[reportArgumentType]
        (lambda: Termination((-1,)), r"`lanes` must be a shape, .* but is \(-1,\)"),
        (
            lambda: OpticalAmplifier(0.0).set("noise_figure_db", 5.0),
            "`gain_db` must be above 0 dB where `noise_figure_db` is set",
        ),
    ],
)
def test_values_without_sense_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_infinity_is_allowed_where_it_is_the_bound():
    assert SpikeSource(np.array([1e-3, np.inf])).times[1] == np.inf
    assert Photodiode().set("bandwidth", np.inf).time_constant == 0
    assert OperationalAmplifier.of(gain=np.inf).inverse_gain == 0
