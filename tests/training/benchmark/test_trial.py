"""No question on both sides, and everything that is left out is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training import corpora
from training.benchmark import trial


def _sides(answers: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = corpora.check_answers(answers)
    is_test = corpora.held_out(table, 0, n_parts=3)
    return table[~is_test].reset_index(drop=True), table[is_test].reset_index(drop=True)


def test_training_answers_to_test_questions_are_dropped_and_counted(answers: pd.DataFrame) -> None:
    """A question that came with the wrong table teaches nothing, and the number of its answers is said."""
    train, test = _sides(answers)
    slipped = test.head(6).assign(source="zeroeval_math_l5")
    arranged = trial.arrange(pd.concat([train, slipped], ignore_index=True), test, (), min_answers=2)
    assert not set(arranged.train["prompt_key"]) & set(arranged.test["prompt_key"])
    assert len(arranged.train) == len(train)
    assert arranged.left_out["train_rows_of_test_questions"] == 6
    assert trial.left_out_lines(arranged.left_out) == [
        "train: 6 answers to questions of the test were not learned from"
    ]


def test_model_with_three_rows_is_a_stated_exclusion(answers: pd.DataFrame) -> None:
    """Three answers are too few to learn from; its test answers are counted and not measured."""
    train, test = _sides(answers)
    few = (
        train[train["model"] == "weak-upstream"]
        .head(3)
        .assign(model="new", model_canonical="new", score=[0.0, 1.0, 1.0])
    )
    asked = test[test["model"] == "weak-upstream"].head(2).assign(model="new", model_canonical="new")
    arranged = trial.arrange(pd.concat([train, few]), pd.concat([test, asked]), (), min_answers=50)
    assert "new" not in set(arranged.test["reference_model"]) | set(arranged.asked["reference_model"])
    assert trial.left_out_lines(arranged.left_out) == [
        "models: 3 graded answers, fewer than 50 to learn from: new",
        "models: not learned, 2 answers of the test not measured: new",
    ]


def test_win_rates_are_asked_but_not_measured(answers: pd.DataFrame) -> None:
    """A source of win rates neither trains nor is measured; its rows get predictions all the same."""
    train, test = _sides(answers)
    rates = [part.head(9).assign(source="alpaca_eval2") for part in (train, test)]
    arranged = trial.arrange(pd.concat([train, rates[0]]), pd.concat([test, rates[1]]), (), min_answers=2)
    for table in (arranged.train, arranged.test):
        assert "alpaca_eval2" not in set(table["source"])
    assert len(arranged.asked) == len(arranged.test) + 9
    assert trial.left_out_lines(arranged.left_out) == [
        "source alpaca_eval2: win rate: says nothing of adequacy"
    ]


def test_source_restricts_both_sides(answers: pd.DataFrame) -> None:
    """A named source is learned from and tested, and no other."""
    arranged = trial.arrange(*_sides(answers), ("zeroeval_gsm",), min_answers=2)
    for table in (arranged.train, arranged.test, arranged.asked):
        assert set(table["source"]) == {"zeroeval_gsm"}


def test_one_way_of_calling_on_the_test_side_is_the_same_model_as_in_training(answers: pd.DataFrame) -> None:
    """Two ways of calling a model in training and one of them in the test: both sides use its own name."""
    train, test = _sides(answers)
    second = train[train["model"] == "weak-upstream"].assign(model="weak-FC")
    arranged = trial.arrange(pd.concat([train, second]), test, (), min_answers=2)
    assert "weak-upstream" in set(arranged.test["reference_model"])
    assert {"weak-upstream", "weak-FC"} <= set(arranged.train["reference_model"])


@pytest.mark.parametrize(
    ("is_same", "sources", "text"),
    [
        (True, (), "train: expected a question of the chosen sources that the test does not have, got none"),
        (False, ("mmlu",), "source: expected one of routellm_gsm8k, zeroeval_gsm, got mmlu"),
    ],
)
def test_nothing_to_learn_from(
    answers: pd.DataFrame, is_same: bool, sources: tuple[str, ...], text: str
) -> None:
    """The test itself is nothing to learn from, and a source must be there."""
    train, test = _sides(answers)
    with pytest.raises(TrainingDataError) as caught:
        trial.arrange(test if is_same else train, test, sources, min_answers=2)
    assert str(caught.value) == text


def test_nothing_to_test(answers: pd.DataFrame) -> None:
    """A test of unknown models measures nothing."""
    train, test = _sides(answers)
    with pytest.raises(TrainingDataError) as caught:
        trial.arrange(train, test.assign(model_canonical="unknown"), (), min_answers=2)
    assert str(caught.value) == "test: expected an answer of a model that was learned, got none"


def test_one_class_only_is_nothing_to_learn(answers: pd.DataFrame) -> None:
    """A table in which every answer is right teaches nothing, and the text says what to do."""
    train, test = _sides(answers)
    with pytest.raises(TrainingDataError, match="graded answers of both kinds, got none"):
        trial.arrange(train.assign(score=np.ones(len(train))), test, (), min_answers=2)
