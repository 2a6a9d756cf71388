"""How a row is refused: the reason and the remedy inside, a value with file and line outside."""

from __future__ import annotations

import json
from dataclasses import dataclass

_SHOWN = 60  # characters of an offending value


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A row that cannot be used: where it begins, why, and what to do. It hides no other row."""

    file: str
    line: int
    reason: str
    remedy: str

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.file}:{self.line}"


class RowRefused(Exception):
    """A row, or a part of one, cannot be used. `line` is the line where that shows, if it is not where it begins."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def shown(value: object) -> str:
    """Return a value as its file has it, cut short."""
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # parquet has dates
        text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
