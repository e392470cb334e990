"""What arrays of delays refuse, in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.check import InputError
from devsim.devices.delay import DelayChains, ReducedDelays, TappedDelays
from devsim.devices.memristor.conduction import Sinh
from devsim.devices.memristor.linear import LinearCell
from tests.delay.composed import KEY, random_weights

SHORT = (
    r"`frequency` must be at least 1\.458e\+09 Hz for these lines, but is 3e\+08 Hz: one period is 3\.33 ns and the delay spans"
    r" 686 ps; take more stages, a larger load_capacitance or cells with a lower minimum_conductance\."
)
chains = lambda **knobs: DelayChains.of(2, 3, **knobs)
WORDS = {
    "lines too short": (lambda: chains(stages=1), SHORT),
    "a carrier too slow": (lambda: chains().set("frequency", 1e8), r"`frequency` must be at least 2\.916e\+08 Hz .* is 1e\+08"),
    "cells set too conductive": (
        lambda: chains().set("cell.minimum_conductance", 5e-5),
        r"`frequency` must be at least 2\.887e\+10 Hz .* the delay spans 34\.7 ps",
    ),
    "taps too far apart": (
        lambda: TappedDelays.of(2, 3, taps=2),
        r"`frequency` must be at least 7\.146e\+08 Hz .* one of 2 taps is 1\.67 ns .* take more taps or stages, or a larger",
    ),
    "taps too close": (
        lambda: TappedDelays.of(2, 3, taps=64, stages=20),
        r"`frequency` must be at most 5\.633e\+07 Hz .* 277 ps to 14 ns; take fewer taps or stages, or a smaller",
    ),
    "a delay beyond the lines": (
        lambda: chains().program_delays(np.array([[1e-9, 1e-9, 1e-9], [1e-9, 5e-9, 1e-9]]), KEY),
        r"`delays` must be at least 6\.93147e-11 s and at most 3\.50039e-09 s, but is 5e-09 s at index \(1, 1\)",
    ),
    "a delay below the lines": (lambda: chains().conductance_for(1e-11), r"`delays` must be at least .* but is 1e-11 s"),
    "delays of another shape": (
        lambda: chains().conductance_for(np.ones(2)),
        r"`delays` must be a number or have shape \(2, 3\)",
    ),
    "weights of another shape": (
        lambda: chains().program(random_weights(1, 3, 2), KEY),
        r"`target` must match the array's weights \(2, 3\), but has shape \(3, 2\)",
    ),
    "weights that are no numbers": (
        lambda: chains().program(np.full((2, 3), np.nan * 1j), KEY),
        "`target` must be finite, but 6 of 6 values are not",
    ),
    "a change of another shape": (lambda: chains().nudge(np.ones(3), KEY), "`delta` must match the array's weights"),
    "inputs of another number": (
        lambda: chains().read(np.ones(3), KEY),
        r"`inputs` must match the array's rows \(shape \(2,\)",
    ),
    "backwards": (lambda: chains().read_reverse(np.ones(3), KEY), r"one way, .* program a second array with `weights\(\)\.T`"),
    "a negative capacitance": (
        lambda: chains(load_capacitance=-1e-15),
        "`load_capacitance` must be above 0 F, but is -1e-15 F",
    ),
    "a capacitance for each link": (
        lambda: chains(load_capacitance=np.full((2, 3), 1e-15)),
        r"`load_capacitance` must be a number, but has shape \(2, 3\)",
    ),
    "gains of another shape": (
        lambda: chains(coupling_gain=np.ones(2)),
        r"`coupling_gain` must be a number or have shape \(2, 3\), but has shape \(2,\)",
    ),
    "offsets of another shape": (
        lambda: DelayChains(LinearCell.of((5, 2, 3)), jnp.ones((2, 3)), delay_offset=np.ones(2)),
        r"`delay_offset` must be a number or have shape \(2, 3\), but has shape \(2,\)",
    ),
    "no half rows": (lambda: DelayChains.of(2.5, 3), "`rows` must be a whole number of at least 1"),
    "one tap": (lambda: TappedDelays.of(2, 3, taps=1), "`taps` must be a whole number of at least 2, but is 1"),
    "no cell": (lambda: chains(cell=3), "`cell` must be a Cell, but is 3"),
    "flat cells": (lambda: chains(cell=LinearCell.of((2, 3))), r"`cell` must have the shape \(stages, rows, lines\)"),
    "cells for other links": (
        lambda: chains(cell=LinearCell.of((5, 2, 4))),
        r"`cell` must have shape \(stages, 2, 3\), but has shape \(5, 2, 4\)",
    ),
    "cells for other rows": (
        lambda: TappedDelays.of(2, 3, cell=LinearCell.of((1, 3, 15))),
        r"`cell` must have 2 rows, as the links, but has shape \(1, 3, 15\)",
    ),
    "cells that bend": (
        lambda: chains(cell=LinearCell.of((5, 2, 3), conduction=Sinh(1.0))),
        "`cell` must be ohmic, but conducts as Sinh",
    ),
    "uneven parts": (
        lambda: ReducedDelays(np.ones((2, 3)), np.ones((3, 2))),
        r"`imaginary` must have the shape \(2, 3\) of `real`, but has shape \(3, 2\)",
    ),
    "parts in a row": (
        lambda: ReducedDelays(np.ones(3), np.ones(3)),
        r"`real` must have rows and columns, but has shape \(3,\)",
    ),
}


def test_the_limit_that_an_error_names_is_itself_allowed():
    assert float(chains(frequency=2.916e8).frequency) == 2.916e8
    assert chains(stages=1, frequency=1.458e9).shape() == (2, 3)
    assert TappedDelays.of(2, 3, taps=2, frequency=7.146e8).taps() == 2
    assert TappedDelays.of(2, 3, taps=64, stages=20, frequency=5.633e7).taps() == 64


@pytest.mark.parametrize("name", WORDS)
def test_it_is_refused_in_words(name):
    wrong, words = WORDS[name]
    with pytest.raises(InputError, match=words):
        wrong()


def test_inside_a_transformation_nothing_is_looked_at():
    """A line too short is known before it is traced; one that is traced gives numbers, not an error of JAX."""
    array = chains()
    answer = jax.jit(lambda a, w, f: a.set("frequency", f * a.frequency).program(w, KEY).weights())
    assert np.all(np.isfinite(answer(array, random_weights(1, 2, 3), 0.1)))
    closed_over = jax.jit(lambda w: array.program(w, KEY).delays())
    assert np.all(np.isfinite(closed_over(random_weights(1, 2, 3))))
