"""Text that quotes an earlier message, word for word: it is found, so that a mailbox says everything once.

    On Friday, Ana wrote:                      An attribution, or the headers of another message,
    > It costs 5 euros.                        and what is marked below it, or all that follows it.

Only lines go of which every word stands, in this order, in a message before. Knows nothing of headers and parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from groundtune.knowledge.readers._mail.plain import without_marks
from groundtune.values import PlainText

QuotedSpan = tuple[int, int]

_WINDOW = 5  # words in a row that are known or not
_MARKED = re.compile(r"[ \t]{0,2}(?:[A-Za-z]{0,3}>|\|(?!.*\|))")  # ">", "AS>" and "|"
_WORDS = re.compile(r"\w+")
_WROTE = re.compile(
    r"(?:wrote|writes|said|schrieb|écrit|escribió|escreveu|scritto|schreef|skrev|kirjoitti|napisał\w*|написал\w*|пишет"
    r"|píše|yazdı|写道|寫道|のメッセージ|からのメール)\b[^\n]{0,120}?[:：]?\s*$",
    re.IGNORECASE,
)
_DIVIDER = re.compile(
    r"\s*(?:[-_=*]{5,}[^\n]*|[-_=*]{2,}\s?[^\n]{4,60}\s?[-_=*]{2,}|Begin forwarded message:)\s*$", re.I
)
_DATED_BEGINNING = re.compile(r"(?:On|Am|Le|El|Il|Op|Em|Den|Dne|Dnia|W dniu|На|В|På|Pe)\b[^\n]*\d|\d")
_DATE_OR_ADDRESS = re.compile(r"@|\d{4}|\d{1,2}[.:/-]\d{1,2}")
_SENTENCE = re.compile(r"[.!?]\s")
_RULE = re.compile(r"\s*[-_=*]{5,}\s*$")
_FROM = re.compile(
    r"\s*\*?(?:From|Von|De|Da|Van|Od|Från|Fra|Lähettäjä|От|Від|发件人|寄件者|差出人|보낸 사람)\s?:\*?\s*\S", re.I
)
_FIELD = re.compile(r"\s*\*?[^\W\d_][\w \u00a0-]{0,24}\s?[:：]\*?(?:\s|$)")
_ATTRIBUTION_LINES = 3
_LONGEST_ATTRIBUTION, _SHORT = 400, 80  # characters
_FEWEST_FIELDS = 3


@dataclass(slots=True)
class _Line:
    start: int
    end: int
    text: str
    bare: str  # without marks
    words: list[str]
    quoted: bool = False
    link: bool = False  # an attribution, or headers above a quote
    gone: bool = False


class Quotes:
    """What the messages so far say, and which lines of the next one say it again."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def repeated(self, text: str) -> list[QuotedSpan]:
        """Return the spans of `text` that quote a message before, and remember what it says."""
        lines = _lines(text)
        _find_quotes(lines)
        place = 0
        while place < len(lines):
            if not lines[place].quoted:
                place += 1
                continue
            end = next((at for at in range(place, len(lines)) if not _may_belong(lines[at])), len(lines))
            self._judge(lines[place:end])
            place = end
        self._learn(lines)
        return _spans(lines)

    def _judge(self, run: Sequence[_Line]) -> None:
        """Mark the lines of a run of quotes that are known."""
        words = [(word, line) for line in run if line.quoted for word in line.words]
        covered = [False] * len(words)
        known = [word for word, _ in words]
        size = min(_WINDOW, len(known))
        for at in range(len(known) - size + 1 if size else 0):
            if hash(tuple(known[at : at + size])) in self._known:
                covered[at : at + size] = [True] * size
        unknown = {id(line) for (_, line), is_known in zip(words, covered, strict=True) if not is_known}
        for line in run:
            own = tuple(line.words) if line.quoted else ()
            line.gone = bool(own) and (id(line) not in unknown or self._is_short(own))
        for line, following in zip(reversed(run), [None, *reversed(run)], strict=False):
            if line.link or not line.words:
                line.gone = following is not None and following.gone

    def _is_short(self, words: tuple[str, ...]) -> bool:
        return len(words) < _WINDOW and hash(words) in self._known

    def _learn(self, lines: Sequence[_Line]) -> None:
        words = [word for line in lines for word in line.words]
        self._known.update(hash(tuple(words[at : at + _WINDOW])) for at in range(len(words) - _WINDOW + 1))
        paragraph: list[str] = []
        for line in [*lines, None]:
            if line is not None and line.words:
                paragraph += line.words
            elif paragraph:
                if len(paragraph) < _WINDOW:
                    self._known.add(hash(tuple(paragraph)))
                paragraph = []


def without(plain: PlainText, spans: Sequence[QuotedSpan]) -> PlainText:
    """Return `plain` without `spans`, which are in order; what stands behind them moves up."""
    if not spans:
        return plain
    kept, moved, place = [], [], 0
    for start, end in [*spans, (len(plain.text), len(plain.text))]:
        kept.append(plain.text[place:start])
        moved.append((place, start))
        place = end

    def at(offset: int) -> int:
        return sum(min(max(offset - start, 0), end - start) for start, end in moved)

    headings = [each for each in plain.headings if not any(start <= each.offset < end for start, end in spans)]
    contexts = [replace(each, start=at(each.start), end=at(each.end)) for each in plain.contexts]
    return replace(
        plain,
        text="".join(kept),
        headings=tuple(replace(each, offset=at(each.offset)) for each in headings),
        contexts=tuple(each for each in contexts if each.start < each.end),
    )


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for line in text.split("\n"):
        bare = without_marks(line)
        lines.append(_Line(start, start + len(line), line, bare, _WORDS.findall(bare.casefold())))
        start += len(line) + 1
    return lines


def _find_quotes(lines: Sequence[_Line]) -> None:
    """Mark what is quoted: marked lines, and what follows an attribution without marks."""
    rest = False
    place = 0
    while place < len(lines):
        line = lines[place]
        links = _link(lines, place)
        line.quoted = rest or bool(_MARKED.match(line.text)) or bool(links)
        for each in lines[place : place + links]:
            each.quoted = each.link = True
        place += max(1, links)
        if links and not rest:
            following = next((each for each in lines[place:] if each.text.strip()), None)
            rest = following is not None and not _MARKED.match(following.text)


def _link(lines: Sequence[_Line], place: int) -> int:
    """Return how many lines from `place` on say that a quote follows; 0 if they do not."""
    text = lines[place].bare
    if not text.strip():
        return 0
    if _DIVIDER.match(text):
        begins = next((at for at in range(place + 1, len(lines)) if lines[at].text.strip()), None)
        above = begins - place if begins is not None else 0
        fields = _fields(lines, begins) if begins is not None else 0
        return above + fields if fields else int(not _RULE.match(text) and "." not in text)
    if _FROM.match(text):
        return _fields(lines, place)
    parts: list[str] = []
    for line in lines[place : place + _ATTRIBUTION_LINES]:
        if not (part := line.bare.strip()):
            return 0
        parts.append(part)
        if part.endswith((":", "：")) and _is_attribution(parts):
            return len(parts)
    return 0


def _is_attribution(parts: Sequence[str]) -> bool:
    """Tell whether lines name who wrote what follows, and say nothing else."""
    joined = " ".join(parts)
    if len(joined) > _LONGEST_ATTRIBUTION or not _WROTE.search(joined):
        return False
    if len(parts) > 1:
        return bool(_DATED_BEGINNING.match(joined))
    return bool(_DATE_OR_ADDRESS.search(joined)) or (len(joined) <= _SHORT and not _SENTENCE.search(joined))


def _fields(lines: Sequence[_Line], place: int) -> int:
    """Return how many lines from `place` on are headers of another message, "From: ..." first."""
    if not _FROM.match(lines[place].bare):
        return 0
    count = 1
    for line in lines[place + 1 : place + 12]:
        if not _FIELD.match(line.bare):
            break
        count += 1
    return count if count >= _FEWEST_FIELDS else 0


def _may_belong(line: _Line) -> bool:
    return line.quoted or not line.text.strip()


def _spans(lines: Sequence[_Line]) -> list[QuotedSpan]:
    """Return where the lines are that go, those side by side together."""
    spans: list[QuotedSpan] = []
    for line in lines:
        if line.gone:
            if spans and spans[-1][1] == line.start:
                spans[-1] = spans[-1][0], line.end + 1
            else:
                spans.append((line.start, line.end + 1))
    end = lines[-1].end
    return [(start, min(stop, end)) for start, stop in spans]
