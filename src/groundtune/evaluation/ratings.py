"""Human ratings of answers: ratings.jsonl, one rating a line.

Knows the file format; nothing of scales, of how ratings were gathered, or of what they are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from groundtune.errors import InputError
from groundtune.files import Name, read_jsonl


@dataclass(frozen=True, slots=True)
class Rating:
    """What one person said of one answer by one criterion; `value` is on the scale that the criterion was asked on."""

    case: str
    candidate: str
    rater: str
    criterion: str
    value: float
    comment: str = ""


class RatingLine(BaseModel):
    """One line of ratings.jsonl."""

    model_config = ConfigDict(extra="forbid")

    case: Name = Field(min_length=1)
    candidate: Name = Field(min_length=1)
    rater: Name = Field(min_length=1)
    criterion: Name = Field(min_length=1)
    value: float = Field(allow_inf_nan=False)
    comment: str = ""


def load_ratings(path: Path) -> list[Rating]:
    """Return the ratings in order of the file.

    Raises `InputError` with file and line for a line that is not sound, and where one rater rated the same answer
    by the same criterion twice: which of the two counts, only people can say.
    """
    lines: dict[tuple[str, str, str, str], int] = {}
    ratings = []
    for number, row in read_jsonl(path, RatingLine):
        rating = Rating(**row.model_dump())
        key = (rating.case, rating.candidate, rating.rater, rating.criterion)
        if key in lines:
            raise InputError(
                f"`{rating.rater}` rated {rating.criterion} of case `{rating.case}`, candidate `{rating.candidate}`, "
                f"here and on line {lines[key]}.",
                place=path,
                line=number,
                remedy="Keep one of the two.",
            )
        lines[key] = number
        ratings.append(rating)
    return ratings
