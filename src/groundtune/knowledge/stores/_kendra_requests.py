"""What is sent to Amazon Kendra: documents with their access lists, questions, groups and filters, within its limits.

Pure. Knows no connection.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from groundtune.knowledge.stores._kendra import BATCH_BYTES
from groundtune.values import Revision, digest

QUESTION_WORDS = 30
"""Words of a question that Kendra reads: `QueryText` in its API reference."""
QUESTION_CHARACTERS = 1000
"""The quota of a question's length in Kendra's guide."""
MOST_GROUPS = 2048
MOST_FILTERS = 10  # in one list
LANGUAGE = "_language_code"  # a field that every index has
ENGLISH = "en"  # what Kendra takes documents and questions for
OURS = "groundtune-"
_HASHED = "groundtune:"
_LONGEST_GROUP, _LONGEST_VALUE = 200, 2048
_SYNTAX = re.compile(r'["()*?:]')
_OPERATORS = {"AND", "OR", "NOT"}
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_WORD = re.compile(r"\w+")


def first_id(document: str, fingerprint: str) -> str:
    """Return the id under which Kendra holds a revision of a document: each revision is a document of its own."""
    return f"{OURS}{digest(document, fingerprint)}"


def later_id(first: str, number: int) -> str:
    """Return the id under which a revision is sent once more while Kendra is still deleting it; `first` for 0."""
    return f"{first}.{number}" if number else first


def first_of(id_: str) -> str:
    """Return the first id of the revision that Kendra holds under `id_`."""
    return id_.partition(".")[0]


def group_of(principal: str) -> str:
    """Return the name of a principal in Kendra: its own, or a hash where Kendra does not take it.

    No name is that of another principal.
    """
    plain = 0 < len(principal) <= _LONGEST_GROUP and not any(unicodedata.category(c)[0] == "C" for c in principal)
    if plain and not principal.startswith(_HASHED):
        return principal
    return f"{_HASHED}{digest(principal.encode('unicode_escape').decode('ascii'))}"  # halves of characters too


def groups_of(principals: Iterable[str]) -> list[str]:
    """Return the groups that stand for these principals, each once; an empty name is nobody's."""
    return list(dict.fromkeys(group_of(principal) for principal in principals if principal))


def is_findable(revision: Revision) -> bool:
    """Tell whether anybody can find a revision: Kendra would show one without readers to all."""
    return bool(revision.document.text.strip() and groups_of(revision.document.readable_by))


def fault_of(revision: Revision) -> str:
    """Say why Kendra does not take a revision, empty if nothing speaks against it."""
    size = len(revision.document.text.encode("utf-8"))
    if size <= BATCH_BYTES:
        return ""
    allowed = f"{BATCH_BYTES // 2**20} MB that Kendra takes"
    return f"{size / 2**20:.1f} MB of text are more than the {allowed}. Cut it into several files."


def document_of(revision: Revision, id_: str, fields: Collection[str], language: str) -> dict[str, Any]:
    """Return a revision as Kendra takes it, with those of its metadata that are fields of the index.

    Raises `ValueError` for one without readers: Kendra would show it to all.
    """
    document = revision.document
    groups = groups_of(document.readable_by)
    if not groups:
        raise ValueError(f"{document.id} has no readers")
    values = {key: value for key, value in document.metadata.items() if _is_filtered(key, value, fields)}
    if language != ENGLISH:
        values[LANGUAGE] = language
    return {
        "Id": id_,
        "Title": _printable(document.title or document.id),
        "Blob": _printable(document.text).encode("utf-8"),
        "ContentType": "PLAIN_TEXT",
        "Attributes": [_attribute(key, value) for key, value in values.items()],
        "AccessControlList": [{"Name": group, "Type": "GROUP", "Access": "ALLOW"} for group in groups],
    }


def question_of(text: str) -> tuple[str, int]:
    """Return the words that Kendra is asked, and how many of the question it is not; "" where there is no word.

    Nothing in them is a command of its query language. A word is never cut.

    >>> question_of('What is "early termination"? NOT fees:')
    ('What is early termination not fees', 0)
    """
    words = _SYNTAX.sub(" ", _printable(text)).split()
    taken: list[str] = []
    count = length = 0
    for word in words:
        own = len(_WORD.findall(word))
        if own > QUESTION_WORDS or len(word) > QUESTION_CHARACTERS:
            continue
        if count + own > QUESTION_WORDS or length + len(word) + len(taken) > QUESTION_CHARACTERS:
            break
        taken.append(word.lower() if word in _OPERATORS else word)
        count, length = count + own, length + len(word)
    return " ".join(taken) if count else "", len(words) - len(taken)


def filters_of(where: Mapping[str, str], fields: Collection[str], language: str) -> Iterator[dict[str, Any]]:
    """Yield the filters to ask with, one after the other until enough is found: an empty one filters nothing.

    The first has what Kendra can filter of `where`. The second has not: a document that was sent before the index had
    the field is found by it alone.
    """
    own = [] if language == ENGLISH else [_equals(LANGUAGE, language)]
    wanted = [_equals(key, value) for key, value in sorted(where.items()) if _is_filtered(key, value, fields)]
    if wanted:
        yield _all_of([*own, *wanted][:MOST_FILTERS])
    yield _all_of(own)


def _is_filtered(key: str, value: str, fields: Collection[str]) -> bool:
    """Names that begin with _ are Kendra's own: language, source and the like."""
    taken = 0 < len(value) <= _LONGEST_VALUE and not _UNPRINTABLE.search(value)
    return key in fields and not key.startswith("_") and taken


def _all_of(filters: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if not filters:
        return {}
    return {"AttributeFilter": filters[0] if len(filters) == 1 else {"AndAllFilters": list(filters)}}


def _equals(key: str, value: str) -> dict[str, Any]:
    return {"EqualsTo": _attribute(key, value)}


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"Key": key, "Value": {"StringValue": value}}


def _printable(text: str) -> str:
    """Return `text` with a blank for each control character but white space, and for each half of a character."""
    return _UNPRINTABLE.sub(" ", text)
