"""The lines of a SPICE deck: comments taken off, continuations joined, included files put in place, words cut."""

import dataclasses
import re
from pathlib import Path

from devsim.check import InputError, shown
from devsim.exchange.text import LARGEST, file_inside, text_of

MOST_LINES, DEEPEST_INCLUDE = 200_000, 8
_INLINE_COMMENT = re.compile(r";|(?:^|\s)\$")


@dataclasses.dataclass(frozen=True)
class Line:
    """One card, continuations joined: where it begins, and its text in lower case (as written in `original`)."""

    place: str
    original: str

    @property
    def text(self) -> str:
        """In lower case: SPICE does not tell cases apart."""
        return self.original.lower()

    def error(self, message: str) -> InputError:
        """The error that names this line and shows it."""
        return InputError(f"{self.place} `{shown(self.original)}`: {message}")

    def words(self) -> list[str]:
        """Words in lower case; `(`, `)`, `,` and `=` are words of their own, `{...}` and `'...'` one word `{...}`."""
        return _cut(self)


def deck_lines(source, folder: Path | None) -> tuple[str, list[Line]]:
    """Title and lines of a deck, those of included files in their places.

    folder: where `.include` and `.lib` may read; None refuses them. Raises InputError for a text that cannot be read,
    a continuation of nothing, and an include that is refused, missing, outside of the folder or too deep.
    """
    text, _ = text_of(source, what="deck")
    if not text.strip():
        raise InputError("A deck must not be empty; its first line is its title, and `.end` is its last.")
    title, _, body = text.partition("\n")
    reader = _Includes(folder)
    lines = reader.lines(body, "line", first=2, depth=0)
    return title.strip(), lines


class _Includes:
    """Reads a deck and the files that it includes, within limits that hold for all of them together."""

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.characters = self.count = 0

    def lines(self, text: str, place: str, *, first: int, depth: int) -> list[Line]:
        found: list[Line] = []
        for line in _joined(text, place, first):
            words = line.text.split()
            if words[0] == ".end":
                break
            if words[0] in (".include", ".inc") or (words[0] == ".lib" and len(words) > 2):
                found += self._included(line, depth)
            else:
                found.append(line)
            self.count += 1
            if self.count > MOST_LINES:
                raise InputError(f"A deck must have at most {MOST_LINES} lines, but has more.")
        return found

    def _included(self, line: Line, depth: int) -> list[Line]:
        if self.folder is None:
            raise line.error("other files are read only where a folder for them is given; pass `folder=`.")
        if depth >= DEEPEST_INCLUDE:
            raise line.error(f"files must include each other at most {DEEPEST_INCLUDE} deep.")
        words = re.findall(r'"[^"]*"|\'[^\']*\'|\S+', line.original)
        name = words[1].strip("\"'") if len(words) > 1 else ""
        text, _ = text_of(_inside(line, self.folder, name), what="included file")
        self.characters += len(text)
        if self.characters > LARGEST:
            raise line.error(f"the included files together must have at most {LARGEST} characters.")
        if words[0].lower() == ".lib":
            text = _section(line, text, words[2].lower())
        return self.lines(text, f"`{shown(name, 30)}` line", first=1, depth=depth + 1)


def _inside(line: Line, folder: Path, name: str) -> Path:
    """The file `name` in `folder`, wherever links lead."""
    if path := file_inside(folder, name):
        return path
    raise line.error(f"`{shown(name, 30)}` must be a file inside the folder of the deck, given by a relative path.")


def _section(line: Line, text: str, wanted: str) -> str:
    """The text between `.lib wanted` and `.endl`, with empty lines before it so that line numbers stay."""
    kept, inside, seen = [], False, False
    for each in text.split("\n"):
        words = each.lower().split()
        if words[:1] == [".endl"]:
            inside = False
        kept.append(each if inside else "")
        if words[:2] == [".lib", wanted] and len(words) == 2:
            inside = seen = True
    if not seen:
        raise line.error(f"the file must have a section `.lib {shown(wanted, 30)}`, but has none.")
    return "\n".join(kept)


def _joined(text: str, place: str, first: int) -> list[Line]:
    """Cards: comments and empty lines left out, `+` lines joined to the card before them."""
    cards: list[tuple[str, list[str]]] = []
    for number, raw in enumerate(text.split("\n"), first):
        here = f"{place} {number}"
        stripped = _INLINE_COMMENT.split(raw, maxsplit=1)[0].strip()
        if not stripped or stripped.startswith("*"):
            continue
        if not stripped.startswith("+"):
            cards.append((here, [stripped]))
        elif cards:
            cards[-1][1].append(stripped[1:])
        else:
            raise Line(here, stripped).error("a continuation must follow the card that it continues.")
    return [Line(here, " ".join(pieces)) for here, pieces in cards]


_WORD = re.compile(r"[^\s=(),{}'\"]+")


def _cut(line: Line) -> list[str]:
    text, words, at = line.text.replace("\t", " "), [], 0
    if not text.isprintable():
        raise line.error("a card must be made of printable characters.")
    while at < len(text):
        mark = text[at]
        if mark.isspace():
            at += 1
        elif mark in "=(),":
            words.append(mark)
            at += 1
        elif mark in "'{":
            end = _closing(line, text, at)
            words.append("{" + text[at + 1 : end] + "}")
            at = end + 1
        elif found := _WORD.match(text, at):
            words.append(found[0])
            at = found.end()
        else:
            raise line.error(f"a `{mark}` must not stand here; expressions are written {{...}} or '...'.")
    return words


def _closing(line: Line, text: str, at: int) -> int:
    """Where the brace or quotation mark at `at` closes."""
    if text[at] == "'":
        end = text.find("'", at + 1)
    else:
        depth, end = 0, -1
        for place in range(at, len(text)):
            depth += (text[place] == "{") - (text[place] == "}")
            if depth == 0:
                end = place
                break
    if end < 0:
        raise line.error("an expression that is opened must be closed.")
    return end
