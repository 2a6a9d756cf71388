import json
from collections import Counter

import pytest

from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.benchmark.cases import check_evidence, load_benchmark
from groundtune.evaluation.benchmark.importers import Shares, importer, write_imported

CORPUS = [
    {"_id": "0-0", "title": "Big_Tower", "text": "It is old, they say. It is 300 m high. Rooms: 300, no more."},
    {"_id": "../etc/passwd", "title": "", "text": "Nothing."},
]


def question(number, **more):
    return {"_id": f"q{number}", "text": "How high is it?", "gold_ids": ["0-0"], "answers": ["300", "300 m"], **more}


def write(folder, queries, corpus=CORPUS):
    folder.mkdir(exist_ok=True)
    for name, rows in {"corpus.jsonl": corpus, "queries.jsonl": queries}.items():
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def read(folder, queries, corpus=CORPUS, shares=Shares(0, 0, 1)):  # noqa: B008
    return importer("beir-qa").read(write(folder / "set", queries, corpus), shares)


def test_a_short_answer_gives_the_sentence_that_fits_the_question(tmp_path):
    (case,) = read(tmp_path, [question(1)]).cases
    assert case.ideal_answer == "300"
    assert case.evidence[0].quote == "It is 300 m high."
    assert case.group == "Big_Tower"


def test_file_names_are_safe_and_titles_are_headings(tmp_path):
    documents = dict(read(tmp_path, [question(1)]).documents)
    assert documents["0-0.md"].startswith("# Big Tower\n\nIt is old")
    (other,) = set(documents) - {"0-0.md"}
    assert "/" not in other
    assert not other.startswith(".")


def test_ids_that_differ_in_case_only_get_files_of_their_own(tmp_path):
    corpus = [{"_id": id, "title": "", "text": id} for id in ("a", "A")]
    documents = dict(read(tmp_path, [question(1, gold_ids=["a"])], corpus).documents)
    assert len({name.casefold() for name in documents}) == 2


@pytest.mark.parametrize(
    ("labels", "gold", "answerable"),
    [
        (["ANSWERABLE"], ["0-0"], True),
        (["UNANSWERABLE"], ["0-0"], False),
        (["UNDERSPECIFIED"], [], False),
        ("PARTIAL", ["0-0"], True),
        (["PARTIAL"], [], False),
    ],
)
def test_answerability(tmp_path, labels, gold, answerable):
    row = {"_id": "c<::>2", "text": "Why?", "reference_answer": "Because.", "gold_ids": gold, "answerability": labels}
    (case,) = read(tmp_path, [row]).cases
    assert case.answerable == answerable
    assert bool(case.evidence) == answerable
    assert all(evidence.quote is None for evidence in case.evidence)


def test_conversations_keep_their_history_without_the_question(tmp_path):
    turns = [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]
    last = {"role": "user", "content": "Why? "}
    row = {"_id": "c<::>2", "text": "Why?", "reference_answer": "Because.", "conversation": [*turns, last]}
    (case,) = read(tmp_path, [row]).cases
    assert [turn.content for turn in case.history] == ["A?", "B."]
    (example,) = read(tmp_path, [row], shares=Shares(1, 0, 0)).examples
    assert [turn.content for turn in example.messages] == ["A?", "B.", "Why?", "Because."]


def test_a_conversation_stands_in_one_part(tmp_path):
    rows = [question(0, _id=f"c{number // 4}<::>{number}") for number in range(80)]
    read_set = read(tmp_path, rows, shares=Shares())
    cases = Counter(case.group for case in read_set.cases)
    assert set(cases.values()) == {4}
    assert len(read_set.examples) == 40


def test_questions_of_an_article_are_spread_by_the_shares_whatever_their_order(tmp_path):
    rows = [question(number) for number in range(20)]
    first = read(tmp_path, rows, shares=Shares())
    second = read(tmp_path, rows[::-1], shares=Shares())
    assert Counter(case.split for case in first.cases) == {"development": 3, "test": 7}
    assert {case.id: case.split for case in first.cases} == {case.id: case.split for case in second.cases}
    assert not {case.id for case in first.cases} & {example.source.split(":")[1] for example in first.examples}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (question(1), "appears twice"),
        (question(2, gold_ids=["9-9"]), "9-9"),
        (question(2, answers=[]), "neither"),
        ({"_id": "x"}, "`text` is missing"),
    ],
)
def test_a_broken_line_is_refused_with_its_place(tmp_path, row, words):
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path, [question(1), row])
    assert caught.value.place.endswith("queries.jsonl:2")


def test_missing_files_unknown_importers_and_bad_shares_are_named(tmp_path):
    with pytest.raises(InputError, match=r"corpus\.jsonl"):
        importer("beir-qa").read(tmp_path, Shares())
    with pytest.raises(SettingsError, match="beir-qa"):
        importer("squad")
    with pytest.raises(SettingsError, match="add up"):
        Shares(0.5, 0.5, 0.5)


def test_what_people_wrote_is_not_overwritten(tmp_path):
    imported = read(tmp_path, [question(number) for number in range(9)], shares=Shares())
    project = tmp_path / "project"
    write_imported(imported, project)
    write_imported(imported, project)
    (project / "benchmark.jsonl").write_text("mine")
    (project / "training.jsonl").unlink()
    with pytest.raises(InputError, match=r"benchmark\.jsonl"):
        write_imported(imported, project)
    assert not (project / "training.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "documents", "cases", "examples", "straddling"),
    [("qa_xquad", 240, 598, 592, 48), ("rag_mtrag", 405, 104, 104, 0)],
)
def test_real_sets(shared_data, tmp_path, name, documents, cases, examples, straddling):
    imported = importer("beir-qa").read(shared_data / name, Shares())
    assert (len(imported.documents), len(imported.cases), len(imported.examples)) == (documents, cases, examples)
    write_imported(imported, tmp_path)
    benchmark = load_benchmark(tmp_path / "benchmark.jsonl", 0.3)
    assert benchmark.cases == imported.cases
    assert benchmark.straddling_groups == straddling
    assert check_evidence(benchmark.cases, dict(imported.documents)) == []
