r"""Conversations written as one text, as in Anthropic's HH-RLHF: `\n\nHuman: ...\n\nAssistant: ...`.

The form of https://huggingface.co/datasets/Anthropic/hh-rlhf (Bai et al. 2022, arXiv 2204.05862).
"""

from __future__ import annotations

import re

from groundtune.tuning.formats.contents import sound_text
from groundtune.tuning.formats.refusal import RowRefused
from groundtune.values import Conversation, Message

_MARK = re.compile(r"(?:\A|\n\n)\s*(Human|Assistant|System):[ \t]*")
_ROLES = {"Human": "user", "Assistant": "assistant", "System": "system"}


def is_written(text: str) -> bool:
    r"""Tell whether a text begins as such a conversation does, and has an assistant in it.

    >>> is_written("\n\nHuman: Hi\n\nAssistant: Hello"), is_written("Human: a word")
    (True, False)
    """
    marks = _MARK.findall(text)
    first = _MARK.match(text)
    return first is not None and first[1] != "Assistant" and "Assistant" in marks


def written_turns(text: str, where: str) -> Conversation:
    """Return the turns; an open `Assistant:` at the end is left out. Raises `RowRefused` for an empty turn."""
    parts = _MARK.split(sound_text(text, where) if text.strip() else text)
    names, texts = parts[1::2], parts[2::2]
    made = []
    for number, (name, said) in enumerate(zip(names, texts, strict=True)):
        content = said.strip()
        if not content and number == len(names) - 1 and name == "Assistant":
            continue
        if not content:
            raise RowRefused(
                f"`{where}`: turn {number + 1} ({name}) is empty.", "Write what was said, or remove the row."
            )
        made.append(Message(_ROLES[name], content))  # type: ignore[arg-type]
    return tuple(made)
