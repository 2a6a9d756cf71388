"""Two judges held against people on real RAG answers: the built-in model, and a scripted one that is mostly right.

    python benchmarks/judge_calibration.py [--tasks N] [--criteria A,B] [--pairs N] [--folder DIR]

The set is `human_ratings/rag_answers` of ../shared/data: answers of two models to questions of MTRAG, each rated from
1 to 4 by two or three people. Answers that are the ideal answer itself are left out: a judge is shown that one. The
scripted judge knows the median of the people's ratings and gives it with probability 0.95, else another level; it
shows what the report says of a good judge, and is no model. `--tasks` takes the first N of the
81 questions. In the same folder nothing is asked twice.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console

from groundtune import open_project
from groundtune.assembly.judges import Judges
from groundtune.comparison.calibrate import answers_to
from groundtune.comparison.report.calibration import shown
from groundtune.evaluation.judge.judge import Judge
from groundtune.evaluation.judge.prompts import grading_messages, pairing_messages
from groundtune.evaluation.judge.rubrics import Rubric, load_rubrics
from groundtune.project import Project
from groundtune.testing.fakes import FallibleModel
from groundtune.values import Conversation

DATA = Path(__file__).parents[2] / "shared" / "data" / "human_ratings" / "rag_answers" / "judge_human.jsonl"
CRITERIA = ("faithfulness", "appropriateness", "completeness")
RUBRICS = """
[faithfulness]
question = "Does everything that the answer says stand in the passages?"
passes_from = 4
levels = ["Nothing of it does.", "A part of it does.", "Most of it does.", "All of it does."]

[appropriateness]
question = "Is the answer fitting: does it deal with the question as the conversation has it, and with nothing else?"
passes_from = 4
levels = ["Not at all.", "Hardly.", "Mostly.", "Wholly."]

[completeness]
question = "Does the answer hold all that the passages say in reply to the question?"
passes_from = 4
levels = ["Nothing of it.", "A part of it.", "Most of it.", "All of it."]
"""
RIGHT, SEED = 0.95, 17


def write_project(rows: list[dict[str, Any]], criteria: list[str], folder: Path) -> None:
    """Write the set as a project: benchmark, answers, ratings and rubrics."""
    cases = {row["task_id"]: _case(row) for row in rows}
    _write(folder / "benchmark.jsonl", list(cases.values()))
    _write(folder / "answers.jsonl", [_answer(row) for row in rows])
    _write(folder / "ratings.jsonl", [rating for row in rows for rating in _ratings(row, criteria)])
    (folder / "rubrics.toml").write_text(RUBRICS, encoding="utf-8")
    settings = '[judge]\nmodels = ["builtin:smollm2-135m-instruct"]\nrubrics = "rubrics.toml"\n'
    (folder / "groundtune.toml").write_text(settings, encoding="utf-8")


def _case(row: dict[str, Any]) -> dict[str, object]:
    *history, last = row["conversation"]
    conversation = row["task_id"].partition("<::>")[0]
    return {
        "id": row["task_id"],
        "question": last["content"],
        "ideal_answer": row["reference"],
        "history": history,
        "group": conversation,
        "split": "test",
    }


def _answer(row: dict[str, Any]) -> dict[str, object]:
    passages = [{"document": str(number), "text": text} for number, text in enumerate(row["contexts"])]
    return {"id": row["task_id"], "candidate": row["model"], "answer": row["response"], "passages": passages}


def _ratings(row: dict[str, Any], criteria: list[str]) -> list[dict[str, object]]:
    common = {"case": row["task_id"], "candidate": row["model"]}
    return [
        {**common, "rater": f"rater-{number}", "criterion": criterion, "value": float(value)}
        for criterion in criteria
        for number, value in enumerate(row["human"][criterion], start=1)
    ]


def scripted(project: Project, rows: list[dict[str, Any]], rubrics: tuple[Rubric, ...]) -> FallibleModel:
    """Return the judge that knows what people said."""
    human = {(row["task_id"], row["model"]): row["human"] for row in rows}
    answers = answers_to(project.assembly, project.folder / "answers.jsonl")
    known: dict[Conversation, str] = {}
    for rubric in rubrics:
        values = {key: [float(value) for value in said[rubric.criterion]] for key, said in human.items()}
        for one in answers:
            said = values[one.case.id, one.name]
            known[grading_messages(rubric, one.case, one.answer)] = str(int(median(said) + 0.5))
            for other in answers:
                if other.case.id == one.case.id and other is not one:
                    difference = mean(said) - mean(values[other.case.id, other.name])
                    better = "1" if difference > 0 else "2" if difference < 0 else "3"
                    known[pairing_messages(rubric, one.case, one.answer, other.answer)] = better
    return FallibleModel(lambda messages, options: known[messages], RIGHT, SEED, "scripted")


def main() -> None:
    """Print both calibrations."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=81)
    parser.add_argument("--criteria", default=",".join(CRITERIA))
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["model"] != "reference"]
    tasks = list(dict.fromkeys(row["task_id"] for row in rows))[: given.tasks]
    rows = [row for row in rows if row["task_id"] in tasks]
    folder = given.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    write_project(rows, given.criteria.split(","), folder)
    options: dict[str, Any] = {"answers": folder / "answers.jsonl", "scale": (1.0, 4.0), "pairs": given.pairs}
    console = Console(width=120)
    for heading in ("A scripted judge", "The built-in model as judge"):
        project = open_project(folder, progress=lambda stage, done, total: None)
        if heading.startswith("A scripted"):
            rubrics = load_rubrics(folder / "rubrics.toml")
            judge = Judge(scripted(project, rows, rubrics))
            project.assembly.judges = Judges(
                (("scripted", judge),), rubrics, project.settings.judge, project.assembly.records
            )
        console.print(f"\n{heading}: {len(rows)} answers to {len(tasks)} questions\n", style="bold")
        console.print(shown(project.calibrate_judges(folder / "ratings.jsonl", **options)))


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
