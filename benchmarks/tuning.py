"""How fast groundtune trains, and in how much memory, against a plain TRL script on the same batches, in one run.

    python benchmarks/tuning.py
    python benchmarks/tuning.py --cases even uneven --steps 48

Both train the built-in model by LoRA of the same rank on the same linear layers, in fp32 on the processor, without
packing and gradient checkpointing, from the same seed. Each has a process of its own; they take their steps in turn, so
that both meet the same load from other programs, and processor time is compared. The first step warms up and is not
counted. Tokens are those of the conversations, without padding. The losses of all steps are compared as well: where
they differ, the two do not train the same.

- even: the telecom example's conversations behind the served prompt, those of like length together
- apart: rows of 100 tokens that share nothing, 40 of them labelled
- uneven: rows of 30 to 400 tokens, all lengths equally likely on a logarithmic scale, behind one system prompt
- raft: long prompts with passages, short answers
- texts: rows of 512 tokens of documents, all learned, as `domain` and `continual` see them
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from groundtune.assistant.prompts import closed_book_messages, grounded_messages
from groundtune.models.templates import training_ids
from groundtune.settings import AssistantSettings, TuningSettings
from groundtune.tuning.examples import last_question, load_examples
from groundtune.values import Conversation, Message, Passage, Place, Question

EXAMPLE = Path(__file__).parents[1] / "examples" / "telecom"
SEED, BATCH, PASSAGES, ROW_TOKENS = 17, 4, 5, 512
Rows = list[dict[str, list[int]]]


def _conversations() -> list[Conversation]:
    """Return the example's conversations as instruction tuning sees them."""
    prompts = AssistantSettings()
    return [
        (*closed_book_messages(prompts, "Telecom", last_question(example)), example.messages[-1])
        for example in load_examples(EXAMPLE / "training.jsonl")
    ]


def _text() -> str:
    return "\n\n".join(path.read_text(encoding="utf-8") for path in sorted((EXAMPLE / "documents").rglob("*.md")))


def _columns(tokenizer: Any, messages: Conversation) -> dict[str, list[int]]:  # noqa: ANN401
    rendered = training_ids(tokenizer, messages)
    return {"input_ids": rendered.input_ids, "labels": rendered.labels}


def even(tokenizer: Any, batches: int, rng: np.random.Generator) -> Rows:  # noqa: ANN401
    known = _conversations()
    chosen = rng.choice(len(known), batches * BATCH, replace=batches * BATCH > len(known))
    rows = sorted((_columns(tokenizer, known[index]) for index in chosen), key=lambda row: len(row["input_ids"]))
    order = rng.permutation(batches)
    return [rows[place * BATCH + number] for place in order for number in range(BATCH)]


def apart(tokenizer: Any, batches: int, rng: np.random.Generator) -> Rows:  # noqa: ANN401
    ids = tokenizer(_text())["input_ids"]
    starts = rng.integers(0, len(ids) - 100, batches * BATCH)
    rows = [ids[start : start + 100] for start in starts]
    return [{"input_ids": row, "labels": [-100] * 60 + row[60:]} for row in rows]


def uneven(tokenizer: Any, batches: int, rng: np.random.Generator) -> Rows:  # noqa: ANN401
    ids = tokenizer(_text())["input_ids"]
    system, *_ = _conversations()[0]
    rows = []
    for length in np.exp(rng.uniform(np.log(30), np.log(400), batches * BATCH)).astype(int):
        start = rng.integers(0, len(ids) - length)
        answer = min(60, int(length) // 3)
        text, reply = (tokenizer.decode(part) for part in np.split(ids[start : start + length], [length - answer]))
        rows.append(_columns(tokenizer, (system, Message("user", text.strip()), Message("assistant", reply.strip()))))
    return rows


def raft(tokenizer: Any, batches: int, rng: np.random.Generator) -> Rows:  # noqa: ANN401
    parts = [part for part in _text().split("\n\n") if 300 < len(part) < 900]
    rows = []
    for messages in itertools.islice(itertools.cycle(_conversations()), batches * BATCH):
        chosen = [parts[index] for index in rng.choice(len(parts), PASSAGES)]
        passages = [Passage("a.md", Place(0, 1), part, "Plans", place, 0.0) for place, part in enumerate(chosen, 1)]
        prompt = grounded_messages(AssistantSettings(), "Telecom", Question(messages[-2].content), passages)
        rows.append(_columns(tokenizer, (*prompt, messages[-1])))
    return rows


def texts(tokenizer: Any, batches: int, rng: np.random.Generator) -> Rows:  # noqa: ANN401
    ids = tokenizer(_text())["input_ids"]
    starts = rng.integers(0, len(ids) - ROW_TOKENS, batches * BATCH)
    rows = [ids[start : start + ROW_TOKENS] for start in starts]
    return [{"input_ids": row, "labels": [-100, *row[1:]]} for row in rows]


CASES: dict[str, Callable[[Any, int, np.random.Generator], Rows]] = {
    "even": even,
    "apart": apart,
    "uneven": uneven,
    "raft": raft,
    "texts": texts,
}


def _load() -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    from groundtune.models.builtin import chat_model_folder

    logging.disable_progress_bar()
    folder = str(chat_model_folder())
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)


def _settings(steps: int) -> TuningSettings:
    return TuningSettings(steps=steps, batch_size=BATCH, seed=SEED)


def groundtune_trainer(model: Any, tokenizer: Any, rows: Rows, steps: int, work: str) -> Any:  # noqa: ANN401
    """Return the trainer that `groundtune tune` would use, on these batches in this order."""
    from groundtune.tuning import estimate, training
    from groundtune.tuning.conversations import Conversations
    from groundtune.tuning.model import Base
    from groundtune.tuning.objective import Rows as Data

    settings = _settings(steps)
    lengths = [len(row["input_ids"]) for row in rows]
    at_once, recompute = estimate.rows_at_once(lengths, 0.0, settings)
    plan = estimate.Plan(at_once, recompute, estimate.RunEstimate(0, 0.0, 0))
    job = training.TrainingJob("instruction", Base("built-in", "", _load), Conversations([]), settings, {})
    parts = training._Built(model, tokenizer, Data(rows, rows[:1], lengths), plan)
    watching = {"max_steps": steps, "eval_strategy": "no", "save_strategy": "no", "logging_steps": 1}
    return training._built(job, parts, range(len(rows)), Path(work), watching)


def plain_trainer(model: Any, tokenizer: Any, rows: Rows, steps: int, work: str) -> Any:  # noqa: ANN401
    """Return the trainer of a script that people write with TRL."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers.trainer_utils import set_seed
    from trl import SFTConfig, SFTTrainer

    settings = _settings(steps)
    set_seed(SEED)
    arguments = SFTConfig(
        output_dir=work,
        max_steps=steps,
        per_device_train_batch_size=BATCH,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, steps // 20),
        train_sampling_strategy="sequential",
        max_length=settings.max_length,
        packing=False,
        gradient_checkpointing=False,
        bf16=False,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=SEED,
    )
    return SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([dict(row) for row in rows]),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )


SIDES = {"groundtune": groundtune_trainer, "TRL": plain_trainer}


def _train(connection: Connection, side: str, case: str, steps: int) -> None:
    """Take a step each time the other end says so; tell its processor and clock time, at the end losses and peak."""
    from transformers import PrinterCallback, TrainerCallback

    from groundtune.tuning._memory import peak_of

    model, tokenizer = _load()
    rows = CASES[case](tokenizer, steps + 1, np.random.default_rng(SEED))
    began = [0.0, 0.0]

    def wait() -> None:
        connection.recv()
        began[:] = time.process_time(), time.perf_counter()

    class InTurn(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            wait()

        def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            connection.send((time.process_time() - began[0], time.perf_counter() - began[1]))
            wait()

    with tempfile.TemporaryDirectory() as work:
        trainer = SIDES[side](model, tokenizer, rows, steps + 1, work)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(InTurn())
        _, peak = peak_of(trainer.train)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    batches = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    connection.send((losses, peak, [sum(len(row["input_ids"]) for row in batch) for batch in batches]))


def measure(case: str, steps: int) -> dict[str, tuple[np.ndarray[Any, Any], list[float], int, list[int]]]:
    """Return for each side: (seconds of each step as (steps, 2), losses, peak in bytes, tokens of each batch)."""
    context = multiprocessing.get_context("spawn")
    ends: dict[str, Connection] = {}
    for side in SIDES:
        ends[side], child = context.Pipe()
        context.Process(target=_train, args=(child, side, case, steps), daemon=True).start()
        child.close()
    seconds: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    for number in range(steps + 1):
        for side in list(SIDES)[:: 1 if number % 2 else -1]:  # neither is always the first
            ends[side].send("go")
            seconds[side].append(ends[side].recv())
        print(f"\r{case}: step {number} of {steps} ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    found = {}
    for side, end in ends.items():
        end.send("go")
        losses, peak, tokens = end.recv()
        found[side] = (np.array(seconds[side][1:]), losses, peak, tokens[1:])
    return found


def report(case: str, steps: int) -> None:
    found = measure(case, steps)
    ours, plain = found["groundtune"], found["TRL"]
    tokens = sum(ours[3])
    rates = {side: tokens / part[0].sum(0) for side, part in found.items()}
    ratios = plain[0][:, 0] / ours[0][:, 0]
    apart = max(abs(one - other) / other for one, other in zip(ours[1], plain[1], strict=True))
    print(
        f"{case:<8} {steps:>5} {tokens / len(ours[3]):>12.0f} {rates['groundtune'][0]:>11.0f} {rates['TRL'][0]:>7.0f} "
        f"{plain[0][:, 0].sum() / ours[0][:, 0].sum():>6.2f} {np.percentile(ratios, 25):>5.2f}-"
        f"{np.percentile(ratios, 75):<5.2f} {plain[0][:, 1].sum() / ours[0][:, 1].sum():>5.2f} "
        f"{ours[2] / 2**30:>9.2f} {plain[2] / 2**30:>6.2f} {plain[1][0]:>7.3f} {plain[1][-1]:>6.3f} {apart:>8.0e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), help="what to train on")
    parser.add_argument("--steps", type=int, default=24, help="optimizer steps that are counted (24)")
    parser.add_argument("--threads", type=int, default=0, help="threads of each process (as many as PyTorch takes)")
    chosen = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if chosen.threads:
        os.environ["OMP_NUM_THREADS"] = str(chosen.threads)
    print(f"batches of {BATCH}; tokens a second of processor time; ratio: TRL's time by groundtune's, in all, the")
    print("quartiles of single steps, and by the clock; peaks in GiB; TRL's first and last loss, largest difference")
    print(f"{'case':<8} steps tokens/batch  groundtune     TRL  ratio   quartiles clock groundtune    TRL", end=" ")
    print(f"{'first':>7} {'last':>6} {'apart':>8}", flush=True)
    for case in chosen.cases:
        report(case, chosen.steps)


if __name__ == "__main__":
    main()
