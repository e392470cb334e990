"""YAML as plain data: mappings, lists and scalars as they are written, nothing else."""

from typing import Any

from devsim.check import InputError
from devsim.yaml_tree import Node, yaml_tree


def yaml_data(text: str) -> Any:
    """Mappings with text for keys, lists, and `Scalar`s; None for an empty text. Raises what `yaml_tree` raises."""
    return _data(yaml_tree(text, what="A netlist"))


def _data(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {_printable(name, each.line): _data(each) for name, each in node.value.items()}
    if isinstance(node.value, list):
        return [_data(each) for each in node.value]
    return None if node.written is None else _printable(node.written, node.line)


def _printable(text: str, line: int) -> str:
    if not text.isprintable():
        raise InputError(f"A value must be one line of printable characters, but that on line {line} is not.")
    return text
