"""Who rates what: blind, randomised and balanced assignments over any number of candidates.

Balance is built in, not hoped for. The candidates stand on a circle in random order, and each item shows a window of
it; windows start at every place of the circle before one starts there again. So over every run of as many items as
there are candidates each candidate is shown equally often and once at every place, and at any point the counts of
two candidates differ by one at most. Places are permuted again for each rater and each turn of the circle. Knows
cases and answers as texts; no file, no record and no clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundtune.drawing import mixed
from groundtune.errors import InputError
from groundtune.evaluation.human.questions import EQUAL, NONE
from groundtune.evaluation.human.study import Item, Sheet, Shown
from groundtune.text import content_words
from groundtune.values import UNEXPECTED, Case, digest

LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class RatedCase:
    """A case with the text of every candidate's answer, as customers see it."""

    case: Case
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AssignmentPlan:
    """How much each rater gets. `answers` is how many candidates an item shows; `attention` and `repeats` are shares
    of a rater's cases, rounded up, that come on top of them."""

    raters: tuple[str, ...]
    candidates: tuple[str, ...]
    answers: int
    attention: float = 0.1
    repeats: float = 0.1


def assign(
    study: str, shared: Sequence[RatedCase], own: Sequence[RatedCase], plan: AssignmentPlan, rng: np.random.Generator
) -> tuple[Sheet, ...]:
    """Return a sheet for every rater: all of `shared`, and an even part of `own` that no other rater gets.

    Ids are random and belong to `study`. Raises `InputError` for a plan that cannot be carried out.
    """
    wrong = _impossible(plan, [*shared, *own])
    if wrong:
        raise InputError(wrong[0], remedy=wrong[1])
    everything = [*shared, *own]
    dealt = mixed(own, rng)
    most = len(shared) + math.ceil(len(own) / len(plan.raters))
    shown = windows(most, len(plan.candidates), plan.answers, rng)
    ids = _ids(study, rng)
    sheets = []
    for number, rater in enumerate(plan.raters):
        mine = [*shared, *dealt[number :: len(plan.raters)]]
        items = _cases(mine, shown, plan, ids, rng)
        elsewhere = [rated for rated in everything if rated.case.id not in {item.case for item in items}]
        known_last = [*mixed(elsewhere, rng), *mixed(mine, rng)]
        for rated in known_last[: math.ceil(plan.attention * len(mine))]:
            items.append(_attention(rated, everything, plan, ids, rng))
        sheets.append(Sheet(f"s{next(ids)}", rater, _in_order(items, math.ceil(plan.repeats * len(mine)), ids, rng)))
    return tuple(sheets)


def windows(items: int, candidates: int, answers: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Return for each item the numbers of the candidates that it shows, place by place."""
    step = math.gcd(candidates, answers)
    starts = [turn * answers + shift for shift in range(step) for turn in range(candidates // step)]
    shown: list[tuple[int, ...]] = []
    while len(shown) < items:
        circle = rng.permutation(candidates)
        shown += [tuple(int(circle[(start + place) % candidates]) for place in range(answers)) for start in starts]
    return shown[:items]


def _impossible(plan: AssignmentPlan, rated_cases: Sequence[RatedCase]) -> tuple[str, str] | None:
    if not plan.raters or len(set(plan.raters)) < len(plan.raters):
        return "every rater needs a different name.", "Name every rater once."
    if not rated_cases:
        return "there is no case that every candidate answered.", "Run `groundtune compare` first."
    if not 1 <= plan.answers <= len(plan.candidates):
        return f"cannot show {plan.answers} answers of {len(plan.candidates)} candidates.", "Change `[human] answers`."
    if plan.answers > len(LABELS):
        return f"an item shows at most {len(LABELS)} answers.", "Lower `[human] answers`."
    if {EQUAL, NONE} & set(plan.candidates):
        return f"the candidate names `{EQUAL}` and `{NONE}` stand for a rater's choices.", "Rename its adapter."
    if plan.attention and len({rated.case.group for rated in rated_cases if _can_donate(rated.case)}) < 2:
        return (
            "attention items need answerable cases with ideal answers from two groups.",
            "Set `[human] attention` to 0, or use more cases.",
        )
    return None


def _ids(study: str, rng: np.random.Generator) -> Iterator[str]:
    while True:
        yield digest(study, rng.bytes(16).hex())[:12]


def _cases(
    rated_cases: Sequence[RatedCase],
    shown: Sequence[tuple[int, ...]],
    plan: AssignmentPlan,
    ids: Iterator[str],
    rng: np.random.Generator,
) -> list[Item]:
    items = []
    places = rng.permutation(plan.answers)
    for number, rated in enumerate(rated_cases):
        if number % len(plan.candidates) == 0:  # a permutation of places keeps the balance if it holds for a whole turn
            places = rng.permutation(plan.answers)
        names = [plan.candidates[shown[number][place]] for place in places]
        items.append(_item(rated, names, ids))
    return items


def _item(rated: RatedCase, names: Sequence[str | None], ids: Iterator[str], donor: str = "") -> Item:
    case = rated.case
    shown = tuple(Shown(label, name) for label, name in zip(LABELS, names, strict=False))
    return Item(
        f"i{next(ids)}",
        "attention" if donor else "case",
        case.id,
        case.group,
        UNEXPECTED in case.tags,
        shown,
        donor=donor,
    )


def _attention(
    rated: RatedCase,
    everything: Sequence[RatedCase],
    plan: AssignmentPlan,
    ids: Iterator[str],
    rng: np.random.Generator,
) -> Item:
    """An item in which one answer is an expert's to a question of another group, with as few words in common as any."""
    asked = set(content_words(f"{rated.case.question} {rated.case.ideal_answer}"))
    donors = [other.case for other in everything if _can_donate(other.case) and other.case.group != rated.case.group]
    common = [len(asked & set(content_words(donor.ideal_answer))) for donor in donors]
    furthest = [donor for donor, count in zip(donors, common, strict=True) if count == min(common)]
    donor = furthest[rng.integers(len(furthest))]
    names: list[str | None] = [*mixed(plan.candidates, rng)[: plan.answers]]
    names[rng.integers(plan.answers)] = None
    return _item(rated, names, ids, donor.id)


def _can_donate(case: Case) -> bool:
    return case.answerable and bool(case.ideal_answer.strip())


def _in_order(items: Sequence[Item], repeats: int, ids: Iterator[str], rng: np.random.Generator) -> tuple[Item, ...]:
    """Shuffle, and show `repeats` of the first half's cases again at least half a sheet later, in another order."""
    order = mixed(items, rng)
    half = len(order) / 2
    first = [number for number, item in enumerate(order) if item.kind == "case" and number < half]
    placed = [(float(number), item) for number, item in enumerate(order)]
    for number in mixed(first, rng)[:repeats]:
        item = order[number]
        names = [answer.candidate for answer in mixed(item.shown, rng)]
        shown = tuple(Shown(label, name) for label, name in zip(LABELS, names, strict=False))
        again = Item(f"i{next(ids)}", "repeat", item.case, item.group, item.unexpected, shown, of=item.id)
        placed.append((rng.uniform(number + half, len(order)), again))
    return tuple(item for _, item in sorted(placed, key=lambda pair: pair[0]))
