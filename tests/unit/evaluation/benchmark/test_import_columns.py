"""Tables of questions and answers and rows of RAGAS, in every file that they come in."""

import csv
import json
from collections import Counter

import pytest
from _books import save

from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.benchmark.importers import Shares, read_set, write_imported

TEST = Shares(0, 0, 1)
ROWS = [
    {"question": f"How long is {number}?", "answer": f"{number} days.", "topic": "ab"[number % 2]}
    for number in range(8)
]


def read(path, kind="table", shares=TEST, **mapping):
    return read_set(kind, path, shares, mapping)


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def notes(imported):
    return {note.what: note.count for note in imported.notes}


def as_csv(path, rows, delimiter=","):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def saved(folder, form):
    columns = {key: [row[key] for row in ROWS] for key in ROWS[0]}
    if form in (".xlsx", ".xls", ".ods"):
        return save(folder, form, {"faq": [list(ROWS[0]), *(list(row.values()) for row in ROWS)]})
    path = folder / f"faq{form.split()[0]}"
    if form.startswith(".csv"):
        return as_csv(path, ROWS, ";" if "semicolon" in form else ",")
    if form == ".tsv":
        return as_csv(path, ROWS, "\t")
    if form == ".jsonl":
        return lines(path, ROWS)
    if form == ".parquet":
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table(columns), path)
        return path
    if form == "dataset":
        pytest.importorskip("datasets").Dataset.from_list(ROWS).save_to_disk(str(folder / "saved"))
        return folder / "saved"
    if form == "folder of one":
        (folder / "set").mkdir()
        return lines(folder / "set" / "faq.jsonl", ROWS).parent
    contents = {"rows": ROWS, "data": {"data": ROWS}, "columns": columns, "lines": None}
    contents["pandas"] = {key: {str(place): one for place, one in enumerate(own)} for key, own in columns.items()}
    content = contents[form.split()[1]]
    if content is None:
        return lines(path, ROWS)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


FORMS = [
    *(".csv", ".csv semicolon", ".tsv", ".xlsx", ".xls", ".ods", ".jsonl", ".parquet", "dataset", "folder of one"),
    *(f".json {kind}" for kind in ("rows", "data", "columns", "pandas", "lines")),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_every_file_gives_the_same_cases(tmp_path, form):
    imported = read(saved(tmp_path, form))
    assert imported.cases == read(lines(tmp_path / "plain.jsonl", ROWS)).cases
    assert [(case.question, case.ideal_answer, case.tags) for case in imported.cases][:2] == [
        ("How long is 0?", "0 days.", ("topic=a",)),
        ("How long is 1?", "1 days.", ("topic=b",)),
    ]
    write_imported(imported, tmp_path / "project")
    assert load_benchmark(tmp_path / "project" / "benchmark.jsonl", 0.3).cases == imported.cases


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["datasets", "files", "json", "column", "mapped column"])
def test_official_splits_are_kept(tmp_path, form):
    names = ["train", "train", "validation", "test", "test", "test", "train", "validation"]
    if form == "datasets":
        datasets = pytest.importorskip("datasets")
        by_split = {name: [row for row, own in zip(ROWS, names, strict=True) if own == name] for name in set(names)}
        made = datasets.DatasetDict({name: datasets.Dataset.from_list(rows) for name, rows in by_split.items()})
        made.save_to_disk(str(tmp_path / "set"))
        path = tmp_path / "set"
    elif form in ("files", "json"):
        path = tmp_path / "set"
        by_split = {name: [row for row, own in zip(ROWS, names, strict=True) if own == name] for name in set(names)}
        if form == "json":
            path = tmp_path / "set.json"
            path.write_text(json.dumps(by_split), encoding="utf-8")
        else:
            path.mkdir()
            for name, rows in by_split.items():
                lines(path / f"{name}-00000-of-00001.jsonl", rows)
    else:
        column = "split" if form == "column" else "Teil"
        path = lines(tmp_path / "set.jsonl", [{**row, column: own} for row, own in zip(ROWS, names, strict=True)])
    mapping = {"Teil": "split"} if form == "mapped column" else {}
    imported = read(path, shares=Shares(), **mapping)
    assert Counter(case.split for case in imported.cases) == {"development": 2, "test": 3}
    assert len(imported.examples) == 3
    dealt = read(
        path, shares=Shares(0, 0, 1, official=False), **({"Teil": "split"} if form.startswith("mapped") else {})
    )
    assert {case.split for case in dealt.cases} == {"test"}


@pytest.mark.parametrize(
    ("names", "mapping"),
    [
        (("Frage", "Antwort"), {"Frage": "question", "Antwort": "ideal_answer"}),
        (("a=b", "c"), {"a=b": "question", "c": "ideal_answer"}),
        (("Query", "Ground Truth"), {}),
        (("user_input", "reference"), {}),
        (("question", "text"), {"text": "ideal_answer"}),
    ],
)
def test_columns_have_any_names(tmp_path, names, mapping):
    path = lines(
        tmp_path / "x.jsonl", [dict(zip(names, (f"Why {n}?", f"Because {n}."), strict=True)) for n in range(3)]
    )
    imported = read_set("table", path, TEST, mapping)
    assert (imported.cases[0].question, imported.cases[0].ideal_answer) == ("Why 0?", "Because 0.")


@pytest.mark.parametrize(
    ("mapping", "error", "words"),
    [
        ({"question": "qestion"}, SettingsError, "Did you mean `question`.*Fields: question, ideal_answer"),
        ({"question": "x"}, SettingsError, "no field `x`.*Fields: question, ideal_answer"),
        ({"qestion": "question"}, InputError, "no column `qestion`.*Columns: question, answer, topic"),
        ({"question": "tags"}, InputError, "no column is for the question.*Columns: question, answer, topic"),
        ({"answer": "tags"}, InputError, "no row has a question with an answer or a passage"),
    ],
)
def test_a_wrong_column_or_field_is_refused_with_those_to_choose_from(tmp_path, mapping, error, words):
    with pytest.raises(error, match=words):
        read(lines(tmp_path / "x.jsonl", ROWS), **mapping)


def test_every_field_is_taken(tmp_path):
    row = {
        "id": 7,
        "question": "And gift cards?",
        "ideal_answer": "No.",
        "other_ideal_answers": ["They cannot."],
        "group": "refunds",
        "tags": ["billing", "cards"],
        "split": "dev",
        "document": "refunds.md",
        "quote": "Gift cards cannot be refunded.",
        "answerable": "yes",
        "history": [{"role": "user", "content": "Refunds?"}, {"role": "assistant", "content": "Yes."}],
        "author": "Ana",
    }
    (case,) = read(lines(tmp_path / "x.jsonl", [row]), shares=Shares()).cases
    assert (case.id, case.question, case.ideal_answers) == ("7", "And gift cards?", ("No.", "They cannot."))
    assert (case.group, case.tags, case.split, case.author) == ("refunds", ("billing", "cards"), "development", "Ana")
    assert [(one.document, one.quote) for one in case.evidence] == [("refunds.md", "Gift cards cannot be refunded.")]
    assert [turn.content for turn in case.history] == ["Refunds?", "Yes."]


@pytest.mark.parametrize(
    ("value", "answers"),
    [
        (["Ten.", "10."], ("Ten.", "10.")),
        ({"text": ["Ten.", "Ten."], "answer_start": [1, 2]}, ("Ten.",)),
        ("['Ten.', '10.']", ("Ten.", "10.")),
        ('["Ten."]', ("Ten.",)),
        ("[1, 2]", ("[1, 2]",)),
        ("[see page 3]", ("[see page 3]",)),
        (10, ("10",)),
    ],
)
def test_answers_may_be_lists(tmp_path, value, answers):
    (case,) = read(lines(tmp_path / "x.jsonl", [{"question": "How many?", "answers": value}])).cases
    assert case.ideal_answers == answers


@pytest.mark.parametrize(
    ("label", "answerable"),
    [
        *(
            (True, True),
            (False, False),
            ("no", False),
            (0, False),
            ("UNANSWERABLE", False),
            (["UNDERSPECIFIED"], False),
        ),
        *(("PARTIAL", True), (["ANSWERABLE"], True), ("CONVERSATIONAL", True), ("perhaps", True)),
    ],
)
def test_what_is_answerable(tmp_path, label, answerable):
    row = {"question": "Why?", "answer": "So.", "answerability": label, "document": "a.md"}
    imported = read(lines(tmp_path / "x.jsonl", [row]))
    (case,) = imported.cases
    assert (case.answerable, bool(case.evidence)) == (answerable, answerable)
    assert any("perhaps" in what for what in notes(imported)) == (label == "perhaps")


def test_nothing_is_dropped_silently(tmp_path):
    rows = [
        {"id": "1", "question": "Why?", "answer": "So."},
        {"id": "1", "question": "Why?", "answer": "So."},
        {"id": "1", "question": "Who?", "answer": "I."},
        {"id": "2", "question": " ", "answer": "So."},
        {"id": "3", "question": None, "answer": "So."},
        {"id": "4", "question": "When?", "answer": ""},
        {"id": "5", "question": "When?", "answer": float("nan")},
        {"id": "6", "question": "What?", "answer": "", "document": "a.md"},
        {"id": "7", "question": "How?", "answer": "So.", "split": "somewhere"},
        {"id": "8", "question": "Hm?", "answer": "So.", "history": [{"role": "assistant", "content": "Hi."}]},
    ]
    imported = read(lines(tmp_path / "x.jsonl", rows))
    assert [case.id for case in imported.cases] == ["1", "1-2", "6", "7"]
    assert {what.split(" ")[0] + " " + what.split(" ")[1]: count for what, count in notes(imported).items()} == {
        "rows repeat": 1,
        "rows have": 1,
        "rows without": 2,
        "rows with": 2,
        "rows name": 1,
        "rows whose": 1,
        "cases have": 1,
    }
    assert {note.first for note in imported.notes if note.what.startswith("rows without")} == {"x.jsonl:4"}


def test_columns_with_many_values_are_left_out_unless_they_are_named(tmp_path):
    rows = [{**row, "note": f"n{number}", "same": "x"} for number, row in enumerate(ROWS)]
    path = lines(tmp_path / "x.jsonl", rows)
    assert {tag for case in read(path).cases for tag in case.tags} == {"topic=a", "topic=b"}
    assert notes(read(path)) == {
        "values of the column `note` are not used": 8,
        "values of the column `same` are not used": 8,
    }
    named = read(path, note="tags")
    assert "note=n3" in named.cases[3].tags


def test_groups_stay_together(tmp_path):
    rows = [{"question": f"Why {n}?", "answer": "So.", "group": f"g{n % 5}"} for n in range(40)]
    imported = read(lines(tmp_path / "x.jsonl", rows), shares=Shares())
    sides = {case.group: set() for case in imported.cases}
    for case in imported.cases:
        sides[case.group].add(case.split)
    assert all(len(own) == 1 for own in sides.values())
    assert len(imported.cases) + len(imported.examples) == 40


# --- RAGAS ------------------------------------------------------------------------------------------

CONTEXTS = ["Refunds take ten days.", "Gift cards are not refunded."]


@pytest.mark.parametrize(
    ("row", "evidence", "documents"),
    [
        ({"question": "When?", "contexts": CONTEXTS, "ground_truth": "Ten days.", "answer": "Two."}, 2, 2),
        ({"question": "When?", "contexts": CONTEXTS, "ground_truths": ["Ten days."], "answer": "Two."}, 2, 2),
        ({"question": "When?", "contexts": str(CONTEXTS), "ground_truth": "Ten days."}, 2, 2),
        (
            {"user_input": "When?", "retrieved_contexts": CONTEXTS, "reference": "Ten days.", "response": "Two."},
            0,
            2,
        ),
        ({"user_input": "When?", "reference_contexts": CONTEXTS[:1], "reference": "Ten days."}, 1, 1),
        (
            {
                "user_input": "When?",
                "reference_contexts": CONTEXTS[:1],
                "retrieved_contexts": CONTEXTS,
                "reference": "Ten days.",
            },
            1,
            2,
        ),
        ({"question": "When?", "contexts": CONTEXTS[0], "ground_truth": "Ten days."}, 1, 1),
    ],
)
def test_rows_of_ragas(tmp_path, row, evidence, documents):
    imported = read(lines(tmp_path / "x.jsonl", [row]), "ragas")
    (case,) = imported.cases
    assert (case.question, case.ideal_answers) == ("When?", ("Ten days.",))
    assert (len(case.evidence), len(imported.documents)) == (evidence, documents)
    assert {one.document for one in case.evidence} <= {name for name, _ in imported.documents}
    assert all(text.startswith('---\ntitle: ""\n---\n') for _, text in imported.documents)
    assert any("answers of a system" in what for what in notes(imported)) == bool({"answer", "response"} & set(row))


def test_turns_of_ragas(tmp_path):
    turns = [("human", "Refunds?"), ("ai", "Yes."), ("human", "When?")]
    row = {"user_input": [{"type": kind, "content": text} for kind, text in turns], "reference": "Ten days."}
    (case,) = read(lines(tmp_path / "x.jsonl", [row]), "ragas").cases
    assert (case.question, [turn.content for turn in case.history]) == ("When?", ["Refunds?", "Yes."])


def test_a_row_without_reference_measures_search(tmp_path):
    row = {"user_input": "When?", "reference_contexts": CONTEXTS}
    (case,) = read(lines(tmp_path / "x.jsonl", [row]), "ragas").cases
    assert (case.ideal_answer, case.answerable, len(case.evidence)) == ("", True, 2)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.jsonl", '{"question": "a"', r"x.jsonl:1: broken JSON"),
        ("x.jsonl", "[1]", "row 1 is no object"),
        ("x.json", "3", "neither a list of rows"),
        ("x.json", '{"a": [1], "b": [1, 2]}', "neither a list of rows"),
        ("x.csv", "", "has no header"),
        ("x.csv", "question,question\n1,2\n", "appears twice"),
        ("x.parquet", "no parquet", "cannot be read"),
        ("x.arrow", "no arrow", "cannot be read"),
        ("x.pdf", "", "is a `.pdf` file"),
        ("x.xlsx", "no book", "not a valid XLSX"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, words):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read(tmp_path / name)


def test_folders_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no rows"):
        read(tmp_path)
    lines(tmp_path / "train.jsonl", ROWS)
    lines(tmp_path / "more.jsonl", ROWS)
    with pytest.raises(InputError, match=r"`more\.jsonl` does not say which split"):
        read(tmp_path)


def test_real_rows_of_ragas(shared_data, tmp_path):
    imported = read(shared_data / "human_ratings" / "rag_answers" / "judge_human.jsonl", "ragas", Shares())
    assert len(imported.cases) + len(imported.examples) == 81
    assert notes(imported)["rows repeat an earlier one and are left out"] == 162
    assert len(imported.documents) == 202
    write_imported(imported, tmp_path)
    assert load_benchmark(tmp_path / "benchmark.jsonl", 0.3).straddling_groups == 0


def test_a_real_table(shared_data, tmp_path):
    path = shared_data / "intents_banking77" / "train.csv"
    imported = read(path, shares=Shares(), text="question", category="ideal_answer")
    assert len(imported.cases) + len(imported.examples) == 10_003 - 4
    with pytest.raises(InputError, match=r"no column is for the question\. Columns: text, category"):
        read(path)
