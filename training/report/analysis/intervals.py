"""Intervals by the bootstrap: buckets of requests are drawn again, with the same draws for every number.

Whole clusters are drawn: Cameron, Gelbach, Miller (2008), Review of Economics and Statistics 90, section II.
A session, or all answers to one question, are in one bucket; two numbers of one report are paired.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.benchmark.sensitivity.shares import share
from training.report.results import Estimate

IntArray = NDArray[np.int64]
N_RESAMPLES: Final = 1_000
# With fewer buckets there is no interval to give.
MIN_BUCKETS: Final = 5
_DECIMALS: Final = 6


class Resamples:
    """Draws of buckets, with replacement.

    Args:
        is_used: Shape (n_buckets,); whether the bucket holds any request.
        seed: Of the draws.
        n_resamples: At least 1.
    """

    def __init__(self, is_used: NDArray[np.bool_], seed: int, n_resamples: int = N_RESAMPLES) -> None:
        self._used = np.flatnonzero(is_used)
        n = len(self._used)
        share_of_each = np.full(n, 1 / max(n, 1))
        self._weights = np.zeros((n_resamples, n))
        if n:
            self._weights[:] = np.random.default_rng(seed).multinomial(n, share_of_each, n_resamples)

    def ratio(self, over: IntArray, under: IntArray, *, scale: int = 1) -> Estimate | None:
        """A sum over another one; None where the other is 0.

        Args:
            over: Sum of each bucket, shape (n_buckets,).
            under: Likewise, none below 0.
            scale: What to divide by besides.
        """
        total = _total(under)
        if total <= 0:
            return None
        value = round(_total(over) / total / scale, _DECIMALS)
        if np.count_nonzero(under) < MIN_BUCKETS:
            return Estimate(value)
        drawn = np.column_stack([over[self._used], under[self._used]]).astype(np.float64)
        sums = self._weights @ drawn
        # A resample without any such request says nothing of them.
        sums = sums[sums[:, 1] > 0]
        low, high = np.quantile(sums[:, 0] / sums[:, 1] / scale, [0.025, 0.975])
        return Estimate(value, round(float(low), _DECIMALS), round(float(high), _DECIMALS))

    def saving(self, after: IntArray, before: IntArray) -> Estimate | None:
        """Share of `before` that is not spent: 1 - after / before."""
        return self.ratio(before - after, before)

    def share(self, hits: IntArray, of: IntArray) -> Estimate | None:
        """Share of counted cases; where all draws are alike, at 0 and 1, with the exact interval."""
        drawn = self.ratio(hits, of)
        if drawn is None or 0 < drawn.value < 1:
            return drawn
        exact = share(_total(hits), _total(of))
        return Estimate(drawn.value, exact["low"], exact["high"])

    def total(self, values: IntArray) -> Estimate | None:
        """A sum over all requests; without interval where there are too few buckets."""
        value = _total(values)
        if np.count_nonzero(values) < MIN_BUCKETS:
            return Estimate(float(value))
        sums = self._weights @ values[self._used].astype(np.float64)
        low, high = np.quantile(sums, [0.025, 0.975])
        return Estimate(float(value), float(round(low)), float(round(high)))


def _total(values: IntArray) -> int:
    """Exact, however large."""
    return sum(values.tolist())
