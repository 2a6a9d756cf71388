"""`citation_precision`: the share of an answer's citations that fall on the experts' evidence, in [0, 1].

    evidence   refunds.md "Refunds are paid within 30 days."
    citations  refunds.md "within 30 days", about.md "We are Fernline."      citation_precision = 1/2

What falling on evidence means stands in `_evidence`. Unscored: answers without citations (leaving them out must be
seen elsewhere, it is not precision) and cases without evidence. A citation of another true place counts as wrong:
the experts named some of the places where the answer stands, perhaps not all.

Source: Gao et al., "Enabling Large Language Models to Generate Text with Citations", EMNLP 2023, with the experts'
passages in the place of an entailment model.
"""

from __future__ import annotations

from groundtune.evaluation.scorers._evidence import ENOUGH, citation_hits
from groundtune.evaluation.scorers._function import FunctionScorer
from groundtune.protocols import CITATIONS, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

WORDS = Words(
    "Citation precision",
    "How many of the cited places the experts named too.",
    "A correct place that no expert named counts as wrong; answers without citations are left out.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return `citation_precision`; no setting changes it."""
    signature = f"citation_precision|hit:quote-or-run-{ENOUGH}|version:2"
    return [FunctionScorer("citation_precision", signature, WORDS, citation_precision, needs=CITATIONS)]


def citation_precision(case: Case, answer: Answer) -> Score:
    """Return the share of citations that fall on some evidence of the case."""
    if not case.evidence:
        return Score(None, "the case names no evidence")
    if not answer.citations:
        return Score(None, "the answer has no citations")
    hits = [any(citation_hits(citation, evidence) for evidence in case.evidence) for citation in answer.citations]
    return Score(sum(hits) / len(hits))
