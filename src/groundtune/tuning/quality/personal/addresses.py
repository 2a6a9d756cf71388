"""E-mail and IP addresses in text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from groundtune.tuning.quality.personal.spans import PersonalSpan

_EMAIL = re.compile(  # RFC 5322's dot-atoms, letters of any script as RFC 6531 has them; no quoted local parts
    r"(?<![\w.+%-])[^\W_](?:[\w!#$%&'*+/=?^`{|}~.-]{0,63})(?:@|\s?[\[(](?:at|@)[\])]\s?)"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.|\s?[\[(](?:dot|\.)[\])]\s?))+[^\W\d_]{2,24}(?![\w@])",
    re.IGNORECASE,
)
_V4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
_V6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE | re.ASCII)
_VERSION = re.compile(
    r"\b(?:version|v|ver|firmware|release|build|driver|software|rev|section|clause|chapter|schema|oid)\b[ :]*",
    re.IGNORECASE,
)
_DOCUMENTATION = tuple(  # RFC 5737 and RFC 3849: they stand for a real one in examples
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)


def addresses(text: str) -> Iterator[PersonalSpan]:
    """Yield e-mail addresses, and IP addresses that can be a person's: private and reserved ones are nobody's."""
    if "@" in text or "(at)" in text.lower() or "[at]" in text.lower():
        for match in _EMAIL.finditer(text):
            yield PersonalSpan(match.start(), match.end(), "email")
    if "." in text:
        for match in _V4.finditer(text):
            if not _VERSION.fullmatch(_word_before(text, match.start())) and _public(match[0]):
                yield PersonalSpan(match.start(), match.end(), "ip")
    if text.count(":") > 1:
        for match in _V6.finditer(text):
            if _public(match[0]):
                yield PersonalSpan(match.start(), match.end(), "ip")


def _word_before(text: str, place: int) -> str:
    match = re.search(r"\w+[ :]*$", text[max(0, place - 16) : place])
    return match[0] if match else ""


def _public(written: str) -> bool:
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return False
    if any(address.version == network.version and address in network for network in _DOCUMENTATION):
        return True
    if address.version == 6:
        return address in ipaddress.ip_network("2000::/3")  # RFC 4291: what is given to anybody so far
    return address.is_global and not address.is_multicast and int(written.split(".")[0]) > 0
