"""How long do fits of a population take, and what would optimistix's Levenberg-Marquardt take in the same place?

64 devices x 8 starts, 4 parameters, 131 points: a decay with offset and slope. Both are vmapped over devices and starts and
compiled first. `python benchmarks/fits.py`
"""

import time
from unittest import mock

import jax
import numpy as np
import optimistix

import devsim  # noqa: F401  (64-bit arrays)
from devsim.fit import fit, least_squares
from tests.fit.benches import Capacitor, Decay

DEVICES, STARTS, POINTS, REPEATS = 64, 8, 131, 5
FREE = ("device.amplitude", "device.rate", "offset", "slope")


def simulated() -> dict[str, np.ndarray]:
    """Noisy decays of unlike devices."""
    rng = np.random.default_rng(0)
    t = np.linspace(0, 5, POINTS)
    amplitude, rate = 2 + 0.1 * rng.normal(size=DEVICES), 0.8 * np.exp(0.2 * rng.normal(size=DEVICES))
    v = amplitude[:, None] * np.exp(-rate[:, None] * t) + 0.1 + 0.02 * t + 0.03 * rng.normal(size=(DEVICES, POINTS))
    return {"t": np.broadcast_to(t, v.shape), "v": v, "device": np.broadcast_to(np.arange(DEVICES)[:, None], v.shape)}


def by_optimistix(residual, start):
    """What `devsim.fit.marquardt.minimum` does, by optimistix."""
    solver = optimistix.LevenbergMarquardt(rtol=1e-8, atol=1e-8)
    found = optimistix.least_squares(lambda z, _: residual(z), solver, start, max_steps=100, throw=False)
    return found.value, jax.numpy.sum(residual(found.value) ** 2) / 2, found.result == optimistix.RESULTS.successful


def timed(minimum, lanes: int) -> tuple[float, float, float]:
    """Seconds with compilation, without it, and of the search alone."""
    inner: list[float] = []
    search = least_squares.for_each

    def watched(*arguments, **options):
        begun = time.perf_counter()
        found = search(*arguments, **options)
        inner.append(time.perf_counter() - begun)
        return found

    times = []
    with mock.patch.multiple(least_squares, minimum=minimum, for_each=watched, LANES=lanes):
        jax.clear_caches()
        for _ in range(1 + REPEATS):
            begun = time.perf_counter()
            fit(Decay(Capacitor()), simulated(), x="t", y="v", by="device", free=FREE, starts=STARTS - 1, key=jax.random.key(0))
            times.append(time.perf_counter() - begun)
    return times[0], min(times[1:]), min(inner[1:])


if __name__ == "__main__":
    everything = DEVICES * STARTS
    cases = {
        "ours, in threads": (least_squares.minimum, least_squares.LANES),
        "ours, one thread": (least_squares.minimum, everything),
        "optimistix, one thread": (by_optimistix, everything),
    }
    for name, (minimum, lanes) in cases.items():
        first, again, search = timed(minimum, lanes)
        print(f"{name}: with compilation {first:.1f} s, again {1e3 * again:.0f} ms, of which the search {1e3 * search:.0f} ms")
