"""Lines that give away the benchmark, word for word and in other words."""

import numpy as np
import pytest

from groundtune.tuning.quality import contamination, paraphrased

QUESTIONS = {
    "price": "How much does the Pebble plan cost each month?",
    "move": "Can I take my landline number with me when I move to another town?",
    "short": "How much is it?",
    "talk": "How much is the Brook plan for students?\nAnd for two of them in one flat?",
}
IDEAL = {"move": "Yes, you can keep it as long as you stay within the same area code of the network."}


def cases(result):
    return [finding.detail.split("case ")[1].split(":")[0].rstrip(".") for finding in result.findings]


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("How much does the Pebble plan cost each month?", "price"),
        ("HOW MUCH DOES THE PEBBLE PLAN COST EACH MONTH", "price"),
        ("Hi there.\n- how much does the Pebble plan cost each month, please? Thanks", "price"),
        ("how much does the “Pebble” plan cost – each month", "price"),
        ("How much does the Peble plan cost each month?", "price"),
        ("How much is it", "short"),
        ("How much is the Brook plan for students? It is 8 euros. And for two of them in one flat?", "talk"),
    ],
)
def test_a_question_that_is_asked_again_is_found(run_check, pair, text, case):
    result = run_check(contamination, [pair(text, "Yes.")], questions=QUESTIONS)
    assert cases(result) == [case]
    assert not result.gates[0].passed
    assert result.gates[0].value == pytest.approx(1 / len(QUESTIONS))


@pytest.mark.parametrize(
    "text",
    [
        "How much does the Brook plan cost each month?",
        "How much does the Pebble router cost?",
        "What does it cost each month to have the Pebble plan?",
        "I like it. How much is it? And is there a discount for students?",
        "Can I take my landline phone with me when I move to another flat?",
        "And for two of them in one flat?",
        "",
        "?",
    ],
)
def test_another_question_is_not(run_check, pair, text):
    assert not run_check(contamination, [pair(text, "Yes.")], questions=QUESTIONS).findings


def test_a_question_is_found_wherever_it_stands(run_check, pair):
    question = QUESTIONS["price"]
    lines = [
        pair("Hello", f"You asked: {question}"),
        pair("Hello", "Yes.", kind="pair", rejected=f"{question} I do not know."),
        pair("", f"FAQ. {question} It costs 8.40 euros.", kind="text"),
        pair("Hello", "Yes.", prompt=f"system: {question}"),
    ]
    assert [finding.line for finding in run_check(contamination, lines, questions=QUESTIONS).findings] == [1, 2, 3, 4]


def test_an_ideal_answer_is_given_away_by_twelve_words_but_not_by_a_document(run_check, pair):
    said = "you can keep it as long as you stay within the same area code"
    lines = [pair("May I?", f"Sure, {said}."), pair("", f"In a move {said}.", kind="text"), pair("May I?", said[:40])]
    result = run_check(contamination, lines, questions=QUESTIONS, ideal_answers=IDEAL)
    assert [finding.line for finding in result.findings] == [1]
    assert "12 words in a row" in result.findings[0].detail


def test_other_numbers_ask_for_something_else(run_check, pair):
    questions = {"a": "What does error TN5 15 mean on the display of my router?"}
    lines = [pair("What does error TN5 23 mean on the display of my router?", "Restart it.")]
    assert not run_check(contamination, lines, questions=questions).findings


def test_chinese_questions_are_found_in_longer_texts(run_check, pair):
    questions = {"a": "我在哪里可以找到我的客户号码？"}
    lines = [pair("你好，我在哪里可以找到我的客户号码？谢谢", "在发票上。"), pair("我的发票在哪里？", "在发票上。")]
    assert [one.line for one in run_check(contamination, lines, questions=questions).findings] == [1]


def test_without_a_benchmark_nothing_is_measured(run_check, pair):
    for module in (contamination, paraphrased):
        (gate,) = run_check(module, [pair("a", "b")]).gates
        assert gate.passed
        assert gate.value is None


def embed(texts):
    """Vectors in which “price” and “cost” mean the same: a stand-in for an encoder, of words in a fixed order."""
    same = {"costs": "price", "cost": "price", "pay": "price", "monthly": "month"}
    rows = []
    for text in texts:
        row = np.zeros(64, dtype=np.float32)
        for word in text.lower().replace("?", "").replace(".", "").split():
            row[sum(same.get(word, word).encode()) % 63] += 1
        row[63] = 1e-3
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)


def test_a_question_in_other_words_is_found_by_meaning(run_check, pair):
    questions, ideal = {"a": "cost of Pebble month", "b": "opening hours shop"}, {"a": "It costs 8.40 euros."}
    lines = [
        pair("Pebble monthly price of", "See the list."),  # much the same question
        pair("Pebble price now please of", "It costs 8.40 euros."),  # a like question with the same answer
        pair("Pebble price now please of", "Nobody knows that."),
        pair("Pebble monthly price of", "It costs 9 euros."),  # other figures
        pair("", "cost of Pebble month", kind="text"),
    ]
    result = run_check(paraphrased, lines, questions=questions, ideal_answers=ideal, embed=embed)
    assert [finding.line for finding in result.findings] == [1, 2]
    gate = result.gates[0]
    assert (gate.passed, gate.value, gate.looked_at, gate.rows) == (False, 0.5, 4, 4)


def test_a_sample_is_looked_at_above_a_size_and_the_gate_says_so(run_check, pair):
    lines = [pair(f"question number {number}", "answer") for number in range(50)]
    result = run_check(paraphrased, lines, questions=QUESTIONS, embed=embed, settings={"meaning_sample": 20})
    assert (result.gates[0].looked_at, result.gates[0].rows) == (20, 50)
    assert "A sample of 20 of 50 lines was looked at" in result.gates[0].detail
