"""What a failed operating point says: what nothing fixes, the nets around it, and what helps."""

import pytest

from devsim.analyses.operating_point import operating_point
from devsim.check import SolveError
from devsim.circuit import Circuit
from devsim.devices.electrical import CurrentSource, Inductor, Resistor, VoltageSource


def test_a_loop_of_a_source_and_an_inductor_is_named_by_its_parts_and_nets():
    circuit = Circuit(
        {"v": VoltageSource(5.0), "l": Inductor(), "r": Resistor(), "s": Resistor()},
        {"x": ["v.plus", "l.a", "r.a"], "y": ["v.minus", "l.b", "s.a"], "gnd": ["r.b", "s.b"]},
    )
    words = (
        r"nothing fixes part `v`, unknown `current`, part `l`, unknown `current`; between the nets `x`, `y` break the loop of"
        r" ideal sources \(an inductor is one at rest\), or put a resistor into it\."
    )
    with pytest.raises(SolveError, match=words):
        operating_point(circuit)


def test_an_island_of_any_size_is_named():
    count = 120
    nets = {f"n{k}": [f"r{k - 1}.b", f"r{k}.a"] for k in range(1, count)} | {"n0": ["r0.a", "i.plus"], "gnd": ["i.minus"]}
    parts = {f"r{k}": Resistor() for k in range(count)} | {"i": CurrentSource(1e-3)}
    circuit = Circuit(parts, nets | {f"n{count}": [f"r{count - 1}.b"]}, outputs={"last": f"n{count}"})
    with pytest.raises(SolveError, match=r"nothing fixes net `n1`, .* and others; give each a path to `gnd` \(a resistor\)\."):
        operating_point(circuit)
