"""What a reward model is held to before reinforcement learning may start: its gates, and all that was measured.

Reads the rewards of held-out answers twice: as the model gave them when training ended, and as it gives them now that
it was saved and loaded again. Everything is measured on the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from groundtune.models.templates import conversation_ids, prompt_ids
from groundtune.tuning.quality.findings import GateResult
from groundtune.tuning.reward import measures
from groundtune.tuning.reward.gates import accuracy_gate, length_gate, reload_gate
from groundtune.tuning.reward.judged import JudgedData
from groundtune.tuning.reward.measures import HeldOutPair, held_out_pairs
from groundtune.tuning.reward.model import rewards
from groundtune.tuning.reward.splitting import RewardSplit
from groundtune.values import Conversation


@dataclass(frozen=True, slots=True)
class Account:
    """The gates, and what was measured, for the manifest."""

    gates: tuple[GateResult, ...]
    measured: Mapping[str, object]


def held_out_conversations(pairs: Sequence[HeldOutPair]) -> list[Conversation]:
    """Return all that is to be rewarded: of each pair the better side, then the worse one."""
    return [(*prompt, *answer) for pair in pairs for prompt, answer in (pair.chosen, pair.rejected)]


def account(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    before: Sequence[float],
    data: JudgedData,
    parts: RewardSplit,
    seed: int,
) -> Account:
    """Hold a reward model that was loaded again to account; `before` are the rewards when training ended."""
    pairs = held_out_pairs(parts.held_out)
    after = rewards(model, tokenizer, held_out_conversations(pairs))
    margins = np.array(after[::2]) - np.array(after[1::2])
    lengths = np.array([_tokens(tokenizer, pair.chosen) - _tokens(tokenizer, pair.rejected) for pair in pairs])
    groups = [pair.group for pair in pairs]
    accuracy, length = measures.accuracy(margins, groups), measures.length_bias(margins, lengths, groups)
    gates = (
        accuracy_gate(accuracy, data.comparisons),
        length_gate(length, data.comparisons),
        reload_gate(before, after),
    )
    measured: dict[str, object] = {"accuracy": asdict(accuracy), "length": asdict(length)}
    if pairs:
        measured["calibration"] = asdict(measures.calibration(margins, groups, np.random.default_rng(seed)))
    return Account(gates, {**measured, **_people(margins, pairs, data, parts)})


def _people(
    margins: np.ndarray, pairs: Sequence[HeldOutPair], data: JudgedData, parts: RewardSplit
) -> dict[str, object]:
    """Return how far people agree, and the accuracy on what held-out annotators said, where there are any."""
    everything = held_out_pairs(data.prompts)
    agreed = measures.agreement(everything)
    told: dict[str, object] = {"people": asdict(agreed) if agreed else "no pair was judged by two annotators"}
    if parts.annotators:
        mine = [place for place, pair in enumerate(pairs) if pair.annotator in parts.annotators]
        own = measures.accuracy(margins[mine], [pairs[place].group for place in mine])
        others = measures.agreement(everything, parts.annotators)
        told["held_out_annotators"] = {
            "annotators": len(parts.annotators),
            "accuracy": asdict(own) if mine else "they judged no held-out prompt",
            "people": asdict(others) if others else "nobody else judged what they judged",
        }
    return told


def _tokens(tokenizer: Any, side: tuple[Conversation, Conversation]) -> int:  # noqa: ANN401
    """Return how long an answer is."""
    prompt, answer = side
    return len(conversation_ids(tokenizer, (*prompt, *answer))) - len(prompt_ids(tokenizer, prompt))
