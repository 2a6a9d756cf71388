"""Files of training data as the lines that checks see, whatever dialect they are written in.

The one place that knows how files become lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundtune.errors import InputError
from groundtune.tuning.formats import SUFFIXES, BrokenLine, TrainingRow, read_rows
from groundtune.tuning.quality.check import DataLine
from groundtune.values import Conversation, Example, Message, PreferencePair, TrainingText


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of training data, and what findings call it."""

    path: Path
    name: str


def data_files(paths: Sequence[Path], root: Path) -> list[DataFile]:
    """Return the files at `paths`, those in folders included, each once; below `root` they are called from there.

    Raises `InputError` for a path that does not exist, and for a folder without training data.
    """
    chosen: dict[Path, DataFile] = {}
    for path in paths:
        for file in _files(path):
            chosen.setdefault(file.resolve(), DataFile(file, _name(file, root)))
    return list(chosen.values())


def data_lines(file: DataFile) -> Iterator[DataLine | BrokenLine]:
    """Return what each line says, and the lines that are broken. Raises `InputError` for an unreadable file."""
    for row in read_rows(file.path):
        if isinstance(row, BrokenLine):
            yield BrokenLine(file.name, row.line, row.reason, row.remedy)
        else:
            yield data_line(row, file.name)


def data_line(row: TrainingRow, file: str) -> DataLine:
    """Return a value as checks see it; its line is that of its `place`."""
    line = int(row.place.rpartition(":")[2] or 0)
    if isinstance(row, TrainingText):
        return DataLine(file, line, "text", "", row.text, documents=(row.document,) if row.document else ())
    if isinstance(row, Example):
        prompt, answer = row.messages[:-1], row.messages[-1:]
        return DataLine(
            file, line, "supervised", _text(prompt), _text(answer), documents=row.documents, question=_asked(prompt)
        )
    if isinstance(row, PreferencePair):
        prompt = row.prompt
        return DataLine(
            file,
            line,
            "pair",
            _text(prompt),
            _text(row.chosen),
            rejected=_text(row.rejected),
            annotator=row.annotator,
            group=row.group,
            shown_first=row.chosen_first,
            question=_asked(prompt),
        )
    return DataLine(
        file,
        line,
        "thumb",
        _text(row.prompt),
        _text(row.answer),
        annotator=row.annotator,
        group=row.group,
        good=row.good,
        question=_asked(row.prompt),
    )


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if _is_data(each, path))
        if not files:
            raise InputError("contains no training data.", place=path, remedy=f"Known files: {', '.join(SUFFIXES)}.")
        return files
    if not path.exists():
        raise InputError("no such file.", place=path, remedy="Check the path.")
    return [path]


def _is_data(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else "".join(suffixes[-1:])
    return not hidden and kind in SUFFIXES and path.is_file()


def _name(file: Path, root: Path) -> str:
    """Return what a file is called in findings: from the project on, if it is in there."""
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(file)


def _asked(prompt: Conversation) -> str:
    return next((message.content for message in reversed(prompt) if message.role == "user"), "")


def _text(messages: Conversation) -> str:
    return "\n".join(part for message in messages for part in _parts(message) if part)


def _parts(message: Message) -> list[str]:
    return [message.content, *(f"{call.name} {call.arguments}" for call in message.tool_calls)]
