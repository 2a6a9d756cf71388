"""JSON as people and programs write it: whole files, a value a line, or values one after another.

Line breaks within strings are taken, equal keys are numbered, and NaN is refused. Knows nothing of what values mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from groundtune.errors import UnreadableDocument

_NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*+"|(?P<constant>NaN|-?Infinity)', re.DOTALL)
_BLANK = re.compile(r"[\s,\x1e]*")  # \x1e begins a value in RFC 7464


def parsed(text: str, path: Path) -> object:
    """Return what JSON says. Raises `UnreadableDocument` with the line where it is broken."""
    try:
        return _value(text)
    except json.JSONDecodeError as error:
        raise UnreadableDocument(
            f"broken JSON: {error.msg}.", place=path, line=error.lineno, remedy="Correct that line."
        ) from None


def parsed_lines(text: str, path: Path) -> tuple[list[tuple[int, object]], list[int]]:
    """Return the value on each line with the line's number, and the numbers of lines that are broken.

    A file whose first line is no whole value is read as values that go over several lines.
    Raises `UnreadableDocument` with the line where that is broken.
    """
    values: list[tuple[int, object]] = []
    broken: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not (written := line.strip(" \t\r\x1e")):
            continue
        try:
            values.append((number, _value(written)))
        except json.JSONDecodeError:
            if not values and not broken:
                return _one_after_another(text, path), []
            broken.append(number)
    return values, broken


def _one_after_another(text: str, path: Path) -> list[tuple[int, object]]:
    values: list[tuple[int, object]] = []
    decoder = json.JSONDecoder(object_pairs_hook=_every_pair, strict=False)
    place, line = 0, 1
    while (following := _end_of_blank(text, place)) < len(text):
        line += text.count("\n", place, following)
        try:
            value, place = decoder.raw_decode(text, following)
        except json.JSONDecodeError as error:
            raise UnreadableDocument(
                f"broken JSON: {error.msg}.", place=path, line=error.lineno, remedy="Correct that line."
            ) from None
        values.append((line, value))
        line += text.count("\n", following, place)
    return values


def _end_of_blank(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place


def _value(text: str) -> object:
    def no_number(constant: str) -> NoReturn:
        match = next(match for match in _NO_NUMBER.finditer(text) if match["constant"])
        raise json.JSONDecodeError(f"{constant} is no JSON", text, match.start())

    # Not strict: line breaks within strings are what editors make of long answers.
    return json.loads(text, object_pairs_hook=_every_pair, parse_constant=no_number, strict=False)


def _every_pair(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object whose equal keys are numbered: "answer", "answer (2)"."""
    named: dict[str, object] = {}
    times: dict[str, int] = {}
    for key, value in pairs:
        times[key] = times.get(key, 0) + 1
        named[key if times[key] == 1 else f"{key} ({times[key]})"] = value
    return named


def lines_of(values: Mapping[str, object], above: str = "") -> Iterator[str]:
    """Yield a `key: value` line for each value; a list of plain values is one line, what is nested has a dotted key."""
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from lines_of(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            yield from lines_of({str(number): item for number, item in enumerate(value, start=1)}, f"{name}.")
        elif said := ", ".join(map(plainly, value)) if isinstance(value, list) else plainly(value):
            yield f"{name}: {said}"


def plainly(value: object) -> str:
    """Return a value that is no list and no object as people write it, in one line; nothing for null."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else " ".join(str(value).split())
