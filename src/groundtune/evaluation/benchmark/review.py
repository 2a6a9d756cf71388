"""What experts decide: cases go out as a table or as JSONL, and come back approved, edited or rejected.

Every exported row carries a hash of itself. It shows which rows nobody touched, and which rows were edited in an
export that is out of date. What is not touched stays as it is, to the byte. Knows no
spreadsheet: `sheets` reads and writes those.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import (
    CaseLine,
    EvidenceLine,
    TurnLine,
    check_evidence,
    load_benchmark,
    read_cases,
    unsound,
)
from groundtune.files import beside, json_lines, read_jsonl, read_text, write_jsonl, write_text
from groundtune.spreadsheets import Look, SheetRow, read_table, write_table
from groundtune.values import EVERYONE, digest

STATUSES = ("draft", "approved", "rejected")
FEWEST_QUOTES = 2  # columns, so that there is room for one more
_PLAIN = ("id", "status", "question", "ideal_answer", "answerable")
_REST = ("clarify", "group", "tags", "split", "author")
_LAST = ("reviewer", "version")
_WIDE = ("question", "ideal_answer", "other ideal answer", "quote")
_FIELDS = {
    "other ideal answer": "other_ideal_answers",
    "document": "passages",
    "quote": "passages",
    "earlier question": "history",
    "earlier answer": "history",
    "asker": "asker",
}
_NUMBERED = rf"(?:{'|'.join(_FIELDS)}) [1-9]\d*"
COLUMNS = (*_PLAIN, *_REST, *_LAST, _NUMBERED)
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


class ReviewLine(CaseLine):
    """A line of an exported .jsonl: a case with the hash of what was exported."""

    version: str = ""


@dataclass(slots=True)
class Reviewed:
    """What a review did, by number of rows, and why it did nothing: with any fault no file is changed."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class CaseFiles:
    """The cases of a benchmark and its drafts, and where each of them stands."""

    def __init__(self, benchmark: Path, drafts: Path) -> None:
        self.benchmark, self.drafts = benchmark, drafts
        self.rows: dict[str, CaseLine] = {}
        self._home: dict[str, Path] = {}
        for path in (benchmark, drafts):  # a draft that was approved when a kill came between stands in both
            for _, row in read_cases(path) if path.is_file() else ():
                if row.id not in self.rows:
                    self.rows[row.id], self._home[row.id] = row, path

    def write(self, changed: Mapping[str, CaseLine], development_share: float) -> None:
        """Put the cases in the place of what they were; decided drafts move to the benchmark.

        The benchmark goes first. Raises `InputError`, and changes nothing, if it could not be loaded afterwards.
        """
        moved = [id_ for id_, row in changed.items() if self._home[id_] == self.drafts and row.status != "draft"]
        lines = _lines(self.benchmark, changed)
        lines += [_line(changed[id_]) for id_ in moved]
        self._check(lines, development_share)
        if lines or self.benchmark.is_file():
            write_text(self.benchmark, "".join(lines))
        if self.drafts.is_file():
            write_text(self.drafts, "".join(_lines(self.drafts, changed, without=self._in_benchmark(moved))))

    def erase_drafts(self, ids: Iterable[str]) -> None:
        """Erase these drafts; cases of the benchmark stay."""
        if self.drafts.is_file():
            write_text(self.drafts, "".join(_lines(self.drafts, {}, without=ids)))

    def _in_benchmark(self, moved: Iterable[str]) -> set[str]:
        return {id_ for id_, home in self._home.items() if home == self.benchmark} | set(moved)

    def _check(self, lines: Sequence[str], development_share: float) -> None:
        trial = beside(self.benchmark)
        write_text(trial, "".join(lines))
        try:
            if any(row.status == "approved" for _, row in read_cases(trial)):
                load_benchmark(trial, development_share)
        except InputError as error:
            raise InputError(
                f"after this review, the benchmark would be invalid: {error.message}",
                place=self.benchmark,
                remedy=f"{error.remedy} Nothing was changed.",
            ) from None
        finally:
            trial.unlink(missing_ok=True)


def export_cases(files: CaseFiles, path: Path, *, everything: bool = False) -> int:
    """Write the drafts, or all cases, for review; return how many. Raises `InputError`, `NotInstalled`."""
    rows = [row for row in files.rows.values() if everything or row.status == "draft"]
    if path.suffix.lower() == ".jsonl":
        if path.exists():
            raise InputError("already exists and may contain reviews.", place=path, remedy="Choose a new file.")
        write_jsonl(path, map(_exported, rows))
        return len(rows)
    quotes = max([FEWEST_QUOTES, *(len(row.passages) for row in rows)])
    answers = max([0, *(len(row.other_ideal_answers) for row in rows)])
    turns = max([0, *((len(row.history) + 1) // 2 for row in rows)])
    others = [f"other ideal answer {number}" for number in range(1, answers + 1)]
    passages = [f"{name} {number}" for number in range(1, quotes + 1) for name in ("document", "quote")]
    earlier = [f"earlier {name} {number}" for number in range(1, turns + 1) for name in ("question", "answer")]
    askers = [f"asker {number}" for number in range(1, max([0, *(len(_askers(row)) for row in rows)]) + 1)]
    header = [*_PLAIN, *others, *passages, *_REST, *askers, *earlier, *_LAST]
    table = []
    for row in rows:
        shown = cells(row)
        shown["version"] = _version(shown)
        table.append([shown.get(column, "") for column in header])
    looks = {column: Look(width=50) for column in header if column.startswith(_WIDE)}
    write_table(path, header, table, looks | {"status": Look(choices=STATUSES)})
    return len(rows)


def review_cases(
    files: CaseFiles, path: Path, texts: Mapping[str, str], *, reviewer: str = "", development_share: float
) -> Reviewed:
    """Take the decisions of a reviewed file over into the benchmark, all of them or, with any fault, none.

    `texts` are the documents by id, in which quotes must stand; `reviewer` reviewed where a row names nobody.
    Raises `InputError` if the file cannot be read at all, or the benchmark would not be sound.
    """
    done = Reviewed()
    changed: dict[str, CaseLine] = {}
    seen: dict[str, int] = {}
    for given in _given(path, files):
        id_ = given.cells.get("id", "").strip()
        faults = list(given.faults)
        if id_ in seen:
            faults.append(f"`id` {id_!r} also appears in row {seen[id_]}")
        elif id_ not in files.rows:
            faults.append(f"no case has the id {id_!r}")
        elif not faults:
            seen[id_] = given.number
            row, faults = _reviewed(files.rows[id_], given.cells, texts, reviewer)
            if row is not None and not faults:
                changed[id_] = row
        if faults:
            done.faults += [f"row {given.number}: {fault}." for fault in faults]
        elif id_ not in changed:
            done.counts["untouched"] += 1
        else:
            done.counts.update(_what(files.rows[id_], changed[id_]))
    if done.faults:
        return Reviewed(faults=done.faults)
    if changed:
        files.write(changed, development_share)
    return done


def cells(row: CaseLine) -> dict[str, str]:
    """Return the case as cells, by column, those without content left out; and nobody as reviewer."""
    shown = {
        "id": row.id,
        "status": row.status,
        "question": row.question,
        "ideal_answer": row.ideal_answer,
        "answerable": "yes" if row.has_answer else "no",
        "clarify": "yes" if row.clarify else "",
        "group": row.group,
        "tags": ", ".join(row.tags),
        "split": row.split or "",
        "author": row.author,
    }
    for number, answer in enumerate(row.other_ideal_answers, start=1):
        shown[f"other ideal answer {number}"] = answer
    for number, passage in enumerate(row.passages, start=1):
        shown |= {f"document {number}": passage.document, f"quote {number}": passage.quote or ""}
    for number, principal in enumerate(_askers(row), start=1):
        shown[f"asker {number}"] = principal
    for place, turn in enumerate(row.history):
        shown[f"earlier {('question', 'answer')[place % 2]} {place // 2 + 1}"] = turn.content
    return {column: text for column, text in shown.items() if text}


# --- one row -------------------------------------------------------------------------------------------------------


def _reviewed(
    row: CaseLine, given: Mapping[str, str], texts: Mapping[str, str], reviewer: str
) -> tuple[CaseLine | None, list[str]]:
    """Return the case as reviewed (None if nobody touched it) and what is wrong with the row."""
    version, named = given.get("version", "").strip(), given.get("reviewer", "").strip()
    who = named or reviewer.strip()
    told = {column: text for column, text in given.items() if column not in _LAST}
    present = cells(row)
    if version == _version(told) and not named:
        return None, []
    differs = {column for column, text in told.items() if _normal(text) != _normal(present.get(column, ""))}
    if not differs and named in ("", row.reviewer):  # nothing, or what was taken over before
        return None, []
    if version != _version(present):
        return None, ["the case has changed since this was exported: export it again and review the new export"]
    if not who:
        return None, ["it was changed, but no `reviewer` is named"]
    if "author" in differs:
        return None, ["`author` says who wrote the case and cannot be changed: name yourself as `reviewer`"]
    try:
        values = {name: _value(name, row, present | told) for name in sorted(map(_field, differs))}
        if "clarify" in values and (not values["clarify"] or "answerable" not in values):
            values["answerable"] = not values["clarify"] and _value("answerable", row, present | told)
    except ValueError as error:
        return None, [str(error)]
    values = {name: value for name, value in values.items() if value != getattr(row, name)}
    edits = list(row.edits)
    edits += [note for name in values if name != "status" and (note := f"{name} by {who}") not in edits]
    changed = row.model_copy(update={**values, "reviewer": who} | ({"edits": edits} if edits else {}))
    faults = _faults(changed, texts)
    lost = row.ideal_answer.strip() or row.status != "approved"  # one that never had an answer measures search only
    if lost and changed.status == "approved" and changed.answerable and not changed.ideal_answer.strip():
        faults = ["it is answerable but has no ideal answer", *(one for one in faults if "ideal answer" not in one)]
    return changed, faults


def _faults(row: CaseLine, texts: Mapping[str, str]) -> list[str]:
    if row.status != "approved":
        return []
    reason = unsound(row)
    return ([reason.rstrip(".")] if reason else []) + [
        f"the quote is not in `{problem.document}`"
        if problem.document in texts
        else f"there is no document `{problem.document}`"
        for problem in check_evidence([row.case(row.split or "test")], texts)
    ]


def _value(name: str, row: CaseLine, told: Mapping[str, str]) -> object:
    """Return what a field becomes. Raises `ValueError` with the reason why it cannot."""
    text = told.get(name, "").strip()
    makers: dict[str, Callable[[], object]] = {
        "status": lambda: _one_of(name, text, STATUSES),
        "answerable": lambda: _one_of(name, text, (*_YES, *_NO)) in _YES,
        "clarify": lambda: bool(text) and _one_of(name, text, (*_YES, *_NO)) in _YES,
        "tags": lambda: [tag.strip() for tag in text.split(",") if tag.strip()],
        "split": lambda: _one_of(name, text, ("development", "test")) if text else None,
        "other_ideal_answers": lambda: _listed("other ideal answer", row.other_ideal_answers, told),
        "asker": lambda: _listed("asker", row.asker, told) or list(EVERYONE),
        "passages": lambda: _passages(row, told),
        "history": lambda: _history(row, told),
    }
    return makers[name]() if name in makers else text


def _one_of(name: str, text: str, known: Sequence[str]) -> str:
    if text.lower() not in known:
        raise ValueError(f"`{name}` is {text!r}, which is not one of {', '.join(known)}")
    return text.lower()


def _askers(row: CaseLine) -> list[str]:
    """Return the principals that a table shows: none for everyone, as in a case that names none."""
    return [] if tuple(row.asker) == EVERYONE else row.asker


def _listed(name: str, before: Sequence[str], told: Mapping[str, str]) -> list[str]:
    """Return the texts of the columns `name` 1, 2, … as told, without those that were emptied."""
    texts = [told[f"{name} {number}"].strip() for number in _numbers(told, name)]
    kept = {_normal(text): text for text in before}
    return [kept.get(_normal(text), text) for text in texts if text]


def _passages(row: CaseLine, told: Mapping[str, str]) -> list[EvidenceLine]:
    """Return the passages as told. One that is the same as before stays as it was, to the letter."""
    passages = []
    for number in _numbers(told, "document", "quote"):
        document, quote = (told.get(f"{name} {number}", "").strip() for name in ("document", "quote"))
        before = row.passages[number - 1] if number <= len(row.passages) else None
        if before and (_normal(document), _normal(quote)) == (_normal(before.document), _normal(before.quote or "")):
            passages.append(before)
        elif quote and not document:
            raise ValueError(f"`quote {number}` has no document")
        elif document:
            passages.append(EvidenceLine(document=document, quote=quote or None))
    return passages


def _history(row: CaseLine, told: Mapping[str, str]) -> list[TurnLine]:
    turns: list[TurnLine] = []
    for number in _numbers(told, "earlier question", "earlier answer"):
        asked, answered = (told.get(f"earlier {name} {number}", "").strip() for name in ("question", "answer"))
        if bool(asked) != bool(answered):
            raise ValueError(f"`earlier question {number}` and `earlier answer {number}` must be filled in together")
        before = row.history[2 * number - 2 : 2 * number]
        if asked and [_normal(turn.content) for turn in before] == [_normal(asked), _normal(answered)]:
            turns += before
        elif asked:
            turns += [TurnLine(role="user", content=asked), TurnLine(role="assistant", content=answered)]
    return turns


def _numbers(told: Mapping[str, str], *names: str) -> list[int]:
    columns = (re.fullmatch(rf"(?:{'|'.join(names)}) (\d+)", column) for column in told)
    return sorted({int(match[1]) for match in columns if match})


def _field(column: str) -> str:
    return _FIELDS.get(column.rstrip("0123456789").strip(), column)


def _what(before: CaseLine, after: CaseLine) -> set[str]:
    """Return how to count the row."""
    names = {after.status} if after.status != before.status else set()
    return names | ({"edited"} if after.edits != before.edits else set()) or {"confirmed"}


# --- files ---------------------------------------------------------------------------------------------------------


def _given(path: Path, files: CaseFiles) -> list[SheetRow]:
    """Return the rows of a table, in which a missing column says nothing, or of JSONL, where a missing key is empty."""
    if path.suffix.lower() != ".jsonl":
        return read_table(path, COLUMNS)
    return [
        SheetRow(
            number,
            dict.fromkeys(cells(files.rows[row.id]) if row.id in files.rows else (), "")
            | cells(row)
            | {"reviewer": row.reviewer, "version": row.version},
        )
        for number, row in read_jsonl(path, ReviewLine)
    ]


def _exported(row: CaseLine) -> dict[str, Any]:
    content = _dumped(row) | {"reviewer": "", "version": _version(cells(row))}
    content.pop("edits", None)
    return content


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _version(shown: Mapping[str, str]) -> str:
    """Return a hash of cells with content. The letters in front keep a spreadsheet from taking it for a number."""
    parts = sorted((column, _normal(text)) for column, text in shown.items() if _normal(text))
    return f"v-{digest(*(part for pair in parts for part in pair))[:10]}"


def _lines(path: Path, changed: Mapping[str, CaseLine], without: Iterable[str] = ()) -> list[str]:
    """Return the file's lines, those of changed cases new and the others as they are."""
    if not path.is_file():
        return []
    left_out, lines = set(without), []
    for line in read_text(path).split("\n"):
        id_ = str(json.loads(line)["id"]) if line.strip() else ""
        if id_ not in left_out:
            lines.append(_line(changed[id_]) if id_ in changed else f"{line}\n")
    if lines and lines[-1] == "\n":  # what stands behind the last end of a line is no line
        lines.pop()
    return lines


def _line(row: CaseLine) -> str:
    return json_lines([_dumped(row)])


def _dumped(row: CaseLine) -> dict[str, Any]:
    return row.model_dump(mode="json", exclude_unset=True)
