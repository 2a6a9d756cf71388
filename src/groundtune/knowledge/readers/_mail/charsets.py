"""Bytes of e-mail to text: in the encoding that they are declared to have, or in the one that they show.

Adds to `_decoding` what only e-mail has: encodings in seven bits, which look like ASCII.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._decoding import Decoded, decoded_bytes

_SEVEN_BITS = ("utf-7", "utf7", "unicode-1-1-utf-7", "hz-gb-2312", "hz", "iso-2022-kr", "csiso2022kr")
_PATH = Path("mail")  # never shown


def decoded_part(data: bytes, declared: str) -> Decoded:
    """Return the text of a part. Raises `UnreadableDocument` if it is none."""
    name = declared.strip().strip("\"'").lower()
    if name in _SEVEN_BITS and data.isascii():
        try:
            text = data.decode(codecs.lookup(name.removeprefix("unicode-1-1-").removeprefix("cs")).name)
            return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"))
        except (LookupError, UnicodeError):
            pass
    return decoded_bytes(data, _PATH, name)


def text_of(data: bytes, declared: str) -> str:
    """Return the text of a header, whatever its bytes are."""
    try:
        return decoded_part(data, declared).text
    except UnreadableDocument:
        return data.decode("latin-1")
