"""What the tests of delays share."""

import jax
import numpy as np

from devsim.devices.delay import DelayChains, TappedDelays

KEY = jax.random.key(21)
SIZE = 8
KINDS = (DelayChains, TappedDelays)


def random_weights(seed, rows=SIZE, columns=SIZE):
    """Complex normal weights."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, columns)) + 1j * rng.normal(size=(rows, columns))


def phase_between(found, wanted):
    """Angle (rad, in (-pi, pi]) by which weights are ahead of wanted ones."""
    return np.angle(np.asarray(found) * np.conj(wanted))
