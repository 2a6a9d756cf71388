"""Opens Office Open XML files: finds their parts by relationship and parses them. Knows no words, sheets and slides.

OpenDocuments are archives of XML, too, and are opened as well.

Parts are found whatever the writer did to their names: capitals, backslashes, absolute targets, a missing list of
relationships. ECMA-376 has a transitional and a strict form with other namespaces; `name` gives both the same names.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote

from lxml import etree

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers._left_out import Omissions

LARGEST_PART = 256 * 2**20  # bytes; a part that unpacks to more is refused
LARGEST_FILE = 2 * LARGEST_PART  # bytes of all parts that are read
_PIECE, _SMALL_PIECE = 2**20, 64  # bytes
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK"
_DIRECTORY = "EncryptedPackage".encode("utf-16-le")
_OLDER = ("WordDocument", "Workbook", "Book", "PowerPoint Document")
_OTHERS = {b"{\\rtf": "RTF", b"%PDF": "a PDF", b"<": "HTML or XML"}

# The end of a namespace, without its year, in both forms.
_PREFIXES = {
    "wordprocessingml/main": "w",
    "presentationml/main": "p",
    "drawingml/main": "a",
    "drawingml/chart": "c",
    "drawingml/diagram": "dgm",
    "drawingml/picture": "pic",
    "drawingml/wordprocessingDrawing": "wp",
    "officeDocument/math": "m",
    "officeDocument/relationships": "r",
    "markup-compatibility": "mc",
    "urn:schemas-microsoft-com:vml": "v",
    "urn:schemas-microsoft-com:office:office": "o",
    "drawing/chartex": "cx",
    "spreadsheetml/main": "x",
    "drawingml/spreadsheetDrawing": "xdr",
    "spreadsheetml/threadedcomments": "tc",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0": "draw",
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:style:1.0": "style",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0": "table",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
}

Element = Any  # lxml has no types


@lru_cache(maxsize=4096)
def _short(tag: str) -> str:
    namespace, _, local = tag.rpartition("}")
    parts = [part for part in namespace.lstrip("{").split("/") if not part.isdigit()]
    return f"{_PREFIXES.get('/'.join(parts[-2:])) or _PREFIXES.get(parts[-1] if parts else '', '')}:{local}"


def name(element: Element) -> str:
    """Return the short name of an element, as in "w:p"; ":" and the local name if its namespace is not known, and
    nothing for comments and processing instructions.
    """
    return _short(element.tag) if isinstance(element.tag, str) else ""


def value(element: Element | None, attribute: str = "val") -> str | None:
    """Return an attribute by its local name, in whichever namespace it is; None also if there is no element."""
    if element is None:
        return None
    for key, said in element.attrib.items():
        if key == attribute or key.endswith(f"}}{attribute}"):
            return str(said)
    return None


def reference(element: Element | None, attribute: str = "id") -> str | None:
    """Return the id of a relationship that an element names; elements may have an `id` of their own beside it."""
    for key, said in () if element is None else element.attrib.items():
        if key.endswith(f"}}{attribute}") and _short(key).startswith("r:"):
            return str(said)
    return None


def number(said: str | None) -> int:
    """Return what an attribute says as a number; 0 if it says none."""
    try:
        return max(0, int(float(said or 0)))
    except (ValueError, OverflowError):
        return 0


def child(element: Element | None, *path: str) -> Element | None:
    """Return the first descendant along `path`, a short name for each step."""
    for step in path:
        if element is None:
            return None
        element = next((each for each in element if name(each) == step), None)
    return element


def children(element: Element | None, wanted: str) -> list[Element]:
    """Return the children with a short name."""
    return [] if element is None else [each for each in element if name(each) == wanted]


def is_on(element: Element | None) -> bool:
    """Tell whether a switch, as `<w:vanish/>`, is there and not off."""
    return element is not None and (value(element) or "true").lower() not in ("0", "false", "off", "none")


def is_true(said: str | None) -> bool:
    """Tell whether an attribute says yes; one that is not there does not."""
    return (said or "").strip().lower() in ("1", "true", "on")


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part says about another: `kind` is the end of the relationship's type, as in "styles"."""

    id: str
    kind: str
    target: str
    outside: bool


class Package:
    """The parts of a file. Counts in `left_out` what is damaged or missing.

    `within` is the package that this one stands in: they may unpack to `LARGEST_FILE` together.
    """

    def __init__(self, data: bytes, path: Path, left_out: Omissions, within: Package | None = None) -> None:
        self.path = path
        self.left_out = left_out
        self._outermost: Package = self if within is None else within._outermost
        self._read = 0
        self._data = data
        self._archive = _opened(data, path)
        self._members = {_key(each.filename): each for each in self._archive.infolist()}
        self._relations: dict[str, list[Relation]] = {}
        self._targets: dict[str, dict[str, str]] = {}

    def __contains__(self, part: str) -> bool:
        """Tell whether there is a part of this name."""
        return _key(part) in self._members

    def parts(self) -> list[str]:
        """Return the names of all parts, in lower case."""
        return list(self._members)

    def relations(self, part: str = "") -> list[Relation]:
        """Return what `part` is related to; without a part, what the file is."""
        if part not in self._relations:
            folder = dirname(part)
            source = join(folder, "_rels", f"{part[len(folder) :].lstrip('/')}.rels")
            root = self.xml(source) if source in self else None
            self._relations[part] = [] if root is None else list(_relations(root, folder))
        return self._relations[part]

    def related(self, part: str, kind: str) -> list[str]:
        """Return the names of the parts that `part` names as its `kind`, each once."""
        targets = [each.target for each in self.relations(part) if each.kind == kind and not each.outside]
        return list(dict.fromkeys(targets))

    def target(self, part: str, identifier: str | None) -> str | None:
        """Return the name of the part that `part` calls `identifier`; None if it has no such part."""
        if part not in self._targets:
            self._targets[part] = {each.id: each.target for each in self.relations(part) if not each.outside}
        return self._targets[part].get(identifier or "")

    def existing(self, part: str, kind: str) -> list[str]:
        """Return the names of the parts that `part` names as its `kind` and that are there."""
        return [each for each in self.related(part, kind) if each in self]

    def main(self, types: re.Pattern[str], names: re.Pattern[str]) -> str | None:
        """Return the name of the main part, as the file names it, or else by its type (in small letters) or its usual
        name; None if there is none.
        """
        for part in self.existing("", "officeDocument"):
            return part
        listed = self.xml("[Content_Types].xml") if "[Content_Types].xml" in self else None
        for each in listed if listed is not None else ():
            part = (value(each, "PartName") or "").lstrip("/\\")
            if types.search((value(each, "ContentType") or "").lower()) and part in self:
                return part
        return next((part for part in self.parts() if names.fullmatch(part)), None)

    def xml(self, part: str) -> Element | None:
        """Return the root of a part, as far as it can be read; None, which is counted, if nothing of it can."""
        data = self.content(part)
        if data is None:
            return None
        strict = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False)
        try:
            return etree.fromstring(data, strict)
        except (etree.XMLSyntaxError, ValueError, LookupError):
            self.left_out.add("unreadable part", detail=f"{part} is damaged")
        tolerant = etree.XMLParser(
            recover=True, resolve_entities=False, no_network=True, huge_tree=True, load_dtd=False
        )
        try:
            return etree.fromstring(data, tolerant)
        except (etree.XMLSyntaxError, ValueError, LookupError):
            return None

    def content(self, part: str) -> bytes | None:
        """Return the content of a part, as far as it can be unpacked; None, which is counted, if it is missing.

        Raises `UnreadableDocument` if it is too large.
        """
        member = self._members.get(_key(part))
        if member is None:
            self.left_out.add("unreadable part", detail=f"{part} is missing")
            return None
        data = bytearray()
        try:
            with self._archive.open(member) as stream:
                while piece := stream.read(_PIECE):
                    data += piece
                    self._measure(part, len(data), len(piece))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            self.left_out.add("unreadable part", detail=f"{part} cannot be unpacked")
            return self._salvaged(part, member) or None
        return bytes(data)

    def elements(self, part: str, *names: str) -> Iterator[Element]:
        """Yield the elements of these local names as they end, as far as a part can be read; what is yielded is
        forgotten when the next one is asked for, so that a part of any length takes little memory.
        """
        data = self.content(part)
        if data is None:
            return
        tags = [f"{{*}}{each}" for each in names]
        options = {"resolve_entities": False, "no_network": True, "huge_tree": True, "load_dtd": False}
        reading = etree.iterparse(BytesIO(data), ("end",), tag=tags, recover=True, **options)
        del data
        try:
            for _, element in reading:
                yield element
                parent = element.getparent()
                element.clear()
                while parent is not None and parent[0] is not element:
                    del parent[0]
        except (etree.XMLSyntaxError, ValueError, LookupError):
            self.left_out.add("unreadable part", detail=f"{part} is damaged")
            return
        if reading.error_log:
            self.left_out.add("unreadable part", detail=f"{part} is damaged")

    def _salvaged(self, part: str, member: zipfile.ZipInfo) -> bytes:
        """Return what of a damaged part can be unpacked, up to the damage and whatever its check sum says."""
        start = member.header_offset
        names = sum(struct.unpack("<HH", self._data[start + 26 : start + 30])) if start + 30 < len(self._data) else 0
        packed = self._data[start + 30 + names :][: member.compress_size]
        if member.compress_type == zipfile.ZIP_STORED:
            return packed
        unpack, data = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
        with suppress(zlib.error):
            for at in range(0, len(packed), _SMALL_PIECE):
                piece = unpack.decompress(packed[at : at + _SMALL_PIECE])
                data += piece
                self._measure(part, len(data), len(piece))
        return bytes(data)

    def _measure(self, part: str, length: int, more: int) -> None:
        self._outermost._read += more
        if length > LARGEST_PART or self._outermost._read > LARGEST_FILE:
            raise UnreadableDocument(
                f"unpacks to more than {LARGEST_PART // 2**20} MB in {part}, or {LARGEST_FILE // 2**20} MB in all.",
                place=self.path,
                remedy="Split it; if you do not know where it is from, delete it.",
            )


def _opened(data: bytes, path: Path) -> zipfile.ZipFile:
    if data.startswith(_OLE):
        raise _of_older_kind(data, path)
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, what in _OTHERS.items():
        if start.startswith(mark):
            raise UnreadableDocument(
                f"is {what}, not an Office document.", place=path, remedy="Give it the suffix of its format."
            )
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
        what = "is cut off or damaged" if data.startswith(_ZIP) else "is no Office document"
        raise UnreadableDocument(
            f"{what} ({error}).", place=path, remedy="Get it again, or open and save it in its program."
        ) from None
    if any(each.flag_bits & 1 for each in archive.infolist()):
        raise UnreadableDocument("has a password.", place=path, remedy="Save it without a password.")
    return archive


def _of_older_kind(data: bytes, path: Path) -> UnreadableDocument:
    if _DIRECTORY in data:
        return UnreadableDocument("has a password.", place=path, remedy="Save it without a password.")
    if any(stream.encode("utf-16-le") in data for stream in _OLDER):
        return UnreadableDocument(
            f"has the binary format of Office 97 to 2003, whatever its name says ({path.suffix}).",
            place=path,
            remedy="Open it in its program or in LibreOffice and save it in today's format.",
        )
    return UnreadableDocument(
        "is a container of an unknown kind, perhaps with a password.",
        place=path,
        remedy="Save it in today's format without a password.",
    )


def _relations(root: Element, folder: str) -> Iterator[Relation]:
    for each in root.iter():
        if name(each).endswith(":Relationship"):
            target = value(each, "Target") or ""
            outside = (value(each, "TargetMode") or "").lower() == "external"
            kind = (value(each, "Type") or "").rstrip("/").rpartition("/")[2]
            yield Relation(value(each, "Id") or "", kind, target if outside else _resolved(target, folder), outside)


def _resolved(target: str, folder: str) -> str:
    plain = target.replace("\\", "/").partition("#")[0]
    return normpath(plain if plain.startswith("/") else join(folder, plain)).lstrip("/")


def _key(part: str) -> str:
    return normpath(unquote(part.replace("\\", "/"))).lstrip("/").lower()
