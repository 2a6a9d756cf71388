"""Contract of encoders of pictures and recordings.

class TestMine(MediaEmbedderContract):
    def make(self) -> MediaEmbedder:
        return MyEmbedder()

    def files(self, folder: Path) -> Sequence[Path]:
        return [...]  # three files that differ
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.media import MediaEmbedder


class MediaEmbedderContract:
    """Every encoder of files passes these tests. Override `make` and `files`."""

    def make(self) -> MediaEmbedder:
        """Return the encoder under test."""
        raise NotImplementedError

    def files(self, folder: Path) -> Sequence[Path]:
        """Write three files that differ into `folder` and return them."""
        raise NotImplementedError

    def test_shape_type_and_norm(self, tmp_path: Path) -> None:
        """Rows are unit vectors of float32, one a file."""
        made = self.make()
        vectors = made.embed_files(self.files(tmp_path))
        assert vectors.shape == (3, made.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)

    def test_nothing(self) -> None:
        """An empty batch gives an empty array of the right width."""
        made = self.make()
        assert made.embed_files([]).shape == (0, made.dimension)

    def test_a_file_has_its_vector(self, tmp_path: Path) -> None:
        """It depends neither on its neighbours nor on when it is made, and is another than that of another file."""
        made, files = self.make(), self.files(tmp_path)
        together = made.embed_files(files)
        alone = np.concatenate([made.embed_files([file]) for file in files])
        np.testing.assert_allclose(together, alone, atol=1e-4)
        assert (together @ together.T - np.eye(3) < 0.9999).all()

    def test_signature_is_stable(self, tmp_path: Path) -> None:
        """Two encoders made alike have the same signature and give the same vectors."""
        left, right, files = self.make(), self.make(), self.files(tmp_path)
        assert left.signature == right.signature != ""
        np.testing.assert_allclose(left.embed_files(files), right.embed_files(files), atol=1e-5)

    def test_texts_are_in_the_same_space(self) -> None:
        """An encoder that places texts gives unit vectors of the same dimension for them."""
        made = self.make()
        if made.places_texts:
            vectors = made.embed(["a red circle", "", "x " * 5000], "query")
            assert vectors.shape == (3, made.dimension)
            assert vectors.dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
            assert made.embed([], "query").shape == (0, made.dimension)

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        """A file that is none of its kind is refused with its path and the reason."""
        files = self.files(tmp_path)
        damaged = files[1]
        damaged.write_bytes(b"this is none")
        with pytest.raises(UnreadableDocument) as raised:
            self.make().embed_files(files)
        assert (raised.value.place, bool(raised.value.message)) == (str(damaged), True)
