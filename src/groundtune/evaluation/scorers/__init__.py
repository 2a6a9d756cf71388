"""Scorers: one small file each, found through the hook `groundtune_scorer(settings) -> list[Scorer]`.

`score(case, answer)` gives a value, or unscored with a reason where the metric does not apply. Averages and
intervals are made elsewhere, the same way for all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.protocols import CorpusScorer, Scorer
from groundtune.settings import ComparisonSettings
from groundtune.values import Case

__all__ = ["known_scorers", "scorers"]


def known_scorers(settings: ComparisonSettings) -> dict[str, Scorer]:
    """Return the scorers of all installed plugins by name. Raises `SettingsError` if two have one name."""
    found: dict[str, Scorer] = {}
    for hook in plugins.hooks("scorers"):
        for scorer in hook(settings):
            if scorer.name in found:
                raise SettingsError(
                    f"two scorers are called `{scorer.name}`.", remedy="Remove one of the packages that bring them."
                )
            found[scorer.name] = scorer
    return found


def scorers(
    settings: ComparisonSettings,
    names: Collection[str] | None = None,
    cases: Sequence[Case] = (),
    judges: Sequence[Scorer] = (),
) -> list[Scorer]:
    """Return the scorers called `names`, in that order, for a benchmark of `cases`.

    Without names: those of every comparison, which are all but those with `by_default` False, the `judges`, and those
    that the settings name besides. Raises `SettingsError` on a name that no scorer has.
    """
    found = known_scorers(settings) | {judge.name: judge for judge in judges}
    if names is None:
        usual = [name for name, scorer in found.items() if getattr(scorer, "by_default", True)]
        names = list(dict.fromkeys([*usual, *settings.also_score, settings.decide_by]))
    unknown = [name for name in names if name not in found]
    if unknown:
        raise SettingsError(f"no scorer is called `{unknown[0]}`.", remedy=f"Known here: {', '.join(found)}.")
    chosen = [found[name] for name in names]
    return [scorer.over(cases) if cases and isinstance(scorer, CorpusScorer) else scorer for scorer in chosen]
