"""Fixed steps over time beside diffrax and ngspice: an explicit scan, an implicit RC ladder, many equal parts, a mesh.

Run: python benchmarks/transient.py [--repeats 5]. All in one process and one thread (ngspice is a process of its own whose
reported analysis time is taken); compile time and run time are apart; medians over the repeats.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import devsim  # isort: skip  # noqa: F401  (sets 64-bit numbers before JAX makes any)
import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from rich.console import Console
from rich.table import Table

from devsim import Circuit, Element, operating_point
from devsim.analyses.transient import transient
from devsim.devices.electrical import Resistor, VoltageSource
from devsim.devices.electrical.reactive import Capacitor
from devsim.devices.photonic import MachZehnder
from devsim.exchange import read_yaml
from devsim.parameter import parameter
from devsim.ports import Balance, Unknown, ageless, quiet, signal_in, signal_out
from devsim.waveform import Step

STATES, STEPS, RUNS, STEP = 200, 1000, 32, 0.01


class Oscillator(Element):
    """Phase oscillator pulled by two neighbours: d(phase)/dt = omega + k (sin(left - phase) + sin(right - phase))."""

    omega: Array = parameter(1.0, unit="1/s", doc="free-running angular frequency")
    coupling: Array = parameter(0.1, unit="1/s", doc="pull of each neighbour")
    initial: Array = parameter(0.0, unit="1", doc="phase at power-up")
    age, noise = ageless, quiet

    def ports(self):
        """Neighbours' phases in, own phase out."""
        return {"left": signal_in(), "right": signal_in(), "out": signal_out()}

    def rest(self):
        """The phase."""
        return {"phase": Unknown(self.initial)}

    def balance(self, t, p, x):
        """The equation above."""
        phase = x["phase"]
        pull = jnp.sin(p["left"] - phase) + jnp.sin(p["right"] - phase)
        return Balance({"out": phase, "phase": -(self.omega + self.coupling * pull)}, {"phase": phase})


def timed(function, *arguments, repeats: int) -> tuple[float, float, Array]:
    """(trace and compile, median run, result) in seconds of processor time."""
    jax.clear_caches()
    start = time.process_time()
    compiled = jax.jit(function).lower(*arguments).compile()
    compile_time = time.process_time() - start
    runs, result = [], None
    for _ in range(repeats + 1):
        start = time.process_time()
        result = jax.block_until_ready(compiled(*arguments))
        runs.append(time.process_time() - start)
    return compile_time, statistics.median(runs[1:]), result


def ring_of_oscillators() -> tuple[Circuit, Array, Array]:
    """The circuit, its frequencies, and the start of every run."""
    rng = np.random.default_rng(0)
    omega = rng.normal(1.0, 0.1, STATES)
    parts = {f"o{i}": Oscillator(omega[i]) for i in range(STATES)}
    nets = {f"n{i}": (f"o{i}.out", f"o{(i + 1) % STATES}.left", f"o{(i - 1) % STATES}.right") for i in range(STATES)}
    return Circuit(parts, nets), jnp.asarray(omega), jnp.asarray(rng.normal(size=(RUNS, STATES)))


def explicit_rows(repeats: int) -> list[tuple]:
    """Heun's scheme: devsim, a scan by hand, diffrax. Beside it devsim's split steps, and ngspice's trapezoidal rule on
    capacitors of 1 F that controlled sources charge (one run, times the number of runs)."""
    circuit, omega, starts = ring_of_oscillators()
    left, right = (np.arange(STATES) - 1) % STATES, (np.arange(STATES) + 1) % STATES

    def ours(start, method="heun"):
        die = eqx.tree_at(lambda c: c.groups[0].initial, circuit, start)
        return transient(die, duration=STEPS * STEP, step=STEP, keep=(), every=STEPS, method=method).state.rest

    def rate(phase):
        return omega + 0.1 * (jnp.sin(phase[left] - phase) + jnp.sin(phase[right] - phase))

    def plain(start):
        def advance(phase, _):
            first = rate(phase)
            return phase + STEP / 2 * (first + rate(phase + STEP * first)), None

        return jax.lax.scan(advance, start, None, length=STEPS)[0]

    def peer(start):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, _: rate(y)),
            diffrax.Heun(),
            0.0,
            STEPS * STEP,
            STEP,
            start,
            saveat=diffrax.SaveAt(t1=True),
            stepsize_controller=diffrax.ConstantStepSize(),
            max_steps=STEPS + 1,
        ).ys[0]

    found = {"devsim heun": ours, "devsim split": lambda s: ours(s, "split"), "scan by hand": plain, "diffrax Heun": peer}
    measured = {name: timed(jax.vmap(f), starts, repeats=repeats) for name, f in found.items()}
    reference = measured["scan by hand"][2]
    what = f"{STATES} states, {STEPS} steps, {RUNS} runs"
    rows = [(what, name, c, r, f"{float(jnp.max(jnp.abs(y - reference))):.0e}") for name, (c, r, y) in measured.items()]
    spice = ngspice_oscillators(omega, starts[0], repeats)
    if spice:
        rows.append((what, "ngspice", 0.0, RUNS * spice[0], f"{abs(spice[1] - float(reference[0, 0])):.0e} (one state)"))
    return rows


def ngspice_oscillators(omega: Array, start: Array, repeats: int) -> tuple[float, float] | None:
    """Median of ngspice's analysis time (s) of one run, and the last phase of the first oscillator."""
    cards = []
    for i in range(STATES):
        left, right = (f"v(n{j % STATES})-v(n{i})" for j in (i - 1, i + 1))
        cards.append(f"c{i} n{i} 0 1 ic={float(start[i]):.15g}")
        cards.append(f"b{i} 0 n{i} i={float(omega[i]):.15g}+0.1*(sin({left})+sin({right}))")
    return ngspice_transient(cards, f"tran {STEP} {STEPS * STEP} 0 {STEP} uic", "n0", repeats)


def ladder(size: int) -> Circuit:
    """A step of 1 V into `size` sections of 1 kohm and 1 pF."""
    parts = {"source": VoltageSource(0.0, waveform=Step(0.0, 1.0, 0.0, 1e-9))}
    nets = {"n0": ["source.plus"], "gnd": ["source.minus"]}
    for i in range(size):
        parts |= {f"r{i}": Resistor(1e3), f"c{i}": Capacitor(1e-12)}
        nets[f"n{i}"].append(f"r{i}.a")
        nets[f"n{i + 1}"] = [f"r{i}.b", f"c{i}.a"]
        nets["gnd"].append(f"c{i}.b")
    return Circuit(parts, nets)


def implicit_rows(repeats: int, size: int = 200, steps: int = 1000, step: float = 1e-8) -> list[tuple]:
    """The RC ladder: devsim's trapezoidal rule, diffrax's implicit solvers with the same steps, ngspice."""
    circuit, last = ladder(size), f"n{size}"
    run = lambda c: transient(c, duration=steps * step, step=step, keep=(last,), every=steps)[last][-1]
    ours = timed(run, circuit, repeats=repeats)
    across = lambda v: jnp.concatenate([v[1:], v[-1:]]) - v

    def rate(t, v, _):
        source = jnp.clip(t / 1e-9, 0.0, 1.0)
        inward = jnp.concatenate([(source - v[:1]), v[:-1] - v[1:]])
        return (inward + across(v)) / 1e-9

    def peer(solver, start):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(rate),
            solver,
            0.0,
            steps * step,
            step,
            start,
            saveat=diffrax.SaveAt(t1=True),
            stepsize_controller=diffrax.ConstantStepSize(),
            max_steps=steps + 1,
        ).ys[0, -1]

    import optimistix

    finder = diffrax.VeryChord(rtol=1e-8, atol=1e-10, norm=optimistix.max_norm)
    solver = diffrax.Kvaerno3(root_finder=finder)
    theirs = timed(lambda v: peer(solver, v), jnp.zeros(size), repeats=max(repeats // 3, 1))
    what = f"RC ladder, {size} nodes, {steps} steps"
    rows = [
        (what, "devsim trapezoidal", *ours[:2], f"{float(ours[2]):.9f} V"),
        (what, "diffrax Kvaerno3", *theirs[:2], f"{float(theirs[2]):.9f} V"),
    ]
    spice = ngspice_ladder(size, steps, step, repeats)
    return rows + ([(what, "ngspice", 0.0, spice[0], f"{spice[1]:.9f} V")] if spice else [])


def ngspice_ladder(size: int, steps: int, step: float, repeats: int) -> tuple[float, float] | None:
    """Median of ngspice's analysis time (s), and the last voltage."""
    cards = [f"r{i} n{i} n{i + 1} 1k\nc{i} n{i + 1} 0 1p" for i in range(size)]
    source = "v1 n0 0 pulse(0 1 0 1n 1n 1 2)"
    return ngspice_transient([source, *cards], f"tran {step} {steps * step} 0 {step}", f"n{size}", repeats)


def ngspice_transient(cards: list[str], analysis: str, node: str, repeats: int) -> tuple[float, float] | None:
    """Median of ngspice's own transient analysis time (s), and the last voltage of a node; None without ngspice."""
    if shutil.which("ngspice") is None:
        return None
    told = [analysis, f"let out=v({node})[length(v({node}))-1]", "print out", "rusage trantime"]
    deck = ["deck", *cards, ".control", "set numdgt=12", *told, "quit", ".endc", ".end", ""]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deck.cir"
        path.write_text("\n".join(deck))
        told = [
            subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=False).stdout for _ in range(repeats)
        ]
    seconds = [float(re.search(r"ransient(?: analysis)? time = (\S+)", text)[1]) for text in told]
    return statistics.median(seconds), float(re.search(r"out = (\S+)", told[0])[1])


def equal_parts_rows(repeats: int) -> list[tuple]:
    """What compiling many equal parts costs beside one."""
    rows = []
    for size in (1, 200):
        value = lambda c, size=size: transient(c, duration=1e-6, step=1e-8, keep=(f"n{size}",), every=100)[f"n{size}"][-1]
        compile_time, run, _ = timed(value, ladder(size), repeats=repeats)
        rows.append((f"{size} RC sections, 100 steps", "devsim trapezoidal", compile_time, run, ""))
    return rows


def mesh(modes: int) -> Circuit:
    """A rectangular mesh (Clements et al., Optica 3, 1460 (2016)) of single interferometers."""
    rng = np.random.default_rng(1)
    parts, nets = {}, {f"in{k}": [] for k in range(modes)}
    at = {k: f"in{k}" for k in range(modes)}
    for column in range(modes):
        for upper in range(column % 2, modes - 1, 2):
            name = f"m{column}_{upper}"
            parts[name] = MachZehnder(*rng.uniform(0, 2 * np.pi, 2))
            for k in (0, 1):
                nets[at[upper + k]].append(f"{name}.in{k}")
                at[upper + k] = f"{name}_{k}"
                nets[at[upper + k]] = [f"{name}.out{k}"]
    return Circuit(
        parts, nets, inputs={f"in{k}": f"in{k}" for k in range(modes)}, outputs={f"out{k}": at[k] for k in range(modes)}
    )


def mesh_rows(repeats: int, modes: int = 16) -> list[tuple]:
    """A mesh of modes (modes - 1) / 2 interferometers: value, and value with gradient for every phase."""
    start = time.process_time()
    circuit = mesh(modes)
    made = time.process_time() - start
    waves = {f"in{k}": jnp.asarray(1.0 + 0j if k == 0 else 0j) for k in range(modes)}
    power = lambda c: jnp.abs(operating_point(c, waves).outputs()["out3"]) ** 2
    what = f"mesh of {modes * (modes - 1) // 2} interferometers"
    rows = [(what, "make the circuit", made, 0.0, "")]
    for name, function in (("value", power), ("value and gradient", jax.value_and_grad(power))):
        compile_time, run, _ = timed(function, circuit, repeats=repeats)
        rows.append((what, name, compile_time, run, ""))
    return rows


def dies_rows(repeats: int) -> list[tuple]:
    """An interferometer that heats itself: one die, and 64 dies in one vectorised call."""
    page = Path(__file__).resolve().parents[1] / "examples" / "heated_interferometer.yaml"
    circuit = read_yaml(page).set("heater.resistance_spread", 0.05).set("split.coupling_spread", 0.02)
    drive = lambda key: operating_point(circuit.fabricate(key))["drive"]
    keys = jax.random.split(jax.random.key(0), 64)
    rows = [timed(drive, keys[0], repeats=repeats), timed(jax.vmap(drive), keys, repeats=repeats)]
    ratio = f"{rows[1][1] / rows[0][1]:.1f} x one"
    return [
        ("electro-optical loop", n, c, r, x) for n, (c, r, _), x in zip(("1 die", "64 dies"), rows, ("", ratio), strict=True)
    ]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    title = f"Steps in time (JAX {jax.__version__}, diffrax {diffrax.__version__}, {jax.default_backend()})"
    table = Table(title=title)
    for column in ("what", "by", "compile", "run", "result or difference"):
        table.add_column(column, justify="left" if column in ("what", "by") else "right")
    for rows in (explicit_rows, implicit_rows, equal_parts_rows, mesh_rows, dies_rows):
        for what, by, compile_time, run, result in rows(repeats):
            table.add_row(what, by, f"{compile_time:.2f} s", f"{1e3 * run:.1f} ms", result)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
