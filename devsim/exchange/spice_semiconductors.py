"""Diode cards of a SPICE deck as plain data."""

import math
from collections.abc import Callable

from devsim.exchange.spice_controls import ZERO_CELSIUS
from devsim.exchange.spice_elements import PartSpec, Site
from devsim.exchange.spice_transistors import mosfet
from devsim.exchange.text import shown
from devsim.physics import thermal_voltage

DIODE_DYNAMICS = ("cjo", "cj0", "vj", "m", "tt", "fc", "kf", "af", "cjp", "cjsw", "php", "mjsw", "bv", "ibv", "nbv")
DIODE_LAW = ("level", "is", "n", "rs", "eg", "xti", "tnom")


def _diode(site: Site) -> list[PartSpec]:
    anode, cathode = site.nodes(2)
    words = site.extent(3, 2, "dname anode cathode model [area]")
    if not words:
        raise site.line.error("it must name a model: `dname anode cathode model [area]`.")
    given = site.arguments(("area", "m", "temp", "dtemp", "ic", "pj"))
    kind, law = site.scope.model(site.card, words[0])
    if kind != "d":
        raise site.line.error(f"the model `{shown(words[0])}` must be of kind `d`, but is `{shown(kind)}`.")
    site.known(law, DIODE_LAW + DIODE_DYNAMICS, words[0])
    site.ignored(law, ("cjo", "cj0", "tt", "kf", "cjp", "cjsw"), "a diode is static here, without charge and flicker noise")
    site.ignored(law, ("bv",), "a diode has no breakdown here")
    if law.get("level", 1) not in (1, 3):
        raise site.line.error("only diodes of level 1 are supported.")
    area = (site.value(words[1]) if len(words) > 1 else given.get("area", 1.0)) * site.multiplier(given)
    temperature, ideality = site.temperature(given), law.get("n", 1.0)
    if area <= 0 or ideality <= 0:
        raise site.line.error("the area and the emission coefficient `n` of a diode must be above 0.")
    fields = {
        "saturation_current": _warmed(site, law, temperature, ideality) * area,
        "ideality": ideality,
        "minimum_conductance": site.settings.gmin,
        "temperature": temperature,
    }
    pins, extra = site.behind({"anode": anode, "cathode": cathode}, {"anode": law.get("rs", 0.0) / area})
    return [site.part("Diode", fields, pins), *extra]


def _warmed(site: Site, law: dict[str, float], temperature: float, ideality: float) -> float:
    """The saturation current at `temperature`: IS (T/Tn)^(XTI/N) exp((T/Tn - 1) EG / (N kT/q)), ngspice's diode."""
    ratio = temperature / (law["tnom"] + ZERO_CELSIUS if "tnom" in law else site.settings.nominal)
    if ratio <= 0:
        raise site.line.error("`tnom` must be above absolute zero.")
    power = (ratio - 1) * law.get("eg", 1.11) / thermal_voltage(temperature) + law.get("xti", 3.0) * math.log(ratio)
    if power / ideality > 500:
        raise site.line.error("`eg` and `xti` must not raise the saturation current by more than e^500.")
    return law.get("is", 1e-14) * math.exp(power / ideality)


SEMICONDUCTORS: dict[str, Callable[[Site], list[PartSpec]]] = {"d": _diode, "m": mosfet}
"""First letter of an element -> how its card is read."""
