"""What in a row may not be meant as it stands: kept, and told, so that somebody looks at it.

For the checks of training data, which see texts. Knows no dialect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{\s*[A-Za-z_][\w .-]{0,60}\}\}|\$\{[A-Za-z_]\w{0,60}\}|<<[A-Z][A-Z_ ]{2,40}>>")
_MEDIA = re.compile(r"<(?:image|video|audio)(?:_?\d+)?>")
_CONTROL = re.compile(r"<\|[a-z_]{2,40}\|>|\[/?INST\]|<<?/?SYS>>|<(?:start|end)_of_turn>")
_WRITTEN = re.compile(r"^#{0,3} ?(?:Human|User|Assistant|Instruction|Response|Input)\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TextDoubt:
    """Something doubtful in a text, and what to do about it."""

    detail: str
    remedy: str


def text_doubts(text: str) -> list[TextDoubt]:
    """Return what is doubtful in what somebody says in training data, each kind once.

    >>> [doubt.detail for doubt in text_doubts("I am {{name}}.")]
    ['holds the placeholder `{{name}}`, which the model would learn to write.']
    """
    return list(_doubts(text))


def _doubts(text: str) -> Iterator[TextDoubt]:
    mark = _PLACEHOLDER.search(text)
    if mark:
        yield TextDoubt(
            f"holds the placeholder `{mark.group()}`, which the model would learn to write.",
            "Put in what it stands for.",
        )
    mark = _MEDIA.search(text)
    if mark:
        yield TextDoubt(
            f"holds `{mark.group()}`, which stands for something that is not here.",
            "Describe it in words, or remove the row.",
        )
    mark = _CONTROL.search(text)
    if mark:
        yield TextDoubt(
            f"holds `{mark.group()}`, a mark of chat templates: the model may take it for the end of a turn.",
            "Remove it, or write the turns as a list.",
        )
    if len(_WRITTEN.findall(text)) > 1:
        yield TextDoubt("looks like a conversation in one text.", "Write the turns as a list, if it is one.")
