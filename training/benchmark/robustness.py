"""How many choices stay the same when a prompt is typed otherwise, or says of itself that it is easy.

Three operating points, on prompts that nothing was learned from. `equal` and `at_98`: in each source, the
model with the most expected success less what its cost weighs, where the weight is the one that costs least
on tuning prompts while it keeps all, or 98%, of the best single model's quality. `floor`: what the
optimiser picks from the register, as if every model were cleared. A prompt unlike the training prompts goes
to the incumbent, as in service: the best single model, or at the floor the register's. A choice that is the
same for every prompt is stable for the wrong reason, so the share of the commonest choice stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.benchmark.operating_point import Choice, Estimates, Pool, Predictor, operating_point
from training.benchmark.perturbation import PERTURBATIONS, perturb
from training.benchmark.prices import Prices
from training.benchmark.savings import TARGETS
from training.corpora import parts_of
from training.dataset import FloatArray, IndexArray, cell_means

MIN_UNCHANGED: Final = 0.95
HELD_OUT, TUNING, N_PARTS = 0, 1, 5
MIN_PROMPTS: Final = 20
# A model is a candidate where it answered this share of a source's tuning prompts.
MIN_COVERAGE: Final = 0.9
N_RESAMPLES: Final = 400
_Z: Final = 1.959964
_MTOK: Final = 1e6

Interval = dict[str, float]
Points = dict[str, tuple[Choice, Mapping[str, float]]]


@dataclass(frozen=True)
class Stability:
    """What stayed the same at one operating point, for prompts of one source.

    Attributes:
        same: Shape (n_perturbations, n_prompts), in the order of `PERTURBATIONS`.
        commonest: Share of the prompts, as they were, that got the commonest choice.
        facts: What else to know of the operating point.
    """

    same: NDArray[np.bool_]
    commonest: float
    facts: Mapping[str, float]


def benchmark(
    table: pd.DataFrame,
    predictor: Predictor,
    prices: Prices,
    floor: Choice | None,
    *,
    seed: int,
    n_sample: int,
) -> dict[str, Any]:
    """Shares of unchanged choices by source, operating point and perturbation.

    Args:
        table: From `corpora.select_sources`; the predictor learned from none of the part `HELD_OUT`.
        predictor: Estimates success and length.
        prices: Of canonical models; the others are no candidates at `equal` and `at_98`.
        floor: The choice at the floor; None leaves that operating point out.
        seed: Of the parts, the sample, the perturbations and the bootstrap.
        n_sample: Most held-out questions of each source.

    Returns:
        What `--json` prints: `sources`, `overall`, `excluded`.
    """
    parts = parts_of(table["prompt_key"].tolist(), seed, N_PARTS)
    measured: dict[str, dict[str, Stability]] = {}
    excluded: dict[str, str] = {}
    for source in sorted(table["source"].unique()):
        rows = (table["source"] == source).to_numpy()
        prompts = _sample(table[rows & (parts == HELD_OUT)], seed, n_sample)
        if len(prompts) < MIN_PROMPTS:
            excluded[source] = f"{len(prompts)} held-out questions, fewer than {MIN_PROMPTS}"
            continue
        points: Points = {"floor": (floor, {})} if floor else {}
        tuned = _tuning(table[rows & (parts == TUNING)], predictor, prices)
        if isinstance(tuned, str):
            excluded[f"{source}, savings"] = tuned
        else:
            points |= _savings_points(*tuned)
            for target in sorted(set(TARGETS) - set(points)):
                excluded[f"{source}, {target}"] = (
                    "nothing saves at this quality: one model answers everything"
                )
        if not points:
            continue
        measured[source] = _measure(predictor, points, prompts, seed)
    return {"target": MIN_UNCHANGED, "seed": seed, "excluded": excluded, **_summary(measured, seed)}


def unchanged(
    predictor: Predictor, choices: Mapping[str, Choice], prompts: Sequence[str], *, seed: int
) -> dict[str, NDArray[np.bool_]]:
    """Which choices stay the same under each perturbation.

    Args:
        predictor: Estimates success and length.
        choices: Operating point to the choice made there.
        prompts: Each at least once.
        seed: Of the perturbations.

    Returns:
        For each operating point, shape (n_perturbations, n_prompts), in the order of `PERTURBATIONS`.
    """
    plain = predictor.estimate(prompts)
    before = {name: choice(plain) for name, choice in choices.items()}
    same: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in choices}
    for kind in PERTURBATIONS:
        estimates = predictor.estimate(perturb(prompts, kind, seed=seed))
        for name, choice in choices.items():
            same[name].append(choice(estimates) == before[name])
    return {name: np.stack(rows) for name, rows in same.items()}


def wilson(n_kept: int, n: int) -> Interval:
    """Share with its 95% interval.

    References:
        Wilson (1927), JASA 22, 209-212.
    """
    share, spread = n_kept / n, _Z * _Z / n
    centre = (share + spread / 2) / (1 + spread)
    half = _Z * float(np.sqrt(share * (1 - share) / n + spread / (4 * n))) / (1 + spread)
    return {"value": round(share, 6), "low": round(centre - half, 6), "high": round(centre + half, 6)}


def mean_interval(groups: Sequence[NDArray[np.bool_]], seed: int) -> Interval:
    """Mean over groups of the mean within, with a 95% bootstrap interval over each group's prompts.

    Args:
        groups: Each of shape (n_perturbations, n_prompts).
        seed: Of the resamples.
    """
    generator = np.random.default_rng(seed)
    means = np.zeros(N_RESAMPLES)
    for group in groups:
        share = group.mean(axis=0)
        means += share[generator.integers(len(share), size=(N_RESAMPLES, len(share)))].mean(axis=1)
    low, high = np.quantile(means / len(groups), [0.025, 0.975])
    value = float(np.mean([group.mean() for group in groups]))
    return {"value": round(value, 6), "low": round(float(low), 6), "high": round(float(high), 6)}


def _measure(
    predictor: Predictor,
    points: Points,
    prompts: Sequence[str],
    seed: int,
) -> dict[str, Stability]:
    choices = {name: choice for name, (choice, _) in points.items()}
    same = unchanged(predictor, choices, prompts, seed=seed)
    plain = predictor.estimate(prompts)
    return {
        name: Stability(
            same[name], float(np.unique(choice(plain), return_counts=True)[1].max() / len(prompts)), facts
        )
        for name, (choice, facts) in points.items()
    }


def _savings_points(pool: Pool, estimates: Estimates, adequate: FloatArray) -> Points:
    """The choice that costs least at each target of quality; no entry where none saves."""
    found = {name: operating_point(pool, estimates, adequate, share) for name, share in TARGETS.items()}
    return {
        name: (
            pool.choice(trade_off),
            {"n_models": len(pool.columns), "success_per_usd": round(trade_off, 6)},
        )
        for name, trade_off in found.items()
        if trade_off is not None
    }


def _tuning(
    tuning: pd.DataFrame, predictor: Predictor, prices: Prices
) -> tuple[Pool, Estimates, FloatArray] | str:
    """Candidates of a source, and the tuning prompts that all of them answered; or why there are none."""
    is_known = tuning["reference_model"].isin(predictor.models) & tuning["model_canonical"].isin(
        list(prices.of)
    )
    tuning = tuning[is_known]
    counts = tuning.groupby("reference_model")["prompt"].nunique()
    models = sorted(counts.index[counts >= MIN_COVERAGE * counts.max()]) if len(counts) else []
    if len(models) < 2:
        return f"{len(models)} priced models that the classifier knows, fewer than 2"
    prompts = sorted(tuning["prompt"].unique())
    adequate = cell_means(tuning[tuning["reference_model"].isin(models)], prompts, models, "adequate")
    complete = np.asarray(~np.isnan(adequate).any(axis=1), dtype=np.bool_)
    if complete.sum() < MIN_PROMPTS:
        return f"{complete.sum()} tuning prompts that every model answered, fewer than {MIN_PROMPTS}"
    answered = [prompt for prompt, keep in zip(prompts, complete.tolist(), strict=True) if keep]
    pool = _pool(tuning, models, adequate[complete].mean(axis=0), predictor, prices)
    return pool, predictor.estimate(answered), adequate[complete]


def _pool(
    table: pd.DataFrame,
    models: Sequence[str],
    quality: FloatArray,
    predictor: Predictor,
    prices: Prices,
) -> Pool:
    """The priced models; the best single one is that of most quality, the cheaper of equals."""
    canonical = dict(zip(table["reference_model"], table["model_canonical"], strict=True))
    paid: FloatArray = np.array([prices.of[canonical[model]] for model in models], dtype=np.float64)
    columns: IndexArray = np.array([predictor.models.index(model) for model in models], dtype=np.intp)
    best = int(np.lexsort((paid[:, 1], -quality))[0])
    return Pool(columns, paid[:, 0] / _MTOK, paid[:, 1] / _MTOK, best)


def _sample(table: pd.DataFrame, seed: int, n_sample: int) -> list[str]:
    """One prompt of each question, sorted; at most `n_sample` of them, drawn by the seed."""
    prompts = sorted(table.sort_values("prompt").drop_duplicates("prompt_key")["prompt"].unique())
    if len(prompts) <= n_sample:
        return prompts
    drawn = np.random.default_rng(seed).choice(len(prompts), n_sample, replace=False)
    return [prompts[place] for place in sorted(drawn.tolist())]


def _summary(measured: Mapping[str, Mapping[str, Stability]], seed: int) -> dict[str, Any]:
    """Each source's shares and the means over sources, at each operating point."""
    sources = {
        source: {name: _shares(stability, seed) for name, stability in points.items()}
        for source, points in measured.items()
    }
    overall = {}
    for name in (*TARGETS, "floor"):
        groups = [points[name].same for points in measured.values() if name in points]
        if groups:
            kinds = {
                kind: mean_interval([group[[row]] for group in groups], seed)
                for row, kind in enumerate(PERTURBATIONS)
            }
            overall[name] = {"unchanged": mean_interval(groups, seed), "perturbations": kinds}
    return {"sources": sources, "overall": overall}


def _shares(stability: Stability, seed: int) -> dict[str, Any]:
    same = stability.same
    return {
        "n_prompts": same.shape[1],
        **stability.facts,
        "commonest_choice": round(stability.commonest, 6),
        "unchanged": mean_interval([same], seed),
        "perturbations": {
            kind: wilson(sum(row), len(row)) for kind, row in zip(PERTURBATIONS, same.tolist(), strict=True)
        },
    }
