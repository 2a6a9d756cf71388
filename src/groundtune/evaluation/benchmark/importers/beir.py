"""The folder format of BEIR, with answers or without: corpus.jsonl, queries.jsonl and qrels.

    corpus.jsonl   {"_id", "title", "text"}
    queries.jsonl  {"_id", "text", "gold_ids": [], "answers": [] or "reference_answer",
                    "conversation": [{"role", "content"}], "answerability": ["ANSWERABLE"]}
    qrels/test.tsv query-id, corpus-id, score; also train.tsv and dev.tsv, without a header, or of TREC (four columns)

A query's evidence is what `gold_ids` or the qrels name with a score above 0, the highest first; grades are not kept.
Without an answer it is a case that only retrieval scorers score. Where the qrels are in several files, these are the
official parts. Otherwise two kinds of sets are told apart:

- Questions of conversations (`_id` is "CONVERSATION<::>TURN", as in MTRAG): a conversation is a group and stands in
  one part only.
- Questions about articles: the article, that is the title of the first gold document, is the group, and its
  questions are spread over the parts, so that tuned candidates have seen other questions on the same texts. Such
  groups stand on both sides of the split, which a loaded benchmark counts (`straddling_groups`).

Either way parts are cut from an order by hash of the id, which no seed and no file order can change.

Source: Thakur et al., "BEIR", NeurIPS 2021 (folder format); Katsis et al., "MTRAG", TACL 2025 (conversations).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.importers import Imported, Shares
from groundtune.evaluation.benchmark.importers._set import (
    CONVERSATION_MARK,
    PARTS,
    Notes,
    SetPart,
    SourceQuery,
    answerability,
    finished,
    markdown,
    paths,
    short_values,
    spread,
    without_training,
)
from groundtune.files import Name, read_jsonl, read_text
from groundtune.text import locate, words
from groundtune.values import Evidence, Message

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(])")
_BEST_FIRST: tuple[SetPart, ...] = ("test", "development", "training")

Relevance = dict[str, dict[str, float]]  # score by document by query


class CorpusLine(BaseModel):
    """One line of corpus.jsonl."""

    model_config = ConfigDict(extra="ignore")

    id: Name = Field(alias="_id", min_length=1)
    title: str | None = ""
    text: str


class BeirTurn(BaseModel):
    """One turn of `conversation`."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["user", "assistant"]
    content: str


class QueryLine(BaseModel):
    """One line of queries.jsonl."""

    model_config = ConfigDict(extra="allow")

    id: Name = Field(alias="_id", min_length=1)
    text: str
    gold_ids: list[Name] | None = None
    answers: list[str] | None = None
    reference_answer: str | None = None
    conversation: list[BeirTurn] = []
    answerability: list[str] | str = "ANSWERABLE"

    @property
    def answer(self) -> str:
        """The reference answer, or the first of several right ones."""
        given = [text for text in self.answers or () if text.strip()]
        return self.reference_answer or (given[0] if given else "")

    @property
    def labels(self) -> list[str]:
        """What `answerability` says."""
        return [self.answerability] if isinstance(self.answerability, str) else self.answerability

    @property
    def history(self) -> tuple[Message, ...]:
        """The turns before the question; some sets repeat the question as the last turn."""
        turns = self.conversation
        if turns and turns[-1].role == "user" and turns[-1].content.strip() == self.text.strip():
            turns = turns[:-1]
        return tuple(Message(turn.role, turn.content) for turn in turns)


class Beir:
    """Imports a folder with corpus.jsonl, queries.jsonl and qrels."""

    name = "beir"
    fields = ("ideal_answer", "group", "tags")

    def read(self, folder: Path, shares: Shares, mapping: Mapping[str, str] = {}) -> Imported:
        """Return the folder's documents, the cases of development and test, and the rest as training examples."""
        notes = Notes()
        corpus = _read_corpus(folder / "corpus.jsonl", notes)
        lines = _read_queries(folder / "queries.jsonl", corpus, mapping)
        relevant, official = _qrels(folder, corpus, {line.id for _, line in lines}, notes)
        files = paths(corpus)
        queries = []
        for number, line in lines:
            query = _query(number, line, corpus, files, relevant.get(line.id, {}), mapping)
            if not query.text.strip():
                notes.add("queries without a text are left out", query.place)
            elif query.answerable and not query.answers and not query.evidence:
                notes.add("queries with neither an answer nor evidence are left out", query.place)
            else:
                queries.append(query)
        if not queries:
            raise InputError(
                "no query has an answer, `gold_ids` or an entry in the qrels.",
                place=folder / "queries.jsonl",
                remedy="Put the folder's qrels/test.tsv beside it, or name the key of the answers: "
                "--map KEY=ideal_answer.",
            )
        if not any(query.answers for query in queries):
            shares = without_training(shares)
        parts = spread({query.id: query.group for query in queries}, shares)
        if shares.official:
            parts |= {id: part for id, part in official.items() if id in parts}
        documents = [(files[id], markdown(_title(line), line.text)) for id, line in corpus.items()]
        return finished(queries, parts, documents, folder.resolve().name, notes)


def groundtune_importer() -> Beir:
    """Return the importer."""
    return Beir()


def _read_corpus(path: Path, notes: Notes) -> dict[str, CorpusLine]:
    corpus: dict[str, CorpusLine] = {}
    for number, line in read_jsonl(path, CorpusLine):
        if line.id in corpus:
            raise InputError(f"`_id` {line.id!r} appears twice.", place=path, line=number, remedy="Remove one.")
        if not line.text.strip() and not (line.title or "").strip():
            notes.add("documents without title and text are left out", f"{path.name}:{number}")
            continue
        corpus[line.id] = line
    return corpus


def _read_queries(
    path: Path, corpus: Mapping[str, CorpusLine], mapping: Mapping[str, str]
) -> list[tuple[int, QueryLine]]:
    lines = read_jsonl(path, QueryLine)
    seen: set[str] = set()
    for number, line in lines:
        reason = None
        if line.id in seen:
            reason = f"`_id` {line.id!r} appears twice."
        unknown = [id for id in line.gold_ids or () if id not in corpus]
        if unknown:
            reason = f"`gold_ids` names {unknown[0]!r}, which is not in corpus.jsonl."
        if reason:
            raise InputError(reason, place=path, line=number, remedy="Correct the line.")
        seen.add(line.id)
    keys = {key for _, line in lines for key in line.model_extra or {}}
    for column in mapping:
        if column not in keys:
            raise InputError(
                f"no line has the key `{column}`.",
                place=path,
                remedy=f"Keys to choose from: {', '.join(sorted(keys)) or 'none'}.",
            )
    return lines


def _qrels(
    folder: Path, corpus: Mapping[str, CorpusLine], queries: set[str], notes: Notes
) -> tuple[Relevance, dict[str, SetPart]]:
    """Return the scores of all files, and the part of each query where several files name parts."""
    found: Relevance = {}
    named: dict[str, set[SetPart]] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        for number, query, document, score in _relevances(path):
            place = f"{path.name}:{number}"
            if query not in queries:
                notes.add("entries of the qrels name queries that are not in queries.jsonl", place)
                continue
            if path.stem.lower() in PARTS:
                named.setdefault(query, set()).add(PARTS[path.stem.lower()])
            if document not in corpus:
                notes.add("entries of the qrels name documents that are not in corpus.jsonl", place)
            else:
                best = found.setdefault(query, {})
                best[document] = max(score, best.get(document, -math.inf))
    if len({part for parts in named.values() for part in parts}) < 2:
        return found, {}
    twice = [query for query, parts in named.items() if len(parts) > 1]
    if twice:
        notes.add(
            "queries stand in several parts: test comes before development, that before training", twice[0], len(twice)
        )
    return found, {query: next(part for part in _BEST_FIRST if part in parts) for query, parts in named.items()}


def _relevances(path: Path) -> Iterator[tuple[int, str, str, float]]:
    """Yield line, query, document and score. Raises `InputError` for a line that is not of this form."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        cells = line.rstrip("\r").split("\t") if "\t" in line else line.split()
        if len(cells) == 4:  # TREC's: the second column says nothing
            cells = [cells[0], *cells[2:]]
        if not any(cells):
            continue
        score = _number(cells[-1])
        if len(cells) == 3 and score is not None:
            yield number, cells[0].strip(), cells[1].strip(), score
        elif number > 1 or len(cells) != 3:
            raise InputError(
                f"{line[:80]!r} is not query, document and score.",
                place=path,
                line=number,
                remedy="Separate three columns with tabs.",
            )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _query(
    number: int,
    line: QueryLine,
    corpus: Mapping[str, CorpusLine],
    files: Mapping[str, str],
    relevant: Mapping[str, float],
    mapping: Mapping[str, str],
) -> SourceQuery:
    extra = dict(line.model_extra or {})
    told = {field: extra.pop(column, None) for column, field in mapping.items() if field != "tags"}
    tags = [
        f"{key}={one}" for key, field in mapping.items() if field == "tags" for one in short_values(extra.pop(key, ""))
    ]
    judged = sorted((id for id, score in relevant.items() if score > 0), key=lambda id: -relevant[id])
    gold = list(dict.fromkeys([*(line.gold_ids or ()), *judged]))
    answers = [text for text in (line.answer, *short_values(told.get("ideal_answer"))) if text.strip()][:1]
    answerable, clarify = answerability(line.labels, evidence=bool(gold))
    return SourceQuery(
        id=line.id,
        text=line.text,
        place=f"queries.jsonl:{number}",
        answers=tuple(answers),
        evidence=tuple(Evidence(files[id], _quote(line, answers, corpus[id].text)) for id in gold),
        answerable=answerable,
        clarify=clarify,
        group=next(iter(short_values(told.get("group"))), "") or _group(line, gold, corpus),
        history=line.history,
        extra=extra,
        tags=tuple(tags),
    )


def _group(line: QueryLine, gold: list[str], corpus: Mapping[str, CorpusLine]) -> str:
    if CONVERSATION_MARK in line.id:
        return line.id.split(CONVERSATION_MARK)[0]
    title = corpus[gold[0]].title if gold else ""
    return title or line.id


def _title(line: CorpusLine) -> str:
    """Wikipedia's titles have underscores for blanks."""
    title = " ".join((line.title or "").split())
    return title if " " in title else title.replace("_", " ")


def _quote(line: QueryLine, answers: list[str], text: str) -> str | None:
    """Return the sentence that has the short answer and, of several, most words of the question; else None."""
    if line.reference_answer is not None or not answers:
        return None
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if locate(answers[0], sentence)]
    asked = set(words(line.text))
    return max(sentences, key=lambda sentence: len(asked & set(words(sentence))), default=None)
