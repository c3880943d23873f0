"""kNN baseline: a prompt's success is that of the most similar prompts (cosine of word TF-IDF).

It shares nothing with the classifier's featuriser, so that the two fail in different ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from training.corpora import parts_of
from training.dataset import FloatArray
from training.evaluation import log_loss, model_means

N_NEIGHBOURS: Final = (10, 30, 100)
_CHUNK: Final = 512
_WORD: Final = r"\S+"


def neighbour_success(
    prompts: Sequence[str], keys: Sequence[str], adequate: FloatArray, asked: Sequence[str], *, seed: int
) -> tuple[FloatArray, FloatArray, int]:
    """Success of asked prompts, and of the known prompts out of fold.

    Args:
        prompts: Known prompts.
        keys: Their prompt keys; equal keys are never each other's neighbours.
        adequate: Shape (n_prompts, n_models), in [0, 1]; NaN where unknown.
        asked: Prompts to predict for.
        seed: Of the folds.

    Returns:
        Shape (n_asked, n_models), shape (n_prompts, n_models), and the number of neighbours, chosen by the
        out-of-fold log loss.
    """
    vectors = _Vectors(prompts)
    folds = parts_of(keys, seed + 17, 3)
    inside: dict[int, FloatArray] = {
        k: np.tile(model_means(adequate), (len(prompts), 1)) for k in N_NEIGHBOURS
    }
    for fold in range(3):
        held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if len(held) and len(rest):
            means = _means(vectors.known[held], vectors.known[rest], adequate[rest])
            for k in N_NEIGHBOURS:
                inside[k][held] = means[k]
    known = ~np.isnan(adequate)
    ones = np.ones(int(known.sum()))
    best = min(N_NEIGHBOURS, key=lambda k: log_loss(inside[k][known], adequate[known], ones))
    return _means(vectors.of(asked), vectors.known, adequate)[best], inside[best], best


class _Vectors:
    """Word TF-IDF, learned from the known prompts."""

    def __init__(self, prompts: Sequence[str]) -> None:
        self._vectoriser = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=_WORD)
        self.known: Any = self._vectoriser.fit_transform(prompts)

    def of(self, prompts: Sequence[str]) -> Any:
        return self._vectoriser.transform(prompts)


def _means(asked: Any, known: Any, adequate: FloatArray) -> dict[int, FloatArray]:
    """Mean adequacy of the k nearest known prompts, with two of the model's mean added, for each k."""
    prior = model_means(adequate)
    filled, counted = np.nan_to_num(adequate), (~np.isnan(adequate)).astype(np.float64)
    results = {k: np.empty((asked.shape[0], adequate.shape[1])) for k in N_NEIGHBOURS}
    for start in range(0, asked.shape[0], _CHUNK):
        rows = slice(start, start + _CHUNK)
        near = np.argsort(-(asked[rows] @ known.T).toarray(), axis=1, kind="stable")[:, : max(N_NEIGHBOURS)]
        good, seen = np.cumsum(filled[near], axis=1), np.cumsum(counted[near], axis=1)
        for k in N_NEIGHBOURS:
            at = min(k, near.shape[1]) - 1
            results[k][rows] = (good[:, at] + 2 * prior) / (seen[:, at] + 2)
    return results
