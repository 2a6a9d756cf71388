"""What has changed since the comparison before: the knowledge base, and with it the scores of the same candidate.

The cases are the same, and so is all else that can change an answer: only then is it said. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import ValidationError

from groundtune.comparison.latest import Latest
from groundtune.comparison.report.data import Report, from_json
from groundtune.comparison.summary import Run
from groundtune.comparison.wording import difference_words
from groundtune.protocols import Scorer
from groundtune.settings import ComparisonSettings
from groundtune.statistics import Method, paired_difference
from groundtune.values import Case, Score

_OF_DOCUMENTS = re.compile(r"\b(?:revision|min_support):[^|]*")  # the threshold is fitted to what is found


def since_then(
    earlier: Latest | None,
    runs: Sequence[Run],
    cases: Sequence[Case],
    scorers: Sequence[Scorer],
    settings: ComparisonSettings,
) -> list[str]:
    """Say that the documents have changed since the comparison before, and what candidates score beside then."""
    changed = [run for run in runs if earlier and _documents_changed(earlier.signatures.get(run.candidate.name), run)]
    if earlier is None or not changed:
        return []
    said = [f"The knowledge base has changed since the {earlier}."]
    try:
        report = from_json(earlier.report)
    except ValidationError:
        return said
    (deciding,) = (scorer for scorer in scorers if scorer.name == settings.decide_by)
    said += [_beside(report, run, cases, deciding, settings) for run in changed]
    return [" ".join(filter(None, said))]


def _documents_changed(before: str | None, run: Run) -> bool:
    if before is None or before == run.signature:
        return False
    return _OF_DOCUMENTS.sub("", before) == _OF_DOCUMENTS.sub("", run.signature)


def _beside(report: Report, run: Run, cases: Sequence[Case], scorer: Scorer, settings: ComparisonSettings) -> str:
    """Return the difference to then, paired; nothing where cases or scorer are others."""
    then = {case.id: case.scores[run.candidate.name].get(scorer.name) for case in report.cases}
    same = report.measure(scorer.name).signature == scorer.signature and set(then) == {case.id for case in cases}
    if not same:
        return ""
    before = [Score(then[case.id]) for case in cases]
    method = Method(settings.confidence, settings.resamples, settings.margin).on(scorer)
    difference = paired_difference(before, run.scores[scorer.name], [case.group for case in cases], method=method)
    text = difference_words(difference, scorer.scale, settings.confidence)
    return f"{run.candidate.name} now, beside then: {text} on {scorer.name} over {difference.scored} cases."
