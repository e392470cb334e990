"""Writing: what open loop leaves, what write-verify reaches, and what it costs."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.memristor.pulse import PulseCell
from devsim.devices.memristor.pulse_steps import LinearStep
from devsim.devices.memristor.reram import WanReRAM
from devsim.devices.memristor.writing import OpenLoop, WriteVerify, write

KEY = jax.random.key(3)
SHAPE = (8, 16)
TARGET = jnp.linspace(35e-6, 85e-6, 128).reshape(SHAPE)
VERIFY = WriteVerify(1e-6, budget=150, longest=20)


@pytest.fixture(scope="module")
def die():
    """Cells with 20 % spread of the step: one step is 0.4 uS."""
    cell = PulseCell(SHAPE, LinearStep(0.3, 0.4), step=0.01, step_spread=0.2, cycle_noise=0.3, most_pulses=200)
    return cell.fabricate(KEY)


def test_write_verify_reaches_what_open_loop_does_not(die):
    blind, checked = write(die, TARGET, KEY).report, write(die, TARGET, KEY, writer=VERIFY).report
    assert blind.rms() > 1e-6
    assert jnp.all(jnp.abs(checked.residual) <= 1e-6)
    assert jnp.all(checked.verified) and checked.share_within() == 1
    assert jnp.max(checked.pulses) <= 150


def test_an_open_loop_is_one_program(die):
    done = write(die, TARGET, KEY, writer=OpenLoop())
    np.testing.assert_array_equal(done.cell.conductance(), die.program(TARGET, KEY).conductance())
    np.testing.assert_array_equal(done.report.pulses, jnp.abs(die.pulses_towards(TARGET)))
    np.testing.assert_allclose(done.report.residual, done.cell.conductance() - TARGET, atol=1e-20)


@pytest.mark.parametrize("budget", [1, 30])
def test_the_budget_is_never_exceeded(die, budget):
    report = write(die, TARGET, KEY, writer=WriteVerify(0.01e-6, budget=budget, longest=4)).report
    assert jnp.max(report.pulses) == budget
    assert not jnp.all(report.verified)


def test_a_cell_within_tolerance_is_left_alone(die):
    near = jnp.where(jnp.arange(16) < 8, die.conductance(), TARGET)
    done = write(die, near, KEY, writer=VERIFY)
    np.testing.assert_array_equal(done.report.pulses[:, :8], 0)
    np.testing.assert_array_equal(done.cell.hidden[:, :8], die.hidden[:, :8])


def test_stuck_cells_use_up_their_budget_and_are_reported(die):
    broken = die.set("stuck_probability", 0.2)
    report = write(broken, TARGET, KEY, writer=VERIFY).report
    off = broken.stuck() & (jnp.abs(broken.conductance() - TARGET) > 1e-6)
    assert jnp.all(report.pulses[off] == 150)
    np.testing.assert_array_equal(report.verified, ~off)


def test_noisy_reads_mislead_and_averaging_helps(die):
    """With 2 % read noise the last read is within tolerance more often than the cell is; 16 reads mend most of it."""
    noisy = die.set("read_noise", 0.02)
    once = write(noisy, TARGET, KEY, writer=VERIFY).report
    often = write(noisy, TARGET, KEY, writer=WriteVerify(1e-6, budget=150, longest=20, reads=16)).report
    assert jnp.mean(once.verified) > once.share_within()
    assert often.rms() < once.rms()


def test_statistical_cells_are_written_again_until_they_fit():
    cell = WanReRAM.preset("wan-2022", SHAPE)
    blind = write(cell, 20e-6, KEY).report
    done = write(cell, 20e-6, KEY, writer=WriteVerify(1e-6, budget=40))
    assert blind.rms() > 1e-6 and jnp.all(blind.pulses == 1)
    assert jnp.all(jnp.abs(done.report.residual) <= 1e-6)
    assert jnp.min(done.report.pulses) == 1 and jnp.max(done.report.pulses) <= 40
    first = write(cell, 20e-6, KEY, writer=WriteVerify(1e-6, budget=1))
    good = first.report.verified
    np.testing.assert_array_equal(done.cell.conductance()[good], first.cell.conductance()[good])


def test_targets_beyond_the_range_are_cut(die):
    report = write(die, 1.0, KEY, writer=VERIFY).report
    np.testing.assert_allclose(report.residual, die.conductance_of(1.0) - 100e-6, atol=60e-6)


def test_a_batch_of_dies_equals_a_loop():
    cell = PulseCell((4,), LinearStep(0.3, 0.4), step=0.02, step_spread=0.2, cycle_noise=0.3, most_pulses=16)
    writer = WriteVerify(2e-6, budget=30, longest=10)

    def residual(key):
        return write(cell.fabricate(key), 80e-6, key, writer=writer).report.residual

    keys = jax.random.split(KEY, 3)
    np.testing.assert_allclose(jax.vmap(residual)(keys), jnp.stack([residual(k) for k in keys]), rtol=1e-9, atol=1e-16)


def test_tolerances_and_gains_compile_once(die):
    traces = []

    @eqx.filter_jit
    def run(cell, writer):
        traces.append(1)
        return write(cell, TARGET, KEY, writer=writer).report.pulses.sum()

    sums = [run(die, VERIFY.set("tolerance", t).set("gain", g)) for t, g in ((1e-6, 1.0), (4e-6, 1.0), (1e-6, 0.5))]
    assert len(traces) == 1 and len({int(s) for s in sums}) == 3


def test_a_report_prints_itself(die):
    text = str(write(die, TARGET, KEY, writer=VERIFY).report)
    assert text.startswith("write-verify: 128 cells, residual 0.")
    assert text.endswith("100.0 % within 1 uS (100.0 % by their last read)")
    assert str(write(die, TARGET, KEY).report).startswith("open loop: 128 cells, residual")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda die: write(die, jnp.ones(3), KEY),
            r"`target` must match the array of cells \(shape \(8, 16\)\), but has shape \(3,\)",
        ),
        (lambda die: write(die, jnp.inf, KEY), r"`target` must be finite, but 1 of 1 values are not"),
        (lambda die: WriteVerify(0.0), r"`tolerance` must be above 0 S, but is 0 S"),
        (lambda die: WriteVerify(1e-6, gain=-1.0), r"`gain` must be above 0, but is -1"),
        (lambda die: WriteVerify(1e-6, budget=0), r"`budget` must be a whole number of at least 1, but is 0"),
        (lambda die: WriteVerify(1e-6, longest=2.5), r"`longest` must be a whole number of at least 1, but is 2.5"),
    ],
)
def test_bad_input_is_named(die, make, words):
    with pytest.raises(InputError, match=words):
        make(die)
