"""Our ROUGE against rouge-score 0.1.2, and against the values of ROUGE-1.5.5 that rouge-score itself is tested with.

Its values with stemming (rougeLsum on the pyrouge files among them) do not apply: there is no stemming here.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from groundtune.evaluation.scorers.rouge import rouge_1, rouge_2, rouge_l, rouge_lsum

OURS = {"rouge1": rouge_1, "rouge2": rouge_2, "rougeL": rouge_l, "rougeLsum": rouge_lsum}
REFERENCE = RougeScorer(list(OURS))

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

# Few words, many line breaks: subsequences of equal length abound, and the union depends on which one is taken.
few_words = st.lists(st.sampled_from(["a", "b", "c", "d", "A", "b,", "\n", "\n\n", "e1"]), max_size=30).map(" ".join)


def assert_equal(target, prediction):
    expected = REFERENCE.score(target, prediction)
    assert {name: score.fmeasure for name, score in expected.items()} == {
        name: measure(target, prediction) for name, measure in OURS.items()
    }


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rouge1", (0.51163, 0.50000)),
        ("rouge2", (0.39024, 0.36364)),
        ("rougeL", (0.51163, 0.50000)),
    ],
)
def test_equals_rouge_1_5_5(name, values):
    found = [OURS[name](target, prediction) for target, prediction in zip(TARGETS, PREDICTIONS, strict=True)]
    assert found == pytest.approx(values, abs=5e-6)


def test_known_values():
    assert rouge_1("testing one two", "testing") == 0.5
    assert rouge_lsum("w1 w2 w3 w4 w5", "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5") == pytest.approx(8 / 15)
    assert rouge_1("日本語", "日本語") == 0
    assert rouge_l("!?", "!?") == rouge_2("", "") == rouge_lsum("\n", "a") == 0


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
