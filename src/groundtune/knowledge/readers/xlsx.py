"""Workbooks (.xlsx, .xls, .ods and their kin): every sheet that people see, its tables with titles, header and remarks.

Office Open XML and OpenDocument are read as they are written, so that numbers and days look as in the sheet; files of
Excel 97 to 2003 need the extra `xlsx`. A formula is its last value as the file keeps it. What kind of file it is, its
first bytes say: many a program writes a web page and calls it .xls.
"""

from __future__ import annotations

from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._ooxml import Package
from groundtune.knowledge.readers._sheets.ods import OdsBook, is_ods
from groundtune.knowledge.readers._sheets.writing import write_page
from groundtune.knowledge.readers._sheets.xls import XlsBook
from groundtune.knowledge.readers._sheets.xlsx_book import XlsxBook
from groundtune.knowledge.readers.html import HtmlReader
from groundtune.values import PlainText
from groundtune.workbooks import PACKED

_PAGES = (b"<html", b"<!doctype html", b"<table", b"<meta", b"<head", b"<body", b"<div")
_START = 200  # bytes


class WorkbookReader:
    """Reads workbooks and their templates, with and without macros."""

    suffixes = (".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlt", ".ods", ".ots")

    def read(self, path: Path) -> PlainText:
        """Return the sheets one after the other; the title is the file's name.

        Raises `UnreadableDocument` if the file has a password, another format or no sheets, and `NotInstalled` for a
        file of Excel 97 to 2003 without the extra.
        """
        data = path.read_bytes()
        if data[:_START].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
            return HtmlReader().read(path)
        builder = TextBuilder()
        book = _book(data, path, builder)
        for page in book.pages():
            write_page(page, builder)
        return builder.plain(name_of(path), metadata=book.metadata(), notes=book.notes())


def _book(data: bytes, path: Path, builder: TextBuilder) -> XlsxBook | OdsBook | XlsBook:
    if data.startswith(PACKED[1]):
        return XlsBook(data, path, builder.left_out)
    package = Package(data, path, builder.left_out)
    if is_ods(package):
        return OdsBook(package)
    if "xl/workbook.bin" in package:
        raise UnreadableDocument(
            "is a binary workbook (.xlsb).", place=path, remedy="Open it in its program and save it as .xlsx."
        )
    return XlsxBook(package)


def groundtune_reader() -> WorkbookReader:
    """Hook of `readers`."""
    return WorkbookReader()
