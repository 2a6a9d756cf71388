import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import case_row, check_evidence, fingerprint, load_benchmark
from groundtune.values import Case, Evidence, Message, Question

MINIMAL = {"id": "1", "question": "How long?", "ideal_answer": "Ten days."}


def write(folder, *rows):
    path = folder / "benchmark.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def load(folder, *rows, share=0.3):
    return load_benchmark(write(folder, *rows), share)


def test_a_full_line_comes_back(tmp_path):
    case = Case(
        id="1",
        question="And by card?",
        ideal_answer="Three days.",
        evidence=(Evidence("refunds.md", "three days"), Evidence("cards.md")),
        answerable=True,
        group="refunds",
        split="development",
        history=(Message("user", "How long?"), Message("assistant", "Ten days.")),
        tags=("money",),
        author="Ada",
    )
    assert load(tmp_path, case_row(case)).cases == (case,)


def test_a_minimal_line_is_a_group_of_its_own_and_approved(tmp_path):
    (case,) = load(tmp_path, MINIMAL).cases
    assert (case.group, case.answerable, case.status, case.evidence) == ("1", True, "approved", ())


def test_drafts_and_rejected_are_counted_and_not_used(tmp_path):
    rows = [{"id": str(number), "question": "", "status": status} for number, status in [(2, "draft"), (3, "rejected")]]
    benchmark = load(tmp_path, MINIMAL, *rows)
    assert (len(benchmark.cases), benchmark.drafts, benchmark.rejected) == (1, 1, 1)
    assert benchmark.fingerprint == load(tmp_path, MINIMAL).fingerprint


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"question": " "}, "question is empty"),
        ({"ideal_answer": ""}, "no ideal answer"),
        ({"answerable": False, "passages": [{"document": "a.md"}]}, "not answerable but names passages"),
        ({"history": [{"role": "user", "content": "Hello"}]}, "must alternate"),
        ({"history": [{"role": "system", "content": "Hello"}]}, "role"),
        ({"passages": [{"document": "a.md", "qoute": "x"}]}, "unknown key"),
        ({"anwserable": False}, "Did you mean `answerable`"),
        ({"split": "train"}, "split"),
        ({"asker": []}, "asker"),
        ({"asker": ["staff", " "]}, "asker.1"),
        ({"asker": "staff"}, "asker"),
    ],
)
def test_an_unsound_case_is_refused_with_its_line(tmp_path, change, words):
    with pytest.raises(InputError, match=words) as caught:
        load(tmp_path, {**MINIMAL, "id": "0"}, {**MINIMAL, **change})
    assert caught.value.place.endswith("benchmark.jsonl:2")


def test_both_lines_of_a_duplicate_are_named(tmp_path):
    with pytest.raises(InputError, match=r"benchmark.jsonl:2.*line 1"):
        load(tmp_path, MINIMAL, {**MINIMAL, "status": "draft"})


def test_a_benchmark_without_cases_is_refused(tmp_path):
    with pytest.raises(InputError, match="no approved case"):
        load(tmp_path, {**MINIMAL, "status": "draft"})


def test_groups_without_a_split_stand_on_one_side_and_near_the_share(tmp_path):
    rows = [{**MINIMAL, "id": str(number), "group": f"g{number // 2}"} for number in range(800)]
    benchmark = load(tmp_path, *rows)
    sides = {}
    for case in benchmark.cases:
        sides.setdefault(case.group, set()).add(case.split)
    assert all(len(side) == 1 for side in sides.values())
    assert 0.25 < len(benchmark.part("development")) / 800 < 0.35
    assert len(benchmark.part("development")) + len(benchmark.part("test")) == 800
    assert benchmark.straddling_groups == 0


def test_a_case_without_a_split_follows_its_group(tmp_path):
    rows = [
        {**MINIMAL, "id": f"{group}{split}", "group": group} | ({"split": split} if split else {})
        for group in "abcdef"
        for split in ("development", None)
    ]
    assert len(load(tmp_path, *rows).part("development")) == 12


def test_groups_that_the_file_puts_on_both_sides_are_counted(tmp_path):
    rows = [{**MINIMAL, "id": split, "group": "g", "split": split} for split in ("development", "test")]
    assert load(tmp_path, *rows).straddling_groups == 1
    with pytest.raises(InputError, match="is on both sides"):
        load(tmp_path, *rows, {**MINIMAL, "group": "g"})


CASE = Case("1", "How long?", "Ten days.", (Evidence("a.md", "ten"),), True, "g", "test")


@pytest.mark.parametrize(
    "change",
    [
        {"question": "How much?"},
        {"ideal_answer": "Nine days."},
        {"evidence": (Evidence("a.md"),)},
        {"answerable": False},
        {"group": "h"},
        {"split": "development"},
        {"history": (Message("user", "Hi"), Message("assistant", "Hi"))},
        {"id": "2"},
        {"asker": ("staff",)},
        {"asker": ()},
    ],
)
def test_the_fingerprint_changes_with_what_can_change_a_result(change):
    assert fingerprint([replace(CASE, **change)]) != fingerprint([CASE])


def test_the_fingerprint_ignores_order_author_and_tags():
    other = replace(CASE, id="2")
    assert fingerprint([CASE, other]) == fingerprint([other, replace(CASE, author="Ada", tags=("x",))])


@given(st.text(), st.text())
def test_fingerprints_keep_fields_apart(question, answer):
    case = replace(CASE, question=question, ideal_answer=answer)
    swapped = replace(CASE, question=answer, ideal_answer=question)
    assert (fingerprint([case]) == fingerprint([swapped])) == (question == answer)


def test_evidence_is_checked_against_the_documents():
    texts = {"a.md": "It takes\n  ten days.", "b.md": "Nothing."}
    good = replace(CASE, evidence=(Evidence("a.md", "takes ten days"), Evidence("b.md")))
    assert check_evidence([good], texts) == []
    bad = replace(CASE, evidence=(Evidence("a.md", "nine days"), Evidence("c.md")))
    problems = check_evidence([bad], texts)
    assert [(problem.document, problem.reason) for problem in problems] == [
        ("a.md", "the quote is not in the document."),
        ("c.md", "no such document."),
    ]


def test_other_ideal_answers_come_back_and_change_the_fingerprint_only_where_they_are(tmp_path):
    plain = load(tmp_path, MINIMAL)
    assert plain.fingerprint == load(tmp_path, MINIMAL | {"other_ideal_answers": []}).fingerprint
    assert (
        fingerprint([Case("1", "Q?", "A.", (), True, "g", "test")]) == "cb2d29980580461598488266ac4afb45"
    )  # as before
    with_others = load(tmp_path, MINIMAL | {"other_ideal_answers": ["10 days."]})
    assert with_others.fingerprint != plain.fingerprint
    assert with_others.cases[0].ideal_answers == ("Ten days.", "10 days.")
    assert load(tmp_path, case_row(with_others.cases[0])).cases == with_others.cases
    assert "other_ideal_answers" not in case_row(plain.cases[0])


@pytest.mark.parametrize(("ideal", "others"), [("Ten days.", [" "]), ("", ["Ten days."])])
def test_empty_ones_among_several_ideal_answers_are_refused(tmp_path, ideal, others):
    row = MINIMAL | {"ideal_answer": ideal, "other_ideal_answers": others, "answerable": bool(ideal)}
    with pytest.raises(InputError, match="one of its ideal answers is empty"):
        load(tmp_path, row)


def test_who_asks_comes_back_and_changes_the_fingerprint_only_where_it_is_not_everyone(tmp_path):
    plain = load(tmp_path, MINIMAL)
    assert plain.cases[0].asker == ("everyone",)
    assert "asker" not in case_row(plain.cases[0])
    assert load(tmp_path, MINIMAL | {"asker": ["everyone"]}).fingerprint == plain.fingerprint
    staff = load(tmp_path, MINIMAL | {"asker": ["staff", "cn=ana, ou=support"]})
    assert staff.fingerprint != plain.fingerprint
    assert staff.cases[0].asked == Question("How long?", (), ("staff", "cn=ana, ou=support"))
    assert load(tmp_path, case_row(staff.cases[0])).cases == staff.cases


CLARIFY = {
    "id": "1",
    "question": "Which ocean is deepest there?",
    "ideal_answer": "Which one do you mean?",
    "clarify": True,
}


@pytest.mark.parametrize(
    "row",
    [
        CLARIFY,
        CLARIFY | {"answerable": False},
        {key: value for key, value in CLARIFY.items() if key != "ideal_answer"},
        CLARIFY | {"other_ideal_answers": ["Do you mean the Pacific?"]},
    ],
)
def test_a_case_that_needs_a_question_back_is_not_answerable_and_comes_back(tmp_path, row):
    benchmark = load(tmp_path, row)
    (case,) = benchmark.cases
    assert (case.clarify, case.answerable) == (True, False)
    written = case_row(case)
    assert written["clarify"] is True
    assert load(tmp_path, written).cases == benchmark.cases


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answerable": True}, "both `clarify` and `answerable`"),
        ({"passages": [{"document": "a.md"}]}, "needs a question back"),
        ({"passages": [{"document": "a.md", "quote": "ten"}], "answerable": False}, "needs a question back"),
        ({"clarify": "perhaps"}, "clarify"),
    ],
)
def test_what_contradicts_a_question_back_is_refused_with_its_line(tmp_path, change, words):
    with pytest.raises(InputError, match=words) as refused:
        load(tmp_path, MINIMAL | {"id": "0"}, CLARIFY | change)
    assert "2" in str(refused.value)


def test_a_question_back_changes_the_fingerprint_only_where_there_is_one(tmp_path):
    plain = load(tmp_path, MINIMAL)
    assert "clarify" not in case_row(plain.cases[0])
    assert load(tmp_path, MINIMAL | {"clarify": False}).fingerprint == plain.fingerprint
    unanswerable = MINIMAL | {"answerable": False}
    assert load(tmp_path, unanswerable | {"clarify": True}).fingerprint != load(tmp_path, unanswerable).fingerprint
