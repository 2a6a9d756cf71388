"""Contract of readers.

class TestMine(ReaderContract):
    def make(self) -> Reader:
        return MyReader()
    def write(self, path: Path) -> None:
        ...                          # a file with the words of SAMPLE in it
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from groundtune.errors import UnreadableDocument
from groundtune.protocols import Reader
from groundtune.values import LEFT_OUT_KINDS

SAMPLE = "Roaming in Switzerland costs 5 euros a day."


class ReaderContract:
    """Every reader passes these tests. Override `make` and `write`."""

    def make(self) -> Reader:
        """Return the reader under test."""
        raise NotImplementedError

    def write(self, path: Path) -> None:
        """Write a file of the reader's format that contains `SAMPLE`."""
        raise NotImplementedError

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """A file with `SAMPLE` in it."""
        path = tmp_path / f"price_list{self.make().suffixes[0]}"
        self.write(path)
        return path

    def test_suffixes(self) -> None:
        """Lower case, with the dot."""
        suffixes = self.make().suffixes
        assert suffixes
        assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)

    def test_the_text_is_in_it(self, path: Path) -> None:
        """Words keep their order; there is a title."""
        plain = self.make().read(path)
        assert SAMPLE in plain.text
        assert plain.title.strip()

    def test_headings_are_where_they_say(self, path: Path) -> None:
        """In order of offset, inside of the text, with a level and a title."""
        plain = self.make().read(path)
        offsets = [heading.offset for heading in plain.headings]
        assert offsets == sorted(offsets)
        for heading in plain.headings:
            assert 0 <= heading.offset < len(plain.text)
            assert heading.level >= 1
            assert heading.title == heading.title.strip() != ""

    def test_segments_are_in_order_and_make_up_the_text(self, path: Path) -> None:
        """Where a format has pages (or moments), all of the text stands on one; pages count from 1."""
        plain = self.make().read(path)
        ends = [0, *(segment.end for segment in plain.segments)]
        assert [segment.start for segment in plain.segments] == ends[:-1]
        assert ends[-1] == (len(plain.text) if plain.segments else 0)
        assert all(segment.page is None or segment.page >= 1 for segment in plain.segments)

    def test_contexts_are_where_they_say(self, path: Path) -> None:
        """In order of place, inside of the text; one that begins within another ends within it."""
        plain = self.make().read(path)
        around: list[int] = []
        for earlier, context in pairwise([None, *plain.contexts]):
            assert context is not None
            assert 0 <= context.start < context.end <= len(plain.text)
            assert context.text == context.text.strip() != ""
            assert earlier is None or earlier.start <= context.start
            around = [end for end in around if end > context.start]
            assert all(context.end <= end for end in around)
            around.append(context.end)

    def test_what_is_left_out_is_counted(self, path: Path) -> None:
        """By kinds that people can look up, each once."""
        left_out = self.make().read(path).left_out
        kinds = [each.kind for each in left_out]
        assert set(kinds) <= set(LEFT_OUT_KINDS)
        assert len(kinds) == len(set(kinds))
        assert all(each.count >= 1 and each.reason.strip() for each in left_out)

    def test_metadata_says_something(self, path: Path) -> None:
        """No blank keys or values; a date is a day of ISO 8601 where the file has one."""
        metadata = self.make().read(path).metadata
        assert all(part == part.strip() != "" for pair in metadata.items() for part in pair)

    def test_reading_twice_gives_the_same(self, path: Path) -> None:
        """A document's identity rests on this."""
        assert self.make().read(path) == self.make().read(path)

    def test_bytes_that_are_something_else(self, tmp_path: Path) -> None:
        """Noise is refused as unreadable, never taken as text and never another error."""
        path = tmp_path / f"noise{self.make().suffixes[0]}"
        path.write_bytes(bytes(range(128, 256)) * 20)
        with pytest.raises(UnreadableDocument) as caught:
            self.make().read(path)
        assert caught.value.remedy
        assert str(path) in str(caught.value)
