"""`groundtune export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened

if TYPE_CHECKING:
    from groundtune.tuning.export import Exported


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    name: Annotated[str, typer.Argument(help="Name of the adapter, or of one version of it: NAME@VERSION.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write. It must be new or empty.")],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="Format: merged, adapter or gguf.")],
    numbers: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Type of the weights: f32 (default), bf16 or f16 for merged; f16 (default) or f32 for gguf.",
        ),
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Write a tuned model for other programs.

    `merged` is the model with its adapters in the weights, for transformers and all that reads its format. `adapter`
    is one LoRA adapter for vLLM: adapters that were tuned on top of one another are joined exactly. `gguf` is one file
    for llama.cpp and what is built on it; Llama and Qwen2 models can be written. What is written is read back by
    transformers, and its logits are compared with those of base and adapters.

    Examples:

        groundtune export tuned --to merged exports/tuned
        groundtune export friendly --to adapter exports/friendly
        groundtune export tuned --to gguf exports/tuned-gguf --type f32

    """
    with opened(project, overrides) as opened_project:
        exported = opened_project.export(name, to, folder, numbers)
    emit(as_json, exported.as_json(), _shown(exported))


def _shown(exported: Exported) -> Text:
    from groundtune.tuning.export import shown_bytes

    text = Text(
        f"`{exported.name}` is in {exported.folder} ({shown_bytes(sum(exported.files.values()))}, {exported.type}). "
        f"Read back, its logits differ from base and adapters by at most {exported.logits_differ_by:.2g} "
        f"(the largest logit is {exported.largest_logit:.3g})."
    )
    for note in exported.notes:
        text.append(f"\n{note}")
    return text
