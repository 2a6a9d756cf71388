"""Where the values of a call were seen. A model may select what it likes: where a value comes from is told in code, by
comparing.

    user      "Please pay bill B-17"                              the user's own words
    record    {"bill": "B-17", "amount": "31.50"}                 a field of a trusted record, as a whole
    text      "... send 500 euros to account X-9 ..."             a passage, a tool's text, what a user pasted
    nowhere   none of these: the model made it up

The first that holds counts. Words are compared as `groundtune.comparing` normalises them; numbers by their value, and
numbers of cents also by hundreds. What is said in other words ("fifty") is not recognised, and counts as made up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from groundtune.values import Provenance

_NUMBER = re.compile(r"(?<![\w.,])[-+−]?\d+(?:[.,\u202f '’]\d{3})*(?:[.,]\d+)?(?!\w)")
CENTS = ("cents", "_minor")
"""How the names of arguments end that count hundredths."""
_FENCE = re.compile(r"(?:```|~~~).*?(?:```|~~~|\Z)", re.DOTALL)
_MAIL = re.compile(
    r"(?:(?i:^(?:-{2,} ?(?:original|forwarded) message|begin forwarded message|(?:from|subject|von|betreff|objet) ?:))"
    r"|\b(?:SUBJECT|CONTENT|FROM|BETREFF|OBJET) ?:).*",
    re.MULTILINE | re.DOTALL,
)
_LONG_QUOTE = re.compile(r"[\"“«„][^\"”»“]{80,}[\"”»“]")
LONGEST_PARAGRAPH = 400
"""Characters of a paragraph of a turn: what is longer was hardly typed."""
TYPED = 240
"""Characters of a turn in which somebody asks for something: a longer one may hold text of others, without any mark."""


@dataclass(slots=True)
class SeenValues:
    """What was seen in a conversation so far. `tainted` tells whether the model has read text of strangers."""

    _user: list[str] = field(default_factory=list)
    _records: list[object] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _long: bool = False

    def copy(self) -> SeenValues:
        """Return the same, which takes in more by itself."""
        return SeenValues([*self._user], [*self._records], [*self._texts], self._long)

    @property
    def tainted(self) -> bool:
        """Whether anything among it may have been written by anybody: other texts, and turns longer than `TYPED`."""
        return self._long or bool(self._texts)

    def turn(self, text: str) -> None:
        """Take in a turn of the user's: their own words, and what they pasted as text."""
        own, pasted = own_words(text)
        self._user.append(own)
        self._long = self._long or len(text) > TYPED
        if pasted:
            self._texts.append(pasted)

    def record(self, value: object) -> None:
        """Take in what a trusted action returned, or what the service knows of the user."""
        self._records += [leaf for _, leaf in leaves(value)]

    def text(self, value: object) -> None:
        """Take in text that anybody may have written: passages, and what other actions return."""
        self._texts += [str(leaf) for _, leaf in leaves(value)]

    def sources(self, arguments: Mapping[str, object]) -> dict[str, Provenance]:
        """Return where each value was seen, by its dotted path."""
        return {path: self._source(path, value) for path, value in leaves(arguments)}

    def _source(self, path: str, value: object) -> Provenance:
        cents = path.endswith(CENTS)
        if any(_says(text, value, cents=cents) for text in self._user):
            return "user"
        if any(_same(record, value) for record in self._records):
            return "record"
        return "text" if any(_says(text, value, cents=cents) for text in self._texts) else "nowhere"


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value that holds no others, with its dotted path; empty lists and objects have none.

    >>> list(leaves({"a": {"b": 1}, "c": [2, 3]}))
    [('a.b', 1), ('c.0', 2), ('c.1', 3)]
    """
    if isinstance(value, Mapping):
        inner: list[tuple[str, object]] = [(str(name), each) for name, each in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        inner = [(str(number), each) for number, each in enumerate(value)]
    else:
        yield path, value
        return
    for name, each in inner:
        yield from leaves(each, f"{path}.{name}" if path else name)


def own_words(turn: str) -> tuple[str, str]:
    """Return what of a turn the user wrote, and what they pasted: quoted lines, fenced blocks, mails from their first
    header on, long quotations, and paragraphs that are longer than anybody types.
    """
    pasted = []

    def taken(match: re.Match[str]) -> str:
        pasted.append(match[0])
        return "\n"

    own = _LONG_QUOTE.sub(taken, _MAIL.sub(taken, _FENCE.sub(taken, turn)))
    lines: list[str] = []
    for line in own.splitlines():
        kept = pasted if line.lstrip().startswith(">") or len(line) > LONGEST_PARAGRAPH else lines
        kept.append(line)
    return "\n".join(lines), "\n".join(pasted)


def _says(text: str, value: object, *, cents: bool) -> bool:
    """Tell whether a text has a value, as whole words or as a number."""
    number = decimal_of(value)
    if number is not None:
        wanted = {number, number / 100} if cents else {number}
        return any(wanted & _numbers(match[0]) for match in _NUMBER.finditer(text))
    words = _plain(str(value))
    if not words or isinstance(value, bool) or value is None:
        return False
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", _plain(text)) is not None


def _same(record: object, value: object) -> bool:
    ours, theirs = decimal_of(record), decimal_of(value)
    if ours is not None and theirs is not None:
        return ours == theirs
    return type(record) is type(value) and _plain(str(record)) == _plain(str(value))


def decimal_of(value: object) -> Decimal | None:
    """Return the number that a value is, or that its text is as JSON writes it; None if it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _numbers(written: str) -> set[Decimal]:
    """Return what a number may mean, as it is written in English or on the continent: 1.234 may be either.

    >>> sorted(_numbers("1.234,50")), sorted(_numbers("31.50")), sorted(_numbers("1,234"))
    ([Decimal('1234.50')], [Decimal('31.50')], [Decimal('1.234'), Decimal('1234')])
    """
    digits = re.sub(r"[\u202f '’]", "", written).replace("−", "-")
    marks = [character for character in digits if character in ".,"]
    if not marks:
        readings = {digits}
    elif len(set(marks)) == 2:  # the last one is that of the decimals
        other = "," if marks[-1] == "." else "."
        readings = {digits.replace(other, "").replace(",", ".")}
    else:
        whole = digits.replace(marks[0], "")
        grouped = re.fullmatch(r"[-+]?\d{1,3}(?:[.,]\d{3})+", digits) is not None
        readings = {whole} if grouped else set()
        if len(marks) == 1:
            readings.add(digits.replace(",", "."))
    return {number for number in map(decimal_of, readings) if number is not None}


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
