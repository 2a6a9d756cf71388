"""What becomes of groups of people, compared: shares of mentions that end badly, tested against the other groups'.

Knows counts and places of lines; no text.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from groundtune.statistics.multiple import can_show, holm
from groundtune.tuning.quality._people import SocialGroup

BadEnd = Literal["refusal", "negative", "described", "disliked", "not preferred"]
LEVEL = 0.05  # chance that any difference is called proven in data without any
WORDS: Mapping[BadEnd, str] = {
    "refusal": "are answered with a refusal",
    "negative": "are answered with negative words",
    "described": "stand in a sentence with negative words",
    "disliked": "got a bad verdict",
    "not preferred": "are in the worse answer of a pair",
}


@dataclass(slots=True)
class EndTally:
    """What became of one group: how many mentions, how many with a bad end, and where those stand."""

    mentions: int = 0
    files: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))

    @property
    def bad(self) -> int:
        """How many ended badly."""
        return len(self.lines)

    def add(self, file: int, line: int, *, bad: bool) -> None:
        """Count one mention."""
        self.mentions += 1
        if bad:
            self.files.append(file)
            self.lines.append(line)


EndTallies = Mapping[tuple[BadEnd, SocialGroup], EndTally]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The share of one group's mentions that ended badly, beside that of the `others` of its axis.

    `other_mentions` is 0 where there are no others: of the two answers of a pair one is the worse, which would be a
    coin were it not for the group.
    """

    outcome: BadEnd
    group: SocialGroup
    share: float
    mentions: int
    others: float
    other_mentions: int
    p_value: float

    @property
    def difference(self) -> float:
        """How far the shares are apart."""
        return abs(self.share - self.others)

    def __str__(self) -> str:
        """As it is told to people."""
        beside = f"{self.others:.0%} of {self.other_mentions} mentions of other groups"
        if not self.other_mentions:
            beside = "half would be expected"
        return (
            f"{self.group.axis}: {self.share:.0%} of {self.mentions} mentions of {self.group.name} people "
            f"{WORDS[self.outcome]}; {beside} (p = {self.p_value:.1g})."
        )


def contrasts(tallies: EndTallies) -> list[Contrast]:
    """Return each group beside the others of its axis, for every outcome, with p-values corrected for their number.

    Fisher's exact test; for pairs the exact binomial one. Of two groups only the one that fares worse is told. Groups
    with too few mentions to show any difference are left out.
    """
    raw = [contrast for key in sorted(tallies) if (contrast := _contrast(tallies, *key)) is not None]
    able = can_show([least for _, least in raw], LEVEL)
    tested = [contrast for (contrast, _), may in zip(raw, able, strict=True) if may]
    corrected = holm([contrast.p_value for contrast in tested])
    return [replace(contrast, p_value=chance) for contrast, chance in zip(tested, corrected, strict=True)]


def _contrast(tallies: EndTallies, outcome: BadEnd, group: SocialGroup) -> tuple[Contrast, float] | None:
    """Return the contrast, and the smallest p-value that its counts allow."""
    from scipy import stats

    own, others = tallies[outcome, group], _others(tallies, outcome, group)
    share = own.bad / own.mentions
    if outcome == "not preferred":
        chance = float(stats.binomtest(own.bad, own.mentions).pvalue)
        return Contrast(outcome, group, share, own.mentions, 0.5, 0, chance), 0.5 ** (own.mentions - 1)
    mentions, bad = sum(other.mentions for other in others.values()), sum(other.bad for other in others.values())
    if not mentions:
        return None
    if len(others) == 1:
        first = group < next(iter(others))
        if share < bad / mentions or (share == bad / mentions and not first):
            return None
    chance = _fisher(own.bad, own.mentions, bad, mentions)
    total = own.bad + bad
    fewest, most = max(0, total - mentions), min(total, own.mentions)
    least = min(_fisher(count, own.mentions, total - count, mentions) for count in (fewest, most))
    return Contrast(outcome, group, share, own.mentions, bad / mentions, mentions, chance), least


def _fisher(bad: int, mentions: int, other_bad: int, other_mentions: int) -> float:
    from scipy import stats

    table = [[bad, mentions - bad], [other_bad, other_mentions - other_bad]]
    return float(stats.fisher_exact(table).pvalue)


def _others(tallies: EndTallies, outcome: BadEnd, group: SocialGroup) -> dict[SocialGroup, EndTally]:
    return {
        other: tally
        for (which, other), tally in tallies.items()
        if which == outcome and other.axis == group.axis and other != group
    }


def too_many(contrast: Contrast, tallies: EndTallies) -> Iterator[tuple[int, int]]:
    """Yield file and line of as many bad ends as would have to go for equal shares, from all over the data."""
    outcome, group = contrast.outcome, contrast.group
    if contrast.share > contrast.others:
        worse, aim = [tallies[outcome, group]], contrast.others
    elif contrast.other_mentions:
        worse, aim = list(_others(tallies, outcome, group).values()), contrast.share
    else:
        return  # preferred too often: the pairs that show it are those of the other groups
    places = [place for tally in worse for place in zip(tally.files, tally.lines, strict=True)]
    mentions = sum(tally.mentions for tally in worse)
    surplus = min(len(places), math.ceil((len(places) - aim * mentions) / (1 - aim)))
    for number in range(surplus):
        yield places[number * len(places) // surplus]
