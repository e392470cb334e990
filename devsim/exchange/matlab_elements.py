"""The elements of MATLAB files of version 4 and 5: numbers, and structs of them; everything else is passed over.

Read here, in bounds, because readers of broken files in C can take the whole process down.
Source: MathWorks, MAT-File Format (R2023b).
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from devsim.check import InputError

MOST_BYTES = 256_000_000
"""Of one file, and of what unpacks from it."""
DEEPEST = 20
"""Structs within structs."""
MATRIX, COMPRESSED = 14, 15
"""Kinds of element that hold others."""
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Kind of an element -> its numbers, without the byte order."""
STRUCT, FIRST_NUMBER, LAST_NUMBER = 2, 6, 15
"""Classes of an array: structs, and the range of those that are numbers."""
COMPLEX = 0x800
OLD_NUMBERS = ("f8", "f4", "i4", "i2", "u2", "u1")
"""Of version 4, by the digit that says the precision."""


def variables_of(content: bytes, name: str) -> dict[str, Any]:
    """Variable -> array, or dictionary for a struct; `name` is that of the file in errors."""
    if len(content) > 128 and content[126:128] in (b"IM", b"MI"):
        return dict(_variables(content[128:], "<" if content[126:128] == b"IM" else ">", name))
    return dict(_old_variables(content, name))


def broken(name: str, what: str) -> InputError:
    """The error for a file that is none."""
    return InputError(f"{name} must be a MATLAB file, but {what}.")


def _variables(content: bytes, order: str, name: str) -> Iterator[tuple[str, Any]]:
    left = MOST_BYTES
    for kind, body in _elements(content, order):
        if kind == COMPRESSED:
            try:
                body = zlib.decompressobj().decompress(body, left + 1)
            except zlib.error as error:
                raise broken(name, "a packed part of it is broken") from error
            left -= len(body)
            if left < 0:
                raise InputError(f"{name} must unpack to at most {MOST_BYTES} bytes, but is larger.")
            kind, body = next(_elements(body, order), (0, b""))
        if kind == MATRIX and body:
            title, value = _matrix(body, order, name, DEEPEST)
            if title and value is not None:
                yield title, value


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Kind and body of every element, one after the other; a body that is cut off is told as far as it goes."""
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(order + "II", content, place)
        if kind >> 16:
            yield kind & 0xFFFF, content[place + 4 : place + 4 + min(kind >> 16, 4)]
            place += 8
        else:
            yield kind, content[place + 8 : place + 8 + size]
            place += 8 + size + (0 if kind == COMPRESSED else -size % 8)


def _matrix(body: bytes, order: str, name: str, deep: int) -> tuple[str, Any]:
    """Name and value of an array; None for what is neither numbers nor one struct."""
    if not deep:
        raise InputError(f"{name} must hold at most {DEEPEST} structs within structs.")
    parts = _elements(body, order)
    (_, flags), (_, shape), (_, title) = (next(parts, (0, b"")) for _ in range(3))
    if len(flags) < 4 or not shape or len(shape) % 4 or len(shape) > 4 * 32:
        raise broken(name, "an array of it is broken")
    flag = struct.unpack_from(order + "I", flags)[0]
    sides = struct.unpack(f"{order}{len(shape) // 4}i", shape)
    count = math.prod(sides)
    named = title.decode("latin-1").rstrip("\0")
    if flag & 0xFF == STRUCT and count == 1:
        return named, _struct(parts, order, name, deep)
    if not FIRST_NUMBER <= flag & 0xFF <= LAST_NUMBER:
        return named, None
    if min(sides) < 0 or count > len(body):
        raise broken(name, f"an array of it is broken: it claims {count:.3g} elements")
    real = _numbers(next(parts, (0, b"")), order, count, name)
    if flag & COMPLEX:
        real = real + 1j * _numbers(next(parts, (0, b"")), order, count, name)
    return named, real.reshape(sides, order="F")


def _numbers(element: tuple[int, bytes], order: str, count: int, name: str) -> np.ndarray:
    kind, body = element
    dtype = np.dtype(order + NUMBERS[kind]) if kind in NUMBERS else None
    if dtype is None or len(body) < count * dtype.itemsize:
        raise broken(name, "an array of it is cut off")
    return np.frombuffer(body, dtype, count).astype(float)


def _struct(parts: Iterator[tuple[int, bytes]], order: str, name: str, deep: int) -> dict[str, Any]:
    (_, size), (_, names) = next(parts, (0, b"")), next(parts, (0, b""))
    length = struct.unpack_from(order + "i", size)[0] if len(size) >= 4 else 0
    if length <= 0:
        raise broken(name, "a struct of it is broken")
    fields = [names[k : k + length].split(b"\0")[0].decode("latin-1") for k in range(0, len(names), length)]
    values = ((field, next(parts, (0, b""))) for field in fields)
    inside = {field: _matrix(body, order, name, deep - 1)[1] for field, (kind, body) in values if kind == MATRIX and body}
    return {field: value for field, value in inside.items() if value is not None}


def _old_variables(content: bytes, name: str) -> Iterator[tuple[str, Any]]:
    """Arrays of version 4, each a header of five numbers, its name and its columns."""
    place = 0
    while place < len(content):
        order = _old_order(content, place)
        if order is None:
            raise broken(name, "it begins like none")
        kind, rows, columns, imaginary, length = struct.unpack_from(order + "5i", content, place)
        dtype = np.dtype(order + OLD_NUMBERS[kind // 10 % 10])
        count, title = rows * columns, content[place + 20 : place + 20 + length].split(b"\0")[0].decode("latin-1")
        place += 20 + length
        size = count * dtype.itemsize
        if place + size * (1 + imaginary) > len(content):
            raise broken(name, "an array of it is cut off")
        parts = [np.frombuffer(content, dtype, count, place + size * k).astype(float) for k in range(1 + imaginary)]
        place += size * (1 + imaginary)
        value = parts[0] + 1j * parts[1] if imaginary else parts[0]
        if kind % 10 == 0 and title:
            yield title, value.reshape((rows, columns), order="F")


def _old_order(content: bytes, place: int) -> str | None:
    """Byte order of a header that makes sense."""
    for order, machine in (("<", 0), (">", 1)):
        if place + 20 > len(content):
            return None
        kind, rows, columns, imaginary, length = struct.unpack_from(order + "5i", content, place)
        known = 0 <= kind < 2000 and kind // 1000 == machine and kind // 100 % 10 == 0 and kind // 10 % 10 < len(OLD_NUMBERS)
        if known and rows >= 0 and columns >= 0 and imaginary in (0, 1) and 0 < length <= 200:
            return order
    return None
