"""Selecting an action with any chat model: one that offers nothing for it chooses a number, then writes JSON.

The actions are listed by number, with 0 for none of them, and the probability of each number decides (`choose`). The
arguments are written as text and checked. A model that selects by itself is left to do so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from groundtune.acting import SelectingModel
from groundtune.models._offers import CALL_TOKENS, NO_ACTION_MEANS, Offer, json_in, together
from groundtune.protocols import ChatModel, MeteredModel
from groundtune.values import ActionSchema, Choice, Completion, Conversation, Message, Selection, Usage

PER_QUESTION = 9
"""Actions that one question lists: with none of them, the ten digits. Of more, the winners meet in a last question."""


def selecting(model: ChatModel) -> SelectingModel:
    """Return the model itself where it selects actions, else one that selects by what the model chooses and writes."""
    return model if isinstance(model, SelectingModel) else Choosing(model)


@dataclass(frozen=True, slots=True)
class Choosing:
    """A `SelectingModel` of a chat model that only chooses and completes; in all else it is that model."""

    model: ChatModel

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def signature(self) -> str:
        """The model's: what it says is not changed."""
        return self.model.signature

    def complete(self, conversations: Sequence[Conversation], max_tokens: int | None = None) -> list[Completion]:
        """Answer as the model does."""
        return self.model.complete(conversations, max_tokens)

    def stream(self, messages: Conversation, max_tokens: int | None = None) -> Iterator[str]:
        """Answer as the model does."""
        return self.model.stream(messages, max_tokens)

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Choose as the model does."""
        return self.model.choose(messages, options)

    def select(self, conversations: Sequence[Conversation], actions: Sequence[ActionSchema]) -> list[Selection]:
        """Return a selection for each conversation, one after the other."""
        offer = Offer.of(actions)
        return [select_by_choice(self.model, conversation, offer) for conversation in conversations]


def select_by_choice(model: ChatModel, conversation: Conversation, offer: Offer) -> Selection:
    """Return what `model` chooses among the numbers of the actions, with the arguments that it then writes."""
    name, spent, doubt = _chosen(model, conversation, offer)
    if not name:
        return Selection(None, doubt, spent, doubt)
    schema = json.dumps(dict(offer.by_name[name].parameters), ensure_ascii=False)
    asked = (
        f"Write the arguments of `{name}` for what the user wants, as one JSON object and nothing else. Its JSON "
        f"Schema is: {schema}"
    )
    (written,) = model.complete([_with(conversation, asked)], CALL_TOKENS)
    said = json_in(written.text)
    arguments = written.text if said is None else said
    usage = together(spent, written.usage)
    return offer.selection([(name, arguments)], replace(written, text="", usage=usage))


def _chosen(model: ChatModel, conversation: Conversation, offer: Offer) -> tuple[str, Usage, str]:
    """Return the chosen name ("" for none), what it cost, and why the reply is no choice, if it is none."""
    names, spent = list(offer.by_name), Usage()
    while True:
        groups = [names[start : start + PER_QUESTION] for start in range(0, len(names), PER_QUESTION)]
        choices = [_weighed(model, conversation, offer, group) for group in groups]
        spent = together(spent, *(choice.usage for choice in choices))
        numbers = [0 if each.doubt() else _likeliest(each) for each in choices]
        names = [group[number - 1] for group, number in zip(groups, numbers, strict=True) if number]
        if not names:
            return "", spent, next(filter(None, (choice.doubt() for choice in choices)), "")
        if len(groups) == 1:
            return names[0], spent, ""


def _likeliest(choice: Choice) -> int:
    return int(max(choice.probabilities, key=lambda number: choice.probabilities[number]))


def _weighed(model: ChatModel, conversation: Conversation, offer: Offer, names: Sequence[str]) -> Choice:
    lines = [f"{place}. {_line(name, offer.by_name)}" for place, name in enumerate(names, start=1)]
    listed = "\n".join([f"0. none of them: {NO_ACTION_MEANS}", *lines])
    asked = (
        f"Which of these actions does the user want to be done now?\n{listed}\n\n"
        "Reply with its number and nothing else."
    )
    options = [str(place) for place in range(len(names) + 1)]
    messages = _with(conversation, asked)
    if isinstance(model, MeteredModel):
        return model.weigh(messages, options)
    return Choice(model.choose(messages, options))


def _line(name: str, by_name: Mapping[str, ActionSchema]) -> str:
    return f"{name}: {' '.join(by_name[name].description.split())}"


def _with(conversation: Conversation, asked: str) -> Conversation:
    return (*conversation, Message("user", asked))
