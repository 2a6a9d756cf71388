"""Finds what stands above a table and says what it is: its caption, the sentence that leads to it, its period and unit.

    CONDENSED CONSOLIDATED STATEMENTS OF INCOME         the caption begins here
    (In millions, except per share data)

    | Three Months Ended October 30, 2022 | Three Months Ended October 31, 2021
    Revenue | $ 5,931 | $ 7,103

Knows text alone, of whatever format: lines, paragraphs and sentences.
"""

from __future__ import annotations

import re

from groundtune.sentences import SPACED_ENDS, UNSPACED_ENDS, sentence_spans

LONGEST_CAPTION = 300  # characters
_LONGEST_LINE = 120  # characters; a longer line is a part of a text
_MOST_LINES = 4
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_EMPHASIS = re.compile(r"([*_]{1,3})(\S.*)\1")  # of Markdown
_ITEM = re.compile(r"[-*+•]\s|[>|]|\d+[.)]\s")
_PERIOD = re.compile(r"\b(?:19|20)\d\d\b|\bQ[1-4]\b|\b(?:weeks?|months?|quarters?|years?) ended\b", re.IGNORECASE)
_ONLY_PERIOD = re.compile(  # a day in either order, or what has ended
    r"[^\W\d]{3,} \d{1,2},? \d{4}|\d{1,2}\.? [^\W\d]{3,} \d{4}"
    r"|.{0,20}\b(?:weeks?|months?|quarters?|years?) ended.{0,20}",
    re.IGNORECASE,
)
_NAMES_A_TABLE = re.compile(r"\b(?:tables?|tabellen?|tableaux?|tablas?|tabelas?)\b|表", re.IGNORECASE)


def caption_start(text: str, floor: int, table: int) -> int | None:
    """Return where the caption begins of the table that begins at `table`; None if it has none.

    It is the paragraph of short lines right above, and what stands above that if it says no more than a unit or a
    period. A paragraph of sentences gives its last one, if that leads to the table. Text before `floor`, where a
    heading or another table ends, is not looked at.
    """
    first = max(floor, table - 2 * LONGEST_CAPTION)
    above = text[first:table].rstrip()
    begin, end = None, len(above)
    while end > 0:
        start = max((match.end() for match in _PARAGRAPH.finditer(above, 0, end)), default=0)
        lines = [_EMPHASIS.sub(r"\2", line.strip()) for line in above[start:end].split("\n")]
        if len(above) - start > LONGEST_CAPTION or not _are_titles(lines):
            leading = _leading_sentence(above, end)
            begin = begin if leading is None else leading
            break
        begin = start
        if not all(map(_only_qualifies, lines)):
            break
        end = len(above[:start].rstrip())
    return None if begin is None else first + begin


def names_a_period(text: str) -> bool:
    """Tell whether a text has a year, a quarter or the like in it."""
    return bool(_PERIOD.search(text))


def is_period(text: str) -> bool:
    """Tell whether a text is but a period: a heading of this kind has what it is about above it."""
    return bool(_ONLY_PERIOD.fullmatch(text))


def _are_titles(lines: list[str]) -> bool:
    return len(lines) <= _MOST_LINES and all(map(_is_title, lines))


def _is_title(line: str) -> bool:
    """Tell whether a line is no sentence, no item of a list, and no number of a page."""
    says = any(map(str.isalpha, line)) or names_a_period(line)
    if not says or len(line) > _LONGEST_LINE or (_ITEM.match(line) and not is_period(line)):
        return False
    return line[-1] not in SPACED_ENDS + UNSPACED_ENDS and len(sentence_spans(line)) == 1


def _only_qualifies(line: str) -> bool:
    """Tell whether a line is but a remark in brackets or a period."""
    return (line.startswith("(") and line.endswith(")")) or names_a_period(line)


def _leading_sentence(above: str, end: int) -> int | None:
    """Return where the last sentence before `end` begins if it leads to a table."""
    start, stop = next(reversed(sentence_spans(above[:end])), (0, 0))
    said = above[start:stop]
    leads = said.endswith((":", "：")) or _NAMES_A_TABLE.search(said)
    return start if leads and len(above) - start <= LONGEST_CAPTION else None
