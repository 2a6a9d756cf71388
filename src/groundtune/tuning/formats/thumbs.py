"""Answers that somebody liked or did not: KTO's dialects.

A conversation, or a prompt with an answer, beside `label` (TRL) or `kto_tag` (LLaMA-Factory): true for a good one.
"""

from __future__ import annotations

from dataclasses import replace

from groundtune.tuning.formats import supervised
from groundtune.tuning.formats.columns import ANNOTATOR, RowColumns
from groundtune.tuning.formats.dialect import DataDialect, TrainingRow
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.supervised import ANSWER, ASK, CHAT
from groundtune.values import Example, Thumb

SURE = ("kto_tag", "good", "thumb", "thumbs_up", "liked", "desirable")
LABEL = (*SURE, "label")
_WORDS = {"true": True, "false": False, "up": True, "down": False, "yes": True, "no": False, "1": True, "0": False}
_REMEDY = "Write true for a good answer, false for a bad one."


def _judges(columns: RowColumns) -> bool:
    """Tell whether there is a verdict. Other text under `label` is a class of something, and no verdict."""
    if any(columns.there(key) for key in SURE):
        return True
    value = columns.values.get("label")
    return not isinstance(value, str) or value.strip().casefold() in _WORDS


def _verdict(columns: RowColumns) -> bool:
    key, value = columns.take(LABEL, "the verdict")
    if isinstance(value, bool):
        return value
    if key == "label" and isinstance(value, int | float):
        raise RowRefused(f"`label` is {shown(value)}: is it a verdict or a class?", f"{_REMEDY} Or rename the column.")
    word = str(int(value) if isinstance(value, float) and value in (0, 1) else value).strip().casefold()
    if word not in _WORDS:
        raise RowRefused(f"`{key}` is {shown(value)}, neither true nor false.", _REMEDY)
    return _WORDS[word]


def _read(columns: RowColumns) -> list[TrainingRow]:
    good, annotator, group = _verdict(columns), columns.name(ANNOTATOR), columns.name(("group",))
    dialect = next(
        each
        for each in reversed(supervised.DIALECTS)
        if each.name in _OVER and each.has_columns(columns.present) and each.fits(columns)
    )
    made: list[TrainingRow] = []
    for each in dialect.read(columns):
        assert isinstance(each, Example)
        prompt = tuple(replace(message, trained=True) for message in each.messages[:-1])
        made.append(Thumb(prompt, each.messages[-1:], good, annotator, group, each.tools, each.place))
    if not all(isinstance(each, Thumb) and each.answer[0].trained for each in made):
        raise RowRefused("the answer that is judged has the weight 0.", "Give it the weight 1, or remove the row.")
    return made


_OVER = ("messages", "prompt and completion", "user and assistant", "messages and completion")
DIALECTS = (
    DataDialect(
        "thumbs", (LABEL, (*CHAT, *ASK, "user"), (*CHAT, *ANSWER, "assistant")), _read, over=_OVER, fits=_judges
    ),
)
