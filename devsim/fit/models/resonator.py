"""Spectra of ring resonators."""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from devsim.devices.photonic.ring import AddDropRing, Ring, RingResonator
from devsim.fit.bench import Axis, Search
from devsim.fit.models.spectra import ENVELOPE, SEARCH, WAVELENGTH, Spectrum, floor, power_at_reference, term
from devsim.parameter import parameter
from devsim.smooth import root

INDICES = ("device.effective_index", "device.group_index", "device.dispersion")
RING_SEARCH = SEARCH | {
    "device.coupling": Search(0.003, 0.5, logarithmic=True),
    "device.drop_coupling": Search(0.003, 0.5, logarithmic=True),
    "coupling_slope": Search(-0.3, 0.3),
    "drop_level": Search(0.1, 10.0, logarithmic=True),
}


class RingSpectrum(Spectrum):
    """A ring between couplers to fibre, whose coupling may change with the wavelength.

    Equations: as `Spectrum`, with the ring's couplings times exp(coupling_slope d).
    Source: as `AddDropRing`.
    Valid: without splitting of resonances by backscatter; rows denser than a tenth of the line.
    """

    device: eqx.AbstractVar[Ring]
    coupling_slope: eqx.AbstractVar[Array]

    def couplings(self, inputs) -> list[Array]:
        """The ring's couplings at each row, below 1."""
        growth = jnp.exp(self.coupling_slope * self.away(inputs["wavelength"]))
        names = [n for n in ("coupling", "drop_coupling") if n in {f.name for f in dataclasses.fields(self.device)}]
        return [jnp.minimum(getattr(self.device, name) * growth, 1.0) for name in names]

    def start(self, inputs, output: Array, bright: float) -> dict[str, Array]:
        """A guess with weak coupling; `bright`: the phase at which the output is high."""
        weak = {"device.coupling": jnp.asarray(0.02), "device.drop_coupling": jnp.asarray(0.02)}
        weak |= {"device.loss_db_per_cm": jnp.asarray(3.0), "coupling_slope": jnp.zeros(()), "device.dispersion": jnp.zeros(())}
        return self.indices(inputs, output, bright) | self.envelope(inputs, output) | weak


def _slope() -> Array:
    return parameter(0.0, unit="1", doc="change of ln of the couplings for 10 nm of wavelength")


class AllPassSpectrum(RingSpectrum):
    """A ring on one guide.

    Equations: as `RingSpectrum`, T = |(t_c - A) / (1 - t_c A)|^2.
    Source, Valid: as `RingResonator`; which of coupling and loss is the larger is not seen in the power.
    """

    name: ClassVar = "ring-spectrum"
    free: ClassVar = (*ENVELOPE, *INDICES, "device.coupling", "coupling_slope", "device.loss_db_per_cm")
    search: ClassVar = RING_SEARCH
    device: RingResonator = eqx.field(default_factory=RingResonator)
    power: Array = power_at_reference()
    tilt: Array = term(1)
    bend: Array = term(2)
    skew: Array = term(3)
    flatness: Array = term(4)
    floor: Array = floor()
    coupling_slope: Array = _slope()

    def share(self, device, inputs):
        """|(t_c - A) / (1 - t_c A)|^2."""
        (coupling,) = self.couplings(inputs)
        kept, phase = self.path(device)
        return _through(coupling, jnp.zeros_like(coupling), kept, phase)

    def guess(self, inputs, output):
        """Dips at whole turns."""
        return self.start(inputs, output, jnp.pi)


class ThroughSpectrum(RingSpectrum):
    """The through port of a ring between two guides.

    Equations: as `RingSpectrum`, T = |(t_c - t_d A) / (1 - t_c t_d A)|^2.
    Source, Valid: as `AddDropRing`; loss and the coupling to the drop are not told apart at this port alone, so that the latter
    stays as it is set.
    """

    name: ClassVar = "add-drop-ring-through"
    free: ClassVar = (*ENVELOPE, *INDICES, "device.coupling", "coupling_slope", "device.loss_db_per_cm")
    search: ClassVar = RING_SEARCH
    device: AddDropRing = eqx.field(default_factory=AddDropRing)
    power: Array = power_at_reference()
    tilt: Array = term(1)
    bend: Array = term(2)
    skew: Array = term(3)
    flatness: Array = term(4)
    floor: Array = floor()
    coupling_slope: Array = _slope()

    def share(self, device, inputs):
        """|(t_c - t_d A) / (1 - t_c t_d A)|^2."""
        near, far = self.couplings(inputs)
        return _through(near, far, *self.path(device))

    def guess(self, inputs, output):
        """Dips at whole turns."""
        return self.start(inputs, output, jnp.pi)


class BothPortsSpectrum(RingSpectrum):
    """Through and drop port of a ring between two guides, each behind its coupler to fibre.

    Equations: as `RingSpectrum`, T = |(t_c - t_d A) / (1 - t_c t_d A)|^2 of a row from the through port, and
    drop_level k^2 k_d^2 |A| / |1 - t_c t_d A|^2 of one from the drop port.
    Source, Valid: as `AddDropRing`; with couplers to fibre that may be unlike, `drop_level` free, the coupling to the drop and
    the loss are told apart no more, but the width of the line is.
    """

    name: ClassVar = "add-drop-ring"
    inputs: ClassVar = WAVELENGTH | {"drop": Axis("1", "1 for a row from the drop port, 0 from the through port")}
    free: ClassVar = (
        *ENVELOPE,
        *INDICES,
        "device.coupling",
        "device.drop_coupling",
        "coupling_slope",
        "device.loss_db_per_cm",
    )
    search: ClassVar = RING_SEARCH
    device: AddDropRing = eqx.field(default_factory=AddDropRing)
    power: Array = power_at_reference()
    tilt: Array = term(1)
    bend: Array = term(2)
    skew: Array = term(3)
    flatness: Array = term(4)
    floor: Array = floor()
    coupling_slope: Array = _slope()
    drop_level: Array = parameter(1.0, unit="1", bounds=(1e-6, None), doc="coupler behind the drop over that behind the other")

    def share(self, device, inputs):
        """Of whichever port a row is from."""
        near, far = self.couplings(inputs)
        kept, phase = self.path(device)
        drop = self.drop_level * near * far * kept / _distance(1.0, root((1 - near) * (1 - far)) * kept, phase)
        return jnp.where(inputs["drop"] > 0, drop, _through(near, far, kept, phase))

    def guess(self, inputs, output):
        """Dips of the through port at whole turns."""
        through = np.asarray(inputs["drop"]) <= 0
        if not through.any():
            return self.start(inputs, output, 0.0)
        return self.start({"wavelength": inputs["wavelength"][through]}, output[through], jnp.pi)


def _through(near: Array, far: Array, kept: Array, phase: Array) -> Array:
    stay, back = root(1 - near), root(1 - far) * kept
    return _distance(stay, back, phase) / _distance(1.0, stay * back, phase)


def _distance(one: Array | float, other: Array, phase: Array) -> Array:
    """|one - other e^{i phase}|^2, without the cancellation of nearly equal sizes."""
    return (one - other) ** 2 + 4 * one * other * jnp.sin(phase / 2) ** 2
