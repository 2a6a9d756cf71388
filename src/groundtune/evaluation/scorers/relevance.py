"""`answer_relevance`: how near the answer is to the question in meaning, the cosine of their vectors, in [-1, 1].

    question  "How long does a refund take?"
    answer    "A refund takes up to ten days."      about 0.7
    answer    "We have a shop in Leeds."            about 0.1

Tells whether the subject was kept, nothing of whether the answer is right or complete; repeating the question scores
highest. The vector of a text is the mean over its word pieces, from the encoder, and up to the layer, of BERTScore,
which is opened once for both. Unscored: answers that abstained. An empty answer scores 0.

Not among the scorers of every comparison; `[comparison] also_score = ["answer_relevance"]` adds it.

Source: answer relevance in Es et al., "RAGAS", arXiv:2309.15217, with the question itself in the place of questions
that a model makes up from the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundtune.evaluation import remarks
from groundtune.evaluation.scorers._encoder import Encoder, open_encoder
from groundtune.protocols import ScorerDefaults, Use, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

if TYPE_CHECKING:
    import torch

WORDS = Words(
    "Answer relevance",
    "How close the answer is to the question in meaning.",
    "Says nothing about truth: repeating the question scores highest.",
)
ABSTAINED = Score(None, "the answer says that it does not know")


def groundtune_scorer(settings: ComparisonSettings) -> list[RelevanceScorer]:
    """Return `answer_relevance`, whose encoder is loaded when first used."""
    return [
        RelevanceScorer(
            settings.bertscore_model,
            settings.bertscore_layer,
            place=settings.located(settings.bertscore_model),
        )
    ]


@dataclass(frozen=True, slots=True)
class RelevanceScorer(ScorerDefaults):
    """Cosine of question and answer. `place` is the model's name with its whole path, where `model` has not got it."""

    model: str
    layer: int | None
    name: str = "answer_relevance"
    words: Words = WORDS
    scale: tuple[float, float] = (-1.0, 1.0)
    by_default: frozenset[Use] = frozenset()
    place: str = ""

    @property
    def signature(self) -> str:
        """Encoder, layer and how vectors are made."""
        layer = "last" if self.layer is None else self.layer
        return f"{self.name}|model:{self.model}|layer:{layer}|pooling:mean|version:1"

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the score of one answer. Raises `NotInstalled` and `SettingsError` about the encoder."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        given = [(case.question.strip(), answer.prose.strip()) for case, answer in pairs if not answer.abstained]
        texts = list(dict.fromkeys(text for pair in given for text in pair if all(pair)))
        encoder = open_encoder(self.place or self.model, self.layer) if texts else None
        vectors, cut = _vectors(encoder, texts) if encoder else ({}, set())
        scores = (
            Score(
                float(vectors[question] @ vectors[answer]) if question and answer else 0.0,
                _cut(question in cut, answer in cut, encoder),
            )
            for question, answer in given
        )
        return [ABSTAINED if answer.abstained else next(scores) for _, answer in pairs]


def _vectors(encoder: Encoder, texts: Sequence[str]) -> tuple[dict[str, torch.Tensor], set[str]]:
    """Return a vector of norm 1, (d,), for each text, and the texts that the encoder read in part."""
    pieces = encoder.pieces(texts)
    means = {texts[place]: hidden.mean(dim=0) for place, hidden in encoder.encode(pieces)}
    cut = {text for text, own in zip(texts, pieces, strict=True) if encoder.is_cut(text, own)}
    return {text: mean / mean.norm().clamp(min=1e-12) for text, mean in means.items()}, cut


def _cut(question: bool, answer: bool, encoder: Encoder | None) -> str:
    named = [name for name, is_cut in (("the question", question), ("the answer", answer)) if is_cut]
    return remarks.cut(named, encoder.longest) if encoder else ""
