"""Subtitles and transcripts (.vtt, .srt): what is said, in paragraphs, each with the second at which it begins.

    00:11.000 --> 00:13.000                           Roger: We are in New York City, at the Lucerne Hotel.
    <v Roger>We are in New York City,
                                                      at second 11
    00:13.000 --> 00:16.000
    <v Roger>at the Lucerne Hotel.

Captions that roll up the screen repeat what stood there before: it is read once. Knows nothing of how a cue is written,
nor of where a paragraph ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._cues import Cue, captions
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._spoken import write_spoken
from groundtune.values import PlainText

_ROLLING = 0.3  # of the cues repeat the end of the one before
_FEWEST = 3  # words in a row that count as repeated, or all of a cue
_LONGEST_OVERLAP = 100  # words
_NAMED = re.compile(r"(?P<name>[^\W\d_][\w.'’-]*(?: [\w.'’()-]+){0,4}): (?P<words>\S.*)", re.DOTALL)


class SubtitleReader:
    """Reads WebVTT and SubRip."""

    suffixes = (".vtt", ".srt")

    def read(self, path: Path) -> PlainText:
        """Return what is said; the title is what a WebVTT file's first line says, or made of the file's name.

        Raises `UnreadableDocument` if no line has times.
        """
        source = decoded(path)
        builder = TextBuilder()
        builder.left_out.include(source.left_out)
        read = captions(source.text, builder.left_out)
        if not read.cues and source.text.removeprefix("WEBVTT").strip():
            raise UnreadableDocument(
                "is no file of subtitles: no line says when something is said.",
                place=path,
                remedy='Write lines like "00:01:05.000 --> 00:01:07.500" above what is said.',
            )
        cues, repeated = _once(_with_speakers(read.cues))
        builder.left_out.add("repeated text", repeated, "captions that repeat the ones before")
        write_spoken(cues, builder)
        return builder.plain(
            title=read.title or name_of(path),
            metadata=described(title=read.title, language=read.header.get("language"), kind=read.header.get("kind")),
            notes=source.notes,
        )


def _with_speakers(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues with the speakers whose names stand before what they say: "Ada Byron: Hello" in most of them."""
    matches = [_NAMED.fullmatch(words) for cue in cues for speaker, words in cue.said if not speaker]
    counts = Counter(match["name"] for match in matches if match)
    names = {name for name, count in counts.items() if count > 1}
    if 2 * sum(counts[name] for name in names) < len(cues):
        return list(cues)

    def named(speaker: str, words: str) -> tuple[str, str]:
        match = None if speaker else _NAMED.fullmatch(words)
        return (match["name"], match["words"]) if match and match["name"] in counts else (speaker, words)

    return [replace(cue, said=tuple(named(*pair) for pair in cue.said)) for cue in cues]


def _once(cues: Sequence[Cue]) -> tuple[list[Cue], int]:
    """Return the cues without what rolls up from the one before, and how many of them repeat something.

    In files whose captions do not roll, people may say the same twice.
    """
    words = [[word for _, said in cue.said for word in said.split()] for cue in cues]
    overlaps = [_overlap(before, own) for before, own in pairwise([[], *words])]
    repeating = sum(map(bool, overlaps))
    if repeating < 2 or repeating < _ROLLING * len(cues):
        return list(cues), 0
    kept = []
    for cue, overlap in zip(cues, overlaps, strict=True):
        said, skipped = [], overlap
        for speaker, text in cue.said:
            own = text.split()
            said.append((speaker, " ".join(own[skipped:])))
            skipped = max(0, skipped - len(own))
        kept.append(replace(cue, said=tuple(pair for pair in said if pair[1])))
    return kept, repeating


def _overlap(before: Sequence[str], words: Sequence[str]) -> int:
    """Return how many words at the end of `before` begin `words`: three at least, or all of either."""
    most = min(len(before), len(words))
    for count in range(min(most, _LONGEST_OVERLAP), 0, -1):
        if before[-count:] == words[:count]:
            return count if count >= _FEWEST or count == most else 0
    return 0


def groundtune_reader() -> SubtitleReader:
    """Hook of `readers`."""
    return SubtitleReader()
