"""Texts without turns, for a model to read on: `text` in JSON (C4, axolotl's completion), and files of plain text."""

from __future__ import annotations

from groundtune.tuning.formats.columns import RowColumns
from groundtune.tuning.formats.contents import sound_text
from groundtune.tuning.formats.dialect import DataDialect, TrainingRow
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.turns import is_turn
from groundtune.values import TrainingText

TEXT = ("text", "content")
_DOCUMENT = ("document", "document_id", "doc_id", "url", "path", "file", "title")


def plain_text(text: str, name: str, place: str) -> TrainingText:
    """Return a whole file of text. Raises `RowRefused` where it is empty."""
    if not sound_text(text, "the text"):
        raise RowRefused("the file is empty.", "Write text, or remove the file.")
    return TrainingText(text, name, place)


def _read(columns: RowColumns) -> list[TrainingRow]:
    key, value = columns.take(TEXT, "the text")
    for label in ("label", "labels"):
        if label in columns.values:
            raise RowRefused(
                f"`{key}` with `{label}` {shown(columns.values[label])} sorts texts into classes, which is no training "
                "text.",
                'Write {"prompt": ..., "completion": ...}, with the class as the completion.',
            )
    if not sound_text(value, key):
        raise RowRefused(f"`{key}` is empty.", "Write text, or remove the row.")
    document = next((name for name in _DOCUMENT if columns.filled(name)), None)
    return [TrainingText(str(value), columns.name((document,)) if document else "", columns.place)]


def _alone(columns: RowColumns) -> bool:
    return not is_turn(columns.values)


DIALECTS = (DataDialect("text", (TEXT,), _read, fits=_alone),)
