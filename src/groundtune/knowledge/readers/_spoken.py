"""What is said, as paragraphs with the second at which each begins: of subtitles, and of recordings.

A paragraph ends where somebody else speaks, after a pause, or at the end of a sentence if it is long. Knows nothing of
how a file writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._cues import Cue

_PAUSE = 4.0  # seconds without a cue
_LONG, _LONGEST = 400, 1000  # characters of a paragraph: it ends with a sentence, or with a cue
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")


@dataclass(slots=True)
class _Spoken:
    """What one person says without a pause, in seconds."""

    speaker: str
    start: float
    end: float
    words: list[str] = field(default_factory=list)
    length: int = 0
    sure: float | None = None  # confidence times length, in sum

    def ends_before(self, speaker: str, start: float) -> bool:
        if speaker != self.speaker or start - self.end > _PAUSE or self.length > _LONGEST:
            return True
        return self.length > _LONG and bool(_SENTENCE_END.search(self.words[-1]))

    def take(self, cue: Cue, words: str) -> None:
        length = len(words) + 1
        self.words.append(words)
        self.length += length
        self.end = max(self.end, cue.end)
        if cue.confidence is not None:
            self.sure = (self.sure or 0.0) + cue.confidence * length

    @property
    def confidence(self) -> float | None:
        return None if self.sure is None else self.sure / self.length


def write_spoken(cues: Sequence[Cue], builder: TextBuilder) -> None:
    """Write what is said, in order, with moments; a speaker is the context of what they say."""
    for spoken in _paragraphs(cues):
        words = " ".join(spoken.words)
        offset = builder.add(f"{spoken.speaker}: {words}" if spoken.speaker else words)
        builder.moment(offset, spoken.start, spoken.confidence)
        if offset is not None and spoken.speaker:
            builder.within(offset, offset + len(spoken.speaker) + 2 + len(words), spoken.speaker)


def _paragraphs(cues: Sequence[Cue]) -> Iterator[_Spoken]:
    spoken: _Spoken | None = None
    for cue in cues:
        for speaker, words in cue.said:
            if spoken is None or spoken.ends_before(speaker, cue.start):
                if spoken is not None:
                    yield spoken
                spoken = _Spoken(speaker, cue.start, cue.end)
            spoken.take(cue, words)
    if spoken is not None:
        yield spoken
