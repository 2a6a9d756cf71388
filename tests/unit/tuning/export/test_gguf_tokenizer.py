"""Tokenizers in GGUF: equal ids on odd texts, or a refusal."""

import pytest

from groundtune.errors import InputError
from groundtune.tuning.export import _gguf_tokenizer as words

from .conftest import tuned_model, write

TEXTS = [
    "Hello world, don't count 12345 plans!",
    "naïve café – 日本語 👩‍👩‍👧",
    "a  b\t\n\nc",
    "Plan 7 costs 10 euros.",
] * 3


def trained(split, normalizer=None, specials=("<s>", "</s>"), merges=True):
    """A byte-level BPE trained on a few texts, which splits text as `split` says."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = split
    made.decoder = decoders.ByteLevel()
    if normalizer is not None:
        made.normalizer = normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    size = 320 if merges else 256 + len(specials)
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=list(specials), show_progress=False
    )
    made.train_from_iterator(TEXTS, trainer)
    template = "{% for m in messages %}<s>{{ m.content }}</s>{% endfor %}"
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>", chat_template=template)


def split(pattern, **level):
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False, **level),
        ]
    )


def ways():
    from tokenizers import pre_tokenizers

    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return {
        "gpt-2": level,
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]),
        "llama-bpe": split(words._LLAMA_3),
        "qwen2": split(words._QWEN_2),
    }


def exported(place, tokenizer, folder, rows=400):
    """Export a model with this tokenizer, and return what transformers reads out of the file."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from groundtune.tuning.model import Base

    config = LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, vocab_size=rows
    )
    model = LlamaForCausalLM(config)
    result = write(tuned_model(place, base=Base("path:m", "w", lambda: (model.eval(), tokenizer))), "gguf", folder)
    (file,) = folder.glob("*.gguf")
    return AutoTokenizer.from_pretrained(folder, gguf_file=file.name), result


@pytest.mark.parametrize("way", ["gpt-2", "smollm", "llama-bpe", "qwen2"])
def test_ids_are_equal_on_odd_texts(place, tmp_path, way):
    tokenizer = trained(ways()[way])
    found, _ = exported(place, tokenizer, tmp_path / "out")
    for text in (*words.ODD_TEXTS, *TEXTS, "<s>Hello</s> <s>", "12 345 ½ ٣٤", "A'S we'Ll", "\r\n \r\n"):
        assert found(text)["input_ids"] == tokenizer(text)["input_ids"], text
        assert found.decode(found(text)["input_ids"]) == tokenizer.decode(tokenizer(text)["input_ids"])
    assert (found.bos_token, found.eos_token) == ("<s>", "</s>")
    assert found.chat_template == tokenizer.chat_template
    assert words.vocabulary(tokenizer, 400).pre == way


def test_merges_and_types_are_the_tokenizer_s_own():
    given = words.vocabulary(trained(ways()["gpt-2"]), 400)
    assert given.types[:2] == [words.CONTROL] * 2
    assert given.types[5] == words.NORMAL
    assert given.tokens[399] == "[PAD399]"
    assert given.types[399] == words.UNUSED
    assert len(given.merges) == 320 - 256 - 2
    assert given.ids == {"bos": 0, "eos": 1}


def test_words_that_are_not_special_stay_whole(place, tmp_path):
    tokenizer = trained(ways()["gpt-2"])
    tokenizer.add_tokens(["<think>", "BrandX"])
    found, _ = exported(place, tokenizer, tmp_path / "out")
    text = "say <think> BrandX! notBrandX"
    assert found(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert words.vocabulary(tokenizer, 400).types[tokenizer.convert_tokens_to_ids("<think>")] == words.USER_DEFINED


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True), (True, True)])
def test_tokens_around_a_text_are_kept(place, tmp_path, before, after):
    from tokenizers.processors import TemplateProcessing

    tokenizer = trained(ways()["gpt-2"])
    form = " ".join([*(["<s>"] if before else []), "$A", *(["</s>"] if after else [])])
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=form, special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    given = words.vocabulary(tokenizer, 400)
    assert (given.adds_bos, given.adds_eos) == (before, after)
    found, _ = exported(place, tokenizer, tmp_path / "out")
    assert found("Hello")["input_ids"] == tokenizer("Hello")["input_ids"]


def test_composing_characters_is_told_as_no_reader_does_it(place, tmp_path):
    from tokenizers import normalizers

    _, result = exported(place, trained(ways()["qwen2"], normalizers.NFC()), tmp_path / "out")
    assert any("NFC" in note for note in result.notes)


def test_no_merges_are_told(place, tmp_path):
    _, result = exported(place, trained(ways()["gpt-2"], merges=False), tmp_path / "out")
    assert any("no merges" in note for note in result.notes)


def refused_tokenizers():
    from tokenizers import normalizers, pre_tokenizers

    level = pre_tokenizers.ByteLevel
    yield "another pattern", split(r"\w+|\W+"), {}
    yield "a space in front", level(add_prefix_space=True), {}
    yield "no bytes", pre_tokenizers.Whitespace(), {}
    yield "digits in threes", pre_tokenizers.Sequence([pre_tokenizers.Digits(), level(add_prefix_space=False)]), {}
    yield "small letters", level(add_prefix_space=False), {"normalizer": normalizers.Lowercase()}
    yield "compatibility", level(add_prefix_space=False), {"normalizer": normalizers.NFKC()}


@pytest.mark.parametrize("number", range(6))
def test_what_cannot_be_told_surely_is_refused(number):
    _, way, more = list(refused_tokenizers())[number]
    with pytest.raises(InputError, match="this tokenizer cannot be written as GGUF here") as raised:
        words.vocabulary(trained(way, **more), 400)
    assert "--to merged" in raised.value.remedy


def test_words_without_bytes_are_refused():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, "[UNK]")))
    with pytest.raises(InputError, match="WordLevel"):
        words.vocabulary(made, 400)


def test_more_words_than_rows_are_refused():
    with pytest.raises(InputError, match="has 320 words, and the model has rows for 319"):
        words.vocabulary(trained(ways()["gpt-2"]), 319)


def test_two_tokens_in_front_are_refused():
    from tokenizers.processors import TemplateProcessing

    tokenizer = trained(ways()["gpt-2"])
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> <s> $A", special_tokens=[("<s>", 0)])
    with pytest.raises(InputError, match="tokens of its own"):
        words.vocabulary(tokenizer, 400)


def test_ids_that_differ_when_read_back_are_found(place, tmp_path):
    tokenizer = trained(ways()["gpt-2"])
    tokenizer.add_tokens(["two words"])  # GGUF's readers spell it in the alphabet of bytes
    with pytest.raises(InputError, match="read back from the file"):
        exported(place, tokenizer, tmp_path / "out")
    assert not list(tmp_path.iterdir())
