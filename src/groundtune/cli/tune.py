"""`groundtune tune`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened

if TYPE_CHECKING:
    from groundtune.tuning.adapters import Manifest


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tune)


def tune(  # noqa: PLR0913 -- each is an option of the command
    technique: Annotated[str, typer.Argument(help="Technique, one of those below or one from a plugin.")],
    name: Annotated[str, typer.Option("--name", help="Name of the adapter and of the candidate that uses it.")],
    parent: Annotated[str | None, typer.Option("--from", metavar="ADAPTER", help="Adapter to train on top of.")] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only tell how many tokens, how long, and how much memory it takes.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job, if it runs at Bedrock.")] = False,
    accept: Annotated[
        list[str], typer.Option(metavar="GATE", help="Gate that need not pass. Repeat for several.")
    ] = [],  # noqa: B006 -- typer reads the default, nobody changes it
    to_round: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="With continual: go back, or forward, to a round.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Train an adapter, or a whole model, by one of the techniques. Rerun to resume.

    `instruction` learns to answer from the training conversations, `raft` to answer from retrieved passages.
    `preference` learns from pairs of a better and a worse answer, or from thumbs; `rlhf` learns a reward model from
    them and is trained against it. `domain` reads the corpus or the
    documents. `transfer` learns from a general set first and then from the training conversations. `continual` reads
    what is new in the documents, round after round.

    The data are checked first, and what it takes is told before it starts. Every adapter is a candidate of `groundtune
    compare`, as NAME and NAME+rag. `--from` trains on top of another adapter. With `[tuning] where = "bedrock"`,
    `instruction` and `raft` are done at Amazon Bedrock; see docs/bedrock_tuning.md.

    Examples:

        groundtune tune instruction --name friendly --set tuning.steps=200
        groundtune tune domain --name telecom --estimate
        groundtune tune rlhf --name polite --from friendly --accept reward_length
        groundtune tune continual --name news --to-round 1

    """
    from groundtune.tuning.estimate import shown

    with opened(project, overrides) as opened_project:
        if estimate:
            expected = opened_project.estimate_tuning(name, technique, parent, accept)
            emit(as_json, asdict(expected), Text(f"Tuning `{name}` takes {shown(expected)}."))
            return
        if stop:
            said = opened_project.stop_tuning(name, technique, parent)
            emit(as_json, {"said": said}, Text(said))
            return
        if to_round is not None:
            manifest = opened_project.go_to_round(name, to_round)
            emit(as_json, asdict(manifest), Text(f"`{name}` is at round {to_round} from now on."))
            return
        manifest = opened_project.tune(name, technique, parent, accept)
        folder = opened_project.adapter_folder(name)
    told = Text(
        f"Adapter `{name}`: {manifest.seconds:.0f} s, stopped {manifest.stopped}; best held-out loss at step "
        f"{manifest.best_step}.\n{_told(manifest.data)}{_lineage(name, manifest)}{folder}"
    )
    emit(as_json, {"folder": str(folder), **asdict(manifest)}, told)


def _lineage(name: str, manifest: Manifest) -> str:
    """Say what the adapter stands on, if it stands on others."""
    if not manifest.parents:
        return ""
    return f"Lineage: {' → '.join([manifest.base_model, *manifest.parents, name])}\n"


def _told(data: Mapping[str, object]) -> str:
    """Say what became of training conversations that were not used, or whose documents are doubtful."""
    reasons = {
        "oracle_not_found": "left out, because none of their documents was found",
        "oracle_without_answer": "trained with a passage that has no word of the answer",
        "without_documents": "trained without a passage, because they name no documents",
    }
    return "".join(f"{data[key]} conversations were {reason}.\n" for key, reason in reasons.items() if data.get(key))
