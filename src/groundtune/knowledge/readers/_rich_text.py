"""Texts as programs store them in fields: HTML, and Atlassian's document format, as plain text with lines.

"<p>It costs <b>5</b> euros.</p>"                            It costs 5 euros.
{"type": "doc", "content": [{"type": "paragraph", ...}]}

Atlassian's: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

import re

from groundtune.knowledge.readers._html.text import PageText
from groundtune.knowledge.readers._html.tree import parse
from groundtune.knowledge.readers._left_out import Omissions

_TAGS = "p|div|br|span|b|i|u|em|strong|a|ul|ol|li|table|tbody|tr|td|th|h[1-6]|html|body|blockquote|pre|code|img|font|hr"
_BEGINS = re.compile(rf"\s*(?:<!doctype\b|<(?:{_TAGS})\b[^<>]*>)", re.IGNORECASE)
_ENDS = re.compile(rf"(?:</(?:{_TAGS})>|<(?:br|img|hr)\b[^<>]*>)\s*\Z", re.IGNORECASE)
_WITHIN = re.compile(r"</(?:p|div|li|td|h[1-6]|span|b|strong|em|a)>|<br\b[^<>]*>", re.IGNORECASE)
_BLOCKS = frozenset("paragraph heading codeBlock blockquote listItem taskItem decisionItem tableRow panel rule".split())
_CELLS = frozenset(("tableCell", "tableHeader"))
_SAID = ("text", "shortName", "url", "title", "timestamp", "alt")  # attributes of mentions, emoji, cards, pictures


def is_document(value: object) -> bool:
    """Tell whether a value is a text in Atlassian's document format."""
    return isinstance(value, dict) and value.get("type") == "doc" and isinstance(value.get("content"), list)


def text_of(value: object, left_out: Omissions) -> str:
    """Return the text of a field, "" if it has none; what HTML leaves out is counted in `left_out`."""
    if is_document(value):
        parts: list[str] = []
        _gather(value, parts)
        lines = (" ".join(line.split()).strip("| ") for line in "".join(parts).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not isinstance(value, str):
        return ""
    if not _is_html(value):
        return "\n".join(line.rstrip() for line in value.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    builder = PageText(parse(value)).write()
    left_out.include(builder.left_out)
    return builder.plain().text


def _is_html(text: str) -> bool:
    """Tell whether a text is HTML, and not Markdown or a program with some HTML in it, whose lines count."""
    if "<" not in text:
        return False
    if _BEGINS.match(text):
        return bool(_ENDS.search(text)) or "\n\n" not in text.strip()
    return "\n" not in text.strip() and "`" not in text and bool(_WITHIN.search(text))


def _gather(node: object, parts: list[str]) -> None:
    """Collect the text of a node and of all in it; what is not known is read through."""
    if isinstance(node, list):
        for each in node:
            _gather(each, parts)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("type")
    text, attributes = node.get("text"), node.get("attrs")
    if isinstance(text, str):
        parts.append(text)
    elif isinstance(attributes, dict) and "content" not in node:
        parts.append(str(next((attributes[key] for key in _SAID if isinstance(attributes.get(key), str)), "")))
    if kind == "hardBreak":
        parts.append("\n")
    elif kind == "listItem":
        parts.append("- ")
    _gather(node.get("content"), parts)
    if kind in _CELLS:
        while parts and not parts[-1].strip():
            parts.pop()
        parts.append(" | ")
    elif kind in _BLOCKS and parts and parts[-1] != "\n\n":
        parts.append("\n" if kind in ("listItem", "tableRow") else "\n\n")
