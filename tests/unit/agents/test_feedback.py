"""When users are asked for feedback, and what is kept of what they say."""

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from _back_end import PayBill

from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.complaints import Classified
from groundtune.agents.feedback import FeedbackAgent, FeedbackRules, Situation, closes, moment, opinion_of
from groundtune.errors import InputError, ModelFailed
from groundtune.records import open_records
from groundtune.records.conversations import Turn
from groundtune.records.feedback import FeedbackRecord, Opinion, RatedTurn
from groundtune.values import ActionCall, Actor, Answer, Message, Usage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = FeedbackRules()
GOOD = Answer("Brook costs 9 euros.", abstained=False, usage=Usage())
ABSTAINED = Answer("I do not know.", abstained=True, usage=Usage())


def turns(*said, ago=timedelta(seconds=5)):
    """Turns of a user, as text, and of the assistant, as answers or (text,) without one."""
    made = []
    for number, each in enumerate(said, 1):
        answer = each if isinstance(each, Answer) else None
        text = each.text if answer else each if isinstance(each, str) else each[0]
        made.append(Turn(number, Message("user" if isinstance(each, str) else "assistant", text), NOW - ago, answer))
    return made


def asks(situation, history=(), rules=RULES):
    return moment(situation, history, "talk", NOW, rules).turn


def earlier(days, conversation="before", given=False, asked=True):
    time = NOW - timedelta(days=days)
    rated = RatedTurn(conversation, 2, "ana", "rag")
    opinion = Opinion(thumb=True) if given else None
    return FeedbackRecord(rated, "ana", opinion, asked_at=time if asked else None, given_at=time if given else None)


@pytest.mark.parametrize(
    ("situation", "turn"),
    [
        (Situation(turns("What?", GOOD, "Thanks, bye!")), 2),
        (Situation(turns("What?", GOOD, "Great, thank you", ("You are welcome!",))), 2),
        (Situation(turns("What?", GOOD), ended=True), 2),
        (Situation(turns("What?", GOOD, ago=timedelta(minutes=3))), 2),
        (Situation(turns("What?", GOOD, "Pay it", ("It is paid.",), "ok thx")), 4),
        (Situation(turns("What?", GOOD)), None),
        (Situation(turns("What?", GOOD, "Thanks, and L?")), None),
        (Situation(turns("What?", GOOD, "And L?"), ended=True), None),
        (Situation(turns("What?", ABSTAINED, "Thanks anyway, bye")), None),
        (Situation(turns("What?", ABSTAINED, "Thanks, bye")), None),
        (Situation(turns("What?", ("Which plan do you mean?",), ago=timedelta(hours=1))), None),
        (Situation(turns("Bye!")), None),
        (Situation([], ended=True), None),
        (Situation(turns("What?", GOOD, "Thanks!"), handed_over=True), None),
        (Situation(turns("What?", GOOD, "Thanks!"), pending=True), None),
        (Situation(turns("Pay it", ABSTAINED, "Thanks!"), acted_at=NOW), 2),
        (Situation(turns("Pay it", ABSTAINED, "Thanks!"), acted_at=NOW - timedelta(hours=1)), None),
    ],
)
def test_asked_after_an_answer_that_ended_the_matter_and_only_then(situation, turn):
    assert asks(situation) == turn


def test_not_asked_once_a_person_has_spoken():
    said = turns("What?", GOOD, "And L?", GOOD, "Thanks!")
    said[3] = replace(said[3], person="carla")
    assert asks(Situation(said)) is None


@pytest.mark.parametrize(
    ("history", "asked"),
    [
        ([earlier(29, given=True)], False),
        ([earlier(31, given=True)], True),
        ([earlier(29, given=True, asked=False)], False),
        ([earlier(89)], False),
        ([earlier(91)], True),
        ([earlier(400, conversation="talk")], False),
        ([earlier(400, conversation="talk", given=True, asked=False)], False),
    ],
)
def test_never_twice_a_conversation_and_never_soon_again(history, asked):
    assert (asks(Situation(turns("What?", GOOD, "Thanks!")), history) is not None) == asked


def test_a_user_who_rated_another_answer_than_the_one_asked_about_did_not_ignore_the_question():
    other = replace(earlier(40, given=True, asked=False), rated=RatedTurn("before", 4, "ana", "rag"))
    assert asks(Situation(turns("What?", GOOD, "Thanks!")), [earlier(40), other]) == 2


@pytest.mark.parametrize(
    "text",
    [
        *("Thanks!", "thank you so much", "ok thx", "Great, that helps. Have a nice day!", "No, that's all, thanks."),
        *("Perfect, that’s exactly what I needed to know.", "Bye bye", "Cheers", "Problem solved :)"),
    ],
)
def test_thanks_and_goodbyes_close_a_matter(text):
    assert closes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Thanks for nothing", "Thanks, but that is wrong", "Thank you. What about L?", "ok", "", "Great"),
        *("That's all wrong", "Bye the way, what is L", "I want to thank Ms Miller of your shop"),
        *(
            "all good " * 500 + "x",
            "all good " * 9 + "x",
            "thanks " * 21,
            "Does that help?",
            "thanks, not helpful",
            "See you charge 9 euros",
        ),
    ],
)
def test_what_says_more_does_not(text):
    assert not closes(text)


@pytest.mark.parametrize(
    ("line", "opinion"),
    [
        ("up", Opinion(thumb=True)),
        ("👎 too slow", Opinion(thumb=False, text="too slow")),
        ("Down: too slow", Opinion(thumb=False, text="too slow")),
        ("4/5", Opinion(stars=4)),
        (" 2  not what I asked ", Opinion(stars=2, text="not what I asked")),
        ("Upgrade failed", Opinion(text="Upgrade failed")),
    ],
)
def test_a_line_begins_with_a_thumb_or_stars_or_is_text(line, opinion):
    assert opinion_of(line) == opinion


@pytest.mark.parametrize("line", ["", "  ", "0", "7", "12 euros is wrong"])
def test_lines_that_are_no_opinion_are_refused(line):
    with pytest.raises(InputError):
        opinion_of(line)


def test_over_a_year_nobody_is_nagged():
    """Two conversations a day, each ending with thanks; some questions are answered, most are not."""
    rng, history, times = random.Random(7), [], []
    for number in range(730):
        now = NOW + timedelta(hours=12 * number)
        situation = Situation([replace(turn, said_at=now) for turn in turns("What?", GOOD, "Thanks!")])
        if moment(situation, history, f"talk {number}", now, RULES).turn is None:
            continue
        answers = rng.random() < 0.4
        rated = RatedTurn(f"talk {number}", 2, "ana", "rag")
        opinion = Opinion(thumb=True) if answers else None
        history.append(FeedbackRecord(rated, "ana", opinion, asked_at=now, given_at=now if answers else None))
        times.append((now, answers))
    gaps = [(later - earlier, answers) for (earlier, answers), (later, _) in itertools.pairwise(times)]
    assert 4 <= len(times) <= 12
    assert {gap for gap, answers in gaps if answers} == {RULES.again}
    assert {gap for gap, answers in gaps if not answers} == {RULES.after_silence}


# --- the agent ------------------------------------------------------------------------------------


class Desk:
    """Records with one conversation of Ana's that has ended with thanks; `now` is the time."""

    def __init__(self, folder):
        self.now = NOW
        self.records = open_records("sqlite:///records.db", folder, clock=lambda: self.now)
        self.talks = self.records.conversations()
        self.key = self.begin()

    def begin(self, *said):
        key = self.talks.begin("ana", "rag")
        for each in turns(*(said or ("What does Brook cost?", GOOD, "Thanks!"))):
            self.talks.add(key, "ana", each.message.role, each.message.content, each.answer)
        return key

    def agent(self, **given):
        return FeedbackAgent(self.records, **given)


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.records.close()


def test_it_asks_once_and_then_leaves_the_user_alone_for_a_while(desk):
    agent = desk.agent()
    assert agent.should_ask(desk.key, "ana").turn == 2
    assert agent.ask(desk.key, "ana").turn == 2
    assert agent.ask(desk.key, "ana").turn is None
    second = desk.begin()
    assert agent.ask(second, "ana").turn is None
    assert agent.decline(desk.key, "ana")
    desk.now += timedelta(days=91)
    assert agent.ask(second, "ana").turn == 2


def test_it_does_not_ask_while_an_approval_is_open(desk, tmp_path):
    agent, ana, call = desk.agent(), Actor("ana", ("customer",)), ActionCall("pay_bill", {"bill": "B-17"})
    approvals = Approvals(desk.records.effects())
    asked = approvals.ask(PayBill(tmp_path / "back-end.db"), call, ana, Occasion(desk.key, "turn 1"))
    assert agent.should_ask(desk.key, "ana").why == "an approval or a call is open"
    approvals.decide(asked.token, ana, call.digest, granted=False)
    assert agent.should_ask(desk.key, "ana").turn == 2


def test_what_a_user_says_is_kept_and_classified(desk):
    agent = desk.agent(classify=lambda text: Classified("outdated", "by hand"))
    given = agent.give(desk.key, "ana", Opinion(thumb=False, text="That was last year"))
    assert (given.turn, given.replaced, given.classified.complaint) == (2, None, "outdated")
    again = agent.give(desk.key, "ana", Opinion(stars=4, text="Oh, I see"), turn=2)
    assert again.replaced == given.opinion
    assert "replaces" in again.said
    assert again.classified is None, "who is satisfied does not complain"
    (record,) = desk.records.feedback().all()
    assert (record.opinion.stars, record.complaint, record.rated.candidate) == (4, "", "rag")


def test_feedback_is_of_the_answer_that_ended_the_matter_not_of_the_reply_to_thanks(desk):
    key = desk.begin("What does Brook cost?", GOOD, "Thanks!", ABSTAINED)
    assert desk.agent().give(key, "ana", Opinion(thumb=True)).turn == 2


def test_a_rating_is_kept_where_the_model_fails(desk):
    def fails(text):
        raise ModelFailed("no reply")

    given = desk.agent(classify=fails).give(desk.key, "ana", Opinion(text="Wrong"))
    assert given.classified.complaint == "unclassified"
    assert [each.complaint for each in desk.records.feedback().all()] == ["unclassified"]


def test_what_a_person_said_is_not_rated_as_the_candidate_s(desk):
    number = desk.talks.add(desk.key, "ana", "assistant", "Carla here.", person="carla")
    assert desk.agent().give(desk.key, "ana", Opinion(thumb=True)).turn == 2
    with pytest.raises(InputError, match="is no answer"):
        desk.agent().give(desk.key, "ana", Opinion(thumb=True), turn=number)


@pytest.mark.parametrize(("user", "turn"), [("bob", 2), ("ana", 1), ("ana", 9)])
def test_only_ones_own_answers_can_be_rated(desk, user, turn):
    with pytest.raises(InputError):
        desk.agent().give(desk.key, user, Opinion(thumb=True), turn=turn)
    assert desk.records.feedback().all() == []


def test_only_experts_correct_and_not_what_was_said_to_themselves(desk):
    agent = desk.agent()
    for nobody in (Actor("bob", ("customer",)), Actor("ana", ("staff",))):
        with pytest.raises(InputError, match="may not correct"):
            agent.correct(desk.key, "ana", 2, nobody, "11 euros")
    agent.correct(desk.key, "ana", 2, Actor("carla", ("staff",)), "11 euros")
    assert [each.by_expert for each in desk.records.feedback().all()] == [True]
