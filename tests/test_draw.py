"""Pictures of circuits: everything is there, nothing lies on anything else."""

import functools
import itertools
import re

import matplotlib
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.transforms import Affine2D

from devsim.check import InputError
from devsim.circuit import Circuit
from devsim.devices.converters import DAC, Comparator
from devsim.devices.electrical import (
    Capacitor,
    CoupledInductors,
    Diode,
    LevelOneMOSFET,
    OperationalAmplifier,
    Resistor,
    VoltageControlledVoltageSource,
    VoltageSource,
)
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


def ring(inverters=3):
    parts = {"supply": VoltageSource(1.8)}
    nets = {"gnd": ["supply.minus"], "vdd": ["supply.plus"]}
    for k in range(inverters):
        parts |= {f"n{k}": LevelOneMOSFET(0.5), f"p{k}": LevelOneMOSFET(-0.5, polarity="p"), f"c{k}": Capacitor(1e-14)}
        nets["gnd"] += [f"n{k}.source", f"n{k}.bulk", f"c{k}.b"]
        nets["vdd"] += [f"p{k}.source", f"p{k}.bulk"]
        after = (k + 1) % inverters
        nets[f"v{k}"] = [f"n{k}.drain", f"p{k}.drain", f"c{k}.a", f"n{after}.gate", f"p{after}.gate"]
    return Circuit(parts, nets, outputs={"out": "v2"})


def diode_bridge():
    parts = {f"d{k}": Diode() for k in range(4)}
    parts |= {"source": VoltageSource(5.0), "load": Resistor(), "smooth": Capacitor()}
    nets = {"line": ["source.plus", "d0.anode", "d2.cathode"], "neutral": ["source.minus", "d1.anode", "d3.cathode"]}
    nets["plus"] = ["d0.cathode", "d1.cathode", "load.a", "smooth.a"]
    nets["gnd"] = ["d2.anode", "d3.anode", "load.b", "smooth.b"]
    return Circuit(parts, nets, outputs={"dc": "plus"})


def transformer():
    parts = {"source": VoltageSource(1.0), "r": Resistor(), "coils": CoupledInductors(), "c": Capacitor()}
    nets = {"in": ["source.plus", "coils.primary_a"], "secondary_winding": ["r.b", "coils.secondary_a"], "tank": ["r.a", "c.a"]}
    nets["gnd"] = ["source.minus", "coils.primary_b", "coils.secondary_b", "c.b"]
    return Circuit(parts, nets)


def amplifiers():
    parts = {"r1": Resistor(), "r2": Resistor(), "c1": Capacitor(), "amp": OperationalAmplifier(), "src": VoltageSource(1.0)}
    parts["follow"] = VoltageControlledVoltageSource(2.0)
    nets = {"in": ["src.plus", "r1.a"], "sum": ["r1.b", "r2.a", "c1.a", "amp.minus"], "buffered": ["follow.plus"]}
    nets |= {"out": ["amp.out", "r2.b", "c1.b", "follow.sense_plus"], "ref": ["follow.sense_minus", "src.minus"]}
    nets["gnd"] = ["amp.plus", "follow.minus"]
    return Circuit(parts, nets, inputs={"ref": "ref"}, outputs={"buffered": "buffered"})


def long_ladder():
    parts = {f"r{k}": Resistor() for k in range(60)} | {f"c{k}": Capacitor() for k in range(60)}
    nets = {f"n{k}": [f"r{k}.a", f"r{k - 1}.b", f"c{k - 1}.a"] for k in range(1, 60)}
    nets |= {"n0": ["r0.a"], "n60": ["r59.b", "c59.a"], "gnd": [f"c{k}.b" for k in range(60)]}
    return Circuit(parts, nets, inputs={"in": "n0"}, outputs={"out": "n60"})


def shorted():
    parts = {"coils": CoupledInductors(), "r": Resistor()}
    nets = {"self": ["coils.primary_b", "coils.secondary_b"], "top": ["coils.primary_a", "r.a"]}
    return Circuit(parts, nets | {"gnd": ["r.b", "coils.secondary_a"]})


CIRCUITS = {
    "one section": lambda: ladder(1),
    "folded ladder": lambda: ladder(14),
    "mesh": lambda: mesh(6),
    "loop": electro_optical_loop,
    "buses": converters,
    "many": lambda: ladder(60),
    "ring": ring,
    "bridge": diode_bridge,
    "transformer": transformer,
    "amplifiers": amplifiers,
    "long ladder": long_ladder,
    "without ports": lambda: ladder(25),
    "shorted": shorted,
}
SHARED = ("many", "long ladder")


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


def flags(axis):
    """(x0, y0, x1, y1) of every input and output."""
    return [tuple(p.get_path().get_extents().extents) for p in axis.patches if isinstance(p, Polygon) and len(p.get_xy()) > 4]


def lines(axis):
    """Points along every line, shape (n, 2) each."""
    found = []
    for patch in axis.patches:
        if isinstance(patch, PathPatch):
            corners = patch.get_path().to_polygons(Affine2D().scale(1e3), closed_only=False)[0] / 1e3
            steps = [np.linspace(a, b, 2 + int(np.hypot(*(b - a)) / 0.01)) for a, b in itertools.pairwise(corners)]
            found.append(np.concatenate(steps))
    return found


def filled(axis):
    return [text for text in axis.texts if text.get_text()]


def outline(axis, text):
    """(x0, y0, x1, y1) of a text in inches, from below its descenders to above its capitals."""
    there = axis.transData.inverted().transform(text.get_window_extent().get_points())
    return tuple(there.ravel())


def within(points, box, margin):
    """Which points lie in a box by more than a margin."""
    x0, y0, x1, y1 = box
    return ((points > (x0 + margin, y0 + margin)) & (points < (x1 - margin, y1 - margin))).all(axis=1)


def meet(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def holds(box, one):
    return box[0] <= one[0] and box[1] <= one[1] and box[2] >= one[2] and box[3] >= one[3]


@pytest.mark.parametrize("name", [n for n in CIRCUITS if n not in SHARED])
def test_every_part_input_and_output_is_named_and_every_net_is_drawn(name):
    circuit, figure = picture(name)
    words = written(figure)
    for each in (*circuit.netlist.names(), *(n for n, _ in circuit.netlist.inputs + circuit.netlist.outputs)):
        assert each in words
    flags = dict(circuit.netlist.inputs).values(), dict(circuit.netlist.outputs).values()
    ends = {net: len(pins) + any(net in f for f in flags) for net, pins in circuit.nets.items() if net != "gnd"}
    assert len(lines(figure.axes[0])) == sum(1 if n == 2 else n for n in ends.values())


@pytest.mark.parametrize("name", CIRCUITS)
def test_boxes_stand_apart_and_lines_run_beside_them(name):
    axis = picture(name)[1].axes[0]
    found = boxes(axis)
    for k, (x0, y0, x1, y1) in enumerate(found):
        for u0, v0, u1, v1 in found[k + 1 :]:
            assert u0 > x1 or x0 > u1 or v0 > y1 or y0 > v1
    for points in lines(axis):
        for box in found + flags(axis):
            assert not within(points, box, 1e-3).any()


@pytest.mark.parametrize("name", CIRCUITS)
def test_no_line_strikes_writing_but_the_label_it_carries(name):
    axis = picture(name)[1].axes[0]
    for text in filled(axis):
        struck = [points for points in lines(axis) if within(points, outline(axis, text), 0.005).any()]
        assert len(struck) <= (text.get_bbox_patch() is not None), text.get_text()


@pytest.mark.parametrize("name", CIRCUITS)
def test_writing_stands_apart_from_other_writing_boxes_and_symbols(name):
    axis = picture(name)[1].axes[0]
    texts = filled(axis)
    around = [outline(axis, text) for text in texts]
    shapes = boxes(axis) + [(*np.min(line.get_xydata(), 0), *np.max(line.get_xydata(), 0)) for line in axis.lines]
    for k, one in enumerate(around):
        assert not any(meet(one, other) for other in around[k + 1 :]), texts[k].get_text()
        if not any(holds(box, one) for box in boxes(axis)):
            assert not any(meet(one, shape) for shape in shapes), texts[k].get_text()


@pytest.mark.parametrize("name", CIRCUITS)
def test_nothing_leaves_the_paper(name):
    figure = picture(name)[1]
    for artist in (*figure.axes[0].texts, *figure.axes[0].patches):
        box = artist.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_names_of_nets_outlast_those_of_ports():
    words = set(written(picture("without ports")[1]))
    assert {f"n{k}" for k in range(1, 25)} <= words
    assert not {"a", "b"} & words


def test_a_name_is_written_as_it_is():
    """Dollar signs begin mathematics elsewhere, and a part of it that is no mathematics would fail."""
    names = ["$V_{dd$", r"a$\frac$"]
    circuit = Circuit(
        {name: Resistor() for name in names}, {r"n$\x$": [f"{n}.a" for n in names], "gnd": [f"{n}.b" for n in names]}
    )
    figure = draw(circuit)
    figure.canvas.draw()
    assert {*names, r"n$\x$"} <= set(written(figure))


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
    for path in ("circuit.gif", "circuit", "."):
        with pytest.raises(InputError, match=rf"`path` must end in \.png, \.svg or \.pdf, but is `{re.escape(path)}`\."):
            draw(CIRCUITS["one section"](), path=path)
    with pytest.raises(InputError, match=r"The file `.*` cannot be written"):
        draw(CIRCUITS["one section"](), path=tmp_path / "none" / "circuit.png")
