"""devsim: what will this chip do, compared with the ideal network it imitates?

Importing `devsim` is cheap: JAX and the rest are imported when a name is first used. What shares its name with its
module is imported from there: `from devsim.compare import compare`, `from devsim.parameter import parameter`.
Arrays are 64-bit unless the environment variable `JAX_ENABLE_X64` says otherwise. Import `devsim` before JAX computes: where
jaxlib needs more threads than there are cores, the environment variables `NPROC` and `OPENBLAS_NUM_THREADS` are set for it
(`devsim.threads`).
"""

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devsim.analyses.in_situ_gradient import in_situ_gradient as in_situ_gradient
    from devsim.analyses.monte_carlo import monte_carlo as monte_carlo
    from devsim.analyses.noise_spectrum import noise_spectrum as noise_spectrum
    from devsim.analyses.operating_point import operating_point as operating_point
    from devsim.analyses.phase_stability import phase_stability as phase_stability
    from devsim.analyses.scattering import scattering as scattering
    from devsim.analyses.small_signal import small_signal as small_signal
    from devsim.analyses.transient import transient as transient
    from devsim.budget import error_budget as error_budget
    from devsim.check import InputError as InputError
    from devsim.check import SolveError as SolveError
    from devsim.chip import Chip as Chip
    from devsim.circuit import Circuit as Circuit
    from devsim.exchange import read as read
    from devsim.exchange import read_spice as read_spice
    from devsim.exchange import read_yaml as read_yaml
    from devsim.exchange import write_spice as write_spice
    from devsim.exchange import write_yaml as write_yaml
    from devsim.part import Element as Element
    from devsim.part import Part as Part
    from devsim.part import aged as aged

if "JAX_ENABLE_X64" not in os.environ:
    os.environ["JAX_ENABLE_X64"] = "1"
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", True)

importlib.import_module("devsim.threads")  # before JAX begins

_HOMES = {
    "Chip": "chip",
    "Circuit": "circuit",
    "Element": "part",
    "InputError": "check",
    "Part": "part",
    "SolveError": "check",
    "aged": "part",
    "error_budget": "budget",
    "in_situ_gradient": "analyses.in_situ_gradient",
    "monte_carlo": "analyses.monte_carlo",
    "noise_spectrum": "analyses.noise_spectrum",
    "operating_point": "analyses.operating_point",
    "phase_stability": "analyses.phase_stability",
    "read": "exchange",
    "read_spice": "exchange",
    "read_yaml": "exchange",
    "scattering": "analyses.scattering",
    "small_signal": "analyses.small_signal",
    "transient": "analyses.transient",
    "write_spice": "exchange",
    "write_yaml": "exchange",
}
__all__ = [
    "Chip",
    "Circuit",
    "Element",
    "InputError",
    "Part",
    "SolveError",
    "aged",
    "error_budget",
    "in_situ_gradient",
    "monte_carlo",
    "noise_spectrum",
    "operating_point",
    "phase_stability",
    "read",
    "read_spice",
    "read_yaml",
    "scattering",
    "small_signal",
    "transient",
    "write_spice",
    "write_yaml",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module `devsim` has no attribute `{name}`")
    value = getattr(importlib.import_module(f"devsim.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
