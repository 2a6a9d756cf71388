"""How often a model selects the expected function, on public conversations, and what a grammar costs a step.

    python benchmarks/selecting.py [--rows 100] [--model NAME] [--data DIR]

Rows of the Berkeley Function-Calling Leaderboard are drawn with a fixed seed, from `simple_python` (one function, which
is wanted), `multiple` (two to four, one of which is wanted) and `irrelevance` (one, which is not wanted). A selection
is valid if it is none or fits its schema. Expected is the wanted function, and none where none is wanted; arguments are
right if they are among the listed answers. Intervals are of 95 % (Wilson). The cost of the grammar is the time of a
step of decoding with it over the time without, on the same prompts.

Data: https://github.com/ShishirPatil/gorilla (Apache-2.0); Patil et al. 2025, "The Berkeley Function Calling
Leaderboard (BFCL): From Tool Use to Agentic Evaluation of Large Language Models", ICML.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import jsonschema
from scipy.stats import binomtest

from groundtune import plugins
from groundtune.models import _generation, _grammar
from groundtune.models.selecting import selecting
from groundtune.settings import ModelSettings
from groundtune.values import ActionSchema, Conversation, Message, Selection

DATA = Path(__file__).parents[2] / "shared" / "data" / "agents_bfcl"
FILES = ("simple_python", "multiple", "irrelevance")
TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}
SEED = 7


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation, the functions that are offered, and the answer: a name and the values of each argument."""

    conversation: Conversation
    actions: tuple[ActionSchema, ...]
    name: str | None
    values: Mapping[str, Sequence[object]]


def rows_of(folder: Path, name: str) -> list[Row]:
    """Return the rows of a file, with its Python types as those of JSON Schema."""
    answers = _lines(folder / "possible_answer" / f"{name}.jsonl") if name != "irrelevance" else []
    truth = {each["id"]: each["ground_truth"][0] for each in answers}
    rows = []
    for line in _lines(folder / f"{name}.jsonl"):
        ((wanted, values),) = truth.get(line["id"], {None: {}}).items()
        actions = [ActionSchema(each["name"], each["description"], schema_of(each)) for each in line["function"]]
        turns = tuple(Message(turn["role"], turn["content"]) for turn in line["question"][0])
        rows.append(Row(turns, tuple(actions), wanted, values))
    return rows


def schema_of(function: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a function as a JSON Schema that allows no others."""
    return {**_converted(function["parameters"]), "additionalProperties": False}


def _converted(schema: Any) -> Any:  # noqa: ANN401 -- JSON is anything
    if isinstance(schema, list):
        return [_converted(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _converted(value) for key, value in schema.items() if key != "optional"}
    kind = schema.get("type")
    if isinstance(kind, str):
        made["type"] = TYPES.get(kind, kind)
    return {key: value for key, value in made.items() if value is not None or key != "type"}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def is_valid(row: Row, selection: Selection) -> bool:
    """Tell whether it is none, or fits the schema of one of the functions."""
    if selection.call is None:
        return True
    schemas = [each.parameters for each in row.actions if each.name == selection.call.action]
    return len(schemas) == 1 and jsonschema.Draft202012Validator(schemas[0]).is_valid(dict(selection.call.arguments))


def is_right(row: Row, selection: Selection) -> bool:
    """Tell whether every argument has a listed value; "" in the list means that it may be left out."""
    arguments = dict(selection.call.arguments) if selection.call else {}
    listed = all(key in row.values and _among(value, row.values[key]) for key, value in arguments.items())
    return listed and all(key in arguments or "" in values for key, values in row.values.items())


def _among(value: object, listed: Sequence[object]) -> bool:
    return any(_plain(value) == _plain(each) for each in listed)


def _plain(value: object) -> object:
    return "".join(value.casefold().split()) if isinstance(value, str) else value


def share(count: int, of: int) -> str:
    """Return a share with its interval (Wilson 1927, as scipy computes it)."""
    if not of:
        return "-"
    interval = binomtest(count, of).proportion_ci(method="wilson")
    return f"{count / of:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def table(model: Any, folder: Path, number: int) -> Iterator[str]:  # noqa: ANN401
    """Yield the lines of the table."""
    yield "| file | rows | valid call or none | none | of these unfit or cut | expected | right arguments | s a row |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name in FILES:
        rows = rows_of(folder, name)
        rows = random.Random(SEED).sample(rows, min(number, len(rows)))
        started = time.perf_counter()
        made = [model.select([row.conversation], row.actions)[0] for row in rows]
        seconds = (time.perf_counter() - started) / len(rows)
        called = [(row, each) for row, each in zip(rows, made, strict=True) if each.call]
        hits = [(row, each) for row, each in called if each.call.action == row.name]
        expected = len(hits) if name != "irrelevance" else len(rows) - len(called)
        valid = sum(is_valid(row, each) for row, each in zip(rows, made, strict=True))
        right = share(sum(is_right(row, each) for row, each in hits), len(rows)) if name != "irrelevance" else "-"
        unfit = sum("no valid call" in each.reply for each in made if each.call is None)
        counts = f"{len(rows)} | {valid} | {len(rows) - len(called)} | {unfit}"
        yield f"| {name} | {counts} | {share(expected, len(rows))} | {right} | {seconds:.2f} |"


def overhead(model: Any, folder: Path, number: int = 8, steps: int = 48) -> Iterator[str]:  # noqa: ANN401
    """Yield what the grammar adds to a step of decoding, for one row and for several at once; median of five."""
    rows = random.Random(SEED).sample(rows_of(folder, "simple_python"), number)
    prompts = [model.tokenizer(row.conversation[-1].content)["input_ids"] for row in rows]
    words = _grammar.vocabulary(model.tokenizer, model.model.config.vocab_size, model._ends())
    text = {"type": "string", "minLength": 400, "maxLength": 800}
    schema = {"type": "object", "properties": {"text": text}, "required": ["text"]}
    for batch in (1, number):
        ratios, without = [], []
        for _ in range(5):
            matchers = [_grammar.matcher(words, {" ": schema}) for _ in range(batch)]
            sampler = _grammar.Constrained(matchers)
            plain = _seconds(model, prompts[:batch], steps, None)
            ratios.append(_seconds(model, prompts[:batch], steps, sampler) / plain)
            without.append(plain / steps)
        yield f"a step of {batch}: {median(without) * 1e3:.1f} ms without, times {median(ratios):.3f} with the grammar"


class _Plain:
    def draw(self, logits: Any, rows: Sequence[int], step: int) -> Any:  # noqa: ANN401
        """Return the likeliest token, which does not end a row here."""
        return logits.argmax(-1)


def _seconds(model: Any, prompts: list[list[int]], steps: int, sampler: Any) -> float:  # noqa: ANN401
    decoded = _generation.decode(model.model, prompts, steps, set(), sampler=sampler or _Plain())
    next(decoded)  # reading the prompts is not what is measured
    started = time.perf_counter()
    for _ in decoded:
        pass
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--model", default=ModelSettings().name)
    parser.add_argument("--data", type=Path, default=DATA)
    asked = parser.parse_args()
    settings = ModelSettings(name=asked.model)
    model = plugins.first("models", settings.name, settings, Path())
    for line in table(selecting(model), asked.data, asked.rows):
        print(line, flush=True)
    if hasattr(model, "tokenizer"):
        for line in overhead(model, asked.data):
            print(line, flush=True)


if __name__ == "__main__":
    main()
