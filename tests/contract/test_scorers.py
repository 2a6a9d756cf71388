import pytest

from groundtune.evaluation.scorers import scorers
from groundtune.settings import ComparisonSettings
from groundtune.testing.scorers import ScorerContract

WITHOUT_MODEL = (
    "rouge1 rouge2 rougeL rougeLsum bleu exact token_f1 token_recall retrieval_recall reciprocal_rank "
    "abstention_precision abstention_recall citation_precision resolution resolution_answerable"
).split()
WITH_MODEL = ["bertscore_precision", "bertscore_recall", "bertscore_f1"]
BUILT_IN = {scorer.name: scorer for scorer in scorers(ComparisonSettings())}  # models are loaded when first used


class TestScorers(ScorerContract):
    @pytest.fixture(params=WITHOUT_MODEL)
    def scorer(self, request):
        return BUILT_IN[request.param]


@pytest.mark.models
class TestModelScorers(ScorerContract):
    @pytest.fixture(params=WITH_MODEL)
    def scorer(self, request):
        return BUILT_IN[request.param]


def test_every_built_in_scorer_is_tested_here():
    assert set(BUILT_IN) == {*WITHOUT_MODEL, *WITH_MODEL}
