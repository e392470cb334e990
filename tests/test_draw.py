"""Pictures of circuits: everything is there, nothing lies on anything else."""

import functools
import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.transforms import Affine2D

from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.converters import DAC, Comparator
from devsim.devices.electrical import Diode, Resistor, VoltageSource
from devsim.devices.photonic import DirectionalCoupler, Laser, Photodiode, Termination, ThermoOpticPhaseShifter, Waveguide
from devsim.draw import draw
from devsim.draw.diagram import together


def ladder(sections):
    nets = {f"n{k}": [f"r{k}.a", f"r{k - 1}.b", f"c{k - 1}.a"] for k in range(1, sections)}
    nets |= {"n0": ["r0.a"], f"n{sections}": [f"r{sections - 1}.b", f"c{sections - 1}.a"]}
    parts = {f"r{k}": Resistor() for k in range(sections)} | {f"c{k}": Resistor(2e3) for k in range(sections)}
    nets["gnd"] = [f"c{k}.b" for k in range(sections)]
    return Circuit(parts, nets, inputs={"in": "n0"}, outputs={"out": f"n{sections}"})


def mesh(guides):
    parts, nets, last = {}, {f"w{k}_0": [] for k in range(guides)}, [0] * guides
    for column in range(guides):
        for row in range(column % 2, guides - 1, 2):
            parts[f"m{column}_{row}"] = DirectionalCoupler()
            for side in (0, 1):
                nets[f"w{row + side}_{last[row + side]}"].append(f"m{column}_{row}.in{side}")
                last[row + side] += 1
                nets[f"w{row + side}_{last[row + side]}"] = [f"m{column}_{row}.out{side}"]
    ends = {f"out{k}": f"w{k}_{last[k]}" for k in range(guides)}
    return Circuit(parts, nets, inputs={f"in{k}": f"w{k}_0" for k in range(guides)}, outputs=ends)


def electro_optical_loop():
    parts = {"laser": Laser(), "split": DirectionalCoupler(), "dark": Termination(), "heated": ThermoOpticPhaseShifter()}
    parts |= {"arm": Waveguide(length=1e-4), "join": DirectionalCoupler(), "end": Termination(), "eye": Photodiode()}
    parts |= {"load": Resistor(), "series": Resistor(), "clamp": Diode(), "supply": VoltageSource(1.0)}
    nets = {"l": ("laser.out", "split.in0"), "d": ("split.in1", "dark.in"), "u0": ("split.out0", "heated.in")}
    nets |= {"l0": ("split.out1", "arm.in"), "u1": ("heated.out", "join.in0"), "l1": ("arm.out", "join.in1")}
    nets |= {"bar": ("join.out0", "eye.light"), "cross": ("join.out1", "end.in"), "vdd": ("supply.plus", "eye.cathode")}
    nets |= {"sense": ("eye.anode", "load.a", "series.a"), "drive": ("series.b", "clamp.anode", "heated.plus")}
    nets["gnd"] = ("load.b", "clamp.cathode", "heated.minus", "supply.minus")
    return Circuit(parts, nets, outputs={"drive": "drive"})


def converters():
    parts = {"dac": DAC.of(3, bits=6), "decide": Comparator.of(3)}
    ports = parts["decide"].ports()
    told = next(name for name, port in ports.items() if port.domain == "electrical")
    says = next(name for name, port in ports.items() if port.domain != "electrical" and port.drives)
    nets = {"code": ["dac.code"], "level": ["dac.out", f"decide.{told}"], "bits": [f"decide.{says}"]}
    return Circuit(parts, nets, inputs={"code": "code"}, outputs={"bits": "bits"})


CIRCUITS = {
    "one section": lambda: ladder(1),
    "folded ladder": lambda: ladder(14),
    "mesh": lambda: mesh(6),
    "loop": electro_optical_loop,
    "buses": converters,
    "many": lambda: ladder(60),
}


@functools.cache
def picture(name):
    circuit = CIRCUITS[name]()
    figure = draw(circuit)
    figure.canvas.draw()
    return circuit, figure


def written(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def boxes(axis):
    """(x0, y0, x1, y1) of every box."""
    extents = [p.get_path().get_extents(p.get_patch_transform()) for p in axis.patches if isinstance(p, FancyBboxPatch)]
    return [tuple(extent.extents) for extent in extents]


@pytest.mark.parametrize("name", [n for n in CIRCUITS if n != "many"])
def test_every_part_input_and_output_is_named_and_every_net_is_drawn(name):
    circuit, figure = picture(name)
    words = written(figure)
    for each in (*circuit.netlist.names(), *(n for n, _ in circuit.netlist.inputs + circuit.netlist.outputs)):
        assert each in words
    flags = dict(circuit.netlist.inputs).values(), dict(circuit.netlist.outputs).values()
    ends = {net: len(pins) + any(net in f for f in flags) for net, pins in circuit.nets.items() if net != "gnd"}
    lines = [p for p in figure.axes[0].patches if isinstance(p, PathPatch)]
    assert len(lines) == sum(1 if n == 2 else n for n in ends.values())


@pytest.mark.parametrize("name", CIRCUITS)
def test_boxes_stand_apart_and_lines_run_beside_them(name):
    axis = picture(name)[1].axes[0]
    found = boxes(axis)
    for k, (x0, y0, x1, y1) in enumerate(found):
        for u0, v0, u1, v1 in found[k + 1 :]:
            assert u0 > x1 or x0 > u1 or v0 > y1 or y0 > v1
    for patch in axis.patches:
        if isinstance(patch, PathPatch):
            corners = patch.get_path().to_polygons(Affine2D().scale(1e3), closed_only=False)[0] / 1e3
            points = np.concatenate([np.linspace(a, b, 9) for a, b in itertools.pairwise(corners)])
            for x0, y0, x1, y1 in found:
                inside = (points > (x0 + 1e-3, y0 + 1e-3)) & (points < (x1 - 1e-3, y1 - 1e-3))
                assert not inside.all(axis=1).any()


@pytest.mark.parametrize("name", CIRCUITS)
def test_nothing_leaves_the_paper(name):
    figure = picture(name)[1]
    for artist in (*figure.axes[0].texts, *figure.axes[0].patches):
        box = artist.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_light_runs_from_left_to_right():
    axis = picture("mesh")[1].axes[0]
    x = {text.get_text(): text.get_position()[0] for text in axis.texts}
    assert all(x[f"in{k}"] < x["m0_0"] < x["m1_1"] < x["m4_2"] < x["m5_3"] < x[f"out{k}"] for k in range(6))


def test_many_equal_parts_share_a_box():
    words = written(picture("many")[1])
    assert "r0 … c59  × 120" in words
    assert len(boxes(picture("many")[1].axes[0])) == 1


@pytest.mark.parametrize(
    ("names", "one"),
    [
        (["r"], "r"),
        (["r0", "r1", "r2"], "r[0..2]"),
        (["m0_1.x", "m3_1.x", "m2_4.x"], "m[0..3]_[1..4].x"),
        (["a", "b"], "a … b"),
    ],
)
def test_names_that_differ_in_numbers_are_told_together(names, one):
    assert together(names) == one


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_is_written_in_the_format_of_the_path(tmp_path, ending):
    path = tmp_path / f"circuit.{ending}"
    draw(CIRCUITS["one section"](), path=path)
    assert path.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending])


def test_drawing_leaves_the_style_of_the_user_alone():
    kept = lambda: {name: value for name, value in matplotlib.rcParams.items() if name != "backend"}
    before = kept()
    draw(CIRCUITS["one section"]())
    assert kept() == before


def test_a_ground_symbol_stands_below_each_grounded_pin():
    figure = picture("loop")[1]
    stems = [line for line in figure.axes[0].lines if np.ptp(line.get_xdata()) == 0]
    assert len(stems) == 4


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InputError, match="`circuit` must be a Circuit, but is a Resistor"):
        draw(Resistor())
    with pytest.raises(InputError, match=r"`format` must be one of .*, but is `dxf`"):
        draw(CIRCUITS["one section"](), path=tmp_path / "circuit.dxf")
    with pytest.raises(InputError, match=r"The file `.*` cannot be written"):
        draw(CIRCUITS["one section"](), path=tmp_path / "none" / "circuit.png")
