"""Cues of WebVTT and SubRip files: when each begins and ends, and who says what in it. Knows nothing of paragraphs.

    00:00:04.000 --> 00:00:06.500 align:left          WebVTT: https://www.w3.org/TR/webvtt1/
    <v Ada>It costs <i>5</i> euros.</v>

A line with times begins a cue, whatever stands around it: files of many programs lack blank lines, or have too many.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from groundtune.knowledge.readers._left_out import Omissions

_CLOCK = r"(?:(\d{1,6})\s?:\s?)?(\d{1,2})\s?:\s?(\d{1,2})(?:\s?[.,:]\s?(\d{1,6}))?"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-{{1,2}}>\s*{_CLOCK}(?:\s.*)?")
_BLOCK = re.compile(r"(NOTE|STYLE|REGION)(?:\s|$)")
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z]*+)(?P<rest>[^<>]*+)>|\{\\[^{}]*\}")
_KNOWN_TAGS = frozenset(("v", "c", "i", "b", "u", "s", "lang", "ruby", "rt", "font", "span", "br", "p"))
_TIME_TAG = re.compile(r"[\d:.,]+")  # <00:00:01.500>, which says when a word is said
_HEADER = re.compile(r"(?P<name>[\w -]{1,40}?)[ \t]*[:=][ \t]*(?P<value>.+)")


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from `start` to `end`, in seconds: pairs of a speaker, "" if nobody is named, and what is said.

    `confidence` is from 0 to 1; None if people wrote it down.
    """

    start: float
    end: float
    said: tuple[tuple[str, str], ...]
    confidence: float | None = None


@dataclass(slots=True)
class Captions:
    """A file's cues in the order in which they begin, and what its header says."""

    cues: list[Cue] = field(default_factory=list)
    title: str = ""
    header: dict[str, str] = field(default_factory=dict)


def captions(text: str, left_out: Omissions) -> Captions:
    """Return the cues of a file. Counts notes, styles, regions and blocks without times in `left_out`."""
    lines = text.split("\n")
    read = Captions()
    is_vtt = lines[0].startswith("WEBVTT")
    times = [number for number, line in enumerate(lines) if "->" in line and _TIMES.fullmatch(line)]
    begin = _header(lines, read) if is_vtt else 0
    first = _without_name(lines, times[0], begin, is_vtt, begin) if times else len(lines)
    _between(lines[begin:first], left_out)
    for number, at in enumerate(times, start=1):
        until = len(lines) if number == len(times) else _without_name(lines, times[number], at + 1, is_vtt)
        payload = lines[at + 1 : until]
        if is_vtt and "" in payload:
            ends = payload.index("")  # a cue ends with an empty line; in SubRip it may have some within
            _between(payload[ends:], left_out)
            payload = payload[:ends]
        match = _TIMES.fullmatch(lines[at])
        assert match is not None
        said = _said(payload)
        if said:
            read.cues.append(Cue(_seconds(match.groups()[:4]), _seconds(match.groups()[4:]), said))
    read.cues.sort(key=lambda cue: cue.start)
    return read


def _header(lines: list[str], read: Captions) -> int:
    """Read the header of a WebVTT file and return the line behind it."""
    read.title = lines[0].removeprefix("WEBVTT").strip(" \t-–—:")
    for number, line in enumerate(lines[1:], start=1):
        if not line.strip() or "->" in line:
            return number
        if match := _HEADER.fullmatch(line.strip()):
            read.header[match["name"].lower()] = match["value"].strip()
    return len(lines)


def _without_name(lines: list[str], at: int, least: int, is_vtt: bool, begin: int = -1) -> int:
    """Return where a cue begins whose times are on line `at`: a line above may name or number it.

    A number may follow the text of another cue at once, a name follows a blank line, or what begins the file.
    """
    if at - 1 < least or not lines[at - 1].strip():
        return at
    above = lines[at - 1].strip()
    alone = at - 1 == begin or not lines[at - 2].strip()
    return at - 1 if (above.isdigit() and (alone or at - 1 > least)) or (is_vtt and alone) else at


def _between(lines: list[str], left_out: Omissions) -> None:
    """Count the blocks that are no cues: notes, styles, regions, and text without times."""
    kind = ""
    for line in lines:
        if not line.strip():
            kind = ""
        elif not kind:
            match = _BLOCK.match(line)
            kind = match[1] if match else "text"
            if kind == "NOTE":
                left_out.add("comment", detail="notes")
            elif kind == "STYLE":
                left_out.add("script", detail="styles")
            elif kind == "REGION":
                left_out.add("markup", detail="regions of the picture")
            else:
                left_out.add("unreadable part", detail="text without times")


def _seconds(clock: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in clock)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")


def _said(payload: list[str]) -> tuple[tuple[str, str], ...]:
    """Return who says what in the lines of a cue, without tags."""
    said: list[tuple[str, str]] = []
    speaker, place, text = "", 0, "\n".join(payload)
    for match in _TAG.finditer(text):
        name = match["name"]
        if name is not None and not (name.lower() in _KNOWN_TAGS or (not name and _is_tag(match))):
            continue  # "a < b > c"
        _add(said, speaker, text[place : match.start()])
        place = match.end()
        if (name or "").lower() == "v":
            speaker = "" if match["end"] else _annotation(match["rest"])
    _add(said, speaker, text[place:])
    merged: list[tuple[str, str]] = []
    for who, words in said:
        if merged and merged[-1][0] == who:
            merged[-1] = who, merged[-1][1] + words
        else:
            merged.append((who, words))
    squeezed = ((who, " ".join(words.split())) for who, words in merged)
    return tuple((who, words) for who, words in squeezed if words)


def _is_tag(match: re.Match[str]) -> bool:
    rest = match["rest"].strip()
    return bool(_TIME_TAG.fullmatch(rest)) or (not rest and bool(match["end"]))


def _annotation(rest: str) -> str:
    """Return the name in `<v.first.loud Name>`."""
    name = rest.lstrip()
    if rest.startswith("."):
        name = rest.partition(" ")[2]
    return " ".join(html.unescape(name).split())


def _add(said: list[tuple[str, str]], speaker: str, text: str) -> None:
    if text:
        said.append((speaker, html.unescape(text).replace("\u200e", "").replace("\u200f", "")))
