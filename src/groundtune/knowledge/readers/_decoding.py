"""From bytes to text, in the encoding that a file says or shows. Knows no file format.

In this order: a byte-order mark, UTF-16 and UTF-32 without one, UTF-8, UTF-8 with a few broken bytes, what the file
declares, what the bytes look like. Bytes that are no text are refused.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._encodings import codec, detected, name_of_codec, wide
from groundtune.knowledge.readers._left_out import Omissions, listed

_MARKS = (  # UTF-32's first: UTF-16's little-endian mark begins it
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OTHER_FILES = (
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b\x08", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
    (b"Rar!\x1a", "a compressed file"),
    (b"\xfd7zXZ", "a compressed file"),
    (b"SQLite format 3\0", "a database"),
    (b"{\\rtf", "an RTF document"),
)
_MULTIBYTE_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_CUT_OFF = re.compile(rb"[\xe0-\xef][\x80-\xbf]\Z|[\xf0-\xf4][\x80-\xbf]{1,2}\Z")
_JAPANESE_MAIL = re.compile(rb"\x1b\$[@B].*?\x1b\([BJ]", re.DOTALL)
_COLOUR = r"\x1b\[[0-9;?]*[A-Za-z]"  # what programs print to terminals
_SEPARATOR = r"[\x00\x1c-\x1f]+"  # NULs and their like stand between fields
_CONTROL = re.compile(
    rf"(?P<colour>{_COLOUR})|(?P<separator>{_SEPARATOR})|[\x01-\x08\x0e-\x1b\x7f\x81\x8d\x8f\x90\x9d\ufeff]"
)
_MOST_CONTROLS = 0.1  # of a text; a file with more is no text
_MOST_BROKEN = 0.05
# Characters 80 to 9F that were windows-1252 before somebody called them Latin-1.
_MISTAKEN = {
    code: bytes([code]).decode("cp1252")
    for code in range(0x80, 0xA0)
    if code not in (0x81, 0x85, 0x8D, 0x8F, 0x90, 0x9D)
}
_MISTAKEN_ONES = re.compile("[\x80\x82-\x84\x86-\x8c\x8e\x91-\x9c\x9e\x9f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text with one newline character a line, notes for people on how its bytes were taken, and what of it is
    no text: a reader adds that to what it leaves out itself (`builder.left_out.include(source.left_out)`)."""

    text: str
    notes: tuple[str, ...] = ()
    left_out: Omissions = field(default_factory=Omissions)


def decoded(path: Path, declared: str = "") -> Decoded:
    """Return the text of a file. `declared` is the encoding that the file itself names, if it does.

    Raises `UnreadableDocument` if it is not text.
    """
    return decoded_bytes(path.read_bytes(), path, declared)


def decoded_bytes(data: bytes, path: Path, declared: str = "") -> Decoded:
    """Return the text of `data`, the content of the file at `path`; see `decoded`."""
    for signature, what in _OTHER_FILES:
        if data.startswith(signature):
            raise _no_text(path, f"is {what}, not text", "Give it the suffix of its format, or save it as text.")
    omissions = Omissions()
    name, how = _encoding(data, declared)
    data = data.removeprefix(next((mark for mark, _ in _MARKS if data.startswith(mark)), codecs.BOM_UTF8))
    if not name:
        raise _no_text(path)
    text = data.decode(name, "replace").replace("\r\n", "\n").replace("\r", "\n")
    broken = text.count("\ufffd") - (data.count(b"\xef\xbf\xbd") if name == "utf-8" else 0)
    controls = sum(not match["colour"] for match in _CONTROL.finditer(text))
    if broken > max(3, _MOST_BROKEN * len(text)) or controls > max(3, _MOST_CONTROLS * len(text)):
        raise _no_text(path)
    if broken > 0:
        omissions.add("unreadable part", broken, listed("line", "lines", _broken_lines(text)))
    if removed := sum(len(match[0]) for match in _CONTROL.finditer(text)):
        omissions.add("control character", removed)
        text = _CONTROL.sub(_without, text)
    if _MISTAKEN_ONES.search(text):
        text = text.translate(_MISTAKEN)
    return Decoded(text, (how,) if how else (), omissions)


def _no_text(path: Path, what: str = "is not text", remedy: str = "Save it as UTF-8 text.") -> UnreadableDocument:
    return UnreadableDocument(f"{what}.", place=path, remedy=remedy)


def _encoding(data: bytes, declared: str) -> tuple[str, str]:
    """Return a codec, "" if the bytes are no text, and the note for people on it."""
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if name := marked or wide(data):
        return name, f"Read as {name_of_codec(name)}."
    if _JAPANESE_MAIL.search(data) and _decodes(data, "iso2022_jp"):
        return "iso2022_jp", "Read as ISO-2022-JP."
    if _decodes(data, "utf-8") or _mostly_utf8(data):
        return "utf-8", ""
    if (name := codec(declared)) and _decodes(data, name):
        return name, f"Read as {name_of_codec(name)}, as it declares."
    name = detected(data)
    return name, f"Read as {name_of_codec(name)}; save it as UTF-8 if letters are wrong."


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeError:
        return False
    return True


def _mostly_utf8(data: bytes) -> bool:
    """Tell whether it is UTF-8 with broken places: few for the characters that are whole, or only one cut off."""
    whole = len(_MULTIBYTE_UTF8.findall(data))
    broken = data.decode("utf-8", "replace").count("\ufffd") - data.count(b"\xef\xbf\xbd")
    return whole >= 3 * broken or (whole >= broken == 1 and _ends_early(data)) or (broken == 1 and _cut_off(data))


def _ends_early(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(data) and error.reason == "unexpected end of data"
    return False


def _cut_off(data: bytes) -> bool:
    return _CUT_OFF.search(data[-4:]) is not None and _ends_early(data)


def _broken_lines(text: str) -> list[int]:
    return [number for number, line in enumerate(text.split("\n"), start=1) if "\ufffd" in line]


def _without(match: re.Match[str]) -> str:
    """Return what stands for control characters: white space where they separate, else nothing."""
    return " " if match["separator"] else ""
