"""`Fit`: what the data say about one device."""

import dataclasses
import functools
from typing import Any

import numpy as np

from devsim.fit.bench import Bench
from devsim.fit.rows import Rows
from devsim.parameter_file import Estimate, ParameterFile


@dataclasses.dataclass(frozen=True)
class Trace:
    """What was measured and what the fitted bench predicts: inputs name -> (rows,), the rest (rows,)."""

    inputs: dict[str, np.ndarray]
    measured: np.ndarray
    predicted: np.ndarray
    residual: np.ndarray


@dataclasses.dataclass(frozen=True)
class Fit:
    """The parameters of one device that make its bench predict the data best.

    template: the bench as it was given. device: what the data call it. parameters: path -> value with its interval of
    `confidence` (an end is None where the data do not determine it). errors: standard errors (p,), infinite where they do not.
    correlations: (p, p). degrees: of freedom. residual_rms: root of the mean of squared differences in `residual_unit`, of
    logarithms where the bench compares these. chi2: sum of squared weighted residuals. reached: how many of the `starts` ended
    in this minimum. samples: path -> draws from the posterior, where it was asked for. told: the versions it was made with.
    """

    template: Bench
    device: str
    parameters: dict[str, Estimate]
    errors: np.ndarray
    correlations: np.ndarray
    degrees: int
    residual_rms: float
    residual_unit: str
    chi2: float
    absolute: bool
    reached: int
    starts: int
    confidence: float
    loss: str
    warnings: tuple[str, ...]
    trace: Trace
    columns: tuple[str, str]
    data: dict[str, str | int]
    told: dict[str, Any]
    samples: dict[str, np.ndarray] | None = None

    @functools.cached_property
    def bench(self) -> Bench:
        """The bench with the fitted parameters."""
        bench = self.template
        for path, estimate in self.parameters.items():
            bench = bench.set(path, estimate.value)
        return bench

    @property
    def chi2_red(self) -> float:
        """Sum of squared weighted residuals for each degree of freedom: about 1 where `sigma` was right."""
        return self.chi2 / self.degrees

    @property
    def aic(self) -> float:
        """Akaike's criterion: chi2 + 2 p where `sigma` was given, else n ln(chi2 / n) + 2 p; the smaller the better."""
        n, p = len(self.trace.measured), len(self.parameters)
        return (self.chi2 if self.absolute else n * float(np.log(max(self.chi2, 1e-300) / n))) + 2 * p

    def parameter_file(self) -> ParameterFile:
        """What `run`, `sweep` and variants read; `.write(path)` writes it."""
        told = {"loss": self.loss, "confidence": self.confidence, "warnings": list(self.warnings), **self.told}
        data = {**self.data, "rows": len(self.trace.measured)}
        part = device_class(self.template)
        return ParameterFile(self.parameters, self.residual_rms, self.template.name, data, self.residual_unit, told, part=part)

    def __str__(self) -> str:
        from devsim.fit.words import fit_text

        return fit_text(self)


def device_class(bench: Bench) -> str | None:
    """The class of the device on a bench."""
    device = getattr(bench, "device", None)
    return None if device is None else type(device).__name__


def trace_of(rows: Rows, device: int, predicted: np.ndarray, residual: np.ndarray) -> Trace:
    """The rows of one device that were measured."""
    there = rows.weight[device] > 0
    inputs = {name: column[device][there] for name, column in rows.inputs.items()}
    return Trace(inputs, rows.output[device][there], np.asarray(predicted[device], float)[there], residual[device][there])
