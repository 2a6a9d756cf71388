"""Cutting files that stand within a text as `data:` addresses out of it. Code keeps them.

![The logo](data:image/png;base64,iVBORw0KGgo...)      ![The logo]()
"""

from __future__ import annotations

import re

from groundtune.knowledge.readers._left_out import Omissions

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)*(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)")
_CODE = r"(?<!`)(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)"
_MIME = r"[ ]*(?P<{0}>[\w.+-]*)[^\s,;]*"
_URI = re.compile(
    rf"{_CODE}"
    rf"|(?P<link>\]\([ ]*)<?data:{_MIME.format('linked')}[^\s>)]*>?"
    rf"|(?P<attribute>=[ ]*(?P<mark>[\"']))data:{_MIME.format('shown')}.*?(?=(?P=mark))"
    rf"|(?P<definition>^[ ]{{0,3}}\[[^\]\n]+\]:[ ]*)<?data:{_MIME.format('defined')}[^\s>]*>?"
    rf"|\bdata:{_MIME.format('bare')}(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=_%-]{{40,}}",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_KINDS = ("linked", "shown", "defined", "bare")


def without_data_uris(text: str, left_out: Omissions) -> str:
    """Return Markdown `text` without files in it, which are counted: pictures as images, others as attachments."""
    if "data:" not in text.lower():
        return text

    def cut(match: re.Match[str]) -> str:
        if match["ticks"]:
            return match[0]
        mime = next(match[kind] for kind in _KINDS if match[kind] is not None)
        left_out.add("image" if mime.lower() == "image" else "attachment")
        return match["link"] or match["attribute"] or (f"{match['definition']}<>" if match["definition"] else "")

    return "".join(part if is_code else _URI.sub(cut, part) for part, is_code in _parts(text))


def _parts(text: str) -> list[tuple[str, bool]]:
    """Return the text in pieces, and of each whether it is a block of code between fences."""
    parts: list[tuple[str, bool]] = []
    begin = place = 0
    fence = ""
    for line in text.splitlines(keepends=True):
        match = _FENCE.match(line)
        if match and not fence and not (match["fence"][0] == "`" and "`" in match["info"]):
            parts.append((text[begin:place], False))
            begin, fence = place, match["fence"]
        elif match and fence and match["fence"].startswith(fence) and not match["info"].strip():
            parts.append((text[begin : place + len(line)], True))
            begin, fence = place + len(line), ""
        place += len(line)
    parts.append((text[begin:], bool(fence)))
    return parts
