"""What others add: a technique and a store with settings of their own, a scorer with a scale and a direction of its
own, and a sixth candidate. Each is one file, which touches nothing here."""

import importlib
import json
import sys
from importlib.metadata import EntryPoint

import pytest

from groundtune import open_project, plugins, score
from groundtune.assembly import knowledge
from groundtune.assembly.assembly import Assembly
from groundtune.comparison import compare as compare_module
from groundtune.comparison.report import as_json, from_json, render_html
from groundtune.errors import SettingsError
from groundtune.settings import load, template
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.fakes import FunctionModel, only
from groundtune.tuning.adapters import read_manifest

TECHNIQUE = '''
from groundtune.secrets import Secret
from groundtune.settings import Table
from groundtune.tuning.adapters import Manifest, read_manifest, write_manifest
from groundtune.tuning.conversations import Conversations
from pydantic import Field


class EchoSettings(Table):
    """`[tuning.echo]`: how loud it is."""

    loudness: float = Field(1.0, ge=0, description="How loud the echo is.")
    token: Secret = Field(Secret(""), description="Token of the echo.")


class Echo:
    name = "echo"

    def run(self, task, folder, progress=None):
        own = task.settings.part("echo", EchoSettings)
        job = task.job(self.name, Conversations(task.examples()), own=own)
        finished = read_manifest(folder)
        if finished is not None and finished.key == job.key:
            return finished
        told = {"loudness": own.loudness, "token": own.token.reveal()[::-1]}
        folder.mkdir(parents=True, exist_ok=True)
        manifest = Manifest(job.key, self.name, "tiny", "0", told, dict(job.record), {}, 0, 0.0, "at once", 1, ())
        write_manifest(folder, manifest)
        return manifest


def groundtune_technique():
    return Echo()


def groundtune_settings():
    return {"tuning.echo": EchoSettings}
'''
STORE = '''
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.settings import Table
from pydantic import Field


class AcmeSettings(Table):
    """`[store.acme]`: a store of Acme."""

    shards: int = Field(1, ge=1, description="Into how many parts it is cut.")


class AcmeStore(LanceDBStore):
    shards = 0


def groundtune_store(url, folder, embedder, settings):
    if not url.startswith("acme:"):
        return None
    store = AcmeStore(folder / "acme", embedder.signature, embedder.dimension)
    store.shards = settings.part("acme", AcmeSettings).shards
    return store


def groundtune_settings():
    return {"store.acme": AcmeSettings}
'''
SCORER = """
from groundtune import Score, ScorerDefaults, Words


class Chatter(ScorerDefaults):
    name = "chatter"
    signature = "chatter|version:1"
    words = Words("Chatter", "How many words the answer has, up to 100. Less is better.", "Silence wins.")
    scale = (0.0, 100.0)
    higher_is_better = False

    def score(self, case, answer):
        return Score(float(min(100, len(answer.text.split()))))


def groundtune_scorer(settings):
    return [Chatter()]
"""
CANDIDATE = """
from groundtune import Candidate


def groundtune_candidates():
    return [Candidate("brief", grounded=True, prompt="Be brief.", extra_upkeep=9)]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a plugin that is one file."""

    def install(kind, name, text):
        (tmp_path / "site").mkdir(exist_ok=True)
        (tmp_path / "site" / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path / "site")
        importlib.invalidate_caches()
        known = list(plugins.entry_points(group="groundtune"))
        monkeypatch.setattr(plugins, "entry_points", lambda group: [*known, EntryPoint(kind, name, "groundtune")])
        forget()
        names.append(name)

    def forget():
        plugins.hooks.cache_clear()
        plugins.declared.cache_clear()

    names = []
    yield install
    monkeypatch.undo()
    forget()
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "shop"
    (made / "documents").mkdir(parents=True)
    (made / "documents" / "a.md").write_text("# Plans\n\nThe brook plan costs 7 euros.", encoding="utf-8")
    line = '{"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day."}]}\n'
    (made / "training.jsonl").write_text(line, encoding="utf-8")
    return made


def test_a_technique_with_settings_of_its_own(plugin, folder):
    plugin("techniques", "acme_echo", TECHNIQUE)
    (folder / "groundtune.toml").write_text('[tuning.echo]\nloudness = 2\ntoken = "hunter2"\n', encoding="utf-8")
    assembly = Assembly(folder, load(folder, environment={}))
    made = assembly.train("a", "echo")
    assert made.data == {"loudness": 2.0, "token": "2retnuh"}
    assert made.settings["tuning.echo.loudness"] == {"value": 2.0, "origin": "file"}
    assert made.settings["tuning.echo.token"] == {"value": "***", "origin": "file"}
    assert read_manifest(assembly.adapters.folder("a")) == made
    again = Assembly(folder, load(folder, {"tuning.raft.steps": "5"}, {})).train("a", "echo")
    assert again == made, "another technique's settings change nothing"
    louder = Assembly(folder, load(folder, {}, {"GROUNDTUNE_TUNING__ECHO__LOUDNESS": "3"})).train("a", "echo")
    assert louder.key != made.key
    with pytest.raises(SettingsError, match="Did you mean `loudness`"):
        load(folder, {"tuning.echo.loudnes": 1}, {})
    assert "[tuning.echo]\n# How loud the echo is.\n# loudness = 1.0\n" in template("shop")


def test_a_store_with_settings_of_its_own(plugin, folder, monkeypatch):
    plugin("stores", "acme_store", STORE)
    (folder / "groundtune.toml").write_text(
        '[knowledge]\nstore = "acme:here"\n[embedding]\nname = "hash"\n[store.acme]\nshards = 3\n', encoding="utf-8"
    )
    assembly = Assembly(folder, load(folder, environment={}))
    assembly.knowledge.__dict__["embedder"] = HashingEmbedder()
    assembly.knowledge.ingest()
    assert assembly.knowledge.store.shards == 3
    assert list(assembly.knowledge.store.documents()) == ["a.md"]
    assert assembly.resolved.record()["store.acme.shards"] == {"value": 3, "origin": "file"}
    assert "[store.acme]\n# Into how many parts it is cut.\n# shards = 1\n" in template("shop")


def test_without_the_plugin_its_table_is_unknown(folder):
    (folder / "groundtune.toml").write_text("[tuning.echo]\nloudness = 2\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"unknown setting `tuning.echo`."):
        load(folder, environment={})


@pytest.fixture
def shop(folder, monkeypatch):
    """A project that can be compared: six plans, and a model that is brief when it is told to be."""
    monkeypatch.setattr(knowledge, "embedder", lambda settings: HashingEmbedder())
    plans = "pebble brook river delta hazel sprig forge".split()
    text = "# Plans\n\n" + "\n\n".join(f"The {plan} plan costs {cost} euros." for cost, plan in enumerate(plans, 7))
    (folder / "documents" / "a.md").write_text(text, encoding="utf-8")
    cases = [
        {
            "id": plan, "question": f"What does the {plan} plan cost?", "split": "test",
            "ideal_answer": f"The {plan} plan costs {cost} euros.",
        }
        for cost, plan in enumerate(plans, 7)
    ]  # fmt: skip
    (folder / "benchmark.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")

    def reply(conversation):
        plan = next(plan for plan in plans if plan in conversation[-1].content.partition("Question:")[2])
        answer = f"The {plan} plan costs {plans.index(plan) + 7} euros."
        return answer if "brief" in conversation[0].content else f"{answer} {'And so on and on. ' * 30}"

    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(reply))
    flags = {"comparison.resamples": 1000, "comparison.latency_cases": 1, "assistant.min_support": 0}
    (folder / "groundtune.toml").write_text("", encoding="utf-8")
    return lambda **more: open_project(folder, {**flags, **more})


def test_a_scorer_with_a_scale_and_a_direction_of_its_own(plugin, shop, monkeypatch):
    plugin("scorers", "acme_scorer", SCORER)
    plugin("candidates", "acme_candidate", CANDIDATE)
    monkeypatch.setattr(compare_module, "all_scorers", only("exact", "chatter"))
    report = shop().compare(["rag", "brief"])
    chatter = report.measure("chatter")
    assert (chatter.title, chatter.scale, chatter.higher_is_better) == ("Chatter", (0.0, 100.0), False)
    (difference,) = [each for each in report.comparisons if each.scorer == "chatter"]
    assert difference.difference.mean < 0
    assert difference.verdict == "better", "fewer words are better"
    assert "How many words the answer has" in render_html(report)
    assert from_json(as_json(report)).measure("chatter") == chatter


def test_a_scorer_of_others_scores_files_of_answers_too(plugin, shop, tmp_path):
    plugin("scorers", "acme_scorer", SCORER)
    (tmp_path / "answers.jsonl").write_text('{"id": "pebble", "answer": "one two three"}\n', encoding="utf-8")
    scoring = score(tmp_path / "answers.jsonl", shop().folder / "benchmark.jsonl", ["chatter"])
    assert scoring.summary["chatter"].mean == 3.0


def test_a_sixth_candidate(plugin, shop, monkeypatch):
    plugin("candidates", "acme_candidate", CANDIDATE)
    monkeypatch.setattr(compare_module, "all_scorers", only("exact"))
    project = shop(**{"comparison.decide_by": "exact"})
    assert [each.name for each in project.candidates()] == ["base", "rag", "tuned", "tuned+rag", "raft", "brief"]
    assert project.ask("What does the brook plan cost?", "brief").text == "The brook plan costs 8 euros."
    report = project.compare(["rag", "brief"])
    assert report.recommendation.candidate == "brief"
    tied = shop(**{"comparison.decide_by": "corpus_bleu"}).compare(["brief", "brief", "rag"])
    assert {each.name for each in tied.candidates} == {"rag", "brief"}


def test_a_candidate_of_the_same_name_is_refused(plugin, shop):
    plugin("candidates", "acme_candidate", CANDIDATE.replace("brief", "rag", 1))
    with pytest.raises(SettingsError, match="two candidates have the name `rag`"):
        shop().candidates()
