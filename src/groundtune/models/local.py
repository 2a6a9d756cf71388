"""Chat models that run in this process on transformers: the built-in one, a folder, or one of the Hugging Face hub.

Answers are greedy, so that the same question has the same answer. The weights of a model are in memory once, however
many adapters, threads and settings it answers with; an adapter is added into them, so that a tuned model costs no more
than its base (`_adapters.py`). An adapter that does more than add, as DoRA does, and one with words of its own get a
model of their own. One thread at a time uses the weights: for a batch, or for a few tokens of a stream.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from groundtune.errors import NotInstalled, SettingsError
from groundtune.files import within
from groundtune.merging import NotAdditive, check_files, merge
from groundtune.models import _adapters, _generation, _llama, _selecting, builtin
from groundtune.models._adapters import Chain, SharedWeights
from groundtune.models._offers import Offer
from groundtune.models._options import LABEL_TOKENS, Step, are_labels, choice_of
from groundtune.models.templates import closing_id, prompt_ids, turn_ends
from groundtune.once import Once
from groundtune.reply.reasoning import Parting, marks_among, opens, parted
from groundtune.settings import ModelSettings
from groundtune.values import ActionSchema, Choice, Completion, Conversation, FinishReason, Selection, Usage

SCHEMES = ("builtin", "hf", "path")
TOKENS_AFTER_CHANGE = 8  # of a stream, when the weights had to change over for it: they may have to change back
TOKENS_OF_A_TAG = 16  # of a prompt's end: a tag of reasoning is not longer
TOP_TOKENS = 50  # of the next token: what is less likely than these counts as 0 where an option is chosen
_SAMPLES, _SAMPLE_BYTES = 64, 1 << 16


_opened: Once[str, SharedWeights] = Once(WeakValueDictionary())


def groundtune_model(settings: ModelSettings, folder: Path) -> LocalChatModel | None:
    """Open `builtin:`, `hf:` and `path:` models; see `ModelSettings.name`."""
    scheme, _, rest = settings.name.partition(":")
    if scheme not in SCHEMES:
        return None
    source = locate_weights(scheme, rest, folder)
    weights = fingerprint(Path(source)) if Path(source).is_dir() else source
    shared = _opened.get(source, lambda: _open(source), weights)
    return LocalChatModel(settings.name, weights, shared, shared.tokenizer, settings)


def _open(source: str) -> SharedWeights:
    model, tokenizer = load(source)
    return SharedWeights(source, _llama.fuse(model), tokenizer)


def locate_weights(scheme: str, rest: str, folder: Path) -> str:
    """Return a folder of weights in transformers' format, or a name on the hub."""
    if scheme == "builtin":
        return str(builtin.chat_model_folder(rest))
    if scheme == "hf":
        return rest
    path = within(folder, rest).resolve()
    if not (path / "config.json").is_file():
        raise SettingsError(
            f"`[model] name` is `path:{rest}`, but there is no model here.",
            place=path,
            remedy="Name a folder that contains config.json and the weights.",
        )
    return str(path)


def load(source: str, *, four_bit: bool = False) -> tuple[Any, Any]:
    """Return (model, tokenizer) in fp32, ready to answer; in four bits, to train an adapter on it, where that is asked.

    Raises `NotInstalled` and `SettingsError`.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging
    except ImportError:
        raise NotInstalled(
            "models on this machine need packages that are not installed.",
            remedy='Install the extra: pip install "groundtune[local]".',
        ) from None
    logging.disable_progress_bar()
    _refuse_pickles(source)
    how = _in_four_bits() if four_bit else {"dtype": torch.float32}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model, read = AutoModelForCausalLM.from_pretrained(source, **how, output_loading_info=True)
    except Exception as error:
        raise SettingsError(
            f"the model `{source}` cannot be loaded: {_first_line(error)}",
            remedy="Copy or download it again: its files are incomplete or damaged."
            if Path(source).is_dir()
            else "Check the name, or download the model once with network access.",
        ) from None
    if read["missing_keys"]:  # transformers would draw them at random
        raise SettingsError(
            f"the model `{source}` lacks {len(read['missing_keys'])} of its weights, for example "
            f"{min(read['missing_keys'])}.",
            remedy="Copy or download it again, with all its files.",
        )
    if tokenizer.chat_template is None:
        raise SettingsError(
            f"the model `{source}` has no chat template, so it cannot hold a conversation.",
            remedy="Use an instruction-tuned model.",
        )
    if four_bit:  # it was put where it belongs when it was loaded
        return model, tokenizer
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval(), tokenizer


def _in_four_bits() -> dict[str, Any]:
    """Return what makes transformers load a model in NF4 (Dettmers et al. 2023, "QLoRA", arXiv 2305.14314).

    Raises `SettingsError` without an NVIDIA GPU, `NotInstalled` without bitsandbytes.
    """
    import torch
    from transformers import BitsAndBytesConfig

    if not torch.cuda.is_available():
        raise SettingsError(
            "a model cannot be held in four bits here: there is no NVIDIA GPU that PyTorch can use.",
            remedy='Set `[tuning] quantize` to "none".',
        )
    if find_spec("bitsandbytes") is None:
        raise NotInstalled("four bits need the package bitsandbytes.", remedy="Install it: pip install bitsandbytes.")
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    return {"quantization_config": config, "device_map": {"": 0}}


def licence(scheme: str, source: str) -> str:
    """Return the licence of a model's weights as its model card states it, "" where it is not known here."""
    if scheme == "builtin":
        return builtin.LICENCE
    card = Path(source) / "README.md"
    if not card.is_file():
        return ""
    from huggingface_hub import ModelCard

    try:
        return str(ModelCard.load(card).data.license or "")
    except Exception:  # a stranger's card may be anything
        return ""


def _refuse_pickles(source: str) -> None:
    """Raise `SettingsError` for a folder whose weights are only there as pickles, which may hold code."""
    folder = Path(source)
    pickles = sorted(path.name for path in folder.glob("pytorch_model*.bin")) if folder.is_dir() else []
    if pickles and not any(folder.glob("*.safetensors")):
        raise SettingsError(
            f"the model's weights are pickles ({pickles[0]}), which may hold code. They were not read.",
            place=folder,
            remedy="Save the model as safetensors where you trust it, or download it in that form.",
        )


@dataclass(frozen=True, slots=True)
class LocalChatModel:
    """A `ChatModel` in this process, with the adapters in `folders`. `weights` identifies parameters and adapters.

    `chain` are those of the adapters that are added into the shared weights when this model answers.
    """

    name: str
    weights: str
    shared: SharedWeights
    tokenizer: Any
    settings: ModelSettings
    folders: tuple[Path, ...] = ()
    chain: Chain = ()

    @property
    def model(self) -> Any:  # noqa: ANN401
        """The network, which other models answer with too: hold `shared.carrying(chain)` while it computes."""
        return self.shared.model

    @property
    def signature(self) -> str:
        """Name, weights and the settings that change answers."""
        limit = self.settings.max_tokens
        return f"{self.name}|weights:{self.weights}|greedy|loops:ended|max_tokens:{limit}|fp32|layers:fused"

    def adapted(self, adapters: Sequence[Path]) -> LocalChatModel:
        """Return this model with the adapters in these folders on top, applied in order."""
        model = self
        for folder in adapters:
            model = model._with(folder)
        return model

    def _with(self, folder: Path) -> LocalChatModel:
        """Return this model with one more adapter: among the shared weights, or in a model of its own."""
        mark, words = fingerprint(folder), _adapters.words(folder)
        folders = (*self.folders, folder)
        more = partial(
            replace, self, name=f"{self.name}+{folder.name}", weights=f"{self.weights}+{mark}{words}", folders=folders
        )
        check_files(folder)
        try:
            tokenizer = _adapters.tokenizer_of(folder, self.tokenizer, self.model)
            return more(tokenizer=tokenizer, chain=(*self.chain, self.shared.adapter(folder, mark)))
        except NotAdditive:
            own = self.shared.merged(folders, self.weights + mark, lambda: _open_merged(self.shared.source, folders))
            return more(shared=own, tokenizer=own.tokenizer, chain=())

    def complete(self, conversations: Sequence[Conversation], max_tokens: int | None = None) -> list[Completion]:
        """Answer all conversations, in batches of similar length."""
        limit = max_tokens or self.settings.max_tokens
        with self.shared.carrying(self.chain):
            prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
            written: list[list[int]] = [[] for _ in prompts]
            for batch in _generation.batches([len(prompt) for prompt in prompts], limit, self.settings.batch_tokens):
                for step in _generation.decode(self.model, [prompts[index] for index in batch], limit, self._ends()):
                    for row, token in step.items():
                        written[batch[row]].append(token)
            return [self._completion(prompt, tokens) for prompt, tokens in zip(prompts, written, strict=True)]

    def stream(self, messages: Conversation, max_tokens: int | None = None) -> Generator[str, None, Completion]:
        """Yield the answer to one conversation in pieces, and return the whole of it (PEP 380).

        Between pieces others may use the weights.
        """
        with self.shared.lock:
            prompt = prompt_ids(self.tokenizer, messages)
        steps = _generation.decode(self.model, [prompt], max_tokens or self.settings.max_tokens, self._ends())
        tokens: list[int] = []
        parting = Parting(opened=self._opened(prompt))
        taken, ended = "", False
        while not ended:
            with self.shared.carrying(self.chain) as changed_over:
                burst = [step[0] for step in islice(steps, TOKENS_AFTER_CHANGE if changed_over else 1)]
                ended = not burst
                tokens += burst
                text = self._text(tokens)
            # half of a character decodes to U+FFFD: wait for the other half; trailing blanks may be stripped later
            if text.startswith(taken) and not text.endswith("\ufffd"):
                piece = parting.feed(text[len(taken) :])
                taken = text
                if piece:
                    yield piece
        with self.shared.lock:
            completion = self._completion(prompt, tokens)
            text = self._text(tokens)
        last = (parting.feed(text[len(taken) :]) if text.startswith(taken) else "") + parting.end()
        if last:
            yield last
        return completion

    @property
    def parallel(self) -> int:
        """One: the processor is busy with one already."""
        return 1

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Return how probable each option is; see `weigh`."""
        return dict(self.weigh(messages, options).probabilities)

    def weigh(self, messages: Conversation, options: Sequence[str]) -> Choice:
        """Return how probable each option is as the next answer.

        Digits and letters are read from the likeliest first tokens, in whatever form the model writes them; others
        have the product of their tokens' probabilities, which is normalised.
        """
        with self.shared.carrying(self.chain):
            prompt = prompt_ids(self.tokenizer, messages)
            if are_labels(options) and len(options) > 1:
                return self._labelled(prompt, options)
            closing = closing_id(self.tokenizer, self._ends())
            ends = [] if closing is None else [closing]
            tokens = [self.tokenizer(option, add_special_tokens=False)["input_ids"] + ends for option in options]
            logs = _generation.log_probabilities(self.model, prompt, tokens)
        totals = [sum(row) for row in logs]
        likely = [math.exp(total - max(totals)) for total in totals]
        shares = [each / sum(likely) for each in likely]
        mass = min(1.0, sum(math.exp(sum(row[: len(row) - len(ends)])) for row in logs))  # whatever comes after
        return Choice(dict(zip(options, shares, strict=True)), Usage(len(prompt), max(map(len, tokens))), mass)

    def select(self, conversations: Sequence[Conversation], actions: Sequence[ActionSchema]) -> list[Selection]:
        """Return for each conversation the likeliest action with arguments that fit its schema, or none.

        Raises `ModelFailed` for more than `calls.MOST_ACTIONS`.
        """
        offer = Offer.of(actions)
        with self.shared.carrying(self.chain):
            selector = _selecting.Selector(
                self.model, self.tokenizer, self._ends(), self.settings.batch_tokens, self.shared.prefix
            )
            return selector.select(conversations, offer)

    def _labelled(self, prompt: list[int], options: Sequence[str]) -> Choice:
        steps, tokens = [], []
        for top in _generation.likeliest(self.model, prompt, TOP_TOKENS, LABEL_TOKENS):
            tokens.append(top[0][0])
            if tokens[-1] in self._ends():
                break
            shares = [(self._piece(token), share) for token, share in top]
            steps.append(Step(shares[0][0], shares))
        usage = Usage(len(prompt), len(tokens))
        return choice_of(steps, self._text(tokens), {option: option for option in options}, usage)

    def _piece(self, token: int) -> str:
        """Return what a token stands for, blanks included; nothing for a token that is not text."""
        return str(self.tokenizer.decode([token], skip_special_tokens=True))

    def _ends(self) -> set[int]:
        return set(turn_ends(self.tokenizer, self.model))

    def _text(self, tokens: list[int]) -> str:
        """Return what the tokens say, without special ones, unless they tell reasoning from answer."""
        tokenizer = self.tokenizer
        special = dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
        marks = marks_among(special.values())
        if not marks:
            return str(tokenizer.decode(tokens, skip_special_tokens=True)).strip()
        kept = [token for token in tokens if token not in special or special[token] in marks]
        return str(tokenizer.decode(kept, skip_special_tokens=False)).strip()

    def _opened(self, prompt: list[int]) -> bool:
        """Return whether the chat template has begun the model's reasoning for it."""
        return opens(str(self.tokenizer.decode(prompt[-TOKENS_OF_A_TAG:])))

    def _completion(self, prompt: list[int], tokens: list[int]) -> Completion:
        reply = parted(self._text(tokens), opened=self._opened(prompt))
        thought = self.tokenizer(reply.reasoning, add_special_tokens=False)["input_ids"] if reply.reasoning else []
        usage = Usage(len(prompt), len(tokens), reasoning_tokens=min(len(thought), len(tokens)))
        ended = bool(tokens) and tokens[-1] in self._ends()
        reason: FinishReason = "stop" if ended else "repetition" if _generation.repeats(tokens) else "length"
        return Completion(reply.answer.strip(), usage, reason, reply.reasoning)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def fingerprint(folder: Path) -> str:
    """Identify the weights in `folder` by name, size and samples of every file: quick on many gigabytes."""
    state = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*config.json")):
        size = path.stat().st_size
        state.update(f"{path.name}:{size}".encode())
        with path.open("rb") as file:
            for place in range(0, size, max(_SAMPLE_BYTES, size // _SAMPLES)):
                file.seek(place)
                state.update(file.read(_SAMPLE_BYTES))
    return state.hexdigest()


def _open_merged(source: str, adapters: Sequence[Path]) -> SharedWeights:
    """Load the model once more and change it for good by the adapters, in order."""
    model, tokenizer = load(source)
    for adapter in adapters:
        model, tokenizer = merge(model, tokenizer, adapter)
    return SharedWeights(source, _llama.fuse(model), tokenizer)
