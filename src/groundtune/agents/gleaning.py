"""What a conversation says that may be knowledge, by rules: corrections, answers of people, questions left open.

    user       How much is roaming in Norway?
    assistant  I do not know.                                  a question left open ...
    Ana        Roaming in Norway costs 3 euros a day.          ... that a person answered
    user       No, it is 4 euros now.                          a correction by the user

What people say of themselves ("I paid 3 euros"), ask or paste is no knowledge. English wording. Whether something is
true, known already or fit to be read by others is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from groundtune.agents.provenance import own_words
from groundtune.comparing import figures, tokens, unbacked
from groundtune.records.conversations import TalkRecord, Turn
from groundtune.records.proposals import ProposalKind
from groundtune.sentences import sentence_spans
from groundtune.text import content_words
from groundtune.values import Answer

LONGEST = 600
"""Characters of a statement: what is longer is a text of its own, and no answer."""
_FEWEST_WORDS = 3  # content words of a statement without a figure
_REPHRASED = 0.5  # of the content words of a question, those that the next one repeats
_WRONG = re.compile(
    r"\W*(?:no|nope|wrong|incorrect|actually|not (?:quite|right|true|correct|any ?more)"
    r"|(?:sorry|but|well)?,? ?(?:that|this|it)(?:[’']s| is| was)? (?:wrong|incorrect|not (?:right|true|correct)"
    r"|out ?dated|out of date|old))\b[\s,.;:!–-]*",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"\b(?:now|no longer|any ?more|meanwhile|has changed|have changed|since|as of|by now)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"\W*(?:who|what|when|where|which|why|how|is|are|was|do|does|did|can|could|may|will|would|should)\b", re.IGNORECASE
)
_FOLLOWS = re.compile(
    r"^\W*(?:and|or|but|also|what about|how about)\b|\b(?:it|that|this|those|these|they|them)\b", re.I
)
_OF_THEMSELVES = re.compile(
    r"\b(?:I|I[’'](?:m|ve|d|ll)|me|my|mine|myself)\b|\b[Yy]our (?:account|bill|order|ticket|number)s?\b"
)


@dataclass(frozen=True, slots=True)
class Gleaned:
    """A statement about `question`, from the `turns` of a conversation; `person` said it, the user if empty."""

    kind: ProposalKind
    question: str
    text: str
    turns: tuple[int, ...]
    person: str = ""


@dataclass(slots=True)
class _Exchange:
    """A question with what was replied to it."""

    turn: Turn
    question: str
    reply: Turn | None = None
    answered: bool = False

    @property
    def unknown(self) -> bool:
        """Whether the assistant said that it does not know."""
        return self.reply is not None and not self.answered

    @property
    def replied(self) -> str:
        """What the assistant said."""
        return "" if self.reply is None else self.reply.message.content

    @property
    def turns(self) -> tuple[int, ...]:
        """Question and reply, by their numbers in the conversation."""
        return (self.turn.number,) if self.reply is None else (self.turn.number, self.reply.number)


@dataclass(slots=True)
class _Heard:
    exchanges: list[_Exchange] = field(default_factory=list)
    gleaned: list[Gleaned] = field(default_factory=list)


def glean(talk: TalkRecord) -> list[Gleaned]:
    """Return what a conversation says, in order; last, the questions that it leaves open, as missing topics."""
    heard = _Heard()
    for turn in talk.turns:
        if turn.message.role == "user":
            _read_user(turn, heard)
        elif turn.message.role == "assistant" and turn.person:
            _read_person(turn, heard)
        elif turn.answer is not None and heard.exchanges and heard.exchanges[-1].reply is None:
            _read_answer(turn, turn.answer, heard.exchanges[-1])
    return heard.gleaned + list(_missing(heard.exchanges))


def _read_user(turn: Turn, heard: _Heard) -> None:
    own, _ = own_words(turn.message.content)
    last = heard.exchanges[-1] if heard.exchanges else None
    if last is not None and last.reply is not None:
        corrected = " ".join(_corrections(own, last.replied))
        if corrected:
            heard.gleaned.append(Gleaned("correction", last.question, corrected, (*last.turns, turn.number)))
            return
    if last is None or (_asks(own) and len(content_words(own)) > 1):
        heard.exchanges.append(_Exchange(turn, " ".join(own.split())))


def _read_answer(turn: Turn, answer: Answer, exchange: _Exchange) -> None:
    exchange.reply, exchange.answered = turn, not answer.abstained
    if answer.searched and _FOLLOWS.search(exchange.question):  # it needs words from the turns before
        exchange.question = answer.searched


def _read_person(turn: Turn, heard: _Heard) -> None:
    if not heard.exchanges:
        return
    own, _ = own_words(turn.message.content)
    exchange = max(heard.exchanges, key=lambda asked: (_shared(asked.question, own), asked.unknown, asked.turn.number))
    said = " ".join(_statements(own, exchange.question))
    if not said:
        return
    new = bool(unbacked(figures(said), exchange.replied)) or _WRONG.match(own) is not None
    kind: ProposalKind = "correction" if exchange.answered and new else "answer"
    heard.gleaned.append(Gleaned(kind, exchange.question, said, (*exchange.turns, turn.number), turn.person))
    exchange.answered = True


def _missing(exchanges: Sequence[_Exchange]) -> Iterator[Gleaned]:
    for exchange, following in zip_longest(exchanges, exchanges[1:]):
        if not (exchange.unknown and _asks(exchange.question)):
            continue
        if following is None or not (following.answered and _repeats(following.question, exchange.question)):
            yield Gleaned("missing topic", exchange.question, "", exchange.turns)


def _corrections(text: str, replied: str) -> Iterator[str]:
    """Yield the statements of a turn that say otherwise than the reply: after a no, or with a new figure and a now."""
    refused = False
    for sentence in _sentences(text):
        match = _WRONG.match(sentence)
        refused = refused or match is not None
        rest = sentence[match.end() :] if match else sentence
        if not _states(rest):
            continue
        if refused or (_CHANGED.search(rest) and unbacked(figures(rest), replied)):
            yield rest[:1].upper() + rest[1:]


def _statements(text: str, question: str) -> Iterator[str]:
    """Yield the sentences of a person's turn that state something about the question."""
    for sentence in _sentences(text):
        match = _WRONG.match(sentence)
        rest = sentence[match.end() :] if match else sentence
        if _states(rest) and (figures(rest) or _shared(question, rest)):
            yield rest[:1].upper() + rest[1:]


def _states(sentence: str) -> bool:
    if _asks(sentence) or _OF_THEMSELVES.search(sentence):
        return False
    return bool(figures(sentence)) or len(content_words(sentence)) >= _FEWEST_WORDS


def _asks(text: str) -> bool:
    return text.rstrip().endswith("?") or _ASKS.match(text) is not None


def _shared(question: str, text: str) -> int:
    return len(set(content_words(question)) & set(content_words(text)))


def _repeats(later: str, earlier: str) -> bool:
    own, other = set(tokens(earlier)), set(tokens(later))
    return len(own & other) >= _REPHRASED * len(own)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]
