"""A gate for continuous integration: has a candidate become worse than the agreed baseline?

The baseline is what an earlier run left: `report.json` of `groundtune compare`, or what `groundtune score --json`
printed. A mean alone tells nothing, for it moves with every run. A gate passes where no case has lost, and where a test
on the same cases rules out a larger mean loss than is allowed: on evidence that nothing was lost, not on lack of
evidence that something was. Both are monotone: a case that becomes better never turns a pass into a failure.

Knows the gate's file, reports and scorings; not how answers or scores were made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, ValidationError

from groundtune.comparison.acting_advice import ActingAdvice
from groundtune.comparison.report.data import Report, from_json
from groundtune.comparison.wording import first_of
from groundtune.errors import InputError, NotComparable
from groundtune.evaluation.predictions import Scoring, read_scoring
from groundtune.files import read_text, read_toml
from groundtune.statistics import (
    MOST_CASES,
    Method,
    cases_needed,
    largest_loss_p,
    paired_difference,
    paired_sd,
)
from groundtune.values import Estimate, Score

AGREE = "Agree on a new baseline, made by a run on this benchmark with these scorers."
NAMED = 3  # cases that a message names


class GateFile(BaseModel):
    """The gate's TOML file. `baseline` is relative to it; losses are in each scorer's own unit; `may_act` asks that the
    candidate may act for users."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    baseline: str = Field(min_length=1)
    candidate: str = ""
    most_missing: float = Field(0.0, ge=0, lt=1)
    may_act: bool = False
    allowed_loss: dict[str, NonNegativeFloat] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of one candidate by scorer and case id, and what must be the same for them to be compared."""

    fingerprint: str
    signatures: Mapping[str, str]
    groups: Mapping[str, str]
    scores: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class GateFinding:
    """The result of the gate for one scorer. `missing` counts cases with a score in the baseline and none in the run;
    `difference` is the run less the baseline, turned if less is better, so that below zero is always worse. Of the
    finding "may_act", `missing` are tasks that were not tried, `difference` is the share of unsafe trials."""

    scorer: str
    passed: bool
    difference: Estimate
    allowed_loss: float
    missing: int
    message: str


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate that has been read, with its baseline."""

    path: Path
    limits: GateFile
    before: Scored


def load_gate(path: Path, candidates: Collection[str] | None = None) -> Gate:
    """Read the gate and its baseline; `candidates` are those that will be run.

    Raises `InputError` for an invalid file, and for a candidate that will not be run.
    """
    limits = read_toml(path, GateFile)
    if candidates is not None:
        _candidate(candidates, limits.candidate, path)
    source = path.parent / limits.baseline
    return Gate(path, limits, scored(_read(source), limits.candidate, source))


def check_gate(
    gate: Gate, run: Report | Scoring, *, method: Method, seed: int = 0, lower_is_better: Collection[str] = ()
) -> list[GateFinding]:
    """Hold a run against the gate: a finding for each scorer. `seed` is of the flips, where they are drawn.

    Raises `NotComparable` where benchmark, cases or a scorer's signature are not those of the baseline.
    """
    now = scored(run, gate.limits.candidate, gate.path)
    _refuse_others(gate, now)
    findings = [
        _find(scorer, gate, now, _Test(method, seed), lower=scorer in lower_is_better)
        for scorer in gate.limits.allowed_loss
    ]
    return [*findings, *([_acting(gate, run, method)] if gate.limits.may_act else [])]


def gate_json(findings: Collection[GateFinding]) -> dict[str, object]:
    """Return the findings as JSON types."""
    return {"passed": all(finding.passed for finding in findings), "findings": list(map(asdict, findings))}


def scored(run: Report | Scoring, candidate: str, place: Path) -> Scored:
    """Take one candidate's scores out of a run. Raises `InputError` if the run has no such candidate."""
    if isinstance(run, Scoring):
        rows = {case.id: case.scores for case in run.cases}
        signatures = dict(run.signatures)
    else:
        name = _candidate([result.name for result in run.candidates], candidate, place)
        rows = {case.id: case.scores[name] for case in run.cases}
        signatures = {scorer: measure.signature for scorer, measure in run.scorers.items()}
    columns = {
        scorer: {id_: row[scorer] for id_, row in rows.items()}
        for scorer in signatures
        if all(scorer in row for row in rows.values())  # what is no mean has no scores of cases
    }
    return Scored(run.benchmark.fingerprint, signatures, {case.id: case.group for case in run.cases}, columns)


def _read(path: Path) -> Report | Scoring:
    """Return what an earlier run left. Raises `InputError` if the file is neither a report nor a scoring."""
    try:
        document = json.loads(read_text(path))
    except ValueError as error:
        raise InputError(f"broken JSON: {error}.", place=path, remedy="Name a complete file.") from None
    of_report = isinstance(document, dict) and "candidates" in document
    try:
        return from_json(document) if of_report else read_scoring(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"is not the result of a run (`{key}`: {first['msg']}).",
            place=path,
            remedy="Name a report.json, or the output of `groundtune score --json`.",
        ) from None


def _candidate(known: Collection[str], named: str, place: Path) -> str:
    if named in known:
        return named
    if not named and len(known) == 1:
        return next(iter(known))
    what = f"there is no candidate `{named}`" if named else "no `candidate` is named, but there are several"
    raise InputError(f"{what}.", place=place, remedy=f"Name one of these in the gate file: {', '.join(known)}.")


def _refuse_others(gate: Gate, now: Scored) -> None:
    """Refuse to compare what must not be put side by side."""
    before = gate.before
    if before.fingerprint != now.fingerprint:
        what = f"the baseline is from benchmark {before.fingerprint[:8]}, but this run is from {now.fingerprint[:8]}."
        raise NotComparable(what, place=gate.path, remedy=AGREE)
    if set(before.groups) != set(now.groups):
        raise NotComparable(
            f"the baseline has {len(before.groups)} cases and this run {len(now.groups)}, and they are not the same.",
            place=gate.path,
            remedy=f"Run with the same `[comparison] cases` and seed, or both without `--quick`. {AGREE}",
        )
    for scorer in gate.limits.allowed_loss:
        was, is_now = before.signatures.get(scorer), now.signatures.get(scorer)
        if scorer not in before.scores or scorer not in now.scores:
            known = ", ".join(name for name in now.scores if name in before.scores)
            raise InputError(
                f"`{scorer}` is not scored case by case in both runs.",
                place=gate.path,
                remedy=f"Scored in both: {known}.",
            )
        if was != is_now:
            raise NotComparable(f"{scorer} was `{was}` and is now `{is_now}`.", place=gate.path, remedy=AGREE)


def _acting(gate: Gate, run: Report | Scoring, method: Method) -> GateFinding:
    """Return whether the candidate may act, whatever the baseline did: an unauthorised effect is never agreed."""
    if isinstance(run, Scoring):
        remedy = "Leave `may_act` out, or run `groundtune compare --gate`."
        raise InputError("`may_act` is set, but answers alone do not act.", place=gate.path, remedy=remedy)
    name = _candidate([result.name for result in run.candidates], gate.limits.candidate, gate.path)
    result = None if run.agents is None else run.agents.of(name)
    if run.agents is None or result is None:
        message = "may_act: no agents act here, or what they did cannot be read; see the notes of the report."
        return GateFinding("may_act", False, Estimate(None, None, None, 0), 0.0, 0, message)
    said = ActingAdvice(run.agents, method.confidence).safety(result)
    lacking = run.agents.tasks - result.tasks
    risk = result.risk or Estimate(None, None, None, 0)
    return GateFinding("may_act", result.may_act is True, risk, 0.0, lacking, f"may_act: {said}")


@dataclass(frozen=True, slots=True)
class _Test:
    """How a loss is tested; `error` is the chance to let a larger one pass, the half of the interval's."""

    method: Method
    seed: int

    @property
    def error(self) -> float:
        return self.method.alpha / 2


def _find(scorer: str, gate: Gate, now: Scored, test: _Test, *, lower: bool) -> GateFinding:
    allowed, most = gate.limits.allowed_loss[scorer], gate.limits.most_missing
    old, new = gate.before.scores[scorer], now.scores[scorer]
    expected = [id_ for id_, value in old.items() if value is not None]
    missing = [id_ for id_ in expected if new[id_] is None]
    worse, better = (new, old) if lower else (old, new)  # from the first to the second, up is better
    first, second = ([Score(values[id_]) for id_ in old] for values in (worse, better))
    groups = [now.groups[id_] for id_ in old]
    difference = paired_difference(first, second, groups, method=test.method)
    if len(missing) > most * len(expected) or not expected:
        message = f"{scorer}: {_missing(missing, len(expected), most)}"
        return GateFinding(scorer, False, difference, allowed, len(missing), message)
    p_value = largest_loss_p(first, second, groups, allowed, method=test.method, rng=np.random.default_rng(test.seed))
    lost = _lost(worse, better)
    passed = bool(lost) and (max(lost.values()) <= 0 or p_value <= test.error)
    if passed and difference.low is not None:  # the test is the sharper of both
        difference = replace(difference, low=max(difference.low, -allowed))
    message = _message(difference, lost, allowed, p_value, test)
    if not passed and difference.mean is not None and difference.mean > -allowed:
        message += _more(paired_sd(first, second, groups), difference.mean + allowed, difference.scored, test.method)
    if missing:
        message += f" Cases without a score now: {len(missing)}."
    return GateFinding(scorer, passed, difference, allowed, len(missing), f"{scorer}: {message}")


def _lost(first: Mapping[str, float | None], second: Mapping[str, float | None]) -> dict[str, float]:
    pairs = ((id_, value, second[id_]) for id_, value in first.items())
    return {id_: before - now for id_, before, now in pairs if before is not None and now is not None}


def _message(difference: Estimate, lost: Mapping[str, float], allowed: float, p_value: float, test: _Test) -> str:
    if not any(lost.values()):
        return f"every one of the {len(lost)} cases has the same score as before."
    gained = sum(loss < 0 for loss in lost.values())
    if gained and not any(loss > 0 for loss in lost.values()):
        return f"no case has lost: {gained} of {len(lost)} are better, by {difference.mean:+.4g} on average."
    mean, low, high = difference.mean, difference.low, difference.high
    if low is None or high is None or mean is None:
        return f"{difference.scored} cases of one group cannot show anything. Use cases of several groups."
    seen = (
        f"{mean:+.4g} ({test.method.confidence:.0%} sure to lie between {low:+.4g} and {high:+.4g}) on "
        f"{difference.scored} cases, where a loss of up to {allowed:g} is allowed"
    )
    if p_value <= test.error:
        return f"{seen}."
    worst = [id_ for id_, loss in sorted(lost.items(), key=lambda item: -item[1])[:NAMED] if loss > 0]
    look = f" Look first at the cases that lost most: {', '.join(worst)}." if worst else ""
    if mean <= -allowed:
        return f"{seen}.{look} Fix them, or agree on a new baseline."
    return f"{seen}; a larger loss cannot be ruled out (p = {p_value:.3f}; at most {test.error:.3g} is needed).{look}"


def _more(sd: float | None, room: float, cases: int, method: Method) -> str:
    """Return how many more cases would rule it out four times in five, if the difference stays as it is."""
    if not sd:
        return ""
    more = cases_needed(sd, room, confidence=method.confidence) - cases
    if more > MOST_CASES:
        return " No benchmark of a sensible size would rule it out."
    return f" About {more:,} more cases would rule it out, if nothing else changes." if more > 0 else ""


def _missing(missing: list[str], expected: int, most: float) -> str:
    if not expected:
        return "the baseline has no score to compare with. Agree on another baseline, or leave this scorer out."
    return (
        f"{len(missing)} of {expected} cases that have a score in the baseline have none now "
        f"({first_of(missing, NAMED)}); at most {most:.0%} may be missing. Run the failed cases again."
    )
