"""A chat model so small that a test can load and tune it in a moment, and adapters for it.

Its weights are drawn at random: what it says is nonsense, and always the same. Needs the extra `local`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for message in messages %}<s>{{ message.role }}: {{ message.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)


def tiny_model(folder: Path, seed: int = 0, **changed: object) -> Path:
    """Write a Llama of two layers, whose tokens are bytes, and its tokenizer; `changed` are fields of LlamaConfig."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "initializer_range": 0.3}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True}
    tokens = {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    torch.manual_seed(seed)
    LlamaForCausalLM(LlamaConfig(**{**shape, **heads, **tokens, **changed})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_adapter(model: Path, folder: Path, seed: int, **changed: object) -> Path:
    """Write a LoRA adapter of random factors for any model in a folder; `changed` are fields of PEFT's LoraConfig."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    usual = {"r": 4, "target_modules": "all-linear", "init_lora_weights": False, "task_type": "CAUSAL_LM"}
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    get_peft_model(base, LoraConfig(**{**usual, **changed})).save_pretrained(str(folder))
    return folder


def _tokenizer() -> Any:  # noqa: ANN401 -- transformers is untyped here
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="</s>", chat_template=TEMPLATE
    )
