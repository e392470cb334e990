"""MOSFET cards of level 1 as plain data, their parameters carried from the deck's nominal temperature to 300 K."""

import math

from devsim.check import shown
from devsim.exchange.spice_controls import ZERO_CELSIUS
from devsim.exchange.spice_elements import PartSpec, Site
from devsim.physics import ROOM_TEMPERATURE, VACUUM_PERMITTIVITY, thermal_voltage

LAW = ("level", "vto", "vt0", "kp", "gamma", "phi", "lambda", "is", "uo", "u0", "tox", "ld", "rd", "rs", "tnom", "w", "l")
CHARGES = ("cgso", "cgdo", "cgbo", "cbd", "cbs", "pb", "mj", "fc")
LEFT_OUT = ("cj", "cjsw", "mjsw", "kf", "af")
INSTANCE = ("l", "w", "m", "temp", "dtemp", "ad", "as", "pd", "ps", "nrd", "nrs", "ic")
OXIDE = 3.9 * VACUUM_PERMITTIVITY
"""Permittivity of silicon dioxide, F/m."""


def mosfet(site: Site) -> list[PartSpec]:
    """The transistor, and the resistors of its drain and source where the model has them."""
    nets = dict(zip(("drain", "gate", "source", "bulk"), site.nodes(4), strict=True))
    words = site.extent(5, 1, "mname drain gate source bulk model [l=...] [w=...]")
    if not words:
        raise site.line.error("it must name a model: `mname drain gate source bulk model [l=...] [w=...]`.")
    given = site.arguments(INSTANCE)
    kind, law = site.scope.model(site.card, words[0])
    if kind not in ("nmos", "pmos"):
        raise site.line.error(f"the model `{shown(words[0])}` must be of kind `nmos` or `pmos`, but is `{shown(kind)}`.")
    _check_law(site, law, words[0])
    many, polarity = site.multiplier(given), kind[0]
    length = given.get("l", law.get("l", 1e-4)) - 2 * law.get("ld", 0.0)
    width = given.get("w", law.get("w", 1e-4))
    if length <= 0 or width <= 0:
        raise site.line.error(f"the width and the effective length must be above 0 m, but are {width:g} m and {length:g} m.")
    fields = {"width": width * many, "length": length, "polarity": polarity, "temperature": site.temperature(given)}
    fields |= _at_room(site, law, 1.0 if polarity == "n" else -1.0)
    fields |= {"minimum_conductance": site.settings.gmin} | _charges(law, many)
    fields["saturation_current"] *= many
    pins, extra = site.behind(nets, {"drain": law.get("rd", 0.0) / many, "source": law.get("rs", 0.0) / many})
    return [site.part("LevelOneMOSFET", fields, pins), *extra]


def _check_law(site: Site, law: dict[str, float], model: str) -> None:
    if law.get("level", 1) != 1:
        raise site.line.error(f"only transistors of level 1 are supported, but `{shown(model)}` has level {law['level']:g}.")
    site.known(law, LAW + CHARGES + LEFT_OUT, model)
    site.ignored(law, LEFT_OUT, "junction sidewalls, junctions per area and flicker noise are left out")
    if law.get("fc", 0.5) != 0.5:
        raise site.line.error("`fc` of a transistor must be 0.5.")
    if "tox" in law and law["tox"] <= 0:
        raise site.line.error("`tox` must be above 0 m.")
    site.ignored(law, ("tox",), "the charge of the channel is left out; the transconductance is taken from it")


def _at_room(site: Site, law: dict[str, float], sign: float) -> dict[str, float]:
    """The parameters that move with temperature, at 300 K: the laws of SPICE's MOS1, backwards."""
    nominal = law["tnom"] + ZERO_CELSIUS if "tnom" in law else site.settings.nominal
    phi, body = law.get("phi", 0.6), law.get("gamma", 0.0)
    if not (nominal > 0 and phi > 0 and body >= 0):
        raise site.line.error("`phi` must be above 0 V, `gamma` at least 0 and `tnom` above absolute zero.")
    ratio, room = nominal / ROOM_TEMPERATURE, ROOM_TEMPERATURE
    cold = (phi + 3 * thermal_voltage(nominal) * math.log(ratio) - _gap(nominal) + _gap(room) * ratio) / ratio
    if cold <= 0:
        raise site.line.error("`phi` and `tnom` do not fit: the surface potential at 300 K would not be above 0 V.")
    mobility = law.get("uo", law.get("u0", 600.0)) * 1e-4
    steepness = law.get("kp", mobility * OXIDE / law["tox"] if "tox" in law else 2e-5)
    threshold = law.get("vto", law.get("vt0", 0.0))
    moved = (sign * (_gap(room) - _gap(nominal)) + phi - cold) / 2
    power = _gap(nominal) / thermal_voltage(nominal) - _gap(room) / thermal_voltage(room)
    if abs(power) > 500:
        raise site.line.error("`tnom` is too far from room temperature.")
    return {
        "transconductance": steepness * ratio**1.5,
        "surface_potential": cold,
        "threshold": threshold - sign * (body * (math.sqrt(phi) - math.sqrt(cold)) + moved),
        "body_effect": body,
        "length_modulation": law.get("lambda", 0.0),
        "saturation_current": law.get("is", 1e-14) * math.exp(power),
    }


def _gap(temperature: float) -> float:
    """The gap of silicon in eV, with the constants of SPICE."""
    return 1.16 - 7.02e-4 * temperature**2 / (temperature + 1108)


def _charges(law: dict[str, float], many: float) -> dict[str, float]:
    return {
        "gate_source_overlap": law.get("cgso", 0.0),
        "gate_drain_overlap": law.get("cgdo", 0.0),
        "gate_bulk_overlap": law.get("cgbo", 0.0) * many,
        "drain_junction_capacitance": law.get("cbd", 0.0) * many,
        "source_junction_capacitance": law.get("cbs", 0.0) * many,
        "junction_potential": law.get("pb", 0.8),
        "junction_grading": law.get("mj", 0.5),
    }
