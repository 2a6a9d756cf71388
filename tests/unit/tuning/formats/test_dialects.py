"""Each dialect, read as it is: what the rows of strangers' files say."""

import json

import pytest

from groundtune.tuning.formats import BrokenLine, read_rows
from groundtune.values import Example, Message, PreferencePair, Thumb, ToolCall, TrainingText

QUESTION, ANSWER, SYSTEM = Message("user", "q"), Message("assistant", "a"), Message("system", "s")
TALK = (QUESTION, ANSWER)
CALL = ToolCall("f", '{"n": 1}', "c1")
F = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
F_TEXT = json.dumps(F)


def read(tmp_path, *rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return list(read_rows(path))


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def shared(speaker, value, **more):
    return {"from": speaker, "value": value, **more}


USER, ASSISTANT = said("user", "q"), said("assistant", "a")
HUMAN, GPT = shared("human", "q"), shared("gpt", "a")

CONVERSATIONS = {
    "messages": {"messages": [USER, ASSISTANT]},
    "messages-developer": {"messages": [USER, ASSISTANT], "system": ""},
    "messages-as-json-text": {"messages": json.dumps([USER, ASSISTANT])},
    "messages-as-table": {"messages": {"role": ["user", "assistant"], "content": ["q", "a"]}},
    "content-parts": {"messages": [said("user", [{"type": "text", "text": "q"}]), ASSISTANT]},
    "content-values": {"messages": [said("user", [{"type": "text", "value": "q"}], loss_weight=0.0), ASSISTANT]},
    "empty-system-turn": {"messages": [said("system", ""), USER, ASSISTANT]},
    "sharegpt": {"conversations": [HUMAN, GPT]},
    "sharegpt-with-roles": {"conversations": [USER, ASSISTANT]},
    "lima": {"conversations": ["q", "a"]},
    "rounds": {"conversation": [{"human": "q", "assistant": "a"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}]},
    "bedrock": {"messages": [said("user", [{"text": "q"}]), said("assistant", [{"text": "a"}])]},
    "cohere": {"messages": [{"role": "User", "content": "q"}, {"role": "Chatbot", "content": "a"}]},
    "prompt-completion": {"prompt": "q", "completion": " a"},
    "prompt-completion-turns": {"prompt": [USER], "completion": [ASSISTANT]},
    "prompt-turns-completion-text": {"prompt": [USER], "completion": "a"},
    "human-assistant-text": {"prompt": "\n\nHuman: q\n\nAssistant:", "completion": " a"},
    "query-response": {"query": "q", "response": "a"},
    "question-answer": {"question": "q", "answer": "a"},
    "capitals": {"Question": "q", "Answer": "a"},
    "input-output": {"input": "q", "output": "a"},
    "inputs-targets": {"inputs": "q", "targets": "a"},
    "user-assistant": {"user": "q", "assistant": "a"},
    "instruction-output": {"instruction": "q", "output": "a"},
    "alpaca-empty-input": {"instruction": "q", "input": "", "output": "a", "history": []},
    "alpaca-with-the-whole-text": {
        "instruction": "q",
        "input": "",
        "output": "a",
        "text": "Below is an instruction.\n### Instruction:\nq\n### Response:\na",
    },
    "segments": {"segments": [{"label": False, "text": "q"}, {"label": True, "text": "a"}]},
    "nulls-of-other-dialects": {"messages": [USER, ASSISTANT], "prompt": None, "text": None, "chosen": None},
    "empties-of-other-dialects": {"messages": [USER, ASSISTANT], "prompt": "", "completion": "", "rejected": []},
    "messages-and-an-equal-prompt": {"messages": [USER, ASSISTANT], "prompt": "q"},
    "two-dialects-that-agree": {"messages": [USER, ASSISTANT], "prompt": "q", "completion": "a"},
    "a-list-of-turns-as-a-row": [USER, ASSISTANT],
}


@pytest.mark.parametrize("row", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_question_and_its_answer_in_every_dialect(tmp_path, row):
    (made,) = read(tmp_path, row)
    assert isinstance(made, Example), made
    assert made.messages == TALK
    assert made.place == f"{tmp_path / 'rows.jsonl'}:1"


WITH_SYSTEM = {
    "messages": {"messages": [said("system", "s"), USER, ASSISTANT]},
    "developer": {"messages": [said("developer", "s"), USER, ASSISTANT]},
    "anthropic": {"system": "s", "messages": [USER, ASSISTANT]},
    "bedrock": {"system": [{"text": "s"}], "messages": [USER, ASSISTANT]},
    "gemini": {"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [USER, ASSISTANT]},
    "sharegpt-column": {"conversations": [HUMAN, GPT], "system": "s"},
    "sharegpt-turn-and-equal-column": {"conversations": [shared("system", "s"), HUMAN, GPT], "system": "s"},
    "orca": {"id": "1", "system_prompt": "s", "question": "q", "response": "a"},
    "columns": {"system": "s", "user": "q", "assistant": "a"},
    "alpaca": {"instruction": "q", "input": "", "output": "a", "system": "s"},
}


@pytest.mark.parametrize("row", WITH_SYSTEM.values(), ids=WITH_SYSTEM)
def test_a_system_message_comes_first_wherever_it_stood(tmp_path, row):
    (made,) = read(tmp_path, row)
    assert isinstance(made, Example), made
    assert made.messages == (SYSTEM, *TALK)


def test_alpaca_joins_instruction_and_input_and_puts_the_history_before(tmp_path):
    row = {"instruction": "q", "input": "x", "output": "a", "history": [["q1", "a1"], ["q2", "a2"]]}
    (made,) = read(tmp_path, row)
    texts = [message.content for message in made.messages]
    assert texts == ["q1", "a1", "q2", "a2", "q\nx", "a"]
    assert all(message.trained for message in made.messages)
    (dolly,) = read(tmp_path, {"instruction": "q", "context": "x", "response": "a"})
    assert dolly.messages[0].content == "q\nx"


def test_loss_is_on_the_completion_only_where_a_prompt_has_answers(tmp_path):
    (made,) = read(tmp_path, {"prompt": [USER, ASSISTANT, USER], "completion": [ASSISTANT]})
    assert [message.trained for message in made.messages] == [True, False, True, True]


def test_every_instance_of_self_instruct_is_an_example(tmp_path):
    row = {"instruction": "q", "instances": [{"input": "", "output": "a"}, {"input": "x", "output": "b"}]}
    assert [made.messages[0].content for made in read(tmp_path, row)] == ["q", "q\nx"]


WEIGHTS = {
    "openai": [USER, said("assistant", "b", weight=0), USER, said("assistant", "a", weight=1)],
    "llamafactory": [USER, said("assistant", "b", loss_weight=0.0), USER, said("assistant", "a", loss_weight=1.0)],
    "axolotl": [HUMAN, shared("gpt", "b", train=False), HUMAN, shared("gpt", "a", train=True)],
    "without-and-null": [USER, said("assistant", "b", weight=0), USER, said("assistant", "a", weight=None)],
}


@pytest.mark.parametrize("turns", WEIGHTS.values(), ids=WEIGHTS)
def test_a_turn_with_weight_0_is_not_trained(tmp_path, turns):
    (made,) = read(tmp_path, {"messages": turns})
    assert [message.trained for message in made.messages] == [True, False, True, True]


TOOL_CALLS = {
    "openai": {
        "messages": [
            USER,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"n": 1}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            ASSISTANT,
        ],
        "tools": [F],
    },
    "mistral": {
        "messages": [
            USER,
            {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"n": 1}}}]},
            {"role": "tool", "name": "f", "tool_call_id": "c1", "content": "one"},
            ASSISTANT,
        ],
        "tools": [F],
    },
    "openai-functions": {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"n": 1}'}},
            {"role": "function", "name": "f", "content": "one"},
            ASSISTANT,
        ],
        "functions": [F["function"]],
    },
    "sharegpt": {
        "conversations": [
            HUMAN,
            shared("function_call", '{"name": "f", "arguments": {"n": 1}}'),
            shared("observation", "one"),
            GPT,
        ],
        "tools": json.dumps([F["function"]]),
    },
    "hermes": {
        "conversations": [
            HUMAN,
            shared("gpt", '<tool_call>\n{"name": "f", "arguments": {"n": 1}}\n</tool_call>'),
            shared("tool", "<tool_response>\none\n</tool_response>"),
            GPT,
        ],
        "tools": json.dumps([F]),
    },
    "llamafactory": {
        "messages": [
            said("user", [{"type": "text", "value": "q"}]),
            said("assistant", [{"type": "tool_call", "value": '{"name": "f", "arguments": {"n": 1}}'}]),
            said("tool", [{"type": "text", "value": "one"}]),
            said("assistant", [{"type": "text", "value": "a"}]),
        ],
        "tools": json.dumps([F]),
    },
    "anthropic": {
        "messages": [
            USER,
            said("assistant", [{"type": "tool_use", "id": "c1", "name": "f", "input": {"n": 1}}]),
            said("user", [{"type": "tool_result", "tool_use_id": "c1", "content": "one"}]),
            ASSISTANT,
        ],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    },
}


@pytest.mark.parametrize("row", TOOL_CALLS.values(), ids=TOOL_CALLS)
def test_calls_of_tools_in_every_dialect(tmp_path, row):
    (made,) = read(tmp_path, row)
    assert isinstance(made, Example), made
    asked, called, replied, answered = made.messages
    assert (asked, answered) == TALK
    assert (called.role, called.content, replied.role, replied.content) == ("assistant", "", "tool", "one")
    assert [(call.name, json.loads(call.arguments)) for call in called.tool_calls] == [("f", {"n": 1})]
    assert [json.loads(tool) for tool in made.tools] == [F]


def test_words_and_several_calls_in_a_row_are_one_turn(tmp_path):
    row = {
        "conversations": [
            HUMAN,
            shared("gpt", "I look."),
            shared("function_call", '[{"name": "f", "arguments": {}}, {"name": "g"}]'),
            shared("observation", "1"),
            shared("observation", ""),
            GPT,
        ]
    }
    (made,) = read(tmp_path, row)
    assert [message.role for message in made.messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert made.messages[1] == Message("assistant", "I look.", (ToolCall("f"), ToolCall("g")))


def test_a_conversation_may_end_with_a_call(tmp_path):
    (made,) = read(tmp_path, {"messages": [USER, said("assistant", "", tool_calls=[{"name": "f"}])], "tools": [F]})
    assert made.messages[-1].tool_calls == (ToolCall("f"),)


@pytest.mark.parametrize(
    "turn",
    [
        said("assistant", [{"type": "reasoning", "value": "hm"}, {"type": "text", "value": "a"}]),
        said("assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]),
        said("assistant", "a", reasoning_content="hm"),
        said("assistant", "<think>\nhm\n</think>\n\na"),
    ],
)
def test_reasoning_is_kept_as_models_write_it(tmp_path, turn):
    (made,) = read(tmp_path, {"messages": [USER, turn]})
    assert made.messages[-1].content == "<think>\nhm\n</think>\n\na"


def test_what_a_row_says_of_itself(tmp_path):
    row = {"messages": [USER, ASSISTANT], "documents": ["d.md"], "source": "t", "id": 7, "metadata": {"k": "v"}}
    (made,) = read(tmp_path, row)
    assert (made.documents, made.source, made.metadata) == (("d.md",), "t", {"id": "7", "k": "v"})


PAIR = ((QUESTION,), (Message("assistant", "good"),), (Message("assistant", "bad"),))
GOOD, BAD = said("assistant", "good"), said("assistant", "bad")
PAIRS = {
    "ours": {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    "texts": {"prompt": "q", "chosen": "good", "rejected": "bad"},
    "trl-whole": {"prompt": [USER], "chosen": [USER, GOOD], "rejected": [USER, BAD]},
    "trl-implicit-prompt": {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    "trl-implicit-prompt-in-texts": {"chosen": "q good", "rejected": "q bad"},
    "ultrafeedback": {
        "prompt": "q",
        "prompt_id": "1",
        "chosen": [USER, GOOD],
        "rejected": [USER, BAD],
        "messages": [USER, GOOD],
        "score_chosen": 8.0,
        "score_rejected": 5.0,
    },
    "ultrafeedback-lists-of-texts": {"prompt": "q", "chosen": ["good"], "rejected": ["bad"], "score_chosen": [8]},
    "sharegpt": {"conversations": [HUMAN], "chosen": shared("gpt", "good"), "rejected": shared("gpt", "bad")},
    "llamafactory-v1": {"chosen_messages": [USER, GOOD], "rejected_messages": [USER, BAD]},
    "llamafactory-alpaca": {"instruction": "q", "input": "", "chosen": "good", "rejected": "bad"},
    "messages-as-prompt": {"messages": [USER], "chosen": [GOOD], "rejected": [BAD]},
    "openai": {
        "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    },
    "argilla": {"instruction": "q", "chosen_response": "good", "rejected_response": "bad", "chosen-rating": 5},
    "argilla-ratings": {"instruction": "q", "generations": ["bad", "good"], "ratings": [1.0, 4.0]},
    "orca-dpo": {"question": "q", "chosen": "good", "rejected": "bad"},
    "hh-rlhf": {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"},
    "hh-rlhf-with-prompt": {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": " good", "rejected": " bad"},
    "stack-exchange": {"question": "q", "response_j": "good", "response_k": "bad"},
    "arena": {"conversation_a": [USER, BAD], "conversation_b": [USER, GOOD], "winner": "model_b"},
    "safe-rlhf": {"prompt": "q", "response_0": "bad", "response_1": "good", "better_response_id": 1},
    "llmbar": {"input": "q", "output_1": "good", "output_2": "bad", "label": 1},
    "nectar": {"prompt": "q", "answers": [{"answer": "bad", "rank": 2.0}, {"answer": "good", "rank": 1.0}]},
    "ultrafeedback-original": {
        "instruction": "q",
        "completions": [{"response": "good", "overall_score": 9}, {"response": "bad", "overall_score": 2}],
    },
}


@pytest.mark.parametrize("row", PAIRS.values(), ids=PAIRS)
def test_a_pair_in_every_dialect(tmp_path, row):
    (made,) = read(tmp_path, row)
    assert isinstance(made, PreferencePair), made
    assert (made.prompt, made.chosen, made.rejected) == PAIR


def test_a_pair_of_whole_conversations_shares_their_beginning(tmp_path):
    before = [said("system", "s"), USER, ASSISTANT, said("user", "q2")]
    (made,) = read(tmp_path, {"chosen": [*before, GOOD], "rejected": [*before, BAD]})
    assert [message.content for message in made.prompt] == ["s", "q", "a", "q2"]
    assert (made.chosen, made.rejected) == PAIR[1:]


def test_who_judged_a_pair_is_kept(tmp_path):
    (made,) = read(tmp_path, {"prompt": "q", "chosen": "good", "rejected": "bad", "annotator": 3, "group": "g"})
    assert (made.annotator, made.group) == ("3", "g")


RANKINGS = {
    "best-first": {"prompt": "q", "ranking": ["x", "y", "z"]},
    "scores": {"prompt": "q", "responses": ["z", "x", "y"], "scores": [1, 3, 2]},
    "ranks": {"prompt": [USER], "responses": ["z", "x", "y"], "ranks": [3, 1, 2]},
    "chat": {"messages": [USER], "ranked_responses": ["x", "y", "z"]},
}


@pytest.mark.parametrize("row", RANKINGS.values(), ids=RANKINGS)
def test_a_ranking_gives_all_its_pairs_in_one_group(tmp_path, row):
    made = read(tmp_path, row)
    assert {(pair.chosen[0].content, pair.rejected[0].content) for pair in made} == {("x", "y"), ("x", "z"), ("y", "z")}
    assert len(made) == 3
    assert len({pair.group for pair in made}) == 1
    assert made[0].group
    assert {pair.prompt for pair in made} == {(QUESTION,)}


def test_ties_give_no_pair_and_rankings_of_two_rows_are_two_groups(tmp_path):
    row = {"prompt": "q", "responses": ["x", "y", "z"], "scores": [2, 1, 1]}
    made = read(tmp_path, row, row)
    assert [(pair.chosen[0].content, pair.rejected[0].content) for pair in made[:2]] == [("x", "y"), ("x", "z")]
    assert len({pair.group for pair in made}) == 2


THUMBS = {
    "trl": {"prompt": "q", "completion": "a", "label": False},
    "trl-turns": {"prompt": [USER], "completion": [ASSISTANT], "label": False},
    "llamafactory-messages": {"messages": [USER, ASSISTANT], "label": False},
    "llamafactory-sharegpt": {"conversations": [HUMAN, GPT], "kto_tag": False},
    "llamafactory-alpaca": {"instruction": "q", "input": "", "output": "a", "kto_tag": "false"},
    "axolotl": {"messages": [USER], "completion": ASSISTANT, "label": False},
    "text-verdict": {"prompt": "q", "completion": "a", "label": "False"},
    "thumb": {"prompt": "q", "response": "a", "thumb": "down"},
}


@pytest.mark.parametrize("row", THUMBS.values(), ids=THUMBS)
def test_a_rated_answer_in_every_dialect(tmp_path, row):
    (made,) = read(tmp_path, row)
    assert isinstance(made, Thumb), made
    assert (made.prompt, made.answer, made.good) == ((QUESTION,), (ANSWER,), False)


def test_the_last_answer_is_the_one_that_is_rated(tmp_path):
    (made,) = read(tmp_path, {"messages": [USER, ASSISTANT, said("user", "q2"), GOOD], "label": True})
    assert ([message.content for message in made.prompt], made.answer, made.good) == (["q", "a", "q2"], PAIR[1], True)


def test_another_text_under_label_is_a_class_and_no_verdict(tmp_path):
    (made,) = read(tmp_path, {"messages": [USER, ASSISTANT], "label": "billing"})
    assert made == Example(TALK, metadata={"label": "billing"})


def test_texts(tmp_path):
    made = read(tmp_path, {"text": "one\n"}, {"text": "two", "url": "u", "timestamp": "t"}, {"content": "three"})
    assert made == [TrainingText("one\n"), TrainingText("two", "u"), TrainingText("three")]


def test_a_file_may_hold_several_dialects(tmp_path):
    rows = [CONVERSATIONS["sharegpt"], PAIRS["hh-rlhf"], THUMBS["trl"], {"text": "t"}, {"messages": []}]
    assert [type(made) for made in read(tmp_path, *rows)] == [Example, PreferencePair, Thumb, TrainingText, BrokenLine]
