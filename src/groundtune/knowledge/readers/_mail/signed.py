"""S/MIME messages that are wrapped into their signature: what is signed, taken out of the wrapping (RFC 5652, BER).

No signature is checked, and nothing is decrypted. Knows nothing of e-mail.
"""

from __future__ import annotations

_SIGNED = bytes.fromhex("2a864886f70d010702")  # object identifiers of CMS
_DATA = bytes.fromhex("2a864886f70d010701")
_SEQUENCE, _OBJECT, _OCTETS, _EXPLICIT = 0x30, 0x06, 0x04, 0xA0
_CONSTRUCTED = 0x20
_DEEPEST = 8


def signed_content(data: bytes) -> bytes | None:
    """Return what is signed in `data`; None if it is encrypted, or of another form."""
    try:
        return _content(data)
    except (IndexError, RecursionError):
        return None


def _content(data: bytes) -> bytes | None:
    kind, outer = _children(_whole(data, _SEQUENCE))[:2]
    if kind[1] != _SIGNED or outer[0] != _EXPLICIT:
        return None
    for tag, value in _children(_whole(outer[1], _SEQUENCE)):
        if tag != _SEQUENCE:
            continue
        inner = _children(value)
        if len(inner) > 1 and inner[0] == (_OBJECT, _DATA) and inner[1][0] == _EXPLICIT:
            return b"".join(_octets(*each, 0) for each in _children(inner[1][1]))
    return None


def _whole(data: bytes, wanted: int) -> bytes:
    tag, start, end, _ = _element(data, 0, 0)
    if tag != wanted:
        raise IndexError
    return data[start:end]


def _octets(tag: int, value: bytes, depth: int) -> bytes:
    """Return a string, which may consist of several."""
    if tag == _OCTETS:
        return value
    if tag == _OCTETS | _CONSTRUCTED and depth < _DEEPEST:
        return b"".join(_octets(*each, depth + 1) for each in _children(value))
    return b""


def _children(data: bytes) -> list[tuple[int, bytes]]:
    children, place = [], 0
    while place < len(data):
        tag, start, end, place = _element(data, place, 0)
        if tag:
            children.append((tag, data[start:end]))
    return children


def _element(data: bytes, place: int, depth: int) -> tuple[int, int, int, int]:
    """Return tag, start and end of the value, and the place behind an element."""
    tag, length = data[place], data[place + 1]
    start = place + 2
    if length == 0x80:  # ends with two zeros
        if depth > _DEEPEST * 2:
            raise IndexError
        at = start
        while data[at : at + 2] != b"\0\0":
            *_, at = _element(data, at, depth + 1)
        return tag, start, at, at + 2
    if length > 0x80:  # so many bytes have the length
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise IndexError
    return tag, start, start + length, start + length
