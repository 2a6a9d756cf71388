"""Which dialect a row is written in: told by its columns, row by row; a row that may be two things is refused.

A new family of dialects is a file beside this one and its name in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache

from groundtune.tuning.formats import pairs, rankings, supervised, texts, thumbs
from groundtune.tuning.formats.columns import RowColumns
from groundtune.tuning.formats.dialect import DataDialect, TrainingRow
from groundtune.tuning.formats.refusal import RowRefused
from groundtune.tuning.formats.turns import SPEAKER, is_turn
from groundtune.values import Conversation, Example, PreferencePair, Thumb, TrainingText

FAMILIES = (supervised, pairs, rankings, thumbs, texts)
DIALECTS: tuple[DataDialect, ...] = tuple(dialect for family in FAMILIES for dialect in family.DIALECTS)

_KNOWN = 'Write {"messages": [{"role", "content"}, ...]}; docs/training_data.md lists the other formats.'
_NEAR = ("documents", "tools", "history", "system")
# columns that say what is trained on: beside a dialect that does not read them, they must say nothing else
_SPEAKS = (*supervised.CHAT, *supervised.ASK, *supervised.ANSWER, *pairs.CHOSEN, *pairs.REJECTED, "text")
_COUNTERPARTS = (
    (pairs.CHOSEN, pairs.REJECTED),
    (pairs.REJECTED, pairs.CHOSEN),
    (supervised.ASK, supervised.ANSWER),
    (supervised.ANSWER, supervised.ASK),
)


def training_rows(columns: RowColumns) -> list[TrainingRow]:
    """Return what a row says: one value, or several for a ranking. Raises `RowRefused`."""
    columns.refuse_pictures()
    dialects = _dialects(columns)
    first = dialects[0].read(columns)
    for other in dialects[1:]:
        again = RowColumns(columns.values, columns.place)
        if _said(other.read(again)) != _said(first):
            raise RowRefused(
                f"ambiguous: it may be {dialects[0].name} or {other.name}, which say different things.",
                "Keep the columns of one of them.",
            )
        columns.used |= again.used
    _refuse_more_said(columns, first)
    if any(isinstance(each, Example) for each in first):
        _refuse_misspelt(columns)
        _refuse_no_verdict(columns)
    return [_with_metadata(each, columns) for each in first]


def _with_metadata(made: TrainingRow, columns: RowColumns) -> TrainingRow:
    if not isinstance(made, Example):
        return made
    return replace(made, metadata=columns.metadata() | dict(made.metadata))


def _dialects(columns: RowColumns) -> list[DataDialect]:
    matching = [dialect for dialect in _with_columns(columns.present) if dialect.fits(columns)]
    if not matching:
        _refuse_unknown(columns)
    if len(matching) == 1:
        return matching
    matching = [dialect for dialect in matching if dialect.name != "text"] or matching  # `text` is checked for itself
    matching = [dialect for dialect in matching if dialect.filled(columns)] or matching
    return [dialect for dialect in matching if not any(dialect.name in other.over for other in matching)]


@lru_cache(1024)  # files have few sets of columns
def _with_columns(names: frozenset[str]) -> tuple[DataDialect, ...]:
    return tuple(dialect for dialect in DIALECTS if dialect.has_columns(names))


def _refuse_unknown(columns: RowColumns) -> None:
    there = {key: value for key, value in columns.values.items() if value is not None}
    if is_turn(there):
        raise RowRefused(
            "is a single turn, not a conversation.", 'Put the turns of a conversation into {"messages": [...]}.'
        )
    if "input_ids" in there:
        raise RowRefused("holds token ids, which fit one tokenizer only.", _KNOWN)
    for group, other in _COUNTERPARTS:
        lone = next((key for key in group if key in there), None)
        if lone:
            raise RowRefused(f"has `{lone}`, but `{other[0]}` is missing.", f"Add it, under that name. {_KNOWN}")
    for key, value in there.items():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            raise RowRefused(
                f"`messages` is missing; the list under `{key}` may hold the rows.", "Save that list alone."
            )
    names = ", ".join(f"`{key}`" for key in columns.values) or "none"
    raise RowRefused(f"`messages` is missing, and so are the columns of other formats. Columns: {names}.", _KNOWN)


def _refuse_more_said(columns: RowColumns, made: list[TrainingRow]) -> None:
    """Raise `RowRefused` where a column that nobody read says something that the row's data do not."""
    left = [key for key in columns.left() if key in _SPEAKS]
    if not left:
        return
    texts = [text for each in made for text in _texts(each)]
    together = "\n".join(texts)
    for key in left:
        for text in _strings(columns.values[key]):
            if text.strip() not in together and texts[-1] not in text:
                raise RowRefused(
                    f"ambiguous: `{key}` says something else than the columns that were read "
                    f"({', '.join(f'`{name}`' for name in sorted(columns.used & set(columns.values)))}).",
                    "Keep the columns of one format, or rename the others.",
                )
        columns.used.add(key)


def _refuse_misspelt(columns: RowColumns) -> None:
    for key in columns.left():
        near = get_close_matches(key, _NEAR, n=1, cutoff=0.88)
        if near and not columns.filled(near[0]):
            raise RowRefused(f"unknown key `{key}`. Did you mean `{near[0]}`?", "Correct it, or rename the column.")


def _refuse_no_verdict(columns: RowColumns) -> None:
    for key in thumbs.LABEL:
        if columns.values.get(key, True) in (None, ""):
            raise RowRefused(
                f"`{key}` is empty, neither true nor false.", "Write the verdict, or leave the column out."
            )


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for key, each in value.items() if key not in (*SPEAKER, "type") for text in _strings(each)]
    return [text for each in value for text in _strings(each)] if isinstance(value, list) else []


def _said(made: list[TrainingRow]) -> list[tuple[object, ...]]:
    return [(type(each).__name__, *_parts(each), getattr(each, "tools", ())) for each in made]


def _parts(each: TrainingRow) -> tuple[Conversation, ...]:
    if isinstance(each, Example):
        return (each.messages,)
    if isinstance(each, PreferencePair):
        return (each.prompt, each.chosen, each.rejected)
    return (each.prompt, each.answer) if isinstance(each, Thumb) else ()


def _texts(each: TrainingRow) -> list[str]:
    if isinstance(each, TrainingText):
        return [each.text]
    return [part for turns in _parts(each) for turn in turns for part in (turn.content,) if part]
