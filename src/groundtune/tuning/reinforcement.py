"""The objective of reinforcement learning from a reward model: answers that it rewards become likelier, near the model
of before.

RLOO (Ahmadian et al. 2024, arXiv 2402.14740) or GRPO (Shao et al. 2024, arXiv 2402.03300), by TRL's trainers on our
prompts, our draws and our rewards. Every few steps answers to held-out prompts are drawn, judged and measured; the
rules of `stopping.py` decide whether training goes on. The checkpoint with the highest held-out reward minus the
penalty for the divergence is kept, of those before a rule fired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from groundtune.errors import TuningError
from groundtune.models.templates import prompt_ids, turn_ends
from groundtune.settings import TuningSettings
from groundtune.tuning._rollouts import AnswerJudge, Policy, Watch, stopper, trainer_class
from groundtune.tuning.conversations import PROMPTS, SAMPLES, refuse_long
from groundtune.tuning.model import Draw
from groundtune.tuning.objective import Construction, Metric, Rows, ServedPrompt, TokenRow
from groundtune.tuning.stopping import StopLimits
from groundtune.values import Conversation, digest

_SCORE = Metric("eval_score", greater_is_better=True)
Reward = Callable[[Sequence[Conversation]], list[float]]  # of conversations that end with the answer


@dataclass(frozen=True, slots=True)
class Reinforcing:
    """How it is done: `generations` answers are drawn for each prompt; `kl_coefficient` is the price of a nat."""

    algorithm: Literal["rloo", "grpo"] = "rloo"
    generations: int = 4
    kl_coefficient: float = 0.05
    new_tokens: int = 64
    temperature: float = 1.0
    limits: StopLimits = field(default_factory=StopLimits)


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """The objective: `reward` of answers to `prompts`, watched on `held_out` prompts.

    `open_reward` loads the reward model, once it is needed; `reward_key` identifies it. Samples of answers to held-out
    prompts are written to `samples`, a JSON line each.
    """

    prompts: Sequence[Conversation]
    held_out: Sequence[Conversation]
    open_reward: Callable[[], Reward]
    reward_key: str
    draw: Draw
    how: Reinforcing
    samples: Path
    metric: Metric = _SCORE

    @property
    def data_hash(self) -> str:
        """See `Objective`."""
        parts = [
            sorted(digest(*(part for turn in each for part in (turn.role, turn.content))) for each in side)
            for side in (self.prompts, self.held_out)
        ]
        return digest("reinforcement", self.reward_key, *parts[0], "held out", *parts[1])

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Render the prompts. Raises `TuningError` for one that leaves no room for an answer."""
        if len(self.prompts) < 1 or len(self.held_out) < 2:
            raise TuningError(
                f"too few prompts for reinforcement learning: {len(self.prompts)}, and {len(self.held_out)} held out.",
                remedy="Add preferences on other prompts, or raise `[tuning.rlhf] reward_held_out`.",
            )
        training, held_out = ([_row(tokenizer, each) for each in side] for side in (self.prompts, self.held_out))
        lengths = [len(row["ids"]) + self.how.new_tokens for row in training]
        refuse_long(
            [*lengths, *(len(row["ids"]) + self.how.new_tokens for row in held_out)],
            settings.max_length,
            "prompts with `new_tokens`",
        )
        return Rows(
            training,
            held_out,
            [self.how.generations * length for length in lengths],
            [row["ids"] for row in held_out[:SAMPLES]],
            [ServedPrompt(each, row["ids"]) for each, row in zip(self.held_out, held_out, strict=True)][:PROMPTS],
        )

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return TRL's trainer of the algorithm."""
        how, given = self.how, dict(construction.given)
        judge = self._judge(given["model"], given["processing_class"])
        watch = Watch(judge, how.limits, how.kl_coefficient, self.samples, construction.settings.seed)
        given["callbacks"] = [*given["callbacks"], stopper(watch)]
        made = trainer_class(how.algorithm, watch)
        return made(args=_arguments(how, construction), reward_funcs=judge.of_rollouts(), **given)

    def measure(self, model: Any, tokenizer: Any) -> dict[str, object]:  # noqa: ANN401
        """Return the rewards of answers to the held-out prompts, drawn with the same random numbers each time."""
        rows = [_row(tokenizer, each) for each in self.held_out]
        model.eval()
        return {"rewards": self._judge(model, tokenizer).held_out(model, rows, 0)[1]}

    def _judge(self, model: Any, tokenizer: Any) -> AnswerJudge:  # noqa: ANN401
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        how, ends = self.how, sorted(turn_ends(tokenizer, model))

        def draw(model: Any, prompts: Sequence[Sequence[int]], copies: int, seed: Sequence[int]) -> list[list[int]]:  # noqa: ANN401
            return self.draw(model, prompts, copies, how.new_tokens, ends, how.temperature, seed)

        return AnswerJudge(self.open_reward(), Policy(tokenizer, ends, how.temperature, draw))


def measured(measures: Mapping[str, Any], reward_model: str) -> dict[str, object]:
    """Return what the manifest tells of the rewards of held-out prompts before and after, instead of all of them.

    The interval of the difference is Student's, of pairs of one prompt.
    """
    from scipy.stats import ttest_1samp

    before, after = (np.array(measures[name]["rewards"]) for name in ("before", "after"))
    gained = after - before
    ends = (0.0, 0.0)
    if np.ptp(gained) > 0:
        interval = ttest_1samp(gained, 0).confidence_interval(0.95)
        ends = (float(interval.low), float(interval.high))
    told = {
        "before": float(before.mean()),
        "after": float(after.mean()),
        "difference": float(gained.mean()),
        "low": ends[0],
        "high": ends[1],
        "prompts": len(gained),
        "by": reward_model,
    }
    return {**{name: value for name, value in measures.items() if name not in ("before", "after")}, "reward": told}


def _row(tokenizer: Any, prompt: Conversation) -> TokenRow:  # noqa: ANN401
    turns = [{"role": turn.role, "content": turn.content} for turn in prompt]
    return {"prompt": turns, "ids": prompt_ids(tokenizer, prompt)}


def _arguments(how: Reinforcing, construction: Construction) -> Any:  # noqa: ANN401
    """Return the arguments of TRL's trainer, which counts answers where we count prompts."""
    from trl import GRPOConfig, RLOOConfig

    arguments = dict(construction.arguments)
    arguments.pop("train_sampling_strategy")  # both trainers sample by themselves, in the order of the rows
    parts = construction.batch_size // construction.rows
    kind = {"rloo": RLOOConfig, "grpo": GRPOConfig}[how.algorithm]
    return kind(
        **{
            **arguments,
            "per_device_train_batch_size": construction.rows * how.generations,
            "per_device_eval_batch_size": construction.rows * how.generations,
            "gradient_accumulation_steps": parts,
        },
        steps_per_generation=parts,  # one batch of answers for each step: all are drawn from the policy of that step
        num_generations=how.generations,
        max_completion_length=how.new_tokens,
        temperature=how.temperature,
        beta=how.kl_coefficient,
        shuffle_dataset=False,
        disable_dropout=True,
    )
