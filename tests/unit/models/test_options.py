"""What a reply chose: the label that was asked for, in whatever a model wraps it, and nothing else."""

import pytest

from groundtune.errors import ModelFailed
from groundtune.models._options import LABEL_TOKENS, Step, asked, certain, choice_of, named, token_text
from groundtune.values import Message, Usage

LEVELS = {str(number): str(number) for number in range(1, 6)}
LETTERS = {"A": "yes", "B": "no", "C": "perhaps"}
ASKED = (Message("user", "Is it open?"),)


def choice(steps, reply, labels=LEVELS):
    return choice_of([Step(shares[0][0], shares) for shares in steps], reply, labels, Usage())


# --- one answer format ----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("1", "2", "3"), ("A", "B"), ("y", "n")])
def test_options_that_are_labels_are_asked_for_by_the_prompt_alone(options):
    assert asked(ASKED, options) == (ASKED, {option: option for option in options})


@pytest.mark.parametrize("options", [("yes", "no"), ("1", "10"), ("é", "e"), ("+", "-")])
def test_other_options_are_listed_by_letter(options):
    conversation, labels = asked(ASKED, options)
    assert labels == dict(zip("AB", options, strict=True))
    assert conversation[-1].content.endswith("Reply with one letter and nothing else.")


@pytest.mark.parametrize("number", [0, 27])
def test_too_many_options_are_refused(number):
    with pytest.raises(ModelFailed, match=f"among {number} options"):
        asked(ASKED, [f"option {each}" for each in range(number)])


# --- forms of an option ---------------------------------------------------------------------------

WRAPPED = ["4", " 4", "\n4", "4.", "4)", "(4)", "[4]", "**4**", "__4__", "`4`", '"4"', "'4'", "“4”", "４", "④", "4️⃣"]
WRAPPED += ["\ufeff4", "Level 4", "level: 4", "**Level:** 4", "Answer: 4", "The best level is 4.", '{"level": 4}']
WRAPPED += ["\\boxed{4}", "<answer>4</answer>", "4/5", "4 out of 5", "4 of 5", "4\n\nIt is right.", "4: mostly"]
WRAPPED += ["4 because it is right", "4 - mostly", "4 (mostly)", "4 The answer is right."]


@pytest.mark.parametrize("reply", WRAPPED)
def test_a_level_is_recognised_in_what_wraps_it(reply):
    assert named(reply, LEVELS) == "4"


NO_LEVEL = ["", "four", "10", "44", "0", "6", "4.5", "4,5", "-4", "−4", "+4", ".4", "4-5", "4 or 5", "4, 5", "4 to 5"]
NO_LEVEL += ["4/10", "4 out of 10", "40%", "4 %", "4 percent", "4th", "x4", "4x", "4 of the facts", "2 facts are wrong"]
NO_LEVEL += ["1. 2 facts are wrong", "It has 4 mistakes", "I think 4", "D", "The ideal answer is 4.", "5 and 1"]


@pytest.mark.parametrize("reply", NO_LEVEL)
def test_another_number_or_word_is_no_level(reply):
    assert named(reply, LEVELS) is None


@pytest.mark.parametrize(
    "reply", ["B", " B", "(B)", "B.", "B)", "B. no", "B: no", "**B**", "'B'", "Option B", "No", "no."]
)
def test_a_letter_is_recognised_and_so_is_the_option_itself(reply):
    assert named(reply, LETTERS) == "B"


@pytest.mark.parametrize("reply", ["A good answer", "A/B", "A, B", "A or B", "Because", "a", "D", "A's", "Nope", "I"])
def test_an_article_or_several_letters_are_no_choice(reply):
    assert named(reply, LETTERS) is None


@pytest.mark.parametrize(
    ("token", "data", "text"),
    [
        ("\u2581B", None, " B"),
        ("\u0120B", None, " B"),
        ("\u010a", None, "\n"),
        ("<0x42>", None, "B"),
        ("token_id:9", [32, 66], " B"),
        ("B", [999], "B"),
        ("B", "no list", "B"),
        ("B", [], "B"),
    ],
)
def test_what_a_token_stands_for(token, data, text):
    assert token_text(token, data) == text


# --- how much stands on the options ---------------------------------------------------------------


def test_noise_on_options_is_not_made_certain():
    found = choice([[("The", 0.6), ("It", 0.38), ("4", 0.01), ("2", 0.01)]], "The answer")
    assert found.mass == pytest.approx(0.02)
    assert "was asked for one of 1, 2, 3, 4, 5 and replied 'The answer': only 2% of the probability" in found.doubt()


@pytest.mark.parametrize(("share", "clear"), [(0.49, False), (0.5, True), (0.51, True), (1.0, True)])
def test_half_of_the_probability_must_stand_on_the_options(share, clear):
    found = choice([[("4", share), ("The", 1 - share)]], "4")
    assert (not found.doubt()) is clear
    assert found.probabilities["4"] == 1


def test_forms_of_one_option_add_up_and_other_formats_do_not_count():
    found = choice([[("4", 0.4), (" 4", 0.2), ("**4", 0.1), ("3", 0.1), ("D", 0.1), ("four", 0.1)]], "4")
    assert found.mass == pytest.approx(0.8)
    assert found.probabilities == pytest.approx({"1": 0, "2": 0, "3": 0.125, "4": 0.875, "5": 0})


@pytest.mark.parametrize("before", [" ", "\n", "**", "(", '"', "Level ", "Answer: "])
def test_what_stands_before_an_option_is_passed_over(before):
    steps = [[(before, 0.7), ("2", 0.2), ("The", 0.1)], [("4", 0.9), ("5", 0.1)]]
    found = choice(steps, f"{before} 4")
    assert found.mass == pytest.approx(0.9)
    assert found.probabilities == pytest.approx({"1": 0, "2": 0.2 / 0.9, "3": 0, "4": 0.63 / 0.9, "5": 0.07 / 0.9})


@pytest.mark.parametrize("tokens", [["1", "0"], ["4", ".", "5"], ["2", " facts", " are"], ["4", " or", " 5"]])
def test_an_option_that_begins_something_else_does_not_count(tokens):
    found = choice([[(token, 1.0)] for token in tokens], "".join(tokens))
    assert found.mass == 0
    assert found.doubt()


@pytest.mark.parametrize(("reply", "mass"), [("4", 1), ("**Level 4**", 1), ("Sure!", 0), ("", 0), ("D", 0)])
def test_without_log_probabilities_a_reply_names_an_option_or_none(reply, mass):
    found = choice([], reply)
    assert found.mass == mass
    assert sum(found.probabilities.values()) == pytest.approx(1)
    if mass:
        assert found.probabilities["4"] == pytest.approx(0.99)
        assert certain(found, LEVELS) == found.probabilities
    else:
        with pytest.raises(ModelFailed, match="asked for one of 1, 2, 3, 4, 5 and replied"):
            certain(found, LEVELS)


def test_the_limit_leaves_room_for_what_stands_around_a_label():
    assert len(["**", "Level", ":", " ", "4", "**"]) <= LABEL_TOKENS
