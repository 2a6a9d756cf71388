"""Rows that cannot be used: each refused with its line, the reason and a remedy, and none of the others with it."""

import json

import pytest

from groundtune.tuning.formats import BrokenLine, read_rows
from groundtune.values import Example


def said(role, content, **more):
    return {"role": role, "content": content, **more}


USER, ASSISTANT = said("user", "q"), said("assistant", "a")
HUMAN, GPT = {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}
CALLING = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
TOOL = said("tool", "1")
GOOD, BAD = said("assistant", "good"), said("assistant", "bad")


def chat(*turns, **more):
    return {"messages": list(turns), **more}


BROKEN = {
    "no-columns": ({}, "`messages` is missing"),
    "unknown-columns": ({"foo": 1}, "Columns: `foo`"),
    "wrapped": ({"data": [chat(USER, ASSISTANT)]}, "the list under `data` may hold the rows"),
    "token-ids": ({"input_ids": [1, 2], "labels": [1, 2]}, "token ids"),
    "one-turn-as-row": (said("user", "q"), "a single turn"),
    "number": (5, "is 5, not a JSON object"),
    "text": ("q", "is 'q', not a JSON object"),
    "no-turns": (chat(), "`messages` is []"),
    "turns-are-text": ({"messages": "q"}, "`messages` is 'q'"),
    "one-user-turn": (chat(USER), "the turns are user: the conversation ends with the user"),
    "ends-with-user": (chat(USER, ASSISTANT, USER), "ends with the user"),
    "ends-with-tool": (chat(USER, CALLING, TOOL), "ends with the tool"),
    "two-users": (chat(USER, USER, ASSISTANT), "two turns of the user in a row at turn 2"),
    "two-answers": (chat(USER, ASSISTANT, ASSISTANT), "two turns of the assistant in a row at turn 3"),
    "begins-with-assistant": ({"conversations": [GPT, HUMAN, GPT]}, "begins with the assistant"),
    "late-system": (chat(USER, said("system", "s"), ASSISTANT), "a system message at turn 2"),
    "system-only": (chat(said("system", "s")), "no turns besides the system message"),
    "unknown-role": (chat(USER, said("bot", "a")), "`messages.1.role` is 'bot'"),
    "no-role": (chat(USER, {"content": "a"}), "`messages.1` has no `role`"),
    "role-is-a-number": (chat(USER, said(3, "a")), "`messages.1.role` is 3"),
    "empty-answer": ({"conversations": [HUMAN, {"from": "gpt", "value": ""}]}, "`conversations.1.value` is empty"),
    "white-space": (chat(USER, said("assistant", " \n")), "`messages.1.content` is empty"),
    "null-content": (chat(USER, said("assistant", None)), "`messages.1.content` is empty"),
    "no-content": (chat(USER, {"role": "assistant"}), "`messages.1.content` is empty"),
    "number-as-content": (chat(USER, said("assistant", 4)), "`messages.1.content` is 4, not text"),
    "half-a-character": (chat(USER, said("assistant", "a\ud83d")), "half a character"),
    "two-system-messages": (chat(said("system", "s"), USER, ASSISTANT, system="t"), "`system` says something else"),
    "image": (chat(said("user", [{"type": "image_url", "image_url": {}}]), ASSISTANT), "of the type `image_url`"),
    "audio": (chat(said("user", [{"type": "input_audio", "input_audio": {}}]), ASSISTANT), "type `input_audio`"),
    "image-column": (chat(said("user", "<image>q"), ASSISTANT, images=["a.png"]), "`images`"),
    "video-column": ({"instruction": "q", "output": "a", "videos": ["a.mp4"]}, "`videos`"),
    "weight-of-a-half": (chat(USER, said("assistant", "a", weight=0.5)), "`messages.1.weight` is 0.5"),
    "weight-as-text": (chat(USER, said("assistant", "a", weight="1")), "`messages.1.weight` is '1'"),
    "weight-of-a-user": (chat(said("user", "q", loss_weight=1.0), ASSISTANT), "on a turn of the user"),
    "all-weights-0": (chat(USER, said("assistant", "a", weight=0)), "nothing is learnt"),
    "reply-without-call": (chat(USER, ASSISTANT, TOOL, ASSISTANT), "a tool's reply without a call at turn 3"),
    "call-without-reply": (chat(USER, CALLING, USER, ASSISTANT), "a call that no tool replied to"),
    "user-calls": (chat({**USER, "tool_calls": CALLING["tool_calls"]}, ASSISTANT), "Only the assistant calls"),
    "call-without-name": (chat(USER, said("assistant", "", tool_calls=[{"arguments": {}}])), "without `name`"),
    "arguments-are-no-json": (
        chat(USER, said("assistant", "", tool_calls=[{"function": {"name": "f", "arguments": "{n: 1"}}])),
        "`messages.1.tool_calls.arguments` is '{n: 1', which is not JSON",
    ),
    "arguments-are-a-list": (chat(USER, said("assistant", "", function_call={"name": "f", "arguments": "[1]"})), "[1]"),
    "call-is-no-json": (
        {"conversations": [HUMAN, {"from": "function_call", "value": "f(1)"}, {"from": "observation", "value": "1"}]},
        "`conversations.1.value` is 'f(1)', which is not JSON",
    ),
    "tools-are-no-json": (chat(USER, ASSISTANT, tools="[{"), "`tools` is '[{'"),
    "tool-without-name": (chat(USER, ASSISTANT, tools=[{"description": "x"}]), "`tools.0`"),
    "misspelt-documents": (chat(USER, ASSISTANT, document=["a.md"]), "Did you mean `documents`?"),
    "documents-are-text": (chat(USER, ASSISTANT, documents="a.md"), "`documents` is 'a.md'"),
    "prompt-only": ({"prompt": "q"}, "has `prompt`, but `completion` is missing"),
    "answer-only": ({"response": "a"}, "has `response`, but `prompt` is missing"),
    "null-answer": ({"prompt": "q", "completion": None}, "`completion` is missing"),
    "empty-completion": ({"prompt": "q", "completion": ""}, "`completion` is empty"),
    "empty-output": ({"instruction": "q", "input": "", "output": " "}, "`output` is empty"),
    "number-as-answer": ({"question": "q", "answer": 42}, "`answer` is 42, not text"),
    "several-outputs": ({"instruction": "q", "output": ["a", "b"]}, "`output` is a list of 2"),
    "two-questions": ({"question": "q", "instruction": "be kind", "output": "a"}, "ambiguous"),
    "two-answers-in-columns": ({"question": "q", "response": "a", "answer": "b"}, "ambiguous"),
    "two-dialects-that-differ": (chat(USER, ASSISTANT, prompt="x", completion="y"), "ambiguous: it may be"),
    "another-text-beside": (chat(USER, ASSISTANT, text="something else"), "ambiguous: `text` says something else"),
    "bad-history": ({"instruction": "q", "output": "a", "history": ["x"]}, "`history`"),
    "segments-of-a-template": ({"segments": [{"label": True, "text": "<s>Hello"}]}, "`<s>`, which belongs to one"),
    "chosen-only": ({"prompt": "q", "chosen": "a"}, "has `chosen`, but `rejected` is missing"),
    "equal-sides": ({"prompt": "q", "chosen": "a", "rejected": "a "}, "are equal"),
    "equal-conversations": ({"chosen": [USER, GOOD], "rejected": [USER, GOOD]}, "equal"),
    "empty-side": ({"prompt": "q", "chosen": "a", "rejected": ""}, "`rejected` is empty"),
    "no-prompt": ({"chosen": [GOOD], "rejected": [BAD]}, "`prompt` is missing"),
    "nothing-in-common": ({"chosen": "Blue.", "rejected": "Green."}, "no common beginning"),
    "other-prompts": ({"chosen": [USER, GOOD], "rejected": [said("user", "x"), BAD]}, "no turns"),
    "one-side-whole": ({"prompt": "q", "chosen": [USER, GOOD], "rejected": [BAD]}, "begin with different roles"),
    "a-prompt-that-differs": ({"prompt": "x", "chosen": [USER, GOOD], "rejected": [USER, BAD]}, "ambiguous: `prompt`"),
    "prompt-ends-with-assistant": (
        {"prompt": [USER, ASSISTANT], "chosen": [GOOD], "rejected": [BAD]},
        "ends with the assistant",
    ),
    "tie": ({"prompt": "q", "response_a": "x", "response_b": "y", "winner": "tie"}, "nobody preferred"),
    "unknown-winner": ({"prompt": "q", "response_a": "x", "response_b": "y", "winner": "c"}, "names neither"),
    "ranking-of-one": ({"prompt": "q", "ranking": ["x"]}, "`ranking`"),
    "all-tied": ({"prompt": "q", "responses": ["x", "y"], "scores": [1, 1]}, "no answer is better"),
    "scores-too-few": ({"prompt": "q", "responses": ["x", "y"], "scores": [1]}, "not 2 numbers"),
    "score-as-text": ({"prompt": "q", "responses": ["x", "y"], "scores": ["good", "bad"]}, "not a number"),
    "ungraded-answers": ({"prompt": "q", "responses": ["x", "y"]}, "does not say how good"),
    "steps": ({"prompt": "q", "completions": ["x", "y"], "labels": [True, False]}, "single steps"),
    "label-is-a-number": ({"prompt": "q", "completion": "a", "label": 1}, "a verdict or a class?"),
    "label-is-null": ({"prompt": "q", "completion": "a", "label": None}, "`label` is empty"),
    "verdict-is-a-word": ({"prompt": "q", "completion": "a", "kto_tag": "maybe"}, "neither true nor false"),
    "rated-prompt-only": ({"prompt": "q", "label": True}, "`completion` is missing"),
    "classes": ({"text": "q", "label": 3}, "sorts texts into classes"),
    "empty-text": ({"text": " "}, "`text` is empty"),
    "text-is-a-list": ({"text": ["a"]}, "not text"),
}


@pytest.mark.parametrize(("row", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_named_and_hides_no_other(tmp_path, row, reason):
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(each) for each in (chat(USER, ASSISTANT), row, {"prompt": "q2", "completion": "a2"})]
    path.write_text("\n".join(lines), encoding="utf-8")
    first, broken, last = read_rows(path)
    assert isinstance(first, Example)
    assert isinstance(last, Example)
    assert isinstance(broken, BrokenLine), broken
    assert broken.place == f"{path}:2"
    assert reason in f"{broken.reason} {broken.remedy}"
    assert broken.remedy
