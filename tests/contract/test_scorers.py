import pytest

from groundtune.evaluation.scorers import scorers
from groundtune.settings import ComparisonSettings
from groundtune.testing.scorers import ScorerContract

WITHOUT_MODEL = (
    "rouge1 rouge2 rougeL rougeLsum bleu exact token_f1 token_recall retrieval_recall reciprocal_rank "
    "abstention_precision abstention_recall citation_precision resolution"
).split()
WITH_MODEL = ["bertscore_precision", "bertscore_recall", "bertscore_f1"]


class TestScorers(ScorerContract):
    @pytest.fixture(params=WITHOUT_MODEL)
    def scorer(self, request):
        return scorers(ComparisonSettings(), [request.param])[0]


@pytest.mark.models
class TestModelScorers(ScorerContract):
    @pytest.fixture(scope="class", params=WITH_MODEL)
    def scorer(self, request):
        return scorers(ComparisonSettings(), [request.param])[0]


def test_every_built_in_scorer_is_tested_here():
    built_in = {scorer.name for scorer in scorers(ComparisonSettings())}
    assert built_in == {*WITHOUT_MODEL, *WITH_MODEL}
