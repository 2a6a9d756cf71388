"""Lines that give away the benchmark, word for word: a question that is asked again, or an ideal answer that is given.

    "How much does Pebble cost a month?" in the benchmark, and in the data
    "Hello! HOW MUCH DOES PEBBLE COST A MONTH, please?"          found: case, punctuation and what stands around it
    "How much does Peble cost per month?"                        found: nearly the same words
    "How much does Brook cost a month?"                          not: it asks for something else

A short question counts only where nothing else is asked: "How much is it?" stands in many conversations. Wholly other
words are the matter of paraphrased.py.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from groundtune.text import FUNCTION_WORDS
from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.signatures import plain

REMEDY = "Remove it, or let `--repair` remove it: a model that saw the question is not tested by it."
RUN = 12  # words in a row of an ideal answer that two people do not write by chance; as `benchmark check` has it
_PROBE = 3  # words in a row that a line must share with a question to be compared with it
_SHARED = 0.25  # share of such runs of the question that it must share
_LEAST_WORDS = 5  # of a question that may stand anywhere in a line
_LEAST_CONTENT = 3  # words among them that are no function words
_ALIKE = 88  # similarity, 0-100, of a question and the like place in a line
_SAME_WORD = 75  # similarity, 0-100, of two spellings of a word
_LEAST_LETTERS = 3  # of a word in which one may be wrong
_SHOWN = 80  # characters


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Contamination(around)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question of the benchmark, of several turns perhaps, in plain words."""

    case: str
    turns: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.turns)

    @property
    def runs(self) -> set[tuple[str, ...]]:
        return {run for turn in self.turns for run in _runs(turn.split(), _PROBE)}

    @property
    def content(self) -> list[str]:
        return [word for word in self.text.split() if word not in FUNCTION_WORDS]

    @property
    def telling(self) -> bool:
        """Whether nobody asks the same by chance in the middle of something else."""
        return len(self.text.split()) >= _LEAST_WORDS and len(self.content) >= _LEAST_CONTENT


class _Contamination:
    def __init__(self, around: Surroundings) -> None:
        self._limit = around.settings.contamination
        self._questions = [_Asked(case, _turns(text)) for case, text in around.questions.items() if text.strip()]
        self._runs: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._counts = []
        for number, question in enumerate(self._questions):
            runs = question.runs if question.telling else set()
            self._counts.append(len(runs))
            for run in runs:
                self._runs[run].append(number)
        self._whole = {question.text: question.case for question in self._questions}
        self._answers = _answer_runs(around.ideal_answers)
        self._starts = {run[:_PROBE] for run in self._answers}
        self._rows = 0
        self._leaked: set[str] = set()
        self._found: list[DataFinding] = []

    def see(self, line: DataLine) -> None:
        self._rows += 1
        said = self._question_in(line) or self._answer_in(line)
        if said:
            case, detail = said
            self._leaked.add(case)
            self._found.append(DataFinding(line.file, line.line, "contamination", detail, REMEDY))

    def conclude(self) -> CheckResult:
        total = len(self._questions)
        if not total:
            said = "There is no benchmark to compare with."
            return CheckResult((GateResult("contamination", True, None, self._limit, said, 0, self._rows),))
        share = len(self._leaked) / total
        said = f"{len(self._leaked)} of {total} questions of the benchmark are given away, in {len(self._found)} lines."
        gate = GateResult("contamination", share <= self._limit, share, self._limit, said, self._rows, self._rows)
        return CheckResult((gate,), tuple(self._found))

    def _question_in(self, line: DataLine) -> tuple[str, str] | None:
        whole = self._whole.get(plain(line.asked)) if line.kind != "text" else None
        if whole is not None:
            return whole, f"asks the question of case {whole}."
        for text in dict.fromkeys((line.prompt, line.answer, line.rejected)):
            words = plain(text)
            for number in self._candidates(words):
                question = self._questions[number]
                how = _holds(words, question)
                if how:
                    return question.case, f"{how} the question of case {question.case}: “{_cut(question.text)}”"
        return None

    def _candidates(self, words: str) -> list[int]:
        shared: Counter[int] = Counter()
        for run in {run for run in _runs(words.split(), _PROBE) if run in self._runs}:
            shared.update(self._runs[run])
        return [number for number, count in shared.items() if count >= _SHARED * self._counts[number]]

    def _answer_in(self, line: DataLine) -> tuple[str, str] | None:
        """Documents are where answers come from: what a corpus says is not given away by it."""
        if line.kind == "text" or not self._answers:
            return None
        for text in (line.answer, line.rejected):
            words = plain(text).split()
            for place, start in enumerate(_runs(words, _PROBE)):
                run = tuple(words[place : place + RUN]) if start in self._starts else ()
                if run in self._answers:
                    case = self._answers[run]
                    return case, f"shares {RUN} words in a row with the ideal answer of case {case}: “{' '.join(run)}”"
        return None


def _holds(words: str, question: _Asked) -> str:
    """Return how a text holds a question; empty if it does not."""
    padded, place = f" {words} ", 0
    for turn in question.turns:
        place = padded.find(f" {turn} ", place)
        if place < 0:
            break
        place += len(turn) + 1
    else:
        return "contains"
    if len(question.turns) > 1:
        return ""
    like = fuzz.partial_ratio_alignment(question.text, words, score_cutoff=_ALIKE)
    if like is None or len(words) < _ALIKE / 100 * len(question.text):
        return ""
    there = _whole_words(words, like.dest_start, like.dest_end).split()
    return "nearly contains" if all(_has(there, word) for word in question.content) else ""


def _has(words: Sequence[str], word: str) -> bool:
    if any(letter.isdigit() for letter in word):
        return word in words
    slip = 1 if len(word) >= _LEAST_LETTERS else 0
    return any(
        fuzz.ratio(word, other) >= _SAME_WORD or Levenshtein.distance(word, other, score_cutoff=slip) <= slip
        for other in words
    )


def _whole_words(text: str, start: int, end: int) -> str:
    """Return the words of which `text[start:end]` has a part."""
    first = text.rfind(" ", 0, start + 1) + 1
    last = text.find(" ", max(end - 1, 0))
    return text[first : len(text) if last < 0 else last]


def _runs(words: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(length)), strict=False)


def _turns(text: str) -> tuple[str, ...]:
    return tuple(words for turn in re.split(r"\n+", text) if (words := plain(turn)))


def _answer_runs(answers: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    return {run: case for case, text in answers.items() for run in _runs(plain(text).split(), RUN)}


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
