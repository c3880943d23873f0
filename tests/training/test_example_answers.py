"""The made-up graded answers are a valid table that the whole training side can use."""

from __future__ import annotations

import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training import corpora
from training.example_answers import EXAMPLE_PRICES, SOURCES, example_answers


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """As the notebooks use it."""
    return example_answers()


def test_size(table: pd.DataFrame) -> None:
    """300 prompts of each of two sources, each answered by four models in four categories."""
    assert table.groupby("source")["prompt_id"].nunique().to_dict() == dict.fromkeys(SOURCES, 300)
    assert (table.groupby(["source", "prompt_id"])["model"].nunique() == 4).all()
    assert sorted(table["category"].unique()) == ["arithmetic", "choice", "code", "facts"]


def test_the_same_seed_gives_the_same_table(table: pd.DataFrame) -> None:
    """To the last bit; another seed gives another."""
    digests = [corpora.data_digest(example_answers(seed=seed)) for seed in (0, 1)]
    assert digests[0] == corpora.data_digest(table)
    assert digests[0] != digests[1]


def test_a_table_is_as_if_read_from_a_file(table: pd.DataFrame) -> None:
    """Checked, in the fixed order: checking it again changes nothing."""
    pd.testing.assert_frame_equal(corpora.check_answers(table), table)


def test_a_question_has_one_key_in_both_sources(table: pd.DataFrame) -> None:
    """However a source words it, so that no split puts it on both sides."""
    exact, judged = (set(table.loc[table["source"] == source, "prompt_key"]) for source in SOURCES)
    assert len(exact & judged) > 100
    assert not set(table.loc[table["source"] == SOURCES[0], "prompt"]) & set(
        table.loc[table["source"] == SOURCES[1], "prompt"]
    )


def test_the_sources_grade_differently(table: pd.DataFrame) -> None:
    """One says right or wrong, the other has grades in between."""
    exact, judged = (table.loc[table["source"] == source, "score"] for source in SOURCES)
    assert set(exact) == {0.0, 1.0}
    assert judged.between(0, 1).all()
    assert judged.nunique() == 11


def test_every_model_has_answers_of_both_kinds(table: pd.DataFrame) -> None:
    """In each source, so that no model is left out, and each has a price."""
    chosen, excluded = corpora.select_models(corpora.select_sources(table, ()), 300)
    assert not excluded
    share = chosen.groupby(["source", "reference_model"])["adequate"].mean()
    assert share.between(0.2, 0.95).all()
    assert set(EXAMPLE_PRICES.of) == set(chosen["reference_model"])


def test_costs_follow_from_prices_and_tokens(table: pd.DataFrame) -> None:
    """What was charged is what the counted tokens cost."""
    paid, got = EXAMPLE_PRICES.columns(table)
    cost = paid * table["input_tokens"] + got * table["output_tokens"]
    pd.testing.assert_series_equal(cost, table["cost_usd"], check_names=False)


@pytest.mark.parametrize("n_prompts", [0, -3])
def test_no_prompts_are_refused(n_prompts: int) -> None:
    """An empty table is none."""
    with pytest.raises(TrainingDataError) as caught:
        example_answers(n_prompts)
    assert str(caught.value) == "graded answers: expected at least one row, got none"


def test_one_prompt_is_a_table() -> None:
    """The smallest: one prompt in each source."""
    assert len(example_answers(1)) == 8
