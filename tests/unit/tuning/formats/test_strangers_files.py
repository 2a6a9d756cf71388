"""Files that other projects ship with their data: each taken for what it is, no row lost."""

import json
from collections import Counter

import pytest

from groundtune.tuning.formats import BrokenLine, read_rows
from groundtune.tuning.formats.doubts import text_doubts
from groundtune.values import Example, PreferencePair, Thumb, TrainingText

FILES = {
    "alpaca_en_demo.json": {Example: 60},
    "axolotl_alpaca.json": {Example: 2},
    "axolotl_conversation.json": {Example: 1},
    "axolotl_conversation.missingturns.json": {BrokenLine: 1},
    "c4_demo.jsonl": {TrainingText: 60},
    "dpo_en_demo.json": {PreferencePair: 60},
    "glaive_toolcall_en_demo.json": {Example: 60},
    "identity.json": {Example: 60},
    "kto_en_demo.json": {Thumb: 60},
    "reason_tool_use_demo_50.jsonl": {Example: 30},
    "v1_dpo_demo.jsonl": {PreferencePair: 10},
    "v1_sft_demo.jsonl": {Example: 60},
}


@pytest.fixture
def folder(shared_data):
    return shared_data / "tuning_formats"


def test_there_are_no_other_files(folder):
    assert {path.name for path in folder.iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_taken_for_what_it_is(folder, name):
    made = list(read_rows(folder / name))
    assert Counter(map(type, made)) == FILES[name]
    text = (folder / name).read_text(encoding="utf-8")
    try:
        rows = json.loads(text)
    except ValueError:
        rows = [json.loads(line) for line in text.split("\n") if line]
    assert len(made) == (len(rows) if isinstance(rows, list) else 1)


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("axolotl_conversation")])
def test_places_are_the_lines_on_which_rows_begin(folder, name):
    lines = (folder / name).read_text(encoding="utf-8").split("\n")
    places = [int(each.place.rpartition(":")[2]) for each in read_rows(folder / name)]
    assert places == sorted(set(places))
    assert all(lines[place - 1].strip().startswith("{") for place in places)


def test_a_missing_turn_is_told(folder):
    (broken,) = read_rows(folder / "axolotl_conversation.missingturns.json")
    assert (broken.line, broken.reason) == (1, "`conversations.1.value` is empty.")


def test_calls_and_tools_are_kept(folder):
    glaive = [each for each in read_rows(folder / "glaive_toolcall_en_demo.json") if isinstance(each, Example)]
    calls = [call for each in glaive for message in each.messages for call in message.tool_calls]
    assert len(calls) == 44
    offered = {json.loads(tool)["function"]["name"] for each in glaive for tool in each.tools}
    assert {call.name for call in calls} <= offered
    reasoned = [each for each in read_rows(folder / "reason_tool_use_demo_50.jsonl") if isinstance(each, Example)]
    turns = [message for each in reasoned for message in each.messages if message.role == "assistant"]
    assert sum(len(turn.tool_calls) for turn in turns) == 30 + 2 * 6 + 3 * 2
    assert all(turn.content.startswith("<think>\n") for turn in turns)


def test_verdicts_are_those_of_the_file(folder):
    labels = [row["label"] for row in json.loads((folder / "kto_en_demo.json").read_text(encoding="utf-8"))]
    assert [each.good for each in read_rows(folder / "kto_en_demo.json") if isinstance(each, Thumb)] == labels
    assert len(set(labels)) == 2


def test_placeholders_are_kept_and_doubted(folder):
    made = [each for each in read_rows(folder / "identity.json") if isinstance(each, Example)]
    doubted = [each for each in made if text_doubts(each.messages[-1].content)]
    held = [each for each in made if "{{" in each.messages[-1].content]
    assert doubted == held != []


def test_real_preferences(shared_data):
    counts = Counter(map(type, read_rows(shared_data / "preferences" / "hh_rlhf_harmless_test.jsonl.gz")))
    assert counts == {PreferencePair: 2304, BrokenLine: 8}  # empty answers, and two turns of the assistant in a row
    llmbar = sorted((shared_data / "preferences" / "llmbar").rglob("dataset.json"))
    assert sum(sum(1 for each in read_rows(file) if isinstance(each, PreferencePair)) for file in llmbar) == 419


def test_real_instructions(shared_data):
    folder = shared_data / "instructions"
    for name, number in {"self_instruct_seed_tasks.jsonl": 175, "t0_subset.jsonl.gz": 7600}.items():
        assert Counter(map(type, read_rows(folder / name))) == {Example: number}
