"""The learners: what a prompt demands of a few latent skills, and what each model has of them.

score(prompt, model) = intercept of the model + loadings of the model . skills of the prompt; the skills are
linear in the features. One matrix of weights of low rank thus serves all models: a model with few answers
borrows the text side from the others, and a new one needs its loadings only.

The two squared penalties together are the nuclear norm of that matrix, which itself chooses how many skills
are used (Srebro, Rennie, Jaakkola 2004, "Maximum-margin matrix factorization", section 3).

A prompt also has effects of its own, which its text does not tell. While learning they are parameters,
so that thirty answers to one prompt are not taken for thirty prompts; for a new prompt they are unknown, and
its probabilities are drawn towards the middle by as much as they vary.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from clearway.errors import TrainingDataError
from clearway.features import N_HASHED
from training.dataset import FloatArray, IndexArray, Matrix

# Answer lengths are learned through their logarithm; this bounds a mean length, in log2 tokens.
MAX_LOG2_TOKENS = 16.0
# Scores of lengths stay within this factor (as a natural logarithm) of the model's mean.
_MAX_LENGTH_SCORE = 5.0
# The intercept of a model is hardly penalised: it carries the model's mean.
_INTERCEPT_PENALTY = 0.1
_PSEUDO_ANSWERS = 0.5
# How much more freely the models' mean loadings move than each model's own: a model that was graded on one
# kind of prompts inherits from the others how the rest moves it.
_COMMON_LOADINGS = 1.0


@dataclass(frozen=True)
class _Cells:
    """The known cells of a matrix of prompts and models."""

    place: IndexArray
    target: FloatArray

    @classmethod
    def of(cls, matrix: FloatArray) -> _Cells:
        flat = matrix.ravel()
        place = np.flatnonzero(~np.isnan(flat))
        return cls(place, flat[place])


class SkillsModel(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn has no types
    """Low-rank regression of a partly known matrix of prompts and models.

    Args:
        n_skills: At least 1, and no more are learned than there are models; more than the penalty leaves in
            use cost time and change nothing.
        penalty: Of weights and loadings alike, positive.
        effects: How strongly a prompt's own effects count, beside features of length 1; 0 for none.
        max_iter: Steps of L-BFGS, at least 1.
        seed: Of the loadings that the search starts from.

    Attributes:
        rank_: Skills learned.
        skills_: Shape (n_features, rank_): what each feature demands.
        loadings_: Shape (n_models, rank_): how each model's score moves with each demand.
        intercept_: Shape (n_models,).
    """

    _MAX_TARGET = 1e9
    skills_: FloatArray
    loadings_: FloatArray
    intercept_: FloatArray

    def __init__(
        self,
        n_skills: int = 12,
        penalty: float = 40.0,
        effects: float = 0.0,
        max_iter: int = 80,
        seed: int = 0,
    ) -> None:
        self.n_skills = n_skills
        self.penalty = penalty
        self.effects = effects
        self.max_iter = max_iter
        self.seed = seed

    def fit(self, X: Matrix, y: FloatArray) -> Self:  # noqa: N803
        """Learn from the known cells.

        Args:
            X: Shape (n_prompts, n_features), CSR.
            y: Shape (n_prompts, n_models); NaN where unknown.

        Raises:
            TrainingDataError: Shapes differ, a parameter or a target is out of range, or nothing is known.
        """
        self._check(X, y)
        blocks = _Blocks.of(X)
        self.start_, self.rank_ = self._start(y), min(self.n_skills, y.shape[1])
        theta, own = self._minimise(blocks, _Cells.of(y), y.shape)
        skills, loadings, self.intercept_ = self._unpack(theta, y.shape[1])
        self._average(_drawn_together(loadings), own.var(axis=0))
        skills, self.loadings_ = _principal(skills, self.loadings_)
        self.skills_ = np.zeros((X.shape[1], self.rank_))
        self.skills_[blocks.seen] = skills
        return self

    def refit(self, X: Matrix, y: FloatArray) -> Self:  # noqa: N803
        """A new learner with the same parameters, fitted on other data."""
        fresh: Self = clone(self).fit(X, y)
        return fresh

    def transform(self, X: Matrix) -> FloatArray:  # noqa: N803
        """What each prompt demands of each skill, shape (n_prompts, rank_)."""
        check_is_fitted(self, "loadings_")
        return np.asarray(X @ self.skills_)

    def decision_function(self, X: Matrix) -> FloatArray:  # noqa: N803
        """Scores, shape (n_prompts, n_models)."""
        scores: FloatArray = self.transform(X) @ self.loadings_.T + self.intercept_
        return scores

    @abstractmethod
    def loss(self, score: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        """Loss of known cells, and its slope."""

    @abstractmethod
    def _start(self, y: FloatArray) -> FloatArray:
        """Intercepts that give each model's mean without any skill, shape (n_models,)."""

    @abstractmethod
    def _average(self, loadings: FloatArray, variance: FloatArray) -> None:
        """Loadings (and intercepts) for a prompt whose own effects are unknown.

        Args:
            loadings: Shape (n_models, rank_), as learned.
            variance: Shape (rank_,); of the training prompts' own effects.
        """

    def _check(self, X: Matrix, y: FloatArray) -> None:  # noqa: N803
        if X.shape[0] != y.shape[0]:
            raise TrainingDataError(f"y: expected {X.shape[0]} prompts, got {y.shape[0]}")
        if not (self.penalty > 0 and self.n_skills >= 1 and self.max_iter >= 1):
            raise TrainingDataError("penalty, n_skills, max_iter: expected positive numbers, got another")
        if not self.effects >= 0:
            raise TrainingDataError("effects: expected 0 or a positive number, got another")
        if np.isnan(y).all():
            raise TrainingDataError("y: expected at least one known cell, got none")
        if np.nanmin(y) < 0 or np.nanmax(y) > self._MAX_TARGET:
            raise TrainingDataError(f"y: expected numbers from 0 to {self._MAX_TARGET:g}, got another")

    def _minimise(
        self, blocks: _Blocks, cells: _Cells, shape: tuple[int, ...]
    ) -> tuple[FloatArray, FloatArray]:
        """Parameters of the models and the text side, and the prompts' own effects."""
        n_prompts, n_models = shape
        start = self._first(blocks.n_features, n_models)
        cut, slopes = len(start), np.zeros(n_prompts * n_models)
        stiffness = self.penalty / self.effects if self.effects else 0.0

        def objective(values: FloatArray) -> tuple[float, FloatArray]:
            theta, own = values[:cut], values[cut:].reshape(-1, self.rank_)
            weights, own_loadings, intercept = self._unpack(theta, n_models)
            loadings = _drawn_together(own_loadings)
            demands = blocks.times(weights) + (own if len(own) else 0.0)
            scores = demands @ loadings.T + intercept
            loss, slopes[cells.place] = self.loss(scores.ravel()[cells.place], cells.target)
            slope = slopes.reshape(n_prompts, n_models)
            away, pull = intercept - self.start_, slope @ loadings
            size = float(self.penalty * (theta @ theta - intercept @ intercept))
            size += float(_INTERCEPT_PENALTY * (away @ away) + stiffness * (values[cut:] @ values[cut:]))
            gradient: list[FloatArray] = [
                (blocks.transposed_times(pull) + self.penalty * weights).ravel(),
                (_drawn_together(slope.T @ demands) + self.penalty * own_loadings).ravel(),
                slope.sum(axis=0) + _INTERCEPT_PENALTY * away,
                (pull + stiffness * own).ravel() if len(own) else np.zeros(0),
            ]
            return loss + size / 2, np.concatenate(gradient)

        n_own = n_prompts * self.rank_ if self.effects else 0
        found = minimised(objective, np.concatenate([start, np.zeros(n_own)]), self.max_iter)
        own = found[cut:].reshape(-1, self.rank_) if n_own else np.zeros((1, self.rank_))
        return found[:cut], own

    def _first(self, n_features: int, n_models: int) -> FloatArray:
        """Where the search starts: one skill shared by all models, the others small and random."""
        generator = np.random.default_rng(self.seed)
        loadings = 0.3 * generator.standard_normal((n_models, self.rank_))
        loadings[:, 0] = 1.0
        weights = 0.01 * generator.standard_normal((n_features, self.rank_))
        return np.concatenate([weights.ravel(), loadings.ravel(), self.start_])

    def _unpack(self, theta: FloatArray, n_models: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        cut = len(theta) - n_models * (self.rank_ + 1)
        weights = theta[:cut].reshape(-1, self.rank_)
        return weights, theta[cut:-n_models].reshape(n_models, self.rank_), theta[-n_models:]


class AdequacyModel(SkillsModel):
    """Logistic: the chance that each model answers adequately."""

    _MAX_TARGET = 1.0

    def __init__(
        self,
        n_skills: int = 24,
        penalty: float = 40.0,
        effects: float = 5.0,
        max_iter: int = 80,
        seed: int = 0,
    ) -> None:
        super().__init__(n_skills, penalty, effects, max_iter, seed)

    def loss(self, score: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        """Cross-entropy for targets in [0, 1], and its slope."""
        return float((np.logaddexp(0.0, score) - target * score).sum()), expit(score) - target

    def _start(self, y: FloatArray) -> FloatArray:
        known = ~np.isnan(y)
        n_adequate = np.where(known, y, 0.0).sum(axis=0) + _PSEUDO_ANSWERS
        n_inadequate = known.sum(axis=0) + 2 * _PSEUDO_ANSWERS - n_adequate
        odds: FloatArray = np.log(n_adequate / n_inadequate)
        return odds

    def _average(self, loadings: FloatArray, variance: FloatArray) -> None:
        # The mean of a logistic over a normal score (MacKay 1992, "The evidence framework applied to
        # classification networks", section 4).
        shrinkage = 1 / np.sqrt(1 + np.pi / 8 * (loadings**2 @ variance))
        self.loadings_ = loadings * shrinkage[:, None]
        self.intercept_ = self.intercept_ * shrinkage

    def predict_success(self, X: Matrix) -> FloatArray:  # noqa: N803
        """Chance of an adequate answer, shape (n_prompts, n_models), in (0, 1)."""
        probability: FloatArray = expit(self.decision_function(X))
        return probability

    def onboard(self, X: Matrix, adequate: FloatArray) -> Self:  # noqa: N803
        """A learner of one new model: its loadings and intercept, the text side as it is.

        The known models' loadings are the prior: normal, with their mean and covariance, so that a handful
        of answers moves the new model little from a typical one.

        Args:
            X: Shape (n_prompts, n_features): the prompts it answered.
            adequate: Shape (n_prompts,), in [0, 1].

        Raises:
            TrainingDataError: No answer, or a verdict outside [0, 1].
        """
        if not len(adequate):
            raise TrainingDataError("adequate: expected at least one graded answer, got none")
        if not ((adequate >= 0) & (adequate <= 1)).all():
            raise TrainingDataError("adequate: expected verdicts from 0 to 1, got another")
        demands = np.column_stack([self.transform(X), np.ones(len(adequate))])
        known = np.column_stack([self.loadings_, self.intercept_])
        mean = known.mean(axis=0)
        own = [_ONBOARDING_SPREAD] * self.loadings_.shape[1] + [_ONBOARDING_LEVEL]
        spread = np.cov(known.T, ddof=0) + np.diag(own)
        precision = np.linalg.inv(spread)

        def objective(theta: FloatArray) -> tuple[float, FloatArray]:
            loss, slope = self.loss(demands @ theta, adequate)
            pull = precision @ (theta - mean)
            return loss + float((theta - mean) @ pull) / 2, demands.T @ slope + pull

        theta = minimised(objective, mean, 200)
        fresh: Self = clone(self)
        fresh.rank_, fresh.skills_ = self.rank_, self.skills_
        fresh.loadings_, fresh.intercept_ = theta[None, :-1], theta[-1:]
        return fresh


# Variance added to the known models' in each direction, so that few models do not pin a new one down.
_ONBOARDING_SPREAD = 0.01
# That of the intercept: a new model may be far better or worse than all known ones.
_ONBOARDING_LEVEL = 1.0


class LengthModel(SkillsModel):
    """Poisson regression of answer lengths relative to each model's mean, so that sums come out right.

    A model without any known length keeps the mean over all models.
    """

    def loss(self, score: FloatArray, target: FloatArray) -> tuple[float, FloatArray]:
        """Poisson deviance but for a constant, and its slope; scores are logarithms of a factor."""
        bounded = np.clip(score, -_MAX_LENGTH_SCORE, _MAX_LENGTH_SCORE)
        factor = np.exp(bounded)
        # Beyond the bounds the loss goes on as a straight line.
        return float((factor * (1 + score - bounded) - target * score).sum()), factor - target

    def fit(self, X: Matrix, y: FloatArray) -> Self:  # noqa: N803
        """Learn from mean output tokens, shape (n_prompts, n_models), at least 0; NaN where unknown."""
        self._check(X, y)
        known = ~np.isnan(y)
        total, n = np.where(known, y, 0.0).sum(axis=0), known.sum(axis=0)
        overall = max(float(total.sum() / n.sum()), 1.0)
        self.mean_ = np.where(n > 0, np.maximum(total / np.maximum(n, 1), 1.0), overall)
        return super().fit(X, y / self.mean_)

    def _start(self, y: FloatArray) -> FloatArray:
        return np.zeros(y.shape[1])

    def _average(self, loadings: FloatArray, variance: FloatArray) -> None:
        # The mean of the exponential of a normal score.
        self.loadings_ = loadings
        self.intercept_ = self.intercept_ + loadings**2 @ variance / 2

    def log2_tokens(self, X: Matrix) -> FloatArray:  # noqa: N803
        """log2 of expected tokens, shape (n_prompts, n_models), not yet bounded."""
        tokens: FloatArray = self.decision_function(X) / np.log(2.0) + np.log2(self.mean_)
        return tokens

    def predict_output_tokens(self, X: Matrix) -> FloatArray:  # noqa: N803
        """Expected tokens, shape (n_prompts, n_models), in [1, 2**16]."""
        tokens: FloatArray = np.exp2(np.clip(self.log2_tokens(X), 0.0, MAX_LOG2_TOKENS))
        return tokens


@dataclass(frozen=True)
class _Blocks:
    """The features as their sparse and their dense part, without the words that never occur.

    Attributes:
        words: Shape (n_prompts, n_words), CSR.
        words_transposed: Its transpose, CSR.
        waves: Shape (n_prompts, n_waves).
        seen: Shape (n_words + n_waves,); which features these are.
    """

    words: Matrix
    words_transposed: Matrix
    waves: FloatArray
    seen: IndexArray

    @classmethod
    def of(cls, X: Matrix) -> _Blocks:  # noqa: N803
        occurring = np.unique(X[:, :N_HASHED].indices)
        words = X[:, occurring].tocsr()
        seen = np.concatenate([occurring, np.arange(N_HASHED, X.shape[1])])
        return cls(words, words.T.tocsr(), X[:, N_HASHED:].toarray(), seen)

    @property
    def n_features(self) -> int:
        return len(self.seen)

    def times(self, weights: FloatArray) -> FloatArray:
        cut = self.words.shape[1]
        product: FloatArray = self.words @ weights[:cut] + self.waves @ weights[cut:]
        return product

    def transposed_times(self, values: FloatArray) -> FloatArray:
        return np.vstack([self.words_transposed @ values, self.waves.T @ values])


def _drawn_together(loadings: FloatArray) -> FloatArray:
    """Each model's loadings and a multiple of their mean; symmetric, so that slopes go the same way."""
    together: FloatArray = loadings + _COMMON_LOADINGS * loadings.mean(axis=0)
    return together


def _principal(weights: FloatArray, loadings: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same product with orthogonal skills, the strongest first, each sign such that most models gain."""
    left, upper = np.linalg.qr(weights)
    inner, strength, right = np.linalg.svd(upper @ loadings.T, full_matrices=False)
    signed = np.sqrt(strength) * np.where(right.sum(axis=1) < 0, -1.0, 1.0)
    skills, turned = np.zeros_like(weights), np.zeros_like(loadings)
    skills[:, : len(signed)] = left @ (inner * signed)
    turned[:, : len(signed)] = (right * signed[:, None]).T
    return skills, turned


def minimised(
    objective: Callable[[FloatArray], tuple[float, FloatArray]], start: FloatArray, max_iter: int
) -> FloatArray:
    """Where L-BFGS ends."""
    options: dict[str, Any] = {"maxiter": max_iter, "maxcor": 10, "ftol": 1e-9, "gtol": 1e-5}
    found: FloatArray = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    return found
