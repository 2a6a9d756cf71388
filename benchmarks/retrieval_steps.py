"""Steps around the search: rewriting of follow-up questions, near duplicates, widening of passages.

    python benchmarks/retrieval_steps.py ../shared/data [--steps rewriting near_duplicates widening] [--model N]

Rewriting: recall@3 on `rag_mtrag`, whose questions end a conversation, against stand-alone questions. The set has none:
those in `mtrag_standalone.jsonl` were written for this benchmark, from the conversations alone.
Half of the conversations, by the parity of their ids' hashes, were used to choose the rule. `--model N` has the chat
model rewrite the first N questions with a history of the other half.

Near duplicates: pairs of texts that count as such; nDCG@10 with and without them where there are any, as judged, and
with near duplicates of a judged text judged alike and only the first one counted; and on `qa_xquad` with planted
notices that repeat a question without its answer.

Widening: of the telecom example's development cases, the share whose evidence stands whole in what the model is given,
and how many characters that is.

Differences have intervals of 95 % (bootstrap over questions).
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from groundtune.assembly.pool import ModelPool
from groundtune.assistant.rewriting import QuestionRewriting
from groundtune.comparing import tokens
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.near_duplicates import nearly_same
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.knowledge.widening import Widening
from groundtune.project import open_project
from groundtune.protocols import Embedder
from groundtune.settings import EmbeddingSettings, ModelSettings
from groundtune.text import locate
from groundtune.values import Case, Chunk, Message, Passage, Place, Question, Search
from retrieval import COLLECTIONS, READERS, Collection, difference, fill, load, ndcg

ROOT = Path(__file__).parent.parent
LEAST = 0.95  # the share of equal pairs of words in near duplicates
K, DEPTH = 3, 10
PLANTED, COPIES = 40, 4
NOTICE = (
    "Whoever asks “{}” finds the answer on the pages of this archive. This notice stands on each of its pages, is "
    "{}renewed every year, and replaces all earlier notices of the kind. Those who keep the archive take no "
    "responsibility for what its pages say, and thank all readers who write to them about faults."
)


@dataclass(frozen=True, slots=True)
class Task:
    """A question at the end of a conversation, in its own words and stand-alone, and the texts that answer it."""

    id: str
    question: Question
    alone: str
    gold: frozenset[str]

    @property
    def chosen_on(self) -> bool:
        """Whether the rule was chosen on it."""
        return int(sha256(self.id.partition("<")[0].encode()).hexdigest(), 16) % 2 == 0


def tasks(folder: Path, collection: Collection) -> list[Task]:
    alone = {row["_id"]: row["text"] for row in _rows(Path(__file__).with_name("mtrag_standalone.jsonl"))}
    made = []
    for row in _rows(folder / "queries.jsonl"):
        if row["_id"] in alone:
            history = tuple(Message(turn["role"], turn["content"]) for turn in row["conversation"][:-1])
            gold = frozenset(collection.judgements[row["_id"]])
            made.append(Task(row["_id"], Question(row["text"], history), alone[row["_id"]], gold))
    return made


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def searcher(
    path: Path, collection: Collection, embedder: Embedder
) -> Callable[[Sequence[str], Depth], list[list[Passage]]]:
    """Return a function that searches the collection, which is embedded and stored here."""
    fill(path, collection, embedder)
    store = LanceDBStore(path, embedder.signature, embedder.dimension)
    return lambda texts, depth: search_many(store, embedder, [Search(text, READERS) for text in texts], depth)


def rewriting(data: Path, folder: Path, embedder: Embedder, asked_of_model: int) -> None:
    collection = load(data / COLLECTIONS["rag_mtrag"])
    asked = tasks(data / COLLECTIONS["rag_mtrag"], collection)
    search = searcher(folder / "rewriting", collection, embedder)
    questions = [task.question for task in asked]
    ways = {
        "stand-alone": [task.alone for task in asked],
        "none": QuestionRewriting("none")(questions),
        "rule": QuestionRewriting("rule")(questions),
    }
    recalls = {way: recall(search(texts, Depth(K)), asked) for way, texts in ways.items()}
    part = np.array([task.chosen_on for task in asked])
    print("| searched with | chosen on, recall@3 | minus stand-alone | others, recall@3 | minus stand-alone |")
    print("|---|---:|---:|---:|---:|")
    for way, values in recalls.items():
        cells = [
            f"{values[half].mean():.3f} | {difference(values[half], recalls['stand-alone'][half])}"
            for half in (part, ~part)
        ]
        print(f"| {way} | {' | '.join(cells)} |", flush=True)
    print(f"\n{part.sum()} and {(~part).sum()} conversations.")
    if asked_of_model:
        by_model(asked, recalls, search, asked_of_model)


def by_model(
    asked: Sequence[Task],
    recalls: Mapping[str, np.ndarray],
    search: Callable[[Sequence[str], Depth], list[list[Passage]]],
    number: int,
) -> None:
    """Rewrite a few questions with the built-in model, and print what it wrote beside the question."""
    places = [place for place, task in enumerate(asked) if not task.chosen_on and task.question.history][:number]
    subset = [asked[place] for place in places]
    model = ModelPool(ModelSettings(), ROOT).model()
    texts = QuestionRewriting("model", lambda: model)([task.question for task in subset])
    by_rule = QuestionRewriting("rule")([task.question for task in subset])
    found = recall(search(texts, Depth(K)), subset)
    kept = sum(text != rule for text, rule in zip(texts, by_rule, strict=True))
    print(f"\nThe model wrote {kept} of {len(subset)} questions; the rule stood in for the others.")
    print("\n| searched with | recall@3 |\n|---|---:|")
    for way, values in [*((way, values[places]) for way, values in recalls.items()), ("model", found)]:
        print(f"| {way} | {values.mean():.3f} |")
    for task, text in zip(subset, texts, strict=True):
        print(f"- {task.question.text!r} -> {text!r}")


def recall(found: Sequence[Sequence[Passage]], asked: Sequence[Task]) -> np.ndarray:
    shares = [
        len({passage.document for passage in passages} & task.gold) / len(task.gold)
        for passages, task in zip(found, asked, strict=True)
    ]
    return np.array(shares)


def near_duplicates(data: Path, folder: Path, embedder: Embedder) -> None:
    print("\n| collection | texts | near duplicates | nDCG@10 | without | difference | judged alike |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, place in COLLECTIONS.items():
        collection = load(data / place)
        same = pairs(collection)
        if not same:
            print(f"| {name} | {len(collection.chunks)} | 0 | as before | as before | 0 | 0 |", flush=True)
            continue
        search = searcher(folder / name, collection, embedder)
        ids = list(collection.questions)
        texts = list(collection.questions.values())
        lists = [
            [[passage.document for passage in passages] for passages in search(texts, way)]
            for way in (Depth(DEPTH), Depth(DEPTH, resemblance=LEAST))
        ]
        before, after = (
            np.array([ndcg(found, collection.judgements[id_]) for id_, found in zip(ids, each, strict=True)])
            for each in lists
        )
        alike = [
            np.array(
                [ndcg(*as_one(found, collection.judgements[id_], same)) for id_, found in zip(ids, each, strict=True)]
            )
            for each in lists
        ]
        means = f"{before.mean():.4f} | {after.mean():.4f} | {difference(after, before)} | {difference(*alike[::-1])}"
        print(f"| {name} | {len(collection.chunks)} | {len(same)} | {means} |", flush=True)
    planted(data, folder, embedder)


def pairs(collection: Collection) -> dict[str, str]:
    """Return the texts that are near duplicates of another one, each with that one's id."""
    words = sorted(((set(tokens(chunk.text)), chunk) for chunk in collection.chunks), key=lambda pair: len(pair[0]))
    same: dict[str, str] = {}
    for number, (left, chunk) in enumerate(words):
        for right, other in words[number + 1 :]:
            if len(left) < LEAST * LEAST * len(right):  # texts that share few words share few pairs of them
                break
            if len(left & right) >= LEAST * LEAST * len(left | right) and nearly_same(
                _passage(chunk), _passage(other), LEAST
            ):
                same[other.document] = same.get(chunk.document, chunk.document)
    return same


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk.document, chunk.place, chunk.text, chunk.heading, 1, 1.0)


def as_one(
    found: Sequence[str], grades: Mapping[str, int], same: Mapping[str, str]
) -> tuple[list[str], dict[str, int]]:
    """Return ranking and grades with near duplicates as one text; of several in a ranking, the first counts."""
    first = {same.get(document, document): grade for document, grade in grades.items()}
    named = [same.get(document, document) for document in found]
    return [each if each not in named[:place] else "" for place, each in enumerate(named)], first


def planted(data: Path, folder: Path, embedder: Embedder) -> None:
    collection = load(data / COLLECTIONS["qa_xquad"])
    ids = list(collection.questions)[:: len(collection.questions) // PLANTED][:PLANTED]
    notices = [NOTICE.format(collection.questions[id_], "again " * (copy % 2)) for id_ in ids for copy in range(COPIES)]
    chunks = [Chunk(f"notice-{number}", Place(0, len(text)), text, "", READERS) for number, text in enumerate(notices)]
    search = searcher(folder / "planted", replace(collection, chunks=[*collection.chunks, *chunks]), embedder)
    texts = [collection.questions[id_] for id_ in ids]
    shares = []
    for way in (Depth(K), Depth(K, resemblance=LEAST)):
        found = [{passage.document for passage in passages} for passages in search(texts, way)]
        gold = [each & collection.judgements[id_].keys() for each, id_ in zip(found, ids, strict=True)]
        shares.append(np.array([bool(each) for each in gold], float))
    print(f"\nqa_xquad with {COPIES} planted notices for each of {PLANTED} questions, gold in the top {K}:")
    print(f"{shares[0].mean():.3f}, without near duplicates {shares[1].mean():.3f}: {difference(*shares[::-1])}")


def widening(folder: Path) -> None:
    """Print the share of cases whose evidence the model is given whole."""
    place = folder / "telecom"
    shutil.copytree(ROOT / "examples" / "telecom", place)
    with open_project(place, {"knowledge.widen": "none"}) as project:
        project.ingest()
        knowledge = project.knowledge
        cases = [case for case in project.benchmark.part("development") if case.evidence]
        texts = knowledge.rewriting([case.asked for case in cases])
        searches = [Search(text, case.asker) for text, case in zip(texts, cases, strict=True)]
        found = knowledge.retrieve(searches, 2 * K)
        base = knowledge.settings.knowledge
        rows: dict[str, tuple[np.ndarray, float]] = {}
        for name, number, widen, size in (
            (f"{K} passages", K, "none", base.chunk_size),
            (f"{K} with rows of tables, up to {base.widen_to}", K, "tables", base.widen_to),
            (f"{K} with neighbours, up to 900", K, "neighbours", 900),
            (f"{K} with their section, up to 900", K, "section", 900),
            (f"{2 * K} passages", 2 * K, "none", base.chunk_size),
        ):
            settings = base.model_copy(update={"widen": widen, "widen_to": size})
            wide = Widening(settings, knowledge.revisions, knowledge.store)
            given = wide.widened([each[:number] for each in found], searches)
            whole = [has_evidence(passages, case) for passages, case in zip(given, cases, strict=True)]
            characters = np.mean([sum(len(each.text) for each in passages) for passages in given])
            rows[name] = np.array(whole, float), float(characters)
    print(f"\nTelecom example, {len(cases)} development cases with evidence:")
    print("\n| given to the model | evidence whole | minus the first | characters |\n|---|---:|---:|---:|")
    first = next(iter(rows.values()))[0]
    for name, (whole, characters) in rows.items():
        print(f"| {name} | {whole.mean():.3f} | {difference(whole, first)} | {characters:.0f} |")


def has_evidence(passages: Sequence[Passage], case: Case) -> bool:
    """Tell whether each quote of the experts stands whole in a passage of its document."""
    return all(
        any(
            passage.document == evidence.document and (evidence.quote is None or locate(evidence.quote, passage.text))
            for passage in passages
        )
        for evidence in case.evidence
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the collections")
    steps = ("rewriting", "near_duplicates", "widening")
    parser.add_argument("--steps", nargs="+", choices=steps, default=steps)
    parser.add_argument("--model", type=int, default=0, help="how many questions the built-in chat model rewrites")
    arguments = parser.parse_args()
    made = embedder(EmbeddingSettings())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "rewriting" in arguments.steps:
            rewriting(arguments.data, folder, made, arguments.model)
        if "near_duplicates" in arguments.steps:
            near_duplicates(arguments.data, folder, made)
        if "widening" in arguments.steps:
            widening(folder)


if __name__ == "__main__":
    main()
