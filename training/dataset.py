"""Graded answers as arrays: one row a prompt, one column a reference model, NaN where nobody graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from clearway.features import (
    IDF_ONE,
    MAX_IDF,
    N_HASHED,
    NORM,
    Features,
    FeatureSpecification,
    document_slots,
    featurise,
)
from clearway.request import Part

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]
Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which has no types


@dataclass(frozen=True)
class TrainingSet:
    """What a learner sees.

    Attributes:
        integers: The integer features of each prompt, as the served graph reads them.
        features: Shape (n_prompts, n_features), CSR, float64: the integer features divided by `NORM`.
        adequate: Shape (n_prompts, n_models), in [0, 1]: share of the cell's answers that were adequate;
            NaN where there is none.
        output_tokens: Same shape: mean length of the cell's answers; NaN where unknown.
        prompts: Distinct, sorted: the rows.
        prompt_keys: One for each prompt; equal keys belong on one side of any split.
        models: Reference models, sorted: the columns.
    """

    integers: tuple[Features, ...]
    features: Matrix
    adequate: FloatArray
    output_tokens: FloatArray
    prompts: tuple[str, ...]
    prompt_keys: tuple[str, ...]
    models: tuple[str, ...]


def learn_specification(prompts: Sequence[str]) -> FeatureSpecification:
    """Integer weights of the hashed slots: rarer across the prompts, heavier (smoothed IDF, a quarter of it).

    Args:
        prompts: Distinct training prompts.
    """
    counts: Counter[int] = Counter()
    for prompt in prompts:
        counts.update(document_slots(prompt))
    n = len(prompts)
    weights = (IDF_ONE * (log((1 + n) / (1 + counts[slot])) + 1) / 4 for slot in range(N_HASHED))
    return FeatureSpecification(tuple(min(max(round(weight), 1), MAX_IDF) for weight in weights))


def prompt_features(prompt: str, specification: FeatureSpecification) -> Features:
    """Features of a prompt that stands alone in a conversation."""
    return featurise((Part("messages[0].content", "user", prompt),), specification)


def stack(rows: Sequence[Features], specification: FeatureSpecification) -> Matrix:
    """Matrix of shape (len(rows), n_features), float64: values divided by `NORM`, which is exact."""
    lengths = [len(row.ids) for row in rows]
    return scipy.sparse.csr_matrix(
        (
            np.concatenate([row.values for row in rows]) / NORM,
            np.concatenate([row.ids for row in rows]),
            np.cumsum([0, *lengths]),
        ),
        shape=(len(rows), specification.n_features),
    )


def build(table: pd.DataFrame, models: Sequence[str], specification: FeatureSpecification) -> TrainingSet:
    """Arrays of a table; prompts are told apart by their text, in sorted order.

    Args:
        table: With `prompt`, `prompt_key`, `reference_model`, `adequate`, `output_tokens`.
        models: The columns; every model of the table is among them.
        specification: Weights of the hashed slots.
    """
    keys = table.groupby("prompt")["prompt_key"].min().sort_index()
    prompts = tuple(keys.index)
    rows = [prompt_features(prompt, specification) for prompt in prompts]
    return TrainingSet(
        integers=tuple(rows),
        features=stack(rows, specification),
        adequate=cell_means(table, prompts, models, "adequate"),
        output_tokens=cell_means(table, prompts, models, "output_tokens"),
        prompts=prompts,
        prompt_keys=tuple(keys),
        models=tuple(models),
    )


def cell_means(table: pd.DataFrame, prompts: Sequence[str], models: Sequence[str], column: str) -> FloatArray:
    """Mean of a column for each prompt and model, shape (n_prompts, n_models); NaN where there is none."""
    row, place = locate(table, prompts, models)
    value = table[column].to_numpy(dtype=np.float64)
    known = ~np.isnan(value)
    total = np.zeros((len(prompts), len(models)))
    count = np.zeros_like(total)
    np.add.at(total, (row[known], place[known]), value[known])
    np.add.at(count, (row[known], place[known]), 1.0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def locate(
    table: pd.DataFrame, prompts: Sequence[str], models: Sequence[str]
) -> tuple[IndexArray, IndexArray]:
    """Row and column of each graded answer."""
    row: IndexArray = pd.Index(prompts).get_indexer(pd.Index(table["prompt"]))
    column: IndexArray = pd.Index(models).get_indexer(pd.Index(table["reference_model"]))
    return row, column
