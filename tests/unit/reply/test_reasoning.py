"""Reasoning told from answers: the tags of the field, whole and in pieces, and texts that only speak of tags."""

import pytest

from groundtune.reply.reasoning import Parted, Parting, marks_among, opens, parted

FINAL = "<|start|>assistant<|channel|>final<|message|>"


def in_pieces(text, size, **options):
    parting = Parting(**options)
    pieces = [parting.feed(text[start : start + size]) for start in range(0, len(text), size)]
    return "".join([*pieces, parting.end()]), parting.parted


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("<think>Nine.</think>It costs €9.", "It costs €9.", "Nine."),
        ("<think>\nNine.\n</think>\n\nIt costs €9.", "It costs €9.", "Nine."),
        ("  \n<THINK>Nine.</THINK> It costs €9.", "It costs €9.", "Nine."),
        ('<think lang="en" level=2>Nine.</think>It costs €9.', "It costs €9.", "Nine."),
        ("<thinking>Nine.</thinking>It costs €9.", "It costs €9.", "Nine."),
        ("<reasoning>Nine.</reasoning>\nIt costs €9.", "It costs €9.", "Nine."),
        ("<thought>Nine.</thought>It costs €9.", "It costs €9.", "Nine."),
        ("<seed:think>Nine.</seed:think>It costs €9.", "It costs €9.", "Nine."),
        ("<scratchpad>Nine.</scratchpad>It costs €9.", "It costs €9.", "Nine."),
        ("<think>Nine.</thinking>It costs €9.", "It costs €9.", "Nine."),
        ("[THINK]Nine.[/THINK]It costs €9.", "It costs €9.", "Nine."),
        (f"<|channel|>analysis<|message|>Nine.<|end|>{FINAL}It costs €9.<|return|>", "It costs €9.", "Nine."),
        (f"{FINAL}It costs €9.<|return|>", "It costs €9.", ""),
        (
            "<|START_THINKING|>Nine.<|END_THINKING|><|START_RESPONSE|>It costs €9.<|END_RESPONSE|>",
            "It costs €9.",
            "Nine.",
        ),
        ("<|begin_of_thought|>Nine.<|end_of_thought|>It costs €9.", "It costs €9.", "Nine."),
        ("◁think▷Nine.◁/think▷It costs €9.", "It costs €9.", "Nine."),
        ("<think></think>It costs €9.", "It costs €9.", ""),
        ("<think>One.</think><think>Two.</think>It costs €9.", "It costs €9.", "One.\n\nTwo."),
        (
            "<think>I must not write `</think>` yet.</think>It costs €9.",
            "It costs €9.",
            "I must not write `</think>` yet.",
        ),
        ("<think>Nine.</think><answer>It costs €9.</answer>", "It costs €9.", "Nine."),
        ("<think>Nine.</think>\n\nWrite `</think>` at the end.", "Write `</think>` at the end.", "Nine."),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_reasoning_in_tags_is_kept_apart_however_the_pieces_fall(text, answer, reasoning, size):
    assert parted(text) == Parted(answer, reasoning)
    shown, whole = in_pieces(text, size)
    assert whole == Parted(answer, reasoning)
    assert shown == answer


@pytest.mark.parametrize(
    "text", ["<think>Nine, says", "<think>\n", "[THINK]Nine", "<|channel|>analysis<|message|>Nine", "Nine.\n</think>"]
)
def test_reasoning_that_never_ends_leaves_no_answer(text):
    assert parted(text).answer == ""
    assert in_pieces(text, 4)[1].answer == ""


@pytest.mark.parametrize(
    "text",
    [
        "Nine, it says.\n</think>\n\nIt costs €9.",
        "Nine, it says. </think> It costs €9.",
        "Nine, it says.</think>It costs €9.",
        "Nine, it says.[/THINK]It costs €9.",
        f"Nine, it says.<|end|>{FINAL}It costs €9.",
        "analysisNine, it says.assistantfinalIt costs €9.",
    ],
)
def test_an_end_without_a_beginning_ends_reasoning(text):
    """As where the chat template writes `<think>` for the model, or a server takes special tokens out."""
    reply = parted(text)
    assert reply.answer == "It costs €9."
    assert reply.reasoning.startswith("Nine, it says.")
    shown, whole = in_pieces(text, 3)
    assert whole == reply
    assert shown.endswith("It costs €9.")  # what was shown before it cannot be taken back


@pytest.mark.parametrize(
    "text",
    [
        "Use `<think>` and `</think>` around it.",
        "Use the <think> tag and close it with </think>.",
        "The </think> tag closes the block.",
        'The template writes "</think>" for you.',
        "```html\n<think>\nNine.\n</think>\n```\nThat is how it looks.",
        "Models write <think>their thoughts</think> before they answer.",
        "If 3 < x and y > 2, then [THIS] is [1].",
        "<b>Nine</b> <p>euros</p>",
        "Order:\n<reason>It is broken.</reason>\n<item>Phone</item>",
        "I think, therefore thinking </b> is allowed.",
        "",
        " It costs €9. \n",
    ],
)
@pytest.mark.parametrize("size", [1, 5])
def test_an_answer_that_speaks_of_tags_is_left_as_it_is(text, size):
    assert parted(text) == Parted(text)
    assert in_pieces(text, size) == (text, Parted(text))


def test_reasoning_between_two_parts_of_an_answer_is_kept_apart():
    text = "Let me look.\n<think>\nNine.\n</think>\nIt costs €9."
    assert parted(text) == Parted("Let me look.\n\nIt costs €9.", "Nine.")


def test_a_prompt_may_have_begun_the_reasoning():
    assert opens("<|assistant|>\n<think>\n")
    assert not opens("<think>\n\n</think>\n\n")
    assert parted("Nine", opened=True) == Parted("", "Nine")
    assert parted("Nine.</think>It costs €9.", opened=True) == Parted("It costs €9.", "Nine.")
    assert in_pieces("Nine.</think>It costs €9.", 2, opened=True)[0] == "It costs €9."


def test_a_long_reasoning_in_small_pieces_is_not_read_again_at_each():
    parting = Parting()
    assert parting.feed("<think>") == ""
    for _ in range(20_000):
        assert parting.feed("thought ") == ""
    assert parting.feed("</think>Nine.") + parting.end() == "Nine."


def test_a_long_answer_in_small_pieces_is_not_read_again_at_each():
    parting = Parting()
    pieces = [parting.feed("word ") for _ in range(50_000)]
    assert len("".join([*pieces, parting.end()])) == 250_000


def test_which_special_tokens_mark_reasoning():
    assert marks_among(["<s>", "</s>", "[THINK]", "[/THINK]", "[INST]"]) == {"[THINK]", "[/THINK]"}
    assert marks_among(["<|end|>", "<|user|>", "<|endoftext|>"]) == frozenset()
    harmony = marks_among(["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>", "<|endoftext|>"])
    assert harmony == {"<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>"}


def test_halves_of_a_character_in_two_pieces_are_one():
    parting = Parting()
    pieces = [parting.feed(piece) for piece in ("Nine \ud83e", "\udd8a", " and \ud800", "half \ud83e")]
    assert pieces == ["Nine ", "🦊", " and ", "\ufffdhalf "]
    assert parting.end() == "\ufffd"
    assert parting.parted.answer == "Nine 🦊 and \ufffdhalf \ufffd"
