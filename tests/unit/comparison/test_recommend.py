"""The choice among candidates, and that every sentence says what the figures say."""

from __future__ import annotations

import doctest

import pytest

from groundtune.assembly.candidates import registered, steps
from groundtune.comparison import recommend as module
from groundtune.comparison.recommend import Contender, Ground, recommend
from groundtune.values import Difference, Estimate

KNOWN = registered()
GROUND = Ground("resolution", 100, 40, detectable=0.09, steps=tuple(steps(list(KNOWN.values()))))


def contender(name, mean, *, scored=100, failed=0, unscored=0, **more):
    low, high = (None, None) if mean is None else (mean - 0.05, mean + 0.05)
    cost = KNOWN[name].cost if name in KNOWN else None
    return Contender(name, Estimate(mean, low, high, scored, unscored, failed), cost=cost, **more)


def difference(baseline, challenger, mean, verdict, *, more=None, scorer="resolution", p_value=0.01):
    return Difference(
        scorer, baseline, challenger, Estimate(mean, mean - 0.03, mean + 0.03, 100), p_value, verdict, more
    )


def test_a_clear_leader_is_shipped_and_the_matter_is_closed():
    found = recommend(
        [contender("base", 0.3), contender("rag", 0.6)], [difference("base", "rag", 0.3, "better")], GROUND
    )
    assert (found.candidate, found.indistinguishable, found.more_cases_needed, found.sure) == (
        "rag",
        ("rag",),
        None,
        True,
    )
    assert found.reasons[0] == "Ship rag: it is better than every other candidate on resolution."
    assert any("+0.300 (95 % sure to lie between +0.270 and +0.330), p = 0.010" in text for text in found.reasons)


def test_the_direction_in_which_two_were_compared_does_not_matter():
    contenders = [contender("base", 0.3), contender("rag", 0.6)]
    there = recommend(contenders, [difference("base", "rag", 0.3, "better")], GROUND)
    back = recommend(contenders, [difference("rag", "base", -0.3, "worse")], GROUND)
    assert there == back


def test_a_tie_goes_to_the_simpler_one_openly_with_the_cases_that_would_tell():
    found = recommend(
        [contender("base", 0.3), contender("rag", 0.58), contender("tuned+rag", 0.61)],
        [
            difference("base", "rag", 0.28, "better"),
            difference("base", "tuned+rag", 0.31, "better"),
            difference("rag", "tuned+rag", 0.03, "cannot tell", more=340, p_value=0.2),
        ],
        GROUND,
    )
    assert (found.candidate, found.indistinguishable) == ("rag", ("rag", "tuned+rag"))
    assert (found.more_cases_needed, found.sure) == (340, False)
    assert found.reasons[0] == "Ship rag for now: these cases cannot tell it apart from tuned+rag."
    assert "simplicity, not by proof" in found.reasons[1]
    assert "About 340 more cases would tell them apart" in found.reasons[2]


def test_what_another_candidate_beats_is_no_choice_even_if_the_leader_does_not_beat_it():
    found = recommend(
        [contender("base", 0.11), contender("rag", 0.21), contender("tuned", 0.23), contender("raft", 0.29)],
        [
            difference("base", "rag", 0.1, "cannot tell", more=300, p_value=0.9),
            difference("base", "tuned", 0.12, "better"),
            difference("base", "raft", 0.18, "cannot tell", more=43, p_value=0.07),
            difference("rag", "tuned", 0.02, "cannot tell", p_value=0.9),
            difference("rag", "raft", 0.08, "cannot tell", more=40, p_value=0.2),
            difference("tuned", "raft", 0.06, "cannot tell", more=600, p_value=0.9),
        ],
        GROUND,
    )
    assert (found.candidate, found.indistinguishable) == ("rag", ("rag", "raft", "tuned"))
    assert found.more_cases_needed == 40


def test_a_simpler_leader_keeps_the_lead_and_says_what_it_would_take():
    found = recommend(
        [contender("rag", 0.62), contender("raft", 0.6)],
        [difference("rag", "raft", -0.02, "cannot tell", more=900, p_value=0.4)],
        GROUND,
    )
    assert (found.candidate, found.more_cases_needed, found.sure) == ("rag", 900, False)


def test_equivalence_is_a_sure_answer():
    found = recommend(
        [contender("rag", 0.6), contender("raft", 0.605)], [difference("rag", "raft", 0.005, "equivalent")], GROUND
    )
    assert (found.candidate, found.sure, found.more_cases_needed) == ("rag", True, None)
    assert "makes no difference that matters" in found.reasons[0]


def test_retrieval_goes_before_tuning_and_own_names_come_last():
    names = ["mine", "raft", "tuned+rag", "tuned", "rag", "base"]
    pairs = [
        difference(one, other, 0.0, "cannot tell", more=50)
        for index, one in enumerate(names)
        for other in names[index + 1 :]
    ]
    left = [contender(name, 0.5) for name in names]
    chosen = []
    while left:
        chosen.append(recommend(left, pairs, GROUND).candidate)
        left = [one for one in left if one.name != chosen[-1]]
    assert chosen == ["base", "rag", "tuned", "tuned+rag", "raft", "mine"]


def test_a_part_that_hurts_is_a_finding():
    found = recommend(
        [contender("rag", 0.6), contender("tuned+rag", 0.45)], [difference("rag", "tuned+rag", -0.15, "worse")], GROUND
    )
    assert any(text.startswith("tuned+rag is worse than rag") and "−0.150" in text for text in found.reasons)


def test_measures_that_disagree_are_named():
    found = recommend(
        [contender("base", 0.3), contender("rag", 0.6)],
        [
            difference("base", "rag", 0.3, "better"),
            difference("base", "rag", -0.1, "worse", scorer="abstention_recall"),
        ],
        GROUND,
    )
    assert "Not every measure agrees: base is better than rag on abstention_recall." in found.reasons


def test_latency_abstention_and_power_are_told():
    found = recommend(
        [contender("base", 0.3, seconds=0.5), contender("rag", 0.6, seconds=1.25, abstained=0.12)],
        [difference("base", "rag", 0.3, "better")],
        GROUND,
    )
    text = " ".join(found.reasons)
    assert "rag takes 1.2 seconds for a typical answer (base 0.5 s)" in text
    assert 'rag said "I do not know" to 12 % of the questions' in text
    assert "a true difference of 0.090 on resolution is found four times in five" in text


@pytest.mark.parametrize(
    ("made_up", "sentence"),
    [
        ((8, 8), "rag made up an answer to 8 of the 8 questions that the documents do not answer."),
        ((0, 8), "rag made up an answer to none of the 8 questions that the documents do not answer."),
        ((0, 0), None),
    ],
)
def test_answers_to_questions_without_one_are_told(made_up, sentence):
    text = " ".join(recommend([contender("rag", 0.6, made_up=made_up)], [], GROUND).reasons)
    assert (sentence in text) if sentence else ("made up" not in text)


def test_nothing_scored_recommends_nothing():
    found = recommend([contender("rag", None, scored=0, failed=100)], [], GROUND)
    assert (found.candidate, found.indistinguishable, found.sure) == (None, (), False)
    assert "none of its cases has a score (100 failed" in found.reasons[1]


def test_a_candidate_that_fails_too_often_is_not_considered():
    found = recommend(
        [contender("base", 0.3), contender("rag", 0.9, scored=70, failed=30)],
        [difference("base", "rag", 0.6, "better")],
        GROUND,
    )
    assert found.candidate == "base"
    assert "rag was not considered: it failed on 30 of 100 cases. Fix that first." in found.reasons


def test_failures_that_could_turn_the_result_leave_it_open():
    contenders = [contender("base", 0.50), contender("rag", 0.58, scored=90, failed=10)]
    found = recommend(contenders, [difference("base", "rag", 0.08, "better")], GROUND)
    assert found.candidate == "rag"  # at worst 0.522, still above 0.50
    contenders[0] = contender("base", 0.50, scored=95, failed=5)
    found = recommend(contenders, [difference("base", "rag", 0.08, "better")], GROUND)
    assert (found.candidate, found.sure) == (None, False)
    assert "the means would be 0.52 and 0.53" in found.reasons[0]


def test_too_few_groups_cannot_tell_whatever_the_means():
    found = recommend(
        [contender("base", 0.1), contender("rag", 0.9)],
        [difference("base", "rag", 0.8, "cannot tell")],
        Ground("resolution", 20, 5),
    )
    assert found.candidate is None
    assert "20 cases in 5 independent groups cannot show any difference" in found.reasons[0]


def test_other_scales_have_their_own_digits():
    found = recommend(
        [contender("base", 20.0), contender("rag", 35.0)],
        [difference("base", "rag", 15.0, "better", scorer="bleu")],
        Ground("bleu", 100, 40, scale=(0, 100)),
    )
    assert any("rag 35.0 (" in text for text in found.reasons)


@pytest.mark.parametrize(("share", "said"), [(0, "0 %"), (0.001, "under 1 %"), (0.123, "12 %"), (1, "100 %")])
def test_percentages(share, said):
    assert module.percent(share) == said


def test_the_examples_in_the_documentation():
    assert doctest.testmod(module).failed == 0


def test_what_is_gained_by_not_knowing_is_told_apart():
    answerable = [Estimate(0.24, 0.2, 0.28, 80), Estimate(0.14, 0.1, 0.18, 80)]
    contenders = [
        contender("tuned", 0.19, made_up=(20, 20), answerable=answerable[0]),
        contender("rag", 0.3, made_up=(4, 20), answerable=answerable[1]),
    ]
    found = recommend(contenders, [difference("rag", "tuned", -0.11, "worse")], GROUND)
    assert found.candidate == "rag"
    expected = (
        "The same, only on questions that the documents answer: tuned 0.24 (0.20 to 0.28); rag 0.14 (0.10 to 0.18)."
    )
    assert expected in found.reasons
    without = [
        contender(name, mean, made_up=(0, 0), answerable=answerable[0]) for name, mean in (("a", 0.2), ("b", 0.3))
    ]
    assert not any("that the documents answer" in text for text in recommend(without, [], GROUND).reasons)


def test_differences_are_told_with_their_verdict_as_the_choice_has_it():
    found = recommend(
        [contender("base", 0.3), contender("rag", 0.6)], [difference("rag", "base", -0.3, "worse")], GROUND
    )
    assert any(reason.startswith("rag is better than base: +0.300") for reason in found.reasons)
