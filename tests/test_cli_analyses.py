"""`devsim op|tran|ac|noise|draw FILE`: numbers against closed forms, files left behind, and wrong input in words."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import devsim
from devsim import cli
from devsim.cli.frequencies import frequencies
from devsim.cli.schedule import Schedule
from devsim.cli.time_analyses import TOLERANCE
from devsim.exchange import SmallSignal, Transient
from devsim.physics import BOLTZMANN

RESISTANCE, CAPACITANCE, TEMPERATURE = 1e3, 1e-6, 300.15
TAU = RESISTANCE * CAPACITANCE
CORNER = 1 / (2 * math.pi * TAU)
RAMP, STEP = 1e-3, 1e-5

RC = f"""RC low-pass behind a ramp of 1 ms
v1 in 0 pwl(0 0 {RAMP} 1) ac 1
r1 in out {RESISTANCE}
c1 out 0 {CAPACITANCE}
.tran {STEP} 3m
.ac dec 4 {CORNER!r} {CORNER * 1e4!r}
.noise v(out) v1 dec 10 1u 1t
"""
DIVIDER = """divider
v1 in 0 3
r1 in out 1k
r2 out 0 2k
.op
"""
DISCHARGE = f"""
devsim: 1
title: a capacitor empties
parts:
  r: {{class: Resistor, resistance: 1 kohm}}
  c: {{class: Capacitor, capacitance: 1 uF}}
  idle: {{class: Resistor, resistance: 5 ohm}}
nets:
  out: [r.a, c.a]
  drive: [idle.a]
  gnd: [r.b, c.b, idle.b]
inputs: {{drive: drive}}
initial: {{out: 2 V}}
analyses: {{transient: {{duration: {TAU} s, step: {STEP} s}}}}
"""
FAILS = """
devsim: 1
parts:
  v: {class: VoltageSource, voltage: 0, waveform: {class: Step, after: 1e200, time: 5 us}}
  d: {class: Diode}
nets: {a: [v.plus, d.anode], gnd: [v.minus, d.cathode]}
analyses: {transient: {duration: 10 us, step: 1 us}}
"""
FILES = {"rc.cir": RC, "divider.sp": DIVIDER, "discharge.yaml": DISCHARGE}


@pytest.fixture
def here(monkeypatch, tmp_path):
    """An empty current folder but for the circuit files."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    return tmp_path


def ran(capsys, *arguments):
    """Exit code, stdout and stderr of a command run in this process."""
    with pytest.raises(SystemExit, match=r"^\d+$") as left:
        cli.main([str(word) for word in arguments])
    out, err = capsys.readouterr()
    return left.value.code, out, err


def told(capsys, *arguments):
    """The one JSON object that a command prints; nothing goes wrong and nothing else is said."""
    code, out, err = ran(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def made():
    """Every file in the current folder that was not there before."""
    return sorted(str(path) for path in Path().rglob("*") if path.is_file() and str(path) not in FILES)


# --- Operating point ---


def test_a_divider_divides(here, capsys):
    nets = told(capsys, "op", "divider.sp")["nets"]
    assert set(nets) == {"in", "out"}
    assert nets["out"] == pytest.approx(2.0, rel=1e-9)
    assert told(capsys, "op", "divider.sp", "--set", "r1.resistance=4e3")["nets"]["out"] == pytest.approx(1.0, rel=1e-9)
    assert made() == []


def test_a_waveform_can_be_set_where_it_counts(here, capsys):
    levels = told(capsys, "tran", "rc.cir", "--step", "100us", "--duration", "1ms", "--set", "v1.waveform.values=0,3")["nets"]
    assert levels["in"][-1] == pytest.approx(3.0)


def test_people_see_units_and_the_currents_of_sources(here, capsys):
    code, out, err = ran(capsys, "op", "divider.sp")
    assert (code, err) == (0, "")
    assert re.search(r"out +2 V\n", out)
    assert re.search(r"v1 +-1 mA\n", out)


# --- Transient ---


def ramp_response(t):
    """v of tau dv/dt + v = u for u rising from 0 to 1 within RAMP seconds."""
    risen = (t - TAU * (1 - np.exp(-t / TAU))) / RAMP
    return np.where(t < RAMP, risen, 1 - TAU / RAMP * (np.exp(RAMP / TAU) - 1) * np.exp(-t / TAU))


def test_a_ramp_through_rc_is_its_closed_form(here, capsys):
    found = told(capsys, "tran", "rc.cir")
    t, out = np.array(found["time"]), np.array(found["nets"]["out"])
    assert (set(found), set(found["nets"]), t.size) == ({"time", "nets"}, {"in", "out"}, 301)
    third, start = STEP**2 / (12 * RAMP * TAU), STEP**2 / (2 * RAMP * TAU)  # trapezoids, and a first step that may be Euler's
    assert np.abs(out - ramp_response(t)).max() < third + start
    assert made() == ["runs/rc/transient.nc", "runs/rc/transient.png"]
    left = xr.load_dataset("runs/rc/transient.nc", engine="h5netcdf")
    assert left["out"].attrs["units"] == "V"
    assert left["out"].values.tolist() == out.tolist()


def test_initial_potentials_kept_nets_and_stride_are_obeyed(here, capsys):
    found = told(capsys, "tran", "discharge.yaml", "--input", "drive=0", "--keep", "out", "--every", "10", "--out", "elsewhere")
    t, out = np.array(found["time"]), np.array(found["nets"]["out"])
    assert list(found["nets"]) == ["out"]
    assert t == pytest.approx(np.linspace(0, TAU, 11))
    assert np.abs(out - 2 * np.exp(-t / TAU)).max() < 2 * (STEP / TAU) ** 2 * (1 / 12 + 1 / 2)
    assert made() == ["elsewhere/transient.nc", "elsewhere/transient.png"]


def test_noise_is_that_of_its_seed(here, capsys):
    run = lambda *more: told(capsys, "tran", "rc.cir", "--duration", "200us", "--step", "20 us", *more)["nets"]["out"]
    assert run("--noise", "--seed", "1") == run("--noise", "--seed", "1") != run("--noise", "--seed", "2")


def test_points_are_moved_together_until_they_divide_the_duration(here, capsys):
    code, out, err = ran(capsys, "tran", "rc.cir", "--duration", "100us", "--step", "30us", "--json")
    assert (code, json.loads(out)["time"]) == (0, pytest.approx([0, 25e-6, 50e-6, 75e-6, 100e-6]))
    assert err == "devsim: note: points lie 2.5e-05 s apart instead of 3e-05 s, so that they divide the 0.0001 s.\n"


def test_a_schedule_keeps_the_points_of_the_file_and_steps_no_longer_than_it_allows():
    plan = Schedule.of(Transient(1e-3, 1e-4, start=2e-4, maximum_step=3e-5), duration=None, step=None, every=1)
    assert (plan.every, plan.start, plan.notes()) == (4, 2e-4, [])
    assert plan.step == pytest.approx(2.5e-5)
    assert Schedule.of(Transient(1e-3, 1e-4, maximum_step=3e-5), duration=None, step=1e-4, every=5).every == 5


def test_uic_starts_from_charges_and_currents_and_shows_what_the_file_wants(here, capsys):
    """A coil and a capacitor behind a source, and a resonator of 1 krad/s and 1 kohm that starts with both energies."""
    cards = "v1 a 0 1\nr1 a b 1k\nl1 b 0 1\nc1 a d 1u ic=0.25\nr2 d 0 1k\nl2 e 0 1 ic=1m\nc2 e 0 1u\n.ic v(e)=1\n"
    Path("uic.cir").write_text(f"coils\n{cards}.tran 50u 2m 1m uic\n")
    code, out, err = ran(capsys, "tran", "uic.cir", "--json")
    assert (code, err.count("\n")) == (0, 1)
    assert "note: `uic` starts capacitors at `ic=`, `.ic` or 0 V" in err
    found = json.loads(out)
    t, nets = np.array(found["time"]), {net: np.array(values) for net, values in found["nets"].items()}
    assert (t[0], t[-1], t.size) == (pytest.approx(1e-3), pytest.approx(2e-3), 21)
    wanted = {"b": np.exp(-t / TAU), "d": 0.75 * np.exp(-t / TAU), "e": np.cos(t / TAU) - np.sin(t / TAU)}
    for net, exact in wanted.items():
        assert np.abs(nets[net] - exact).max() < TOLERANCE * np.ptp(exact)


def test_what_was_found_before_a_step_fails_is_left_behind(here, capsys):
    Path("fails.yaml").write_text(FAILS)
    code, out, err = ran(capsys, "tran", "fails.yaml", "--json")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    place = r"at net `a` \(of `v.plus`, `d.anode`\), in step 80 at t = 5e-06 s; "
    assert re.search(place + ".*What was found before is in `runs/fails/transient.nc`", err)
    left = xr.load_dataset("runs/fails/transient.nc", engine="h5netcdf")
    assert left["time"].values == pytest.approx(np.arange(5) * 1e-6)
    assert left["a"].values == pytest.approx(np.zeros(5))


# --- Small signal ---


def test_a_low_pass_has_its_corner_and_its_slope(here, capsys):
    found = told(capsys, "ac", "rc.cir")
    f, out = np.array(found["frequency"]), found["nets"]["out"]
    transfer = 1 / (1 + 1j * f / CORNER)
    rounding = 1e3 * np.finfo(float).eps
    assert f.size == 17
    assert out["magnitude"] == pytest.approx(np.abs(transfer), rel=rounding)
    assert out["phase_deg"] == pytest.approx(np.degrees(np.angle(transfer)), rel=rounding)
    assert out["magnitude"][0] == pytest.approx(math.sqrt(0.5), rel=rounding)
    assert out["phase_deg"][0] == pytest.approx(-45, rel=rounding)
    assert found["nets"]["in"]["magnitude"] == pytest.approx(np.ones(17))
    assert made() == ["runs/rc/ac.nc", "runs/rc/ac.png"]


def test_sources_add_with_their_phases(here, capsys):
    Path("two.cir").write_text("two sources\nv1 a 0 ac 1\nv2 b 0 ac 2 90\nr1 a out 1k\nr2 b out 1k\n")
    found = told(capsys, "ac", "two.cir", "--start", "1kHz", "--stop", "1kHz")
    assert found["frequency"] == [1e3]
    assert found["nets"]["out"]["magnitude"] == pytest.approx([abs(1 + 2j) / 2])
    assert found["nets"]["out"]["phase_deg"] == pytest.approx([math.degrees(math.atan(2))])
    alone = told(capsys, "ac", "two.cir", "--start", "1kHz", "--stop", "1kHz", "--source", "v2")
    assert (alone["nets"]["out"]["magnitude"], alone["nets"]["b"]["magnitude"]) == (pytest.approx([0.5]), pytest.approx([1.0]))


def test_a_sweep_ends_where_it_was_told_to():
    deck = lambda kind, points, last: frequencies(SmallSignal(kind, points, 10.0, last), start=None, stop=None, per_decade=None)
    assert deck("dec", 2, 1e3) == pytest.approx(10 * 10 ** np.arange(0, 2.1, 0.5))
    assert deck("oct", 1, 80.0) == pytest.approx([10, 20, 40, 80])
    assert deck("lin", 4, 40.0) == pytest.approx([10, 20, 30, 40])
    assert deck("dec", 3, 50.0)[-1] == pytest.approx(50.0)
    assert deck("dec", 3, 10.0).tolist() == [10.0]


# --- Noise ---


def test_an_rc_has_4ktr_below_its_corner_and_kt_over_c_in_all(here, capsys):
    found = told(capsys, "noise", "rc.cir")
    f, density = np.array(found["frequency"]), np.array(found["density"])
    assert set(found) == {"frequency", "density", "by_source", "integrated"}
    power = 4 * BOLTZMANN * TEMPERATURE * RESISTANCE
    assert density == pytest.approx(power / (1 + (f / CORNER) ** 2), rel=1e-9)
    cut = 2 / math.pi * (f[0] / CORNER + CORNER / f[-1])
    assert found["integrated"] == pytest.approx(BOLTZMANN * TEMPERATURE / CAPACITANCE, rel=2 * cut)
    assert next(iter(found["by_source"])) == "r1.thermal"
    assert found["by_source"]["r1.thermal"] == pytest.approx(density, rel=1e-12)
    assert made() == ["runs/rc/noise.nc", "runs/rc/noise.png"]


def test_noise_between_the_ends_of_two_resistors_is_that_of_their_sum(here, capsys):
    Path("pair.cir").write_text("two resistors\nr1 a 0 1k\nr2 b 0 3k\n")
    options = ["--output", "a", "--reference", "b", "--start", "1", "--stop", "100", "--points-per-decade", "1"]
    found = told(capsys, "noise", "pair.cir", *options)
    assert found["density"] == pytest.approx([4 * BOLTZMANN * TEMPERATURE * 4e3] * 3, rel=1e-9)
    assert list(found["by_source"]) == ["r2.thermal", "r1.thermal"]


# --- Pictures ---


def test_a_circuit_is_drawn_from_its_file_and_by_itself(here, capsys):
    assert ran(capsys, "draw", "rc.cir") == (0, "Picture: runs/rc/circuit.png\n", "")
    assert ran(capsys, "draw", "rc.cir", "--out", "rc.svg")[0] == 0
    assert Path("runs/rc/circuit.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path("rc.svg").read_text()
    assert isinstance(devsim.read("rc.cir").circuit.draw(), Figure)


def test_a_picture_that_fails_costs_only_itself(here, capsys, monkeypatch):
    monkeypatch.setattr("devsim.cli.finding.style.png", lambda figure: 1 / 0)
    code, out, err = ran(capsys, "tran", "rc.cir", "--duration", "20us", "--json")
    assert (code, len(json.loads(out)["time"])) == (0, 3)
    assert err.count("\n") == 1
    assert "the picture could not be drawn (ZeroDivisionError" in err
    assert made() == ["runs/rc/transient.nc"]


# --- Mistakes ---

BROKEN = {
    "broken.yaml": "devsim: 1\nparts: {r: {class: Resistr}}\n",
    "unit.yaml": "devsim: 1\nparts: {r: {class: Resistor, resistance: 1 kg}}\nnets: {gnd: [r.a, r.b]}\n",
    "unknown.cir": "title\nq1 a b c model\n",
    "floating.cir": "nothing fixes it\ni1 0 a 1m\nc1 a 0 1u\n",
}
MISTAKES = {
    "no file": (["op", "none.cir"], "The deck `none.cir` must be a file, but there is none of that name"),
    "a folder": (["op", "folder.cir"], "must be a file, but is a directory"),
    "another suffix": (["op", "file"], "must end in one of .yaml, .yml, .cir"),
    "bytes": (["op", "bytes.cir"], "must be plain text"),
    "unknown class": (["op", "broken.yaml"], "Resistr"),
    "unit in the file": (["op", "unit.yaml"], "must be in ohm, but is given in `kg`"),
    "unknown card": (["op", "unknown.cir"], "line 2"),
    "floating": (["op", "floating.cir"], "nothing fixes"),
    "no knob": (["op", "divider.sp", "--set", "r9.resistance=1"], "r9.resistance"),
    "bad knob": (["op", "divider.sp", "--set", "r1.resistance=-1"], "`r1.resistance` must be above 0 ohm"),
    "no input": (["op", "discharge.yaml"], "`--input` must give every input of the circuit, as drive=VALUE"),
    "unknown input": (["op", "divider.sp", "--input", "x=1"], "`--input` names `x`, which is no input"),
    "no transient": (["tran", "divider.sp"], "`--duration` must be given"),
    "no step": (["tran", "divider.sp", "--duration", "1ms"], "`--step` must be given"),
    "kilograms": (["tran", "rc.cir", "--duration", "1kg"], "`--duration` must be in s, but is given in `kg`"),
    "no number": (["tran", "rc.cir", "--step", "fast"], "`--step` must be a number"),
    "negative": (["tran", "rc.cir", "--step", "-1us"], "`--step` must be above 0 s"),
    "too many steps": (["tran", "rc.cir", "--step", "1e-30"], "at most 1e+10 steps"),
    "too much kept": (["tran", "rc.cir", "--step", "1e-12"], "`--every` must keep at most 1e+07 points"),
    "every none": (["tran", "rc.cir", "--every", "0"], "`--every` must be at least 1"),
    "unknown net": (["tran", "rc.cir", "--keep", "otu"], "Did you mean `out`"),
    "unknown method": (["tran", "rc.cir", "--method", "magic"], "`method` must be one of"),
    "seed without noise": (["tran", "rc.cir", "--seed", "1"], "`--seed` needs `--noise`"),
    "negative seed": (["tran", "rc.cir", "--noise", "--seed", "-1"], "`--seed` must be at least 0"),
    "nothing moves": (["ac", "divider.sp", "--start", "1", "--stop", "2"], "`--source` must name a source"),
    "no frequencies": (["ac", "divider.sp"], "`--start` must be given"),
    "downwards": (["ac", "rc.cir", "--start", "2MHz", "--stop", "1MHz"], "`--stop` must be at least `--start`"),
    "no source": (["ac", "rc.cir", "--source", "v7"], "`source` must name an input, a pin or a parameter"),
    "not a source": (["ac", "rc.cir", "--source", "r1"], "such as `r1.resistance`"),
    "zero a decade": (["ac", "rc.cir", "--points-per-decade", "0"], "`--points-per-decade` must be at least 1"),
    "no output": (["noise", "divider.sp"], "`--output` must name a net"),
    "unknown output": (["noise", "rc.cir", "--output", "otu"], "`--output` names `otu`, which is no net"),
    "out a file": (["tran", "rc.cir", "--out", "file"], "is a file"),
    "out here": (["ac", "rc.cir", "--out", "."], "folder of its own"),
    "missing parent": (["noise", "rc.cir", "--out", "no/such"], "`--out` must lie in a folder that exists"),
    "unknown format": (["draw", "rc.cir", "--out", "rc.xyz"], "`--out` must end in .png, .svg or .pdf"),
    "picture nowhere": (["draw", "rc.cir", "--out", "no/rc.png"], "`--out` must lie in a folder that exists"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2_and_writes_nothing(mistake, here, capsys):
    for name, text in BROKEN.items():
        Path(name).write_text(text)
    Path("file").write_text("mine")
    Path("folder.cir").mkdir()
    Path("bytes.cir").write_bytes(bytes(range(256)))
    before = sorted(Path().rglob("*"))
    arguments, expected = MISTAKES[mistake]
    code, out, err = ran(capsys, *arguments, *(["--json"] if arguments[0] != "draw" else []))
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("devsim: ")
    assert expected in err
    assert sorted(Path().rglob("*")) == before


def test_the_analyses_and_readers_are_at_the_top_of_the_package():
    wanted = {"transient", "small_signal", "noise_spectrum", "scattering", "read", "read_spice", "read_yaml"}
    assert wanted | {"write_spice", "write_yaml"} <= set(devsim.__all__)
    assert all(callable(getattr(devsim, name)) for name in wanted)
