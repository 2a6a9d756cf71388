"""Calls of tools: shown by the chat templates of real models, or written out; equal in training and in serving."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from groundtune.errors import ModelFailed, TuningError
from groundtune.models import builtin
from groundtune.models._tool_turns import ToolForm, written_out
from groundtune.models.templates import prompt_ids, prompt_text, training_ids
from groundtune.values import Message, ToolCall

TOOLS = (
    json.dumps(
        {
            "type": "function",
            "function": {
                "name": "get_price",
                "description": "The price of a plan.",
                "parameters": {"type": "object", "properties": {"plan": {"type": "string", "description": "Name."}}},
            },
        }
    ),
)
CALL = ToolCall("get_price", '{"plan": "Brook"}', "c1")
ASKED = (Message("system", "Be short."), Message("user", "What does Brook cost?"))
CALLED = (*ASKED, Message("assistant", "", (CALL,)), Message("tool", '{"euros": 9}', call="c1"))
TALK = (*CALLED, Message("assistant", "9 euros."))
LONGER = (
    *TALK,
    Message("user", "And Pebble and River?"),
    Message("assistant", "", (ToolCall("get_price", '{"plan": "Pebble"}'), ToolCall("get_price", '{"plan": "River"}'))),
    Message("tool", "8"),
    Message("tool", "12"),
    Message("assistant", "8 and 12 euros."),
)
HERMES = '<tool_call>\n{"name": "get_price", "arguments": {"plan": "Brook"}}\n</tool_call>'
ANY_END = set(range(300))
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# templates as models have them, of the package trl; how each writes a call
NATIVE = {
    "qwen2_5": HERMES + "<|im_end|>",
    "qwen3_instruct_2507": HERMES + "<|im_end|>",
    "llama3_1": '{"name": "get_price", "parameters": {"plan": "Brook"}}<|eot_id|>',
    "gptoss": ' to=functions.get_price<|channel|>commentary json<|message|>{"plan": "Brook"}<|call|>',
    "lfm2_v2": "<|tool_call_start|>[get_price(plan='Brook')]<|tool_call_end|><|im_end|>",
    "qwen3_5_nothink": "<tool_call>\n<function=get_price>\n<parameter=plan>\nBrook\n</parameter>\n</function>\n"
    "</tool_call><|im_end|>",
}
WRITTEN = {
    "gemma3": HERMES + "<end_of_turn>",
    "cohere2": HERMES + "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>",
    "lfm2": HERMES + "<|im_end|>",
}


def tokenizer(template):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="</s>", chat_template=template
    )


def of_trl(name):
    found = find_spec("trl")
    if found is None or found.origin is None:
        pytest.skip("trl is not installed")
    return tokenizer((Path(found.origin).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8"))


def learned(tokenizer, rendered):
    """The texts with loss, one for each turn."""
    texts, ids = [], []
    for label in [*rendered.labels, -100]:
        if label != -100:
            ids.append(label)
        elif ids:
            texts.append(tokenizer.decode(ids))
            ids = []
    return texts


@pytest.mark.models
@pytest.mark.parametrize(("name", "call"), (NATIVE | WRITTEN).items(), ids=NATIVE | WRITTEN)
def test_real_templates_teach_calls_and_answers(name, call):
    model = of_trl(name)
    rendered = training_ids(model, TALK, ANY_END, TOOLS)
    first, second = learned(model, rendered)
    assert first == call
    assert "9 euros." in second
    text = model.decode(rendered.input_ids)
    assert all(part in text for part in ("get_price", "The price of a plan.", "What does Brook cost?", "euros"))
    for turn in (2, 4):
        prompt = prompt_ids(model, TALK[:turn], TOOLS)
        assert rendered.input_ids[: len(prompt)] == prompt
        assert rendered.labels[len(prompt)] != -100
    assert ("# Tools\n\nYou may call one or more of these functions. Their" in text) == (name in WRITTEN)


@pytest.mark.models
@pytest.mark.parametrize("name", ["qwen2_5", "gemma3", "cohere2", "lfm2_v2"])
def test_several_calls_and_replies_in_several_rounds(name):
    model = of_trl(name)
    rendered = training_ids(model, LONGER, ANY_END, TOOLS)
    texts = learned(model, rendered)
    assert len(texts) == 4
    assert "Pebble" in texts[2]
    assert "River" in texts[2]
    assert not any("12" in text for text in texts[:3])


@pytest.mark.models
def test_several_calls_at_once_are_refused_where_the_template_has_one_only():
    with pytest.raises(TuningError, match="single tool-calls") as raised:
        training_ids(of_trl("llama3_1"), LONGER, ANY_END, TOOLS)
    assert raised.value.remedy


@pytest.mark.models
def test_words_beside_a_call_that_the_template_drops_are_refused():
    talk = (*ASKED, Message("assistant", "I look it up.", (CALL,)), *TALK[3:])
    with pytest.raises(TuningError, match=r"leaves out the content of turn 3 \(assistant\)"):
        training_ids(of_trl("llama3_1"), talk, ANY_END, TOOLS)
    with pytest.raises(ModelFailed, match="leaves out"):
        prompt_text(of_trl("llama3_1"), talk[:4], TOOLS)
    assert "I look it up." in prompt_text(of_trl("qwen2_5"), talk[:4], TOOLS)


@pytest.mark.models
def test_a_template_that_drops_words_is_refused_without_tools_as_well():
    with pytest.raises(TuningError, match="leaves out the content of turn 1"):
        training_ids(of_trl("smolvlm"), (*ASKED, Message("assistant", "9 euros.")), ANY_END)


@pytest.mark.models
def test_the_built_in_model_is_taught_written_calls():
    from transformers import AutoTokenizer

    real = AutoTokenizer.from_pretrained(builtin.chat_model_folder())
    rendered = training_ids(real, TALK, None, TOOLS)
    assert learned(real, rendered) == [f"{HERMES}<|im_end|>", "9 euros.<|im_end|>"]
    prompt = prompt_text(real, CALLED, TOOLS)
    assert real.decode(rendered.input_ids).startswith(prompt)
    assert prompt.endswith(
        '<|im_start|>user\n<tool_response>\n{"euros": 9}\n</tool_response><|im_end|>\n<|im_start|>assistant\n'
    )
    assert TOOLS[0] in prompt


@pytest.mark.models
def test_a_conversation_without_tools_is_rendered_as_before():
    plain = (*ASKED, Message("assistant", "9 euros."))
    model = tokenizer(CHATML)
    assert model.decode(training_ids(model, plain, ANY_END).input_ids) == model.apply_chat_template(
        [{"role": each.role, "content": each.content} for each in plain], tokenize=False
    )


@pytest.mark.models
def test_turns_that_are_not_trained_have_no_loss():
    talk = (
        Message("user", "One?"),
        Message("assistant", "1", trained=False),
        Message("user", "Two?"),
        Message("assistant", "2"),
    )
    model = tokenizer(CHATML)
    assert learned(model, training_ids(model, talk, ANY_END)) == ["2<|im_end|>"]
    last_untrained = (*talk, Message("user", "Three?"), Message("assistant", "3", trained=False))
    assert learned(model, training_ids(model, last_untrained, ANY_END)) == ["2<|im_end|>"]
    with pytest.raises(TuningError, match="no assistant turn of a conversation is trained"):
        training_ids(model, talk[:2], ANY_END)


PARTS = {
    "dictionary": "{{ call.function.arguments | tojson }}",
    "text": "{{ '' + call.function.arguments }}",
    "printed": "{{ call.function.arguments }}",
}


@pytest.mark.models
@pytest.mark.parametrize("arguments", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("content", ["{{ m.content }}", "{% if m.content is not none %}{{ m.content }}{% endif %}"])
def test_arguments_come_out_as_json_whatever_form_the_template_takes(arguments, content):
    template = (
        "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}{% for m in messages %}<{{ m.role }}>"
        f"{content}{{% for call in m.tool_calls or [] %}}[{{{{ call.function.name }}}} {arguments}]{{% endfor %}}"
        "</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    model = tokenizer(template)
    assert learned(model, training_ids(model, TALK, None, TOOLS))[0] == '[get_price {"plan": "Brook"}]</s>'


def test_ids_are_what_mistral_takes_and_replies_find_their_calls():
    calls = (ToolCall("f", id="call_with_a_long_id"), ToolCall("g"), ToolCall("h"))
    talk = (
        Message("user", "q"),
        Message("assistant", "", calls),
        Message("tool", "1"),
        Message("tool", "2"),
        Message("tool", "3"),
    )
    turns = ToolForm(as_text=False, none=False).turns(talk)
    ids = [call["id"] for call in turns[1]["tool_calls"]]
    assert all(len(id) == 9 and id.isalnum() for id in ids)
    assert [(turn["tool_call_id"], turn["name"]) for turn in turns[2:]] == list(zip(ids, "fgh", strict=True))
    named = (*talk[:2], Message("tool", "2", call="c2"), Message("tool", "1", call="call_with_a_long_id"))
    replies = ToolForm(as_text=True, none=True).turns(named)[2:]
    assert [turn["tool_call_id"] for turn in replies] == [ids[0], ids[0]]  # `c2` is no call: the next open one


def test_written_out_turns_keep_weights_and_need_no_system_message():
    talk = (Message("user", "q"), Message("assistant", "Wait.", (CALL,), trained=False), *TALK[3:])
    system, asked, called, replied, answered = written_out(talk, TOOLS)
    assert system.content.startswith("# Tools")
    assert (asked, answered) == (talk[0], talk[-1])
    assert called == Message("assistant", f"Wait.\n{HERMES}", trained=False)
    assert replied == Message("user", '<tool_response>\n{"euros": 9}\n</tool_response>')
    assert written_out(talk[:1], ()) == talk[:1]
