"""Which indexes of a knowledge base there are: one for each embedder and splitting that it was built for.

They lie in one store, beside one another. Every process uses the one that fits its settings, so that another one can
be built, and gone back from, while others ask. Which there are is kept in the records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from groundtune.errors import StoreError
from groundtune.records import KeptKind, Records
from groundtune.values import digest


@dataclass(frozen=True, slots=True)
class Filling:
    """What an index is filled with: vectors of the embedder with this signature, of chunks of this size."""

    signature: str
    dimension: int
    chunk_size: int
    chunk_overlap: int

    @property
    def of_unknown_size(self) -> Filling:
        """The same of an index that was there before its chunks' size was noted."""
        return Filling(self.signature, self.dimension, 0, 0)

    @property
    def told(self) -> str:
        """What a message says of it."""
        return f"{self.signature}, chunks of {self.chunk_size or 'unknown size'}"


@dataclass(frozen=True, slots=True)
class Index:
    """A whole index. Its `name` follows the store's URL after a #; that of the first one is empty."""

    name: str
    filling: Filling


def url_of(store: str, index: str) -> str:
    """Return the URL of the index called so in the store at a URL."""
    return f"{store}#{index}" if index else store


INDEXES: KeptKind[tuple[Index, ...]] = KeptKind("indexes", TypeAdapter(tuple[Index, ...]))
TRIALS: KeptKind[tuple[Index, ...]] = KeptKind("trials", TypeAdapter(tuple[Index, ...]))
"""Indexes that only measurements use: none of them may be whole."""


class Indexes:
    """The indexes in the store at `place`, which is a URL without a password."""

    def __init__(self, records: Callable[[], Records], place: str) -> None:
        self._records, self._place = records, place
        self._key = digest(place)

    def place(self, name: str) -> str:
        """Return the URL of the index called `name`, without a password."""
        return url_of(self._place, name)

    def all(self) -> Sequence[Index]:
        """Return the indexes that are whole, oldest first."""
        return self._records().kept(INDEXES, self._key) or ()

    def name(self, filling: Filling) -> str:
        """Return the name of the index to use. Raises `StoreError` if there are several, and none fits."""
        indexes = self.all()
        fitting = [index.name for index in indexes if index.filling == filling]
        fitting += [index.name for index in indexes if index.filling == filling.of_unknown_size]
        if not fitting and len(indexes) > 1:
            told = "; ".join(index.filling.told for index in indexes)
            raise StoreError(
                f"there is no index for the settings ({filling.told}), but for {told}.",
                place=self._place,
                remedy="Run `groundtune knowledge rebuild`, or restore the earlier settings.",
            )
        return fitting[0] if fitting else ""

    def name_for_new(self, filling: Filling) -> str:
        """Return the name of the index that is filled so, or is to be, beside the others."""
        size = (str(filling.chunk_size), str(filling.chunk_overlap))
        fitting = [index.name for index in self.all() if index.filling == filling]
        return fitting[0] if fitting else digest(filling.signature, *size)[:8]

    def keep(self, index: Index) -> None:
        """Note that an index is whole. It takes the place of one with the same name."""
        before = {each.name: each for each in self.all()}
        if before.get(index.name) != index:
            self._records().keep(INDEXES, self._key, tuple((before | {index.name: index}).values()))
        self.forget_trial(index)

    def trials(self) -> Sequence[Index]:
        """Return the indexes that were made to try settings, and not dropped."""
        return self._records().kept(TRIALS, self._key) or ()

    def note_trial(self, index: Index) -> None:
        """Note an index that is made to try settings, before it is made."""
        self._records().keep(TRIALS, self._key, tuple(dict.fromkeys([*self.trials(), index])))

    def forget_trial(self, index: Index) -> None:
        """Note that an index was dropped, or is none of those any more."""
        if index in self.trials():
            self._records().keep(TRIALS, self._key, tuple(each for each in self.trials() if each != index))
