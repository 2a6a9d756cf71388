"""The identity of values: a hash that is the same on every machine."""

from __future__ import annotations

import hashlib


def digest(*parts: str) -> str:
    """Return a 32-digit hexadecimal hash of `parts`, which are kept apart: ("ab", "c") is not ("a", "bc")."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()
