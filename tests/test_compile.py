"""What compiling finds out before any number: what is dark, what is evaluated in order, and the Jacobians of the rest."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim import newton
from devsim.analyses.operating_point import from_rest, operating_point
from devsim.analyses.transient import refined, transient
from devsim.check import InputError, SolveError
from devsim.circuit import Circuit
from devsim.compile import evaluate, plan_of
from devsim.devices.converters import SampleAndHold
from devsim.devices.electrical import Capacitor, Diode, Resistor, VoltageSource
from devsim.devices.photonic import DirectionalCoupler, MachZehnder, Mirror, Photodiode, Waveguide
from tests.test_electro_optical_loop import LOOP

CHAIN = {
    "parts": {"first": MachZehnder(0.3, 0.2), "guide": Waveguide(20e-6), "second": MachZehnder(0.7, 0.1)},
    "nets": {
        "in0": ("first.in0",),
        "in1": ("first.in1",),
        "upper": ("first.out0", "guide.in"),
        "late": ("guide.out", "second.in0"),
        "lower": ("first.out1", "second.in1"),
        "out0": ("second.out0",),
        "out1": ("second.out1",),
    },
    "inputs": {"in0": "in0", "in1": "in1"},
    "outputs": {"out0": "out0", "out1": "out1"},
}


def test_light_that_only_goes_forward_is_evaluated_in_order_and_backwards_it_is_dark():
    plan = plan_of(Circuit(**CHAIN))
    assert not any(step.implicit for step in plan.steps)
    back = {f"{part}.{port}" for part, port in [("first", "in0"), ("first", "in1"), ("guide", "in"), ("second", "in0")]}
    assert {node[1] for node in plan.graph.dark if node[0] == "wave"} == back | {"second.in1"}
    assert ("unknown", "guide", "backward") in plan.graph.dark


def test_a_mirror_lights_what_lies_behind_it_and_closes_a_loop_only_with_another():
    one = CHAIN | {
        "parts": CHAIN["parts"] | {"mirror": Mirror(0.3)},
        "nets": CHAIN["nets"] | {"out0": ("second.out0", "mirror.in"), "end": ("mirror.out",)},
        "outputs": {"out0": "end", "out1": "out1"},
    }
    plan = plan_of(Circuit(**one))
    assert not plan.graph.dark & {("wave", "first.in0"), ("wave", "guide.in"), ("unknown", "guide", "backward")}
    assert not any(step.implicit for step in plan.steps)
    two = one | {
        "parts": one["parts"] | {"front": Mirror(0.2)},
        "nets": one["nets"] | {"in0": ("front.in",), "between": ("front.out", "first.in0")},
    }
    assert any(step.implicit for step in plan_of(Circuit(**two)).steps)


@pytest.mark.parametrize("mode", [pytest.param("rest", marks=pytest.mark.slow), "frequency", "implicit"])
def test_the_jacobian_that_parts_fill_in_is_the_derivative(mode):
    plan = plan_of(LOOP, mode)
    rng = np.random.default_rng(3)
    compared = 0
    segments = [jnp.zeros(1), jnp.zeros(0), from_rest(plan, LOOP, {}).rest]
    for step in plan.steps:
        y = jnp.asarray(rng.normal(size=step.size)) * jnp.asarray(step.scale)
        if step.implicit:
            weights = [jnp.asarray(rng.normal(size=step.size)) for _ in range(4)]
            task = step.at_rest(LOOP.groups, segments)
            task = task._replace(weights=type(task.weights)(*weights))
            wanted = jax.jacfwd(lambda y, step=step, task=task: step.residual(task, y))(y)
            scale = float(jnp.max(jnp.abs(wanted)))
            np.testing.assert_allclose(step.jacobian(task, y), wanted, rtol=1e-12, atol=1e-14 * scale)
            compared += 1
        segments.append(y)
    assert compared


def branches(count):
    """Resistors from one input, each into a diode beside a capacitor: loops that have nothing to do with each other."""
    parts, nets = {}, {"in": [], "gnd": []}
    for k in range(count):
        parts |= {f"r{k}": Resistor(1e3 * (k + 1)), f"d{k}": Diode(1e-14), f"c{k}": Capacitor(1e-12)}
        nets["in"].append(f"r{k}.a")
        nets[f"out{k}"] = (f"r{k}.b", f"d{k}.anode", f"c{k}.a")
        nets["gnd"] += [f"d{k}.cathode", f"c{k}.b"]
    return Circuit(parts, {net: tuple(pins) for net, pins in nets.items()}, inputs={"in": "in"})


@pytest.mark.parametrize("mode", ["rest", "frequency", "implicit"])
def test_equal_loops_are_one_stage_whose_jacobian_is_the_derivative_block_by_block(mode):
    many = branches(5)
    plan = plan_of(many, mode)
    assert [(step.implicit, step.size, step.blocks) for step in plan.steps] == [(True, 5, 5)]
    (step,) = plan.steps
    segments = [jnp.zeros(1), jnp.ones(1), jnp.zeros(0)]
    weights = [jnp.asarray(each) for each in np.random.default_rng(4).normal(size=(4, 5))]
    task = step.at_rest(many.groups, segments)
    task = task._replace(weights=type(task.weights)(*weights))
    y = jnp.linspace(0.3, 0.7, 5)
    wanted = jax.jacfwd(lambda y: step.residual(task, y))(y)
    np.testing.assert_allclose(np.diag(step.jacobian(task, y)[:, 0, 0]), wanted, rtol=1e-12)


@pytest.mark.slow
def test_equal_loops_side_by_side_do_what_each_does_alone():
    def run(circuit):
        held = {net: 0.0 for net, _ in circuit.netlist.nets if net.startswith("out")}
        return transient(circuit, {"in": 1.0}, duration=4e-9, step=1e-10, initial=held)

    together, rest = run(branches(5)), operating_point(branches(5), {"in": 1.0})
    slopes = jax.grad(lambda circuit: operating_point(circuit, {"in": 1.0})["out3"])(branches(5))
    alone = branches(1).set("r0.resistance", 4e3)
    tolerance = 10 * newton.tolerance_of(float)  # each step is solved to one, whatever the Jacobian it has kept
    np.testing.assert_allclose(together["out3"], run(alone)["out0"], rtol=tolerance)
    slope = jax.grad(lambda circuit: operating_point(circuit, {"in": 1.0})["out0"])(alone)
    assert float(rest["out3"]) == pytest.approx(float(operating_point(alone, {"in": 1.0})["out0"]), rel=1e-13)
    assert float(slopes.get("r3.resistance")) == pytest.approx(float(slope.get("r0.resistance")), rel=1e-12)
    assert float(slopes.get("r2.resistance")) == 0.0


def test_of_equal_loops_the_one_that_floats_is_named():
    capacitors = {f"c{k}": Capacitor(1e-12, leakage_conductance=1e-6 * (k != 1)) for k in range(3)}
    coupling = {f"k{k}": Capacitor(1e-12) for k in range(3)}
    nets = {f"out{k}": (f"c{k}.a", f"k{k}.a") for k in range(3)}
    ends = [f"c{k}.b" for k in range(3)]
    circuit = Circuit(
        capacitors | coupling, nets | {"in": tuple(f"k{k}.b" for k in range(3)), "gnd": tuple(ends)}, inputs={"in": "in"}
    )
    with pytest.raises(SolveError, match="nothing fixes net `out1`; give each a path"):
        operating_point(circuit, {"in": 1.0})


@pytest.mark.slow
def test_ties_to_the_start_lead_to_the_root_where_damping_is_stuck(monkeypatch):
    strong = LOOP.set("laser.power", 12e-3)
    found = operating_point(strong)
    sense = sum(found.current(pin) for pin in ("detector.anode", "shunt.a", "feed.anode"))
    drive = sum(found.current(pin) for pin in ("feed.cathode", "load.a", "heater.plus"))
    largest = float(jnp.abs(found.current("detector.anode")))
    assert abs(float(sense)) < 1e-9 * largest and abs(float(drive)) < 1e-9 * largest
    plan = plan_of(strong)
    monkeypatch.setattr(newton, "_LARGEST_TIE", 0.0)
    jax.clear_caches()
    _, outcomes = evaluate(plan, strong.groups, from_rest(plan, strong, {}))
    assert [newton.WORDS[int(outcome.status)] for outcome in outcomes] == ["no step lowers the error"]


TRACKER = Circuit(
    {"hold": SampleAndHold(0.0, acquisition_time=1e-6, domain="signal")},
    {"in": ("hold.input",), "track": ("hold.track",), "out": ("hold.out",)},
    inputs={"in": "in", "track": "track"},
    outputs={"out": "out"},
)


def test_adaptive_steps_follow_an_exponential():
    found = transient(TRACKER, {"in": 1.0, "track": 1.0}, duration=5e-6, step=1e-7, method=diffrax.Tsit5())
    expected = -np.expm1(-np.asarray(found.time) / 1e-6)
    np.testing.assert_allclose(found["out"], expected, atol=1e-7)  # ten times the tolerance of a step


CHARGED = Circuit(
    {"v": VoltageSource(1.0), "r": Resistor(), "c": Capacitor(1e-9)},
    {"in": ("v.plus", "r.a"), "out": ("r.b", "c.a"), "gnd": ("v.minus", "c.b")},
)


@pytest.mark.parametrize(
    ("circuit", "inputs", "options", "words"),
    [
        (CHARGED, {}, {"method": diffrax.Tsit5()}, "a circuit without loops, but there is one through"),
        (TRACKER, {"in": 1.0, "track": 1.0}, {"method": diffrax.Euler()}, "an adaptive diffrax solver such as"),
        (TRACKER, {"in": 1.0, "track": 1.0}, {"method": 3}, "an adaptive diffrax solver such as"),
        (
            TRACKER,
            {"in": 1.0, "track": 1.0},
            {"method": diffrax.Tsit5(), "key": jax.random.key(0)},
            "without noise, but `key` is given",
        ),
    ],
    ids=["loop", "fixed", "number", "noise"],
)
def test_what_cannot_run_adaptively_is_refused_in_words(circuit, inputs, options, words):
    with pytest.raises(InputError, match=words):
        transient(circuit, inputs, duration=1e-6, step=1e-8, **options)


def test_a_refined_run_takes_no_solver_that_chooses_its_own_steps():
    with pytest.raises(InputError, match="`method` of a refined transient must be a name"):
        refined(TRACKER, {"in": 1.0, "track": 1.0}, duration=1e-6, step=1e-8, tolerance=1e-3, method=diffrax.Tsit5())


def test_optical_nets_are_checked_when_the_circuit_is_made():
    coupler = DirectionalCoupler()
    with pytest.raises(InputError, match=r"Every optical port must meet another, but `c\.in0` is alone on net `a`"):
        Circuit({"c": coupler}, {"a": ("c.in0",), "b": ("c.in1",), "d": ("c.out0",), "e": ("c.out1",)})
    many = {"a": ("c.in0", "c.in1", "c.out0"), "e": ("c.out1",)}
    with pytest.raises(InputError, match="Optical net `a` must join two ports, but joins"):
        Circuit({"c": coupler}, many, outputs={"e": "e"})
    grounded = {"gnd": ("c.in0",), "rest": ("c.in1", "c.out0"), "out": ("c.out1",)}
    with pytest.raises(InputError, match=r"`gnd` must join electrical pins .* but `c\.in0` is an optical port"):
        Circuit({"c": coupler}, grounded, outputs={"out": "out"})
    mixed = {"x": ("p.light", "d.anode"), "gnd": ("p.anode", "p.cathode", "d.cathode")}
    with pytest.raises(InputError, match="Net `x` must join ports of one domain, but joins"):
        Circuit({"p": Photodiode(), "d": Diode()}, mixed)
