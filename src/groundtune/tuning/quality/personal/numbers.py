"""Payment cards and bank accounts: digits that a checksum and the issuer's or country's form confirm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from groundtune.tuning.quality.personal.spans import PersonalSpan, nearest_before

_GAP = r"[ \u00a0\u2007\u2009\u202f.\-\u2010-\u2013]"  # a blank, a dot or a dash, in their typographic forms too
_DIGITS = re.compile(rf"(?<![\w+])(?<!\d[.,:/])\d+(?:{_GAP}?\d+)*(?!\w)")
_GROUP = re.compile(r"\d+")
_SHORTEST, _LONGEST = 12, 19  # ISO/IEC 7812-1

# First digits and lengths by issuer, as the schemes publish them. Visa, Mastercard, American Express, Diners Club,
# Discover, JCB, UnionPay, Maestro, RuPay, Mir, Troy, Verve, Elo and Hipercard.
_ISSUERS = (
    (re.compile(r"4"), (13, 16, 18, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"30[0-5]|3095|36|3[89]"), (14, 16, 17, 18, 19)),
    (re.compile(r"6011|64[4-9]|65|622"), (16, 17, 18, 19)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16, 17, 18, 19)),
    (re.compile(r"1800|2131"), (15,)),
    (re.compile(r"62|81"), (16, 17, 18, 19)),
    (re.compile(r"50(?!89)|5[6-8]|6(?:04|30|39|7)"), (12, 13, 14, 15, 16, 17, 18, 19)),
    (re.compile(r"60|508|82|353|356"), (16,)),
    (re.compile(r"220[0-4]|9792|506[01]|650|4011|431274|438935|451416|457393|504175|627780|636[23]"), (16, 19)),
)
# How cards are grouped: 4-4-4-4 with a rest, 4-6-5, 4-6-4, 6-13; or not at all.
_SHAPES = re.compile(r"\d+|(?:4 ){2,4}[1-4]|4 6 [45]|6 13|4 4 5|4 4 4")
_OTHER = re.compile(
    r"\b(?:order|invoice|tracking|parcel|shipment|ticket|case|reference|ref|serial|imei|iccid|sim|eid|isbn|ean|gtin|"
    r"barcode|transaction|booking|confirmation|voucher|coupon|tax|meter|contract|policy|claim|part|model|article|"
    r"bestell\w*|rechnung\w*|sendung\w*|vorgang\w*|vertrag\w*|pedido|factura|commande|facture|ordine|fattura)\b",
    re.IGNORECASE,
)
_CARD = re.compile(
    r"\b(?:card|cards|visa|mastercard|maestro|amex|american express|diners|discover|jcb|credit|debit|\w*karte\w*|"
    r"tarjeta|carte|carta|cartão|pan|cc)\b",
    re.IGNORECASE,
)
_IBAN = re.compile(rf"(?<![^\W_])[a-z]{{2}}{_GAP}?\d{{2}}(?:{_GAP}{{0,2}}[a-z0-9]){{11,40}}", re.IGNORECASE | re.ASCII)
_IBAN_LENGTHS = range(34, 14, -1)  # ISO 13616-1: Norway has 15, Malta 31, none has more than 34


def cards(text: str) -> Iterator[PersonalSpan]:
    """Yield payment card numbers: an issuer's first digits and length, Luhn's digit (ISO/IEC 7812-1), card-like groups.

    One number in ten passes Luhn's check by chance, so that the words before it decide where they call it something
    else, such as an order or an IMEI. Where they call it a card, Luhn's digit is enough, whoever issued it.
    """
    for run in _DIGITS.finditer(text):
        if run.end() - run.start() < _SHORTEST:
            continue
        groups = [match.span() for match in _GROUP.finditer(text, run.start(), run.end())]
        for start, end in _card_in(text, groups):
            called = nearest_before(text, start, _OTHER, _CARD)
            if called == 1 or (called is None and _is_issued(ascii_digits(text[start:end]))):
                yield PersonalSpan(start, end, "card")


def ibans(text: str) -> Iterator[PersonalSpan]:
    """Yield IBANs in any case, with blanks or dashes: a country's form and length, and the remainder 1 of 97.

    ISO 13616-1. The forms by country are those of python-stdnum.
    """
    place = 0
    while match := _IBAN.search(text, place):
        end = _iban_end(text, match)
        if end:
            yield PersonalSpan(match.start(), end, "iban")
        place = end or match.start() + 2


def ascii_digits(text: str) -> str:
    """Return only the digits of `text`, whatever script they are in.

    >>> ascii_digits("٤١١-１２")
    '41112'
    """
    return "".join(str(int(character)) for character in text if character.isdecimal())


def _card_in(text: str, groups: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield where neighbouring groups of digits make a card, the longest first; dates and codes may stand beside it."""
    first = 0
    while first < len(groups):
        for last in range(min(len(groups), first + 5), first, -1):
            start, end = groups[first][0], groups[last - 1][1]
            shape = " ".join(str(to - of) for of, to in groups[first:last])
            if (last - first == 1 or _SHAPES.fullmatch(shape)) and _passes_luhn(ascii_digits(text[start:end])):
                yield start, end
                first = last - 1
                break
        first += 1


def _passes_luhn(digits: str) -> bool:
    from stdnum import luhn

    return _SHORTEST <= len(digits) <= _LONGEST and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def _is_issued(digits: str) -> bool:
    return any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS)


def _iban_end(text: str, match: re.Match[str]) -> int | None:
    """Return where the IBAN ends that begins with the match; words that follow it may look like a part of it."""
    from stdnum import iban

    ends = [place + 1 for place in range(match.start(), match.end()) if text[place].isalnum()]
    for length in _IBAN_LENGTHS:
        if length > len(ends):
            continue
        end = ends[length - 1]
        whole = end == len(text) or not text[end].isalnum()
        if whole and iban.is_valid(re.sub(r"[^0-9A-Za-z]", "", text[match.start() : end]), check_country=False):
            return end
    return None
