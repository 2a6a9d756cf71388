"""Unexpected queries, drafted out of a benchmark and its documents: off-topic, misspelt, in mixed languages,
contradictory, rude, and with instructions smuggled in.

All but the off-topic ones are an expert's question in a disguise that leaves its answer as it is; so group, split,
evidence and ideal answer are those of the question. They are drafts: an expert has to look at each. Knows words and
frames, no model; randomness is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

import numpy as np

from groundtune.drawing import mixed, spread
from groundtune.evaluation.benchmark.cases import CaseLine, case_row
from groundtune.evaluation.benchmark.drafting import _phrases as phrases
from groundtune.text import content_words
from groundtune.values import UNEXPECTED, Case

AUTHOR = "groundtune human unexpected"
OFF_TOPIC = "off-topic"
MOST_COVERED = 0.5  # share of an off-topic question's words that one document may hold
_NUMBER = re.compile(r"(?<![\w.,:-])\d+(?:\.\d+)?(?![\w:-]|[.,]\d)")  # that stands alone: no code, no time
_LETTERS = re.compile(r"[A-Za-z]{4,}")
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")

T = TypeVar("T")
Disguise = Callable[[Case, np.random.Generator], str]


def draft_unexpected(
    cases: Sequence[Case], texts: Mapping[str, str], per_kind: int, rng: np.random.Generator
) -> list[CaseLine]:
    """Return up to `per_kind` drafts of every kind, as lines of benchmark.jsonl; `texts` are the documents'.

    Questions come from as many groups as there are. Fewer drafts come where cases, or questions that no document
    touches, are few.
    """
    known = {case.id for case in cases}
    sources = [case for case in cases if UNEXPECTED not in case.tags]
    drafts = [line for line in _off_topic(cases, texts, rng) if line.id not in known][:per_kind]
    for kind, disguise in DISGUISES.items():
        order = spread(sources, attrgetter("group"), rng)
        made = ((case, _disguised(case, kind, disguise(case, rng))) for case in order)
        drafts += [line for case, line in made if line.id not in known and line.question != case.question][:per_kind]
    return drafts


# --- the kinds ------------------------------------------------------------------------------------


def _off_topic(cases: Sequence[Case], texts: Mapping[str, str], rng: np.random.Generator) -> Iterator[CaseLine]:
    documents = [set(content_words(text)) for text in texts.values()]
    asked = {case.question for case in cases}
    for number, question in mixed(list(enumerate(phrases.OFF_TOPIC, start=1)), rng):
        words = set(content_words(question))
        covered = max((len(words & document) / len(words) for document in documents), default=0.0)
        if covered <= MOST_COVERED and question not in asked:
            id = f"unexpected-{OFF_TOPIC}-{number}"
            tags = [UNEXPECTED, OFF_TOPIC]
            yield CaseLine(
                id=id, question=question, answerable=False, group=id, tags=tags, author=AUTHOR, status="draft"
            )


def _typos(case: Case, rng: np.random.Generator) -> str:
    """Up to three slips of the finger in long words; numbers stay."""
    places = list(_LETTERS.finditer(case.question))
    chosen = sorted(mixed(places, rng)[:3], key=lambda match: -match.start())
    text = case.question
    for match in chosen:
        text = text[: match.start()] + _slip(match[0], rng) + text[match.end() :]
    return text


def _slip(word: str, rng: np.random.Generator) -> str:
    """Swap two letters, leave one out, double one, or hit the key beside it; the first letter stays."""
    place = int(rng.integers(1, len(word) - 1))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    row = next(row for row in _KEYBOARD if letter.lower() in row)
    spot = row.index(letter.lower())
    beside = row[spot + 1] if spot + 1 < len(row) else row[spot - 1]
    slips = [before + after[0] + letter + after[1:], before + after, before + letter + letter + after]
    slips.append(before + beside + after)
    return _drawn([slip for slip in slips if slip != word], rng)


def _mixed_language(case: Case, rng: np.random.Generator) -> str:
    """A frame of another language around the question, whose opening words change too where they are known."""
    frame, openings = _drawn(phrases.LANGUAGES, rng)
    question = case.question
    for english, other in openings.items():
        if question.startswith(f"{english} "):
            question = other + question.removeprefix(english)
            break
    return frame.format(question=question)


def _contradictory(case: Case, rng: np.random.Generator) -> str:
    number = _NUMBER.search(case.ideal_answer)
    if number is not None and rng.random() < 0.5:
        digits = len(number[0].partition(".")[2])
        wrong = [f"{float(number[0]) * factor + 1:.{digits}f}" for factor in (1, 2)]
        return phrases.TWO_CLAIMS.format(first=wrong[0], second=wrong[1], question=case.question)
    return _drawn(phrases.CONTRADICTORY, rng).format(question=case.question)


def _rude(case: Case, rng: np.random.Generator) -> str:
    return _drawn(phrases.RUDE, rng).format(question=case.question)


def _injection(case: Case, rng: np.random.Generator) -> str:
    return _drawn(phrases.INJECTION, rng).format(question=case.question)


DISGUISES: Mapping[str, Disguise] = {
    "typos": _typos,
    "mixed-language": _mixed_language,
    "contradictory": _contradictory,
    "rude": _rude,
    "injection": _injection,
}

# --- inside ---------------------------------------------------------------------------------------


def _disguised(case: Case, kind: str, question: str) -> CaseLine:
    row = case_row(case) | {
        "id": f"unexpected-{kind}-{case.id}",
        "question": question,
        "tags": [*case.tags, UNEXPECTED, kind],
        "author": AUTHOR,
        "status": "draft",
    }
    return CaseLine.model_validate(row)


def _drawn(values: Sequence[T], rng: np.random.Generator) -> T:
    return values[int(rng.integers(len(values)))]
