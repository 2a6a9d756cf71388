"""Our ROUGE against rouge-score 0.1.2, and against the values of ROUGE-1.5.5 that rouge-score itself is tested with.

Left out of its own tests: the two on texts of some hundred lines, which are too long to copy.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from groundtune.evaluation.scorers import scorers
from groundtune.evaluation.scorers._tokens import tokenize
from groundtune.evaluation.scorers.rouge import WORDS, rouge, rouge_l, rouge_lsum
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Usage

REFERENCE = {stemmed: RougeScorer(list(WORDS), use_stemmer=stemmed) for stemmed in (False, True)}

# Random characters from google-research/rouge, testdata/target.txt and prediction.txt (Apache-2.0).
TARGETS = [
    "ZfbCUIUuePaiLVUlCaUXxkpu XPeWing tUHfPMuZ',-Xd Y BrUgVJing M-HV.-DgdDaY.rFDJCRing Ht-LM EKBDXkME,yz'RBr q'wtion "
    "wIojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxer tKM L",
    "KsJdPByEtAor fE-Qg Dpdbring cw-WeFyu vC MoBL Xdn g wkvcEiGvKtion BDFhrpMtion psing sbKao Q m qiing LMmer "
    "HqqLFXe,XPY,J XsurkMer ,ed nB'wH'bWVHjWFEing tQ.saefZwJtKrTlixYpMMsJing UCAPwNHeYVjDing c T BUySKtion "
    "gMPfJpwGw p'NvxAoping eu pBwMBKV'I DNxqelhu,PHPxDEq,mtion SN",
]
PREDICTIONS = [
    "rFDJCRtion Ht-LM EKtDXkME,yz'RBr q'wer wrojNbN wL,b .a-'XdQggyFl jB-RPP'iyOIcUxi",
    "n cw-WeFyu vC MoBL Xdn g wkvcEiGvKtion BDFhrpMer pstion sbKao Q m qier LMmed HqqLFXe,XPY,J XsurkMeo ,ed "
    "nB'wH'bWVHjWFEer tQ.saefZwJtKrTlixYpMMNJtion UCAPwNHeYVjD",
]

# The same, testdata/pyrouge_files/target_multi.0.txt and prediction_multi.0.txt.
TARGET_LINES = "\n".join(
    [
        *TARGETS,
        "NhETebUbBk'er WOvoHMTjSRizKgH'vHiing Xu,hWxfs VkNE QhgKiLHE -HidivzoM.dO anhtion jbLQiSGDTCsuhREebUaKM dv J "
        "dVN tmbOT",
        "vMR HDm,xOAetion D,tion HJtodT.mHl UIv-p VjWH'BdyWjnfGU-OjT aEMdFICyLWfQMtion wEMfdOKing AwkeKbO "
        "'DxqNOHBH qKtVvm OYJl mM",
    ]
)
PREDICTION_LINES = "\n".join(
    [
        *PREDICTIONS,
        "xfs VkJE QhgKiLHE -HidivzoM.dO anhing jbLQiSGDTCsuhREebUaKM dv J",
        "VjWH'BdyWjnfGU-OjTNaEMdFICyLWfQMing wEMfdOKijg AwkeKbO 'DxqNO",
    ]
)


def rouge_1(target, prediction, split=tokenize):
    return rouge("rouge1", [(target, prediction)], split)[0]


def rouge_2(target, prediction, split=tokenize):
    return rouge("rouge2", [(target, prediction)], split)[0]


def stemming(text):
    return tokenize(text, stemmed=True)


# Few words, many line breaks: subsequences of equal length abound, and the union depends on which one is taken.
few_words = st.lists(st.sampled_from(["a", "b", "c", "d", "A", "b,", "\n", "\n\n", "e1"]), max_size=30).map(" ".join)


def assert_equal(target, prediction):
    for stemmed, split in ((False, tokenize), (True, stemming)):
        expected = REFERENCE[stemmed].score(target, prediction)
        assert {name: tuple(score) for name, score in expected.items()} == {
            name: tuple(rouge(name, [(target, prediction)], split)[0]) for name in WORDS
        }


@pytest.mark.parametrize(
    ("measure", "split", "line", "recall", "precision", "f1"),
    [
        (rouge_1, tokenize, 0, 0.40741, 0.68750, 0.51163),
        (rouge_1, tokenize, 1, 0.40476, 0.65385, 0.50000),
        (rouge_1, stemming, 0, 0.40741, 0.68750, 0.51163),
        (rouge_1, stemming, 1, 0.42857, 0.69231, 0.52941),
        (rouge_2, tokenize, 0, 0.30769, 0.53333, 0.39024),
        (rouge_2, tokenize, 1, 0.29268, 0.48000, 0.36364),
        (rouge_2, stemming, 0, 0.30769, 0.53333, 0.39024),
        (rouge_2, stemming, 1, 0.29268, 0.48000, 0.36364),
        (rouge_l, tokenize, 0, 0.40741, 0.68750, 0.51163),
        (rouge_l, tokenize, 1, 0.40476, 0.65385, 0.50000),
    ],
)
def test_equals_rouge_1_5_5(measure, split, line, recall, precision, f1):
    found = measure(TARGETS[line], PREDICTIONS[line], split)
    assert found == pytest.approx((precision, recall, f1), abs=5e-6)


def test_rouge_lsum_equals_rouge_1_5_5():
    found = rouge_lsum(TARGET_LINES, PREDICTION_LINES, stemming)
    assert found == pytest.approx((0.66667, 0.36538, 0.47205), abs=5e-6)


def test_known_values():
    assert rouge_1("testing one two", "testing") == pytest.approx((1, 1 / 3, 1 / 2))
    assert rouge_2("testing one two", "testing one") == pytest.approx((1, 1 / 2, 2 / 3))
    assert rouge_l("testing one two", "testing two") == pytest.approx((1, 2 / 3, 4 / 5))
    assert rouge_lsum("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5") == pytest.approx((0.4, 0.8, 8 / 15))
    assert rouge_l("!?", "!?") == rouge_2("", "") == rouge_lsum("\n", "a") == rouge_lsum("w1 w2", "/") == (0, 0, 0)


def scored(name, answer, *references, **options):
    case = Case("1", "?", references[0], (), True, "g", "test", other_ideal_answers=references[1:])
    return scorers(ComparisonSettings(**options), [name])[0].score(case, Answer(answer, False, Usage())).value


@pytest.mark.parametrize("stemmed", [False, True])
def test_of_several_references_the_best_counts_as_in_score_multi(stemmed):
    references = ["first text", "the text was first", "a first, tested one"]
    answer = "the first texts was testing"
    expected = REFERENCE[stemmed].score_multi(references, answer)
    for name in WORDS:
        assert scored(name, answer, *references, rouge_stem=stemmed) == expected[name].fmeasure
    assert len({scored("rouge1", answer, reference) for reference in references}) > 1


@pytest.mark.parametrize(
    "text", ["日本語", "返金には十日かかります。", "हिन्दी में", "ไทย", "η Ελλάδα", "возврат средств", "한국어 문장"]
)
def test_other_scripts_score_nothing_unless_tokens_are_unicode(text):
    """rouge-score gives 0 for identical strings; so does the default, and the option 1."""
    assert REFERENCE[False].score(text, text)["rouge1"].fmeasure == 0
    for name in WORDS:
        assert scored(name, text, text) == 0
        assert scored(name, text, text, rouge_tokens="unicode") == 1


def test_unicode_tokens():
    assert tokenize("Ärger_über 30 Größen!", "unicode") == ("ärger", "über", "30", "grössen")
    assert tokenize("日本語テスト ABC", "unicode") == (*"日本語テスト", "abc")
    assert tokenize("हिन्दी", "unicode") == ("हिन्दी",)  # its vowel signs and virama are no letters
    assert tokenize("Testing Größen", "unicode", True) == ("test", "grössen")


@given(st.text(st.characters(max_codepoint=127)))
def test_unicode_tokens_are_the_default_ones_where_all_is_ascii(text):
    assert tokenize(text, "unicode") == tokenize(text)


@settings(max_examples=400, deadline=None)
@given(few_words, few_words)
def test_equals_rouge_score_on_repetitive_texts(target, prediction):
    assert_equal(target, prediction)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_equals_rouge_score_on_any_text(target, prediction):
    assert_equal(target, prediction)


def test_equals_rouge_score_on_real_answers(shared_data):
    rows = [json.loads(line) for line in (shared_data / "rag_mtrag" / "queries.jsonl").read_text().splitlines()[:40]]
    for row in rows:
        assert_equal(row["reference_answer"], row["conversation"][0]["content"])
        for turn in row["conversation"][1:3]:
            assert_equal(row["reference_answer"], turn["content"])
