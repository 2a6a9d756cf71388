"""Paragraphs of DrawingML as text: runs, line breaks, fields, equations, symbols. Knows no shape and no list."""

from __future__ import annotations

import re

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.content import chosen
from groundtune.knowledge.readers._office.equations import linear
from groundtune.knowledge.readers._office.symbols import PRIVATE, symbol
from groundtune.knowledge.readers._ooxml import Element, child, children, name, value

_SIGNS = {"a:br": "\n", "a:tab": "\t"}
_UNSEEN = frozenset("a:pPr a:rPr a:endParaRPr a:extLst".split())
_CHANGING = ("slidenum", "datetime")  # fields that say another thing tomorrow, or on each slide
# What a data label shows in place of these is among the values of its chart.
_OF_CHARTS = frozenset("CELLRANGE CELLREF SERIESNAME CATEGORYNAME VALUE XVALUE YVALUE BUBBLESIZE PERCENTAGE".split())
# Control characters, as python-pptx writes them: XML cannot hold them.
_ESCAPED = re.compile("_x00[01][0-9A-Fa-f]_")


def paragraphs(root: Element, left_out: Omissions) -> list[str]:
    """Return what the paragraphs below an element say, without blank ones."""
    texts = (text_of(each, left_out) for each in root.iter() if name(each) == "a:p")
    return [text for text in texts if text.strip()]


def text_of(paragraph: Element, left_out: Omissions) -> str:
    """Return what a paragraph says.

    Left out and counted are fields with the number of a slide or today's date, as running heads.
    """
    pieces: list[str] = []
    equation_end = -1
    stack = list(paragraph)[::-1]
    while stack:
        element = stack.pop()
        kind = name(element)
        if kind == "a:r":
            pieces.append(_run(element, left_out))
        elif kind == "a:t":
            pieces.append("".join(element.itertext()))
        elif kind in _SIGNS:
            pieces.append(_SIGNS[kind])
        elif kind == "a:fld":
            pieces.append(_field(element, left_out))
        elif kind == "m:oMath":
            pieces.append(f" {linear(element)}" if equation_end == len(pieces) else linear(element))
            equation_end = len(pieces)
        elif kind == "mc:AlternateContent":
            branch = chosen(element)
            stack += [] if branch is None else [branch]
        elif kind not in _UNSEEN:
            stack += list(element)[::-1]
    return "".join(pieces)


def _run(run: Element, left_out: Omissions) -> str:
    text = "".join("".join(each.itertext()) for each in children(run, "a:t"))
    if _ESCAPED.search(text):
        left_out.add("control character", len(_ESCAPED.findall(text)))
        text = _ESCAPED.sub("", text)
    font = _font(run)
    if PRIVATE.search(text):
        text = PRIVATE.sub(lambda sign: _symbol(ord(sign[0]), font, left_out), text)
    elif len(text.strip()) == 1 and font.casefold().startswith("wingdings"):
        text = symbol(ord(text.strip()), font) or text
    return text.replace("\u00ad", "")


def _symbol(code: int, font: str, left_out: Omissions) -> str:
    shown = symbol(code, font)
    if not shown:
        left_out.add("control character")
    return shown


def _font(run: Element) -> str:
    properties = child(run, "a:rPr")
    return value(child(properties, "a:sym"), "typeface") or value(child(properties, "a:latin"), "typeface") or ""


def _field(element: Element, left_out: Omissions) -> str:
    kind = value(element, "type") or ""
    if kind.casefold().startswith(_CHANGING):
        left_out.add("running head")
        return ""
    return "" if kind.upper() in _OF_CHARTS else _run(element, left_out)
