"""Label errors: lines whose short answer is another one than lines like it have; and preferences that are swapped.

    "my card has not come yet"   answer "exchange_rate", while such lines have "card_arrival"

Only data in which few answers stand over many lines has labels; for other data the check says that it did not look.
Confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels",
JAIR 70): a label is doubted by what a classifier that has not seen the line holds of it, compared with what it holds of
that label on average. Their counts of errors are not used: on the half of banking77 on which this was chosen, with a
tenth of the labels flipped, they found .72 of the flips at a precision of .80, the rule below .98 at .84.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundtune.tuning.quality.check import Check, DataLine, Embed, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.out_of_fold import Matrix, likeness, probabilities
from groundtune.tuning.quality.sampling import Reservoir
from groundtune.tuning.quality.swapped import Swapped

DOUBT = 1.5
"""A label is doubted where it is less probable than this, divided by the number of the other labels, times what it is
on average: errors at random leave each label as probable as their share divided by that number.
"""

MOST_DOUBT = 0.9  # of the average, where labels are few
MANY = 0.12
"""Share of doubted labels from which they are judged once more, by a classifier that does not learn from them."""

DOUBT_AGAIN = 0.5
"""`DOUBT` for that second time, when the classifier is surer."""

LONGEST = 80  # characters: longer answers are no labels
FEWEST_LINES = 100
FEWEST_OF_A_LABEL = 5
MOST_LABELS = 1000
LINES_A_LABEL = 8  # on average, or the answers are no labels
_NO_ENCODER = "No encoder is there: the local extra brings one."


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Labels(around)


class _Labels:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._swapped = Swapped(around)
        self._rows = 0
        self._answers: Counter[int] = Counter()  # by hash
        self._sample: Reservoir[tuple[str, int, str, str]] = Reservoir(
            around.settings.labels_sample, np.random.default_rng(around.seed)
        )

    def see(self, line: DataLine) -> None:
        self._swapped.see(line)
        if line.kind != "supervised":
            return
        self._rows += 1
        answer = _normal(line.answer)
        if len(answer) > LONGEST or not answer:
            return
        if len(self._answers) <= MOST_LABELS * LINES_A_LABEL:  # with more, they are no labels
            self._answers[hash(answer)] += 1
        self._sample.offer((line.file, line.line, line.prompt, answer))

    def conclude(self) -> CheckResult:
        swapped = self._swapped.conclude()
        own = self._judged()
        return CheckResult((*own.gates, *swapped.gates), (*own.findings, *swapped.findings))

    def _judged(self) -> CheckResult:
        if reason := self._no_labels():
            return self._not_run(f"Labels were not checked: {reason}")
        if self._around.embed is None:
            return self._not_run(f"Labels were not checked. {_NO_ENCODER}")
        lines = self._of_common_labels()
        if len({label for *_, label in lines}) < 2:
            return self._not_run(f"Labels were not checked: too few lines of each in a sample of {len(lines)}.")
        findings = _doubted(lines, self._around.embed, np.random.default_rng(self._around.seed))
        share, limit = len(findings) / len(lines), self._around.settings.labels
        said = f"{len(findings)} of {len(lines)} lines have a label that lines like them do not have."
        if len(lines) < self._rows:
            said += f" {len(lines)} of {self._rows} lines were looked at ({len(lines) / self._rows:.1%}):"
            said += f" a sample, and only labels with at least {FEWEST_OF_A_LABEL} lines in it."
        return CheckResult((self._gate(share <= limit, share, said, len(lines)),), tuple(findings))

    def _no_labels(self) -> str:
        """Return why the answers are no labels, "" if they are."""
        short, distinct = self._sample.offered, len(self._answers)
        if self._rows < FEWEST_LINES:
            return f"the data has {self._rows} lines with an answer, fewer than {FEWEST_LINES}."
        if short < 0.9 * self._rows:
            return f"{self._rows - short} of {self._rows} answers are longer than labels are."
        if distinct < 2:
            return "all answers are the same."
        if distinct > MOST_LABELS or distinct * LINES_A_LABEL > short:
            return f"the {short} short answers are of too many kinds to be labels."
        return ""

    def _of_common_labels(self) -> list[tuple[str, int, str, str]]:
        counts = Counter(answer for *_, answer in self._sample.items)
        return [line for line in self._sample.items if counts[line[3]] >= FEWEST_OF_A_LABEL]

    def _gate(self, passed: bool, value: float | None, said: str, looked_at: int) -> GateResult:
        return GateResult("labels", passed, value, self._around.settings.labels, said, looked_at, self._rows)

    def _not_run(self, said: str) -> CheckResult:
        return CheckResult((self._gate(True, None, said, 0),))


def _doubted(lines: Sequence[tuple[str, int, str, str]], embed: Embed, rng: np.random.Generator) -> list[DataFinding]:
    names = sorted({label for *_, label in lines})
    number = {name: place for place, name in enumerate(names)}
    labels = np.array([number[label] for *_, label in lines])
    features = likeness(embed([prompt for _, _, prompt, _ in lines]), rng)
    odds = probabilities(features, labels, len(names))
    doubted = doubtful(odds, labels)
    if doubted.mean() > MANY:
        odds = probabilities(features, labels, len(names), ~doubted)
        doubted = doubtful(odds, labels, DOUBT_AGAIN)
    findings = []
    for place in np.flatnonzero(doubted).tolist():
        file, line, _, label = lines[place]
        other = names[int(odds[place].argmax())]
        said = f"the answer is “{label}”, while lines like it have “{other}”"
        findings.append(DataFinding(file, line, "label", said, "Correct the answer, or remove the line."))
    return findings


def doubtful(odds: Matrix, labels: NDArray[np.int64], doubt: float = DOUBT) -> NDArray[np.bool_]:
    """Return which labels are doubted, given how probable each is for each line.

    `odds` is (lines, labels); the average of a label over its own lines is the threshold t of Northcutt et al.,
    equation 2.
    """
    own = odds[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=odds.shape[1])
    average = np.bincount(labels, weights=own, minlength=odds.shape[1]) / np.maximum(counts, 1)
    share = min(MOST_DOUBT, doubt / (odds.shape[1] - 1))
    doubted: NDArray[np.bool_] = (own < share * average[labels]) & (odds.argmax(axis=1) != labels)
    return doubted


def _normal(answer: str) -> str:
    return " ".join(answer.split()).casefold().rstrip(".")
