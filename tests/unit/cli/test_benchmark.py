"""The benchmark's commands: what they print, keep and refuse."""

import json

from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare
from groundtune.testing.endpoint import LocalEndpoint, served_by
from groundtune.testing.fakes import FunctionModel, only


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_check_warns_of_leaks_with_both_places_and_exits_with_0(run, project):
    asked = read(project / "benchmark.jsonl")[2]["question"]
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": "9."}]
    write(project / "training.jsonl", [{"messages": turns}])
    checked = run("benchmark", "check", "--project", project)
    assert checked.code == 0
    shown = " ".join(checked.out.split())
    assert "benchmark.jsonl:3: c2: the same question is asked in training.jsonl:1." in shown
    assert "8 cases, 0 problems. 1 warnings." in shown


LIMITS = ("--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=1")


def test_stats_tells_what_can_be_shown_and_leaves_nothing_behind(run, project):
    told = run("benchmark", "stats", "--project", project, "--json").json
    assert told["pilot"] is None
    assert (told["plan"]["cases"], told["plan"]["comparisons"], told["plan"]["fewest_groups"]) == (4, 10, 9)
    assert [one["sd"] for one in told["plan"]["assumed"]] == [0.2, 0.3, 0.4, 0.5]
    assert not (project / ".groundtune").exists()
    shown = " ".join(run("benchmark", "stats", "--project", project).out.split())
    assert "With 4 test cases in 4 groups and 5 candidates (10 comparisons, 95% confidence for all together)" in shown
    assert "With fewer than 9 groups no difference is found" in shown


def test_stats_takes_the_scatter_from_an_earlier_run(run, project, monkeypatch):
    model = FunctionModel(lambda asked: "The brook plan costs 8 euros." if "brook" in asked[-1].content else "No idea.")
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    monkeypatch.setattr(compare, "all_scorers", only("resolution"))
    assert run("compare", "base", "rag", "--project", project, "--json", *LIMITS).code == 0
    told = run("benchmark", "stats", "--project", project, "--json").json
    assert told["pilot"]["same_benchmark"]
    assert set(told["pilot"]["candidates"]) == {"base", "rag"}
    assert told["plan"]["pilot"]["sd"] == told["pilot"]["sd"] > 0
    rows = read(project / "benchmark.jsonl")
    write(project / "benchmark.jsonl", [*rows, {**rows[1], "id": "new", "group": "new"}])
    changed = run("benchmark", "stats", "--project", project, "--json").json
    assert not changed["pilot"]["same_benchmark"]
    assert changed["pilot"]["sd"] == told["pilot"]["sd"]
    assert "earlier version" in " ".join(run("benchmark", "stats", "--project", project).out.split())


def test_drafts_are_proposed_reviewed_and_frozen(run, project, tmp_path):
    """The whole way of a case: drafted by templates, approved in a spreadsheet, in a frozen version."""
    made = run("benchmark", "draft", "--kind", "single-document", "--cases", "2", "--project", project, "--json")
    assert made.code == 0, made.err
    assert "drafting single-document" in made.err
    assert made.json["author"] == "groundtune draft (templates, version 1)", "the built-in model is too weak to draft"
    assert made.json["kinds"]["single-document"].keys() == {"wanted", "there", "new", "refused", "said", "gave_up"}
    drafts = read(project / "drafts.jsonl")
    assert len(drafts) == made.json["kinds"]["single-document"]["new"] == 2
    assert run("benchmark", "check", "--project", project, "--json").json["cases"] == 8

    sheet = tmp_path / "review.csv"
    assert run("benchmark", "export", sheet, "--project", project, "--json").json["cases"] == 2
    text = sheet.read_text(encoding="utf-8-sig").replace(",draft,", ",approved,", 1)
    sheet.write_text(text, encoding="utf-8")
    refused = run("benchmark", "review", sheet, "--project", project, "--json")
    assert refused.code == 1
    assert refused.json["faults"] == ["row 2: it was changed, but no `reviewer` is named."]
    assert "faults" in run("benchmark", "review", sheet, "--project", project).out
    done = run("benchmark", "review", sheet, "--reviewer", "Ana", "--project", project, "--json")
    assert (done.code, done.json) == (0, {"counts": {"approved": 1, "untouched": 1}, "faults": []})
    assert read(project / "benchmark.jsonl")[-1] == {**drafts[0], "status": "approved", "reviewer": "Ana"}

    frozen = run("benchmark", "freeze", "--date", "2026-11-24", "--project", project, "--json").json
    assert (frozen["version"], frozen["date"], frozen["cases"]) == (1, "2026-11-24", 9)
    again = run("benchmark", "freeze", "--project", project)
    assert "Version 1 of 2026-11-24: 9 cases. Nothing has changed since." in " ".join(again.out.split())
    write(project / "benchmark.jsonl", [row for row in read(project / "benchmark.jsonl") if row["id"] != "u1"])
    second = run("benchmark", "freeze", "--date", "2026-12-01", "--project", project)
    assert "Version 2 of 2026-12-01: 8 cases. Since the previous version: 1 removed. removed: u1" in " ".join(
        second.out.split()
    )


def test_a_benchmark_with_problems_is_not_frozen(run, project):
    (project / "documents" / "plans.md").write_text("# Plans\n\nNothing yet.", encoding="utf-8")
    refused = run("benchmark", "freeze", "--project", project, "--json")
    assert (refused.code, refused.json["frozen"]) == (1, False)
    assert len(refused.json["problems"]) == 6
    assert not (project / "benchmark.lock").exists()


def drafting_reply(asked):
    """Drafts from the passage it is shown, or babbles where it is asked for a conversation."""
    if "FIRST QUESTION:" in asked[-1].content:
        return "I am a teapot."
    quote = asked[-1].content.partition("The pebble plan")[2].partition(".")[0]
    return f"QUESTION: What would the small plan cost me?\nANSWER: 7 euros.\nQUOTE: The pebble plan{quote}."


def test_a_model_behind_an_endpoint_drafts_and_what_cannot_be_used_is_shown(run, project):
    kinds = ("--kind", "single-document", "--kind", "multi-turn", "--cases", "1")
    with LocalEndpoint(served_by(FunctionModel(drafting_reply))) as endpoint:
        chosen = (*kinds, "--set", f"model.name=openai:tea@{endpoint.url}", "--project", project)
        made = run("benchmark", "draft", *chosen)
        again = run("benchmark", "draft", *chosen, "--json").json
        assert len(endpoint.requests) == 2, "what is done is not asked again"
    assert made.code == 0, made.err
    shown = " ".join(made.out.split())
    assert (
        "multi-turn: 1 refused, because the tag FIRST QUESTION is missing or empty. For example: I am a teapot."
        in shown
    )
    single = again["kinds"]["single-document"]
    assert (single["there"], single["new"], single["refused"]) == (1, 0, {})
    reason = "the tag FIRST QUESTION is missing or empty"
    assert again["kinds"]["multi-turn"]["refused"] == {reason: 1}
    assert again["kinds"]["multi-turn"]["said"] == {reason: "I am a teapot."}
    (row,) = read(project / "drafts.jsonl")
    assert row["author"] == "groundtune draft (openai:tea, prompts version 1)", "no address in a file that is shared"
    assert row["passages"] == [
        {"document": "plans.md", "quote": "The pebble plan costs 7 euros a month and can be left at any time."}
    ]


def test_wrong_use_of_draft(run, project):
    for wrong, words in ((("--kind", "hard"), "Choose one of: single-document"), (("--drafter", "magic"), "templates")):
        refused = run("benchmark", "draft", *wrong, "--project", project)
        assert (refused.code, words in refused.err) == (2, True)
