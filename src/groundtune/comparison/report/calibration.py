"""What the terminal shows of a calibration, and of whose answers judges prefer. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from groundtune.comparison.calibrate import Calibrated, Calibration
from groundtune.evaluation.judge.calibration import PER_WORDS, Bias, Figure, PositionBias
from groundtune.evaluation.judge.pairwise import Preference


def shown(found: Calibration) -> Group:
    """Return the calibration for people."""
    parts: list[RenderableType] = []
    for one in found.scorers:
        parts += [*_one(one), Text("")]
    for criterion, among in found.among_judges.items():
        parts.append(Text(f"The judges of the panel among themselves, {criterion}: alpha {_number(among)}."))
    if found.unused:
        parts.append(Text(f"Not used, as no rubric is called so: ratings of {', '.join(found.unused)}."))
    return Group(*parts, *map(Text, found.costs))


def preferences(one: str, other: str, found: Mapping[str, Preference]) -> Group:
    """Return what each judge prefers, in sentences."""
    return Group(*(Text(_preferred(name, one, other, each)) for name, each in found.items()))


def _preferred(judge: str, one: str, other: str, found: Preference) -> str:
    failed = f" {found.failed} failed." if found.failed else ""
    return (
        f"{judge}: {one} better in {found.wins} cases, {other} in {found.losses}, {found.ties} ties "
        f"({found.flips} of them because the order decided).{failed} By groups {found.groups_won} to "
        f"{found.groups_lost}, sign test p = {found.p_value:.3f}."
    )


def _one(one: Calibrated) -> list[RenderableType]:
    verdict = f"Kept out of the recommendation: {one.doubt}." if one.doubt else "May decide."
    title = Text(f"{one.scorer} ({one.judge})", style="bold")
    failed = [Text(f"{one.failed} answers have no score because the judge failed.")] if one.failed else []
    sentences = [_length(one.length)]
    if one.self_preference is not None:
        sentences.append(_preference(one.self_preference))
    if one.position is not None:
        sentences.append(_position(one.position))
    return [title, Text(verdict), _agreement(one), *failed, _levels(one), *map(Text, sentences), _passes(one)]


def _agreement(one: Calibrated) -> Table:
    found, people = one.agreement, one.ceiling
    columns = ("judge with the median", "judge with each person", "person with person", "always the commonest level")
    table = Table("agreement", *columns)
    each, weighted = _number(found.raw_each), _number(found.weighted_kappa_each)
    table.add_row("exactly equal", _figure(found.raw), each, _number(people.raw), _number(found.majority))
    table.add_row("Cohen's kappa", _figure(found.kappa), "", _number(people.kappa), "")
    table.add_row("  quadratic weights", _figure(found.weighted_kappa), weighted, _number(people.weighted_kappa), "")
    table.add_row("Krippendorff's alpha", "", "", _figure(people.alpha), "")
    table.add_row("over", f"{found.answers} answers", f"{found.ratings} ratings", f"{people.raters} people", "")
    return table


def _levels(one: Calibrated) -> Table:
    table = Table("judge \\ people", *(str(level) for level in range(1, len(one.agreement.table) + 1)))
    for level, row in enumerate(one.agreement.table, start=1):
        table.add_row(str(level), *map(str, row))
    return table


def _unknown(found: Bias) -> str:
    """Return why nothing can be said of a bias, empty if it can: one without an interval may be all chance."""
    if found.excess.value is None:
        return found.note
    return "the rated answers are of too few groups for an interval" if found.excess.low is None else ""


def _length(found: Bias) -> str:
    if note := _unknown(found):
        return f"Length: not known, {note}."
    moved = _signed(found.excess)
    return f"Length: {PER_WORDS} words more than the ideal answer move the judge against people by {moved}."


def _preference(found: Bias) -> str:
    if note := _unknown(found):
        return f"Its own kind: not known, {note}."
    return f"Its own kind: {_signed(found.excess)} on {found.answers} answers by its own family, against the others."


def _position(found: PositionBias) -> str:
    failed = f" {found.failed} pairs failed." if found.failed else ""
    if not found.pairs:
        return f"Place: not known, no pair of answers was judged.{failed}"
    flips = found.first + found.second
    return (
        f"Place: of {found.pairs} pairs asked in both orders, it followed the place in {flips} "
        f"({flips / found.pairs:.0%}): {found.first} times the first, {found.second} the second, "
        f"p = {found.p_value:.3f}. It called {found.undecided} equal.{failed}"
    )


def _passes(one: Calibrated) -> Table:
    table = Table("pass rate", "judged", "by the judge", "sensitivity", "specificity", "corrected", "its interval")
    for rate in one.pass_rates:
        interval = "–" if rate.low is None or rate.high is None else f"{rate.low:.2f} – {rate.high:.2f}"
        errors = "" if rate.basis == "own" else " (all)"
        table.add_row(
            rate.candidate,
            str(rate.judged),
            _number(rate.observed),
            _number(rate.sensitivity) + errors,
            _number(rate.specificity) + errors,
            _number(rate.corrected),
            interval,
        )
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:z.2f}"


def _figure(found: Figure) -> str:
    if found.low is None or found.high is None:
        return _number(found.value)
    return f"{_number(found.value)} ({found.low:.2f} to {found.high:.2f})"


def _signed(found: Figure) -> str:
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
