"""Penalties by cross-validation over prompt keys: no question is on both sides of a fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeVar

import numpy as np

from training.corpora import parts_of
from training.dataset import FloatArray, Matrix
from training.learner import AdequacyModel, LengthModel

SHARED_PENALTIES = (10.0, 30.0, 100.0)
OWN_PENALTIES = (10.0, 100.0)
_Learner = TypeVar("_Learner", AdequacyModel, LengthModel)


def fit_best(
    learner: type[_Learner],
    X: Matrix,  # noqa: N803
    y: FloatArray,
    keys: Sequence[str],
    *,
    seed: int,
    n_folds: int = 3,
    report: Callable[[str], None] = lambda _: None,
) -> _Learner:
    """Learner with the penalties of the lowest held-out loss, fitted on everything.

    Args:
        learner: Class to fit.
        X: Shape (n_prompts, n_features).
        y: Shape (n_prompts, n_models); NaN where unknown.
        keys: Prompt keys, one for each row.
        seed: Of the folds.
        n_folds: At least 2.
        report: Told what is being done.
    """
    folds = parts_of(keys, seed + 1, n_folds)
    best: tuple[float, float, float] | None = None
    for shared, own in product(SHARED_PENALTIES, OWN_PENALTIES):
        loss = sum(
            _held_out_loss(
                learner(shared, own).fit(X[folds != fold], y[folds != fold]),
                X[folds == fold],
                y[folds == fold],
            )
            for fold in range(n_folds)
            if 0 < (folds == fold).sum() < len(folds)
        )
        report(f"{learner.__name__}: shared penalty {shared:g}, own penalty {own:g}: loss {loss:.1f}")
        best = min(best or (np.inf, 0.0, 0.0), (loss, shared, own))
    assert best is not None  # noqa: S101 - the grid is not empty
    return learner(best[1], best[2]).fit(X, y)


def _held_out_loss(fitted: AdequacyModel | LengthModel, X: Matrix, y: FloatArray) -> float:  # noqa: N803
    known = ~np.isnan(y)
    if isinstance(fitted, LengthModel):
        y = np.log2(np.maximum(y, 1.0))
    return fitted.loss(fitted.decision_function(X)[known], y[known])[0]
