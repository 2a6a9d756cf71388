"""The knowledge base of a project: documents, embedder, store and reranker, opened when they are first needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from groundtune.assembly.locked import locked_property
from groundtune.comparing import VERSION
from groundtune.errors import InputError
from groundtune.files import within
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import IngestReport, Manner, ingest, passages, texts
from groundtune.knowledge.migrate import Migration, migrate
from groundtune.knowledge.reading_process import reading
from groundtune.knowledge.reranking import reranker
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores import open_store
from groundtune.protocols import Embedder, Held, KnowledgeStore, Progress, Reranker, silent
from groundtune.secrets import SecretUrl
from groundtune.settings import Settings
from groundtune.values import Chunk, Passage, Search

STATE = ".groundtune"  # where groundtune keeps what it makes, in the project's folder


class KnowledgeBase:
    """What `[knowledge]` and `[embedding]` name, for the project in `folder`."""

    def __init__(self, settings: Settings, folder: Path, progress: Progress = silent) -> None:
        self._settings = settings
        self._folder = folder
        self._progress = progress

    @property
    def documents(self) -> Path:
        """The folder of documents."""
        return within(self._folder, self._settings.knowledge.documents)

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
        """The store of `[knowledge]`."""
        settings = self._settings
        return open_store(settings.knowledge.store.reveal(), self._folder, self.embedder, settings.store)

    def ingest(self, paths: Sequence[Path] | None = None, *, verify: bool = False) -> IngestReport:
        """Bring the store up to date with the documents folder. `verify` reads files that seem unchanged, too."""
        settings = self._settings.knowledge
        seen = SeenFiles(self._folder / STATE / "seen.json", settings, verify=verify)
        with reading(settings) as read:
            manner = Manner(self._progress, seen, read)
            return ingest(self.documents, self.store, self.embedder, settings, paths, manner)

    def documents_held(self) -> dict[str, str]:
        """Return the documents in the store by id, with their fingerprints."""
        return self.store.documents()

    def held(self, document: str) -> Held:
        """Return what the store holds of a document. Raises `InputError` if it holds nothing of it."""
        held = self.store.document(document)
        if held is None:
            raise _not_held(document)
        return held

    def remove(self, documents: Sequence[str]) -> None:
        """Forget documents. Raises `InputError` if one of them is not held; then nothing is forgotten."""
        held = self.store.documents()
        for document in documents:
            if document not in held:
                raise _not_held(document)
        self.store.remove(documents)

    def migrate(self, source: str, target: str) -> Migration:
        """Copy what the store at the URL `source` holds to the one at `target`, and compare both."""
        urls = [SecretUrl(url) for url in (source, target)]  # passwords are blanked from now on
        first, second = (open_store(url.reveal(), self._folder, self.embedder, self._settings.store) for url in urls)
        return migrate(first, second, self._progress)

    def is_empty(self) -> bool:
        """Tell whether nothing has been ingested."""
        return self.store.is_empty()

    def texts(self) -> dict[str, str]:
        """Return the text of every document in the folder that can be read, by id."""
        return texts(self.documents)

    def passages(self, size: int) -> list[Chunk]:
        """Return the documents that `[benchmark] draft_as` may read, in pieces of at most `size` characters.

        Raises `InputError` if there are documents, and it may read none of them.
        """
        settings = self._settings.knowledge.model_copy(update={"chunk_size": size, "chunk_overlap": 0})
        asker = set(self._settings.benchmark.draft_as)
        pieces = passages(self.documents, settings)
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
        settings = self._settings.knowledge
        if self.is_empty():
            raise InputError(
                "the knowledge store is empty.", place=str(settings.store), remedy="Run `groundtune ingest`."
            )
        depth = Depth(limit or settings.passages, settings.reranked, settings.candidates)
        return search_many(self.store, self.embedder, searches, depth, self.reranker)

    @property
    def signature(self) -> str:
        """All that can change which passages are found."""
        settings = self._settings.knowledge
        order = "none" if self.reranker is None else f"{settings.reranked}|{self.reranker.signature}"
        return (
            f"revision:{self.store.revision()}|passages:{settings.passages}|candidates:{settings.candidates}"
            f"|words:{VERSION}|{self.embedder.signature}|reranked:{order}"
        )


def _not_held(document: str) -> InputError:
    return InputError(f"the store holds no document `{document}`.", remedy="See `groundtune knowledge list`.")
