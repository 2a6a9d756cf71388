"""Knowledge stores: where chunks are kept and found, chosen by `[knowledge] store`; one file a store.

Know no files and no models: they get chunks with vectors and questions with vectors. A retriever is chosen in the same
way and gets documents and questions as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from groundtune import plugins
from groundtune.knowledge.retriever import Retriever
from groundtune.protocols import Embedder, KnowledgeStore, Revisions
from groundtune.settings import StoreSettings

DEFAULTS = StoreSettings()


def open_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings = DEFAULTS) -> KnowledgeStore:
    """Return the store at `url`; paths in it are relative to the project's `folder`.

    `URL#NAME` is another index beside the one at `URL`.

    `settings` holds the tables that stores declare: `settings.part("acme", AcmeSettings)` is `[store.acme]`.

    Raises `SettingsError` if nobody knows such URLs, and `StoreError` if the store was filled by another embedder.
    """
    return cast("KnowledgeStore", plugins.first("stores", url, url, folder, embedder, settings))


def open_retriever(
    url: str, folder: Path, revisions: Revisions, settings: StoreSettings = DEFAULTS
) -> Retriever | None:
    """Return the retriever at `url`; None if nobody knows one there, so that it is a store's, for `open_store`.

    `revisions` are those of this retriever alone: what is live in them is what it holds. Raises `SettingsError` for an
    address of a wrong form.
    """
    return cast("Retriever | None", plugins.perhaps("retrievers", url, folder, settings, revisions))
