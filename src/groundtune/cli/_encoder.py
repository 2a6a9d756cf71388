"""What `groundtune retrieval train` tells people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import interval, several

if TYPE_CHECKING:
    from groundtune.comparison.retrieval.train import EncoderTraining
    from groundtune.tuning.adapters import Manifest

_LEFT_OUT = {
    "case_without_passages": "{} named no passages",
    "group_in_test": "{} of groups that are on the test side, too",
    "conversation_without_documents": "{} of conversations without documents",
    "conversation_with_tools": "{} answered by calling tools",
    "asked_in_test": "{} asked by the test part, too",
    "document_not_there": "{} whose documents are not in the store",
    "document_not_readable": "{} whose documents `[tuning] retrieve_as` may not read",
    "answer_not_in_document": "{} whose answer is in no chunk of the documents",
    "repeated": "{} repeated",
}


def shown(trained: EncoderTraining) -> Group:
    """Return the held-out curve, what was learned from, and what the test cases say."""
    manifest = trained.manifest
    table = Table("held-out loss after step", *(str(p.step) for p in manifest.loss if p.held_out is not None), box=None)
    table.add_row("", *(f"{point.held_out:.3f}" for point in manifest.loss if point.held_out is not None))
    lines = [
        *_learned_from(manifest),
        f"{manifest.seconds:.0f} s, stopped {manifest.stopped}. Kept: step {manifest.best_step}.",
        *_without_gain(manifest),
        *_measured(trained),
        str(trained.folder),
    ]
    return Group(table, Text("\n".join(lines)))


def _without_gain(manifest: Manifest) -> list[str]:
    before, after = (manifest.measures.get(f"held_out_loss{which}") for which in ("_of_the_base", ""))
    if isinstance(before, float) and isinstance(after, float) and after >= before:
        return ["The held-out pairs were not found any better after training than before."]
    return []


def _learned_from(manifest: Manifest) -> list[str]:
    data = manifest.data
    lines = [
        f"{data['training']} pairs learned from and {data['held_out']} held out, of {data['cases']} development cases "
        f"and {data['conversations']} conversations."
    ]
    left_out = data.get("left_out")
    if isinstance(left_out, Mapping):
        told = [text.format(left_out[reason]) for reason, text in _LEFT_OUT.items() if left_out.get(reason)]
        if told:
            lines.append(f"Questions left out: {'; '.join(told)}.")
        doubtful = left_out.get("negative_answers", 0), left_out.get("negative_too_near", 0)
        if any(doubtful):
            lines.append(
                f"Passages not learned from as wrong ones: {doubtful[0]} that have the answer, {doubtful[1]} nearly as "
                "near to the question as the answer is."
            )
    if data["random_negatives"]:
        lines.append(f"{data['random_negatives']} wrong passages were drawn at random, as too few were found.")
    if data["passages_cut"]:
        lines.append(
            f"{data['passages_cut']} passages are longer than the encoder reads; it learns from their beginning."
        )
    return lines


def _measured(trained: EncoderTraining) -> list[str]:
    lines = []
    for measure in trained.measures:
        name, difference = measure.difference.scorer.replace("_", " "), measure.difference
        lines.append(
            f"{name.capitalize()} on {several(trained.cases, 'test case')}: {measure.base.mean:.3f} with the base "
            f"encoder, {measure.trained.mean:.3f} trained; {interval(difference)}, {difference.verdict}."
        )
    use = f'To use it, set `[embedding] name = "{trained.setting}"`'
    return (
        lines
        + {
            "better": [f"The trained encoder is better. {use}: its index is there."],
            "worse": ["The trained encoder is worse: keep the present one."],
            "cannot tell": [f"The test cases cannot tell which encoder is better: keep the present one. {use}."],
            "not measured": [f"Not measured: fewer than two groups of test cases name their passages. {use}."],
        }[trained.verdict]
    )
