"""Who asks, as callers say it. Knows no documents."""

from __future__ import annotations

from collections.abc import Sequence

from groundtune.errors import SettingsError


def principals(asker: Sequence[str]) -> tuple[str, ...]:
    """Return who asks. Raises `SettingsError` for nobody, a blank name, or one name in the place of a list."""
    if isinstance(asker, str) or not asker or not all(name.strip() for name in asker):
        raise SettingsError(
            f"the asker is {asker!r}, but must be a list of principals, none of them blank.",
            remedy='Write asker=["staff"] in Python, --as staff on the command line.',
        )
    return tuple(asker)
