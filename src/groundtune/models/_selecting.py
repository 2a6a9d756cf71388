"""Selecting an action with a model in this process, for many conversations at once.

The model continues the beginning of a call under one grammar, in which each action's name is followed by arguments of
its schema, and the name of no action by nothing (`_grammar.py`). Whatever it would rather say, what comes out is a call
or none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundtune.models import _generation, _grammar
from groundtune.models._offers import NO_ACTION, NO_ACTION_MEANS, Offer, json_in
from groundtune.models._prefix import ReadPrefix
from groundtune.models.templates import prompt_text
from groundtune.values import Completion, Conversation, Selection, Usage

MOST_TOKENS = 256
"""Tokens of a call; one that needs more is none."""
_BEGINNING = '<tool_call>\n{"name": "'
_ARGUMENTS = '", "arguments": '
_NONE = f'{NO_ACTION}"'


@dataclass(frozen=True, slots=True)
class Selector:
    """Selects with the network that holds the weights now. `ends` are the tokens that end a turn, `prefix` is what it
    read last."""

    model: Any
    tokenizer: Any
    ends: set[int]
    batch_tokens: int
    prefix: ReadPrefix

    def select(self, conversations: Sequence[Conversation], offer: Offer) -> list[Selection]:
        """Return a selection for each conversation, in order."""
        if not offer.by_name:
            return [Selection(None) for _ in conversations]
        tools = [json.dumps(tool, ensure_ascii=False) for tool in (*offer.tools, _none())]
        prompts = [self._ids(prompt_text(self.tokenizer, each, tools) + _BEGINNING) for each in conversations]
        written = self._written(prompts, self._grammar(offer))
        return [self._selection(prompt, tokens, offer) for prompt, tokens in zip(prompts, written, strict=True)]

    def _grammar(self, offer: Offer) -> Any:  # noqa: ANN401 -- llguidance's own
        words = _grammar.vocabulary(self.tokenizer, self.model.config.vocab_size, self.ends)
        alternatives = {f"{name}{_ARGUMENTS}": action.parameters for name, action in offer.by_name.items()}
        return _grammar.whole_matcher(words, {**alternatives, _NONE: None})

    def _written(self, prompts: Sequence[list[int]], grammar: Any) -> list[list[int]]:  # noqa: ANN401
        """Return the tokens that follow each prompt; the last one ends the turn, unless it was cut."""
        written: list[list[int]] = [[] for _ in prompts]
        for batch in _generation.batches([len(prompt) for prompt in prompts], MOST_TOKENS, self.batch_tokens):
            sampler = _grammar.Constrained([grammar.deep_copy() for _ in batch])
            chosen = [prompts[place] for place in batch]
            steps = _generation.decode(self.model, chosen, MOST_TOKENS, self.ends, sampler=sampler, prefix=self.prefix)
            for step in steps:
                for row, token in step.items():
                    written[batch[row]].append(token)
        return written

    def _selection(self, prompt: Sequence[int], tokens: Sequence[int], offer: Offer) -> Selection:
        text = str(self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
        usage = Usage(len(prompt), len(tokens))
        if text == _NONE:
            return Selection(None, usage=usage)
        name, _, arguments = text.partition(_ARGUMENTS)
        whole = tokens[-1] in self.ends and not _grammar.overruns(json_in(arguments))
        return offer.selection([(name, arguments)], Completion("", usage, "stop" if whole else "length"))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def _none() -> dict[str, Any]:
    nothing = {"type": "object", "properties": {}}
    function = {"name": NO_ACTION, "description": NO_ACTION_MEANS, "parameters": nothing}
    return {"type": "function", "function": function}
