"""Adapters on disk: found again without work, one version for each set of settings, doubtful data told in time."""

import json
import logging
from collections import Counter
from dataclasses import replace

import pytest

from groundtune.assembly import adapters as adapters_module
from groundtune.assembly.adapters import Adapters
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.candidates import registered
from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.errors import SettingsError, TuningError
from groundtune.settings import load
from groundtune.testing.tiny import tiny_model
from groundtune.tuning.adapters import MANIFEST, read_manifest
from groundtune.values import Question

NAMES = ("pebble", "brook", "river", "delta", "hazel", "sprig")
SETTINGS = {
    "model.name": "path:model",
    "model.max_tokens": "3",
    "tuning.steps": "2",
    "tuning.raft.steps": "2",
    "tuning.batch_size": "2",
    "tuning.evaluate_every": "1",
    "tuning.held_out": "1",
    "tuning.max_length": "2000",
}
QUICK = {"tuning.steps": "1", "tuning.raft.steps": "1"}
LOADS = 3  # of a run: to see what it takes, to train, and to check the adapter


def line(number, **changed):
    name = NAMES[number]
    turns = [("user", f"What does the {name} plan cost?"), ("assistant", f"The {name} plan costs {number + 7} euros.")]
    messages = [{"role": role, "content": content} for role, content in turns]
    return {"messages": messages, "documents": [f"{name}.md"], **changed}


def teach(folder, lines):
    (folder / "training.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path, make_shop):
    make_shop(NAMES)
    teach(tmp_path, [line(number) for number in range(len(NAMES))])
    tiny_model(tmp_path / "model")
    opened(tmp_path).knowledge.ingest()
    return tmp_path


def opened(folder, progress=lambda *_: None, **flags):
    return Assembly(folder, load(folder, {**SETTINGS, **flags}, environment={}), progress)


@pytest.fixture
def work(monkeypatch):
    """Counts what takes long: searches, and loading a model to train it."""
    counted = Counter()
    retrieve, loaded = KnowledgeBase.retrieve, adapters_module.local.load

    def retrieves(self, searches, *arguments):
        counted["searches"] += len(searches)
        return retrieve(self, searches, *arguments)

    def loads(source, **how):
        counted["loads"] += 1
        return loaded(source, **how)

    monkeypatch.setattr(KnowledgeBase, "retrieve", retrieves)
    monkeypatch.setattr(adapters_module.local, "load", loads)
    return counted


# --- a finished adapter is found again ------------------------------------------------------------


@pytest.mark.models
@pytest.mark.parametrize("technique", ["instruction", "raft"])
def test_a_finished_adapter_is_found_without_searching_or_loading(folder, work, technique):
    made = opened(folder).train("a", technique)
    assert (work["searches"] > 0, work["loads"] > 0) == (technique == "raft", True)
    work.clear()
    for flags in ({}, {"tuning.microbatch_tokens": "64"}, {"assistant.min_support": "0.3"}):
        assert opened(folder, **flags).train("a", technique) == made
    assert not work


@pytest.mark.models
@pytest.mark.parametrize(
    "change",
    [
        {"tuning.raft.oracle_share": "0.5"},
        {"knowledge.passages": "2"},
        {"knowledge.candidates": "5"},
        {"knowledge.reranker": "late:builtin:minilm-l6-v2"},
        {"tuning.retrieve_as": ["everyone", "staff"]},
        {"assistant.instructions": "Be brief."},
        {"assistant.unknown": "No idea."},
        {"tuning.seed": "3"},
        {"project.name": "Other"},
        lambda folder: teach(folder, [line(number) for number in range(5)]),
        lambda folder: teach(folder, [line(number, documents=["brook.md"]) for number in range(6)]),
        lambda folder: (folder / "documents" / "new.md").write_text("# New\n\nNothing.", encoding="utf-8"),
        lambda folder: (folder / "documents" / "brook.md").unlink(),
    ],
    ids=lambda change: str(change) if isinstance(change, dict) else None,
)
def test_whatever_raft_is_made_of_makes_it_look_again(folder, work, change, monkeypatch):
    task = Adapters.task
    monkeypatch.setattr(Adapters, "task", lambda *asked: replace(task(*asked), tune=lambda job, folder, progress: job))
    flags = change if isinstance(change, dict) else {}
    before = opened(folder).train("a", "raft").recipe
    if callable(change):
        change(folder)
        opened(folder).knowledge.ingest()
    work.clear()
    assert opened(folder, **flags).train("a", "raft").recipe != before
    assert work["searches"]


@pytest.mark.models
def test_an_adapter_of_an_earlier_version_is_searched_for_once(folder, work):
    assembly = opened(folder)
    made = assembly.train("raft", "raft")
    manifest = assembly.adapters.folder("raft") / MANIFEST
    content = json.loads(manifest.read_text(encoding="utf-8"))
    del content["recipe"]
    manifest.write_text(json.dumps(content), encoding="utf-8")
    old = manifest.parent.rename(manifest.parent.with_name("raft"))  # as earlier versions call it
    work.clear()
    assert opened(folder).train("raft", "raft") == made
    assert (work["searches"] > 0, work["loads"]) == (True, 0)
    work.clear()
    again = opened(folder)
    assert again.train("raft", "raft") == made
    assert again.adapters.folder("raft") == old
    assert not work


@pytest.mark.models
def test_models_that_answer_are_held_while_nothing_is_trained(folder):
    opened(folder).train("tuned", "instruction")
    assembly = opened(folder)
    model = assembly.chat_model()
    assembly.prepare(registered()["tuned"])
    assert assembly.chat_model() is model


# --- versions -------------------------------------------------------------------------------------


@pytest.mark.models
@pytest.mark.parametrize(
    ("technique", "other"),
    [
        ("instruction", QUICK),
        ("raft", QUICK),
        ("instruction", {"tuning.learning_rate": "0.01"}),
        ("instruction", {"tuning.rank": "2"}),
    ],
    ids=str,
)
def test_adapters_of_other_settings_stay(folder, work, technique, other):
    settings = [{}, other]
    made = [opened(folder, **flags).train("a", technique) for flags in settings]
    places = [opened(folder, **flags).adapters.folder("a") for flags in settings]
    assert (len(set(places)), work["loads"]) == (2, 2 * LOADS)
    for place, manifest, flags in zip(places, made, settings, strict=True):
        assert place.name.startswith("a@")
        assert read_manifest(place) == manifest
        assert opened(folder, **flags).train("a", technique) == manifest
    assert work["loads"] == 2 * LOADS
    assert opened(folder).adapters.names() == ["a"]
    assert opened(folder, **other).adapters.manifest("a") == made[1]


@pytest.mark.models
def test_whoever_names_no_settings_gets_what_was_trained_with_those_of_the_project(folder):
    quick = opened(folder, **QUICK)
    quick.train("tuned", "instruction")
    first = quick.adapters.folder("tuned")
    assert opened(folder).adapters.folder("tuned") == first, "there is no other one"
    full = opened(folder)
    full.train("tuned", "instruction")
    opened(folder, **QUICK).train("tuned", "instruction")
    assert opened(folder).adapters.folder("tuned") == full.adapters.folder("tuned") != first
    answerer = opened(folder).answerer(registered()["tuned"])
    assert full.adapters.folder("tuned").name in answerer.signature
    assert answerer.answer(Question("Hello?")).text is not None


@pytest.mark.models
def test_of_versions_with_equal_settings_the_one_asked_for_last_is_taken(folder):
    for technique in ("instruction", "raft", "instruction"):
        assembly = opened(folder)
        assembly.train("mine", technique)
        assert assembly.adapters.manifest("mine").technique == technique


@pytest.mark.models
def test_an_interrupted_version_resumes_where_it_was(folder):
    class Killed(BaseException):
        pass

    def killing(stage, done, total):
        if done == 1 and stage.startswith("tuning"):
            raise Killed

    long = {"tuning.steps": "3"}
    with pytest.raises(Killed):
        opened(folder, killing, **{"tuning.steps": "2"}).train("tuned", "instruction")
    with pytest.raises(Killed):
        opened(folder, killing, **long).train("tuned", "instruction")
    opened(folder, **QUICK).train("tuned", "instruction")
    for flags, steps in ((long, [1, 2, 3]), ({"tuning.steps": "2"}, [1, 2])):
        seen = []

        def taken(stage, done, total, seen=seen):
            if stage.startswith("tuning"):
                seen.append(done)

        opened(folder, taken, **flags).train("tuned", "instruction")
        assert seen in (steps, steps[1:])
    assert len(list((folder / ".groundtune" / "adapters").glob("tuned@*/manifest.json"))) == 3


# --- documents that are named -------------------------------------------------------------------


def messages(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def data_of(folder, lines, **flags):
    from groundtune.tuning.raft import conversations

    teach(folder, lines)
    return conversations(opened(folder, **flags).adapters.task())


@pytest.mark.models
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("peble.md", "pebble.md"),
        ("pebble", "pebble.md"),
        ("Pebble.md", "pebble.md"),
        ("documents/pebble.md", "pebble.md"),
        ("pebble.txt", "pebble.md"),
        ("a/very/long/folder/far/away/from/here/pebble.md", "pebble.md"),
    ],
)
def test_a_mistyped_document_is_told_with_place_and_guess(folder, caplog, wrong, meant):
    data = data_of(folder, [line(0, documents=[wrong]), *(line(number) for number in range(1, 6))])
    assert data.oracle_not_found == 1
    (told,) = messages(caplog)
    assert told.startswith(f"{folder / 'training.jsonl'}:1: names `{wrong}` (did you mean `{meant}`?)")
    assert "left out" in told


@pytest.mark.models
def test_a_document_that_is_like_no_other_is_told_without_a_guess(folder, caplog):
    data_of(folder, [line(0, documents=["zzzzzzzz"]), *(line(number) for number in range(1, 6))])
    (told,) = messages(caplog)
    assert "names `zzzzzzzz`, which is not in the knowledge store" in told


@pytest.mark.models
def test_one_wrong_name_among_right_ones_is_told_and_nothing_is_left_out(folder, caplog):
    data = data_of(folder, [line(0, documents=["pebble.md", "brok.md"]), *(line(number) for number in range(1, 6))])
    assert data.oracle_not_found == 0
    (told,) = messages(caplog)
    assert "`brok.md` (did you mean `brook.md`?)" in told
    assert "left out" not in told


@pytest.mark.models
@pytest.mark.parametrize("right", [0, 1, 2])
def test_data_whose_documents_are_mostly_mistyped_is_refused_before_anything_is_searched(folder, right, work):
    lines = [line(number, documents=[f"x/{NAMES[number]}.mdx"]) for number in range(right, 6)]
    with pytest.raises(TuningError, match=rf"{6 - right} of 6 .* \(did you mean `{NAMES[right]}.md`") as raised:
        data_of(folder, [*(line(number) for number in range(right)), *lines])
    assert raised.value.place == f"{folder / 'training.jsonl'}:{right + 1}"
    assert not work


@pytest.mark.models
@pytest.mark.parametrize("hidden", ["pebble.md", "brook.md", "sprig.md"])
def test_documents_that_are_there_and_are_not_found_are_told(folder, caplog, monkeypatch, hidden):
    retrieve = KnowledgeBase.retrieve

    def retrieves(self, searches, *arguments):
        found = retrieve(self, searches, *arguments)
        return [[passage for passage in passages if passage.document != hidden] for passages in found]

    monkeypatch.setattr(KnowledgeBase, "retrieve", retrieves)
    data = data_of(folder, [line(number) for number in range(6)])
    assert data.oracle_not_found == 1
    (told,) = messages(caplog)
    assert told.endswith(f"searching as everyone finds nothing of {hidden}. The conversation is left out.")


@pytest.mark.models
@pytest.mark.parametrize("said", ["Ask Ada.", "Nobody knows what tomorrow brings.", "42 kilometres"])
def test_documents_without_a_word_of_the_answer_are_told_and_counted(folder, caplog, said):
    other = line(0)
    other["messages"][1]["content"] = said
    data = data_of(folder, [other, *(line(number) for number in range(1, 6))])
    assert (data.oracle_not_found, data.counts["oracle_without_answer"]) == (0, 1)
    (told,) = messages(caplog)
    assert "training.jsonl:1: no passage found of pebble.md has a word of the answer" in told


@pytest.mark.models
@pytest.mark.parametrize("without", [6, 5, 4])
def test_data_that_mostly_names_no_documents_is_told_and_counted(folder, caplog, without):
    lines = [line(number, **({"documents": []} if number < without else {})) for number in range(6)]
    data = data_of(folder, lines)
    assert data.counts["without_documents"] == without
    assert f"{without} of 6 training conversations name no `documents`" in messages(caplog)[0]


@pytest.mark.models
def test_of_many_doubts_the_first_are_told_and_the_rest_are_counted(folder, caplog):
    def numbered(number, **changed):
        made = line(number % 6, **changed)
        made["messages"][0]["content"] += f" Number {number}"
        return made

    lines = [numbered(number, documents=[f"lost{number}"]) for number in range(14)]
    data_of(folder, [*lines, *(numbered(number) for number in range(14, 40))])
    assert len(messages(caplog)) == 11
    assert messages(caplog)[-1] == "The same holds for 4 more training conversations."


@pytest.mark.models
def test_sound_data_is_told_nothing(folder, caplog):
    data = data_of(folder, [line(number) for number in range(6)])
    assert (messages(caplog), data.oracle_not_found) == ([], 0)


# --- the base model -------------------------------------------------------------------------------


@pytest.mark.models
def test_four_bits_without_a_gpu_are_refused(folder):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(SettingsError, match="there is no NVIDIA GPU") as raised:
        opened(folder, **{"tuning.quantize": "4bit"}).train("a", "instruction")
    assert "quantize" in raised.value.remedy


@pytest.mark.models
@pytest.mark.parametrize(
    ("card", "said"),
    [("---\nlicense: mit\n---\n# Model\n", "mit"), ("# No head\n", ""), ("---\nlicense: [\n---\n", ""), (None, "")],
)
def test_the_licence_of_the_base_is_that_of_its_card(folder, card, said):
    if card is not None:
        (folder / "model" / "README.md").write_text(card, encoding="utf-8")
    assert opened(folder).adapters.base().licence == said


@pytest.mark.models
def test_the_built_in_models_licence_is_known():
    from groundtune.models import local

    assert local.licence("builtin", "wherever it is") == "Apache-2.0"
