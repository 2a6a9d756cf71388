"""The encoders that a project trained: where they are, and what training one is put together of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.knowledge import STATE
from groundtune.assembly.pairs import pairs_of_project
from groundtune.errors import SettingsError
from groundtune.files import PLAIN_NAME
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.embedding.local import LocalEmbedder
from groundtune.models import local
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.encoder.settings import EncoderSettings
from groundtune.tuning.encoder.training import EncoderJob, train_encoder


def encoder_setting(name: str) -> str:
    """Return what `[embedding] name` calls the trained encoder `name`.

    >>> encoder_setting("ours")
    'path:.groundtune/encoders/ours'
    """
    return f"path:{STATE}/encoders/{name}"


def encoder_place(assembly: Assembly, name: str) -> Path:
    """Return where the encoder `name` is or will be. Raises `SettingsError` for a name that cannot be one."""
    if not PLAIN_NAME.fullmatch(name):
        raise SettingsError(f"`{name}` cannot be the name of an encoder.", remedy="Use letters, digits, - and _.")
    return assembly.state / "encoders" / name


def train_encoder_of(assembly: Assembly, name: str) -> Manifest:
    """Train the encoder of `[embedding]` further, as `name`, unless it is there already, made of the same.

    Raises `SettingsError` where the encoder is not on this machine, or a service finds passages by itself;
    see `train_encoder` for what it raises besides.
    """
    folder, base = encoder_place(assembly, name), trainable_encoder(assembly)
    settings = assembly.settings.retrieval.part("training", EncoderSettings)
    assembly.progress("pairs of questions and passages", 0, 1)
    collected = pairs_of_project(assembly, base, settings)
    assembly.progress("pairs of questions and passages", 1, 1)
    cut = base.cut(sorted({pair.passage for pair in collected.pairs}))
    job = EncoderJob(
        base=assembly.settings.embedding.name,
        weights=base.signature,
        folder=base.folder,
        max_tokens=base.max_tokens,
        pairs=collected.pairs,
        settings=settings,
        embed=_served,
        record=assembly.resolved.record(),
        counts={
            "cases": collected.cases,
            "conversations": collected.conversations,
            "passages_cut": cut,
            "left_out": collected.left_out,
        },
        licences=(local.licence("path", str(base.folder)), assembly.settings.tuning.licence),
    )
    return train_encoder(job, folder, assembly.progress)


def trainable_encoder(assembly: Assembly) -> LocalEmbedder:
    """Return the encoder that is trained. Raises `SettingsError` for one that is not on this machine."""
    knowledge = assembly.knowledge
    if knowledge.retriever is not None:
        raise SettingsError(
            "`[knowledge] store` is a service that finds passages by itself: no encoder of ours takes part.",
            remedy="Choose a store of chunks; see docs/stores.md.",
        )
    base = knowledge.embedder
    if not isinstance(base, LocalEmbedder):
        raise SettingsError(
            f"`{assembly.settings.embedding.name}` cannot be trained here.",
            remedy="Set `[embedding] name` to a builtin:, hf: or path: model.",
        )
    return base


def _served(folder: Path, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
    """Embed with the encoder in a folder as serving does."""
    return embedder(EmbeddingSettings(name=f"path:{folder}")).embed(texts, kind)
