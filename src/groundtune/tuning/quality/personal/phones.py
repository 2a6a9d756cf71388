"""Phone numbers in text, by the numbering plans of libphonenumber (the package phonenumbers).

A number needs a sign that it is one: a plus with a country's code, a word such as "call" before it, or the groups in
which phone numbers are written. Free and shared-cost numbers are a company's, not a person's, and are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundtune.tuning.quality.personal.spans import PersonalSpan

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL")
"""Whose national forms are known without a country code, tried in this order."""

_SEPARATOR = r"[ \u00a0\u2009\u202f.\-\u2010-\u2013/]"
_CANDIDATE = re.compile(
    rf"(?<![\w.,:/+#-])(?:\+|00(?=[1-9]))?(?:\(\+?\d{{1,5}}\){_SEPARATOR}?)?\d(?:{_SEPARATOR}{{0,2}}\(?\d\)?){{5,15}}"
    rf"(?:{_SEPARATOR}?(?:extension|ext|x|durchwahl|poste|anexo)[.: ]{{0,2}}\d{{1,6}})?(?![\w]|[.,:/-]\d|\s?[€$£%])",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"\b(?:phones?|tel|telephone|call|called|calling|calls|mobile|cell|fax|whatsapp|sms|text me|texted|ring|dial|reach|"
    r"desk|office|landline|answering at|messages? to|contact|handy\w*|telefon\w*|anrufen|rückruf\w*|tél\w*|portable|"
    r"appel\w*|teléfono|móvil|celular|llám\w*|cellulare|chiam\w*|telefoon|bel|telemóvel|ligue)\b"
    r"(?:[^.!?\n\d]{0,24}|:\s{0,3})$",
    re.IGNORECASE,
)
_CALLED_AFTER = re.compile(r"[ ,\\(-]{1,3}(?:office|fax|mobile|cell|home|desk|landline)\b", re.IGNORECASE)
_NO_PHONE = re.compile(  # dates, and US social security numbers
    r"(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})(?:\D.*)?|\d{3}-\d{2}-\d{4}"
)
_SEPARATED = re.compile(  # as numbers are written in North America, and elsewhere with the zero of the trunk code
    r"\(?\d{3}\)?[ .\-\u2010-\u2013]{0,2}\d{3}[.\-\u2010-\u2013 ]\d{4}(?:\D.*)?"
    r"|\(?0\d.*[ )/.\-\u2010-\u2013].+"
)


def phones(text: str) -> Iterator[PersonalSpan]:
    """Yield phone numbers, extensions included."""
    for match in _CANDIDATE.finditer(text):
        if sum(character.isdecimal() for character in match[0]) < 7 or _NO_PHONE.fullmatch(match[0]):
            continue
        before = _CALLED.search(text, max(0, match.start() - 60), match.start())
        called = bool(before or _CALLED_AFTER.match(text, match.end()))
        if _is_personal(match[0], called):
            yield PersonalSpan(match.start(), match.end(), "phone")


def _is_personal(written: str, called: bool) -> bool:
    import phonenumbers

    international = written.startswith(("+", "00", "(+"))
    if not (called or international or _SEPARATED.fullmatch(written)):
        return False
    plus = f"+{written[2:]}" if written.startswith("00") else written
    numbers = [_parsed(plus, None)] if international else [_parsed(written, region) for region in REGIONS]
    for number in numbers:
        if number is None:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.number_type(number) not in _company_types()
    if international:
        return any(number is not None and phonenumbers.is_possible_number(number) for number in numbers)
    return called and 7 <= sum(character.isdecimal() for character in written) <= 15


def _parsed(written: str, region: str | None) -> PhoneNumber | None:
    import phonenumbers

    try:
        return phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None


def _company_types() -> frozenset[int]:
    from phonenumbers import PhoneNumberType

    return frozenset(
        (
            PhoneNumberType.TOLL_FREE,
            PhoneNumberType.PREMIUM_RATE,
            PhoneNumberType.SHARED_COST,
            PhoneNumberType.UAN,
            PhoneNumberType.VOICEMAIL,
        )
    )
