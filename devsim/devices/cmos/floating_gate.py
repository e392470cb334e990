"""`FloatingGates`: weights that are currents of transistors whose gates hold charge."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import above
from devsim.devices.cmos.technology import Technology
from devsim.devices.synaptic_array import SynapticArray
from devsim.parameter import as_leaf, parameter, state
from devsim.physics import BOLTZMANN, ELEMENTARY_CHARGE, ROOM_TEMPERATURE
from devsim.ports import Balance, no_memory, quiet, signal_in, signal_out
from devsim.randomness import named_key

LEAST, MOST = 1e-3, 2.0
"""The least and largest current of a gate over that of the reference."""


class FloatingGates(SynapticArray):
    """Weights (rows, columns), each the current of a floating-gate transistor less that of a common reference.

    Equations: w = w_max (I / I_ref - 1), I / I_ref = exp(kappa V / U_T) from 0.001 to 2, V the gate's voltage above that of the
      reference; the charge leaks: dV/dt = -rate exp(E_a / k (1 / 300 K - 1 / T)) V, so that weights go to zero. A write
      measures the current, so that mismatch is written away; it leaves an error of V.
    Source: Diorio, Hasler, Minch and Mead, IEEE Trans. Electron Devices 43, 1972 (1996); retention: Nozawa and Kohyama, Jpn. J.
    Appl. Phys. 21, L111 (1982).
    Valid: weak inversion; written at the temperature of the technology: at another one the exponents differ.
    """

    voltage: Array = state(unit="V", doc="gate voltages above the reference's (rows, columns)")
    technology: Technology = eqx.field(default_factory=Technology)
    largest_weight: Array = parameter(1.0, unit="1", bounds=above(0), doc="w_max, weight of twice the reference current")
    write_noise: Array = parameter(
        0.0, unit="V", bounds=(0, None), stage="program", ideal=0.0, doc="standard deviation of a written gate voltage"
    )
    nudge_noise: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        stage="program",
        ideal=0.0,
        doc="relative standard deviation of a change of voltage",
    )
    read_noise: Array = parameter(
        0.0,
        unit="1",
        bounds=(0, None),
        stage="read",
        ideal=0.0,
        doc="relative standard deviation of a current in each read",
    )
    loss_rate: Array = parameter(
        0.0, unit="1/s", bounds=(0, None), stage="age", ideal=0.0, doc="rate at which a gate loses its charge at 300 K"
    )
    loss_energy: Array = parameter(
        1.0 * ELEMENTARY_CHARGE, unit="J", bounds=(0, None), doc="E_a, activation energy of the loss of charge"
    )
    rest, noise = no_memory, quiet

    @classmethod
    def of(cls, rows: int, columns: int, **fields) -> Self:
        """Gates at the reference: weights of zero."""
        return cls(**({"voltage": jnp.zeros((rows, columns))} | fields))

    def __check_init__(self):
        if jnp.ndim(self.voltage) < 2:
            raise check.InputError(f"`voltage` must have rows and columns, but has shape {jnp.shape(self.voltage)}.")

    def ports(self):
        """`rows` in, `columns` out."""
        rows, columns = self.voltage.shape[-2:]
        return {"rows": signal_in((rows,)), "columns": signal_out((columns,))}

    def age(self, seconds, temperature, key):
        """Charge leaks; the technology ages."""
        hot = jnp.exp(self.loss_energy / BOLTZMANN * (1 / ROOM_TEMPERATURE - 1 / temperature))
        left = self.voltage * jnp.exp(-self.loss_rate * hot * seconds)
        return self.put(voltage=left, technology=self.technology.age(seconds, temperature, key))

    def balance(self, t, p, x):
        """The product."""
        return Balance({"columns": p["rows"] @ self.weights()})

    def steepness(self) -> Array:
        """kappa / U_T, 1/V."""
        return 1 / self.technology.gate_unit()

    def weights(self):
        """What the gates hold (rows, columns)."""
        return self.largest_weight * jnp.expm1(self.steepness() * self.voltage)

    def read(self, inputs, key):
        """inputs @ weights, every gate with its noise."""
        check.shape("inputs", inputs, self.voltage.shape[-2:-1], "the array's rows")
        return inputs @ self._seen(key)

    def read_reverse(self, inputs, key):
        """inputs @ weights.T, every gate with its noise."""
        check.shape("inputs", inputs, self.voltage.shape[-1:], "the array's columns")
        return inputs @ self._seen(key).T

    def program(self, target, key):
        """`target` but for the error of a write, at once; beyond the range, its end."""
        check.finite("target", target)
        check.shape("target", target, self.voltage.shape, "the array's weights")
        error = self.write_noise * jax.random.normal(named_key(key, "write"), self.voltage.shape, self.voltage.dtype)
        return self._kept(self._voltage_of(as_leaf(target)) + error)

    def nudge(self, delta, key):
        """Injection or tunnelling that would change each weight by `delta`, with its noise."""
        check.finite("delta", delta)
        check.shape("delta", delta, self.voltage.shape, "the array's weights")
        change = self._voltage_of(self.weights() + as_leaf(delta)) - self.voltage
        drawn = jax.random.normal(named_key(key, "nudge"), self.voltage.shape, self.voltage.dtype)
        return self._kept(self.voltage + change * (1 + self.nudge_noise * drawn))

    def _seen(self, key) -> Array:
        drawn = jax.random.normal(named_key(key, "read"), self.voltage.shape, self.voltage.dtype)
        return self.weights() + self.largest_weight * jnp.exp(self.steepness() * self.voltage) * self.read_noise * drawn

    def _voltage_of(self, weights: Array) -> Array:
        return jnp.log(jnp.clip(1 + weights / self.largest_weight, LEAST, MOST)) / self.steepness()

    def _kept(self, voltage: Array) -> Self:
        low, high = jnp.log(jnp.asarray((LEAST, MOST))) / self.steepness()
        return self.put(voltage=jnp.clip(voltage, low, high))
