"""Who rated with care: attention items failed, repeats answered alike, and how much of the sheet is filled in.

Knows the key and what came back; nothing of candidates' scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundtune.evaluation.human import questions
from groundtune.evaluation.human.returned import BEST, Reply
from groundtune.evaluation.human.study import Item, Sheet, Study

ATTENTION_CRITERION = "appropriate"
HIGHEST_PASS = 2  # the answer is plainly to another question: above 2 its anchors say that it suits, at least in part

Cells = Mapping[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Consistency:
    """How alike a rater answered the same question on the same answer twice: share of equal values, and the mean
    distance on the scale (None for the choice, which has none)."""

    pairs: int
    equal: float
    distance: float | None


@dataclass(frozen=True, slots=True)
class RaterCheck:
    """One rater: `filled` of `asked` cells; `attention` items answered, of which `missed`; `consistency` by column.

    `excluded` is the reason why the main figures leave this rater out, or empty.
    """

    rater: str
    filled: int
    asked: int
    attention: int
    missed: int
    consistency: Mapping[str, Consistency]
    excluded: str


def check_raters(study: Study, replies: Sequence[Reply]) -> tuple[RaterCheck, ...]:
    """Return a check of every rater of the study, in its order."""
    cells = {(reply.item, reply.label, reply.column): reply.value for reply in replies}
    return tuple(_check(sheet, cells) for sheet in study.sheets)


def _check(sheet: Sheet, cells: Cells) -> RaterCheck:
    asked = [cell for item in sheet.items for cell in _asked(item)]
    outcomes = [_missed(item, cells) for item in sheet.items if item.kind == "attention"]
    answered = [outcome for outcome in outcomes if outcome is not None]
    missed = sum(answered)
    reason = ""
    if missed and 2 * missed >= len(answered):
        reason = f"missed {missed} of {len(answered)} attention items"
    filled = sum(cell in cells for cell in asked)
    return RaterCheck(sheet.rater, filled, len(asked), len(answered), missed, _consistency(sheet, cells), reason)


def _asked(item: Item) -> list[tuple[str, str, str]]:
    cells = [
        (item.id, shown.label, question.criterion)
        for shown in item.shown
        for question in questions.asked(item.unexpected)
    ]
    return [*cells, (item.id, "", BEST)] if len(item.shown) > 1 else cells


def _missed(item: Item, cells: Cells) -> bool | None:
    """Whether the planted answer was taken for a fitting one; None if the rater has not said."""
    planted = next(shown.label for shown in item.shown if shown.candidate is None)
    rating, best = cells.get((item.id, planted, ATTENTION_CRITERION)), cells.get((item.id, "", BEST))
    if rating is None and best is None:
        return None
    return best == planted or (rating is not None and int(rating) > HIGHEST_PASS)


def _consistency(sheet: Sheet, cells: Cells) -> dict[str, Consistency]:
    first = {item.id: item for item in sheet.items}
    pairs: dict[str, list[tuple[str, str]]] = {}
    for item in sheet.items:
        if item.kind != "repeat":
            continue
        for _, label, column in _asked(item):
            before, after = _said(first[item.of], item, label, column, cells), _said(item, item, label, column, cells)
            if before is not None and after is not None:
                pairs.setdefault(column, []).append((before, after))
    return {column: _alike(answers, column) for column, answers in pairs.items()}


def _said(item: Item, as_in: Item, label: str, column: str, cells: Cells) -> str | None:
    """What was said in `item` of the answer that has `label` in `as_in`; of the choice, who was chosen."""
    if column == BEST:
        best = cells.get((item.id, "", BEST))
        return best if best in (None, questions.EQUAL, questions.NONE) else item.candidate(best)
    candidate = as_in.candidate(label)
    there = next(shown.label for shown in item.shown if shown.candidate == candidate)
    return cells.get((item.id, there, column))


def _alike(pairs: Sequence[tuple[str, str]], column: str) -> Consistency:
    equal = sum(before == after for before, after in pairs) / len(pairs)
    if column == BEST:
        return Consistency(len(pairs), equal, None)
    return Consistency(len(pairs), equal, sum(abs(int(before) - int(after)) for before, after in pairs) / len(pairs))
