"""Brian2 with its pure Python code, which runs everywhere that it installs."""

import importlib.abc
import importlib.machinery
import sys

import pytest


class WithoutMethod(importlib.machinery.SourceFileLoader):
    """Brian2 2.9, the last for Python 3.11, names `ndarray.ptp`, which NumPy 2.4 no longer has; `numpy.ptp` does the same."""

    def get_data(self, path):
        data = super().get_data(path)
        return data.replace(b"(np.ndarray.ptp)", b"(np.ptp)") if path.endswith(".py") else data

    def path_stats(self, path):
        raise OSError("the compiled file is of the source as it was")


class Units(importlib.abc.MetaPathFinder):
    """Loads the one module of Brian2 that needs it with `WithoutMethod`."""

    def find_spec(self, name, path, target=None):
        if name != "brian2.units.fundamentalunits":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = WithoutMethod(name, spec.origin)
        return spec


sys.meta_path.insert(0, Units())
brian2 = pytest.importorskip("brian2", reason="Brian2 is not installed")
brian2.prefs.codegen.target = "numpy"
brian2.BrianLogger.suppress_hierarchy("brian2")
