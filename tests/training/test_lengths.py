"""Expected answer lengths: right in sum, bounded, and sane where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from clearway.features import FeatureSpecification
from training.dataset import FloatArray, Matrix, TrainingSet, build
from training.learner import LengthModel


@pytest.fixture(scope="module")
def data(answers: pd.DataFrame) -> TrainingSet:
    """All answers as arrays."""
    table = answers.assign(adequate=answers["score"] >= 1, reference_model=answers["model_canonical"])
    return build(table, ["strong", "tiny", "weak"], FeatureSpecification())


def _drawn(n: int, seed: int) -> tuple[Matrix, FloatArray]:
    """Lengths that a prompt's features move by factors, as long-tailed as real ones, for four models."""
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((n, 10)) / np.sqrt(10)
    mean = np.exp(rows[:, :1] * 3) * np.array([20.0, 100.0, 300.0, 900.0])
    return scipy.sparse.csr_matrix(rows), np.ceil(mean * generator.lognormal(-0.18, 0.6, mean.shape))


def test_memorises_lengths() -> None:
    """With hardly any penalty the lengths of one batch are learned by heart."""
    tokens = np.array([[10.0, 20.0], [510.0, 40.0], [10.0, 900.0], [77.0, 8.0]])
    X = scipy.sparse.csr_matrix(np.eye(4))  # noqa: N806
    predicted = LengthModel(penalty=1e-6, max_iter=400).fit(X, tokens).predict_output_tokens(X)
    assert np.abs(predicted / tokens - 1).max() < 0.05


@pytest.mark.parametrize("penalty", [0.5, 5.0, 1e6])
def test_sums_are_right_in_training(data: TrainingSet, penalty: float) -> None:
    """The predicted total of each model is the observed one within 1 percent, whatever the penalty."""
    predicted = LengthModel(n_skills=4, penalty=penalty).fit(data.features, data.output_tokens)
    totals = predicted.predict_output_tokens(data.features).sum(axis=0)
    assert totals == pytest.approx(data.output_tokens.sum(axis=0), rel=0.01)


def test_sums_are_right_on_new_prompts() -> None:
    """Within 10 percent for each model, however long the tail."""
    X, tokens = _drawn(2000, seed=0)  # noqa: N806
    fresh, observed = _drawn(4000, seed=1)
    predicted = LengthModel(n_skills=3, penalty=5.0).fit(X, tokens).predict_output_tokens(fresh)
    assert predicted.sum(axis=0) == pytest.approx(observed.sum(axis=0), rel=0.1)


def test_cells_that_are_unknown_do_not_count() -> None:
    """A model with a quarter of its lengths known is right in sum over those."""
    X, tokens = _drawn(400, seed=0)  # noqa: N806
    tokens[np.arange(400) % 4 > 0, 1] = np.nan
    predicted = LengthModel(n_skills=3, penalty=5.0).fit(X, tokens).predict_output_tokens(X)
    known = ~np.isnan(tokens)
    for place in range(4):
        rows = known[:, place]
        assert predicted[rows, place].sum() == pytest.approx(tokens[rows, place].sum(), rel=0.01)


def test_model_without_lengths_gets_the_mean_of_the_others() -> None:
    """Unknown lengths are the mean over models, not 1 token."""
    X = scipy.sparse.csr_matrix(np.eye(24))  # noqa: N806
    tokens = np.full((24, 2), 100.0)
    tokens[:, 1] = np.nan
    predicted = LengthModel().fit(X, tokens).predict_output_tokens(X)
    assert np.allclose(predicted[:, 1], 100, rtol=0.1)


@pytest.mark.parametrize(("n_tokens", "expected"), [(0.0, 1.0), (1.0, 1.0), (1e9, 2.0**16)])
def test_lengths_stay_in_their_range(n_tokens: float, expected: float) -> None:
    """At least one token, at most 2**16, whatever was counted."""
    X = scipy.sparse.csr_matrix(np.eye(8))  # noqa: N806
    predicted = LengthModel().fit(X, np.full((8, 2), n_tokens)).predict_output_tokens(X)
    assert np.allclose(predicted, expected, rtol=1e-6)


def test_one_endless_answer_does_not_run_away() -> None:
    """A factor of a thousand in one cell moves no other model's total by more than a tenth."""
    X, tokens = _drawn(400, seed=2)  # noqa: N806
    tokens[7, 0] *= 1000
    predicted = LengthModel(n_skills=3, penalty=5.0).fit(X, tokens).predict_output_tokens(X)
    assert np.isfinite(predicted).all()
    assert predicted.sum(axis=0)[1:] == pytest.approx(tokens.sum(axis=0)[1:], rel=0.1)
