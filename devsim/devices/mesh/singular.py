"""`SingularValueMesh`: any matrix as two meshes with a row of attenuators between them."""

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from devsim import check
from devsim.check import InputError, above
from devsim.devices.mesh.layout import Layout, Rectangular
from devsim.devices.mesh.mesh import Mesh
from devsim.devices.mesh.steering import ChainRule, Steering
from devsim.devices.mesh.tunable import Tunable
from devsim.devices.photonic.light import weakened
from devsim.parameter import deviation, parameter, state
from devsim.ports import Balance, Port, no_memory, optical, quiet
from devsim.quantise import quantise
from devsim.randomness import named_key


class SingularValueMesh(Tunable):
    """Any real or complex matrix M (outputs, inputs) = amplification U diag(s) V^+, |s| at most one.

    Equations: V^+ and U are meshes, s the transmissions of attenuators (interferometers with one port in use, so that s has
    a sign), amplification a gain that all outputs share: the largest singular value of what was programmed unless
    `maximum_gain` is above zero and smaller. An attenuator that is asked for s passes clip(Q(s) + offset, -1, 1)
    10^(-loss / 20).
    Weights are the transposed matrix (inputs, outputs): `read` returns inputs @ weights, complex.
    Source: Miller, Photon. Res. 1, 1 (2013).
    Valid: as its meshes; amplification without noise of its own (an `OpticalAmplifier` has one).
    """

    first: Mesh
    last: Mesh
    attenuations: Array = state(
        unit="1", bounds=(-1, 1), doc="amplitude transmissions asked for (smaller of rows and columns,)"
    )
    amplification: Array = state(1.0, unit="1", bounds=above(0), doc="gain of the amplitude that all outputs share")
    maximum_gain: Array = parameter(0.0, unit="1", bounds=(0, None), doc="largest amplification; 0 takes what a matrix needs")
    attenuation_offset: Array = parameter(
        0.0, unit="1", bounds=(-1, 1), stage="fabricate", ideal=0.0, doc="error of each transmission, shape as they are"
    )
    attenuation_spread: Array = deviation("attenuation_offset", "1", each="place")
    attenuation_step: Array = parameter(
        0.0, unit="1", bounds=(0, None), stage="read", ideal=0.0, doc="quantum of the transmissions asked for"
    )
    attenuator_loss_db: Array = parameter(0.0, unit="dB", bounds=(0, None), ideal=0.0, doc="loss of an open attenuator")
    steering: Steering = eqx.field(default_factory=ChainRule)
    noise = quiet
    rest = no_memory

    def __check_init__(self):
        check.instance("first", self.first, Mesh)
        check.instance("last", self.last, Mesh)
        waist = min(self.shape())
        if jnp.shape(self.attenuations) != (waist,) or jnp.shape(self.attenuation_offset) not in ((), (waist,)):
            raise InputError(f"`attenuations` must have shape {(waist,)}, but has shape {jnp.shape(self.attenuations)}.")

    @classmethod
    def of(cls, rows: int, columns: int, *, layout: type[Layout] = Rectangular, mesh: dict | None = None, **knobs: Any) -> Self:
        """Two meshes of `layout` for weights (rows, columns) that pass everything; `mesh` are the knobs of both."""
        check.whole("rows", rows, 1)
        check.whole("columns", columns, 1)
        part = lambda size: Mesh.of(layout(max(size, 2)), size=(size, size), **(mesh or {}))
        waist = min(rows, columns)
        fields = {"attenuations": jnp.ones(waist), "attenuation_offset": jnp.zeros(waist)} | knobs
        return cls(part(rows), part(columns), **fields)

    def shape(self):
        """(rows, columns) of the weights."""
        return self.first.shape()[0], self.last.shape()[1]

    def ports(self) -> dict[str, Port]:
        """Optical buses `inputs` and `outputs`."""
        rows, columns = self.shape()
        return {"inputs": optical((rows,)), "outputs": optical((columns,))}

    def transmissions(self) -> Array:
        """What the attenuators pass, amplification included."""
        asked = quantise(self.attenuations, self.attenuation_step) + self.attenuation_offset
        return self.amplification * weakened(self.attenuator_loss_db) * jnp.clip(asked, -1.0, 1.0)

    def weights(self, *, plain: bool = False):
        """What inputs are multiplied with (rows, columns), complex."""
        waist = min(self.shape())
        first, last = self.first.weights(plain=plain), self.last.weights(plain=plain)
        return (first[:, :waist] * self.transmissions()) @ last[:waist]

    def settings(self):
        """Phases of the first mesh, of the last, attenuations."""
        return jnp.concatenate([self.first.settings(), self.last.settings(), self.attenuations])

    def tuned(self, settings):
        """Phases modulo 2 pi, attenuations cut to [-1, 1]."""
        one, two = self.first.settings().size, self.last.settings().size
        return self.put(
            first=self.first.tuned(settings[:one]),
            last=self.last.tuned(settings[one : one + two]),
            attenuations=jnp.clip(settings[one + two :], -1.0, 1.0),
        )

    def answer(self, inputs):
        """inputs (..., rows) -> (..., columns), complex."""
        through = self.first.answer(inputs)[..., : min(self.shape())] * self.transmissions()
        return self.last.answer(_widened(through, self.shape()[1]))

    def read(self, inputs, key):
        """inputs (..., rows) -> (..., columns), complex; one draw of phase noise for all."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[:1], "the mesh's inputs")
        return self.snapshot(key).answer(inputs)

    def answer_reverse(self, inputs: Array) -> Array:
        """inputs (..., columns) into the outputs -> (..., rows), with the noise that is held."""
        through = self.last.answer_reverse(inputs)[..., : min(self.shape())] * self.transmissions()
        return self.first.answer_reverse(_widened(through, self.shape()[0]))

    def read_reverse(self, inputs, key):
        """inputs (..., columns) into the outputs -> (..., rows), complex; one draw of phase noise for all."""
        inputs = jnp.asarray(inputs)
        check.shape("inputs", inputs, self.shape()[1:], "the mesh's outputs")
        return self.snapshot(key).answer_reverse(inputs)

    def program(self, target, key):
        """Set for the weights `target` (rows, columns), any numbers, by a singular value decomposition.

        Where `maximum_gain` is too small, all weights are scaled down together.
        """
        check.finite("target", target)
        target = jnp.asarray(target)
        if target.shape != self.shape():
            raise InputError(f"`target` must match the mesh's weights {self.shape()}, but has shape {target.shape}.")
        left, values, right = jnp.linalg.svd(target.astype(self.first.weights().dtype), full_matrices=True)
        largest = jnp.where(values[0] > 0, values[0], 1.0)
        limit = jnp.where(self.maximum_gain > 0, self.maximum_gain, jnp.inf)
        return self.put(
            first=self.first.program(left, named_key(key, "first")),
            last=self.last.program(right, named_key(key, "last")),
            attenuations=values / largest,
            amplification=jnp.minimum(largest, limit),
        )

    def age(self, seconds, temperature, key):
        """Its meshes age."""
        return self.put(
            first=self.first.age(seconds, temperature, named_key(key, "first")),
            last=self.last.age(seconds, temperature, named_key(key, "last")),
        )

    def balance(self, t, p, x) -> Balance:
        """The weights forwards, their transpose backwards."""
        weights = self.weights(plain=True)
        return Balance({"outputs": p["inputs"] @ weights, "inputs": weights @ p["outputs"]})


def _widened(waves: Array, width: int) -> Array:
    """`waves` (..., n) with dark modes behind them, (..., width)."""
    return jnp.pad(waves, [(0, 0)] * (waves.ndim - 1) + [(0, width - waves.shape[-1])])
