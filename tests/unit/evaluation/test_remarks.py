"""Texts that an encoder read in part are said and counted, not scored silently."""

import json

import numpy as np
import pytest

from groundtune.comparison.notes import of_scores
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.predictions import load_predictions, score_predictions
from groundtune.evaluation.remarks import cut, remarks
from groundtune.evaluation.scorers import scorers
from groundtune.settings import ComparisonSettings
from groundtune.statistics import Method
from groundtune.values import Answer, Case, Score, Usage

LONG = "day " * 600
FITS = "day " * 510
ONE_TOO_MANY = "day " * 511


def scored(name, question, ideal, given):
    case = Case("1", question, ideal, (), True, "g", "test")
    return scorers(ComparisonSettings(), [name])[0].score(case, Answer(given, False, Usage()))


@pytest.mark.models
@pytest.mark.parametrize(
    ("ideal", "given", "reason"),
    [
        ("A refund.", LONG, "cut: the answer is longer than the 512 word pieces that the encoder reads"),
        (LONG, "A refund.", "cut: the ideal answer is longer than"),
        (LONG, f"{LONG} today", "cut: the ideal answer and the answer are longer than"),
        ("A refund.", ONE_TOO_MANY, "cut: the answer is longer than"),
        ("A refund.", FITS, ""),
        ("A refund.", "A refund.", ""),
    ],
)
def test_bertscore_says_what_it_cut(ideal, given, reason):
    for name in ("bertscore_precision", "bertscore_recall", "bertscore_f1"):
        found = scored(name, "?", ideal, given)
        assert found.value is not None
        assert found.reason.startswith(reason)
        assert bool(found.reason) == bool(reason)


@pytest.mark.models
@pytest.mark.parametrize(
    ("question", "given", "reason"),
    [
        ("A refund?", LONG, "cut: the answer is longer than"),
        (LONG, "A refund.", "cut: the question is longer than"),
        (LONG, f"{LONG} today", "cut: the question and the answer are longer than"),
        ("A refund?", "Ten days.", ""),
    ],
)
def test_answer_relevance_says_what_it_cut(question, given, reason):
    found = scored("answer_relevance", question, "x", given)
    assert found.value is not None
    assert found.reason.startswith(reason)
    assert bool(found.reason) == bool(reason)


@pytest.mark.models
def test_cut_texts_are_counted_in_what_score_finds(tmp_path):
    answers = {"1": "Ten days.", "2": LONG, "3": f"{LONG} today"}
    cases = [{"id": id, "question": "?", "ideal_answer": "Ten days."} for id in answers]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in cases), encoding="utf-8")
    lines = [{"id": id, "answer": text} for id, text in answers.items()]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines), encoding="utf-8")
    benchmark = load_benchmark(tmp_path / "b.jsonl", 0.3)
    found = score_predictions(
        benchmark,
        load_predictions(tmp_path / "p.jsonl", benchmark),
        scorers(ComparisonSettings(), ["bertscore_f1", "exact"]),
        method=Method(resamples=1000),
        rng=np.random.default_rng(1),
    )
    reason = "the answer is longer than the 512 word pieces that the encoder reads"
    assert found.notes == (f"bertscore_f1: in 2 of 3 cases {reason}, and was cut.",)
    assert [case.reasons for case in found.cases] == [{}, *[{"bertscore_f1": f"cut: {reason}"}] * 2]


def test_remarks_count_over_all_candidates_and_leave_other_reasons_alone():
    one = cut(["the answer"], 512)
    both = cut(["the ideal answer", "the answer"], 512)
    run = {"a": [Score(1, one), Score(1), Score(None, "unscored")], "b": [Score(1, one), Score(1), Score(1, "because")]}
    assert remarks(run) == [
        "a: in 1 of 2 cases the answer is longer than the 512 word pieces that the encoder reads, and was cut.",
        "b: in 1 of 3 cases the answer is longer than the 512 word pieces that the encoder reads, and was cut.",
    ]
    (note,) = of_scores([{"a": [Score(1, both)]}, {"a": [Score(1, both), Score(1)]}])
    assert note.startswith("a: in 2 of 3 cases the ideal answer and the answer are longer than")
    assert note.endswith("and were cut.")
    assert of_scores([{"a": [Score(1)]}]) == []
