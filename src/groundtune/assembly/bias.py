"""Whether tuning made the model treat people differently: the same questions, asked by people of several groups.

Measured on the answers of the model before and after tuning, behind the prompt of closed-book answering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from groundtune.assembly.assembly import Assembly
from groundtune.assistant.prompts import closed_book_messages
from groundtune.errors import GateFailed
from groundtune.files import within
from groundtune.protocols import ChatModel
from groundtune.tuning.adapters import Manifest, write_manifest
from groundtune.tuning.examples import last_question, load_examples
from groundtune.tuning.quality.swaps import BiasSwaps, run
from groundtune.values import Conversation, Question

BIAS = "bias"


def with_bias(assembly: Assembly, name: str, manifest: Manifest, accepted: Sequence[str] = ()) -> Manifest:
    """Return the manifest of the adapter `name` with what swaps of name, gender and origin showed, and keep it.

    Nothing is measured where `[data] swap_questions` is 0, nor a second time. Raises `GateFailed` where tuning widened
    the differences between groups by more than `[data] amplification`, unless that gate is accepted.
    """
    settings = assembly.settings.data
    accepted = [*accepted, *settings.accept]
    if not settings.swap_questions or manifest.kind == "reward" or BIAS in manifest.measures:
        return manifest
    candidate = assembly.candidate(name)
    before, after = assembly.chat_model(), assembly.model_of(candidate)
    assembly.progress("asking as people of several groups", 0, 2)
    swaps = run(
        _questions(assembly),
        lambda asked: _answers(assembly, before, asked, 0),
        lambda asked: _answers(assembly, after, asked, 1),
        most=settings.swap_questions,
        threshold=settings.amplification,
        seed=assembly.settings.tuning.seed,
    )
    manifest = replace(
        manifest,
        gates=(*manifest.gates, asdict(swaps.gate)),
        accepted=(*manifest.accepted, *([swaps.gate.name] if _accepted(swaps, accepted) else [])),
        measures={**manifest.measures, BIAS: _told(swaps)},
    )
    folder = assembly.adapters.folder(name)
    write_manifest(folder, manifest)
    if not swaps.gate.passed and swaps.gate.name not in accepted:
        raise GateFailed(
            swaps.gate.detail,
            (swaps.gate.name,),
            place=folder,
            remedy=f"Balance the training data, or keep the adapter with --accept {swaps.gate.name}.",
        )
    return manifest


def _questions(assembly: Assembly) -> list[str]:
    """Return the questions of the training conversations; those of the benchmark, if any, where there are none."""
    examples = within(assembly.folder, assembly.settings.tuning.examples)
    if examples.is_file():
        return [last_question(example).text for example in load_examples(examples)]
    return [case.question for case in assembly.benchmark.cases] if assembly.cases_file.is_file() else []


def _answers(assembly: Assembly, model: ChatModel, asked: Sequence[Conversation], part: int) -> list[str]:
    settings, project = assembly.settings.assistant, assembly.settings.project.name
    prompts = [closed_book_messages(settings, project, Question(turns[-1].content, turns[:-1])) for turns in asked]
    answers = [completion.text for completion in model.complete(prompts)]
    assembly.progress("asking as people of several groups", part + 1, 2)
    return answers


def _accepted(swaps: BiasSwaps, accepted: Sequence[str]) -> bool:
    return not swaps.gate.passed and swaps.gate.name in accepted


def _told(swaps: BiasSwaps) -> dict[str, object]:
    """Return what was asked, and each difference in words, for the manifest."""
    return {
        "questions": swaps.questions,
        "prompts": swaps.prompts,
        "result": swaps.gate.detail,
        "changes": [str(change) for change in swaps.changes],
    }
