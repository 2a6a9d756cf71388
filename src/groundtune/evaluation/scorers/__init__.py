"""Scorers: one small file each, found through the hook `groundtune_scorer(settings) -> list[Scorer]`.

`score(case, answer)` gives a value, or unscored with a reason where the metric does not apply. Averages and
intervals are made elsewhere, the same way for all.
"""

from __future__ import annotations

from collections.abc import Collection

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.protocols import Scorer
from groundtune.settings import ComparisonSettings

__all__ = ["scorers"]


def scorers(settings: ComparisonSettings, names: Collection[str] | None = None) -> list[Scorer]:
    """Return the scorers of all installed plugins, or those called `names`, in the order of `names`.

    Raises `SettingsError` on a name that no scorer has, and if two scorers have one name.
    """
    found: dict[str, Scorer] = {}
    for hook in plugins.hooks("scorers"):
        for scorer in hook(settings):
            if scorer.name in found:
                raise SettingsError(
                    f"two scorers are called `{scorer.name}`.", remedy="Remove one of the packages that bring them."
                )
            found[scorer.name] = scorer
    if names is None:
        return list(found.values())
    unknown = [name for name in names if name not in found]
    if unknown:
        raise SettingsError(f"no scorer is called `{unknown[0]}`.", remedy=f"Known here: {', '.join(found)}.")
    return [found[name] for name in names]
