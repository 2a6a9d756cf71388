import os
from pathlib import Path

import pytest

from groundtune import plugins
from groundtune.errors import ModelFailed
from groundtune.models.bedrock import Bedrock
from groundtune.models.builtin import chat_model_folder
from groundtune.models.openai_compatible import OpenAICompatible
from groundtune.settings import ModelSettings
from groundtune.testing.bedrock import conversing_by
from groundtune.testing.endpoint import LocalEndpoint, served_by
from groundtune.testing.fakes import EchoModel, FallibleModel, FunctionModel, ScriptedModel
from groundtune.testing.models import ModelContract
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.values import Message


def reply(conversation):
    return "B" if "Options:" in conversation[-1].content else f"You said: {conversation[-1].content}"


class TestFunctionModel(ModelContract):
    @pytest.fixture
    def model(self):
        return FunctionModel(reply)

    @pytest.fixture
    def adapters(self):
        return [Path("adapters/one"), Path("adapters/other")]


class TestEchoModel(ModelContract):
    @pytest.fixture
    def model(self):
        return EchoModel()


class TestFallibleModel(ModelContract):
    @pytest.fixture
    def model(self):
        return FallibleModel(lambda messages, options: options[0], 0.5, 3)


class TestOpenAICompatible(ModelContract):
    @pytest.fixture
    def model(self, monkeypatch):
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with LocalEndpoint(served_by(FunctionModel(reply))) as endpoint:
            yield OpenAICompatible(ModelSettings(name=f"openai:fake@{endpoint.url}"))


class TestBedrock(ModelContract):
    @pytest.fixture
    def model(self, monkeypatch):
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        with LocalEndpoint(conversing_by(FunctionModel(reply))) as endpoint:
            monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
            yield Bedrock(ModelSettings(name="bedrock:fake@eu-west-1"))


@pytest.mark.aws
class TestBedrockOnAws(ModelContract):
    """The same against Amazon: `make test-aws`, for those who have an account."""

    @pytest.fixture
    def model(self):
        name = os.environ.get("GROUNDTUNE_TEST_BEDROCK")
        if not name:
            pytest.skip("GROUNDTUNE_TEST_BEDROCK names no model: set it to bedrock:MODEL_ID@REGION")
        return Bedrock(ModelSettings(name=name, max_tokens=64))


@pytest.fixture(scope="module")
def local_model(tmp_path_factory):
    settings = ModelSettings(max_tokens=12)
    return plugins.first("models", settings.name, settings, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A model and two adapters for it."""
    folder = tmp_path_factory.mktemp("tiny")
    settings = ModelSettings(name="path:model", max_tokens=12)
    adapters = two_adapters(tiny_model(folder / "model"), folder)
    return plugins.first("models", settings.name, settings, folder), adapters


@pytest.fixture(scope="module")
def local_adapters(tmp_path_factory):
    return two_adapters(chat_model_folder(), tmp_path_factory.mktemp("adapters"))


def two_adapters(model, folder):
    return [tiny_adapter(model, folder / name, seed) for seed, name in enumerate(["one", "other"])]


class TestTinyLocal(ModelContract):
    @pytest.fixture
    def model(self, tiny):
        return tiny[0]

    @pytest.fixture
    def adapters(self, tiny):
        return tiny[1]


@pytest.mark.models
class TestLocal(ModelContract):
    @pytest.fixture
    def model(self, local_model):
        return local_model

    @pytest.fixture
    def adapters(self, local_adapters):
        return local_adapters


def test_a_script_is_said_line_by_line_and_runs_out():
    model = ScriptedModel(["one", "two"])
    asked = (Message("user", "?"),)
    assert [each.text for each in model.complete([asked])] == ["one"]
    with pytest.raises(AssertionError, match="1 lines were never said"):
        model.assert_complete()
    assert "".join(model.stream(asked)) == "two"
    model.assert_complete()
    with pytest.raises(ModelFailed, match="no lines left"):
        model.complete([asked])


def likeliest(probabilities):
    return max(probabilities, key=probabilities.get)


def test_a_fallible_model_is_right_as_often_as_it_says():
    model = FallibleModel(lambda messages, options: messages[-1].content, 0.8, 3)
    asked = [(Message("system", str(number)), Message("user", "b")) for number in range(1000)]
    chosen = [likeliest(model.choose(each, ["a", "b", "c"])) for each in asked]
    assert chosen == [likeliest(model.choose(each, ["a", "b", "c"])) for each in asked]
    assert 0.76 < chosen.count("b") / 1000 < 0.84
    assert min(chosen.count("a"), chosen.count("c")) > 60
