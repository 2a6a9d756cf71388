"""Scoring answers from anywhere: predictions.jsonl against a benchmark.

Knows the two file formats and the shape of `groundtune score --json`. Does not know how the answers were made, and
says so where it matters: abstention is scored only if the file tells who abstained, retrieval only if it names
passages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.run import Outcome, score_answers
from groundtune.evaluation.scorers.bleu import corpus_bleu, corpus_bleu_signature
from groundtune.evaluation.statistics import Method, estimate
from groundtune.files import read_jsonl
from groundtune.protocols import Progress, Scorer, silent
from groundtune.values import Answer, Case, Estimate, Failure, Passage, Place, Score, Usage

TEXT_SCORERS = (
    "rouge1 rouge2 rougeL rougeLsum bleu bertscore_precision bertscore_recall bertscore_f1 exact token_f1 token_recall"
).split()
RETRIEVAL_SCORERS = "retrieval_recall reciprocal_rank context_precision context_recall ndcg groundedness".split()
ABSTENTION_RATES = ("abstention_precision", "abstention_recall", "hallucination_rate")
ABSTENTION_SCORERS = (*ABSTENTION_RATES, "resolution", "resolution_answerable")

MISSING = Failure("predictions.jsonl has no line for this case")


class PassageLine(BaseModel):
    """One entry of `passages`, best first. Without `text` the whole document was given."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(min_length=1)
    text: str = ""


class PredictionLine(BaseModel):
    """One line of predictions.jsonl."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    id: str
    answer: str
    passages: list[PassageLine] | None = None
    abstained: bool | None = None

    def value(self) -> Answer:
        """Return the answer as if groundtune had given it."""
        passages = tuple(
            Passage(given.document, Place(0, len(given.text)), given.text, "", rank, 1 / rank)
            for rank, given in enumerate(self.passages or [], start=1)
        )
        return Answer(
            self.answer,
            bool(self.abstained),
            Usage(),
            passages,
            support=None if self.passages is None else 0.0,  # tells a search that found nothing from no search
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers by case id, and the names of the scorers that the file has the facts for."""

    answers: dict[str, Answer]
    scorers: tuple[str, ...]

    def refuse_unfounded(self, names: Sequence[str], path: Path) -> None:
        """Raise `InputError` if one of `names` counts abstentions and the file at `path` does not tell of any."""
        unfounded = [name for name in names if name in ABSTENTION_RATES and name not in self.scorers]
        if unfounded:
            raise InputError(
                f"no line tells whether the answer `abstained`, which `{unfounded[0]}` rests on.",
                place=path,
                remedy='Add "abstained": true or false to the lines.',
            )


def load_predictions(path: Path, benchmark: Benchmark) -> Predictions:
    """Read predictions.jsonl. Raises `InputError` at an id that stands twice or that the benchmark does not have."""
    known = {case.id for case in benchmark.cases}
    lines: dict[str, int] = {}
    rows = read_jsonl(path, PredictionLine)
    for number, row in rows:
        if row.id not in known:
            raise InputError(
                f"the benchmark has no approved case `{row.id}`.", place=path, line=number, remedy="Correct the id."
            )
        if row.id in lines:
            raise InputError(
                f"`{row.id}` is answered here and on line {lines[row.id]}.",
                place=path,
                line=number,
                remedy="Keep one answer a case.",
            )
        lines[row.id] = number
    names = list(TEXT_SCORERS)
    if any(row.passages for _, row in rows):
        names += RETRIEVAL_SCORERS
    if any(row.abstained is not None for _, row in rows):
        names += ABSTENTION_SCORERS
    return Predictions({row.id: row.value() for _, row in rows}, tuple(names))


def score_predictions(
    benchmark: Benchmark,
    predictions: Predictions,
    scorers: Sequence[Scorer],
    *,
    method: Method,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> dict[str, object]:
    """Return what `groundtune score --json` prints; a case without a prediction has failed with every scorer."""
    pairs: list[tuple[Case, Outcome]] = [(case, predictions.answers.get(case.id, MISSING)) for case in benchmark.cases]
    scores = score_answers(scorers, pairs, {}, lambda scorer, new: None, progress=progress)
    groups = [case.group for case, _ in pairs]
    summary = {}
    for scorer in scorers:
        on_scale = replace(method, scale=getattr(scorer, "scale", None))
        summary[scorer.name] = asdict(estimate(list(scores[scorer.name].values()), groups, method=on_scale))
    summary["corpus_bleu"] = asdict(_corpus_bleu(pairs, method, rng))
    return {
        "summary": summary,
        "cases": [_case_row(case, {name: found[case.id] for name, found in scores.items()}) for case, _ in pairs],
        "signatures": {scorer.name: scorer.signature for scorer in scorers}
        | {"corpus_bleu": corpus_bleu_signature(benchmark.cases)},
        "benchmark": {"fingerprint": benchmark.fingerprint, "cases": len(pairs)},
    }


def _case_row(case: Case, scores: dict[str, Score]) -> dict[str, object]:
    return {
        "id": case.id,
        "group": case.group,
        "scores": {name: score.value for name, score in scores.items()},
        "reasons": {name: score.reason for name, score in scores.items() if score.value is None},
    }


def _corpus_bleu(pairs: Sequence[tuple[Case, Outcome]], method: Method, rng: np.random.Generator) -> Estimate:
    answered = [(case, outcome) for case, outcome in pairs if isinstance(outcome, Answer)]
    found = corpus_bleu(answered, method=method, rng=rng)
    return Estimate(found.mean, found.low, found.high, found.scored, found.unscored, len(pairs) - len(answered))
