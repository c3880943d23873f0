"""Every row gets a prediction from answers to other questions, or none where nothing is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training import corpora
from training.benchmark import forecasts


@pytest.fixture
def table(answers: pd.DataFrame) -> pd.DataFrame:
    """Rows that may be learned from."""
    chosen = corpora.select_sources(corpora.check_answers(answers), ())
    return corpora.select_models(chosen, 2)[0]


def _lengths(table: pd.DataFrame) -> pd.Series[float]:
    answered, _ = forecasts.forecast_rows(table, [table], seed=0, report=lambda _: None)
    return answered["expected_output_tokens"]


def test_a_model_that_no_answer_counts_gets_the_mean_length_of_all(
    table: pd.DataFrame, quick_learner: None
) -> None:
    """Out of fold, from the answers to other questions; not one token."""
    is_tiny = table["reference_model"] == "tiny"
    lengths = _lengths(table.assign(output_tokens=table["output_tokens"].mask(is_tiny)))
    assert lengths[is_tiny].between(50, 100).all()
    assert lengths[is_tiny].nunique() == forecasts.N_FOLDS


def test_without_any_count_no_length_is_made_up(table: pd.DataFrame, quick_learner: None) -> None:
    """It stays unknown."""
    assert _lengths(table.assign(output_tokens=np.nan)).isna().all()


def test_rows_outside_training_are_noted_on_both_sides(table: pd.DataFrame, quick_learner: None) -> None:
    """By the learner that predicted the row."""
    odd = table.assign(prompt=table["prompt"].where(table["source"] != "zeroeval_gsm", "outside"))
    answered, (tested,) = forecasts.forecast_rows(odd, [odd], seed=0, report=lambda _: None)
    expected = (odd["prompt"] == "outside").tolist()
    assert answered["outside"].tolist() == tested["outside"].tolist() == expected
