import json

import pytest

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.evaluation.judge.samples import RatedAnswer, load_answers, make_samples
from groundtune.evaluation.ratings import Rating
from groundtune.values import Answer, Case, Score, Usage

RUBRIC = Rubric("truth", "Is it true?", ("a", "b", "c"), 3)
CASE = Case("1", "?", "Ten days.", (), True, "g", "test")


@pytest.fixture
def benchmark(tmp_path):
    path = tmp_path / "benchmark.jsonl"
    path.write_text(json.dumps({"id": "1", "question": "?", "ideal_answer": "Ten days."}) + "\n")
    return load_benchmark(path, 0.3)


def load(tmp_path, benchmark, *rows):
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_answers(path, benchmark)


def test_answers_of_several_candidates(tmp_path, benchmark):
    one, other = load(
        tmp_path,
        benchmark,
        {"id": "1", "candidate": "a", "answer": "Ten.", "passages": [{"document": "d", "text": "Ten days."}]},
        {"id": "1", "candidate": "b", "answer": "Nine.", "model": "openai:qwen3@http://a"},
    )
    assert (one.name, one.model, one.answer.passages[0].text) == ("a", "a", "Ten days.")
    assert (other.name, other.model) == ("b", "openai:qwen3@http://a")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "2", "candidate": "b", "answer": ""}, "no approved case `2`"),
        ({"id": "1", "candidate": "a", "answer": ""}, "here and on line 1"),
        ({"id": "1", "answer": ""}, "`candidate` is missing"),
    ],
)
def test_lines_that_do_not_fit_are_refused(tmp_path, benchmark, row, words):
    with pytest.raises(InputError, match=words) as error:
        load(tmp_path, benchmark, {"id": "1", "candidate": "a", "answer": ""}, row)
    assert error.value.place.endswith("answers.jsonl:2")


def samples(score, *ratings, scale=(1, 3)):
    candidate = RatedAnswer(CASE, "rag", Answer("It takes about ten days.", False, Usage()), "m")
    return make_samples([candidate], [score], ratings, RUBRIC, scale)


def rating(value, rater="ada", criterion="truth", candidate="rag"):
    return Rating("1", candidate, rater, criterion, value)


def test_judge_and_people_are_put_on_the_levels_of_the_rubric():
    (found,) = samples(
        Score(0.8),
        rating(1),
        rating(4, "bo"),
        rating(2, "cy", "charm"),
        rating(2, "di", candidate="base"),
        scale=(1, 4),
    )
    assert (found.judge, dict(found.people), found.excess) == (3, {"ada": 1, "bo": 3}, 3)
    assert found.pairs == [(3, 1), (3, 3)]


def test_what_a_judge_could_not_score_makes_no_pair():
    (found,) = samples(Score(None, "gone", failed=True), rating(1))
    assert (found.judge, found.pairs, dict(found.people)) == (None, [], {"ada": 1})


@pytest.mark.parametrize("value", [0, 3.5])
def test_a_rating_off_the_scale_is_refused(value):
    with pytest.raises(InputError, match="the scale goes from 1 to 3"):
        samples(Score(1.0), rating(value))
