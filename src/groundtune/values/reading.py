"""What a reader takes out of a file: its text, what belongs to the parts of it, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from groundtune.values.knowledge import Place

READING = 5
"""Version of reading and splitting: raised when the same file gives another text or other chunks than before."""

MediaKind = Literal["image", "sound"]
"""What is embedded besides text: pictures and recordings. Each kind has a space of its own."""

LeftOutKind = Literal[
    "attachment",
    "comment",
    "control character",
    "deleted text",
    "form control",
    "front matter",
    "hidden text",
    "image",
    "markup",
    "media",
    "navigation",
    "page without text",
    "quoted text",
    "repeated text",
    "running head",
    "script",
    "unreadable part",
]
LEFT_OUT_KINDS: tuple[str, ...] = get_args(LeftOutKind)
"""What readers may leave out, and nothing else; docs/files.md says what each means."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What stands in a file and not in its text: `count` pieces of a kind (`LEFT_OUT_KINDS`), and the reason."""

    kind: LeftOutKind
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A place where a new part of a text begins: `level` 1 is the outermost."""

    offset: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a piece needs to be understood that begins after `start` and before `end`: `text` stands at `start`, or sums
    up what does. A table has its caption and its header as contexts, a long row its label."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class PlainText:
    """What a reader took out of a file.

    `headings` and `contexts` are in order of place; a context that begins within another one ends within it.
    `segments` are the pages (or the parts of a recording) that the text consists of, in order; empty for a format
    without them. `metadata` is what the file says about itself: "title", "author", "date" (ISO 8601) and whatever else
    its format has. `readable_by` are the principals that it names as its readers, None if it names none. `left_out`
    has each kind at most once. `notes` say what a person should know of how it was read ("Read as windows-1252, ...").
    """

    text: str
    title: str
    headings: tuple[Heading, ...] = ()
    segments: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    contexts: tuple[Context, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    readable_by: tuple[str, ...] | None = None
