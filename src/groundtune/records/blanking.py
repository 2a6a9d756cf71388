"""Passwords blanked in JSON, string by string, so that it stays JSON; and in files that groundtune 0.1 wrote.

Knows JSON, the text of a page, and `secrets.without_passwords`; no table. What is kept must not depend on which secrets
this process happens to have read: a password "test" is no reason to blank that word in a report.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, cast

from groundtune.files import write_text
from groundtune.secrets import without_passwords
from groundtune.text import encodable

Json = TypeVar("Json")

_log = logging.getLogger(__name__)
_WRITTEN = ("report/report.json", "report/report.html", "human/*/key.json", ".groundtune/adapters/*/manifest.json")


def blanked(value: Json) -> Json:
    """Return a JSON value with the passwords in its strings blanked; keys stay as they are.

    >>> blanked({"url": {"value": "postgresql://ana:hunter2@db/x", "origin": "file"}, "n": [1, None]})
    {'url': {'value': 'postgresql://ana:***@db/x', 'origin': 'file'}, 'n': [1, None]}
    """
    return cast("Json", _blanked(value))


def _blanked(value: object) -> object:
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, Mapping):
        return {key: _blanked(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_blanked(held) for held in value]
    return value


def blanked_json(text: str, indent: int | None = None) -> str:
    """Return JSON text with its passwords blanked; the same text, to the letter, where there is none."""
    try:
        value = json.loads(text)
    except ValueError:  # no JSON, whoever wrote it: what it shows is blanked all the same
        return without_passwords(text)
    blank = blanked(value)
    return text if blank == value else json.dumps(blank, ensure_ascii=False, indent=indent)


def blanked_page(text: str) -> str:
    """Return HTML with the passwords in its texts blanked; a text ends where a tag begins.

    >>> blanked_page("<td>https://ana:hunter2@host</td><td>a@b</td>")
    '<td>https://ana:***@host</td><td>a@b</td>'
    """
    return "".join(without_passwords(piece) for piece in re.split("([<>])", text))


def blank_files(folder: Path) -> bool:
    """Blank passwords in reports, keys of studies and manifests of the project in `folder`.

    Return whether all of them could be; what could not is named in the log.
    """
    done = [_blank_file(path) for path in written_files(folder)]
    return all(done)


def written_files(folder: Path) -> list[Path]:
    """Return the files of the project in `folder` in which groundtune 0.1 may have written a password."""
    return [path for pattern in _WRITTEN for path in sorted(folder.glob(pattern))]


def _blank_file(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
        blank = blanked_page(text) if path.suffix == ".html" else blanked_json(text, indent=2)
        if blank != text:
            write_text(path, blank)
    except (OSError, UnicodeDecodeError) as error:
        _log.warning("%s may contain a password and cannot be rewritten without it: %s.", path, error)
        return False
    return True


def sound(text: str) -> str:
    """Return `text` as every database takes it: NUL and halves of characters become other marks."""
    return encodable(text.replace("\x00", "\ufffd"))
