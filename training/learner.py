"""The learners: how hard a prompt is for all models, then where each model departs from that.

Most models were graded on few sources (GPT-4o on school and competition maths only), so separate regressions
would not be comparable: each would carry the mix of its own sources. Here every model shares the weights of
the words, keeps an intercept of its own, and departs from the shared shape only by strongly penalised weights
on the indicator slots. A model with few prompts therefore inherits the shared shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from clearway.errors import TrainingDataError
from clearway.features import N_HASHED
from training.dataset import FloatArray, IndexArray, Matrix

# Answer lengths are learned as log2; these bound a mean length, and the table that undoes the logarithm.
MAX_LOG2_TOKENS = 16.0
Loss = Callable[[FloatArray, FloatArray], tuple[float, FloatArray]]


@dataclass(frozen=True)
class _Cells:
    """The known cells of a matrix of prompts and models."""

    row: IndexArray
    column: IndexArray
    target: FloatArray

    @classmethod
    def of(cls, matrix: FloatArray) -> _Cells:
        row, column = np.nonzero(~np.isnan(matrix))
        return cls(row, column, matrix[row, column])


class _SharedShape(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """score(prompt, model) = intercept of the model + shared weights . x + own weights . indicators(x).

    Fitted in two convex steps by L-BFGS: shared weights and intercepts together, then each model's own
    weights with the first step as a fixed offset. The optimum of each step is unique.

    Attributes:
        shared_: Shape (n_features,).
        own_: Shape (n_models, n_indicators).
        intercept_: Shape (n_models,).
    """

    loss: Loss

    def __init__(self, shared_penalty: float = 30.0, own_penalty: float = 30.0, max_iter: int = 400) -> None:
        self.shared_penalty = shared_penalty
        self.own_penalty = own_penalty
        self.max_iter = max_iter

    def fit(self, X: Matrix, y: FloatArray) -> Self:  # noqa: N803
        """Learn from the known cells.

        Args:
            X: Shape (n_prompts, n_features), CSR.
            y: Shape (n_prompts, n_models); NaN where unknown.

        Raises:
            TrainingDataError: Shapes differ, a penalty is not positive, or nothing is known.
        """
        if X.shape[0] != y.shape[0]:
            raise TrainingDataError(f"y: expected {X.shape[0]} prompts, got {y.shape[0]}")
        if min(self.shared_penalty, self.own_penalty) <= 0:
            raise TrainingDataError("penalties: expected positive numbers, got another")
        cells = _Cells.of(y)
        if not len(cells.target):
            raise TrainingDataError("y: expected at least one known cell, got none")
        self.shared_, self.intercept_ = self._fit_shared(X, cells, y.shape[1])
        self.own_ = self._fit_own(X, cells, y.shape[1])
        return self

    def refit(self, X: Matrix, y: FloatArray) -> Self:  # noqa: N803
        """A new learner with the same parameters, fitted on other data."""
        fresh: Self = clone(self).fit(X, y)
        return fresh

    @property
    def coef_(self) -> FloatArray:
        """Shape (n_models, n_features): all weights folded into one linear map."""
        check_is_fitted(self, "own_")
        coef = np.tile(self.shared_, (len(self.intercept_), 1))
        coef[:, N_HASHED:] += self.own_
        return coef

    def decision_function(self, X: Matrix) -> FloatArray:  # noqa: N803
        """Linear scores, shape (n_prompts, n_models)."""
        check_is_fitted(self, "own_")
        scores: FloatArray = (
            (X @ self.shared_)[:, None] + np.asarray(X[:, N_HASHED:] @ self.own_.T) + self.intercept_
        )
        return scores

    def _fit_shared(self, X: Matrix, cells: _Cells, n_models: int) -> tuple[FloatArray, FloatArray]:  # noqa: N803
        n_prompts, n_features = X.shape
        transposed = X.T.tocsr()
        start = np.zeros(n_features + n_models + 1)

        def objective(theta: FloatArray) -> tuple[float, FloatArray]:
            weights, offsets, level = theta[:n_features], theta[n_features:-1], theta[-1]
            loss, slope = self.loss((X @ weights)[cells.row] + offsets[cells.column] + level, cells.target)
            penalty = self.shared_penalty * weights @ weights + offsets @ offsets
            gradient = (
                transposed @ np.bincount(cells.row, slope, n_prompts) + self.shared_penalty * weights,
                np.bincount(cells.column, slope, n_models) + offsets,
                [slope.sum()],
            )
            return float(loss + penalty / 2), np.concatenate(gradient)

        theta = _minimise(objective, start, self.max_iter)
        return theta[:n_features], theta[n_features:-1] + theta[-1]

    def _fit_own(self, X: Matrix, cells: _Cells, n_models: int) -> FloatArray:  # noqa: N803
        indicators = X[:, N_HASHED:]
        common = X @ self.shared_
        own = np.zeros((n_models, indicators.shape[1]))
        for model in range(n_models):
            mine = cells.column == model
            rows = indicators[cells.row[mine]]
            offset = common[cells.row[mine]] + self.intercept_[model]
            own[model] = self._fit_one(rows, offset, cells.target[mine])
        return own

    def _fit_one(self, rows: Matrix, offset: FloatArray, target: FloatArray) -> FloatArray:
        transposed = rows.T.tocsr()

        def objective(weights: FloatArray) -> tuple[float, FloatArray]:
            loss, slope = self.loss(offset + rows @ weights, target)
            penalty = self.own_penalty * weights
            return float(loss + penalty @ weights / 2), transposed @ slope + penalty

        return _minimise(objective, np.zeros(rows.shape[1]), self.max_iter)


class AdequacyModel(_SharedShape):
    """Logistic: the chance that each model answers adequately."""

    @staticmethod
    def loss(score: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        """Cross-entropy for targets in [0, 1], and its slope."""
        return float((np.logaddexp(0.0, score) - target * score).sum()), expit(score) - target

    def predict_success(self, X: Matrix) -> FloatArray:  # noqa: N803
        """Chance of an adequate answer, shape (n_prompts, n_models), in (0, 1)."""
        probability: FloatArray = expit(self.decision_function(X))
        return probability


class LengthModel(_SharedShape):
    """Least squares on log2 of the answer's tokens, with each model's mean put right afterwards.

    A model without any known length keeps the mean over all models.

    Attributes:
        smearing_: Shape (n_models,); added to the scores, which are means of log2, to give log2 of means.
    """

    def fit(self, X: Matrix, y: FloatArray) -> Self:  # noqa: N803
        """Learn from mean output tokens, shape (n_prompts, n_models), at least 0; NaN where unknown."""
        super().fit(X, np.log2(np.maximum(y, 1.0)))
        known = ~np.isnan(y)
        predicted = np.where(known, np.exp2(self.decision_function(X)), 0.0).sum(axis=0)
        observed = np.where(known, y, 0.0).sum(axis=0)
        # The mean of exp2 is not exp2 of the mean: Duan's smearing (1983), one factor for each model.
        self.smearing_ = np.log2(np.clip((observed + 1.0) / (predicted + 1.0), 0.25, 4.0))
        return self

    @staticmethod
    def loss(score: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        """Half the squared error, and its slope."""
        error = score - target
        return float(error @ error) / 2, error

    def predict_output_tokens(self, X: Matrix) -> FloatArray:  # noqa: N803
        """Expected tokens, shape (n_prompts, n_models), in [1, 2**16]."""
        tokens: FloatArray = np.exp2(
            np.clip(self.decision_function(X) + self.smearing_, 0.0, MAX_LOG2_TOKENS)
        )
        return tokens


def _minimise(
    objective: Callable[[FloatArray], tuple[float, FloatArray]], start: FloatArray, max_iter: int
) -> FloatArray:
    options = {"maxiter": max_iter, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-4}
    found: FloatArray = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    return found
