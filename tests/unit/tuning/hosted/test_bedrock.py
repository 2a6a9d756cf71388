"""Tuning at Bedrock against a server that botocore's model of the service validates, with moto's S3."""

import json
from dataclasses import replace

import boto3
import pytest
from _bedrock_service import NOVA, REGION, TITAN, Fault
from botocore.config import Config

from groundtune.errors import InputError, SettingsError, TuningError
from groundtune.http import Backoff, aws
from groundtune.models.bedrock import Bedrock
from groundtune.settings import ModelSettings, TuningSettings
from groundtune.testing import bedrock as wire
from groundtune.testing.endpoint import LocalEndpoint, in_turn
from groundtune.tuning.adapters import LossPoint, Manifest, read_manifest, write_manifest
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.hosted import jobs
from groundtune.tuning.hosted.bedrock import Stopping, run_hosted, stop_hosted, tune_at_bedrock
from groundtune.tuning.hosted.job import HostedJob, hosted_job
from groundtune.tuning.hosted.service import Service
from groundtune.tuning.hosted.settings import BedrockTuning
from groundtune.tuning.model import Base
from groundtune.tuning.texts import Texts
from groundtune.tuning.training import TrainingJob
from groundtune.values import Completion, Example, Message, TrainingText, Usage

BUCKET = "shop-tuning"


def hosted():
    own = BedrockTuning(role_arn="arn:aws:iam::123456789012:role/tuning", bucket=BUCKET)
    settings = TuningSettings(held_out=3, where="bedrock").with_parts({"bedrock": own})
    turns = [(Message("user", f"Question {n}?"), Message("assistant", f"Answer {n}.")) for n in range(20)]
    data = [Example(messages) for messages in turns]
    return HostedJob("instruction", f"bedrock:amazon.nova-lite-v1:0@{REGION}", data, settings, {})


def objects(s3, prefix=""):
    return {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])}


def created(bedrock, operation="CreateModelCustomizationJob"):
    return [asked for name, asked in bedrock.calls if name == operation]


def lines(s3, uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return [json.loads(line) for line in s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()]


# --- the whole way ---------------------------------------------------------------------------------


def test_a_model_is_tuned_deployed_and_told_of(bedrock, s3, service, job, tmp_path):
    asked = job(epochs=3, learning_rate=1e-5)
    stages = []
    manifest = run_hosted(asked, tmp_path / "tuned", lambda *told: stages.append(told), service)

    (request,) = created(bedrock)
    assert request["jobName"] == request["customModelName"] == request["clientRequestToken"] == asked.name
    assert request["baseModelIdentifier"] == NOVA
    assert request["hyperParameters"] == {"epochCount": "3", "learningRate": "1e-05"}
    training = lines(s3, request["trainingDataConfig"]["s3Uri"])
    (validator,) = request["validationDataConfig"]["validators"]
    held_out = lines(s3, validator["s3Uri"])
    assert (len(training), len(held_out)) == (17, 3)
    assert training[0]["schemaVersion"] == "bedrock-conversation-2024"
    assert training[0]["system"] == [{"text": "Be short."}]
    assert [turn["role"] for turn in training[0]["messages"]] == ["user", "assistant"]

    (deployment,) = bedrock.deployments.values()
    assert manifest.hosted == f"bedrock:{deployment['arn']}@{REGION}"
    assert (manifest.kind, manifest.technique, manifest.base_model) == ("hosted", "instruction", asked.model)
    assert manifest.loss == (LossPoint(0, train=2.5), LossPoint(10, train=1.5), LossPoint(10, held_out=1.75))
    assert manifest.seconds == 5400
    told = manifest.measures["bedrock"]
    assert (told["hours"], told["deployment"], told["training_loss"]) == (1.5, "on_demand", 0.5)
    assert told["training_metrics_file"].endswith("step_wise_training_metrics.csv")
    assert read_manifest(tmp_path / "tuned") == manifest
    assert not (tmp_path / "tuned.checkpoints").exists()
    assert [stage for stage, done, total in stages if done == total] == [
        "uploading training.jsonl",
        "uploading validation.jsonl",
        "at Bedrock: checking the data",
        "at Bedrock: processing the data",
        "at Bedrock: training",
        "at Bedrock: deploying",
    ]
    assert not bedrock.throughputs


def test_a_finished_one_is_kept_and_aws_is_not_asked(bedrock, service, job, tmp_path):
    manifest = run_hosted(job(), tmp_path / "tuned", service=service)
    before = len(bedrock.calls)
    assert run_hosted(job(), tmp_path / "tuned@other", service=service) == manifest
    assert len(bedrock.calls) == before


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 4},
        {"attempt": 2},
        {"tuning": {"seed": 5}},
        {"technique": "raft"},
        {"model": f"bedrock:amazon.nova-pro-v1:0@{REGION}"},
    ],
)
def test_what_changes_the_model_is_another_job(job, change):
    assert job(**change).name != job().name


def test_what_does_not_change_the_model_is_the_same_job(job):
    other = job(bucket="elsewhere", deployment="provisioned", most_records=7, tuning={"steps": 9, "rank": 3})
    assert other.name == job().name
    assert job(data=list(reversed(job().data))).name == job().name


def test_the_data_is_uploaded_once(bedrock, s3, service, job, tmp_path):
    run_hosted(job(), tmp_path / "one", service=service)
    before = {key: s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] for key in objects(s3, "groundtune/data/")}
    sent = []
    again = replace(job(epochs=2))
    run_hosted(again, tmp_path / "two", lambda stage, done, total: sent.append(stage), service)
    assert len(bedrock.jobs) == 2
    assert {key: s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] for key in before} == before
    assert not [stage for stage in sent if stage.startswith("uploading")]


def test_everything_that_is_set_is_asked_for(bedrock, s3, service, job, tmp_path):
    key = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
    own = {"encryption_key": key, "subnets": ["subnet-1"], "security_groups": ["sg-1", "sg-2"], "prefix": "/a/b/"}
    own |= {"batch_size": 2, "learning_rate_multiplier": 0.5, "warmup_steps": 0}
    run_hosted(job(**own), tmp_path / "tuned", service=service)
    (request,) = created(bedrock)
    assert request["customModelKmsKeyId"] == key
    assert request["vpcConfig"] == {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1", "sg-2"]}
    numbers = {"batchSize": "2", "learningRateMultiplier": "0.5", "learningRateWarmupSteps": "0"}
    assert request["hyperParameters"] == numbers
    assert request["trainingDataConfig"]["s3Uri"].startswith(f"s3://{BUCKET}/a/b/data/")
    uploaded = request["trainingDataConfig"]["s3Uri"].removeprefix(f"s3://{BUCKET}/")
    head = s3.head_object(Bucket=BUCKET, Key=uploaded)
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_the_model_that_comes_of_it_can_be_asked(service, job, tmp_path, monkeypatch):
    manifest = run_hosted(job(), tmp_path / "tuned", service=service)
    with LocalEndpoint(in_turn(wire.said(Completion("Yes.", Usage(1, 1))))) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
        model = Bedrock(ModelSettings(name=manifest.hosted))
        (completion,) = model.complete([(Message("user", "Is it open?"),)])
    assert completion.text == "Yes."
    deployment = manifest.hosted.removeprefix("bedrock:").rpartition("@")[0]
    assert endpoint.requests[0].path == f"/model/{deployment.replace(':', '%3A').replace('/', '%2F')}/converse"
    assert model.name in str(TuningError("x", place=manifest.hosted))  # no part of it is taken for a password


# --- killed, and called again ------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing that catches errors may catch it."""


class Dying(Service):
    """Dies at the call number `at`, before it is made or after it took effect; never if `at` is 0."""

    at, after, made = 0, False, 0

    def dies(self, at, after):
        self.at, self.after, self.made = at, after, 0
        return self

    def _patiently(self, call):
        self.made += 1
        if self.made == self.at and not self.after:
            raise Killed
        try:
            return super()._patiently(call)
        finally:
            if self.made == self.at:
                raise Killed


@pytest.mark.parametrize(("on_demand", "lag"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_each_call_there_is_one_job_and_one_deployment(
    bedrock, s3, job, tmp_path, waits, after, lag, on_demand
):
    bedrock.on_demand, bedrock.lag, bedrock.phases = on_demand, lag, ["training"]
    service = Dying(job().model, REGION, Backoff(attempts=2, sleep=waits), waits)
    whole = run_hosted(job(), tmp_path / "whole", service=service)
    calls = service.made
    assert calls > 20
    for at in range(1, calls + 1):
        bedrock.forget()
        for key in objects(s3):
            s3.delete_object(Bucket=BUCKET, Key=key)
        folder = tmp_path / f"at-{at}"
        with pytest.raises(Killed):
            run_hosted(job(), folder, service=service.dies(at, after))
        assert read_manifest(folder) is None
        manifest = run_hosted(job(), folder, service=service.dies(0, after))
        assert len(bedrock.jobs) == 1
        assert (len(bedrock.deployments), len(bedrock.throughputs)) == ((1, 0) if on_demand else (0, 1))
        assert len(objects(s3, "groundtune/data/")) == 2
        assert manifest == whole


def test_an_interrupt_leaves_the_job_and_says_how_to_go_on(bedrock, service, job, tmp_path, caplog):
    def interrupted(seconds):
        raise KeyboardInterrupt

    service.pause = interrupted
    bedrock_job = job()
    service.found_or_made = lambda find, make, what: find() or make()
    with pytest.raises(KeyboardInterrupt):
        run_hosted(bedrock_job, tmp_path / "tuned", service=service)
    assert bedrock_job.name in caplog.text
    assert "--stop" in caplog.text
    assert bedrock.jobs[bedrock_job.name]["status"] == "InProgress"
    assert stop_hosted(bedrock_job, service) == f"The job `{bedrock_job.name}` is being stopped."
    assert bedrock.jobs[bedrock_job.name]["status"] == "Stopped"
    assert "does not run: it is Stopped" in stop_hosted(bedrock_job, service)
    assert "There is no job" in stop_hosted(job(epochs=5), service)


# --- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["Failed", "Stopped"])
def test_a_job_that_fails_says_why_and_is_not_started_again(bedrock, service, job, tmp_path, ends):
    bedrock.ends, bedrock.reason = ends, "Line 3 has\n no role."
    for _ in range(2):
        with pytest.raises(TuningError, match=rf"customization job `{job().name}` {ends.lower()}") as error:
            run_hosted(job(), tmp_path / "tuned", service=service)
    assert ("Line 3 has no role." in str(error.value)) == (ends == "Failed")
    assert "attempt" in error.value.remedy
    assert len(bedrock.jobs) == 1
    bedrock.ends = "Completed"
    assert run_hosted(job(attempt=2), tmp_path / "tuned", service=service).hosted
    assert len(bedrock.jobs) == 2


def test_too_many_calls_are_made_again(bedrock, service, job, tmp_path, waits):
    bedrock.throttled = 3
    assert run_hosted(job(), tmp_path / "tuned", service=service).hosted
    assert len(bedrock.jobs) == 1


def test_one_that_stays_busy_is_given_up_with_a_remedy(bedrock, service, job, tmp_path):
    bedrock.throttled = 99
    with pytest.raises(TuningError, match=r"429 ThrottlingException: Too many requests\. Tried 4 times") as error:
        run_hosted(job(), tmp_path / "tuned", service=service)
    assert "goes on where it stopped" in error.value.remedy


@pytest.mark.parametrize(
    ("operation", "fault", "remedy"),
    [
        ("CreateModelCustomizationJob", Fault(403, "AccessDeniedException"), "bedrock:CreateModelCustomizationJob"),
        ("CreateModelCustomizationJob", Fault(403, "AccessDeniedException"), "iam:PassRole"),
        ("ListModelCustomizationJobs", Fault(403, "AccessDeniedException"), "bedrock:ListModelCustomizationJobs"),
        ("GetModelCustomizationJob", Fault(403, "ExpiredTokenException"), "Sign in again"),
        ("CreateModelCustomizationJob", Fault(400, "ServiceQuotaExceededException"), "Service Quotas"),
        ("CreateModelCustomizationJob", Fault(400, "ValidationException", "role cannot be assumed"), "role"),
        ("CreateCustomModelDeployment", Fault(403, "AccessDeniedException"), "bedrock:CreateCustomModelDeployment"),
        ("CreateCustomModelDeployment", Fault(400, "ServiceQuotaExceededException"), "Service Quotas"),
        ("ListFoundationModels", Fault(404, "ResourceNotFoundException"), r"model\] name"),
    ],
)
def test_what_aws_refuses_is_an_error_with_a_remedy(bedrock, service, job, tmp_path, operation, fault, remedy):
    bedrock.denied[operation] = fault
    with pytest.raises(TuningError, match=remedy) as error:
        run_hosted(job(), tmp_path / "tuned", service=service)
    assert f"{fault.status} {fault.code}: {fault.message}" in error.value.message
    assert error.value.place == job().model
    assert not bedrock.throughputs
    del bedrock.denied[operation]
    assert run_hosted(job(), tmp_path / "tuned", service=service).hosted
    assert len(bedrock.jobs) == 1


def test_a_name_that_is_taken_by_another_is_told(bedrock, service, job, tmp_path):
    run_hosted(job(), tmp_path / "one", service=service)
    bedrock.jobs[job().name]["clientRequestToken"] = "another"
    bedrock.lag = 99
    with pytest.raises(TuningError, match="does not show the job"):
        run_hosted(job(), tmp_path / "two", service=service)


def test_a_bucket_that_is_not_there_or_elsewhere_is_refused_before_the_upload(bedrock, s3, service, job, tmp_path):
    with pytest.raises(TuningError, match="there is no bucket `nowhere-at-all`"):
        run_hosted(job(bucket="nowhere-at-all"), tmp_path / "tuned", service=service)
    place = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="far-away", CreateBucketConfiguration=place)
    with pytest.raises(TuningError, match="`far-away` is in eu-west-1; Bedrock reads data from its own region"):
        run_hosted(job(bucket="far-away"), tmp_path / "tuned", service=service)
    assert not created(bedrock)
    assert not objects(s3)


def test_without_credentials_or_network_it_says_so(bedrock, service, job, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:9")
    waits = []
    with pytest.raises(TuningError, match=r"cannot be reached .* Tried 2 times"):
        run_hosted(job(), tmp_path / "a", service=Service("m", REGION, Backoff(attempts=2, sleep=waits.append)))
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(TuningError, match=r"cannot be asked: The config profile \(nobody\) could not be found"):
        run_hosted(job(), tmp_path / "b")


# --- what is refused before anything is uploaded ---------------------------------------------------


@pytest.mark.parametrize("technique", ["preference", "rlhf", "transfer", "mine"])
def test_a_technique_that_is_not_done_there_is_refused_with_what_is(job, tmp_path, technique):
    with pytest.raises(TuningError, match=f"`{technique}` cannot be done at Bedrock") as error:
        run_hosted(job(technique), tmp_path / "tuned")
    assert "instruction (fine-tuning)" in error.value.remedy
    assert "domain (continued pre-training)" in error.value.remedy


def test_settings_that_lack_something_are_refused(job, tmp_path):
    for wrong, words in (
        ({"role_arn": ""}, r"tuning\.bedrock\] role_arn` is not set"),
        ({"bucket": ""}, r"tuning\.bedrock\] bucket` is not set"),
        ({"bucket": "s3://shop"}, "is 's3://shop'. It must be the name of a bucket alone"),
        ({"bucket": "Shop"}, "is 'Shop'"),
        ({"role_arn": "tuning"}, "is 'tuning'. It must be as arn:aws:iam::"),
        ({"prefix": "my data"}, "is 'my data'"),
        ({"prefix": "a//b"}, "is 'a//b'"),
        ({"subnets": ["subnet-1"]}, "subnets without security groups"),
        ({"model": "builtin:smollm2-135m-instruct"}, "which is not there"),
        ({"model": "bedrock:amazon.nova-lite-v1:0"}, "MODEL_ID@REGION"),
    ):
        with pytest.raises(SettingsError, match=words):
            run_hosted(job(**wrong), tmp_path / "tuned")
    with pytest.raises(TuningError, match="no training data"):
        run_hosted(job(data=[]), tmp_path / "tuned")


def test_continued_pre_training_is_refused_where_it_is_not_offered(bedrock, s3, service, job, tmp_path):
    texts = [TrainingText("All our plans.", "plans.md")]
    for technique in ("domain", "continual"):
        with pytest.raises(
            TuningError, match="does not offer continued pre-training of any model in us-east-1"
        ) as error:
            run_hosted(job(technique, texts), tmp_path / "tuned", service=service)
        assert NOVA in error.value.remedy
        assert "instruction, raft" in error.value.remedy
    assert not objects(s3)
    bedrock.offers["CONTINUED_PRE_TRAINING"] = [TITAN]
    with pytest.raises(TuningError, match=r"offer continued pre-training of `amazon\.nova-lite-v1:0`") as error:
        run_hosted(job("domain", texts), tmp_path / "tuned", service=service)
    assert TITAN in error.value.remedy


def test_continued_pre_training_is_done_where_it_is_offered(bedrock, s3, service, job, tmp_path):
    bedrock.offers["CONTINUED_PRE_TRAINING"] = [TITAN]
    texts = [TrainingText("All our plans.", "plans.md"), TrainingText("word " * 10_000, "long.md")]
    asked = job("domain", texts, model=f"bedrock:amazon.titan-text-express-v1@{REGION}")
    manifest = run_hosted(asked, tmp_path / "tuned", service=service)
    (request,) = created(bedrock)
    assert (request["customizationType"], request["baseModelIdentifier"]) == ("CONTINUED_PRE_TRAINING", TITAN)
    assert "validationDataConfig" not in request
    records = lines(s3, request["trainingDataConfig"]["s3Uri"])
    assert all(set(record) == {"input"} for record in records)
    assert " ".join(record["input"] for record in records[1:]).split() == ["word"] * 10_000
    assert manifest.data["divided"] == 1
    assert manifest.data["training"] == len(records) > 2


def test_a_model_that_is_not_offered_is_refused_with_those_that_are(bedrock, s3, service, job, tmp_path):
    with pytest.raises(TuningError, match=r"does not offer fine-tuning of `qwen\.qwen3-32b-v1:0`") as error:
        run_hosted(job(model=f"bedrock:qwen.qwen3-32b-v1:0@{REGION}"), tmp_path / "tuned", service=service)
    assert NOVA in error.value.remedy
    assert not objects(s3)


@pytest.mark.parametrize(
    ("asked", "models", "expected"),
    [
        ("amazon.nova-lite-v1:0", ["amazon.nova-lite-v1:0:24k", NOVA], NOVA),
        ("amazon.nova-lite-v1:0:24k", ["amazon.nova-lite-v1:0:24k", NOVA], "amazon.nova-lite-v1:0:24k"),
        ("amazon.nova-lite-v1:0", ["amazon.nova-lite-v1:0", NOVA], "amazon.nova-lite-v1:0"),
        ("amazon.nova-lite-v1", [NOVA], NOVA),
        ("amazon.nova", [NOVA], None),
        ("amazon.nova-lite-v1:0", [], None),
    ],
)
def test_the_model_is_found_among_those_offered(asked, models, expected):
    found = jobs.chosen(asked, [jobs.Offered(each, each) for each in models])
    assert (found.id if found else None) == expected


def test_a_model_called_by_a_profile_of_several_regions_is_found(bedrock, service, job, tmp_path):
    run_hosted(job(model=f"bedrock:us.amazon.nova-lite-v1:0@{REGION}"), tmp_path / "tuned", service=service)
    assert created(bedrock)[0]["baseModelIdentifier"] == NOVA


# --- deploying -------------------------------------------------------------------------------------------


def test_where_on_demand_is_not_offered_throughput_is_provisioned_and_said(bedrock, service, job, tmp_path, caplog):
    bedrock.on_demand = False
    manifest = run_hosted(job(model_units=2), tmp_path / "tuned", service=service)
    (throughput,) = bedrock.throughputs.values()
    assert manifest.hosted == f"bedrock:{throughput['arn']}@{REGION}"
    assert throughput["units"] == 2
    assert manifest.measures["bedrock"]["deployment"] == "provisioned"
    assert "billed by the hour until you delete it" in caplog.text
    assert f"delete-provisioned-model-throughput --provisioned-model-id {job().name}" in caplog.text


def test_only_what_the_settings_name_is_used(bedrock, service, job, tmp_path):
    bedrock.on_demand = False
    with pytest.raises(TuningError, match="does not support on-demand") as error:
        run_hosted(job(deployment="on_demand"), tmp_path / "tuned", service=service)
    assert "provisioned" in error.value.remedy
    assert not bedrock.throughputs
    bedrock.on_demand = True
    run_hosted(job(deployment="provisioned"), tmp_path / "tuned", service=service)
    assert (len(bedrock.throughputs), len(bedrock.deployments)) == (1, 0)


@pytest.mark.parametrize("deployment", ["on_demand", "provisioned"])
def test_a_deployment_that_fails_says_why_and_how_to_be_rid_of_it(bedrock, service, job, tmp_path, deployment):
    bedrock.deployment_ends = "Failed"
    with pytest.raises(TuningError, match="failed: no capacity") as error:
        run_hosted(job(deployment=deployment), tmp_path / "tuned", service=service)
    assert "aws bedrock delete-" in error.value.remedy
    assert f"--region {REGION}" in error.value.remedy


def test_a_custom_model_that_fails_says_why(bedrock, service, job, tmp_path):
    bedrock.model_ends = "Failed"
    with pytest.raises(TuningError, match="could not be created: no room"):
        run_hosted(job(), tmp_path / "tuned", service=service)
    assert not bedrock.deployments


def test_a_custom_model_that_was_deleted_is_told(bedrock, service, job, tmp_path):
    bedrock.denied["GetCustomModel"] = Fault(404, "ResourceNotFoundException")
    with pytest.raises(TuningError, match="is not there any longer") as error:
        run_hosted(job(), tmp_path / "tuned", service=service)
    assert "attempt" in error.value.remedy


# --- results and lineage -------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [b"", b"step_number,training_loss\nx,y\n", b"\xff\xfe", b"a,b\n1,2\n"])
def test_losses_that_cannot_be_read_cost_nothing_but_the_curve(bedrock, s3, service, job, tmp_path, caplog, written):
    def completed(job):
        key = f"{job['outputDataConfig']['s3Uri'].removeprefix(f's3://{BUCKET}/')}j/step_wise_training_metrics.csv"
        s3.put_object(Bucket=BUCKET, Key=key, Body=written)

    bedrock.completed = completed
    manifest = run_hosted(job(), tmp_path / "tuned", service=service)
    assert manifest.loss == ()
    assert manifest.hosted
    assert ("cannot be read" in caplog.text) == bool(written)


def test_tuning_goes_on_from_a_model_that_was_tuned_there(bedrock, service, job, tmp_path):
    first = run_hosted(job(), tmp_path / "tuned@1", service=service)
    second = run_hosted(job("raft", parent=tmp_path / "tuned@1"), tmp_path / "more@1", service=service)
    third = run_hosted(job(parent=tmp_path / "more@1"), tmp_path / "most@1", service=service)
    assert created(bedrock)[1]["baseModelIdentifier"] == first.measures["bedrock"]["custom_model"]
    assert second.parents == ("tuned@1",)
    assert third.parents == ("tuned@1", "more@1")
    assert len({first.hosted, second.hosted, third.hosted}) == 3


def test_tuning_does_not_go_on_from_what_is_not_there(job, tmp_path):
    with pytest.raises(InputError, match="not a model that was tuned at Bedrock"):
        run_hosted(job(parent=tmp_path / "none"), tmp_path / "tuned")
    here = Manifest("k", "instruction", "m", "w", {}, {}, {}, 0, 0.0, "", 0, ())
    write_manifest(tmp_path / "here", here)
    with pytest.raises(InputError, match="not a model that was tuned at Bedrock"):
        run_hosted(job(parent=tmp_path / "here"), tmp_path / "tuned")


# --- as part of the frame ------------------------------------------------------------------------------


def run_of(objective, technique="instruction", asked=None, **more):
    asked = asked or hosted()
    base = Base(asked.model, asked.model, None)
    return TrainingJob(technique, base, objective, asked.settings, asked.record, **more)


def test_a_run_of_the_frame_is_carried_out_there(bedrock, service, tmp_path, monkeypatch):
    monkeypatch.setattr(Service, "__init__", lambda self, *_: self.__dict__.update(service.__dict__))
    gates = ({"name": "schema", "passed": True},)
    examples = Conversations(hosted().data)
    run = run_of(examples, counts={"lost": 2}, gates=gates, accepted=("bias",), upkeep=1)
    manifest = tune_at_bedrock(run, tmp_path / "tuned")
    assert (manifest.gates, manifest.accepted, manifest.upkeep, manifest.data["lost"]) == (gates, ("bias",), 1, 2)
    assert read_manifest(tmp_path / "tuned") == manifest
    assert manifest.hosted in (tmp_path / "tuned" / "manifest.json").read_text()
    assert "A copy at a service" in (tmp_path / "tuned" / "README.md").read_text()
    stopping = Stopping()
    stopping(run, tmp_path / "tuned")
    assert "does not run: it is Completed" in stopping.said


def test_texts_go_there_whole_and_other_objectives_are_refused(tmp_path):
    texts = [TrainingText(f"Text {n}.") for n in range(4)]
    made = hosted_job(run_of(Texts(texts[:3], texts[3:]), "domain"))
    assert [text.text for text in made.data] == [text.text for text in texts]
    with pytest.raises(TuningError, match="`preference` cannot be done at Bedrock"):
        hosted_job(run_of(Texts([], []), "preference"))
    with pytest.raises(TuningError, match="cannot learn what object teaches"):
        hosted_job(run_of(object(), "instruction"))


def test_the_key_does_not_depend_on_where_or_how_long_training_here_takes():
    here, there = TuningSettings(), TuningSettings(where="bedrock")
    assert here.for_key() == there.for_key()


# --- moto's Bedrock -----------------------------------------------------------------------------------


def test_moto_takes_the_request_shows_the_job_once_and_stops_it(s3, job, waits):
    service = Service(job().model, REGION, Backoff(attempts=2, sleep=waits), waits)
    asked = job()
    data = {"training": f"s3://{BUCKET}/t.jsonl", "validation": f"s3://{BUCKET}/v.jsonl", "output": f"s3://{BUCKET}/o/"}
    request = jobs.request(asked.name, NOVA, "FINE_TUNING", asked.own, data)
    assert jobs.find(service, asked.name) is None
    for _ in range(2):
        made = service.found_or_made(
            lambda: jobs.find(service, asked.name),
            lambda: service.bedrock("create_model_customization_job", **request),
            "the job",
        )
        assert made["jobName"] == asked.name
    # whoever makes it again without looking is told that the name is taken, and finds it
    found = service.found_or_made(
        iter([None, made]).__next__, lambda: service.bedrock("create_model_customization_job", **request), "the job"
    )
    assert found == made
    client = boto3.client("bedrock", region_name=REGION, config=Config(retries={"total_max_attempts": 1}))
    assert len(client.list_model_customization_jobs()["modelCustomizationJobSummaries"]) == 1
    told = service.bedrock("get_model_customization_job", jobIdentifier=asked.name)
    assert told["trainingDataConfig"] == {"s3Uri": data["training"]}
    assert stop_hosted(asked, service) == f"The job `{asked.name}` is being stopped."
    with pytest.raises(TuningError, match="stopped"):
        jobs.follow(service, asked.name, lambda *_: None)


def test_names_of_models_are_told_apart_from_other_text():
    name = f"bedrock:arn:aws:bedrock:{REGION}:123456789012:custom-model-deployment/abc123def456@{REGION}"
    expected = (f"arn:aws:bedrock:{REGION}:123456789012:custom-model-deployment/abc123def456", REGION)
    assert aws.model_and_region(name) == expected
