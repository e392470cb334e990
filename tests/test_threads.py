"""Blocks of dies at a time end, whatever they factorise, and XLA's threads are asked for where there is need."""

import os
import subprocess
import sys
from importlib import metadata

import pytest

from devsim import threads

CLEARED = ("NPROC", "OPENBLAS_NUM_THREADS", "XLA_FLAGS")
FACTORISE = """
import devsim.engine
import jax, jax.numpy as jnp, numpy as np

def spectrum(shared, matrix):
    step = lambda _, matrix: jnp.roll(matrix, 1, 0) + 1e-6 * jnp.linalg.svd(matrix)[1]
    return jax.lax.fori_loop(0, 100, step, matrix).sum()

matrices = np.random.default_rng(0).normal(size=(64, 64, 64)).astype(complex)
found = devsim.engine.for_each(spectrum, None, matrices)
print(found.shape, np.isfinite(found).all())
"""


def told(code, **environment):
    """What `code` prints in a process of its own, which has at most two cores."""
    two = "import os; hasattr(os, 'sched_setaffinity') and os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])\n"
    clean = {name: value for name, value in os.environ.items() if name not in CLEARED} | environment
    done = subprocess.run([sys.executable, "-c", two + code], env=clean, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("version", "waits"),
    [
        ("0.7.2", False),
        ("0.9.2", False),
        ("0.10.0", True),
        ("0.10.2", True),
        ("0.11.1", True),
        ("0.11.2", False),
        ("1.0", False),
    ],
)
def test_the_versions_whose_threads_wait(version, waits):
    assert threads.waits_for_itself(version) is waits


def test_blocks_that_factorise_do_not_wait_for_each_other():
    assert told(FACTORISE) == "(64,) True"


def test_what_is_set_stays_as_it_is():
    assert told("import devsim, os; print(os.environ['NPROC'])", NPROC="3") == "3"


def test_where_jax_has_begun_blocks_run_one_after_the_other():
    begun = told("import jax; jax.numpy.zeros(1); import devsim.threads; print(devsim.threads.blocks())")
    first = told("import devsim.threads; print(devsim.threads.blocks() == devsim.threads.cores())")
    assert first == "True"
    if threads.waits_for_itself(metadata.version("jaxlib")):
        assert begun == "1"
