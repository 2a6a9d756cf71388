"""What a candidate is made of: model, adapters, prompt, and whether it is grounded.

Pure. The five that are compared unless others are named register through the hook `groundtune_candidates()`, as
plugins' do. Any adapter NAME made by `groundtune tune` is a candidate too, as NAME (closed-book) and NAME+rag
(grounded). A grounded one also has a twin that does not search what was learned from conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from groundtune import plugins
from groundtune.errors import SettingsError

GROUNDED = "+rag"
WITHOUT_LEARNED = "-without-learned"


@dataclass(frozen=True, order=True, slots=True)
class Cost:
    """What a candidate costs besides the base model: parts to `keep` up to date first, then parts to `run`.

    An index of documents is 1 to keep, an adapter 2, as it takes data and training. Retrieval is 1 to run.
    """

    keep: int
    run: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """What `groundtune tune` made under a name, as far as candidates need it.

    `chain` are the adapters on the model, in order; `model` is the whole model that it is or stands on, None for that
    of `[model]`. `upkeep` is what keeping it costs besides its adapters.
    """

    name: str
    chain: tuple[str, ...]
    model: str | None = None
    upkeep: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to answer.

    `adapters` are a chain on the model, applied in order. `technique` makes the last of them where it is missing; it
    is empty for adapters that `groundtune tune` made. `model` None is that of `[model]`, `prompt` None the
    instructions of `[assistant]`. `extra_upkeep` is what keeping it costs besides its parts. A grounded one that is not
    `learned` searches no entries from conversations.
    """

    name: str
    adapters: tuple[str, ...] = ()
    grounded: bool = False
    technique: str = ""
    model: str | None = None
    prompt: str | None = None
    extra_upkeep: int = 0
    learned: bool = True

    @property
    def cost(self) -> Cost:
        """What it costs to keep and to run."""
        return Cost(self.grounded + 2 * len(self.adapters) + self.extra_upkeep, int(self.grounded))

    @property
    def adapter(self) -> str | None:
        """The last adapter of the chain: the one that `technique` makes."""
        return self.adapters[-1] if self.adapters else None

    def simpler_than(self, other: Candidate) -> bool:
        """Tell whether `other` is this candidate with one part more: an adapter, retrieval, or what was learned."""
        if (self.model, self.prompt) != (other.model, other.prompt):
            return False
        own, others = self._parts(), other._parts()
        if self.grounded and self.learned != other.learned:
            return own == others and other.learned
        return own < others and len(others) == len(own) + 1

    def _parts(self) -> set[str]:
        return {*self.adapters, *([GROUNDED] if self.grounded else [])}


def groundtune_candidates() -> list[Candidate]:
    """Hook of `candidates`: the five that are always measured together."""
    return [
        Candidate("base"),
        Candidate("rag", grounded=True),
        Candidate("tuned", ("tuned",), technique="instruction"),
        Candidate("tuned+rag", ("tuned",), grounded=True, technique="instruction"),
        # trained on what retrieval gives: made again when either changes
        Candidate("raft", ("raft",), grounded=True, technique="raft", extra_upkeep=1),
    ]


def registered() -> dict[str, Candidate]:
    """Return the candidates of all installed plugins by name, ours first. Raises `SettingsError` for a name twice."""
    known: dict[str, Candidate] = {}
    for hook in sorted(plugins.hooks("candidates"), key=lambda hook: not hook.__module__.startswith("groundtune.")):
        for candidate in hook():
            if candidate.name in known:
                raise SettingsError(
                    f"two candidates have the name `{candidate.name}`.",
                    remedy="Uninstall one of the packages that provide them.",
                )
            known[candidate.name] = candidate
    return known


def candidate(name: str, tuned: Iterable[Tuned] = ()) -> Candidate:
    """Return what `name` stands for; `tuned` is what there is on disk.

    Raises `SettingsError` with the names that would do.
    """
    known = available(tuned)
    whole = known.get(name.removesuffix(WITHOUT_LEARNED))
    if name not in known and whole is not None and whole.grounded:
        return replace(whole, name=name, learned=False)
    if name not in known:
        raise SettingsError(f"there is no candidate `{name}`.", remedy=f"Choose one of: {', '.join(known)}.")
    return known[name]


def available(tuned: Iterable[Tuned] = ()) -> Mapping[str, Candidate]:
    """Return all that can be named: what is registered, and both candidates of what was tuned."""
    known = registered()
    for each in tuned:
        closed_book = Candidate(each.name, each.chain, model=each.model, extra_upkeep=each.upkeep)
        grounded = replace(closed_book, name=f"{each.name}{GROUNDED}", grounded=True)
        for candidate in (closed_book, grounded):
            known.setdefault(candidate.name, candidate)
    return known


def steps(candidates: Sequence[Candidate]) -> list[tuple[str, str]]:
    """Return (simpler, richer) for each pair in which the second has one part more than the first."""
    pairs: Iterable[tuple[Candidate, Candidate]] = permutations(candidates, 2)
    return [(first.name, second.name) for first, second in pairs if first.simpler_than(second)]
