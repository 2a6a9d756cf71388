from dataclasses import replace

import numpy as np
import pytest

from groundtune.evaluation.judge.pass_rates import PassRate, pass_rates, people_pass, rogan_gladen
from groundtune.evaluation.judge.samples import RatedSample

PASS, FAIL = 5, 1


def sample(judge, people=(), candidate="rag", group=""):
    return RatedSample(group, candidate, "m", 0, 0.5, judge, {str(n): level for n, level in enumerate(people)})


def rates(samples, seed=1):
    samples = [
        RatedSample(one.group or str(n), one.candidate, one.model, 0, one.score, one.judge, one.people)
        for n, one in enumerate(samples)
    ]
    return pass_rates(samples, 4, confidence=0.95, resamples=1000, rng=np.random.default_rng(seed))


def test_the_correction_by_hand():
    assert rogan_gladen(0.7, 0.9, 0.6) == pytest.approx(0.6)
    assert rogan_gladen(0.1, 0.9, 0.8) == 0
    assert rogan_gladen(1.0, 0.9, 0.8) == 1
    assert rogan_gladen(0.5, 0.5, 0.5) is None
    assert rogan_gladen(0.5, 0.3, 0.5) is None


def test_half_of_the_people_pass_an_answer():
    assert people_pass(sample(PASS, (4, 1)), 4)
    assert not people_pass(sample(PASS, (4, 1, 1)), 4)


def rated(both, people_only, neither, judge_only, candidate="rag"):
    return (
        [sample(PASS, (PASS,), candidate)] * both
        + [sample(FAIL, (PASS,), candidate)] * people_only
        + [sample(FAIL, (FAIL,), candidate)] * neither
        + [sample(PASS, (FAIL,), candidate)] * judge_only
    )


def test_errors_are_a_candidates_own_where_they_are_known():
    """50 rated: sensitivity 27/30, specificity 12/20; 50 more unrated of which 40 pass: observed 75 of 100."""
    samples = rated(27, 3, 12, 8) + [sample(PASS)] * 40 + [sample(FAIL)] * 10
    (found,) = rates(samples)
    assert found.low < found.corrected < found.high
    assert found == PassRate(
        "rag", 100, 0.75, 0.9, 0.6, "own", pytest.approx(0.7), pytest.approx(found.low), pytest.approx(found.high)
    )
    assert (found, *rates(samples)) == (found, found)


def test_with_few_ratings_of_its_own_a_candidate_has_the_errors_of_all():
    samples = rated(27, 3, 12, 8, "base") + [sample(PASS)] * 8 + [sample(FAIL)] * 2
    base, rag = rates(samples)
    assert (base.basis, rag.basis) == ("own", "all")
    assert (rag.observed, rag.sensitivity, rag.specificity) == (0.8, 0.9, 0.6)
    assert rag.corrected == pytest.approx(0.8)


def test_the_interval_is_wider_than_that_of_what_the_judge_says():
    (found,) = rates(rated(27, 3, 16, 4))
    observed = 31 / 50
    naive = 2 * 1.96 * np.sqrt(observed * (1 - observed) / 50)
    assert found.high - found.low > naive


def test_few_groups_give_no_interval():
    samples = [replace(one, group=str(n % 9)) for n, one in enumerate(rated(27, 3, 16, 4))]
    (found,) = rates(samples)
    assert found.corrected is not None
    assert (found.low, found.high) == (None, None)


def test_nothing_is_said_where_nothing_can_be():
    (nobody,) = rates([sample(PASS)] * 5)
    assert nobody == PassRate("rag", 5, 1.0, None, None, "all", None, None, None)
    (chance,) = rates(rated(10, 10, 10, 10))
    assert (chance.corrected, chance.low, chance.high) == (None, None, None)
    (shaky,) = rates(rated(11, 9, 10, 10))
    assert shaky.corrected is not None
    assert (shaky.low, shaky.high) == (None, None)
    (unjudged,) = rates([sample(None, (PASS,))])
    assert (unjudged.judged, unjudged.observed, unjudged.corrected) == (0, None, None)


def test_intervals_cover_what_they_claim():
    """60 rated of 160 answers, 80 % true, sensitivity .9, specificity .8: of 200 samples 95 % ± 3 σ."""
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        true = rng.random(160) < 0.8
        judged = np.where(rng.random(160) < np.where(true, 0.9, 0.2), PASS, FAIL)
        samples = [
            sample(int(judge), (PASS if good else FAIL,) if n < 60 else ())
            for n, (good, judge) in enumerate(zip(true, judged, strict=True))
        ]
        (found,) = rates(samples)
        hits += found.low is None or found.low <= 0.8 <= found.high
    assert 0.90 <= hits / 200 <= 1.0
