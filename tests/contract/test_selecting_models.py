"""Every model that selects actions, in every way in which it is asked."""

import json
from pathlib import Path

import pytest

from groundtune import plugins
from groundtune.models.bedrock import Bedrock
from groundtune.models.openai_compatible import OpenAICompatible
from groundtune.models.selecting import selecting
from groundtune.settings import ModelSettings
from groundtune.testing.bedrock import conversing_by, refused
from groundtune.testing.endpoint import LocalEndpoint, refusing, served_by
from groundtune.testing.fakes import FunctionModel, FunctionSelector, ScriptedSelector
from groundtune.testing.selecting import SelectingModelContract
from groundtune.testing.tiny import tiny_model
from groundtune.values import ActionCall

OCEAN = ActionCall("change_plan", {"account": "A-1001", "plan": "Ocean"})


def selects(conversation, actions):
    """A model that calls what fits where somebody says please, and something else where they want to pay."""
    wish = conversation[-1].content
    return OCEAN if "Please" in wish else ActionCall("pay_all", {}) if "pay" in wish else "Hello."


def writes(conversation):
    """What a model without tools writes when it is asked for a number, for a selection and for arguments."""
    asked = conversation[-1].content
    wish = "Please change the plan" in " ".join(turn.content for turn in conversation)
    if "Reply with its number" in asked:
        return "1" if wish else "0"
    if "one JSON object" in asked:
        return f"```json\n{json.dumps(dict(OCEAN.arguments))}\n```"
    if "selection" in conversation[0].content and wish:
        return json.dumps({"selection": {"action": OCEAN.action, "arguments": dict(OCEAN.arguments)}})
    return json.dumps({"selection": {"action": "no_action", "reply": "Hello."}})


class Selects(SelectingModelContract):
    """Of these models it is known what they select."""

    def test_the_wish_is_selected_and_a_greeting_is_not(self, model):
        greeting, wish = model.select([self.GREETING, self.WISH], self.ACTIONS)
        assert greeting.call is None
        assert wish.call == OCEAN


class TestFunctionSelector(Selects):
    @pytest.fixture
    def model(self):
        return FunctionSelector(selects)


class TestScriptedSelector(SelectingModelContract):
    @pytest.fixture
    def model(self):
        return ScriptedSelector([OCEAN] * 15)


class TestChoosing(Selects):
    @pytest.fixture
    def model(self):
        return selecting(ChoosesByWords(writes))


class ChoosesByWords(FunctionModel):
    """Chooses what it would reply."""

    def weigh(self, messages, options):
        self._chosen = {self._reply(messages): 1.0}
        return super().weigh(messages, options)


@pytest.fixture
def openai(monkeypatch):
    """Open a model behind an endpoint that refuses these parameters."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = []

    def start(model, refused=()):
        endpoint = LocalEndpoint(refusing(refused, served_by(model))).__enter__()
        running.append(endpoint)
        return OpenAICompatible(ModelSettings(name=f"openai:fake@{endpoint.url}"))

    yield start
    for endpoint in running:
        endpoint.__exit__(None, None, None)


class TestOpenAIWithTools(Selects):
    @pytest.fixture
    def model(self, openai):
        return openai(FunctionSelector(selects))


class TestOpenAIWithSchemas(Selects):
    @pytest.fixture
    def model(self, openai):
        return openai(FunctionModel(writes), refused=["tools"])


class TestOpenAIWithNeither(Selects):
    @pytest.fixture
    def model(self, openai):
        return openai(FunctionModel(writes), refused=["tools", "response_format"])


@pytest.fixture
def bedrock(monkeypatch):
    """Open a model on a stand-in for Bedrock."""
    for name, value in {"NO_PROXY": "127.0.0.1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    running = []

    def start(respond):
        endpoint = LocalEndpoint(respond).__enter__()
        running.append(endpoint)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", endpoint.url.removesuffix("/v1"))
        return Bedrock(ModelSettings(name="bedrock:fake@eu-west-1"))

    yield start
    for endpoint in running:
        endpoint.__exit__(None, None, None)


class TestBedrockWithTools(Selects):
    @pytest.fixture
    def model(self, bedrock):
        return bedrock(conversing_by(FunctionSelector(selects)))


class TestBedrockWithoutTools(Selects):
    @pytest.fixture
    def model(self, bedrock):
        answers = conversing_by(FunctionModel(writes))
        denied = refused(400, "ValidationException", "This model doesn't support tool use.")
        return bedrock(lambda request: denied if "toolConfig" in request.body else answers(request))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder / "model")
    settings = ModelSettings(name="path:model")
    return plugins.first("models", settings.name, settings, folder)


class TestTinyLocal(SelectingModelContract):
    @pytest.fixture
    def model(self, tiny):
        return tiny


@pytest.mark.models
class TestLocal(SelectingModelContract):
    @pytest.fixture
    def model(self):
        settings = ModelSettings()
        return plugins.first("models", settings.name, settings, Path())
