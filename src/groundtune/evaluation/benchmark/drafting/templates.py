"""Drafts without a model: fixed wordings around facts of the documents.

For models that are too weak to draft. The questions are stiff and say the documents' own words, so that they are
easier to search for than those of customers; the expert who approves them should reword them. Wordings were
developed on pages of the PostgreSQL documentation and of MTRAG.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from groundtune.drawing import mixed
from groundtune.evaluation.benchmark.drafting import Draft, DraftKind, DraftOutcome, DraftRefused, DraftRequest
from groundtune.evaluation.benchmark.drafting.facts import DocumentFact, Spans, facts, lowered, value_sentence
from groundtune.text import content_words
from groundtune.values import Chunk, Evidence, Message

VERSION = 1
WORDINGS = 3  # of one question in a paraphrase group
_ASKING = re.compile(r"(?:what|how|when|where|who|which|why)\b")  # a column called "how long" asks by itself
_BASES = {"specifies": "specify", "determines": "determine", "requires": "require", "provides": "provide"}
_BASES |= {"creates": "create", "removes": "remove", "enables": "enable", "includes": "include"}


class Templates:
    """A `Drafter`. `passages` are all that there are: what no document says can only be told from all of them."""

    per_passage = 3
    batch = 64
    patience: int | None = None
    author = f"groundtune draft (templates, version {VERSION})"

    def __init__(self, passages: Sequence[Chunk], spans: Spans) -> None:
        self._spans = spans
        self._texts: dict[str, set[str]] = {}
        for passage in passages:
            known = self._texts.setdefault(passage.document, set())
            known.update(content_words(f"{passage.heading} {passage.text}"))
        self._facts: dict[str, list[DocumentFact]] = {}
        self._attributes: dict[str, set[str]] | None = None
        self._passages = passages
        self._made: Mapping[DraftKind, Callable[[DraftRequest], list[DraftOutcome]]] = {
            "single-document": self._single,
            "multi-document": self._multi,
            "unanswerable": self._unanswerable,
            "multi-turn": self._multi_turn,
            "paraphrase": self._paraphrase,
        }

    def draft(self, requests: Sequence[DraftRequest]) -> list[list[DraftOutcome]]:
        """Return what became of each request, in order."""
        return [self._made[request.kind](request) for request in requests]

    def _single(self, request: DraftRequest) -> list[DraftOutcome]:
        drawn = self._drawn(request, request.passages[0])
        if len(drawn) <= request.number:
            return [DraftRefused("the passage has no more facts")]
        fact = drawn[request.number]
        return [_draft(wordings(fact)[0], fact)]

    def _paraphrase(self, request: DraftRequest) -> list[DraftOutcome]:
        drawn = [fact for fact in self._drawn(request, request.passages[0]) if len(wordings(fact)) >= WORDINGS]
        if len(drawn) <= request.number:
            return [DraftRefused("the passage has no more facts that can be asked for in several ways")]
        fact = drawn[request.number]
        return [_draft(question, fact) for question in wordings(fact)[:WORDINGS]]

    def _multi(self, request: DraftRequest) -> list[DraftOutcome]:
        firsts, seconds = (
            [fact for fact in self._drawn(request, passage) if fact.form not in ("asked", "heading")]
            for passage in request.passages
        )
        pairs = [(first, second) for first in firsts for second in seconds if first.subject != second.subject]
        # what is asked of two alike belongs together; a sort is stable, so the drawn order stays among equals
        pairs.sort(key=lambda pair: not _alike(*pair))
        if len(pairs) <= request.number:
            return [DraftRefused("the passages have no more pairs of facts")]
        first, second = pairs[request.number]
        question = f"{wordings(first)[0].removesuffix('?')}, and {_beginning(wordings(second)[0])}"
        if _alike(first, second) and first.form == "cell":
            question = (
                f"What is the {lowered(first.attribute)} of {first.subject}, and what is that of {second.subject}?"
            )
        answer = f"{value_sentence(first)} {value_sentence(second)}"
        return [Draft(question, answer, (_evidence(first), _evidence(second)))]

    def _multi_turn(self, request: DraftRequest) -> list[DraftOutcome]:
        drawn = self._drawn(request, request.passages[0])
        follow_ups = [(first, second, _follow_up(first, second)) for first, second in permutations(drawn, 2)]
        possible = [each for each in follow_ups if each[2]]
        if len(possible) <= request.number:
            return [DraftRefused("the passage has no more pairs of facts in which one can follow the other")]
        first, second, question = possible[request.number]
        history = (Message("user", wordings(first)[0]), Message("assistant", value_sentence(first)))
        return [Draft(question, value_sentence(second), (_evidence(second),), history)]

    def _unanswerable(self, request: DraftRequest) -> list[DraftOutcome]:
        """Ask of a subject what is only told of others of its kind.

        Of one kind are those that something else is told of alike (two plans with a price). What is asked is told of
        no such subject if no document that names it has any word of the attribute.
        """
        for fact in self._drawn(request, request.passages[0])[request.number :]:
            asked = set(content_words(fact.attribute))
            if fact.form != "cell" or not asked:
                continue
            others = [other for other in self._kin(fact) if not self._told(other, asked)]
            if others:
                other = others[request.rng().integers(len(others))]
                return [Draft(wordings(replace(fact, subject=other))[0])]
        return [DraftRefused("each fact is stated of every subject of its kind")]

    def _kin(self, fact: DocumentFact) -> list[str]:
        """Return the subjects that share an attribute with the fact's subject and lack the fact's own."""
        if self._attributes is None:
            self._attributes = defaultdict(set)
            for cell in (cell for passage in self._passages for cell in self._of(passage) if cell.form == "cell"):
                self._attributes[cell.subject].add(cell.attribute.casefold())
        own = self._attributes[fact.subject]
        return [
            subject
            for subject, told in self._attributes.items()
            if own & told and fact.attribute.casefold() not in told
        ]

    def _told(self, subject: str, asked: set[str]) -> bool:
        named = set(content_words(subject))
        return any(named <= known and asked & known for known in self._texts.values())

    def _of(self, passage: Chunk) -> list[DocumentFact]:
        if passage.id not in self._facts:
            self._facts[passage.id] = facts(passage, self._spans)
        return self._facts[passage.id]

    def _drawn(self, request: DraftRequest, passage: Chunk) -> list[DocumentFact]:
        """Return the passage's facts in the order of the draw that all requests on it share."""
        return mixed(self._of(passage), DraftRequest(request.kind, request.passages, 0, request.seed).rng())


def wordings(fact: DocumentFact) -> list[str]:
    """Return ways to ask for the fact, the plainest first."""
    subject, attribute = fact.subject, lowered(fact.attribute)
    if fact.form == "asked":
        return [subject]
    if fact.form == "cell" and _ASKING.match(attribute):
        return [
            f"{subject}: {attribute}?",
            f"About {subject}: {attribute}?",
            f"{attribute.capitalize()}? It is {subject}.",
        ]
    if fact.form == "cell":
        return [
            f"What is the {attribute} of {subject}?",
            f"Can you tell me the {attribute} of {subject}?",
            f"I need to know about {subject}: what is its {attribute}?",
        ]
    if fact.form == "cost":
        do = "do" if fact.verb == "cost" else "does"
        return [
            f"How much {do} {subject} cost?",
            f"What is the price of {subject}?",
            f"What would I pay for {subject}?",
        ]
    if fact.form == "duration":
        do, base = ("does", fact.verb[:-1]) if fact.verb.endswith("s") else ("do", fact.verb)
        return [f"How long {do} {subject} {base}?", f"For how long {do} {subject} {base}, roughly?"]
    if fact.form == "default":
        return [
            f"What is the default for {subject}?",
            f"Which value does {subject} have if I do not set it?",
            f"If nothing is configured, what is used for {subject}?",
        ]
    if fact.form == "definition":
        return [f"What {fact.verb} {subject}?", f"Can you explain what {subject} {fact.verb}?"]
    if fact.form == "act":
        base = _BASES.get(fact.verb, fact.verb[:-1])
        return [f"What does {subject} {base}?", f"Can you explain what {subject} {fact.verb}?"]
    return [f"What should I know about {lowered(subject)}?"]


def _follow_up(first: DocumentFact, second: DocumentFact) -> str:
    if first.form == "cell" == second.form and first.value != second.value:
        if first.attribute == second.attribute and first.subject != second.subject:
            return f"And what about {second.subject}?"
        if first.subject == second.subject and first.attribute != second.attribute:
            return f"And what is its {lowered(second.attribute)}?"
    if first.form == second.form and first.form in ("cost", "duration", "default") and first.subject != second.subject:
        return f"And what about {second.subject}?"
    return ""


def _alike(first: DocumentFact, second: DocumentFact) -> bool:
    return first.form == second.form and first.attribute.casefold() == second.attribute.casefold()


def _beginning(question: str) -> str:
    return question[:1].lower() + question[1:]


def _draft(question: str, fact: DocumentFact) -> Draft:
    return Draft(question, value_sentence(fact), (_evidence(fact),))


def _evidence(fact: DocumentFact) -> Evidence:
    return Evidence(fact.document, fact.quote)
