"""Learn from a table, predict for prompts, and let a new model join with few graded answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.special import expit

from clearway.errors import TrainingDataError
from training.dataset import FloatArray, Matrix
from training.evaluation import auc
from training.learner import AdequacyModel
from training.learning import Learned, learn


@pytest.fixture(scope="module")
def table(answers: pd.DataFrame) -> pd.DataFrame:
    """The graded answers as `corpora.select_models` gives them."""
    return answers.assign(adequate=answers["score"] >= 1, reference_model=answers["model_canonical"])


@pytest.fixture(scope="module")
def learned(table: pd.DataFrame) -> Learned:
    """Of that table."""
    return learn(table, seed=0)


def test_predictions_are_in_order_and_in_range(learned: Learned) -> None:
    """One row a prompt, one column a model, whatever else is asked with it."""
    prompts = ["easy1 easy2 easy3?", "hard1 hard2 hard3?", "", "\ud800 \U0001f600"]
    predictions = learned.predict(prompts)
    assert learned.models == ("strong", "tiny", "weak")
    assert predictions.success.shape == predictions.output_tokens.shape == (4, 3)
    assert ((predictions.success > 0) & (predictions.success < 1)).all()
    assert (predictions.output_tokens >= 1).all()
    for place, prompt in enumerate(prompts):
        assert np.allclose(learned.predict([prompt]).success[0], predictions.success[place], atol=1e-12)


def test_a_prompt_unlike_the_training_prompts_is_noted(learned: Learned, table: pd.DataFrame) -> None:
    """By the featuriser's own note."""
    assert learned.predict([table["prompt"].iloc[0], "\U0001f600" * 200]).outside.tolist() == [False, True]


def test_what_was_put_in_is_found(learned: Learned) -> None:
    """Hard prompts cost the weaker models; their answers are longer."""
    easy, hard = (learned.predict([f"{k}1 {k}2 {k}3 {k}4?"]) for k in ("easy", "hard"))
    assert (easy.success > hard.success)[0, 1:].all()
    assert (easy.output_tokens < hard.output_tokens).all()


def test_same_table_same_bits_in_any_order(learned: Learned, table: pd.DataFrame) -> None:
    """Rows of the table may come in any order."""
    again = learn(table.sample(frac=1, random_state=1), seed=0)
    assert again.specification.digest == learned.specification.digest
    for name in ("skills_", "loadings_", "intercept_"):
        assert getattr(again.success, name).tobytes() == getattr(learned.success, name).tobytes()
        assert getattr(again.length, name).tobytes() == getattr(learned.length, name).tobytes()


def test_without_token_counts_lengths_are_not_known(table: pd.DataFrame) -> None:
    """There is nothing to learn them from."""
    small = table[table["prompt_id"].isin({f"p{n}" for n in range(24)})]
    without = learn(small.assign(output_tokens=np.nan), seed=0)
    assert without.length is None
    predictions = without.predict(["easy1"])
    assert predictions.output_tokens.shape == (1, 3)
    assert np.isnan(predictions.output_tokens).all()


def test_a_new_model_joins_alone(learned: Learned) -> None:
    """Of this model only, with the featuriser and the text side as they were."""
    prompts = [f"{kind}{index} {kind}{index + 1}?" for kind in ("easy", "hard") for index in range(10)]
    joined = learned.onboard("fresh", prompts, np.repeat([1.0, 0.0], 10))
    assert joined.models == ("fresh",)
    assert joined.specification is learned.specification
    assert joined.success.skills_ is learned.success.skills_
    assert joined.length is None
    easy, hard = joined.predict(["easy3 easy4?", "hard3 hard4?"]).success[:, 0]
    assert easy > hard
    assert learned.models == ("strong", "tiny", "weak")


@pytest.mark.parametrize(("prompts", "n"), [([], 0), (["a"], 2), (["a", "b"], 1), (["a"], 0)])
def test_one_verdict_for_each_prompt(learned: Learned, prompts: list[str], n: int) -> None:
    """And at least one."""
    with pytest.raises(TrainingDataError) as caught:
        learned.onboard("fresh", prompts, np.ones(n))
    assert str(caught.value) == "adequate: expected one verdict for each prompt, got another number"


def _asked(n: int, seed: int, n_models: int = 12) -> tuple[Matrix, FloatArray]:
    """Prompts of 20 features that demand two skills, and grades of models that differ in both."""
    truth = np.random.default_rng(5)
    demands, loadings = truth.standard_normal((20, 2)), truth.uniform(0.2, 1.5, (n_models, 2))
    generator = np.random.default_rng(seed)
    rows = generator.standard_normal((n, 20)) / np.sqrt(20)
    chance = expit(rows @ demands @ loadings.T * 1.5)
    return scipy.sparse.csr_matrix(rows), (generator.random(chance.shape) < chance).astype(float)


@pytest.fixture(scope="module")
def known() -> AdequacyModel:
    """Eleven of the twelve models; the last is new."""
    X, grades = _asked(1500, seed=0)  # noqa: N806
    return AdequacyModel(n_skills=4, penalty=2.0, effects=0.0).fit(X, grades[:, :-1])


def test_no_answer_is_refused(known: AdequacyModel) -> None:
    """There is nothing to join with."""
    X, _ = _asked(1, seed=1)  # noqa: N806
    with pytest.raises(TrainingDataError) as caught:
        known.onboard(X[:0], np.zeros(0))
    assert str(caught.value) == "adequate: expected at least one graded answer, got none"


def test_one_answer_moves_a_new_model_little(known: AdequacyModel) -> None:
    """It stays near the mean of the known models: on the side of its answer, and not at 0 or 1."""
    X, _ = _asked(500, seed=1)  # noqa: N806
    mean = known.loadings_.mean(axis=0), known.intercept_.mean()
    typical = expit(known.transform(X) @ mean[0] + mean[1])
    good, bad = (known.onboard(X[:1], np.array([y])).predict_success(X)[:, 0] for y in (1.0, 0.0))
    assert good.mean() > typical.mean() > bad.mean()
    assert max(np.abs(good - typical).mean(), np.abs(bad - typical).mean()) < 0.1


def test_answers_move_a_new_model_further_the_more_there_are(known: AdequacyModel) -> None:
    """Only inadequate answers: the estimate falls with each more, and after 200 hardly anything is left."""
    X, _ = _asked(500, seed=1)  # noqa: N806
    means = [known.onboard(X[:n], np.zeros(n)).predict_success(X).mean() for n in (1, 10, 50, 200)]
    assert (np.diff(means) < 0).all()
    assert 0 < means[-1] < 0.1


def test_level_of_a_new_model_is_learned_where_the_known_ones_are_alike() -> None:
    """Two known models that both succeed at 0.6 do not hold a third, right one time in ten, near theirs."""
    X, _ = _asked(600, seed=3)  # noqa: N806
    generator = np.random.default_rng(4)
    alike = AdequacyModel(n_skills=4, penalty=40.0).fit(X, (generator.random((600, 2)) < 0.6).astype(float))
    joined = alike.onboard(X[:200], (np.arange(200) % 10 == 0).astype(float))
    assert joined.predict_success(X).mean() == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize("place", [0, 5, 11])
def test_two_hundred_answers_are_nearly_as_good_as_all(place: int) -> None:
    """At least 95 percent of (AUC - 0.5) that full data gives, for a model that left and joins again."""
    X, grades = _asked(1500, seed=0)  # noqa: N806
    fresh, asked = _asked(6000, seed=1)
    model = AdequacyModel(n_skills=4, penalty=2.0, effects=0.0)
    full = model.refit(X, grades).predict_success(fresh)[:, place]
    rest = model.refit(X, np.delete(grades, place, axis=1))
    few = rest.onboard(X[:200], grades[:200, place]).predict_success(fresh)[:, 0]
    skill = [auc(success, asked[:, place], np.ones(len(asked))) - 0.5 for success in (few, full)]
    assert skill[1] > 0.2
    assert skill[0] / skill[1] >= 0.95


def test_joining_is_deterministic_and_leaves_the_learner_as_it_was(known: AdequacyModel) -> None:
    """The same answers, the same bits; nothing of the known models changes."""
    X, grades = _asked(50, seed=2)  # noqa: N806
    before = known.loadings_.tobytes(), known.intercept_.tobytes(), known.skills_.tobytes()
    one, two = (known.onboard(X, grades[:, -1]) for _ in range(2))
    assert one.loadings_.tobytes() == two.loadings_.tobytes()
    assert one.loadings_.shape == (1, 4)
    assert (known.loadings_.tobytes(), known.intercept_.tobytes(), known.skills_.tobytes()) == before


@pytest.mark.parametrize("verdict", [np.nan, -0.1, 1.1, np.inf])
def test_a_verdict_that_is_none_is_refused(known: AdequacyModel, verdict: float) -> None:
    """An unknown or impossible grade is not taken for an answer."""
    X, _ = _asked(2, seed=1)  # noqa: N806
    with pytest.raises(TrainingDataError) as caught:
        known.onboard(X, np.array([1.0, verdict]))
    assert str(caught.value) == "adequate: expected verdicts from 0 to 1, got another"
