"""Rendering conversations: loss on the assistant's turns only, and training sees what serving gives."""

import json
import re
import zlib

import pytest

from groundtune.errors import TuningError
from groundtune.models import builtin
from groundtune.models.templates import prompt_ids, prompt_text, training_ids
from groundtune.values import Message

SYSTEM = Message("system", "Be short.")
ONE_TURN = (SYSTEM, Message("user", "What is it?"), Message("assistant", "It is a plan."))
TWO_TURNS = (*ONE_TURN, Message("user", "And abroad?"), Message("assistant", "It works there, too."))


class CharacterTokenizer:
    """One id a character, and one for each of the control words `<role>` and `</s>`."""

    eos_token_id = 1
    _control = ("</s>", "<system>", "<user>", "<assistant>")
    _pieces = re.compile(r"</s>|<(?:system|user|assistant)>|.", re.DOTALL)

    def __init__(self, end="</s>\n", drop_earlier=False, prompt="<assistant>"):
        self._end, self._drop_earlier, self._prompt = end, drop_earlier, prompt

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        assert tokenize is False
        last = len(conversation) - 1
        text = "".join(
            f"<{turn['role']}>{'' if self._drop_earlier and number < last else turn['content']}{self._end}"
            for number, turn in enumerate(conversation)
        )
        return text + (self._prompt if add_generation_prompt else "")

    def __call__(self, text, *, add_special_tokens, return_offsets_mapping=False):
        assert add_special_tokens is False
        found = list(self._pieces.finditer(text))
        ids = [1 + self._control.index(m[0]) if m[0] in self._control else 100 + ord(m[0]) for m in found]
        return {"input_ids": ids, "offset_mapping": [m.span() for m in found]}

    def decode(self, ids):
        return "".join(self._control[id_ - 1] if id_ < 100 else chr(id_ - 100) for id_ in ids)


def learned(tokenizer, rendered):
    return tokenizer.decode([label for label in rendered.labels if label != -100])


def test_loss_is_on_the_assistants_turns_and_their_end_only():
    tokenizer = CharacterTokenizer()
    rendered = training_ids(tokenizer, TWO_TURNS)
    assert learned(tokenizer, rendered) == "It is a plan.</s>It works there, too.</s>"
    assert all(label in (-100, token) for token, label in zip(rendered.input_ids, rendered.labels, strict=True))


@pytest.mark.parametrize("turn", [2, 4])
def test_what_stands_before_an_answer_is_the_prompt_that_serving_gives(turn):
    tokenizer = CharacterTokenizer()
    rendered = training_ids(tokenizer, TWO_TURNS)
    prompt = prompt_ids(tokenizer, TWO_TURNS[:turn])
    assert rendered.input_ids[: len(prompt)] == prompt
    assert rendered.labels[len(prompt)] != -100
    assert tokenizer.decode(prompt) == prompt_text(tokenizer, TWO_TURNS[:turn])


@pytest.mark.parametrize(
    ("tokenizer", "messages", "reason"),
    [
        (CharacterTokenizer(), ONE_TURN[:2], "has no assistant turn"),
        (CharacterTokenizer(), (*ONE_TURN[:2], Message("assistant", "")), None),
        (CharacterTokenizer(end="\n"), ONE_TURN, "end-of-sequence"),
        (CharacterTokenizer(end="\n"), (*ONE_TURN[:2], Message("assistant", "")), "all labels"),
        (CharacterTokenizer(drop_earlier=True), TWO_TURNS, "changes earlier turns"),
        (CharacterTokenizer(prompt="<assistant>Well, "), ONE_TURN, "changes earlier turns"),
    ],
    ids=["no-answer", "empty-answer", "no-eos", "all-masked", "rewriting", "prompt-not-in-training"],
)
def test_templates_that_cannot_teach_are_refused(tokenizer, messages, reason):
    if reason is None:  # the end-of-turn token alone is something to learn
        assert learned(tokenizer, training_ids(tokenizer, messages)) == "</s>"
        return
    with pytest.raises(TuningError, match=reason) as raised:
        training_ids(tokenizer, messages)
    assert raised.value.remedy


def test_a_prompt_that_is_tokenized_otherwise_in_training_is_refused():
    class Merging(CharacterTokenizer):
        _pieces = re.compile(r"</s>|<(?:system|user)>|<assistant>I?|.", re.DOTALL)

        def __call__(self, text, **options):
            found = list(self._pieces.finditer(text))
            ids = [1 if m[0] == "</s>" else 2 + zlib.crc32(m[0].encode()) for m in found]
            return {"input_ids": ids, "offset_mapping": [m.span() for m in found]}

    with pytest.raises(TuningError, match="differently in training and in serving"):
        training_ids(Merging(), ONE_TURN)


@pytest.fixture(scope="module")
def real():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(builtin.chat_model_folder())


@pytest.mark.models
@pytest.mark.parametrize("messages", [ONE_TURN, TWO_TURNS])
def test_the_built_in_template_teaches_answers_and_their_end(real, messages):
    rendered = training_ids(real, messages)
    answers = [message.content for message in messages if message.role == "assistant"]
    assert learned(real, rendered) == "".join(f"{answer}<|im_end|>" for answer in answers)
    for turn, message in enumerate(messages):
        if message.role == "assistant":
            prompt = prompt_ids(real, messages[:turn])
            assert rendered.input_ids[: len(prompt)] == prompt


@pytest.mark.models
def test_the_built_in_template_does_so_for_every_conversation_of_the_example(real, telecom):
    lines = (telecom / "training.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[::10]:
        turns = [Message(turn["role"], turn["content"]) for turn in json.loads(line)["messages"]]
        rendered = training_ids(real, (SYSTEM, *turns))
        answers = [turn.content for turn in turns if turn.role == "assistant"]
        assert learned(real, rendered) == "".join(f"{answer}<|im_end|>" for answer in answers)
