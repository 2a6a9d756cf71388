"""What a dialect is: the columns that it needs, and a function that makes training data of them.

A new one is an entry of the list `DIALECTS` in the file of its family beside this one; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from groundtune.tuning.formats.columns import RowColumns
from groundtune.values import Example, PreferencePair, Thumb, TrainingText

TrainingRow = Example | PreferencePair | Thumb | TrainingText


def _always(_: RowColumns) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class DataDialect:
    """One way to write training data.

    A row is of it if it has one column of each group in `needs`, and `fits` says so. `over` are dialects that it
    extends: a row that is of both is of this one. `read` returns the row's data, several for a ranking, and raises
    `RowRefused`.
    """

    name: str
    needs: tuple[tuple[str, ...], ...]
    read: Callable[[RowColumns], list[TrainingRow]]
    over: tuple[str, ...] = ()
    fits: Callable[[RowColumns], bool] = _always

    def has_columns(self, names: frozenset[str]) -> bool:
        """Tell whether the columns are those of this dialect; `names` are those that are not null."""
        return not any(names.isdisjoint(group) for group in self.needs)

    def filled(self, columns: RowColumns) -> bool:
        """Tell whether any of the columns that it needs holds something."""
        return any(columns.filled(key) for group in self.needs for key in group)
