"""Contradictions: one question with two answers that cannot both be right, and answers with figures that the documents
they name do not have.

    "What does Brook cost?"   "13.70 euros a month"   "17.30 euros a month"

The same question is one of the same words, on all lines; with an encoder also one of the same meaning, on a sample.
Rules compare figures, negations, and yes with no (statements.py). A judge, where there is one, is asked about answers
of which rules see no contradiction, on a sample. The result says which of these ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from groundtune.comparing import StatedNumber, figures, tokens, unbacked
from groundtune.protocols import ChatModel
from groundtune.text import as_data
from groundtune.tuning.quality.check import Check, DataLine, Embed, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult
from groundtune.tuning.quality.sampling import Reservoir
from groundtune.tuning.quality.statements import Statement, alike, contradiction, names, statement
from groundtune.values import Message

LIKE_QUESTIONS = 0.8
"""Cosine from which two questions may be the same one; they must also name the same things."""

LIKE_ANSWERS = 0.5
"""Share of content words that answers to like questions must have in common before their figures are compared."""

MOST_STATEMENTS = 4  # different ones kept of one question
PAIRS = 20_000  # of like questions that are compared at most
JUDGED = 100  # pairs that the judge is asked about at most
_CERTAIN = 0.8  # probability from which the judge's yes counts
_READ = 4000  # characters of a question or answer that are kept for the sample
_REMEDY = "Keep the answer that the documents give, and correct or remove the other."
_DOCUMENT_REMEDY = "Correct the answer, or the documents that the line names."


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Contradictions(around)


@dataclass(frozen=True, slots=True)
class _Place:
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class _Sampled:
    place: _Place
    prompt: str
    answer: str


class _Contradictions:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._rows = self._with_documents = 0
        self._known = _Known()
        self._found: dict[_Place, DataFinding] = {}
        self._documents = _Documents(around)
        rng = np.random.default_rng(around.seed)
        self._sample: Reservoir[_Sampled] = Reservoir(around.settings.model_sample, rng)

    def see(self, line: DataLine) -> None:
        if line.kind == "text" or line.good is False or not line.prompt.strip():
            return
        self._rows += 1
        place = _Place(line.file, line.line)
        self._compare(place, hash(tokens(line.prompt)), statement(line.answer))
        if line.documents:
            self._with_documents += 1
            if wrong := self._documents.lacking(line):
                shown = ", ".join(map(str, wrong[:3]))
                said = f"the documents that the line names do not have {shown}"
                self._add(place, said, _DOCUMENT_REMEDY)
        if self._around.embed or self._around.judge:
            self._sample.offer(_Sampled(place, line.prompt[-_READ:], line.answer[:_READ]))

    def conclude(self) -> CheckResult:
        ran = [f"the same question in the same words, on all {self._rows} lines"]
        if self._with_documents:
            ran.append(f"figures of documents that lines name, on {self._with_documents} lines")
            ran[-1] += self._documents.said_missing()
        pairs = list(islice(self._of_one_meaning(self._around.embed), PAIRS)) if self._around.embed else []
        ran.append(self._said_meaning() + (f", the first {PAIRS} pairs of them" if len(pairs) == PAIRS else ""))
        unclear = []
        for earlier, later in pairs:
            if not self._compare_pair(earlier, later, "for a question of the same meaning"):
                unclear.append((earlier, later))
        ran.append(self._judge(unclear, self._around.judge) if self._around.judge else "no judge was asked")
        share = len(self._found) / self._rows if self._rows else 0.0
        limit = self._around.settings.contradictions
        said = f"{len(self._found)} of {self._rows} lines contradict another one or a document. Looked at: "
        gate = GateResult(
            "contradictions", share <= limit, share, limit, f"{said}{'; '.join(ran)}.", self._rows, self._rows
        )
        return CheckResult((gate,), tuple(self._found.values()))

    def _compare(self, place: _Place, question: int, own: Statement) -> None:
        for before, stated in self._known.add(question, place, own):
            if reason := contradiction(own, stated):
                self._add_both(place, before, f"{reason}, for the same question")

    def _compare_pair(self, earlier: _Sampled, later: _Sampled, said: str) -> bool:
        reason = contradiction(statement(earlier.answer), statement(later.answer))
        if reason and alike(earlier.answer, later.answer) >= LIKE_ANSWERS:
            self._add_both(earlier.place, later.place, f"{reason}, {said}")
            return True
        return False

    def _of_one_meaning(self, embed: Embed) -> Iterator[tuple[_Sampled, _Sampled]]:
        """Yield sampled lines whose questions mean the same and name the same, in other words.

        A name is what is written as one anywhere in the sample, so that "brook" and "river" are told apart too.
        """
        lines = self._sample.items
        known = frozenset(name for line in lines for text in (line.prompt, line.answer) for name in names(text))
        named = [(_named(line.prompt, known), _named(line.answer, known, figures=False)) for line in lines]
        vectors = embed([line.prompt for line in lines]) if lines else np.zeros((0, 1))
        for row in range(len(lines) - 1):
            likeness = vectors[row + 1 :] @ vectors[row]
            for place in (np.flatnonzero(likeness >= LIKE_QUESTIONS) + row + 1).tolist():
                same = tokens(lines[row].prompt) == tokens(lines[place].prompt)  # compared on all lines already
                if named[row] == named[place] and not same and not _of_other_things(lines[row], lines[place]):
                    yield lines[row], lines[place]

    def _said_meaning(self) -> str:
        if self._around.embed is None:
            return "not questions of the same meaning, for want of an encoder"
        looked = len(self._sample.items)
        share = f"{looked / self._rows:.1%} of {self._rows} lines" if self._rows else "no lines"
        return f"questions of the same meaning, on {looked} lines ({share})"

    def _judge(self, pairs: list[tuple[_Sampled, _Sampled]], judge: ChatModel) -> str:
        for earlier, later in pairs[:JUDGED]:
            odds = judge.choose(_asked(earlier, later), ("yes", "no"))
            if odds["yes"] >= _CERTAIN:
                self._add_both(earlier.place, later.place, f"the judge {judge.name} sees a contradiction")
        return f"a judge, on {min(len(pairs), JUDGED)} of {len(pairs)} pairs of like questions"

    def _add_both(self, earlier: _Place, later: _Place, said: str) -> None:
        self._add(earlier, f"contradicts {later}: {said}", _REMEDY)
        self._add(later, f"contradicts {earlier}: {said}", _REMEDY)

    def _add(self, place: _Place, said: str, remedy: str) -> None:
        self._found.setdefault(place, DataFinding(place.file, place.line, "contradiction", said, remedy))


class _Known:
    """What was stated so far, by the question's words. Packed into one string a question: there may be millions."""

    def __init__(self) -> None:
        self._packed: dict[int, str] = {}
        self._files: dict[str, int] = {}

    def add(self, question: int, place: _Place, own: Statement) -> list[tuple[_Place, Statement]]:
        """Return what was stated before, and keep what is stated now if it is something else."""
        packed = self._packed.get(question)
        known = [self._unpacked(each) for each in packed.split("\n")] if packed else []
        if len(known) < MOST_STATEMENTS and own not in [stated for _, stated in known]:
            number = self._files.setdefault(place.file, len(self._files))
            new = f"{number}\t{place.line}\t{own.packed()}"
            self._packed[question] = f"{packed}\n{new}" if packed else new
        return known

    def _unpacked(self, packed: str) -> tuple[_Place, Statement]:
        number, line, rest = packed.split("\t", 2)
        return _Place(list(self._files)[int(number)], int(line)), Statement.unpacked(rest)


class _Documents:
    """Looks up whether documents have an answer's figures."""

    def __init__(self, around: Surroundings) -> None:
        self._texts = around.documents
        self._numbers: dict[str, frozenset[str]] = {}
        self._missing: set[str] = set()

    def lacking(self, line: DataLine) -> list[StatedNumber]:
        """Return the figures of the answer that stand neither in the documents that the line names nor in its prompt.

        Only figures with a unit: bare numbers count steps and things, which no document has to say.
        """
        self._missing.update(name for name in line.documents if name not in self._texts)
        known = [name for name in line.documents if name in self._texts]
        claimed = [figure for figure in figures(line.answer) if figure.unit]
        if not known or len(known) < len(line.documents):
            return []
        open_ = [figure for figure in claimed if not any(figure.number in self._of(name) for name in known)]
        if not open_:
            return []
        text = "\n".join([*(self._texts[name] for name in known), line.prompt])
        return unbacked(open_, text)

    def said_missing(self) -> str:
        """Return which named documents there are not."""
        if not self._missing:
            return ""
        return f" ({len(self._missing)} documents that are named are not there, such as {min(self._missing)})"

    def _of(self, name: str) -> frozenset[str]:
        if name not in self._numbers:
            self._numbers[name] = frozenset(figure.number for figure in figures(self._texts[name]))
        return self._numbers[name]


def _of_other_things(earlier: _Sampled, later: _Sampled) -> bool:
    """Tell whether two questions of one form ask for different things: a word in which they differ is in its answer.

    That tells things apart whose names are written in lower case.
    """
    asked, other = tokens(earlier.prompt), tokens(later.prompt)
    answer, another = tokens(earlier.answer), tokens(later.answer)
    pairs = [(first, second) for first, second in zip(asked, other, strict=False) if first != second]
    return len(asked) == len(other) and any(first in answer or second in another for first, second in pairs)


def _named(text: str, known: frozenset[str], *, figures: bool = True) -> frozenset[str]:
    """Return the names and figures of a text, however they are written in it."""
    words = tokens(text)
    return frozenset(word for word in words if (figures if word[0].isdigit() else word in known))


def _asked(earlier: _Sampled, later: _Sampled) -> tuple[Message, ...]:
    asked = (
        "Two answers to one question follow. Answer yes if they cannot both be true, and no otherwise.\n\n"
        f"<question>{as_data(earlier.prompt, 'question', 'first', 'second')}</question>\n"
        f"<first>{as_data(earlier.answer, 'question', 'first', 'second')}</first>\n"
        f"<second>{as_data(later.answer, 'question', 'first', 'second')}</second>\n\n"
        "Is there a contradiction? yes or no:"
    )
    return (Message("user", asked),)
