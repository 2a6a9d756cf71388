"""Planted and labelled defects against the checks of data that look at what a line says.

    python benchmarks/data_quality_personal.py ../shared/data --vectors build/vectors

Personal data: the labels of pii_presidio (MIT). Labels: flipped intents of banking77 (CC BY 4.0). Irrelevant lines:
instructions of self_instruct (Apache-2.0) among the questions of MTRAG-UN (Apache-2.0) and XQuAD (CC BY-SA 4.0).
Swapped preferences: replies to XSTest (CC BY 4.0), of which compliance is chosen and refusal rejected. Contradictions:
answers to XQuAD and MTRAG-UN, written once more with another figure or a negation. Toxic words: how often they stand in
what people rejected and chose in HH-RLHF (MIT), and false alarms on XSTest's safe prompts and banking77.

Sets are halved by a hash of the text; thresholds and words were chosen on the halves that are left out here, and on the
telecom example. `--vectors` keeps embeddings between runs. Prints Markdown; brackets hold Wilson's interval of 95 %.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import stats

from groundtune.encoders import sentence_encoder
from groundtune.packaged import encoder_folder
from groundtune.settings import DataSettings
from groundtune.tuning.quality import contradictions, labels, relevance
from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult
from groundtune.tuning.quality.personal import PersonalSpan, patterns
from groundtune.tuning.quality.personal.names import missing, names
from groundtune.tuning.quality.toxic_words import toxic
from groundtune.values import digest

KINDS = {
    "card": "CREDIT_CARD",
    "iban": "IBAN_CODE",
    "email": "EMAIL_ADDRESS",
    "phone": "PHONE_NUMBER",
    "ip": "IP_ADDRESS",
    "id": "US_SSN",
    "name": "PERSON",
}
SHARES = (0.05, 0.1, 0.2)


def reported(text: str) -> bool:
    """Tell whether a text is of the half that nothing was chosen on."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


def wilson(hits: int, of: int) -> str:
    """Return a share with its interval (Wilson 1927)."""
    if not of:
        return "none"
    interval = stats.binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits / of:.3f} [{interval.low:.3f}, {interval.high:.3f}] ({hits}/{of})"


@dataclass
class Vectors:
    """Embeddings of texts, kept in a folder between runs."""

    folder: Path | None
    known: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder and (self.folder / "vectors.npz").is_file():
            with np.load(self.folder / "vectors.npz") as kept:
                self.known = dict(zip(kept["names"].tolist(), kept["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return (texts, dimension) of length 1."""
        keys = [digest(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self.known}
        if new:
            folder = encoder_folder("minilm-l6-v2")
            assert folder, "the built-in encoder is not installed"
            with sentence_encoder(folder).held() as model:
                made = model.encode(list(new.values()), normalize_embeddings=True)
            self.known |= dict(zip(new, made, strict=True))
        return np.array([self.known[key] for key in keys])

    def keep(self) -> None:
        """Write them to the folder."""
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            np.savez(self.folder / "vectors.npz", names=list(self.known), vectors=np.array(list(self.known.values())))


def row(what: str, planted: Iterable[int], found: Iterable[int]) -> None:
    """Print recall and precision of what was found."""
    planted, found = set(planted), set(found)
    hits = len(planted & found)
    print(f"| {what} | {wilson(hits, len(planted))} | {wilson(hits, len(found))} |", flush=True)


def run(check: Check, lines: Iterable[DataLine]) -> CheckResult:
    for line in lines:
        check.see(line)
    return check.conclude()


def personal(data: Path, vectors: Vectors) -> None:
    rows = json.loads((data / "pii_presidio" / "synth_dataset_v2.json").read_text(encoding="utf-8"))
    rows = [one for one in rows if reported(one["full_text"])]
    texts = [one["full_text"] for one in rows]
    found: list[list[PersonalSpan]] = [patterns(text) for text in texts]
    if lacking := missing():
        print(f"| names | {lacking} | |")
    else:
        found = [[*own, *more] for own, more in zip(found, names().find(texts), strict=True)]
    for kind, entity in KINDS.items():
        hits = labelled = right = told = whole = 0
        for one, spans in zip(rows, found, strict=True):
            truth = [(s["start_position"], s["end_position"]) for s in one["spans"] if s["entity_type"] == entity]
            own = [span for span in spans if span.kind == kind]
            labelled, told = labelled + len(truth), told + len(own)
            hits += sum(any(span.start < end and start < span.end for span in own) for start, end in truth)
            whole += sum(any(span.start <= start and end <= span.end for span in own) for start, end in truth)
            right += sum(any(span.start < end and start < span.end for start, end in truth) for span in own)
        if told or kind != "name":
            print(f"| {entity} | {wilson(hits, labelled)} | {wilson(right, told)} |")
            print(f"| {entity}, all of it covered | {wilson(whole, labelled)} | |")


def flipped_labels(data: Path, vectors: Vectors) -> None:
    with (data / "intents_banking77" / "train.csv").open(encoding="utf-8") as file:
        rows = [one for one in csv.DictReader(file) if reported(one["text"])]
    intents = sorted({one["category"] for one in rows})
    around = Surroundings(DataSettings(), embed=vectors)
    for share in SHARES:
        rng = np.random.default_rng(2026)
        flipped = rng.random(len(rows)) < share
        lines = []
        for number, one in enumerate(rows):
            place = intents.index(one["category"])
            if flipped[number]:
                place = (place + int(rng.integers(1, len(intents)))) % len(intents)
            lines.append(DataLine("", number, "supervised", one["text"], intents[place]))
        result = run(labels.check(around), lines)
        row(
            f"{share:.0%} of {len(rows)} intents flipped",
            np.flatnonzero(flipped).tolist(),
            (each.line for each in result.findings),
        )


def swapped_preferences(data: Path, vectors: Vectors) -> None:
    pairs = list(xstest_pairs(data / "safety_xstest"))
    for share in SHARES[1:]:
        swapped = np.random.default_rng(2026).random(len(pairs)) < share
        lines = (
            DataLine("", number, "pair", prompt, *((worse, better) if swapped[number] else (better, worse)))
            for number, (prompt, better, worse) in enumerate(pairs)
        )
        result = run(labels.check(Surroundings(DataSettings(), embed=vectors)), lines)
        row(
            f"{share:.0%} of {len(pairs)} pairs swapped (XSTest)",
            np.flatnonzero(swapped).tolist(),
            (each.line for each in result.findings),
        )
        for gate in result.gates:
            if gate.name == "swapped" and gate.value is None:
                print(f"<!-- {gate.detail} -->")


def xstest_pairs(folder: Path) -> Iterator[tuple[str, str, str]]:
    replies: dict[str, dict[str, str]] = {}
    for model in ("gpt4", "mistralinstruct"):
        with (folder / f"completions_{model}.csv").open(encoding="utf-8") as file:
            for one in csv.DictReader(file):
                replies.setdefault(one["prompt"], {})[one["final_label"]] = one["completion"][:1000]
    for prompt, own in replies.items():
        if {"1_full_compliance", "2_full_refusal"} <= own.keys():
            yield prompt, own["1_full_compliance"], own["2_full_refusal"]


def irrelevant_lines(data: Path, vectors: Vectors) -> None:
    with (data / "instructions" / "self_instruct_seed_tasks.jsonl").open(encoding="utf-8") as file:
        tasks = [task for task in map(json.loads, file) if reported(task["instruction"])]
    bad = [f"{task['instruction']}\n{task['instances'][0]['output']}" for task in tasks]
    asked = [case for case in mtrag(data / "rag_mtrag") if "ANSWERABLE" in case["answerability"]]
    good = {"rag_mtrag": [f"{case['text']}\n{case['reference_answer']}" for case in asked[:120]]}
    cases = map(json.loads, (data / "qa_xquad" / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    good["qa_xquad"] = [f"{case['text']}\n{case['answers'][0]}" for case in cases][::10]
    for name, texts in good.items():
        corpus = map(json.loads, (data / name / "corpus.jsonl").read_text(encoding="utf-8").splitlines())
        documents = {passage["_id"]: f"{passage['title']}\n{passage['text']}" for passage in corpus}
        around = Surroundings(DataSettings(), documents=documents, embed=vectors)
        lines = [DataLine("", number, "supervised", text, "") for number, text in enumerate([*texts, *bad])]
        result = run(relevance.check(around), lines)
        row(
            f"{len(bad)} instructions among {len(texts)} questions to the documents ({name})",
            range(len(texts), len(lines)),
            (each.line for each in result.findings),
        )


def mtrag(folder: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]


def contradicting_lines(data: Path, vectors: Vectors) -> None:
    lines = (data / "qa_xquad" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    known = [(one["text"], one["answers"][0]) for one in map(json.loads, lines)]
    plant(known, other_figure, "figures of answers to XQuAD, in the same words")
    answers = [(one["text"], one["reference_answer"]) for one in mtrag(data / "rag_mtrag") if one["reference_answer"]]
    plant(answers, other_figure, "figures of answers to MTRAG, in the same words")
    plant(answers, denied, "answers to MTRAG with a negation, in the same words")


def plant(known: Sequence[tuple[str, str]], change: Callable[[str], str], what: str) -> None:
    """Repeat a third of the lines with another answer and a third as they are, and look for the former."""
    lines = [*known]
    wrong: set[int] = set()
    for number, (question, answer) in enumerate(known):
        other = change(answer)
        if number % 3 == 0 and other != answer:
            wrong |= {number, len(lines)}
            lines.append((question, other))
        elif number % 3 == 1:
            lines.append((question, f"{answer} "))
    check = contradictions.check(Surroundings(DataSettings()))
    result = run(check, (DataLine("", number, "supervised", *line) for number, line in enumerate(lines)))
    row(what, wrong, (each.line for each in result.findings))


def other_figure(answer: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match[0]) + 3), answer, count=1)


def denied(answer: str) -> str:
    return re.sub(r"\b(is|are|can|will|was|were|should)\b", r"\1 not", answer, count=1)


def toxic_words(data: Path, vectors: Vectors) -> None:
    with gzip.open(data / "preferences" / "hh_rlhf_harmless_test.jsonl.gz", "rt", encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    told = {
        side: np.array([any(True for _ in toxic(one[side].rpartition("\n\nAssistant:")[2])) for one in pairs])
        for side in ("chosen", "rejected")
    }
    only = int((told["rejected"] & ~told["chosen"]).sum()), int((told["chosen"] & ~told["rejected"]).sum())
    print(f"| replies of HH-RLHF that people rejected | told: {wilson(int(told['rejected'].sum()), len(pairs))} | |")
    print(f"| replies of HH-RLHF that people chose | told: {wilson(int(told['chosen'].sum()), len(pairs))} | |")
    print(f"| of pairs with words on one side, those on the rejected one | {wilson(only[0], sum(only))} | |")
    with (data / "safety_xstest" / "xstest_prompts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for label in ("safe", "unsafe"):
        own = [one["prompt"] for one in rows if one["label"] == label]
        print(f"| {label} prompts of XSTest | told: {wilson(sum(any(toxic(text)) for text in own), len(own))} | |")
    with (data / "intents_banking77" / "train.csv").open(encoding="utf-8") as file:
        texts = [one["text"] for one in csv.DictReader(file)]
    print(f"| questions of banking77 | told: {wilson(sum(any(toxic(text)) for text in texts), len(texts))} | |")


PARTS = {
    "personal": personal,
    "toxic": toxic_words,
    "contradictions": contradicting_lines,
    "irrelevant": irrelevant_lines,
    "swapped": swapped_preferences,
    "labels": flipped_labels,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with the data sets")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), help="which checks")
    parser.add_argument("--vectors", type=Path, help="folder in which embeddings are kept between runs")
    given = parser.parse_args()
    vectors = Vectors(given.vectors)
    print("| defect | recall | precision |\n|---|---|---|")
    for name in given.only:
        PARTS[name](given.data, vectors)
        vectors.keep()


if __name__ == "__main__":
    main()
