"""Selecting an action with a model in this process, for many conversations at once.

First which one, or none: by the probability of its name where the name of a call stands. Then its arguments, token by
token, held to its schema (`_grammar.py`). Whatever the model would rather say, a call comes out or none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundtune.models import _generation, _grammar
from groundtune.models._offers import NO_ACTION, NO_ACTION_MEANS, Offer, json_in
from groundtune.models.templates import prompt_text
from groundtune.values import Completion, Conversation, Selection, Usage

MOST_TOKENS = 256
"""Tokens of a call's arguments; a call that needs more is none."""
_NAME = '<tool_call>\n{"name": "'
_ARGUMENTS = '", "arguments":'


@dataclass(frozen=True, slots=True)
class Selector:
    """Selects with the network that holds the weights now. `ends` are the tokens that end a turn."""

    model: Any
    tokenizer: Any
    ends: set[int]
    batch_tokens: int

    def select(self, conversations: Sequence[Conversation], offer: Offer) -> list[Selection]:
        """Return a selection for each conversation, in order."""
        if not offer.by_name:
            return [Selection(None) for _ in conversations]
        names = [*offer.by_name, NO_ACTION]
        tools = [json.dumps(tool) for tool in (*offer.tools, _none())]
        prompts = [prompt_text(self.tokenizer, conversation, tools) + _NAME for conversation in conversations]
        chosen = [self._likeliest(self._ids(prompt), names) for prompt in prompts]
        made = [Selection(None, usage=Usage(len(self._ids(prompt)), 1)) for prompt in prompts]
        calling = [place for place, name in enumerate(chosen) if name != NO_ACTION]
        begun = [self._ids(f"{prompts[place]}{chosen[place]}{_ARGUMENTS}") for place in calling]
        schemas = [offer.by_name[chosen[place]].parameters for place in calling]
        for place, ids, tokens in zip(calling, begun, self._written(begun, schemas), strict=True):
            text = str(self.tokenizer.decode(tokens, skip_special_tokens=True))
            whole = bool(tokens) and tokens[-1] in self.ends and not _grammar.overruns(json_in(text))
            said = Completion("", Usage(len(ids), len(tokens)), "stop" if whole else "length")
            made[place] = offer.selection([(chosen[place], text)], said)
        return made

    def _likeliest(self, prompt: list[int], names: Sequence[str]) -> str:
        answers = [self._ids(f'{name}"') for name in names]
        totals = [sum(row) for row in _generation.log_probabilities(self.model, prompt, answers)]
        return names[totals.index(max(totals))]

    def _written(self, prompts: Sequence[list[int]], schemas: Sequence[Any]) -> list[list[int]]:
        """Return the tokens of the JSON that follows each prompt; the last one ends the turn, unless it was cut."""
        words = _grammar.vocabulary(self.tokenizer, self.model.config.vocab_size, self.ends)
        matchers = [_grammar.matcher(words, schema) for schema in schemas]
        written: list[list[int]] = [[] for _ in prompts]
        for batch in _generation.batches([len(prompt) for prompt in prompts], MOST_TOKENS, self.batch_tokens):
            sampler = _grammar.Constrained([matchers[place] for place in batch])
            chosen = [prompts[place] for place in batch]
            for step in _generation.decode(self.model, chosen, MOST_TOKENS, self.ends, sampler=sampler):
                for row, token in step.items():
                    written[batch[row]].append(token)
        return written

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def _none() -> dict[str, Any]:
    nothing = {"type": "object", "properties": {}}
    function = {"name": NO_ACTION, "description": NO_ACTION_MEANS, "parameters": nothing}
    return {"type": "function", "function": function}
