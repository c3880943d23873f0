"""Prices of models, as a table: what a test's answers cost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from clearway.errors import TrainingDataError
from training.dataset import FloatArray

_TOKENS = ("input_usd_per_mtok", "output_usd_per_mtok")


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens.

    Attributes:
        of: Canonical model to price of input and of output.
        repeated: Models that the file prices more than once; the first row counts.
    """

    of: Mapping[str, tuple[float, float]]
    repeated: tuple[str, ...] = ()

    def columns(self, table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
        """Input and output price of each row's `model_canonical`, US dollars a token; NaN without a price."""
        known = table["model_canonical"].drop_duplicates()
        prices = {model: self.of.get(model, (np.nan, np.nan)) for model in known}
        rows = np.array(table["model_canonical"].map(prices).tolist(), dtype=np.float64) / 1e6
        return rows[:, 0], rows[:, 1]


def default_prices() -> Path | None:
    """Prices beside the graded answers under `CLEARWAY_CORPORA`; None where there are none."""
    folder = os.environ.get("CLEARWAY_CORPORA")
    path = Path(folder) / "routing" / "prices.csv" if folder else None
    return path if path and path.is_file() else None


def read_prices(path: Path) -> Prices:
    """Prices of a CSV file with `model_canonical`, `input_usd_per_mtok` and `output_usd_per_mtok`.

    Raises:
        TrainingDataError: The file is missing or no table, a column is missing, or a price is below 0 or no
            number.
    """
    table = _read(path)
    for column in ("model_canonical", *_TOKENS):
        if column not in table.columns:
            raise TrainingDataError(f"{path}: expected the column {column}, got none")
    for column in _TOKENS:
        price = pd.to_numeric(table[column], errors="coerce")
        wrong = np.flatnonzero(~((price >= 0) & np.isfinite(price)))
        if len(wrong):
            raise TrainingDataError(
                f"{path}: {column}: expected US dollars from 0 up, got something else in row {wrong[0] + 1}"
            )
        table[column] = price.astype(float)
    is_repeated = table["model_canonical"].duplicated()
    first = table[~is_repeated].set_index("model_canonical")[list(_TOKENS)]
    of = {str(model): (float(paid), float(got)) for model, paid, got in first.itertuples(name=None)}
    return Prices(of, tuple(sorted(table.loc[is_repeated, "model_canonical"].unique())))


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise TrainingDataError(f"{path}: expected a file of prices, got none")
    try:
        return pd.read_csv(path, dtype={"model_canonical": "str"}, keep_default_na=False, na_values=[""])
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise TrainingDataError(f"{path}: expected CSV, got {type(error).__name__}") from error
