"""Our BERTScore against bert-score 0.3.13 with the built-in encoder, and with a small RoBERTa of random weights.

The published values (field: roberta-large, layer 17) need a checkpoint of 1.4 GB and the network: not reproduced.
bert-score 0.3.13 cannot encode an empty text under transformers 5 (AttributeError), so that rule, all zero, is
tested by itself.
"""

import json

import pytest

from groundtune.errors import SettingsError
from groundtune.evaluation.scorers import bertscore
from groundtune.evaluation.scorers.bertscore import Matcher, groundtune_scorer
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Usage

pytestmark = pytest.mark.models
bert_score = pytest.importorskip("bert_score")

MODEL = "builtin:minilm-l6-v2"
# The sentences of bert-score's own tests (MIT).
PAIRS = [
    ("28-Year-Old Chef Found Dead at San Francisco Mall", "28-year-old chef found dead in San Francisco mall"),
    (
        "A 28-year-old chef who had recently moved to San Francisco was found dead in the stairwell of a local mall "
        "this week.",
        "A 28-year-old chef who recently moved to San Francisco was found dead in the staircase of a local shopping "
        "center.",
    ),
    (
        "But the victim's brother says he can't think of anyone who would want to hurt him, saying, \"Things were "
        'finally going well for him."',
        "The victim's brother said he cannot imagine anyone who would want to harm him,\"Finally, it went uphill again "
        'at him."',
    ),
    ("I love lemons.", "I like lemons."),
    ("same", "same"),
    ("hello [SEP] there", "hello"),
    ("日本語", "日本"),
]


def reference(pairs, place, layer):
    precision, recall, f1 = bert_score.score(
        [candidate for _, candidate in pairs], [target for target, _ in pairs], model_type=place, num_layers=layer
    )
    return list(zip(precision.tolist(), recall.tolist(), f1.tolist(), strict=True))


def assert_equal(matcher, pairs, place, layer):
    found = matcher.match(pairs)
    for pair, expected in zip(pairs, reference(pairs, place, layer), strict=True):
        assert found[pair] == pytest.approx(expected, abs=1e-6), pair


@pytest.mark.parametrize(("setting", "layer"), [(None, 6), (6, 6), (3, 3), (0, 0)])
def test_equals_bert_score(setting, layer):
    assert_equal(Matcher(MODEL, setting), PAIRS, bertscore._place(MODEL), layer)


def test_equals_bert_score_on_real_answers(shared_data):
    lines = (shared_data / "rag_mtrag" / "queries.jsonl").read_text().splitlines()[:30]
    rows = [json.loads(line) for line in lines]
    turns = [row["conversation"][-2]["content"] for row in rows if len(row["conversation"]) > 1]
    pairs = [(row["reference_answer"].strip(), turn.strip()) for row, turn in zip(rows, turns, strict=False)][:8]
    # The longest texts of a batch are not padded there; two that exceed all others (and the limit) are left out.
    longest = " ".join(text for pair in pairs for text in pair)
    found = Matcher(MODEL, None).match(pairs)
    expected = reference([*pairs, (longest, longest)], bertscore._place(MODEL), 6)[:-1]
    for pair, triple in zip(pairs, expected, strict=True):
        assert found[pair] == pytest.approx(triple, abs=1e-6), pair


def test_long_texts_are_cut_where_bert_score_cuts_them():
    text = " ".join(f"word{number}" for number in range(600))
    assert_equal(Matcher(MODEL, None), [(text, text + " more"), (text, "word1 word2")], bertscore._place(MODEL), 6)


def test_equals_bert_score_with_roberta(tmp_path):
    """Its special pieces have other names, and its tokenizer wants a blank before the first word.

    bert-score asks for that blank in a way that transformers 5 ignores, so here the checkpoint asks for it.
    """
    place = tiny_roberta(tmp_path, add_prefix_space=True)
    assert_equal(Matcher(f"path:{place}", None), PAIRS[:5], str(place), 2)


def test_the_blank_before_the_first_word_does_not_depend_on_the_checkpoint(tmp_path):
    with_blank = tiny_roberta(tmp_path / "a", add_prefix_space=True)
    without = tiny_roberta(tmp_path / "b", add_prefix_space=False)
    pairs = PAIRS[:5]
    assert Matcher(f"path:{with_blank}", None).match(pairs) == Matcher(f"path:{without}", None).match(pairs)
    assert reference(pairs, str(with_blank), 2) != reference(pairs, str(without), 2)


def tiny_roberta(folder, *, add_prefix_space):
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizer

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator([text for pair in PAIRS for text in pair], vocab_size=400, special_tokens=special)
    folder.mkdir(exist_ok=True)
    trained.save_model(str(folder))
    tokenizer = RobertaTokenizer.from_pretrained(str(folder), model_max_length=128, add_prefix_space=add_prefix_space)
    tokenizer.save_pretrained(str(folder))
    torch.manual_seed(1)
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=140,
    )
    RobertaModel(config).save_pretrained(str(folder))
    return folder


def test_an_empty_answer_scores_zero_and_no_ideal_answer_is_unscored():
    precision, recall, f1 = groundtune_scorer(ComparisonSettings())
    case = Case("1", "?", "Ten days.", (), True, "g", "test")
    unanswerable = Case("2", "?", " ", (), False, "g", "test")
    for scorer in (precision, recall, f1):
        empty, unscored = scorer.score_many(
            [(case, Answer("  ", False, Usage())), (unanswerable, Answer("x", False, Usage()))]
        )
        assert empty.value == 0
        assert unscored.value is None
        assert unscored.reason


def test_one_pass_serves_three_scorers(monkeypatch):
    encoded = []
    real = bertscore._Encoder.encode
    monkeypatch.setattr(bertscore._Encoder, "encode", lambda self, texts: encoded.extend(texts) or real(self, texts))
    case = Case("1", "?", "Ten days.", (), True, "g", "test")
    for scorer in groundtune_scorer(ComparisonSettings()):
        scorer.score_many([(case, Answer("Ten days", False, Usage())), (case, Answer("Ten weeks", False, Usage()))])
    assert sorted(encoded) == ["Ten days", "Ten days.", "Ten weeks"]


@pytest.mark.parametrize(
    ("name", "layer", "words"),
    [
        ("builtin:nothing", None, "builtin:minilm-l6-v2"),
        ("path:/does/not/exist", None, "no such folder"),
        (MODEL, 7, "has 6"),
    ],
)
def test_wrong_settings_are_named(name, layer, words):
    with pytest.raises(SettingsError, match=words):
        Matcher(name, layer).match([("a", "b")])
