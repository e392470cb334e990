"""The Mach-Zehnder interferometer as one part, the cell of meshes."""

import jax.numpy as jnp
from jaxtyping import Array

from devsim.devices.lanes import Lanes
from devsim.devices.photonic.knobs import loss
from devsim.devices.photonic.light import turned, weakened
from devsim.parameter import deviation, parameter
from devsim.ports import Balance, no_memory, optical, quiet


def _phase(doc: str):
    return parameter(0.0, unit="rad", stage="program", doc=doc)


def _coupler_error(doc: str):
    return parameter(0.0, unit="rad", stage="fabricate", ideal=0.0, doc=doc)


class MachZehnder(Lanes):
    """Two couplers with a phase before the first and one between them, both on the upper guide: any 2x2 unitary of a mesh.

    Equations: out = A B(output_error) diag(e^{i internal}, 1) B(input_error) diag(e^{i external}, 1) in, with
    B(e) = exp(i (pi/4 + e) X) = [[cos, i sin], [i sin, cos]] of pi/4 + e, and A = 10^(-loss / 20); backwards the transpose.
    Source: Clements et al., Optica 3, 1460 (2016); splitter angles: Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021).
    Valid: equal loss in both arms, no reflection, no delay.
    """

    internal_phase: Array = _phase("phase between the couplers")
    external_phase: Array = _phase("phase before the first coupler")
    internal_phase_spread: Array = deviation("internal_phase", "rad")
    external_phase_spread: Array = deviation("external_phase", "rad")
    input_error: Array = _coupler_error("angle of the first coupler above pi/4")
    output_error: Array = _coupler_error("angle of the second coupler above pi/4")
    input_error_spread: Array = deviation("input_error", "rad")
    output_error_spread: Array = deviation("output_error", "rad")
    arm_loss_db: Array = loss("loss of either path from end to end")
    rest, noise = no_memory, quiet

    def ports(self):
        """Inputs `in0`, `in1`, outputs `out0`, `out1`; light may come from either side."""
        return {name: optical(self.shape()) for name in ("in0", "in1", "out0", "out1")}

    def matrix(self) -> tuple[Array, Array, Array, Array]:
        """The forward transfer, row by row: out0 of in0, out0 of in1, out1 of in0, out1 of in1."""
        first, second = jnp.pi / 4 + self.input_error, jnp.pi / 4 + self.output_error
        cos_first, sin_first = jnp.cos(first), jnp.sin(first)
        kept = weakened(self.arm_loss_db)
        cos_second, sin_second = kept * jnp.cos(second), kept * jnp.sin(second)
        internal, external = turned(self.internal_phase), turned(self.external_phase)
        return (
            external * (internal * (cos_second * cos_first) - sin_second * sin_first),
            1j * (internal * (cos_second * sin_first) + sin_second * cos_first),
            1j * external * (internal * (sin_second * cos_first) + cos_second * sin_first),
            cos_second * cos_first - internal * (sin_second * sin_first),
        )

    def balance(self, t, p, x):
        """The transfer matrix forwards, its transpose backwards."""
        upper, down, up, lower = self.matrix()
        return Balance(
            {
                "out0": upper * p["in0"] + down * p["in1"],
                "out1": up * p["in0"] + lower * p["in1"],
                "in0": upper * p["out0"] + up * p["out1"],
                "in1": down * p["out0"] + lower * p["out1"],
            }
        )
