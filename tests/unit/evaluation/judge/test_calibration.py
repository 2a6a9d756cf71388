import numpy as np
import pytest
from scipy import stats

from groundtune.evaluation.judge.calibration import (
    Bootstrap,
    Figure,
    agreement,
    ceiling,
    doubt,
    family,
    length_bias,
    position_bias,
    self_preference,
)
from groundtune.evaluation.judge.pairwise import DuelVerdict
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.evaluation.judge.samples import RatedSample
from groundtune.values import Failure

RUBRIC = Rubric("truth", "Is it true?", ("a", "b", "c", "d", "e"), 4)


def bootstrap():
    return Bootstrap(0.95, 200, np.random.default_rng(1))


def sample(judge, *people, excess=0, model="gpt-4o", group=None, score=None):
    value = None if judge is None else (judge - 1) / 4
    value = value if score is None else score
    name = str(id(people)) if group is None else group
    return RatedSample(name, "rag", model, excess, value, judge, {str(n): level for n, level in enumerate(people)})


def many(make, number=40, seed=3):
    rng = np.random.default_rng(seed)
    return [make(rng, str(n)) for n in range(number)]


def test_agreement_by_hand():
    """Medians 1, 5 (the upper of 4.5), 4 against judged 1, 5, 3."""
    samples = [sample(1, 1, 1, group="a"), sample(5, 5, 4, group="b"), sample(3, 4, group="c"), sample(2, group="d")]
    found = agreement([*samples, sample(None, 3, group="e")], RUBRIC, bootstrap())
    assert (found.answers, found.ratings, found.raw.value, found.raw_each) == (3, 5, pytest.approx(2 / 3), 0.6)
    assert found.table == ((1, 0, 0, 0, 0), (0,) * 5, (0, 0, 0, 1, 0), (0,) * 5, (0, 0, 0, 0, 1))
    assert found.majority == pytest.approx(1 / 3)
    # observed squared differences 0 0 1; of all pairs of values the mean is var + var + (difference of means)²
    expected = np.var([1, 5, 3]) + np.var([1, 5, 4]) + (1 / 3) ** 2
    assert found.weighted_kappa.value == pytest.approx(1 - (1 / 3) / expected)
    each = np.var([1, 1, 5, 5, 3]) + np.var([1, 1, 5, 4, 4])
    assert found.weighted_kappa_each == pytest.approx(1 - 0.4 / each)


def test_people_who_rate_at_random_are_a_low_ceiling_and_the_like_for_the_judge():
    noisy = many(lambda rng, n: sample(int(rng.integers(1, 6)), *map(int, rng.integers(1, 6, 3)), group=n), 200)
    top, found = ceiling(noisy, bootstrap()), agreement(noisy, RUBRIC, bootstrap())
    assert abs(top.alpha.value) < 0.15
    assert abs(found.weighted_kappa.value) < 0.15
    assert found.weighted_kappa.low < 0 < found.weighted_kappa.high


def test_a_judge_as_good_as_a_person_agrees_like_one_and_better_with_the_median():
    def make(rng, n):
        truth = rng.integers(1, 6)
        noisy = np.clip(truth + rng.integers(-1, 2, 4), 1, 5)
        return sample(*map(int, noisy), group=n)

    samples = many(make, 400)
    found, top = agreement(samples, RUBRIC, bootstrap()), ceiling(samples, bootstrap())
    assert top.raters == 3
    assert found.weighted_kappa_each == pytest.approx(top.weighted_kappa, abs=0.04)
    assert found.raw_each == pytest.approx(top.raw, abs=0.04)
    assert found.weighted_kappa.value > found.weighted_kappa_each


def test_few_groups_give_no_interval():
    """Ten resamples of three conversations would look like certainty."""
    samples = many(lambda rng, n: sample(int(n) % 5 + 1, int(rng.integers(1, 6)), group=str(int(n) % 9)))
    found = agreement(samples, RUBRIC, bootstrap()).weighted_kappa
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


def test_nothing_rated_is_none_throughout():
    found = agreement([sample(3, group="a")], RUBRIC, bootstrap())
    assert (found.answers, found.raw, found.kappa, found.majority) == (0, Figure(None), Figure(None), None)
    top = ceiling([sample(3, 2, group="a")], bootstrap())
    assert (top.answers, top.raw, top.alpha) == (0, None, Figure(None))


def test_length_bias_is_the_slope_of_least_squares():
    def make(rng, n):
        excess = int(rng.integers(-50, 200))
        return sample(3, int(rng.integers(2, 5)), excess=excess, score=0.3 + 0.002 * excess, group=n)

    samples = many(make)
    found = length_bias(samples, RUBRIC, bootstrap())
    people = [(next(iter(one.people.values())) - 1) / 4 for one in samples]
    errors = [one.score - mean for one, mean in zip(samples, people, strict=True)]
    line = stats.linregress([one.excess / 100 for one in samples], errors)
    assert found.excess.value == pytest.approx(line.slope)
    assert found.excess.low < 0.2 < found.excess.high
    assert length_bias([sample(3, 3, group="a"), sample(2, 3, group="b")], RUBRIC, bootstrap()).note


def test_self_preference_is_judge_minus_people_on_its_own_kind_against_the_rest():
    own = [sample(5, 4, model="openai:gpt-4o@http://a", group=str(n)) for n in range(10)]
    others = [sample(3, 4, model="llama-3.1-405b-instruct", group=str(n)) for n in range(10)]
    found = self_preference([*own, *others], "openai:gpt-5@http://b", RUBRIC, bootstrap())
    assert (found.answers, found.excess.value) == (10, pytest.approx(0.5))
    assert "family (qwen)" in self_preference(own, "qwen3", RUBRIC, bootstrap()).note
    assert "every rated answer" in self_preference(own, "gpt-5", RUBRIC, bootstrap()).note


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("builtin:smollm2-135m-instruct", "smollm"),
        ("openai:Qwen/Qwen3-8B@http://localhost:8000/v1", "qwen"),
        ("bedrock:us.anthropic.claude-opus-4-1@us-east-1", "claude"),
        ("bedrock:amazon.nova-pro-v1:0@eu-west-1", "nova"),
        ("gpt-4o", "gpt"),
        ("llama-3.1-405b-instruct", "llama"),
        ("qwen2.5-7b", "qwen"),
        ("path:models/4bit", "4bit"),
    ],
)
def test_families(name, expected):
    assert family(name) == expected


def test_position_bias_is_a_sign_test_among_flips():
    verdicts = [DuelVerdict("tie", "first")] * 9 + [DuelVerdict("tie", "second"), DuelVerdict("win"), Failure("gone.")]
    verdicts += [DuelVerdict("tie")] * 3
    found = position_bias(verdicts)
    assert (found.pairs, found.failed, found.undecided, found.first, found.second) == (14, 1, 3, 9, 1)
    assert found.p_value == pytest.approx(22 / 1024)
    assert position_bias([]).p_value == 1


@pytest.mark.parametrize(
    ("answers", "weighted", "words"),
    [
        (30, 0.6, ""),
        (29, 0.9, "only 29 of its scores"),
        (30, 0.59, "quadratic-weighted kappa is 0.59, below 0.60"),
        (30, None, "undefined"),
    ],
)
def test_why_a_judge_is_doubted(answers, weighted, words):
    found = doubt(answers, weighted, 0.6)
    assert words in found
    assert bool(found) == bool(words)
