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

from groundtune.evaluation.scorers._encoder import open_encoder
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
        vectors = self._vectors(list(dict.fromkeys(text for pair in given for text in pair if all(pair))))
        cosines = (float(vectors[pair[0]] @ vectors[pair[1]]) if all(pair) else 0.0 for pair in given)
        return [ABSTAINED if answer.abstained else Score(next(cosines)) for _, answer in pairs]

    def _vectors(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return a vector of norm 1, (d,), for each text."""
        if not texts:
            return {}
        encoder = open_encoder(self.place or self.model, self.layer)
        means = {texts[place]: hidden.mean(dim=0) for place, hidden in encoder.encode(encoder.pieces(texts))}
        return {text: mean / mean.norm().clamp(min=1e-12) for text, mean in means.items()}
