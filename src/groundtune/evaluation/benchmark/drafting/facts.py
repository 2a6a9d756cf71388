"""Facts in plain text that a question can be made of without understanding it: table cells, `key: value` rows,
questions that are answered, and sentences of a few fixed forms (prices, durations, defaults, definitions).

English forms. Knows no question and no case. What it takes for a subject may be half of one: drafts made of facts
are for an expert to look at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from groundtune.values import Chunk

Form = Literal["cell", "cost", "duration", "default", "definition", "act", "asked", "heading"]
Spans = Callable[[str], list[tuple[int, int]]]

_RULE = re.compile(r"[\s|:+-]+")
_PAIR = re.compile(r"(?P<key>[A-Za-z][\w /()-]{1,40}): (?P<value>\S.*)")
_CLOSED = re.compile(r"[.!?:;]$")
_SPACE = re.compile(r"\s+")
_TERM = re.compile(r"(?P<term>[\w.+-]+)(?: ?\([\w ,]+\))?")
_AMOUNT = r"(?:[€$£] ?\d[\d.,]*|\d[\d.,]* ?(?:euros?|dollars?|cents?|pounds?|EUR|USD|GBP|€|\$|£))"
_TIME = r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|milliseconds?|ms)"
_COUNT = r"(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"
_SUBJECT = r"(?P<subject>(?:(?:The|An?|Each|Every|All|One) )?[\w][^.,;:()]{1,60}?)"
_SENTENCES: tuple[tuple[Form, re.Pattern[str]], ...] = (
    ("cost", re.compile(rf"{_SUBJECT} (?P<verb>costs?) (?P<value>(?:up to |about |only )?{_AMOUNT}.*)")),
    (
        "duration",
        re.compile(
            rf"{_SUBJECT} (?P<verb>takes?|lasts?) "
            rf"(?P<value>(?:up to |at least |about |from )?{_COUNT}[\w -]*? ?{_TIME}.*)"
        ),
    ),
    (
        "default",
        re.compile(r"(?:The|Its) default(?: value| setting)? (?:for (?P<subject>[\w ]{2,40}) )?is (?P<value>\S.*)"),
    ),
    ("definition", re.compile(rf"{_SUBJECT} (?P<verb>is|are) (?P<value>(?:an?|the|used) \S+ .*)")),
    (
        "act",
        re.compile(
            rf"(?:{_SUBJECT} )?(?P<verb>[Ss]pecifies|[Ss]ets|[Cc]ontrols|[Dd]etermines|[Rr]eturns|[Cc]reates|[Rr]emoves"
            r"|[Ee]nables|[Aa]llows|[Cc]ontains|[Ii]ncludes|[Pp]rovides|[Ss]upports|[Rr]equires) (?P<value>\S+ \S.*)"
        ),
    ),
)
# What stands for something said before names no subject by itself, nor does a clause or a phrase of place.
_NO_SUBJECT = re.compile(
    r"(?:it|its|this|that|these|those|they|their|there|he|she|we|you|your|our|i|if|when|while|where|which|what|who|as|"
    r"in|on|at|for|to|from|with|by|of|and|but|or|so|then|note|also|however|here|after|before|both|such|same|not|no|"
    r"one|some|many|most|other|another|example|either|neither|each of|all of|because|since|unless|although|once|until|"
    r"the following|the above|the former|the latter|the first|the second|the same|without|using|depending|there)\b",
    re.IGNORECASE,
)
# "access controls also have": what follows shows that the verb was none.
_NO_VALUE = re.compile(r"(?:and|or|also|have|has|had|are|is|was|were|can|may|must|will|of|for|in|on|to|with)\b")
_NUMBERING = re.compile(r"(?:(?:Chapter|Appendix|Section|Part)\s\w+\.\s|\d+(?:\.\d+)*\.?\s)")
_IDENTIFIER = re.compile(r"\w*[_()\d]")
_SUBJECT_WORDS = 8
_VALUE_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class DocumentFact:
    """Something that `quote`, a piece of `document`, says of `subject`.

    `attribute` is a column's or a key's name ("" for sentences), `verb` a sentence's.
    """

    form: Form
    document: str
    subject: str
    value: str
    quote: str
    attribute: str = ""
    verb: str = ""


def facts(passage: Chunk, spans: Spans) -> list[DocumentFact]:
    """Return the facts of a passage; `spans` cuts a text into sentences."""
    extracted = [*_asked(passage), *_cells(passage), *_pairs(passage), *_sentences(passage, spans)]
    if not extracted:
        extracted = [*_heading(passage, spans)]
    return list({(fact.subject, fact.attribute, fact.quote): fact for fact in extracted}.values())


def _cells(passage: Chunk) -> Iterator[DocumentFact]:
    """In a table whose first corner is empty, columns are subjects; else rows are, named by their first cell."""
    for header, rows in _tables(passage.text):
        for quote, cells in rows:
            for name, value in list(zip(header, cells, strict=True))[1:]:
                subject, attribute = (name, cells[0]) if not header[0] else (cells[0], name)
                if (
                    _named(subject)
                    and _named(attribute)
                    and not attribute[0].isdigit()
                    and any(map(str.isalnum, value))
                ):
                    yield DocumentFact("cell", passage.document, subject, value, quote, attribute)


def _tables(text: str) -> Iterator[tuple[list[str], list[tuple[str, list[str]]]]]:
    """Yield (header, [(line, cells)]) of runs of lines with the same number of cells."""
    run: list[tuple[str, list[str]]] = []
    for line in [*text.split("\n"), ""]:
        cells = _split_row(line)
        if cells is not None and (not run or len(run[0][1]) == len(cells)):
            run.append((line.strip(), cells))
            continue
        if cells is None and line.strip() and _RULE.fullmatch(line):
            continue
        if len(run) > 1:
            yield run[0][1], run[1:]
        run = [] if cells is None else [(line.strip(), cells)]


def _split_row(line: str) -> list[str] | None:
    line = line.strip()
    if _RULE.fullmatch(line):
        return None
    inner = line.removeprefix("|").removesuffix("|") if line.startswith("|") else line
    cells = [cell.strip() for cell in (inner.split("|") if "|" in inner else inner.split("\t"))]
    return cells if len(cells) > 1 else None


def _pairs(passage: Chunk) -> Iterator[DocumentFact]:
    """Rows of `key: value`: the first names the record, or else the heading does."""
    for block in passage.text.split("\n\n"):
        lines = [line.strip() for line in block.strip().split("\n")]
        rows = [match for line in lines if (match := _PAIR.fullmatch(line))]
        if not rows or len(rows) < len(lines):
            continue
        subject, rest = (rows[0]["value"], rows[1:]) if len(rows) > 1 else (_last_heading(passage), rows)
        for row in rest:
            if _named(subject) and row[0] not in passage.heading:
                yield DocumentFact("cell", passage.document, subject, row["value"], row[0], row["key"])


def _asked(passage: Chunk) -> Iterator[DocumentFact]:
    """A line that asks, and below it what answers."""
    lines = passage.text.split("\n")
    for line, following in pairwise(lines):
        question, answer = line.strip().lstrip("#").strip(), following.strip()
        if question.endswith("?") and len(question.split()) > 3 and answer and not answer.endswith("?"):
            yield DocumentFact("asked", passage.document, question, answer, answer)


def _sentences(passage: Chunk, spans: Spans) -> Iterator[DocumentFact]:
    for start, end in spans(passage.text):
        quote = passage.text[start:end]
        sentence = _SPACE.sub(" ", quote).strip()
        if not _whole(sentence) or len(sentence) > _VALUE_CHARACTERS or "|" in sentence:
            continue
        for form, pattern in _SENTENCES:
            match = pattern.fullmatch(sentence)
            subject = _subject(match["subject"], passage.text[:start], form) if match else ""
            if match and subject and not _NO_VALUE.match(match["value"]):
                verb = match.groupdict().get("verb") or ""
                yield DocumentFact(form, passage.document, subject, match["value"], quote.strip(), verb=verb.lower())
                break


def _subject(named: str | None, above: str, form: Form) -> str:
    """Return what the sentence is about: what it names, or else the term that it describes; "" if neither is known."""
    subject = (named or "").strip() or _term(above, form)
    if not subject or _NO_SUBJECT.match(subject) or len(subject.split()) > _SUBJECT_WORDS:
        return ""
    first, _, rest = subject.partition(" ")
    return f"{first.lower()} {rest}" if first in ("The", "A", "An", "Each", "Every", "All", "One") else subject


def _term(above: str, form: Form) -> str:
    """Return the term whose description begins here, a line of its own as in `port (integer)`.

    A default may stand further down in the description: there the nearest term with a kind in brackets counts.
    """
    lines = [line.strip().lstrip("#").strip() for line in above.rstrip().split("\n")]
    begins = re.search(r"\n\s*\n\s*$", above) is not None
    nearest = [lines[-1]] if begins else []
    if form == "default":
        nearest += [line for line in reversed(lines) if line.endswith(")")]
    terms = (match["term"] for line in nearest if (match := _TERM.fullmatch(line)))
    return next((term for term in terms if len(term) > 2), "")


def _heading(passage: Chunk, spans: Spans) -> Iterator[DocumentFact]:
    """Where nothing better is found: the first whole sentence below the heading that the passage begins with."""
    heading = _last_heading(passage)
    if not heading or not passage.text.lstrip("# \n").startswith(f"{heading}\n"):
        return
    for start, end in spans(passage.text):
        quote = passage.text[start:end].strip()
        if _whole(quote) and len(quote.split()) > 6:
            yield DocumentFact("heading", passage.document, _NUMBERING.sub("", heading), quote, quote)
            return


def _whole(sentence: str) -> bool:
    """Lines that were broken within a sentence leave pieces that begin small; identifiers may."""
    first = sentence.split(" ", 1)[0]
    return sentence.endswith(".") and (first[:1].isupper() or _IDENTIFIER.match(first) is not None)


def _named(name: str) -> bool:
    return any(map(str.isalpha, name)) and len(name.split()) <= _SUBJECT_WORDS and name[-1] not in ".!?"


def _last_heading(passage: Chunk) -> str:
    return passage.heading.rpartition(" > ")[2].strip()


def value_sentence(fact: DocumentFact) -> str:
    """Return the sentence that answers: the quote itself, or one made of a cell or a default."""
    if fact.form == "cell":
        value = fact.value if _CLOSED.search(fact.value) else f"{fact.value}."
        return f"The {lowered(fact.attribute)} of {fact.subject} is {value}"
    if fact.form == "default":
        return f"The default for {fact.subject} is {fact.value}"
    return _SPACE.sub(" ", fact.quote)


def lowered(name: str) -> str:
    """Return a name with a small first letter, unless its first word is an abbreviation or a name with capitals."""
    first = name.split(" ", 1)[0]
    return name if any(map(str.isupper, first[1:])) or any(map(str.isdigit, first)) else name[:1].lower() + name[1:]
