"""Nothing of a test is learned from, whatever table it comes in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training import corpora
from training.benchmark import contests
from training.benchmark.overlap import near_duplicates


def test_contests_keep_apart(routellm_answers: pd.DataFrame) -> None:
    """No row learns from a question of its test, by key, by text, and for GSM8K by source and category."""
    table = corpora.select_sources(routellm_answers, ())
    found = contests.contests(table, n_draws=3, min_answers=2, seed=0)
    assert [contest.benchmark for contest in found] == ["MMLU"] * 5 + ["GSM8K", "MT-Bench"]
    for contest in found:
        assert not set(contest.train["prompt_key"]) & set(contest.test["prompt_key"])
        if "alone" not in contest.row:
            others = contest.train[contest.train["source"] != "routellm_mmlu"]
            assert not near_duplicates(others["prompt"].tolist(), contest.test["prompt"].tolist()).any()


def test_gsm8k_leaves_nothing_derived_from_it(routellm_answers: pd.DataFrame) -> None:
    """Its sources, categories and near-duplicates are gone, and each count is said."""
    table = corpora.select_sources(routellm_answers, ())
    *_, gsm8k, _ = contests.contests(table, n_draws=1, min_answers=2, seed=0)
    assert not set(gsm8k.train["source"]) & {"routellm_gsm8k", "zeroeval_gsm"}
    assert not gsm8k.train["prompt_id"].str.startswith("own").any()
    assert gsm8k.kept_apart == {
        "source derived from GSM8K": 240,
        "category derived from GSM8K": 4,
        "prompt_key of the test": 2,
        "near-duplicate": 2,
    }


@pytest.mark.parametrize(
    ("category", "is_derived"),
    [
        ("gsm8k", True),
        ("agentverse-mgsm", True),
        ("grade-school-math", True),
        ("Grade School Math", True),
        ("math", False),
        ("high_school_mathematics", False),
        ("", False),
    ],
)
def test_categories_derived_from_gsm8k(category: str, is_derived: bool) -> None:
    """The names that sources give it."""
    table = pd.DataFrame({"source": ["other"], "category": [category]})
    rest, apart = contests.without_gsm(table)
    assert len(rest) == (not is_derived)
    assert apart["category derived from GSM8K"] == is_derived


def test_whole_questions_are_drawn() -> None:
    """About 1,500 prompts, no question in halves, and another seed draws others."""
    keys = np.random.default_rng(0).integers(0, 3_900, 4_000)
    table = pd.DataFrame({"prompt_key": keys.astype(str), "prompt_id": [f"p{row}" for row in range(4_000)]})
    drawn = contests.draw_questions(table, 0)
    assert 1_500 <= drawn.sum() < 1_510
    assert not set(table.loc[drawn, "prompt_key"]) & set(table.loc[~drawn, "prompt_key"])
    assert (drawn != contests.draw_questions(table, 1)).any()
    assert (drawn == contests.draw_questions(table, 0)).all()


def test_benchmark_that_is_not_there(routellm_answers: pd.DataFrame) -> None:
    """A table without one of the three benchmarks is refused by name."""
    table = corpora.select_sources(routellm_answers, ())
    with pytest.raises(TrainingDataError) as caught:
        contests.contests(table[table["source"] != "routellm_mt_bench"], n_draws=1, min_answers=2, seed=0)
    assert str(caught.value) == (
        "routellm_mt_bench: expected answers of gpt-4-1106-preview and Mixtral-8x7B-Instruct-v0.1 to the "
        "same prompts, got none"
    )


def test_model_that_no_training_row_has(routellm_answers: pd.DataFrame) -> None:
    """Where too little is left to learn one of the two from, the row says so."""
    table = corpora.select_sources(routellm_answers, ())
    with pytest.raises(TrainingDataError) as caught:
        contests.contests(table, n_draws=1, min_answers=200, seed=0)
    assert str(caught.value) == (
        "reference_model: expected a model with 200 graded answers of both kinds, got none; add answers, "
        "or lower --min-answers where the command has it"
    )
