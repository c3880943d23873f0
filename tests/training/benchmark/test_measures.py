"""The vectorised metrics are those of `training.evaluation`, and planted faults show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training import evaluation
from training.benchmark import measures


def _part(n: int = 400, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    success = generator.random(n).round(2)
    return pd.DataFrame(
        {
            "prompt_key": [f"k{row // 4}" for row in range(n)],
            "reference_model": [f"m{row % 2}" for row in range(n)],
            "success": success,
            "adequate": generator.random(n) < success,
            "output_tokens": generator.integers(1, 200, n).astype(float),
            "input_count": 10.0,
            "input_usd": 1e-6,
            "output_usd": 2e-6,
        }
    )


def test_metrics_equal_those_of_the_pipeline() -> None:
    """Without weights, each is what `training.evaluation` computes; AUC's mean is over the models."""
    part = _part()
    probability, adequate = part["success"].to_numpy(), part["adequate"].to_numpy(dtype=float)
    metrics = measures.probability_metrics(part, {"success": probability}, seed=0)["success"]
    ones = np.ones(len(part))
    for name, metric in (
        ("auc_pooled", evaluation.auc),
        ("ece", evaluation.ece),
        ("brier", evaluation.brier),
    ):
        assert metrics[name]["value"] == pytest.approx(metric(probability, adequate, ones), abs=1e-6)
    of_models = [
        evaluation.auc(probability[rows], adequate[rows], ones[rows])
        for rows in (np.arange(0, 400, 2), np.arange(1, 400, 2))
    ]
    assert metrics["auc_mean_of_models"]["value"] == pytest.approx(np.mean(of_models), abs=1e-6)
    for value in metrics.values():
        assert value["low"] is not None
        assert value["high"] is not None
        assert value["low"] <= value["high"]


def test_model_with_one_kind_of_answer_is_left_out_of_the_mean() -> None:
    """AUC is not defined for a model that is always right; the mean is over the others."""
    part = _part()
    is_second = part["reference_model"] == "m1"
    part.loc[is_second, "adequate"] = True
    adequate, probability = part["adequate"].to_numpy(dtype=float), part["success"].to_numpy()
    values = measures.macro_auc_values(probability, adequate, part["reference_model"], np.ones((1, 400)))
    first = (~is_second).to_numpy()
    expected = evaluation.auc(probability[first], adequate[first], np.ones(first.sum()))
    assert values[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n_answers", "ece", "applies", "met"),
    [(1_999, 0.01, False, None), (2_000, 0.03, True, True), (2_000, 0.0301, True, False)],
)
def test_calibration_target(n_answers: int, ece: float, applies: bool, met: bool | None) -> None:
    """At most 0.03, from 2,000 answers on."""
    target = measures.calibration_target(n_answers, {"value": ece, "low": 0.0, "high": 1.0})
    assert target == {"limit": 0.03, "applies": applies, "met": met}


@pytest.mark.parametrize(("factor", "met"), [(1.0, True), (2.0, False), (0.5, False)])
def test_a_wrong_length_shows_in_the_cost(factor: float, met: bool) -> None:
    """Lengths off by a factor are reported as that factor, in sum and in distribution."""
    part = _part()
    part["expected_output_tokens"] = factor * part["output_tokens"]
    error = measures.cost_error(part, seed=0)
    assert error["output"]["value"] == pytest.approx(factor)
    assert error["target"]["met"] is met
    assert error["of_answers"]["p50"] == pytest.approx(factor)
    assert error["of_models"]["p5"] == pytest.approx(factor)


def test_no_counts_no_cost_error() -> None:
    """A source without prices, counts or learned lengths has none, and says which."""
    part = _part().assign(expected_output_tokens=1.0)
    no_counts = {"left_out": "no prices or no counts"}
    assert measures.cost_error(part.assign(output_usd=np.nan), seed=0) == no_counts
    assert measures.cost_error(part.assign(output_tokens=np.nan), seed=0) == no_counts
    assert measures.cost_error(part.assign(expected_output_tokens=np.nan), seed=0) == {
        "left_out": "no length was learned: no training answer counts its output tokens"
    }


def test_reliability_counts_every_answer() -> None:
    """The bins hold all answers, at the observed shares."""
    part = _part()
    bins = measures.reliability(part["success"].to_numpy(), part["adequate"].to_numpy(dtype=float))
    assert sum(bins["n_answers"]) == len(part)
    total = np.dot(bins["observed"], bins["n_answers"])
    assert total == pytest.approx(part["adequate"].sum(), abs=1e-3)
