"""How much memory is free for blocks of runs: of the machine, of the job's share of it, of an accelerator."""

from pathlib import Path

import jax


def free_memory() -> int | None:
    """Bytes that this process may still take; None where the system does not tell."""
    told = [found for found in (_of_machine(), _of_group(), _of_accelerator()) if found is not None]
    return min(told, default=None)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _of_group() -> int | None:
    """What a container or a batch queue leaves to this job (Linux control groups, version 2)."""
    folder = Path("/sys/fs/cgroup")
    try:
        return max(0, int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text()))
    except (OSError, ValueError):
        return None


def _of_accelerator() -> int | None:
    device = jax.devices()[0]
    if device.platform == "cpu":
        return None
    told = device.memory_stats() or {}
    return told["bytes_limit"] - told["bytes_in_use"] if {"bytes_limit", "bytes_in_use"} <= told.keys() else None
