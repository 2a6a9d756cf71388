"""The seam for encoders of pictures and recordings.

It stands here and not in `protocols.py`, whose 400 lines are taken. Its contract test is `groundtune.testing.media`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from groundtune.protocols import Vectors


@runtime_checkable
class MediaEmbedder(Protocol):
    """Turns files of one kind into vectors of length 1 and, if it can, texts into vectors of the same space."""

    @property
    def signature(self) -> str:
        """Model and settings: vectors of different signatures must not be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def places_texts(self) -> bool:
        """Whether `embed` may be called: a text is then near the files that show, or sound like, what it says."""
        ...

    def embed_files(self, files: Sequence[Path]) -> Vectors:
        """Return an array of shape (len(files), dimension), float32, rows of norm 1.

        Raises `UnreadableDocument`, with the file as its place, if one of them is damaged or of another kind.
        """
        ...

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return an array of shape (len(texts), dimension), float32, rows of norm 1."""
        ...
