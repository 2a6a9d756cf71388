import json

import numpy as np
import pytest
import sacrebleu

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.predictions import load_predictions, read_scoring, score_predictions
from groundtune.evaluation.scorers import known_scorers, scorers, scorers_for
from groundtune.settings import ComparisonSettings
from groundtune.statistics import Method

TEXT_SCORERS = (
    "rouge1 rouge2 rougeL rougeLsum bleu corpus_bleu bertscore_precision bertscore_recall bertscore_f1 exact token_f1 "
    "token_recall squad_exact squad_f1"
).split()
IDEAL = {"1": "Ten days.", "2": "It costs nothing at all.", "3": "Call us."}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def benchmark(tmp_path):
    rows = [
        {"id": id, "question": "?", "ideal_answer": ideal, "passages": [{"document": "a.md", "quote": "ten"}]}
        for id, ideal in IDEAL.items()
    ]
    return load_benchmark(write(tmp_path / "benchmark.jsonl", rows), 0.3)


def load(tmp_path, benchmark, *rows):
    return load_predictions(write(tmp_path / "predictions.jsonl", rows), benchmark)


def score(benchmark, predictions, *names):
    return score_predictions(
        benchmark,
        predictions,
        scorers(ComparisonSettings(), dict.fromkeys([*names, "corpus_bleu"])),
        method=Method(resamples=1000),
        rng=np.random.default_rng(1),
    ).as_json()


def named(*names):
    return [known_scorers(ComparisonSettings())[name] for name in names]


def test_the_shape_and_the_counts(tmp_path, benchmark):
    predictions = load(tmp_path, benchmark, {"id": "1", "answer": "Ten days"}, {"id": "2", "answer": "It costs a lot"})
    found = score(benchmark, predictions, "exact", "rouge1")
    assert found["summary"]["exact"]["mean"] == 0.5
    assert {key: found["summary"]["exact"][key] for key in ("scored", "unscored", "failed")} == {
        "scored": 2,
        "unscored": 0,
        "failed": 1,
    }
    assert set(found["summary"]["exact"]) == {"mean", "low", "high", "scored", "unscored", "failed"}
    assert found["cases"][0] == {
        "id": "1",
        "group": "1",
        "scores": {"exact": 1.0, "rouge1": 1.0},
        "reasons": {},
    }
    assert found["cases"][2]["scores"] == {"exact": None, "rouge1": None}
    assert "no line for this case" in found["cases"][2]["reasons"]["exact"]
    assert found["benchmark"]["fingerprint"] == benchmark.fingerprint
    assert read_scoring(json.loads(json.dumps(found, allow_nan=False))).as_json() == found


def test_intervals_stay_on_the_scale_of_their_scorer(tmp_path, benchmark):
    predictions = load(tmp_path, benchmark, {"id": "1", "answer": "Ten days"}, {"id": "2", "answer": "It costs a lot"})
    found = score(benchmark, predictions, "bleu", "rouge1")["summary"]
    assert 0 <= found["bleu"]["low"] <= found["bleu"]["mean"] <= found["bleu"]["high"] <= 100
    assert found["bleu"]["high"] > 1 >= found["rouge1"]["high"]


def test_corpus_bleu_is_over_what_was_answered(tmp_path, benchmark):
    answers = {"1": "Ten days, no more.", "2": "It costs nothing at all today."}
    predictions = load(tmp_path, benchmark, *({"id": id, "answer": text} for id, text in answers.items()))
    summary = score(benchmark, predictions, "bleu")["summary"]["corpus_bleu"]
    expected = sacrebleu.corpus_bleu(list(answers.values()), [[IDEAL[id] for id in answers]]).score
    assert summary["mean"] == pytest.approx(expected)
    assert (summary["scored"], summary["failed"]) == (2, 1)


def test_only_what_the_file_tells_of_is_scored(tmp_path, benchmark):
    plain = load(tmp_path, benchmark, {"id": "1", "answer": "x"})
    assert set(scorers_for(ComparisonSettings(), plain.facts)) == set(TEXT_SCORERS)
    full = load(
        tmp_path,
        benchmark,
        {"id": "1", "answer": "x", "abstained": True, "passages": [{"document": "a.md", "text": "ten"}]},
    )
    assert {"retrieval_recall", "abstention_recall", "resolution"} <= set(scorers_for(ComparisonSettings(), full.facts))
    found = score(benchmark, full, "retrieval_recall", "resolution")["cases"][0]["scores"]
    assert found == {"retrieval_recall": 1.0, "resolution": 0.0}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"id": "1", "answer": "x"}, {"id": "9", "answer": "x"}], "jsonl:2: the benchmark has no approved case `9`"),
        ([{"id": "1", "answer": "x"}, {"id": "1", "answer": "y"}], "jsonl:2: `1` is answered here and on line 1"),
        ([{"id": "1", "answer": "x"}, {"id": "2"}], "jsonl:2: `answer` is missing"),
        ([{"id": "1", "answer": float("nan")}], r"jsonl:1: `answer` is NaN.*leave it out.*pandas"),
        ([{"id": "1", "answer": float("inf")}], "jsonl:1: `answer` is Infinity"),
        ([{"id": "1", "answer": None}], "jsonl:1: `answer` is null"),
        ([{"id": "1", "answer": 42}], 'jsonl:1: `answer` is 42.*in quotation marks: "42"'),
        ([{"id": "1", "answer": True}], "jsonl:1: `answer` is true"),
        ([{"id": "1", "answer": ["x"]}], r"jsonl:1: `answer` is \[\"x\"\]"),
        ([{"id": float("nan"), "answer": "x"}], "jsonl:1: `id` is NaN"),
        ([{"id": True, "answer": "x"}], "jsonl:1: `id` is true"),
        ([{"id": "1", "answer": "x"}, {"id": "2", "anwser": "x", "answer": "x"}], "jsonl:2: unknown key `anwser`"),
    ],
)
def test_wrong_lines_are_refused_with_their_place(tmp_path, benchmark, rows, words):
    with pytest.raises(InputError, match=words):
        load(tmp_path, benchmark, *rows)


def test_numbers_as_ids_are_taken(tmp_path, benchmark):
    assert set(load(tmp_path, benchmark, {"id": 1, "answer": "x"}).answers) == {"1"}


def test_rates_of_abstention_are_refused_where_no_line_tells_who_abstained(tmp_path, benchmark):
    """An answer that does not say whether it abstained is no made-up one."""
    silent = load(tmp_path, benchmark, {"id": "1", "answer": "I do not know."})
    silent.refuse_unfounded(named("rouge1", "exact"))
    for name in ("hallucination_rate", "resolution", "resolution_answerable", "abstention_recall"):
        with pytest.raises(InputError, match=rf"`{name}` needs.*abstained"):
            silent.refuse_unfounded(named("rouge1", name))
    telling = load(tmp_path, benchmark, {"id": "1", "answer": "I do not know.", "abstained": True})
    telling.refuse_unfounded(named("hallucination_rate"))
    assert "hallucination_rate" in scorers_for(ComparisonSettings(), telling.facts)


@pytest.mark.parametrize(
    ("name", "told", "reason"),
    [
        ("resolution", {"abstained": True}, "does not tell whether the answer abstained"),
        ("resolution_answerable", {"abstained": False}, "does not tell whether the answer abstained"),
        ("abstention_recall", {"abstained": True}, "does not tell whether the answer abstained"),
        ("retrieval_recall", {"passages": [{"document": "a.md", "text": "ten"}]}, "names no passages"),
        ("groundedness", {"passages": [{"document": "a.md", "text": "ten"}]}, "names no passages"),
    ],
)
def test_a_line_that_lacks_a_fact_is_unscored_with_the_reason(tmp_path, benchmark, name, told, reason):
    """Never taken for "did not abstain" or for an answer without passages, whatever the other lines tell."""
    rows = [{"id": "1", "answer": "Ten days."} | told, {"id": "2", "answer": "I do not know."}]
    predictions = load(tmp_path, benchmark, *rows)
    predictions.refuse_unfounded(named(name))
    found = score(benchmark, predictions, name)
    assert found["cases"][1]["scores"] == {name: None}
    assert reason in found["cases"][1]["reasons"][name]
    summary = found["summary"][name]
    assert (summary["unscored"] >= 1, summary["failed"]) == (True, 1)


def test_several_ideal_answers_are_several_references(tmp_path):
    rows = [{"id": "1", "question": "?", "ideal_answer": "It is free.", "other_ideal_answers": ["There is no fee."]}]
    several = load_benchmark(write(tmp_path / "benchmark.jsonl", rows), 0.3)
    predictions = load(tmp_path, several, {"id": "1", "answer": "There is no fee."})
    names = ("exact", "rouge2", "bleu", "token_f1", "token_recall")
    found = score_predictions(
        several,
        predictions,
        scorers(ComparisonSettings(), [*names, "corpus_bleu"], several.cases),
        method=Method(resamples=1000),
        rng=np.random.default_rng(1),
    ).as_json()
    assert found["cases"][0]["scores"] == pytest.approx({name: 100 if name == "bleu" else 1 for name in names})
    expected = sacrebleu.corpus_bleu(["There is no fee."], [["It is free."], ["There is no fee."]])
    assert found["summary"]["corpus_bleu"]["mean"] == pytest.approx(expected.score)
    assert "nrefs:2|" in found["signatures"]["bleu"]
    assert "nrefs:2|" in found["signatures"]["corpus_bleu"]


def test_answers_without_content_are_named_and_scored_as_they_are(tmp_path, benchmark):
    rows = [
        {"id": "1", "answer": "The answer is:"},
        {"id": "2", "answer": "[1]", "passages": [{"document": "a.md"}]},
        {"id": "3", "answer": "I do not know.", "abstained": True},
    ]
    found = score(benchmark, load(tmp_path, benchmark, *rows), "exact")
    assert found["without_content"] == ["1", "2"]
    assert found["summary"]["exact"]["mean"] == 0.0
    assert read_scoring(found).without_content == ("1", "2")
    assert read_scoring({key: value for key, value in found.items() if key != "without_content"})


@pytest.mark.parametrize("text", ["9", "Yes", "€5", "Ten days."])
def test_short_answers_have_content(tmp_path, benchmark, text):
    assert score(benchmark, load(tmp_path, benchmark, {"id": "1", "answer": text}), "exact")["without_content"] == []
