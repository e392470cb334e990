"""Transients that start from values given for nets and internal unknowns."""

import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.transient import transient
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.electrical import Capacitor, Inductor

OMEGA = 1e6
"""Of 1 uH and 1 uF, rad/s; their impedance is 1 ohm."""


def resonator():
    parts = {"l": Inductor(inductance=1e-6), "c": Capacitor(capacitance=1e-6)}
    return Circuit(parts, {"a": ["l.a", "c.a"], "gnd": ["l.b", "c.b"]})


def test_a_resonator_swings_on_from_the_potential_and_the_current_that_it_is_given():
    """v = v0 cos - i0 sin, to the error of the trapezoidal rule's frequency, h^2 omega^3 t / 12."""
    h, steps = 0.02 / OMEGA, 50
    found = transient(resonator(), duration=steps * h, step=h, initial={"a": 1.0, "l.current": 0.5}, keep=["a"])
    phase = OMEGA * np.asarray(found.time)
    error = np.abs(np.asarray(found["a"]) - (np.cos(phase) - 0.5 * np.sin(phase)))
    assert error.max() < np.hypot(1.0, 0.5) * (OMEGA * h) ** 2 * phase[-1] / 12
    assert error[0] == 0.0


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ({"l.curent": 1.0}, r"names `l.curent`, which is no stored `part.unknown` either. Did you mean `l.current`"),
        ({"l.current": jnp.inf}, r"`initial l.current` must be finite"),
        ({"l.current": [1.0, 2.0]}, r"`initial` must give `l.current` a number or shape \(\), but gives shape \(2,\)"),
    ],
)
def test_what_cannot_be_held_is_refused_by_name(initial, words):
    with pytest.raises(InputError, match=words):
        transient(resonator(), duration=1e-6, step=1e-7, initial=initial)
