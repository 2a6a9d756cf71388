"""`[tuning] where = "bedrock"` through the project: a hosted model is tuned, found and asked as a candidate."""

import json

import boto3
import pytest
from _bedrock_service import REGION, BedrockService

from groundtune.errors import SettingsError, TuningError
from groundtune.project import open_project
from groundtune.testing.bedrock import conversing_by
from groundtune.testing.endpoint import LocalEndpoint
from groundtune.testing.fakes import EchoModel
from groundtune.tuning.hosted.service import BUSY, Service

MODEL = f"bedrock:amazon.nova-lite-v1:0@{REGION}"
BUCKET = "shop-tuning"


@pytest.fixture
def bedrock(monkeypatch, tmp_path):
    moto = pytest.importorskip("moto")
    with moto.mock_aws(), BedrockService() as service, LocalEndpoint(conversing_by(EchoModel())) as runtime:
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", service.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", runtime.url.removesuffix("/v1"))
        monkeypatch.setattr(Service.__init__, "__defaults__", (BUSY, lambda seconds: None))
        service.runtime = runtime
        yield service
        assert not service.wrong


@pytest.fixture
def project(bedrock, tmp_path):
    folder = tmp_path / "shop"
    (folder / "documents").mkdir(parents=True)
    (folder / "documents" / "plans.md").write_text("# Plans\n\nPlan 3 costs 10 euros a month.\n")
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"What does plan {number} cost?"},
                {"role": "assistant", "content": f"It costs {number * 3 + 1} euros a month."},
            ],
            "documents": ["plans.md"],
        }
        for number in range(12)
    ]
    (folder / "training.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "groundtune.toml").write_text(
        f'[project]\nname = "shop"\n[model]\nname = "{MODEL}"\n[tuning]\nwhere = "bedrock"\n'
        f'[tuning.bedrock]\nrole_arn = "arn:aws:iam::123456789012:role/tuning"\nbucket = "{BUCKET}"\n'
        '[data]\naccept = ["contradictions"]\nswap_questions = 0\n'  # the document has the price of one plan only
    )
    return folder


@pytest.mark.models
def test_a_model_is_tuned_there_and_is_a_candidate(project, bedrock):
    with open_project(project) as opened:
        manifest = opened.tune("friendly", "instruction")
        assert opened.tune("friendly", "instruction") == manifest
        assert len(bedrock.jobs) == 1
        names = {candidate.name for candidate in opened.candidates()}
        assert {"friendly", "friendly+rag"} <= names
        answer = opened.ask("What does plan 3 cost?", candidate="friendly")
    assert answer.text
    assert manifest.hosted in f"bedrock:{next(iter(bedrock.deployments.values()))['arn']}@{REGION}"
    asked = bedrock.runtime.requests[-1]
    assert "custom-model-deployment" in asked.path
    training = bedrock.jobs[next(iter(bedrock.jobs))]["trainingDataConfig"]["s3Uri"]
    bucket, _, key = training.removeprefix("s3://").partition("/")
    body = boto3.client("s3", region_name=REGION).get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    record = json.loads(body.splitlines()[0])
    # serving and training send the same system prompt, and questions in the same form
    assert record["system"] == asked.body["system"]
    assert asked.body["messages"][0]["content"][0].keys() == record["messages"][0]["content"][0].keys()


@pytest.mark.models
def test_other_settings_make_another_and_more_is_tuned_on_top(project, bedrock):
    with open_project(project) as opened:
        first = opened.tune("friendly", "instruction")
    with open_project(project, {"tuning.bedrock.epochs": "4"}) as opened:
        second = opened.tune("friendly", "instruction")
        folder = opened.adapter_folder("friendly")
        third = opened.tune("more", "instruction", "friendly")
    with open_project(project) as opened:
        assert opened.adapter_folder("friendly") != folder
    assert len({first.hosted, second.hosted, third.hosted}) == 3
    assert third.parents == (folder.name,)


@pytest.mark.models
def test_what_cannot_be_done_there_is_refused_at_once(project, bedrock):
    with open_project(project) as opened:
        with pytest.raises(TuningError, match="`preference` cannot be done at Bedrock"):
            opened.tune("liked", "preference")
        with pytest.raises(SettingsError, match="cannot be told beforehand"):
            opened.estimate_tuning("friendly", "instruction")
        assert "There is no job" in opened.stop_tuning("friendly", "instruction")
    assert not bedrock.jobs
    with open_project(project, {"tuning.where": "here"}) as opened, pytest.raises(SettingsError, match="tuned there"):
        opened.tune("friendly", "instruction")
