"""Questions and answers in JSON: `[{"question": ..., "answer": ...}, ...]` or `{"faq": [...]}`.

Each entry is a part of its own with the question as its heading; what else it says follows as `key: value` lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._left_out import listed
from groundtune.values import PlainText

_SHAPE = 'Write [{"question": "...", "answer": "..."}, ...] or {"faq": [...]}.'
_NO_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*+"|(?P<constant>NaN|-?Infinity)', re.DOTALL)


class FaqReader:
    """Reads FAQ lists; other JSON is refused, since nothing shows which parts of it are text."""

    suffixes = (".json",)

    def read(self, path: Path) -> PlainText:
        """Return one part an entry; entries without a question or an answer are counted as left out.

        Raises `UnreadableDocument` with the line of broken JSON, or if no entry is whole.
        """
        source = decoded(path)
        builder = TextBuilder()
        builder.left_out.include(source.left_out)
        try:
            content = _parsed(source.text, path)
            entries = content.get("faq") if isinstance(content, dict) else content
            if not isinstance(entries, list):
                raise UnreadableDocument("is not a list of questions and answers.", place=path, remedy=_SHAPE)
            if isinstance(content, dict):
                builder.add("\n".join(_lines({key: value for key, value in content.items() if key != "faq"})))
            _write(entries, builder, path)
        except RecursionError:
            raise UnreadableDocument("is nested too deeply.", place=path, remedy=_SHAPE) from None
        return builder.plain(title=name_of(path), notes=source.notes)


def _parsed(text: str, path: Path) -> object:
    def no_number(constant: str) -> NoReturn:
        match = next(match for match in _NO_NUMBER.finditer(text) if match["constant"])
        raise json.JSONDecodeError(f"{constant} is no JSON", text, match.start())

    try:
        # Not strict: line breaks within strings are what editors make of long answers.
        return json.loads(text, object_pairs_hook=_every_pair, parse_constant=no_number, strict=False)
    except json.JSONDecodeError as error:
        raise UnreadableDocument(
            f"broken JSON: {error.msg}.", place=path, line=error.lineno, remedy="Correct that line."
        ) from None


def _every_pair(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object whose equal keys are numbered: "answer", "answer (2)"."""
    named: dict[str, object] = {}
    times: dict[str, int] = {}
    for key, value in pairs:
        times[key] = times.get(key, 0) + 1
        named[key if times[key] == 1 else f"{key} ({times[key]})"] = value
    return named


def _write(entries: list[object], builder: TextBuilder, path: Path) -> None:
    bad = []
    for number, entry in enumerate(entries, start=1):
        pair = _pair(entry)
        if pair is None or not isinstance(entry, dict):
            bad.append(number)
            continue
        others = _lines({key: value for key, value in entry.items() if key not in ("question", "answer")})
        builder.mark(builder.add("\n".join([*pair, *others])), pair[0])
    if bad and len(bad) == len(entries):
        raise UnreadableDocument(f"entry {bad[0]} has no question or no answer.", place=path, remedy=_SHAPE)
    if bad:
        which = f"{listed('entry', 'entries', bad)}: no question or no answer"
        builder.left_out.add("unreadable part", len(bad), which)


def _pair(entry: object) -> tuple[str, str] | None:
    values = [entry.get(key) for key in ("question", "answer")] if isinstance(entry, dict) else []
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    return (texts[0], texts[1]) if len(texts) == 2 else None


def _lines(values: Mapping[str, object], above: str = "") -> Iterator[str]:
    """Yield a `key: value` line for each value; a list of plain values is one line, what is nested has a dotted key."""
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, dict):
            yield from _lines(value, f"{name}.")
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            yield from _lines({str(number): item for number, item in enumerate(value, start=1)}, f"{name}.")
        elif said := ", ".join(map(_said, value)) if isinstance(value, list) else _said(value):
            yield f"{name}: {said}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else " ".join(str(value).split())


def groundtune_reader() -> FaqReader:
    """Hook of `readers`."""
    return FaqReader()
