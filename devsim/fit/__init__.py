"""Fits: measured data become parameters with uncertainties: `devsim.fit.fit(...)`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devsim.fit.fitting import fit as fit

__all__ = ["fit"]


def __getattr__(name: str) -> Any:
    """Import `fit` when it is first used, so that naming a model stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module `devsim.fit` has no attribute `{name}`")
    from devsim.fit.fitting import fit

    return fit
