"""The door of the library: wrong use is refused here, whoever comes in; what is open can be listed and closed."""

import json
from threading import Thread

import pytest

from groundtune import InputError, Question, SettingsError, check_gate, init, load_gate, open_project, score
from groundtune.assembly import knowledge
from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.fakes import FunctionModel, only
from groundtune.tuning.adapters import Manifest, write_manifest

PLANS = "pebble brook river delta hazel sprig".split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(knowledge, "embedder", lambda settings: HashingEmbedder())
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda conversation: "It costs 9 euros."))
    monkeypatch.setattr(compare_module, "all_scorers", only("exact", "resolution"))
    made = init(tmp_path / "shop")
    text = "\n\n".join(f"The {plan} plan costs {cost} euros." for cost, plan in enumerate(PLANS, 7))
    (made / "documents" / "plans.md").write_text(f"# Plans\n\n{text}", encoding="utf-8")
    cases = [
        {"id": plan, "question": f"What does the {plan} plan cost?", "ideal_answer": f"{cost} euros.", "split": "test"}
        for cost, plan in enumerate(PLANS, 7)
    ]
    (made / "benchmark.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    return made


@pytest.mark.parametrize(
    "name", ["../../documents", "", ".", "a/b", "a b", "-", "a+rag", "base", "rag", "tuned", "tuned+rag", "raft", "ä\n"]
)
def test_names_that_adapters_must_not_have_are_refused_and_nothing_is_touched(folder, name):
    (folder / "training.jsonl").write_text("{}", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"name"), open_project(folder) as project:
        project.tune(name, "instruction")
    assert (folder / "documents" / "plans.md").is_file()
    assert not (folder / ".groundtune" / "adapters").exists()


@pytest.mark.parametrize(("technique", "parent", "message"), [("magic", None, "magic"), ("instruction", "no", "`no`")])
def test_what_cannot_be_tuned_is_refused_before_documents_are_read(folder, technique, parent, message):
    with pytest.raises(SettingsError, match=message), open_project(folder) as project:
        project.tune("mine", technique, parent)
    assert not (folder / ".groundtune" / "knowledge").exists()


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_question_or_query_is_refused(folder, text):
    with open_project(folder) as project:
        with pytest.raises(SettingsError, match="question is empty"):
            project.ask(text)
        with pytest.raises(SettingsError, match="query is empty"):
            project.search(text)


def test_a_grounded_candidate_ingests_when_nothing_is_there(folder):
    with open_project(folder, {"assistant.min_support": 0}) as project:
        assert not project.has_knowledge()
        project.ask("What does the brook plan cost?")
        assert project.has_knowledge()


def test_a_project_lists_candidates_adapters_and_runs(folder):
    with open_project(folder, {"comparison.resamples": 1000, "comparison.latency_cases": 1}) as project:
        standard = ["base", "rag", "tuned", "tuned+rag", "raft"]
        assert [candidate.name for candidate in project.candidates()] == standard
        assert (project.adapters(), project.runs()) == ([], [])
        write_manifest(
            project.adapter_folder("kind"), Manifest("k", "instruction", "m", "w", {}, {}, {}, 0, 0, "", 1, ())
        )
        assert project.adapters() == ["kind"]
        assert [candidate.name for candidate in project.candidates()] == [*standard, "kind", "kind+rag"]
        project.compare(["base"])
        assert [run.candidate for run in project.runs()] == ["base"]


def test_a_closed_project_opens_its_parts_again_when_they_are_needed(folder):
    project = open_project(folder)
    with project:
        assert project.runs() == []
    first = project.assembly.records
    project.close()
    assert project.runs() == []
    assert project.assembly.records is not first
    project.close()


def test_a_quick_look_gives_way_to_what_is_named(folder):
    settings = open_project(folder, {"tuning.steps": 7}, quick=True).settings
    assert (settings.tuning.steps, settings.comparison.cases) == (7, 48)


def test_freezing_is_refused_with_the_problems_that_the_check_finds(folder):
    with open_project(folder) as project:
        assert project.freeze_benchmark().lock.version == 1
    lines = (folder / "benchmark.jsonl").read_text(encoding="utf-8")
    wrong = {"id": "x", "question": "Q?", "ideal_answer": "A.", "passages": [{"document": "plans.md", "quote": "no"}]}
    (folder / "benchmark.jsonl").write_text(lines + json.dumps(wrong) + "\n", encoding="utf-8")
    with open_project(folder) as project:
        frozen = project.freeze_benchmark()
    assert (frozen.lock, [problem.case for problem in frozen.problems]) == (None, ["x"])


def test_gates_hold_reports_and_scorings(folder, tmp_path):
    (tmp_path / "answers.jsonl").write_text('{"id": "brook", "answer": "8 euros."}\n', encoding="utf-8")
    scoring = score(tmp_path / "answers.jsonl", folder / "benchmark.jsonl", ["exact"])
    (tmp_path / "agreed.json").write_text(json.dumps(scoring.as_json()), encoding="utf-8")
    (tmp_path / "gate.toml").write_text('baseline = "agreed.json"\n[allowed_loss]\nexact = 0.05\n', encoding="utf-8")
    assert [finding.passed for finding in check_gate(load_gate(tmp_path / "gate.toml"), scoring)] == [True]
    named = 'candidate = "x"\nbaseline = "agreed.json"\n[allowed_loss]\nexact = 0.05\n'
    (tmp_path / "gate.toml").write_text(named, encoding="utf-8")
    with open_project(folder) as project, pytest.raises(InputError, match="no candidate `x`"):
        project.open_gate(tmp_path / "gate.toml", ["base", "rag"])


def test_threads_open_each_part_once(folder, monkeypatch):
    opened = []
    monkeypatch.setattr(knowledge, "embedder", lambda settings: opened.append(settings) or HashingEmbedder())
    with open_project(folder, {"assistant.min_support": 0}) as project:
        project.ingest()
        answers = {}

        def ask(candidate):
            answers[candidate] = project.answerer(candidate).answer(Question("What does the brook plan cost?"))

        threads = [Thread(target=ask, args=(name,)) for name in ("base", "rag")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(opened) == 1
    assert answers["rag"].passages
    assert not answers["base"].passages
