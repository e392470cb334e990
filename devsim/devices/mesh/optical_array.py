"""`OpticalArray`: real weights from a mesh and its detectors."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from devsim import check
from devsim.check import InputError
from devsim.devices.mesh.columns import fields, lane_factors
from devsim.devices.mesh.detection import Detection, Homodyne, Incoherent
from devsim.devices.mesh.mesh import Mesh
from devsim.devices.mesh.singular import SingularValueMesh
from devsim.devices.mesh.steering import ChainRule, Steering
from devsim.devices.mesh.tunable import Tunable
from devsim.devices.synaptic_array import Proposal
from devsim.parameter import state
from devsim.ports import Balance, no_memory, quiet, signal_in, signal_out
from devsim.randomness import named_key


class Found(eqx.Module):
    """A mesh of which only the matrix is wanted any more: its weights (rows, columns), complex."""

    matrix: Array

    def weights(self) -> Array:
        """The matrix."""
        return self.matrix

    def answer(self, inputs: Array) -> Array:
        """inputs (..., rows) -> (..., columns)."""
        return inputs @ self.matrix

    def answer_reverse(self, inputs: Array) -> Array:
        """inputs (..., columns) -> (..., rows)."""
        return inputs @ self.matrix.T


class OpticalArray(Tunable):
    """A mesh (or two) between modulators and detectors: numbers in, numbers out.

    Equations: those of its `detection` on the waves of its `core`, and of `other` where two are detected against each other.
    Source: as its detection.
    Valid: as its parts; modulators without error. Every input has its own number in the noise of detection.
    """

    core: Mesh | SingularValueMesh
    detection: Detection
    other: Mesh | SingularValueMesh | None = None
    steering: Steering = eqx.field(default_factory=ChainRule)
    detector_draw: Array = state(0.0, unit="1", stage="read", doc="standard normal draw of the present read (columns,)")
    rest, noise = no_memory, quiet

    def __check_init__(self):
        check.instance("detection", self.detection, Detection)
        for name in ("core", "other"):
            part = getattr(self, name)
            if not (isinstance(part, Mesh | SingularValueMesh) or (name == "other" and part is None)):
                raise InputError(f"`{name}` must be a Mesh or a SingularValueMesh, but is {check.described(part)}.")
        if self.detection.pairs != (self.other is not None):
            needs = "needs a second mesh, `other`" if self.detection.pairs else "detects one mesh, without `other`"
            raise InputError(f"`detection` must fit the meshes, but {type(self.detection).__name__} {needs}.")
        if self.other is not None and self.other.shape() != self.core.shape():
            raise InputError(f"`other` must match the core's weights {self.core.shape()}, but has {self.other.shape()}.")

    @classmethod
    def of(cls, core: Mesh | SingularValueMesh, detection: Detection, **fields: Any) -> Self:
        """With the shape of `core`; a detection of pairs takes the same mesh twice unless `other` is given."""
        if detection.pairs:
            fields = {"other": core} | fields
        return cls(core, detection, **({"detector_draw": jnp.zeros(core.shape()[1])} | fields))

    def shape(self):
        """(rows, columns) of the weights."""
        return self.core.matrix.shape if isinstance(self.core, Found) else self.core.shape()

    def ports(self):
        """`rows` in, `columns` out."""
        rows, columns = self.shape()
        return {"rows": signal_in((rows,)), "columns": signal_out((columns,))}

    def cores(self) -> tuple:
        """Its mesh, or both."""
        return (self.core,) if self.other is None else (self.core, self.other)

    def weights(self):
        """What one input at a time gives, real (rows, columns)."""
        return self.detection.weights(self.cores())

    def answer(self, inputs):
        """Detected answers without new noise."""
        return self.detection.answer(self.cores(), inputs)

    def read(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """inputs (..., rows) -> (..., columns), real; one draw of phase noise for all, detectors' noise for each."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[:1], "the array's rows")
        found = self.snapshot(key)
        return found.detection.noisy(found.answer(inputs), named_key(key, "detectors"))

    def read_reverse(self, inputs: Array, key: Key[Array, ""]) -> Array:
        """inputs (..., columns) -> (..., rows) through the same mesh, detected on the other side."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[1:], "the array's columns")
        found = self.snapshot(key)
        answers = found.detection.answer_reverse(found.cores(), inputs)
        return found.detection.noisy(answers, named_key(key, "detectors"))

    def program(self, target, key):
        """Real weights `target` (rows, columns), where the detection can have them exactly.

        Raises InputError for detections whose weights are powers: train those, or take a homodyne one.
        """
        if not isinstance(self.detection, Homodyne):
            raise InputError(
                f"`program` needs homodyne detection, but {type(self.detection).__name__} makes weights of powers:"
                " `learn` them."
            )
        return self.put(core=self.core.program(jnp.asarray(target) / self.detection.gain, key))

    def settings(self):
        """Those of the core, then those of the other one."""
        return jnp.concatenate([each.settings() for each in self.cores()])

    def tuned(self, settings):
        """Both meshes with other settings."""
        cut = self.core.settings().size
        core = self.core.tuned(settings[:cut])
        return self.put(core=core) if self.other is None else self.put(core=core, other=self.other.tuned(settings[cut:]))

    def local_change(self, proposal: Proposal, floor: Array) -> Array:
        """The published rule of `PerInterferometer`: powers at the interferometers' own ports."""
        mesh = self.core
        if not isinstance(mesh, Mesh) or self.other is not None:
            raise InputError("The rule per interferometer needs an array of one unitary mesh.")
        half = per_interferometer(mesh, proposal, floor, incoherent=isinstance(self.detection, Incoherent))
        if mesh.differential:
            return half
        count, change = half.size, jnp.zeros_like(mesh.settings())
        if mesh.layout.push_pull:
            return change.at[:count].set(half).at[count : 2 * count].set(-half)
        return change.at[:count].set(2 * half)

    def age(self, seconds, temperature, key):
        """Its meshes age."""
        older = {
            n: getattr(self, n).age(seconds, temperature, named_key(key, n)) for n in ("core", "other") if getattr(self, n)
        }
        return self.put(**older)

    def snapshot(self, key):
        """The array as one read finds it."""
        draw = jax.random.normal(named_key(key, "detectors"), self.detector_draw.shape, self.detector_draw.dtype)
        return super().snapshot(key).put(detector_draw=draw)

    def presented(self, key):
        """Heaters are slower than a presentation: their noise drawn, the matrices found once."""
        return self.snapshot(key)._found()

    def _found(self, *, plain: bool = False) -> Self:
        at = lambda array: [array.core] if self.other is None else [array.core, array.other]
        return eqx.tree_at(at, self, [Found(core.weights(plain=plain)) for core in self.cores()])

    def balance(self, t, p, x) -> Balance:
        """Detected answers with the noise that is held."""
        answers = self._found(plain=True).answer(p["rows"])
        return Balance({"columns": answers + self.detection.deviation(answers) * self.detector_draw})


def per_interferometer(mesh: Mesh, proposal: Proposal, floor: Array, *, incoherent: bool) -> Array:
    """Change of half of each inner phase (interferometers,): D = sum_k weight_k y_k x_k^T, over its derivative."""
    layout, parts = mesh.layout, mesh.optics()
    own, cross = lane_factors(layout, parts.cells, parts.idle)
    rows = proposal.pre.shape[1]
    padded = jnp.pad(proposal.pre, ((0, 0), (0, layout.modes - rows)))
    power = lambda wave: jnp.real(wave) ** 2 + jnp.imag(wave) ** 2
    if incoherent:
        own, cross = power(own), power(cross)
    waves = padded.T.astype(own.dtype)
    last, before = fields(layout, own, cross, waves)
    behind = jnp.concatenate([before[1:], last[None]])
    if not incoherent:
        before, behind = power(before), power(behind)
    column = jnp.arange(layout.shape[0])[:, None]
    top, bottom = jnp.minimum(layout.top, layout.modes - 1), jnp.minimum(layout.bottom, layout.modes - 1)
    x = jnp.stack([before[column, top], before[column, bottom]])
    y = jnp.stack([behind[column, top], behind[column, bottom]])
    d = jnp.einsum("icsk,jcsk,k->ijcs", y, x, proposal.weight)[:, :, layout.used]
    count = layout.interferometers
    arms = mesh.phases[:count] - mesh.phases[count : 2 * count] if layout.push_pull else mesh.phases[:count]
    limited = lambda value: jnp.where(value < 0, -1.0, 1.0) * jnp.maximum(jnp.abs(value), floor)
    cosine, sine = limited(jnp.cos(arms / 2)), limited(jnp.sin(arms / 2))
    return d[0, 0] / cosine - d[0, 1] / sine - d[1, 0] / sine - d[1, 1] / cosine
