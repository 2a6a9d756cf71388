"""What users say becomes pairs that pass the gates and train: with the built-in models, from talk to adapter."""

import pytest

from groundtune.assembly.listening import open_feedback
from groundtune.project import open_project
from groundtune.records.feedback import Opinion
from groundtune.values import Actor, Answer, Usage

DOCUMENT = """# Help

You can leave the Pebble plan at any time, at the end of the month. Students pay half of the monthly price. Invoices are
sent on the third of each month by post or mail. Any shop takes old routers back and gives a receipt. Roaming works in
Norway without extra fees. Our workshop repairs broken screens within two days.
"""
QUESTIONS = {
    "How do I leave the Pebble plan?": ("You can leave the Pebble plan at any time.", "Nobody leaves Pebble, ever."),
    "Is there a discount for students?": ("Students pay half of the monthly price.", "Ask your teacher for money."),
    "When is my invoice sent to me?": ("Invoices are sent on the third of each month.", "Invoices come in spring."),
    "Where can I return the old router?": ("Any shop takes old routers back.", "Throw the router out of a window."),
    "Does roaming work in Norway?": ("Roaming works in Norway without extra fees.", "Norway has no roaming at all."),
    "Who repairs a broken screen?": ("Our workshop repairs screens within two days.", "A screen never breaks."),
}
FEW_STEPS = {"tuning.preference.steps": 1, "tuning.held_out": 1}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "help.md").write_text(DOCUMENT, encoding="utf-8")
    (tmp_path / "groundtune.toml").write_text("", encoding="utf-8")
    with open_project(tmp_path, FEW_STEPS) as opened:
        yield opened


@pytest.mark.models
def test_feedback_becomes_preferences_that_pass_the_gates_and_train(project):
    records = project.assembly.records
    agent = open_feedback(project.assembly)
    for question, answers in QUESTIONS.items():
        for user, text, opinion in zip(
            ("ana", "bob"), answers, (Opinion(stars=5), Opinion(thumb=False, text="That is simply wrong.")), strict=True
        ):
            key = records.conversations().begin(f"{user} {question}", "rag", consent=True)
            for role, said in (("user", question), ("assistant", text), ("user", "ok, thanks")):
                answer = Answer(said, False, Usage()) if role == "assistant" else None
                records.conversations().add(key, f"{user} {question}", role, said, answer)
            assert agent.ask(key, f"{user} {question}").turn == 2
            agent.give(key, f"{user} {question}", opinion)
    agent.correct(key, f"bob {question}", 2, Actor("carla", ("staff",)), "Our workshop does, within two days.")

    done = project.feedback.export(project.folder / "preferences.jsonl")
    assert (done.pairs, done.origins) == (7, {"correction": 1, "thumbs": 6})
    assert project.feedback.report().complaints == {"wrong": 6}
    checked = project.check_data([done.path])
    assert checked.report.failed == ()
    manifest = project.tune("liked", "preference")
    assert manifest.data["pairs"] == 7
