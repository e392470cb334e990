"""`Technology`: the transistors that current-mode circuits are made of."""

from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim.check import above
from devsim.devices.preset import Preset, look_up
from devsim.parameter import parameter, state
from devsim.part import Part
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, ROOM_TEMPERATURE, thermal_voltage
from devsim.ports import Port
from devsim.randomness import lognormal_factor

YEAR = 31557600.0
"""Seconds in a Julian year."""


class Technology(Part):
    """Transistors of one process and one size in weak inversion, and how they differ, warm up and age.

    Equations, per square, U_T = kT/q, all voltages against the bulk:
      I = I_S exp(kappa (V_G - V_T) / U_T) (exp(-V_S / U_T) - exp(-V_D / U_T)),  I_0 = I at V_G = V_S = 0, saturated;
      V_T falls by c (T - 300 K), I_S goes as (T / 300 K)^p.
      Mismatch: the two transistors of a mirror differ by a normal threshold of standard deviation A_VT / (W L)^0.5, so that the
      current that it copies is log-normal: the standard deviation of ln I is kappa sigma_VT / U_T, and no current is negative.
      Age: thresholds rise by drift (t / 1 year)^n exp(E_a / k (1 / 300 K - 1 / T) n), t from fabrication.
      Leakage of a junction doubles with every `leakage_doubling` kelvin.
    Source: Vittoz and Fellrath, IEEE J. Solid-State Circuits 12, 224 (1977); Pelgrom, Duinmaijer and Welbers, ibid. 24, 1433
    (1989); ageing: Schroder and Babcock, J. Appl. Phys. 94, 1 (2003).
    Valid: currents below a tenth of I_S W/L; drain voltages above 4 U_T where a part says saturated.
    """

    gate_coupling: Array = parameter(
        0.7,
        unit="1",
        bounds=above(0, 1),
        doc="kappa, share of a gate voltage that reaches the channel; 1 over the slope factor",
    )
    specific_current: Array = parameter(
        200e-9, unit="A", bounds=above(0), doc="I_S of a square transistor at 300 K, 2 n mu C_ox U_T^2"
    )
    threshold: Array = parameter(0.476, unit="V", doc="V_T at 300 K")
    threshold_coefficient: Array = parameter(1e-3, unit="V/K", doc="c, fall of V_T with each kelvin")
    current_exponent: Array = parameter(0.5, unit="1", doc="p, power of the temperature in I_S")
    width: Array = parameter(2e-6, unit="m", bounds=above(0), doc="channel width W")
    length: Array = parameter(2e-6, unit="m", bounds=above(0), doc="channel length L")
    threshold_mismatch: Array = parameter(
        5e-9, unit="V m", bounds=(0, None), stage="fabricate", ideal=0.0, doc="Pelgrom's A_VT, 1 mV um = 1e-9 V m"
    )
    temperature: Array = parameter(ROOM_TEMPERATURE, unit="K", bounds=above(0), stage="read", doc="temperature of the chip")
    bias_compensation: Array = parameter(
        1.0,
        unit="1",
        bounds=(0, 1),
        stage="read",
        ideal=1.0,
        doc="1 where biases are currents at any temperature and supply, 0 where they are fixed gate voltages",
    )
    supply_voltage: Array = parameter(1.8, unit="V", bounds=above(0), doc="V_DD as designed")
    supply_error: Array = parameter(0.0, unit="V", stage="read", ideal=0.0, doc="departure of the supply from V_DD")
    supply_sensitivity: Array = parameter(
        0.1, unit="1", bounds=(0, None), doc="share of a supply error that reaches the gates of biases"
    )
    leakage_current: Array = parameter(
        1e-15, unit="A", bounds=(0, None), stage="read", ideal=0.0, doc="of the junctions on a storage node, at 300 K"
    )
    leakage_doubling: Array = parameter(9.0, unit="K", bounds=above(0), doc="warming that doubles the leakage of a junction")
    threshold_drift: Array = parameter(
        0.0, unit="V", bounds=(0, None), stage="age", ideal=0.0, doc="rise of a stressed threshold after one year at 300 K"
    )
    drift_spread: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        stage="fabricate",
        ideal=0.0,
        doc="relative standard deviation of the drift from transistor to transistor",
    )
    drift_exponent: Array = parameter(0.2, unit="1", bounds=above(0, 1), doc="n, power of the time in the drift")
    drift_energy: Array = parameter(
        0.5 * ELEMENTARY_CHARGE, unit="J", bounds=(0, None), doc="E_a, activation energy of the drift's time"
    )
    flicker_coefficient: Array = parameter(
        0.0, unit="V^2 m^2", bounds=(0, None), stage="read", ideal=0.0, doc="gate-referred flicker noise times W L, at 1 Hz"
    )
    elapsed: Array = state(0.0, unit="s", bounds=(0, None), stage="age", doc="age since fabrication, as at 300 K")

    @classmethod
    def preset(cls, name: str, **fields) -> Self:
        """A measured process (`PROCESSES`), with `fields` in place of its own. Raises InputError for an unknown name."""
        return cls(**(look_up(PROCESSES, name) | fields))

    def ports(self) -> dict[str, Port]:
        """None: it is what other parts are made of."""
        return {}

    def age(self, seconds: Array, temperature: Array, key: Key[Array, ""]) -> Self:
        """Older; a warm second counts for exp(E_a / k (1 / 300 K - 1 / T)) of them."""
        warm = self.drift_energy / BOLTZMANN * (1 / ROOM_TEMPERATURE - 1 / temperature)
        return self.put(elapsed=self.elapsed + seconds * jnp.exp(warm))

    def thermal_voltage(self) -> Array:
        """U_T, V."""
        return thermal_voltage(self.temperature)

    def gate_unit(self) -> Array:
        """U_T / kappa (V), by which the potential of a gate rises for e times the current."""
        return self.thermal_voltage() / self.gate_coupling

    def time_constant(self, capacitance: Array, current: Array) -> Array:
        """C U_T / (kappa I) (s), in which a `current` (A) into a gate of that `capacitance` (F) moves it by `gate_unit`."""
        return capacitance * self.gate_unit() / current

    def off_current(self) -> Array:
        """I_0 (A) of one transistor at its temperature: the least current of anything, with the gate at the source."""
        exponent = -self.gate_coupling * self._threshold_now() / self.thermal_voltage()
        return self._specific_now() * jnp.exp(exponent) * self.width / self.length

    def floored(self, current: Array) -> Array:
        """A `current` (A) through a transistor, which is never below its off current; without derivative where it would be."""
        return jnp.maximum(current, self.off_current())

    def leakage(self) -> Array:
        """Leakage (A) of the junctions on a storage node at its temperature."""
        return self.leakage_current * 2 ** ((self.temperature - ROOM_TEMPERATURE) / self.leakage_doubling)

    def supply(self) -> Array:
        """V_DD with its error, V."""
        return self.supply_voltage + self.supply_error

    def mismatch(self) -> Array:
        """Standard deviation (V) of the difference between the thresholds of two equal transistors."""
        return self.threshold_mismatch / jnp.sqrt(self.width * self.length)

    def drawn_shifts(self, shape: tuple[int, ...], key: Key[Array, ""]) -> Array:
        """One threshold error (V) for each mirror of a die."""
        return self.mismatch() * jax.random.normal(key, shape, jnp.result_type(self.mismatch()))

    def drawn_ageing(self, shape: tuple[int, ...], key: Key[Array, ""]) -> Array:
        """The share of the drift that each mirror of a die shows, log-normal about one."""
        return lognormal_factor(self.drift_spread, jax.random.normal(key, shape, jnp.result_type(self.drift_spread)))

    def drift(self) -> Array:
        """Rise (V) of a stressed threshold at its age."""
        young = self.elapsed <= 0
        return self.threshold_drift * jnp.where(young, 0.0, jnp.where(young, 1.0, self.elapsed / YEAR) ** self.drift_exponent)

    def bias(self, current: Array, shift: Array | float = 0.0, ageing: Array | float = 1.0) -> Array:
        """What becomes of a bias `current` (A) behind a mirror whose threshold is off by `shift` (V).

        A compensated bias is that current; a gate voltage gives what the transistor makes of it at its temperature and supply.
        ageing: share of the drift that the transistor shows.
        """
        warm, cold = self.thermal_voltage(), thermal_voltage(ROOM_TEMPERATURE)
        kappa, flows = self.gate_coupling, current > 0
        log_current = jnp.log(jnp.where(flows, current, 1.0))
        gate = cold * (log_current - jnp.log(self.specific_current)) + kappa * self.threshold
        gate += kappa * self.supply_sensitivity * self.supply_error
        held = jnp.log(self._specific_now()) + (gate - kappa * self._threshold_now()) / warm
        exponent = self.bias_compensation * log_current + (1 - self.bias_compensation) * held
        return jnp.where(flows, jnp.exp(exponent - kappa * (shift + ageing * self.drift()) / warm), 0.0)

    def shot_noise(self, current: Array) -> Array:
        """One-sided density (A^2/Hz) of the noise of a saturated transistor, 2 q I."""
        return 2 * ELEMENTARY_CHARGE * current

    def rate_noise(self, density: Array, capacitance: Array) -> Array:
        """Density (1/s^2/Hz) of d ln I / dt of a gate of a `capacitance` (F), from that (A^2/Hz) of the current into it."""
        return density / (capacitance * self.gate_unit()) ** 2

    def flicker_noise(self, current: Array) -> Array:
        """One-sided density (A^2/Hz) of its flicker noise at 1 Hz, (kappa I / U_T)^2 K / (W L)."""
        steepness = self.gate_coupling * current / self.thermal_voltage()
        return steepness**2 * self.flicker_coefficient / (self.width * self.length)

    def _specific_now(self) -> Array:
        return self.specific_current * (self.temperature / ROOM_TEMPERATURE) ** self.current_exponent

    def _threshold_now(self) -> Array:
        return self.threshold - self.threshold_coefficient * (self.temperature - ROOM_TEMPERATURE)


_IHP = "measured ID-VG of the IHP-Open-PDK (Apache-2.0), SG13G2 low-voltage transistors of 10 um x 10 um, 233 to 398 K"

PROCESSES = {
    "ihp-sg13g2-n": Preset(
        _IHP + "; mismatch of that PDK's models",
        lambda: dict(
            gate_coupling=0.875,
            specific_current=703e-9,
            threshold=0.183,
            threshold_coefficient=0.73e-3,
            current_exponent=0.36,
            threshold_mismatch=2**0.5 * 3.9e-9,
            supply_voltage=1.2,
        ),
    ),
    "ihp-sg13g2-p": Preset(
        _IHP + "; mismatch of that PDK's models",
        lambda: dict(
            gate_coupling=0.873,
            specific_current=122e-9,
            threshold=0.316,
            threshold_coefficient=0.52e-3,
            current_exponent=1.59,
            threshold_mismatch=2**0.5 * 2.2e-9,
            supply_voltage=1.2,
        ),
    ),
}
"""Name -> the process. Thresholds are those of the fit of EKV's equations, not the foundry's."""
