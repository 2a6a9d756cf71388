"""Learning from people's preferences: pairs by DPO, thumbs by KTO, with TRL's trainers on our token ids.

Rafailov et al. 2023 (arXiv 2305.18290) and Ethayarajh et al. 2024 (arXiv 2402.01306). The model before training is the
reference: it is the same weights without the adapter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from groundtune.errors import TuningError
from groundtune.models.templates import prompt_ids, training_ids, turn_ends
from groundtune.settings import TuningSettings
from groundtune.tuning.conversations import PROMPTS, SAMPLES, refuse_long
from groundtune.tuning.examples import identity
from groundtune.tuning.objective import IGNORED, LOSS, Construction, Metric, Rows, ServedPrompt, TokenRow
from groundtune.values import Conversation, PreferencePair, Thumb, digest

Judged = TypeVar("Judged", PreferencePair, Thumb)


@dataclass(frozen=True, slots=True)
class PairObjective:
    """The objective of DPO: the better answer of each pair more likely than the worse one. `beta` is its strength."""

    pairs: Sequence[PreferencePair]
    beta: float = 0.1
    metric: Metric = LOSS

    @property
    def data_hash(self) -> str:
        """See `Objective`."""
        return digest(
            *sorted(
                digest(identity(pair.prompt, pair.tools), identity(pair.chosen), identity(pair.rejected))
                for pair in self.pairs
            )
        )

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Render both answers of each pair behind the prompt that serving gives."""
        ends = turn_ends(tokenizer, model)

        def row(pair: PreferencePair) -> TokenRow:
            prompt = prompt_ids(tokenizer, pair.prompt, pair.tools)
            answer_ids = partial(_answer_ids, tokenizer, prompt, ends, pair.tools)
            chosen, rejected = (answer_ids((*pair.prompt, *answer)) for answer in (pair.chosen, pair.rejected))
            return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}

        return _rows(self.pairs, row, ("chosen_ids", "rejected_ids"), settings)

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return TRL's DPO trainer."""
        from trl import DPOConfig, DPOTrainer

        arguments = DPOConfig(**construction.arguments, beta=self.beta, max_length=None)
        return _as_rendered(DPOTrainer)(args=arguments, **construction.given)


@dataclass(frozen=True, slots=True)
class ThumbObjective:
    """The objective of KTO: liked answers more likely, disliked ones less. `beta` is its strength.

    The scarcer verdict weighs more, so that both have the same weight in sum (equation 8 of the paper).
    """

    thumbs: Sequence[Thumb]
    beta: float = 0.1
    metric: Metric = LOSS

    @property
    def data_hash(self) -> str:
        """See `Objective`."""
        return digest(
            *sorted(
                digest(identity(thumb.prompt, thumb.tools), identity(thumb.answer), str(thumb.good))
                for thumb in self.thumbs
            )
        )

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Render each answer behind the prompt that serving gives. Raises `TuningError` for verdicts of one kind."""
        if len({thumb.good for thumb in self.thumbs}) < 2:
            raise TuningError(
                "all thumbs point the same way, so nothing can be learned from them.",
                remedy="Add answers that people liked and answers that they did not.",
            )
        ends = turn_ends(tokenizer, model)

        def row(thumb: Thumb) -> TokenRow:
            prompt = prompt_ids(tokenizer, thumb.prompt, thumb.tools)
            answer = _answer_ids(tokenizer, prompt, ends, thumb.tools, (*thumb.prompt, *thumb.answer))
            return {"prompt_ids": prompt, "completion_ids": answer, "label": thumb.good}

        return _rows(self.thumbs, row, ("completion_ids",), settings)

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return TRL's KTO trainer. Its estimate of the divergence needs two rows at once."""
        from trl import KTOConfig, KTOTrainer

        at_once = max(2, construction.rows)
        good = sum(thumb.good for thumb in self.thumbs)
        bad = len(self.thumbs) - good
        given = dict(construction.given)
        for part in ("train_dataset", "eval_dataset"):
            given[part] = _with_other_answers(given[part], at_once)
        arguments = {
            **construction.arguments,
            "per_device_train_batch_size": at_once,
            "per_device_eval_batch_size": at_once,
            "gradient_accumulation_steps": max(1, construction.batch_size // at_once),
        }
        weights = {"desirable_weight": max(1.0, bad / good), "undesirable_weight": max(1.0, good / bad)}
        config = KTOConfig(**arguments, beta=self.beta, max_length=None, **weights)
        return _as_rendered(KTOTrainer)(args=config, **given)


def _answer_ids(
    tokenizer: Any,  # noqa: ANN401
    prompt: Sequence[int],
    ends: Collection[int],
    tools: Sequence[str],
    conversation: Conversation,
) -> list[int]:
    """Return the ids after the prompt, up to the token that ends the last turn: what a template writes behind it is
    never generated."""
    rendered = training_ids(tokenizer, conversation, ends, tools)
    last = max(place for place, label in enumerate(rendered.labels) if label != IGNORED)
    return rendered.input_ids[len(prompt) : last + 1]


def held_out_groups(
    judged: Sequence[Judged], number: int, rng: np.random.Generator
) -> tuple[list[Judged], list[Judged]]:
    """Return (training, held out): whole groups are held out until there are `number`, but at most a fifth.

    What has the same prompt, or the same `group`, stays together. Raises `TuningError` for fewer than two groups.
    """
    groups: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        groups[each.group or identity(each.prompt)].append(each)
    if len(groups) < 2:
        raise TuningError(
            f"too few prompts for early stopping: {len(groups)}. At least 2 are needed.",
            remedy="Add preferences on other prompts.",
        )
    names = list(groups)
    wanted = max(1, min(number, len(judged) // 5))
    held_out: list[Judged] = []
    training: list[Judged] = []
    for place, index in enumerate(rng.permutation(len(names))):
        last = place == len(names) - 1
        (held_out if len(held_out) < wanted and not (last and not training) else training).extend(groups[names[index]])
    return training, held_out


def _rows(
    judged: Sequence[Judged], rendered: Callable[[Judged], TokenRow], answers: Sequence[str], settings: TuningSettings
) -> Rows:
    training, held_out = held_out_groups(judged, settings.held_out, np.random.default_rng(settings.seed))
    made: list[TokenRow] = [rendered(each) for each in training]
    kept: list[TokenRow] = [rendered(each) for each in held_out]

    def longest(row: TokenRow) -> int:
        return len(row["prompt_ids"]) + max(len(row[answer]) for answer in answers)

    refuse_long(list(map(longest, [*made, *kept])), settings.max_length, "conversations with an answer")
    whole = [row["prompt_ids"] + row[answers[0]] for row in kept]
    prompts = [ServedPrompt(each.prompt, ids, each.tools) for each, ids in zip(held_out, whole, strict=True)]
    return Rows(made, kept, [longest(row) * len(answers) for row in made], whole[:SAMPLES], prompts[:PROMPTS])


def _with_other_answers(data: Any, at_once: int) -> Any:  # noqa: ANN401 -- a Dataset
    """Give each row the answer of the row before it, among those that go through the model together.

    KTO estimates the divergence from the reference on answers that do not belong to their prompts (section 4.1).
    """
    answers = data["completion_ids"]
    others = [
        answers[start + (place - 1) % len(answers[start : start + at_once])]
        for start in range(0, len(answers), at_once)
        for place in range(len(answers[start : start + at_once]))
    ]
    return data.add_column("KL_completion_ids", others)


def _as_rendered(trainer: Any) -> Any:  # noqa: ANN401
    """Return the class of a TRL trainer that takes rows of token ids as they are, instead of rendering them itself."""

    class TakesIds(trainer):  # type: ignore[misc]  # trl is untyped here
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
            return dataset

    return TakesIds
