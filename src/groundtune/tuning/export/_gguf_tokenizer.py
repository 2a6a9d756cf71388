"""A tokenizer's words in GGUF: byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM) with merges, special tokens, template.

GGUF names the way a tokenizer splits text before it merges (`tokenizer.ggml.pre`); only ways that have a name there and
that are told apart surely are written. What was written is read back and compared on odd texts.

Source: the GGUF specification, section "Tokenizer"; names of the ways to split from llama.cpp's `llama-vocab.cpp`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundtune.errors import InputError

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5  # `gguf.TokenType`
INSTEAD = "Export it with `--to merged`, and convert that with llama.cpp's convert_hf_to_gguf.py."
_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN_2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS = {_LLAMA_3: "llama-bpe", _QWEN_2: "qwen2"}
ODD_TEXTS = (
    "Hello, world!",
    " leading and trailing  ",
    "tabs\tand\nnew\r\nlines\n\n\n",
    "don't we'll I'VE it's",
    "1234567890 3.14159 1,000,000",
    "naïve café Zürich Ærøskøbing",
    "日本語のテキスト 한국어 العربية עברית हिन्दी ไทย",
    "👩‍👩‍👧‍👦 🇪🇺 ✓ № ½ \u200b\ufeff",
    "x = [i**2 for i in range(10)]  # comment",
    "<|im_start|>user\nHi<|im_end|>\n",
    "https://example.com/a?b=c&d=%20#e",
    "\u00a0non\u2009breaking\u3000spaces",
    "A" * 300,
    "€ 5,50 – “quoted” … «guillemets»",
    "\x00\x07\x7f",
    "",
)


@dataclass(frozen=True, slots=True)
class GgufWords:
    """A tokenizer as GGUF has it: `tokens` and `types` by id, `merges` in order, `ids` of special tokens by name."""

    pre: str
    tokens: Sequence[str]
    types: Sequence[int]
    merges: Sequence[str]
    ids: Mapping[str, int]
    adds_bos: bool
    adds_eos: bool
    template: str
    notes: tuple[str, ...] = field(default=())

    def add_to(self, writer: Any) -> None:  # noqa: ANN401 -- gguf has no stubs
        """Add all of it to the file's head."""
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.merges:
            writer.add_token_merges(self.merges)
        else:
            writer.add_token_scores([0.0] * len(self.tokens))  # readers make merges out of tokens and scores
        for name, number in self.ids.items():
            getattr(writer, f"add_{name}_token_id")(number)
        writer.add_add_bos_token(self.adds_bos)
        writer.add_add_eos_token(self.adds_eos)
        writer.add_add_space_prefix(False)
        if self.template:
            writer.add_chat_template(self.template)


def vocabulary(tokenizer: Any, rows: int) -> GgufWords:  # noqa: ANN401
    """Return the words of a fast tokenizer, for a model with `rows` rows of embeddings.

    Raises `InputError` for a tokenizer that GGUF has no name for, or that cannot be told surely.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise _refused("it has no fast form")
    content = json.loads(backend.to_str())
    model = content["model"]
    if model["type"] != "BPE" or model.get("byte_fallback"):
        raise _refused(f"it is {model['type']} of characters, not of bytes")
    pre = _pre(content.get("pre_tokenizer"))
    notes = _normalized(content.get("normalizer"))
    known = tokenizer.get_vocab()
    if max(known.values()) >= rows:
        raise _refused(f"it has {max(known.values()) + 1} words, and the model has rows for {rows}")
    tokens = [f"[PAD{number}]" for number in range(rows)]
    types = [UNUSED] * rows
    for token, number in known.items():
        tokens[number], types[number] = token, NORMAL
    for added in content["added_tokens"]:
        types[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    if not merges:
        notes = [*notes, "The tokenizer has no merges, without which llama.cpp does not load a file."]
    adds_bos, adds_eos = _adds(tokenizer)
    template = tokenizer.chat_template or ""
    if isinstance(template, Mapping):
        template = template.get("default", "")
    return GgufWords(pre, tokens, types, merges, _ids(tokenizer), adds_bos, adds_eos, template, tuple(notes))


def read_back(folder: Path, name: str, tokenizer: Any) -> None:  # noqa: ANN401
    """Raise `InputError` unless the tokenizer in the file gives the ids that `tokenizer` gives, on odd texts too."""
    from transformers import AutoTokenizer

    reader = AutoTokenizer.from_pretrained(str(folder), gguf_file=name)
    added = [str(token) for token in tokenizer.added_tokens_decoder.values()]
    for text in (*ODD_TEXTS, *(f"a {token} b{token}c" for token in added)):
        expected, given = tokenizer(text)["input_ids"], reader(text)["input_ids"]
        if expected != given:
            raise _refused(
                f"read back from the file, it cuts {text[:40]!r} into {given[:12]} instead of {expected[:12]}"
            )


def _pre(way: Mapping[str, Any] | None) -> str:
    """Return GGUF's name of a way to split text."""
    parts = way["pretokenizers"] if way and way["type"] == "Sequence" else [way] if way else []
    kinds = [part["type"] for part in parts]
    last = parts[-1] if parts else {}
    if not parts or last["type"] != "ByteLevel" or last.get("add_prefix_space"):
        raise _refused("it does not split text as byte-level BPE does")
    if kinds == ["ByteLevel"] and last.get("use_regex", True):
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and parts[0]["individual_digits"] and last.get("use_regex", True):
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and not last.get("use_regex", True):
        pattern = parts[0]["pattern"].get("Regex", "")
        if pattern in SPLITS and parts[0]["behavior"] == "Isolated" and not parts[0]["invert"]:
            return SPLITS[pattern]
    raise _refused(f"GGUF has no name here for the way it splits text ({', '.join(kinds)})")


def _normalized(normalizer: Mapping[str, Any] | None) -> list[str]:
    if normalizer is None:
        return []
    if normalizer["type"] == "NFC":
        return ["The tokenizer composes characters first (NFC). Readers of GGUF do not: give them composed text."]
    raise _refused(f"it changes text before it cuts it ({normalizer['type']})")


def _adds(tokenizer: Any) -> tuple[bool, bool]:  # noqa: ANN401
    """Return whether the tokenizer puts its first and its last token around a text."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    given = tokenizer("a")["input_ids"]
    before = tokenizer.bos_token_id is not None and given[:1] == [tokenizer.bos_token_id] and given != plain
    after = tokenizer.eos_token_id is not None and given[-1:] == [tokenizer.eos_token_id] and given != plain
    expected = [*([tokenizer.bos_token_id] if before else []), *plain, *([tokenizer.eos_token_id] if after else [])]
    if given != expected:
        raise _refused("it puts tokens of its own around a text")
    return before, after


def _ids(tokenizer: Any) -> dict[str, int]:  # noqa: ANN401
    named = {name: getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "unk", "pad")}
    return {name: number for name, number in named.items() if number is not None}


def _refused(reason: str) -> InputError:
    return InputError(f"this tokenizer cannot be written as GGUF here: {reason}.", remedy=INSTEAD)
