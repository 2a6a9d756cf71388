"""Which texts are alike: sets of shingles, MinHash signatures of them, and pairs of signatures that agree.

A shingle is `WIDTH` characters in a row, of a text without case and punctuation. Signatures are arrays of bytes, so
that those of a million lines fit into 128 MB; they propose pairs, and `jaccard` on the texts themselves decides.

Source: Broder 1997, "On the resemblance and containment of documents"; bands as in Leskovec et al. 2014, "Mining of
Massive Datasets", section 3.4. The signatures are made by rensa.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from groundtune.comparing.folding import fold
from groundtune.comparing.quantities import UNSPACED

WIDTH = 4  # characters in a shingle
LENGTH = 128  # hashes in a signature
ROWS = 4  # hashes in a band: pairs that agree in one of the 32 bands are proposed
SLACK = 0.13  # three standard errors of an estimate from 128 hashes
CLOSE = 4  # members of one band that are compared with each other, besides with the first
_SEED = 17
_BATCH = 1 << 17  # pairs whose signatures are compared at once
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_NOT_WORD = re.compile(r"[\W_]+")
_SINGLE = re.compile(f"([{UNSPACED}])")

Hashes = NDArray[np.uint64]
Signatures = NDArray[np.uint8]


@lru_cache(maxsize=16)  # several checks ask for the same line
def plain(text: str) -> str:
    """Return the words of `text` with blanks between them, without case, punctuation and ways of writing Unicode.

    Each character of a script without spaces is a word. A text without words is itself.

    >>> plain("It’s €8.40 – incl. VAT!")
    'it s 8 40 incl vat'
    """
    folded = text.lower() if text.isascii() else _SINGLE.sub(r" \1 ", fold(text).casefold())
    return _NOT_WORD.sub(" ", folded).strip() or " ".join(text.split())


def shingles(texts: Sequence[str]) -> tuple[Hashes, NDArray[np.uint64]]:
    """Return (hashes of the shingles of all texts, one after the other; where those of each begin, and the end).

    A shorter text is padded with blanks to one shingle.
    """
    padded = [f" {text} ".ljust(WIDTH) for text in texts]
    letters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    hashes = letters[: letters.size - WIDTH + 1].copy()
    for place in range(1, WIDTH):
        hashes = hashes * _MULTIPLIER + letters[place : letters.size - WIDTH + 1 + place]
    hashes ^= hashes >> np.uint64(29)
    hashes *= _MULTIPLIER
    lengths = np.fromiter(map(len, padded), dtype=np.int64, count=len(padded))
    ends = np.cumsum(lengths)
    inside = np.ones(hashes.size, dtype=bool)
    for over in range(1, WIDTH):  # shingles that run into the next text
        inside[ends[:-1] - over] = False
    offsets = np.concatenate([[0], np.cumsum(lengths - WIDTH + 1)]).astype(np.uint64)
    return hashes[inside], offsets


def signatures(texts: Sequence[str]) -> Signatures:
    """Return the signatures of texts, (texts, `LENGTH`): the last byte of each MinHash."""
    if not texts:
        return np.zeros((0, LENGTH), dtype=np.uint8)
    hashes, offsets = shingles(texts)
    rows = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, LENGTH, _SEED).to_rows()
    return np.array(rows, dtype=np.uint32).astype(np.uint8)


def jaccard(left: Hashes, right: Hashes) -> float:
    """Return the share of the shingles of either that both have; they are sorted, each once."""
    both = np.intersect1d(left, right, assume_unique=True).size
    return float(both / (left.size + right.size - both))


def proposed(made: Signatures, threshold: float) -> NDArray[np.int64]:
    """Return pairs of rows (earlier, later) whose sets may be `threshold` alike, (pairs, 2), ordered by the later one.

    Takes time and memory in proportion to the rows, however many are alike: in a band that many share, each is
    compared with the first and with its `CLOSE` neighbours, and other bands bring other neighbours.
    """
    least = int((threshold - SLACK) * LENGTH)
    bands = np.ascontiguousarray(made).view(np.uint32)
    pairs = np.zeros(0, dtype=np.int64)
    for band in range(LENGTH // ROWS):
        order = np.argsort(bands[:, band], kind="stable")
        agreeing = [
            later[at : at + _BATCH][kept] * len(made) + earlier[at : at + _BATCH][kept]
            for earlier, later in _neighbours(bands[order, band], order)
            for at in range(0, earlier.size, _BATCH)
            for kept in [_agree(made, earlier[at : at + _BATCH], later[at : at + _BATCH]) >= least]
        ]
        pairs = np.union1d(pairs, np.concatenate([pairs[:0], *agreeing]))
    return np.stack([pairs % max(1, len(made)), pairs // max(1, len(made))], axis=1)


def _agree(made: Signatures, earlier: NDArray[np.int64], later: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return in how many hashes each pair agrees."""
    return np.asarray(np.count_nonzero(made[earlier] == made[later], axis=1))


def _neighbours(keys: NDArray[np.uint32], order: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], ...]]:
    """Yield (earlier, later) rows of pairs with the same key: each with its neighbours, and with the first of all."""
    same = keys[1:] == keys[:-1]
    begins = np.concatenate([[0], np.flatnonzero(~same) + 1]) if keys.size else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.append(begins, keys.size))
    place = np.arange(keys.size) - np.repeat(begins, sizes)
    for away in range(1, CLOSE + 1):
        later = np.flatnonzero(place >= away)
        yield order[later - away], order[later]
    later = np.flatnonzero(place > CLOSE)
    yield order[np.repeat(begins, sizes)[later]], order[later]
