"""Word documents (.docx), by python-docx: paragraphs, lists and tables in the order of the document.

Headers, footers, comments and text boxes are left out. Headings are known by their style. A .docx file has no pages:
where they break depends on the printer.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._builder import LINE, PARAGRAPH, TextBuilder
from groundtune.values import PlainText

_HEADING = re.compile(r"heading ?(\d)", re.IGNORECASE)


class DocxReader:
    """Reads .docx files."""

    suffixes = (".docx",)

    def read(self, path: Path) -> PlainText:
        """Return the document's body; the title is its first heading, or the file's name."""
        builder = TextBuilder()
        document = _opened(path)
        for block in document.iter_inner_content():
            if hasattr(block, "rows"):
                _table(block, builder)
            else:
                _paragraph(block, builder)
        return builder.plain(otherwise=name_of(path), metadata=_properties(document))


def _opened(path: Path) -> Any:  # noqa: ANN401 -- python-docx has no types
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    try:
        return docx.Document(str(path))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError, SyntaxError) as error:
        raise UnreadableDocument(
            f"cannot be read as a Word document, or is protected by a password ({error}).",
            place=path,
            remedy="Open it in Word and save it as .docx without a password.",
        ) from None


def _properties(document: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the file's properties; nothing for a file without them, for which python-docx makes some up."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        document.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
    except KeyError:
        return {}
    known = document.core_properties
    return described(
        title=known.title,
        author=known.author,
        date=known.created,
        subject=known.subject,
        category=known.category,
        keywords=known.keywords,
        language=known.language,
    )


def _paragraph(paragraph: Any, builder: TextBuilder) -> None:  # noqa: ANN401
    style = paragraph.style.name if paragraph.style is not None and paragraph.style.name else ""
    heading = _HEADING.match(style)
    if heading or style == "Title":
        builder.heading(paragraph.text, int(heading[1]) if heading else 1)
    elif style.startswith("List"):
        builder.add(f"- {paragraph.text.strip()}" if paragraph.text.strip() else "", LINE)
    else:
        builder.part()
        builder.add(paragraph.text, PARAGRAPH)
        builder.part()


def _table(table: Any, builder: TextBuilder) -> None:  # noqa: ANN401
    builder.part()
    for row in table.rows:
        cells = list({id(cell._tc): cell for cell in row.cells}.values())  # a merged cell comes once a column
        builder.row([cell.text for cell in cells])
    builder.part()


def groundtune_reader() -> DocxReader:
    """Hook of `readers`."""
    return DocxReader()
