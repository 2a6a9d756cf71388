"""Amazon Kendra: `kendra://INDEX_ID@REGION`, a retriever for those who have an index.

The hooks alone: every command asks whose a store's URL is, and the rest (`_kendra_index.py`) is imported when it is
Kendra's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from groundtune.errors import SettingsError
from groundtune.protocols import Embedder, Revisions
from groundtune.settings import StoreSettings, Table

if TYPE_CHECKING:
    from groundtune.knowledge.stores._kendra_index import KendraIndex

NAME = "kendra"
STATE = ".groundtune"  # where a project keeps what groundtune makes


def groundtune_retriever(url: str, folder: Path, settings: StoreSettings, revisions: Revisions) -> KendraIndex | None:
    """Hook of `retrievers`. Raises `SettingsError` for an address of a wrong form, `NotInstalled` without boto3."""
    if url.partition("://")[0] != NAME:
        return None
    from groundtune.knowledge.stores._kendra import KendraAddress, KendraService, KendraSettings
    from groundtune.knowledge.stores._kendra_index import KendraIndex

    address = KendraAddress.of(url)
    own = settings.part(NAME, KendraSettings)
    own.check()
    journal = folder / STATE / f"kendra-{address.index}.json"
    return KendraIndex(KendraService(address), revisions, journal, own)


def groundtune_store(url: str, folder: Path, embedder: Embedder, settings: StoreSettings) -> None:
    """Hook of `stores`. Raises `SettingsError` for an index of Kendra: there are no vectors in it."""
    if url.partition("://")[0] == NAME:
        from groundtune.knowledge.stores._kendra import KendraAddress

        raise SettingsError(
            f"{KendraAddress.of(url).url} is an index of Kendra, which keeps no vectors.",
            remedy="It is filled by `groundtune ingest`; `groundtune knowledge migrate` needs stores of vectors.",
        )


def groundtune_settings() -> dict[str, type[Table]]:
    """Declare the settings."""
    from groundtune.knowledge.stores._kendra import KendraSettings

    return {"store.kendra": KendraSettings}
