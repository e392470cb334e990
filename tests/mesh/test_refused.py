"""What meshes refuse, in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.mesh import (
    Balanced,
    Butterfly,
    Homodyne,
    Incoherent,
    LocalCorrection,
    MeasuredLeastSquares,
    Mesh,
    OpticalArray,
    Perturbation,
    Rectangular,
    SingularValueMesh,
)
from tests.mesh.composed import KEY, haar


def unreachable():
    chip = Mesh.of(8, splitter_spread=0.2, programmer=LocalCorrection(lowest_fidelity=0.999)).fabricate(KEY)
    return chip.program(haar(8, 1), KEY)


WORDS = {
    "not unitary": (
        lambda: Mesh.of(4).program(np.ones((4, 4)), KEY),
        r"`target` must be unitary .* deviates from the identity by 4; `SingularValueMesh` takes any matrix",
    ),
    "wrong size": (lambda: Mesh.of(4).program(np.eye(3), KEY), r"`target` must match .* \(4, 4\), but has shape \(3, 3\)"),
    "not finite": (lambda: Mesh.of(2).program(np.full((2, 2), np.nan), KEY), "`target` must be finite"),
    "phases out of range": (lambda: Mesh.of(2).put(phases=jnp.full(4, 13.0)), "`phases` must"),
    "wrong number of phases": (lambda: Mesh.of(2, phases=np.zeros(3)), r"`phases` must be a number or have shape \(4,\)"),
    "size beyond the modes": (lambda: Mesh.of(4, size=(5, 3)), "`size` must fit into the 4 modes of the layout"),
    "no layout": (lambda: Mesh.of("rectangle"), "`layout` must be a Layout"),
    "one mode": (lambda: Rectangular(1), "`modes` must"),
    "six modes of a butterfly": (lambda: Butterfly(6), "`modes` of a butterfly must be a power of two, but is 6"),
    "no product of butterflies": (
        lambda: Mesh.of(Butterfly(8)).program(haar(8, 1), KEY),
        "`target` must be a product of this butterfly's columns, .* a rectangular layout takes every unitary matrix",
    ),
    "unreachable": (
        unreachable,
        r"`target` must be reachable with fidelity 0\.999, .* 6 of 28 interferometers clip and the fidelity is 0\.82",
    ),
    "splitters beyond the bar state": (lambda: Mesh.of(2, splitter_offset=1.0), "`splitter_offset` must"),
    "a gain": (lambda: Mesh.of(2, loss_db=-0.1), "`loss_db` must"),
    "inputs of another number": (lambda: Mesh.of(4).read(np.ones(3), KEY), "the mesh's inputs"),
    "outputs of another number": (lambda: Mesh.of(4, size=(4, 3)).read_reverse(np.ones(4), KEY), "the mesh's outputs"),
    "rows of an array": (lambda: OpticalArray.of(Mesh.of(4), Homodyne()).read(np.ones(3), KEY), "the array's rows"),
    "weights of a singular-value mesh": (
        lambda: SingularValueMesh.of(3, 2).program(np.ones((2, 3)), KEY),
        r"`target` must match the mesh's weights \(3, 2\), but has shape \(2, 3\)",
    ),
    "attenuators of another number": (
        lambda: SingularValueMesh.of(3, 2, attenuations=np.ones(3)),
        r"`attenuations` must have shape \(2,\), but has shape \(3,\)",
    ),
    "weights of powers": (
        lambda: OpticalArray.of(Mesh.of(2), Incoherent()).program(np.eye(2), KEY),
        "`program` needs homodyne detection, but Incoherent makes weights of powers: `learn` them",
    ),
    "no second mesh": (lambda: OpticalArray(Mesh.of(2), Balanced()), "Balanced needs a second mesh, `other`"),
    "a second mesh": (
        lambda: OpticalArray(Mesh.of(2), Homodyne(), Mesh.of(2)),
        "Homodyne detects one mesh, without `other`",
    ),
    "meshes of two sizes": (
        lambda: OpticalArray.of(Mesh.of(2), Balanced(), other=Mesh.of(3)),
        r"`other` must match the core's weights \(2, 2\), but has \(3, 3\)",
    ),
    "no mesh": (lambda: OpticalArray(1.0, Homodyne()), "`core` must be a Mesh or a SingularValueMesh"),
    "a nudge of another shape": (lambda: Mesh.of(2).nudge(np.ones((3, 2)), KEY), "the array's weights"),
    "no directions": (lambda: Perturbation(directions=0), "`directions` must"),
    "no share": (lambda: MeasuredLeastSquares(share=0.0), "`share` must"),
}


@pytest.mark.parametrize("name", WORDS)
def test_what_is_refused_is_named(name):
    make, words = WORDS[name]
    with pytest.raises(InputError, match=words):
        make()


def test_in_a_transformation_a_matrix_that_is_not_unitary_gives_nan():
    """Words are for known numbers; traced ones carry the failure on."""
    found = jax.jit(lambda target: Mesh.of(3).program(target, KEY).weights())(jnp.ones((3, 3)))
    assert np.all(np.isnan(found))
