"""`groundtune feedback` on conversations in the records, and that `data check` takes what it exports."""

import json

import pytest

from groundtune.agents.feedback import FeedbackAgent
from groundtune.project import open_project
from groundtune.records.feedback import Opinion
from groundtune.values import Actor, Answer, Citation, Place, Usage

QUESTIONS = {
    "How do I leave the pebble plan?": ("You can leave the pebble plan at any time.", "Nobody leaves pebble."),
    "Is there a discount for students?": ("Students pay half of the monthly price.", "Ask your teacher."),
    "When is my invoice sent to me?": ("Invoices are sent on the third of each month.", "Invoices come in spring."),
    "Where can I return the old router?": ("Any shop takes old routers back.", "Throw the router away."),
    "Does roaming work in Norway?": ("Roaming works in Norway without extra fees.", "Norway has no network."),
    "Who repairs a broken screen?": ("Our workshop repairs screens within two days.", "Screens never break."),
}
CARLA = Actor("carla", ("staff",))


@pytest.fixture
def talked(project):
    """The project after a good and a bad answer for each plan, each to another user."""
    with open_project(project) as opened:
        records = opened.assembly.records
        agent = FeedbackAgent(records)
        for number, (question, answers) in enumerate(QUESTIONS.items()):
            opinions = (Opinion(thumb=True), Opinion(stars=1, text=f"Wrong, call me on 0171 555 66{number}0."))
            for user, text, opinion in zip(("ana", "bob"), answers, opinions, strict=True):
                asked = f"{question} I am max{number}@mail.com"
                talk(records, agent, f"{user}{number}", (asked, text), opinion)
    return project


def talk(records, agent, user, said, opinion, *, consent=True):
    question, text = said
    talks = records.conversations()
    key = talks.begin(user, "rag", consent=consent)
    talks.add(key, user, "user", question)
    cited = Citation("plans.md", Place(9, 30), "The pebble plan costs", "model")
    talks.add(key, user, "assistant", text, Answer(text, False, Usage(), citations=(cited,), support=0.8))
    talks.end(key, user)
    agent.ask(key, user)
    agent.give(key, user, opinion)
    return key


def test_a_project_without_feedback_says_so(run, project):
    done = run("feedback", "report", "--project", project)
    assert (done.code, "Nobody has said anything yet." in done.out) == (0, True)
    refused = run("feedback", "export", project / "preferences.jsonl", "--project", project)
    assert refused.code == 2
    assert "no pair of a better and a worse answer" in refused.err


def test_the_report_shows_shares_with_intervals_and_no_personal_data(run, talked):
    done = run("feedback", "report", "--project", talked, "--json")
    assert done.code == 0, done.err
    share = done.json["overall"]["share"]
    assert (share["mean"], share["scored"]) == (0.5, 12)
    assert share["low"] < 0.5 < share["high"]
    assert done.json["topics"][0]["name"] == "plans.md"
    assert done.json["complaints"] == {"unclassified": 6}
    assert done.json["response"]["conversations"] == 12
    worst = done.json["worst"][0]
    assert worst["passages"] == [["plans.md", "The pebble plan costs"]]
    assert "mail.com" not in done.out
    assert "0171" not in done.out
    shown = run("feedback", "report", "--project", talked)
    assert "rag" in shown.out
    assert "12 ratings by 12 users" in shown.out


def test_since_a_day_to_come_there_is_nothing(run, talked):
    assert run("feedback", "report", "--since", "2999-01-01", "--project", talked, "--json").json["ratings"] == 0
    assert run("feedback", "report", "--since", "2000-01-01", "--project", talked, "--json").json["ratings"] == 12
    assert run("feedback", "report", "--since", "yesterday", "--project", talked).code == 2


def test_pairs_are_exported_once_without_personal_data(run, talked):
    file = talked / "preferences.jsonl"
    done = run("feedback", "export", file, "--project", talked, "--json")
    assert done.code == 0, done.err
    assert (done.json["pairs"], done.json["origins"], done.json["redacted"]) == (6, {"thumbs": 6}, 6)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert "mail.com" not in file.read_text()
    assert [line["chosen"][0]["content"] for line in lines] == [better for better, _ in QUESTIONS.values()]
    for line in lines:
        assert line["source"] == "feedback:thumbs"
        assert len(line["provenance"]["conversations"]) == 2
    again = run("feedback", "export", file, "--project", talked)
    assert (again.code, "is there already" in again.err) == (2, True)


def test_data_check_reads_what_was_exported(run, talked):
    file = talked / "preferences.jsonl"
    assert run("feedback", "export", file, "--project", talked).code == 0
    checked = run("data", "check", file, "--project", talked, "--json")
    assert {gate["name"]: gate["passed"] for gate in checked.json["gates"]}["personal_data"]
    assert checked.code == 0, checked.out


def test_corrections_are_pairs_and_what_cannot_be_used_is_counted(run, talked):
    with open_project(talked) as opened:
        records = opened.assembly.records
        agent = FeedbackAgent(records)
        key = talk(records, agent, "eve", ("And the fee?", "None."), Opinion(thumb=False))
        agent.correct(key, "eve", 2, CARLA, "The fee is 11 euros.")
        talk(records, agent, "tom", ("And the fee?", "11."), Opinion(thumb=True), consent=False)
    done = run("feedback", "export", talked / "more.jsonl", "--project", talked, "--json")
    assert done.json["origins"] == {"correction": 1, "thumbs": 6}
    assert done.json["left_out"] == {"the user did not consent to learning": 1}
