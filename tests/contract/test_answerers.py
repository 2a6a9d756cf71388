import pytest

from groundtune.assistant.closed_book import ClosedBook
from groundtune.assistant.grounded import Grounded
from groundtune.settings import AssistantSettings
from groundtune.testing.answerers import AnswererContract
from groundtune.testing.fakes import FunctionModel
from groundtune.values import Passage, Place

TEXT = "The Brook plan costs €9 a month. The Pebble plan costs €24.90 a month."


def reply(conversation):
    return "Pebble costs €24.90 [1]. Cheap! [4]" if "And" in conversation[-1].content else "Brook costs €9 a month."


def retrieve(searches):
    passage = Passage("plans.md", Place(5, 5 + len(TEXT)), TEXT, "Plans", 1, 1.0, 0.8)
    return [[] if "match" in search.text else [passage] for search in searches]


class TestClosedBook(AnswererContract):
    @pytest.fixture
    def answerer(self):
        return ClosedBook(FunctionModel(reply), AssistantSettings(), "Acme")


class TestGrounded(AnswererContract):
    @pytest.fixture
    def answerer(self):
        return Grounded(FunctionModel(reply), retrieve, AssistantSettings(), "Acme", 0.3, "store:1")
