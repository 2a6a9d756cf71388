"""Training data in the formats that people bring: conversations, preference pairs, thumbs and texts.

`read_rows` gives them one at a time, with what is broken among them. Which dialects there are: one file for each
family (`supervised`, `pairs`, `rankings`, `thumbs`, `texts`). `reading` knows files and no dialects, `turns` knows
conversations and no columns. Knows no models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from groundtune.tuning.formats.columns import RowColumns
from groundtune.tuning.formats.detecting import training_rows
from groundtune.tuning.formats.dialect import TrainingRow
from groundtune.tuning.formats.reading import PLAIN, READERS, rows, suffix
from groundtune.tuning.formats.refusal import BrokenLine, RowRefused, shown
from groundtune.tuning.formats.texts import plain_text
from groundtune.tuning.formats.turns import is_turn

__all__ = ["SUFFIXES", "BrokenLine", "TrainingRow", "read_rows", "suffix"]

SUFFIXES = tuple(READERS)


def read_rows(path: Path, unused: Counter[str] | None = None, name: str = "") -> Iterator[TrainingRow | BrokenLine]:
    """Return what each row of a file says, in order, and the rows that are broken.

    A row gives one value; a ranking gives several, with one `place` and one `group`. `unused` counts the columns that
    nothing reads, by name. A file of plain text is the document `name`, or has the file's name. Raises `InputError` for
    a file that is missing or cannot be read at all.
    """
    file = str(path)
    plain = (name or path.name) if suffix(path) in PLAIN else ""
    for line, row in rows(path):
        try:
            made, left = _made(row, plain, f"{file}:{line}")
        except RowRefused as refusal:
            yield BrokenLine(file, line, refusal.reason, refusal.remedy)
            continue
        if unused is not None:
            unused.update(left)
        yield from made


def _made(row: object, plain: str, place: str) -> tuple[list[TrainingRow], list[str]]:
    if isinstance(row, RowRefused):
        raise row
    if plain:
        return [plain_text(str(row), plain, place)], []
    if isinstance(row, list) and row and all(is_turn(each) for each in row):
        row = {"messages": row}
    if not isinstance(row, dict):
        raise RowRefused(f"is {shown(row)}, not a JSON object.", 'Write {"messages": [{"role", "content"}, ...]}.')
    columns = RowColumns(row, place)
    return training_rows(columns), [columns.names[key] for key in columns.left()]
