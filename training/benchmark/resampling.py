"""Bootstrap over questions: which weights the rows of a test get, and the intervals that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from training.dataset import FloatArray

N_RESAMPLES: Final = 400
Interval = dict[str, float | None]


def question_weights(keys: Sequence[str], seed: int, n_resamples: int = N_RESAMPLES) -> FloatArray:
    """How often each row is drawn in each resample, when whole questions are drawn.

    Args:
        keys: Shape (n_rows,); rows of one key are drawn together.
        seed: Of the draws.
        n_resamples: At least 1.

    Returns:
        Shape (n_resamples + 1, n_rows); the first row is all ones: the test as it is.
    """
    groups = pd.factorize(pd.Index(keys))[0]
    n_groups = int(groups.max()) + 1
    share = np.full(n_groups, 1 / n_groups)
    draws = np.random.default_rng(seed).multinomial(n_groups, share, size=n_resamples)
    return np.vstack([np.ones(len(groups)), draws[:, groups].astype(np.float64)])


def interval(values: FloatArray) -> Interval:
    """The first value with the 95% percentile interval of the others; NaN is left out.

    Args:
        values: Shape (n_resamples + 1,); first the estimate, then the resamples.

    >>> interval(np.array([2.0, 1.0, 2.0, 3.0]))
    {'value': 2.0, 'low': 1.05, 'high': 2.95}
    """
    sampled = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(sampled, [0.025, 0.975]) if len(sampled) else (np.nan, np.nan)
    return {"value": number(values[0]), "low": number(low), "high": number(high)}


def number(value: float | np.floating) -> float | None:
    """Six significant decimals for JSON; None for NaN and infinity."""
    return round(float(value), 6) if np.isfinite(value) else None


def weighted_means(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Means under each resample.

    Args:
        values: Shape (n_points, n_rows) or (n_rows,).
        weights: Shape (n_resamples + 1, n_rows).

    Returns:
        Shape (n_resamples + 1, n_points) or (n_resamples + 1,).
    """
    total = weights.sum(axis=1)
    means: FloatArray = ((weights @ values.T).T / total).T
    return means


def divided(over: FloatArray, under: FloatArray) -> FloatArray:
    """Ratios; NaN where the divisor is not positive."""
    ratios: FloatArray = np.divide(over, under, out=np.full(len(under), np.nan), where=under > 0)
    return ratios
