"""Training data in Bedrock's format: written line by line, and checked against what the model's family takes.

Nothing is left out and nothing is cut: conversations that break a limit are refused with their places; texts that are
longer than a record may be are divided. Knows neither AWS nor settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundtune.errors import TuningError
from groundtune.files import json_lines, write_text
from groundtune.models.templates import converse
from groundtune.sentences import sentence_spans
from groundtune.tuning.examples import hold_out
from groundtune.tuning.hosted.limits import Limits
from groundtune.values import Example, TrainingText

SCHEMA = "bedrock-conversation-2024"
_SHOWN = 5  # places that a message lists


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of records: `sha256` identifies its bytes."""

    path: Path
    records: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """The files of a job. `divided` counts the texts that became several records."""

    training: DataFile
    validation: DataFile | None
    characters: int
    divided: int = 0


@dataclass(frozen=True, slots=True)
class _Record:
    content: dict[str, Any]
    text: str
    place: str


def prepare(
    data: Sequence[Example] | Sequence[TrainingText], limits: Limits, folder: Path, held_out: int, seed: int
) -> Prepared:
    """Write the data into `folder` and return what was written; the same data gives the same bytes.

    `held_out` conversations are kept back for the job's validation, where the family takes any. Raises `TuningError`,
    with the places, for data that breaks a limit.
    """
    divided = 0
    validation: list[_Record] = []
    examples = [each for each in data if isinstance(each, Example)]
    _check_turns(examples)
    if limits.form == "text":
        pieces = [list(_pieces(each, limits.characters)) for each in data if isinstance(each, TrainingText)]
        divided = sum(len(records) > 1 for records in pieces)
        training = [record for records in pieces for record in records]
    elif limits.validation == 0 or len(examples) < 2:
        training = [_conversation(each, limits) for each in examples]
    else:
        most = held_out if limits.validation is None else min(held_out, limits.validation)
        parts = hold_out(examples, most, np.random.default_rng(seed))
        training, validation = ([_conversation(each, limits) for each in part] for part in parts)
    _check_records([*training, *validation], limits)
    _check_number(len(training) + len(validation), limits)
    prepared = Prepared(
        _written(training, folder / "training.jsonl"),
        _written(validation, folder / "validation.jsonl") if validation else None,
        sum(len(record.text) for record in training),
        divided,
    )
    _check_size(prepared.training, limits)
    return prepared


def _conversation(example: Example, limits: Limits) -> _Record:
    """Return a conversation as the record that its family takes."""
    system, turns = converse(example.messages, example.tools)
    content: dict[str, Any] = {"schemaVersion": SCHEMA, "system": system, "messages": turns}
    if limits.form == "anthropic":
        flat = [{**turn, "content": _joined(turn["content"])} for turn in turns]
        content = {"system": _joined(system), "messages": flat}
    if not system:
        del content["system"]
    texts = [*system, *(block for turn in turns for block in turn["content"])]
    return _Record(content, _joined(texts), example.place)


def _joined(blocks: Sequence[dict[str, str]]) -> str:
    return "\n".join(block["text"] for block in blocks)


def _pieces(text: TrainingText, most: int | None) -> Iterator[_Record]:
    """Divide a text into records of at most `most` characters, between paragraphs or sentences where there are any."""
    place = text.place or text.document
    for piece in divided(text.text.strip(), most or len(text.text)):
        yield _Record({"input": piece}, piece, place)


def divided(text: str, most: int) -> list[str]:
    """Return the text in pieces of at most `most` characters, which together are the text, white space at cuts aside.

    >>> divided("One. Two. Three.", 10)
    ['One. Two.', 'Three.']
    """
    pieces, start = [], 0
    while len(text) - start > most:
        cut = start + _cut(text[start : start + most + 1], most)
        pieces.append(text[start:cut].rstrip())
        start = cut
        while start < len(text) and text[start].isspace():
            start += 1
    return [piece for piece in (*pieces, text[start:]) if piece]


def _cut(window: str, most: int) -> int:
    """Return where to cut: behind the last paragraph that fits, else sentence, else word, else in the middle of one.

    `window` has one character more than fits.
    """
    paragraph = window.rfind("\n\n")
    if paragraph > 0:
        return paragraph
    starts = [start for start, _ in sentence_spans(window)][1:]
    if starts and starts[-1] <= most:
        return starts[-1]
    word = window.rfind(" ")
    return word if word > 0 else most


def _check_turns(examples: Sequence[Example]) -> None:
    """Raise `TuningError` for conversations with turns that are not to be learned: Bedrock learns all."""
    untrained = [
        each.place
        for each in examples
        if any(message.role == "assistant" and not message.trained for message in each.messages)
    ]
    remedy = "Leave these turns out, or shorten the conversations to the turns that are to be learned."
    _refuse(untrained, "with turns of the assistant that are not to be learned; Bedrock learns all of them", remedy)


def _check_records(records: Sequence[_Record], limits: Limits) -> None:
    """Raise `TuningError` for records that are too long or hold a word that the family reserves."""
    if limits.characters is not None:
        long = [record for record in records if len(record.text) > limits.characters]
        _refuse(
            [record.place for record in long],
            f"longer than {limits.characters:,} characters (the longest has "
            f"{max((len(record.text) for record in long), default=0):,})",
            "Shorten them, or leave them out.",
        )
    for word in limits.reserved:
        places = [record.place for record in records if word in record.text]
        remedy = "Say it in another word there, also in `[assistant] instructions` if it stands in all of them."
        _refuse(places, f"with {json.dumps(word)}, which Bedrock reserves for itself in data for this model", remedy)


def _refuse(places: Sequence[str], what: str, remedy: str) -> None:
    if not places:
        return
    named = [place for place in places if place]
    shown = f" ({', '.join(named[:_SHOWN])}{', …' if len(named) > _SHOWN else ''})" if named else ""
    raise TuningError(f"the data has {len(places)} records{shown} {what}.", remedy=remedy)


def _check_number(records: int, limits: Limits) -> None:
    if records < limits.least:
        raise TuningError(
            f"the data has {records} records; Bedrock takes at least {limits.least} for this model.",
            remedy="Add training data, or tune another model.",
        )
    if limits.most is not None and records > limits.most:
        raise TuningError(
            f"the data has {records:,} records; Bedrock takes at most {limits.most:,} for this model.",
            remedy="Leave some out, or set `[tuning.bedrock] most_records` if your account has a higher quota.",
        )


def _check_size(file: DataFile, limits: Limits) -> None:
    if limits.size is not None and file.size > limits.size:
        raise TuningError(
            f"the training file has {file.size:,} bytes; Bedrock takes at most {limits.size:,} for this model.",
            place=file.path,
            remedy="Leave some data out.",
        )


def _written(records: Sequence[_Record], path: Path) -> DataFile:
    text = json_lines(record.content for record in records)
    write_text(path, text)
    content = text.encode("utf-8")
    return DataFile(path, len(records), len(content), hashlib.sha256(content).hexdigest())
