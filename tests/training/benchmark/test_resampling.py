"""Questions are drawn whole."""

from __future__ import annotations

import numpy as np

from training.benchmark import resampling


def test_rows_of_a_question_are_drawn_together() -> None:
    """Equal keys have equal weights in every resample; the first row is the test as it is."""
    weights = resampling.question_weights(["b", "a", "b", "c"], seed=1, n_resamples=50)
    assert weights.shape == (51, 4)
    assert (weights[0] == 1).all()
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_same_seed_same_draws() -> None:
    """The draws hang on the seed alone."""
    first, again, other = (resampling.question_weights(list("abcde"), seed, 20) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


def test_interval_covers_the_mean() -> None:
    """In 200 experiments the 95% interval of a mean holds the truth about as often as it should."""
    generator = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        values = generator.normal(size=80)
        weights = resampling.question_weights([str(row) for row in range(80)], seed, 200)
        shown = resampling.interval(resampling.weighted_means(values, weights))
        assert shown["low"] is not None
        assert shown["high"] is not None
        hits += shown["low"] <= 0 <= shown["high"]
    assert 178 <= hits <= 200


def test_nothing_finite_is_null() -> None:
    """NaN is null in JSON, with no interval."""
    assert resampling.interval(np.array([np.nan, np.nan])) == {"value": None, "low": None, "high": None}
