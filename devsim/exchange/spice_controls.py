"""Dot cards of a SPICE deck: temperature and options, analyses, initial potentials."""

import dataclasses

from devsim.check import shown, suggest
from devsim.exchange.deck import SWEEPS, Analysis, NoiseAnalysis, OperatingPoint, SmallSignal, Transient
from devsim.exchange.spice_lines import Line
from devsim.exchange.spice_scope import Body, Card, Scope

ZERO_CELSIUS = 273.15
IGNORED = (".print", ".plot", ".probe", ".save", ".width", ".meas", ".measure", ".four", ".nodeset", ".title")
"""Cards that ask for output or help convergence; they change nothing here."""
NOT_MADE = (".dc", ".tf", ".sens", ".pz", ".disto", ".control")
"""Cards that ask for what is not computed here, `.control` with all of its script; the rest of the deck is read."""
STRUCTURE = (".end", ".ends", ".inc", ".include", ".lib", ".model", ".param", ".subckt")
"""Cards that the structure of a deck is made of; the others are `CONTROLS`."""
MOST_POINTS = 10_000_000


@dataclasses.dataclass
class Settings:
    """What the dot cards say.

    temperature, nominal: of the devices and of their models' parameters, K. gmin: in parallel with every junction, S.
    initial: net -> V. places: the line of every analysis and initial potential, for errors that are found later.
    """

    temperature: float = 27 + ZERO_CELSIUS
    nominal: float = 27 + ZERO_CELSIUS
    gmin: float = 1e-12
    analyses: list[Analysis] = dataclasses.field(default_factory=list)
    initial: dict[str, float] = dataclasses.field(default_factory=dict)
    shared: set[str] = dataclasses.field(default_factory=set)
    places: dict[str, Line] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)

    @property
    def transient(self) -> Transient | None:
        """The first transient, whose step and duration are the defaults of waveforms."""
        return next((each for each in self.analyses if isinstance(each, Transient)), None)

    def warn(self, line: Line, message: str) -> None:
        """Note what is left out."""
        self.warnings.append(str(line.error(message)))


def settings_of(body: Body, scope: Scope) -> Settings:
    """All dot cards of the deck; InputError for one that is unknown or wrong."""
    settings = Settings()
    for card in body.controls:
        name = card.words[0]
        if name in CONTROLS:
            CONTROLS[name](card, scope, settings)
        elif name in IGNORED:
            settings.warn(card.line, "the card is ignored")
        elif name in NOT_MADE:
            settings.warn(card.line, "ignored: this is not computed here; `.op`, `.tran`, `.ac` and `.noise` are")
        else:
            known = sorted((*CONTROLS, *STRUCTURE))
            raise card.line.error(f"`{shown(name)}` is not supported; known are {', '.join(known)}.{suggest(name[:40], known)}")
    return settings


def node(word: str) -> str:
    """The net of a node: `0` and `gnd` are ground."""
    return "gnd" if word in ("0", "gnd") else word


def _values(card: Card, scope: Scope, words, few: int, most: int, wanted: str) -> list[float]:
    if not few <= len(words) <= most:
        raise card.line.error(f"it must be `{wanted}`.")
    return [scope.value(card.line, word.strip("{}")) for word in words]


def _operating_point(card: Card, scope: Scope, settings: Settings) -> None:
    _values(card, scope, card.words[1:], 0, 0, ".op")
    settings.analyses.append(OperatingPoint())


def _transient(card: Card, scope: Scope, settings: Settings) -> None:
    words = [word for word in card.words[1:] if word != "uic"]
    step, stop, *rest = _values(card, scope, words, 2, 4, ".tran step stop [start [maximum step]] [uic]")
    start, longest = rest[0] if rest else 0.0, rest[1] if len(rest) > 1 else None
    if not (step > 0 and 0 <= start < stop and (longest is None or longest > 0)):
        raise card.line.error("the step must be above 0 s, and the start at least 0 s and before the stop.")
    if stop / step > MOST_POINTS:
        raise card.line.error(f"a transient must have at most {MOST_POINTS} points; take a longer step.")
    settings.analyses.append(Transient(stop, step, start, longest, "uic" in card.words))


def _sweep(card: Card, scope: Scope, words, form: str) -> tuple[str, int, float, float]:
    if not words or words[0] not in SWEEPS:
        raise card.line.error(f"it must be `{form}`.")
    points, start, stop = _values(card, scope, words[1:], 3, 3, form)
    if not 1 <= points <= MOST_POINTS:
        raise card.line.error(f"the number of points must be from 1 to {MOST_POINTS}.")
    if not 0 < start <= stop:
        raise card.line.error(f"the frequencies must be above 0 Hz and ascend, but go from {start:g} Hz to {stop:g} Hz.")
    return words[0], int(points), start, stop


def _small_signal(card: Card, scope: Scope, settings: Settings) -> None:
    settings.analyses.append(SmallSignal(*_sweep(card, scope, card.words[1:], ".ac dec|oct|lin points start stop")))


def _noise(card: Card, scope: Scope, settings: Settings) -> None:
    form = ".noise v(out[,reference]) source dec|oct|lin points start stop"
    nets, rest = _potential(card, card.words[1:], form)
    if len(nets) not in (1, 2) or len(rest) not in (5, 6):
        raise card.line.error(f"it must be `{form}`.")
    reference = node(nets[1]) if len(nets) == 2 else "gnd"
    found = NoiseAnalysis(
        node(nets[0]), None if reference == "gnd" else reference, rest[0], *_sweep(card, scope, rest[1:5], form)
    )
    if len(rest) == 6:
        settings.warn(card.line, "the number of points per summary is ignored")
    settings.analyses.append(found)
    settings.places[f"noise {len(settings.analyses) - 1}"] = card.line


def _potential(card: Card, words, form: str) -> tuple[list[str], list[str]]:
    """The nets in `v(a,b)` at the front of `words`, and what follows."""
    if len(words) < 4 or words[0] != "v" or words[1] != "(" or ")" not in words:
        raise card.line.error(f"it must be `{form}`.")
    end = words.index(")")
    return [word for word in words[2:end] if word != ","], list(words[end + 1 :])


def _initial(card: Card, scope: Scope, settings: Settings) -> None:
    form, words = ".ic v(net)=value ...", list(card.words[1:])
    if not words:
        raise card.line.error(f"it must be `{form}`.")
    while words:
        nets, rest = _potential(card, words, form)
        if len(nets) != 1 or len(rest) < 2 or rest[0] != "=":
            raise card.line.error(f"it must be `{form}`.")
        settings.initial[node(nets[0])] = scope.value(card.line, rest[1].strip("{}"))
        settings.places[f"initial {node(nets[0])}"] = card.line
        words = rest[2:]


def _kelvin(card: Card, celsius: float) -> float:
    if celsius <= -ZERO_CELSIUS:
        raise card.line.error(f"the temperature must be above {-ZERO_CELSIUS} degrees Celsius.")
    return celsius + ZERO_CELSIUS


def _temperature(card: Card, scope: Scope, settings: Settings) -> None:
    settings.temperature = _kelvin(card, _values(card, scope, card.words[1:], 1, 1, ".temp celsius")[0])


def _options(card: Card, scope: Scope, settings: Settings) -> None:
    words, ignored = list(card.words[1:]), []
    while words:
        name = words.pop(0)
        text = words[1] if len(words) > 1 and words[0] == "=" else None
        words = words[2:] if text is not None else words
        if name not in ("temp", "tnom", "gmin") or text is None:
            ignored.append(shown(name, 20))
            continue
        value = scope.value(card.line, text.strip("{}"))
        if name == "gmin":
            if value < 0:
                raise card.line.error("`gmin` must be at least 0 S.")
            settings.gmin = value
        elif name == "temp":
            settings.temperature = _kelvin(card, value)
        else:
            settings.nominal = _kelvin(card, value)
    if ignored:
        settings.warn(card.line, f"ignored: {', '.join(ignored[:8])}")


def _shared(card: Card, scope: Scope, settings: Settings) -> None:
    settings.shared |= set(card.words[1:])


CONTROLS = {
    ".ac": _small_signal,
    ".global": _shared,
    ".ic": _initial,
    ".noise": _noise,
    ".op": _operating_point,
    ".option": _options,
    ".options": _options,
    ".temp": _temperature,
    ".tran": _transient,
}
"""Card -> how it is read."""
