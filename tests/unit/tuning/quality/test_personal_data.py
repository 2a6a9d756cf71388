"""The check of personal data: gates, what is allowed, samples, and names by the packaged model where it is there."""

from __future__ import annotations

import pytest

from groundtune.settings import DataSettings
from groundtune.tuning.quality import personal_data
from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, GateResult
from groundtune.tuning.quality.personal import names as names_module
from groundtune.tuning.quality.personal.names import missing, names


def concluded(texts: list[str], around: Surroundings | None = None) -> CheckResult:
    check = personal_data.check(around or Surroundings(DataSettings()))
    for number, text in enumerate(texts, start=1):
        check.see(DataLine("training.jsonl", number, "supervised", "Hello.", text))
    return check.conclude()


def gate(result: CheckResult, name: str) -> GateResult:
    return next(each for each in result.gates if each.name == name)


def test_a_line_is_found_and_its_content_not_repeated() -> None:
    result = concluded(["All fine.", "Card 4111 1111 1111 1111 and bo@shop.org."])
    found = [each for each in result.findings if each.line == 2]
    assert found[0].kind == "personal_data"
    assert found[0].detail == "payment card number (1), e-mail address (1)"
    assert "4111" not in str(result)
    assert not gate(result, "personal_data").passed
    assert gate(result, "personal_data").value == 0.5


def test_prompt_and_rejected_answer_are_looked_at() -> None:
    check = personal_data.check(Surroundings(DataSettings()))
    check.see(DataLine("p", 1, "pair", "I am bo@shop.org", "Yes.", "No."))
    check.see(DataLine("p", 2, "pair", "Hi.", "Yes.", "Card 4111111111111111"))
    assert {each.line for each in check.conclude().findings} == {1, 2}


def test_what_the_company_publishes_is_allowed() -> None:
    around = Surroundings(
        DataSettings(allowed=["@tirvane.example", "+49 30 1234567"]),
        documents={"contact.md": "Write to help@shop.org or call +44 20 7946 0958."},
    )
    texts = ["Mail HELP@shop.org.", "Call 020 7946 0958.", "Mail anna@tirvane.example.", "Call 030 1234567."]
    assert gate(concluded(texts, around), "personal_data").value == 0
    assert gate(concluded(["Mail bo@shop.org."], around), "personal_data").value == 1


def test_a_threshold_lets_lines_pass() -> None:
    around = Surroundings(DataSettings(personal_data=0.5))
    assert gate(concluded(["Fine.", "bo@shop.org"], around), "personal_data").passed
    assert not gate(concluded(["bo@shop.org", "bo@shop.org"], around), "personal_data").passed


def test_without_the_model_the_gate_says_that_names_were_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "folder_with", lambda *_: None)
    names.cache_clear()
    try:
        result = gate(concluded(["Ask Anna Meyer."]), "names")
    finally:
        names.cache_clear()
    assert result.passed
    assert result.value is None
    assert "not looked for" in result.detail
    assert "pip install" in result.detail


def test_the_redactor_keeps_what_is_public() -> None:
    around = Surroundings(DataSettings(), documents={"a": "help@shop.org"})
    clean, spans = personal_data.redactor(around, with_names=False)("help@shop.org, bo@shop.org")
    assert clean == "help@shop.org, [EMAIL]"
    assert len(spans) == 1


@pytest.fixture(scope="module")
def model() -> names_module.Names:
    if lacking := missing():
        pytest.skip(lacking)
    return names()


NAMED = [
    ("Anna Meyer called about her bill.", ["Anna Meyer"]),  # at the start of a line
    ("Please ask for Dr. Krisztián Szöllösy.", ["Krisztián Szöllösy"]),
    ("my name is bertram klein", ["bertram klein"]),
    ("The account of María-José O'Neill is closed.", ["María-José O'Neill"]),
]


@pytest.mark.parametrize(("text", "expected"), NAMED)
def test_names_are_found(model: names_module.Names, text: str, expected: list[str]) -> None:
    assert [text[span.start : span.end] for span in model(text)] == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "Your SIM card arrives within 3 days.", "[NAME] called [PHONE].", "Mail AnnaMeyer@shop.org", "1234 5678"],
)
def test_no_names_are_seen_where_there_are_none(model: names_module.Names, text: str) -> None:
    assert model(text) == []


def test_names_are_found_far_into_a_long_text_and_once(model: names_module.Names) -> None:
    text = "The plan has 25 GB and costs 14 euros a month. " * 60 + "Anna Meyer called. " + "It has no term. " * 40
    assert [text[span.start : span.end] for span in model(text)] == ["Anna Meyer"]


def test_texts_of_any_script_fit_into_the_model(model: names_module.Names) -> None:
    model.find(["한국어 " * 500, "漢字" * 900, "é" * 2000, "🙂" * 700])


def test_names_in_documents_are_allowed_and_others_counted(model: names_module.Names) -> None:
    around = Surroundings(DataSettings(), documents={"team.md": "Our founder is Anna Meyer."})
    result = concluded(["Anna Meyer founded us.", "Thomas Berger owes 20 euros.", "No names."], around)
    assert gate(result, "names").value == pytest.approx(1 / 3)
    assert [each.line for each in result.findings] == [2]


def test_above_its_size_a_sample_is_looked_at_and_the_rate_said(model: names_module.Names) -> None:
    result = gate(concluded(["No names."] * 40, Surroundings(DataSettings(names_sample=10))), "names")
    assert (result.looked_at, result.rows) == (10, 40)
    assert "25.0%" in result.detail
