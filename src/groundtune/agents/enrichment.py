"""The agent that enriches the knowledge: it turns a finished conversation into proposals, which nobody but a reviewer
sees before one is accepted.

What people said is data: it is kept as one paragraph, without personal data, with what cannot be seen made visible, and
whatever reads like an instruction is told to the reviewer. Who may read an entry follows from who took part in the
conversation and from the documents that were read for it; nothing in the conversation can widen that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from groundtune.agents.alike import Stated, Vectorize, says_already
from groundtune.agents.gleaning import LONGEST, Gleaned, glean
from groundtune.agents.rewording import reworded
from groundtune.protocols import ChatModel
from groundtune.records.conversations import TalkRecord
from groundtune.records.proposals import Proposal, ProposalRecord
from groundtune.text import content_words
from groundtune.values import EVERYONE, Passage, digest

MOST = 5
"""Proposals of one conversation: whoever says more floods the reviewers."""
_INSTRUCTS = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override) (?:all|any|the|your|every|previous|prior|earlier)\b"
    r"|(?:you|the assistant|the bot) (?:must|should|shall|are now|will now|has to|have to)\b"
    r"|always (?:say|answer|reply|tell|recommend)|never (?:say|tell|mention|reveal)"
    r"|system prompt|new (?:rules?|policy|instructions?)|(?:system|admin|developer)(?: message)?:)",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.\w+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EnrichmentTools:
    """What the agent works with.

    `nearest` returns passages that somebody with these principals may read, best first. `redact` returns a text without
    personal data, and what it replaced. `readers` tells who may read a document, None if there is no such one. Where
    there is a `model`, it writes statements in words that stand by themselves.
    """

    nearest: Callable[[str, tuple[str, ...]], Sequence[Passage]]
    embed: Vectorize
    redact: Callable[[str], tuple[str, Sequence[object]]]
    readers: Callable[[str], tuple[str, ...] | None]
    model: ChatModel | None = None


@dataclass(frozen=True, slots=True)
class NotProposed:
    """Something that a conversation said and that is not proposed, with the reason."""

    conversation: str
    turns: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What a conversation gave."""

    proposals: tuple[Proposal, ...]
    left_out: tuple[NotProposed, ...]


class EnrichmentAgent:
    """Looks through conversations. Holds no state: what was proposed before is given."""

    def __init__(self, tools: EnrichmentTools) -> None:
        self._tools = tools

    def look(self, talk: TalkRecord, earlier: Sequence[ProposalRecord]) -> Looked:
        """Return what a conversation gives that neither the documents nor `earlier` proposals say.

        Raises `ValueError` for a conversation that has not ended, or whose user did not consent.
        """
        if not talk.consent or talk.ended_at is None:
            raise ValueError(f"conversation {talk.id} is not there to learn from")
        made: list[Proposal] = []
        left_out: list[NotProposed] = []
        for gleaned in glean(talk):
            before = [*(each.proposal for each in earlier if each.state in ("quarantined", "rejected")), *made]
            outcome = self._proposal(talk, gleaned, earlier, before) if len(made) < MOST else _TOO_MANY
            if isinstance(outcome, Proposal):
                made.append(outcome)
            else:
                left_out.append(NotProposed(talk.id, gleaned.turns, outcome))
        return Looked(tuple(made), tuple(left_out))

    def _proposal(
        self, talk: TalkRecord, gleaned: Gleaned, earlier: Sequence[ProposalRecord], before: Sequence[Proposal]
    ) -> Proposal | str:
        """Return a proposal, or why there is none."""
        question, text, notes = self._clean(gleaned)
        if max(len(question), len(text)) > LONGEST:
            return f"it is longer than {LONGEST} characters"
        rests_on = _rests_on(talk, gleaned)
        origins = [each for each in earlier if each.document in rests_on]
        if any(each.state != "accepted" for each in origins):
            return "it rests on an entry that was rolled back"
        lists = {document: self._tools.readers(document) for document in rests_on}
        readable_by = readers_of(talk.asker, [readers or () for readers in lists.values()])
        for_them = [each for each in before if set(readable_by) <= set(each.readable_by)]
        asker = tuple(dict.fromkeys((*(readable_by or talk.asker), *EVERYONE)))
        if repeated := self._repeats(Stated(question, text, ""), asker, for_them):
            return repeated
        notes += [f"The document {document} is not there any more." for document in rests_on if lists[document] is None]
        return Proposal(
            id=digest("proposal", talk.id, gleaned.kind, *map(str, gleaned.turns)),
            kind=gleaned.kind,
            question=question,
            text=text,
            user=talk.user,
            conversation=talk.id,
            turns=gleaned.turns,
            readable_by=readable_by,
            person=gleaned.person,
            rests_on=rests_on,
            parents=tuple(each.proposal.id for each in origins),
            notes=tuple(notes),
        )

    def _clean(self, gleaned: Gleaned) -> tuple[str, str, list[str]]:
        """Return question and text as they may be kept, and what a reviewer has to know of them."""
        question, first = self._tools.redact(_one_line(gleaned.question))
        text, second = self._tools.redact(_one_line(gleaned.text))
        notes = []
        if replaced := len(first) + len(second):
            notes.append(f"Personal data was replaced ({replaced}).")
        both = f"{gleaned.question}\n{gleaned.text}"
        if hidden := sum(map(_invisible, both)):
            notes.append(f"It has characters that cannot be seen ({hidden}); they are shown as <U+…>.")
        if instruction := _INSTRUCTS.search(both):
            notes.append(f"It reads like an instruction to the assistant: {_one_line(instruction[0])!r}.")
        if link := _LINK.search(f"{question}\n{text}"):
            notes.append(f"It names an address: {link[0]}")
        if text and self._tools.model is not None and (new := reworded(question, text, self._tools.model)):
            notes.append(f"The chat model put it into these words. It was said: {text}")
            text = new
        return question, text, notes

    def _repeats(self, statement: Stated, asker: tuple[str, ...], before: Sequence[Proposal]) -> str:
        """Return where it is said already, "" if nowhere."""
        if not statement.text:
            asked = {frozenset(content_words(each.question)) for each in before if not each.text}
            return "the question was proposed before" if frozenset(content_words(statement.about)) in asked else ""
        passages = self._tools.nearest(f"{statement.about}\n{statement.text}", asker)
        known = [Stated(passage.heading, passage.text, passage.source) for passage in passages]
        if same := says_already(statement, known, self._tools.embed):
            return f"{same.place} says so already"
        proposed = [Stated(each.question, each.text, each.id) for each in before if each.text]
        same = says_already(statement, proposed, self._tools.embed)
        return "" if same is None else f"it was proposed before as {same.place}"


_TOO_MANY = f"the conversation has given {MOST} proposals already"


def readers_of(asker: Sequence[str], documents: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Return who may read what somebody said who read as `asker`, after these documents: nobody who may not read all.

    Somebody who reads as more than everyone may know more, so that the others count. Empty is nobody.

    >>> readers_of(("everyone", "staff"), [("everyone",), ("staff", "partners")])
    ('staff',)
    """
    readers = tuple(name for name in dict.fromkeys(asker) if name not in EVERYONE) or tuple(asker)
    for allowed in documents:
        if set(EVERYONE) & set(readers):
            readers = tuple(allowed)
        elif not set(EVERYONE) & set(allowed):
            readers = tuple(name for name in readers if name in allowed)
    return readers


def visible(text: str) -> str:
    r"""Return `text` with what cannot be seen, as zero-width and bidirectional characters, as <U+202E>.

    >>> visible("free\u202eeerf")
    'free<U+202E>eerf'
    """
    return "".join(f"<U+{ord(letter):04X}>" if _invisible(letter) else letter for letter in text)


def _invisible(letter: str) -> bool:
    return letter not in "\n\t\r" and unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Cn")


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


def _rests_on(talk: TalkRecord, gleaned: Gleaned) -> tuple[str, ...]:
    """Return the documents that were read until the statement: all that were in a prompt, cited or not."""
    answers = [turn.answer for turn in talk.turns if turn.answer is not None and turn.number <= gleaned.turns[-1]]
    return tuple(dict.fromkeys(passage.document for answer in answers for passage in answer.passages))
