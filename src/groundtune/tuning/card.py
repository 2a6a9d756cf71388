"""The model card of what tuning produced, in Hugging Face's form: `README.md` with what machines read at its head.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv 1810.03993; the fields of the head are those of
https://huggingface.co/docs/hub/model-cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from groundtune.files import write_text
from groundtune.tuning.adapters import Manifest

CARD = "README.md"


def write_card(folder: Path, name: str, manifest: Manifest, licences: tuple[str, str]) -> None:
    """Write the card beside the weights; PEFT's own, which says nothing, is replaced."""
    write_text(folder / CARD, card(name, manifest, licences))


def card(name: str, manifest: Manifest, licences: tuple[str, str]) -> str:
    """Return the card. `licences` are those of the base model and of the data, "" where they are not known."""
    from huggingface_hub import ModelCardData

    base_licence, data_licence = licences
    head = ModelCardData(
        base_model=manifest.base_model.partition(":")[2] or manifest.base_model,
        license=base_licence.lower() or "unknown",
        library_name=_LIBRARIES.get(manifest.kind, "peft"),
        tags=["groundtune", manifest.technique],
        pipeline_tag="sentence-similarity" if manifest.kind == "encoder" else "text-generation",
    )
    parts = [
        f"---\n{head.to_yaml()}\n---",
        f"# {name}",
        f"{_KINDS[manifest.kind]} of `{manifest.base_model}`, made by groundtune with the technique "
        f"`{manifest.technique}`.",
        _section("Lineage", _lineage(name, manifest)),
        _section(
            "Licences",
            [
                f"Base model: {base_licence or 'unknown: look it up before you pass the model on'}",
                f"Training data: {data_licence or 'not stated; `[tuning] licence` states it'}",
            ],
        ),
        _section("Data", [f"{key}: {value}" for key, value in manifest.data.items()]),
        _section("Checks of the data", _gates(manifest)),
        _section("Training", _training(manifest)),
        _section("What was measured", list(_measures(manifest.measures))),
        _section("Settings", _settings(manifest)),
        _section("Limits", _ENCODER_LIMITS if manifest.kind == "encoder" else _LIMITS),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_LIBRARIES = {"model": "transformers", "encoder": "sentence-transformers"}
_LIMITS = (
    "It answers for one company and was measured on that company's benchmark only: `groundtune compare` "
    "tells how well.",
    "It can be wrong. Whoever may ask it may learn what was in its training data.",
)
_ENCODER_LIMITS = (
    "It finds passages for one company. `groundtune retrieval train` measures it on that company's benchmark, against "
    "the encoder that it was made of; on other texts it may be worse than that.",
    "It reads no access lists: they hold when passages are found.",
)
_KINDS = {
    "adapter": "A LoRA adapter",
    "model": "A fully tuned copy",
    "reward": "A reward model on top",
    "hosted": "A copy at a service",
    "encoder": "A tuned copy",
}


def _section(title: str, lines: Iterable[str]) -> str:
    items = "\n".join(f"- {line}" for line in lines)
    return f"## {title}\n\n{items}" if items else ""


def _lineage(name: str, manifest: Manifest) -> list[str]:
    steps = [f"`{manifest.base_model}` (weights {manifest.base_weights})", *(f"`{p}`" for p in manifest.parents)]
    return [" → ".join([*steps, f"`{name}`"])]


def _gates(manifest: Manifest) -> list[str]:
    accepted = set(manifest.accepted)
    lines = []
    for gate in manifest.gates:
        verdict = "passed" if gate["passed"] else "did not pass, accepted" if gate["name"] in accepted else "not passed"
        lines.append(f"{gate['name']}: {verdict}. {gate.get('detail', '')}".strip())
    return lines


def _training(manifest: Manifest) -> list[str]:
    best = next((p.held_out for p in manifest.loss if p.step == manifest.best_step and p.held_out is not None), None)
    hardware = ", ".join(f"{key} {value}" for key, value in manifest.hardware.items())
    return [
        f"Stopped {manifest.stopped}. Best checkpoint: step {manifest.best_step}"
        + (f", held-out loss {best:.4f}." if best is not None else "."),
        f"Time: {manifest.seconds / 3600:.2f} hours on {hardware or 'unknown hardware'}.",
        f"Versions: {', '.join(f'{package} {version}' for package, version in manifest.versions.items())}.",
    ]


def _measures(measures: Mapping[str, object], prefix: str = "") -> Iterable[str]:
    for key, value in measures.items():
        label = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _measures(value, f"{label}, ")
        else:
            yield f"{label}: {value:.4g}" if isinstance(value, float) else f"{label}: {value}"


def _settings(manifest: Manifest) -> list[str]:
    """Return those that were set by somebody; the manifest has them all."""
    told, tables = [], ("retrieval.training.", "tuning.retrieve_as") if manifest.kind == "encoder" else ("tuning.",)
    for key, entry in manifest.settings.items():
        if key.startswith(tables) and isinstance(entry, Mapping) and entry.get("origin") != "default":
            told.append(f"`{key}` = {entry.get('value')} ({entry.get('origin')})")
    return [*told, "All others are in `manifest.json`, with where each comes from."]
