"""Most of a test is compilation: XLA is told to compile quickly rather than well, where its version knows how.

The workers fill the cores, so that OpenBLAS divides nothing among them once more.
"""

import os
import subprocess
import sys

SIMPLE = ("--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1")
UNOPTIMISED = ("--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true")
"""For all but the slow tests, some of which compute for minutes."""


def understood(flags: str) -> bool:
    """Whether this version of XLA knows all `flags`; it ends the process where it does not."""
    told = os.environ | {"XLA_FLAGS": flags}
    return (
        subprocess.run([sys.executable, "-c", "import jax; jax.numpy.zeros(1)"], env=told, capture_output=True).returncode == 0
    )


def pytest_configure(config):
    """Before any test imports JAX; workers inherit what the first process found out."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "XLA_FLAGS" in os.environ:
        return
    flags = " ".join(SIMPLE if config.option.markexpr == "slow" else SIMPLE + UNOPTIMISED)
    os.environ["XLA_FLAGS"] = flags if understood(flags) else ""
