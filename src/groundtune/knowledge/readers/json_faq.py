"""Questions and answers in JSON: `[{"question": ..., "answer": ...}, ...]` or `{"faq": [...]}`.

Each entry is a part of its own with the question as its heading.
"""

from __future__ import annotations

import json
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._decoding import decoded
from groundtune.values import PlainText

_SHAPE = 'Write [{"question": "...", "answer": "..."}, ...] or {"faq": [...]}.'


class FaqReader:
    """Reads FAQ lists; other JSON is refused, since nothing shows which parts of it are text."""

    suffixes = (".json",)

    def read(self, path: Path) -> PlainText:
        """Return one part an entry. Raises `UnreadableDocument` with the line of broken JSON or the wrong entry."""
        try:
            content = json.loads(decoded(path).text)
        except json.JSONDecodeError as error:
            raise UnreadableDocument(
                f"broken JSON: {error.msg}.", place=path, line=error.lineno, remedy="Correct that line."
            ) from None
        entries = content.get("faq") if isinstance(content, dict) else content
        if not isinstance(entries, list):
            raise UnreadableDocument("is not a list of questions and answers.", place=path, remedy=_SHAPE)
        builder = TextBuilder()
        for number, entry in enumerate(entries, start=1):
            question, answer = _pair(entry, number, path)
            builder.mark(builder.add(f"{question}\n{answer}"), question)
        return builder.plain(title=name_of(path))


def _pair(entry: object, number: int, path: Path) -> tuple[str, str]:
    values = [entry.get(key) for key in ("question", "answer")] if isinstance(entry, dict) else [None, None]
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    if len(texts) != 2:
        raise UnreadableDocument(f"entry {number} has no question or no answer.", place=path, remedy=_SHAPE)
    return texts[0], texts[1]


def groundtune_reader() -> FaqReader:
    """Hook of `readers`."""
    return FaqReader()
