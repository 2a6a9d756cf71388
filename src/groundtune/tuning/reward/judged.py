"""What people judged, prompt by prompt: each answer once, and which answer beat which. Pure.

A reward model learns from comparisons (Bradley and Terry 1952). Pairs are comparisons, and so is every pair out of a
ranking. Thumbs become comparisons where one prompt has liked and disliked answers. Other thumbs are halves of one: a
liked answer beats an unknown answer of reward 0, a disliked one loses against it. That is logistic regression of the
thumb on the reward, which learns from every thumb; to train on pairs only would throw away most, as people seldom judge
two answers to the same words. What such a thumb teaches about its prompt does no harm later: reinforcement compares
answers to one prompt, where it cancels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from groundtune.values import Conversation, PreferencePair, Thumb, digest


@dataclass(frozen=True, slots=True)
class Comparison:
    """`better` beat `worse`, places in `JudgedPrompt.answers`. One of them is None in a thumb that stands alone."""

    better: int | None
    worse: int | None
    annotator: str = ""


@dataclass(frozen=True, slots=True)
class JudgedPrompt:
    """A prompt, the answers to it, each once, and what people said of them. `groups` are the groups of the data."""

    prompt: Conversation
    answers: tuple[Conversation, ...]
    comparisons: tuple[Comparison, ...]
    groups: frozenset[str] = frozenset()

    @property
    def identity(self) -> str:
        """Identify the prompt and all that was said of it."""
        said = sorted(f"{each.better}>{each.worse} {each.annotator}" for each in self.comparisons)
        return digest(*texts(self.prompt), *(digest(*texts(answer)) for answer in self.answers), *said)


@dataclass(frozen=True, slots=True)
class JudgedData:
    """All prompts, and in `counts` what became of the rows."""

    prompts: tuple[JudgedPrompt, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def comparisons(self) -> int:
        """How many there are."""
        return sum(len(each.comparisons) for each in self.prompts)


def texts(messages: Conversation) -> list[str]:
    """Return roles and contents, one after the other.

    >>> from groundtune.values import Message
    >>> texts((Message("user", "a"),))
    ['user', 'a']
    """
    return [part for message in messages for part in (message.role, message.content)]


def gather(rows: Iterable[PreferencePair | Thumb]) -> JudgedData:
    """Put rows together by prompt, in an order that does not depend on theirs.

    Counted and left out: pairs of two equal answers, and answers with as many thumbs up as down.
    """
    pairs: dict[Conversation, list[PreferencePair]] = defaultdict(list)
    thumbs: dict[Conversation, list[Thumb]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Thumb):
            thumbs[row.prompt].append(row)
        elif row.chosen == row.rejected:
            counts["pairs of equal answers, left out"] += 1
        else:
            pairs[row.prompt].append(row)
            counts["pairs"] += 1
    made = [_judged(prompt, pairs[prompt], thumbs[prompt], counts) for prompt in {**pairs, **thumbs}]
    kept = sorted((each for each in made if each.comparisons), key=lambda each: digest(*texts(each.prompt)))
    return JudgedData(tuple(kept), dict(counts))


def without_annotators(judged: JudgedPrompt, annotators: frozenset[str]) -> JudgedPrompt:
    """Return the prompt without what `annotators` said of it; answers that nobody else judged are gone."""
    kept = [each for each in judged.comparisons if each.annotator not in annotators]
    used = sorted({place for each in kept for place in (each.better, each.worse) if place is not None})
    new: dict[int | None, int | None] = {None: None, **{old: place for place, old in enumerate(used)}}
    moved = tuple(replace(each, better=new[each.better], worse=new[each.worse]) for each in kept)
    return replace(judged, answers=tuple(judged.answers[place] for place in used), comparisons=moved)


def _judged(
    prompt: Conversation, pairs: Sequence[PreferencePair], thumbs: Sequence[Thumb], counts: Counter[str]
) -> JudgedPrompt:
    said = {answer for pair in pairs for answer in (pair.chosen, pair.rejected)} | {thumb.answer for thumb in thumbs}
    answers = tuple(sorted(said, key=lambda answer: digest(*texts(answer))))
    place = {answer: number for number, answer in enumerate(answers)}
    comparisons = [Comparison(place[pair.chosen], place[pair.rejected], pair.annotator) for pair in pairs]
    comparisons += _of_thumbs(thumbs, place, counts)
    order = sorted(comparisons, key=lambda each: (str(each.better), str(each.worse), each.annotator))
    groups = frozenset(group for group in (*(pair.group for pair in pairs), *(each.group for each in thumbs)) if group)
    return JudgedPrompt(prompt, answers, tuple(order), groups)


def _of_thumbs(thumbs: Sequence[Thumb], place: dict[Conversation, int], counts: Counter[str]) -> list[Comparison]:
    """Return comparisons of what most liked with what most disliked, else a half for each thumb."""
    votes: Counter[Conversation] = Counter()
    said_by: dict[Conversation, set[str]] = defaultdict(set)
    for thumb in thumbs:
        votes[thumb.answer] += 1 if thumb.good else -1
        said_by[thumb.answer].add(thumb.annotator)
    good, bad = ([a for a, vote in votes.items() if vote * sign > 0] for sign in (1, -1))
    undecided = sum(not votes[thumb.answer] for thumb in thumbs)
    if undecided:
        counts["thumbs on answers with as many up as down, left out"] += undecided
    if good and bad:
        counts["pairs out of thumbs"] += len(good) * len(bad)
        return [Comparison(place[a], place[b], _only(said_by[a] | said_by[b])) for a, b in product(good, bad)]
    halves = [
        Comparison(place[thumb.answer], None, thumb.annotator)
        if thumb.good
        else Comparison(None, place[thumb.answer], thumb.annotator)
        for thumb in thumbs
        if votes[thumb.answer]  # a thumb against most others counts too: it makes the answer a little worse
    ]
    if halves:
        counts["thumbs without a counterpart"] += len(halves)
    return halves


def _only(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else ""
