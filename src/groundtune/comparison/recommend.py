"""Which candidate to ship, how sure that is, and why, in sentences that need no statistician.

Pure. The rule: a candidate that another is shown to beat, on the cases that both have a score for, is never shipped.
Of the others, the simplest is. Where each is beaten by another, none is shipped. Missing scores are bounded both ways:
a candidate is ruled out only if no values of the missing scores would change that. A success more never makes the
advice worse for a candidate (docs/decisions/0010-advice.md tells why).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from groundtune.comparison.acting_advice import ActingAdvice
from groundtune.comparison.agent_results import AgentSection
from groundtune.comparison.reasons import Reasons
from groundtune.comparison.standings import FEWEST_GROUPS, Contender, Ground, Standings
from groundtune.values import Difference


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`candidate` is None where none can be named. `indistinguishable` holds all that are not ruled out, the chosen one
    first; `sure` is true if the others were measured, and each is worse or makes no difference that matters.
    `may_act` is whether the candidate may act for users, None where nobody knows or no agents act."""

    candidate: str | None
    indistinguishable: tuple[str, ...]
    more_cases_needed: int | None
    reasons: tuple[str, ...]
    sure: bool
    may_act: Annotated[bool | None, Field(exclude_if=lambda may: may is None)] = None


def recommend(
    contenders: Sequence[Contender],
    differences: Sequence[Difference],
    ground: Ground,
    agents: AgentSection | None = None,
) -> Recommendation:
    """Choose among `contenders`; `differences` are of all pairs and all scorers. The choice is by answers alone; what
    they did as `agents` says whether it may act."""
    chosen = _by_answers(contenders, differences, ground)
    if agents is None:
        return chosen
    advice, choice = ActingAdvice(agents, ground.confidence), chosen.candidate
    first, *others = chosen.reasons
    if choice is None:
        return replace(chosen, reasons=(first, *others, *advice.reasons(None)))
    result = agents.of(choice)
    reasons = (first + advice.headline(choice), *advice.reasons(choice, chosen.indistinguishable[1:]), *others)
    return replace(chosen, reasons=reasons, may_act=None if result is None else result.may_act)


def _by_answers(contenders: Sequence[Contender], differences: Sequence[Difference], ground: Ground) -> Recommendation:
    standings = Standings(contenders, differences, ground)
    say = Reasons(standings)
    doubted = tuple(contender.name for contender, _ in standings.in_doubt)
    if not standings.measured:
        return _none((), say.nothing_measured(), say)
    if ground.groups < FEWEST_GROUPS and len(standings.measured) > 1:
        return _none((), say.too_few(), say)
    if not standings.open_to_choice:
        return _none(doubted, [*say.all_beaten(), *say.doubts()], say)
    choice, *others = standings.open_to_choice
    reasons = (
        say.headline(choice, others),
        *say.why_simplest(choice, others),
        *say.doubts(),
        *say.means(),
        *say.where_answerable(),
        *say.against_others(choice),
        *say.regressions(),
        *say.other_measures(choice),
        *say.manners(choice),
        *say.excluded(),
        *say.power(),
    )
    open_ones = (choice.name, *(other.name for other in others), *doubted)
    sure = _sure(standings, choice, others)
    needed = None if sure or ground.flat else _needed(standings, choice, others)
    return Recommendation(choice.name, open_ones, needed, reasons, sure)


def _none(open_ones: tuple[str, ...], reasons: Sequence[str], say: Reasons) -> Recommendation:
    return Recommendation(None, open_ones, None, (*reasons, *say.means(), *say.excluded()), sure=False)


def _sure(standings: Standings, choice: Contender, others: Sequence[Contender]) -> bool:
    """Whether nothing is left to find out: something was compared, all were measured, and no one may be better."""
    if standings.ground.flat or len(standings.contenders) < 2 or len(standings.measured) < len(standings.contenders):
        return False
    return not standings.in_doubt and all(standings.alike(choice, other) for other in others)


def _needed(standings: Standings, choice: Contender, others: Sequence[Contender]) -> int | None:
    """Return how many more cases would tell the choice from the one that is nearest to beating it."""
    for other in others:
        difference = standings.find(choice.name, other.name)
        if difference is not None and difference.verdict == "cannot tell":
            return difference.more_cases_needed
    return None
