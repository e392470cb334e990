"""YAML as a tree of plain values that know their lines, within limits."""

import dataclasses
import math
import re
from typing import Any

import yaml

from devsim.check import InputError, shown

LARGEST, DEEPEST, MOST_NODES = 2_000_000, 24, 1_000_000
"""Characters, levels, and values of one file."""

_NUMBER = re.compile(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,4})?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None, ".inf": math.inf, "-.inf": -math.inf}
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


@dataclasses.dataclass(frozen=True)
class Node:
    """A value and the line on which it begins: a number, a truth, nothing, text, a mapping or a list of nodes.

    written: a scalar as it stands in the file; None for the others.
    """

    line: int
    value: Any
    written: Scalar | None = None

    def number(self, name: str) -> float:
        """The number; InputError with the line where it is none that is finite."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            raise InputError(f"`{name}` on line {self.line} must be a finite number, but is {self.described()}.")
        return float(self.value)

    def text(self, name: str) -> str:
        """The text; a number or a truth as it is written."""
        if self.value is None or isinstance(self.value, dict | list):
            raise InputError(f"`{name}` on line {self.line} must be a word, but is {self.described()}.")
        return str(self.written)

    def mapping(self, name: str) -> "dict[str, Node]":
        """The mapping; InputError with the line where it is none."""
        if not isinstance(self.value, dict):
            raise InputError(f"`{name}` on line {self.line} must be a mapping (`name: value`), but is {self.described()}.")
        return self.value

    def items(self, name: str) -> "list[Node]":
        """The list; InputError with the line where it is none."""
        if not isinstance(self.value, list):
            raise InputError(f"`{name}` on line {self.line} must be a list, but is {self.described()}.")
        return self.value

    def described(self) -> str:
        """What stands there, in a word or two."""
        kinds = {dict: "a mapping", list: "a list", type(None): "nothing"}
        return kinds.get(type(self.value)) or f"`{shown(str(self.written))}`"


def yaml_tree(text: str, *, what: str) -> Node:
    """The one document in `text`; `what` names it in errors (`A parameter file`).

    Raises InputError, naming the line, for what is no YAML, a key that stands twice, anchors, aliases and tags (nothing
    may be repeated by reference or made into an object), more than one document, and more than the limits allow.
    """
    if len(text) > LARGEST:
        raise InputError(f"{what} must have at most {LARGEST} characters, but has {len(text)}.")
    builder = _Builder(what)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the text"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise InputError(f"{what} must be YAML, but {where} is not: {shown(str(problem))}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{what} must be YAML, but it cannot be read: {shown(str(error))}.") from error
    return builder.result


class _Builder:
    """Turns the events of the parser into nodes, without the graphs and objects that YAML allows."""

    def __init__(self, what: str):
        self.what = what
        self.result = Node(1, None)
        self.open: list[tuple[Any, list[str]]] = []  # containers, and the key that waits for its value
        self.count = self.documents = 0

    def take(self, event: Any) -> None:
        """One event of the parser."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise InputError(f"{self.what} must be one document, but line {line} begins another.")
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"{self.what} must not use anchors and aliases, but line {line} has one; write the value out.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, line)

    def _node(self, event: Any, line: int) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise InputError(f"{self.what} must not use tags, but line {line} has `{shown(str(tag))}`.")
        self.count += 1
        if self.count > MOST_NODES:
            raise InputError(f"{self.what} must have at most {MOST_NODES} values, but has more.")
        if isinstance(event, yaml.ScalarEvent):
            if self.open and isinstance(self.open[-1][0], dict) and not self.open[-1][1]:
                self._key(event.value, line)
                return
            written = Scalar(event.value)
            written.quoted = not event.implicit[0]
            self._put(Node(line, written.plain(), written))
            return
        container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(Node(line, container))
        if len(self.open) >= DEEPEST:
            raise InputError(f"{self.what} must nest at most {DEEPEST} deep, but line {line} goes deeper.")
        self.open.append((container, []))

    def _key(self, name: str, line: int) -> None:
        container, waiting = self.open[-1]
        if name in container:
            raise InputError(f"{self.what} must have each key once, but `{shown(name)}` on line {line} stands again.")
        container[name] = Node(line, None)
        waiting.append(name)

    def _put(self, node: Node) -> None:
        if not self.open:
            self.result = node
            return
        container, waiting = self.open[-1]
        if isinstance(container, list):
            container.append(node)
        elif waiting:
            container[waiting.pop()] = node
        else:
            raise InputError(f"{self.what} must have words for keys, but that on line {node.line} is {node.described()}.")
