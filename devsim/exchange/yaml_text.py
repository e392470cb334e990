"""YAML as plain data: mappings, lists and scalars, nothing else, within limits."""

import re
from typing import Any

import yaml

from devsim.check import InputError, described
from devsim.exchange.text import shown

LARGEST, DEEPEST, MOST_NODES = 2_000_000, 24, 1_000_000
"""Characters, levels, and values of one file."""

_NUMBER = re.compile(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,4})?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None, ".inf": float("inf"), "-.inf": float("-inf")}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(str):
    """One scalar as it is written; `quoted` where it stands in quotation marks and is therefore text."""

    quoted: bool = False

    def plain(self) -> Any:
        """What it means: a number, true, false, nothing, or text."""
        if self.quoted:
            return str(self)
        if _NUMBER.fullmatch(self):
            return float(self) if any(c in self for c in ".eE") else int(self)
        return _WORDS.get(self.lower(), str(self))


def yaml_data(text: str) -> Any:
    """Mappings with text for keys, lists, and `Scalar`s.

    Raises InputError, naming the line, for what is no YAML, a key that stands twice, anchors, aliases and tags (nothing
    may be repeated by reference or made into an object), more than one document, and more than the limits allow.
    """
    if len(text) > LARGEST:
        raise InputError(f"A netlist must have at most {LARGEST} characters, but has {len(text)}.")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the text"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise InputError(f"A netlist must be YAML, but {where} is not: {shown(str(problem))}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"A netlist must be YAML, but it cannot be read: {shown(str(error))}.") from error
    return builder.result


class _Builder:
    """Turns the events of the parser into data, without the graphs and objects that YAML allows."""

    def __init__(self):
        self.result: Any = None
        self.open: list[tuple[Any, list]] = []  # containers, and the key that waits for its value
        self.count = self.documents = 0

    def take(self, event: Any) -> None:
        """One event of the parser."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise InputError(f"A netlist must be one document, but line {line} begins another.")
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"A netlist must not use anchors and aliases, but line {line} has one; write the value out.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, line)

    def _node(self, event: Any, line: int) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise InputError(f"A netlist must not use tags, but line {line} has `{shown(str(tag))}`.")
        self.count += 1
        if self.count > MOST_NODES:
            raise InputError(f"A netlist must have at most {MOST_NODES} values, but has more.")
        if isinstance(event, yaml.ScalarEvent):
            if not event.value.isprintable():
                raise InputError(f"A value must be one line of printable characters, but that on line {line} is not.")
            value: Any = Scalar(event.value)
            value.quoted = not event.implicit[0]
        else:
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(value, line)
        if not isinstance(value, Scalar):
            if len(self.open) >= DEEPEST:
                raise InputError(f"A netlist must nest at most {DEEPEST} deep, but line {line} goes deeper.")
            self.open.append((value, []))

    def _put(self, value: Any, line: int) -> None:
        if not self.open:
            self.result = value
            return
        container, waiting = self.open[-1]
        if isinstance(container, list):
            container.append(value)
        elif waiting:
            container[waiting.pop()] = value
        else:
            if not isinstance(value, Scalar):
                raise InputError(f"A key must be a word, but that on line {line} is {described(value)}.")
            key = str(value)
            if key in container:
                raise InputError(f"A key must stand once, but `{shown(key)}` on line {line} stands again.")
            container[key] = None
            waiting.append(key)
