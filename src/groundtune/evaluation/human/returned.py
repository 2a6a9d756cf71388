"""Sheets that come back: CSV with what Excel does to it, XLSX, and the file that the page saves.

Every row is checked against the key, and all problems are named by row; a file with one is not taken at all. What was
taken is kept cell by cell, so that half a sheet now and the rest later, or the same file twice, do no harm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from groundtune.errors import InputError
from groundtune.evaluation.human import questions
from groundtune.evaluation.human.sheets import CRITERIA, NOT_ASKED, PAGE
from groundtune.evaluation.human.study import Item, Study
from groundtune.files import read_jsonl, read_text, write_jsonl
from groundtune.spreadsheets import SheetRow, named_rows, read_cells

RETURNED_FILE = "returned.jsonl"
BEST, COMMENT = "best", "comment"
_READ = {"study", "item", "label", *CRITERIA, BEST, COMMENT}
_EMPTY = {"", NOT_ASKED, "-", "—"}
_NUMBER = re.compile(r"([0-9]+)(?:[.,]0+)?")

CellKey = tuple[str, str, str]  # item, label ("" for the choice among answers), column


@dataclass(frozen=True, slots=True)
class Reply:
    """One filled cell: `column` is a criterion, `best` or `comment`; `label` is empty for `best`."""

    item: str
    label: str
    column: str
    value: str


class ReplyLine(BaseModel):
    """One line of returned.jsonl."""

    model_config = ConfigDict(extra="forbid")

    item: str
    label: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row; `row` counts as the spreadsheet shows it, 0 is the file as a whole."""

    file: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file brought: cells that are new, that changed, and that were known."""

    file: str
    rater: str
    new: int
    changed: int
    unchanged: int


def take(paths: Sequence[Path], study: Study, known: Sequence[Reply]) -> tuple[list[Reply], list[Taken], list[Problem]]:
    """Return `known` with what `paths` bring (a later value of a cell wins), what each file brought, and problems."""
    cells: dict[CellKey, str] = {(reply.item, reply.label, reply.column): reply.value for reply in known}
    taken, problems = [], []
    for path in paths:
        try:
            replies, wrong = check(read_rows(path), study, path.name)
        except InputError as error:
            replies, wrong = [], [Problem(path.name, 0, error.message)]
        problems += wrong
        if wrong:
            continue
        new = {(reply.item, reply.label, reply.column): reply.value for reply in replies}
        changed = sum(cell in cells and cells[cell] != value for cell, value in new.items())
        unchanged = sum(cells.get(cell) == value for cell, value in new.items())
        raters = sorted({_raters(study)[reply.item] for reply in replies})
        taken.append(Taken(path.name, ", ".join(raters), len(new) - changed - unchanged, changed, unchanged))
        cells |= new
    return [Reply(*cell, value) for cell, value in sorted(cells.items())], taken, problems


def load_replies(folder: Path) -> list[Reply]:
    """Return what has been taken so far; nothing if there is no file."""
    path = folder / RETURNED_FILE
    return [Reply(**row.model_dump()) for _, row in read_jsonl(path, ReplyLine)] if path.exists() else []


def save_replies(folder: Path, replies: Iterable[Reply]) -> None:
    """Keep all of `replies`, at once or not at all."""
    write_jsonl(folder / RETURNED_FILE, map(asdict, replies))


# --- checking -------------------------------------------------------------------------------------


def check(rows: Sequence[SheetRow], study: Study, file: str) -> tuple[list[Reply], list[Problem]]:
    """Return the filled cells of a file, and what is wrong with it."""
    if not rows:
        return [], [Problem(file, 0, "contains no rows.")]
    if not {"study", "item", "label"} <= set(rows[0].cells):
        return [], [Problem(file, 0, "has no columns `study`, `item` and `label`: it is not a sheet of a study.")]
    stray = [row.number for row in rows if not row.cells["study"].strip()]
    if stray:
        reason = "is not a row of the sheet: notes belong under `comment`, and rows must not be split."
        return [], [Problem(file, number, reason) for number in stray]
    other = next((row for row in rows if row.cells["study"].strip() != study.id), None)
    if other is not None:
        return [], [Problem(file, other.number, f"belongs to study `{other.cells['study']}`, not to `{study.id}`.")]
    items = {item.id: item for sheet in study.sheets for item in sheet.items}
    replies: dict[CellKey, Reply] = {}
    problems = []
    for row in rows:
        problems += [Problem(file, row.number, f"{fault}.") for fault in row.faults]
        for reply, reason in _cells(row.cells, items.get(row.cells["item"].strip())):
            known = replies.get((reply.item, reply.label, reply.column))
            if known is not None and known.value != reply.value:
                reason = f"`{reply.column}` is `{reply.value}` here and `{known.value}` above."
            if reason:
                problems.append(Problem(file, row.number, reason))
            replies[reply.item, reply.label, reply.column] = reply
    return list(replies.values()), problems


def _cells(row: Mapping[str, str], item: Item | None) -> Iterator[tuple[Reply, str]]:
    """Yield every filled cell of a row with what is wrong with it, or an empty reason."""
    label = row["label"].strip().upper()
    if item is None:
        yield Reply(row["item"], label, "item", ""), f"item `{row['item']}` is not in this study."
        return
    labels = [shown.label for shown in item.shown]
    choice = row.get(BEST, "").strip()
    if choice not in _EMPTY:
        yield _choice(item, choice, labels)
    columns = [name for name in (*CRITERIA, COMMENT) if row.get(name, "").strip() not in _EMPTY]
    if columns and label not in labels:
        yield Reply(item.id, label, "label", ""), f"item `{item.id}` has no answer `{row['label']}`."
        return
    for column in columns:
        value = row[column].strip()
        if column == COMMENT:
            yield Reply(item.id, label, column, value), ""
        elif column not in {question.criterion for question in questions.asked(item.unexpected)}:
            yield Reply(item.id, label, column, value), f"`{column}` is not asked for this question: leave it empty."
        else:
            yield _rating(item, label, column, value)


def _choice(item: Item, choice: str, labels: Sequence[str]) -> tuple[Reply, str]:
    allowed = {option.casefold(): option for option in (*labels, questions.EQUAL, questions.NONE)}
    chosen = allowed.get(choice.casefold())
    if chosen is None or len(labels) < 2:
        return Reply(item.id, "", BEST, choice), f"`best` is `{choice}`: write one of {', '.join(allowed.values())}."
    return Reply(item.id, "", BEST, chosen), ""


def _rating(item: Item, label: str, column: str, value: str) -> tuple[Reply, str]:
    number = _NUMBER.fullmatch(value)
    if number is None or not questions.LOWEST <= int(number[1]) <= questions.HIGHEST:
        reason = f"`{column}` is `{value}`: write a number from {questions.LOWEST} to {questions.HIGHEST}."
        return Reply(item.id, label, column, value), reason
    return Reply(item.id, label, column, str(int(number[1]))), ""


def _raters(study: Study) -> dict[str, str]:
    return {item.id: sheet.rater for sheet in study.sheets for item in sheet.items}


# --- reading --------------------------------------------------------------------------------------


def read_rows(path: Path) -> list[SheetRow]:
    """Return the rows of a sheet, whatever it was saved as. Raises `InputError`.

    Only comments have letters that another code page than that of Western Windows would break.
    """
    if path.suffix.lower() == ".json":
        return _from_page(path)
    table = read_cells(path, page=PAGE, western=True)
    return named_rows(table, [_column(cell.text) for cell in table[0]] if table else [], _READ.__contains__)


def _column(title: str) -> str:
    """Titles carry a hint ("intuitive (1-5)") and may have been touched."""
    words = title.split()
    return words[0].casefold() if words else ""


def _from_page(path: Path) -> list[SheetRow]:
    try:
        saved = json.loads(read_text(path))
        head = {"study": str(saved["study"]), "sheet": str(saved["sheet"])}
        rows = [{str(key): str(value) for key, value in row.items()} for row in saved["rows"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"is not a file that the rating page saved: {type(error).__name__} {error}.",
            place=path,
            remedy="Save it again.",
        ) from None
    return [SheetRow(number, {"item": "", "label": "", **row, **head}) for number, row in enumerate(rows, start=1)]
