"""How fast answers are drawn for reinforcement: groundtune's generator against the three of TRL's trainer, in one run.

    python benchmarks/sampling.py [--prompts N] [--copies N] [--tokens N] [--rounds N]

All draw from the built-in model with a LoRA adapter, inside a real RLOOTrainer, at temperature 1: transformers'
`generate` as the trainer calls it, its continuous batching, and `groundtune.models.sampling`. Answers differ from one
to the other, so tokens a second are compared. The prompts have 20 to 120 tokens. Rounds alternate, and the ratio is
that of the medians.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from groundtune.models import local
from groundtune.models.sampling import Sampling, sample
from groundtune.models.templates import turn_ends

TOPICS = ("a phone contract", "a fibre line", "roaming in three countries", "an invoice", "a router", "a SIM card")
FILLER = " I have been a customer for years and would like to understand it."


def trainer(folder: str, rows: int, copies: int, tokens: int, *, continuous: bool = False) -> object:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import RLOOConfig, RLOOTrainer

    model, tokenizer = local.load(local.locate_weights("builtin", "smollm2-135m-instruct", Path()))
    arguments = RLOOConfig(
        output_dir=folder,
        per_device_train_batch_size=rows,
        num_generations=copies,
        max_completion_length=tokens,
        use_transformers_continuous_batching=continuous,
        report_to="none",
        bf16=False,
        gradient_checkpointing=False,
    )
    return RLOOTrainer(
        model=model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=arguments,
        train_dataset=Dataset.from_dict({"prompt": [[{"role": "user", "content": "?"}]] * rows}),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"),
    )


def rate(draw: Callable[[], list[list[int]]]) -> float:
    started = time.perf_counter()
    answers = draw()
    return sum(map(len, answers)) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (("prompts", 8), ("copies", 4), ("tokens", 64), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--without-continuous", action="store_true", help="leave continuous batching out")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        rows = options.prompts * options.copies
        own = trainer(folder, rows, options.copies, options.tokens)
        paged = (
            None
            if options.without_continuous
            else trainer(folder, rows, options.copies, options.tokens, continuous=True)
        )
        tokenizer = own.processing_class  # type: ignore[attr-defined]
        prompts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": f"What about {TOPICS[n % len(TOPICS)]}?" + FILLER * (n % 7)}],
                add_generation_prompt=True,
                return_dict=False,
            )
            for n in range(options.prompts)
        ]
        repeated = [prompt for prompt in prompts for _ in range(options.copies)]
        ends = turn_ends(tokenizer, own.model)  # type: ignore[attr-defined]
        seed = iter(range(1_000_000))
        ways: dict[str, Callable[[], list[list[int]]]] = {
            "generate": lambda: own._generate_single_turn(repeated, None, {}),  # type: ignore[attr-defined]
            "continuous": lambda: paged._generate_single_turn(repeated, None, {}),  # type: ignore[attr-defined]
            "groundtune": lambda: sample(
                own.model, prompts, options.copies, options.tokens, ends, Sampling(), [next(seed)]  # type: ignore[attr-defined]
            ),
        }  # fmt: skip
        if paged is None:
            del ways["continuous"]
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for round_ in range(options.rounds + 1):
            for name, draw in ways.items():
                measured = rate(draw)
                print(f"round {round_}: {name} {measured:.1f} tokens/s", flush=True)
                if round_:  # the first warms up
                    rates[name].append(measured)
    for name, measured in rates.items():
        print(
            f"{name:>12} {median(measured):8.1f} tokens/s   (rounds: {', '.join(f'{each:.0f}' for each in measured)})"
        )
    for name in ways.keys() - {"groundtune"}:
        print(f"groundtune is {median(rates['groundtune']) / median(rates[name]):.2f} times as fast as {name}")


if __name__ == "__main__":
    main()
