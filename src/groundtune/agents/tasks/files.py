"""Tasks of one's own, read from tasks.jsonl, checked and frozen.

Knows the file format and what makes a task sound. Knows no back-end: whether an action exists, and what it changes, is
for whoever has one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from groundtune.errors import InputError
from groundtune.files import Name, read_jsonl
from groundtune.values import ActionCall, Actor, Split, digest, drawn_split

ScriptedKind = Literal["plain", "refusal", "injection", "several"]
"""One action, none because none is right, one or none while a text asks for another, or several."""

InjectionPlace = Literal["document", "tool result", "user turn"]
"""Where the text stands that asks for what the customer does not want."""

StateRows = dict[str, dict[str, dict[str, JsonValue]]]
"""Columns to set: `{"lines": {"0650100101": {"plan": "river"}}}`, by table and row."""


class ScriptedCallLine(BaseModel):
    """A call: `{"action": "pay_bill", "arguments": {"bill": "402603001", "amount": "33.20"}}`."""

    model_config = ConfigDict(extra="forbid")

    action: str = Field(min_length=1)
    arguments: dict[str, JsonValue] = {}

    @property
    def call(self) -> ActionCall:
        """The value that the rest of groundtune works with."""
        return ActionCall(self.action, self.arguments)


class ScriptedCustomerLine(BaseModel):
    """Who the customer is, as the service knows them: see `Actor`."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(min_length=1)
    principals: list[str] = []
    own: dict[str, str] = {}


class PlantedDocumentLine(BaseModel):
    """A document that is among those the agent may find, in this task only."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(min_length=1)
    text: str


class ScriptedTaskLine(BaseModel):
    """One line of tasks.jsonl; `ScriptedTask` says what the fields mean."""

    model_config = ConfigDict(extra="forbid")

    id: Name = Field(min_length=1)
    kind: ScriptedKind
    customer: ScriptedCustomerLine
    wants: str = Field(min_length=1)
    turns: list[str]
    approves: list[ScriptedCallLine] = []
    reads: list[ScriptedCallLine] = []
    gold: list[ScriptedCallLine] = []
    forbidden: list[ScriptedCallLine] = []
    place: InjectionPlace | None = None
    documents: list[PlantedDocumentLine] = []
    start: StateRows = {}
    expected: dict[str, JsonValue] = {}
    group: Name = ""
    split: Split | None = None
    tags: list[Name] = []

    @property
    def group_or_id(self) -> str:
        """A task that names no group is a group of its own."""
        return self.group or self.id


@dataclass(frozen=True, slots=True)
class ScriptedTask:
    """What a scripted customer wants of an agent on a back-end, and what is right.

    `start` is put upon the back-end's own beginning. `turns` are what the customer says, in order; of what is proposed,
    the customer approves `approves` and nothing else. `documents` are (name, text) planted for this task. `reads` are
    calls that only look up and are needed on the way; they are not graded. `gold` are the calls that change something,
    and `expected` is what then differs from the start, as the back-end tells it: {} if nothing does. `forbidden` are
    calls that something in the task asks for, or that come to mind, and that are wrong.
    """

    id: str
    kind: ScriptedKind
    group: str
    split: Split
    customer: Actor
    wants: str
    turns: tuple[str, ...]
    approves: tuple[ActionCall, ...] = ()
    reads: tuple[ActionCall, ...] = ()
    gold: tuple[ActionCall, ...] = ()
    forbidden: tuple[ActionCall, ...] = ()
    place: InjectionPlace | None = None
    documents: tuple[tuple[str, str], ...] = ()
    start: Mapping[str, Mapping[str, Mapping[str, JsonValue]]] = field(default_factory=dict)
    expected: Mapping[str, JsonValue] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptedTasks:
    """All tasks of a file, in its order, with a fingerprint of what can change a result. `lines` tells where each task
    stands, by id."""

    tasks: tuple[ScriptedTask, ...]
    fingerprint: str
    lines: Mapping[str, int]

    def part(self, split: Split) -> tuple[ScriptedTask, ...]:
        """Return the tasks of one side."""
        return tuple(task for task in self.tasks if task.split == split)


def load_tasks(path: Path, development_share: float) -> ScriptedTasks:
    """Read tasks.jsonl; `development_share` of the groups that name no split become development.

    Raises `InputError` with file, line and remedy.
    """
    rows = read_jsonl(path, ScriptedTaskLine)
    if not rows:
        raise InputError("contains no task.", place=path, remedy="Write one task a line.")
    lines: dict[str, int] = {}
    for number, row in rows:
        reason = unsound_task(row) or (f"its id is that of line {lines[row.id]} too." if row.id in lines else None)
        if reason:
            raise InputError(f"task `{row.id}`: {reason}", place=path, line=number, remedy="Correct the task.")
        lines[row.id] = number
    splits = _splits(rows, path, development_share)
    tasks = tuple(_task(row, splits[row.group_or_id]) for _, row in rows)
    return ScriptedTasks(tasks, _fingerprint(row for _, row in rows), lines)


def unsound_task(row: ScriptedTaskLine) -> str | None:
    """Return what makes the task unfit for use, or None."""
    if not row.turns or not all(turn.strip() for turn in row.turns):
        return "`turns` must hold what the customer says, and no turn may be empty."
    try:
        gold, approved, forbidden = (
            {each.call.digest for each in calls} for calls in (row.gold, row.approves, row.forbidden)
        )
    except ValueError as error:
        return f"an argument is no JSON: {error}."
    if (gold | approved) & forbidden:
        return "a call in `forbidden` is also in `gold` or `approves`."
    if not gold <= approved:
        return "a call in `gold` is not in `approves`: the customer would not let it happen."
    if bool(row.gold) != bool(row.expected):
        return "`expected` is what `gold` changes: both or none must be empty."
    return _unsound_kind(row)


def _unsound_kind(row: ScriptedTaskLine) -> str | None:
    kinds = {
        "plain": (len(row.gold) == 1, "a plain task has one call in `gold`."),
        "several": (len(row.gold) > 1, "a task of kind several has at least two calls in `gold`."),
        "refusal": (not row.gold and bool(row.forbidden), "a refusal has no `gold`, and `forbidden` calls."),
        "injection": (bool(row.forbidden), "an injection has the calls that the text asks for in `forbidden`."),
    }
    fits, rule = kinds[row.kind]
    if not fits:
        return rule
    if (row.kind == "injection") != (row.place is not None):
        return "`place` says where the text of an injection stands, and only of an injection."
    if row.place == "document" and not row.documents:
        return "its text stands in a document, but `documents` is empty."
    if row.place == "tool result" and not (row.start and row.reads):
        return "its text stands in a tool result, but nothing is put there (`start`) and read (`reads`)."
    return None


def _splits(rows: Sequence[tuple[int, ScriptedTaskLine]], path: Path, development_share: float) -> dict[str, Split]:
    """Return the split of each group: the one that its tasks name, or else one drawn by its name."""
    named: defaultdict[str, set[Split]] = defaultdict(set)
    for number, row in rows:
        if row.split:
            named[row.group_or_id].add(row.split)
        if len(named[row.group_or_id]) > 1:
            raise InputError(
                f"task `{row.id}`: its group `{row.group_or_id}` is on both sides.",
                place=path,
                line=number,
                remedy="Put the whole group on one side.",
            )
    return {
        group: next(iter(splits)) if splits else drawn_split(group, development_share)
        for group, splits in named.items()
    }


def _task(row: ScriptedTaskLine, split: Split) -> ScriptedTask:
    customer = row.customer
    approves, reads, gold, forbidden = (
        tuple(each.call for each in calls) for calls in (row.approves, row.reads, row.gold, row.forbidden)
    )
    return ScriptedTask(
        id=row.id,
        kind=row.kind,
        group=row.group_or_id,
        split=split,
        customer=Actor(customer.id, tuple(customer.principals), customer.own),
        wants=row.wants,
        turns=tuple(row.turns),
        approves=approves,
        reads=reads,
        gold=gold,
        forbidden=forbidden,
        place=row.place,
        documents=tuple((planted.document, planted.text) for planted in row.documents),
        start=row.start,
        expected=row.expected,
        tags=tuple(row.tags),
    )


def _fingerprint(rows: Iterable[ScriptedTaskLine]) -> str:
    """Return a hash of all but tags and splits; the order of the tasks does not matter."""
    contents = sorted((row.id, row.model_dump(exclude={"tags", "split"})) for row in rows)
    return digest(*(json.dumps(content, sort_keys=True) for _, content in contents))
