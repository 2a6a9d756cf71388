"""How a project's parts are joined: prompts into training data, adapters into candidates, thresholds kept."""

import json

import pytest

from groundtune.assembly import pool
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.candidates import registered
from groundtune.assistant.prompts import closed_book_messages, grounded_messages
from groundtune.errors import InputError, NotComparable, SettingsError, TuningError
from groundtune.settings import load
from groundtune.testing.fakes import EchoModel
from groundtune.tuning import instruction, raft
from groundtune.tuning.adapters import Manifest, write_manifest
from groundtune.values import Message, Question, Search

NAMES = ("pebble", "brook", "river", "delta", "hazel")


@pytest.fixture
def folder(tmp_path, make_shop):
    make_shop(NAMES)
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"What does the {name} plan cost?"},
                {"role": "assistant", "content": f"The {name} plan costs {number + 7} euros."},
            ],
            "documents": [f"{name}.md"],
        }
        for number, name in enumerate(NAMES)
    ]
    (tmp_path / "training.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


def opened(folder, **flags):
    return Assembly(folder, load(folder, flags, environment={}))


def benchmark(folder, *cases):
    lines = [{"id": f"c{number}", "split": "development"} | case for number, case in enumerate(cases)]
    (folder / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


ANSWERABLE = [{"question": f"What does the {name} plan cost a month?", "ideal_answer": "7 euros."} for name in NAMES]
UNANSWERABLE = [{"question": text, "answerable": False} for text in ("Who was king?", "Is rain likely?")]


def test_tuning_sees_the_prompt_that_closed_book_serving_gives(folder):
    assembly = opened(folder)
    for name, example in zip(NAMES, instruction.conversations(assembly.adapters.task()), strict=True):
        served = closed_book_messages(assembly.settings.assistant, "Shop", Question(f"What does the {name} plan cost?"))
        assert example.messages[:-1] == served
        assert example.messages[-1].role == "assistant"


def test_raft_sees_the_prompt_that_grounded_serving_gives(folder):
    assembly = opened(folder, **{"tuning.raft.oracle_share": "1"})
    assembly.knowledge.ingest()
    served = grounded_messages(assembly.settings.assistant, "Shop", Question("x"), [])
    examples = raft.conversations(assembly.adapters.task()).examples
    assert len(examples) == len(NAMES)
    for example in examples:
        assert example.messages[0] == served[0]
        assert example.messages[-2].content.count("[1]") == 1
        assert example.messages[-1].content[-3:] in ("[1]", "[2]", "[3]")
    assert raft.conversations(assembly.adapters.task()).examples == examples


def test_nothing_is_found_before_anything_is_ingested(folder):
    with pytest.raises(InputError, match="empty") as raised:
        opened(folder).knowledge.retrieve([Search("x")])
    assert "groundtune ingest" in raised.value.remedy


def test_passages_are_for_those_who_may_read_them(folder):
    assembly = opened(folder)
    assembly.knowledge.ingest()
    assert assembly.knowledge.retrieve([Search("brook plan")])[0]
    assert assembly.knowledge.retrieve([Search("brook plan", ("nobody",))]) == [[]]
    assert len(assembly.knowledge.retrieve([Search("brook plan")], limit=2)[0]) == 2
    mixed = assembly.knowledge.retrieve(
        [Search("brook plan", ("nobody",)), Search("brook plan"), Search("river", ("nobody",))]
    )
    assert [bool(passages) for passages in mixed] == [False, True, False]


def test_texts_to_tune_on_are_those_that_retrieve_as_may_read(folder):
    (folder / "documents" / "brook.md.meta.toml").write_text('readable_by = ["staff"]', encoding="utf-8")
    (folder / "documents" / "river.md").write_text("---\nreadable_by: [staff]\n---\nThe river plan.", encoding="utf-8")

    def names(*asker):
        return {
            text.document for text in opened(folder, **{"tuning.retrieve_as": list(asker)}).adapters.task().corpus()
        }

    assert names("everyone") == {f"{name}.md" for name in NAMES} - {"brook.md", "river.md"}
    assert names("staff") == {"brook.md", "river.md"}
    with pytest.raises(SettingsError, match="no document may be read by guests"):
        names("guests")


def test_raft_is_made_of_what_retrieve_as_may_read(folder):
    internal = {"knowledge.readable_by": ["staff"], "tuning.raft.oracle_share": 1}
    assembly = opened(folder, **internal)
    assembly.knowledge.ingest()
    with pytest.raises(TuningError, match="searching as everyone") as raised:
        raft.conversations(assembly.adapters.task())
    assert "[tuning] retrieve_as" in raised.value.remedy
    data = raft.conversations(opened(folder, **internal, **{"tuning.retrieve_as": ["staff"]}).adapters.task())
    assert (data.with_oracle, data.oracle_not_found) == (len(NAMES), 0)


def test_a_manifest_tells_who_tuning_retrieved_as(folder):
    record = opened(folder, **{"tuning.retrieve_as": ["staff"]}).adapters.task().record
    assert record["tuning.retrieve_as"] == {"value": ["staff"], "origin": "flag"}
    with pytest.raises(SettingsError, match="retrieve_as"):
        opened(folder, **{"tuning.retrieve_as": []})


def test_the_retrieval_signature_follows_what_is_found(folder):
    assembly = opened(folder)
    assembly.knowledge.ingest()
    before = assembly.knowledge.signature
    assert opened(folder).knowledge.signature == before
    for setting, value in {"passages": "4", "near_duplicates": "0.9", "widen": "section", "rewrite": "none"}.items():
        assert opened(folder, **{f"knowledge.{setting}": value}).knowledge.signature != before
    (folder / "documents" / "brook.md").write_text("# Brook\n\nThe brook plan has ended.", encoding="utf-8")
    assembly.knowledge.ingest()
    assert assembly.knowledge.signature != before


def test_retrieval_widens_passages_and_leaves_near_duplicates_out_as_set(folder):
    lines = [f"The aspen plan has {number} GB of data, and nobody who has it pays for letters." for number in range(9)]
    for name in ("aspen.md", "copy.md"):
        (folder / "documents" / name).write_text("# Aspen\n\n" + "\n\n".join(lines), encoding="utf-8")
    search, small = [Search("What does the aspen plan have?")], {"knowledge.chunk_size": "100"}
    plain = opened(folder, **small).knowledge
    plain.ingest()
    (found,) = plain.retrieve(search, 4)
    assert {passage.document for passage in found} == {"aspen.md", "copy.md"}
    knowledge = opened(folder, **small, **{"knowledge.widen": "section", "knowledge.near_duplicates": "0.95"}).knowledge
    (wide,) = knowledge.retrieve(search, 4)
    texts = knowledge.texts()
    assert all(texts[each.document][each.start : each.end] == each.text for each in wide)
    assert max(len(each.text) for each in wide) > 2 * max(len(each.text) for each in found)
    assert any(each.also_in for each in wide)


def test_a_threshold_that_is_set_is_taken(folder):
    fitted = opened(folder, **{"assistant.min_support": "0.25"}).threshold()
    assert (fitted.threshold, fitted.n) == (0.25, 0)


def test_without_a_benchmark_everything_is_answered_and_that_is_said(folder):
    fitted = opened(folder).threshold()
    assert fitted.threshold == 0.0
    assert "no benchmark" in fitted.note


def test_the_threshold_is_fitted_on_development_cases_and_kept(folder, monkeypatch):
    benchmark(folder, *ANSWERABLE, *UNANSWERABLE, {"question": "Test?", "ideal_answer": "x", "split": "test"})
    assembly = opened(folder)
    assembly.knowledge.ingest()
    fitted = assembly.threshold()
    assert (fitted.n, fitted.sensitivity, fitted.specificity) == (7, 1.0, 1.0)
    assert 0 < fitted.threshold < 1
    again = opened(folder)
    monkeypatch.setattr(again, "_fit", lambda: pytest.fail("it was fitted again"))
    assert again.threshold() == fitted


def test_the_threshold_is_fitted_again_when_the_cases_change(folder, monkeypatch):
    benchmark(folder, *ANSWERABLE, *UNANSWERABLE)
    assembly = opened(folder)
    assembly.knowledge.ingest()
    assembly.threshold()
    benchmark(folder, *ANSWERABLE[:3], *UNANSWERABLE)
    assert opened(folder).threshold().n == 5


def test_the_model_is_opened_once_whatever_is_put_on_it(folder, monkeypatch):
    made = []

    def first(kind, name, settings, where):
        made.append(name)
        return EchoModel(name)

    monkeypatch.setattr(pool.plugins, "first", first)
    assembly = opened(folder)
    assert assembly.chat_model() is assembly.chat_model()
    assert assembly.chat_model(None, [folder / "a"]).name == "builtin:smollm2-135m-instruct+a"
    assembly.chat_model()
    assert made == ["builtin:smollm2-135m-instruct"]


def manifest(weights):
    return Manifest("k", "instruction", "path:old", weights, {}, {}, {}, 0, 0.0, "", 1, ())


def test_an_adapter_of_another_model_is_refused(folder, monkeypatch):
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}", encoding="utf-8")
    assembly = opened(folder, **{"model.name": "path:model"})
    monkeypatch.setattr(assembly, "chat_model", lambda *_: EchoModel())
    with pytest.raises(InputError, match="has not been tuned yet"):
        assembly.answerer(registered()["tuned"])
    write_manifest(assembly.adapters.folder("tuned"), manifest("other weights"))
    assert assembly.adapters.names() == ["tuned"]
    with pytest.raises(NotComparable, match="was tuned on path:old"):
        assembly.answerer(registered()["tuned"])
    write_manifest(assembly.adapters.folder("tuned"), manifest(assembly.adapters.base().weights))
    assert assembly.answerer(registered()["tuned"]).answer(Question("Hello?")).text == "Hello?"


def test_a_remote_model_cannot_be_tuned(folder):
    assembly = opened(folder, **{"model.name": "openai:m@http://127.0.0.1:9/v1"})
    with pytest.raises(SettingsError, match="cannot be tuned here"):
        assembly.check([registered()["tuned"]])
    assembly.check([registered()["base"], registered()["rag"]])


def test_earlier_turns_stay_in_the_training_prompt(folder):
    turns = ["What does the river plan cost?", "9 euros.", "And the delta plan?", "10 euros."]
    line = {"messages": [{"role": r, "content": t} for r, t in zip(["user", "assistant"] * 2, turns, strict=True)]}
    (folder / "training.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (example,) = instruction.conversations(opened(folder).adapters.task())
    assert [message.content for message in example.messages[1:]] == turns
    assert example.messages[-1] == Message("assistant", "10 euros.")


def test_an_unknown_technique_is_refused_with_the_known_ones(folder):
    with pytest.raises(SettingsError, match="no technique `magic`") as raised:
        opened(folder).train("x", "magic")
    assert "instruction, preference, raft" in raised.value.remedy
