"""What the encoder can learn from in a project: its questions, the chunks that answer them, and chunks that were found
for them and do not.

The questions are those of the benchmark's development part and of the training conversations that name documents. What
is asked on the test side is kept out. What is left out is counted, by reason.

Source: Moreira et al. 2024, arXiv 2407.15831 (which passages that are found are taken as negatives).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.evaluation.benchmark.cases import asked
from groundtune.evaluation.benchmark.similarity import near_pairs
from groundtune.evaluation.scorers._evidence import passage_hits
from groundtune.files import within
from groundtune.knowledge.embedding import embedded_text
from groundtune.knowledge.near_duplicates import nearly_same
from groundtune.protocols import Embedder
from groundtune.text import content_words, locate
from groundtune.tuning.encoder.pairs import QuestionPair
from groundtune.tuning.encoder.settings import EncoderSettings
from groundtune.tuning.examples import last_question, load_examples, reply_turns
from groundtune.values import Chunk, Evidence, Passage, Question, Search

COPY = 0.95  # share of equal pairs of words from which on a passage repeats the answer

PairReason = Literal[
    "case_without_passages",
    "group_in_test",
    "conversation_without_documents",
    "conversation_with_tools",
    "asked_in_test",
    "document_not_there",
    "document_not_readable",
    "answer_not_in_document",
    "repeated",
    "negative_answers",
    "negative_too_near",
]
"""Why a question, or a passage that was found and would have been a negative, was left out."""


@dataclass(frozen=True, slots=True)
class ProjectPairs:
    """The pairs, of how many cases and conversations they are, and what was left out."""

    pairs: list[QuestionPair]
    cases: int
    conversations: int
    left_out: dict[PairReason, int]


@dataclass(frozen=True, slots=True)
class _AskedFor:
    """A question, and where its answer is: in each of `evidence`, or in one of `documents`, most likely where the words
    of `answer` are, as in a document that is named without a quote."""

    question: Question
    evidence: tuple[Evidence, ...]
    documents: tuple[str, ...]
    answer: str
    group: str
    is_case: bool


@dataclass(frozen=True, slots=True)
class _Answered:
    """A question with the passages to learn, and all that answer it or may do so."""

    asked: _AskedFor
    passages: tuple[Passage, ...]
    answers: tuple[Passage, ...]


def pairs_of_project(assembly: Assembly, embedder: Embedder, settings: EncoderSettings) -> ProjectPairs:
    """Return what the `embedder` of this project can learn from. Raises `InputError` for a file that is broken."""
    return _Collecting(assembly, embedder, settings).collected()


class _Collecting:
    """One collection, and what it left out so far."""

    def __init__(self, assembly: Assembly, embedder: Embedder, settings: EncoderSettings) -> None:
        self._assembly, self._embedder, self._settings = assembly, embedder, settings
        self._knowledge, self._asker = assembly.knowledge, tuple(assembly.settings.tuning.retrieve_as)
        self._left_out: Counter[PairReason] = Counter()
        self._held: dict[str, list[Chunk]] = {}

    def collected(self) -> ProjectPairs:
        """Return the pairs and the counts."""
        questions = self._apart_from_test([*self._of_cases(), *self._of_conversations()])
        answered = [each for question in questions if (each := self._answered(question)) is not None]
        texts = self._knowledge.rewriting([each.asked.question for each in answered])
        pairs: dict[tuple[str, str], QuestionPair] = {}
        for each, text, passages in zip(answered, texts, self._passages(texts), strict=True):
            for pair in self._pairs(each, text, passages):
                if pairs.setdefault((pair.question, pair.passage), pair) is not pair:
                    self._left_out["repeated"] += 1
        cases = sum(each.asked.is_case for each in answered)
        left_out = {reason: count for reason, count in self._left_out.items() if count}
        return ProjectPairs(_agreeing(list(pairs.values())), cases, len(answered) - cases, left_out)

    # --- questions --------------------------------------------------------------------------------

    def _of_cases(self) -> Iterator[_AskedFor]:
        benchmark = self._assembly.benchmark
        test = {case.group for case in benchmark.part("test")}
        for case in benchmark.part("development"):
            if not case.evidence or not case.answerable:
                self._left_out["case_without_passages"] += 1
            elif case.group in test:
                self._left_out["group_in_test"] += 1
            else:
                yield _AskedFor(case.asked, case.evidence, (), case.ideal_answer, case.group, is_case=True)

    def _of_conversations(self) -> Iterator[_AskedFor]:
        path = within(self._assembly.folder, self._assembly.settings.tuning.examples)
        for example in load_examples(path) if path.is_file() else ():
            if not example.documents:
                self._left_out["conversation_without_documents"] += 1
            elif len(reply_turns(example)) != 1 or example.messages[-1].tool_calls:
                self._left_out["conversation_with_tools"] += 1
            else:
                answer, group = example.messages[-1].content, example.documents[0]
                yield _AskedFor(last_question(example), (), example.documents, answer, group, is_case=False)

    def _apart_from_test(self, questions: Sequence[_AskedFor]) -> list[_AskedFor]:
        """Return those that nobody asks on the test side, in the same words or nearly so."""
        own = [asked(each.question.text, each.question.history) for each in questions]
        test = [asked(case.question, case.history) for case in self._assembly.benchmark.part("test")]
        leaked = {index for index, _, _ in near_pairs(own, test)}
        self._left_out["asked_in_test"] += len(leaked)
        return [each for index, each in enumerate(questions) if index not in leaked]

    # --- answers ----------------------------------------------------------------------------------

    def _answered(self, question: _AskedFor) -> _Answered | None:
        """Return the question with its answers, None where no chunk has one that may be learned from."""
        named = [*(evidence.document for evidence in question.evidence), *question.documents]
        chunks = [chunk for document in dict.fromkeys(named) for chunk in self._chunks(document)]
        passages = [_passage(chunk) for chunk in chunks if set(self._asker) & set(chunk.readable_by)]
        if not passages:
            self._left_out["document_not_readable" if chunks else "document_not_there"] += 1
            return None
        learned, answers = [_likeliest(question.answer, passages)] if question.documents else [], []
        for evidence in question.evidence:
            hits = [passage for passage in passages if passage_hits(passage, evidence)]
            whole = [passage for passage in hits if evidence.quote and locate(evidence.quote, passage.text)]
            answers += hits
            learned.append(
                _likeliest(question.answer, hits) if evidence.quote is None else next(iter(whole or hits), None)
            )
        if question.documents:
            answers += passages  # which of them answer is not known
        kept = tuple(passage for passage in learned if passage is not None)
        if not kept:
            self._left_out["answer_not_in_document"] += 1
            return None
        return _Answered(question, kept, tuple(answers))

    def _chunks(self, document: str) -> list[Chunk]:
        if document not in self._held:
            held = self._knowledge.store.document(document)
            self._held[document] = list(held.chunks) if held else []
        return self._held[document]

    # --- negatives --------------------------------------------------------------------------------

    def _passages(self, texts: Sequence[str]) -> list[list[Passage]]:
        """Return what the present retrieval finds for each text, unchanged chunks."""
        changes = {"widen": "none", "near_duplicates": 0}
        knowledge, settings = self._knowledge, self._knowledge.settings.knowledge.model_copy(update=changes)
        finder = replace(knowledge.finder, settings=settings, spaces=())
        searches = [Search(text, self._asker) for text in texts]
        return finder.find(searches, max(settings.candidates, settings.passages)) if searches else []

    def _pairs(self, answered: _Answered, text: str, passages: Sequence[Passage]) -> Iterable[QuestionPair]:
        """Give the pairs of a question: each of its passages, with what was found and does not answer it."""
        answers = [*answered.answers, *answered.passages]
        known = {embedded_text(each) for each in answers}
        others = []
        for passage in passages:
            if embedded_text(passage) in known:
                continue
            if _answers(passage, answered):
                known.add(embedded_text(passage))
                self._left_out["negative_answers"] += 1
            else:
                others.append(passage)
        texts = [embedded_text(each) for each in answered.passages]
        similar = self._embedder.embed(texts, "document") @ self._embedder.embed([text], "query")[0]
        for answer, similarity in zip(texts, similar, strict=True):
            most = self._settings.margin * float(similarity)
            near = [each for each in others if each.similarity is None or each.similarity > most]
            self._left_out["negative_too_near"] += len(near)
            negatives = [embedded_text(each) for each in others if each not in near]
            chosen = tuple(dict.fromkeys(negatives))[: self._settings.negatives]
            yield QuestionPair(text, answer, chosen, frozenset(known), answered.asked.group)


def _agreeing(pairs: Sequence[QuestionPair]) -> list[QuestionPair]:
    """Return the pairs such that what answers a question in one of them answers it in all."""
    answers: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for pair in pairs:
        answers[pair.question] |= pair.answers
    return [
        replace(
            pair,
            answers=answers[pair.question],
            negatives=tuple(text for text in pair.negatives if text not in answers[pair.question]),
        )
        for pair in pairs
    ]


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk.document, chunk.place, chunk.text, chunk.heading, 1, 0.0)


def _likeliest(answer: str, passages: Sequence[Passage]) -> Passage | None:
    """Return the passage with most content words of the answer, or the only one; None if none has any."""
    if len(passages) == 1:
        return passages[0]
    words = set(content_words(answer))
    shared = [len(words & set(content_words(embedded_text(passage)))) for passage in passages]
    return passages[int(np.argmax(shared))] if any(shared) else None


def _answers(passage: Passage, answered: _Answered) -> bool:
    """Tell whether a passage that was found answers the question as well: it has a quote, or repeats an answer."""
    quotes = [evidence.quote for evidence in answered.asked.evidence if evidence.quote]
    return any(locate(quote, passage.text) for quote in quotes) or any(
        nearly_same(passage, answer, COPY) for answer in answered.passages
    )
