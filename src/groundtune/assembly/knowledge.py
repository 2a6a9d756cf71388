"""The knowledge base of a project: documents, embedder, store and reranker, opened when they are first needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

from groundtune.assembly.cited import Source, cited
from groundtune.assembly.finding import PassageFinder
from groundtune.assembly.indexes import Filling, Index, Indexes, url_of
from groundtune.assembly.locked import locked_property, only_writer
from groundtune.assembly.spaces import Spaces
from groundtune.assistant.rewriting import QuestionRewriting
from groundtune.errors import InputError, OtherFilling
from groundtune.files import within
from groundtune.knowledge.checking import check_index
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import IngestReport, Manner, documents, ingest, passages
from groundtune.knowledge.migrate import Migration, migrate
from groundtune.knowledge.reading_process import reading
from groundtune.knowledge.reranking import reranker
from groundtune.knowledge.retriever import Retriever
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.sources.mirrors import Mirrors, file_of
from groundtune.knowledge.spaces import Space
from groundtune.knowledge.stores import open_retriever, open_store
from groundtune.protocols import ChatModel, Embedder, Held, KnowledgeStore, Progress, Reranker, silent
from groundtune.records import Records
from groundtune.records.documents import KeptRevisions
from groundtune.secrets import SecretUrl
from groundtune.settings import Settings
from groundtune.values import EVERYONE, Chunk, Document, Passage, Place, Search

STATE = ".groundtune"  # where groundtune keeps what it makes, in the project's folder


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An index that was built, or brought up to date if it is not `new`; `checked` documents were looked for in it."""

    report: IngestReport
    new: bool
    checked: int
    name: str


class KnowledgeBase:
    """What `[knowledge]` and `[embedding]` name, for the project in `folder`; `model` rewrites questions."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        records: Callable[[], Records],
        progress: Progress = silent,
        model: Callable[[], ChatModel] | None = None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._records = records
        self._progress = progress
        self.rewriting = QuestionRewriting(settings.knowledge.rewrite, model)

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._folder

    @property
    def settings(self) -> Settings:
        """The project's settings."""
        return self._settings

    @property
    def documents(self) -> Path:
        """The folder of documents."""
        return within(self._folder, self._settings.knowledge.documents)

    @property
    def sources(self) -> Mirrors:
        """The documents elsewhere, as they were copied."""
        return Mirrors(self._settings.knowledge, self._folder, self._progress)

    @locked_property
    def embedder(self) -> Embedder:
        """The embedder of `[embedding]`."""
        return embedder(self._settings.embedding)

    @locked_property
    def reranker(self) -> Reranker | None:
        """The reranker of `[knowledge]`, if any."""
        settings = self._settings.knowledge
        return reranker(settings.located(settings.reranker))

    @locked_property
    def store(self) -> KnowledgeStore:
        """The index that fits the settings, in the store of `[knowledge]`."""
        return self._open(self._index_name)

    @locked_property
    def indexes(self) -> Indexes:
        """Which indexes there are in the store."""
        return Indexes(self._records, str(self._settings.knowledge.store))

    @locked_property
    def spaces(self) -> Spaces:
        """The indexes of pictures and recordings in the store."""
        return Spaces(self._settings, self._records, self._open_url)

    @locked_property
    def retriever(self) -> Retriever | None:
        """The service of `[knowledge] store` that retrieves by itself; None where that is a store."""
        settings = self._settings
        url = settings.knowledge.store.reveal()
        retriever = open_retriever(url, self._folder, self.revisions_of(""), settings.store)
        if retriever is not None:
            self.spaces.refuse_without_vectors()
        return retriever

    @property
    def revisions(self) -> KeptRevisions:
        """The documents as they were read for the index that fits the settings, kept in the records."""
        return self.revisions_of("" if self.retriever is not None else self._index_name)

    def revisions_of(self, index: str) -> KeptRevisions:
        """Return those of the index called so."""
        return self._records().revisions(self.indexes.place(index), self._settings.knowledge.keep_revisions)

    @property
    def _holder(self) -> KnowledgeStore | Retriever:
        return self.retriever or self.store

    def ingest(self, paths: Sequence[Path] | None = None, *, verify: bool = False) -> IngestReport:
        """Bring the store up to date with the documents folder, or the `paths` in it, else with the sources, too.

        `verify` reads files that seem unchanged, and fetches such documents, too.
        Whoever else changes the knowledge base of this project waits, as this does for them.
        """
        with self.writing():
            if self.retriever is not None:
                return self._fill(self.retriever, "", paths, verify=verify)
            report = self._fill(self.store, self._index_name, paths, verify=verify)
            self.indexes.keep(Index(self._index_name, self._filling))
            return report

    def rebuild(self) -> Rebuilt:
        """Build the index for these settings beside the others, or bring it up to date, and check it.

        Until it is whole, it is used by nobody; from then on, by whoever has these settings. The others stay as they
        are, so that the earlier settings lead back to them. Interrupted, it goes on when it is called again. Raises
        `StoreError` if the index does not find what is in it, and `InputError` where there is nothing to ingest.
        """
        if self.retriever is not None:
            raise InputError("a retriever has no index of ours to build.", place=str(self._settings.knowledge.store))
        with self.writing():
            self._note_first()
            before = [index.name for index in self.indexes.all()]
            name = self.indexes.name_for_new(self._filling) if before else ""
            store = self._open(name)
            report = self._fill(store, name)
            if store.is_empty():
                raise InputError("there is nothing to build an index of.", place=self.documents)
            checked = check_index(store, self.embedder)
            self.indexes.keep(Index(name, self._filling))
        self.__dict__.pop("store", None)
        self.__dict__.pop("_index_name", None)
        return Rebuilt(report, name not in before, checked, name)

    def changed(self, settings: Settings) -> KnowledgeBase:
        """Return the knowledge base of this project with other settings; what is the same for both is opened once."""
        other = KnowledgeBase(settings, self._folder, self._records, self._progress)
        if settings.embedding == self._settings.embedding:
            other.__dict__["embedder"] = self.embedder
        return other

    def has_index(self) -> bool:
        """Tell whether there is a whole index of just these settings."""
        return any(index.filling == self._filling for index in self.indexes.all())

    @property
    def trial_index(self) -> Index:
        """The index that is made to try these settings, and that `rebuild` keeps."""
        return Index(self.indexes.name_for_new(self._filling), self._filling)

    def open_index(self, index: Index) -> KnowledgeStore:
        """Open an index, whichever settings it is for. It is made if it is not there."""
        return self._open(index.name, index.filling)

    def _note_first(self) -> None:
        """Note the index that is there already, if none is noted: it may be of another embedder."""
        if self.indexes.all():
            return
        try:
            empty, filling = self._open("").is_empty(), self._filling.of_unknown_size
        except OtherFilling as error:
            empty, filling = False, Filling(error.held["embedder"], int(error.held["dimension"]), 0, 0)
        if not empty:
            self.indexes.keep(Index("", filling))

    def writing(self) -> AbstractContextManager[None]:
        """Be the only one who changes the knowledge base of this project, as soon as nobody else does."""
        return only_writer(self._folder / STATE / "writing.lock")

    def _fill(
        self,
        store: KnowledgeStore | Retriever,
        index: str,
        paths: Sequence[Path] | None = None,
        *,
        verify: bool = False,
    ) -> IngestReport:
        settings, media, seen = self._settings.knowledge, self.spaces.ready(), self._seen(index, verify=verify)
        sources = self.sources.update(verify=verify) if paths is None else ()
        with reading(settings, self._progress, media) as read:
            manner = Manner(self._progress, seen, read, self.revisions_of(index), media)
            embedder = None if store is self.retriever else self.embedder
            report = ingest(self.documents, store, embedder, settings, paths, manner, sources)
        if not media:
            return report
        began = time.perf_counter()
        files = partial(file_of, self.documents, sources or self.sources.mirrored())
        spaces = self.spaces.fill(index, cast("KnowledgeStore", store), files, seen.hash_of, self._progress)
        return replace(report, spaces=spaces, seconds=report.seconds + time.perf_counter() - began)

    def _open(self, index: str, filling: Filling | None = None) -> KnowledgeStore:
        return self._open_url(url_of(self._settings.knowledge.store.reveal(), index), filling)

    def _open_url(self, url: str, filling: Filling | None = None) -> KnowledgeStore:
        embedder = self.embedder if filling is None else cast("Embedder", filling)
        return open_store(url, self._folder, embedder, self._settings.store)

    @locked_property
    def _filling(self) -> Filling:
        settings = self._settings.knowledge
        return Filling(self.embedder.signature, self.embedder.dimension, settings.chunk_size, settings.chunk_overlap)

    @locked_property
    def _index_name(self) -> str:
        """The name of the index that fits; where there is none but the first, the embedder is not asked for."""
        return self.indexes.name(self._filling) if any(index.name for index in self.indexes.all()) else ""

    def documents_held(self) -> dict[str, str]:
        """Return the documents in the store by id, with their fingerprints."""
        return self._holder.documents()

    def revision(self) -> str:
        """Return what changes with every change of what is held."""
        return self._holder.revision()

    def held(self, document: str) -> Held:
        """Return what is held of a document, by a retriever in one piece. Raises `InputError` if nothing is."""
        held = self._whole(document) if self.retriever is not None else self.store.document(document)
        if held is None:
            raise _not_held(document)
        return held

    def _whole(self, document: str) -> Held | None:
        mark = self._holder.documents().get(document)
        revision = None if mark is None else self.revisions.revision(document, mark)
        if revision is None:
            return None
        read = revision.document
        place = Place(0, len(read.text))
        chunk = Chunk(read.id, place, read.text, read.title, read.readable_by, read.metadata, revision.segments)
        return Held(revision.fingerprint, (chunk,))

    def remove(self, documents: Sequence[str]) -> None:
        """Forget documents. Raises `InputError` if one of them is not held; then nothing is forgotten."""
        with self.writing():
            held = self._holder.documents()
            for document in documents:
                if document not in held:
                    raise _not_held(document)
            self._holder.remove(documents)
            for space in self.spaces.stores(self._index_name if self.retriever is None else ""):
                space.remove(documents)
            self.revisions.settle(self._holder.documents())

    def forget(self, documents: Sequence[str]) -> int:
        """Erase documents: text, vectors, earlier revisions, and what saved answers quote of them.

        Return how many saved answers quoted them. Raises `InputError` if of one of them nothing is held or kept; then
        nothing is erased. Files, what sources have, reports and what models have learned are as they were.
        """
        with self.writing():
            held = self._holder.documents()
            marks = {id_: held.get(id_) or next(iter(self.revisions.fingerprints(id_)), None) for id_ in documents}
            for document, mark in marks.items():
                if mark is None:
                    raise _not_held(document)
            if self.retriever is not None:
                self.retriever.remove(documents)
            for store in self._stores():
                store.remove(documents)
                store.optimize(erase=True)
            seen = self._seen(self._index_name)
            seen.forget(documents)
            seen.save()
            self.sources.erase(documents)
            return self.revisions.forget({document: str(mark) for document, mark in marks.items()})

    def _stores(self) -> Iterator[KnowledgeStore]:
        """Yield every index: in use, of other settings, of trials; and every space. A retriever has none."""
        if self.retriever is None:
            yield self.store
            indexes = [*self.indexes.all(), *self.indexes.trials()]
            others = (index for index in indexes if index.name != self._index_name)
            yield from (self._open(index.name, index.filling) for index in others)
            yield from self.spaces.stores()

    def source(self, document: str, fingerprint: str, asker: Sequence[str] = EVERYONE) -> Source:
        """Return the text that a citation with this fingerprint was taken from, as far as it is kept.

        An asker who may not read the document as it is now, or as it was, gets no text.
        """
        return cited(self.revisions, document, fingerprint, asker)

    def migrate(self, source: str, target: str) -> Migration:
        """Copy what the store at the URL `source` holds to the one at `target`, and compare both."""
        urls = [SecretUrl(url) for url in (source, target)]  # passwords are blanked from now on
        first, second = (self._open_url(url.reveal()) for url in urls)
        with self.writing():
            done = migrate(first, second, self._progress)
            return replace(done, spaces=self.spaces.copy(urls[0], urls[1], self._progress))

    def _seen(self, index: str, *, verify: bool = False) -> SeenFiles:
        name = f"seen-{index}.json" if index else "seen.json"
        return SeenFiles(self._folder / STATE / name, self._settings.knowledge, verify=verify)

    def spaces_here(self) -> list[Space]:
        """Return the spaces that are named and were filled beside the index in use."""
        return self.spaces.of(self._index_name) if self.retriever is None else []

    def is_empty(self) -> bool:
        """Tell whether nothing has been ingested."""
        return self._holder.is_empty()

    def in_folder(self) -> dict[str, Document]:
        """Return every document in the folder, and of the sources as they were copied, that can be read, by id."""
        seen = self._seen("" if self.retriever is not None else self._index_name)
        mirrored = self.sources.mirrored()
        settings, media = self._settings.knowledge, self.spaces.named
        return documents(self.documents, settings, mirrored, seen, self.revisions, media)

    def texts(self) -> dict[str, str]:
        """Return the texts of these documents, by id."""
        return {id_: document.text for id_, document in self.in_folder().items()}

    def passages(self, size: int) -> list[Chunk]:
        """Return the documents that `[benchmark] draft_as` may read, in pieces of at most `size` characters.

        Raises `InputError` if there are documents, and it may read none of them.
        """
        settings = self._settings.knowledge.model_copy(update={"chunk_size": size, "chunk_overlap": 0})
        asker = set(self._settings.benchmark.draft_as)
        pieces = passages(self.documents, settings, self.sources.mirrored(), self.spaces.named)
        readable = [piece for piece in pieces if asker & set(piece.readable_by)]
        if pieces and not readable:
            raise InputError(
                f"no document may be read as {', '.join(self._settings.benchmark.draft_as)}.",
                place=settings.documents,
                remedy="Name principals in `[benchmark] draft_as` that may read them.",
            )
        return readable

    def retrieve(self, searches: Sequence[Search], limit: int | None = None) -> list[list[Passage]]:
        """Return the passages of each search, best first. Raises `InputError` while nothing is ingested."""
        if self.is_empty():
            place = str(self._settings.knowledge.store)
            raise InputError("the knowledge store is empty.", place=place, remedy="Run `groundtune ingest`.")
        finder = self.finder
        return finder.find([self.spaces.worded(search, finder.spaces) for search in searches], limit)

    @property
    def finder(self) -> PassageFinder:
        """What finds passages here."""
        embedder = None if self.retriever is not None else self.embedder
        settings, spaces = self._settings.knowledge, self.spaces_here()
        return PassageFinder(settings, self._holder, embedder, self.reranker, self.revisions, spaces)

    @property
    def signature(self) -> str:
        """All that can change which passages are found."""
        return f"revision:{self.revision()}|{self.finder.signature}|rewrite:{self.rewriting.signature}"


def _not_held(document: str) -> InputError:
    return InputError(f"the store holds no document `{document}`.", remedy="See `groundtune knowledge list`.")
