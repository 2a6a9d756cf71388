"""What `benchmark check` finds: each kind of finding planted, and a sound benchmark that has none."""

import json

import pytest

from groundtune.assembly.said import read_said
from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.benchmark.checks import check_benchmark, missing_numbers
from groundtune.values import Document

TEXTS = {
    "plans.md": "Pebble costs 8.40 euros a month. Brook costs 13.70 euros a month.",
    "fees.md": "A letter is free.",
}
DOCUMENTS = {id_: Document(id_, text, id_, ("everyone",)) for id_, text in TEXTS.items()}
SUBJECTS = "pebble brook river delta hazel sprig forge skim drift duet hearth kiln".split()
LONG = "You both confirm the takeover in the app within seven days and then it is done for good"


def case(id, question, split="test", **more):
    return {"id": id, "question": question, "ideal_answer": "It is.", "group": id, "split": split} | more


def sound():
    """Twelve unlike cases on each side, one of each unanswerable."""
    return [
        case(f"{side[0]}-{name}", f"Where in town can I buy the {name} {side} box today?", side, answerable=number > 0)
        | ({"question": f"Is {name} of the {side} kind red?"} if number % 2 else {})
        for side in ("test", "development")
        for number, name in enumerate(SUBJECTS)
    ]


def check(folder, rows, training=(), documents=None):
    path = folder / "benchmark.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    said = folder / "training.jsonl"
    said.write_text("".join(json.dumps(row) + "\n" for row in training), encoding="utf-8")
    return check_benchmark(
        load_benchmark(path, 0.3), "benchmark.jsonl", documents or DOCUMENTS, read_said(said, "training.jsonl")
    )


def talk(*turns):
    return {"messages": [{"role": ("user", "assistant")[n % 2], "content": turn} for n, turn in enumerate(turns)]}


def sole(found, kind):
    (one,) = [one for one in found if one.kind == kind]
    return one


def other_than_near(found):
    return [one for one in found if one.kind != "near-duplicate"]


def test_a_sound_benchmark_has_no_findings_but_likeness_of_its_template(tmp_path):
    assert other_than_near(check(tmp_path, sound())) == []


def test_evidence_that_does_not_stand_is_a_problem_with_its_line(tmp_path):
    rows = [*sound(), case("x", "Why?", passages=[{"document": "fees.md", "quote": "A letter costs"}])]
    one = sole(check(tmp_path, rows), "evidence")
    assert (one.problem, one.line, one.case) == (True, 25, "x")
    assert "fees.md: the quote is not in the document" in one.message


def test_the_same_question_in_two_groups_is_a_problem_and_in_one_a_warning(tmp_path):
    twice = [case("a", "How long does it take?"), case("b", "how long does it take", group="a")]
    one = sole(check(tmp_path, sound() + twice), "duplicate")
    assert (one.problem, one.case, one.line, one.others) == (False, "b", 26, ("benchmark.jsonl:25",))
    apart = [twice[0], {**twice[1], "group": "b"}]
    assert sole(check(tmp_path, sound() + apart), "duplicate").problem


def test_a_question_answerable_here_and_not_there_is_a_problem(tmp_path):
    twice = [case("a", "How long is it?"), case("b", "How long is it?", group="a", answerable=False)]
    one = sole(check(tmp_path, sound() + twice), "duplicate")
    assert one.problem
    assert "only one of the two is answerable" in one.message


def test_follow_ups_are_the_same_only_after_the_same_questions(tmp_path):
    def later(id, first):
        turns = [{"role": "user", "content": first}, {"role": "assistant", "content": "Ten."}]
        return case(id, "And by card?", history=turns)

    apart = [later("a", "How long does a refund take?"), later("b", "What is the fee for a reminder letter?")]
    assert not [one for one in check(tmp_path, sound() + apart) if one.case in "ab"]
    alike = [later("a", "How long does a refund take?"), later("b", "How long does a refund take?")]
    assert sole(check(tmp_path, sound() + alike), "duplicate").case == "b"


def test_near_duplicates_are_reported_across_groups_and_meant_within_one(tmp_path):
    near = [
        case("a", "How long does a refund take?"),
        case("b", "How long does a refund take by card?", "development"),
    ]
    one = next(one for one in check(tmp_path, sound() + near) if one.case == "b")
    assert (one.kind, one.problem, one.others) == ("near-duplicate", False, ("benchmark.jsonl:25",))
    assert "other side of the split" in one.message
    same = [near[0], {**near[1], "group": "a", "split": "test"}]
    assert not [one for one in check(tmp_path, sound() + same) if one.case == "b"]


def test_a_question_that_training_repeats_names_every_place(tmp_path):
    training = [talk("How long is it?", "Ten days."), talk("Hello", "Hi.", "how long is it", "Ten."), talk("x", "y")]
    one = sole(check(tmp_path, [*sound(), case("a", "How long is it?")], training), "leak")
    assert (one.problem, one.case, one.others) == (False, "a", ("training.jsonl:1", "training.jsonl:2"))
    assert "training.jsonl:1, training.jsonl:2" in one.message
    near = [talk("Please, how long is it?", "Ten days.")]
    assert "nearly" in sole(check(tmp_path, [*sound(), case("a", "How long is it?")], near), "leak").message


def test_a_follow_up_is_compared_with_whole_conversations(tmp_path):
    first = "How long does a refund take?"
    turns = [{"role": "user", "content": first}, {"role": "assistant", "content": "Ten days."}]
    rows = [*sound(), case("a", "And by card?", history=turns)]
    assert not [one for one in check(tmp_path, rows, [talk("And by card?", "Three.")]) if one.kind == "leak"]
    repeated = sole(check(tmp_path, rows, [talk(first, "Ten.", "And by card?", "Three.")]), "leak")
    assert (repeated.case, repeated.others) == ("a", ("training.jsonl:1",))


def test_an_answer_that_shares_twelve_words_in_a_row_with_training(tmp_path):
    rows = [*sound(), case("a", "How does a takeover work?", ideal_answer=LONG)]
    eleven, twelve = " ".join(LONG.split()[:11]), " ".join(LONG.split()[:12])
    assert not [one for one in check(tmp_path, rows, [talk("x", f"So: {eleven}.")]) if one.kind == "leak"]
    one = sole(check(tmp_path, rows, [talk("x", "y"), talk("x", f"So: {twelve}.")]), "leak")
    assert (one.case, one.others) == ("a", ("training.jsonl:2",))
    assert twelve.casefold() in one.message
    unknown = [*sound(), case("a", "Who is king?", ideal_answer=LONG, answerable=False)]
    assert not [one for one in check(tmp_path, unknown, [talk("x", LONG)]) if one.kind == "leak"]


def test_preference_data_leaks_as_training_does(tmp_path):
    pair = {
        "prompt": [{"role": "user", "content": "How long is it?"}],
        "chosen": [{"role": "assistant", "content": LONG}],
        "rejected": [{"role": "assistant", "content": "No."}],
        "annotator": "a",
    }
    rows = [*sound(), case("a", "How long is it?"), case("b", "Takeover?", ideal_answer=LONG)]
    found = check(tmp_path, rows, [pair])
    assert {one.case for one in found if one.kind == "leak"} == {"a", "b"}


def test_missing_training_data_says_nothing_and_broken_data_is_refused(tmp_path):
    assert read_said(tmp_path / "none.jsonl", "none.jsonl") == []
    (tmp_path / "broken.jsonl").write_text('{"messages": [{"role": "user"}]}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"broken.jsonl:1.*content"):
        read_said(tmp_path / "broken.jsonl", "broken.jsonl")


def test_groups_on_both_sides_and_groups_that_are_too_large(tmp_path):
    rows = sound()
    for row in rows[:4]:
        row["group"] = "big"
    one = sole(check(tmp_path, rows), "balance")
    assert "`big` has 4 of the 12 test cases" in one.message
    assert (one.case, one.line, one.problem) == ("t-pebble", 1, False)
    rows[-1]["group"] = "big"
    assert "both" not in sole(check(tmp_path, rows), "split").message
    assert sole(check(tmp_path, rows), "split").case == "t-pebble"
    assert not [one for one in check(tmp_path, [case(f"{n}", f"{name}?", group="g") for n, name in
                enumerate(SUBJECTS[:9])]) if one.kind == "balance"]  # fmt: skip


def test_a_part_without_unanswerable_questions(tmp_path):
    rows = [row for row in sound() if row.get("answerable") or row["split"] == "test"]
    one = sole(check(tmp_path, rows), "unanswerable")
    assert "development" in one.message
    assert (one.case, one.line) == ("", None)


def test_a_number_of_the_ideal_answer_that_no_quote_has(tmp_path):
    quote = [{"document": "plans.md", "quote": "Pebble costs 8.40 euros"}]
    wrong = case("a", "Price of two?", ideal_answer="8.4 euros, so 16.80 for two.", passages=quote)
    one = sole(check(tmp_path, [*sound(), wrong]), "number")
    assert (one.case, one.problem) == ("a", False)
    assert "16.8" in one.message
    right = {**wrong, "question": "What do 2 cost, 16.80?", "ideal_answer": "2 cost 16.80."}
    assert not [one for one in check(tmp_path, [*sound(), right]) if one.kind == "number"]
    whole = {**wrong, "ideal_answer": "13.70 euros.", "passages": [{"document": "plans.md"}]}
    assert not [one for one in check(tmp_path, [*sound(), whole]) if one.kind == "number"]


@pytest.mark.parametrize(
    ("answer", "source", "missing"),
    [
        ("1,000.50 euros", "It is €1000.5.", []),
        ("It costs €1.50.", "It costs €150.", ["1.5 eur"]),
        ("It costs €5.", "It costs $5.", ["5 eur"]),
        ("It takes 5–10 days.", "It takes 510 days.", ["5", "10"]),
        ("Use firmware 3.1.", "Use firmware 3.10.", ["3.1"]),
        ("It is -5 °C.", "It is 5 °C.", ["-5 °c"]),
        ("20% off", "20 off", ["20 %"]),
        ("20% off", "| discount in % | 20 |", []),
        ("You get 6GB.", "You get 6 GB.", []),
        ("It takes 2 or 10 days.", "Two, or ten.", []),
        ("the Wisp H5 shows TN5", "no number", []),
        ("Call 10:30.", "Call at 1030.", ["10:30"]),
    ],
)
def test_numbers_that_no_source_has(answer, source, missing):
    assert missing_numbers(answer, [source]) == missing


def test_problems_come_first(tmp_path):
    rows = [case("a", "How long?", group="b"), case("b", "How long?", answerable=False)]
    found = check(tmp_path, rows, [talk("How long?", "x")])
    assert [one.problem for one in found] == sorted((one.problem for one in found), reverse=True)
    assert found[0].problem
    assert not found[-1].problem


def test_cases_whose_asker_may_not_read_the_documents_are_doubtful(tmp_path):
    rows = [*sound(), case("x", "Which discount may I give?", asker=["staff", "everyone"])]
    assert other_than_near(check(tmp_path, rows)) == []
    rows += [case(id, f"Who approves {id}?", asker=["staff"]) for id in ("trips", "leave")]
    finding = sole(check(tmp_path, rows), "asker")
    assert (finding.problem, finding.others) == (False, ("benchmark.jsonl:26", "benchmark.jsonl:27"))
    assert finding.message.startswith("2 answerable cases are asked by principals who may not read")


def test_an_asker_needs_the_documents_of_the_evidence_and_no_others(tmp_path):
    readers = {"plans.md": ("staff", "everyone"), "fees.md": ("hr",)}
    documents = {id_: Document(id_, text, id_, readers[id_]) for id_, text in TEXTS.items()}
    rows = [
        case(f"{asker}-{file}", f"What does {file} say to {asker}?", asker=[asker], passages=[{"document": file}])
        for asker in ("staff", "hr")
        for file in TEXTS
    ]
    rows += [case(f"{asker}-any", f"Whom may {asker} ask?", asker=[asker]) for asker in ("guest", "hr")]
    finding = sole(check(tmp_path, [*sound(), *rows], documents=documents), "asker")
    assert finding.others == ("benchmark.jsonl:26", "benchmark.jsonl:27", "benchmark.jsonl:29")
    assert "(readable by everyone, hr, staff)" in finding.message


def test_one_question_of_two_askers_may_have_two_answers_in_one_group(tmp_path):
    asked = case("x", "Which discount may I give?", asker=["everyone", "staff"])
    twin = {**asked, "id": "y", "answerable": False, "asker": ["everyone"]}
    assert other_than_near(check(tmp_path, [*sound(), asked, twin])) == []
    assert sole(check(tmp_path, [*sound(), asked, {**twin, "group": "z"}]), "duplicate").problem
    assert sole(check(tmp_path, [*sound(), asked, {**twin, "asker": asked["asker"]}]), "duplicate").problem


@pytest.mark.parametrize(
    "ideal", ["I do not know.", "It costs nine euros.", "Which ones? Those with a lid cost nine euros."]
)
def test_a_question_back_that_asks_nothing_is_doubtful(tmp_path, ideal):
    rows = [*sound(), case("x", "How much is it there?", clarify=True, ideal_answer=ideal)]
    one = sole(check(tmp_path, rows), "clarify")
    assert (one.case, one.line, one.problem) == ("x", len(rows), False)
    rows[-1]["ideal_answer"] = "Which shop do you mean?"
    assert not [one for one in check(tmp_path, rows) if one.kind == "clarify"]


def test_a_question_that_needs_a_question_back_here_and_not_there_is_a_problem(tmp_path):
    rows = [*sound(), *(case(name, "How high is the mast?", group="g", answerable=False) for name in "xy")]
    rows[-1]["clarify"] = True
    one = sole(check(tmp_path, rows), "duplicate")
    assert one.problem
    assert "needs a question back" in one.message


def test_questions_to_be_clarified_do_not_stand_in_for_unanswerable_ones(tmp_path):
    rows = [row | ({} if row.get("answerable") else {"clarify": True, "ideal_answer": ""}) for row in sound()]
    assert [one.kind for one in other_than_near(check(tmp_path, rows))] == ["unanswerable", "unanswerable"]
