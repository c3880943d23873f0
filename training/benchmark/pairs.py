"""Two models, one strong and one weak: how much of the gap is recovered with how many strong calls.

References:
    Ong et al. (2024), RouteLLM, arXiv 2406.18665, section 3: PGR, APGR and CPT. There the share of strong
    calls is cut into ten steps; here every prompt is a step, and the integral is exact.
"""

from __future__ import annotations

import numpy as np

from training.benchmark.resampling import Interval, interval
from training.dataset import FloatArray

LEVELS = (0.5, 0.8)


def call_curve(advantage: FloatArray, gain: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of strong calls, and the share of the gap that they recover.

    Prompts go to the strong model in falling order of advantage. Equal advantages are a straight line: the
    mean of all their orders.

    Args:
        advantage: Shape (n,); predicted chance that the strong model is adequate, less the weak one's.
        gain: Shape (n,); quality of the strong answer less that of the weak one.
        weight: Shape (n,), at least 0, not all 0.

    Returns:
        Two arrays of equal shape from (0, 0) to (1, 1); the second is NaN without a gap to recover.

    >>> call_curve(np.array([0.5, 0.1]), np.array([1.0, 0.0]), np.ones(2))
    (array([0. , 0.5, 1. ]), array([0., 1., 1.]))
    """
    _, tie = np.unique(-advantage, return_inverse=True)
    calls = np.concatenate([[0.0], np.cumsum(np.bincount(tie, weight))])
    gains = np.concatenate([[0.0], np.cumsum(np.bincount(tie, weight * gain))])
    recovered = gains / gains[-1] if gains[-1] > 0 else np.full_like(gains, np.nan)
    return calls / calls[-1], recovered


def apgr(share: FloatArray, recovered: FloatArray) -> float:
    """Average performance gap recovered: area under the curve of `call_curve`; 0.5 for a random order.

    >>> apgr(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    0.5
    """
    return float(np.trapezoid(recovered, share))


def cpt(share: FloatArray, recovered: FloatArray, level: float) -> float:
    """Call-performance threshold: the smallest share of strong calls that recovers `level` of the gap.

    >>> cpt(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.8)
    0.8
    """
    reached = np.flatnonzero(recovered >= level)
    if not len(reached):
        return float("nan")
    at = int(reached[0])
    if at == 0:
        return float(share[0])
    rise = (level - recovered[at - 1]) / (recovered[at] - recovered[at - 1])
    return float(share[at - 1] + rise * (share[at] - share[at - 1]))


def pair_values(advantage: FloatArray, gain: FloatArray, weights: FloatArray) -> dict[str, FloatArray]:
    """`apgr`, `cpt_50` and `cpt_80` under each resample, each of shape (n_resamples + 1,).

    Args:
        advantage: Shape (n,).
        gain: Shape (n,).
        weights: Shape (n_resamples + 1, n), from `question_weights`.
    """
    curves = [call_curve(advantage, gain, weight) for weight in weights]
    values = {"apgr": np.array([apgr(*curve) for curve in curves])}
    for level in LEVELS:
        values[f"cpt_{level:.0%}".rstrip("%")] = np.array([cpt(*curve, level) for curve in curves])
    return values


def pair_metrics(advantage: FloatArray, gain: FloatArray, weights: FloatArray) -> dict[str, Interval]:
    """`pair_values` with their intervals."""
    return {name: interval(values) for name, values in pair_values(advantage, gain, weights).items()}
