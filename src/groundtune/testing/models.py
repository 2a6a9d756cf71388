"""The contract that every `ChatModel` keeps. Fakes are in `groundtune.testing.fakes`."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundtune.protocols import AdaptableModel, ChatModel, MeteredModel
from groundtune.values import Conversation, Message


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

    def test_a_choice_among_digits_tells_how_much_of_the_probability_stood_on_them(self, model: ChatModel) -> None:
        """Each digit has a share that sums to 1, and `mass` is what all of them had before."""
        if not isinstance(model, MeteredModel):
            pytest.skip("does not meter its choices")
        asked = (Message("user", "How many legs has a dog: 2, 4 or 6? Reply with the number and nothing else."),)
        choice = model.weigh(asked, ["2", "4", "6"])
        assert list(choice.probabilities) == ["2", "4", "6"]
        assert sum(choice.probabilities.values()) == pytest.approx(1)
        assert 0 <= choice.mass <= 1

    def test_a_single_option_is_certain(self, model: ChatModel) -> None:
        """There is nothing to choose."""
        assert model.choose(self.OTHER, ["yes"]) == pytest.approx({"yes": 1.0})

    def test_adapters_make_another_model_and_leave_this_one_alone(self, model: ChatModel, adapters: list[Path]) -> None:
        """What each of them says does not depend on which was asked before; the signature tells them apart."""
        if not isinstance(model, AdaptableModel) or not adapters:
            pytest.skip("takes no adapters")
        first, second = adapters
        models = [model, *(model.adapted(chain) for chain in ([first], [second], [first, second], [second, first]))]
        assert len({each.signature for each in models}) == len({each.name for each in models}) == len(models)
        alone = [each.complete([self.GREETING, self.OTHER]) for each in models]
        assert [each.complete([self.GREETING, self.OTHER]) for each in reversed(models)] == alone[::-1]
        assert model.adapted([]).signature == model.signature
        assert model.adapted([first, second]).signature == models[3].signature
