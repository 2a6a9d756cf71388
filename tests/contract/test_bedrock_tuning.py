"""Tuning at Bedrock against Amazon: `make test-aws`, for those who have an account.

GROUNDTUNE_TEST_BEDROCK names a model that can be fine-tuned, as bedrock:MODEL_ID@REGION. With that alone Amazon is only
asked what there is. GROUNDTUNE_TEST_BEDROCK_BUCKET and GROUNDTUNE_TEST_BEDROCK_ROLE (an ARN) as well: a model is tuned,
deployed on demand and asked, which takes an hour or more and is billed. What it makes has a name that begins with
`groundtune-instruction-`, and stays there.
"""

import os

import pytest

from groundtune.errors import TuningError
from groundtune.http import aws
from groundtune.models.bedrock import Bedrock
from groundtune.settings import ModelSettings, TuningSettings
from groundtune.tuning.hosted import jobs
from groundtune.tuning.hosted.bedrock import run_hosted, stop_hosted
from groundtune.tuning.hosted.job import HostedJob
from groundtune.tuning.hosted.limits import foundation_model, limits_of
from groundtune.tuning.hosted.service import Service
from groundtune.tuning.hosted.settings import BedrockTuning
from groundtune.values import Example, Message

pytestmark = pytest.mark.aws


def named(variable):
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return value


@pytest.fixture
def model():
    return named("GROUNDTUNE_TEST_BEDROCK")


@pytest.fixture
def job(model):
    least = limits_of(foundation_model(aws.model_and_region(model)[0]), "FINE_TUNING").least
    turns = [
        (Message("user", f"What is {n} and {n}?"), Message("assistant", f"It is {2 * n}.")) for n in range(least + 12)
    ]

    def make(**own):
        settings = TuningSettings(held_out=2, where="bedrock").with_parts({"bedrock": BedrockTuning(**own)})
        return HostedJob("instruction", model, [Example(messages) for messages in turns], settings, {})

    return make


def test_what_amazon_tells_is_read(model, job):
    name, region = aws.model_and_region(model)
    service = Service(model, region)
    assert jobs.chosen(foundation_model(name), jobs.offered(service, "FINE_TUNING"))
    assert isinstance(jobs.offered(service, "CONTINUED_PRE_TRAINING"), list)
    assert jobs.find(service, "groundtune-no-such-job") is None
    assert "There is no job" in stop_hosted(job(role_arn="none", bucket="none", attempt=999_999), service)
    with pytest.raises(TuningError, match="bucket"):
        jobs.check_bucket(service, BedrockTuning(bucket="groundtune-there-is-no-such-bucket"))


def test_a_model_is_tuned_deployed_and_asked(job, tmp_path):
    own = {"bucket": named("GROUNDTUNE_TEST_BEDROCK_BUCKET"), "role_arn": named("GROUNDTUNE_TEST_BEDROCK_ROLE")}
    manifest = run_hosted(job(**own, deployment="on_demand", epochs=1), tmp_path / "tuned")
    (completion,) = Bedrock(ModelSettings(name=manifest.hosted)).complete([(Message("user", "What is 3 and 3?"),)])
    assert completion.text
    assert manifest.loss
