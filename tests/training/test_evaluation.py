"""Metrics are right on cases worked by hand; baselines know nothing of prompts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from training import evaluation


def test_metrics_equal_scikit_learn() -> None:
    """With weights and ties, as scikit-learn computes them."""
    generator = np.random.default_rng(0)
    probability = generator.integers(1, 10, 300) / 10
    adequate = (generator.random(300) < probability).astype(float)
    weight = generator.integers(0, 4, 300).astype(float)
    assert evaluation.auc(probability, adequate, weight) == pytest.approx(
        roc_auc_score(adequate, probability, sample_weight=weight)
    )
    assert evaluation.log_loss(probability, adequate, weight) == pytest.approx(
        sklearn_log_loss(adequate, probability, sample_weight=weight)
    )
    assert evaluation.brier(probability, adequate, weight) == pytest.approx(
        brier_score_loss(adequate, probability, sample_weight=weight)
    )


def test_ece_by_hand() -> None:
    """Two bins, each a quarter off."""
    ones = np.ones(2)
    assert evaluation.ece(np.array([0.25, 0.75]), np.array([0.0, 1.0]), ones) == pytest.approx(0.25)
    assert evaluation.ece(np.array([1.0, 1.0]), np.array([1.0, 1.0]), ones) == 0


def test_auc_of_one_class_is_unknown() -> None:
    """No pairs, no AUC; the file then holds null."""
    assert math.isnan(evaluation.auc(np.array([0.5]), np.array([1.0]), np.ones(1)))
    result = evaluation.with_intervals(np.array([0.5, 0.6]), np.ones(2), np.array([0, 1]), seed=0)
    assert result["auc"] == {"value": None, "low": None, "high": None}


def test_interval_holds_the_value_and_narrows() -> None:
    """More questions, a narrower interval; answers to one question do not count as more."""
    generator = np.random.default_rng(1)
    probability = generator.random(800)
    adequate = (generator.random(800) < probability).astype(float)

    def width(groups: np.ndarray[tuple[int], np.dtype[np.intp]]) -> float:
        brier = evaluation.with_intervals(probability, adequate, groups, seed=0)["brier"]
        assert brier["low"] is not None
        assert brier["value"] is not None
        assert brier["high"] is not None
        assert brier["low"] <= brier["value"] <= brier["high"]
        return brier["high"] - brier["low"]

    probability = np.repeat(probability[:80], 10)
    adequate = np.repeat(adequate[:80], 10)
    assert width(np.arange(800) // 10) > 2 * width(np.arange(800))


def test_shuffled_keeps_each_models_mean() -> None:
    """Grades are dealt within a model; unknown cells stay unknown."""
    grades = np.array([[1.0, np.nan], [0.0, 1.0], [1.0, 0.0], [np.nan, 0.0]])
    dealt = evaluation.shuffled(grades, 3)
    assert (np.isnan(dealt) == np.isnan(grades)).all()
    assert np.nansum(dealt, axis=0).tolist() == np.nansum(grades, axis=0).tolist()


def test_model_means_stay_off_the_ends() -> None:
    """A model with no answers is at one half, one with one adequate answer at three quarters."""
    assert evaluation.model_means(np.array([[1.0, np.nan]])).tolist() == [0.75, 0.5]


def test_length_error() -> None:
    """A factor of two in the median; nothing known gives nulls."""
    observed = np.array([[100.0, np.nan]])
    assert evaluation.length_error(np.array([[50.0, 7.0]]), observed) == {
        "median_factor": 2.0,
        "factor_p90": 2.0,
        "total_ratio": 0.5,
    }
    assert evaluation.length_error(observed, observed * np.nan) == {
        "median_factor": None,
        "factor_p90": None,
        "total_ratio": None,
    }
