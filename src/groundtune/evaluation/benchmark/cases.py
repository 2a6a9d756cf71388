"""The benchmark: expert questions with ideal answers, read from benchmark.jsonl, checked and frozen.

Knows the file format and what makes a set of cases sound. Does not know how answers are made or scored, and
reads no documents: `check_evidence` is given their texts.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from groundtune.errors import InputError
from groundtune.files import Name, read_jsonl
from groundtune.settings import Principals
from groundtune.text import locate
from groundtune.values import EVERYONE, Case, Evidence, Message, Split, digest, drawn_split


class EvidenceLine(BaseModel):
    """One entry of `passages`. Without `quote` the whole document is the evidence."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(min_length=1)
    quote: str | None = None


class TurnLine(BaseModel):
    """One entry of `history`: a turn before the question."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "assistant"]
    content: str


class CaseLine(BaseModel):
    """One line of benchmark.jsonl. `id` and `question` must be there, and `ideal_answer` if it is answerable.

    With passages it may do without an ideal answer: then only retrieval scorers score it.

    `asker` are the principals that the question is asked with. With `clarify` it is not answerable unless it says so,
    which is refused.
    `reviewer` is who decided on it last, `edits` what reviewers changed ("question by Ana"); neither changes a score.
    """

    model_config = ConfigDict(extra="forbid")

    id: Name = Field(min_length=1)
    question: str
    ideal_answer: str = ""
    other_ideal_answers: list[str] = []
    passages: list[EvidenceLine] = []
    answerable: bool = True
    group: Name = ""
    tags: list[Name] = []
    history: list[TurnLine] = []
    author: Name = ""
    status: Literal["draft", "approved", "rejected"] = "approved"
    split: Split | None = None
    reviewer: Name = ""
    edits: list[str] = []
    asker: Principals = list(EVERYONE)
    clarify: bool = False

    @property
    def has_answer(self) -> bool:
        """Whether the documents answer it: not where only a question back is right."""
        return self.answerable and not self.clarify

    @property
    def group_or_id(self) -> str:
        """A case that names no group is a group of its own."""
        return self.group or self.id

    def case(self, split: Split) -> Case:
        """Return the value that the rest of groundtune works with."""
        return Case(
            id=self.id,
            question=self.question,
            ideal_answer=self.ideal_answer,
            evidence=tuple(Evidence(passage.document, passage.quote) for passage in self.passages),
            answerable=self.has_answer,
            group=self.group_or_id,
            split=split,
            history=tuple(Message(turn.role, turn.content) for turn in self.history),
            tags=tuple(self.tags),
            author=self.author,
            status=self.status,
            other_ideal_answers=tuple(self.other_ideal_answers),
            asker=tuple(self.asker),
            clarify=self.clarify,
        )


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The approved cases, in order of the file, with a fingerprint of all that can change a result.

    `straddling_groups` counts groups that the file itself puts on both sides of the split. That is allowed
    (other questions on the same text may well be the point), but test and development are then not independent,
    and a report says so. `lines` tells where each case stands in the file, by id.
    """

    cases: tuple[Case, ...]
    fingerprint: str
    drafts: int = 0
    rejected: int = 0
    straddling_groups: int = 0
    lines: Mapping[str, int] = field(default_factory=dict)

    def part(self, split: Split) -> tuple[Case, ...]:
        """Return the cases of one side."""
        return tuple(case for case in self.cases if case.split == split)


@dataclass(frozen=True, slots=True)
class EvidenceProblem:
    """Evidence that the documents do not bear out."""

    case: str
    document: str
    quote: str | None
    reason: str


def load_benchmark(path: Path, development_share: float) -> Benchmark:
    """Read benchmark.jsonl; `development_share` of the groups that name no split become development.

    Drafts and rejected cases are counted and otherwise left alone. Raises `InputError` with file and line.
    """
    rows = read_cases(path)
    used = [(number, row) for number, row in rows if row.status == "approved"]
    if not used:
        raise InputError("contains no approved case.", place=path, remedy="Approve drafts or write cases.")
    for number, row in used:
        reason = unsound(row)
        if reason:
            raise InputError(f"case `{row.id}`: {reason}", place=path, line=number, remedy="Correct the case.")
    named = _named_splits(row for _, row in used)
    cases = tuple(row.case(_split(row, number, named, path, development_share)) for number, row in used)
    status = Counter(row.status for _, row in rows)
    straddling = sum(len(splits) > 1 for splits in named.values())
    lines = {row.id: number for number, row in used}
    return Benchmark(cases, fingerprint(cases), status["draft"], status["rejected"], straddling, lines)


def read_cases(path: Path) -> list[tuple[int, CaseLine]]:
    """Return (line number, case) of all lines, whatever their status. Raises `InputError` with file and line."""
    rows = read_jsonl(path, CaseLine)
    _refuse_duplicates(rows, path)
    return rows


def fingerprint(cases: Iterable[Case]) -> str:
    """Return a hash of everything in `cases` that can change a score or an interval; their order cannot."""
    parts = []
    for case in sorted(cases, key=lambda case: case.id):
        content = asdict(case)
        content["history"] = [{"role": turn.role, "content": turn.content} for turn in case.history]
        for key in ("tags", "author", "status"):
            del content[key]
        if not case.other_ideal_answers:  # a benchmark that does without keeps the fingerprint that it had before
            del content["other_ideal_answers"]
        if case.asker == EVERYONE:
            del content["asker"]
        if not case.clarify:
            del content["clarify"]
        parts.append(json.dumps(content, sort_keys=True))
    return digest(*parts)


def check_evidence(cases: Iterable[Case], texts: Mapping[str, str]) -> list[EvidenceProblem]:
    """Return the evidence whose document is not among `texts` (by id) or whose quote does not stand in it."""
    problems = []
    for case in cases:
        for evidence in case.evidence:
            reason = _unfounded(evidence, texts)
            if reason:
                problems.append(EvidenceProblem(case.id, evidence.document, evidence.quote, reason))
    return problems


def asked(question: str, history: Iterable[TurnLine | Message]) -> str:
    """Return all that the customer said: the turns before the question, and the question."""
    return "\n".join([*(turn.content for turn in history if turn.role == "user"), question])


def case_row(case: Case) -> dict[str, object]:
    """Return the line of benchmark.jsonl that `load_benchmark` reads back as `case`."""
    row: dict[str, object] = {
        "id": case.id,
        "question": case.question,
        "ideal_answer": case.ideal_answer,
        "passages": [
            {"document": evidence.document} | ({} if evidence.quote is None else {"quote": evidence.quote})
            for evidence in case.evidence
        ],
        "answerable": case.answerable,
        "group": case.group,
        "tags": list(case.tags),
        "history": [{"role": turn.role, "content": turn.content} for turn in case.history],
        "author": case.author,
        "status": case.status,
        "split": case.split,
    }
    if case.other_ideal_answers:
        row["other_ideal_answers"] = list(case.other_ideal_answers)
    if case.asker != EVERYONE:
        row["asker"] = list(case.asker)
    if case.clarify:
        row["clarify"] = True
    return row


def _refuse_duplicates(rows: Sequence[tuple[int, CaseLine]], path: Path) -> None:
    lines: dict[str, int] = {}
    for number, row in rows:
        if row.id in lines:
            raise InputError(
                f"id `{row.id}` is used here and on line {lines[row.id]}.",
                place=path,
                line=number,
                remedy="Give each case its own id.",
            )
        lines[row.id] = number


def unsound(row: CaseLine) -> str | None:
    """Return what makes the case unfit for use, or None; its status aside."""
    if not row.question.strip():
        return "the question is empty."
    if row.clarify and row.answerable and "answerable" in row.model_fields_set:
        return "it has both `clarify` and `answerable`; a question that needs a question back is not answerable."
    if row.has_answer and not row.ideal_answer.strip() and not row.passages:
        return "it is answerable but has no ideal answer, and no passages that search could be measured by."
    if row.other_ideal_answers and not all(text.strip() for text in (row.ideal_answer, *row.other_ideal_answers)):
        return "it has `other_ideal_answers`, but one of its ideal answers is empty."
    if row.clarify and row.passages:
        return "it needs a question back (`clarify`) but names passages that answer it."
    if not row.answerable and row.passages:
        return "it is not answerable but names passages that answer it."
    expected = ["user", "assistant"] * (len(row.history) // 2)
    if [turn.role for turn in row.history] != expected:
        return "`history` must alternate between user and assistant: the user first, the assistant last."
    return None


def _named_splits(rows: Iterable[CaseLine]) -> dict[str, set[Split]]:
    named: dict[str, set[Split]] = defaultdict(set)
    for row in rows:
        if row.split:
            named[row.group_or_id].add(row.split)
    return named


def _split(row: CaseLine, number: int, named: Mapping[str, set[Split]], path: Path, development_share: float) -> Split:
    """The split a case names; else that of its group; else one drawn by the hash of the group's name."""
    if row.split:
        return row.split
    group = row.group_or_id
    splits = named.get(group, set())
    if len(splits) > 1:
        raise InputError(
            f"case `{row.id}` has no split, and its group `{group}` is on both sides.",
            place=path,
            line=number,
            remedy="Set a split for every case of this group, or put the whole group on one side.",
        )
    if splits:
        return next(iter(splits))
    return drawn_split(group, development_share)


def _unfounded(evidence: Evidence, texts: Mapping[str, str]) -> str | None:
    text = texts.get(evidence.document)
    if text is None:
        return "no such document."
    if evidence.quote is not None and locate(evidence.quote, text) is None:
        return "the quote is not in the document."
    return None
