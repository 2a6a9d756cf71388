import json
from collections import Counter

import pytest

from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.benchmark.cases import check_evidence, load_benchmark
from groundtune.evaluation.benchmark.importers import Imported, Shares, importer, read_set, write_imported
from groundtune.knowledge.readers.markdown import MarkdownReader

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
    return importer("beir").read(write(folder / "set", queries, corpus), shares)


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
        ({"_id": "x"}, "`text` is missing"),
    ],
)
def test_a_broken_line_is_refused_with_its_place(tmp_path, row, words):
    with pytest.raises(InputError, match=words) as caught:
        read(tmp_path, [question(1), row])
    assert caught.value.place.endswith("queries.jsonl:2")


def test_missing_files_unknown_importers_and_bad_shares_are_named(tmp_path):
    with pytest.raises(InputError, match=r"corpus\.jsonl"):
        importer("beir").read(tmp_path, Shares())
    with pytest.raises(SettingsError, match="beir, ragas, table"):
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
    imported = importer("beir").read(shared_data / name, Shares())
    assert (len(imported.documents), len(imported.cases), len(imported.examples)) == (documents, cases, examples)
    write_imported(imported, tmp_path)
    benchmark = load_benchmark(tmp_path / "benchmark.jsonl", 0.3)
    assert benchmark.cases == imported.cases
    assert benchmark.straddling_groups == straddling
    assert check_evidence(benchmark.cases, dict(imported.documents)) == []


# --- BEIR: qrels ------------------------------------------------------------------------------------

DOCUMENTS = [{"_id": f"d{number}", "title": "", "text": f"Text {number} says 300 m."} for number in range(4)]


def with_qrels(folder, queries, corpus=DOCUMENTS, **qrels):
    path = write(folder / "set", queries, corpus)
    (path / "qrels").mkdir(exist_ok=True)
    for split, text in qrels.items():
        (path / "qrels" / f"{split}.tsv").write_text(text, encoding="utf-8")
    return path


def asked(number, **more):
    return {"_id": f"q{number}", "text": f"How high is number {number}?", **more}


def documents_of(case):
    return [evidence.document for evidence in case.evidence]


def notes(imported):
    return {note.what: note.count for note in imported.notes}


@pytest.mark.parametrize("answer", [{"answers": ["300 m"]}, {"reference_answer": "It is 300 m high."}, {}])
@pytest.mark.parametrize("gold", [{}, {"gold_ids": []}, {"gold_ids": None}, {"gold_ids": ["d0"]}])
@pytest.mark.parametrize(
    "qrels",
    [
        "query-id\tcorpus-id\tscore\nq1\td0\t1\nq1\td2\t2\nq1\td3\t0\n",
        "q1\td0\t1\nq1\td2\t2\nq1\td3\t-1\n",
        "q1 0 d0 1\nq1 0 d2 2\nq1 0 d3 0\n",
        "query-id\tcorpus-id\tscore\r\nq1\td2\t2.0\r\nq1\td0\t0.5\r\n\r\n",
    ],
)
def test_the_qrels_are_evidence_with_answers_or_without(tmp_path, answer, gold, qrels):
    path = with_qrels(tmp_path, [asked(1, **answer, **gold)], test=qrels)
    imported = importer("beir").read(path, Shares(0, 0, 1))
    (case,) = imported.cases
    first = ["d0.md", "d2.md"] if gold.get("gold_ids") else ["d2.md", "d0.md"]
    assert documents_of(case) == first, "the most relevant first, those that are not relevant not at all"
    assert case.answerable
    assert bool(case.ideal_answer) == bool(answer)
    assert ("cases have no ideal answer: only retrieval scorers score them" in notes(imported)) == (not answer)
    write_imported(imported, tmp_path / "project")
    assert load_benchmark(tmp_path / "project" / "benchmark.jsonl", 0.3).cases == imported.cases


def test_a_training_example_names_the_documents_of_the_qrels(tmp_path):
    path = with_qrels(tmp_path, [asked(1, answers=["300 m"])], test="q1\td2\t1\n")
    (example,) = importer("beir").read(path, Shares(1, 0, 0)).examples
    assert example.documents == ("d2.md",)


def test_official_parts_are_kept_unless_shares_are_named(tmp_path):
    queries = [asked(number, answers=["300 m"] if number < 8 else []) for number in range(12)]
    qrels = {
        name: "".join(f"q{number}\td0\t1\n" for number in numbers)
        for name, numbers in {"train": [0, 1, 2, 8], "dev": [3, 9], "test": [4, 5, 6, 7, 10, 11, 0]}.items()
    }
    path = with_qrels(tmp_path, queries, **qrels)
    imported = importer("beir").read(path, Shares())
    parts = {case.id: case.split for case in imported.cases}
    assert {example.source.split(":")[1] for example in imported.examples} == {"q1", "q2"}
    assert {id for id, part in parts.items() if part == "development"} == {"q3", "q9", "q8"}, (
        "without answer: no example"
    )
    assert parts["q0"] == "test", "in two parts: never trained on"
    assert any("several parts" in note for note in notes(imported))
    own = importer("beir").read(path, Shares(0, 0, 1, official=False))
    assert {case.split for case in own.cases} == {"test"}


def test_what_the_qrels_name_and_is_not_there_is_counted(tmp_path):
    qrels = "q1\td0\t1\nq1\tgone\t1\nq9\td0\t1\nq8\td0\t1\n"
    queries = [asked(1), asked(2), {"_id": "q3", "text": " "}, asked(4, answers=["", " "])]
    corpus = [*DOCUMENTS, {"_id": "empty", "title": None, "text": " "}]
    imported = importer("beir").read(with_qrels(tmp_path, queries, corpus, test=qrels), Shares(0, 0, 1))
    assert [case.id for case in imported.cases] == ["q1"]
    assert notes(imported) == {
        "documents without title and text are left out": 1,
        "entries of the qrels name documents that are not in corpus.jsonl": 1,
        "entries of the qrels name queries that are not in queries.jsonl": 2,
        "queries with neither an answer nor evidence are left out": 2,
        "queries without a text are left out": 1,
        "cases have no ideal answer: only retrieval scorers score them": 1,
    }


@pytest.mark.parametrize("line", ["q1\td0", "q1\td0\tmuch", "q1", "q1\td0\tnan", "a\tb\tc\td\te"])
def test_a_broken_line_of_the_qrels_is_named(tmp_path, line):
    path = with_qrels(tmp_path, [asked(1)], test=f"query-id\tcorpus-id\tscore\n{line}\n")
    with pytest.raises(InputError, match="is not query, document and score") as raised:
        importer("beir").read(path, Shares())
    assert raised.value.place.endswith("test.tsv:2")


def test_a_set_that_nothing_can_be_measured_by_is_refused(tmp_path):
    with pytest.raises(InputError, match="no query has an answer"):
        importer("beir").read(with_qrels(tmp_path, [asked(1), asked(2)]), Shares())


@pytest.mark.parametrize("id", ["a/b", "../x", "größe", "x y", "日本", "CON", "a:b<c>", ".hidden", "x" * 300])
@pytest.mark.parametrize("title", ["", None, " ", "A title"])
def test_an_imported_document_has_the_title_it_was_given_or_none(tmp_path, id, title):
    corpus = [{"_id": id, "title": title, "text": "It is 300 m high."}]
    path = with_qrels(tmp_path, [asked(1)], corpus, test=f"q1\t{id}\t1\n")
    imported = importer("beir").read(path, Shares(0, 0, 1))
    write_imported(imported, tmp_path / "project")
    ((name, _),) = imported.documents
    read_back = MarkdownReader().read(tmp_path / "project" / "documents" / name)
    assert read_back.title == ("A title" if title == "A title" else "")
    assert read_back.text.strip().endswith("It is 300 m high.")


def test_other_keys_with_few_values_become_tags(tmp_path):
    queries = [
        asked(number, answers=["300 m"], kind="ab"[number % 2], note=f"note {number}", odd={"x": 1}, labels=["x", "y"])
        for number in range(12)
    ]
    path = with_qrels(tmp_path, queries, test="q1\td0\t1\n")
    imported = importer("beir").read(path, Shares(0, 0, 1))
    assert {case.id: case.tags for case in imported.cases}["q3"] == ("kind=b", "labels=x", "labels=y")
    assert {what for what in notes(imported) if "column" in what} == {
        "values of the column `note` are not used",
        "values of the column `odd` are not used",
    }
    mapped = importer("beir").read(path, Shares(0, 0, 1), {"note": "tags", "kind": "group"})
    assert {case.id: (case.tags[0], case.group) for case in mapped.cases}["q3"] == ("note=note 3", "b")
    with pytest.raises(InputError, match="no line has the key `kidn`"):
        importer("beir").read(path, Shares(), {"kidn": "tags"})


@pytest.mark.parametrize(("name", "cases", "left_out"), [("cranfield", 225, 2), ("medline", 30, 0)])
def test_real_sets_without_answers(shared_data, tmp_path, name, cases, left_out):
    imported = importer("beir").read(shared_data / "retrieval" / name, Shares())
    assert (len(imported.cases), len(imported.examples)) == (cases, 0)
    assert all(case.evidence and not case.ideal_answer for case in imported.cases)
    assert Counter(case.split for case in imported.cases)["test"] == round(cases * 0.35 / 0.5) or name == "cranfield"
    write_imported(imported, tmp_path)
    benchmark = load_benchmark(tmp_path / "benchmark.jsonl", 0.3)
    assert benchmark.cases == imported.cases
    assert check_evidence(benchmark.cases, dict(imported.documents)) == []
    assert notes(imported).get("documents without title and text are left out", 0) == left_out
    assert not (tmp_path / "training.jsonl").exists()


def test_the_old_name_still_works(tmp_path):
    assert importer("beir-qa").name == "beir"


def test_an_importer_of_an_older_plugin_takes_no_columns(tmp_path, installed):
    class Old:
        name = "old"

        def read(self, folder, shares):
            return Imported((), (), ())

    installed("importers", "old_importers", groundtune_importer=Old)
    assert read_set("old", tmp_path, Shares(), {}) == Imported((), (), ())
    with pytest.raises(SettingsError, match="`old` knows no columns"):
        read_set("old", tmp_path, Shares(), {"a": "question"})
