"""What the importers share: questions on their way to cases and examples, their parts, and what is said of them.

Knows no file format.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from groundtune.evaluation.benchmark.importers import Imported, Note, Shares
from groundtune.values import Case, Evidence, Example, Message, digest

SetPart = Literal["training", "development", "test"]
PARTS: Mapping[str, SetPart] = {
    **dict.fromkeys(("train", "training"), "training"),
    **dict.fromkeys(("dev", "development", "val", "valid", "validation"), "development"),
    **dict.fromkeys(("test", "testing"), "test"),
}
NOT_ANSWERABLE = {"UNANSWERABLE", "UNDERSPECIFIED"}
CONVERSATION_MARK = "<::>"  # between conversation and turn in the ids of MTRAG
MOST_VALUES, LEAST_ROWS, LONGEST_VALUE = 100, 3, 60  # of a column that becomes tags: values, rows a value, characters
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Notes:
    """Counts what people should know."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, what: str, first: str = "", count: int = 1) -> None:
        """Say that `what` holds once more, for example at `first`."""
        self._counts[what] += count
        self._first.setdefault(what, first)

    def all(self) -> tuple[Note, ...]:
        """Return what was added, in that order."""
        return tuple(Note(what, count, self._first[what]) for what, count in self._counts.items())


@dataclass(frozen=True, slots=True)
class SourceQuery:
    """A question with all that a set says of it; `answers` are all right ones, `split` its official part."""

    id: str
    text: str
    place: str
    answers: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answerable: bool = True
    clarify: bool = False
    group: str = ""
    split: SetPart | None = None
    history: tuple[Message, ...] = ()
    author: str = "imported"
    extra: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


def answerability(labels: Iterable[str], *, evidence: bool) -> tuple[bool, bool]:
    """Return whether the documents answer, and whether a question back is right: MTRAG's labels.

    PARTIAL counts as answerable where some passage answers it.
    """
    found = {label.strip().upper() for label in labels}
    answerable = not found & NOT_ANSWERABLE and ("PARTIAL" not in found or evidence)
    return answerable, "UNDERSPECIFIED" in found


def deal(keys: Iterable[str], shares: Shares) -> dict[str, SetPart]:
    """Return the part of every key: in order of hash the first go to training, then to development, then to test."""
    order = sorted(keys, key=lambda key: digest("part", key))
    training = round(len(order) * shares.training)
    development = round(len(order) * (shares.training + shares.development))
    return {
        key: "training" if place < training else "development" if place < development else "test"
        for place, key in enumerate(order)
    }


def spread(groups: Mapping[str, str], shares: Shares) -> dict[str, SetPart]:
    """Return the part of every question: whole conversations are dealt out, of articles each one's questions."""
    pools: dict[str, list[str]] = defaultdict(list)
    for id, group in groups.items():
        if CONVERSATION_MARK not in id:
            pools[group].append(id)
    # A group of a single question cannot be spread; such questions are dealt out together.
    lone = [pools.pop(group)[0] for group in [group for group, ids in pools.items() if len(ids) == 1]]
    parts = deal(lone, shares)
    for ids in pools.values():
        parts |= deal(ids, shares)
    conversations = deal({group for id, group in groups.items() if CONVERSATION_MARK in id}, shares)
    return parts | {id: conversations[group] for id, group in groups.items() if CONVERSATION_MARK in id}


def whole_groups(groups: Mapping[str, str], shares: Shares) -> dict[str, SetPart]:
    """Return the part of every question: groups are dealt out whole."""
    dealt = deal(set(groups.values()), shares)
    return {id: dealt[group] for id, group in groups.items()}


def without_training(shares: Shares) -> Shares:
    """Return the shares where there is nothing to train on: development and test stand as they did to each other."""
    rest = shares.development + shares.test
    return Shares(0.0, shares.development / rest, 1 - shares.development / rest) if rest else Shares(0.0, 0.0, 1.0)


def paths(ids: Iterable[str]) -> dict[str, str]:
    """Return a file name for every document: its id, and a hash where the id is unfit or taken in another case."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for id in ids:
        stem = _UNSAFE.sub("-", id).strip(".-")[:100]
        if stem != id or stem.casefold() in taken:
            stem = f"{stem or 'document'}-{digest(id)[:8]}"
        taken.add(stem.casefold())
        found[id] = f"{stem}.md"
    return found


def markdown(title: str, text: str) -> str:
    """Return a document as Markdown. One without a title says so: its file's name is none."""
    head = f"# {title}\n\n" if title else '---\ntitle: ""\n---\n\n'
    return f"{head}{text.strip()}\n"


def finished(
    queries: Sequence[SourceQuery],
    parts: Mapping[str, SetPart],
    documents: Iterable[tuple[str, str]],
    source: str,
    notes: Notes,
) -> Imported:
    """Return cases of development and test and examples of the rest, which need an answer: without, it is a case."""
    cases, examples = [], []
    for query in with_tags(queries, notes):
        answer = query.answers[0] if query.answers else ""
        if parts[query.id] == "training" and answer:
            examples.append(_example(query, answer, source))
            continue
        if parts[query.id] == "training":
            notes.add("training questions without an answer became development cases", query.place)
        if query.answerable and not answer:
            notes.add("cases have no ideal answer: only retrieval scorers score them", query.place)
        cases.append(_case(query, answer, "test" if parts[query.id] == "test" else "development"))
    return Imported(tuple(documents), tuple(cases), tuple(examples), notes.all())


def with_tags(queries: Sequence[SourceQuery], notes: Notes) -> list[SourceQuery]:
    """Turn further columns with few different values into tags "column=value"; say which others are left out."""
    columns: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for query in queries:
        for column, value in query.extra.items():
            columns[column][query.id] = short_values(value)
    made: dict[str, list[str]] = defaultdict(list)
    for column, values in columns.items():
        different = {one for own in values.values() for one in own}
        few = 1 < len(different) <= min(MOST_VALUES, len(queries) / LEAST_ROWS)
        if few and all(len(one) <= LONGEST_VALUE for one in different):
            for id, own in values.items():
                made[id] += [f"{column}={one}" for one in own]
        elif any(query.extra.get(column) not in (None, "", [], {}) for query in queries):
            notes.add(f"values of the column `{column}` are not used", count=len(values))
    return [_tagged(query, made[query.id]) for query in queries]


def short_values(value: object) -> tuple[str, ...]:
    """Return a cell's value, or those of its list, as text; nothing for what is nested or empty."""
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(str(one).strip() for one in given if isinstance(one, str | int | float) and str(one).strip())


def _tagged(query: SourceQuery, tags: Sequence[str]) -> SourceQuery:
    return replace(query, tags=tuple(dict.fromkeys([*query.tags, *tags])))


def _case(query: SourceQuery, answer: str, split: Literal["development", "test"]) -> Case:
    return Case(
        id=query.id,
        question=query.text,
        ideal_answer=answer,
        evidence=query.evidence if query.answerable else (),
        answerable=query.answerable,
        group=query.group or query.id,
        split=split,
        history=query.history,
        tags=query.tags,
        author=query.author,
        other_ideal_answers=query.answers[1:],
        clarify=query.clarify,
    )


def _example(query: SourceQuery, answer: str, source: str) -> Example:
    turns = (*query.history, Message("user", query.text), Message("assistant", answer))
    documents = tuple(dict.fromkeys(one.document for one in query.evidence)) if query.answerable else ()
    return Example(turns, documents, f"{source}:{query.id}")
