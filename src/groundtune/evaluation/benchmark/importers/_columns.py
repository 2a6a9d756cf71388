"""Columns of questions and answers, whatever they are called, made into documents, cases and examples.

Knows rows, not where they come from. A column has a field by `--map`, or by a name that is usual for it; those that
have none become tags, if they have few different values.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.importers import Imported, Shares
from groundtune.evaluation.benchmark.importers._rows import SourceRow
from groundtune.evaluation.benchmark.importers._set import (
    CONVERSATION_MARK,
    PARTS,
    Notes,
    SetPart,
    SourceQuery,
    answerability,
    finished,
    markdown,
    short_values,
    whole_groups,
    without_training,
)
from groundtune.values import Evidence, Message, digest

# what a field is usually called, besides its own name; letters and digits count
USUAL: Mapping[str, tuple[str, ...]] = {
    "question": ("query", "user_input", "prompt", "input", "question_text"),
    "ideal_answer": (
        *("answer", "answers", "reference", "reference_answer", "ground_truth", "ground_truths", "gold_answer"),
        *("expected_answer", "expected_output", "correct_answer", "best_answer"),
    ),
    "other_ideal_answers": ("other_answers", "correct_answers"),
    "id": ("_id", "qid", "question_id", "query_id", "task_id"),
    "group": ("group_id",),
    "tags": ("tag",),
    "split": ("subset", "fold"),
    "document": ("documents", "gold_document"),
    "quote": ("quotes",),
    "contexts": ("reference_contexts", "context", "gold_contexts"),
    "other_contexts": ("retrieved_contexts",),
    "answerable": ("answerability",),
    "history": ("conversation", "messages", "chat_history"),
    "author": (),
}
FIELDS = tuple(USUAL)
_NO = frozenset(("no", "false", "0", "0.0"))
_TOLD = _NO | {"yes", "true", "1", "1.0", "answerable", "partial", "conversational", "unanswerable", "underspecified"}
_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant", "gpt": "assistant"}


def read_columns(
    rows: Sequence[SourceRow],
    path: Path,
    shares: Shares,
    mapping: Mapping[str, str],
    usual: Mapping[str, tuple[str, ...]] = USUAL,
    ignored: Iterable[str] = (),
) -> Imported:
    """Return cases and examples of the rows; `usual` are names of columns by field, the first of which is taken.

    Raises `InputError` if a column is not there, there is none for the question, or no row can be used.
    """
    notes = Notes()
    fields = _fields(rows, path, mapping, usual)
    tagged = [column for column, field in mapping.items() if field == "tags"]
    left = {column for row in rows for column in row.values} - set(fields) - set(tagged)
    for column in sorted(left & set(ignored)):
        notes.add(f"values of the column `{column}` are answers of a system, and not used", count=len(rows))
    left -= set(ignored)
    documents: dict[str, str] = {}
    queries: list[SourceQuery] = []
    seen: set[tuple[object, ...]] = set()
    for row in rows:
        query = _query(row, fields, tagged, documents, notes)
        if query is None:
            continue
        content = (query.text, query.history, query.answers, query.evidence)
        if content in seen:
            notes.add("rows repeat an earlier one and are left out", row.place)
        else:
            seen.add(content)
            queries.append(replace(query, extra={column: row.values.get(column) for column in left}))
    if not queries:
        raise InputError(
            "no row has a question with an answer or a passage.",
            place=path,
            remedy=f"{_columns(rows)} Name them: --map COLUMN=ideal_answer.",
        )
    queries = _with_ids(queries, notes)
    return finished(queries, _parts(queries, shares), _files(documents), path.resolve().stem, notes)


def _fields(
    rows: Sequence[SourceRow], path: Path, mapping: Mapping[str, str], usual: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Return the field of each column that has one, tags by `--map` aside."""
    columns = dict.fromkeys(column for row in rows for column in (*row.values, *(row.faults or ())))
    for column in mapping:
        if column not in columns:
            raise InputError(f"there is no column `{column}`.", place=path, remedy=_columns(rows))
    fields = {column: field for column, field in mapping.items() if field != "tags"}
    for field, names in usual.items():
        if field in fields.values():
            continue
        free = {_plain(column): column for column in columns if column not in mapping and column not in fields}
        found = next((free[_plain(name)] for name in (field, *names) if _plain(name) in free), None)
        if found is not None:
            fields[found] = field
    if not {"question", "history"} & set(fields.values()):
        raise InputError(
            "no column is for the question.", place=path, remedy=f"{_columns(rows)} Name it: --map COLUMN=question."
        )
    return fields


def _columns(rows: Sequence[SourceRow]) -> str:
    names = dict.fromkeys(column for row in rows for column in row.values)
    return f"Columns: {', '.join(names) or 'none'}."


def _plain(column: str) -> str:
    return "".join(letter for letter in column.casefold() if letter.isalnum())


def _query(
    row: SourceRow, fields: Mapping[str, str], tagged: Sequence[str], documents: dict[str, str], notes: Notes
) -> SourceQuery | None:
    """Return the row's question, or None where it cannot be used, which is noted."""
    told: dict[str, list[object]] = {}
    for column, field in fields.items():
        if row.faults and column in row.faults:
            notes.add(f"rows are left out because `{column}` {row.faults[column]}", row.place)
            return None
        told.setdefault(field, []).append(row.values.get(column))
    history, question = _asked(told)
    if not question:
        notes.add("rows without a question are left out", row.place)
        return None
    if history is None:
        notes.add("rows whose earlier turns do not alternate between user and assistant are left out", row.place)
        return None
    contexts = _evidence(_texts(told, "contexts"), documents)
    _evidence(_texts(told, "other_contexts"), documents)
    named = _texts(told, "document")
    quotes = _texts(told, "quote")
    quoted: list[str | None] = [*quotes, *[None] * len(named)]
    evidence = (*contexts, *(Evidence(name, quote) for name, quote in zip(named, quoted, strict=False)))
    labels = _texts(told, "answerable")
    unknown = [label for label in labels if label.casefold() not in _TOLD]
    if unknown:
        notes.add(f"rows say `{unknown[0]}` of being answerable, and count as answerable", row.place)
    plain = ["UNANSWERABLE" if label.casefold() in _NO else label for label in labels]
    answerable, clarify = answerability(plain, evidence=bool(evidence) or not {"contexts", "document"} & set(told))
    answers = tuple(dict.fromkeys([*_texts(told, "ideal_answer"), *_texts(told, "other_ideal_answers")]))
    if answerable and not answers and not evidence:
        notes.add("rows with neither an answer nor a passage are left out", row.place)
        return None
    id = next(iter(_texts(told, "id")), "")
    tags = [tag for value in told.get("tags", ()) for tag in _listed(value)]
    tags += [f"{column}={one}" for column in tagged for one in short_values(row.values.get(column))]
    split = next(iter(_texts(told, "split")), "")
    if split and split.casefold() not in PARTS:
        notes.add(f"rows name the split `{split}`, which is none of {', '.join(PARTS)}", row.place)
    return SourceQuery(
        id=id,
        text=question,
        place=row.place,
        answers=answers,
        evidence=evidence,
        answerable=answerable,
        clarify=clarify,
        group=next(iter(_texts(told, "group")), "") or _group(id, contexts),
        split=PARTS.get((split or row.split).casefold()),
        history=history,
        author=next(iter(_texts(told, "author")), "imported"),
        tags=tuple(tags),
    )


def _asked(told: Mapping[str, Sequence[object]]) -> tuple[tuple[Message, ...] | None, str]:
    """Return the turns before the question, None if they do not alternate, and the question: the last turn's, if
    it stands nowhere else."""
    turns: list[Message] = []
    question = ""
    for value in (*told.get("history", ()), *told.get("question", ())):
        found = _loaded(value)
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            turns += [_turn(one) for one in found]
        elif value is not None:
            question = str(value).strip()
    turns = [turn for turn in turns if turn.role != "system"]
    if turns and turns[-1].role == "user" and question in ("", turns[-1].content.strip()):
        question = turns.pop().content.strip()
    sound = [turn.role for turn in turns] == ["user", "assistant"] * (len(turns) // 2)
    return (tuple(turns) if sound else None), question


def _turn(value: object) -> Message:
    if not isinstance(value, dict):
        return Message("system", "")
    role = str(value.get("role") or value.get("type") or value.get("from") or value.get("speaker") or "")
    text = str(value.get("content") or value.get("text") or value.get("value") or "")
    return Message("assistant" if _ROLES.get(role) == "assistant" else "user" if role in _ROLES else "system", text)


def _texts(told: Mapping[str, Sequence[object]], field: str) -> list[str]:
    return [text for value in told.get(field, ()) for text in _listed(value, split=field == "tags")]


def _listed(value: object, *, split: bool = True) -> list[str]:
    """Return a cell as texts: a list of them, SQuAD's answers, or one; a tag's cell is cut at commas."""
    found = _loaded(value)
    if isinstance(found, dict):
        found = found.get("text", [])
    if isinstance(found, list | tuple):
        return [str(one).strip() for one in found if isinstance(one, str | int | float) and str(one).strip()]
    text = "" if found is None else str(found).strip()
    return [part.strip() for part in text.split(",") if part.strip()] if split else [text] if text else []


def _loaded(value: object) -> object:
    """Return what a cell of CSV holds where it is a list or an object, of JSON or as Python writes it."""
    if not isinstance(value, str) or not value.strip().startswith(("[", "{")):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict) or (isinstance(found, list) and all(isinstance(one, str | dict) for one in found)):
            return found
    return value


def _evidence(texts: Iterable[str], documents: dict[str, str]) -> tuple[Evidence, ...]:
    """Make a document of every context; equal ones are one."""
    names = []
    for text in texts:
        name = f"context-{digest(text)[:12]}.md"
        documents.setdefault(name, text)
        names.append(name)
    return tuple(Evidence(name) for name in dict.fromkeys(names))


def _group(id: str, contexts: Sequence[Evidence]) -> str:
    """Turns of a conversation, or questions on the same context, are not independent."""
    if CONVERSATION_MARK in id:
        return id.split(CONVERSATION_MARK)[0]
    return contexts[0].document.removesuffix(".md") if contexts else ""


def _with_ids(queries: Sequence[SourceQuery], notes: Notes) -> list[SourceQuery]:
    """Give every question an id of its own."""
    taken: Counter[str] = Counter()
    made = []
    for query in queries:
        id = query.id or f"q-{digest(query.text, *(turn.content for turn in query.history))[:10]}"
        taken[id] += 1
        if taken[id] > 1:
            if query.id:
                notes.add("rows have the id of another question: a number was added to it", query.place)
            while (other := f"{id}-{taken[id]}") in taken:
                taken[id] += 1
            id = other
            taken[id] += 1
        made.append(replace(query, id=id, group=query.group or id))
    return made


def _parts(queries: Sequence[SourceQuery], shares: Shares) -> dict[str, SetPart]:
    if not any(query.answers for query in queries):
        shares = without_training(shares)
    parts = whole_groups({query.id: query.group for query in queries}, shares)
    official = {query.id: query.split for query in queries if query.split}
    if shares.official and (len(set(official.values())) > 1 or len(official) == len(queries)):
        parts |= official
    return parts


def _files(documents: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, markdown("", text)) for name, text in documents.items()]
