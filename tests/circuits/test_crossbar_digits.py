"""Random feedback on noisy crossbars: clearly above a trained readout and above linear regression."""

import jax
import pytest

from circuits.crossbar_digits import digits_on_crossbars


@pytest.mark.slow
def test_random_backpropagation_beats_a_trained_readout_and_linear_regression_on_digits():
    found = digits_on_crossbars(jax.random.key(44))
    # Of 599 tests two methods differ in about 30; by chance their counts would then differ by 5.5, 0.009 of all.
    for other in ("readout", "linear_regression"):
        assert found["digits_accuracy_rpb"] > found[f"digits_accuracy_{other}"] + 0.015, found
    assert found["digits_accuracy_backprop"] > found["digits_accuracy_readout"] + 0.015, found
