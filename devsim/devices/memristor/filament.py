"""`FilamentVCM`: a valence-change filament behind a Schottky contact."""

import math
from functools import partial
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.devices.memristor.physical import Memristor
from devsim.devices.memristor.scalar_root import scalar_root
from devsim.devices.preset import Preset
from devsim.parameter import parameter, state
from devsim.physics import ELECTRON_MASS, ELEMENTARY_CHARGE, PLANCK, VACUUM_PERMITTIVITY, thermal_voltage
from devsim.ports import Unknown

CHARGE_NUMBER = 2
"""Charge number z of an oxygen vacancy."""

LEAST_VOLTAGE = 1e-6
"""Magnitude of voltage (V) below which the device is ohmic."""

PRESETS = {
    "jart-vcm-v1b": Preset(
        "Bengel et al., IEEE Trans. Circuits Syst. I 67, 4618 (2020): Pt/HfO2/TiOx/Ti, deterministic JART VCM v1b",
        partial(dict, initial=0.0004),
    )
}
"""Named parameter sets of `FilamentVCM`."""


class Inside(NamedTuple):
    """What a bias does inside: current (A), Schottky and filament voltages (V), all magnitudes; temperature (K)."""

    current: Array
    contact: Array
    disc: Array
    plug: Array
    temperature: Array


class FilamentVCM(Memristor):
    """Oxygen vacancies drift between a plug and a thin disc; the state is the disc's filling w = N / N_max.

    Equations, with magnitudes of v and i, A = pi r^2, z = 2, V_T = kT/q, N in 1/m^3:
      v = v_c + i (R_disc + R_plug + R_s);  R_disc = l / (z q N u A);  R_plug = (L - l) / (z q N_plug u A);
      R_s = R_TiOx + R_0 (1 + alpha R_0 R_line i^2);  T = T_0 + R_th i (v - i R_s)
      RESET (v > 0): i = A A* T^2 e^(-phi / V_T) (e^(v_c / V_T) - 1)
      SET (v < 0): i = A A* T^2 / V_T sqrt(pi w (v_c + phi / cosh^2(w / V_T))) e^(-phi / w_0) (e^(v_c / e') - 1),
        w = (h / 4 pi) sqrt(z N / (m eps)), w_0 = w / tanh(w / V_T), e' = w / (w / V_T - tanh(w / V_T))
      phi = max(0, phi_0 - (q^3 z N psi / (8 pi^2 eps_b^3))^(1/4)), psi = phi_0 - phi_n + v_c (SET), - v_c (RESET), >= 0
      dN/dt = N_max dw/dt = -+ c a nu_0 (e^(-W_- / V_T) - e^(-W_+ / V_T)) F / l, c = (N + N_plug) / 2, minus for RESET
        W_-+ = W (sqrt(1 - y^2) -+ pi y / 2 + y asin y), y = z a E / (pi W)
        E = i R_disc / l, F = 1 - (N / N_max)^10 (SET);  E = (v - i R_s) / L, F = 1 - (N_min / N)^10 (RESET)
    SET at negative voltage. R_th is smaller at RESET by `reset_cooling`. The current of a bias is implicit, also
    through T; it is one scalar equation, solved in a bracket and differentiated implicitly.
    Source: Bengel et al., IEEE Trans. Circuits Syst. I 67, 4618 (2020).
    Approximations: y is kept below 1 and F above 0; below 1 uV the device is ohmic; no cycle-to-cycle variation. At
    RESET the published barrier rises so steeply at v_c = phi_0 - phi_n that up to three currents satisfy the equations
    between about 0.1 and 1.3 V: the largest is taken, the branch that is connected to zero bias.
    Valid: |v| <= 2 V, 1 ns to seconds; temperature follows the power at once. SET feeds on itself: d(dw/dt)/dw is positive,
    and implicit steps have a solution only below 2 / (d(dw/dt)/dw), at its quickest and behind 500 ohm 1.5e-9 s at -0.6 V,
    6e-11 s at -0.72 V, 3e-12 s at -0.9 V and 4e-13 s at -1.1 V; longer explicit steps pass over the bound. The wait for SET
    is longer than that by 4e5 at -0.6 V and 250 at -1.1 V, so that slow ramps (1e-5 s) through SET need millions of steps.
    """

    catalogue: ClassVar = PRESETS
    radius: Array = parameter(45e-9, unit="m", bounds=(1e-10, None), doc="r: radius of the filament")
    disc_length: Array = parameter(0.4e-9, unit="m", bounds=(1e-12, None), doc="l: length of the disc")
    cell_length: Array = parameter(3e-9, unit="m", bounds=(1e-12, None), doc="L: length of disc and plug")
    plug_density: Array = parameter(20e26, unit="1/m^3", bounds=(0, None), doc="N_plug: vacancies in the plug")
    minimum_density: Array = parameter(0.008e26, unit="1/m^3", bounds=(0, None), doc="N_min: fewest vacancies in the disc")
    maximum_density: Array = parameter(20e26, unit="1/m^3", bounds=(0, None), doc="N_max: most vacancies in the disc")
    mobility: Array = parameter(4e-6, unit="m^2/(V s)", bounds=(0, None), doc="u: electron mobility")
    hop: Array = parameter(0.25e-9, unit="m", bounds=(0, None), doc="a: hopping distance of a vacancy")
    attempt_rate: Array = parameter(2e13, unit="Hz", bounds=(0, None), doc="nu_0: attempt frequency")
    activation: Array = parameter(1.35, unit="V", bounds=(1e-3, None), doc="W: activation energy per charge")
    thermal_resistance: Array = parameter(15.72e6, unit="K/W", bounds=(0, None), doc="R_th: at SET, for a radius of 45 nm")
    reset_cooling: Array = parameter(0.27, unit="1", bounds=(0, None), doc="R_th at RESET relative to SET")
    ambient: Array = parameter(293.0, unit="K", bounds=(1.0, None), doc="T_0: ambient temperature")
    oxide_resistance: Array = parameter(650.0, unit="ohm", bounds=(0, None), doc="R_TiOx: series resistance of the TiOx layer")
    line_resistance: Array = parameter(719.2437, unit="ohm", bounds=(0, None), doc="R_0: lines at ambient temperature")
    line_heating: Array = parameter(90471.47, unit="K/W", bounds=(0, None), doc="R_line: thermal resistance of the lines")
    line_coefficient: Array = parameter(3.92e-3, unit="1/K", bounds=(0, None), doc="alpha: of the lines")
    barrier: Array = parameter(0.18, unit="V", bounds=(0, None), doc="phi_0: Schottky barrier")
    fermi_level: Array = parameter(
        0.1, unit="V", bounds=(0, None), doc="phi_n: conduction band above the Fermi level in the oxide"
    )
    permittivity: Array = parameter(17.0, unit="1", bounds=(1, None), doc="relative, for tunnelling")
    barrier_permittivity: Array = parameter(5.5, unit="1", bounds=(1, None), doc="relative, for image-force lowering")
    richardson: Array = parameter(6.01e5, unit="A/(m^2 K^2)", bounds=(0, None), doc="A*: Richardson constant")
    mass: Array = parameter(1.0, unit="1", bounds=(1e-3, None), doc="m: tunnelling mass relative to the electron's")
    initial: Array = state(0.0004, unit="1", bounds=(1e-9, 1), doc="filling w = N / N_max at power-up")

    def start(self):
        """`initial`, of order one."""
        return Unknown(self.initial, 1.0)

    def emptiest(self) -> Array:
        """The smallest state, N_min / N_max."""
        return self.minimum_density / self.maximum_density

    def bounds(self):
        """N_min / N_max and 1."""
        return self.emptiest(), 1.0

    def go_together(self):
        """The filling at power-up lies in its bounds."""
        check.at_most("minimum_density", self.minimum_density, "maximum_density", self.maximum_density, "1/m^3", strict=True)
        check.at_most("minimum_density / maximum_density", self.emptiest(), "initial", self.initial)

    def surroundings(self):
        """T_0, in K."""
        return self.ambient

    def current(self, voltage, state):
        """Current (A), with the sign of the voltage."""
        size = jnp.maximum(jnp.abs(voltage), LEAST_VOLTAGE)
        return self.inside(voltage, state).current / size * voltage

    def rate(self, voltage, state):
        """dw/dt, in 1/s."""
        setting, inside = voltage < 0, self.inside(voltage, state)
        over_cell = (inside.contact + inside.disc + inside.plug) / self.cell_length
        field = jnp.where(setting, inside.disc / self.disc_length, over_cell)
        field = field * jnp.minimum(jnp.abs(voltage) / LEAST_VOLTAGE, 1.0)
        filled, empty = state**10, (self.emptiest() / jnp.maximum(state, self.emptiest())) ** 10
        room = jnp.maximum(1 - jnp.where(setting, filled, empty), 0.0)
        density = (state + self.plug_density / self.maximum_density) / 2
        attempts = self.attempt_rate * self.hop / self.disc_length
        speed = density * attempts * self.hopping(field, inside.temperature) * room
        return jnp.where(setting, speed, -speed)

    def hopping(self, field: Array, temperature: Array) -> Array:
        """Probability of a hop along the field (V/m) minus that of one against it, per attempt."""
        heat = thermal_voltage(temperature)
        tilt = jnp.minimum(CHARGE_NUMBER * self.hop * field / (math.pi * self.activation), 1 - 1e-6)
        height = self.activation * (jnp.sqrt(1 - tilt**2) + tilt * jnp.arcsin(tilt))
        lowering = self.activation * tilt * math.pi / 2
        return -jnp.exp((lowering - height) / heat) * jnp.expm1(-2 * lowering / heat)

    @eqx.filter_jit
    def inside(self, voltage: Array, state: Array) -> Inside:
        """Solve for the current at `voltage` (V), magnitude at least `LEAST_VOLTAGE`, and tell what it does inside."""
        voltage, state = jnp.broadcast_arrays(jnp.asarray(voltage, self.initial.dtype), state)
        size, setting = jnp.maximum(jnp.abs(voltage), LEAST_VOLTAGE), voltage < 0
        disc, plug = self.filament_resistances(state)
        linear = disc + plug + self.oxide_resistance + self.line_resistance
        cubic = self.line_resistance**2 * self.line_coefficient * self.line_heating
        most = cubic_root(linear, cubic, size)
        thermal = self.thermal_resistance * (45e-9 / self.radius) ** 2 * jnp.where(setting, 1.0, self.reset_cooling)

        def at(fall):
            """What is inside at current most e^-y, y = e^fall; no difference of near numbers."""
            y = jnp.exp(fall)
            current = most * jnp.exp(-y)
            contact = -linear * most * jnp.expm1(-y) - cubic * most**3 * jnp.expm1(-3 * y)
            power = current * (contact + current * (disc + plug))
            return Inside(current, contact, current * disc, current * plug, self.ambient + thermal * power)

        def excess(fall):
            """ln of the contact's current over the filament's: rises with the voltage left to the contact."""
            guess = at(fall)
            return self.log_emission(guess, state, setting) - jnp.log(most) + jnp.exp(fall)

        low, high = jnp.full_like(size, -35.0), jnp.full_like(size, 4.3)
        left = jnp.maximum(size - self.contact_peak(state), 0.0)
        peak = jnp.log(jnp.maximum(jnp.log(most / jnp.maximum(cubic_root(linear, cubic, left), 1e-18)), 1e-15))
        peak = jax.lax.stop_gradient(jnp.clip(peak, -35.0, 4.3))
        high = jnp.where(~setting & (left > 0) & (excess(peak) >= 0), peak, high)
        return at(scalar_root(excess, low, high))

    def contact_peak(self, state: Array) -> Array:
        """Contact voltage (V) at RESET above which the rising barrier first makes the contact's current fall."""
        law = self.lowering_law(state)
        clipped, falling = self.barrier**4 / law, (law / 256) ** (1 / 3)
        return jnp.maximum(self.barrier - self.fermi_level - jnp.minimum(clipped, falling), 0.0)

    def lowering_law(self, state: Array) -> Array:
        """Fourth power of the image-force lowering per psi, in V^3."""
        inverse = ELEMENTARY_CHARGE / (VACUUM_PERMITTIVITY * self.barrier_permittivity)
        return inverse**3 * CHARGE_NUMBER / (8 * math.pi**2) * self.maximum_density * state

    def filament_resistances(self, state: Array) -> tuple[Array, Array]:
        """Resistances (ohm) of the disc and of the plug."""
        per_length = 1 / (CHARGE_NUMBER * ELEMENTARY_CHARGE) / self.maximum_density / (self.mobility * math.pi * self.radius**2)
        disc = self.disc_length * per_length / state
        return disc, (self.cell_length - self.disc_length) * per_length * self.maximum_density / self.plug_density

    def log_emission(self, inside: Inside, state: Array, setting: Array) -> Array:
        """Natural logarithm of the Schottky contact's current (A)."""
        heat = thermal_voltage(inside.temperature)
        contact = inside.contact
        phi = self.lowered_barrier(jnp.where(setting, contact, -contact), state)
        scale = jnp.log(math.pi * self.radius**2 * self.richardson * inside.temperature**2)
        reverse = scale + self.log_tunnelling(contact, phi, state, heat)
        forward = scale - phi / heat + log_expm1(contact / heat)
        return jnp.where(setting, reverse, forward)

    def log_tunnelling(self, contact: Array, phi: Array, state: Array, heat: Array) -> Array:
        """Logarithm of the thermionic field emission relative to A A* T^2."""
        root = PLANCK / (4 * math.pi) * math.sqrt(CHARGE_NUMBER / (ELECTRON_MASS * VACUUM_PERMITTIVITY))
        w = root * jnp.sqrt(state * self.maximum_density / (self.mass * self.permittivity))
        ratio = w / heat
        slope = (ratio - jnp.tanh(ratio)) / w
        spread = math.pi * w * (contact + phi / jnp.cosh(ratio) ** 2)
        return 0.5 * jnp.log(spread) - jnp.log(heat) - phi * jnp.tanh(ratio) / w + log_expm1(contact * slope)

    def lowered_barrier(self, bias: Array, state: Array) -> Array:
        """Barrier (V) after image-force lowering; `bias` (V) is positive where it pulls carriers over."""
        psi = self.barrier - self.fermi_level + bias
        fourth = self.lowering_law(state) * psi
        lowering = jnp.where(psi > 0, jnp.where(psi > 0, fourth, 1.0) ** 0.25, 0.0)
        return jnp.maximum(self.barrier - lowering, 0.0)


def log_expm1(x: Array) -> Array:
    """ln(e^x - 1) for x above 0, without overflow."""
    return x + jnp.log(-jnp.expm1(-x))


def cubic_root(linear: Array, cubic: Array, value: Array) -> Array:
    """The one real i with linear i + cubic i^3 = value, for positive coefficients (trigonometric solution)."""
    small = cubic * value**2 < 1e-12 * linear**3
    safe = jnp.where(small, 1.0, cubic)
    root = jnp.sqrt(linear / (3 * safe))
    hyperbolic = 2 * root * jnp.sinh(jnp.arcsinh(1.5 * value / (linear * root)) / 3)
    series = value / linear * (1 - cubic * value**2 / linear**3)
    return jnp.where(small, series, hyperbolic)
