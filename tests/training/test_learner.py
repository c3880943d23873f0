"""The learner memorises, shrinks, and keeps models of different sources comparable."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone

from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, FeatureSpecification
from training.dataset import FloatArray, Matrix, TrainingSet, build, prompt_features, stack
from training.learner import AdequacyModel, LengthModel
from training.selection import fit_best


@pytest.fixture(scope="module")
def data(answers: pd.DataFrame) -> TrainingSet:
    """All answers as arrays."""
    table = answers.assign(adequate=answers["score"] >= 1, reference_model=answers["model_canonical"])
    return build(table, ["strong", "tiny", "weak"], FeatureSpecification())


def _batch(n: int = 24) -> tuple[Matrix, FloatArray]:
    specification = FeatureSpecification()
    letters = "abcdefghijklmnopqrstuvwxyz"  # not numbers: all of one length are one token
    rows = [prompt_features(f"w{letters[index]} o{letters[index]}", specification) for index in range(n)]
    grades = np.random.default_rng(0).integers(0, 2, (n, 2)).astype(float)
    grades[:, 1] = grades[:, 0]
    return stack(rows, specification), grades


def test_memorises_one_batch() -> None:
    """With hardly any penalty the grades of one batch are learned by heart."""
    X, grades = _batch()  # noqa: N806
    success = AdequacyModel(shared_penalty=1e-4, own_penalty=1e-4).fit(X, grades).predict_success(X)
    assert np.abs(success - grades).max() < 0.05


def test_memorises_lengths() -> None:
    """The same for lengths."""
    X, grades = _batch()  # noqa: N806
    tokens = 10.0 + 500.0 * grades
    predicted = LengthModel(shared_penalty=1e-6, own_penalty=1e-4).fit(X, tokens).predict_output_tokens(X)
    assert np.abs(predicted / tokens - 1).max() < 0.05


def test_strong_penalty_leaves_the_model_means(data: TrainingSet) -> None:
    """Without weights, each model's estimate is its mean."""
    model = AdequacyModel(1e9, 1e9).fit(data.features, data.adequate)
    success = model.predict_success(data.features)
    assert np.allclose(success.mean(axis=0), data.adequate.mean(axis=0), atol=0.02)
    assert np.ptp(success, axis=0).max() < 1e-3


def test_model_graded_on_hard_prompts_only_inherits_the_shape() -> None:
    """A strong model graded on hard prompts only is not taken for weaker than a weak one on easy prompts."""
    specification = FeatureSpecification()
    generator = np.random.default_rng(1)
    kinds = np.arange(400) % 2
    prompts = [
        " ".join(generator.choice([f"{'hard' if kind else 'easy'}{word}" for word in range(9)], 5))
        for kind in kinds
    ]
    X = stack([prompt_features(prompt, specification) for prompt in prompts], specification)  # noqa: N806
    weak, strong = np.where(kinds, 0.15, 0.8), np.where(kinds, 0.55, np.nan)
    grades = np.column_stack([generator.random(400) < weak, generator.random(400) < strong]).astype(float)
    grades[kinds == 0, 1] = np.nan
    assert np.nanmean(grades[:, 1]) < np.nanmean(grades[kinds == 0, 0])
    success = AdequacyModel(1.0, 10.0).fit(X, grades).predict_success(X)
    assert (success[:, 1] > success[:, 0]).all()


def test_estimator_contract() -> None:
    """`__init__` only stores, `clone` copies, fitting learns nothing into parameters."""
    model = AdequacyModel(shared_penalty=3.0, own_penalty=4.0)
    assert clone(model).get_params() == {"shared_penalty": 3.0, "own_penalty": 4.0, "max_iter": 400}
    X, grades = _batch()  # noqa: N806
    assert model.fit(X, grades) is model
    assert model.coef_.shape == (2, X.shape[1])
    folded = X @ model.coef_.T + model.intercept_
    assert np.allclose(folded, model.decision_function(X), atol=1e-12)


@pytest.mark.parametrize(
    ("model", "rows", "text"),
    [
        (AdequacyModel(0.0, 1.0), 24, "penalties: expected positive numbers, got another"),
        (AdequacyModel(), 23, "y: expected 24 prompts, got 23"),
    ],
)
def test_wrong_use_is_refused(model: AdequacyModel, rows: int, text: str) -> None:
    """Checks happen in `fit`."""
    X, grades = _batch()  # noqa: N806
    with pytest.raises(TrainingDataError) as caught:
        model.fit(X, grades[:rows])
    assert str(caught.value) == text


def test_nothing_known_is_refused() -> None:
    """A matrix of unknown cells teaches nothing."""
    X, grades = _batch()  # noqa: N806
    with pytest.raises(TrainingDataError) as caught:
        AdequacyModel().fit(X, grades * np.nan)
    assert str(caught.value) == "y: expected at least one known cell, got none"


def test_model_without_lengths_gets_the_mean_of_the_others() -> None:
    """Unknown lengths are the mean over models, not 1 token."""
    X, grades = _batch()  # noqa: N806
    tokens = np.full(grades.shape, 100.0)
    tokens[:, 1] = np.nan
    predicted = LengthModel().fit(X, tokens).predict_output_tokens(X)
    assert np.allclose(predicted[:, 1], 100, rtol=0.1)


def test_smearing_puts_the_total_right(data: TrainingSet) -> None:
    """The predicted total of each model is the observed one."""
    predicted = LengthModel().fit(data.features, data.output_tokens).predict_output_tokens(data.features)
    assert np.allclose(predicted.sum(axis=0), data.output_tokens.sum(axis=0), rtol=0.01)


def test_penalties_are_chosen_by_held_out_loss(data: TrainingSet) -> None:
    """The best of the grid is told and used."""
    told: list[str] = []
    best = fit_best(AdequacyModel, data.features, data.adequate, data.prompt_keys, seed=0, report=told.append)
    losses = [float(text.rsplit(" ", 1)[1]) for text in told]
    chosen = told[int(np.argmin(losses))]
    assert chosen.startswith(
        f"AdequacyModel: shared penalty {best.shared_penalty:g}, own penalty {best.own_penalty:g}:"
    )
    assert len(told) == 6


def test_hard_words_lower_the_estimate(data: TrainingSet) -> None:
    """On made-up data the learner finds what was put in."""
    model = AdequacyModel(3.0, 30.0).fit(data.features, data.adequate)
    specification = FeatureSpecification()
    easy, hard = model.predict_success(
        stack(
            [prompt_features(text, specification) for text in ("easy1 easy2 easy3", "hard1 hard2 hard3")],
            specification,
        )
    )
    assert (easy > hard)[1:].all()


def test_features_are_the_integers() -> None:
    """What the learner sees times 4,096 is what the served graph reads: nothing is lost."""
    specification = FeatureSpecification()
    rows = [prompt_features(text, specification) for text in ("a b c", "ü 1 2 3", "")]
    X = stack(rows, specification)  # noqa: N806
    assert isinstance(X, scipy.sparse.csr_matrix)
    assert X.shape[1] == specification.n_features > N_HASHED
    for index, row in enumerate(rows):
        assert (X[index].data * 4096).tolist() == row.values.tolist()
