"""Predictions for every row: as learned, out of fold for the training rows, and from shuffled labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training import corpora, learning
from training.dataset import FloatArray, locate
from training.learning import Predictions

N_FOLDS: Final = 3
# Shuffled labels teach nothing about prompts however many there are.
SHUFFLED_PROMPTS: Final = 3_000
_ROWS_WORTH_A_PROCESS: Final = 20_000
# Columns of a table that a task needs; the others would only be copied from process to process.
LEARNED_FROM: Final = [
    "source",
    "prompt_id",
    "prompt_key",
    "prompt",
    "reference_model",
    "score",
    "adequate",
    "output_tokens",
]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """Learn from a table, predict for prompts."""

    name: str
    table: pd.DataFrame
    prompts: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Forecast:
    """Predictions of a task, by prompt and model."""

    models: tuple[str, ...]
    prompts: tuple[str, ...]
    predictions: Predictions

    def rows(self, table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Success and output tokens of each row; NaN where its model was not learned."""
        known = table["reference_model"].isin(self.models).to_numpy()
        place = locate(table[known], self.prompts, self.models)
        success, tokens = np.full(len(table), np.nan), np.full(len(table), np.nan)
        success[known], tokens[known] = self.predictions.success[place], self.predictions.output_tokens[place]
        return success, tokens

    def outside(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether each row's prompt is unlike the prompts that were learned from."""
        place = dict(zip(self.prompts, self.predictions.outside.tolist(), strict=True))
        return table["prompt"].map(place).to_numpy(dtype=np.bool_)


def run(task: Task, report: Report = lambda _: None) -> Forecast:
    """Learn and predict."""
    learned = learning.learn(task.table, seed=task.seed, report=lambda text: report(f"{task.name}: {text}"))
    return Forecast(learned.models, task.prompts, learned.predict(task.prompts))


def run_all(tasks: Sequence[Task], report: Report) -> list[Forecast]:
    """All tasks, in their order; two at a time when they are large."""
    tasks = [replace(task, table=task.table[LEARNED_FROM]) for task in tasks]
    if sum(len(task.table) for task in tasks) < _ROWS_WORTH_A_PROCESS:
        return [run(task, report) for task in tasks]
    results = []
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        for task, forecast in zip(tasks, pool.map(run, tasks), strict=True):
            report(f"learned: {task.name}")
            results.append(forecast)
    return results


def forecast_rows(
    train: pd.DataFrame, tests: Sequence[pd.DataFrame], *, seed: int, report: Report
) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Both sides with `success`, `expected_output_tokens`, `outside` and, for the tests, `shuffled`.

    The training side's are out of fold: a learner that saw no answer to the question. A model that a fold did
    not learn gets its share of adequate answers and its mean length there, or that of all models. Lengths are
    NaN where nothing that was learned from counts any.

    Args:
        train: From `corpora.select_models`.
        tests: Tables with `prompt` and `reference_model`.
        seed: Of folds, learner and shuffle.
        report: Told what is being done.
    """
    asked = tuple(sorted(set().union(*(set(test["prompt"]) for test in tests))))
    parts = corpora.parts_of(train["prompt_key"].tolist(), seed + 17, N_FOLDS)
    folds = [part for part in range(N_FOLDS) if 0 < (parts == part).sum() < len(parts)]
    known = {part: _learnable(train[parts != part]) for part in folds}
    folds = [part for part in folds if len(known[part])]
    tasks = [Task("all training questions", train, asked, seed)]
    tasks += [
        Task(f"fold {part + 1} of {N_FOLDS}", known[part], _prompts(train[parts == part]), seed)
        for part in folds
    ]
    tasks.append(Task("shuffled labels", shuffled_labels(train, seed), asked, seed))
    full, *rest, blind = run_all(tasks, report)
    success, tokens = np.full(len(train), np.nan), np.full(len(train), np.nan)
    outside = np.zeros(len(train), dtype=np.bool_)
    for part, forecast in zip(folds, rest, strict=True):
        inside = parts == part
        success[inside], tokens[inside] = _filled(forecast, train[inside], train[~inside])
        outside[inside] = forecast.outside(train[inside])
    answered = train.assign(success=success, expected_output_tokens=tokens, outside=outside)
    return answered, [_with(test, full, blind) for test in tests]


def shuffled_labels(train: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows of a sample of questions whose grades were dealt out anew among each model's answers."""
    generator = np.random.default_rng(seed)
    keys = np.sort(train["prompt_key"].unique())
    kept = generator.permutation(keys)[:SHUFFLED_PROMPTS]
    sample = train[train["prompt_key"].isin(set(kept))].reset_index(drop=True)
    order = np.arange(len(sample))
    for rows in sample.groupby("reference_model").indices.values():
        order[rows] = generator.permutation(rows)
    dealt = sample.assign(
        adequate=sample["adequate"].to_numpy()[order], score=sample["score"].to_numpy()[order]
    )
    return _learnable(dealt)


def _learnable(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of models with answers of both kinds."""
    kinds = table.groupby("reference_model")["adequate"].transform("nunique")
    return table[kinds == 2].reset_index(drop=True)


def _prompts(table: pd.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(table["prompt"].unique()))


def _filled(forecast: Forecast, inside: pd.DataFrame, outside: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    success, tokens = forecast.rows(inside)
    means = outside.groupby("reference_model")[["adequate", "output_tokens"]].mean()
    overall = {"adequate": 0.5, "output_tokens": float(outside["output_tokens"].mean())}
    for values, column in ((success, "adequate"), (tokens, "output_tokens")):
        missing = np.isnan(values)
        of_models = inside.loc[missing, "reference_model"].map(means[column]).astype(float)
        values[missing] = of_models.fillna(overall[column])
    return success, tokens


def _with(test: pd.DataFrame, full: Forecast, blind: Forecast) -> pd.DataFrame:
    success, tokens = full.rows(test)
    return test.assign(
        success=success,
        expected_output_tokens=tokens,
        outside=full.outside(test),
        shuffled=np.nan_to_num(blind.rows(test)[0], nan=float(np.nanmean(blind.predictions.success))),
    )
