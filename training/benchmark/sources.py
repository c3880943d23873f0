"""Everything that is measured on one source of a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from training import corpora
from training.benchmark import blocks, measures, pairs
from training.benchmark.neighbours import neighbour_success
from training.benchmark.resampling import question_weights
from training.benchmark.savings import MIN_TRAINING_PROMPTS, Comparison
from training.dataset import FloatArray, cell_means, locate


@dataclass(frozen=True)
class Sides:
    """Rows of one source on both sides, from `blocks.with_prices`, with predictions.

    Attributes:
        train: Predictions out of fold; may be empty.
        test: Not empty.
    """

    train: pd.DataFrame
    test: pd.DataFrame


def measure_source(sides: Sides, *, is_priced: bool, seed: int) -> dict[str, Any]:
    """Probabilities, cost and savings, beside baselines.

    Args:
        sides: Of the source.
        is_priced: False when no prices were given: no savings.
        seed: Of the bootstrap and of the folds of kNN.
    """
    sides, n_neighbours = with_neighbours(sides, seed)
    test = sides.test
    predictors = {
        name: test[name].to_numpy(dtype=np.float64)
        for name in ("success", "neighbours", "shuffled")
        if name in test.columns
    }
    metrics = measures.probability_metrics(test, predictors, seed=seed)
    adequate = test["adequate"].to_numpy(dtype=np.float64)
    return {
        "n_prompts": int(test["prompt_id"].nunique()),
        "n_questions": int(test["prompt_key"].nunique()),
        "n_answers": len(test),
        "n_models": int(test["reference_model"].nunique()),
        "n_training_answers": len(sides.train),
        "mean_adequate": round(float(adequate.mean()), 6),
        "share_outside": round(float(test.drop_duplicates("prompt")["outside"].mean()), 6),
        "n_neighbours": n_neighbours,
        "metrics": metrics,
        "calibration_target": measures.calibration_target(len(test), metrics["success"]["ece"]),
        "reliability": measures.reliability(predictors["success"], adequate),
        "cost_error": measures.cost_error(test, seed=seed),
        "savings": _savings(sides, seed) if is_priced else {"left_out": "no prices were given"},
        "pair": _pair(sides, seed),
    }


def with_neighbours(sides: Sides, seed: int) -> tuple[Sides, int | None]:
    """Both sides with the success of kNN, and its k; without it where there is nothing to be near to."""
    train, test = sides.train, sides.test
    if train["prompt"].nunique() < MIN_TRAINING_PROMPTS:
        return sides, None
    keys = train.groupby("prompt")["prompt_key"].min().sort_index()
    models = sorted(set(train["reference_model"]) | set(test["reference_model"]))
    prompts, asked = tuple(keys.index), tuple(sorted(test["prompt"].unique()))
    outside, inside, k = neighbour_success(
        prompts, tuple(keys), cell_means(train, prompts, models, "adequate"), asked, seed=seed
    )
    return Sides(
        train.assign(neighbours=_at(inside, train, prompts, models)),
        test.assign(neighbours=_at(outside, test, asked, models)),
    ), k


def _at(
    success: FloatArray, table: pd.DataFrame, prompts: Sequence[str], models: Sequence[str]
) -> FloatArray:
    row, column = locate(table, prompts, models)
    cells: FloatArray = success[row, column]
    return cells


def _savings(sides: Sides, seed: int) -> dict[str, Any]:
    """Savings by adequacy and, where scores are not all 0 or 1 by the source's rule, by mean score too."""
    basis = blocks.basis_of(sides.test)
    test = blocks.with_spend(sides.test, basis)
    parts = [test]
    if sides.train["prompt_id"].nunique() >= MIN_TRAINING_PROMPTS:
        parts.append(blocks.with_spend(sides.train, basis))
    models, left_out = blocks.candidates(parts)
    facts = {"cost_basis": blocks.BASES[basis], "models_left_out": left_out}
    if test["expected_output_tokens"].isna().all() and basis != "assumed":
        return {**facts, "left_out": measures.NO_LENGTHS}
    if len(models) < 2:
        return {**facts, "left_out": "fewer than two models have a price and a known cost"}
    made = [blocks.build_block(part, models) for part in parts]
    train = made[1] if len(made) > 1 and len(made[1].keys) >= MIN_TRAINING_PROMPTS else None
    if len(made[0].keys) < 2 or made[0].cells["spend"].sum() <= 0:
        return {**facts, "left_out": "fewer than two prompts were answered by every model at a cost"}
    qualities = ["adequate"] if _is_verdict(test) else ["adequate", "score"]
    return {**facts, "by": [Comparison(made[0], train, quality, seed).report() for quality in qualities]}


def _is_verdict(table: pd.DataFrame) -> bool:
    """Whether the score is the adequacy itself."""
    return bool((np.abs(table["score"] - table["adequate"]) <= corpora.TOLERANCE).all())


def _pair(sides: Sides, seed: int) -> dict[str, Any] | None:
    """APGR and CPT of a source of two models; None for others. The strong one is the better in training."""
    models = tuple(sorted(sides.test["reference_model"].unique()))
    if len(models) != 2:
        return None
    test = blocks.build_block(sides.test.assign(spend=0.0, expected_spend=0.0), models)
    known = sides.train if set(sides.train["reference_model"]) >= set(models) else sides.test
    means = known.groupby("reference_model")["score"].mean()
    strong = int(means[models[1]] > means[models[0]])
    gain = test.cells["score"][:, strong] - test.cells["score"][:, 1 - strong]
    weights = question_weights(test.keys, seed)
    return {
        "strong": models[strong],
        "weak": models[1 - strong],
        **{
            name: pairs.pair_metrics(cells[:, strong] - cells[:, 1 - strong], gain, weights)
            for name, cells in test.cells.items()
            if name in ("success", "neighbours", "shuffled")
        },
        "oracle": pairs.pair_metrics(gain, gain, weights),
    }
