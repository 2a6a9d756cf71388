"""Contradictions between lines and with documents."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from bag_of_words import embed

from groundtune.settings import DataSettings
from groundtune.tuning.quality import contradictions
from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult
from groundtune.tuning.quality.statements import contradiction, statement
from groundtune.values import Completion, Conversation

CONTRADICT = [
    ("It costs 13.70 euros a month.", "It costs 17.30 euros a month."),
    ("€13.70", "13,90 EUR"),
    ("You have 14 days to return it.", "You have 30 days to return it."),
    ("Yes, it is free.", "No, it costs extra."),
    ("Roaming is included.", "Roaming is not included."),
    ("You can keep your number.", "You can't keep your number."),
    ("The plan has no minimum term.", "The plan has a minimum term."),
    ("Ja, das geht.", "Nein, das geht nicht."),
    ("It takes 3 to 5 days.", "It takes 7 to 10 days."),
    ("It needs version 2.1.", "It needs version 2.4."),
]
AGREE = [
    ("It costs 13.70 euros a month.", "€13.70 a month"),
    ("It costs 13.70 euros.", "Brook is 13.70 euros a month with a 12-month contract."),
    ("It has 25 GB.", "It costs 13.70 euros."),
    ("1,000 minutes", "1000 minutes"),
    ("Yes.", "Yes, it is."),
    ("No.", "No, it is not included."),
    ("Roaming is included.", "Calls are not included."),
    ("", ""),
    ("It costs 5 euros.", ""),
    ("From 5 to 10 GB.", "5 GB, 10 GB or 20 GB."),
]


@pytest.mark.parametrize(("one", "other"), CONTRADICT)
def test_answers_that_cannot_both_be_right(one: str, other: str) -> None:
    assert contradiction(statement(one), statement(other))
    assert contradiction(statement(other), statement(one))


@pytest.mark.parametrize(("one", "other"), AGREE)
def test_answers_that_can(one: str, other: str) -> None:
    assert contradiction(statement(one), statement(other)) == ""
    assert contradiction(statement(other), statement(one)) == ""


@pytest.mark.parametrize("answer", [one for pair in [*CONTRADICT, *AGREE] for one in pair])
def test_statements_are_packed_without_loss(answer: str) -> None:
    stated = statement(answer)
    assert stated.unpacked(stated.packed()) == stated
    assert "\n" not in stated.packed()


def concluded(lines: Sequence[tuple[str, str]], **around: object) -> CheckResult:
    check = contradictions.check(Surroundings(**{"settings": DataSettings(), **around}))  # type: ignore[arg-type]
    for number, (prompt, answer) in enumerate(lines, start=1):
        check.see(DataLine("t.jsonl", number, "supervised", prompt, answer))
    return check.conclude()


def test_both_lines_are_named() -> None:
    result = concluded([("What does it cost?", "5 euros."), ("Hi", "Hello"), ("what does  it cost", "6 euros.")])
    assert [each.line for each in result.findings] == [3, 1]
    assert "t.jsonl:1" in result.findings[0].detail
    assert "6 eur and 5 eur" in result.findings[0].detail
    assert result.gates[0].value == pytest.approx(2 / 3)
    assert not result.gates[0].passed


def test_the_result_says_what_ran() -> None:
    detail = concluded([("a", "b")]).gates[0].detail
    assert "for want of an encoder" in detail
    assert "no judge was asked" in detail
    assert "same meaning, on 1 lines" in concluded([("a", "b")], embed=embed).gates[0].detail


def test_other_questions_may_have_other_answers() -> None:
    assert concluded([("What does Brook cost?", "5 euros."), ("What does River cost?", "6 euros.")]).findings == ()


LIKE = [
    ("Please tell me what the plan costs each month", "The plan costs 13.70 euros a month."),
    ("Please tell me what the plan costs every month", "The plan costs 17.30 euros a month."),
]


def test_questions_of_one_meaning_are_compared() -> None:
    assert {each.line for each in concluded(LIKE, embed=embed).findings} == {1, 2}
    assert concluded(LIKE).findings == ()


def test_questions_that_name_other_things_are_not_compared() -> None:
    lines = [
        ("Please tell me what the plan brook costs each month", "Brook costs 13.70 euros a month."),
        ("Please tell me what the plan river costs each month", "River costs 17.30 euros a month."),
        ("Are Brook and River plans?", "Both, Brook and River, are."),
    ]
    assert concluded(lines, embed=embed).findings == ()


class _Judge:
    """Sees a contradiction between "blue" and "red"."""

    name = "test:judge"

    def complete(self, conversations: Sequence[Conversation]) -> list[Completion]:
        raise AssertionError("a judge chooses")

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        yes = 0.9 if "blue" in messages[-1].content and "red" in messages[-1].content else 0.1
        return {"yes": yes, "no": 1 - yes}


def test_a_judge_is_asked_about_what_rules_do_not_see() -> None:
    lines = [
        ("Please tell me what colour the light has", "The light is blue."),
        ("Please tell me which colour the light has", "The light is red."),
        ("Please tell me whether the light goes on", "It does."),
    ]
    result = concluded(lines, embed=embed, judge=_Judge())
    assert {each.line for each in result.findings} == {1, 2}
    assert "test:judge" in result.findings[0].detail
    assert "a judge, on" in result.gates[0].detail


DOCUMENTS = {"plans.md": "Brook costs 13.70 euros a month and has 25 GB."}


@pytest.mark.parametrize(
    ("prompt", "answer", "documents", "wrong"),
    [
        ("Price?", "It costs 14.90 euros.", ("plans.md",), True),
        ("Price?", "It costs 13.70 euros.", ("plans.md",), False),
        ("Price?", "€13.70", ("plans.md",), False),
        ("Data?", "It has 30 GB.", ("plans.md",), True),
        ("I used 30 GB.", "30 GB is more than 25 GB.", ("plans.md",), False),
        ("How?", "There are 3 steps.", ("plans.md",), False),
        ("Price?", "It costs 14.90 euros.", ("other.md",), False),
        ("Price?", "It costs 14.90 euros.", ("plans.md", "other.md"), False),
        ("Price?", "It costs 14.90 euros.", (), False),
    ],
)
def test_figures_of_named_documents(prompt: str, answer: str, documents: tuple[str, ...], wrong: bool) -> None:
    check = contradictions.check(Surroundings(DataSettings(), documents=DOCUMENTS))
    check.see(DataLine("t", 1, "supervised", prompt, answer, documents=documents))
    result = check.conclude()
    assert bool(result.findings) == wrong
    if "other.md" in documents:
        assert "other.md" in result.gates[0].detail


def test_texts_and_disliked_answers_are_not_compared() -> None:
    check = contradictions.check(Surroundings(DataSettings()))
    check.see(DataLine("t", 1, "thumb", "Price?", "5 euros.", good=True))
    check.see(DataLine("t", 2, "thumb", "Price?", "6 euros.", good=False))
    check.see(DataLine("t", 3, "text", "", "7 euros."))
    assert check.conclude().findings == ()
