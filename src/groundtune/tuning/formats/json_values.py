"""The objects of a JSON file one after the other, each with the line on which it begins.

Reads arrays, single objects, and objects that follow one another, out of bytes that need not be in memory. An element
that is broken hides no other one: reading goes on at the next that begins like it. Knows no dialect.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator

from groundtune.tuning.formats.refusal import RowRefused

JsonBytes = bytes | mmap.mmap
LinedRow = tuple[int, object]  # the line, and the value or why there is none (`RowRefused`)

# a string ends on its line, so that a quotation mark too many does harm to one line only
_TOKEN = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[\[\]{}]')
_GAP = re.compile(rb"[\s,]*")
_SCALAR = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[^\s,\[\]{}"]+|"')
_FIRST_KEY = re.compile(rb'\{\s*"(?:[^"\\\n]|\\.)*"\s*:')
_SAVE = "Write the row as one JSON object."


def parse(data: bytes, line: int = 1) -> object:
    """Return what JSON text says, which begins on `line`. Raises `RowRefused` with the line where it breaks."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise RowRefused(f"not UTF-8 (byte {data[error.start]:#04x}).", "Save the file as UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f" on line {line + error.lineno - 1}" if error.lineno > 1 else f" (character {error.pos + 1})"
        raise RowRefused(f"broken JSON: {error.msg}{where}.", _SAVE) from None
    except RecursionError:
        raise RowRefused("broken JSON: nested too deeply.", _SAVE) from None
    except ValueError as error:
        raise RowRefused(f"broken JSON: {error}.", _SAVE) from None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object; of a key that stands twice, JSON readers would drop one without a word."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RowRefused(f"the key `{twice}` stands twice in one object.", "Remove one of them.")
    return made


def values(data: JsonBytes, start: int, *, array: bool) -> Iterator[LinedRow]:
    """Return each element of the array that begins at `start`, or each of the values that follow one another."""
    last, line, position = 0, 1, start + array
    broken = False  # what is no object belongs to the broken element before it, if there is one
    while True:
        position = _after(_GAP, data, position)
        line += data[last:position].count(b"\n")
        last = position
        if position >= len(data):
            if array:
                yield (
                    line,
                    RowRefused("the array is not closed: the file may be cut off.", "Copy the whole file again."),
                )
            return
        byte = data[position : position + 1]
        if array and byte == b"]":
            position = _after(_GAP, data, position + 1)
            array, broken = False, position < len(data)
            if broken:
                line += data[last:position].count(b"\n")
                last = position
                yield line, RowRefused("something follows the array.", "Remove what follows, or put it into the array.")
            continue
        if broken and byte not in b"[{":
            position = max(position + 1, _after(_SCALAR, data, position))
            continue
        element, position = _element(data, position, line)
        broken = isinstance(element, RowRefused)
        yield line, element
        if position < 0:
            return


def whole(data: JsonBytes, start: int) -> bool:
    """Tell whether an object begins at `start` that is closed somewhere and is JSON."""
    end = _end(data, start)
    try:
        return end is not None and isinstance(parse(data[start:end]), dict)
    except RowRefused:
        return False


def _element(data: JsonBytes, start: int, line: int) -> tuple[object, int]:
    """Return (value or `RowRefused`, where to go on; -1 for nowhere)."""
    if data[start : start + 1] not in b"[{":
        end: int | None = max(start + 1, _after(_SCALAR, data, start))
    else:
        end = _end(data, start)
    refusal = RowRefused("broken JSON: it is not closed.", "Close it; the rows after it cannot be told apart from it.")
    if end is not None:
        try:
            return parse(data[start:end], line), end
        except RowRefused as error:
            refusal = error
    again = _next_like(data, start)
    if again is not None and (end is None or again < end):
        return refusal, again
    return refusal, -1 if end is None else end


def _end(data: JsonBytes, start: int) -> int | None:
    """Return where the array or object that begins at `start` ends; None if it does not."""
    depth = 0
    for token in _TOKEN.finditer(data, start):
        byte = data[token.start()]
        if byte in b"[{":
            depth += 1
        elif byte in b"]}":
            depth -= 1
            if not depth:
                return token.end()
    return None


def _next_like(data: JsonBytes, start: int) -> int | None:
    """Return where the next object begins with the same key as the one at `start`: rows of one file do."""
    key = _FIRST_KEY.match(data, start)
    if key is None:
        return None
    name = key.group().strip(b"{: \t\r\n")
    element = re.compile(rb"\{\s*" + re.escape(name) + rb"\s*:").search(data, start + 1)
    return None if element is None else element.start()


def _after(pattern: re.Pattern[bytes], data: JsonBytes, position: int) -> int:
    match = pattern.match(data, position)
    return position if match is None else match.end()
