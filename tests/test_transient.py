"""Transients: orders, energy, heat, delays, events, derivatives, what is kept, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.integrate import solve_ivp

from devsim.analyses.transient import transient
from devsim.check import InputError, SolveError, above
from devsim.circuit import Circuit
from devsim.devices.electrical import Capacitor, Diode, Inductor, Resistor, VoltageSource
from devsim.devices.photonic import Laser, ThermoOpticPhaseShifter, Waveguide
from devsim.devices.spiking import CurrentSynapse, IntegrateAndFire, SpikeDelay, SpikeSource
from devsim.parameter import parameter
from devsim.part import Element
from devsim.physics import thermal_voltage
from devsim.ports import Balance, Noise, Unknown, ageless, signal_in, signal_out
from devsim.waveform import Pulse, Sine, Step

STEPS = 64
IMPLICIT = {"backward_euler": 1, "trapezoidal": 2, "tr_bdf2": 2}
EXPLICIT = {"euler": 1, "heun": 2, "split": 2, "rk4": 4}


class Pendulum(Element):
    """A damped pendulum under a torque: two states of its own, a smooth nonlinearity, a noisy torque."""

    damping: Array = parameter(0.4, unit="1/s", bounds=(0, None), doc="rate at which the speed decays")
    agitation: Array = parameter(0.0, unit="1/s^2/Hz^0.5", bounds=(0, None), doc="density of the noise in the torque")
    stiffness: Array = parameter(1.0, unit="1/s^2", bounds=above(0), doc="torque of gravity")
    age = ageless

    def ports(self):
        return {"torque": signal_in(), "angle": signal_out()}

    def rest(self):
        return {"swing": Unknown(jnp.zeros(())), "speed": Unknown(jnp.zeros(()))}

    def balance(self, t, p, x):
        pull = self.stiffness * jnp.sin(x["swing"]) + self.damping * x["speed"] - p["torque"]
        return Balance({"angle": x["swing"], "swing": -x["speed"], "speed": pull}, {"swing": x["swing"], "speed": x["speed"]})

    def noise(self, p, x):
        return {"torque": Noise(self.agitation**2, ("speed",))}


PENDULUM = Circuit({"p": Pendulum()}, {"u": ("p.torque",), "y": ("p.angle",)}, inputs={"drive": "u"}, outputs={"y": "y"})
PUSH = Sine(0.0, 2.0, 0.25)

CLIPPER = Circuit(
    {"r": Resistor(50.0), "l": Inductor(1e-5), "c": Capacitor(1e-9), "d": Diode(1e-9, ideality=2.0)},
    {"in": ("r.a",), "mid": ("r.b", "l.a"), "out": ("l.b", "c.a", "d.anode"), "gnd": ("c.b", "d.cathode")},
    inputs={"drive": "in"},
)
"""A series resonance of 100 ohm and 1.6 MHz whose capacitor a diode clamps."""
BURST = Sine(0.0, 3.0, 5e6)
CLIPPER_STEP = 5e-9


def clipped(step=CLIPPER_STEP, method="trapezoidal", circuit=CLIPPER, **told):
    keep = ("in", "mid", "out", "l.current")
    return transient(circuit, {"drive": BURST}, **({"duration": STEPS * step, "keep": keep} | told), step=step, method=method)


def low_pass(resistance=1e3):
    return Circuit(
        {"r": Resistor(resistance), "c": Capacitor(1e-9)},
        {"in": ("r.a",), "out": ("r.b", "c.a"), "gnd": ("c.b",)},
        inputs={"drive": "in"},
    )


# --- Order, accuracy, energy ------------------------------------------------------------------------


def integrated(rate, start, end):
    """States at time `end` by SciPy, to 1e-13."""
    return solve_ivp(rate, (0.0, end), start, method="DOP853", rtol=1e-13, atol=1e-16).y[:, -1]


def assert_order(order, run, exact, step):
    """The error at 16 `step`s divides by 2^order when the step is halved, nearer to it with each halving."""
    errors = [abs(float(run(step / 2**k)[16 * 2**k]) - exact) for k in range(3)]
    found = np.log2(errors[0] / errors[1]), np.log2(errors[1] / errors[2])
    assert abs(found[1] - order) < max(0.6 * abs(found[0] - order), 0.02), (found, errors)
    assert found[1] == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("method", IMPLICIT)
def test_an_implicit_scheme_has_its_order(method):
    def rate(t, state):
        volts, amperes = state
        supply = 3.0 * np.sin(2 * np.pi * 5e6 * t)
        leak = 1e-9 * np.expm1(volts / (2 * thermal_voltage(300.0))) + 1e-12 * volts
        return (amperes - leak) / 1e-9, (supply - 50.0 * amperes - volts) / 1e-5

    exact = integrated(rate, (0.0, 0.0), 16 * CLIPPER_STEP)[0]
    assert_order(IMPLICIT[method], lambda step: clipped(step, method)["out"], exact, CLIPPER_STEP)


@pytest.mark.parametrize("method", EXPLICIT)
def test_an_explicit_scheme_has_its_order(method):
    rate = lambda t, y: (y[1], 2.0 * np.sin(np.pi / 2 * t) - np.sin(y[0]) - 0.4 * y[1])
    exact = integrated(rate, (0.0, 0.0), 16 / 16)[0]
    run = lambda step: transient(PENDULUM, {"drive": PUSH}, duration=STEPS * step, step=step, method=method)["y"]
    assert_order(EXPLICIT[method], run, exact, 1 / 16)


def test_the_trapezoidal_rule_keeps_account_of_every_joule():
    """Sum of v i h over the midpoints = what is stored + what R and diode take: exact but for Newton's tolerance."""
    run = clipped()
    middle = lambda x: (x[1:] + x[:-1]) / 2
    supply, out, amperes = (np.asarray(run[n]) for n in ("in", "out", "l.current"))
    given = np.sum(middle(supply) * middle(amperes)) * CLIPPER_STEP
    heat = np.sum(50.0 * middle(amperes) ** 2 + middle(np.asarray(CLIPPER["d"].current(out))) * middle(out)) * CLIPPER_STEP
    stored = (1e-5 * amperes[-1] ** 2 + 1e-9 * out[-1] ** 2) / 2
    assert given == pytest.approx(stored + heat, rel=1e-9, abs=0)
    assert min(stored, heat) > 0.01 * given
    np.testing.assert_allclose(run["mid"], supply - 50.0 * amperes, rtol=0, atol=1e-12)


def test_heat_arrives_as_one_minus_the_exponential():
    """The split scheme relaxes a lag exactly; the light turns with the heat that has arrived."""
    heater = ThermoOpticPhaseShifter()
    circuit = Circuit(
        {"heater": heater},
        {"hot": ("heater.plus",), "gnd": ("heater.minus",), "a": ("heater.in",), "b": ("heater.out",)},
        inputs={"volts": "hot", "light": "a"},
        outputs={"turned": "b"},
    )
    tau, volts = float(heater.thermal_time_constant), np.sqrt(24.8e-3 * 1e3)
    told = {"volts": Step(0.0, volts, time=8 * tau / 16), "light": 1.0 + 0j}
    keep = ("heater.power", "b")
    run = transient(circuit, told, duration=4 * tau, step=tau / 16, method="split", keep=keep)
    heat = 24.8e-3 * -np.expm1(-np.maximum(np.asarray(run.time) - tau / 2, 0) / tau)
    np.testing.assert_allclose(run["heater.power"], heat, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(run["b"], np.exp(1j * np.pi * heat / 24.8e-3), rtol=0, atol=1e-12)


# --- Delays and events ------------------------------------------------------------------------------


def test_a_pulse_leaves_a_waveguide_after_its_group_delay():
    """At whole steps exactly; at half a step, by linear interpolation, as its mean with what came before."""
    guide = Waveguide(length=0.02, loss_db_per_cm=0.5)
    circuit = Circuit(
        {"laser": Laser(modulated=True), "guide": guide},
        {"m": ("laser.modulation",), "near": ("laser.out", "guide.in"), "far": ("guide.out",)},
        inputs={"mod": "m"},
        outputs={"far": "far"},
    )
    step = float(guide.delay(guide.length)) / 20
    pulse = Pulse(0.0, 1.0, delay=4.5 * step, width=8 * step)
    for late in (20, 20.5):
        each = circuit.set("guide.length", 0.02 * late / 20)
        run = transient(each, {"mod": pulse}, duration=STEPS * step, step=step)
        times = np.arange(STEPS + 1)
        on = lambda n: ((n > 4) & (n <= 12)).astype(float)
        arrived = (on(times - np.floor(late)) + on(times - np.ceil(late))) / 2
        factor = complex(each["guide"].transmission(each["guide"].length))
        np.testing.assert_allclose(run["far"], np.sqrt(1e-3) * factor * arrived, rtol=0, atol=1e-15)
        assert abs(factor) == pytest.approx(10 ** (-0.5 * 2 * late / 20 / 20), rel=1e-12)


TIMES = np.array([4.5, 21.0, 22.2]) * 1e-4
SPIKING = Circuit(
    {
        "source": SpikeSource(TIMES),
        "delay": SpikeDelay(7e-4),
        "near": CurrentSynapse(2e-9, time_constant=1e-3, domain="signal"),
        "far": CurrentSynapse(3e-9, time_constant=1e-3, domain="signal"),
        "pacer": IntegrateAndFire(refractory_time=5e-4, leak_conductance=1e-9),
        "listener": IntegrateAndFire(leak_conductance=1e-9),
    },
    {
        "sent": ("source.out", "delay.input", "near.input"),
        "late": ("delay.out", "far.input"),
        "kick": ("near.out", "listener.input"),
        "echo": ("far.out",),
        "current": ("pacer.input",),
        "beat": ("pacer.spikes",),
        "answer": ("listener.spikes",),
    },
    inputs={"current": "current"},
    outputs={name: name for name in ("echo", "beat", "answer")},
)
SPIKE_STEP, SPIKE_STEPS = 1e-4, 128


def spiking(current, steps=SPIKE_STEPS, **told):
    return transient(SPIKING, {"current": current}, duration=steps * SPIKE_STEP, step=SPIKE_STEP, **told)


@pytest.fixture(scope="module")
def events():
    return spiking(3e-9)


def test_events_fan_out_arrive_late_and_leave_their_charge(events):
    """An event belongs to the step that holds its time; a synapse jumps at the end of that step and decays by Heun."""
    sent, late = np.asarray(events["sent"]), np.asarray(events["late"])
    assert np.flatnonzero(sent).tolist() == [5, 21, 23] and sent.sum() == 3
    np.testing.assert_array_equal(late[7:], sent[:-7])
    kept = np.exp(-0.1)
    current = lambda arrivals, weight: (
        weight
        * sum(
            np.where(np.arange(SPIKE_STEPS + 1) > n, kept ** (np.arange(SPIKE_STEPS + 1) - n), 0)
            for n in np.flatnonzero(arrivals)
        )
    )
    np.testing.assert_allclose(events["kick"], current(sent, 2e-9), rtol=1e-12)
    np.testing.assert_allclose(events["echo"], current(late, 3e-9), rtol=1e-12)


def test_a_neuron_fires_at_the_rate_of_its_closed_form(events):
    """Each interval is up to one step longer than t_ref + (C/g) ln(i / (i - g v_th)) on the grid of the steps."""
    beats = np.flatnonzero(np.asarray(events["beat"]))
    interval = 5e-4 + 1e-12 / 1e-9 * np.log(3 / (3 - 1))
    assert len(beats) >= 10
    assert np.all(np.diff(beats) >= np.floor(interval / SPIKE_STEP)) and np.all(np.diff(beats) <= interval / SPIKE_STEP + 2)


def test_events_have_a_surrogate_derivative():
    slope = float(jax.jit(jax.grad(lambda i: jnp.sum(spiking(i, 32, longest_delay=1e-3)["beat"])))(3e-9))
    assert np.isfinite(slope) and slope > 0


def test_a_continued_run_with_events_and_delays_is_one_long_run(events):
    first = spiking(3e-9, 64)
    second = spiking(3e-9, 64, start=first)
    np.testing.assert_allclose(second.time, events.time[64:], rtol=1e-12)
    for net in ("sent", "late", "kick", "echo", "beat", "answer"):
        np.testing.assert_allclose(second[net], events[net][64:], rtol=1e-12, atol=1e-24, err_msg=net)


# --- What is kept, where it starts, how it goes on ---------------------------------------------------


def test_what_is_kept_is_what_was_asked_for():
    every, thinned = clipped(), clipped(every=8, keep=("out", "l.current", "out"))
    assert set(thinned.values) == {"out", "l.current"} and thinned["out"].shape == (STEPS // 8 + 1,)
    for name in thinned.values:
        np.testing.assert_allclose(thinned[name], every[name][::8], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(thinned.time, every.time[::8], rtol=1e-12)
    with pytest.raises(InputError, match=r"Nothing was kept of `mid`. There are `l.current`, `out`"):
        thinned["mid"]
    found = thinned.dataset()
    assert found["out"].attrs["units"] == "V" and found["time"].attrs["units"] == "s"
    assert "trapezoidal, 9 times kept, all steps converged" in str(thinned)


def test_initial_potentials_hold_their_nets_while_the_rest_settles():
    """The capacitor begins at 0.4 V and falls as the trapezoidal rule says."""
    run = transient(low_pass(), {"drive": 0.0}, duration=STEPS * 5e-7, step=5e-7, initial={"out": 0.4})
    half = 5e-7 / 2e-6
    np.testing.assert_allclose(run["out"], 0.4 * ((1 - half) / (1 + half)) ** np.arange(STEPS + 1), rtol=1e-9, atol=1e-15)


@pytest.mark.slow
def test_a_continued_implicit_run_is_one_long_run():
    long, first = clipped(duration=2 * STEPS * CLIPPER_STEP), clipped()
    second = clipped(start=first)
    np.testing.assert_allclose(second.time, long.time[STEPS:], rtol=1e-12)
    for name in ("out", "mid", "l.current"):
        np.testing.assert_allclose(second[name], long[name][STEPS:], rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_million_steps_fit_where_a_thousand_are_kept():
    run = transient(PENDULUM, {"drive": PUSH}, duration=1e6 / 64, step=1 / 64, every=1000)
    assert run["y"].shape == (1001,) and np.isfinite(run["y"]).all()
    short = transient(PENDULUM, {"drive": PUSH}, duration=2000 / 64, step=1 / 64, every=1000)
    np.testing.assert_allclose(run["y"][:3], short["y"], rtol=1e-9)


# --- Derivatives ------------------------------------------------------------------------------------


def assert_slopes(function, circuit, paths):
    """Reverse-mode derivatives by the logarithm of each parameter equal central differences to 1e-6 of the largest."""
    start = {path: circuit.get(path) for path in paths}

    def logarithmic(logs):
        changed = circuit
        for path, log in logs.items():
            changed = changed.set(path, start[path] * jnp.exp(log))
        return function(changed)

    both = jax.jit(jax.value_and_grad(logarithmic))
    still = {path: jnp.zeros(()) for path in paths}
    slopes = both(still)[1]
    step, differences = 1e-4, {}
    for path in paths:
        ends = [float(both(still | {path: jnp.asarray(size * step, float)})[0]) for size in (1, -1, 2, -2)]
        differences[path] = (8 * (ends[0] - ends[1]) - (ends[2] - ends[3])) / (12 * step)
    largest = max(abs(d) for d in differences.values())
    for path, difference in differences.items():
        assert float(slopes[path]) == pytest.approx(difference, abs=1e-6 * largest), path
        assert abs(difference) > 1e-5 * largest, path


def test_an_explicit_noisy_run_has_the_derivatives_of_central_differences():
    key = jax.random.key(5)

    def score(circuit):
        run = transient(circuit, {"drive": PUSH}, duration=STEPS / 16, step=1 / 16, key=key)
        return jnp.sum(run["y"] ** 2)

    assert_slopes(score, PENDULUM.set("p.agitation", 0.5), ("p.damping", "p.agitation", "p.stiffness"))


@pytest.mark.slow
def test_an_implicit_noisy_run_has_the_derivatives_of_central_differences():
    """At 1e10 K, so that the noise of resistor and diode counts beside the drive."""
    key = jax.random.key(6)
    hot = CLIPPER.set("r.temperature", 1e10).set("r.temperature_coefficient", 0.0)
    score = lambda circuit: jnp.sum(clipped(circuit=circuit, key=key, keep=("out",), duration=32 * CLIPPER_STEP)["out"] ** 2)
    assert_slopes(score, hot, ("r.resistance", "r.temperature", "l.inductance", "c.capacitance", "d.saturation_current"))


# --- What is refused --------------------------------------------------------------------------------

REFUSED = {
    "negative duration": ({"duration": -1.0}, r"`duration` must be a number above 0 s, but is -1.0"),
    "duration in words": ({"duration": "long"}, r"`duration` must be a number above 0 s, but is 'long'"),
    "no step": ({"step": 0.0}, r"`step` must be a number above 0 s, but is 0.0"),
    "infinite step": ({"step": np.inf}, r"`step` must be a number above 0 s, but is inf"),
    "step that does not fit": ({"step": 3e-7}, r"`duration` must be a whole number of steps of 3e-07 s, but 4e-06 s is 13.33"),
    "every that does not fit": ({"every": 3}, r"`every` must divide the 8 steps of the run, but is 3"),
    "fractional every": ({"every": 2.0}, r"`every` must be a whole number of at least 1, but is 2.0"),
    "unknown method": ({"method": "rk5"}, r"`method` must be one of .*trapezoidal, but is `rk5`. Did you mean `rk4`\?"),
    "explicit method with charge": ({"method": "heun"}, r"`method` must be one of .* that stores what its nets say"),
    "keep as one word": ({"keep": "out"}, r"`keep` must be a row of names .*, but is 'out'"),
    "keep of nothing known": (
        {"keep": ["ou"]},
        r"`keep` names `ou`, which is neither a net nor an unknown. Did you mean `out`",
    ),
    "initial of a driven net": (
        {"initial": {"in": 1.0}},
        r"`initial` must name electrical nets that no source drives, but names",
    ),
    "initial as a number": ({"initial": 1.0}, r"`initial` must be a mapping from names of nets to potentials in V, but is 1.0"),
    "initial not finite": ({"initial": {"out": np.nan}}, r"`initial out` must be finite"),
    "a number for a key": ({"key": 3}, r"`key` must be made by `jax.random.key\(seed\)`, but is 3"),
    "many keys": ({"key": jax.random.split(jax.random.key(0))}, r"`key` must be one key, but has shape \(2,\)"),
    "no input": ({"inputs": {}}, r"`inputs` must give every input of the circuit, but `drive` is missing"),
    "unknown input": ({"inputs": {"drive": 0.0, "dive": 1.0}}, r"`inputs` must be one of drive, but is `dive`"),
    "misshapen input": ({"inputs": {"drive": np.zeros(2)}}, r"`drive` must have the shape \(\) of net `in`"),
    "inputs in a row": ({"inputs": [0.0]}, r"`inputs` must be a mapping from the names of the circuit's inputs"),
    "start of another kind": ({"start": 3}, r"`start` must be a Trajectory, but is 3"),
    "negative delay": ({"longest_delay": -1.0}, r"`longest_delay` must be a number above 0 s, but is -1.0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_run_is_refused_in_words(name):
    changes, words = REFUSED[name]
    told = {"inputs": {"drive": 0.0}, "duration": 4e-6, "step": 5e-7} | changes
    with pytest.raises(InputError, match=words):
        transient(low_pass(), told.pop("inputs"), **told)


def test_a_run_is_continued_only_as_it_began():
    first = clipped()
    with pytest.raises(InputError, match=r"`start` must .*method"):
        clipped(start=first, method="tr_bdf2")
    with pytest.raises(InputError, match=r"`start` must .*step"):
        clipped(start=first, step=CLIPPER_STEP / 2)
    with pytest.raises(InputError, match=r"`start` and `initial` must not both be given"):
        clipped(start=first, initial={"out": 1.0})
    with pytest.raises(InputError, match=r"`start` must .*circuit"):
        transient(low_pass(), {"drive": BURST}, duration=STEPS * CLIPPER_STEP, step=CLIPPER_STEP, start=first)


def test_a_step_that_does_not_converge_names_its_time_and_net_and_keeps_what_was_before():
    """A source without resistance takes a diode to 200 V, where its current is no number any more."""
    surge = VoltageSource(0.3, waveform=Step(0.0, 200.0, time=2.5e-9))
    circuit = Circuit(
        {"s": surge, "d": Diode(), "c": Capacitor()},
        {"out": ("s.plus", "d.anode", "c.a"), "gnd": ("s.minus", "d.cathode", "c.b")},
    )
    place = r"(net `out` \(of `s.plus`, .*\)|part `s`, unknown `current` \(at `out`, `gnd`\))"
    where = rf"The transient failed: .* at {place}, in step 3 at t = 3e-09 s; take a smaller"
    with pytest.raises(SolveError, match=where) as caught:
        transient(circuit, duration=8e-9, step=1e-9)
    found = caught.value.solution
    np.testing.assert_allclose(found["out"][:3], 0.3, rtol=1e-12)
    assert np.isnan(found["out"][3:]).all()


def test_a_run_that_grows_without_bound_says_when():
    run = lambda keep: transient(
        PENDULUM.set("p.damping", 1e3), {"drive": PUSH}, duration=128.0, step=1.0, method="euler", keep=keep
    )
    with pytest.raises(SolveError, match=r"The transient failed: `p.speed` is no longer finite at t = .* smaller `step`"):
        run(("p.speed",))
    with pytest.raises(SolveError, match=r"part `p`, unknown `speed` \(at `u`, `y`\) is no longer finite at the end"):
        run(())
