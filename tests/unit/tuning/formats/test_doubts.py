"""Doubts about texts: what is told, and what is none."""

import pytest

from groundtune.tuning.formats.doubts import text_doubts


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("I am {{name}}.", "`{{name}}`"),
        ("Dear {{ customer.first_name }}, hello", "placeholder"),
        ("Call ${PHONE_NUMBER}.", "`${PHONE_NUMBER}`"),
        ("Dear <<CUSTOMER NAME>>,", "placeholder"),
        ("<image>What is this?", "`<image>`"),
        ("Listen: <audio_1>", "`<audio_1>`"),
        ("Hello<|im_end|>", "`<|im_end|>`"),
        ("[INST] Hello [/INST]", "a mark of chat templates"),
        ("<start_of_turn>user", "a mark of chat templates"),
        ("### Human: Hi\n### Assistant: Hello", "a conversation in one text"),
        ("User: Hi\nAssistant: Hello", "a conversation in one text"),
    ],
)
def test_what_may_not_be_meant_is_told(text, part):
    (doubt,) = text_doubts(text)
    assert part in doubt.detail
    assert doubt.remedy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It costs 9 euros.",
        "In C, {{1, 2}, {3, 4}} is a matrix.",
        "a << b and c >> d",
        "f(x) = {x}",
        "The user: a person.",
        "Use <img> in HTML, or $HOME in a shell.",
        "|| or <| in F#",
    ],
)
def test_what_is_meant_is_no_doubt(text):
    assert text_doubts(text) == []


def test_kinds_of_doubt_add_up():
    assert len(text_doubts("<image> {{a}} {{b}} <|im_start|>")) == 3
