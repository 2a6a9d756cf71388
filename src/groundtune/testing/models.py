"""Chat models for tests, and the contract that every `ChatModel` keeps.

The fakes compute nothing: they say what a test tells them to, and remember what they were asked.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import pytest

from groundtune.errors import ModelFailed
from groundtune.protocols import AdaptableModel, ChatModel, MeteredModel
from groundtune.values import Choice, Completion, Conversation, Message, Usage


class FunctionModel:
    """Says what `reply` makes of a conversation; tokens are counted as words.

    `asked` keeps every conversation and `batches` the size of every batch, in order. `choose` gives `chosen` of the
    options' probabilities, or shares it out evenly.
    """

    def __init__(
        self,
        reply: Callable[[Conversation], str],
        name: str = "fake:function",
        chosen: Mapping[str, float] | None = None,
    ) -> None:
        self._reply = reply
        self._name = name
        self._chosen = chosen
        self.asked: list[Conversation] = []
        self.batches: list[int] = []

    @property
    def name(self) -> str:
        """The name that the test gave."""
        return self._name

    @property
    def signature(self) -> str:
        """The name: a fake has no weights."""
        return self._name

    def adapted(self, adapters: Sequence[Path]) -> FunctionModel:
        """Return a model that says the same under another name, and remembers in the same place what it was asked."""
        model = copy.copy(self)
        model._name = "+".join([self._name, *(folder.name for folder in adapters)])
        return model

    def complete(self, conversations: Sequence[Conversation], max_tokens: int | None = None) -> list[Completion]:
        """Reply to each conversation; what is longer than `max_tokens` words is cut and says so."""
        self.batches.append(len(conversations))
        return [self._complete(conversation, max_tokens) for conversation in conversations]

    def stream(self, messages: Conversation, max_tokens: int | None = None) -> Generator[str, None, Completion]:
        """Yield the reply in pieces of a few characters and return its `Completion`."""
        completion = self._complete(messages, max_tokens)
        for start in range(0, len(completion.text), 5):
            yield completion.text[start : start + 5]
        return completion

    @property
    def parallel(self) -> int:
        """One at a time, in order."""
        return 1

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Return the probabilities that the test gave, or equal ones."""
        return dict(self.weigh(messages, options).probabilities)

    def weigh(self, messages: Conversation, options: Sequence[str]) -> Choice:
        """Return what `choose` returns; the answer counts as one token."""
        self.asked.append(messages)
        weights = {option: 1.0 if self._chosen is None else self._chosen.get(option, 0.0) for option in options}
        total = sum(weights.values())
        shares = {option: weight / total for option, weight in weights.items()}
        return Choice(shares, Usage(sum(len(message.content.split()) for message in messages), 1))

    def _complete(self, conversation: Conversation, max_tokens: int | None) -> Completion:
        self.asked.append(conversation)
        words = self._reply(conversation).split(" ")
        cut = max_tokens is not None and len(words) > max_tokens
        kept = words[:max_tokens] if cut else words
        prompt = sum(len(message.content.split()) for message in conversation)
        return Completion(" ".join(kept), Usage(prompt, len(kept)), "length" if cut else "stop")


class ScriptedModel(FunctionModel):
    """Says the lines of a script one after the other, and fails when there are none left."""

    def __init__(self, script: Sequence[str], name: str = "fake:scripted") -> None:
        self._lines = list(script)
        super().__init__(self._next, name)

    def assert_complete(self) -> None:
        """Raise `AssertionError` if a line was never said: the code under test asked less than was expected."""
        assert not self._lines, f"{len(self._lines)} lines were never said, the first: {self._lines[0]!r}"

    def _next(self, _: Conversation) -> str:
        if not self._lines:
            raise ModelFailed("the script has no line left.", remedy="Add a line, or ask less often.")
        return self._lines.pop(0)


class FallibleModel(FunctionModel):
    """Chooses what `truth` says with probability `right`, else another option; the same question has the same choice.

    Which ones it gets wrong is drawn from `seed` and the conversation, so that order and number of questions change
    nothing. The option chosen has probability 1.
    """

    def __init__(
        self, truth: Callable[[Conversation, Sequence[str]], str], right: float, seed: int, name: str = "fake:fallible"
    ) -> None:
        super().__init__(lambda conversation: "So it seems to me.", name)
        self._truth = truth
        self._right = right
        self._seed = seed

    @property
    def signature(self) -> str:
        """Name, probability and seed."""
        return f"{self._name}|right:{self._right}|seed:{self._seed}"

    def weigh(self, messages: Conversation, options: Sequence[str]) -> Choice:
        """Return certainty for one option."""
        generator = random.Random(f"{self._seed}|{messages}")
        true = self._truth(messages, options)
        wrong = [option for option in options if option != true]
        chosen = true if generator.random() < self._right or not wrong else generator.choice(wrong)
        self._chosen = {chosen: 1.0}
        return super().weigh(messages, options)


class EchoModel(FunctionModel):
    """Says the last message back: shows what a prompt contains."""

    def __init__(self, name: str = "fake:echo") -> None:
        super().__init__(lambda conversation: conversation[-1].content, name)


class ModelContract:
    """What every `ChatModel` does. Subclass it as `Test...` and give the `model` fixture."""

    GREETING: Conversation = (Message("user", "Say hello."),)
    OTHER: Conversation = (
        Message("system", "You answer in one word."),
        Message("user", "Is water wet?"),
        Message("assistant", "Yes"),
        Message("user", "Is fire cold?"),
    )

    @pytest.fixture
    def model(self) -> ChatModel:
        """Return the model under test."""
        raise NotImplementedError

    @pytest.fixture
    def adapters(self) -> list[Path]:
        """Return the folders of two adapters for the model under test; none if it takes none."""
        return []

    def test_it_is_a_chat_model_with_a_name_and_a_stable_signature(self, model: ChatModel) -> None:
        """All members are there, and the signature does not change between calls."""
        assert isinstance(model, ChatModel)
        assert model.name
        before = model.signature
        model.complete([self.GREETING])
        assert before == model.signature != ""

    def test_no_conversations_give_no_completions(self, model: ChatModel) -> None:
        """An empty batch is not an error."""
        assert model.complete([]) == []

    def test_a_batch_is_answered_in_order_and_as_one_by_one(self, model: ChatModel) -> None:
        """Batching and padding change nothing."""
        together = [each.text for each in model.complete([self.GREETING, self.OTHER, self.GREETING])]
        apart = [model.complete([each])[0].text for each in (self.GREETING, self.OTHER, self.GREETING)]
        assert together == apart

    def test_usage_counts_tokens(self, model: ChatModel) -> None:
        """Both counts are there, and a longer prompt has more of them."""
        short, long = model.complete([self.GREETING, self.OTHER])
        assert 0 < short.usage.prompt_tokens < long.usage.prompt_tokens
        assert short.usage.completion_tokens > 0

    def test_the_token_limit_is_kept_and_reported(self, model: ChatModel) -> None:
        """An answer that is cut off says so."""
        (completion,) = model.complete([self.OTHER], max_tokens=1)
        assert completion.usage.completion_tokens <= 1
        (long,) = model.complete([self.GREETING])
        if long.usage.completion_tokens > 1:
            assert model.complete([self.GREETING], max_tokens=1)[0].finish_reason == "length"

    def test_the_pieces_of_a_stream_make_the_completion(self, model: ChatModel) -> None:
        """Streaming says the same."""
        assert "".join(model.stream(self.OTHER)) == model.complete([self.OTHER])[0].text

    def test_choose_gives_each_option_a_probability(self, model: ChatModel) -> None:
        """Exactly the options, in [0, 1], summing to 1, in any order of asking."""
        options = ["yes", "no", "perhaps"]
        probabilities = model.choose(self.OTHER, options)
        assert list(probabilities) == options
        assert all(0 <= value <= 1 for value in probabilities.values())
        assert sum(probabilities.values()) == pytest.approx(1)

    def test_what_a_choice_costs_is_told(self, model: ChatModel) -> None:
        """A metered model chooses the same and counts tokens."""
        if not isinstance(model, MeteredModel):
            pytest.skip("does not meter its choices")
        options = ["yes", "no"]
        choice = model.weigh(self.OTHER, options)
        assert choice.probabilities == pytest.approx(model.choose(self.OTHER, options))
        assert choice.usage.prompt_tokens > 0
        assert model.parallel >= 1

    def test_a_single_option_is_certain(self, model: ChatModel) -> None:
        """There is nothing to choose."""
        assert model.choose(self.OTHER, ["yes"]) == pytest.approx({"yes": 1.0})

    def test_adapters_make_another_model_and_leave_this_one_alone(self, model: ChatModel, adapters: list[Path]) -> None:
        """What each of them says does not depend on which was asked before; the signature tells them apart."""
        if not isinstance(model, AdaptableModel) or not adapters:
            pytest.skip("takes no adapters")
        one, other = adapters
        models = [model, *(model.adapted(chain) for chain in ([one], [other], [one, other], [other, one]))]
        assert len({each.signature for each in models}) == len({each.name for each in models}) == len(models)
        alone = [each.complete([self.GREETING, self.OTHER]) for each in models]
        assert [each.complete([self.GREETING, self.OTHER]) for each in reversed(models)] == alone[::-1]
        assert model.adapted([]).signature == model.signature
        assert model.adapted([one, other]).signature == models[3].signature
