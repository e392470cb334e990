"""How traces of events are built from differential-pair integrators."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.cmos.dpi_synapse import DPISynapse
from devsim.devices.cmos.log_domain import log_of
from devsim.devices.cmos.technology import Technology

PEAK = 100.0
"""Current after one event from rest, in units of the gain current: a log-domain trace is linear to about 5 parts in it."""
LEAST_GAIN = 1e-12
"""The least gain current (A)."""
ABOVE_OFF = 2.0
"""By which factor biases stay above the off current."""
LEAST_CAPACITANCE = 1.5e-12
"""Of a trace, F."""
PULSE_WIDTH = 300e-6
"""Of the pulses that charge traces, s: so long that their current stays in weak inversion."""


def gain_current(technology: Technology) -> Array:
    """I_th (A) of traces: as low as the off current allows."""
    return jnp.maximum(LEAST_GAIN, ABOVE_OFF * technology.off_current())


def peak_current(technology: Technology) -> Array:
    """Current (A) of a trace after one event from rest."""
    return PEAK * gain_current(technology)


def capacitor(seconds: Array, technology: Technology) -> tuple[Array, Array]:
    """A capacitance (F), and the bias (A) that gives it the time constant `seconds`, above the off current."""
    conductance = technology.gate_coupling / technology.thermal_voltage()
    capacitance = jnp.maximum(LEAST_CAPACITANCE, ABOVE_OFF * technology.off_current() * conductance * seconds)
    return capacitance, capacitance / (conductance * seconds)


def trace(seconds: Array, technology: Technology, *, height: Array | float = 1.0) -> DPISynapse:
    """An integrator that decays with `seconds`, and that one event brings from rest to `height` times `peak_current`."""
    capacitance, bias = capacitor(seconds, technology)
    gain, target = gain_current(technology), height * PEAK
    rest = technology.off_current() / gain
    dose = target + jnp.log(target) - rest - jnp.log(rest)
    weight = dose * bias * seconds / PULSE_WIDTH
    return DPISynapse(
        weight,
        time_constant_current=bias,
        gain_current=gain,
        capacitance=capacitance,
        pulse_width=PULSE_WIDTH,
        technology=technology,
    )


def at_rest(technology: Technology, weights: Array) -> Array:
    """The state of a trace without events, in the precision of `weights`."""
    return log_of(technology.off_current()).astype(weights.dtype)
