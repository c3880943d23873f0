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


def test_buckets_that_are_all_alike_give_no_interval() -> None:
    """What is always half of another was never seen otherwise, which is no proof that it always will be."""
    sums, n = _dealt(np.arange(1, 5_000) * 2)
    resamples = Resamples(n > 0, seed=3)
    assert resamples.ratio(sums // 2, sums) == Estimate(0.5)
    assert resamples.total((n > 0).astype(np.int64)) == Estimate(float((n > 0).sum()))


def test_an_interval_of_skewed_costs_holds_the_truth() -> None:
    """Where few dear requests decide the saving, 9 of 10 intervals hold it: 8 by quantiles alone."""
    rng, n_held = np.random.default_rng(2), 0
    for seed in range(150):
        before = (rng.pareto(1.5, 300) + 1) * 1e5
        after, cost = (
            _dealt(values, seed)[0]
            for values in (before * rng.choice([0.05, 1.0], 300, p=[0.9, 0.1]), before)
        )
        found = Resamples(cost > 0, seed).saving(after, cost)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        n_held += found.low <= 0.855 <= found.high
    assert n_held >= 133


def test_an_interval_stays_where_its_number_can_be() -> None:
    """Nothing saves more than all of the cost, and a mean of qualities is at most 1."""
    before = np.zeros(N_BUCKETS, dtype=np.int64)
    before[:40] = 1_000
    after = before // 1_000
    after[0] = 900
    found = Resamples(before > 0, seed=0).saving(after, before)
    assert found is not None
    assert found.high is not None
    assert found.value < found.high <= 1


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
