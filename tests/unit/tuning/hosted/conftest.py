"""Bedrock as a server on this machine, S3 as moto has it, and a job that takes no time."""

import csv
import io
from copy import copy

import boto3
import pytest
from _bedrock_service import REGION, BedrockService

from groundtune.http import Backoff
from groundtune.settings import TuningSettings
from groundtune.tuning.hosted.job import HostedJob
from groundtune.tuning.hosted.service import Service
from groundtune.tuning.hosted.settings import BedrockTuning
from groundtune.values import Example, Message

MODEL = f"bedrock:amazon.nova-lite-v1:0@{REGION}"
BUCKET = "shop-tuning"
ROLE = "arn:aws:iam::123456789012:role/tuning"


@pytest.fixture(autouse=True)
def credentials(monkeypatch, tmp_path):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


def csv_of(*rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def write_metrics(job):
    """What Bedrock writes when a job is completed."""
    bucket, _, prefix = job["outputDataConfig"]["s3Uri"].removeprefix("s3://").partition("/")
    folder = f"{prefix.rstrip('/')}/model-customization-job-{job['jobArn'][-12:]}"
    s3 = boto3.client("s3", region_name=REGION)
    training = csv_of(["step_number", "epoch_number", "training_loss", "perplexity"], [0, 0, 2.5, 12], [10, 1, 1.5, 4])
    validation = csv_of(["step_number", "epoch_number", "validation_loss", "perplexity"], [10, 1, 1.75, 6])
    s3.put_object(Bucket=bucket, Key=f"{folder}/training_artifacts/step_wise_training_metrics.csv", Body=training)
    name = f"{folder}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
    s3.put_object(Bucket=bucket, Key=name, Body=validation)


@pytest.fixture
def s3(monkeypatch):
    moto = pytest.importorskip("moto")
    with moto.mock_aws():
        # moto sets credentials of its own; Bedrock is asked at its own address
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture(scope="session")
def server():
    with BedrockService() as server:
        yield server


@pytest.fixture
def bedrock(server, s3, monkeypatch):
    server.begin()
    server.completed = write_metrics
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", server.url)
    yield server
    assert not server.wrong


class Waits:
    def __init__(self):
        self.seconds = []

    def __call__(self, seconds):
        self.seconds.append(seconds)


@pytest.fixture
def waits():
    return Waits()


_services = []  # one for all tests: its clients take long to make


@pytest.fixture
def service(bedrock, waits):
    if not _services:
        _services.append(Service(MODEL, REGION))
    service = copy(_services[0])
    service.pause, service._backoff = waits, Backoff(attempts=4, sleep=waits)
    return service


def example(number, answer=None):
    messages = (
        Message("system", "Be short."),
        Message("user", f"What does plan {number} cost?"),
        Message("assistant", answer or f"Plan {number} costs {number * 3 + 1} euros a month."),
    )
    return Example(messages, place=f"training.jsonl:{number + 1}")


def hosted(technique="instruction", data=None, model=MODEL, parent=None, tuning=None, **own):
    own = BedrockTuning(**{"role_arn": ROLE, "bucket": BUCKET, **own})
    settings = TuningSettings(held_out=3, where="bedrock", **(tuning or {})).with_parts({"bedrock": own})
    data = [example(number) for number in range(20)] if data is None else data
    return HostedJob(technique, model, data, settings, {"tuning.where": {"value": "bedrock"}}, parent=parent)


@pytest.fixture
def job():
    return hosted
