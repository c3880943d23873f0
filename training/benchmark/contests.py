"""What each row of `clearway benchmark routellm` learns from and is tested on, and what was kept apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from clearway.errors import TrainingDataError
from training import corpora
from training.benchmark.forecasts import LEARNED_FROM
from training.benchmark.overlap import near_duplicates

STRONG: Final = "gpt-4-1106-preview"
WEAK: Final = "Mixtral-8x7B-Instruct-v0.1"
MMLU, GSM8K, MT_BENCH = "routellm_mmlu", "routellm_gsm8k", "routellm_mt_bench"
N_MMLU_PROMPTS: Final = 1_500
# Each draw with the other sources learns from everything again, which takes minutes.
MAX_DRAWS_WITH_OTHERS: Final = 2
_GSM_SOURCES: Final = ("routellm_gsm8k", "zeroeval_gsm")
_GSM_CATEGORY: Final = re.compile(r"gsm|grade.?school.?math", re.IGNORECASE)


@dataclass(frozen=True)
class Contest:
    """One learner against one test.

    Attributes:
        benchmark: As the paper names it.
        row: What was learned from.
        train: From `corpora.select_models`, the columns `LEARNED_FROM`.
        test: Answers of the strong and the weak model.
        kept_apart: Reason to number of training answers left out for it.
    """

    benchmark: str
    row: str
    train: pd.DataFrame
    test: pd.DataFrame
    kept_apart: dict[str, int]


def contests(table: pd.DataFrame, *, n_draws: int, min_answers: int, seed: int) -> list[Contest]:
    """All contests, draws of MMLU questions one after the other.

    Args:
        table: From `corpora.select_sources`, without contaminated prompts.
        n_draws: Draws of the MMLU training questions.
        min_answers: Fewer graded answers to learn from, and a model is left out.
        seed: Of the draws.

    Raises:
        TrainingDataError: A benchmark or one of its two models is not in the table.
    """
    tests = {source: _pair_answers(table, source) for source in (MMLU, GSM8K, MT_BENCH)}
    found = []
    for draw in range(n_draws):
        is_drawn = draw_questions(tests[MMLU], seed + draw)
        alone, test = tests[MMLU][is_drawn], tests[MMLU][~is_drawn]
        found.append(_contest("MMLU", f"{N_MMLU_PROMPTS:,} prompts alone", alone, test, {}, 2))
        if draw < MAX_DRAWS_WITH_OTHERS:
            others, apart = keep_apart(table[table["source"] != MMLU], test)
            both = pd.concat([alone, others], ignore_index=True)
            row = f"{N_MMLU_PROMPTS:,} prompts and the other sources"
            found.append(_contest("MMLU", row, both, test, apart, min_answers))
    others, apart = without_gsm(table)
    others, more = keep_apart(others, tests[GSM8K])
    found.append(_contest("GSM8K", "no GSM8K-derived label", others, tests[GSM8K], apart | more, min_answers))
    others, apart = keep_apart(table[table["source"] != MT_BENCH], tests[MT_BENCH])
    found.append(_contest("MT-Bench", "the other sources", others, tests[MT_BENCH], apart, min_answers))
    return found


def _contest(
    benchmark: str, row: str, train: pd.DataFrame, test: pd.DataFrame, apart: dict[str, int], min_answers: int
) -> Contest:
    chosen, _ = corpora.select_models(train.reset_index(drop=True), min_answers)
    missing = {STRONG, WEAK} - set(chosen["reference_model"])
    if missing:
        raise TrainingDataError(
            f"{benchmark}: expected {min_answers} graded answers to learn from of "
            f"{', '.join(sorted(missing))}, got fewer"
        )
    return Contest(benchmark, row, chosen[LEARNED_FROM], test.reset_index(drop=True), apart)


def draw_questions(table: pd.DataFrame, seed: int) -> pd.Series[bool]:
    """Rows of whole questions, drawn until they hold 1,500 prompts, or half of all if that is less."""
    wanted = min(N_MMLU_PROMPTS, table["prompt_id"].nunique() // 2)
    sizes = table.groupby("prompt_key")["prompt_id"].nunique().sort_index()
    order = np.random.default_rng(seed).permutation(len(sizes))
    n_questions = int(np.searchsorted(np.cumsum(sizes.to_numpy()[order]), wanted, side="left")) + 1
    return table["prompt_key"].isin(set(sizes.index[order[:n_questions]]))


def without_gsm(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows of no source and no category that derives from GSM8K, and how many were left out for which."""
    by_source = table["source"].isin(_GSM_SOURCES)
    by_category = table["category"].str.contains(_GSM_CATEGORY) & ~by_source
    return table[~by_source & ~by_category], {
        "source derived from GSM8K": int(by_source.sum()),
        "category derived from GSM8K": int(by_category.sum()),
    }


def keep_apart(table: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows that are no question of the test and no near-duplicate of one, and how many were left out."""
    same = table["prompt_key"].isin(set(test["prompt_key"]))
    rest = table[~same]
    close = near_duplicates(rest["prompt"].tolist(), test["prompt"].tolist())
    return rest[~close], {"prompt_key of the test": int(same.sum()), "near-duplicate": int(close.sum())}


def _pair_answers(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Answers to the prompts that both models answered."""
    rows = table[(table["source"] == source) & table["reference_model"].isin([STRONG, WEAK])]
    rows = rows[rows.groupby("prompt_id")["reference_model"].transform("nunique") == 2]
    if not len(rows):
        raise TrainingDataError(
            f"{source}: expected answers of {STRONG} and {WEAK} to the same prompts, got none"
        )
    return rows
