"""`groundtune retrieval train`: what it learns from, what it leaves out, and how it is measured against the base."""

import json
from itertools import combinations

import pytest
from typer.testing import CliRunner

from groundtune.assembly.pairs import pairs_of_project
from groundtune.cli import app
from groundtune.errors import InputError, SettingsError, TuningError
from groundtune.project import open_project
from groundtune.settings import load
from groundtune.testing.tiny import tiny_encoder
from groundtune.tuning.encoder.settings import EncoderSettings

pytestmark = pytest.mark.models
WORDS = 12
ASKED, TOLD = ([f"{kind}{number}" for number in range(WORDS)] for kind in ("ask", "tell"))
PAIRS = list(combinations(range(WORDS), 2))
LEARNING = {"passes": 8, "learning_rate": 3e-3, "batch_size": 8, "patience": 20, "negatives": 1}


def document(first, second):
    return f"{first}-{second}.txt"


def case(first, second, split, **more):
    quote = f"{TOLD[first]} {TOLD[second]}"
    return {
        "id": f"{first}-{second}",
        "question": f"{ASKED[first]} {ASKED[second]}",
        "ideal_answer": "so it is",
        "passages": [{"document": document(first, second), "quote": quote}],
        "group": f"{first}-{second}",
        "split": split,
        **more,
    }


def conversation(question, answer, *documents):
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": turns, "documents": list(documents)}


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def configure(folder, **training):
    tables = {
        "embedding": {"name": "path:tiny"},
        "knowledge": {"search": "vectors", "passages": 1, "candidates": 100, "read_apart": False},
        "retrieval.training": {**LEARNING, **training},
    }
    text = "".join(
        f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for table, values in tables.items()
    )
    (folder / "groundtune.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def code(tmp_path):
    """Documents that hold two words of a code, and questions in the words that mean these: two of three to learn."""
    folder = tmp_path / "code"
    (folder / "documents").mkdir(parents=True)
    tiny_encoder(folder / "tiny", [*ASKED, *TOLD])
    for first, second in PAIRS:
        text = f"{TOLD[first]} {TOLD[second]}\n"
        (folder / "documents" / document(first, second)).write_text(text, encoding="utf-8")
    splits = ["test" if number % 3 == 0 else "development" for number in range(len(PAIRS))]
    write_lines(folder / "benchmark.jsonl", [case(*pair, split) for pair, split in zip(PAIRS, splits, strict=True)])
    configure(folder)
    return folder


def collected(folder, **settings):
    with open_project(folder) as project:
        project.ingest()
        knowledge = project.knowledge
        return pairs_of_project(project.assembly, knowledge.embedder, EncoderSettings(**{**LEARNING, **settings}))


def test_what_is_planted_is_learned_and_measured_and_used_once_it_is_set(code):
    before = (code / "groundtune.toml").read_text(encoding="utf-8")
    with open_project(code) as project:
        trained = project.train_retrieval("ours")
    recall, rank = trained.measures
    assert (recall.difference.scorer, rank.difference.scorer) == ("retrieval_recall", "reciprocal_rank")
    assert trained.cases == len(PAIRS) // 3
    assert recall.base.mean < 0.3 < recall.trained.mean
    assert trained.verdict == recall.difference.verdict == "better"
    assert recall.difference.difference.mean == pytest.approx(recall.trained.mean - recall.base.mean)
    assert (code / "groundtune.toml").read_text(encoding="utf-8") == before
    with open_project(code, {"embedding.name": trained.setting}) as project:
        report = project.ingest()
        assert (report.added, report.changed, report.chunks) == (0, 0, 0)
        searched = [project.search(f"{ASKED[first]} {ASKED[second]}", 1)[0].document for first, second in PAIRS[::3]]
    right = [found == document(*pair) for found, pair in zip(searched, PAIRS[::3], strict=True)]
    assert sum(right) / len(right) == recall.trained.mean
    with open_project(code) as project:
        again = project.train_retrieval("ours")
    assert again.manifest == trained.manifest
    assert again.measures == trained.measures


def test_an_encoder_that_learned_nothing_cannot_be_told_from_its_base_and_leaves_no_index(code):
    configure(code, learning_rate=1e-9, passes=1)
    with open_project(code) as project:
        trained = project.train_retrieval("ours")
        assert not project.knowledge.indexes.trials()
    assert trained.verdict == "cannot tell"
    assert trained.measures[0].difference.difference.mean == 0
    kept = sorted(each.name for each in (code / ".groundtune").iterdir() if each.name.startswith("knowledge"))
    assert kept == ["knowledge"]


def test_the_command_tells_it_and_its_json_has_all(code):
    configure(code, passes=2)
    run = ["retrieval", "train", "--name", "ours", "--project", str(code)]
    shown = CliRunner().invoke(app, run)
    assert shown.exit_code == 0, shown.output
    said = " ".join(shown.stdout.split())
    assert "of 44 development cases and 0 conversations" in said
    assert "Retrieval recall on 22 test cases" in said
    assert 'embedding] name = "path:.groundtune/encoders/ours"' in said or "keep the present one" in said
    printed = json.loads(CliRunner().invoke(app, [*run, "--json"]).stdout)
    assert printed["setting"] == "path:.groundtune/encoders/ours"
    assert set(printed["measures"]) == {"retrieval_recall", "reciprocal_rank"}
    assert printed["manifest"]["settings"]["retrieval.training.passes"] == {"value": 2, "origin": "file"}


def test_what_the_test_part_asks_is_kept_out_of_training(code):
    """A conversation with a test question, one that nearly repeats it, and a group on both sides."""
    rows = [json.loads(line) for line in (code / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[1]["group"] = rows[0]["group"]
    rows[3]["question"] = "what does ask0 ask4 mean in this code"
    rows[4] |= {"passages": [], "answerable": False}
    write_lines(code / "benchmark.jsonl", rows)
    asked = rows[3]["question"]
    write_lines(
        code / "training.jsonl",
        [
            conversation(asked, "tell0 tell4", document(0, 4)),
            conversation(f"{asked}, please", "tell0 tell4", document(0, 4)),
            conversation("another question altogether", "tell1 tell2", document(1, 2)),
            conversation("hello", "hello"),
        ],
    )
    found = collected(code)
    assert (found.cases, found.conversations) == (44 - 2, 1)
    assert found.left_out["asked_in_test"] == 2
    assert found.left_out["group_in_test"] == 1
    assert found.left_out["case_without_passages"] == 1
    assert found.left_out["conversation_without_documents"] == 1
    questions = {pair.question for pair in found.pairs}
    assert "another question altogether" in questions
    assert not any(asked in question for question in questions)
    assert rows[1]["question"] not in questions


def test_no_passage_that_answers_is_learned_from_as_a_wrong_one(code):
    """A document is there twice more, once within other text."""
    for name in ("copy.txt", "within.txt"):
        text = f"{TOLD[0]} {TOLD[2]}" + " and more about it" * (name == "within.txt")
        (code / "documents" / name).write_text(f"{text}\n", encoding="utf-8")
    found = collected(code, negatives=100, margin=9)
    (own,) = [pair for pair in found.pairs if pair.question == f"{ASKED[0]} {ASKED[2]}"]
    assert found.left_out["negative_answers"] == 2
    answering = [text for text in own.negatives if f"{TOLD[0]} {TOLD[2]}" in text]
    assert answering == []
    assert len(own.negatives) == len(PAIRS) - 1
    assert len(own.answers) == 3


def test_passages_nearly_as_near_as_the_answer_are_not_learned_from(code):
    apart, near = collected(code, negatives=30, margin=9), collected(code, negatives=30, margin=0.5)
    assert not apart.left_out.get("negative_too_near")
    assert near.left_out["negative_too_near"] > 100
    assert sum(len(pair.negatives) for pair in near.pairs) < sum(len(pair.negatives) for pair in apart.pairs)


def test_documents_that_training_may_not_read_or_that_are_not_there_teach_nothing(code):
    first, second = next(pair for number, pair in enumerate(PAIRS) if number % 3)
    rules = code / "documents" / f"{document(first, second)}.meta.toml"
    rules.write_text('readable_by = ["staff"]\n', encoding="utf-8")
    write_lines(code / "training.jsonl", [conversation("who knows of it", "tell1", "nowhere.txt")])
    found = collected(code)
    assert found.left_out["document_not_readable"] == 1
    assert found.left_out["document_not_there"] == 1
    secret = f"{TOLD[first]} {TOLD[second]}"
    assert not any(secret in text for pair in found.pairs for text in (*pair.passages, *pair.answers))


def test_of_a_conversation_the_passage_with_most_words_of_the_answer_is_learned(code):
    write_lines(
        code / "training.jsonl",
        [
            conversation("a question of two documents", f"it is {TOLD[5]}", document(1, 2), document(3, 5)),
            conversation("one whose documents do not answer", "never", document(1, 2), document(3, 5)),
        ],
    )
    found = collected(code)
    (own,) = [pair for pair in found.pairs if pair.question == "a question of two documents"]
    assert own.passage.endswith(f"{TOLD[3]} {TOLD[5]}")
    assert len(own.answers) == 2, "the other document may answer as well"
    assert found.left_out["answer_not_in_document"] == 1


def test_what_answers_a_question_once_is_no_wrong_passage_for_it_elsewhere(code):
    question = "a question of two conversations"
    rows = [conversation(question, TOLD[number], document(number, number + 1)) for number in (1, 5)]
    write_lines(code / "training.jsonl", rows)
    own = [pair for pair in collected(code, negatives=100, margin=9).pairs if pair.question == question]
    assert len({pair.passage for pair in own}) == 2
    assert all(other.passage in pair.answers and other.passage not in pair.negatives for pair in own for other in own)
    assert {len(pair.negatives) for pair in own} == {len(PAIRS) - 2}


def test_what_cannot_be_trained_is_said(code):
    with open_project(code) as project, pytest.raises(SettingsError, match="cannot be the name"):
        project.train_retrieval("../ours")
    rows = [json.loads(line) for line in (code / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    write_lines(code / "benchmark.jsonl", [{**row, "split": "test"} for row in rows])
    with open_project(code) as project, pytest.raises(TuningError, match="0 groups"):
        project.train_retrieval("ours")


def test_an_encoder_elsewhere_cannot_be_trained(code, make_shop, tmp_path):
    make_shop(["Lumen"])
    write_lines(tmp_path / "benchmark.jsonl", [case(0, 1, "development")])
    with open_project(tmp_path) as project:
        with pytest.raises(SettingsError, match="cannot be trained here"):
            project.train_retrieval("ours")
        assert not project.has_knowledge()  # refused before anything is embedded


def test_without_test_cases_it_is_trained_and_not_measured(code):
    rows = [json.loads(line) for line in (code / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()]
    write_lines(code / "benchmark.jsonl", [row for row in rows if row["split"] == "development"])
    configure(code, passes=1)
    with open_project(code) as project:
        trained = project.train_retrieval("ours")
    assert (trained.verdict, trained.cases, trained.measures) == ("not measured", 0, ())
    configure(code, passes=2)
    with open_project(code) as project, pytest.raises(InputError, match="Choose another name"):
        project.train_retrieval("ours")
    assert load(code).settings.embedding.name == "path:tiny"
