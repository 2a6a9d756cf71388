"""Training data, each row once: conversations, preference pairs, thumbs and texts; kept apart for early stopping.

Stands on `formats`, which reads the rows of a file. What is left out of one is said and counted, never silent. Knows
nothing of models, prompts or documents' content.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from groundtune.errors import InputError, TuningError
from groundtune.tuning.formats import SUFFIXES, BrokenLine, TrainingRow, read_rows, suffix
from groundtune.values import Conversation, Example, PreferencePair, Question, Thumb, TrainingText, digest

LoadedKind = TypeVar("LoadedKind", Example, PreferencePair | Thumb, TrainingText)

_NAMES: dict[type, tuple[str, str]] = {  # how a row of a kind is called, and how several are
    Example: ("conversation", "conversations"),
    PreferencePair: ("preference pair", "preference pairs"),
    Thumb: ("rated answer", "rated answers"),
    TrainingText: ("text", "texts"),
}
JUDGED: tuple[type[PreferencePair | Thumb], ...] = (PreferencePair, Thumb)
_log = logging.getLogger(__name__)


def load_examples(path: Path) -> list[Example]:
    """Return the conversations of `path`, each once. Raises `InputError` with file and line."""
    return _load([path], (Example,), lambda each: (data_hash([each]),))


def load_judged(path: Path) -> list[PreferencePair | Thumb]:
    """Return the preference pairs and the rated answers of `path`, each once for each annotator.

    Raises `InputError` with file and line.
    """
    return _load([path], JUDGED, lambda each: replace(each, group=""))


def load_texts(path: Path) -> list[TrainingText]:
    """Return the texts of a file, or of all files in a folder and below, each once. Raises `InputError`.

    A text's `document` is its file within the folder. Files of other formats are counted in a warning.
    """
    if not path.is_dir():
        return _load([path], (TrainingText,), lambda each: (each.text,))
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    read = [file for file in files if suffix(file) in SUFFIXES]
    if len(read) < len(files):
        _log.warning(
            "%s: %d of %d files hold no training text and are not read.", path, len(files) - len(read), len(files)
        )
    return _load(read, (TrainingText,), lambda each: (each.text,), folder=path)


def _load(
    files: Sequence[Path],
    wanted: tuple[type[LoadedKind], ...],
    identity: Callable[[LoadedKind], object],
    folder: Path | None = None,
) -> list[LoadedKind]:
    """Return the rows of the wanted kinds, each once; say what is left out. Raises `InputError` if one is broken."""
    where = folder or files[0]
    unused: Counter[str] = Counter()
    named = ((file, file.relative_to(folder).as_posix() if folder else file.name) for file in files)
    kept: dict[object, LoadedKind] = {}
    others: Counter[type] = Counter()
    repeats: list[LoadedKind] = []
    for row in _sound(row for file, name in named for row in read_rows(file, unused, name)):
        if not isinstance(row, wanted):
            others[type(row)] += 1
        elif kept.setdefault(identity(row), row) is not row:
            repeats.append(row)
    each, several = (" or ".join(names) for names in zip(*(_NAMES[kind] for kind in wanted), strict=True))
    kinds = ", ".join(f"{number} {_NAMES[other][number != 1]}" for other, number in others.items())
    if not kept:
        remedy = f"It holds {kinds}: name another file." if kinds else f"Add {several}, one per line."
        raise InputError(f"contains no {each}.", place=where, remedy=remedy)
    if kinds:
        _log.warning("%s: holds %s as well, which are not used as %s.", where, kinds, several)
    if repeats:
        _log.warning(
            "%s: %d of %d %s repeat an earlier one and are left out, the first on %s.",
            *(where, len(repeats), len(repeats) + len(kept), several, repeats[0].place),
        )
    if unused:
        names = ", ".join(f"`{name}`" for name in unused)
        _log.info("%s: columns that training does not use: %s.", where, names)
    return list(kept.values())


def _sound(rows: Iterable[TrainingRow | BrokenLine]) -> Iterator[TrainingRow]:
    """Pass on what is not broken. Raises `InputError` at the end of the rows if any was."""
    first: BrokenLine | None = None
    broken = 0
    for row in rows:
        if isinstance(row, BrokenLine):
            first, broken = first or row, broken + 1
        elif first is None:
            yield row
    if first is not None:
        more = "" if broken == 1 else f" {broken - 1} more {'row is' if broken == 2 else 'rows are'} broken."
        raise InputError(f"{first.reason}{more}", place=first.file, line=first.line, remedy=first.remedy)


def last_question(example: Example) -> Question:
    """Return the last question of a conversation with the turns before it, without a system message."""
    last = _last_asked(example)
    turns = tuple(message for message in example.messages[:last] if message.role != "system")
    return Question(example.messages[last].content, turns)


def reply_turns(example: Example) -> Conversation:
    """Return what follows the last question: the answer, after calls of tools and their replies, if there are any."""
    return example.messages[_last_asked(example) + 1 :]


def _last_asked(example: Example) -> int:
    return max(number for number, message in enumerate(example.messages) if message.role == "user")


def hold_out(examples: Sequence[Example], number: int, rng: np.random.Generator) -> tuple[list[Example], list[Example]]:
    """Return (training, held out): `number` conversations are held out, but at most a fifth and at least one.

    Raises `TuningError` for fewer than two conversations.
    """
    if len(examples) < 2:
        raise TuningError(
            f"too few training conversations for early stopping: {len(examples)}. At least 2 are needed.",
            remedy="Add conversations to the training data.",
        )
    order = rng.permutation(len(examples))
    kept = max(1, min(number, len(examples) // 5))
    return [examples[index] for index in order[kept:]], [examples[index] for index in order[:kept]]


def data_hash(examples: Sequence[Example]) -> str:
    """Identify a set of conversations, whatever their order."""
    return digest(*sorted(identity(example.messages, example.tools) for example in examples))


def identity(messages: Conversation, tools: Sequence[str] = ()) -> str:
    """Identify a conversation; one without tools and weights as before there were any."""
    parts = [part for message in messages for part in (message.role, message.content)]
    for number, message in enumerate(messages):
        more = [
            message.name,
            message.call,
            *(part for call in message.tool_calls for part in (call.name, call.arguments)),
        ]
        if any(more):
            parts += ["calls", str(number), *more]
        if not message.trained:
            parts += ["untrained", str(number)]
    return digest(*parts, *(("tools", *tools) if tools else ()))
