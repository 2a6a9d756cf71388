"""Data in Bedrock's format, and what is refused before it goes anywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.errors import TuningError
from groundtune.tuning.hosted.bedrock import run_hosted
from groundtune.tuning.hosted.data import divided, prepare
from groundtune.tuning.hosted.limits import Limits, foundation_model, limits_of
from groundtune.values import Example, Message, ToolCall, TrainingText

NOVA = limits_of("amazon.nova-lite-v1:0", "FINE_TUNING")
HAIKU = limits_of("anthropic.claude-3-haiku-20240307-v1:0", "FINE_TUNING")
TEXT = limits_of("amazon.titan-text-express-v1", "CONTINUED_PRE_TRAINING")
REGION = "us-east-1"
ROLES = ["user", "assistant"]


def talk(*turns, place="t.jsonl:1"):
    roles = {"s": "system", "u": "user", "a": "assistant"}
    return Example(tuple(Message(roles[turn[0]], turn[1:]) for turn in turns), place=place)


def many(number, answer="Yes."):
    return [talk("sBe short.", f"uQuestion {n}?", f"a{answer}", place=f"t.jsonl:{n}") for n in range(1, number + 1)]


def records(file):
    return [json.loads(line) for line in file.path.read_text(encoding="utf-8").split("\n")[:-1]]


def prepared(data, limits, tmp_path, held_out=2):
    return prepare(data, limits, tmp_path, held_out, 17)


@pytest.mark.parametrize(
    ("turns", "system", "messages"),
    [
        (["uHi", "aHello"], None, [("user", ["Hi"]), ("assistant", ["Hello"])]),
        (["sS", "uHi", "aHello"], ["S"], [("user", ["Hi"]), ("assistant", ["Hello"])]),
        (
            ["uA", "aB", "uC", "aD"],
            None,
            [("user", ["A"]), ("assistant", ["B"]), ("user", ["C"]), ("assistant", ["D"])],
        ),
        (["sS", "uA", "uB", "aC"], ["S"], [("user", ["A", "B"]), ("assistant", ["C"])]),
        (["sS", "sT", "uA", "aB"], ["S", "T"], [("user", ["A"]), ("assistant", ["B"])]),
        (["u", "aB"], None, [("user", [" "]), ("assistant", ["B"])]),
        (['u"quoted" \\ and\nlines\u2028é 漢字 🙂', "a\t"], None, None),
    ],
)
def test_conversations_are_written_as_serving_asks(tmp_path, turns, system, messages):
    file = prepared([talk(*turns)], Limits(), tmp_path).training
    (record,) = records(file)
    assert record["schemaVersion"] == "bedrock-conversation-2024"
    assert record.get("system") == (None if system is None else [{"text": text} for text in system])
    if messages is None:
        assert [turn["content"][0]["text"] for turn in record["messages"]] == [turn[1:] for turn in turns]
    else:
        expected = [{"role": role, "content": [{"text": text} for text in texts]} for role, texts in messages]
        assert record["messages"] == expected


def test_claude_has_a_form_of_its_own(tmp_path):
    file = prepared(many(40), HAIKU, tmp_path).training
    assert records(file)[0].keys() == {"system", "messages"}
    assert records(file)[0]["system"] == "Be short."
    assert {type(turn["content"]) for turn in records(file)[0]["messages"]} == {str}


def test_part_is_held_back_where_the_family_takes_it(tmp_path):
    made = prepared(many(40), NOVA, tmp_path, held_out=6)
    assert (made.training.records, made.validation.records) == (34, 6)
    questions = [record["messages"][0]["content"][0]["text"] for record in records(made.training)]
    questions += [record["messages"][0]["content"][0]["text"] for record in records(made.validation)]
    assert sorted(questions) == sorted(f"Question {n}?" for n in range(1, 41))
    assert prepared(many(300), limits_of("amazon.nova-2-lite-v1:0", "FINE_TUNING"), tmp_path).validation is None
    assert prepared(many(3), Limits(), tmp_path).validation is None
    assert prepared(many(40), Limits(validation=1), tmp_path, held_out=6).validation.records == 1


def test_the_same_data_gives_the_same_file(tmp_path):
    one, two = prepared(many(40), NOVA, tmp_path / "a"), prepared(many(40), NOVA, tmp_path / "b")
    assert one.training.sha256 == two.training.sha256
    assert one.training.sha256 != prepared(many(41), NOVA, tmp_path / "c").training.sha256
    assert one.training.size == one.training.path.stat().st_size


@pytest.mark.parametrize(
    ("model", "number", "words"),
    [
        ("amazon.nova-lite-v1:0", 7, "has 7 records; Bedrock takes at least 8"),
        ("amazon.nova-lite-v1:0", 8, None),
        ("amazon.nova-2-lite-v1:0", 199, "at least 200"),
        ("amazon.nova-2-lite-v1:0", 200, None),
        ("amazon.nova-micro-v1:0", 20_001, "has 20,001 records; Bedrock takes at most 20,000"),
        ("anthropic.claude-3-haiku-20240307-v1:0", 31, "at least 32"),
        ("meta.llama3-3-70b-instruct-v1:0", 10_001, "at most 10,000"),
        ("qwen.qwen3-32b-v1:0", 1, None),
    ],
)
def test_the_number_of_records(tmp_path, model, number, words):
    limits = limits_of(model, "FINE_TUNING")
    if words is None:
        assert prepared(many(number), limits, tmp_path).training.records
        return
    with pytest.raises(TuningError, match=words) as error:
        prepared(many(number), limits, tmp_path)
    assert error.value.remedy


def test_an_accounts_own_quota_counts(bedrock, service, job, tmp_path):
    with pytest.raises(TuningError, match="at most 10 for this model"):
        run_hosted(job(most_records=10), tmp_path / "tuned", service=service)
    assert not bedrock.calls


@pytest.mark.parametrize(
    ("turn", "word"),
    [
        ("aUser: me", "User:"),
        ("uWhat does ASSISTANT: mean?", "ASSISTANT:"),
        ("sYou are Bot: 3", "Bot:"),
        ("aAn <image> of it", "<image>"),
        ("aThe end [EOS]", "[EOS]"),
        ("aOperating System: Linux", "System:"),
    ],
)
def test_words_that_nova_reserves_are_refused_with_their_places(tmp_path, turn, word):
    data = many(8)
    turns = [message.role[0] + message.content for message in data[4].messages]
    data[4] = talk(*[turn if old[0] == turn[0] else old for old in turns], place="t.jsonl:5")
    with pytest.raises(TuningError, match=r"has 1 records \(t\.jsonl:5\)") as error:
        prepared(data, NOVA, tmp_path)
    assert json.dumps(word) in error.value.message
    assert prepared(data, Limits(), tmp_path)


def test_turns_that_are_not_to_be_learned_are_refused(tmp_path):
    untrained = Example((Message("user", "q"), Message("assistant", "a", trained=False)), place="t.jsonl:9")
    with pytest.raises(TuningError, match=r"has 1 records \(t\.jsonl:9\) with turns .* not to be learned"):
        prepared([*many(8), untrained], NOVA, tmp_path)


def test_calls_of_tools_are_written_out(tmp_path):
    call = Message("assistant", "", tool_calls=(ToolCall("look", '{"plan": 3}'),))
    turns = (Message("user", "q"), call, Message("tool", "10 euros", name="look"), Message("assistant", "a"))
    tool = json.dumps({"type": "function", "function": {"name": "look"}})
    (record,) = records(prepared([Example(turns, tools=(tool,))], Limits(), tmp_path).training)
    assert [turn["role"] for turn in record["messages"]] == ["user", "assistant", "user", "assistant"]
    assert '"look"' in record["system"][0]["text"]
    assert '"plan": 3' in record["messages"][1]["content"][0]["text"]
    assert "10 euros" in record["messages"][2]["content"][0]["text"]
    with pytest.raises(TuningError, match="longer than 40 characters"):
        prepared([Example(turns, tools=(tool,))], Limits(characters=40), tmp_path)


@pytest.mark.parametrize("text", ["user: me", "Robot: 3", "The system is: on", "image", "EOS", "Thoughts: none"])
def test_words_that_only_look_like_them_are_taken(tmp_path, text):
    assert prepared(many(8, text), NOVA, tmp_path)


def test_a_word_in_all_records_shows_some_places(tmp_path):
    with pytest.raises(TuningError, match=r"has 30 records \(t\.jsonl:\d+(, t\.jsonl:\d+){4}, …\)") as error:
        prepared(many(30, "User: x"), NOVA, tmp_path)
    assert "instructions" in error.value.remedy


def test_what_is_too_long_is_refused_and_never_cut(tmp_path):
    limits = Limits(characters=40)
    fits = talk("u" + "x" * 20, "a" + "y" * 19)
    assert prepared([fits], limits, tmp_path)
    with pytest.raises(TuningError, match=r"1 records \(t\.jsonl:2\) longer than 40 characters \(the longest has 41\)"):
        prepared([fits, talk("u" + "x" * 20, "a" + "y" * 20, place="t.jsonl:2")], limits, tmp_path)
    with pytest.raises(TuningError, match="takes at most 50"):
        prepared([fits], Limits(size=50), tmp_path)


def test_texts_become_records_and_long_ones_several(tmp_path):
    texts = [TrainingText("One."), TrainingText(" \n "), TrainingText("word " * 10_000, "long.md")]
    made = prepared(texts, TEXT, tmp_path)
    assert made.divided == 1
    assert made.validation is None
    found = [record["input"] for record in records(made.training)]
    assert found[0] == "One."
    assert max(map(len, found)) <= TEXT.characters
    assert " ".join(found[1:]).split() == ["word"] * 10_000
    with pytest.raises(TuningError, match="has 0 records"):
        prepared([TrainingText("\n")], TEXT, tmp_path)


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("One. Two. Three.", 100, ["One. Two. Three."]),
        ("One. Two. Three.", 10, ["One. Two.", "Three."]),
        ("First part.\n\nSecond part.", 15, ["First part.", "Second part."]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("请拨打我们的电话。谢谢！", 9, ["请拨打我们的电话。", "谢谢！"]),
        ("a b c d e f", 3, ["a b", "c d", "e f"]),
        ("", 5, []),
        ("\n\n\n", 2, []),
    ],
)
def test_texts_are_divided_where_they_pause(text, most, expected):
    assert divided(text.strip(), most) == expected


@given(text=st.text(alphabet="ab .\n漢。", max_size=200), most=st.integers(1, 30))
def test_dividing_loses_nothing_but_white_space(text, most):
    pieces = divided(text.strip(), most)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= most for piece in pieces)


@pytest.mark.parametrize(
    "model", ["meta.llama3-1-8b-instruct-v1:0", "cohere.command-text-v14", "amazon.titan-text-express-v1"]
)
def test_models_that_take_prompts_and_completions_are_refused(job, tmp_path, model):
    with pytest.raises(TuningError, match="prompts and completions") as error:
        run_hosted(job(model=f"bedrock:{model}@{REGION}"), tmp_path / "tuned")
    assert "Nova" in error.value.remedy


@pytest.mark.parametrize(
    ("called", "model"),
    [
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("us.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("us-gov.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        ("moonshotai.kimi-k2.5", "moonshotai.kimi-k2.5"),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_the_foundation_model_behind_a_name(called, model):
    assert foundation_model(called) == model
