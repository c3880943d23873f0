"""The penalty, by its loss on held-out prompt keys: no question is on both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from training.corpora import parts_of
from training.dataset import FloatArray, Matrix
from training.learner import AdequacyModel, LengthModel

# From strong to weak; the search ends where a weaker one is clearly worse: few answers learn nothing, and all
# lose the same, until the penalty is weak enough.
PENALTIES = (80.0, 40.0, 20.0, 14.0, 10.0, 5.0)
_CLEARLY = 1e-3
N_PARTS = 4
# With fewer known cells one part says little, and learning is quick: every part is held out once.
FEW_CELLS = 20_000
_Learner = TypeVar("_Learner", AdequacyModel, LengthModel)


def fit_best(
    learner: type[_Learner],
    X: Matrix,  # noqa: N803
    y: FloatArray,
    keys: Sequence[str],
    *,
    seed: int,
    report: Callable[[str], None] = lambda _: None,
) -> _Learner:
    """Learner with the penalty of the lowest held-out loss, fitted on everything.

    Args:
        learner: Class to fit.
        X: Shape (n_prompts, n_features).
        y: Shape (n_prompts, n_models); NaN where unknown.
        keys: Prompt keys, one for each row.
        seed: Of the held-out part.
        report: Told what is being done.
    """
    parts = parts_of(keys, seed + 1, N_PARTS)
    turns = range(N_PARTS if np.count_nonzero(~np.isnan(y)) < FEW_CELLS else 1)
    known: NDArray[np.bool_] = np.asarray(~np.isnan(y).all(axis=1))
    sides = [(parts != part, parts == part) for part in turns]
    sides = [(rest, held_out) for rest, held_out in sides if known[rest].any() and known[held_out].any()]
    if not sides:
        return learner().fit(X, y)
    best = (np.inf, PENALTIES[0])
    for penalty in PENALTIES:
        loss = sum(
            _held_out_loss(learner(penalty=penalty).fit(X[rest], y[rest]), X[held_out], y[held_out])
            for rest, held_out in sides
        )
        report(f"{learner.__name__}: penalty {penalty:g}: held-out loss {loss:.1f}")
        if loss > best[0] + _CLEARLY * abs(best[0]):
            break
        if loss < best[0]:
            best = (loss, penalty)
    return learner(penalty=best[1]).fit(X, y)


def _held_out_loss(fitted: AdequacyModel | LengthModel, X: Matrix, y: FloatArray) -> float:  # noqa: N803
    known = ~np.isnan(y)
    target = y / fitted.mean_ if isinstance(fitted, LengthModel) else y
    return fitted.loss(fitted.decision_function(X)[known], target[known])[0]
