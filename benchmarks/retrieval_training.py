"""What training the encoder does for retrieval, on questions about texts that it was not trained on.

    python benchmarks/retrieval_training.py ../shared/data [--collections qa_xquad] [--set retrieval.training.passes=1]

Each collection (see `retrieval.py`) becomes a project: a text is a document in one chunk, a question a case. Groups are
articles (`qa_xquad`), conversations (`rag_mtrag`) or single questions (`cranfield`), and half of them, by a hash, are
development cases. A development case that names a text that also answers a test question is left out, so that no
passage of a test question was learned from. `groundtune retrieval train` then does the rest.

Prints a table with recall@3 and nDCG@10 on the test questions, by vectors alone and fused with words, of the base and
the trained encoder, the difference with an interval of 95 % (bootstrap over groups), and the seconds of training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from groundtune.assembly.finding import PassageFinder
from groundtune.cli._shared import flags
from groundtune.project import open_project
from groundtune.values import Search
from retrieval import COLLECTIONS, RESAMPLES, SEED, Collection, load, ndcg

DEFAULT = ("qa_xquad", "rag_mtrag", "cranfield")
SETTINGS = "[knowledge]\nchunk_size = 20000\nread_apart = false\n"
NAME = "trained"
SEARCHES = ("vectors", "hybrid")
MEASURES = ("recall@3", "nDCG@10")


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the grades of the texts that answer it, and the group that stays on one side."""

    id: str
    text: str
    group: str
    grades: Mapping[str, int]

    @property
    def trained_on(self) -> bool:
        """Whether it is on the development side."""
        return int(sha256(self.group.encode()).hexdigest(), 16) % 2 == 0


def group_of(name: str, id_: str, grades: Mapping[str, int]) -> str:
    if name == "qa_xquad":
        return next(iter(grades)).partition("-")[0]
    return id_.partition("<")[0] if name == "rag_mtrag" else id_


def questions(name: str, collection: Collection) -> list[Question]:
    """Return the questions, without those on the development side that share a text with the test side."""
    every = [
        Question(id_, text, group_of(name, id_, collection.judgements[id_]), collection.judgements[id_])
        for id_, text in collection.questions.items()
    ]
    tested = {text for question in every if not question.trained_on for text in question.grades}
    return [question for question in every if not (question.trained_on and tested & set(question.grades))]


def write_project(folder: Path, collection: Collection, asked: Sequence[Question]) -> dict[str, str]:
    """Write the project; return the id of each text by its document."""
    (folder / "documents").mkdir(parents=True)
    names = {}
    for number, chunk in enumerate(collection.chunks):
        document = f"{number}.md"
        names[document] = chunk.document
        text = f"# {chunk.heading}\n\n{chunk.text}" if chunk.heading else chunk.text
        (folder / "documents" / document).write_text(f"{text}\n", encoding="utf-8")
    documents = {id_: document for document, id_ in names.items()}
    lines = [
        {
            "id": question.id,
            "question": question.text,
            "passages": [{"document": documents[id_]} for id_, grade in question.grades.items() if grade > 0],
            "group": question.group,
            "split": "development" if question.trained_on else "test",
        }
        for question in asked
    ]
    cases = "".join(json.dumps(line) + "\n" for line in lines if line["passages"])
    (folder / "benchmark.jsonl").write_text(cases, encoding="utf-8")
    (folder / "groundtune.toml").write_text(SETTINGS, encoding="utf-8")
    return names


def scores(finder: PassageFinder, asked: Sequence[Question], names: Mapping[str, str]) -> np.ndarray:
    """Return (questions, measures)."""
    found = finder.find([Search(question.text) for question in asked], 30)
    rows = []
    for question, passages in zip(asked, found, strict=True):
        ranked = list(dict.fromkeys(names[passage.document] for passage in passages))
        wanted = {id_ for id_, grade in question.grades.items() if grade > 0}
        rows.append([len(wanted & set(ranked[:3])) / len(wanted), ndcg(ranked, question.grades)])
    return np.array(rows)


def difference(before: np.ndarray, after: np.ndarray, groups: Sequence[str]) -> str:
    """Return the mean of after - before with its interval, drawn over groups."""
    names = sorted(set(groups))
    numbers = np.array([names.index(group) for group in groups])
    totals = np.bincount(numbers, after - before, len(names))
    sizes = np.bincount(numbers, minlength=len(names))
    drawn = np.random.default_rng(SEED).integers(len(names), size=(RESAMPLES, len(names)))
    low, high = np.quantile(totals[drawn].sum(1) / sizes[drawn].sum(1), [0.025, 0.975])
    return f"{(after - before).mean():+.3f} ({low:+.3f} to {high:+.3f})"


def measure(name: str, collection: Collection, folder: Path, overrides: Mapping[str, object]) -> None:
    asked = questions(name, collection)
    tested = [question for question in asked if not question.trained_on]
    names = write_project(folder, collection, asked)
    results: dict[str, list[np.ndarray]] = {search: [] for search in SEARCHES}
    with open_project(folder, overrides) as project:
        trained = project.train_retrieval(NAME)
    for encoder in ({}, {"embedding.name": trained.setting}):
        with open_project(folder, {**overrides, **encoder}) as project:
            project.ingest() if not encoder else project.knowledge.rebuild()
            for search in SEARCHES:
                settings = project.settings.knowledge.model_copy(update={"search": search})
                results[search].append(scores(replace(project.knowledge.finder, settings=settings), tested, names))
    groups = [question.group for question in tested]
    data, loss = trained.manifest.data, trained.manifest.measures
    sizes = f"{data['training']} + {data['held_out']} | {len(tested)} of {len(set(groups))}"
    for search, (before, after) in results.items():
        cells = [
            f"{before[:, place].mean():.3f} | {after[:, place].mean():.3f} | "
            f"{difference(before[:, place], after[:, place], groups)}"
            for place in range(len(MEASURES))
        ]
        print(f"| {name} | {sizes} | {search} | {' | '.join(cells)} | {trained.manifest.seconds:.0f} |", flush=True)
    losses = f"{loss['held_out_loss_of_the_base']:.3f} to {loss['held_out_loss']:.3f}"
    print(f"<!-- {name}: held-out loss {losses}, step {trained.manifest.best_step}; {data['left_out']} -->", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the collections")
    parser.add_argument("--collections", nargs="+", choices=DEFAULT, default=list(DEFAULT))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for groundtune")
    arguments = parser.parse_args()
    measured = " | ".join(f"{measure}, base | trained | difference" for measure in MEASURES)
    print(f"| collection | pairs + held out | test questions, groups | search | {measured} | s |")
    print(f"|---|---:|---:|---|{'---:|' * 7}")
    for name in arguments.collections:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, load(arguments.data / COLLECTIONS[name]), Path(folder) / name, flags(arguments.set))


if __name__ == "__main__":
    main()
