"""What a simple classifier says of each line when it has learnt from all lines but that one.

Least squares with a penalty (ridge) has an exact formula for that, so that nothing is trained over and over: Allen
1974, "The Relationship between Variable Selection and Data Augmentation and a Method for Prediction", Technometrics 16.
Not linear in the vectors, but in their likeness to a sample of them: Williams & Seeger 2000, "Using the Nyström Method
to Speed Up Kernel Machines". Knows no labels' names and no training data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]

LANDMARKS = 1500
PENALTY = 0.3
# Chosen on one half of banking77, with the penalty; benchmarks/data_quality_personal.py reports on the other half.
_WIDTH = 1.0
_ROWS = 2048  # handled at once
_SHARPNESS = np.geomspace(1, 100, 25)


def likeness(vectors: Matrix, rng: np.random.Generator) -> Matrix:
    """Return (lines, landmarks) features whose products approximate the likeness exp(-|x - y|²) of unit vectors."""
    chosen = vectors[rng.permutation(len(vectors))[:LANDMARKS]].astype(np.float64)
    values, axes = np.linalg.eigh(_kernel(chosen, chosen))
    scaled = axes / np.sqrt(np.maximum(values, 1e-8))
    made = np.empty((len(vectors), len(chosen)), dtype=np.float32)
    for rows in _blocks(len(vectors)):
        made[rows] = _kernel(vectors[rows].astype(np.float64), chosen) @ scaled
    return made


def left_out(
    features: Matrix, targets: Matrix, *, trusted: NDArray[np.bool_] | None = None, intercept: bool = True
) -> Matrix:
    """Return the prediction of each line's targets by ridge regression on all other lines, or those that are trusted.

    `features` is (lines, n), `targets` (lines, outputs), and so is the result.
    """
    counts = np.ones(len(features)) if trusted is None else trusted.astype(np.float64)
    size = features.shape[1] + intercept
    products = np.eye(size) * PENALTY
    if intercept:
        products[-1, -1] = 1e-6  # the mean is not penalised
    towards = np.zeros((size, targets.shape[1]))
    for rows in _blocks(len(features)):
        own = _with_intercept(features[rows], intercept)
        learnt = own * counts[rows, None]
        products += learnt.T @ own
        towards += learnt.T @ targets[rows]
    inverse = np.linalg.inv(products)
    weights = inverse @ towards
    predicted = np.empty(targets.shape, dtype=np.float32)
    for rows in _blocks(len(features)):
        own = _with_intercept(features[rows], intercept)
        leverage = np.minimum(np.einsum("ij,ij->i", own @ inverse, own) * counts[rows], 1 - 1e-6)[:, None]
        predicted[rows] = (own @ weights - leverage * targets[rows]) / (1 - leverage)
    return predicted


def probabilities(
    features: Matrix, labels: NDArray[np.int64], count: int, trusted: NDArray[np.bool_] | None = None
) -> Matrix:
    """Return (lines, labels) how probable each of `count` labels is for a line, judged by the other lines.

    Only the labels that are trusted are learnt from, all if None. The scores become probabilities by the one factor
    under which those labels are most probable.
    """
    scores = left_out(features, np.eye(count, dtype=np.float32)[labels], trusted=trusted)
    scores -= scores.max(axis=1, keepdims=True)
    seen = slice(None) if trusted is None else trusted
    own = scores[np.arange(len(labels)), labels][seen]
    best = max(
        _SHARPNESS, key=lambda factor: float((own * factor - np.log(np.exp(scores[seen] * factor).sum(axis=1))).mean())
    )
    odds: Matrix = np.exp(scores * best)
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def _kernel(left: Matrix, right: Matrix) -> Matrix:
    made: Matrix = np.exp(-_WIDTH * np.maximum(2 - 2 * left @ right.T, 0))
    return made


def _with_intercept(features: Matrix, intercept: bool) -> Matrix:
    rows = features.astype(np.float64)
    return np.hstack([rows, np.ones((len(rows), 1))]) if intercept else rows


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(first, first + _ROWS) for first in range(0, rows, _ROWS))
