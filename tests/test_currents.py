"""Currents into ports, by name: Ohm's law, Kirchhoff's law, and what is no electrical port."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.converters import DAC
from devsim.devices.electrical import (
    ConductanceBus,
    Diode,
    OperationalAmplifier,
    Resistor,
    VoltageSource,
)

RESISTANCES = {"r1": 1e3, "r2": 2e3, "r3": 4e3, "load": 500.0}
FOLLOWED = Circuit(
    {
        "v1": VoltageSource(2.0),
        "d": Diode(),
        "amplifier": OperationalAmplifier(),
        "bus": ConductanceBus(np.array([1e-3, 2e-3])),
        "same": ConductanceBus(np.array([3e-3, 4e-3])),
        "dac": DAC.of(2),
        "driven": ConductanceBus(np.array([1e-3, 5e-3])),
        **{name: Resistor(ohms) for name, ohms in RESISTANCES.items()},
    },
    {
        "in": ("v1.plus", "r1.a"),
        "mid": ("r1.b", "r2.a", "d.anode", "amplifier.plus"),
        "low": ("r2.b", "r3.a", "d.cathode"),
        "out": ("amplifier.out", "amplifier.minus", "load.a"),
        "wires": ("bus.a", "same.a"),
        "ends": ("bus.b", "same.b"),
        "code": ("dac.code",),
        "imposed": ("dac.out", "driven.a"),
        "gnd": ("v1.minus", "r3.b", "load.b", "driven.b"),
    },
    inputs={"ends": "ends", "code": "code"},
)
"""A divider with a diode, whose middle an amplifier copies onto a load; two rows of conductances between equal potentials."""
VOLTS = jnp.asarray([0.5, 2.0])


@pytest.fixture(scope="module")
def found():
    """The circuit at two voltages, for two potentials of the wires: two leading axes."""
    at = lambda volts, ends: operating_point(
        FOLLOWED.set("v1.voltage", volts), {"ends": ends, "code": jnp.asarray([0.5, -0.25])}
    )
    over_ends = jax.vmap(at, in_axes=(None, 0))
    return jax.vmap(over_ends, in_axes=(0, None))(VOLTS, jnp.asarray([[0.1, 0.2], [0.3, -0.4]]))


def test_every_resistance_obeys_ohm_and_its_ends_cancel(found):
    """Leading axes are those of the batch; equal parts are told apart."""
    ends = {"r1": ("in", "mid"), "r2": ("mid", "low"), "r3": ("low", "gnd"), "load": ("out", "gnd")}
    for name, (a, b) in ends.items():
        through = found.current(f"{name}.a")
        assert through.shape == (2, 2)
        np.testing.assert_allclose(through, (found[a] - found[b]) / RESISTANCES[name], rtol=1e-12, atol=1e-18)
        np.testing.assert_allclose(found.current(f"{name}.b"), -through, rtol=0, atol=0)


def test_the_currents_of_a_net_cancel_whoever_imposes_its_potential(found):
    """To Newton's tolerance, 1e-9 of the largest current; a converter imposes the potentials of `imposed`, a bus."""
    largest = float(jnp.abs(found.current("load.a")).max())
    for net in ("in", "mid", "low", "out", "wires", "imposed"):
        total = sum(found.current(pin) for pin in FOLLOWED.nets[net])
        np.testing.assert_allclose(total, jnp.zeros(found[net].shape), rtol=0, atol=1e-9 * largest)
    np.testing.assert_allclose(found.current("dac.out"), np.broadcast_to([-0.5e-3, 1.25e-3], (2, 2, 2)), rtol=1e-12)


def test_the_current_of_a_source_is_its_own_unknown(found):
    """i(v1) of SPICE, into `plus`: what the divider draws, with a minus sign."""
    np.testing.assert_allclose(found.current("v1.plus"), found["v1.current"], rtol=0, atol=0)
    np.testing.assert_allclose(found["v1.current"], -(VOLTS[:, None] - found["mid"]) / 1e3, rtol=1e-9)


@pytest.mark.parametrize("pin", ["v1.pluss", "v1", "in"])
def test_what_is_no_electrical_port_is_refused_with_the_nearest(found, pin):
    with pytest.raises(InputError, match=rf"There is no electrical port `{pin}`\. (Did you mean|There are) `"):
        found.current(pin)


def test_what_is_neither_a_net_nor_an_unknown_is_refused_with_the_nearest(found):
    with pytest.raises(InputError, match=r"There is no net or unknown `v1.curent`. Did you mean `v1.current`"):
        found["v1.curent"]
