"""`groundtune retrieval train`: train the encoder, and measure it against the one that it was made of.

Both are measured in one run, on the test cases, in the pipeline that the settings say, without pictures and recordings:
only the encoder differs. The index for that is deleted afterwards, unless the encoder is better: then it is kept, for
whoever sets it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.encoders import encoder_place, encoder_setting, train_encoder_of, trainable_encoder
from groundtune.assembly.trials import KeptTexts, Trial, only_trials
from groundtune.comparison.retrieval.cases import SEED, method_of, searches_of, unanswered, with_passages
from groundtune.evaluation.scorers.retrieval import reciprocal_rank, retrieval_recall
from groundtune.statistics.comparing import compare, estimate
from groundtune.statistics.sample import Method
from groundtune.tuning.adapters import Manifest
from groundtune.values import Case, Difference, Estimate, Passage

MEASURES = {"retrieval_recall": retrieval_recall, "reciprocal_rank": reciprocal_rank}
EncoderVerdict = Literal["better", "worse", "cannot tell", "not measured"]


@dataclass(frozen=True, slots=True)
class EncoderMeasure:
    """Both encoders by one measure, and trained minus base, case by case."""

    base: Estimate
    trained: Estimate
    difference: Difference


@dataclass(frozen=True, slots=True)
class EncoderTraining:
    """What came of it. `measures` are over `cases` test cases; there are none where fewer than two groups of test cases
    name their passages."""

    name: str
    folder: Path
    manifest: Manifest
    cases: int
    measures: tuple[EncoderMeasure, ...] = ()
    seconds: float = 0.0

    @property
    def setting(self) -> str:
        """The value of `[embedding] name` that uses it."""
        return encoder_setting(self.name)

    @property
    def verdict(self) -> EncoderVerdict:
        """What the test cases say: better or worse by one measure at least, and by the other not the reverse."""
        if not self.measures:
            return "not measured"
        verdicts = {measure.difference.verdict for measure in self.measures}
        if "better" in verdicts:
            return "cannot tell" if "worse" in verdicts else "better"
        return "worse" if "worse" in verdicts else "cannot tell"

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune retrieval train --json` prints it."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "setting": self.setting,
            "verdict": self.verdict,
            "cases": self.cases,
            "measures": {measure.difference.scorer: asdict(measure) for measure in self.measures},
            "seconds": self.seconds,
            "manifest": asdict(self.manifest),
        }


def train_retrieval(assembly: Assembly, name: str) -> EncoderTraining:
    """Train the encoder `name` unless it is there already, and measure it. The documents are ingested first.

    See `train_encoder_of` and `only_trials` for what it raises.
    """
    began, folder = time.monotonic(), encoder_place(assembly, name)
    with only_trials(assembly.knowledge):
        trainable_encoder(assembly)  # before anything is embedded
        assembly.knowledge.ingest()
        manifest = train_encoder_of(assembly, name)
        cases = with_passages(assembly.benchmark, "test")
        trained = EncoderTraining(name, folder, manifest, len(cases))
        if len({case.group for case in cases}) > 1:
            trained = _measured(assembly, trained, cases)
    return replace(trained, seconds=time.monotonic() - began)


def _measured(assembly: Assembly, trained: EncoderTraining, cases: Sequence[Case]) -> EncoderTraining:
    """Return it with what was measured; keep the index if it is better."""
    knowledge, settings, texts = assembly.knowledge, assembly.settings, KeptTexts()
    embedding = settings.embedding.model_copy(update={"name": trained.setting})
    changed = knowledge.changed(settings.model_copy(update={"embedding": embedding}))
    searches = searches_of(cases, knowledge)
    trial = Trial(changed, texts)
    try:
        if not trial.is_there:
            trial.fill(assembly.progress)
        finders = [each.finder(settings.knowledge, knowledge.reranker) for each in (Trial(knowledge, texts), trial)]
        before, after = (finder.find(searches) for finder in finders)
        trained = replace(trained, measures=_compared(before, after, cases, method_of(settings.comparison)))
        if trained.verdict == "better":
            trial.keep()
    finally:
        trial.drop()
    return trained


def _compared(
    before: Sequence[Sequence[Passage]], after: Sequence[Sequence[Passage]], cases: Sequence[Case], method: Method
) -> tuple[EncoderMeasure, ...]:
    """Return each measure of both; tests and intervals of differences are corrected for the number of measures."""
    groups, measures = [case.group for case in cases], []
    strict = replace(method, confidence=1 - method.alpha / len(MEASURES))
    for scorer, measure in MEASURES.items():
        base, trained = (
            [measure(case, unanswered(own)) for case, own in zip(cases, passages, strict=True)]
            for passages in (before, after)
        )
        rng = np.random.default_rng(SEED)
        difference = compare(base, trained, groups, scorer=scorer, names=("base", "trained"), method=strict, rng=rng)
        before_and_after = [estimate(scores, groups, method=method) for scores in (base, trained)]
        measures.append(EncoderMeasure(before_and_after[0], before_and_after[1], difference))
    return tuple(measures)
