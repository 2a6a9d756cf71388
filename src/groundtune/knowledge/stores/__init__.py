"""Knowledge stores: where chunks are kept and found, chosen by `[knowledge] store`; one file a store.

Know no files and no models: they get chunks with vectors and questions with vectors.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from groundtune import plugins
from groundtune.protocols import Embedder, KnowledgeStore
from groundtune.settings import StoreSettings

DEFAULTS = StoreSettings()


def open_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings = DEFAULTS) -> KnowledgeStore:
    """Return the store at `url`; paths in it are relative to the project's `folder`.

    `URL#NAME` is another index beside the one at `URL`.

    `settings` holds the tables that stores declare: `settings.part("acme", AcmeSettings)` is `[store.acme]`.

    Raises `SettingsError` if nobody knows such URLs, and `StoreError` if the store was filled by another embedder.
    """
    return cast("KnowledgeStore", plugins.first("stores", url, url, folder, embedder, settings))
