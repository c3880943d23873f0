"""Intervals by the bootstrap: buckets of requests are drawn again, with the same draws for every number.

Whole clusters are drawn: Cameron, Gelbach, Miller (2008), Review of Economics and Statistics 90, section II.
A session, or all answers to one question, are in one bucket; two numbers of one report are paired. Costs are
skewed: the quantiles of the draws alone miss the truth too often, and on the side of a larger saving. So each
draw is also measured in its own standard error, and an interval reaches as far as either says.

References:
    Efron, Tibshirani (1993), An Introduction to the Bootstrap, sections 12.5 (bootstrap-t) and 13.3.
"""

from __future__ import annotations

from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.benchmark.sensitivity.shares import share
from training.report.results import Estimate

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Bounds = tuple[float, float]
N_RESAMPLES: Final = 1_000
# With fewer buckets there is no interval to give: of 5 buckets one of 95% holds the truth in 83 of 100 cases.
MIN_BUCKETS: Final = 30
_TAILS: Final = (0.025, 0.975)
_DECIMALS: Final = 6
# Relative to the whole: what is less is rounding.
_NOTHING: Final = 1e-6
# Of the whole's standard error: a draw without the dear requests would seem to be far more exact than it is.
_LEAST_ERROR: Final = 0.03


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

    def ratio(
        self, over: IntArray, under: IntArray, *, scale: int = 1, bounds: Bounds = (-inf, inf)
    ) -> Estimate | None:
        """A sum over another one; None where the other is 0.

        There is no interval over fewer than `MIN_BUCKETS` buckets, and none where all of them are alike:
        that nothing else was seen does not say that there is nothing else.

        Args:
            over: Sum of each bucket, shape (n_buckets,).
            under: Likewise, none below 0.
            scale: What to divide by besides.
            bounds: Least and greatest value that there can be.
        """
        total = _total(under)
        if total <= 0:
            return None
        value = round(_total(over) / total / scale, _DECIMALS)
        if np.count_nonzero(under) < MIN_BUCKETS:
            return Estimate(value)
        ends = self._ends(over[self._used].astype(np.float64), under[self._used].astype(np.float64))
        if ends is None:
            return Estimate(value)
        least, greatest = bounds
        low, high = (round(min(max(end / scale, least), greatest), _DECIMALS) for end in ends)
        return Estimate(value, min(low, value), max(high, value))

    def saving(self, after: IntArray, before: IntArray) -> Estimate | None:
        """Share of `before` that is not spent: 1 - after / before."""
        return self.ratio(before - after, before, bounds=(-inf, 1.0))

    def share(self, hits: IntArray, of: IntArray) -> Estimate | None:
        """Share of counted cases; where all draws are alike, at 0 and 1, with the exact interval."""
        drawn = self.ratio(hits, of, bounds=(0.0, 1.0))
        if drawn is None or 0 < drawn.value < 1:
            return drawn
        exact = share(_total(hits), _total(of))
        return Estimate(drawn.value, exact["low"], exact["high"])

    def total(self, values: IntArray) -> Estimate | None:
        """A sum over all requests; without interval where there are too few buckets."""
        value = _total(values)
        n = len(self._used)
        if np.count_nonzero(values) < MIN_BUCKETS:
            return Estimate(float(value))
        ends = self._ends(values[self._used].astype(np.float64), np.ones(n))
        if ends is None:
            return Estimate(float(value))
        low, high = ends
        return Estimate(float(value), float(round(low * n)), float(round(high * n)))

    def _ends(self, over: FloatArray, under: FloatArray) -> tuple[float, float] | None:
        """Ends of the interval of sum(over) / sum(under), over used buckets; None where all are alike."""
        value = over.sum() / under.sum()
        rest = over - value * under
        error = _error(np.square(rest).sum(), under.sum())
        if error <= _NOTHING**2 * (np.abs(over).sum() / under.sum()):
            return None
        sums = self._weights @ np.column_stack([over, under, rest * rest, rest * under, under * under])
        # A resample without any such request says nothing of them.
        sums = sums[sums[:, 1] > 0]
        drawn = sums[:, 0] / sums[:, 1]
        gap = drawn - value
        squares = sums[:, 2] - 2 * gap * sums[:, 3] + gap * gap * sums[:, 4]
        errors = _error(np.maximum(squares, 0.0), sums[:, 1])
        # A draw of requests that are all alike has no error to measure it in.
        is_known = errors > _NOTHING * error
        low, high = np.quantile(drawn, _TAILS)
        measured = gap[is_known] / np.maximum(errors[is_known], _LEAST_ERROR * error)
        above, below = np.quantile(measured, _TAILS) * error
        return min(float(low), float(value - below)), max(float(high), float(value - above))


def _error(squares: FloatArray, under: FloatArray) -> FloatArray:
    """Standard error of a ratio: the root of the summed squares of what it leaves over, by its divisor."""
    return np.sqrt(squares) / under


def _total(values: IntArray) -> int:
    """Exact, however large."""
    return sum(values.tolist())
