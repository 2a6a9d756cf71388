"""Plain text of e-mail: lines that were broken to fit, signatures around the text, and files written as letters.

Knows nothing of headers and of who quotes whom.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from groundtune.knowledge.readers._left_out import Omissions

_QUOTES = re.compile(r"(?:[A-Za-z]{0,3}>\s?)*")  # "> > " and "AS> "
_SIGNED = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]+:[^\n]*\n)*\n?", re.MULTILINE)
_PGP = re.compile(
    r"^-----BEGIN PGP (?P<what>SIGNATURE|MESSAGE|PUBLIC KEY BLOCK)(?:, PART [^\n]*)?-----.*?"
    r"(?:^-----END PGP (?P=what)(?:, PART [^\n]*)?-----[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_BLANKS = re.compile(r"\n{3,}")
_DASHED = re.compile(r"^- (?=-)", re.MULTILINE)
_UUENCODED = re.compile(
    r"^begin [0-7]{3,4} (?P<name>[^\n]{1,200})\n(?P<lines>(?:[ -`]{1,90}\n)+?)`?[ \t]*\n?end[ \t]*$", re.M
)
_ENRICHED = re.compile(r"<<|</?[A-Za-z][A-Za-z0-9-]{0,59}>")
_PARAM = re.compile(r"<param>(?:(?!<param>).)*?</param>", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class PlainBody:
    """A text, the files that are written in it, and whether some of it is encrypted."""

    text: str
    files: list[tuple[str, bytes]] = field(default_factory=list)
    encrypted: bool = False


def plain_body(text: str, left_out: Omissions) -> PlainBody:
    """Return a text without signatures of PGP and without files; what is left out is counted."""
    body = PlainBody(text)
    if "-----BEGIN PGP " in text:
        if _SIGNED.search(text):
            text = _DASHED.sub("", _SIGNED.sub("", text))
        for match in _PGP.finditer(text):
            body.encrypted |= match["what"] == "MESSAGE"
            if match["what"] != "MESSAGE":
                left_out.add("attachment", detail="digital signatures and keys")
        text = _PGP.sub("", text)
    if "\nend" in text and text.find("begin ") >= 0:
        body.files = list(_uuencoded(text))
        text = _UUENCODED.sub("", text) if body.files else text
    body.text = _BLANKS.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n")))
    return body


def _uuencoded(text: str) -> Iterator[tuple[str, bytes]]:
    for match in _UUENCODED.finditer(text):
        data = bytearray()
        for line in match["lines"].splitlines():
            try:
                data += binascii.a2b_uu(line.encode())
            except (binascii.Error, ValueError):
                continue
        yield match["name"].strip(), bytes(data)


def unfolded(text: str, delete_space: bool) -> str:
    """Return text of `format=flowed` with its paragraphs in one line each (RFC 3676)."""
    lines: list[list[str]] = []  # each in pieces
    open_depth = -1  # of the quote whose last line goes on
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        signature = content == "-- "
        flows = content.endswith(" ") and not signature
        if open_depth != depth or signature:
            lines.append([">" * depth + " " if depth else ""])
        lines[-1].append(content[:-1] if flows and delete_space else content)
        open_depth = depth if flows else -1
    return "\n".join(map("".join, lines))


def enriched(text: str) -> str:
    """Return text of the type text/enriched without its commands (RFC 1896)."""
    bare = _ENRICHED.sub(lambda match: "<" if match[0] == "<<" else "", _PARAM.sub("", text))
    return re.sub(r"\n(\n*)", lambda match: match[1] or " ", bare)


def without_marks(line: str) -> str:
    """Return a line without the marks of quotes before it."""
    match = _QUOTES.match(line.lstrip())
    return line.lstrip()[match.end() :] if match else line
