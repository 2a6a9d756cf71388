"""Answer relevance against sentence-transformers' cosine with the built-in encoder."""

import pytest

from groundtune.evaluation.scorers import _encoder, scorers
from groundtune.packaged import encoder_folder
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Usage

pytestmark = pytest.mark.models
sentence_transformers = pytest.importorskip("sentence_transformers")

QUESTION = "How long does a refund take?"
ANSWERS = ["A refund takes up to ten days.", "We have a shop in Leeds.", QUESTION, "返金には十日かかります。"]


def pairs(*answers):
    case = Case("1", QUESTION, "Ten days.", (), True, "g", "test")
    return [(case, Answer(text, False, Usage())) for text in answers]


def test_equals_sentence_transformers():
    scorer = scorers(ComparisonSettings(), ["answer_relevance"])[0]
    found = [score.value for score in scorer.score_many(pairs(*ANSWERS))]
    model = sentence_transformers.SentenceTransformer(str(encoder_folder("minilm-l6-v2")), local_files_only=True)
    question, *answers = model.encode([QUESTION, *ANSWERS], normalize_embeddings=True, show_progress_bar=False)
    assert found == pytest.approx([float(question @ answer) for answer in answers], abs=1e-5)
    assert found[0] > found[1] + 0.3


def test_an_abstention_is_unscored_and_an_empty_answer_zero():
    scorer = scorers(ComparisonSettings(), ["answer_relevance"])[0]
    ((case, _),) = pairs("x")
    abstained, empty, spoken = scorer.score_many(
        [(case, Answer("I do not know.", True, Usage())), *pairs("  ", "Ten days.")]
    )
    assert (abstained.value, empty.value) == (None, 0)
    assert spoken.value > 0


def test_the_encoder_is_opened_once_for_all_scorers():
    _encoder.open_encoder.cache_clear()
    for scorer in scorers(ComparisonSettings(), ["bertscore_f1", "answer_relevance", "bertscore_recall"]):
        scorer.score_many(pairs("Ten days."))
    assert _encoder.open_encoder.cache_info().misses == 1
