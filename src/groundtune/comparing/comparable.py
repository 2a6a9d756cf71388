"""What is the same in two texts and what is not: the one way in which groundtune turns text into comparable words.

Used by scorers, by the checks of citations and of benchmarks, and for what goes into the word index and its queries;
docs/comparing.md explains it. Case, articles, quotation marks, apostrophes and Unicode forms do not count. Signs,
decimal points, currencies, versions and names such as C++ do. Scripts without spaces are compared character by
character. English articles and function words. Knows no meaning, no documents and no scorers.

>>> tokens("The Lumen L costs €1,000.50 – it’s for C++!")
('lumen', 'l', 'costs', '1000.5', 'eur', 'its', 'for', 'c++')
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from groundtune.comparing.folding import fold
from groundtune.comparing.quantities import (
    CURRENCIES,
    NAMES,
    NO_AMOUNT,
    PRIVATE,
    UNITS,
    UNSPACED,
    doubtful,
    quantities,
    same_number,
    unit_of,
    value_of,
    written,
)

VERSION = 1
"""Raised when a text gets other words than before: the signatures of scorers and the word index name it."""

REMEMBERED = 1 << 15  # texts: those of some thousand answers, which scorers ask for one after another
_ARTICLES = frozenset(("a", "an", "the"))
# Apostrophes do not count in comparable words: "doesn't" is "doesnt".
_TURNING = frozenset(
    "not no never none neither nor without except unless until before after only cannot cant dont doesnt didnt isnt "
    "arent wasnt werent wont wouldnt shouldnt couldnt mustnt hasnt havent".split()
)
_KEPT = chr(0xE0FF)  # after a lone "a" that is no article
_NO_ARTICLE = "a" + _KEPT
# Punctuation inside of a token is private to it until blanks have taken the place of all other punctuation.
_PROTECTED = {ord(mark): 0xE000 + ord(mark) for mark in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"}
_PROTECTED |= {ord(mark): 0xE100 + number for number, mark in enumerate("·≤≥≠≈±°′‰")}
_PLAIN = {private: mark for mark, private in _PROTECTED.items()}
_THOUSANDS = re.compile(r"(?<![\w.,])\d{1,3}(?:[\u00a0\u2007\u2009\u202f]\d{3})+(?!\d)")
_SPACED_THOUSANDS = re.compile(  # a blank parts the groups of an amount only: "10 000 EUR"
    r"[1-9](?<![\w.,].)(?<![\d.,] .)\d{0,2}(?: \d{3})+"
    r"(?=(?:[.,]\d+)? ?(?:[€$£]|(?:eur|usd|gbp|chf|sek|nok|dkk|pln|kr|euros?|dollars?)\b))"
)
_LETTER = r"[^\W\d_]"
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]*[^\s<>\"')\].,;:!?]|[\w.+-]+@\w[\w-]*(?:\.\w[\w-]*)+")
_COLONS = re.compile(r"(?<![\w:])(?=[0-9a-f:]*[a-f0-9])[0-9a-f]{0,4}(?::{1,2}[0-9a-f]{1,4}){3,7}(?![\w:])")
_VERSION = re.compile(r"v(?<!\wv)\d+(?:\.\w+)+")
_JOINED = re.compile(  # C++, C#, A-, AT&T, .NET, Node.js, max_tokens
    rf"(?<!\w)(?:\w+\+{{1,2}}|[a-z]\#|(?:[abo]|ab)-)(?![\w+#-])|{_LETTER}+(?:&{_LETTER}+)+"
    rf"|(?<![\w.])\.[a-z]\w*(?:\.\w+)*|(?<!\w)\w+(?:\.\w+)+|[^\W_]+(?:_+[^\W_]+)+"
)
_IS_JOINED = re.compile(r"\.(?=\w)|[+#&_](?<=\w.)|[abo]-(?![\w-])")
_MONEY = re.compile("[€$£¥₹₽₩₺₪₫₴₦₱฿₵₸%]")
_LABEL = re.compile(rf"a(?<!['\w{PRIVATE}]a)(?!['\w{PRIVATE}])(?!\s+{_LETTER})")
_APOSTROPHE = re.compile(rf"['′](?<={_LETTER}.)(?={_LETTER})")
_ASCII_WORD = re.compile(r"[^\x00-\x2f\x3a-\x60\x7b-\x7f]+")
_UNSPACED = re.compile(rf"[{UNSPACED}]")


@dataclass(frozen=True, slots=True)
class StatedNumber:
    """A number in a text, with its currency, percent sign or unit, and what compares it ("<"); empty where none is."""

    number: str
    unit: str = ""
    compare: str = ""

    def __str__(self) -> str:
        """As it is shown to people."""
        return f"{self.compare}{written(self.number)}" + (f" {self.unit}" if self.unit else "")


@lru_cache(maxsize=REMEMBERED)
def tokens(text: str) -> tuple[str, ...]:
    """Return the comparable words of `text`, in order, without English articles.

    A text without any, such as "…" or "The", is one word of all its characters, so that it equals only itself.
    """
    found = tuple(word.removesuffix(_KEPT) for word in _split(text) if word not in _ARTICLES)
    return found or tuple("".join(fold(text).casefold().split()).split())


def words(text: str) -> tuple[str, ...]:
    """Return all comparable words of `text`, in order, articles among them: what runs of words are counted in."""
    return tuple(word.removesuffix(_KEPT) for word in _split(text))


def turns(word: str) -> bool:
    """Tell whether a comparable word turns a sentence round, so that one with it says something else than one without.

    >>> turns("doesnt"), turns("free")
    (True, False)
    """
    return word in _TURNING


def aligned(expected: Sequence[str], given: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return both lists of tokens, such that numbers that may be the same, written in two ways, are equal."""
    if not any(map(doubtful, expected)) and not any(map(doubtful, given)):
        return expected, given
    numbers = [token for token in dict.fromkeys(expected) if _is_number(token)]
    known = set(expected)
    return expected, [
        token
        if token in known
        else next((one for one in numbers if same_number(one, token)), token)
        if _is_number(token)
        else token
        for token in given
    ]


def shared(expected: Sequence[str], given: Sequence[str]) -> int:
    """Return how many tokens both have, each counted as often as in the list that has it less often."""
    left, right = aligned(expected, given)
    return (Counter(left) & Counter(right)).total()


def common(own: Collection[str], others: Collection[str]) -> set[str]:
    """Return those words of `own` that `others` have, the same numbers in other writing among them."""
    found = set(own) & set(others)
    left = [word for word in own if word not in found and _is_number(word)]
    numbers = [other for other in others if _is_number(other)] if left else []
    return found | {word for word in left if any(same_number(word, other) for other in numbers)}


def figures(text: str) -> list[StatedNumber]:
    """Return the numbers of `text` in order, each with its unit; not those of names such as H5.

    >>> [str(figure) for figure in figures("from 5–10 GB for < €24.90 (Wisp H5)")]
    ['5 gb', '10 gb', '<24.9 eur']
    """
    split = tokens(text)
    return [
        StatedNumber(
            word, _unit_after(split, place + 1), split[place - 1] if place and split[place - 1] in _COMPARES else ""
        )
        for place, word in enumerate(split)
        if _is_number(word)
    ]


def unbacked(
    claim: Sequence[StatedNumber], text: str, *, units_of: str = "", also: Collection[str] = ()
) -> list[StatedNumber]:
    """Return the figures of `claim` that `text` does not have; the bare numbers in `also` count as in the text.

    A figure of the text that has no unit of its own backs one with a unit that the text, or `units_of` around it,
    names elsewhere, as a table names its currency in the head.
    """
    if not claim:
        return []
    known = [*figures(text), *map(StatedNumber, also)]
    named = {*tokens(text), *tokens(units_of)}
    return [figure for figure in claim if not any(_backs(other, figure, named) for other in known)]


def searchable(text: str) -> str:
    """Return what goes into a word index for `text`, and into a query for it: words with blanks between them.

    Numbers stand there as they are written and, where they are or may be amounts, by value. Words that are joined by
    dots or the like also stand there in parts, numbers also together with their unit, and scripts without spaces in
    pairs of characters.

    >>> searchable("Node.js 5 GB, €24.90")
    'node.js node js 5 gb 5gb =24.9 24.9 eur =24.9eur'
    """
    split = _in_pairs(words(text))
    found: list[str] = []
    for place, unit in enumerate(split):
        found += _forms(unit)
        before = split[place - 1] if place else ""
        if before and (unit in UNITS or unit in CURRENCIES or unit == "%") and _is_number(before):
            found.append(_forms(before)[0] + unit)
    return " ".join(found)


_COMPARES = frozenset("< > <= >= ≤ ≥ != ≠ ≈ ~ ±".split())


def _forms(word: str) -> list[str]:
    if not _is_number(word):
        parts = re.findall(r"[^\W_]+", word)
        return [word, *parts] if len(parts) > 1 else [word]
    value = value_of(word)
    return [written(word)] if value is None or "." not in word else [f"={value}", written(word)]


def _in_pairs(split: Sequence[str]) -> list[str]:
    """Return the words with neighbouring characters of scripts without spaces in pairs."""
    single = [len(word) == 1 and _UNSPACED.match(word) is not None for word in split]
    found = []
    for place, word in enumerate(split):
        if not single[place]:
            found.append(word)
        elif place + 1 < len(split) and single[place + 1]:
            found.append(word + split[place + 1])
        elif not (place and single[place - 1]):
            found.append(word)
    return found


def _unit_after(split: Sequence[str], place: int) -> str:
    """Return the unit of the number before `place`; in a range the first number has that of the second."""
    if split[place : place + 1] == ("to",) and place + 1 < len(split) and _is_number(split[place + 1]):
        place += 2
    following = split[place : place + 2]
    if len(following) == 2 and following[1] in CURRENCIES:  # after its scale: "5 million eur"
        return following[1]
    return following[0] if following and _is_unit(following[0]) else ""


def _is_unit(word: str) -> bool:
    return word in CURRENCIES or word in UNITS or word == "%"


def _backs(own: StatedNumber, claimed: StatedNumber, named: Collection[str]) -> bool:
    if own.number != claimed.number and not same_number(own.number, claimed.number):
        return False
    if own.compare and claimed.compare and own.compare != claimed.compare:
        return False
    if not claimed.unit or own.unit == claimed.unit:
        return own.unit != "%" or claimed.unit == "%" or not claimed.unit
    if own.unit:
        return False
    return claimed.unit in named or not (claimed.unit in CURRENCIES or claimed.unit == "%")


def _is_number(word: str) -> bool:
    return word[0].isdigit() or (len(word) > 1 and word[0] in "+-" and word[1].isdigit())


def _split(text: str) -> list[str]:
    ascii_only = text.isascii()
    if ascii_only:
        plain = fold(text).lower()
    else:
        plain = unicodedata.normalize("NFKC", fold(_THOUSANDS.sub(_without_blanks, text)).casefold())
    if " x " in plain:
        plain = re.sub(r"(?<=\d) x (?=\d)", "x", plain)
    plain = _SPACED_THOUSANDS.sub(_without_blanks, plain)
    plain = plain.replace(" & ", " and ")
    if "@" in plain or "://" in plain or "www." in plain:
        plain = _ADDRESS.sub(_address, plain)
    if plain.count(":") > 2:
        plain = _COLONS.sub(_whole, plain)
    plain = _with_quantities(_VERSION.sub(_version, plain))
    if _IS_JOINED.search(plain):
        plain = _JOINED.sub(_joined, plain)
    plain = _APOSTROPHE.sub("", _MONEY.sub(_money, _LABEL.sub(f" {_NO_ARTICLE} ", plain)))
    found = (_ASCII_WORD if ascii_only else _word()).findall(plain)
    parted = "\n".join(found).translate(_PLAIN).split("\n") if found else []
    return [NAMES.get(word, word) for word in parted]


def _with_quantities(text: str) -> str:
    pieces, place = [], 0
    for found in quantities(text):
        pieces += [text[place : found.start], " ", " ".join(found.tokens).translate(_PROTECTED), " "]
        place = found.end
    return "".join([*pieces, text[place:]])


def _without_blanks(match: re.Match[str]) -> str:
    return re.sub(r"\D", "", match[0])


def _whole(match: re.Match[str]) -> str:
    return f" {match[0].translate(_PROTECTED)} "


def _address(match: re.Match[str]) -> str:
    plain = re.sub(r"^https?://(?:www\.)?|^www\.|/$", "", match[0])
    return f" {plain.translate(_PROTECTED)} "


def _version(match: re.Match[str]) -> str:
    return f" version {match[0][1:].replace('.', NO_AMOUNT).translate(_PROTECTED)} "


def _joined(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    initials = len(parts) > 1 and all(len(part) == 1 for part in parts)
    return f" {''.join(parts) if initials else match[0].translate(_PROTECTED)} "


def _money(match: re.Match[str]) -> str:
    return f" {unit_of(match[0]).translate(_PROTECTED)} "


@cache
def _word() -> re.Pattern[str]:
    r"""Everything but blanks, punctuation and symbols belongs to words, also marks on letters, which `\w` has not."""
    apart = [code for code in range(0x80, 0x20000) if unicodedata.category(chr(code))[0] in "PSZ"]
    ranges, start = [], apart[0]
    for one, following in zip(apart, [*apart[1:], -1], strict=True):
        if following != one + 1:
            ranges.append(f"{chr(start)}-{chr(one)}")
            start = following
    marks = re.escape("".join(mark for mark in map(chr, range(0x21, 0x7F)) if not mark.isalnum()))
    return re.compile(rf"[{UNSPACED}]|[^\s{marks}{''.join(ranges)}{UNSPACED}]+")
