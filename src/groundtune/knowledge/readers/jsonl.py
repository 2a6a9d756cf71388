"""JSON, a value a line (.jsonl, .ndjson): exported tickets, conversations, or questions and answers.

    {"id": 7, "subject": "No light", "description": "...", "comments": [{"author": "Ada", "body": "..."}]}

They are read as in a list of a .json file. Values that go over several lines are read, too.
"""

from __future__ import annotations

from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._json import parsed_lines
from groundtune.knowledge.readers._left_out import listed
from groundtune.knowledge.readers.json_faq import write_json
from groundtune.values import PlainText


class JsonLinesReader:
    """Reads values line by line."""

    suffixes = (".jsonl", ".ndjson")

    def read(self, path: Path) -> PlainText:
        """Return one part a line; lines that are no JSON are counted.

        Raises `UnreadableDocument` if the lines hold neither tickets nor questions and answers.
        """
        source = decoded(path)
        builder = TextBuilder()
        builder.left_out.include(source.left_out)
        try:
            values, broken = parsed_lines(source.text, path)
            content = [value for _, value in values]
            if len(content) == 1 and (isinstance(content[0], list) or _is_framed(content[0])):
                write_json(content[0], builder, path)  # a .json file by another name
            else:
                write_json(content, builder, path, [line for line, _ in values])
        except RecursionError:
            raise UnreadableDocument(
                "is nested too deeply.", place=path, remedy="Export it with fewer levels."
            ) from None
        if broken:
            builder.left_out.add("unreadable part", len(broken), f"{listed('line', 'lines', broken)}: broken JSON")
        return builder.plain(title=name_of(path), notes=source.notes)


def _is_framed(value: object) -> bool:
    return isinstance(value, dict) and "faq" in value


def groundtune_reader() -> JsonLinesReader:
    """Hook of `readers`."""
    return JsonLinesReader()
