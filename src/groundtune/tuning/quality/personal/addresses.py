"""E-mail and IP addresses in text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from groundtune.tuning.quality.personal.spans import PersonalSpan, nearest_before

_EMAIL = re.compile(  # RFC 5322's dot-atoms, letters of any script as RFC 6531 has them; no quoted local parts
    r"(?<![\w.+%-])[^\W_](?:[\w!#$%&'*+/=?^`{|}~.-]{0,63})(?:@|\s?[\[(](?:at|@)[\])]\s?)"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.|\s?[\[(](?:dot|\.)[\])]\s?))+[^\W\d_]{2,24}(?![\w@])",
    re.IGNORECASE,
)
_V4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)", re.ASCII)
_V6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE | re.ASCII)
_VERSION = re.compile(
    r"\b(?:version|v|ver|firmware|release|build|driver|software|rev|section|clause|chapter|schema|oid)\b[\s:]*",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"(?:\b|_)(?:ips?|ipv4|address\w*|hosts?|servers?|ping\w*|dns|from|client|gateway|router|resolver|logged|login|"
    r"adresse|dirección|indirizzo)(?:\b|_)|//$",
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
            if not _is_version(text, match) and _public(match[0]):
                yield PersonalSpan(match.start(), match.end(), "ip")
    if text.count(":") > 1:
        for match in _V6.finditer(text):
            if _public(match[0]):
                yield PersonalSpan(match.start(), match.end(), "ip")


def _is_version(text: str, match: re.Match[str]) -> bool:
    """Return whether four numbers are a version or a section: called so, or small and not called an address."""
    word = re.search(r"\w+[\s:]*$", text[max(0, match.start() - 16) : match.start()])
    if word and _VERSION.fullmatch(word[0]):
        return True
    small = all(len(part) < 3 for part in match[0].split("."))
    return small and nearest_before(text, match.start(), _ADDRESSED) is None


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
