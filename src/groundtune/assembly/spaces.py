"""The spaces of a knowledge base: an index for pictures and one for recordings, in the store beside that of the text.

Each belongs to one index of the text and to one encoder. Which there are is kept in the records, so that what is
forgotten is forgotten in all of them, also in those that are no longer named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from groundtune.assembly.indexes import Filling, url_of
from groundtune.errors import InputError, SettingsError, UnreadableDocument
from groundtune.knowledge.embedding import media_embedder
from groundtune.knowledge.media import MediaEmbedder
from groundtune.knowledge.migrate import migrate
from groundtune.knowledge.reading_process import reading
from groundtune.knowledge.spaces import Space, SpaceReport, fill, kind_of
from groundtune.protocols import KnowledgeStore, Progress
from groundtune.records import KeptKind, Records
from groundtune.secrets import SecretUrl
from groundtune.settings import Settings
from groundtune.values import MediaKind, Search, digest


@dataclass(frozen=True, slots=True)
class SpaceIndex:
    """An index of a space, beside the text's index called `beside`; vectors are those of the encoder `signature`."""

    kind: MediaKind
    beside: str
    signature: str
    dimension: int

    @property
    def name(self) -> str:
        """What follows the store's URL after a #."""
        return f"{self.kind}_{digest(self.signature, self.beside)[:8]}"

    @property
    def filling(self) -> Filling:
        """What it is filled with."""
        return Filling(self.signature, self.dimension, 0, 0)


SPACES: KeptKind[tuple[SpaceIndex, ...]] = KeptKind("spaces", TypeAdapter(tuple[SpaceIndex, ...]))
Open = Callable[[str, Filling], KnowledgeStore]
"""Opens the index at a URL, with vectors of this filling."""


class Spaces:
    """The spaces in the store of `[knowledge]`, those that `[embedding]` names and those that it once named."""

    def __init__(self, settings: Settings, records: Callable[[], Records], open_index: Open) -> None:
        self._settings, self._records, self._open_index = settings, records, open_index
        self._url = settings.knowledge.store
        self._encoders: dict[MediaKind, MediaEmbedder] = {}
        self._opened: dict[SpaceIndex, Space] = {}

    @property
    def named(self) -> tuple[MediaKind, ...]:
        """The kinds whose encoder is named."""
        return self._settings.embedding.media

    def ready(self) -> tuple[MediaKind, ...]:
        """Return the kinds whose encoder is named and there. Raises `SettingsError` and `NotInstalled`."""
        for kind in self.named:
            self.encoder(kind)
        return self.named

    def refuse_without_vectors(self) -> None:
        """Raise `SettingsError` if an encoder is named: the store is a service that holds no vectors."""
        if self.named:
            raise SettingsError(
                f"`[embedding] {self.named[0]}` names an encoder, but this service holds no vectors.",
                place=str(self._url),
                remedy="Leave it out, or set `[knowledge] store` to a store of vectors.",
            )

    def encoder(self, kind: MediaKind) -> MediaEmbedder:
        """Return the encoder of a kind that is named. Raises `SettingsError` and `NotInstalled`."""
        if kind not in self._encoders:
            self._encoders[kind] = media_embedder(self._settings.embedding, kind)
        return self._encoders[kind]

    def of(self, beside: str) -> list[Space]:
        """Return the spaces that are named and were filled, beside the text's index called so."""
        if not self.named:
            return []
        signatures = {(kind, self.encoder(kind).signature) for kind in self.named}
        fitting = [index for index in self.all() if index.beside == beside]
        return [self._opening(index) for index in fitting if (index.kind, index.signature) in signatures]

    def fill(
        self,
        beside: str,
        texts: KnowledgeStore,
        file_of: Callable[[str], Path],
        hash_of: Callable[[str, Path], str],
        progress: Progress,
    ) -> tuple[SpaceReport, ...]:
        """Bring the spaces that are named up to date with the text's index, which is."""
        for kind in self.named:
            encoder = self.encoder(kind)
            if not any(space.kind == kind for space in self.of(beside)):
                self._keep(self._url, SpaceIndex(kind, beside, encoder.signature, encoder.dimension))
        return tuple(fill(space, texts, file_of, hash_of, progress) for space in self.of(beside))

    def all(self) -> Sequence[SpaceIndex]:
        """Return every space that was ever filled."""
        return self._kept(self._url)

    def stores(self, beside: str | None = None) -> Iterator[KnowledgeStore]:
        """Yield the index of every space that was ever filled, or of those beside one index of the text."""
        yield from (self._at(self._url, index) for index in self.all() if beside in (None, index.beside))

    def copy(self, source: SecretUrl, target: SecretUrl, progress: Progress) -> dict[str, int]:
        """Copy the spaces beside the text's index at `source`; return how many documents each of them holds."""
        copied = {}
        beside, new = (url.reveal().partition("#")[2] for url in (source, target))
        for index in self._kept(source):
            if index.beside == beside:
                other = replace(index, beside=new)
                self._keep(target, other)
                done = migrate(self._at(source, index), self._at(target, other), progress)
                copied[f"{index.kind} ({index.signature})"] = done.documents
        return copied

    def worded(self, search: Search, spaces: Sequence[Space]) -> Search:
        """Return a search whose file has become words as well, if it has any and no others were given.

        `spaces` are those that will be asked. Raises `InputError` for a file that cannot be asked with, and
        `UnreadableDocument` for one without words where no encoder is named.
        """
        file = search.file
        if file is None:
            return search
        if not file.is_file():
            raise InputError("there is no such file.", place=file, remedy="Check the path.")
        kind = kind_of(file)
        if kind in self.named and all(space.kind != kind for space in spaces):
            raise InputError(
                f"no files of the kind of {file.name} were embedded with the encoder that `[embedding] {kind}` names.",
                remedy="Run `groundtune ingest`.",
            )
        if search.text.strip():
            if kind not in self.named:
                raise SettingsError(
                    f"nothing compares files like {file.name}: `[embedding] {kind}` names no encoder.",
                    remedy="Name one, or leave the query out: then the words in the file are searched for.",
                )
            return search
        try:
            with reading(self._settings.knowledge) as read:
                return replace(search, text=_read(file) if read is None else read(file).text)
        except UnreadableDocument as error:
            if kind in self.named:
                return search
            remedy = f"Check the file, ask with words, or name an encoder in `[embedding] {kind}`."
            raise UnreadableDocument(error.message, place=file, remedy=remedy) from error

    def _opening(self, index: SpaceIndex) -> Space:
        if index not in self._opened:
            self._opened[index] = Space(index.kind, self.encoder(index.kind), self._at(self._url, index))
        return self._opened[index]

    def _at(self, url: SecretUrl, index: SpaceIndex) -> KnowledgeStore:
        return self._open_index(url_of(_base(url.reveal()), index.name), index.filling)

    def _kept(self, url: SecretUrl) -> Sequence[SpaceIndex]:
        return self._records().kept(SPACES, digest(_base(str(url)))) or ()

    def _keep(self, url: SecretUrl, index: SpaceIndex) -> None:
        """Note that there is an index, before anything is written into it."""
        self._records().keep(SPACES, digest(_base(str(url))), tuple(dict.fromkeys([*self._kept(url), index])))


def _base(url: str) -> str:
    return url.partition("#")[0]


def _read(file: Path) -> str:
    from groundtune.knowledge import readers

    return readers.read(file).text
