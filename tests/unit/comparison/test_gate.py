"""The gate: passes on evidence, fails with a reason, and refuses what must not be compared."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtune.comparison.gate import check_gate, gate_json, load_gate
from groundtune.comparison.report import from_json
from groundtune.errors import InputError, NotComparable
from groundtune.evaluation.predictions import read_scoring
from groundtune.statistics import Method, cases_needed

METHOD = Method(resamples=1000)
GATE = 'baseline = "agreed.json"\n[allowed_loss]\nf1 = 0.05\n'


def document(values, *, fingerprint="b1", signature="f1|v1", groups=None):
    """What `groundtune score --json` prints, as far as the gate reads it."""
    return {
        "summary": {},
        "signatures": {"f1": signature, "exact": "exact|v1"},
        "benchmark": {"fingerprint": fingerprint, "cases": len(values)},
        "cases": [
            {
                "id": f"c{number}",
                "group": groups[number] if groups else f"g{number}",
                "scores": {"f1": value, "exact": 1.0},
                "reasons": {},
            }
            for number, value in enumerate(values)
        ],
    }


def report(**candidates):
    """What `groundtune compare` writes, likewise."""
    ids = range(len(next(iter(candidates.values()))))
    result = {
        "signature": "s", "scores": {}, "latency": {"seconds_to_first_token": None, "seconds": None},
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "answers": 0}, "abstained": 0, "failed": 0,
    }  # fmt: skip
    return {
        "project": "shop",
        "created_at": "2026-11-22T00:00:00+00:00",
        "decide_by": "f1",
        "comparisons": [],
        "recommendation": {
            "candidate": None, "indistinguishable": [], "more_cases_needed": None, "reasons": [], "sure": False,
        },
        "scorers": {"f1": "f1|v1"},
        "benchmark": {"fingerprint": "b1", "cases": len(ids), "part": "test", "groups": len(ids), "unanswerable": 0},
        "candidates": dict.fromkeys(candidates, result),
        "cases": [
            {
                "id": f"c{n}",
                "group": f"g{n}",
                "answerable": True,
                "scores": {name: {"f1": values[n]} for name, values in candidates.items()},
            }
            for n in ids
        ],
    }  # fmt: skip


@pytest.fixture
def gate(tmp_path):
    def gate(before, now, text=GATE, **more):
        (tmp_path / "gate.toml").write_text(text, encoding="utf-8")
        (tmp_path / "agreed.json").write_text(json.dumps(before), encoding="utf-8")
        run = from_json(now) if "candidates" in now else read_scoring(now)
        return check_gate(load_gate(tmp_path / "gate.toml"), run, method=METHOD, **more)

    return gate


@pytest.fixture
def scores():
    return np.random.default_rng(1).random(80).round(3).tolist()


def changed(scores, by, scatter=0.05, seed=2):
    return (np.array(scores) + by + np.random.default_rng(seed).normal(0, scatter, len(scores))).tolist()


def test_nothing_lost_passes(gate, scores):
    (found,) = gate(document(scores), document(changed(scores, 0.0)))
    assert found.passed
    assert found.difference.low >= -0.05
    assert "80 cases, where a loss of up to 0.05 is allowed." in found.message


def test_the_same_scores_pass_however_few_the_cases(gate):
    (found,) = gate(document([0.2, 0.4]), document([0.2, 0.4]))
    assert found.passed
    assert found.message == "f1: every one of the 2 cases has the same score as before."


def test_a_loss_fails_with_scorer_size_cases_and_what_to_do(gate, scores):
    now = changed(scores, -0.1)
    now[17] = scores[17] - 0.9
    (found,) = gate(document(scores), document(now))
    assert not found.passed
    assert found.difference.mean == pytest.approx(np.mean(now) - np.mean(scores))
    assert found.message.startswith("f1: -0.1")
    assert "on 80 cases" in found.message
    assert "lost most: c17," in found.message
    assert "agree on a new baseline" in found.message


def test_a_loss_that_cannot_be_ruled_out_fails_and_says_how_many_cases_would(gate, scores):
    now = changed(scores, -0.02, scatter=0.2)
    (found,) = gate(document(scores), document(now))
    difference = np.array(now) - np.array(scores)
    assert -0.05 < found.difference.mean < 0
    assert not found.passed
    more = cases_needed(difference.std(ddof=1), difference.mean() + 0.05) - 80
    assert "cannot be ruled out" in found.message
    assert f"About {more} more cases" in found.message


def test_the_bound_is_the_low_end_of_the_clustered_interval(gate, scores):
    """Differences that pass case by case do not where cases of a group go up and down together."""
    moves = np.repeat(np.random.default_rng(3).normal(0, 0.12, 16), 5)
    now = (np.array(scores) + moves - moves.mean()).tolist()
    groups = [f"g{number // 5}" for number in range(80)]
    (alone,) = gate(document(scores), document(now))
    (together,) = gate(document(scores, groups=groups), document(now, groups=groups))
    assert alone.difference.low > -0.05 > together.difference.low
    assert (alone.passed, together.passed) == (True, False)


def test_missing_scores_fail_beyond_the_stated_share(gate, scores):
    now = [None, None, None, None, *scores[4:]]
    (found,) = gate(document(scores), document(now))
    assert (found.passed, found.missing) == (False, 4)
    assert "4 of 80 cases" in found.message
    assert found.message.endswith("Run the failed cases again.")
    assert "c0, c1, c2, …" in found.message
    (allowed,) = gate(document(scores), document(now), "most_missing = 0.05\n" + GATE)
    assert allowed.passed
    assert allowed.message.endswith("Cases without a score now: 4.")
    (unscored_before,) = gate(document(now), document(scores))
    assert unscored_before.passed, "what the baseline has no score for is not missing"
    (nothing,) = gate(document([None] * 80), document(scores))
    assert not nothing.passed


def test_where_less_is_better_more_is_a_loss(gate, scores):
    now = document(changed(scores, 0.1))
    assert gate(document(scores), now)[0].passed
    (found,) = gate(document(scores), now, lower_is_better=["f1"])
    assert not found.passed
    assert found.difference.mean == pytest.approx(-0.1, abs=0.03)


def test_passes_are_compared_as_passes_whichever_way_is_better(gate):
    before, now = [1.0, 0.0] * 40, [1.0, 0.0, 0.0, 0.0] * 20
    (found,) = gate(document(before), document(now))
    (turned,) = gate(document(now), document(before), lower_is_better=["f1"])
    assert (turned.difference.low, turned.difference.high) == (found.difference.low, found.difference.high)
    assert turned.message == found.message


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([0.5] * 8, [0.6] * 8),
        ([0.5] * 8, [1.0] + [0.5] * 7),
        ([0.5] * 8, [1.0] + [0.6] * 7),
        ([0.0] * 8, [0.9] + [0.0] * 7),
        ([0.2], [0.3]),
        ([0.1, 0.9, 0.4], [0.1, 1.0, 0.4]),
        ([0.0, 1.0] * 30, [1.0, 1.0] + [0.0, 1.0] * 29),
    ],
)
def test_a_run_that_only_improved_passes(gate, before, now):
    (found,) = gate(document(before), document(now))
    assert found.passed, found.message
    assert found.message.startswith("f1: no case has lost: ")
    (turned,) = gate(document(now), document(before), lower_is_better=["f1"])
    assert turned.passed
    (other_way,) = gate(document(now), document(before), "allowed_loss = {f1 = 0.0}\nbaseline = 'agreed.json'\n")
    assert not other_way.passed


def test_a_loss_is_ruled_out_by_the_flips_and_the_message_agrees(gate):
    """Seven cases that gain 0.1 and one that loses 0.05: with 0.05 allowed, only flips of that one are as extreme."""
    (found,) = gate(document([0.5] * 8), document([0.6] * 7 + [0.45]))
    assert found.passed
    assert found.difference.low >= -0.05
    (unsure,) = gate(document([0.5] * 8), document([0.6] * 5 + [0.4] * 3))
    assert not unsure.passed
    assert "a larger loss cannot be ruled out (p = " in unsure.message


def test_five_cases_cannot_rule_a_loss_out_and_six_can(gate):
    """2^-5 is above the error of 2.5 % that is allowed, and 2^-6 below."""
    before, now = [0.5] * 7, [0.49] + [0.6] * 6
    assert [gate(document(before[:n]), document(now[:n]))[0].passed for n in (5, 6)] == [False, True]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(*[st.sampled_from([0.0, 0.25, 0.4, 0.5, 0.6, 1.0])] * 2), min_size=1, max_size=20),
    allowed=st.sampled_from([0.0, 0.02, 0.05, 0.3]),
    group=st.integers(1, 3),
    lower=st.booleans(),
    data=st.data(),
)
def test_a_case_that_becomes_better_never_turns_a_pass_into_a_failure(gate, rows, allowed, group, lower, data):
    before, now = ([row[side] for row in rows] for side in (0, 1))
    place, better = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from([0.1, 0.3, 1.0]))
    improved = list(now)
    improved[place] = max(0.0, now[place] - better) if lower else min(1.0, now[place] + better)
    text = GATE.replace("0.05", str(allowed))
    groups = [f"g{number // group}" for number in range(len(rows))]
    first, second = (
        gate(
            document(before, groups=groups),
            document(run, groups=groups),
            text,
            lower_is_better=["f1"] if lower else [],
        )[0]
        for run in (now, improved)
    )
    assert second.passed or not first.passed, (first.message, second.message)


def test_no_absurd_number_of_cases_is_asked_for(gate, scores):
    scatter = np.random.default_rng(4).normal(0, 0.2, 80)
    now = (np.array(scores) + scatter - scatter.mean() - 0.0499).tolist()
    (found,) = gate(document(scores), document(now))
    assert not found.passed
    assert found.message.endswith("No benchmark of a sensible size would rule it out.")


def test_each_scorer_has_a_limit_of_its_own(gate, scores):
    found = gate(document(scores), document(changed(scores, -0.1)), GATE + "exact = 0.0\n")
    assert [(one.scorer, one.passed) for one in found] == [("f1", False), ("exact", True)]
    told = gate_json(found)
    assert told["passed"] is False
    assert json.loads(json.dumps(told))["findings"][0]["scorer"] == "f1"


def test_a_report_is_a_baseline_too(gate, scores):
    before, now = report(rag=scores, base=changed(scores, -0.3)), report(rag=changed(scores, 0.01))
    named = 'candidate = "rag"\n' + GATE
    assert gate(before, now, named)[0].passed
    assert gate(report(rag=scores), now)[0].passed, "a candidate that is the only one need not be named"
    with pytest.raises(InputError, match=r"several. Name one of these in the gate file: rag, base"):
        gate(before, now)
    with pytest.raises(InputError, match=r"no candidate `base`.*rag"):
        gate(before, now, 'candidate = "base"\n' + GATE)


@pytest.mark.parametrize(
    ("now", "message"),
    [
        ({"fingerprint": "b2"}, "benchmark b1, but this run is from b2.*new baseline"),
        ({"signature": "f1|v2"}, r"f1 was `f1\|v1` and is now `f1\|v2`.*new baseline"),
    ],
)
def test_another_benchmark_or_scorer_is_not_comparable(gate, scores, now, message):
    with pytest.raises(NotComparable, match=message):
        gate(document(scores), document(scores, **now))


def test_other_cases_are_not_comparable(gate, scores):
    with pytest.raises(NotComparable, match=r"80 cases and this run 79.*--quick"):
        gate(document(scores), document(scores[:-1]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GATE + "magic = 0.1\n", "`magic` is not scored case by case in both runs.*f1"),
        (GATE.replace("agreed", "nowhere"), "nowhere.json: no such file"),
        ('baseline = "agreed.json"\n', "gate.toml: `allowed_loss` is missing"),
        ('baselin = "x"\n' + GATE, "unknown key `baselin`. Did you mean `baseline`"),
        (GATE.replace("0.05", "-0.05"), "allowed_loss.f1` is -0.05"),
        ("most_missing = 2\n" + GATE, "`most_missing` is 2"),
        ("baseline = \n", "gate.toml: not valid TOML"),
    ],
)
def test_a_gate_that_is_not_as_it_should_be_is_refused(gate, scores, text, message):
    with pytest.raises(InputError, match=message):
        gate(document(scores), document(scores), text)


def test_a_candidate_that_will_not_be_run_is_refused_beforehand(gate, scores, tmp_path):
    gate(report(rag=scores), report(rag=scores), 'candidate = "rag"\n' + GATE)
    assert load_gate(tmp_path / "gate.toml", ["base", "rag"]).limits.candidate == "rag"
    with pytest.raises(InputError, match=r"no candidate `rag`.*base, tuned"):
        load_gate(tmp_path / "gate.toml", ["base", "tuned"])


def test_corpus_bleu_has_no_scores_of_cases(gate, scores):
    before = document(scores)
    before["signatures"]["corpus_bleu"] = "bleu|x"
    with pytest.raises(InputError, match=r"`corpus_bleu` is not scored case by case in both runs"):
        gate(before, before, GATE + "corpus_bleu = 1\n")


@pytest.mark.parametrize("before", [{}, {"cases": 3}, {"candidates": {"rag": {}}}, [1, 2]])
def test_a_baseline_that_is_no_run_is_refused(gate, scores, before):
    with pytest.raises(InputError, match=r"agreed.json: is not the result of a run"):
        gate(before, document(scores))


# --- agents ---------------------------------------------------------------------------------------

MAY_ACT = GATE.replace("[allowed_loss]", "may_act = true\n[allowed_loss]")


def acting(**known):
    """A report in which nothing was lost, with what is known of the candidate as an agent."""
    run = report(rag=[0.5] * 8)
    result = {"name": "rag", "state": "tried", "tasks": 4, "trials": 4, **known}
    return {**run, "agents": {"fingerprint": "f1", "tasks": 4, "candidates": [result]}}


@pytest.mark.parametrize(
    ("known", "passes", "said"),
    [
        ({"may_act": True}, True, "rag made no change that the customer did not want, in 4 trials"),
        ({"may_act": False, "unauthorised": 1, "unsafe_trials": 1}, False, "rag must not act: it made 1 change"),
        ({"tasks": 3, "trials": 3}, False, "only 3 of 4 tasks were tried"),
        ({"state": "not tried", "tasks": 0}, False, "rag was not tried as an agent"),
    ],
)
def test_a_gate_may_ask_that_the_candidate_may_act(gate, known, passes, said):
    before = report(rag=[0.5] * 8)
    scores, finding = gate(before, acting(**known), MAY_ACT)
    assert scores.passed
    assert (finding.scorer, finding.passed) == ("may_act", passes)
    assert said in finding.message
    assert [each.scorer for each in gate(before, acting(**known))] == ["f1"], "nobody asked"


def test_where_nothing_acts_such_a_gate_fails(gate):
    finding = gate(report(rag=[0.5] * 8), report(rag=[0.5] * 8), MAY_ACT)[-1]
    assert not finding.passed
    with pytest.raises(InputError, match="answers alone do not act"):
        gate(document([0.5] * 8), document([0.5] * 8), MAY_ACT)
