"""The choice among candidates, and that every sentence says what the figures say."""

from __future__ import annotations

import doctest

import pytest

from groundtune.assembly.candidates import registered, steps
from groundtune.comparison import wording
from groundtune.comparison.recommend import recommend
from groundtune.comparison.standings import Contender, Ground
from groundtune.values import Difference, Estimate

KNOWN = registered()
GROUND = Ground("resolution", 100, 40, detectable=0.09, steps=tuple(steps(list(KNOWN.values()))))


def contender(name, mean, *, scored=100, failed=0, unscored=0, **more):
    low, high = (None, None) if mean is None else (mean - 0.05, mean + 0.05)
    cost = KNOWN[name].cost if name in KNOWN else None
    return Contender(name, Estimate(mean, low, high, scored, unscored, failed), cost=cost, **more)


def difference(baseline, challenger, mean, verdict, *, more=None, scorer="resolution", p_value=0.01, **bounds):
    estimate = Estimate(mean, mean - 0.03, mean + 0.03, 100)
    return Difference(scorer, baseline, challenger, estimate, p_value, verdict, more, **bounds)


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
    assert "About 340 more cases would tell them apart if the difference stays as it is now." in found.reasons[2]


def test_cases_that_would_show_equality_are_not_said_to_tell_apart():
    contenders = [contender("base", 0.5), contender("rag", 0.505)]
    near = recommend(contenders, [difference("base", "rag", 0.005, "cannot tell", more=143, p_value=0.8)], GROUND)
    assert near.more_cases_needed == 143
    assert (
        "About 143 more cases would show that they make no difference that matters (less than 0.020)" in near.reasons[2]
    )
    never = recommend(contenders, [difference("base", "rag", 0.005, "cannot tell", p_value=0.8)], GROUND)
    assert never.reasons[2].endswith("No benchmark of a sensible size would show whether these two are alike.")
    far = recommend(contenders, [difference("base", "rag", 0.05, "cannot tell", p_value=0.8)], GROUND)
    assert far.reasons[2].endswith("No benchmark of a sensible size would tell these two apart.")


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


def test_the_other_measures_are_named_whether_they_agree_or_not():
    verdicts = {"rouge1": "better", "bleu": "better", "exact": "cannot tell", "abstention_recall": "worse"}
    others = [difference("base", "rag", 0.1, verdict, scorer=scorer) for scorer, verdict in verdicts.items()]
    contenders = [contender("base", 0.3), contender("rag", 0.6)]
    found = recommend(contenders, [difference("base", "rag", 0.3, "better"), *others], GROUND)
    assert (
        "By the other measures of rag and base: rag is better on rouge1 and bleu; base is better on abstention_recall; "
        "1 cannot tell." in found.reasons
    )
    agreeing = recommend(contenders, [difference("base", "rag", 0.3, "better"), *others[:2]], GROUND)
    assert "By the other measures of rag and base: rag is better on rouge1 and bleu." in agreeing.reasons
    alike = difference("base", "rag", 0.0, "equivalent", scorer="bleu")
    neither = recommend(contenders, [difference("base", "rag", 0.3, "better"), alike], GROUND)
    assert "No other measure tells rag apart from base." in neither.reasons


@pytest.mark.parametrize(("timed", "said"), [(5, "5 questions"), (3, "3 questions"), (1, "1 question")])
def test_latency_abstention_and_power_are_told_with_their_numbers(timed, said):
    found = recommend(
        [
            contender("base", 0.3, seconds=0.5, timed=timed),
            contender("rag", 0.6, seconds=1.25, timed=timed, abstained=(12, 100)),
        ],
        [difference("base", "rag", 0.3, "better")],
        GROUND,
    )
    text = " ".join(found.reasons)
    assert "rag takes 1.2 seconds for a typical answer (base 0.5 s): " in text
    assert f"the median of {said}, asked one at a time. Other work on the machine counts in." in text
    assert 'rag said "I do not know" to 12 of 100 questions (12 %).' in text
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
    assert (found.candidate, found.sure) == (None, False), "what rag beats is not shipped, though rag is not either"
    assert (
        "rag was not considered: it has a score on 70 of 100 cases (30 failed), and at least 80 % are needed. "
        "Fix that first." in found.reasons
    )
    unclear = [difference("base", "rag", 0.6, "cannot tell")]
    left = recommend([contender("base", 0.3), contender("rag", 0.9, scored=70, failed=30)], unclear, GROUND)
    assert (left.candidate, left.indistinguishable, left.sure) == ("base", ("base",), False)


def test_missing_scores_that_could_turn_the_result_leave_it_open():
    contenders = [contender("base", 0.50, scored=88, failed=12), contender("rag", 0.58)]
    beats = {"least": 0.01, "most": 0.2}
    sure = recommend(contenders, [difference("base", "rag", 0.08, "better", **beats)], GROUND)
    assert (sure.candidate, sure.indistinguishable, sure.sure) == ("rag", ("rag",), True)
    assert "base failed on 12 of 100 cases." in sure.reasons
    unsure = recommend(contenders, [difference("base", "rag", 0.08, "better", robust=False, **beats)], GROUND)
    assert (unsure.candidate, unsure.indistinguishable, unsure.sure) == ("rag", ("rag", "base"), False)
    assert unsure.reasons[0] == "Ship rag for now: scores are missing, and with them base might be as good."
    assert "base has a score on 88 of 100 cases, 12 failed" in unsure.reasons[1]
    assert "the mean difference would be +0.010, and rag would not be shown to be better" in unsure.reasons[1]
    back = recommend(
        contenders, [difference("rag", "base", -0.08, "worse", robust=False, least=-0.2, most=-0.01)], GROUND
    )
    assert back == unsure


def test_where_each_is_beaten_by_another_none_is_shipped():
    names = ("base", "rag", "tuned")
    circle = [
        difference("base", "rag", 0.1, "better"),
        difference("rag", "tuned", 0.1, "better"),
        difference("tuned", "base", 0.1, "better"),
    ]
    found = recommend([contender(name, 0.5) for name in names], circle, GROUND)
    assert (found.candidate, found.indistinguishable, found.sure) == (None, (), False)
    assert found.reasons[0] == "No candidate can be recommended: each is shown to be worse than another one."
    assert [text.split(":")[0] for text in found.reasons[1:4]] == [
        "base is worse than rag",
        "rag is worse than tuned",
        "tuned is worse than base",
    ]


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


@pytest.mark.parametrize(
    ("share", "said"), [(0, "0 %"), (0.001, "under 1 %"), (0.123, "12 %"), (0.997, "over 99 %"), (1, "100 %")]
)
def test_percentages(share, said):
    assert wording.percent(share) == said


def test_the_examples_in_the_documentation():
    assert doctest.testmod(wording).failed == 0


def test_what_is_gained_by_not_knowing_is_told_apart():
    answerable = [Estimate(0.24, 0.2, 0.28, 80), Estimate(0.14, 0.1, 0.18, 80)]
    contenders = [
        contender("tuned", 0.19, made_up=(20, 20), answerable=answerable[0]),
        contender("rag", 0.3, made_up=(4, 20), answerable=answerable[1]),
    ]
    found = recommend(contenders, [difference("rag", "tuned", -0.11, "worse")], GROUND)
    assert found.candidate == "rag"
    expected = (
        "The same, only on questions that the documents answer: tuned 0.24 (0.20 to 0.28); rag 0.14 (0.10 to 0.18); "
        "each on 80 cases."
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
