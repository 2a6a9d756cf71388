"""What learned entries gain, in a comparison with the twin that does not search them: a fake model, all else real."""

import json

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.errors import InputError, SettingsError
from groundtune.project import Project
from groundtune.records.proposals import Proposal
from groundtune.settings import load
from groundtune.testing.fakes import FunctionModel, only
from groundtune.values import EVERYONE

DOCUMENTED = ("pebble", "brook", "river")
TAUGHT = ("delta", "hazel", "sprig", "forge", "skim", "drift", "heath")
PLANS = (*DOCUMENTED, *TAUGHT)
FLAGS = {"comparison.resamples": "1000", "comparison.latency_cases": "1", "assistant.min_support": "0"}
FLAGS |= {"knowledge.passages": "10"}


def reply(conversation):
    """Read the price of the plan that is asked for out of the passages."""
    passages, _, question = conversation[-1].content.partition("Question:")
    place = passages.find(f"The {question.split()[-2]} plan costs") if question else -1
    return f"{passages[place : passages.find(' a month', place)]}." if place >= 0 else "It is 99 euros."


@pytest.fixture
def shop(tmp_path, make_shop, monkeypatch):
    """Open a project whose documents have three of ten prices; each case is a group."""
    make_shop(DOCUMENTED)
    lines = [
        {
            "id": name,
            "question": f"What does {name} cost?",
            "ideal_answer": f"The {name} plan costs {number + 7} euros.",
        }
        for number, name in enumerate(PLANS)
    ]
    lines = [{**line, "group": line["id"], "split": "test"} for line in lines]
    (tmp_path / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution", "exact"))

    def open_shop(**flags):
        assembly = Assembly(tmp_path, load(tmp_path, {**FLAGS, **flags}, environment={}))
        monkeypatch.setattr(assembly, "chat_model", lambda *_: FunctionModel(reply))
        return Project(assembly)

    return open_shop


def teach(project, names, readable_by=EVERYONE):
    """Accept an entry on each of these plans."""
    kept = project.assembly.records.proposals()
    for name in names:
        question, text = f"What does {name} cost?", f"The {name} plan costs {PLANS.index(name) + 7} euros a month."
        made = Proposal(name, "answer", question, text, "ana", f"talk {name}", (0, 1), readable_by)
        kept.take(made.conversation, [made])
        assert kept.accept(made, f"learned/{name}.md", "Rita")
    project.learning.settle()


def test_the_report_shows_what_entries_gain_and_that_the_knowledge_base_has_changed(shop):
    first = shop().compare(["base", "rag"])
    assert not any("learned" in note or "changed" in note for note in first.notes)
    teach(shop(), TAUGHT)
    teach(shop(), ["pebble"], readable_by=("staff",))
    report = shop().compare(["rag", "rag-without-learned"])
    means = {each.name: each.scores["exact"].mean for each in report.candidates}
    assert means == {"rag": 1.0, "rag-without-learned": pytest.approx(0.3)}
    assert report.recommendation.reasons[0] == "Ship rag: it is better than every other candidate on resolution."
    gain = "+0.544 (95 % sure to lie between +0.276 and +0.813) on resolution, over 10 cases: better."
    assert report.notes[:4] == (
        f"What rag gains by 8 entries learned from conversations, compared with rag-without-learned: {gain}",
        "rag found at least one of them in 10 of 10 cases, and cited one in 7. The mean gain is +0.544 there; cases: "
        "7 better (delta, drift, forge, hazel, heath, …).",
        "Found in no case, so that these cases do not show what they are worth: 1 of the 8 (learned/pebble.md).",
        f"The knowledge base has changed since the comparison of {first.created_at:%Y-%m-%d %H:%M} UTC (base, rag). "
        "rag now, beside then: +0.544 (95 % sure to lie between +0.276 and +0.813) on resolution over 10 cases.",
    )
    then = {row.case.id: row.answers["rag"].text for row in first.rows}
    assert then == {row.case.id: row.answers["rag-without-learned"].text for row in report.rows}
    assert "groundtune compare rag rag-without-learned" in shop().compare(["base", "rag"]).notes[0]


def test_entries_that_displace_documents_are_a_loss(shop):
    teach(shop(), TAUGHT)
    one_passage = {"knowledge.passages": "1"}
    report = shop(**one_passage).compare(["rag", "rag-without-learned"])
    assert "worse (" in report.notes[1]


def test_without_entries_there_is_nothing_to_leave_out(shop):
    with pytest.raises(InputError, match="`rag-without-learned` leaves out what was learned"):
        shop().compare(["rag", "rag-without-learned"])


def test_no_adapter_is_called_like_a_twin(shop):
    with pytest.raises(SettingsError, match="reserved"):
        shop().tune("rag-without-learned", "instruction")
