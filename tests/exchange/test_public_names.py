"""The public names of `devsim.exchange`: all there, none imported before it is used."""

import inspect
import subprocess
import sys

import pytest

from devsim import exchange


def test_every_public_name_is_there():
    assert {"read_touchstone", "read_lumerical", "from_sax", "from_sax_netlist", "to_sax"} <= set(exchange.__all__)
    assert set(exchange.__all__) <= set(dir(exchange))
    for name in exchange.__all__:
        assert inspect.getdoc(getattr(exchange, name)), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module `devsim.exchange` has no attribute `read_vhdl`"):
        exchange.read_vhdl  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    check = "import sys, devsim.exchange; print(sorted({'jax', 'numpy', 'yaml', 'skrf', 'sax'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "[]"
