"""The front matter of a text: metadata at its very top, as YAML between `---`, TOML between `+++`, or a JSON object.

Two horizontal rules with prose between them are none. Only top-level scalars are read, and `readable_by`, which may be
a list: one that cannot be understood allows nobody. Knows nothing of Markdown.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time

from groundtune.knowledge.readers import described
from groundtune.knowledge.rules import READERS

_YAML = re.compile(r"---[ \t]*\n(?P<content>.*?\n)??(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TOML = re.compile(r"\+\+\+[ \t]*\n(?P<content>.*?\n)??\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(?P<quote>[\"']?)(?P<title>.+?)(?P=quote)[ \t]*$", re.MULTILINE)
_SCALAR = re.compile(r"^(?P<key>[^\W\d][\w-]*):[ \t]+(?P<quote>[\"']?)(?P<value>.+?)(?P=quote)[ \t]*$", re.MULTILINE)
_READERS = re.compile(
    r"^readable_by:[ \t]*(?P<value>[^\n]*)\n?(?P<items>(?:[ \t]*(?:-[ \t]+[^\n]*|#[^\n]*)?(?:\n|\Z))*)",
    re.MULTILINE | re.I,
)
_NO_SCALAR = tuple("[{|>&*!#")  # what begins another kind of value, or a comment, in YAML
_KEY = re.compile(r"(?:[\w.$@:-]+(?: [\w.-]+)?|\"[^\"\n]+\"|'[^'\n]+')[ \t]*:(?=[ \t]|$)")
_BELOW_A_KEY = re.compile(r"[ \t]|$|#|-(?:[ \t]|$)|[\]}],?[ \t]*$")  # indented lines, comments, items, brackets
_SENTENCE = re.compile(r"[A-ZÀ-Þ][\w-]*:[ \t].*\w[.!?][ \t]*\n?\Z")  # "Note: we pay refunds."


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """Where the text after it begins, and what it says: `title` is None if it names none, and may be empty;
    `readable_by` is None if it names no readers."""

    end: int = 0
    title: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    readable_by: tuple[str, ...] | None = None


def front_matter(text: str) -> FrontMatter:
    """Return the front matter of `text`; if it has none, `end` is 0."""
    if text.startswith("---"):
        match = _YAML.match(text)
        if match and _is_yaml(match["content"] or ""):
            return _yaml(match["content"] or "", match.end())
    elif text.startswith("+++"):
        match = _TOML.match(text)
        try:
            values = tomllib.loads(match["content"] or "") if match else None
        except tomllib.TOMLDecodeError:
            values = None
        if match and values is not None:
            return _from_values(values, match.end())
    elif text.startswith("{"):
        return _json(text)
    return FrontMatter()


def _is_yaml(content: str) -> bool:
    """Tell whether these are `key: value` lines with what belongs to keys, not prose between two rules."""
    lines = content.split("\n")[:-1]
    if not lines or all(line.lstrip().startswith("#") for line in lines):
        return not lines or not any(re.match(r"#{1,6} ", line) for line in lines)
    first = next(line for line in lines if not line.startswith("#"))
    if not _KEY.match(first) or (len(lines) == 1 and _SENTENCE.match(first)):
        return False
    return all(_KEY.match(line) or _BELOW_A_KEY.match(line) for line in lines)


def _yaml(content: str, end: int) -> FrontMatter:
    named = _TITLE.search(content)
    title = None if named is None else "" if named["title"] in ('""', "''") else named["title"]
    scalars: dict[str, str | None] = {"title": title} if title else {}
    for match in _SCALAR.finditer(content):
        value = match["value"] if match["quote"] else re.split(r"\s#", match["value"])[0]
        if match["quote"] or not value.startswith(_NO_SCALAR):
            scalars.setdefault(match["key"].lower(), value)
    scalars.pop(READERS, None)
    return FrontMatter(end, title, described(**scalars), _yaml_readers(content))


def _yaml_readers(content: str) -> tuple[str, ...] | None:
    """Return the scalar, the list in brackets on one line, or the items on lines of their own; () for anything else."""
    match = _READERS.search(content)
    if match is None:
        return None
    value = re.split(r"(?:^|\s)#", match["value"])[0].strip()
    if value.startswith("[") and value.endswith("]"):
        named = [_unquoted(each) for each in value[1:-1].split(",")]
    elif value:
        named = [] if value.startswith(_NO_SCALAR) else [_unquoted(value)]
    else:
        lines = [line.strip() for line in match["items"].split("\n")]
        named = [_unquoted(re.split(r"\s#", line[1:])[0]) for line in lines if line.startswith("-")]
    return tuple(name for name in named if name and not name.startswith(_NO_SCALAR))


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _json(text: str) -> FrontMatter:
    try:
        values, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return FrontMatter()
    rest = re.compile(r"[ \t]*(?:\n|\Z)").match(text, end)
    return _from_values(values, rest.end()) if rest and isinstance(values, dict) and values else FrontMatter()


def _from_values(values: Mapping[str, object], end: int) -> FrontMatter:
    scalars: dict[str, str | datetime | None] = {}
    readers = None
    for key, value in values.items():
        if key.lower() == READERS:
            listed = value if isinstance(value, list) else [value]
            readers = tuple(name.strip() for name in listed if isinstance(name, str) and name.strip())
        elif isinstance(value, datetime):
            scalars.setdefault(key.lower(), value)
        elif isinstance(value, bool):
            scalars.setdefault(key.lower(), str(value).lower())
        elif isinstance(value, str | int | float | date | time):
            scalars.setdefault(key.lower(), str(value))
    title = values.get("title")
    return FrontMatter(end, title.strip() if isinstance(title, str) else None, described(**scalars), readers)
