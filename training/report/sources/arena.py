"""RouterArena's score: accuracy and the logarithm of cost in one number, accuracy weighing ten times as much.

References:
    Lu et al. (2025), RouterArena, arXiv 2510.00202, section 4, and `compute_arena_score` of
    github.com/RouteWorks/RouterArena, whose bounds of cost these are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from training.dataset import FloatArray

BETA: Final = 0.1
# US dollars per 1,000 prompts; a cost outside them counts as the nearer one.
LEAST_USD_PER_1000, MOST_USD_PER_1000 = 0.0044, 200.0


def arena_score(usd_per_1000: FloatArray, accuracy: FloatArray, *, beta: float = BETA) -> FloatArray:
    """Weighted harmonic mean of accuracy and of cheapness, each in [0, 1].

    Args:
        usd_per_1000: Any shape; cost of 1,000 prompts.
        accuracy: Same shape, in [0, 1].
        beta: Weight of cost, above 0; the leaderboard's is 0.1.

    Returns:
        Same shape, in [0, 1]; NaN where the cost is not above 0: the score is not defined there.

    >>> arena_score(np.array([0.15]), np.array([0.6688])).round(4)
    array([0.669])
    """
    bounded = np.clip(usd_per_1000, LEAST_USD_PER_1000, MOST_USD_PER_1000)
    span = np.log2(MOST_USD_PER_1000) - np.log2(LEAST_USD_PER_1000)
    cheapness = (np.log2(MOST_USD_PER_1000) - np.log2(bounded)) / span
    over, under = (1 + beta) * accuracy * cheapness, beta * accuracy + cheapness
    score = np.divide(over, under, out=np.zeros_like(over), where=under > 0)
    return np.asarray(np.where(usd_per_1000 > 0, score, np.nan), dtype=np.float64)
