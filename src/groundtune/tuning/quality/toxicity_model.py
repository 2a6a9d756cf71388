"""A text classifier of Hugging Face that says how toxic a text is.

Weights are read as safetensors only, and no code of the model's own is run: a pickle can do anything when it is read.
Knows no training data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundtune.errors import SettingsError, damaged
from groundtune.extras import not_installed

_TOXIC = re.compile(
    r"toxic|obscen|insult|threat|hate|hateful|offens|abus|unsafe|profan|sexual|harass|nsfw|violen|racis|sexis|attack",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"(?:^|[^a-z])(?:non|not|no|un)[-_ ]?(?:toxic|hate|hateful|offens|abus|threat)|^neutral|^normal", re.I
)


class ToxicityModel:
    """The classifier `place`, "path:DIR" or "hf:ORG/NAME". `labels` are those that mean toxic; all that sound so if
    none are given.

    Raises `SettingsError` for a place without safetensors and for labels that are not there, `NotInstalled`.
    """

    def __init__(self, place: str, labels: Sequence[str] = ()) -> None:
        self._model, self._tokenizer = _load(place)
        names: dict[int, str] = dict(self._model.config.id2label)
        self._toxic = _chosen(names, labels, place)
        self._independent = self._model.config.problem_type == "multi_label_classification"

    def judge(self, texts: Sequence[str]) -> list[tuple[float, str]]:
        """Return for each text how probable its most probable toxic label is, and that label.

        Texts are cut where the model cannot read on.
        """
        import torch

        given = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt", max_length=self._limit)
        with torch.inference_mode():
            logits = self._model(**given).logits  # (texts, labels)
        odds = logits.sigmoid() if self._independent or logits.shape[-1] == 1 else logits.softmax(dim=-1)
        numbers = list(self._toxic)
        best = odds[:, numbers].max(dim=-1)
        return [
            (float(value), self._toxic[numbers[int(place)]])
            for value, place in zip(best.values, best.indices, strict=True)
        ]

    @property
    def _limit(self) -> int:
        positions = getattr(self._model.config, "max_position_embeddings", 512)
        return int(min(self._tokenizer.model_max_length, positions, 512))


def _load(place: str) -> tuple[Any, Any]:
    kind, _, name = place.partition(":")
    remedy = "Name a model with safetensors as path:DIR or hf:ORG/NAME in [data] toxicity_model."
    if kind not in ("path", "hf") or not name:
        raise SettingsError(f"[data] toxicity_model is {place!r}, which names no model.", remedy=remedy)
    if kind == "path" and not Path(name).is_dir():
        raise SettingsError("[data] toxicity_model: no such folder.", place=name, remedy=remedy)
    try:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer
    except ImportError as error:
        raise not_installed("local", "[data] toxicity_model", error) from None
    with damaged("the model in [data] toxicity_model cannot be loaded", place=name, remedy=remedy):
        only_here = kind == "path"
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=only_here)
        model = AutoModelForSequenceClassification.from_pretrained(
            name, local_files_only=only_here, use_safetensors=True, trust_remote_code=False
        )
    return model.eval(), tokenizer


def _chosen(names: dict[int, str], labels: Sequence[str], place: str) -> dict[int, str]:
    """Return the numbers and names of the labels that mean toxic."""
    known = ", ".join(names.values())
    if unknown := [label for label in labels if label not in names.values()]:
        raise SettingsError(f"[data] toxicity_labels: {place} has no label {unknown[0]!r}.", remedy=f"It has: {known}.")
    chosen = {
        number: name
        for number, name in names.items()
        if (name in labels if labels else _TOXIC.search(name) and not _NOT.search(name))
    }
    if not chosen:
        raise SettingsError(
            f"{place} does not say which of its labels mean toxic: {known}.",
            remedy='Name them: [data] toxicity_labels = ["LABEL"].',
        )
    return chosen
