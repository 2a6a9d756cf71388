"""Answers that a policy draws while it learns: drawn, judged, measured, and watched for reward hacking.

Stands between TRL's trainers and the pure rules of `stopping.py`. Knows token ids and a function that rewards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from groundtune.errors import TuningError
from groundtune.files import read_text, write_text
from groundtune.tuning.stopping import Curves, Stop, StopLimits, repeated_share, stop_of
from groundtune.values import Conversation, Message

KEPT_SAMPLES = 8  # held-out prompts whose answers are kept at each evaluation
COMPARED_TOKENS = 2048  # tokens whose distributions are compared at once: they are as wide as the vocabulary
_WATCHED = 1 << 20  # sets the seed of held-out answers apart from that of any step


@dataclass(frozen=True, slots=True)
class Policy:
    """How answers are drawn: `draw(model, prompts, copies, seed)` gives token ids; their last is in `ends`, else they
    were cut off."""

    tokenizer: Any
    ends: Sequence[int]
    temperature: float
    draw: Callable[[Any, Sequence[Sequence[int]], int, Sequence[int]], list[list[int]]]

    def text(self, tokens: Sequence[int]) -> str:
        """Return what an answer says, as serving shows it."""
        return str(self.tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()


@dataclass(frozen=True, slots=True)
class AnswerJudge:
    """Rewards answers of a policy. Raises `TuningError` for a reward that is no number."""

    reward: Callable[[Sequence[Conversation]], list[float]]
    policy: Policy

    def rewards(self, prompts: Sequence[Sequence[Mapping[str, str]]], answers: Sequence[Sequence[int]]) -> list[float]:
        """Return a reward for each answer, as token ids, to its prompt, as messages."""
        given = self.reward(
            [
                (
                    *(Message(turn["role"], turn["content"]) for turn in prompt),  # type: ignore[arg-type]
                    Message("assistant", self.policy.text(answer)),
                )
                for prompt, answer in zip(prompts, answers, strict=True)
            ]
        )
        for value, answer in zip(given, answers, strict=True):
            if not math.isfinite(value):
                raise TuningError(
                    f"the reward model gave {value} for the answer {self.policy.text(answer)[:80]!r}.",
                    remedy="Lower `[tuning.rlhf] reward_learning_rate` and tune again.",
                )
        return given

    def held_out(
        self,
        model: Any,  # noqa: ANN401
        rows: Sequence[Mapping[str, Any]],
        seed: int,
    ) -> tuple[list[list[int]], list[float]]:
        """Return an answer to each prompt, and their rewards."""
        answers = self.policy.draw(model, [row["ids"] for row in rows], 1, [seed, _WATCHED])
        return answers, self.rewards([row["prompt"] for row in rows], answers)

    def of_rollouts(self) -> Callable[..., list[float]]:
        """Return the function that TRL's trainers call."""

        def reward_model(prompts: Any, completion_ids: Any, log_metric: Any, **_: Any) -> list[float]:  # noqa: ANN401
            log_metric("repetition", float(np.mean([repeated_share(each) for each in completion_ids])))
            return self.rewards(prompts, completion_ids)

        return reward_model


@dataclass(slots=True)
class Watch:
    """Measures a policy on held-out prompts. `stop` is the rule that fired at the last measurement, if any did.

    Answers are drawn with the same random numbers each time, so that measurements differ by the policy.
    """

    judge: AnswerJudge
    limits: StopLimits
    kl_coefficient: float
    samples: Path
    seed: int
    stop: Stop | None = field(default=None)

    def measure(self, model: Any, rows: Sequence[Mapping[str, Any]], step: int, curves: Curves) -> dict[str, float]:  # noqa: ANN401
        """Return what the log is told; `curves` are those up to now."""
        policy = self.judge.policy
        answers, rewards = self.judge.held_out(model, rows, self.seed)
        apart = divergences(model, [row["ids"] for row in rows], answers, policy.temperature)
        reward, kl = float(np.mean(rewards)), float(np.mean(apart))
        told = {
            "eval_reward": reward,
            "eval_reward_error": float(np.std(rewards, ddof=1) / math.sqrt(len(rewards))) if len(rewards) > 1 else 0.0,
            "eval_kl": kl,
            "eval_completions/mean_length": float(np.mean([len(answer) for answer in answers])),
            "eval_cut": float(np.mean([answer[-1] not in policy.ends for answer in answers])),
            "eval_repetition": float(np.mean([repeated_share(answer) for answer in answers])),
            "eval_loss": self.kl_coefficient * kl - reward,  # what is minimised, on held-out prompts
        }
        now = {name: (*curves.get(name, ()), (step, value)) for name, value in told.items()}
        self.stop = stop_of({**curves, **now}, self.limits)
        self._keep(step, rows, answers, rewards)
        # a checkpoint at which a rule fired is never the best
        return {**told, "eval_score": -math.inf if self.stop else -told["eval_loss"]}

    def _keep(
        self, step: int, rows: Sequence[Mapping[str, Any]], answers: Sequence[Sequence[int]], rewards: Sequence[float]
    ) -> None:
        """Write down some answers; what an interrupted run wrote of this step and later is replaced."""
        lines = read_text(self.samples).splitlines() if self.samples.is_file() else []
        earlier = [line for line in lines if json.loads(line)["step"] < step]
        new = [
            json.dumps(
                {
                    "step": step,
                    "prompt": row["prompt"],
                    "answer": self.judge.policy.text(answer),
                    "reward": round(reward, 4),
                    "tokens": len(answer),
                },
                ensure_ascii=False,
            )
            for row, answer, reward in list(zip(rows, answers, rewards, strict=True))[:KEPT_SAMPLES]
        ]
        write_text(self.samples, "".join(f"{line}\n" for line in (*earlier, *new)))


def curves_of(history: Sequence[Mapping[str, Any]]) -> dict[str, tuple[tuple[int, float], ...]]:
    """Return every curve in a trainer's log, by name."""
    names = {name for entry in history for name in entry} - {"step", "epoch"}
    return {
        name: tuple((int(entry["step"]), float(entry[name])) for entry in history if entry.get(name) is not None)
        for name in sorted(names)
    }


def divergences(
    model: Any,  # noqa: ANN401
    prompts: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    temperature: float,
) -> list[float]:
    """Return for each answer how far the model is from the one without its adapter, in nats.

    At each token the divergence of the whole distributions, summed over the answer: it never falls below 0 and varies
    less than the log ratio of the tokens that were drawn (Amini, Vieira and Cotterell 2025, arXiv 2504.10637).
    """
    import torch

    order = sorted(range(len(answers)), key=lambda place: -(len(prompts[place]) + len(answers[place])))
    nats = [0.0] * len(answers)
    batch: list[int] = []

    def compare() -> None:
        width = max(len(prompts[place]) + len(answers[place]) for place in batch)
        kept = max(len(answers[place]) for place in batch)
        rows = [[*prompts[place], *answers[place]] for place in batch]
        # padded on the left, so that all answers end at the same place
        ids = torch.tensor([[0] * (width - len(row)) + row for row in rows], device=model.device)
        mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=model.device)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": (mask.cumsum(1) - 1).clamp(min=0),
            "logits_to_keep": kept + 1,
            "use_cache": False,
        }
        now = torch.log_softmax(model(**inputs).logits[:, :-1].float() / temperature, dim=-1)
        with model.disable_adapter():
            before = torch.log_softmax(model(**inputs).logits[:, :-1].float() / temperature, dim=-1)
        apart = (now.exp() * (now - before)).sum(-1)
        for row, place in enumerate(batch):
            nats[place] = float(apart[row, kept - len(answers[place]) :].sum())

    with torch.inference_mode():
        for place in order:
            longest = max((len(answers[other]) for other in (*batch, place)), default=0)
            if batch and (len(batch) + 1) * longest > COMPARED_TOKENS:
                compare()
                batch = []
            batch.append(place)
        if batch:
            compare()
    return nats


def trainer_class(algorithm: str, watch: Watch) -> Any:  # noqa: ANN401
    """Return TRL's trainer of the algorithm on our prompts and draws; it evaluates by `watch`."""
    from trl import GRPOTrainer, RLOOTrainer

    parent: Any = {"rloo": RLOOTrainer, "grpo": GRPOTrainer}[algorithm]

    class PolicyTrainer(parent):  # type: ignore[misc]  # trl is untyped here
        control: Any

        def _tokenize_prompts(self, prompts: Any) -> Any:  # noqa: ANN401
            """Render prompts as serving does."""
            return [_ids_of[_key(prompt)] for prompt in prompts], None, {}

        def _generate_single_turn(self, prompt_ids: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401
            """Draw by the number of the step, so that a run that goes on draws what it would have drawn."""
            copies, seed = self.num_generations, [self.args.seed, self.state.global_step]
            drawn = _drawn(self, watch.judge.policy, prompt_ids[::copies], copies, seed)
            return drawn if algorithm == "rloo" else (drawn, None)

        def evaluate(
            self,
            eval_dataset: Any = None,  # noqa: ANN401
            ignore_keys: Any = None,  # noqa: ANN401
            metric_key_prefix: str = "eval",
        ) -> dict[str, float]:
            """Measure the policy on held-out prompts."""
            rows = list(self.eval_dataset if eval_dataset is None else eval_dataset)
            model = self.accelerator.unwrap_model(self.model)
            was_training = model.training
            model.eval()
            metrics = watch.measure(model, rows, self.state.global_step, curves_of(self.state.log_history))
            self.log(dict(metrics))
            model.train(was_training)
            handled = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            self.control = handled
            return metrics

    _ids_of: dict[str, list[int]] = {}

    def made(**given: Any) -> Any:  # noqa: ANN401
        for row in (*given["train_dataset"], *given["eval_dataset"]):
            _ids_of[_key(row["prompt"])] = row["ids"]
        return PolicyTrainer(**given)

    return made


def _key(prompt: Sequence[Mapping[str, str]]) -> str:
    return json.dumps([(turn["role"], turn["content"]) for turn in prompt])


def _drawn(
    trainer: Any,  # noqa: ANN401
    policy: Policy,
    prompts: Sequence[Sequence[int]],
    copies: int,
    seed: Sequence[int],
) -> list[list[int]]:
    model = trainer.accelerator.unwrap_model(trainer.model)
    model.eval()  # with activations computed again, a model that trains keeps no cache
    answers = policy.draw(model, prompts, copies, seed)
    model.train()
    return answers


def stopper(watch: Watch) -> Any:  # noqa: ANN401
    """Return the callback that ends training when a rule fires, and takes back what training made worse."""
    from transformers import TrainerCallback

    class Stopper(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            """A run that was interrupted after it had been stopped does not go on: it takes one step and ends."""
            if stop_of(curves_of(state.log_history), watch.limits) is not None:
                control.should_training_stop = True

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            if watch.stop is not None:
                control.should_training_stop = True

        def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:  # noqa: ANN401
            """Where no checkpoint is better than the start, go back to it: an adapter whose second factor is 0."""
            scores = dict(curves_of(state.log_history).get("eval_score", ()))
            if not state.best_global_step or scores.get(state.best_global_step, -math.inf) <= scores.get(0, -math.inf):
                for name, parameter in model.named_parameters():
                    if "lora_B" in name:
                        parameter.data.zero_()
                state.best_global_step = 0

    return Stopper()
