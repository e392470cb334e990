"""Spectra of unbalanced Mach-Zehnder interferometers."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim.check import above
from devsim.devices.photonic.light import SPEED_OF_LIGHT
from devsim.devices.photonic.waveguide import Waveguide
from devsim.fit.bench import Search
from devsim.fit.models.spectra import SEARCH, Spectrum, floor, power_at_reference, term
from devsim.parameter import Derived, parameter

RANGE = Derived(
    lambda bench: 1 / bench.device.delay(bench.device.length),
    lambda bench, hertz: {"device": bench.device.put(group_index=SPEED_OF_LIGHT / (hertz * bench.device.length))},
    "Hz",
    "another name for `device.group_index`: distance between fringes at the reference wavelength",
    above(0),
)


class InterferometerSpectrum(Spectrum):
    """Two splitters with arms of unlike length between them; the device is what one arm is longer.

    Equations: as `Spectrum`, T = |1 - s + s A|^2, A = the transmission of the longer arm's surplus, s the share that takes
    that arm, the same at both splitters.
    Source: as `Waveguide`; Chrostowski, Hochberg, Silicon Photonics Design (Cambridge, 2015), section 4.3.
    Valid: only the product of group index and length shows in the fringes: `device.length` must be what was drawn. Where it is
    not known, `free_spectral_range` is.
    """

    name: ClassVar = "mzi-spectrum"
    free: ClassVar = (
        "power",
        "tilt",
        "bend",
        "skew",
        "flatness",
        "floor",
        "splitting",
        "device.effective_index",
        "device.group_index",
        "device.dispersion",
    )
    search: ClassVar = SEARCH | {"splitting": Search(0.3, 0.5), "free_spectral_range": Search(1e10, 2e13, logarithmic=True)}
    derived: ClassVar = {"free_spectral_range": RANGE}
    device: Waveguide = eqx.field(default_factory=lambda: Waveguide(length=1e-4))
    power: Array = power_at_reference()
    tilt: Array = term(1)
    bend: Array = term(2)
    skew: Array = term(3)
    flatness: Array = term(4)
    floor: Array = floor()
    splitting: Array = parameter(0.5, unit="1", bounds=(0, 1), doc="s: share of the power that takes the longer arm")

    def share(self, device, inputs):
        """|1 - s + s A|^2."""
        kept, phase = self.path(device)
        short, long = 1 - self.splitting, self.splitting * kept
        return short**2 + long**2 + 2 * short * long * jnp.cos(phase)

    def guess(self, inputs, output):
        """Indices from the strongest fringe, the couplers from what lies above the middle."""
        found = self.indices(inputs, output, 0.0, widest=True)
        found["free_spectral_range"] = SPEED_OF_LIGHT / (found["device.group_index"] * self.device.length)
        return found | self.envelope(inputs, output) | {"splitting": jnp.asarray(0.48)}
