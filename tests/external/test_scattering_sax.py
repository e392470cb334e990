"""The same SAX netlist, solved by SAX and by us: S-parameters over 1,000 wavelengths agree to 1e-10."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.scattering import scattering
from devsim.exchange.sax_models import from_sax_netlist, to_sax
from tests.external.sax_circuits import NETLISTS, native

sax = pytest.importorskip("sax", reason="SAX is not installed; it is an extra: pip install devsim-cosim[sax]")

WAVELENGTHS = np.linspace(1.5, 1.6, 1000)
MODELS = {"coupler": sax.models.coupler_ideal, "guide": sax.models.straight}
BOUND = 1e-10
EVERY = [pytest.param(name, marks=pytest.mark.slow) if "mesh" in name else name for name in NETLISTS]


@functools.cache
def solved_by_sax(name):
    model, _ = sax.circuit(NETLISTS[name](), MODELS)
    return {pair: np.broadcast_to(value, 1000) for pair, value in sax.sdict(model(wl=WAVELENGTHS)).items()}


def largest_difference(found, expected):
    return max(float(np.abs(found[to, source] - value).max()) for (source, to), value in expected.items())


@pytest.mark.parametrize("name", EVERY)
def test_a_netlist_of_sax_models_scatters_as_in_sax(name):
    found = scattering(from_sax_netlist(NETLISTS[name](), MODELS), wavelength=WAVELENGTHS / 1e6)
    assert largest_difference(found, solved_by_sax(name)) <= BOUND


@pytest.mark.parametrize("name", EVERY)
def test_the_same_circuit_of_our_parts_scatters_as_in_sax(name):
    found = scattering(native(NETLISTS[name]()), wavelength=WAVELENGTHS / 1e6)
    assert largest_difference(found, solved_by_sax(name)) <= BOUND


def test_our_circuit_is_a_part_of_a_sax_circuit():
    inner = to_sax(native(NETLISTS["add-drop"]()))
    both = {"instances": {"ring": "ring", "arm": {"component": "guide", "settings": {"length": 40.0}}}}
    both |= {"connections": {"ring,drop": "arm,in0"}, "ports": {"in": "ring,in0", "out": "arm,out0"}}
    outer, _ = sax.circuit(both, {"ring": inner, "guide": MODELS["guide"]})
    expected = solved_by_sax("add-drop")["in0", "drop"] * MODELS["guide"](wl=WAVELENGTHS, length=40.0)["in0", "out0"]
    np.testing.assert_allclose(outer(wl=jnp.asarray(WAVELENGTHS))["in", "out"], expected, rtol=0, atol=BOUND)
