"""SAX models as parts, SAX netlists as circuits, circuits as SAX models; and what is said where SAX is missing."""

import importlib.util
import inspect
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.analyses.scattering import scattering
from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.dependency import Outline
from devsim.devices.electrical import Resistor
from devsim.devices.photonic import DirectionalCoupler, Waveguide
from devsim.exchange.sax_models import from_sax, from_sax_netlist, to_sax

needs_sax = pytest.mark.skipif(
    importlib.util.find_spec("sax") is None, reason="SAX is not installed; it is an extra: pip install devsim-cosim[sax]"
)


def guide(wl=1.55, length=10.0, index=2.4, loss=0.0, kind="strip"):
    """A SAX model of its own: one way and back, differently."""
    size = 10 ** (-loss / 20) * (0.5 if kind == "rough" else 1.0)
    turn = jnp.exp(2j * jnp.pi * index * length / wl)
    return {("west", "east"): size * turn, ("east", "west"): 0.25 * size * turn}


def coupler(coupling=0.5):
    """A SAX model without a wavelength."""
    stay, cross = (1 - coupling) ** 0.5, 1j * coupling**0.5
    one_way = {("a", "c"): stay, ("a", "d"): cross, ("b", "c"): cross, ("b", "d"): stay}
    return one_way | {(to, source): value for (source, to), value in one_way.items()}


NETLIST = {
    "instances": {
        "one": "coupler",
        "long": {"component": "guide", "settings": {"length": 30.0}},
        "short": {"component": "guide"},
        "two": {"component": "coupler", "settings": {"coupling": 0.3}},
    },
    "connections": {"one,c": "long,west", "one,d": "short,west", "long,east": "two,a"},
    "nets": [{"p1": "short,east", "p2": "two,b"}],
    "ports": {"in": "one,a", "bar": "two,c"},
}
MODELS = {"guide": guide, "coupler": coupler}


def arm():
    return Circuit(
        {"guide": Waveguide(length=1e-5), "fork": DirectionalCoupler(coupling=0.2)},
        {"i": ["guide.in"], "m": ["guide.out", "fork.in0"], "b": ["fork.in1"], "o": ["fork.out0"], "x": ["fork.out1"]},
        inputs={"in": "i", "side": "b"},
        outputs={"out": "o", "cross": "x", "back": "i"},
    )


@needs_sax
def test_a_model_is_a_part_whose_settings_are_parameters():
    part = from_sax(guide, length=20.0, wl=1.3)
    assert part.names == ("east", "west") and float(part.wavelength) == 1.3e-6
    assert set(part.parameters()) == {"wavelength", "length", "index", "loss"}
    balance = part.set("loss", 3.0).balance(0.0, {"west": 2.0 + 0j, "east": 1j}, {}).static
    expected = guide(wl=1.3, length=20.0, loss=3.0)
    np.testing.assert_allclose(balance["east"], 2 * expected["west", "east"], rtol=1e-12)
    np.testing.assert_allclose(balance["west"], 1j * expected["east", "west"], rtol=1e-12)


@needs_sax
def test_a_setting_that_is_no_number_is_fixed():
    part = from_sax(guide, kind="rough")
    assert part.fixed == (("kind", "rough"),)
    assert abs(part.dictionary()["west", "east"]) == pytest.approx(0.5, rel=1e-12)


@needs_sax
def test_waves_depend_only_on_the_pairs_that_the_model_lists():
    part = from_sax(coupler)
    facts = Outline(part, part.ports()).facts(frozenset()).static
    assert {name: set(fact.reach) for name, fact in facts.items()} == {n: set("cd" if n in "ab" else "ab") for n in "abcd"}


@needs_sax
def test_a_part_of_a_circuit_is_set_by_its_path_and_differentiated():
    circuit = from_sax_netlist(NETLIST, MODELS)
    bar = jax.jit(lambda x: jnp.abs(scattering(circuit.set("long.length", x))["bar", "in"]) ** 2)
    slope, h = jax.grad(bar)(30.0), 1e-5
    assert float(slope) == pytest.approx(float(bar(30.0 + h) - bar(30.0 - h)) / (2 * h), rel=1e-6)


@needs_sax
def test_a_netlist_scatters_as_the_sum_over_its_paths():
    found = scattering(from_sax_netlist(NETLIST, MODELS), wavelength=np.array([1.5e-6, 1.55e-6]))
    for k, wl in enumerate((1.5, 1.55)):
        ways = [guide(wl=wl, length=length)["west", "east"] for length in (30.0, 10.0)]
        first, second = coupler(), coupler(coupling=0.3)
        expected = first["a", "c"] * ways[0] * second["a", "c"] + first["a", "d"] * ways[1] * second["b", "c"]
        np.testing.assert_allclose(found["bar", "in"][k], expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(found["in", "bar"][k], expected / 4, rtol=0, atol=1e-12)


@needs_sax
def test_a_model_made_by_sax_circuit_is_a_part_with_dotted_settings():
    import sax

    model, _ = sax.circuit(NETLIST | {"nets": []} | {"connections": NETLIST["connections"] | {"short,east": "two,b"}}, MODELS)
    part = from_sax(model)
    assert {"long.length", "two.coupling", "wavelength"} <= set(part.parameters())
    moved = part.set("long.length", 31.0).put(wavelength=1.52e-6)
    np.testing.assert_allclose(moved.dictionary()["in", "bar"], model(wl=1.52, long={"length": 31.0})["in", "bar"], rtol=1e-12)


def test_a_circuit_is_a_model_with_its_paths_as_settings():
    model = to_sax(arm())
    told = {name: p.default for name, p in inspect.signature(model).parameters.items()}
    assert told["wl"] == 1.55 and told["guide__length"] == 1e-5 and "guide__wavelength" not in told
    found = model(wl=1.5, fork__coupling=0.4)
    assert set(found) == {(source, to) for source in ("in", "side") for to in ("out", "cross", "in")}
    expected = scattering(arm().set("fork.coupling", 0.4), wavelength=1.5e-6)
    for source, to in found:
        np.testing.assert_allclose(found[source, to], expected["back" if to == "in" else to, source], rtol=0, atol=1e-14)


def test_the_model_broadcasts_jits_and_differentiates():
    model = to_sax(arm())
    wavelengths, couplings = np.array([1.5, 1.52, 1.55])[:, None], np.array([0.1, 0.2])
    table = jax.jit(model)(wl=wavelengths, fork__coupling=couplings)["in", "out"]
    assert table.shape == (3, 2)
    one = lambda c: model(wl=1.52, fork__coupling=c)["in", "out"]
    np.testing.assert_allclose(table[1], [one(c) for c in couplings], rtol=0, atol=1e-13)  # 100 rad in 64 bits
    power = lambda c: jnp.abs(one(c)) ** 2
    assert float(jax.grad(power)(0.2)) == pytest.approx(-1.0, rel=1e-9)  # what crosses over is lost to the bar


@needs_sax
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instances": {"one": "splitter"}}, "Instance `one` asks for `splitter`, of which there is no model"),
        ({"instances": {"one": 3}}, "Instance `one` must name a component, but is 3"),
        (
            {"instances": {"one": {"component": "guide", "settings": {"lenght": 1.0}}}},
            "`guide` has no setting `lenght`. Did you",
        ),
        ({"ports": {"in": "one,z"}}, "The netlist names pin `one,z`, which does not exist"),
        ({"ports": {"in": "one,c"}}, "Pin `one,c` must be joined once, but is joined twice"),
        ({"nets": [3]}, "`nets` must be a list of mappings with `p1` and `p2`, but holds 3"),
        ({"connections": ["one,c"]}, "`connections of the netlist` must be a mapping"),
    ],
)
def test_a_wrong_netlist_is_refused_with_what_is_wrong(change, words):
    with pytest.raises(InputError, match=words):
        from_sax_netlist(NETLIST | change, MODELS)


@needs_sax
def test_what_is_no_model_is_refused():
    with pytest.raises(InputError, match="`model` must be a SAX model function, but is 3"):
        from_sax(3)
    with pytest.raises(InputError, match="`kind` must be a number, or a word or a tuple that stays fixed, but is a list"):
        from_sax(guide, kind=["rough"])
    with pytest.raises(InputError, match=r"must give one number from port to port, but \('east', 'west'\) has shape \(2,\)"):
        from_sax(guide, length=[1.0, 2.0])


def test_what_is_no_optical_circuit_is_no_model():
    divider = Circuit({"r": Resistor()}, {"in": ["r.a"], "gnd": ["r.b"]}, inputs={"in": "in"})
    with pytest.raises(InputError, match="A SAX model has optical ports of one lane only, but `in` is electrical"):
        to_sax(divider)
    with pytest.raises(InputError, match=r"has no setting `fork_coupling`\. Did you mean `fork__coupling`"):
        to_sax(arm())(fork_coupling=0.1)


def test_without_sax_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sax", None)
    with pytest.raises(
        InputError, match=r"This needs SAX, which is not installed; install it by `pip install devsim-cosim\[sax\]`"
    ):
        from_sax(guide)
