"""Sweeps: a chip measured over the values of its knobs: `devsim.sweep.sweep(...)`."""

from devsim.sweep.study import sweep as sweep
