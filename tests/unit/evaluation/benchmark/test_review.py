"""The round trip to experts and back: in every format, with everything that may happen on the way."""

import csv
import json

import openpyxl
import pytest

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.benchmark.review import COLUMNS, CaseFiles, cells, export_cases, review_cases
from groundtune.spreadsheets import read_table

TEXTS = {"a.md": "A refund takes ten days.\nGift cards cannot be refunded.", "b.md": "We sell no bicycles."}
APPROVED = {"id": "1", "question": "How long?", "ideal_answer": "Ten days.", "tags": ["a, b"], "author": "Ada"}
DRAFTS = [
    {
        "id": "d1",
        "question": "=How long does a refund take?",
        "ideal_answer": "  Ten days. ",
        "other_ideal_answers": [" 10 days.", "=A week and a half."],
        "passages": [{"document": "a.md", "quote": "A refund takes\n ten days."}],
        "group": "g",
        "author": "groundtune draft (templates, version 1)",
        "status": "draft",
    },
    {
        "id": "d2",
        "question": "And gift cards?",
        "ideal_answer": "No.",
        "passages": [{"document": "a.md"}, {"document": "b.md", "quote": "We sell"}],
        "history": [{"role": "user", "content": "Refunds?"}, {"role": "assistant", "content": "-Ten days."}],
        "status": "draft",
    },
    {"id": "d3", "question": "Who is king?", "answerable": False, "status": "draft"},
]
FORMATS = [".csv", ".xlsx", ".jsonl"]


class Desk:
    """A project's two files, and an expert who edits what was exported."""

    def __init__(self, folder):
        self.benchmark, self.drafts = folder / "benchmark.jsonl", folder / "drafts.jsonl"
        self.benchmark.write_text(f"{json.dumps(APPROVED, indent=None)}   \n\n", encoding="utf-8")
        self.drafts.write_text("".join(json.dumps(row) + "\n" for row in DRAFTS), encoding="utf-8")

    def export(self, path, **more):
        export_cases(CaseFiles(self.benchmark, self.drafts), path, **more)
        return path

    def review(self, path, reviewer=""):
        return review_cases(
            CaseFiles(self.benchmark, self.drafts), path, TEXTS, reviewer=reviewer, development_share=0.3
        )

    def rows(self, path=None):
        lines = (path or self.benchmark).read_text(encoding="utf-8").splitlines()
        return {row["id"]: row for row in map(json.loads, filter(str.strip, lines))}

    def state(self):
        return self.benchmark.read_bytes(), self.drafts.read_bytes()


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture(params=FORMATS)
def file(request, tmp_path):
    return tmp_path / f"review{request.param}"


def edit(path, id_, **changes):
    """Change cells of a case as an expert would; keys are columns with _ for blanks but in `ideal_answer`."""
    named = {key if key == "ideal_answer" else key.replace("_", " "): value for key, value in changes.items()}
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            if row["id"] == id_:
                for key, value in named.items():
                    name, _, number = key.rpartition(" ")
                    if name in ("quote", "document"):
                        row["passages"][int(number) - 1][name] = value
                    else:
                        row[key] = value
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        header = [cell.value for cell in book.active[1]]
        for row in book.active.iter_rows(min_row=2):
            if str(row[0].value) == id_:
                for key, value in named.items():
                    row[header.index(key)].value = value
        book.save(path)
    else:
        text = path.read_text(encoding="utf-8-sig")
        with path.open(encoding="utf-8-sig", newline="") as opened:
            header, *rows = csv.reader(opened, delimiter=";" if text.startswith("id;") else ",")
        for row in rows:
            if row[0] == id_:
                for key, value in named.items():
                    row[header.index(key)] = value
        with path.open("w", encoding="utf-8-sig", newline="") as opened:
            csv.writer(opened, delimiter=";").writerows([header, *rows])


def test_what_nobody_touched_changes_nothing(desk, file):
    before = desk.state()
    done = desk.review(desk.export(file, everything=True))
    assert (dict(done.counts), done.faults) == ({"untouched": 4}, [])
    assert desk.state() == before


def test_approved_drafts_move_to_the_benchmark_and_the_others_stay(desk, file):
    first = desk.benchmark.read_text(encoding="utf-8")
    desk.export(file)
    edit(file, "d1", status="approved", reviewer="Ana")
    edit(file, "d3", status="rejected", reviewer="Ben")
    done = desk.review(file)
    assert (dict(done.counts), done.faults) == ({"approved": 1, "untouched": 1, "rejected": 1}, [])
    assert desk.benchmark.read_text(encoding="utf-8").startswith(first.rstrip("\n")), "what was there is as it was"
    assert desk.rows() == {
        "1": APPROVED,
        "d1": {**DRAFTS[0], "status": "approved", "reviewer": "Ana"},
        "d3": {**DRAFTS[2], "status": "rejected", "reviewer": "Ben"},
    }
    assert desk.rows(desk.drafts) == {"d2": DRAFTS[1]}
    benchmark = load_benchmark(desk.benchmark, 0.3)
    assert ([case.id for case in benchmark.cases], benchmark.rejected) == (["1", "d1"], 1)


def test_edits_are_noted_with_who_made_them(desk, file):
    desk.export(file)
    edit(file, "d1", question="How long is a refund?", quote_1="takes ten days", status="approved", reviewer="Ana")
    done = desk.review(file)
    assert (dict(done.counts), done.faults) == ({"approved": 1, "edited": 1, "untouched": 2}, [])
    assert desk.rows()["d1"] == {
        **DRAFTS[0],
        "question": "How long is a refund?",
        "passages": [{"document": "a.md", "quote": "takes ten days"}],
        "status": "approved",
        "reviewer": "Ana",
        "edits": ["passages by Ana", "question by Ana"],
    }


def test_an_edited_draft_stays_a_draft_until_it_is_approved(desk, file):
    desk.export(file)
    edit(file, "d2", ideal_answer="No, they cannot.")
    assert dict(desk.review(file, reviewer="Ana").counts) == {"untouched": 2, "edited": 1}
    row = desk.rows(desk.drafts)["d2"]
    assert (row["ideal_answer"], row["edits"], row["reviewer"]) == ("No, they cannot.", ["ideal_answer by Ana"], "Ana")
    assert row["history"] == DRAFTS[1]["history"]
    assert set(desk.rows()) == {"1"}


def test_an_approved_case_can_be_edited_and_taken_back(desk, file):
    desk.export(file, everything=True)
    edit(file, "1", question="How long does it take?", reviewer="Ana")
    edit(file, "d1", status="approved", reviewer="Ana")
    assert desk.review(file).faults == []
    assert desk.rows()["1"] == {
        **APPROVED, "question": "How long does it take?", "reviewer": "Ana", "edits": ["question by Ana"]
    }  # fmt: skip
    again = desk.export(file.with_name(f"again{file.suffix}"), everything=True)
    edit(again, "1", status="rejected", reviewer="Ben")
    assert desk.review(again).faults == []
    assert (desk.rows()["1"]["status"], desk.rows()["1"]["edits"]) == ("rejected", ["question by Ana"])


def test_a_second_expert_can_confirm(desk, file):
    desk.export(file, everything=True)
    edit(file, "1", reviewer="Ben")
    assert dict(desk.review(file).counts) == {"confirmed": 1, "untouched": 3}
    assert desk.rows()["1"] == {**APPROVED, "reviewer": "Ben"}


@pytest.mark.parametrize(
    ("id_", "changes", "words"),
    [
        ("d1", {"status": "approved"}, "no `reviewer` is named"),
        ("d1", {"status": "fine", "reviewer": "Ana"}, "not one of draft, approved, rejected"),
        ("d1", {"status": "approved", "question": " ", "reviewer": "Ana"}, "the question is empty"),
        ("d1", {"status": "approved", "ideal_answer": "", "reviewer": "Ana"}, "no ideal answer"),
        ("d1", {"status": "approved", "quote_1": "eleven days", "reviewer": "Ana"}, "the quote is not in `a.md`"),
        ("d1", {"status": "approved", "document_1": "c.md", "reviewer": "Ana"}, "there is no document `c.md`"),
        ("d1", {"document_1": "", "reviewer": "Ana"}, "has no document"),
        ("d1", {"author": "Ana", "reviewer": "Ana"}, "`author` says who wrote"),
        ("d1", {"answerable": "perhaps", "reviewer": "Ana"}, "`answerable` is 'perhaps'"),
        ("d1", {"split": "training", "reviewer": "Ana"}, "`split` is 'training'"),
        ("d1", {"id": "d9"}, "no case has the id 'd9'"),
        ("d2", {"id": "d1"}, "also appears in row 2"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_a_fault_names_its_row_and_nothing_is_changed(desk, tmp_path, suffix, id_, changes, words):
    path = desk.export(tmp_path / f"review{suffix}")
    edit(path, "d3", status="approved", reviewer="Ana")
    edit(path, id_, **changes)
    before = desk.state()
    done = desk.review(path)
    assert len(done.faults) == 1
    assert done.faults[0].startswith(f"row {3 if id_ == 'd2' else 2}: ")
    assert words in done.faults[0]
    assert desk.state() == before


def test_all_faults_are_told_at_once(desk, tmp_path):
    path = desk.export(tmp_path / "review.csv")
    edit(path, "d1", status="x", reviewer="Ana")
    edit(path, "d2", status="approved")
    assert [fault.partition(":")[0] for fault in desk.review(path).faults] == ["row 2", "row 3"]


def test_a_formula_or_a_date_in_a_spreadsheet_is_a_fault(desk, tmp_path):
    path = desk.export(tmp_path / "review.xlsx")
    edit(path, "d1", ideal_answer="=1+1")
    (fault,) = desk.review(path).faults
    assert fault == "row 2: `ideal_answer` contains a formula: enter the text itself."


def test_two_experts_on_one_export_do_not_undo_each_other(desk, tmp_path):
    one, other = desk.export(tmp_path / "one.xlsx"), desk.export(tmp_path / "other.xlsx")
    edit(one, "d1", status="approved", reviewer="Ana")
    edit(other, "d3", status="approved", reviewer="Ben")
    assert desk.review(one).faults == []
    assert dict(desk.review(other).counts) == {"untouched": 2, "approved": 1}
    assert {id_: row["status"] for id_, row in desk.rows().items() if id_ != "1"} == {
        "d1": "approved",
        "d3": "approved",
    }
    edit(other, "d1", status="rejected", reviewer="Ben")
    (fault,) = desk.review(other).faults
    assert "has changed since this was exported" in fault


def test_a_file_can_be_reviewed_twice(desk, file):
    desk.export(file)
    edit(file, "d1", status="approved", question="How long is it?", reviewer="Ana")
    assert desk.review(file).faults == []
    before = desk.state()
    again = desk.review(file)
    assert desk.state() == before
    assert again.faults == []


def test_columns_that_an_expert_deleted_say_nothing(desk, tmp_path):
    path = desk.export(tmp_path / "review.csv")
    edit(path, "d2", status="approved", question="And for gift cards?", reviewer="Ana")
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.reader(opened, delimiter=";"))
    kept = [place for place, name in enumerate(rows[0]) if not name.startswith(("quote", "earlier", "tags"))]
    with path.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([row[place] for place in kept] for row in rows)
    assert desk.review(path).faults == []
    assert desk.rows()["d2"] == {
        **DRAFTS[1], "question": "And for gift cards?", "status": "approved", "reviewer": "Ana",
        "edits": ["question by Ana"],
    }  # fmt: skip


def test_a_passage_can_be_added_and_removed(desk, tmp_path):
    path = desk.export(tmp_path / "review.csv")
    edit(path, "d1", document_2="b.md", quote_2="no bicycles", reviewer="Ana")
    edit(path, "d2", document_1="", reviewer="Ana")
    assert desk.review(path).faults == []
    rows = desk.rows(desk.drafts)
    assert rows["d1"]["passages"] == [*DRAFTS[0]["passages"], {"document": "b.md", "quote": "no bicycles"}]
    assert rows["d2"]["passages"] == DRAFTS[1]["passages"][1:]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_another_ideal_answer_can_be_added_changed_and_removed(desk, tmp_path, suffix):
    path = desk.export(tmp_path / f"review{suffix}")
    edit(path, "d1", other_ideal_answer_1="", other_ideal_answer_2="Ten.", status="approved")
    edit(path, "d2", other_ideal_answer_2="Never.")
    assert desk.review(path, "Bo").faults == []
    assert desk.rows()["d1"]["other_ideal_answers"] == ["Ten."]
    assert desk.rows(desk.drafts)["d2"]["other_ideal_answers"] == ["Never."]


def test_other_ideal_answers_can_be_changed_in_jsonl(desk, tmp_path):
    path = desk.export(tmp_path / "review.jsonl")
    path.write_text(path.read_text().replace('"=A week and a half."', '"Ten."'))
    edit(path, "d1", status="approved")
    assert desk.review(path, "Bo").faults == []
    assert desk.rows()["d1"]["other_ideal_answers"] == [" 10 days.", "Ten."], "what was not changed stays as it was"


def test_a_passage_can_be_removed_in_jsonl(desk, tmp_path):
    path = desk.export(tmp_path / "review.jsonl")
    edit(path, "d2", passages=[], reviewer="Ana")
    assert desk.review(path).faults == []
    assert desk.rows(desk.drafts)["d2"]["passages"] == []


def test_what_would_make_the_benchmark_unsound_is_refused_as_a_whole(desk, tmp_path):
    sides = [{**APPROVED, "id": split, "group": "g", "split": split} for split in ("development", "test")]
    desk.benchmark.write_text("".join(json.dumps(row) + "\n" for row in sides), encoding="utf-8")
    path = desk.export(tmp_path / "review.csv")
    edit(path, "d1", status="approved", reviewer="Ana")
    before = desk.state()
    with pytest.raises(InputError, match="is on both sides"):
        desk.review(path)
    assert desk.state() == before
    assert not list(tmp_path.glob(".*trial"))


def test_a_kill_between_the_two_files_is_mended_by_the_next_review(desk, tmp_path):
    path = desk.export(tmp_path / "review.csv")
    edit(path, "d1", status="approved", reviewer="Ana")
    drafts = desk.drafts.read_bytes()
    desk.review(path)
    desk.drafts.write_bytes(drafts)  # as if it had not been written yet
    edit(path, "d3", status="rejected", reviewer="Ana")
    assert desk.review(path).faults == []
    assert set(desk.rows(desk.drafts)) == {"d2"}
    assert list(desk.rows()) == ["1", "d1", "d3"]


def test_the_first_cases_of_a_new_benchmark(desk, tmp_path):
    desk.benchmark.unlink()
    path = desk.export(tmp_path / "review.csv")
    edit(path, "d3", status="approved", reviewer="Ana")
    assert desk.review(path).faults == []
    assert [case.id for case in load_benchmark(desk.benchmark, 0.3).cases] == ["d3"]


def test_every_column_that_is_exported_is_known(desk, tmp_path):
    path = desk.export(tmp_path / "review.csv", everything=True)
    row = read_table(path, COLUMNS)[2]
    assert set(cells(CaseFiles(desk.benchmark, desk.drafts).rows["d2"])) <= set(row.cells)


def test_an_export_does_not_overwrite_a_review(desk, file):
    desk.export(file)
    with pytest.raises(InputError, match="already"):
        desk.export(file)


INTERNAL = {
    "id": "d4",
    "question": "What discount may I give?",
    "ideal_answer": "Ten percent.",
    "status": "draft",
    "asker": ["staff", "cn=ana, ou=support"],
}


@pytest.fixture
def internal(desk):
    with desk.drafts.open("a", encoding="utf-8") as file:
        file.write(json.dumps(INTERNAL) + "\n")
    return desk


def test_who_asks_is_carried_through_every_format(internal, file):
    before = internal.state()
    assert dict(internal.review(internal.export(file, everything=True)).counts) == {"untouched": 5}
    assert internal.state() == before
    edit(file, "d4", status="approved", reviewer="Ana")
    assert internal.review(file).faults == []
    assert internal.rows()["d4"] == {**INTERNAL, "status": "approved", "reviewer": "Ana"}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_who_asks_can_be_changed_in_a_table(internal, tmp_path, suffix):
    path = internal.export(tmp_path / f"review{suffix}")
    edit(path, "d4", asker_1="")
    edit(path, "d1", asker_2="staff")
    assert internal.review(path, "Bo").faults == []
    assert internal.rows(internal.drafts)["d4"]["asker"] == INTERNAL["asker"][1:]
    assert internal.rows(internal.drafts)["d4"]["edits"] == ["asker by Bo"]
    assert internal.rows(internal.drafts)["d1"]["asker"] == ["staff"]
    path = internal.export(tmp_path / f"again{suffix}")
    edit(path, "d1", asker_1="")
    assert internal.review(path, "Bo").faults == []
    assert internal.rows(internal.drafts)["d1"]["asker"] == ["everyone"]


def test_a_table_has_a_column_for_who_asks_only_where_somebody_is_named(desk, tmp_path):
    header = desk.export(tmp_path / "review.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert "asker" not in header


def test_experts_mark_questions_that_need_a_question_back(desk, file):
    desk.export(file, everything=True)
    edit(file, "d3", clarify="yes" if file.suffix != ".jsonl" else True, status="approved", reviewer="Ana")
    if file.suffix == ".jsonl":
        edit(file, "d3", answerable=False)
    edit(file, "1", question="How long, please?", reviewer="Ana")
    assert desk.review(file).faults == []
    marked = {case.id: case for case in load_benchmark(desk.benchmark, 0.3).cases}
    assert (marked["d3"].clarify, marked["d3"].answerable) == (True, False)
    assert (marked["1"].clarify, marked["1"].answerable) == (False, True)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_what_was_marked_as_needing_a_question_back_stays_so_and_can_be_unmarked(desk, tmp_path, suffix):
    marked = {"id": "1", "question": "How long?", "ideal_answer": "How long what?", "clarify": True}
    desk.benchmark.write_text(json.dumps(marked) + "\n", encoding="utf-8")
    before = desk.state()
    file = desk.export(tmp_path / f"first{suffix}", everything=True)
    assert dict(desk.review(file).counts)["untouched"] == 4
    assert desk.state() == before
    edit(file, "1", clarify="", answerable="no", reviewer="Ana")
    assert desk.review(file).faults == []
    (case,) = load_benchmark(desk.benchmark, 0.3).cases
    assert (case.clarify, case.answerable) == (False, False)
    again = desk.export(tmp_path / f"again{suffix}", everything=True)
    edit(again, "1", clarify="perhaps", reviewer="Ana")
    assert "`clarify` is 'perhaps'" in desk.review(again).faults[0]
