"""Preference pairs that are likely the wrong way round: the rejected answer is like what all others chose.

What people prefer can be learnt only where they prefer alike, such as short and factual answers. Where a classifier
that has not seen a pair is hardly better than chance, this check says so and names none.
"""

from __future__ import annotations

import numpy as np

from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.out_of_fold import Matrix, left_out
from groundtune.tuning.quality.sampling import Reservoir

FEWEST = 50
LEARNT = 0.7
"""Share of pairs that the classifier must order as people did before its doubts are told."""

CLEARLY = 1.0
"""A pair is doubted where the classifier prefers the other answer by this share of its usual margin."""


class Swapped:
    """Sees pairs, keeps a sample, and judges it. A part of the check of labels."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._rows = 0
        self._sample: Reservoir[tuple[str, int, str, str]] = Reservoir(
            around.settings.model_sample, np.random.default_rng(around.seed)
        )

    def see(self, line: DataLine) -> None:
        """Take in one line, if it is a pair of two answers."""
        if line.kind == "pair" and line.answer.strip() != line.rejected.strip():
            self._rows += 1
            self._sample.offer((line.file, line.line, line.answer, line.rejected))

    def conclude(self) -> CheckResult:
        """Say which pairs are doubted. There is no gate where there are no pairs."""
        pairs, embed = self._sample.items, self._around.embed
        if not self._rows:
            return CheckResult(())
        if len(pairs) < FEWEST:
            return self._not_run(f"{len(pairs)} pairs are too few to tell what is preferred; {FEWEST} are needed.")
        if embed is None:
            return self._not_run("no encoder is there. The local extra brings one.")
        answers = embed([answer for *_, answer, _ in pairs]), embed([rejected for *_, rejected in pairs])
        margins = margin(answers, np.array([_shape(*pair[2:]) for pair in pairs]))
        learnt = float((margins > 0).mean())
        if learnt < LEARNT:
            return self._not_run(
                f"what is preferred cannot be learnt from {len(pairs)} pairs; a classifier orders {learnt:.0%} of "
                f"those that it has not seen as people did, {LEARNT:.0%} are needed."
            )
        usual = float(np.median(margins[margins > 0]))
        doubted = np.flatnonzero(margins < -CLEARLY * usual).tolist()
        findings = tuple(
            DataFinding(*pairs[place][:2], "label", _SAID, "Look at the pair: are the answers swapped?")
            for place in doubted
        )
        share, limit = len(findings) / len(pairs), self._around.settings.swapped
        said = f"{len(findings)} of {len(pairs)} pairs reject what looks like the chosen answers of the others."
        if len(pairs) < self._rows:
            said += f" A sample of {len(pairs)} of {self._rows} pairs was looked at ({len(pairs) / self._rows:.1%})."
        return CheckResult(
            (GateResult("swapped", share <= limit, share, limit, said, len(pairs), self._rows),), findings
        )

    def _not_run(self, reason: str) -> CheckResult:
        limit = self._around.settings.swapped
        said = f"Swapped preferences were not looked for: {reason}"
        return CheckResult((GateResult("swapped", True, None, limit, said, 0, self._rows),))


_SAID = "the rejected answer looks like what is chosen elsewhere, and the chosen one like what is rejected"


def margin(answers: tuple[Matrix, Matrix], shapes: Matrix) -> Matrix:
    """Return by how much the chosen answer of each pair is preferred by a classifier that saw all other pairs.

    `answers` are the vectors of chosen and rejected answers, (pairs, dimension) each; `shapes` (pairs, n) is what else
    parts the chosen from the rejected. The classifier sees each pair's difference, which has no order of its own, so
    that there is no intercept (Bradley & Terry 1952, with least squares in place of the likelihood).
    """
    features = np.hstack([answers[0] - answers[1], shapes])
    return left_out(features, np.ones((len(features), 1), dtype=np.float32), intercept=False)[:, 0]


def _shape(chosen: str, rejected: str) -> list[float]:
    """Return differences that vectors of meaning do not show: length, and marks such as questions and exclamations."""
    pairs = [
        (np.log1p(len(left)), np.log1p(len(right)), 2.0)
        for left, right in ((chosen, rejected), (chosen.split(), rejected.split()))
    ]
    pairs += [(min(chosen.count(mark), 3), min(rejected.count(mark), 3), 3.0) for mark in "?!\n"]
    pairs.append((sum(map(str.isdigit, chosen)) / 10, sum(map(str.isdigit, rejected)) / 10, 3.0))
    return [float(np.clip((left - right) / scale, -1, 1)) for left, right, scale in pairs]
