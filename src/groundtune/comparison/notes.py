"""The notes of a report, and the versions of what computed its figures."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from groundtune.assistant.abstention import Fitted
from groundtune.comparison.report.data import Report
from groundtune.comparison.summary import PART, Run
from groundtune.comparison.table import Scores
from groundtune.comparison.wording import first_of
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.benchmark.versions import Lock, note
from groundtune.evaluation.judge.grading import GRADED, GradeScorer, silence, silent_judges
from groundtune.evaluation.remarks import remarks
from groundtune.protocols import Scorer
from groundtune.values import Answer, Failure

NAMED = 5  # documents that a note names
PACKAGES = ("groundtune", "torch", "transformers", "trl", "peft", "sentence-transformers", "lancedb", "sacrebleu")


def unread_documents(documents: Sequence[str]) -> list[str]:
    """Say which documents could not be read."""
    if not documents:
        return []
    count = f"{len(documents)} documents" if len(documents) > 1 else "1 document"
    return [f"{count} could not be read ({first_of(documents, NAMED)}). Run `groundtune ingest` to see why."]


def of_silent_judges(scorers: Sequence[Scorer], runs: Sequence[Run]) -> list[str]:
    """Say which judges gave no score to any answer, and why."""
    reasons = {
        scorer.name: silence(score for run in runs for score in run.scores[scorer.name])
        for scorer in scorers
        if isinstance(scorer, GradeScorer)
    }
    return silent_judges(reasons)


def of_failures(runs: Sequence[Run]) -> list[str]:
    """Say which candidates failed on how many cases, and the commonest reason."""
    notes = []
    for run in runs:
        reasons = _why_failed(run.outcomes.values())
        if reasons:
            (reason, count), *others = reasons.most_common()
            of_several = f" ({count} of them)" if others else ""
            failed = f"{reasons.total()} of {len(run.outcomes)} cases"
            notes.append(f"{run.candidate.name} failed on {failed}{of_several}: {reason}")
    return notes


def _why_failed(outcomes: Iterable[Answer | Failure]) -> Counter[str]:
    return Counter(each.reason for each in outcomes if isinstance(each, Failure))


def silent_in(report: Report) -> list[str]:
    """Say which judges gave no score, and which candidates no answer, in a report that has just been made."""
    reasons = {
        name: silence(scores[name] for row in report.rows for scores in row.scores.values())
        for name, measure in report.scorers.items()
        if measure.signature.startswith(GRADED)
    }
    return [*silent_judges(reasons), *filter(None, (_mute(report, one.name) for one in report.candidates))]


def _mute(report: Report, candidate: str) -> str:
    """Say that a candidate answered no case, and why; nothing if it answered one."""
    reasons = _why_failed(row.answers[candidate] for row in report.rows)
    if not reasons or reasons.total() < len(report.rows):
        return ""
    return f"{candidate} answered none of the {len(report.rows)} cases: {reasons.most_common(1)[0][0]}"


def of_benchmark(benchmark: Benchmark, lock: Lock | None, cases: int) -> list[str]:
    """Say what of the benchmark was not run, and how it differs from what was frozen."""
    frozen = note(lock, benchmark)
    notes = [] if frozen is None else [frozen]
    whole = len(benchmark.part(PART))
    if cases < whole:
        notes.append(f"Run on {cases} of the {whole} test cases, drawn across all groups.")
    if benchmark.drafts or benchmark.rejected:
        notes.append(f"Not used: {benchmark.drafts} draft and {benchmark.rejected} rejected cases.")
    if benchmark.straddling_groups:
        notes.append(
            f"{benchmark.straddling_groups} groups have cases in both the development and the test part, because the "
            "benchmark file puts them there."
        )
    return notes


def of_scores(runs: Sequence[Scores]) -> list[str]:
    """Say what the scores of all candidates rest on, such as texts that an encoder read in part."""
    names = dict.fromkeys(name for scores in runs for name in scores)
    return remarks({name: [score for scores in runs for score in scores.get(name, ())] for name in names})


def of_threshold(fitted: Fitted) -> str:
    """Say how much support grounded candidates need to answer."""
    answer = f"Grounded candidates answer only if the retrieval support is at least {fitted.threshold:.2f}"
    if not fitted.n:
        return f"{answer}. {fitted.note}".strip()
    rates = ""
    if fitted.sensitivity is not None and fitted.specificity is not None:
        rates = (
            f" On those, it lets {fitted.sensitivity:.0%} of the answerable questions through and stops "
            f"{fitted.specificity:.0%} of the others."
        )
    return f"{answer}, a threshold fitted on {fitted.n} development cases.{rates} {fitted.note}".strip()


def of_replies(runs: Sequence[Run]) -> list[str]:
    """Say which candidates reasoned before they answered, and which were asked otherwise than the settings say."""
    notes = []
    for run in runs:
        name, answers = run.candidate.name, [each for each in run.outcomes.values() if isinstance(each, Answer)]
        reasoned = [each for each in answers if each.reasoning or each.usage.reasoning_tokens]
        if reasoned:
            words = sum(len(each.reasoning.split()) for each in reasoned)
            tokens = sum(each.usage.reasoning_tokens for each in reasoned)
            counted = f" and {tokens:,} tokens" if tokens else ""
            notes.append(
                f"{name} reasoned before {len(reasoned)} of {len(answers)} answers ({words:,} words{counted} in all). "
                "Reasoning is kept apart and not scored."
            )
        adjusted = Counter(change for each in answers for change in each.adjusted)
        notes += [
            f"{name}: {count} of {len(answers)} answers were made with {change}, because the endpoint refuses it."
            for change, count in adjusted.items()
        ]
    return notes


def versions() -> dict[str, str]:
    """Return the versions of what computes the figures, as far as installed."""
    known = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            continue
    return known
