"""The objective of a reward model: the answer that people preferred has the higher reward.

Bradley and Terry 1952; all comparisons of one prompt are in one batch and each answer is read once (Ouyang et al. 2022,
arXiv 2203.02155, section 3.5). Rewards are kept near 0 by a small penalty (Eisenstein et al. 2023, arXiv 2312.09244).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundtune.errors import TuningError
from groundtune.models.templates import conversation_ids, prompt_ids
from groundtune.settings import TuningSettings
from groundtune.tuning.conversations import refuse_long
from groundtune.tuning.objective import LOSS, Construction, Metric, Rows, ServedPrompt, TokenRow
from groundtune.tuning.reward.judged import JudgedPrompt
from groundtune.tuning.reward.model import HEAD, padded, with_head
from groundtune.values import digest

CENTRED = 0.01  # coefficient of the penalty, as TRL's documentation advises
PROMPTS = 4  # of which it is compared whether serving renders them alike
_NOBODY = -1  # place of the answer that a single thumb has no counterpart in


@dataclass(frozen=True, slots=True)
class RewardObjective:
    """Comparisons of answers, a row for each prompt. Some prompts are held out for early stopping.

    `measured_on` are those that the model will be held to account on: what is told of it depends on them.
    """

    prompts: Sequence[JudgedPrompt]
    measured_on: Sequence[JudgedPrompt] = ()
    metric: Metric = LOSS

    @property
    def data_hash(self) -> str:
        """See `Objective`."""
        sides = [sorted(each.identity for each in side) for side in (self.prompts, self.measured_on)]
        return digest("reward", *sides[0], "measured on", *sides[1])

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Render prompts with their answers. Raises `TuningError` rather than cut or drop one."""
        if len(self.prompts) < 2:
            raise TuningError(
                f"too few judged prompts to train a reward model: {len(self.prompts)} besides those held out.",
                remedy="Add pairs, rankings or thumbs on other prompts to `[tuning] preferences`.",
            )
        order = np.random.default_rng(settings.seed).permutation(len(self.prompts))
        kept = max(1, min(settings.held_out, len(self.prompts) // 5))
        parts = [[self.prompts[place] for place in part] for part in (order[kept:], order[:kept])]
        training, held_out = ([_row(tokenizer, each) for each in part] for part in parts)
        answers = [len(answer) for row in (*training, *held_out) for answer in row["answers"]]
        refuse_long(answers, settings.max_length, "judged answers with their prompts")
        return Rows(
            training,
            held_out,
            [sum(map(len, row["answers"])) for row in training],
            prompts=[
                ServedPrompt(each.prompt, row["answers"][0]) for each, row in zip(parts[1], held_out, strict=True)
            ][:PROMPTS],
        )

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return TRL's reward trainer on the model with a head."""
        from trl import RewardConfig

        given = dict(construction.given)
        tokenizer = given["processing_class"]
        model = with_head(given["model"], tokenizer, construction.settings.seed)
        shape = replace(given["peft_config"], task_type="SEQ_CLS", modules_to_save=[HEAD])
        arguments = RewardConfig(
            **construction.arguments,
            max_length=None,  # TRL would drop what is longer without a word: `rows` refuses it
            center_rewards_coefficient=CENTRED,
            remove_unused_columns=False,
        )
        pad = model.config.get_text_config().pad_token_id
        ready = {"model": model, "peft_config": shape, "data_collator": lambda rows: collated(rows, pad)}
        return _trainer_class()(args=arguments, **{**given, **ready})


def _row(tokenizer: Any, judged: JudgedPrompt) -> TokenRow:  # noqa: ANN401
    whole = [conversation_ids(tokenizer, (*judged.prompt, *answer)) for answer in judged.answers]
    before = prompt_ids(tokenizer, judged.prompt)
    if any(ids[: len(before)] != before for ids in whole):
        raise TuningError(
            f"the chat template changes the prompt when an answer follows: {judged.prompt[-1].content[:80]!r}.",
            remedy="Remove the white space around the messages, or use a template that only appends.",
        )

    def place(each: int | None) -> int:
        return _NOBODY if each is None else each

    return {
        "answers": whole,
        "better": [place(each.better) for each in judged.comparisons],
        "worse": [place(each.worse) for each in judged.comparisons],
    }


def collated(rows: Sequence[TokenRow], pad: int) -> dict[str, Any]:
    """Return a batch: all answers (answers, width), and for each comparison the places of both sides and its weight.

    The place after the last answer stands for none. Weights of one prompt's comparisons add up to the same for every
    prompt, and all to 1.
    """
    import torch

    answers = [answer for row in rows for answer in row["answers"]]
    better: list[int] = []
    worse: list[int] = []
    weights: list[float] = []
    first = 0
    for row in rows:
        for sides, places in ((better, row["better"]), (worse, row["worse"])):
            sides += [len(answers) if place == _NOBODY else first + place for place in places]
        weights += [1 / (len(row["better"]) * len(rows))] * len(row["better"])
        first += len(row["answers"])
    chosen = {"better": torch.tensor(better), "worse": torch.tensor(worse), "weights": torch.tensor(weights)}
    return {**padded(answers, pad), **chosen}


def _trainer_class() -> Any:  # noqa: ANN401
    from torch import cat
    from torch.nn.functional import logsigmoid
    from trl import RewardTrainer

    class ComparisonTrainer(RewardTrainer):  # type: ignore[misc]  # trl is untyped here
        """TRL's trainer on rows of several answers, each of which is read once."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:  # noqa: ANN401
            return dataset  # rows are token ids already

        def compute_loss(
            self,
            model: Any,  # noqa: ANN401
            inputs: Any,  # noqa: ANN401
            return_outputs: bool = False,
            num_items_in_batch: Any = None,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            """Return the weighted mean of the comparisons' losses."""
            outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
            given = outputs.logits[:, 0].float()
            given = cat([given, given.new_zeros(1)])  # the answer that a single thumb is compared with
            better, worse, weights = given[inputs["better"]], given[inputs["worse"]], inputs["weights"]
            penalty = self.args.center_rewards_coefficient * (better + worse) ** 2
            loss = (weights * (penalty - logsigmoid(better - worse))).sum()
            logged = self._metrics["train" if self.model.training else "eval"]
            logged["rewards/accuracies"].append((weights * (better > worse)).sum().item())
            logged["rewards/margins"].append((weights * (better - worse)).sum().item())
            return (loss, outputs) if return_outputs else loss

    return ComparisonTrainer
