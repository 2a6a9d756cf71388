"""Shows a calibration, and which answers judges prefer, in the terminal. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from groundtune.comparison.calibrate import Calibrated, Calibration
from groundtune.evaluation.judge.calibration import PER_WORDS, Bias, Figure, PositionBias
from groundtune.evaluation.judge.pairwise import Preference


def shown(calibration: Calibration) -> Group:
    """Return the calibration for people."""
    parts: list[RenderableType] = []
    for calibrated in calibration.scorers:
        parts += [*_calibrated(calibrated), Text("")]
    for criterion, among in calibration.among_judges.items():
        parts.append(Text(f"Agreement among the judges of the panel on {criterion}: alpha {_number(among)}."))
    if calibration.unused:
        parts.append(Text(f"Not used, because no rubric has this name: ratings of {', '.join(calibration.unused)}."))
    return Group(*parts, *map(Text, calibration.costs))


def preferences(candidate: str, other: str, by_judge: Mapping[str, Preference]) -> Group:
    """Return what each judge prefers, in sentences."""
    return Group(*(Text(_preferred(judge, candidate, other, choice)) for judge, choice in by_judge.items()))


def _preferred(judge: str, candidate: str, other: str, choice: Preference) -> str:
    failed = f" {choice.failed} failed." if choice.failed else ""
    unscored = f" {choice.unscored} unscored, because the judge named no preference." if choice.unscored else ""
    return (
        f"{judge}: {candidate} is better in {choice.wins} cases, {other} in {choice.losses}; {choice.ties} ties "
        f"({choice.flips} of them because the order decided).{failed}{unscored} Groups: {choice.groups_won} to "
        f"{choice.groups_lost}, sign test p = {choice.p_value:.3f}."
    )


def _calibrated(calibrated: Calibrated) -> list[RenderableType]:
    doubt, failures = calibrated.doubt, calibrated.failed
    verdict = f"Not used in the recommendation, because {doubt}." if doubt else "May be used in the recommendation."
    title = Text(f"{calibrated.scorer} ({calibrated.judge})", style="bold")
    failed = [Text(f"{failures} answers have no score because the judge failed.")] if failures else []
    if calibrated.unclear:
        failed.append(Text(f"{calibrated.unclear} answers are unscored because the judge named no level."))
    sentences = [_length(calibrated.length)]
    if calibrated.self_preference is not None:
        sentences.append(_preference(calibrated.self_preference))
    if calibrated.position is not None:
        sentences.append(_position(calibrated.position))
    tables = _agreement(calibrated), _levels(calibrated), _passes(calibrated)
    return [title, Text(verdict), tables[0], *failed, tables[1], *map(Text, sentences), tables[2]]


def _agreement(calibrated: Calibrated) -> Table:
    judge, people = calibrated.agreement, calibrated.ceiling
    columns = ("judge and median", "judge and each person", "person and person", "always the most frequent level")
    table = Table("agreement", *columns)
    each, weighted = _number(judge.raw_each), _number(judge.weighted_kappa_each)
    table.add_row("exactly equal", _figure(judge.raw), each, _number(people.raw), _number(judge.majority))
    table.add_row("Cohen's kappa", _figure(judge.kappa), "", _number(people.kappa), "")
    table.add_row("  quadratic weights", _figure(judge.weighted_kappa), weighted, _number(people.weighted_kappa), "")
    table.add_row("Krippendorff's alpha", "", "", _figure(people.alpha), "")
    table.add_row("over", f"{judge.answers} answers", f"{judge.ratings} ratings", f"{people.raters} people", "")
    return table


def _levels(calibrated: Calibrated) -> Table:
    counts = calibrated.agreement.table
    table = Table("judge \\ people", *(str(level) for level in range(1, len(counts) + 1)))
    for level, row in enumerate(counts, start=1):
        table.add_row(str(level), *map(str, row))
    return table


def _unknown(bias: Bias) -> str:
    """Return why nothing can be said of a bias, empty if it can: a bias without an interval may be all chance."""
    if bias.excess.value is None:
        return bias.note
    return "the rated answers are from too few groups for an interval" if bias.excess.low is None else ""


def _length(bias: Bias) -> str:
    if note := _unknown(bias):
        return f"Length: unknown, because {note}."
    moved = _signed(bias.excess)
    return f"Length: {PER_WORDS} words more than the ideal answer change the judge's score against people by {moved}."


def _preference(bias: Bias) -> str:
    if note := _unknown(bias):
        return f"Own model family: unknown, because {note}."
    return f"Own model family: {_signed(bias.excess)} on {bias.answers} answers by it, compared with all others."


def _position(bias: PositionBias) -> str:
    failed = f" {bias.failed} pairs failed." if bias.failed else ""
    failed += f" {bias.unscored} pairs are unscored, because the judge named no preference." if bias.unscored else ""
    if not bias.pairs:
        return f"Position: unknown, because no pair of answers was judged.{failed}"
    flips = bias.first + bias.second
    return (
        f"Position: the position decided {flips} of {bias.pairs} pairs asked in both orders "
        f"({flips / bias.pairs:.0%}): {bias.first} times the first answer, {bias.second} times the second, "
        f"p = {bias.p_value:.3f}. The judge called {bias.undecided} pairs equal.{failed}"
    )


def _passes(calibrated: Calibrated) -> Table:
    table = Table("pass rate", "judged", "by the judge", "sensitivity", "specificity", "corrected", "interval")
    for rate in calibrated.pass_rates:
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


def _figure(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return _number(figure.value)
    return f"{_number(figure.value)} ({figure.low:.2f} to {figure.high:.2f})"


def _signed(figure: Figure) -> str:
    return f"{figure.value:+.3f} ({figure.low:+.3f} to {figure.high:+.3f})"
