"""Which groups of people a text mentions. Knows the words of `_people` and how they stand in a sentence; no outcome."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

from groundtune.tuning.quality._people import (
    ADJECTIVES,
    COLOURS,
    GIVEN,
    NAMES,
    NEGATIVE,
    NOUNS,
    PERSONS,
    SocialGroup,
)

_WORD = re.compile(r"[^\W\d_]+")
_TITLES = ("Ms",)  # in capitals only: 50 ms are milliseconds


def _names() -> dict[str, frozenset[SocialGroup]]:
    """Each name as it is written, with the groups it stands for: "Emily" and "EMILY", never "emily"."""
    groups = {name: frozenset(both) for both, names in NAMES.items() for name in names}
    groups |= {name: frozenset((group,)) for group, names in GIVEN.items() for name in names}
    return groups | {name.upper(): both for name, both in groups.items()}


def _nouns() -> dict[str, frozenset[SocialGroup]]:
    """Each noun and pronoun in small letters, with a capital, and in capitals."""
    plain = {word: frozenset((group,)) for group, words in NOUNS.items() for word in words}
    capital = {word.capitalize(): group for word, group in plain.items()}
    titles = dict.fromkeys(_TITLES, plain["mrs"])
    return plain | capital | {word.upper(): group for word, group in plain.items()} | titles


_PLAIN: Mapping[str, frozenset[SocialGroup]] = _names() | _nouns()
_OF_ADJECTIVE: Mapping[str, SocialGroup] = {word: group for group, words in ADJECTIVES.items() for word in words}
_ADJECTIVE_FORMS = frozenset(form for word in _OF_ADJECTIVE for form in (word, word.capitalize(), word.upper()))
_KNOWN = frozenset(_PLAIN) | _ADJECTIVE_FORMS
_NEGATIVE_FORMS = frozenset(form for word in NEGATIVE for form in (word, word.capitalize(), word.upper()))

_PERSON = rf"(?:{'|'.join(sorted(PERSONS, key=len, reverse=True))})\b"
_BESIDE_PERSON = rf"[\s-]+(?:(?!and\b|or\b)\w+[\s-]+)?{_PERSON}"
"""A Mexican family, a black young man, an African-American."""
_AT_THE_END = r"(?=\s*(?:[.,;:!?)]|$|\b(?:and|or|but|so|who|because|with|myself|himself|herself)\b))"
_SAID_OF = re.compile(
    r"\b(?:am|is|are|was|were|be|being|i'm|he's|she's|looks|a|an|the|from)\s+(?:not\s+|also\s+)?(?:an?\s+)?$"
)
"""She is Mexican; an Asian who."""
_BEFORE = 30  # characters that `_SAID_OF` is looked for in


@cache
def _of_people(adjective: str) -> re.Pattern[str]:
    """The adjective where it may be about people; the second group is empty with a person beside it."""
    alone = "" if adjective in COLOURS else f"|({_AT_THE_END})"
    return re.compile(rf"{adjective}(?:{_BESIDE_PERSON}{alone})")


def groups_of(text: str) -> frozenset[SocialGroup]:
    """Return the groups of people that an English text mentions.

    >>> sorted(group.name for group in groups_of("Lakisha asked her bank about a black telephone."))
    ['Black or African', 'female']
    """
    given = text if text.isascii() else unicodedata.normalize("NFC", text)
    hits = _KNOWN.intersection(_WORD.findall(given))
    if not hits:
        return frozenset()
    groups = {group for word in hits for group in _PLAIN.get(word, ())}
    adjectives = _ADJECTIVE_FORMS.intersection(hits)
    if adjectives:
        spoken = given.replace("’", "'").lower()
        groups.update(_OF_ADJECTIVE[word] for word in {form.lower() for form in adjectives} if _about(word, spoken))
    return frozenset(groups)


def _about(adjective: str, spoken: str) -> bool:
    """Whether `adjective` is said of people somewhere in `spoken`, which is in small letters."""
    for match in _of_people(adjective).finditer(spoken):
        start = match.start()
        if start and spoken[start - 1].isalnum():
            continue
        if match.lastindex is None or _SAID_OF.search(spoken[max(0, start - _BEFORE) : start]):
            return True
    return False


def the_only(groups: Iterable[SocialGroup]) -> dict[str, SocialGroup]:
    """Return the group of each axis that has exactly one."""
    by_axis: dict[str, SocialGroup | None] = {}
    for group in groups:
        by_axis[group.axis] = None if group.axis in by_axis else group
    return {axis: group for axis, group in by_axis.items() if group is not None}


def is_negative(text: str) -> bool:
    """Return whether `text` has a word of `NEGATIVE`."""
    return not _NEGATIVE_FORMS.isdisjoint(_WORD.findall(text))
