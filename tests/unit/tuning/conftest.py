"""A model small enough to train in a second, with a tokenizer of bytes."""

import pytest

from groundtune.settings import TuningSettings
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.model import Base
from groundtune.tuning.training import TrainingJob
from groundtune.values import Example, Message

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|pad|>")
    made.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    made.chat_template = TEMPLATE
    return made


def load_tiny():
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_tokenizer()
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config), tokenizer


def example(number, answer=None):
    messages = (
        Message("system", "Be short."),
        Message("user", f"What does plan {number} cost?"),
        Message("assistant", answer or f"Plan {number} costs {number * 3 + 1} euros a month."),
    )
    return Example(messages, (f"plans/{number}.md",))


@pytest.fixture
def job():
    def make(examples=None, technique="instruction", **settings):
        chosen = {"steps": 8, "evaluate_every": 2, "batch_size": 4, "learning_rate": 2e-2, "rank": 4, "patience": 9}
        return TrainingJob(
            technique,
            Base("tiny", "random", load_tiny),
            Conversations(examples or [example(number) for number in range(20)]),
            TuningSettings(**(chosen | settings)),
            {"tuning.steps": {"value": 8, "origin": "default"}},
        )

    return make
