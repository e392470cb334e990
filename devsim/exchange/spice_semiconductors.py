"""Diode cards of a SPICE deck as plain data."""

import math
from collections.abc import Callable

from devsim.check import shown
from devsim.devices.electrical.silicon import bandgap
from devsim.exchange.spice_controls import ZERO_CELSIUS
from devsim.exchange.spice_elements import PartSpec, Site
from devsim.exchange.spice_transistors import mosfet
from devsim.physics import thermal_voltage

DIODE_CHARGE = ("cjo", "cj0", "vj", "m", "fc", "tt")
DIODE_LEFT_OUT = ("kf", "af", "cjp", "cjsw", "php", "mjsw", "bv", "ibv", "nbv")
DIODE_LAW = ("level", "is", "n", "rs", "eg", "xti", "tnom")
REFERENCE = 27 + ZERO_CELSIUS
"""K: where SPICE's laws of temperature begin."""


def _diode(site: Site) -> list[PartSpec]:
    anode, cathode = site.nodes(2)
    words = site.extent(3, 2, "dname anode cathode model [area]")
    if not words:
        raise site.line.error("it must name a model: `dname anode cathode model [area]`.")
    given = site.arguments(("area", "m", "temp", "dtemp", "ic", "pj"))
    kind, law = site.scope.model(site.card, words[0])
    if kind != "d":
        raise site.line.error(f"the model `{shown(words[0])}` must be of kind `d`, but is `{shown(kind)}`.")
    site.known(law, DIODE_LAW + DIODE_CHARGE + DIODE_LEFT_OUT, words[0])
    site.ignored(law, ("kf", "cjp", "cjsw"), "a diode has no sidewalls and no flicker noise here")
    site.ignored(law, ("bv",), "breakdown is not simulated, the diode blocks at any reverse voltage")
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
    fields |= _charge(site, law, temperature, area)
    pins, extra = site.behind({"anode": anode, "cathode": cathode}, {"anode": law.get("rs", 0.0) / area})
    return [site.part("Diode", fields, pins), *extra]


def _charge(site: Site, law: dict[str, float], temperature: float, area: float) -> dict[str, float]:
    """The fields of the charge at `temperature`: VJ moves with the intrinsic density, CJO with VJ and by 400 ppm/K."""
    capacitance = law.get("cjo", law.get("cj0", 0.0))
    potential, grading, nominal = law.get("vj", 1.0), law.get("m", 0.5), _nominal(site, law)
    if capacitance and temperature != nominal:
        there, reference = (_potential_between(potential, nominal, other) for other in (temperature, REFERENCE))
        share = lambda at, phi: 1 + grading * (4e-4 * (at - REFERENCE) - (phi / reference - 1))
        if min(there, reference) <= 0 or min(share(nominal, potential), share(temperature, there)) <= 0:
            raise site.line.error("`vj` must fit the temperature: the junction would have no potential or capacitance left.")
        capacitance *= share(temperature, there) / share(nominal, potential)
        potential = there
    return {
        "junction_capacitance": capacitance * area,
        "built_in_potential": potential,
        "grading": grading,
        "depletion_factor": law.get("fc", 0.5),
        "transit_time": law.get("tt", 0.0),
    }


def _potential_between(potential: float, nominal: float, other: float) -> float:
    """The built-in potential (V) at `other` K that is `potential` at `nominal` K: phi/T + 2k/q ln(n_i) stays."""
    bend = lambda kelvin: 3 * math.log(kelvin) - bandgap(kelvin) / thermal_voltage(kelvin)
    return other / nominal * potential - thermal_voltage(other) * (bend(other) - bend(nominal))


def _nominal(site: Site, law: dict[str, float]) -> float:
    """The temperature (K) at which the model's parameters hold."""
    nominal = law["tnom"] + ZERO_CELSIUS if "tnom" in law else site.settings.nominal
    if nominal <= 0:
        raise site.line.error("`tnom` must be above absolute zero.")
    return nominal


def _warmed(site: Site, law: dict[str, float], temperature: float, ideality: float) -> float:
    """The saturation current at `temperature`: IS (T/Tn)^(XTI/N) exp((T/Tn - 1) EG / (N kT/q)), ngspice's diode."""
    ratio = temperature / _nominal(site, law)
    power = (ratio - 1) * law.get("eg", 1.11) / thermal_voltage(temperature) + law.get("xti", 3.0) * math.log(ratio)
    if power / ideality > 500:
        raise site.line.error("`eg` and `xti` must not raise the saturation current by more than e^500.")
    return law.get("is", 1e-14) * math.exp(power / ideality)


SEMICONDUCTORS: dict[str, Callable[[Site], list[PartSpec]]] = {"d": _diode, "m": mosfet}
"""First letter of an element -> how its card is read."""
