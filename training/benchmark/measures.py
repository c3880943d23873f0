"""How good the probabilities of one source's test answers are, and how far expected cost is off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import xlogy

from training.benchmark.resampling import (
    Interval,
    divided,
    interval,
    number,
    question_weights,
    weighted_means,
)
from training.dataset import FloatArray
from training.evaluation import N_BINS
from training.measurements import CALIBRATION_LIMIT, LARGE_SOURCE_ROWS

COST_RANGE: Final = (0.9, 1.1)
NO_LENGTHS: Final = "no length was learned: no training answer counts its output tokens"
_N_RESAMPLES = 200
_EPSILON = 1e-7
_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


def auc_values(probability: FloatArray, adequate: FloatArray, weights: FloatArray) -> FloatArray:
    """`evaluation.auc` under each resample, shape (n_resamples + 1,); NaN where one class has all weight."""
    _, tie = np.unique(probability, return_inverse=True)
    n = int(tie.max()) + 1
    good = np.stack([np.bincount(tie, weight * adequate, n) for weight in weights])
    bad = np.stack([np.bincount(tie, weight * (1 - adequate), n) for weight in weights])
    total = good.sum(axis=1) * bad.sum(axis=1)
    ranked = (good * (np.cumsum(bad, axis=1) - bad / 2)).sum(axis=1)
    return divided(ranked, total)


def macro_auc_values(
    probability: FloatArray, adequate: FloatArray, models: pd.Series[str], weights: FloatArray
) -> FloatArray:
    """Mean over models of their AUCs under each resample; models with answers of one kind are left out."""
    of_models = [
        auc_values(probability[rows], adequate[rows], weights[:, rows])
        for rows in models.groupby(models.to_numpy()).indices.values()
    ]
    values = np.stack(of_models)
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return divided(total, count)


def ece_values(probability: FloatArray, adequate: FloatArray, weights: FloatArray) -> FloatArray:
    """`evaluation.ece` under each resample, shape (n_resamples + 1,)."""
    bins = np.minimum((probability * N_BINS).astype(np.intp), N_BINS - 1)
    gaps = np.stack([np.bincount(bins, weight * (probability - adequate), N_BINS) for weight in weights])
    errors: FloatArray = np.abs(gaps).sum(axis=1) / weights.sum(axis=1)
    return errors


def probability_metrics(
    part: pd.DataFrame, predictors: Mapping[str, FloatArray], *, seed: int
) -> dict[str, dict[str, Interval]]:
    """Each predictor's AUC (mean of the models' and pooled), log loss, Brier score and calibration error.

    Args:
        part: Test rows of one source, with `prompt_key`, `reference_model` and `adequate`.
        predictors: Name to probabilities, shape (n_rows,).
        seed: Of the bootstrap over questions.
    """
    adequate = part["adequate"].to_numpy(dtype=np.float64)
    weights = question_weights(part["prompt_key"].tolist(), seed, _N_RESAMPLES)
    return {
        name: _metrics(probability, adequate, part["reference_model"], weights)
        for name, probability in predictors.items()
    }


def _metrics(
    probability: FloatArray, adequate: FloatArray, models: pd.Series[str], weights: FloatArray
) -> dict[str, Interval]:
    clipped = np.clip(probability, _EPSILON, 1 - _EPSILON)
    losses = np.stack(
        [-xlogy(adequate, clipped) - xlogy(1 - adequate, 1 - clipped), (probability - adequate) ** 2]
    )
    log_loss, brier = weighted_means(losses, weights).T
    return {
        "auc_mean_of_models": interval(macro_auc_values(probability, adequate, models, weights)),
        "auc_pooled": interval(auc_values(probability, adequate, weights)),
        "log_loss": interval(log_loss),
        "brier": interval(brier),
        "ece": interval(ece_values(probability, adequate, weights)),
    }


def calibration_target(n_answers: int, ece: Interval) -> dict[str, Any]:
    """Whether the calibration error is within its limit; applies from 2,000 test answers."""
    applies = n_answers >= LARGE_SOURCE_ROWS
    met = applies and ece["value"] is not None and ece["value"] <= CALIBRATION_LIMIT
    return {"limit": CALIBRATION_LIMIT, "applies": applies, "met": met if applies else None}


def reliability(probability: FloatArray, adequate: FloatArray) -> dict[str, list[float]]:
    """Bins that have answers: mean probability, share adequate, number of answers."""
    bins = np.minimum((probability * N_BINS).astype(np.intp), N_BINS - 1)
    count = np.bincount(bins, minlength=N_BINS)
    used = count > 0
    sums = [np.bincount(bins, values, N_BINS)[used] for values in (probability, adequate)]
    return {
        "predicted": (sums[0] / count[used]).round(6).tolist(),
        "observed": (sums[1] / count[used]).round(6).tolist(),
        "n_answers": count[used].tolist(),
    }


def cost_error(part: pd.DataFrame, *, seed: int) -> dict[str, Any]:
    """Expected over actual spend on the test answers of one source, or `left_out`: why it has none.

    Args:
        part: With `output_tokens`, `expected_output_tokens`, `input_usd` and `output_usd` (prices of one
            token), `input_count`, `reference_model`, `prompt_key`.
        seed: Of the bootstrap over questions.
    """
    known = part[part["output_tokens"].notna() & part["output_usd"].notna()]
    if not len(known) or not (known["output_usd"] * known["output_tokens"]).sum() > 0:
        return {"left_out": "no prices or no counts"}
    if known["expected_output_tokens"].isna().any():
        return {"left_out": NO_LENGTHS}
    weights = question_weights(known["prompt_key"].tolist(), seed, _N_RESAMPLES)
    spend = {
        name: (known["output_usd"] * known[column]).to_numpy(dtype=np.float64)
        for name, column in (("expected", "expected_output_tokens"), ("actual", "output_tokens"))
    }
    paid = (known["input_usd"] * known["input_count"]).to_numpy(dtype=np.float64)
    of_models = known.assign(expected=spend["expected"], actual=spend["actual"])
    of_models = of_models.groupby("reference_model")[["expected", "actual"]].sum()
    answer = known["expected_output_tokens"] / known["output_tokens"].clip(lower=1.0)
    total = interval(_ratio(spend["expected"], spend["actual"], weights))
    return {
        "n_answers": len(known),
        "output": total,
        "with_input": interval(_ratio(spend["expected"] + paid, spend["actual"] + paid, weights)),
        "target": {
            "low": COST_RANGE[0],
            "high": COST_RANGE[1],
            "met": total["value"] is not None and COST_RANGE[0] <= total["value"] <= COST_RANGE[1],
        },
        "of_models": _quantiles((of_models["expected"] / of_models["actual"]).to_numpy()),
        "of_answers": _quantiles(answer.to_numpy(dtype=np.float64)),
    }


def _ratio(expected: FloatArray, actual: FloatArray, weights: FloatArray) -> FloatArray:
    over, under = (weights @ np.stack([expected, actual]).T).T
    return divided(over, under)


def _quantiles(ratios: FloatArray) -> dict[str, float | None]:
    known = ratios[np.isfinite(ratios)]
    return {f"p{q * 100:.0f}": number(np.quantile(known, q)) if len(known) else None for q in _QUANTILES}
