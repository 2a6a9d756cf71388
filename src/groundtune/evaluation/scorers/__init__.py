"""Scorers: one small file each, found through the hook `groundtune_scorer(settings) -> list[Scorer]`.

`score(case, answer)` gives a value, or unscored with a reason where the metric does not apply. Averages and
intervals are made elsewhere, the same way for all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.protocols import AnswerFact, CorpusScorer, Scorer
from groundtune.settings import ComparisonSettings
from groundtune.values import Case

__all__ = ["known_scorers", "scorers", "scorers_for"]


def known_scorers(settings: ComparisonSettings) -> dict[str, Scorer]:
    """Return the scorers of all installed plugins by name. Raises `SettingsError` if two have one name."""
    known: dict[str, Scorer] = {}
    for hook in plugins.hooks("scorers"):
        for scorer in hook(settings):
            if scorer.name in known:
                raise SettingsError(
                    f"two scorers are called `{scorer.name}`.", remedy="Remove one of the packages that provide them."
                )
            known[scorer.name] = scorer
    return known


def scorers(
    settings: ComparisonSettings,
    names: Collection[str] | None = None,
    cases: Sequence[Case] = (),
    judges: Sequence[Scorer] = (),
) -> list[Scorer]:
    """Return the scorers called `names`, in that order, for a benchmark of `cases`.

    Without names: those that are on when candidates are compared, what is no mean of cases last, the `judges`, and
    those that the settings name. Raises `SettingsError` on a name that no scorer has.
    """
    known = known_scorers(settings) | {judge.name: judge for judge in judges}
    if names is None:
        usual = [scorer for scorer in known.values() if "compare" in scorer.by_default]
        usual.sort(key=lambda scorer: scorer.total is not None)
        names = list(dict.fromkeys([*(scorer.name for scorer in usual), *settings.also_score, settings.decide_by]))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SettingsError(f"no scorer is called `{unknown[0]}`.", remedy=f"Available: {', '.join(known)}.")
    chosen = [known[name] for name in names]
    return [scorer.over(cases) if cases and isinstance(scorer, CorpusScorer) else scorer for scorer in chosen]


def scorers_for(settings: ComparisonSettings, facts: Collection[AnswerFact]) -> list[str]:
    """Return the names of the scorers that are on for a file of answers that tells `facts` besides texts."""
    known = known_scorers(settings).values()
    return [scorer.name for scorer in known if "score" in scorer.by_default and scorer.needs <= set(facts)]
