import pytest

from groundtune.errors import SettingsError
from groundtune.evaluation.judge.grading import judge_scorers
from groundtune.evaluation.judge.judge import Judge
from groundtune.evaluation.judge.rubrics import load_rubrics
from groundtune.evaluation.scorers import known_scorers, scorers
from groundtune.settings import ComparisonSettings
from groundtune.testing.fakes import FunctionModel
from groundtune.testing.scorers import ScorerContract

WITHOUT_MODEL = (
    "rouge1 rouge2 rougeL rougeLsum bleu exact token_f1 token_recall retrieval_recall reciprocal_rank "
    "abstention_precision abstention_recall citation_precision resolution resolution_answerable groundedness "
    "context_precision context_recall ndcg hallucination_rate corpus_bleu squad_exact squad_f1"
).split()
WITH_MODEL = ["bertscore_precision", "bertscore_recall", "bertscore_f1", "answer_relevance"]
BUILT_IN = known_scorers(ComparisonSettings())  # models are loaded when first used


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


class TestJudges(ScorerContract):
    @pytest.fixture(params=["one judge", "with a rationale", "a panel"])
    def scorer(self, request):
        tokens = 20 if request.param == "with a rationale" else 0
        judges = [(name, Judge(FunctionModel(str, name), rationale_tokens=tokens)) for name in ("a", "b")]
        return judge_scorers(judges if request.param == "a panel" else judges[:1], load_rubrics()[:1])[-1]


def test_a_comparison_has_those_that_cost_little_and_what_the_settings_name():
    usual = {scorer.name for scorer in scorers(ComparisonSettings())}
    assert usual == set(BUILT_IN) - {"answer_relevance", "hallucination_rate", "squad_exact", "squad_f1"}
    more = ComparisonSettings(
        also_score=["answer_relevance", "squad_exact", "squad_f1"], decide_by="hallucination_rate"
    )
    assert {scorer.name for scorer in scorers(more)} == set(BUILT_IN)
    with pytest.raises(SettingsError, match="nothing"):
        scorers(ComparisonSettings(decide_by="nothing"))


def test_every_built_in_scorer_has_its_words_in_the_report():
    assert [name for name, scorer in BUILT_IN.items() if scorer.words.title in ("", name)] == []
