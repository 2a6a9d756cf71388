"""JSON: questions and answers, `[{"question": ..., "answer": ...}, ...]` or `{"faq": [...]}`, and exported tickets.

Each entry is a part of its own with the question as its heading; what else it says follows as `key: value` lines.
How tickets are found and written, `_tickets` and `_ticket_text` know.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._json import lines_of, parsed
from groundtune.knowledge.readers._left_out import listed
from groundtune.knowledge.readers._ticket_text import TicketText
from groundtune.knowledge.readers._tickets import tickets_in
from groundtune.values import PlainText

_SHAPE = (
    'Write [{"question": "...", "answer": "..."}, ...] or {"faq": [...]}, or tickets: '
    '[{"id": 1, "subject": "...", "description": "...", "comments": [...]}, ...].'
)


class FaqReader:
    """Reads FAQ lists and tickets; other JSON is refused, since nothing shows which parts of it are text."""

    suffixes = (".json",)

    def read(self, path: Path) -> PlainText:
        """Return one part an entry; entries without a question or an answer are counted as left out.

        Raises `UnreadableDocument` with the line of broken JSON, or if no entry is whole.
        """
        source = decoded(path)
        builder = TextBuilder()
        builder.left_out.include(source.left_out)
        try:
            write_json(parsed(source.text, path), builder, path)
        except RecursionError:
            raise UnreadableDocument("is nested too deeply.", place=path, remedy=_SHAPE) from None
        return builder.plain(title=name_of(path), notes=source.notes)


def write_json(content: object, builder: TextBuilder, path: Path, lines: Sequence[int] = ()) -> None:
    """Write questions and answers, or else tickets. `lines` says on which line each entry stands, where each has one.

    Raises `UnreadableDocument` if there are neither.
    """
    entries = content.get("faq") if isinstance(content, dict) else content
    pairs = isinstance(entries, list) and any(map(_pair, entries))
    if not pairs and (tickets := tickets_in(content)) is not None:
        TicketText(tickets, builder, name_of(path)).write()
        if bad := tickets.no_objects:
            which = _which([lines[number - 1] for number in bad] if lines else bad, bool(lines))
            builder.left_out.add("unreadable part", len(bad), f"{which}: no object")
        return
    if not isinstance(entries, list):
        raise UnreadableDocument("is not a list of questions and answers, or of tickets.", place=path, remedy=_SHAPE)
    if isinstance(content, dict):
        builder.add("\n".join(lines_of({key: value for key, value in content.items() if key != "faq"})))
    _write(entries, builder, path, lines)


def _write(entries: Sequence[object], builder: TextBuilder, path: Path, lines: Sequence[int]) -> None:
    bad = []
    for number, entry in enumerate(entries, start=1):
        pair = _pair(entry)
        if pair is None or not isinstance(entry, dict):
            bad.append(lines[number - 1] if lines else number)
            continue
        others = lines_of({key: value for key, value in entry.items() if key not in ("question", "answer")})
        builder.mark(builder.add("\n".join([*pair, *others])), pair[0])
    if bad and len(bad) == len(entries):
        what = "line" if lines else "entry"
        raise UnreadableDocument(f"{what} {bad[0]} has no question or no answer.", place=path, remedy=_SHAPE)
    if bad:
        which = f"{_which(bad, bool(lines))}: no question or no answer"
        builder.left_out.add("unreadable part", len(bad), which)


def _which(numbers: Sequence[int], are_lines: bool) -> str:
    return listed("line", "lines", numbers) if are_lines else listed("entry", "entries", numbers)


def _pair(entry: object) -> tuple[str, str] | None:
    values = [entry.get(key) for key in ("question", "answer")] if isinstance(entry, dict) else []
    texts = [value.strip() for value in values if isinstance(value, str) and value.strip()]
    return (texts[0], texts[1]) if len(texts) == 2 else None


def groundtune_reader() -> FaqReader:
    """Hook of `readers`."""
    return FaqReader()
