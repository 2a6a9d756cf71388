"""Lines that ask a question of the benchmark in other words: found by what questions and answers mean.

    "What do I pay for Pebble?"     in the data, while the benchmark asks "How much does Pebble cost?"

Two questions with much the same meaning count, and two with a like meaning whose answers say the same. Where both
answers have figures, and each has one that the other lacks, they are about different things. A company's questions are
about a few subjects, so that some of this is what tuning is for: the gate allows a share of the benchmark's questions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundtune.comparing import figures
from groundtune.tuning.quality.check import Check, DataLine, Embed, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.sampling import Reservoir

REMEDY = "Remove it if it asks the same; questions that customers really ask may stay within the limit."
NAME = "paraphrased_contamination"
_BATCH = 2048  # lines that are embedded and compared at once
_LONGEST = 1000  # characters of a question or an answer
_SHOWN = 100  # characters


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Paraphrased(around)


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is compared of a line."""

    file: str
    line: int
    question: str
    answer: str


class _Paraphrased:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._settings = around.settings
        size = self._settings.meaning_sample if around.embed is not None and around.questions else 0
        self._sample: Reservoir[_Pair] = Reservoir(size, np.random.default_rng(around.seed))
        self._rows = 0

    def see(self, line: DataLine) -> None:
        if line.kind != "text":
            self._rows += 1
            self._sample.offer(_Pair(line.file, line.line, line.asked[-_LONGEST:], line.answer[:_LONGEST]))

    def conclude(self) -> CheckResult:
        limit, questions = self._settings.paraphrased_contamination, self._around.questions
        embed = self._around.embed
        if embed is None or not questions:
            lacking = "There is no encoder" if embed is None else "There is no benchmark"
            said = f"{lacking} to look for paraphrased questions with."
            return CheckResult((GateResult(NAME, True, None, limit, said, 0, self._rows),))
        started = time.perf_counter()
        leaks = self._compare(embed)
        seconds = time.perf_counter() - started
        leaked, looked = {case for case, _ in leaks}, len(self._sample.items)
        share = len(leaked) / len(questions)
        said = (
            f"{len(leaked)} of {len(questions)} questions of the benchmark are asked in other words, in {len(leaks)} "
            f"lines. {_looked_at(looked, self._rows, seconds)}"
        )
        gate = GateResult(NAME, share <= limit, share, limit, said, looked, self._rows)
        return CheckResult((gate,), tuple(finding for _, finding in leaks))

    def _compare(self, embed: Embed) -> list[tuple[str, DataFinding]]:
        """Return (case, finding) of the lines that ask for the same as a case, each with the case it is most like."""
        cases = list(self._around.questions)
        ideal = [self._around.ideal_answers.get(case, "") for case in cases]
        answerable = np.array([bool(answer) for answer in ideal])
        asked = embed([self._around.questions[case] for case in cases])
        answered = embed([answer or "-" for answer in ideal])
        leaks = []
        for start in range(0, len(self._sample.items), _BATCH):
            pairs = self._sample.items[start : start + _BATCH]
            questions = embed([pair.question for pair in pairs]) @ asked.T
            answers = embed([pair.answer or "-" for pair in pairs]) @ answered.T
            sure = questions >= self._settings.same_question
            likely = (questions >= self._settings.like_question) & (answers >= self._settings.same_answer) & answerable
            for row in np.flatnonzero((sure | likely).any(axis=1)):
                best = self._best(pairs[row], questions[row] * (sure | likely)[row], ideal)
                if best is not None:
                    case, share = cases[best], float(questions[row, best])
                    leaks.append((case, _finding(pairs[row], case, self._around.questions, share)))
        return leaks

    def _best(self, pair: _Pair, alike: np.ndarray, ideal: Sequence[str]) -> int | None:
        """Return the case that is most like the line, of those whose figures are not others than the line's."""
        for case in np.argsort(-alike):
            if not alike[case]:
                return None
            if not _other_figures(pair.answer, ideal[case]):
                return int(case)
        return None


def _other_figures(left: str, right: str) -> bool:
    own, other = ({figure.number for figure in figures(text)} for text in (left, right))
    return bool(own - other) and bool(other - own)


def _finding(pair: _Pair, case: str, questions: Mapping[str, str], share: float) -> DataFinding:
    asked = " ".join(questions[case].split())
    question = asked if len(asked) <= _SHOWN else f"{asked[:_SHOWN]}…"
    detail = f"asks in other words ({share:.2f}) what case {case} asks: “{question}”"
    return DataFinding(pair.file, pair.line, "contamination", detail, REMEDY)


def _looked_at(looked: int, rows: int, seconds: float) -> str:
    rate = f"{looked / seconds:,.0f} a second" if seconds else "at once"
    if looked < rows:
        return f"A sample of {looked:,} of {rows:,} lines was looked at, {rate}."
    return f"All {rows:,} lines with a question were looked at, {rate}."
