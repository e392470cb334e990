"""YAML as a tree of plain values that know their lines, within limits; for small files that devsim writes and people edit."""

import dataclasses
import math
import re
from typing import Any

import yaml

from devsim.check import InputError

LARGEST, DEEPEST, MOST_NODES = 1_000_000, 16, 100_000
"""Characters, levels, and values of one file."""

_NUMBER = re.compile(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,4})?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True)
class Node:
    """A value and the line on which it begins: a number, a truth, nothing, text, a mapping or a list of nodes."""

    line: int
    value: Any

    def number(self, name: str) -> float:
        """The number; InputError with the line where it is none that is finite."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not math.isfinite(self.value):
            raise InputError(f"`{name}` on line {self.line} must be a finite number, but is {self.described()}.")
        return float(self.value)

    def text(self, name: str) -> str:
        """The text; a number or a truth is taken as it would be written."""
        if self.value is None or isinstance(self.value, dict | list):
            raise InputError(f"`{name}` on line {self.line} must be a word, but is {self.described()}.")
        return str(self.value)

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
        return kinds.get(type(self.value)) or f"`{shortened(str(self.value))}`"


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
        raise InputError(f"{what} must be YAML, but {where} is not: {shortened(str(problem))}.") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{what} must be YAML, but it cannot be read: {shortened(str(error))}.") from error
    return builder.result


def shortened(text: str, most: int = 60) -> str:
    """A piece of a file for an error message: one line, printable, not long."""
    plain = "".join(c if c.isprintable() else "?" for c in text[: most + 1].strip())
    return plain if len(text) <= most else plain[: most - 3] + "..."


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
            raise InputError(f"{self.what} must not use tags, but line {line} has `{shortened(str(tag))}`.")
        self.count += 1
        if self.count > MOST_NODES:
            raise InputError(f"{self.what} must have at most {MOST_NODES} values, but has more.")
        if isinstance(event, yaml.ScalarEvent):
            if self.open and isinstance(self.open[-1][0], dict) and not self.open[-1][1]:
                self._key(event.value, line)
                return
            self._put(Node(line, _plain(event.value) if event.implicit[0] else event.value))
            return
        container: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(Node(line, container))
        if len(self.open) >= DEEPEST:
            raise InputError(f"{self.what} must nest at most {DEEPEST} deep, but line {line} goes deeper.")
        self.open.append((container, []))

    def _key(self, name: str, line: int) -> None:
        container, waiting = self.open[-1]
        if name in container:
            raise InputError(f"{self.what} must have each key once, but `{shortened(name)}` on line {line} stands again.")
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


def _plain(text: str) -> Any:
    if _NUMBER.fullmatch(text):
        return float(text) if any(c in text for c in ".eE") else int(text)
    return _WORDS.get(text.lower(), text)
