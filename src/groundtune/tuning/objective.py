"""What a training run learns from and by which loss: the part in which techniques differ.

An objective turns data into rows of token ids and names the trainer that learns from them. Everything else, from the
order of the rows to checkpoints and the manifest, is the same for all of them (`training.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from groundtune.settings import TuningSettings
from groundtune.values import Conversation

TokenRow = Mapping[str, Any]
IGNORED = -100
"""The label of a token that is not learned."""


@dataclass(frozen=True, slots=True)
class ServedPrompt:
    """A conversation as serving gives it, the tools it offers, and token ids that have to begin with its prompt."""

    conversation: Conversation
    input_ids: Sequence[int]
    tools: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Data as token ids: one mapping of columns a row. `lengths` are the tokens of each training row.

    `samples` are token ids of a few held-out rows: the logits of adapters are compared on them. On `prompts` it is
    compared how training and serving render a conversation. `supervised` rows are learned from by `supervised_trainer`.
    """

    training: Sequence[TokenRow]
    held_out: Sequence[TokenRow]
    lengths: Sequence[int]
    samples: Sequence[list[int]] = ()
    prompts: Sequence[ServedPrompt] = ()
    supervised: bool = False


@dataclass(frozen=True, slots=True)
class Metric:
    """Which entry of the trainer's log decides which checkpoint is the best."""

    name: str = "eval_loss"
    greater_is_better: bool = False


LOSS = Metric()


@dataclass(frozen=True, slots=True)
class Construction:
    """What a trainer is made of. `arguments` are those of `transformers.TrainingArguments`, `given` those of its init.

    `rows` is how many of them go through the model at once; a batch is of `batch_size`.
    """

    arguments: Mapping[str, Any]
    given: Mapping[str, Any]
    rows: int
    batch_size: int
    settings: TuningSettings = field(default_factory=TuningSettings)


class Objective(Protocol):
    """What is learned, and how."""

    @property
    def metric(self) -> Metric:
        """What decides which checkpoint is the best."""
        ...

    @property
    def data_hash(self) -> str:
        """Identifies the data, whatever its order."""
        ...

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Render the data. Raises `TuningError` for what cannot teach; nothing is cut or dropped without a word."""
        ...

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return a trainer of transformers or TRL on the rows."""
        ...


MeasureModel = Callable[[Any, Any], Mapping[str, object]]  # (model, tokenizer) -> what the manifest tells
