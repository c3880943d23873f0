"""Intervals: what the bootstrap over buckets gives, and where it gives nothing."""

from __future__ import annotations

import numpy as np
import pytest

from training.report.analysis.intervals import MIN_BUCKETS, Resamples
from training.report.results import Estimate
from training.report.routed import N_BUCKETS


def _dealt(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts by bucket of values that are dealt to buckets."""
    buckets = np.random.default_rng(seed).integers(0, N_BUCKETS, len(values))
    sums = np.bincount(buckets, weights=values, minlength=N_BUCKETS).astype(np.int64)
    return sums, np.bincount(buckets, minlength=N_BUCKETS).astype(np.int64)


def test_an_interval_over_buckets_is_that_over_single_rows() -> None:
    """The ends of a mean's interval agree with a bootstrap of the rows themselves within a tenth."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 1_000, 20_000)
    sums, n = _dealt(values)
    found = Resamples(n > 0, seed=0).ratio(sums, n)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(1_000)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert found.value == pytest.approx(values.mean(), abs=1e-6)
    assert found.high - found.low == pytest.approx(high - low, rel=0.1)
    assert found.low == pytest.approx(low, abs=(high - low) / 10)


def test_a_ratio_with_itself_has_no_width() -> None:
    """Numbers of one report share their draws: what is always half of another is half of it in every draw."""
    sums, n = _dealt(np.arange(1, 5_000) * 2)
    assert Resamples(n > 0, seed=3).ratio(sums // 2, sums) == Estimate(0.5, 0.5, 0.5)


def test_the_seed_decides_the_draws() -> None:
    """The same seed gives the same interval, and another seed another one."""
    sums, n = _dealt(np.random.default_rng(0).integers(0, 1_000, 3_000))
    one, same, other = (Resamples(n > 0, seed=seed).ratio(sums, n) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(("n_buckets", "has_interval"), [(MIN_BUCKETS - 1, False), (MIN_BUCKETS, True)])
def test_few_buckets_give_no_interval(n_buckets: int, *, has_interval: bool) -> None:
    """Where there is too little to draw from, the estimate stands alone."""
    n = np.zeros(N_BUCKETS, dtype=np.int64)
    n[:n_buckets] = 3
    found = Resamples(n > 0, seed=0).ratio(n * np.arange(N_BUCKETS), n)
    assert found is not None
    assert (found.low is not None) is has_interval


def test_nothing_to_divide_by_gives_nothing() -> None:
    """A ratio over no requests is unknown, not zero; so is every number of an empty table."""
    nothing = np.zeros(N_BUCKETS, dtype=np.int64)
    resamples = Resamples(nothing > 0, seed=0)
    assert resamples.ratio(nothing, nothing) is None
    assert resamples.share(nothing, nothing) is None


def test_a_share_of_all_has_the_exact_interval() -> None:
    """300 calls of which all were matched may still miss one in eighty: Clopper and Pearson."""
    n = np.zeros(N_BUCKETS, dtype=np.int64)
    n[:100] = 3
    assert Resamples(n > 0, seed=0).share(n, n) == Estimate(1.0, 0.987779, 1.0)


def test_sums_beyond_what_floats_hold_stay_exact() -> None:
    """A total of nano-dollars is summed as a whole number."""
    values = np.full(N_BUCKETS, 10**15 + 1, dtype=np.int64)
    found = Resamples(values > 0, seed=0).total(values)
    assert found is not None
    assert found.value == float(N_BUCKETS * (10**15 + 1))
