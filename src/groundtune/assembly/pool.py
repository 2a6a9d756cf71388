"""The chat models of one project, each opened once, with adapters or without, whichever thread asks first.

Knows no candidates: it is asked for a model by name, with the adapters that are to be on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.once import Once
from groundtune.protocols import AdaptableModel, ChatModel
from groundtune.settings import ModelSettings


class ModelPool:
    """Models that are held until `release`. `settings` are those of `[model]`, `folder` is the project's."""

    def __init__(self, settings: ModelSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._bases: Once[ModelSettings, ChatModel] = Once()

    def model(
        self, name: str | None = None, adapters: Sequence[Path] = (), settings: ModelSettings | None = None
    ) -> ChatModel:
        """Return the model called `name`, that of `[model]` if None, with the adapters on it, applied in order.

        `settings` are those to open it with in the place of the project's; its name stays `name`. Raises
        `SettingsError` for a name that nobody knows and for adapters on a model that takes none.
        """
        wanted = settings or self._settings
        if name is not None and name != wanted.name:
            wanted = wanted.model_copy(update={"name": name})
        base = self._bases.get(
            wanted, lambda: cast("ChatModel", plugins.first("models", wanted.name, wanted, self._folder))
        )
        if not adapters:
            return base
        if not isinstance(base, AdaptableModel):
            raise SettingsError(
                f"`model.name` is {wanted.name!r}: the adapter {adapters[0].name!r} cannot be applied to this model.",
                remedy="Tune and compare with a local model, or serve the adapter and name it: "
                "openai:ADAPTER@BASE_URL.",
            )
        return base.adapted(adapters)

    def release(self) -> None:
        """Hold no model any longer. Their memory is free when nobody else holds them: training needs its own."""
        self._bases.clear()
