"""Tables that people have, made into the tidy table of `data/corpora.md`.

Each format is a function from the table as read to the tidy rows and what was left out. None mends anything:
a fault is an error that names the column and the rows, a row that cannot be used is left out and counted.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from clearway.errors import TrainingDataError
from training.answer_table import COLUMNS, Finding
from training.importers import litellm, routerbench
from training.importers.reading import read_table
from training.validation import check_rows

Convert = Callable[[pd.DataFrame, str, str], tuple[pd.DataFrame, list[Finding]]]
FORMATS: Final[Mapping[str, Convert]] = MappingProxyType(
    {"routerbench": routerbench.convert, "litellm": litellm.convert}
)


@dataclass(frozen=True)
class Imported:
    """What an import made.

    Attributes:
        table: Tidy rows, the columns `answer_table.COLUMNS`; empty where there is an error.
        findings: Errors, rows left out, notes.
    """

    table: pd.DataFrame
    findings: tuple[Finding, ...]

    @property
    def is_usable(self) -> bool:
        """Whether there is no error."""
        return not any(finding.severity == "error" for finding in self.findings)


def import_file(path: Path, *, file_format: str, source: str, grade_column: str) -> Imported:
    """Tidy table of a file, checked but not written.

    Args:
        path: CSV, Parquet or JSON lines.
        file_format: One of `FORMATS`.
        source: Name of the source in the tidy table.
        grade_column: Column with the grade, 0 to 1; of formats that have none of their own.

    Raises:
        TrainingDataError: The file is missing, of another kind, or lacks a column.
    """
    table, findings = FORMATS[file_format](read_table(path), source, grade_column)
    tidy = table.reindex(columns=list(COLUMNS))
    if not any(finding.severity == "error" for finding in findings):
        more = [replace(finding, text=f"in the new table: {finding.text}") for finding in check_rows(tidy)]
        findings = [*findings, *more]
    return Imported(tidy, tuple(findings))


def write_tidy(table: pd.DataFrame, out: Path) -> None:
    """Write a tidy table, readable by its owner only: it holds prompts.

    Args:
        table: Tidy rows.
        out: A new file, .parquet or .csv.

    Raises:
        TrainingDataError: The file exists, ends otherwise, or cannot be written; then none is left behind.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise TrainingDataError(f"{out}: expected a name that ends in .parquet or .csv")
    if out.exists() or out.is_symlink():
        raise TrainingDataError(f"{out}: expected a new file, got one that exists; choose another name")
    content = table.to_csv(index=False).encode() if out.suffix == ".csv" else table.to_parquet(index=False)
    try:
        _write(out, content)
    except OSError as error:
        raise TrainingDataError(
            f"{out}: expected a file that can be written, got: {error.strerror}"
        ) from error


def _write(out: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place first, readable by its owner only."""
    handle, name = tempfile.mkstemp(prefix=f".{out.name}-", dir=out.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(out)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
