import pytest

from groundtune.assembly.judges import CALIBRATION, LATEST, open_judges, short_names
from groundtune.errors import InputError, SettingsError
from groundtune.records import open_records
from groundtune.settings import JudgeSettings
from groundtune.values import Usage

ONE = "openai:qwen3@http://localhost:1/v1"
TWO = "openai:org/llama-3@http://localhost:2/v1"


def opened(tmp_path, **settings):
    records = open_records("sqlite:///.groundtune/records.db", tmp_path)
    return open_judges(JudgeSettings(**settings), tmp_path, records)


def test_without_models_there_is_no_judge(tmp_path):
    assert opened(tmp_path).scorers == []
    assert opened(tmp_path).doubts() == {}


def test_one_judge_and_a_panel(tmp_path):
    assert [one.name for one in opened(tmp_path, models=[ONE]).scorers][:2] == ["judge_accuracy", "judge_relevance"]
    panel = opened(tmp_path, models=[ONE, TWO])
    assert [one.name for one in panel.scorers][:3] == [
        "judge_accuracy_qwen3",
        "judge_accuracy_llama_3",
        "judge_accuracy",
    ]


def test_short_names_are_unique():
    assert short_names(["openai:m@http://a", "openai:m@http://b", "bedrock:anthropic.claude-4@eu-west-1"]) == [
        "m_1",
        "m_2",
        "anthropic_claude_4",
    ]


def test_a_project_may_have_its_own_rubrics(tmp_path):
    (tmp_path / "mine.toml").write_text('[tone]\nquestion = "Is it kind?"\npasses_from = 2\nlevels = ["No.", "Yes."]\n')
    assert [one.name for one in opened(tmp_path, models=[ONE], rubrics="mine.toml").scorers] == ["judge_tone"]
    with pytest.raises(InputError, match="no such file"):
        opened(tmp_path, models=[ONE], rubrics="yours.toml")


def test_each_judge_has_its_own_key_or_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("KEY_ONE", "k1")
    monkeypatch.setenv("KEY_TWO", "k2")
    judges = opened(tmp_path, models=[ONE, TWO], api_key_variables=["KEY_ONE", "KEY_TWO"]).judges
    assert [judge.model._endpoint._key.value for _, judge in judges] == ["k1", "k2"]
    with pytest.raises(ValueError, match="one variable for all judges, or one for each"):
        JudgeSettings(models=[ONE, TWO, ONE], api_key_variables=["KEY_ONE", "KEY_TWO"])


def test_timeout_and_concurrency_are_the_judges_own(tmp_path):
    ((_, judge),) = opened(tmp_path, models=[ONE], timeout=3, concurrency=2).judges
    assert judge.model.parallel == 2
    assert judge.model._endpoint._timeout == 3


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="knows `gpt`"):
        opened(tmp_path, models=["gpt"])


def test_costs_are_counted_and_priced(tmp_path):
    judges = opened(tmp_path, models=[ONE, TWO], price_in=2, price_out=10)
    assert judges.costs() == []
    judges.judges[0][1].asked = 3
    judges.judges[0][1].usage = Usage(1_000_000, 50_000)
    assert judges.costs() == [
        "Judge qwen3: 3 questions, 1,000,000 tokens in, 50,000 tokens out, cost 2.50 at the prices in `[judge]`."
    ]
    without = opened(tmp_path, models=[ONE])
    without.judges[0][1].asked = 1
    assert without.costs() == ["Judge qwen3: 1 question, 0 tokens in, 0 tokens out."]


def test_a_scorer_may_decide_only_when_it_was_calibrated_as_it_is_now(tmp_path):
    judges = opened(tmp_path, models=[ONE])
    accuracy, relevance, comprehensiveness = judges.scorers
    assert "has not been calibrated" in judges.doubts()["judge_accuracy"]
    known = {
        accuracy.name: kept(accuracy.signature, 0.61),
        relevance.name: kept(relevance.signature, 0.59),
        comprehensiveness.name: kept("another", 0.9),
    }
    judges.records.keep(CALIBRATION, LATEST, {"scorers": known})
    assert judges.doubts() == {
        "judge_relevance": "it agrees too little with people: quadratic-weighted kappa is 0.59, below 0.60",
        "judge_comprehensiveness": "the judge or the rubric has changed since it was calibrated",
    }
    stricter = opened(tmp_path, models=[ONE], least_agreement=0.7)
    assert "below 0.70" in stricter.doubts()["judge_accuracy"]


def kept(signature, weighted):
    agreement = {"answers": 40, "weighted_kappa": {"value": weighted, "low": None, "high": None}}
    return {"signature": signature, "agreement": agreement}


def test_nothing_is_asked_before_something_is_scored(tmp_path):
    (accuracy, *_) = opened(tmp_path, models=[ONE]).scorers
    assert accuracy.signature
    assert not accuracy.judge.asked
