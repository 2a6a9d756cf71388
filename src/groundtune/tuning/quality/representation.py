"""Whom the data speak of, and what becomes of them: shares of groups, and refusals, negative words and bad verdicts.

Knows the groups that English words tell (`_people`). What mentions two groups of an axis says nothing about that axis
and is counted apart. Refusals, negative words and verdicts are counted by whom the prompt mentions; what is said of
people is looked at sentence by sentence. What is said twice counts once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from groundtune.reply.abstention import abstains
from groundtune.settings import DataSettings
from groundtune.tuning.quality._groups import groups_of, is_negative, the_only
from groundtune.tuning.quality._outcomes import LEVEL, BadEnd, Contrast, EndTally, contrasts, too_many
from groundtune.tuning.quality._people import SocialGroup
from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_BALANCE = "Add examples that mention other groups, or put other names and pronouns into some of these."
_ALIKE = "Give all groups the same answers, or remove this line."


def check(around: Surroundings) -> Check:
    """Return a fresh check of representation and association."""
    return _Representation(around.settings)


@dataclass(frozen=True, slots=True)
class _Share:
    """The largest group of an axis. `proven` is the share that it has at least: the end of an exact interval."""

    group: SocialGroup
    mentions: int
    total: int
    proven: float
    limit: float

    @property
    def excess(self) -> float:
        """By how much the proven share is above the limit; negative if it is below."""
        return self.proven - self.limit


class _Representation:
    def __init__(self, settings: DataSettings) -> None:
        self._settings = settings
        self._files: dict[str, int] = {}
        self._rows = 0
        self._mentions: Counter[SocialGroup] = Counter()
        self._mixed: Counter[str] = Counter()
        self._seen: set[int] = set()
        self._first: dict[SocialGroup, tuple[str, int]] = {}
        self._tallies: defaultdict[tuple[BadEnd, SocialGroup], EndTally] = defaultdict(EndTally)

    def see(self, line: DataLine) -> None:
        """Count whom the line mentions and what becomes of them."""
        self._rows += 1
        asked, answered = groups_of(line.prompt), groups_of(line.answer)
        if line.kind != "text":
            self._mention(line, asked | answered)
        if (asked or answered) and self._is_new(line.kind, line.prompt, line.answer, line.rejected, line.good):
            self._see_answer(line, the_only(asked), the_only(answered))
            if answered and line.good is not False:
                self._see_sentences(line)
        if line.kind == "pair" and self._is_new("pair", line.prompt, line.answer, line.rejected):
            self._see_pair(line)

    def _is_new(self, *parts: object) -> bool:
        """Whether this was not seen before: what is said twice is no second observation."""
        mark = hash(parts)
        new = mark not in self._seen
        self._seen.add(mark)
        return new

    def _see_sentences(self, line: DataLine) -> None:
        """Look at what answers and texts say of people."""
        for sentence in _BETWEEN_SENTENCES.split(line.answer):
            groups = groups_of(sentence)
            if groups and self._is_new(sentence):
                if line.kind == "text":
                    self._mention(line, groups)
                for group in the_only(groups).values():
                    self._end("described", group, line, bad=is_negative(sentence))

    def _see_answer(self, line: DataLine, asked: dict[str, SocialGroup], answered: dict[str, SocialGroup]) -> None:
        if line.kind == "thumb":
            for group in {**answered, **asked}.values():
                self._end("disliked", group, line, bad=line.good is False)
        if asked and line.good is not False:
            refused, negative = abstains(line.answer), is_negative(line.answer)
            for group in asked.values():
                self._end("refusal", group, line, bad=refused)
                self._end("negative", group, line, bad=negative)

    def _see_pair(self, line: DataLine) -> None:
        better, worse = the_only(groups_of(line.answer)), the_only(groups_of(line.rejected))
        for axis in sorted(better.keys() | worse.keys()):
            if better.get(axis) != worse.get(axis):
                for group, bad in ((better.get(axis), False), (worse.get(axis), True)):
                    if group is not None:
                        self._end("not preferred", group, line, bad=bad)

    def _mention(self, line: DataLine, groups: frozenset[SocialGroup]) -> None:
        only = the_only(groups)
        self._mixed.update({group.axis for group in groups} - only.keys())
        for group in only.values():
            self._mentions[group] += 1
            self._first.setdefault(group, (line.file, line.line))

    def _end(self, outcome: BadEnd, group: SocialGroup, line: DataLine, *, bad: bool) -> None:
        file = self._files.setdefault(line.file, len(self._files))
        self._tallies[outcome, group].add(file, line.line, bad=bad)

    def conclude(self) -> CheckResult:
        """Test shares and differences, and name the lines that are too many."""
        shares = self._largest()
        too_large = [share for share in shares if share.excess > 0]
        tested = contrasts(self._tallies)
        proven = [contrast for contrast in tested if contrast.p_value <= LEVEL]
        files = tuple(self._files)
        findings = [self._unbalanced(share) for share in too_large]
        findings += [
            DataFinding(files[file], line, "bias", str(contrast), _ALIKE)
            for contrast in proven
            if contrast.difference > self._settings.association
            for file, line in too_many(contrast, self._tallies)
        ]
        return CheckResult(
            (self._representation(shares, too_large), self._association(tested, proven)), tuple(findings)
        )

    def _by_axis(self) -> dict[str, list[SocialGroup]]:
        axes: dict[str, list[SocialGroup]] = {}
        for group in sorted(self._mentions):
            axes.setdefault(group.axis, []).append(group)
        return axes

    def _largest(self) -> list[_Share]:
        """Return the largest group of each axis; `LEVEL` is divided among the axes (Clopper & Pearson 1934)."""
        from scipy import stats

        shares, by_axis = [], self._by_axis()
        for groups in by_axis.values():
            group = max(groups, key=lambda group: self._mentions[group])
            total = sum(self._mentions[other] for other in groups)
            tested = stats.binomtest(self._mentions[group], total, alternative="greater")
            proven = tested.proportion_ci(confidence_level=1 - LEVEL / len(by_axis), method="exact").low
            settings = self._settings
            limit = settings.most_of_one_gender if group.axis == "gender" else settings.most_of_one_group
            shares.append(_Share(group, self._mentions[group], total, float(proven), limit))
        return shares

    def _unbalanced(self, share: _Share) -> DataFinding:
        file, line = self._first[share.group]
        detail = (
            f"{share.group.axis}: {share.mentions} of {share.total} mentions are of {share.group.name} people "
            f"({share.mentions / share.total:.0%}, more than {share.limit:.0%})."
        )
        return DataFinding(file, line, "bias", detail, _BALANCE)

    def _representation(self, shares: list[_Share], too_large: list[_Share]) -> GateResult:
        mentions = self._mentions.total()
        worst = max(shares, key=lambda share: share.excess, default=None)
        if worst is None:
            limit = self._settings.most_of_one_gender
            return GateResult("representation", True, None, limit, self._told(), mentions, self._rows)
        verdict = f"The axis nearest to its limit is {worst.group.axis}: {worst.group.name} people have at least "
        verdict += f"{worst.proven:.0%}, where {worst.limit:.0%} is allowed."
        return GateResult(
            "representation",
            not too_large,
            worst.proven,
            worst.limit,
            f"{self._told()} {verdict}",
            mentions,
            self._rows,
        )

    def _told(self) -> str:
        if not self._mentions:
            return "No line mentions a group of people by an English word that is known."
        told = []
        for axis, groups in self._by_axis().items():
            counts = ", ".join(f"{group.name} {self._mentions[group]}" for group in groups)
            mixed = f", several at once {self._mixed[axis]}" if self._mixed[axis] else ""
            told.append(f"{axis}: {counts}{mixed}")
        return f"Mentions by {'; by '.join(told)}."

    def _association(self, tested: list[Contrast], proven: list[Contrast]) -> GateResult:
        limit, looked_at = self._settings.association, self._mentions.total()
        if not tested:
            detail = "No two groups could be compared."
            return GateResult("association", True, None, limit, detail, looked_at, self._rows)
        worst = max(proven, key=lambda contrast: contrast.difference, default=None)
        value = worst.difference if worst else 0.0
        detail = str(worst) if worst else f"No difference between groups was proven in {len(tested)} tests."
        return GateResult("association", value <= limit, value, limit, detail, looked_at, self._rows)
