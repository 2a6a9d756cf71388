"""The spread of scores in recorded runs, for planning a benchmark. Runs nothing itself."""

from __future__ import annotations

from groundtune.assembly.assembly import Assembly
from groundtune.comparison.latest import latest_runs
from groundtune.comparison.summary import PART
from groundtune.evaluation.scorers import scorers
from groundtune.files import within
from groundtune.statistics.planning import Pilot, pilot_sd
from groundtune.values import Score

_SQLITE = "sqlite:///"


def pilot(assembly: Assembly) -> Pilot | None:
    """Return what the newest runs of one benchmark version tell about the deciding scorer, or None.

    Runs of this version come first; those of an earlier one count as far as its cases are still there. Runs of
    different versions are never put together.
    """
    if not _has_records(assembly):
        return None
    now = assembly.benchmark.fingerprint
    runs = [run for run in assembly.records.runs() if run.part == PART]
    newest = {run.fingerprint: number for number, run in enumerate(runs)}
    runs.sort(key=lambda run: (run.fingerprint == now, newest[run.fingerprint]), reverse=True)
    for fingerprint in dict.fromkeys(run.fingerprint for run in runs):
        told = _told(assembly, fingerprint, same=fingerprint == now)
        if told is not None:
            return told
    return None


def _told(assembly: Assembly, fingerprint: str, *, same: bool) -> Pilot | None:
    settings = assembly.settings.comparison
    (scorer,) = scorers(settings, [settings.decide_by])
    cases = assembly.benchmark.part(PART)
    newest, _ = latest_runs(assembly, fingerprint)
    scores: dict[str, list[Score]] = {}
    for candidate, run in newest.items():
        known = assembly.records.scores(run, scorer.signature)
        scores[candidate] = [known.get(case.id, Score(None, "not asked")) for case in cases]
    sd = pilot_sd(scores, [case.group for case in cases])
    if sd is None:
        return None
    used = tuple(name for name, own in scores.items() if any(score.value is not None for score in own))
    asked = sum(any(own[place].value is not None for own in scores.values()) for place in range(len(cases)))
    return Pilot(sd, used, asked, same)


def _has_records(assembly: Assembly) -> bool:
    """Looking must not make an empty database."""
    url = assembly.settings.records.url.reveal()
    return not url.startswith(_SQLITE) or within(assembly.folder, url.removeprefix(_SQLITE)).is_file()
