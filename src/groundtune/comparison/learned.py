"""What the entries that were learned from conversations gain: a candidate beside its twin that does not search them.

Both answer the same cases with the same settings and threshold, so that whatever differs is due to the entries. Pure:
knows answers, scores and differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from groundtune.assembly.candidates import WITHOUT_LEARNED, Candidate
from groundtune.comparison.standings import Ground
from groundtune.comparison.table import ScoreTable
from groundtune.comparison.wording import difference_words, first_of, signed, verdict_words
from groundtune.values import Answer, Difference, Failure

NAMED = 5  # cases or entries that a note names
Outcomes = Mapping[str, Answer | Failure]  # of one run, by case


def learned_notes(
    candidates: Sequence[Candidate],
    outcomes: Mapping[str, Outcomes],
    entries: Sequence[str],
    table: ScoreTable,
    differences: Sequence[Difference],
    ground: Ground,
) -> list[str]:
    """Say what `entries`, the ids of learned documents, gain each candidate that was compared with its twin.

    Where there are entries and no twin, say how to see it. `outcomes` are by candidate.
    """
    grounded = [each.name for each in candidates if each.grounded and each.learned]
    if not entries or not grounded:
        return []
    pairs = [(name, twin) for name in grounded if (twin := f"{name}{WITHOUT_LEARNED}") in outcomes]
    count = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'} learned from conversations"
    if not pairs:
        see = f"groundtune compare {grounded[0]} {grounded[0]}{WITHOUT_LEARNED}"
        return [f"{count} may be found; `{see}` shows what is gained by them."]
    notes = []
    for name, twin in pairs:
        used, cited = _used(outcomes[name], entries), _cited(outcomes[name], entries)
        notes += [
            f"What {name} gains by {count}, compared with {twin}: {_difference(name, twin, differences, ground)}.",
            f"{name} found at least one of them in {len(used)} of {len(table.cases)} cases, and cited one in "
            f"{len(cited)}. {_spread(_gains(name, twin, table, ground), used, ground)}",
        ]
        if unfound := sorted(set(entries) - {entry for each in used.values() for entry in each}):
            notes.append(
                f"Found in no case, so that these cases do not show what they are worth: {len(unfound)} of the "
                f"{len(entries)} ({first_of(unfound, NAMED)})."
            )
    return notes


def _difference(name: str, twin: str, differences: Sequence[Difference], ground: Ground) -> str:
    both = {name, twin}
    (between,) = (
        each for each in differences if each.scorer == ground.decide_by and {each.baseline, each.challenger} == both
    )
    sign = 1 if between.challenger == name else -1
    text = difference_words(between.difference, ground.scale, ground.confidence, sign)
    verdict = verdict_words(between, name)
    return f"{text} on {ground.decide_by}, over {between.difference.scored} cases: {verdict}"


def _gains(name: str, twin: str, table: ScoreTable, ground: Ground) -> dict[str, float]:
    """Return the gain of each case that both have a score for."""
    columns = table.columns[ground.decide_by]
    rows = zip(table.cases, columns[name], columns[twin], strict=True)
    return {
        case.id: own.value - other.value
        for case, own, other in rows
        if own.value is not None and other.value is not None
    }


def _spread(gains: Mapping[str, float], used: Mapping[str, Set[str]], ground: Ground) -> str:
    """Say where the gain is: in which cases, and whether in those in which entries were found."""
    there = [gain for id_, gain in gains.items() if id_ in used]
    elsewhere = [gain for id_, gain in gains.items() if id_ not in used]
    means = [
        f"{signed(sum(part) / len(part), ground.scale)} {where}"
        for part, where in ((there, "there"), (elsewhere, "elsewhere"))
        if part
    ]
    sign = 1 if ground.higher_is_better else -1
    better = sorted((-sign * gain, id_) for id_, gain in gains.items() if sign * gain > 0)
    worse = sorted((sign * gain, id_) for id_, gain in gains.items() if sign * gain < 0)
    changed = [
        f"{len(cases)} {verdict} ({first_of([id_ for _, id_ in cases], NAMED)})"
        for cases, verdict in ((better, "better"), (worse, "worse"))
        if cases
    ]
    return f"The mean gain is {' and '.join(means) or 'unknown'}; cases: {', '.join(changed) or 'none changed'}."


def _used(outcomes: Outcomes, entries: Sequence[str]) -> dict[str, Set[str]]:
    """Return which entries were found for a case, by case; nothing for the others."""
    known = set(entries)
    used = {id_: known & {passage.document for passage in each.passages} for id_, each in _answers(outcomes)}
    return {id_: own for id_, own in used.items() if own}


def _cited(outcomes: Outcomes, entries: Sequence[str]) -> list[str]:
    return [id_ for id_, each in _answers(outcomes) if any(cited.document in entries for cited in each.citations)]


def _answers(outcomes: Outcomes) -> list[tuple[str, Answer]]:
    return [(id_, each) for id_, each in outcomes.items() if isinstance(each, Answer)]
