"""What a check is: it sees every line once, keeps little of it, and concludes. One file each, beside this one.

A line is seen as a `DataLine`, whatever dialect its file is written in, so that a check knows no formats. Checks see
millions of lines in little memory: what one keeps of a line is a few numbers, not its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from groundtune.protocols import ChatModel
from groundtune.settings import DataSettings
from groundtune.tuning.quality.findings import CheckResult

DataKind = Literal["supervised", "pair", "thumb", "text"]
Embed = Callable[[Sequence[str]], np.ndarray]  # texts -> (texts, dimension), rows of length 1


@dataclass(frozen=True, slots=True)
class DataLine:
    """One line of training data.

    `prompt` is all that the model is given, `answer` what it learns to say (the better answer of a pair, the text of a
    corpus), `rejected` the worse answer of a pair. `good` is the verdict of a thumb. `documents` are those it names.
    `question` is what the user said last, which is a part of `prompt`.
    `shown_first` is whether the annotator saw the better answer of a pair first; None where nobody noted it.
    """

    file: str
    line: int
    kind: DataKind
    prompt: str
    answer: str
    rejected: str = ""
    annotator: str = ""
    group: str = ""
    good: bool | None = None
    documents: tuple[str, ...] = ()
    shown_first: bool | None = None
    question: str = ""

    @property
    def asked(self) -> str:
        """What the answer is an answer to: the question, or all of the prompt where it has no turns."""
        return self.question or self.prompt


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What checks compare the data with.

    `questions` are the benchmark's (id to text), `ideal_answers` likewise; `documents` are the company's (id to text).
    `embed` and `judge` are None where there is no encoder or no judge: the checks that need them say that they did not
    run.
    """

    settings: DataSettings
    questions: Mapping[str, str] = field(default_factory=dict)
    ideal_answers: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    embed: Embed | None = None
    judge: ChatModel | None = None
    seed: int = 17


class Check(Protocol):
    """One kind of defect. Made anew for each run: a function `check(Surroundings) -> Check` in its file makes it."""

    def see(self, line: DataLine) -> None:
        """Take in one line."""
        ...

    def conclude(self) -> CheckResult:
        """Say what was found, once all lines were seen."""
        ...


@runtime_checkable
class LooksAgain(Protocol):
    """A check that wants some lines a second time, since it did not keep their texts.

    Lines have numbers, from 0, in the order in which they were seen. After all lines were seen, and after each further
    reading, `wanted` is asked for those of the next reading, until it wants none.
    """

    def wanted(self) -> NDArray[np.int64]:
        """Return the numbers of the lines that it wants to see again, in order; none if it is done."""
        ...

    def see_again(self, number: int, line: DataLine) -> None:
        """Take in a line that it wanted."""
        ...


@runtime_checkable
class TakesBroken(Protocol):
    """A check that is also told of lines that cannot be used."""

    def refuse(self, file: str, line: int, reason: str, remedy: str) -> None:
        """Take in that a line is broken."""
        ...


Mend = Callable[[str], str]
"""What a check offers to repair a text with: it returns the text without what the check looks for."""
