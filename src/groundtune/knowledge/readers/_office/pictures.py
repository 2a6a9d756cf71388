"""What a picture shows, as its author described it. Knows no drawing."""

from __future__ import annotations

import re

_SHORTEST_DESCRIPTION = 3  # words; "Picture 1" and "logo" describe nothing
_MADE_BY_A_PROGRAM = re.compile(
    r"automatically generated|automatisch generiert|automatiquement|automáticamente|AI-generated content may be|"
    r"KI-generierte Inhalte können|généré par l.IA peut|generado por IA puede|generato dall.IA potrebbe",
    re.IGNORECASE,
)


def description(said: str | None) -> str:
    """Return an alternative text in one line; nothing if it is a mere name, or a program has guessed it."""
    text = " ".join((said or "").split())
    return text if len(text.split()) >= _SHORTEST_DESCRIPTION and not _MADE_BY_A_PROGRAM.search(text) else ""


def shown(said: str | None) -> str:
    """Return the line that stands for a picture: "[Image: A red kettle.]"; nothing if nobody has described it."""
    text = description(said)
    return f"[Image: {text}]" if text else ""
