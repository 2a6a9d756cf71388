"""What the report on feedback says: by hand, and where there is nothing or little to say."""

from datetime import UTC, datetime, timedelta

import pytest

from groundtune.comparison.feedback_report import UNCITED, AnswerWithFeedback, report_feedback
from groundtune.records.feedback import FeedbackRecord, Opinion, RatedTurn
from groundtune.values import Answer, Citation, Estimate, Place, Usage

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def row(user, opinion, *, week=0, candidate="rag", document="plans.md", asked=None, **given):
    """`asked`: None if they spoke up by themselves."""
    key = given.pop("conversation", f"{user}-{week}-{candidate}")
    time = MONDAY + timedelta(weeks=week)
    record = FeedbackRecord(
        RatedTurn(key, 2, user, candidate),
        given.pop("rater", user),
        opinion,
        asked_at=time if asked else None,
        given_at=None if opinion is None else time,
        **given,
    )
    citations = (Citation(document, Place(0, 7), "9 euros", "model"),) if document else ()
    return AnswerWithFeedback(record, "What?", "9 euros", Answer("9 euros", False, Usage(), (), citations, support=0.5))


UP, DOWN = Opinion(thumb=True), Opinion(thumb=False, text="Wrong")


def test_nothing_said_is_said():
    report = report_feedback([])
    assert (report.ratings, report.overall.share, report.notes) == (
        0,
        Estimate(None, None, None, 0),
        ("Nobody has said anything yet.",),
    )


def test_one_user_has_no_interval_and_few_users_are_told():
    alone = report_feedback([row("ana", UP), row("ana", DOWN, week=1)])
    assert (alone.overall.share.mean, alone.overall.share.low) == (0.5, None)
    assert "All ratings are of one user" in alone.notes[0]
    assert "Only 2 users rated" in report_feedback([row("ana", UP), row("bob", DOWN)]).notes[0]


def test_shares_are_by_week_candidate_and_first_document():
    rows = [row(f"user{n}", UP if n % 4 else DOWN, week=n % 2, candidate="base" if n < 8 else "rag") for n in range(24)]
    report = report_feedback([*rows, row("last", UP, document="", week=1)])
    assert report.overall.share.mean == 19 / 25
    assert report.overall.share.low < 19 / 25 < report.overall.share.high
    assert [(each.name, each.share.mean, each.share.scored) for each in report.weeks] == [
        ("2026-W10", 0.5, 12),
        ("2026-W11", 1.0, 13),
    ]
    assert {each.name: each.share.scored for each in report.candidates} == {"rag": 17, "base": 8}
    assert {each.name: each.users for each in report.topics} == {"plans.md": 24, UNCITED: 1}
    assert any("drew by chance" in note for note in report.notes)


def test_ratings_of_one_user_count_as_one_group():
    """Ten times the same user tell less than ten users."""
    many = report_feedback([row(f"user{n}", UP if n % 2 else DOWN) for n in range(20)])
    few = report_feedback([row(f"user{n % 2}", UP if n % 2 else DOWN, week=n) for n in range(20)])
    width = [each.overall.share.high - each.overall.share.low for each in (many, few)]
    assert width[0] < 0.6 < width[1]


def test_stars_and_thumbs_give_one_share_and_texts_alone_none():
    report = report_feedback(
        [row("a", Opinion(stars=5)), row("b", Opinion(stars=3)), row("c", UP), row("d", Opinion(text="Hm"))]
    )
    assert (report.overall.share.mean, report.overall.share.unscored) == (2 / 3, 1)
    assert (report.overall.stars.mean, report.overall.stars.scored) == (4.0, 2)


def test_who_answers_is_told_with_what_the_others_may_think():
    rows = [row(f"yes{n}", UP, asked=True) for n in range(3)]
    rows += [row("no", DOWN, asked=True), row("late", None, asked=True, declined_at=MONDAY)]
    rows += [row(f"silent{n}", None, asked=True) for n in range(5)]
    rows += [row("angry", DOWN)]
    response = report_feedback(rows).response
    assert (response.conversations, response.answered, response.declined, response.rate.mean) == (10, 4, 1, 0.4)
    assert (response.least, response.most) == (0.3, 0.9)
    assert (response.asked.mean, response.unasked.mean) == (0.75, 0.0)
    assert (response.support_answered.scored, response.support_silent.scored) == (4, 6)


def test_who_rates_another_answer_of_the_conversation_did_answer():
    asked = row("ana", None, asked=True, conversation="talk")
    assert report_feedback([asked, row("ana", UP, conversation="talk")]).response.answered == 1


def test_the_worst_answers_come_with_what_they_rest_on():
    rows = [
        row("a", Opinion(stars=2)),
        row("b", Opinion(stars=1, text="Nonsense"), complaint="wrong"),
        row("c", DOWN, week=1),
        row("d", Opinion(stars=3)),
    ]
    worst = report_feedback(rows).worst
    assert [each.stars for each in worst] == [1, None, 2]
    assert (worst[0].complaint, worst[0].text, worst[0].passages) == ("wrong", "Nonsense", (("plans.md", "9 euros"),))
    assert report_feedback(rows).complaints == {"wrong": 1}
    assert len(report_feedback(rows, worst=2).worst) == 2


def test_corrections_of_experts_are_no_ratings():
    report = report_feedback([row("ana", Opinion(correction="10 euros"), rater="carla")])
    assert report.ratings == 0


def test_an_erased_conversation_leaves_its_rating():
    kept = row("ana", DOWN)
    report = report_feedback([AnswerWithFeedback(kept.record)])
    assert report.overall.share.mean == 0.0
    assert "the conversation was erased" in report.notes[-1]
    assert report.topics[0].name == "(erased)"


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_interval_is_the_project_s(confidence):
    from groundtune.statistics import Method, estimate
    from groundtune.values import Score

    rows = [row(f"user{n}", UP if n % 3 else DOWN) for n in range(9)]
    scores = [Score(float(n % 3 > 0)) for n in range(9)]
    expected = estimate(scores, [f"user{n}" for n in range(9)], method=Method(confidence))
    assert report_feedback(rows, confidence).overall.share == expected
