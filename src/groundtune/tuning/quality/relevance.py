"""Relevance: lines that have nothing to do with what the company's documents and benchmark are about, by meaning.

    "Write a poem about autumn."   among the documents of a telephone company

A line's likeness to the nearest passage is told on a scale that fits any encoder: 0 is how like two passages of
different documents are, 1 how like a benchmark's question is to the nearest passage (without a benchmark, a passage to
the nearest one of another document). A line is irrelevant below `[data] relevance` on it. The benchmark's questions are
compared with only where there are no documents, as some of them ask for what the company has no answer to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from groundtune.tuning.quality.check import Check, DataLine, Embed, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.out_of_fold import Matrix
from groundtune.tuning.quality.sampling import Reservoir

PASSAGES, QUESTIONS = 2000, 1000
_PASSAGE = 600  # characters, about what small encoders read
_READ = 2000  # characters of a line that an encoder is given; it reads the first few hundred words
LEAST_TEXTS = 10  # passages or questions, of which a scale can be made
_BATCH = 256
_REMEDY = "Remove the line, or lower [data] relevance if it belongs here."


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Relevance(around)


class _Relevance:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._rows = 0
        self._sample: Reservoir[tuple[str, int, str]] = Reservoir(
            around.settings.model_sample, np.random.default_rng(around.seed)
        )

    def see(self, line: DataLine) -> None:
        self._rows += 1
        if self._around.embed is not None:
            self._sample.offer((line.file, line.line, f"{line.prompt}\n{line.answer}".strip()[:_READ]))

    def conclude(self) -> CheckResult:
        around = self._around
        if around.embed is None:
            return self._not_run("no encoder is there. The local extra brings one.")
        if not (around.documents or around.questions):
            return self._not_run("there are no documents and no benchmark to compare with.")
        lines = self._sample.items
        if not lines:
            return self._not_run("there are no lines.")
        scale = _Scale(around.documents, around.questions, around.embed, np.random.default_rng(around.seed))
        if scale.texts < LEAST_TEXTS:
            return self._not_run(
                f"{scale.texts} passages or questions to compare with are too few: {LEAST_TEXTS} are needed."
            )
        findings = []
        for first in range(0, len(lines), _BATCH):
            batch = lines[first : first + _BATCH]
            scores = scale.place(around.embed([text for *_, text in batch])).tolist()
            findings += [
                DataFinding(
                    file, number, "irrelevant", f"relevance {score:.2f}, where 1 is that of a question", _REMEDY
                )
                for (file, number, _), score in zip(batch, scores, strict=True)
                if score < around.settings.relevance
            ]
        share, limit = len(findings) / len(lines), around.settings.irrelevant
        said = f"{len(findings)} of {len(lines)} lines have nothing to do with the documents and the benchmark."
        if len(lines) < self._rows:
            said += f" A sample of {len(lines)} of {self._rows} lines was looked at ({len(lines) / self._rows:.1%})."
        gate = GateResult("relevance", share <= limit, share, limit, said, len(lines), self._rows)
        return CheckResult((gate,), tuple(findings))

    def _not_run(self, reason: str) -> CheckResult:
        said = f"Relevance was not looked at: {reason}"
        return CheckResult(
            (GateResult("relevance", True, None, self._around.settings.irrelevant, said, 0, self._rows),)
        )


class _Scale:
    """From likeness to relevance."""

    def __init__(
        self, documents: Mapping[str, str], questions: Mapping[str, str], embed: Embed, rng: np.random.Generator
    ) -> None:
        passages: Reservoir[tuple[str, str]] = Reservoir(PASSAGES, rng)
        for name, text in documents.items():
            for passage in _passages(text):
                passages.offer((name, passage))
        asked: Reservoir[str] = Reservoir(QUESTIONS, rng)
        for question in questions.values():
            asked.offer(question)
        own = _vectors(embed, [text for _, text in passages.items])
        of_questions = _vectors(embed, asked.items)
        names = np.array([name for name, _ in passages.items])
        self._known = own if len(own) else of_questions
        self.texts = len(self._known)
        self._zero, self._one = _ends(own, names, of_questions)

    def place(self, vectors: Matrix) -> Matrix:
        """Return (lines,) where each stands on the scale."""
        placed: Matrix = ((vectors @ self._known.T).max(axis=1) - self._zero) / (self._one - self._zero)
        return placed


def _ends(own: Matrix, names: np.ndarray, of_questions: Matrix) -> tuple[float, float]:
    """Return the likenesses that are 0 and 1 on the scale; medians, as a few texts may be odd."""
    if not len(own):  # questions only: like any other, like the nearest other
        own, names, of_questions = of_questions, np.arange(len(of_questions)).astype(str), own
    alike = own @ own.T
    apart = names[:, None] != names[None, :]
    bottom = float(np.median(alike[apart])) if apart.any() else 0.0
    nearest = (of_questions @ own.T).max(axis=1) if len(of_questions) else _nearest_elsewhere(alike, apart)
    top = float(np.median(nearest)) if len(nearest) else 1.0
    return bottom, max(top, bottom + 0.05)


def _nearest_elsewhere(alike: Matrix, apart: np.ndarray) -> Matrix:
    rows = apart.any(axis=1)
    nearest: Matrix = np.where(apart, alike, -1.0).max(axis=1)[rows]
    return nearest


def _vectors(embed: Embed, texts: Sequence[str]) -> Matrix:
    if not texts:
        return np.zeros((0, 0), dtype=np.float32)
    return np.concatenate([embed(texts[first : first + _BATCH]) for first in range(0, len(texts), _BATCH)])


def _passages(text: str) -> Iterator[str]:
    """Yield paragraphs, short ones joined and long ones cut."""
    waiting = ""
    for paragraph in re.split(r"\n\s*\n", text):
        waiting = f"{waiting}\n{paragraph.strip()}".strip()
        while len(waiting) >= _PASSAGE:
            yield waiting[:_PASSAGE]
            waiting = waiting[_PASSAGE:]
    if waiting:
        yield waiting
