"""Graded answers as arrays: one row a prompt, one column a reference model, NaN where nobody graded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse
from numpy.typing import NDArray

from clearway import style
from clearway.errors import TrainingDataError
from clearway.features import (
    IDF_ONE,
    MAX_IDF,
    N_HASHED,
    NORM,
    UNSEEN_IDF,
    VOCABULARY_BITS,
    Features,
    FeatureSpecification,
    Reading,
    featurise,
    measure,
    read,
)
from clearway.request import Part

# A linear model's weights of the waves then mean the kernel's own size.
WAVE_AMPLITUDE = sqrt(2 / style.N_WAVES)
# Share of the training prompts that are as unusual as what counts as outside.
OUTSIDE_SHARE = 1e-3
# So many unknown words, in 64ths, put no prompt outside, however few words the training prompts share.
FEW_UNKNOWN = style.UNIT // 4

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]
Matrix: TypeAlias = Any  # scipy.sparse.csr_matrix, which has no types


@dataclass(frozen=True)
class TrainingSet:
    """What a learner sees.

    Attributes:
        integers: The integer features of each prompt, as the served graph reads them.
        features: Shape (n_prompts, N_HASHED + style.N_WAVES), CSR, float64: the integer features, scaled.
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


def read_prompt(prompt: str) -> Reading:
    """Reading of a prompt that stands alone in a conversation."""
    return read((Part("messages[0].content", "user", prompt),))


def learn_specification(prompts: Sequence[str]) -> FeatureSpecification:
    """What the featuriser must know, from distinct training prompts.

    Weights of the hashed slots: rarer across the prompts, heavier (smoothed IDF, a quarter of it). Centre
    and scale of the style measures. The words known, how far from the style and how unknown in its words a
    prompt may be that is like the training prompts.
    """
    readings = [read_prompt(prompt) for prompt in prompts]
    seen = FeatureSpecification(_slot_weights(readings), vocabulary=_vocabulary(readings))
    measures = np.array([measure(reading, seen.known) for reading in readings], dtype=np.int64)
    form = _style(measures)
    distances = np.array([form.distance(row.tolist()) for row in measures])
    return replace(
        seen,
        style=form,
        max_distance=_outermost(distances),
        max_unknown=max(_outermost(measures[:, -1]), FEW_UNKNOWN),
    )


def _vocabulary(readings: Sequence[Reading]) -> bytes:
    """Bits of the words that at least two prompts have."""
    counts: Counter[int] = Counter()
    for reading in readings:
        counts.update({word % 2**VOCABULARY_BITS for word in reading.words})
    known = np.zeros(2**VOCABULARY_BITS, dtype=np.uint8)
    known[[place for place, count in counts.items() if count > 1]] = 1
    return np.packbits(known).tobytes()


def _slot_weights(readings: Sequence[Reading]) -> tuple[int, ...]:
    counts: Counter[int] = Counter()
    for reading in readings:
        counts.update(reading.counts.keys())
    n = len(readings)
    weights = (IDF_ONE * (log((1 + n) / (1 + counts[slot])) + 1) / 4 for slot in range(N_HASHED))
    # What occurs in one prompt only, a misspelling for instance, tells nothing about the next one.
    return tuple(
        min(max(round(weight), 1), MAX_IDF) if counts[slot] > 1 else UNSEEN_IDF
        for slot, weight in enumerate(weights)
    )


def _style(measures: NDArray[np.int64]) -> style.StyleSpecification:
    """Means and inverse standard deviations; a measure that never varies gets no scale."""
    center = np.rint(measures.mean(axis=0)).astype(int)
    deviation = measures.std(axis=0)
    unit = 2**style.SCALE_BITS * style.Z_UNIT
    scale = [min(round(unit / float(d)), style.MAX_SCALE) if d > 0 else 0 for d in deviation]
    return style.StyleSpecification(tuple(center.tolist()), tuple(scale))


def _outermost(values: NDArray[np.int64]) -> int:
    return int(np.quantile(values, 1 - OUTSIDE_SHARE, method="higher"))


def prompt_features(prompt: str, specification: FeatureSpecification) -> Features:
    """Features of a prompt that stands alone in a conversation."""
    return featurise((Part("messages[0].content", "user", prompt),), specification)


def stack(rows: Sequence[Features]) -> Matrix:
    """Matrix of shape (len(rows), N_HASHED + style.N_WAVES), float64: words divided by `NORM`, then waves."""
    lengths = [len(row.ids) for row in rows]
    words = scipy.sparse.csr_matrix(
        (
            np.concatenate([row.values for row in rows]) / NORM,
            np.concatenate([row.ids for row in rows]),
            np.cumsum([0, *lengths]),
        ),
        shape=(len(rows), N_HASHED),
    )
    waves = np.array([row.waves for row in rows]) * (WAVE_AMPLITUDE / style.WAVE_NORM)
    return scipy.sparse.hstack([words, scipy.sparse.csr_matrix(waves)], format="csr")


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
        features=stack(rows),
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
    """Row and column of each graded answer.

    Raises:
        TrainingDataError: An answer is to a prompt or of a model that is not among them.
    """
    return _places(table["prompt"], prompts), _places(table["reference_model"], models)


def _places(values: pd.Series[Any], known: Sequence[str]) -> IndexArray:
    """Place of each value among those known."""
    found: IndexArray = pd.Index(known).get_indexer(pd.Index(values))
    unknown = np.flatnonzero(found < 0)
    if len(unknown):
        raise TrainingDataError(
            f"{values.name}: expected one of the {len(known)} that stand in the arrays, got another in row "
            f"{unknown[0] + 1} and {len(unknown) - 1} more; build the arrays from the same table"
        )
    return found
