"""Foreign tables as they are: CSV with every field as text, Parquet, JSON lines; never a pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from clearway.errors import TrainingDataError
from training.answer_table import Finding, read_csv, read_parquet

_PICKLES = frozenset({".pkl", ".pickle", ".joblib"})
_NO_PICKLES = (
    "expected CSV, Parquet or JSON lines, got a pickle, which can run any code when it is read; "
    "export it where you trust it: pandas.read_pickle(FILE).to_parquet(OUT)"
)


def read_table(path: Path) -> pd.DataFrame:
    """Table of a file, by its suffix.

    Args:
        path: A .csv, .jsonl or .parquet file.

    Raises:
        TrainingDataError: It is missing, a pickle, of another kind, or damaged; the text names the line.
    """
    if not path.is_file():
        raise TrainingDataError(f"{path}: expected a file, got none")
    if path.suffix in _PICKLES or _begins_as_pickle(path):
        raise TrainingDataError(f"{path}: {_NO_PICKLES}")
    readers = {".csv": read_csv, ".parquet": read_parquet, ".jsonl": _read_json_lines}
    if path.suffix not in readers:
        raise TrainingDataError(f"{path}: expected a name that ends in .csv, .parquet or .jsonl")
    found = readers[path.suffix](path)
    if isinstance(found, Finding):
        raise TrainingDataError(f"{path}: {found.text}")
    return found


def _begins_as_pickle(path: Path) -> bool:
    """Protocol 2 and later begin with PROTO and their number."""
    with path.open("rb") as file:
        start = file.read(2)
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def _read_json_lines(path: Path) -> pd.DataFrame | Finding:
    rows: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
                "".join([text for text in row.values() if isinstance(text, str)]).encode("utf-8")
            except (ValueError, AttributeError, RecursionError):  # the second: no object
                row = None
            if not isinstance(row, dict):
                return Finding("error", "", f"expected a JSON object in UTF-8, got another in line {number}")
            rows.append(row)
    return pd.DataFrame(rows, dtype=object)


def require(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Refuse a table without some column.

    Raises:
        TrainingDataError: The text names all that are missing.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise TrainingDataError(f"{', '.join(missing)}: expected these columns, got none")
