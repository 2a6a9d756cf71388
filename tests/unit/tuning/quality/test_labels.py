"""Label errors and swapped preferences, on small sets whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from bag_of_words import embed

from groundtune.settings import DataSettings
from groundtune.tuning.quality import labels
from groundtune.tuning.quality.check import DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult
from groundtune.tuning.quality.labels import doubtful
from groundtune.tuning.quality.out_of_fold import PENALTY, left_out, likeness, probabilities

TOPICS = {
    "card_lost": "my card is lost stolen gone block it please new plastic",
    "card_arrival": "when does delivery post letter arrive waiting weeks mail track",
    "exchange_rate": "currency euro dollar rate convert foreign abroad exchange market today",
    "top_up": "add money balance top up account load funds apple google",
}


def lines(count: int = 400, flipped: frozenset[int] = frozenset()) -> list[DataLine]:
    rng = np.random.default_rng(5)
    made = []
    for number in range(count):
        topic = list(TOPICS)[number % len(TOPICS)]
        words = " ".join(rng.choice(TOPICS[topic].split(), 6))
        answer = topic
        if number in flipped:
            answer = list(TOPICS)[(number + 1 + int(rng.integers(3))) % len(TOPICS)]
        made.append(DataLine("t.jsonl", number, "supervised", f"{words} {number}", answer))
    return made


def concluded(data: list[DataLine], **around: object) -> CheckResult:
    check = labels.check(Surroundings(**{"settings": DataSettings(), "embed": embed, **around}))  # type: ignore[arg-type]
    for line in data:
        check.see(line)
    return check.conclude()


def test_flipped_labels_are_found_and_the_likely_one_named() -> None:
    flipped = frozenset(range(7, 400, 20))
    result = concluded(lines(flipped=flipped))
    found = {each.line for each in result.findings}
    assert len(found & flipped) >= 0.9 * len(flipped)
    assert len(found & flipped) >= 0.8 * len(found)
    first = next(each for each in result.findings if each.line == 7)
    assert first.kind == "label"
    assert first.detail.endswith("while lines like it have “top_up”")


def test_clean_labels_pass() -> None:
    result = concluded(lines())
    assert result.gates[0].passed
    assert result.gates[0].value == pytest.approx(0, abs=0.01)


def test_many_wrong_labels_are_found_too() -> None:
    flipped = frozenset(np.random.default_rng(3).permutation(400)[:100].tolist())
    found = {each.line for each in concluded(lines(flipped=flipped)).findings}
    assert len(found & flipped) >= 0.8 * len(flipped)
    assert len(found & flipped) >= 0.8 * len(found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "fewer than"),
        (lines(60), "fewer than"),
        ([DataLine("t", n, "supervised", f"q {n}", f"answer {n}") for n in range(300)], "too many kinds"),
        ([DataLine("t", n, "supervised", f"q {n}", "long answer " * 20 + str(n)) for n in range(300)], "longer than"),
        ([DataLine("t", n, "supervised", f"q {n}", "yes") for n in range(300)], "the same"),
        ([DataLine("t", n, "text", "", f"text {n}") for n in range(300)], "fewer than"),
    ],
)
def test_data_without_labels_is_said_to_have_none(data: list[DataLine], reason: str) -> None:
    result = concluded(data)
    assert result.gates[0].passed
    assert result.gates[0].value is None
    assert reason in result.gates[0].detail


def test_without_an_encoder_it_says_so() -> None:
    assert "encoder" in concluded(lines(), embed=None).gates[0].detail


def test_a_sample_is_said() -> None:
    result = concluded(lines(), settings=DataSettings(labels_sample=200))
    assert result.gates[0].looked_at == 200
    assert "50.0%" in result.gates[0].detail


def test_left_out_equals_fitting_again_without_each_line() -> None:
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(30, 4)), rng.normal(size=(30, 2))
    trusted = rng.random(30) < 0.7
    for mask in (None, trusted):
        made = left_out(features, targets, trusted=mask)
        for place in range(30):
            kept = [row for row in range(30) if row != place and (mask is None or mask[row])]
            own = np.hstack([features[kept], np.ones((len(kept), 1))])
            penalty = np.diag([PENALTY] * 4 + [PENALTY * 0 + 1e-6])
            weights = np.linalg.solve(own.T @ own + penalty, own.T @ targets[kept])
            assert made[place] == pytest.approx(np.append(features[place], 1) @ weights, abs=1e-3)


def test_likeness_approximates_the_kernel() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(50, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = likeness(vectors, rng)
    assert made @ made.T == pytest.approx(np.exp(-(2 - 2 * vectors @ vectors.T)), abs=1e-2)


def test_probabilities_sum_to_one() -> None:
    rng = np.random.default_rng(3)
    odds = probabilities(rng.normal(size=(40, 5)).astype(np.float32), rng.integers(0, 3, 40), 3)
    assert odds.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_label_is_doubted_against_its_own_average() -> None:
    odds = np.array([[0.9, 0.1], [0.9, 0.1], [0.001, 0.999], [0.2, 0.8]])
    assert doubtful(odds, np.array([0, 0, 0, 1])).tolist() == [False, False, True, False]


def pairs(count: int, swapped: frozenset[int] = frozenset()) -> list[DataLine]:
    rng = np.random.default_rng(4)
    made = []
    for number in range(count):
        short = " ".join(rng.choice("it costs ten euros each month including tax".split(), 5)) + f" {number}."
        boast = (
            " ".join(rng.choice("honestly the best amazing deal you ever find wow trust".split(), 9)) + f" {number}!"
        )
        better, worse = (boast, short) if number in swapped else (short, boast)
        made.append(DataLine("p.jsonl", number, "pair", f"Question {number}?", better, worse))
    return made


def test_swapped_pairs_are_found() -> None:
    swapped = frozenset({3, 40, 77, 120})
    result = concluded(pairs(150, swapped))
    assert {each.line for each in result.findings} == swapped
    assert [each.name for each in result.gates] == ["labels", "swapped"]


def test_preferences_without_a_pattern_are_said_to_have_none() -> None:
    rng = np.random.default_rng(6)
    data = []
    for number in range(150):
        one, other = (" ".join(rng.choice("a b c d e f g h i j k l".split(), 6)) for _ in range(2))
        data.append(DataLine("p", number, "pair", "q", one, f"{other} x"[:-2]))
    gate = concluded(data).gates[1]
    assert gate.value is None
    assert "cannot be learnt" in gate.detail


def test_few_pairs_are_too_few() -> None:
    assert "too few" in concluded(pairs(20)).gates[1].detail
