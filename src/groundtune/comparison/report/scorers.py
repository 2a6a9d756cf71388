"""What each scorer means, and how it misleads, for readers who have never met it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScorerText:
    """`scale` is the lowest and highest value."""

    title: str
    means: str
    misleads: str
    scale: tuple[float, float] = (0.0, 1.0)


_TEXTS = {
    "resolution": ScorerText(
        "Resolution",
        "How well a customer was served: closeness to the ideal answer, and full marks for saying “I do not know” "
        "where there is no answer.",
        "Sees words, not truth: a right answer in other words loses, a wrong one in the same words wins.",
    ),
    "resolution_answerable": ScorerText(
        "Resolution where there is an answer",
        "The same on the questions that have an answer: “I do not know” counts as nothing here.",
        "Says nothing of what is made up where there is no answer; that is abstention recall.",
    ),
    "rouge1": ScorerText("ROUGE-1", "Shared single words with the ideal answer (F1).", "Order and truth do not count."),
    "rouge2": ScorerText(
        "ROUGE-2", "Shared pairs of neighbouring words (F1).", "Harsh on short answers and on paraphrase."
    ),
    "rougeL": ScorerText(
        "ROUGE-L",
        "Longest run of words in the same order, gaps allowed (F1).",
        "One “not” too few costs almost nothing.",
    ),
    "rougeLsum": ScorerText("ROUGE-Lsum", "ROUGE-L line by line (F1).", "Equals ROUGE-L for answers of one line."),
    "bleu": ScorerText(
        "BLEU per case",
        "Shared runs of one to four words, with a penalty for brevity.",
        "Made for whole texts: on single short answers it is rough.",
        (0.0, 100.0),
    ),
    "corpus_bleu": ScorerText(
        "BLEU over all",
        "BLEU over all answers taken together, as published figures are.",
        "Not the mean of BLEU per case, and follows long answers most.",
        (0.0, 100.0),
    ),
    "bertscore_precision": ScorerText(
        "BERTScore precision",
        "How much of the answer has a counterpart in meaning in the ideal answer.",
        "Values crowd near the top; numbers and negations hardly move it.",
    ),
    "bertscore_recall": ScorerText(
        "BERTScore recall",
        "How much of the ideal answer's meaning is in the answer.",
        "Values crowd near the top; numbers and negations hardly move it.",
    ),
    "bertscore_f1": ScorerText(
        "BERTScore F1",
        "Likeness in meaning with the ideal answer, both ways.",
        "Values crowd near the top; numbers and negations hardly move it.",
    ),
    "exact": ScorerText(
        "Exact match", "The answer is the ideal answer, case and articles aside.", "Whole sentences lose."
    ),
    "token_f1": ScorerText(
        "Token F1", "Shared words with the ideal answer, both ways.", "Punishes right answers that are longer."
    ),
    "token_recall": ScorerText(
        "Token recall", "How many of the ideal answer's words are in the answer.", "Copying everything scores high."
    ),
    "abstention_precision": ScorerText(
        "Abstention precision", "Of the times it said “I do not know”, how often that was right.", "Rests on few cases."
    ),
    "abstention_recall": ScorerText(
        "Abstention recall",
        "Of the questions without an answer, how many it declined.",
        "Declining everything scores full marks.",
    ),
    "citation_precision": ScorerText(
        "Citation precision",
        "How many of the cited places are those that experts named.",
        "Another true place counts as wrong; answers without citations are left out.",
    ),
    "groundedness": ScorerText(
        "Groundedness",
        "How many of the answer's sentences the passages support, by their words and numbers.",
        "A “not” too many is not seen, nor are words mixed from two sentences. A support in other words is missed.",
    ),
    "answer_relevance": ScorerText(
        "Answer relevance",
        "How near the answer is to the question in meaning.",
        "Says nothing of truth: repeating the question scores highest.",
        (-1.0, 1.0),
    ),
    "hallucination_rate": ScorerText(
        "Hallucination rate",
        "Of the questions without an answer, how many were answered all the same. Less is better.",
        "Declining everything scores 0; made-up parts of other answers are not counted.",
    ),
    "context_precision": ScorerText(
        "Context precision",
        "How far the passages with the experts' evidence stand before those without.",
        "A passage that answers as well, and that no expert named, counts as wrong.",
    ),
    "context_recall": ScorerText(
        "Context recall",
        "How much of the experts' evidence, by words, stands in the passages.",
        "Says nothing of what the model made of it.",
    ),
    "ndcg": ScorerText(
        "nDCG",
        "How high the experts' evidence stood in the search, all of it, later ranks counting less.",
        "With one piece of evidence a case it tells little more than the reciprocal rank.",
    ),
    "retrieval_recall": ScorerText(
        "Retrieval recall",
        "How many of the experts' passages the search put before the model.",
        "Says nothing of what the model made of them.",
    ),
    "reciprocal_rank": ScorerText(
        "Reciprocal rank",
        "How high the first of the experts' passages stood in the search.",
        "Only the first one counts.",
    ),
}


def describe(scorer: str) -> ScorerText:
    """Return the text for `scorer`; one from a plugin is described by its name alone."""
    if scorer.startswith("judge_"):
        return ScorerText(
            scorer.replace("_", " ").capitalize(),
            "What a language model thinks of the answer by a rubric, held against the ideal answer.",
            "Models err, and favour long answers and their own kind: see its calibration.",
        )
    return _TEXTS.get(
        scorer, ScorerText(scorer, "A scorer from a plugin; see its signature.", "Not known to this report.")
    )
