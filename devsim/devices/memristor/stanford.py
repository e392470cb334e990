"""`StanfordPKU`: a tunnelling gap that grows and shrinks with field and self-heating."""

from functools import partial
from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.devices.memristor.physical import LAYER, Memristor, held_inside, kept_inside
from devsim.devices.preset import Preset
from devsim.parameter import parameter, state
from devsim.physics import thermal_voltage
from devsim.ports import Unknown

PRESETS = {
    "memtorch-default": Preset(
        "Jiang et al., SISPAD 2014 (HfOx); constants of Lammie et al., Neurocomputing 485 (2022)",
        partial(dict, initial=1.6935e-9),
    )
}
"""Named parameter sets of `StanfordPKU`."""


class StanfordPKU(Memristor):
    """A filament that ends a gap short of the electrode; current tunnels through the gap.

    Equations: i = i_0 e^(-g / g_0) sinh(v / v_0);  T = T_0 + R_th |v i|
      dg/dt = -u_0 e^(-q E_a / kT) sinh(gamma a_0 q v / (t_ox kT)),  gamma = gamma_0 - beta (g / 1 nm)^3,
      zero where gamma |v| / t_ox < F_min, from where it rises over 1/1000 of F_min; it dies away over the last 1/1000 of
      the gap's range before a bound. Both let implicit steps find where the gap stops.
    SET (the gap closes) at positive voltage. The bounds of the gap are where the low-field resistance,
    v_0 e^(g / g_0) / i_0, is 542 ohm and 218.6 kohm. The model's optional random walk of the gap is left out.
    Source: Jiang et al., SISPAD 2014, 41; Guan, Yu, Wong, IEEE Electron Device Lett. 33, 1405 (2012).
    Valid: HfOx cells, DC sweeps and pulses above 1 ns; temperature follows the power at once. SET feeds on itself: where
    d(dg/dt)/dg is above 0, implicit steps need to stay below 2 / (d(dg/dt)/dg), behind 1 kohm 1e-6 s at 1.6 V and 2e-7 s
    at 2 V, and explicit ones that are longer pass over the bound. A step for slow sweeps (0.1 s) is far beyond that.
    """

    catalogue: ClassVar = PRESETS
    current_scale: Array = parameter(1e-3, unit="A", bounds=(0, None), doc="i_0: current scale without a gap")
    gap_scale: Array = parameter(0.25e-9, unit="m", bounds=(1e-13, None), doc="g_0: gap over which the current falls e-fold")
    voltage_scale: Array = parameter(0.25, unit="V", bounds=(1e-6, None), doc="v_0: voltage at which the I-V curve bends")
    speed: Array = parameter(10.0, unit="m/s", bounds=(0, None), doc="u_0: attempt velocity of the gap's edge")
    activation: Array = parameter(0.6, unit="V", bounds=(0, None), doc="E_a: activation energy per charge")
    enhancement: Array = parameter(16.0, unit="1", bounds=(0, None), doc="gamma_0: local field enhancement without a gap")
    enhancement_loss: Array = parameter(0.8, unit="1", bounds=(0, None), doc="beta: its loss at a gap of 1 nm")
    thickness: Array = parameter(12e-9, unit="m", bounds=(1e-12, None), doc="t_ox: thickness of the oxide")
    hop: Array = parameter(0.25e-9, unit="m", bounds=(0, None), doc="a_0: hopping distance")
    thermal_resistance: Array = parameter(2.1e3, unit="K/W", bounds=(0, None), doc="R_th: heating per dissipated power")
    ambient: Array = parameter(298.0, unit="K", bounds=(1.0, None), doc="T_0: ambient temperature")
    least_field: Array = parameter(1.4e9, unit="V/m", bounds=(0, None), doc="F_min: enhanced field below which nothing moves")
    minimum_gap: Array = parameter(0.1934e-9, unit="m", bounds=(0, None), doc="smallest gap")
    maximum_gap: Array = parameter(1.6935e-9, unit="m", bounds=(0, None), doc="largest gap")
    initial: Array = state(1.6935e-9, unit="m", bounds=(0, None), doc="gap at power-up")

    def start(self):
        """`initial` (m), on the scale of a nanometre."""
        return Unknown(self.initial, 1e-9)

    def bounds(self):
        """The smallest and the largest gap (m)."""
        return self.minimum_gap, self.maximum_gap

    def go_together(self):
        """The gap at power-up lies between the smallest and the largest one."""
        check.at_most("minimum_gap", self.minimum_gap, "maximum_gap", self.maximum_gap, "m", strict=True)
        check.at_most("minimum_gap", self.minimum_gap, "initial", self.initial, "m")
        check.at_most("initial", self.initial, "maximum_gap", self.maximum_gap, "m")

    def surroundings(self):
        """T_0, in K."""
        return self.ambient

    def current(self, voltage, state):
        """i_0 e^(-g / g_0) sinh(v / v_0), in A."""
        return self.current_scale * jnp.exp(-state / self.gap_scale) * jnp.sinh(voltage / self.voltage_scale)

    def temperature(self, voltage: Array, state: Array) -> Array:
        """Temperature (K) of the filament."""
        return self.ambient + self.thermal_resistance * jnp.abs(voltage * self.current(voltage, state))

    def rate(self, voltage, state):
        """dg/dt, in m/s."""
        heat = thermal_voltage(self.temperature(voltage, state))
        enhancement = self.enhancement - self.enhancement_loss * (state * 1e9) ** 3
        push = enhancement * self.hop * voltage / (self.thickness * heat)
        free = -self.speed * jnp.exp(-self.activation / heat) * jnp.sinh(push)
        field, layer = enhancement * jnp.abs(voltage) / self.thickness, LAYER * jnp.maximum(self.least_field, 1.0)
        free = free * kept_inside((field - self.least_field) / layer, 0.0, 1.0)
        return held_inside(free, state, *self.bounds())
