"""Current against voltage of memristors whose state moves while they are swept."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.memristor.filament import FilamentVCM
from devsim.devices.memristor.physical import Memristor
from devsim.devices.memristor.scalar_root import scalar_root
from devsim.devices.memristor.stanford import StanfordPKU
from devsim.devices.memristor.vteam import VTEAM
from devsim.devices.memristor.yakopcic import Yakopcic
from devsim.fit.bench import Axis, Bench, Search
from devsim.parameter import parameter

INPUTS = {"voltage": Axis("V", "of terminal a against b"), "time": Axis("s", "rising from row to row")}
RATE = Search(1e-3, 1e5, logarithmic=True)


class CurrentVoltage(Bench):
    """A memristor swept through the voltages of the rows, straight from one to the next.

    Equations: i = current(v, w); dw/dt = rate(v, w) by implicit Euler steps, `substeps` from row to row, each solved in a
    bracket, so that a state that feeds on itself runs into its bound instead of away; w = low + start (high - low) at the first
    row.
    Source: that of the device.
    Valid: rows so dense that the voltage moves by little between them.
    """

    inputs: ClassVar = INPUTS
    output: ClassVar = Axis("A", "current into terminal a")
    device: eqx.AbstractVar[Memristor]
    start: eqx.AbstractVar[Array]
    substeps: eqx.AbstractVar[int]

    def predict(self, inputs):
        """The current (A) of each row."""
        low, high = self.device.bounds()
        state = lambda share: low + (high - low) * share
        voltage, time = inputs["voltage"], inputs["time"]
        before = jnp.concatenate([voltage[:1], voltage[:-1]])
        gaps = jnp.maximum(jnp.diff(time, prepend=time[:1]), 0.0) / self.substeps

        def moved(share, row):
            first, last, seconds = row
            for k in range(1, self.substeps + 1):
                share = self._after(share, first + (last - first) * k / self.substeps, seconds, state)
            return share, share

        shares = jax.lax.scan(moved, self.start.astype(voltage.dtype), (before, voltage, gaps))[1]
        return self.device.current(voltage, state(shares))

    def _after(self, share: Array, voltage: Array, seconds: Array, state) -> Array:
        """The share of the range after an implicit step."""
        span = state(1.0) - state(0.0)
        excess = lambda x: x - share - seconds * self.device.rate(voltage, state(x)) / span
        return scalar_root(excess, jnp.zeros_like(share), jnp.ones_like(share))


def _start(default: float) -> Array:
    return parameter(default, unit="1", bounds=(0, 1), doc="state before the first row, as a share of its range")


class VTEAMSweep(CurrentVoltage):
    """A sweep of `VTEAM`.

    Equations, Source, Valid: as `CurrentVoltage`.
    """

    name: ClassVar = "iv-vteam"
    free: ClassVar = (
        "start",
        "device.low_resistance",
        "device.high_resistance",
        "device.set_speed",
        "device.off_speed",
        "device.set_threshold",
        "device.off_threshold",
    )
    search: ClassVar = {
        "device.low_resistance": Search(10.0, 1e4, logarithmic=True),
        "device.high_resistance": Search(100.0, 1e6, logarithmic=True),
        "device.set_speed": Search(1e-10, 1.0, logarithmic=True),
        "device.off_speed": Search(1e-10, 1.0, logarithmic=True),
        "device.set_threshold": Search(0.02, 2.0, logarithmic=True),
        "device.off_threshold": Search(0.02, 2.0, logarithmic=True),
    }
    device: VTEAM = eqx.field(default_factory=VTEAM.of)
    start: Array = _start(0.0)
    substeps: int = eqx.field(static=True, default=2)

    def guess(self, inputs, output):
        """Extreme resistances; thresholds at half of the sweep, speeds that cross the range in a tenth of its time."""
        volts = jnp.abs(inputs["voltage"])
        half = jnp.max(volts) / 2
        speed = 10 * self.device.length / jnp.maximum(jnp.ptp(inputs["time"]), 1e-12)
        seen = volts > 0.1 * jnp.max(volts)
        conductance = jnp.where(seen, jnp.abs(output) / jnp.maximum(volts, 1e-12), jnp.nan)
        low = 1 / jnp.maximum(jnp.nanmax(conductance), 1e-12)
        high = 1 / jnp.maximum(jnp.nanmin(conductance), 1e-12)
        return {
            "device.low_resistance": low,
            "device.high_resistance": jnp.maximum(high, 1.1 * low),
            "device.set_threshold": half,
            "device.off_threshold": half,
            "device.set_speed": speed,
            "device.off_speed": speed,
        }


class YakopcicSweep(CurrentVoltage):
    """A sweep of `Yakopcic`.

    Equations, Source, Valid: as `CurrentVoltage`.
    """

    name: ClassVar = "iv-yakopcic"
    free: ClassVar = (
        "start",
        "device.up_current",
        "device.down_current",
        "device.bend",
        "device.up_speed",
        "device.down_speed",
        "device.up_threshold",
        "device.down_threshold",
    )
    search: ClassVar = {
        "device.up_current": Search(1e-8, 1.0, logarithmic=True),
        "device.down_current": Search(1e-8, 1.0, logarithmic=True),
        "device.bend": Search(0.02, 5.0, logarithmic=True),
        "device.up_speed": RATE,
        "device.down_speed": RATE,
        "device.up_threshold": Search(0.05, 2.0, logarithmic=True),
        "device.down_threshold": Search(0.05, 2.0, logarithmic=True),
    }
    device: Yakopcic = eqx.field(default_factory=lambda: Yakopcic.preset("jo"))
    start: Array = _start(0.1)
    substeps: int = eqx.field(static=True, default=2)


class StanfordSweep(CurrentVoltage):
    """A sweep of `StanfordPKU`.

    Equations, Source, Valid: as `CurrentVoltage`; the speed of the gap and its activation energy are told apart only by the
    heating.
    """

    name: ClassVar = "iv-stanford"
    free: ClassVar = (
        "start",
        "device.current_scale",
        "device.gap_scale",
        "device.voltage_scale",
        "device.activation",
    )
    search: ClassVar = {
        "device.current_scale": Search(1e-5, 1e-1, logarithmic=True),
        "device.gap_scale": Search(0.1e-9, 1e-9, logarithmic=True),
        "device.voltage_scale": Search(0.1, 1.0, logarithmic=True),
        "device.activation": Search(0.3, 1.5),
    }
    residual: ClassVar = "logarithm"
    device: StanfordPKU = eqx.field(default_factory=StanfordPKU.of)
    start: Array = _start(0.9)
    substeps: int = eqx.field(static=True, default=2)


class FilamentSweep(CurrentVoltage):
    """A sweep of `FilamentVCM`.

    Equations, Source, Valid: as `CurrentVoltage`; constants of the contact are as published unless they are freed.
    """

    name: ClassVar = "iv-filament"
    free: ClassVar = ("start", "device.radius", "device.oxide_resistance", "device.activation")
    search: ClassVar = {
        "device.radius": Search(20e-9, 90e-9, logarithmic=True),
        "device.oxide_resistance": Search(100.0, 5e3, logarithmic=True),
        "device.activation": Search(1.0, 1.6),
        "device.barrier": Search(0.1, 0.4),
        "device.thermal_resistance": Search(3e6, 5e7, logarithmic=True),
    }
    residual: ClassVar = "logarithm"
    device: FilamentVCM = eqx.field(default_factory=FilamentVCM.of)
    start: Array = _start(0.01)
    substeps: int = eqx.field(static=True, default=1)
