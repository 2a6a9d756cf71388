"""Judges held against ratings, on answers of a file and of the records; and what a report makes of it."""

import json
import re
from datetime import UTC, datetime
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from groundtune.assembly import knowledge as knowledge_module
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.judges import CALIBRATION, LATEST, Judges
from groundtune.comparison import calibrate as calibrate_module
from groundtune.comparison.calibrate import answers_to, as_json, calibrate, prefer
from groundtune.comparison.compare import compare
from groundtune.comparison.report.calibration import shown
from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.judge.judge import Judge
from groundtune.evaluation.judge.rubrics import load_rubrics
from groundtune.settings import load
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.fakes import FallibleModel, FunctionModel

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CASES, CANDIDATES = 40, ("gpt-4o", "llama-3.1")
FLAGS = {"comparison.resamples": "1000", "comparison.latency_cases": "1"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(calibrate_module, "RESAMPLES", 100)


def answer(case, candidate):
    """The level that is true of an answer is the number of its last word."""
    return f"Answer of {candidate} to {case}, level {np.random.default_rng(case + len(candidate)).integers(1, 6)}"


def truth(messages, options):
    text = messages[-1].content
    if "<first_answer>" in text:
        first, second = (int(text.split(f"</{tag}>")[0].rstrip()[-1]) for tag in ("first_answer", "second_answer"))
        return "3" if first == second else "1" if first > second else "2"
    return text.split("</answer>")[0].rstrip()[-1]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    (tmp_path / "groundtune.toml").write_text('[project]\nname = "Shop"\n', encoding="utf-8")
    write(
        tmp_path / "benchmark.jsonl",
        [
            {"id": f"c{n}", "question": f"Question {n}?", "ideal_answer": "Yes.", "group": f"g{n}", "split": "test"}
            for n in range(CASES)
        ],
    )
    every = [(n, candidate) for n in range(CASES) for candidate in CANDIDATES]
    write(
        tmp_path / "answers.jsonl",
        [{"id": f"c{n}", "candidate": candidate, "answer": answer(n, candidate)} for n, candidate in every],
    )
    write(
        tmp_path / "ratings.jsonl",
        [
            {"case": f"c{n}", "candidate": one, "rater": rater, "criterion": "accuracy", "value": level(n, one, rater)}
            for n, one in every
            for rater in ("ada", "bo")
        ]
        + [{"case": "c0", "candidate": CANDIDATES[0], "rater": "ada", "criterion": "charm", "value": 3}],
    )
    return tmp_path


def level(case, candidate, rater):
    """Ada says what is true; Bo is one level off in a quarter of the cases."""
    true = int(answer(case, candidate)[-1])
    return true if rater == "ada" or case % 4 else max(1, true - 1)


def assembly(folder, *models, **flags):
    opened = Assembly(folder, load(folder, FLAGS | flags, environment={}))
    judges = tuple((model.name.partition(":")[2], Judge(model)) for model in models)
    opened.judges = Judges(judges, load_rubrics(), opened.settings.judge, opened.records)
    return opened


def calibrated(folder, *models, **options):
    return calibrate(
        assembly(folder, *models), folder / "ratings.jsonl", NOW, answers_file=folder / "answers.jsonl", **options
    )


def good():
    return FallibleModel(truth, 0.95, 1, "fake:gpt-4o")


def test_a_good_judge_may_decide(files):
    found = calibrated(files, good())
    (one,) = found.scorers
    assert (one.scorer, one.judge, one.criterion, one.doubt, one.failed) == (
        "judge_accuracy",
        "fake:gpt-4o",
        "accuracy",
        "",
        0,
    )
    assert (one.agreement.answers, one.agreement.ratings) == (80, 160)
    assert one.agreement.weighted_kappa.value > 0.8
    assert one.agreement.weighted_kappa.low > 0.6
    assert (one.ceiling.answers, one.ceiling.raters) == (80, 2)
    assert one.ceiling.alpha.value > 0.9
    assert one.self_preference.answers == 40
    assert one.self_preference.excess.low < 0 < one.self_preference.excess.high
    assert one.position.pairs <= 50
    assert [rate.candidate for rate in one.pass_rates] == list(CANDIDATES)
    assert all(rate.low <= rate.corrected <= rate.high for rate in one.pass_rates)
    assert found.unused == ("charm",)


def read(found):
    console = Console(width=200, record=True, file=StringIO())
    console.print(shown(found))
    return console.export_text()


def test_a_calibration_tells_of_biases_with_their_intervals(files):
    text = read(calibrated(files, good()))
    assert re.search(r"^Length: 100 words .* by [+-][\d.]+ \([+-][\d.]+ to [+-][\d.]+\)\.$", text, re.MULTILINE)
    assert re.search(r"^Own model family: [+-][\d.]+ \([+-][\d.]+ to [+-][\d.]+\) on 40 answers", text, re.MULTILINE)


def test_nothing_is_said_of_a_bias_over_a_handful_of_groups(files):
    lines = (files / "ratings.jsonl").read_text(encoding="utf-8").splitlines()
    few = {f"c{n}" for n in range(5)}
    write(files / "ratings.jsonl", [row for row in map(json.loads, lines) if row["case"] in few])
    text = read(calibrated(files, good()))
    assert "Length: unknown, because the rated answers are from too few groups" in text
    assert "Own model family: unknown, because the rated answers are from too few groups" in text


def test_the_corrected_pass_rate_is_nearer_to_what_people_say(files):
    """A judge right in 80 % of the cases passes too many of the few good answers there are."""
    (one,) = calibrated(files, FallibleModel(truth, 0.8, 4)).scorers
    for rate in one.pass_rates:
        true = sum(int(answer(n, rate.candidate)[-1]) >= 4 for n in range(CASES)) / CASES
        assert rate.low <= true <= rate.high
        assert abs(rate.corrected - true) <= abs(rate.observed - true) + 0.05


def test_a_judge_that_guesses_is_kept_out(files):
    (one,) = calibrated(files, FallibleModel(truth, 0.2, 1)).scorers
    assert "it agrees too little with people" in one.doubt
    assert one.agreement.weighted_kappa.value < 0.3


def test_a_judge_that_follows_the_place_is_found_out(files):
    (one,) = calibrated(files, FunctionModel(str, "fake:first", {"1": 0.9, "2": 0.1})).scorers
    assert one.position.first == one.position.pairs > 20
    assert one.position.p_value < 0.001
    assert one.agreement.weighted_kappa.value == 0


def test_judging_is_remembered_across_calibrations(files):
    model = good()
    opened = assembly(files, model)
    options = {"answers_file": files / "answers.jsonl", "pairs": 10}
    first = calibrate(opened, files / "ratings.jsonl", NOW, **options)
    asked = len(model.asked)
    assert asked == 80 + 20
    assert calibrate(opened, files / "ratings.jsonl", NOW, **options).scorers == first.scorers
    assert len(model.asked) == asked


def test_of_a_panel_each_judge_and_the_mean_are_calibrated(files):
    found = calibrated(files, good(), FallibleModel(truth, 0.5, 2, "fake:poor"))
    assert [one.scorer for one in found.scorers] == ["judge_accuracy_gpt-4o", "judge_accuracy_poor", "judge_accuracy"]
    assert [bool(one.doubt) for one in found.scorers][:2] == [False, True]
    assert found.scorers[2].position is None
    assert 0 < found.among_judges["accuracy"] < 1


def test_the_result_is_kept_and_read_again(files):
    found = calibrated(files, good())
    opened = assembly(files, good())
    assert opened.records.kept(CALIBRATION, LATEST) == json.loads(json.dumps(as_json(found)))
    assert "judge_accuracy" not in opened.judges.doubts()
    assert "has not been calibrated" in opened.judges.doubts()["judge_relevance"]
    opened.judges.check_may_decide("judge_accuracy")
    opened.judges.check_may_decide("resolution")
    with pytest.raises(SettingsError, match="has not been calibrated"):
        opened.judges.check_may_decide("judge_relevance")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"case": "c99"}, "which does not exist"),
        ({"candidate": "rag"}, "which does not exist"),
        ({"value": 6}, "the scale goes from 1 to 5"),
    ],
)
def test_ratings_that_do_not_fit_are_refused(files, change, words):
    rating = {"case": "c0", "candidate": "gpt-4o", "rater": "cy", "criterion": "accuracy", "value": 1} | change
    write(files / "ratings.jsonl", [rating])
    with pytest.raises(InputError, match=words):
        calibrated(files, good())


def test_ratings_by_no_rubric_are_refused(files):
    write(files / "ratings.jsonl", [{"case": "c0", "candidate": "gpt-4o", "rater": "a", "criterion": "x", "value": 1}])
    with pytest.raises(InputError, match="rates x, but the rubrics are accuracy, relevance"):
        calibrated(files, good())


def test_without_a_judge_there_is_nothing_to_calibrate(files):
    with pytest.raises(SettingsError, match="there is no judge"):
        calibrate(assembly(files), files / "ratings.jsonl", NOW)


def test_another_scale_is_laid_over_the_levels(files):
    rows = [json.loads(line) for line in (files / "ratings.jsonl").read_text().splitlines()]
    write(files / "ratings.jsonl", [{**row, "value": (row["value"] - 1) * 25} for row in rows])
    (one,) = calibrated(files, good(), scale=(0, 100)).scorers
    assert one.agreement.weighted_kappa.value > 0.8


def test_a_judge_that_fails_is_counted(files):
    def fail_on_some(messages, options):
        if "to 7," in messages[-1].content:
            raise IndexError("too long")
        return truth(messages, options)

    (one,) = calibrated(files, FallibleModel(fail_on_some, 1.0, 1)).scorers
    assert one.failed == 2
    assert one.agreement.answers == 78
    assert one.pass_rates[0].judged == 39


def test_preferences_of_a_judge(files):
    found = prefer(assembly(files, FallibleModel(truth, 1.0, 1)), *CANDIDATES, "relevance", files / "answers.jsonl")[
        "fallible"
    ]
    better = [int(answer(n, CANDIDATES[0])[-1]) - int(answer(n, CANDIDATES[1])[-1]) for n in range(CASES)]
    assert (found.wins, found.losses) == (sum(each > 0 for each in better), sum(each < 0 for each in better))
    assert found.wins + found.ties + found.losses == CASES
    with pytest.raises(SettingsError, match="no rubric `charm`"):
        prefer(assembly(files, good()), *CANDIDATES, "charm", files / "answers.jsonl")
    with pytest.raises(InputError, match="no answer of `rag`"):
        prefer(assembly(files, good()), "rag", CANDIDATES[0], None, files / "answers.jsonl")


# --- a comparison with judges ---------------------------------------------------------------------


@pytest.fixture
def compared(files, monkeypatch):
    from groundtune.comparison import compare as compare_module
    from groundtune.testing.fakes import only

    monkeypatch.setattr(compare_module, "all_scorers", only("resolution", "exact"))

    monkeypatch.setattr(knowledge_module, "embedder", lambda settings: HashingEmbedder())
    (files / "documents").mkdir()
    (files / "documents" / "a.md").write_text("The question has an answer.", encoding="utf-8")

    def make(*models, candidates=("base",), **flags):
        opened = assembly(files, *models, **{"assistant.min_support": "0"} | flags)
        grounded = "level {} [1]".format
        chat = FunctionModel(lambda said: grounded(5) if "<passages>" in said[-1].content else "level 4")
        monkeypatch.setattr(opened, "chat_model", lambda *_: chat)
        return opened, compare(opened, candidates, NOW)

    return make


def test_a_judge_scores_in_a_comparison_and_the_report_says_that_it_does_not_count(compared):
    opened, report = compared(FallibleModel(truth, 1.0, 1))
    (base,) = report.candidates
    assert base.scores["judge_accuracy"].mean == pytest.approx(0.75)
    assert base.scores["judge_accuracy"].scored == CASES
    (note,) = (note for note in report.notes if "not used" in note)
    assert note == (
        "Shown, but not used in the recommendation: judge_accuracy, judge_relevance, judge_comprehensiveness, because "
        "it has not been calibrated against human ratings."
    )
    assert any("120 questions," in note for note in report.notes)
    answers = answers_to(opened, None)
    assert {(one.name, one.model) for one in answers} == {("base", "builtin:smollm2-135m-instruct")}
    assert len(answers) == CASES


def test_a_comparison_cannot_be_decided_by_a_judge_that_is_not_trusted(compared):
    with pytest.raises(SettingsError, match=r"`comparison\.decide_by` is `judge_accuracy`"):
        compared(good(), **{"comparison.decide_by": "judge_accuracy"})


def test_a_judge_that_was_calibrated_may_decide(files, compared):
    calibrated(files, FallibleModel(truth, 1.0, 1))
    _, report = compared(FallibleModel(truth, 1.0, 1), **{"comparison.decide_by": "judge_accuracy"})
    assert report.decide_by == "judge_accuracy"
    assert report.recommendation.candidate == "base"


@pytest.mark.parametrize("trusted", [False, True])
def test_only_a_trusted_judge_is_named_among_the_other_measures(files, compared, trusted):
    """By the deciding scorer both candidates are alike; by the judge one is better in every case."""
    if trusted:
        calibrated(files, FallibleModel(truth, 1.0, 1))
    _, report = compared(FallibleModel(truth, 1.0, 1), candidates=("base", "rag"))
    (found,) = (one for one in report.comparisons if one.scorer == "judge_accuracy")
    assert (found.verdict, report.recommendation.candidate) == ("better", "base")
    named = any("rag is better on judge_accuracy" in reason for reason in report.recommendation.reasons)
    assert named is trusted


def test_the_judges_of_a_panel_are_shown_and_how_far_they_are_apart(compared):
    _, report = compared(FunctionModel(str, "fake:one", {"1": 1}), FunctionModel(str, "fake:two", {"1": 0, "5": 1}))
    (base,) = report.candidates
    assert [base.scores[name].mean for name in ("judge_accuracy_one", "judge_accuracy_two", "judge_accuracy")] == [
        0,
        1,
        0.5,
    ]
    assert "The judges of judge_accuracy are 1.00 apart on average, on a scale from 0 to 1." in report.notes
