"""Domain adaptation, transfer learning and continuous pretraining on real data, each against what it is compared with.

    python benchmarks/techniques.py domain transfer continual ruined [--folder DIR] [--quick] [--method full]

domain     git's release notes: perplexity on held-out notes, on general text, and terms known, before and after
transfer   T0's reading tasks, then 64 questions of XQuAD; against XQuAD's 64 only and T0 only, on test questions
continual  two rounds of release notes, with replay and without; what is forgotten of XQuAD's paragraphs, in pairs
ruined     after `continual`: a second round at ten and a hundred times the learning rate; going back restores logits

Parts go on where they were interrupted, in the same --folder. Each takes 20 to 60 minutes on two free cores; --quick is
only to see that it runs. Intervals are of 95 %. Rows of T0 that share ten words in a row with an XQuAD paragraph are
left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

from groundtune import open_project
from groundtune.comparing import tokens
from groundtune.errors import GateFailed
from groundtune.evaluation.scorers.overlap import squad_f1
from groundtune.project import Project
from groundtune.tuning.perplexity import difference, predicted
from groundtune.tuning.rounds import Rounds
from groundtune.values import Conversation, Message

PREFIX = 10  # words in a row that a row of T0 must not share with a paragraph
SMALL = 64
TEST = 200
ROUNDS = 2
RATES = {"lora": 2e-4, "full": 2e-5}


def jsonl(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file, which may be compressed."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def project(folder: Path, settings: Mapping[str, object], documents: Mapping[str, str] = {}) -> Project:
    """Return a project with these documents; `settings` hold for it."""
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    for old in (folder / "documents").iterdir():
        if old.name not in documents:
            old.unlink()
    for name, text in documents.items():
        (folder / "documents" / name).write_text(text, encoding="utf-8")
    (folder / "groundtune.toml").write_text("[project]\nname = 'benchmark'\n", encoding="utf-8")
    return open_project(folder, {"data.swap_questions": 0, **settings}, lambda stage, done, total: None)


def notes(data: Path, most: int) -> dict[str, str]:
    """Return git's release notes by file name, in order of time."""
    rows = jsonl(data / "corpus_git_release_notes" / "docs.jsonl")[:most]
    return {f"{place:03}.txt": row["text"] for place, row in enumerate(rows)}


def paragraphs(data: Path) -> list[str]:
    """Return XQuAD's paragraphs."""
    return [row["text"] for row in jsonl(data / "qa_xquad" / "corpus.jsonl")]


def domain(options: argparse.Namespace) -> Iterator[str]:
    """Tune on release notes."""
    steps = 6 if options.quick else 120
    settings = {"tuning.domain.steps": steps, "tuning.evaluate_every": max(3, steps // 6)}
    with project(options.folder / "domain", settings, notes(options.data, 40 if options.quick else 485)) as opened:
        manifest = opened.tune("git", "domain")
    for name in ("domain", "general", "cloze"):
        before, after = (manifest.measures[when].get(name) for when in ("before", "after"))  # type: ignore[attr-defined]
        yield f"{name:8} before {before}\n{'':8} after  {after}"
    yield f"{manifest.seconds:.0f} s, {manifest.tokens:,} tokens; estimated {dict(manifest.estimate)}"


def transfer(options: argparse.Namespace) -> Iterator[str]:
    """Tune on T0 and on XQuAD."""
    folder = options.folder / "transfer"
    folder.mkdir(parents=True, exist_ok=True)
    texts = {row["_id"]: row["text"] for row in jsonl(options.data / "qa_xquad" / "corpus.jsonl")}
    shared = {gram for text in texts.values() for gram in grams(text)}
    rows = jsonl(options.data / "instructions" / "t0_subset.jsonl.gz")
    kept = [row for row in rows if not shared & set(grams(f"{row['prompt']} {row['completion']}"))]
    kept = [row for row in kept if len(row["prompt"]) < 2000 and row["completion"].strip()]
    yield f"T0: {len(kept)} of {len(rows)} rows; the others share {PREFIX} words in a row with a paragraph, or are long"
    questions = jsonl(options.data / "qa_xquad" / "queries.jsonl")
    order = np.random.default_rng(17).permutation(len(questions))
    small = [questions[place] for place in order[:SMALL]]
    used = {row["gold_ids"][0] for row in small}
    test = [questions[place] for place in order[SMALL:] if questions[place]["gold_ids"][0] not in used]
    test = test[: 20 if options.quick else TEST]
    write(folder / "training.jsonl", [_turns(row, texts) for row in small])
    general = [{"messages": _messages(row["prompt"], row["completion"])} for row in kept[:1500]]
    write(folder / "general.jsonl", general)
    steps = 2 if options.quick else 32  # four times through the 64 questions
    settings = {
        "tuning.transfer.general_steps": 2 * steps,
        "tuning.transfer.steps": steps,
        "tuning.evaluate_every": max(2, steps // 4),
        "tuning.max_length": 1536,
    }
    with project(folder, settings) as opened:
        manifest = opened.tune("xquad", "transfer", accepted=options.accept)
        yield f"held-out examples, nats a token, with the general set minus without: {manifest.measures['gain']}"
        scores = {}
        for name in ("base", "xquad-general", "xquad-small", "xquad"):
            candidate = opened.assembly.candidate(name)
            model = opened.assembly.model_of(candidate)
            prompts: list[Conversation] = [(Message("user", _asked(row, texts)),) for row in test]
            answers = [completion.text for completion in model.complete(prompts, 24)]
            pairs = zip(answers, test, strict=True)
            scores[name] = np.array([token_f1(answer, row["answers"]) for answer, row in pairs])
            yield f"{name:14} token F1 {scores[name].mean():.3f} on {len(test)} test questions"
        for other in ("base", "xquad-small", "xquad-general"):
            yield f"xquad - {other}: {interval(scores['xquad'] - scores[other])}"


def continual(options: argparse.Namespace) -> Iterator[str]:
    """Tune two rounds, with replay and without."""
    probe = options.folder / "probe.jsonl"
    options.folder.mkdir(parents=True, exist_ok=True)
    write(probe, [{"text": text} for text in paragraphs(options.data)])
    forgotten = {}
    for replay in (0.25, 0.0):
        folder = options.folder / f"continual_{options.method}_{replay}"
        for number in range(1, ROUNDS + 1):
            with project(folder, _round(options, probe, replay), _until(options, number)) as opened:
                opened.tune("notes", "continual", accepted=["forgetting"])
                manifest = Rounds(opened.adapter_folder("notes")).manifest(number)
            measured: Any = manifest.measures if manifest else {}
            new, old = (
                [measured[when][name]["perplexity"] for when in ("before", "after")] for name in ("new", "probe")
            )
            changes = f"new {new[0]:.2f} -> {new[1]:.2f}, probe {old[0]:.2f} -> {old[1]:.2f}"
            yield f"replay {replay}, round {number}: {changes}"
        with project(folder, _round(options, probe, replay), _until(options, ROUNDS)) as opened:
            model: Any = opened.assembly.model_of(opened.assembly.candidate("notes"))
            with model.shared.carrying(model.chain):
                forgotten[replay] = predicted(model.model, model.tokenizer, paragraphs(options.data), 512)
    change = difference(forgotten[0.0], forgotten[0.25])
    yield f"probe, nats a token, with replay minus without (below 0: forgets less): {change}"


def ruined(options: argparse.Namespace) -> Iterator[str]:
    """Tune a second round at ten and a hundred times the learning rate, on a copy of what `continual` left."""
    probe, folder = options.folder / "probe.jsonl", options.folder / f"ruined_{options.method}"
    whole = options.folder / f"continual_{options.method}_0.25"
    if not whole.is_dir():
        raise SystemExit("Run the part `continual` first: `ruined` goes on from its first round.")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    settings = _round(options, probe, 0.25)
    with project(folder, settings, _until(options, 1)) as opened:
        opened.go_to_round("notes", 1)
        before = _logits(opened)
    for times in (10, 100):
        rate = times * RATES[options.method]
        with project(folder, {**settings, "tuning.continual.learning_rate": rate}, _until(options, 2)) as opened:
            try:
                measured: Any = opened.tune("notes", "continual").measures
                old = [measured[when]["probe"]["perplexity"] for when in ("before", "after")]
                yield f"{times} times the rate: not refused, probe {old[0]:.2f} -> {old[1]:.2f}"
            except GateFailed as error:
                yield f"{times} times the rate: refused. {error.message}"
                opened.tune("notes", "continual", accepted=["forgetting"])
            opened.go_to_round("notes", 1)
            largest = float(np.abs(_logits(opened) - before).max())
        yield f"after going back to round 1, logits differ by {largest} at most"


def _round(options: argparse.Namespace, probe: Path, replay: float) -> dict[str, object]:
    steps = 4 if options.quick else 16  # about once through the notes of a round
    return {
        "tuning.method": options.method,
        "tuning.continual.steps": steps,
        "tuning.continual.learning_rate": RATES[options.method],
        "tuning.continual.replay": replay,
        "tuning.continual.probe": str(probe),
        "tuning.evaluate_every": max(2, steps // 4),
    }


def _logits(opened: Project) -> np.ndarray:
    """Return the logits of the candidate `notes` on one text."""
    import torch

    model: Any = opened.assembly.model_of(opened.assembly.candidate("notes"))
    with torch.inference_mode(), model.shared.carrying(model.chain):
        ids = model.tokenizer("Git is a version control system.", return_tensors="pt")["input_ids"]
        return np.asarray(model.model(input_ids=ids.to(model.model.device)).logits.float().cpu())


def _until(options: argparse.Namespace, number: int) -> dict[str, str]:
    """Return the documents there are in a round: those of the rounds before, and as many new ones."""
    each = 10 if options.quick else 80
    return dict(list(notes(options.data, 485).items())[: each * number])


def grams(text: str) -> list[tuple[str, ...]]:
    """Return all runs of `PREFIX` words."""
    words = tokens(text)
    return [tuple(words[place : place + PREFIX]) for place in range(len(words) - PREFIX + 1)]


def token_f1(answer: str, ideal: Sequence[str]) -> float:
    """Return the best F1 of words against the ideal answers."""
    return max(squad_f1(reference, answer) for reference in ideal)


def interval(differences: np.ndarray) -> str:
    """Return mean and percentile bootstrap interval."""
    drawn = np.random.default_rng(17).integers(len(differences), size=(5000, len(differences)))
    low, high = np.percentile(differences[drawn].mean(1), [2.5, 97.5])
    return f"{differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write a file of JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _asked(row: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    return f"{texts[row['gold_ids'][0]]}\n\nAnswer from the text, in as few words as possible: {row['text']}"


def _turns(row: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, object]:
    return {"messages": _messages(_asked(row, texts), row["answers"][0])}


def _messages(asked: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]


PARTS = {"domain": domain, "transfer": transfer, "continual": continual, "ruined": ruined}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()) / "groundtune-techniques")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--method", choices=("lora", "full"), default="lora")
    parser.add_argument("--accept", nargs="*", default=[], help="gates of the data of `transfer` that need not pass")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for name in options.parts:
        print(f"== {name} ({options.method})", flush=True)
        for line in PARTS[name](options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
