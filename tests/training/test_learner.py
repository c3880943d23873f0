"""The learners memorise, shrink, find latent skills, and keep models of different sources comparable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.special import expit
from sklearn.base import clone

from clearway import style
from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, FeatureSpecification
from training.dataset import FloatArray, Matrix, TrainingSet, build, prompt_features, stack
from training.evaluation import auc
from training.learner import AdequacyModel, LengthModel, SkillsModel
from training.selection import PENALTIES

LETTERS = "abcdefghijklmnopqrstuvwxyz"  # not numbers: all of one length are one token


@pytest.fixture(scope="module")
def data(answers: pd.DataFrame) -> TrainingSet:
    """All answers as arrays."""
    table = answers.assign(adequate=answers["score"] >= 1, reference_model=answers["model_canonical"])
    return build(table, ["strong", "tiny", "weak"], FeatureSpecification())


def _batch(n: int = 24) -> tuple[Matrix, FloatArray]:
    texts = [f"w{LETTERS[index]} o{LETTERS[index]}" for index in range(n)]
    grades = np.random.default_rng(0).integers(0, 2, (n, 2)).astype(float)
    grades[:, 1] = grades[:, 0]
    return _stacked(texts), grades


def _stacked(texts: list[str]) -> Matrix:
    return stack([prompt_features(text, FeatureSpecification()) for text in texts])


def _skilled(n: int, n_models: int = 12, seed: int = 0) -> tuple[Matrix, FloatArray, FloatArray]:
    """Prompts that demand two skills, of which models have more or less; the true chances; grades."""
    truth = np.random.default_rng(5)
    demands, loadings = truth.standard_normal((20, 2)), truth.uniform(-1.5, 1.5, (n_models, 2))
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((n, 20)) / np.sqrt(20)
    chance = expit(rows @ demands @ loadings.T * 1.5)
    return scipy.sparse.csr_matrix(rows), chance, (generator.random(chance.shape) < chance).astype(float)


def _auc(success: FloatArray, grades: FloatArray) -> float:
    """Mean over the models."""
    ones = np.ones(len(grades))
    return float(np.mean([auc(p, y, ones) for p, y in zip(success.T, grades.T, strict=True)]))


def test_memorises_one_batch() -> None:
    """With hardly any penalty the grades of one batch are learned by heart."""
    X, grades = _batch()  # noqa: N806
    success = AdequacyModel(n_skills=4, penalty=1e-4, effects=0.0).fit(X, grades).predict_success(X)
    assert np.abs(success - grades).max() < 0.05


@pytest.mark.parametrize("effects", [0.0, 5.0])
def test_strong_penalty_leaves_the_model_means(data: TrainingSet, effects: float) -> None:
    """Without weights, each model's estimate is its mean."""
    model = AdequacyModel(penalty=1e9, effects=effects).fit(data.features, data.adequate)
    success = model.predict_success(data.features)
    assert np.allclose(success.mean(axis=0), data.adequate.mean(axis=0), atol=0.02)
    assert np.ptp(success, axis=0).max() < 1e-3


@pytest.mark.parametrize("penalty", PENALTIES)
def test_model_graded_on_hard_prompts_only_inherits_the_shape(penalty: float) -> None:
    """A strong model graded on hard prompts only is not taken for weaker than a weak one on easy prompts."""
    generator = np.random.default_rng(1)
    kinds = np.arange(400) % 2
    prompts = [
        " ".join(generator.choice([f"{'hard' if kind else 'easy'}{word}" for word in range(9)], 5))
        for kind in kinds
    ]
    X = _stacked(prompts)  # noqa: N806
    weak, strong = np.where(kinds, 0.15, 0.8), np.where(kinds, 0.55, np.nan)
    grades = np.column_stack([generator.random(400) < weak, generator.random(400) < strong]).astype(float)
    grades[kinds == 0, 1] = np.nan
    assert np.nanmean(grades[:, 1]) < np.nanmean(grades[kinds == 0, 0])
    success = AdequacyModel(n_skills=4, penalty=penalty).fit(X, grades).predict_success(X)
    assert (success[:, 1] > success[:, 0]).all()


def test_two_skills_are_found() -> None:
    """Where models differ in two skills, their loadings span both, and one difficulty ranks worse."""
    X, _, grades = _skilled(600)  # noqa: N806
    fresh, _, asked = _skilled(2000, seed=1)
    one, more = (AdequacyModel(n_skills=n, penalty=2.0, effects=0.0).fit(X, grades) for n in (1, 6))
    assert _auc(more.predict_success(fresh), asked) > _auc(one.predict_success(fresh), asked) + 0.03
    truth = np.random.default_rng(5)
    truth.standard_normal((20, 2))
    loadings = truth.uniform(-1.5, 1.5, (12, 2))
    basis = np.linalg.qr(more.loadings_[:, :2])[0]
    missed = np.linalg.norm(loadings - basis @ (basis.T @ loadings)) / np.linalg.norm(loadings)
    assert missed < 0.2
    strength = np.linalg.norm(more.loadings_, axis=0)
    assert strength[1] > 2 * strength[2]


def test_penalty_leaves_needless_skills_unused() -> None:
    """More skills than the penalty pays for change no estimate."""
    X, _, grades = _skilled(600)  # noqa: N806
    few, many = (AdequacyModel(n, 15.0, 0.0, 400).fit(X, grades) for n in (5, 10))
    assert np.linalg.norm(many.skills_, axis=0)[5:].max() < 0.1
    assert np.abs(few.predict_success(X) - many.predict_success(X)).max() < 0.01


def test_skills_are_principal_axes(data: TrainingSet) -> None:
    """Columns of weights stand at right angles, the strongest first; most models gain along each."""
    model = AdequacyModel(n_skills=4, penalty=1.0).fit(data.features, data.adequate)
    products = model.skills_.T @ model.skills_
    assert np.abs(products - np.diag(np.diag(products))).max() < 1e-9 * products.max()
    strength = np.diag(products)
    assert (np.diff(strength) <= 1e-9 * strength[0]).all()
    assert (model.loadings_.sum(axis=0) >= -1e-12).all()


@pytest.mark.parametrize(("n_features", "n_models", "n_skills"), [(40, 7, 3), (40, 2, 5), (3, 6, 4)])
def test_turning_to_principal_axes_keeps_the_product(n_features: int, n_models: int, n_skills: int) -> None:
    """Also with fewer models, or fewer features, than skills: what is left over is zero."""
    from training.learner import _principal

    generator = np.random.default_rng(0)
    weights = generator.standard_normal((n_features, n_skills))
    loadings = generator.standard_normal((n_models, n_skills))
    skills, turned = _principal(weights, loadings)
    assert skills.shape == weights.shape
    assert turned.shape == loadings.shape
    assert np.allclose(skills @ turned.T, weights @ loadings.T, atol=1e-12)
    assert np.linalg.norm(skills, axis=0) == pytest.approx(np.linalg.norm(turned, axis=0))


def test_effects_of_prompts_keep_new_prompts_calibrated() -> None:
    """Thirty copies of one prompt's luck are not thirty prompts: with effects, new prompts fare better."""
    generator = np.random.default_rng(3)

    def asked(n: int) -> tuple[Matrix, FloatArray]:
        rows = generator.standard_normal((n, 60)) / np.sqrt(60)
        score = rows[:, 0] * 6 + 2.0 * generator.standard_normal(n)
        copies = np.repeat(expit(score)[:, None], 30, axis=1)
        return scipy.sparse.csr_matrix(rows), (generator.random(copies.shape) < copies).astype(float)

    (X, grades), (fresh, observed) = asked(150), asked(2000)  # noqa: N806
    losses, slopes = {}, {}
    for effects in (0.0, 5.0):
        model = AdequacyModel(n_skills=2, penalty=10.0, effects=effects).fit(X, grades)
        score = model.decision_function(fresh)
        losses[effects] = model.loss(score.ravel(), observed.ravel())[0] / observed.size
        probability = expit(score.mean(axis=1))
        # 1 is calibrated: how far the observed moves where the predicted moves by one.
        slopes[effects] = np.polyfit(probability, observed.mean(axis=1), 1)[0]
    assert losses[5.0] < losses[0.0]
    assert abs(slopes[5.0] - 1) < abs(slopes[0.0] - 1)


def test_estimator_contract() -> None:
    """`__init__` only stores, `clone` copies, fitting leaves parameters; two models, two skills."""
    model = AdequacyModel(n_skills=3, penalty=4.0, effects=1.0)
    parameters = {"n_skills": 3, "penalty": 4.0, "effects": 1.0, "max_iter": 80, "seed": 0}
    assert model.get_params() == clone(model).get_params() == parameters
    assert clone(LengthModel(penalty=2.0)).get_params()["penalty"] == 2.0
    X, grades = _batch()  # noqa: N806
    assert model.fit(X, grades) is model
    assert model.get_params() == parameters
    assert model.refit(X, grades) is not model
    assert model.skills_.shape == (N_HASHED + style.N_WAVES, 2)
    assert (model.loadings_.shape, model.intercept_.shape) == ((2, 2), (2,))
    folded = X @ (model.skills_ @ model.loadings_.T) + model.intercept_
    assert np.allclose(folded, model.decision_function(X), atol=1e-12)
    assert np.allclose(model.transform(X) @ model.loadings_.T + model.intercept_, folded, atol=1e-12)


@pytest.mark.parametrize("kind", [AdequacyModel, LengthModel])
def test_two_fits_give_identical_bytes(kind: type[SkillsModel], data: TrainingSet) -> None:
    """Same data, same parameters, same bits."""
    y = data.adequate if kind is AdequacyModel else data.output_tokens
    one, two = (kind(n_skills=4).fit(data.features, y) for _ in range(2))
    for name in ("skills_", "loadings_", "intercept_"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


@pytest.mark.parametrize("model", [AdequacyModel(), LengthModel()])
def test_slope_of_the_loss_is_its_derivative(model: SkillsModel) -> None:
    """By finite differences, beyond the bounds of a length's score too."""
    score, target = np.linspace(-8, 8, 33), np.linspace(0, 1, 33)
    slope = model.loss(score, target)[1]
    for place in range(33):
        step = np.zeros(33)
        step[place] = 1e-6
        rise = model.loss(score + step, target)[0] - model.loss(score - step, target)[0]
        assert rise / 2e-6 == pytest.approx(slope[place], abs=1e-4)


PARAMETERS = "penalty, n_skills, max_iter: expected positive numbers, got another"


@pytest.mark.parametrize("kind", [AdequacyModel, LengthModel])
@pytest.mark.parametrize(
    ("parameters", "rows", "text"),
    [
        ({"penalty": float("nan")}, 24, PARAMETERS),
        ({"effects": -1.0}, 24, "effects: expected 0 or a positive number, got another"),
        ({"effects": float("nan")}, 24, "effects: expected 0 or a positive number, got another"),
        ({"penalty": 0.0}, 24, PARAMETERS),
        ({"penalty": -1.0}, 24, PARAMETERS),
        ({"n_skills": 0}, 24, PARAMETERS),
        ({"max_iter": 0}, 24, PARAMETERS),
        ({}, 23, "y: expected 24 prompts, got 23"),
    ],
)
def test_wrong_use_is_refused(
    kind: type[SkillsModel], parameters: dict[str, Any], rows: int, text: str
) -> None:
    """Checks happen in `fit`."""
    X, grades = _batch()  # noqa: N806
    with pytest.raises(TrainingDataError) as caught:
        kind(**parameters).fit(X, grades[:rows])
    assert str(caught.value) == text


@pytest.mark.parametrize("kind", [AdequacyModel, LengthModel])
def test_nothing_known_is_refused(kind: type[SkillsModel]) -> None:
    """A matrix of unknown cells teaches nothing."""
    X, grades = _batch()  # noqa: N806
    with pytest.raises(TrainingDataError) as caught:
        kind().fit(X, grades * np.nan)
    assert str(caught.value) == "y: expected at least one known cell, got none"


@pytest.mark.parametrize(
    ("kind", "most"), [(AdequacyModel, "1"), (LengthModel, "1e+09")], ids=["adequacy", "length"]
)
@pytest.mark.parametrize("wrong", [-0.5, float("inf")])
def test_a_target_out_of_range_is_refused(kind: type[SkillsModel], most: str, wrong: float) -> None:
    """One wrong cell would move all weights."""
    X, grades = _batch()  # noqa: N806
    grades[0, 0] = wrong
    with pytest.raises(TrainingDataError) as caught:
        kind().fit(X, grades)
    assert str(caught.value) == f"y: expected numbers from 0 to {most}, got another"


def test_hard_words_lower_the_estimate(data: TrainingSet) -> None:
    """On made-up data the learner finds what was put in."""
    model = AdequacyModel(n_skills=4, penalty=1.0).fit(data.features, data.adequate)
    easy, hard = model.predict_success(_stacked(["easy1 easy2 easy3", "hard1 hard2 hard3"]))
    assert (easy > hard)[1:].all()
