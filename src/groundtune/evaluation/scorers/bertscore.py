"""BERTScore precision, recall and F1, equal to bert-score 0.3.13 with the same encoder, layer, weights and baseline.

    ideal answer  "a refund takes ten days"
    answer        "you get the money back within ten days"
    Each word piece of the answer is matched with the piece of the ideal answer that is most like it in context; the
    mean cosine is bertscore_precision. The other way round it is bertscore_recall; F1 is their harmonic mean.

The three scorers share one encoder and one pass; each distinct text is encoded once, also where several candidates are
scored against the same ideal answers. Of several ideal answers the best counts, for each of the three by itself. CLS
and SEP have no weight but may be the best match. An empty answer scores 0 before rescaling. All this is as in
bert-score. So is what happens to a text that is longer than the encoder reads: it is cut; the score says so.

Plain values crowd near the top of [0, 1]: compare them with each other only. Two settings change that.
`bertscore_idf` lets pieces that few of the benchmark's ideal answers have weigh more. `bertscore_baseline` rescales,
(x - b) / (1 - b), so that 0 is what unrelated texts get; values may then be below 0.

One thing had to be settled. bert-score pads the texts of a batch with zeros, so that a piece whose best cosine is
negative counts 0, unless its counterpart happens to be the longest text of the batch, where it counts as it is. A
score must not depend on the neighbours; here such a piece always counts 0.

The default encoder is the built-in MiniLM, which is small and offline; published figures use roberta-large, layer 17
(`bertscore_model = "hf:roberta-large"`, `bertscore_layer = 17`).

Source: Zhang et al., "BERTScore: Evaluating Text Generation with BERT", ICLR 2020.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from groundtune.errors import SettingsError
from groundtune.evaluation import remarks
from groundtune.evaluation.scorers._encoder import Encoder, open_encoder
from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.protocols import ScorerDefaults, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score, digest

if TYPE_CHECKING:
    import torch

PAIRS_AT_ONCE = 512  # whose vectors are in memory together
REMEMBERED_BYTES = 256_000_000  # of vectors: ideal answers come again with the next candidate
REMEMBERED = 200_000  # triples kept: three numbers a pair of texts

BertMeasure = Literal["precision", "recall", "f1"]
PARTS: tuple[BertMeasure, ...] = ("precision", "recall", "f1")
_CROWDED = "Values crowd near the top; numbers and negations hardly move it."
WORDS: dict[BertMeasure, Words] = {
    "precision": Words(
        "BERTScore precision",
        "How much of the answer has a counterpart in meaning in the ideal answer.",
        _CROWDED,
    ),
    "recall": Words("BERTScore recall", "How much of the ideal answer's meaning is in the answer.", _CROWDED),
    "f1": Words("BERTScore F1", "Similarity in meaning to the ideal answer, both ways.", _CROWDED),
}
Triple = tuple[float, float, float]
TextPair = tuple[str, str]
NO_WEIGHT = Score(None, "no word piece of the ideal answer has a weight")


def groundtune_scorer(settings: ComparisonSettings) -> list[BertScorer]:
    """Return the three scorers, which share the encoder that the settings name; it is loaded when first used."""
    matcher = Matcher(
        settings.bertscore_model,
        settings.bertscore_layer,
        idf_over=() if settings.bertscore_idf else None,
        baseline=read_baseline(_placed(settings)),
        place=settings.located(settings.bertscore_model),
    )
    return [BertScorer(part, matcher) for part in PARTS]


def _placed(settings: ComparisonSettings) -> str | list[float] | None:
    given = settings.bertscore_baseline
    return str(settings.in_project(given)) if isinstance(given, str) and given else given


@dataclass(frozen=True, slots=True)
class BertScorer(ScorerDefaults):
    """One of precision, recall and F1."""

    part: BertMeasure
    matcher: Matcher

    @property
    def name(self) -> str:
        """As in `score --json`."""
        return f"bertscore_{self.part}"

    @property
    def words(self) -> Words:
        """What it means."""
        return WORDS[self.part]

    @property
    def signature(self) -> str:
        """Encoder, layer, weights, baseline and versions."""
        return f"{self.name}|{self.matcher.signature}"

    def over(self, cases: Sequence[Case]) -> BertScorer:
        """Return the scorer with idf weights from the ideal answers of `cases`, if there are to be any."""
        return BertScorer(self.part, self.matcher.over(tuple(text for case in cases for text in case.ideal_answers)))

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the score of one answer. Raises `NotInstalled` and `SettingsError` about the encoder."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        texts = [([text.strip() for text in case.ideal_answers], answer.prose.strip()) for case, answer in pairs]
        triples = self.matcher.match([(reference, given) for references, given in texts for reference in references])
        return [
            self._best({reference: triples[reference, given] for reference in references}, given)
            for references, given in texts
        ]

    def _best(self, triples: Mapping[str, Triple | None], given: str) -> Score:
        if not triples:
            return NO_IDEAL_ANSWER
        place = PARTS.index(self.part)
        values = {reference: triple[place] for reference, triple in triples.items() if triple is not None}
        if not values:
            return NO_WEIGHT
        best = max(values, key=lambda reference: values[reference])
        return Score(self.matcher.rescaled(values[best], place), self.matcher.cut(best, given))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What unrelated texts score: rows of (layer, P, R, F1), or one of (P, R, F1) whatever the layer, or none."""

    rows: tuple[tuple[float, ...], ...] = ()

    @property
    def signature(self) -> str:
        """The three numbers, or a hash of the rows."""
        if not self.rows:
            return "no"
        return ",".join(map(str, self.rows[0])) if len(self.rows[0]) == 3 else digest(repr(self.rows))[:8]

    def of(self, layer: int) -> tuple[float, ...]:
        """Return the three values for the layer. Raises `SettingsError` if there are none for it."""
        for *number, precision, recall, f1 in self.rows:
            if number in ([], [layer]):
                return (precision, recall, f1)
        raise SettingsError(
            f"bertscore_baseline has no line for layer {layer}.", remedy="Use the file that was made for this encoder."
        )


def read_baseline(given: str | Sequence[float] | None) -> Baseline:
    """Return the baseline of a file as bert-score has them (comma-separated: LAYER, P, R, F) or of three numbers.

    Raises `SettingsError` if the file cannot be read or the numbers are not three.
    """
    if given and not isinstance(given, str) and len(given) != 3:
        raise SettingsError(f"bertscore_baseline has {len(given)} numbers.", remedy="Give three, for P, R and F1.")
    if not given or not isinstance(given, str):
        return Baseline((tuple(given),) if given else ())
    try:
        with Path(given).open(encoding="utf-8", newline="") as file:
            layers = [(int(layer), float(p), float(r), float(f)) for layer, p, r, f in list(csv.reader(file))[1:]]
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"bertscore_baseline cannot be read: {error}.",
            place=given,
            remedy="Use a CSV file with the header LAYER,P,R,F, like those of bert-score.",
        ) from None
    return Baseline(tuple(layers))


@dataclass
class Matcher:
    """An encoder and the triples (precision, recall, F1) that it has worked out, by (reference, candidate).

    A triple is None where the reference has no piece with a weight. `idf_over` are the references that idf weights
    come from; None is no idf. `place` is the model's name with its whole path, where `model` has not got it.
    """

    model: str
    layer: int | None
    idf_over: tuple[str, ...] | None = None
    baseline: Baseline = field(default_factory=Baseline)
    place: str = ""
    _known: dict[TextPair, Triple | None] = field(default_factory=dict)
    _pieces: dict[str, _Pieces] = field(default_factory=dict)
    _bound: dict[tuple[str, ...], Matcher] = field(default_factory=dict)
    _cut: set[str] = field(default_factory=set)

    @property
    def signature(self) -> str:
        """Says all that can change a triple; needs no package and no model."""
        layer = "last" if self.layer is None else str(self.layer)
        idf = "no" if self.idf_over is None else digest(*sorted(self.idf_over))[:8]
        return (
            f"model:{self.model}|layer:{layer}|idf:{idf}|rescale:{self.baseline.signature}"
            f"|transformers:{_version('transformers')}|version:1"
        )

    def over(self, references: tuple[str, ...]) -> Matcher:
        """Return the matcher with idf weights from these; the same one for the same references, and without idf."""
        if self.idf_over is None:
            return self
        if references not in self._bound:
            self._bound[references] = Matcher(self.model, self.layer, references, self.baseline, self.place)
        return self._bound[references]

    def match(self, pairs: Sequence[TextPair]) -> dict[TextPair, Triple | None]:
        """Return the triple of every (reference, candidate); both are stripped, and the reference is not empty."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if len(self._known) + len(new) > REMEMBERED:
            self._known = {pair: self._known[pair] for pair in pairs if pair in self._known}
        for start in range(0, len(new), PAIRS_AT_ONCE):
            self._match(new[start : start + PAIRS_AT_ONCE])
        return {pair: self._known[pair] for pair in pairs}

    def cut(self, reference: str, candidate: str) -> str:
        """Return what is to be said of two texts that were matched: which of them the encoder read in part."""
        sides = {"the ideal answer": reference, "the answer": candidate}
        named = [name for name, text in sides.items() if text in self._cut]
        return remarks.cut(named, self._encoder.longest) if named else ""

    def rescaled(self, value: float, place: int) -> float:
        """Return the value of precision (place 0), recall (1) or F1 (2) above its baseline; as it is without one."""
        if not self.baseline.rows:
            return value
        base = self._bases[place]
        return (value - base) / (1 - base)

    def _match(self, pairs: Sequence[TextPair]) -> None:
        spoken = [pair for pair in pairs if pair[1]]
        self._known.update((pair, (0.0, 0.0, 0.0)) for pair in pairs if not pair[1])
        references, candidates = (dict.fromkeys(pair[side] for pair in spoken) for side in (0, 1))
        pieces = self._encoded(list(references | candidates))
        for reference, candidate in spoken:
            self._known[reference, candidate] = _triple(pieces[reference], pieces[candidate])

    def _encoded(self, texts: Sequence[str]) -> dict[str, _Pieces]:
        """Return the pieces of all texts, and remember as many as may be, the first first."""
        import torch

        pieces = {text: self._pieces[text] for text in texts if text in self._pieces}
        new = [text for text in texts if text not in pieces]
        ids = self._encoder.pieces(new)
        self._cut |= {text for text, own in zip(new, ids, strict=True) if self._encoder.is_cut(text, own)}
        for place, hidden in self._encoder.encode(ids):
            weights = self._weights[torch.tensor(ids[place])]
            pieces[new[place]] = _Pieces(torch.nn.functional.normalize(hidden, dim=-1), weights)
        self._remember({text: pieces[text] for text in texts})
        return pieces

    def _remember(self, pieces: dict[str, _Pieces]) -> None:
        """Keep what was used last, up to `REMEMBERED_BYTES`."""
        kept, size = {}, 0
        for text, encoded in [*pieces.items(), *self._pieces.items()]:
            if text not in kept and size + encoded.vectors.nbytes <= REMEMBERED_BYTES:
                kept[text] = encoded
                size += encoded.vectors.nbytes
        self._pieces = kept

    @cached_property
    def _bases(self) -> tuple[float, ...]:
        return self.baseline.of(self._encoder.layer)

    @cached_property
    def _weights(self) -> torch.Tensor:
        """The weight of every word piece, by id: (vocabulary,)."""
        import torch

        tokenizer = self._encoder.tokenizer
        size = max(len(tokenizer), getattr(self._encoder.network.config, "vocab_size", 0))
        if self.idf_over is None:
            weights = torch.ones(size)
            weights[[id for id in (tokenizer.cls_token_id, tokenizer.sep_token_id) if id is not None]] = 0
            return weights
        if not self.idf_over:
            raise SettingsError(
                "bertscore_idf needs the ideal answers of all cases.", remedy="Pass the cases to `scorers`."
            )
        count = Counter(id for ids in self._encoder.pieces(self.idf_over) for id in set(ids))
        total = len(self.idf_over) + 1  # the paper's section 3, smoothed by one as in bert-score
        weights = torch.full((size,), math.log(total))
        for id, number in count.items():
            weights[id] = math.log(total / (number + 1))
        return weights

    @cached_property
    def _encoder(self) -> Encoder:
        return open_encoder(self.place or self.model, self.layer)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A text's word pieces: `vectors` is (pieces, d) with rows of norm 1, `weights` (pieces,)."""

    vectors: torch.Tensor
    weights: torch.Tensor


def _triple(reference: _Pieces, candidate: _Pieces) -> Triple | None:
    """Greedy matching, equations 1 to 3 of the paper."""
    weight, of_candidate = reference.weights.sum().item(), candidate.weights.sum().item()
    if not weight:
        return None
    if not of_candidate:
        return (0.0, 0.0, 0.0)
    cosines = (candidate.vectors @ reference.vectors.T).clamp_(min=0)
    precision = (cosines.amax(dim=1) @ candidate.weights).item() / of_candidate
    recall = (cosines.amax(dim=0) @ reference.weights).item() / weight
    total = precision + recall
    return (precision, recall, 2 * precision * recall / total if total else 0.0)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
