"""How good the predictions are, by source, with bootstrap intervals over questions, beside two baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from clearway.sensitivity.reading import is_language_unsupported
from training.dataset import FloatArray, IndexArray

N_BINS: Final = 15
N_RESAMPLES: Final = 200
# A slice with fewer graded answers is not shown.
MIN_SLICE_ANSWERS: Final = 1000
_LENGTHS: Final = (200, 1000)
_LENGTH_NAMES: Final = ("up to 200 characters", "201 to 1,000 characters", "over 1,000 characters")
_EPSILON = 1e-7
Metric = Callable[[FloatArray, FloatArray, FloatArray], float]
Metrics = dict[str, dict[str, float | None]]


def auc(probability: FloatArray, adequate: FloatArray, weight: FloatArray) -> float:
    """Chance that an adequate answer was given a higher probability than an inadequate one; ties count half.

    Args:
        probability: Shape (n,), in [0, 1].
        adequate: Shape (n,), 0 or 1.
        weight: Shape (n,), at least 0.

    Returns:
        In [0, 1]; NaN when only one class has weight.
    """
    _, tie = np.unique(probability, return_inverse=True)
    good = np.bincount(tie, weight * adequate)
    bad = np.bincount(tie, weight * (1 - adequate))
    total = good.sum() * bad.sum()
    return float((good * (np.cumsum(bad) - bad / 2)).sum() / total) if total > 0 else float("nan")


def log_loss(probability: FloatArray, adequate: FloatArray, weight: FloatArray) -> float:
    """Mean cross-entropy in nats; probabilities are kept 1e-7 away from 0 and 1."""
    clipped = np.clip(probability, _EPSILON, 1 - _EPSILON)
    loss = -xlogy(adequate, clipped) - xlogy(1 - adequate, 1 - clipped)
    return float(np.average(loss, weights=weight))


def brier(probability: FloatArray, adequate: FloatArray, weight: FloatArray) -> float:
    """Mean squared difference, in [0, 1]."""
    return float(np.average((probability - adequate) ** 2, weights=weight))


def ece(probability: FloatArray, adequate: FloatArray, weight: FloatArray) -> float:
    """Mean gap between predicted and observed adequacy over 15 equal bins, weighted by their population.

    References:
        Naeini, Cooper, Hauskrecht (2015), AAAI, section 3.
    """
    gap = np.bincount(_bins(probability), weight * (probability - adequate), N_BINS)
    return float(np.abs(gap).sum() / weight.sum())


METRICS: Final[Mapping[str, Metric]] = {"auc": auc, "log_loss": log_loss, "brier": brier, "ece": ece}


def with_intervals(
    probability: FloatArray,
    adequate: FloatArray,
    groups: IndexArray,
    *,
    seed: int,
    n_resamples: int = N_RESAMPLES,
) -> Metrics:
    """Each metric with the 95% percentile interval of a bootstrap over groups.

    Args:
        probability: Shape (n,), predictions.
        adequate: Shape (n,), 0 or 1.
        groups: Shape (n,); the question of each row, from 0: rows of one question are drawn together.
        seed: Of the resamples.
        n_resamples: At least 1.
    """
    generator = np.random.default_rng(seed)
    n_groups = int(groups.max()) + 1
    share = np.full(n_groups, 1 / n_groups)
    draws = [generator.multinomial(n_groups, share)[groups].astype(float) for _ in range(n_resamples)]
    ones = np.ones(len(groups))
    results: Metrics = {}
    for name, metric in METRICS.items():
        sampled = np.array([metric(probability, adequate, weight) for weight in draws if weight.any()])
        sampled = sampled[~np.isnan(sampled)]
        low, high = np.quantile(sampled, [0.025, 0.975]) if len(sampled) else (np.nan, np.nan)
        value = metric(probability, adequate, ones)
        results[name] = {"value": _number(value), "low": _number(low), "high": _number(high)}
    return results


def by_source(
    table: pd.DataFrame, predictions: Mapping[str, FloatArray], *, seed: int
) -> dict[str, dict[str, object]]:
    """Metrics of each predictor on the rows of each source.

    Args:
        table: Held-out rows with `source`, `prompt_key`, `adequate`.
        predictions: Predictor to probabilities, one for each row; `model` is among them.
        seed: Of the bootstrap.
    """
    results: dict[str, dict[str, object]] = {}
    for source in sorted(table["source"].unique()):
        rows = np.flatnonzero((table["source"] == source).to_numpy())
        part = table.iloc[rows]
        adequate = part["adequate"].to_numpy(dtype=np.float64)
        groups = pd.factorize(part["prompt_key"])[0]
        results[source] = {
            "n_answers": len(rows),
            "n_questions": int(groups.max()) + 1,
            "mean_adequate": _number(adequate.mean()),
            **{
                name: with_intervals(probability[rows], adequate, groups, seed=seed)
                for name, probability in predictions.items()
            },
            "reliability": reliability(predictions["model"][rows], adequate),
        }
    return results


def by_slice(
    table: pd.DataFrame, predictions: Mapping[str, FloatArray], *, seed: int
) -> dict[str, dict[str, object]]:
    """As `by_source` for each category, length and language with enough rows: `kind: name` to metrics.

    Args:
        table: Held-out rows with `prompt`, `category`, `prompt_key`, `adequate`.
        predictions: Predictor to probabilities, one for each row; `model` is among them.
        seed: Of the bootstrap.
    """
    prompts = pd.Series(table["prompt"].unique())
    foreign = set(prompts[[is_language_unsupported(prompt) for prompt in prompts]])
    lengths = np.searchsorted(_LENGTHS, table["prompt"].str.len().to_numpy())
    kinds = {
        "category": table["category"].astype(str).to_numpy(),
        "length": np.array([_LENGTH_NAMES[place] for place in lengths]),
        "language": np.where(table["prompt"].isin(foreign), "not English", "English, code, formulas"),
    }
    results: dict[str, dict[str, object]] = {}
    for kind, names in kinds.items():
        labels = pd.Series([f"{kind}: {name}" for name in names], index=table.index)
        enough = labels.map(labels.value_counts()) >= MIN_SLICE_ANSWERS
        rows = (enough & (names != "")).to_numpy()
        if rows.any():
            chosen = {name: probability[rows] for name, probability in predictions.items()}
            results |= by_source(table[rows].assign(source=labels[rows]), chosen, seed=seed)
    return results


def reliability(probability: FloatArray, adequate: FloatArray) -> list[dict[str, float | int | None]]:
    """Points of a reliability diagram: the bins of `ece` that are not empty, with means in [0, 1].

    Args:
        probability: Shape (n,), in [0, 1].
        adequate: Shape (n,), 0 or 1.

    >>> reliability(np.array([0.2, 0.21, 0.9]), np.array([0.0, 1.0, 1.0]))[0]
    {'n': 2, 'predicted': 0.205, 'observed': 0.5}
    """
    bins = _bins(probability)
    counts = np.bincount(bins, minlength=N_BINS)
    predicted = np.bincount(bins, probability, N_BINS)
    observed = np.bincount(bins, adequate, N_BINS)
    return [
        {
            "n": int(counts[place]),
            "predicted": _number(predicted[place] / counts[place]),
            "observed": _number(observed[place] / counts[place]),
        }
        for place in np.flatnonzero(counts)
    ]


def model_means(adequate: FloatArray) -> FloatArray:
    """Constant baseline: each model's share of adequate training answers, shape (n_models,).

    Half a pseudo-answer of each kind keeps it away from 0 and 1.
    """
    known = ~np.isnan(adequate)
    means: FloatArray = (np.where(known, adequate, 0.0).sum(axis=0) + 0.5) / (known.sum(axis=0) + 1.0)
    return means


def shuffled(adequate: FloatArray, seed: int) -> FloatArray:
    """The same grades, dealt out anew among each model's prompts: nothing about prompts is left to learn."""
    generator = np.random.default_rng(seed)
    dealt = adequate.copy()
    for column in dealt.T:
        known: NDArray[np.bool_] = ~np.isnan(column)
        column[known] = generator.permutation(column[known])
    return dealt


def length_error(predicted: FloatArray, observed: FloatArray) -> dict[str, float | None]:
    """How far answer lengths are off: factors, and predicted over observed total; known cells only."""
    known = ~np.isnan(observed)
    if not known.any():
        return {"median_factor": None, "factor_p90": None, "total_ratio": None}
    factor = np.exp2(np.abs(np.log2(predicted[known]) - np.log2(np.maximum(observed[known], 1.0))))
    return {
        "median_factor": _number(np.median(factor)),
        "factor_p90": _number(np.quantile(factor, 0.9)),
        "total_ratio": _number(predicted[known].sum() / max(observed[known].sum(), 1.0)),
    }


def _bins(probability: FloatArray) -> IndexArray:
    """Which of the equal bins over [0, 1] each probability falls into."""
    return np.minimum((probability * N_BINS).astype(np.intp), N_BINS - 1)


def _number(value: float | np.floating) -> float | None:
    """Six decimals, so that the file's bytes do not hang on the last bit; None for NaN."""
    return None if np.isnan(value) else round(float(value), 6)
