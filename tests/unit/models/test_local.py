"""The model in this process: batches, streams, choices, adapters, and what cannot be opened."""

import sys
from dataclasses import replace

import pytest

from groundtune.assistant.closed_book import ClosedBook
from groundtune.errors import ModelFailed, NotInstalled, SettingsError
from groundtune.models import builtin, local
from groundtune.models.templates import prompt_ids
from groundtune.settings import AssistantSettings, ModelSettings
from groundtune.testing.tiny import tiny_model
from groundtune.values import Completion, Message, Question, Usage

CONVERSATIONS = [
    (Message("user", "Name a colour."),),
    (
        Message("system", "You answer questions about a phone shop in one short sentence. " * 3),
        Message("user", "Is the shop open on Sundays?"),
        Message("assistant", "No, it is open from Monday to Saturday."),
        Message("user", "And on Saturdays, until when?"),
    ),
    (Message("system", "Be short."), Message("user", "Was kostet das? 5 € oder 6 €? ✓ 日本")),
]


@pytest.fixture(scope="module")
def model():
    return local.groundtune_model(ModelSettings(max_tokens=12), None)


@pytest.mark.models
def test_a_batch_of_different_lengths_is_answered_as_one_by_one(model):
    together = model.complete(CONVERSATIONS)
    assert together == [model.complete([each])[0] for each in CONVERSATIONS]
    assert len({completion.usage.prompt_tokens for completion in together}) == 3
    assert all(completion.text and completion.text == completion.text.strip() for completion in together)


@pytest.mark.models
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_the_stream_is_the_completion_and_returns_it(model, conversation):
    stream, pieces = model.stream(conversation), []
    while True:
        try:
            pieces.append(next(stream))
        except StopIteration as end:
            returned = end.value
            break
    (completion,) = model.complete([conversation])
    assert "".join(pieces) == completion.text
    assert len(pieces) > 1
    assert returned == completion


@pytest.mark.models
def test_half_a_character_is_held_back_and_a_cut_one_comes_last(model):
    first_byte = model.tokenizer("✓", add_special_tokens=False)["input_ids"][0]

    def decode(*_):
        yield {0: first_byte}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local._generation, "decode", decode)
        assert "".join(model.stream(CONVERSATIONS[0])) == model.complete([CONVERSATIONS[0]])[0].text == "\ufffd"


@pytest.mark.models
def test_the_limit_cuts_off_and_says_so(model):
    (short,) = model.complete(CONVERSATIONS[:1], max_tokens=2)
    assert (short.finish_reason, short.usage.completion_tokens) == ("length", 2)
    assert isinstance(short, Completion)


@pytest.mark.models
def test_choices_sum_to_one_and_prefer_the_obvious(model):
    asked = (Message("user", "What is the capital of France? Answer with the name only."),)
    chosen = model.choose(asked, ["Paris", "Ulaanbaatar", "Seventeen elephants"])
    assert sum(chosen.values()) == pytest.approx(1)
    assert max(chosen, key=chosen.get) == "Paris"
    assert chosen["Paris"] > 0.9
    assert model.choose(asked, list(chosen)[::-1])["Paris"] == pytest.approx(chosen["Paris"], abs=1e-4)


@pytest.mark.models
def test_the_signature_tells_weights_and_limit(model):
    assert model.name in model.signature
    assert model.weights in model.signature
    assert replace(model, settings=ModelSettings(max_tokens=21)).signature != model.signature
    assert replace(model, weights="other").signature != model.signature
    # how many are answered at once changes no answer
    assert replace(model, settings=ModelSettings(max_tokens=12, batch_tokens=512)).signature == model.signature


@pytest.mark.models
def test_a_folder_of_weights_is_opened_by_path(tmp_path):
    (tmp_path / "model").symlink_to(builtin.chat_model_folder())
    opened = local.groundtune_model(ModelSettings(name="path:model", max_tokens=4), tmp_path)
    assert opened.complete(CONVERSATIONS[:1])[0].text
    assert opened.name == "path:model"


def test_other_schemes_are_left_to_others():
    assert local.groundtune_model(ModelSettings(name="openai:m@http://127.0.0.1"), None) is None


def test_a_path_without_a_model_is_refused_with_the_place(tmp_path):
    with pytest.raises(SettingsError, match="there is no model") as raised:
        local.locate_weights("path", "missing", tmp_path)
    assert raised.value.place == str(tmp_path / "missing")


def test_without_the_extra_the_remedy_is_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(NotInstalled, match=r"groundtune\[local\]"):
        local.load("anywhere")


@pytest.mark.models
def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be loaded"):
        local.load(str(tmp_path / "nowhere"))


def test_the_fingerprint_is_of_the_content(tmp_path):
    def folder(name, weights, config="{}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
        (tmp_path / name / "config.json").write_text(config)
        return local.fingerprint(tmp_path / name)

    same = folder("a", b"x" * 200_000)
    assert folder("b", b"x" * 200_000) == same
    assert folder("c", b"x" * 199_999 + b"y") != same
    assert folder("d", b"x" * 200_001) != same
    assert folder("e", b"x" * 200_000, '{"a": 1}') != same


@pytest.mark.models
def test_options_of_different_lengths_have_the_probability_of_their_tokens(model):
    """Read once for all options, the prompt gives what reading it anew with each option gives."""
    import torch

    options = ["1", "Yes, of course it is.", "no"]
    prompt = prompt_ids(model.tokenizer, CONVERSATIONS[1])
    totals = []
    for option in options:
        answer = model.tokenizer(option, add_special_tokens=False)["input_ids"] + [model.tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model.model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        totals.append(torch.log_softmax(logits, -1).gather(1, torch.tensor(answer)[:, None]).sum())
    expected = torch.softmax(torch.stack(totals), dim=0).tolist()
    found = model.weigh(CONVERSATIONS[1], options)
    assert list(found.probabilities.values()) == pytest.approx(expected, rel=1e-3)
    assert found.usage == Usage(len(prompt), max(len(model.tokenizer(option)["input_ids"]) for option in options) + 1)


# --- reasoning ------------------------------------------------------------------------------------


def reasoning_model(folder, special=(), template=None):
    """A tiny model whose tokenizer knows these special tokens."""
    from transformers import AutoTokenizer

    tiny_model(folder, vocab_size=300)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.chat_template = template or tokenizer.chat_template
    tokenizer.save_pretrained(folder)
    return local.groundtune_model(ModelSettings(name=f"path:{folder}", max_tokens=400), folder)


HARMONY = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>")


@pytest.mark.models
@pytest.mark.parametrize(
    ("said", "special", "template"),
    [
        ("<think>\nNine.\n</think>\n\nIt costs €9.", (), None),
        ("[THINK]Nine.[/THINK]It costs €9.", ("[THINK]", "[/THINK]"), None),
        ("<think>Nine.</think>It costs €9.", ("<think>", "</think>"), None),
        (
            "<|channel|>analysis<|message|>Nine.<|end|><|start|>assistant<|channel|>final<|message|>It costs €9.",
            HARMONY,
            None,
        ),
        ("Nine.\n</think>\n\nIt costs €9.", (), "{{ messages[0]['content'] }}<think>\n"),
    ],
)
def test_a_local_models_reasoning_is_kept_apart(tmp_path, said, special, template):
    model = reasoning_model(tmp_path, special, template)
    tokens = [*model.tokenizer(said, add_special_tokens=False)["input_ids"], model.tokenizer.eos_token_id]

    def decode(*_):
        yield from ({0: token} for token in tokens)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local._generation, "decode", decode)
        (completion,) = model.complete([CONVERSATIONS[0]])
        stream, pieces = model.stream(CONVERSATIONS[0]), []
        while True:
            try:
                pieces.append(next(stream))
            except StopIteration as end:
                returned = end.value
                break
    assert (completion.text, completion.reasoning, completion.finish_reason) == ("It costs €9.", "Nine.", "stop")
    assert 0 < completion.usage.reasoning_tokens < completion.usage.completion_tokens
    assert returned == completion
    assert "".join(pieces) == completion.text


@pytest.mark.models
@pytest.mark.parametrize(
    ("said", "template"),
    [("<think>Nine, says", None), ("Nine, says", "{{ messages[0]['content'] }}<think>\n"), ("", None)],
)
def test_a_local_model_that_never_answers_has_no_text(tmp_path, said, template):
    model = reasoning_model(tmp_path, (), template)
    tokens = model.tokenizer(said, add_special_tokens=False)["input_ids"]

    def decode(*_):
        yield from ({0: token} for token in tokens)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local._generation, "decode", decode)
        (completion,) = model.complete([CONVERSATIONS[0]])
        assert list(model.stream(CONVERSATIONS[0])) == []
        answerer = ClosedBook(model, AssistantSettings(), "Acme")
        with pytest.raises(ModelFailed, match="gave no answer"):
            answerer.answer(Question("Name a colour."))
    assert (completion.text, completion.finish_reason) == ("", "length")
