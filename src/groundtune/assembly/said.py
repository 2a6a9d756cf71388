"""What training data say, as far as a benchmark is compared with it: the questions and the answers of each row.

Joins the formats of training data with the checks of a benchmark, which do not know one another.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.checks import Said
from groundtune.tuning.formats import BrokenLine, TrainingRow, read_rows
from groundtune.values import Conversation, Example, PreferencePair, Thumb


def read_said(path: Path, file: str) -> list[Said]:
    """Return what every row of a file of training data says; nothing if there is no such file.

    `file` is how its places are named. Raises `InputError` with file and line for a row that cannot be read.
    """
    if not path.is_file():
        return []
    said = []
    for row in read_rows(path):
        if isinstance(row, BrokenLine):
            raise InputError(row.reason, place=file, line=row.line, remedy=row.remedy)
        said.append(_said(row, f"{file}:{row.place.rpartition(':')[2]}"))
    return said


def _said(row: TrainingRow, place: str) -> Said:
    asked, given = _sides(row)
    turns = [turn.content for turn in asked if turn.role == "user"]
    so_far = ["\n".join(turns[:count]) for count in range(2, len(turns) + 1)]
    answers = tuple(turn.content for turn in given if turn.role == "assistant")
    if isinstance(row, Example | PreferencePair | Thumb):
        return Said(place, (*turns, *so_far), answers)
    return Said(place, (), (row.text,))


def _sides(row: TrainingRow) -> tuple[Conversation, Conversation]:
    """Return (turns among which questions are, turns among which answers are)."""
    if isinstance(row, Example):
        return row.messages, row.messages
    if isinstance(row, PreferencePair):
        return row.prompt, tuple(chain(row.chosen, row.rejected))
    return (row.prompt, row.answer) if isinstance(row, Thumb) else ((), ())
