"""Every bench that comes with devsim: what it declares, and that it predicts numbers with derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from devsim.fit.catalogue import MODELS, load

ROWS = 24
PULSES = {"pulse": jnp.where(jnp.arange(ROWS) < ROWS // 2, 1.0, -1.0)}
TRIANGLE = np.interp(np.linspace(0, 4, ROWS), [0, 1, 3, 4], [1e-3, 1, -1, 0])
WAVELENGTHS = jnp.linspace(1.53e-6, 1.57e-6, 400)
GATE = jnp.linspace(0.1, 1.2, ROWS)
INPUTS = {
    "voltage": jnp.linspace(0.1, 5.0, ROWS),
    "power": jnp.linspace(0.0, 0.06, ROWS),
    "time": jnp.logspace(0, 4, ROWS),
    "current": jnp.linspace(6e-5, 2e-4, ROWS),
    "distance": jnp.linspace(-0.05, 0.05, ROWS),
    "length": jnp.linspace(0.0, 0.02, ROWS),
    "input": jnp.linspace(-0.9, 0.9, ROWS),
    "code": jnp.linspace(-0.9, 0.9, ROWS),
    "wavelength": WAVELENGTHS,
    "drop": jnp.arange(400) % 2.0,
    "gate": GATE,
    "drain": jnp.full(ROWS, 0.6),
    "source": jnp.zeros(ROWS),
    "bulk": jnp.zeros(ROWS),
    "temperature": jnp.full(ROWS, 320.0),
    **PULSES,
}
SWEEPS = {"iv-vteam": 0.5, "iv-yakopcic": 0.45, "iv-stanford": 1.6, "iv-filament": 0.9}
"""Model -> volts that it is swept to."""


def inputs_of(bench):
    """Rows that suit a bench."""
    rows = {name: INPUTS[name] for name in bench.inputs}
    if bench.name in SWEEPS:
        rows = {"voltage": jnp.asarray(SWEEPS[bench.name] * TRIANGLE), "time": 1e-5 * jnp.arange(ROWS)}
    return rows


@pytest.mark.parametrize("name", MODELS)
def test_a_model_says_what_it_frees_and_where_to_search(name):
    kind = load(name)
    bench = kind()
    assert kind.name == name
    for path in bench.free:
        entry = bench.entry(path)
        assert entry.quantity.knob and np.shape(entry.value) == (), path
        bounds = entry.quantity.bounds
        assert path in bench.search or (bounds.low is not None and bounds.high is not None), path
    for path, search in bench.search.items():
        assert search.low < search.high and (search.low > 0 or not search.logarithmic), path


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "iv-filament" else n for n in MODELS])
def test_a_model_predicts_numbers_with_derivatives(name):
    """At the first point of its search, so that no knob rests on a bound."""
    bench = load(name)()
    inputs = inputs_of(bench)
    inside = {p: _inside(bench, p) for p in bench.free}

    def predict(values):
        moved = bench
        for path, value in values.items():
            moved = moved.set(path, value)
        return moved.predict(inputs)

    output = jax.jit(predict)(inside)
    assert output.shape == next(iter(inputs.values())).shape
    assert bool(jnp.all(jnp.isfinite(output)))
    slopes = jax.jit(jax.jacfwd(predict))(inside)
    for path, slope in slopes.items():
        assert bool(jnp.all(jnp.isfinite(slope))), path


def _inside(bench, path):
    entry = bench.entry(path)
    if path not in bench.search:
        return jnp.asarray(entry.value if 0 < entry.value < 1 else 0.3)
    search = bench.search[path]
    middle = np.sqrt(search.low * search.high) if search.logarithmic else 0.4 * search.low + 0.6 * search.high
    return jnp.asarray(float(middle))
