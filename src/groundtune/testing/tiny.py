"""A chat model and an encoder so small that a test can load and tune them in a moment, and adapters for the first.

Their weights are drawn at random: what they say is nonsense, and always the same. Needs the extra `local`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
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


def tiny_encoder(
    folder: Path, words: Sequence[str], seed: int = 0, prompts: Mapping[str, str] | None = None, **changed: object
) -> Path:
    """Write a BERT of one layer that knows these words, in lower case, as a model of sentence-transformers.

    `prompts` are its own ("query", "document"); `changed` are fields of BertConfig.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: place for place, word in enumerate(dict.fromkeys([*special, *words]))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")}
    network = folder / "network"
    PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=64, **names).save_pretrained(network)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 64}
    torch.manual_seed(seed)
    config = BertConfig(**{"vocab_size": len(vocabulary), "max_position_embeddings": 64, **shape, **changed})
    BertModel(config).save_pretrained(network)
    parts = [Transformer(str(network)), Pooling(32, pooling_mode="mean"), Normalize()]
    model = SentenceTransformer(modules=parts, prompts=dict(prompts or {}), device="cpu")
    model.save_pretrained(str(folder), create_model_card=False)
    shutil.rmtree(network)
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
