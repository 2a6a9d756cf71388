"""What a candidate's name stands for: which adapter, and whether it is grounded.

Pure. The five that are always compared have names of their own; any adapter NAME made by `groundtune tune`
is a candidate too, as NAME (closed-book) and NAME+rag (grounded).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from groundtune.errors import SettingsError

INSTRUCTION_ADAPTER, RAFT_ADAPTER = "tuned", "raft"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to answer: the base model or an adapter on it, times closed-book or grounded."""

    name: str
    adapter: str | None
    grounded: bool


STANDARD = {
    recipe.name: recipe
    for recipe in (
        Recipe("base", None, grounded=False),
        Recipe("rag", None, grounded=True),
        Recipe("tuned", INSTRUCTION_ADAPTER, grounded=False),
        Recipe("tuned+rag", INSTRUCTION_ADAPTER, grounded=True),
        Recipe("raft", RAFT_ADAPTER, grounded=True),
    )
}


def recipe(name: str, adapters: Collection[str] = ()) -> Recipe:
    """Return what `name` stands for; `adapters` are the names of those on disk.

    Raises `SettingsError` with the names that would do.
    """
    if name in STANDARD:
        return STANDARD[name]
    adapter = name.removesuffix("+rag")
    if adapter in adapters:
        return Recipe(name, adapter, grounded=adapter != name)
    known = [*STANDARD, *(one for adapter in adapters for one in (adapter, f"{adapter}+rag") if one not in STANDARD)]
    raise SettingsError(f"there is no candidate `{name}`.", remedy=f"Known here: {', '.join(dict.fromkeys(known))}.")
