"""Chat models and a choice of scorers for tests; they need no pytest.

The models compute nothing: they say what a test tells them to, and remember what they were asked.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from pathlib import Path

from groundtune.errors import ModelFailed
from groundtune.evaluation.scorers import scorers
from groundtune.models._offers import Offer
from groundtune.protocols import Scorer
from groundtune.settings import ComparisonSettings
from groundtune.values import ActionCall, ActionSchema, Case, Choice, Completion, Conversation, Selection, Usage


class FunctionModel:
    """Says what `reply` makes of a conversation; tokens are counted as words.

    `asked` keeps every conversation and `batches` the size of every batch, in order. `choose` gives `chosen` of the
    options' probabilities, or shares it out evenly; `mass` of the probability stands on them.
    """

    def __init__(
        self,
        reply: Callable[[Conversation], str],
        name: str = "fake:function",
        chosen: Mapping[str, float] | None = None,
        mass: float = 1.0,
    ) -> None:
        self._reply = reply
        self._name = name
        self._chosen = chosen
        self._mass = mass
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
        usage = Usage(sum(len(message.content.split()) for message in messages), 1)
        return Choice(shares, usage, self._mass, "" if self._mass == 1 else self._reply(messages))

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
            raise ModelFailed("the script has no lines left.", remedy="Add a line, or ask less often.")
        return self._lines.pop(0)


Selects = Callable[[Conversation, Sequence[ActionSchema]], ActionCall | str]


class FunctionSelector(FunctionModel):
    """Selects what `selects` makes of a conversation and the actions: a call, or words, which are none.

    As with every model, a call that was not offered, or does not fit, is none.
    """

    def __init__(self, selects: Selects, name: str = "fake:selector") -> None:
        super().__init__(lambda conversation: "I see.", name)
        self._selects = selects

    def select(self, conversations: Sequence[Conversation], actions: Sequence[ActionSchema]) -> list[Selection]:
        """Return what the function says of each conversation."""
        offer = Offer.of(actions)
        names = {action.name: name for name, action in offer.by_name.items()}
        self.batches.append(len(conversations))
        made = []
        for conversation in conversations:
            self.asked.append(conversation)
            said = self._selects(conversation, actions) if actions else ""
            call = None if isinstance(said, str) else (names.get(said.action, said.action), dict(said.arguments))
            usage = Usage(sum(len(message.content.split()) for message in conversation), 1)
            words = said if isinstance(said, str) else ""
            made.append(offer.selection([call] if call else [], Completion(words, usage)))
        return made


class ScriptedSelector(FunctionSelector):
    """Selects the steps of a script one after the other, calls or words, and fails when there are none left."""

    def __init__(self, script: Sequence[ActionCall | str], name: str = "fake:scripted-selector") -> None:
        self._steps = list(script)
        super().__init__(self._next, name)

    def assert_complete(self) -> None:
        """Raise `AssertionError` if a step was never used: the code under test asked less than was expected."""
        assert not self._steps, f"{len(self._steps)} steps were never used, the first: {self._steps[0]!r}"

    def _next(self, _: Conversation, __: Sequence[ActionSchema]) -> ActionCall | str:
        if not self._steps:
            raise ModelFailed("the script has no steps left.", remedy="Add a step, or ask less often.")
        return self._steps.pop(0)


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


def only(*names: str) -> Callable[..., list[Scorer]]:
    """Return a stand-in for `evaluation.scorers.scorers` that knows these, the judges and what decides: cheap runs."""

    def chosen(
        settings: ComparisonSettings,
        asked: Collection[str] | None = None,
        cases: Sequence[Case] = (),
        judges: Sequence[Scorer] = (),
    ) -> list[Scorer]:
        usual = dict.fromkeys([*names, *(judge.name for judge in judges), settings.decide_by, "corpus_bleu"])
        return scorers(settings, asked or list(usual), cases, judges)

    return chosen
