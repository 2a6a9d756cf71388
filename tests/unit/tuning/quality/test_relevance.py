"""Relevance to documents and benchmark, with an encoder that knows words only."""

from __future__ import annotations

import pytest
from bag_of_words import embed

from groundtune.settings import DataSettings
from groundtune.tuning.quality import relevance
from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult

DOCUMENTS = {
    "plans.md": "Brook costs 14 euros a month and has 25 GB of data.\n\nRiver has unlimited data and calls.",
    "roaming.md": "Roaming in zone 1 is free. In zone 2 a travel pass costs 5 euros a day.",
    "fibre.md": "The router shows a red light when the fibre line is down.",
}
QUESTIONS = {
    "1": "What does Brook cost a month?",
    "2": "Is roaming in zone 1 free?",
    "3": "Why is the router light red?",
}
RELEVANT = ["How much data has Brook?\n25 GB of data.", "What does a travel pass cost in zone 2?\n5 euros a day."]
IRRELEVANT = ["Write sonnets about autumn leaves falling softly", "Prove Pythagoras using similar triangles", "zzz qqq"]


def concluded(texts: list[str], **around: object) -> CheckResult:
    given = {"settings": DataSettings(), "embed": embed, "documents": DOCUMENTS, "questions": QUESTIONS, **around}
    check = relevance.check(Surroundings(**given))  # type: ignore[arg-type]
    for number, text in enumerate(texts):
        check.see(DataLine("t.jsonl", number, "supervised", text, ""))
    return check.conclude()


@pytest.fixture(autouse=True)
def _few_texts_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relevance, "LEAST_TEXTS", 1)


def test_two_documents_make_no_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = concluded(IRRELEVANT)
    assert result.gates[0].passed
    assert result.findings == ()
    assert "are too few: 10 are needed" in result.gates[0].detail


@pytest.mark.parametrize("around", [{}, {"questions": {}}])
def test_irrelevant_lines_are_told_from_relevant_ones(around: dict[str, object]) -> None:
    result = concluded([*RELEVANT, *IRRELEVANT], **around)
    assert [each.line for each in result.findings] == [2, 3, 4]
    assert result.findings[0].kind == "irrelevant"
    assert not result.gates[0].passed
    assert result.gates[0].value == pytest.approx(0.6)


def test_a_benchmark_alone_is_enough() -> None:
    found = {each.line for each in concluded(["What does River cost a month?", *IRRELEVANT], documents={}).findings}
    assert found == {1, 2, 3}


@pytest.mark.parametrize(
    ("around", "reason"),
    [({"embed": None}, "encoder"), ({"documents": {}, "questions": {}}, "no documents"), ({}, "no lines")],
)
def test_it_says_when_it_did_not_run(around: dict[str, object], reason: str) -> None:
    gate = concluded([] if reason == "no lines" else RELEVANT, **around).gates[0]
    assert gate.passed
    assert gate.value is None
    assert reason in gate.detail


@pytest.mark.parametrize("documents", [{"one.md": "Only one."}, {"a": "", "b": " \n\n "}, {"a": "x", "b": "x"}])
def test_odd_documents_do_no_harm(documents: dict[str, str]) -> None:
    assert concluded(RELEVANT, documents=documents).gates[0].rows == 2


def test_a_sample_is_said() -> None:
    gate = concluded(RELEVANT * 20, settings=DataSettings(model_sample=10)).gates[0]
    assert (gate.looked_at, gate.rows) == (10, 40)
    assert "25.0%" in gate.detail
