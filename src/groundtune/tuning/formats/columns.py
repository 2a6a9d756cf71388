"""The columns of one row: found by any of their usual names, and remembered once they are used.

A dialect asks for what it needs; what nothing asked for is left over, and is not dropped without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundtune.tuning.formats.contents import content_of, sound_text
from groundtune.tuning.formats.json_values import parse
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.tools import tools_of
from groundtune.tuning.formats.turns import is_turn, turns_of
from groundtune.values import Conversation, Message

SYSTEM = ("system", "system_prompt", "system_message", "system_instruction", "systeminstruction")
TOOLS = ("tools", "functions")
ANNOTATOR = ("annotator", "annotator_id", "labeler", "labeller", "rater", "worker_id")
NOT_TEXT = ("images", "image", "videos", "video", "audios", "audio")
_FLAGS = {"true": True, "false": False}  # in tables they are text
_METADATA = 200  # characters of a value that is kept as metadata


class RowColumns:
    """A row by the plain names of its columns: small letters, `_` between words."""

    def __init__(self, row: Mapping[str, object], place: str) -> None:
        self.place = place
        self.names = {_plain(key): key for key in row}
        if len(self.names) < len(row):  # `Text` and `text`
            self.names = {key: key for key in row}
        self.values = {plain: row[key] for plain, key in self.names.items()}
        self.present = frozenset([plain for plain, value in self.values.items() if value is not None])
        self.used: set[str] = set()

    def there(self, key: str) -> bool:
        """Tell whether a row has a column. (Files with one schema for all rows have null where a row has none.)"""
        return key in self.present

    def filled(self, key: str) -> bool:
        """Tell whether a column is there and holds something."""
        return key in self.present and self.values[key] not in ("", [], {})

    def which(self, keys: Sequence[str]) -> list[str]:
        """Return those of `keys` that hold something; if none does, those that are there."""
        there = [key for key in keys if self.there(key)]
        return [key for key in there if self.filled(key)] or there

    def take(self, keys: Sequence[str], what: str) -> tuple[str, object]:
        """Return (name, value) of the one column among `keys`. Raises `RowRefused` for several that differ."""
        names = self.which(keys)
        if not names:
            raise RowRefused(f"`{keys[0]}` is missing.", f"Add {what}.")
        first = self.values[names[0]]
        if any(self.values[key] != first for key in names[1:]):
            raise RowRefused(f"ambiguous: {_listed(names)} all hold {what}.", "Keep one of them.")
        self.used.update(names)
        return names[0], first

    def text(self, keys: Sequence[str]) -> str:
        """Return the text of an optional column, empty where there is none."""
        if not any(self.filled(key) for key in keys):
            self.used.update(key for key in keys if key in self.values)
            return ""
        key, value = self.take(keys, f"`{keys[0]}`")
        return sound_text(value, key)

    def name(self, keys: Sequence[str]) -> str:
        """Return what somebody or something is called: text, or a number."""
        there = next((key for key in keys if self.filled(key) or self.values.get(key) == 0), None)
        if there is None:
            return ""
        self.used.add(there)
        value = self.values[there]
        if isinstance(value, bool | list | dict):
            raise RowRefused(f"`{there}` is {shown(value)}, not a name.", "Write text.")
        return str(value)

    def flag(self, key: str) -> bool | None:
        """Return an optional column that says true or false, None where there is none."""
        if not self.filled(key):
            return None
        self.used.add(key)
        value = _FLAGS.get(str(self.values[key]).strip().casefold())
        if value is None:
            told = shown(self.values[key])
            raise RowRefused(f"`{key}` is {told}, not true or false.", "Write true or false, or leave it out.")
        return value

    def system(self) -> str:
        """Return the system message of a column of its own: text, or parts of text."""
        names = [key for key in SYSTEM if self.filled(key)]
        if not names:
            self.used.update(key for key in SYSTEM if key in self.values)
            return ""
        key, value = self.take(SYSTEM, "the system message")
        if isinstance(value, Mapping):
            value = value.get("parts", value.get("content", value))
        return "\n".join(content_of(value, key).texts)

    def tools(self) -> tuple[str, ...]:
        """Return the tools that the row offers."""
        if not any(self.filled(key) for key in TOOLS):
            self.used.update(key for key in TOOLS if key in self.values)
            return ()
        key, value = self.take(TOOLS, "the tools")
        return tools_of(value, key)

    def documents(self) -> tuple[str, ...]:
        """Return the documents that the row names."""
        value = self.values.get("documents")
        self.used.add("documents")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise RowRefused(f"`documents` is {shown(value)}, not a list of paths.", 'Write ["refunds.md"].')
        return tuple(value)

    def turns(self, key: str) -> Conversation:
        """Return the turns of a column, which may be JSON text, as cells of a table are."""
        self.used.add(key)
        value = self.values[key]
        if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
            value = parse(value.encode("utf-8", "replace"))
        return turns_of(value, key)

    def left(self) -> list[str]:
        """Return the columns that hold something and were not used."""
        rest = self.present - self.used
        return [key for key in self.values if key in rest and self.filled(key)] if rest else []

    def metadata(self) -> dict[str, str]:
        """Return the short values of the columns that were not used."""
        kept = {}
        for key in self.left():
            value = self.values[key]
            if isinstance(value, str | int | float) and len(str(value)) <= _METADATA:
                kept[self.names[key]] = str(value)
        return kept

    def refuse_pictures(self) -> None:
        """Raise `RowRefused` for pictures and sound in a column of their own."""
        for key in NOT_TEXT:
            if self.filled(key):
                raise RowRefused(
                    f"`{key}` is {shown(self.values[key])}, which cannot be trained on.",
                    "Training reads text only. Describe it in words, or remove the row.",
                )


def said(value: object, key: str, role: str) -> Conversation:
    """Return what a column says: turns as they are, text as one turn of `role`."""
    if isinstance(value, list) or is_turn(value):
        return turns_of(value, key)
    text = sound_text(value, key)
    if not text:
        raise RowRefused(f"`{key}` is empty.", "Write what was said, or remove the row.")
    return (Message("user" if role == "user" else "assistant", text),)


def _plain(key: str) -> str:
    return key.strip().casefold().replace(" ", "_").replace("-", "_")


def _listed(keys: Sequence[str]) -> str:
    return " and ".join(f"`{key}`" for key in keys)
