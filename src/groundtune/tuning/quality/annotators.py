"""The people behind pairs and thumbs: whether they agree, and who is careless, biased, or changes over time.

Two lines are about one item if they have the same prompt and the same answers, in whatever order. A line without
`annotator` says nothing here. Needs raters who saw the same items; what cannot be told without them is said.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from groundtune.settings import DataSettings
from groundtune.statistics.agreement import alpha, bootstrap_interval
from groundtune.tuning.quality import _rater_bias as bias
from groundtune.tuning.quality._raters import FEWEST, CarelessRater, Consensus, Numbers, Verdicts, careless
from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult

PanelKind = Literal["pairs", "thumbs"]
FEWEST_ITEMS = 20  # rated by two people at least: below, agreement is not measured
MOST_RESAMPLED = 2000  # items that the interval of the agreement is drawn from; more would not change it
RESAMPLES = 500
MOST_SHOWN = 1_000_000  # larger ratios of likelihoods say no more to people
OPPOSITE = -0.3  # agreement beyond chance, below which an annotator means the opposite of what the others mean


def check(around: Surroundings) -> Check:
    """Return a fresh check of the annotators."""
    return _Annotators(around.settings, around.seed)


@dataclass(slots=True)
class _Panel:
    """The verdicts of one kind, in the order of the lines: seven numbers a line, no text.

    `size` is the length of an item's answer, or by how much its first answer is longer than its second; `first` is
    whether the chosen answer was shown first, -1 where nobody noted it.
    """

    kind: PanelKind
    item: array[int] = field(default_factory=lambda: array("q"))
    rater: array[int] = field(default_factory=lambda: array("q"))
    verdict: array[int] = field(default_factory=lambda: array("b"))
    size: array[int] = field(default_factory=lambda: array("q"))
    first: array[int] = field(default_factory=lambda: array("b"))
    file: array[int] = field(default_factory=lambda: array("q"))
    line: array[int] = field(default_factory=lambda: array("q"))


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with one rater."""

    rater: int
    gate: Literal["careless_annotators", "biased_annotators", "drifting_annotators"]
    detail: str
    remedy: str


class _Annotators:
    def __init__(self, settings: DataSettings, seed: int) -> None:
        self._settings, self._seed = settings, seed
        self._panels = (_Panel("pairs"), _Panel("thumbs"))
        self._raters: dict[str, int] = {}
        self._files: dict[str, int] = {}
        self._lines = Counter[str]()

    def see(self, line: DataLine) -> None:
        """Keep what was said about which item, by whom and where."""
        if line.kind not in ("pair", "thumb"):
            return
        self._lines["rated"] += 1
        if not line.annotator.strip():
            self._lines["nameless"] += 1
        elif line.kind == "thumb" and line.good is not None:
            item = hash((line.prompt, line.answer))
            self._keep(self._panels[1], line, item, int(line.good), len(line.answer))
        elif line.kind == "pair" and line.answer != line.rejected:
            first, second = sorted((line.answer, line.rejected))
            item = hash((line.prompt, first, second))
            self._keep(self._panels[0], line, item, int(line.answer == first), len(first) - len(second))

    def _keep(self, panel: _Panel, line: DataLine, item: int, verdict: int, size: int) -> None:
        panel.item.append(item)
        panel.rater.append(self._raters.setdefault(line.annotator.strip(), len(self._raters)))
        panel.verdict.append(verdict)
        panel.size.append(size)
        panel.first.append(-1 if line.shown_first is None else int(line.shown_first))
        panel.file.append(self._files.setdefault(line.file, len(self._files)))
        panel.line.append(line.line)

    def conclude(self) -> CheckResult:
        """Measure agreement, and name the raters whose verdicts should not be learnt from."""
        studies = [_Study(panel, tuple(self._raters), self._seed) for panel in self._panels if len(panel.item)]
        faults = [(study, fault) for study in studies for fault in study.faults()]
        findings = [finding for study, fault in faults for finding in self._findings(study.panel, fault)]
        return CheckResult((self._agreement(studies), *self._counted(studies, faults)), tuple(findings))

    def _findings(self, panel: _Panel, fault: _Fault) -> Iterator[DataFinding]:
        files = tuple(self._files)
        for index in np.flatnonzero(np.frombuffer(panel.rater, dtype=np.int64) == fault.rater):
            yield DataFinding(files[panel.file[index]], panel.line[index], "annotator", fault.detail, fault.remedy)

    def _agreement(self, studies: Sequence[_Study]) -> GateResult:
        threshold, rows = self._settings.annotator_agreement, self._lines["rated"]
        measured = [figures for study in studies if (figures := study.agreement()) is not None]
        if not measured:
            detail = (
                f"Agreement was not measured: fewer than {FEWEST_ITEMS} items were rated by two named annotators"
                f"{self._nameless()}."
            )
            return GateResult("annotator_agreement", True, None, threshold, detail, 0, rows)
        lowest = min(measured, key=lambda figures: figures.value)
        between = f" ({lowest.low:.2f} to {lowest.high:.2f})" if lowest.low is not None else ""
        detail = (
            f"Krippendorff's alpha is {lowest.value:.2f}{between} on {lowest.items} {lowest.kind} that two or more "
            f"annotators rated; at least {threshold:g} is asked for{self._nameless()}."
        )
        looked_at = sum(figures.verdicts for figures in measured)
        passed = lowest.value >= threshold
        return GateResult("annotator_agreement", passed, lowest.value, threshold, detail, looked_at, rows)

    def _nameless(self) -> str:
        count = self._lines["nameless"]
        return f"; {count} of {self._lines['rated']} lines name no annotator" if count else ""

    def _counted(self, studies: Sequence[_Study], faults: Sequence[tuple[_Study, _Fault]]) -> Iterator[GateResult]:
        settings = self._settings
        limits = {
            "careless_annotators": settings.careless_annotators,
            "biased_annotators": settings.biased_annotators,
            "drifting_annotators": settings.drifting_annotators,
        }
        names = tuple(self._raters)
        for gate, limit in limits.items():
            who = sorted({names[fault.rater] for _, fault in faults if fault.gate == gate})
            looked_at = sum(study.looked_at(gate) for study in studies)
            untold = " ".join(dict.fromkeys(study.untold(gate) for study in studies if study.untold(gate)))
            said = f"{len(who)} of {len(names)} annotators" + (f": {', '.join(who)}." if who else ".")
            value = float(len(who)) if looked_at else None
            detail = f"{said} {untold}".strip() if looked_at else untold or "No line names an annotator."
            yield GateResult(gate, len(who) <= limit, value, limit, detail, looked_at, self._lines["rated"])


@dataclass(frozen=True, slots=True)
class _Agreement:
    kind: PanelKind
    value: float
    low: float | None
    high: float | None
    items: int
    verdicts: int


class _Study:
    """One panel, worked out: the verdicts on items that several raters saw, and what they agree on."""

    def __init__(self, panel: _Panel, names: tuple[str, ...], seed: int) -> None:
        self.panel, self._names, self._seed = panel, names, seed
        _, item = np.unique(np.frombuffer(panel.item, dtype=np.int64), return_inverse=True)
        self._rater = np.frombuffer(panel.rater, dtype=np.int64)
        self._verdict = np.frombuffer(panel.verdict, dtype=np.int8).astype(np.int64)
        _, once = np.unique(item * len(names) + self._rater, return_index=True)  # a rater's first verdict on an item
        raters_of_item = np.bincount(item[once])
        self._shared = np.sort(once[raters_of_item[item[once]] > 1])
        _, numbered = np.unique(item[self._shared], return_inverse=True)
        self._verdicts = Verdicts(
            numbered,
            self._rater[self._shared],
            self._verdict[self._shared],
            int(numbered.max()) + 1 if len(numbered) else 0,
            len(names),
            symmetric=panel.kind == "pairs",
        )
        nobody = Consensus(np.empty(0), np.full(len(names), np.nan))
        self._careless, self._agreed = careless(self._verdicts) if len(self._shared) else ([], nobody)

    def agreement(self) -> _Agreement | None:
        """Return Krippendorff's alpha; None with too few items, or where all verdicts are equal."""
        if self._verdicts.items < FEWEST_ITEMS:
            return None
        order = np.argsort(self._verdicts.item, kind="stable")
        starts = np.cumsum(np.bincount(self._verdicts.item))[:-1]
        units = [list(unit) for unit in np.split(self._verdicts.verdict[order].astype(np.float64), starts)]
        value = alpha(units, "nominal")
        if value is None:
            return None
        rng = np.random.default_rng(self._seed)
        some = [units[place] for place in rng.permutation(len(units))[:MOST_RESAMPLED]]
        ends = bootstrap_interval(
            lambda drawn: alpha(drawn, "nominal"), some, confidence=0.95, resamples=RESAMPLES, rng=rng
        )
        low, high = ends or (None, None)
        return _Agreement(self.panel.kind, value, low, high, len(units), len(order))

    def faults(self) -> Iterator[_Fault]:
        """Yield what is wrong with whom."""
        for suspect in self._careless:
            yield self._careless_fault(suspect)
        yield from self._position_faults()
        yield from self._length_faults()
        for pull in bias.by_time(self._verdicts, self._agreed, self._shared) if len(self._shared) else []:
            detail = (
                f"{self._name(pull.rater)} agrees with the others on {pull.expected:.0%} of the earlier and on "
                f"{pull.share:.0%} of the later half of {pull.count} shared {self.panel.kind} (p = {pull.p_value:.1g})."
            )
            remedy = "Ask what changed, and have the worse half rated again."
            yield _Fault(pull.rater, "drifting_annotators", detail, remedy)

    def _name(self, rater: int) -> str:
        return f"Annotator {self._names[rater]!r}"

    def _careless_fault(self, suspect: CarelessRater) -> _Fault:
        count = int(self._verdicts.of(suspect.rater).sum())
        own = self._verdict[self._rater == suspect.rater]
        how = "contradicts the others" if suspect.agreement < OPPOSITE else "rates without regard to the items"
        if self.panel.kind == "thumbs" and own.min() == own.max():
            how = "always gives the same verdict"
        detail = (
            f"{self._name(suspect.rater)} {how}: agreement beyond chance is {suspect.agreement:.2f} on {count} "
            f"shared {self.panel.kind}, {suspect.others:.2f} is the median of the others. Such verdicts are "
            f"{_times(suspect.evidence)} likelier from a careless annotator than from one like the others."
        )
        return _Fault(suspect.rater, "careless_annotators", detail, _CARELESS_REMEDY)

    def _position_faults(self) -> Iterator[_Fault]:
        first = np.frombuffer(self.panel.first, dtype=np.int8).astype(np.int64)
        noted = first >= 0
        for pull in bias.by_position(self._rater[noted], first[noted]):
            detail = (
                f"{self._name(pull.rater)} chose the answer shown first in {pull.share:.0%} of {pull.count} pairs; "
                f"half would be expected (p = {pull.p_value:.1g})."
            )
            yield _Fault(
                pull.rater,
                "biased_annotators",
                detail,
                "Show answers in random order, and have these lines rated again.",
            )

    def _length_faults(self) -> Iterator[_Fault]:
        longer = self._longer()
        shared = bias.by_length(self._verdicts, self._agreed, longer[self._shared]) if len(self._shared) else []
        for pull in shared:
            which = "longer" if pull.share > pull.expected else "shorter"
            share, expected = (pull.share, pull.expected) if which == "longer" else (1 - pull.share, 1 - pull.expected)
            detail = (
                f"{self._name(pull.rater)} goes with the {which} answer in {share:.0%} of {pull.count} verdicts, "
                f"{expected:.0%} would be expected from what the others say (p = {pull.p_value:.1g})."
            )
            yield _Fault(pull.rater, "biased_annotators", detail, _LENGTH_REMEDY)
        yield from self._length_alone(longer)

    def _length_alone(self, longer: Numbers) -> Iterator[_Fault]:
        """Whoever shares no pairs is held against all others."""
        alone = ~np.isin(self._rater, self._rater[self._shared]) & (longer != 0)
        if self.panel.kind != "pairs" or not alone.any():
            return
        long = ((self._verdict == 1) == (longer > 0)).astype(np.int64)
        for pull in bias.by_length_alone(self._rater[alone], long[alone]):
            detail = (
                f"{self._name(pull.rater)} chose the longer answer in {pull.share:.0%} of {pull.count} pairs, other "
                f"annotators in {pull.expected:.0%} of theirs (p = {pull.p_value:.1g})."
            )
            yield _Fault(pull.rater, "biased_annotators", detail, _LENGTH_REMEDY)

    def _longer(self) -> Numbers:
        """1 if a verdict of 1 goes with length, -1 if a verdict of 0 does, 0 if neither, (lines,)."""
        size = np.frombuffer(self.panel.size, dtype=np.int64)
        return np.sign(size if self.panel.kind == "pairs" else size - np.median(size)).astype(np.int64)

    def looked_at(self, gate: str) -> int:
        """How many verdicts the gate rests on."""
        shared = len(self._shared)
        if gate == "careless_annotators":
            return shared if len(set(self._verdicts.rater.tolist())) >= FEWEST else 0
        return len(self._rater) if gate == "biased_annotators" else shared

    def untold(self, gate: str) -> str:
        """What the gate could not tell."""
        if gate == "biased_annotators":
            missing = int(np.sum(np.frombuffer(self.panel.first, dtype=np.int8) < 0))
            which = f"{missing} of {len(self._rater)} pairs" if missing < len(self._rater) else "No pair"
            where = "do not say" if missing < len(self._rater) else "says"
            return f"{which} {where} which answer was shown first." if missing and self.panel.kind == "pairs" else ""
        if not len(self._shared):
            return f"No {self.panel.kind} were rated by two annotators."
        if gate == "careless_annotators" and not self.looked_at(gate):
            return f"Two annotators share {self.panel.kind}: who of them is right cannot be told."
        return ""


_CARELESS_REMEDY = "Ask the annotator, and have these lines rated again."
_POSITION_REMEDY = "Show answers in random order, and have these lines rated again."
_LENGTH_REMEDY = "Tell annotators that length is no merit, and have these lines rated again."


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio < MOST_SHOWN else f"more than {MOST_SHOWN:,} times"
