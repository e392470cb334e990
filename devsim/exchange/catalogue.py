"""Every class that a file may name: the parts of this package, their waveforms and what is inside of them."""

import importlib
import inspect
import pkgutil
from functools import cache

import devsim.devices
from devsim import check
from devsim.check import InputError, shown
from devsim.devices.memristor.encoding import Encoding
from devsim.devices.mesh.layout import Layout
from devsim.part import Element, Part


@cache
def classes() -> dict[str, type]:
    """Class name -> class, of all finished parts in `devsim.devices` and `devsim.waveform`."""
    names = [module.name for module in pkgutil.walk_packages(devsim.devices.__path__, "devsim.devices.")]
    found: dict[str, type] = {}
    for name in [*names, "devsim.waveform"]:
        for _, each in inspect.getmembers(importlib.import_module(name), inspect.isclass):
            ours = each.__module__.startswith("devsim.") and issubclass(each, Part | Encoding | Layout)
            if ours and not inspect.isabstract(each) and not each.__name__.startswith("_"):
                found[each.__name__] = each
    return found


def elements() -> dict[str, type[Element]]:
    """Class name -> class, of those that can stand in a circuit by themselves."""
    return {name: each for name, each in classes().items() if issubclass(each, Element)}


def class_named(name: object, known: dict[str, type]) -> type:
    """The class of that name; InputError with the nearest names where there is none."""
    if not isinstance(name, str) or name not in known:
        given = f"`{shown(name)}`" if isinstance(name, str) else check.described(name)
        raise InputError(f"`class` must name a class, but is {given}.{check.suggest(str(name)[:60], known)}")
    return known[name]
