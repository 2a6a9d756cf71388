"""Sheets to send to raters by mail: CSV, XLSX, and a page that needs nothing but a browser.

A sheet shows questions and answers as customers see them, under letters and random ids, and nothing that tells who
answered. Knows no key: `view` is where a study loses its names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from groundtune.evaluation.human import questions
from groundtune.evaluation.human.assign import RatedCase
from groundtune.evaluation.human.study import Item, Sheet, Study
from groundtune.files import write_text
from groundtune.pages import page_templates
from groundtune.spreadsheets import Look, Page, fitted
from groundtune.spreadsheets import as_csv as csv_of
from groundtune.spreadsheets import write_xlsx as write_pages
from groundtune.values import UNEXPECTED, Conversation

NOT_ASKED = "–"  # in a cell that is not to be filled in
PAGE = "ratings"  # of an XLSX file
CRITERIA = tuple(question.criterion for question in questions.QUESTIONS)
COLUMNS = ("study", "sheet", "item", "number", "label", "question", "answer", *CRITERIA, "best", "comment")
_TITLES = {name: f"{name} ({questions.LOWEST}-{questions.HIGHEST})" for name in CRITERIA}
_WIDTHS = {"question": 50, "answer": 70, "best": 22, "comment": 40, **dict.fromkeys(CRITERIA, 12)}


@dataclass(frozen=True, slots=True)
class ItemView:
    """What a rater sees of an item: `answers` are (label, text)."""

    id: str
    number: int
    history: Conversation
    question: str
    unexpected: bool
    answers: tuple[tuple[str, str], ...]

    @property
    def choices(self) -> str:
        """What may stand under `best`."""
        labels = [label for label, _ in self.answers]
        return ", ".join([*labels, questions.EQUAL, questions.NONE]) if len(labels) > 1 else ""

    @property
    def asked_text(self) -> str:
        """The question in plain text, after the turns before it."""
        who = {"user": "Customer", "assistant": "Assistant", "system": "System"}
        turns = [f"{who[turn.role]}: {turn.content}" for turn in self.history]
        return "\n".join([*turns, f"Customer: {self.question}"]) if turns else self.question


@dataclass(frozen=True, slots=True)
class SheetView:
    """All that a rater sees."""

    study: str
    sheet: str
    project: str
    items: tuple[ItemView, ...]


def view(study: Study, sheet: Sheet, rated_cases: Mapping[str, RatedCase]) -> SheetView:
    """Return the sheet without names; `rated_cases` are by case id."""
    items = tuple(_item(number, item, rated_cases) for number, item in enumerate(sheet.items, start=1))
    return SheetView(study.id, sheet.id, study.project, items)


def write_sheets(study: Study, rated_cases: Mapping[str, RatedCase], folder: Path, *, xlsx: bool) -> list[Path]:
    """Write every rater's sheet into `folder` as CSV, page and, if wanted, XLSX, and the instructions; return paths.

    Raises `NotInstalled` if XLSX is wanted and its package is missing.
    """
    written = [folder / "instructions.txt"]
    write_text(written[0], questions.instructions())
    for sheet in study.sheets:
        shown = view(study, sheet, rated_cases)
        path = folder / f"{sheet.rater}.html"
        write_text(path, page(shown))
        write_text(path.with_suffix(".csv"), as_csv(shown))
        written += [path, path.with_suffix(".csv")]
        if xlsx:
            write_xlsx(shown, path.with_suffix(".xlsx"))
            written.append(path.with_suffix(".xlsx"))
    return written


def rows(shown: SheetView) -> list[dict[str, str]]:
    """Return one row per answer, by column. Only the first row of an item has its number and question."""
    table = []
    for item in shown.items:
        for place, (label, text) in enumerate(item.answers):
            row = dict.fromkeys(COLUMNS, "") | {"study": shown.study, "sheet": shown.sheet, "item": item.id}
            row |= {"label": label, "answer": text, "best": NOT_ASKED}
            if place == 0:
                row |= {"number": str(item.number), "question": item.asked_text}
                row["best"] = "" if item.choices else NOT_ASKED
            if not item.unexpected:
                row[UNEXPECTED] = NOT_ASKED
            table.append(row)
    return table


def as_csv(shown: SheetView) -> str:
    """Return the sheet as CSV as Excel reads it."""
    return csv_of(_titles(), _cells(shown))


def write_xlsx(shown: SheetView, path: Path) -> None:
    """Write the sheet as XLSX, with drop-down lists and the instructions on a second page.

    Raises `NotInstalled` if the package for it is missing.
    """
    lines = [[line] for line in questions.instructions().splitlines()]
    words = Page(["Instructions"], lines, {"Instructions": Look(width=120)})
    looks = {title: _look(column) for title, column in zip(_titles(), COLUMNS, strict=True)}
    write_pages(path, {PAGE: Page(_titles(), _cells(shown), looks), "instructions": words})


def page(shown: SheetView) -> str:
    """Return the sheet as one HTML page: no server, no network; what is entered stays in the rater's browser until
    it is saved to a file to send back."""
    template = page_templates("groundtune.evaluation.human").get_template("sheet.html.j2")
    return template.render(sheet=shown, questions=questions, numbers=_scale())


def _item(number: int, item: Item, rated_cases: Mapping[str, RatedCase]) -> ItemView:
    rated = rated_cases[item.case]
    answers = tuple(
        (
            shown.label,
            rated_cases[item.donor].case.ideal_answer if shown.candidate is None else rated.answers[shown.candidate],
        )
        for shown in item.shown
    )
    return ItemView(item.id, number, rated.case.history, rated.case.question, item.unexpected, answers)


def _titles() -> list[str]:
    choices = f"best (letter, {questions.EQUAL} or {questions.NONE})"
    return [{**_TITLES, "best": choices}.get(column, column) for column in COLUMNS]


def _scale() -> list[int]:
    return list(range(questions.LOWEST, questions.HIGHEST + 1))


def _cells(shown: SheetView) -> list[list[str]]:
    return [[fitted(row[column]) for column in COLUMNS] for row in rows(shown)]


def _look(column: str) -> Look:
    choices = (*map(str, _scale()), NOT_ASKED) if column in CRITERIA else ()
    return Look(_WIDTHS.get(column, 9), choices, hidden=column in ("study", "sheet", "item"))
