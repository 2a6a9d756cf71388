"""Rubrics: the criteria that judges grade by, out of a file that people edit.

    [accuracy]
    question = "Is what the answer says true, measured by the ideal answer?"
    passes_from = 2                       # the level from which on an answer is good enough
    levels = ["It is wrong.", "It is right."]

Knows the file's format; no judge and no model.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from groundtune.errors import InputError
from groundtune.files import read_text
from groundtune.values import digest

SHIPPED = Path(__file__).with_name("rubrics.toml")
MOST_LEVELS = 9  # each is one digit, which every tokenizer has as one token


@dataclass(frozen=True, slots=True)
class Rubric:
    """One criterion; `levels` go from worst to best and count from 1."""

    criterion: str
    question: str
    levels: tuple[str, ...]
    passes_from: int

    @property
    def options(self) -> tuple[str, ...]:
        """The numbers of the levels, which a judge chooses among."""
        return tuple(str(number) for number in range(1, len(self.levels) + 1))

    @property
    def hash(self) -> str:
        """Changes with every word."""
        return digest(self.criterion, self.question, *self.levels)[:12]

    def value(self, level: float) -> float:
        """Return where `level`, counted from 1, stands between the worst (0) and the best (1)."""
        return (level - 1) / (len(self.levels) - 1)

    def level(self, value: float) -> int:
        """Return the level nearest to `value` in [0, 1]; the upper one where two are as near."""
        return int(value * (len(self.levels) - 1) + 0.5) + 1


class RubricTable(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1)
    levels: list[str] = Field(min_length=2, max_length=MOST_LEVELS)
    passes_from: int = Field(ge=2)


def load_rubrics(path: Path | None = None) -> tuple[Rubric, ...]:
    """Return the rubrics in `path`, or those that come with groundtune. Raises `InputError` with the reason."""
    place = path or SHIPPED
    try:
        tables = tomllib.loads(read_text(place))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not valid TOML: {error}.", place=place, remedy="Correct the line that is named.") from None
    if not tables:
        raise InputError("contains no rubric.", place=place, remedy=f"Write tables like those in {SHIPPED}.")
    return tuple(_rubric(criterion, table, place) for criterion, table in tables.items())


def _rubric(criterion: str, table: object, place: Path) -> Rubric:
    if not criterion.isidentifier():
        raise InputError(
            f"`{criterion}` is not a valid name of a criterion.",
            place=place,
            remedy="Use letters, digits and underscores.",
        )
    try:
        row = RubricTable.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, (criterion, *first["loc"])))
        raise InputError(
            f"`{key}`: {first['msg']}.", place=place, remedy="A rubric has `question`, `levels` and `passes_from`."
        ) from None
    if row.passes_from > len(row.levels):
        raise InputError(
            f"`{criterion}.passes_from` is {row.passes_from}, but there are {len(row.levels)} levels.",
            place=place,
            remedy="Name one of the levels, counted from 1.",
        )
    return Rubric(criterion, row.question, tuple(row.levels), row.passes_from)
