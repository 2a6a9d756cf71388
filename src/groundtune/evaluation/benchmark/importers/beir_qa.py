"""The folder format of BEIR with answers: corpus.jsonl and queries.jsonl.

    corpus.jsonl   {"_id", "title", "text"}
    queries.jsonl  {"_id", "text", "gold_ids": [], "answers": [] or "reference_answer",
                    "conversation": [{"role", "content"}], "answerability": ["ANSWERABLE"]}

Further keys, and the folder's qrels (which repeat `gold_ids`), are ignored. Two kinds of sets are told apart:

- Questions of conversations (`_id` is "CONVERSATION<::>TURN", as in MTRAG): a conversation is a group and stands in
  one part only.
- Questions about articles: the article, that is the title of the first gold document, is the group, and its
  questions are spread over the parts, so that tuned candidates have seen other questions on the same texts. Such
  groups stand on both sides of the split, which a loaded benchmark counts (`straddling_groups`).

Either way parts are cut from an order by hash of the id, which no seed and no file order can change.

Source: Thakur et al., "BEIR", NeurIPS 2021 (folder format); Katsis et al., "MTRAG", TACL 2025 (conversations).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.importers import Imported, Shares
from groundtune.files import Name, read_jsonl
from groundtune.text import locate, words
from groundtune.values import Case, Evidence, Example, Message, digest

CONVERSATION_MARK = "<::>"
NOT_ANSWERABLE = {"UNANSWERABLE", "UNDERSPECIFIED"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(])")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

SetPart = Literal["training", "development", "test"]


class CorpusLine(BaseModel):
    """One line of corpus.jsonl."""

    model_config = ConfigDict(extra="ignore")

    id: Name = Field(alias="_id", min_length=1)
    title: str = ""
    text: str


class BeirTurn(BaseModel):
    """One turn of `conversation`."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["user", "assistant"]
    content: str


class QueryLine(BaseModel):
    """One line of queries.jsonl."""

    model_config = ConfigDict(extra="ignore")

    id: Name = Field(alias="_id", min_length=1)
    text: str = Field(min_length=1)
    gold_ids: list[Name] = []
    answers: list[str] = []
    reference_answer: str | None = None
    conversation: list[BeirTurn] = []
    answerability: list[str] | str = "ANSWERABLE"

    @property
    def answer(self) -> str:
        """The reference answer, or the first of several right ones."""
        return self.reference_answer or (self.answers[0] if self.answers else "")

    @property
    def answerable(self) -> bool:
        """PARTIAL counts as answerable where some passage answers it."""
        labels = {self.answerability} if isinstance(self.answerability, str) else set(self.answerability)
        return not labels & NOT_ANSWERABLE and ("PARTIAL" not in labels or bool(self.gold_ids))

    @property
    def history(self) -> tuple[Message, ...]:
        """The turns before the question; some sets repeat the question as the last turn."""
        turns = self.conversation
        if turns and turns[-1].role == "user" and turns[-1].content.strip() == self.text.strip():
            turns = turns[:-1]
        return tuple(Message(turn.role, turn.content) for turn in turns)


class BeirQa:
    """Imports a folder with corpus.jsonl and queries.jsonl."""

    name = "beir-qa"

    def read(self, folder: Path, shares: Shares) -> Imported:
        """Return the folder's documents, the cases of development and test, and the rest as training examples."""
        corpus = _read_corpus(folder / "corpus.jsonl")
        queries = _read_queries(folder / "queries.jsonl", corpus)
        groups = {query.id: _group(query, corpus) for query in queries}
        parts = _parts(groups, shares)
        paths = _paths(corpus)
        source = folder.resolve().name
        return Imported(
            documents=tuple((paths[id], _markdown(line)) for id, line in corpus.items()),
            cases=tuple(
                _case(query, groups[query.id], parts[query.id] == "test", corpus, paths)
                for query in queries
                if parts[query.id] != "training"
            ),
            examples=tuple(_example(query, paths, source) for query in queries if parts[query.id] == "training"),
        )


def groundtune_importer() -> BeirQa:
    """Return the importer."""
    return BeirQa()


def _read_corpus(path: Path) -> dict[str, CorpusLine]:
    corpus: dict[str, CorpusLine] = {}
    for number, line in read_jsonl(path, CorpusLine):
        if line.id in corpus:
            raise InputError(f"`_id` {line.id!r} appears twice.", place=path, line=number, remedy="Remove one.")
        corpus[line.id] = line
    return corpus


def _read_queries(path: Path, corpus: Mapping[str, CorpusLine]) -> list[QueryLine]:
    seen: set[str] = set()
    queries = []
    for number, query in read_jsonl(path, QueryLine):
        reason = _unsound(query, seen, corpus)
        if reason:
            raise InputError(reason, place=path, line=number, remedy="Correct the line.")
        seen.add(query.id)
        queries.append(query)
    return queries


def _unsound(query: QueryLine, seen: set[str], corpus: Mapping[str, CorpusLine]) -> str | None:
    if query.id in seen:
        return f"`_id` {query.id!r} appears twice."
    unknown = [id for id in query.gold_ids if id not in corpus]
    if unknown:
        return f"`gold_ids` names {unknown[0]!r}, which is not in corpus.jsonl."
    if not query.answer.strip():
        return f"query {query.id!r} has neither `reference_answer` nor `answers`."
    return None


def _group(query: QueryLine, corpus: Mapping[str, CorpusLine]) -> str:
    if CONVERSATION_MARK in query.id:
        return query.id.split(CONVERSATION_MARK)[0]
    title = corpus[query.gold_ids[0]].title if query.gold_ids else ""
    return title or query.id


def _parts(groups: Mapping[str, str], shares: Shares) -> dict[str, SetPart]:
    """Return the part of every question: whole conversations are dealt out, of articles each one's questions."""
    pools: dict[str, list[str]] = defaultdict(list)
    for id, group in groups.items():
        if CONVERSATION_MARK not in id:
            pools[group].append(id)
    # A group of a single question cannot be spread; such questions are dealt out together.
    lone = [pools.pop(group)[0] for group in [group for group, ids in pools.items() if len(ids) == 1]]
    parts = _deal(lone, shares)
    for ids in pools.values():
        parts |= _deal(ids, shares)
    conversations = _deal({group for id, group in groups.items() if CONVERSATION_MARK in id}, shares)
    return parts | {id: conversations[group] for id, group in groups.items() if CONVERSATION_MARK in id}


def _deal(keys: Iterable[str], shares: Shares) -> dict[str, SetPart]:
    """Return the part of every key: in order of hash the first go to training, then to development, then to test."""
    order = sorted(keys, key=lambda key: digest("part", key))
    training = round(len(order) * shares.training)
    development = round(len(order) * (shares.training + shares.development))
    return {
        key: "training" if place < training else "development" if place < development else "test"
        for place, key in enumerate(order)
    }


def _paths(corpus: Mapping[str, CorpusLine]) -> dict[str, str]:
    """Return a file name for every document: its id, and a hash where the id is unfit or taken in another case."""
    paths: dict[str, str] = {}
    taken: set[str] = set()
    for id in corpus:
        stem = _UNSAFE.sub("-", id).strip(".-")[:100]
        if stem != id or stem.casefold() in taken:
            stem = f"{stem or 'document'}-{digest(id)[:8]}"
        taken.add(stem.casefold())
        paths[id] = f"{stem}.md"
    return paths


def _title(line: CorpusLine) -> str:
    """Wikipedia's titles have underscores for blanks."""
    title = " ".join(line.title.split())
    return title if " " in title else title.replace("_", " ")


def _markdown(line: CorpusLine) -> str:
    heading = f"# {_title(line)}\n\n" if line.title.strip() else ""
    return f"{heading}{line.text.strip()}\n"


def _case(query: QueryLine, group: str, test: bool, corpus: Mapping[str, CorpusLine], paths: Mapping[str, str]) -> Case:
    evidence = tuple(Evidence(paths[id], _quote(query, corpus[id].text)) for id in query.gold_ids)
    return Case(
        id=query.id,
        question=query.text,
        ideal_answer=query.answer,
        evidence=evidence if query.answerable else (),
        answerable=query.answerable,
        group=group,
        split="test" if test else "development",
        history=query.history,
        author="imported",
    )


def _quote(query: QueryLine, text: str) -> str | None:
    """Return the sentence that has the short answer and, of several, most words of the question; else None."""
    if query.reference_answer is not None:
        return None
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if locate(query.answer, sentence)]
    asked = set(words(query.text))
    return max(sentences, key=lambda sentence: len(asked & set(words(sentence))), default=None)


def _example(query: QueryLine, paths: Mapping[str, str], source: str) -> Example:
    turns: Sequence[Message] = (*query.history, Message("user", query.text), Message("assistant", query.answer))
    documents = tuple(paths[id] for id in query.gold_ids) if query.answerable else ()
    return Example(tuple(turns), documents, f"{source}:{query.id}")
