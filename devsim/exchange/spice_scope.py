"""The structure of a deck: subcircuits, models and parameters, and what a name means at each place."""

import dataclasses
import graphlib
from collections import ChainMap
from collections.abc import Mapping

from devsim.check import InputError, shown, suggest
from devsim.exchange import expression
from devsim.exchange.spice_lines import Line

DEEPEST = 16
"""How deep subcircuits may be defined in, or made of, each other."""


@dataclasses.dataclass(frozen=True)
class Card:
    """One line and its words."""

    line: Line
    words: tuple[str, ...]


@dataclasses.dataclass(eq=False)
class Body:
    """What stands between `.subckt` and `.ends`, or in the deck itself."""

    line: Line | None = None
    name: str = ""
    ports: tuple[str, ...] = ()
    defaults: dict[str, tuple[Line, str]] = dataclasses.field(default_factory=dict)
    parameters: dict[str, tuple[Line, str]] = dataclasses.field(default_factory=dict)
    models: dict[str, Card] = dataclasses.field(default_factory=dict)
    bodies: dict[str, "Body"] = dataclasses.field(default_factory=dict)
    elements: list[Card] = dataclasses.field(default_factory=list)
    controls: list[Card] = dataclasses.field(default_factory=list)


def structured(lines: list[Line]) -> Body:
    """The deck as nested bodies; InputError for definitions that are not closed, doubled or nested too deep."""
    stack, script = [Body()], None
    for line in lines:
        card = Card(line, (line.text.split()[0],) if script else tuple(line.words()))
        kind, inner = card.words[0], stack[-1]
        if script:
            script = None if kind == ".endc" else script
            continue
        if kind == ".endc":
            raise line.error("`.endc` must follow a `.control`.")
        script = line if kind == ".control" else None
        if kind == ".subckt":
            if len(stack) > DEEPEST:
                raise line.error(f"subcircuits must be defined at most {DEEPEST} deep.")
            stack.append(_opened(card))
        elif kind == ".ends":
            _close(card, stack)
        elif kind == ".param":
            _, assigned = assignments(card, 1)
            inner.parameters |= {name: (line, value) for name, value in assigned.items()}
        elif kind == ".model":
            _add(inner.models, card, card, "model")
        elif kind.startswith("."):
            _only_outside(card, stack)
            inner.controls.append(card)
        else:
            inner.elements.append(card)
    if script:
        raise script.error("a `.control` must be closed by `.endc`.")
    if len(stack) > 1:
        raise _line(stack[-1]).error("a subcircuit must be closed by `.ends`.")
    return stack[0]


def assignments(card: Card, start: int) -> tuple[list[str], dict[str, str]]:
    """The words from `start` on: those in front of the first `name =`, and name -> expression."""
    words = list(card.words[start:])
    marks = [at for at, word in enumerate(words) if word == "="]
    if not marks:
        return words, {}
    found: dict[str, str] = {}
    for mark, following in zip(marks, [*marks[1:], len(words) + 1], strict=True):
        name, value = words[mark - 1] if mark else "", words[mark + 1 : following - 1]
        value = value[:-1] if value[-1:] == [","] else value
        if not name or name in "=(),":
            raise card.line.error("a `=` must follow a name.")
        if not value:
            raise card.line.error(f"`{shown(name)}` must be given a value.")
        if name in found:
            raise card.line.error(f"`{shown(name)}` must be given once.")
        found[name] = joined(value)
    return words[: marks[0] - 1], found


def joined(words: list[str]) -> str:
    """Words as one expression, braces as brackets."""
    return " ".join(word.replace("{", "(").replace("}", ")") for word in words)


class Scope:
    """What names mean in one instance of a body: its parameters, then those of the body it was defined in.

    path: the prefix of its parts' and nets' names, `x1.x2.`; empty in the deck itself. nets: formal -> actual net.
    """

    def __init__(
        self, body: Body, parent: "Scope | None" = None, *, path: str = "", nets: Mapping[str, str] | None = None, given=None
    ):
        self.body, self.parent, self.path, self.nets = body, parent, path, dict(nets or {})
        outer = parent.values if parent else ChainMap()
        self.values = outer.new_child(dict(given or {}))
        defined = {n: v for n, v in (body.defaults | body.parameters).items() if n not in self.values.maps[0]}
        _resolve(defined, self.values)

    def value(self, line: Line, text: str) -> float:
        """The value of an expression here; its errors name the line."""
        return _evaluated(line, text, self.values)

    def body_named(self, card: Card, name: str) -> tuple[Body, "Scope"]:
        """The subcircuit of that name and the scope it was defined in."""
        return self._found(card, name, lambda body: body.bodies, "subcircuit")

    def model(self, card: Card, name: str) -> tuple[str, dict[str, float]]:
        """The kind of the model of that name, and its parameters."""
        model, scope = self._found(card, name, lambda body: body.models, "model")
        words = tuple(word for word in model.words if word not in ("(", ")", ","))
        if len(words) < 3 or words[2] == "=":
            raise model.line.error("a model must have a name and a kind: `.model name d(is=1e-14)`.")
        loose, assigned = assignments(Card(model.line, words), 3)
        if loose:
            raise model.line.error(f"a model's parameters must be written `name=value`, but it has `{shown(loose[0])}`.")
        return words[2], {name: scope.value(model.line, text) for name, text in assigned.items()}

    def _found(self, card: Card, name: str, table, what: str):
        scope, known = self, []
        while scope is not None:
            if name in table(scope.body):
                return table(scope.body)[name], scope
            known += list(table(scope.body))
            scope = scope.parent
        raise card.line.error(f"there is no {what} `{shown(name)}`.{suggest(name[:40], known)}")


def _resolve(defined: dict[str, tuple[Line, str]], values: ChainMap) -> None:
    """Evaluate parameters in the order in which they need each other."""
    needed = {name: _guarded(line, expression.variables, text) & defined.keys() for name, (line, text) in defined.items()}
    try:
        order = list(graphlib.TopologicalSorter(needed).static_order())
    except graphlib.CycleError as error:
        name = error.args[1][0]
        raise defined[name][0].error(f"the parameter `{shown(name)}` must not depend on itself.") from None
    for name in order:
        line, text = defined[name]
        values[name] = _evaluated(line, text, values)


def _evaluated(line: Line, text: str, values: Mapping[str, float]) -> float:
    return _guarded(line, expression.evaluate, text, values)


def _guarded(line: Line, function, *arguments):
    try:
        return function(*arguments)
    except InputError as error:
        raise line.error(f"{error}") from None


def _opened(card: Card) -> Body:
    words = tuple(word for word in card.words if word not in ("params:", "(", ")"))
    loose, assigned = assignments(Card(card.line, words), 1)
    if not loose:
        raise card.line.error("a subcircuit must have a name: `.subckt name node ...`.")
    ports = tuple(loose[1:])
    if len(set(ports)) != len(ports):
        raise card.line.error("the nodes of a subcircuit must differ.")
    if any(port in ("0", "gnd") for port in ports):
        raise card.line.error("ground is known everywhere and must not be a node of a subcircuit.")
    return Body(card.line, loose[0], ports, {name: (card.line, text) for name, text in assigned.items()})


def _close(card: Card, stack: list[Body]) -> None:
    if len(stack) == 1:
        raise card.line.error("`.ends` must follow a `.subckt`.")
    body = stack.pop()
    if len(card.words) > 1 and card.words[1] != body.name:
        raise card.line.error(f"`.ends` must close the subcircuit `{shown(body.name)}`.")
    if body.name in stack[-1].bodies:
        raise card.line.error(f"the subcircuit `{shown(body.name)}` must be defined once.")
    stack[-1].bodies[body.name] = body


def _add(table: dict[str, Card], key: Card, card: Card, what: str) -> None:
    if len(key.words) < 2:
        raise card.line.error(f"a {what} must have a name.")
    if key.words[1] in table:
        raise card.line.error(f"the {what} `{shown(key.words[1])}` must be defined once.")
    table[key.words[1]] = card


def _only_outside(card: Card, stack: list[Body]) -> None:
    if len(stack) > 1:
        raise card.line.error(f"`{shown(card.words[0])}` must stand outside of subcircuits.")


def _line(body: Body) -> Line:
    assert body.line is not None
    return body.line
