"""The tidy table of graded answers: its columns, how its files are read, and what makes a row wrong.

Training refuses a table at the first fault, `clearway answers check` tells all of them: both ask here. A text
names columns, rows and counts, never what a prompt says.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from clearway.errors import TrainingDataError
from training.prompt_key import NORMALISATION

COLUMNS: Final = (
    "source",
    "prompt_id",
    "prompt_key",
    "prompt",
    "category",
    "model",
    "model_canonical",
    "score",
    "input_tokens",
    "output_tokens",
    "tokens_basis",
    "cost_usd",
    "latency_s",
)
KEY: Final = ("source", "prompt_id", "model")
TEXT_COLUMNS: Final = ("source", "prompt_id", "prompt_key", "prompt", "model", "model_canonical")
NAMES: Final = ("source", "model", "model_canonical")
REQUIRED: Final = (*TEXT_COLUMNS, "score")
COUNTS: Final = ("output_tokens", "input_tokens", "cost_usd")
MAX_ROWS_NAMED: Final = 10
# A prompt in a column of names would come out in reports and errors.
_NAME: Final = re.compile(r"(?=.{1,80}\Z)[\w./:@+|()\[\]-]+(?: [\w./:@+|()\[\]-]+){0,3}")
_LINE: Final = re.compile(r"line (\d+)")
HOW_TO_KEY: Final = f"one for each question: {NORMALISATION}"

Severity = Literal["error", "excluded", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing to know about a table.

    Attributes:
        severity: `error` makes it unusable, `excluded` leaves rows or models out, `note` changes nothing.
        column: Column or columns concerned; empty for the whole file.
        text: What was expected and what came, without any value of a prompt.
        n_rows: Rows concerned; 0 where it is not about rows.
        rows: The first of them, counted from 1 after the header.
    """

    severity: Severity
    column: str
    text: str
    n_rows: int = 0
    rows: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "rows": list(self.rows)}

    def __str__(self) -> str:
        """In one line, as an error says it."""
        more = f" and {self.n_rows - len(self.rows)} more" if self.n_rows > len(self.rows) else ""
        rows = f" (row {', '.join(map(str, self.rows))}{more})" if self.rows else ""
        return f"{self.column or 'graded answers'}: {self.text}{rows}"


def at_rows(
    severity: Severity, column: str, text: str, is_wrong: pd.Series[bool] | Sequence[bool]
) -> list[Finding]:
    """A finding about the rows where `is_wrong` holds; nothing where it holds nowhere."""
    rows = np.flatnonzero(np.asarray(is_wrong, dtype=bool)) + 1
    named = tuple(rows[:MAX_ROWS_NAMED].tolist())
    return [Finding(severity, column, text, len(rows), named)] if len(rows) else []


def is_name(name: object) -> bool:
    """Whether it looks like a name, which may be shown; a prompt hardly does."""
    return _NAME.fullmatch(str(name)) is not None


def plain(name: object) -> str:
    """A name as it is, where it looks like one; else that it does not."""
    return str(name) if is_name(name) else "(a name that is not shown)"


def read_file(path: Path) -> pd.DataFrame | Finding:
    """Table of a file of graded answers, unchecked, or why it is none.

    Args:
        path: Parquet, or CSV where it ends so.

    Raises:
        TrainingDataError: There is no such file.
    """
    if not path.is_file():
        raise TrainingDataError(f"{path}: expected a file of graded answers, got none; see data/corpora.md")
    return read_csv(path) if path.suffix == ".csv" else read_parquet(path)


def read_csv(path: Path) -> pd.DataFrame | Finding:
    """Table with every field as text, where only an empty field is no value; or why it is none."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        if not header:
            return Finding("error", "", "expected CSV that begins with a header, got an empty line or file")
        if len(set(header)) < len(header):
            return Finding("error", "", "expected each column once in the header, got one twice")
        table = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])
    except UnicodeDecodeError:
        return Finding("error", "", f"expected UTF-8, got another encoding in line {_bad_line(path)}")
    except OSError as error:
        return Finding("error", "", f"expected a file that can be read, got: {error.strerror}")
    except (ValueError, csv.Error, pd.errors.ParserError) as error:
        line = _LINE.search(str(error))
        where = f" in line {line[1]}" if line else ""
        return Finding("error", "", f"expected CSV with the same fields in each line, got others{where}")
    if not isinstance(table.index, pd.RangeIndex):  # every row longer than the header: pandas shifts them
        return Finding("error", "", "expected CSV with the same fields in each line, got others in line 2")
    return table


def read_parquet(path: Path) -> pd.DataFrame | Finding:
    """Table of a file, or why it is none."""
    try:
        return pd.read_parquet(path)
    except (ValueError, OSError) as error:
        return Finding("error", "", f"expected Parquet, or CSV in a .csv file, got {type(error).__name__}")


def find_faults(table: pd.DataFrame) -> list[Finding]:
    """Everything that makes a table unusable, whether or not there is enough to learn from: errors only."""
    findings = [
        Finding("error", column, f"expected this column, got none; see data/corpora.md{_hint(column)}")
        for column in REQUIRED
        if column not in table.columns
    ]
    if not len(table):
        return [*findings, Finding("error", "", "expected at least one row, got none")]
    present = [column for column in TEXT_COLUMNS if column in table.columns]
    for column in present:
        findings += _check_text(table[column], column)
    if "score" in table.columns:
        wrong = ~numbers(table["score"]).between(0.0, 1.0)
        findings += at_rows("error", "score", "expected a number from 0 to 1", wrong)
    for column in (*COUNTS, "latency_s"):
        if column in table.columns:
            findings += check_count(table[column], column)
    if set(KEY) <= set(present):
        twice = table[list(KEY)].astype(str).duplicated(keep=False)
        findings += at_rows("error", ", ".join(KEY), "expected each combination once", twice)
    return findings


def check_count(values: pd.Series[Any], column: str) -> list[Finding]:
    """What is neither a number from 0 up nor nothing."""
    number = numbers(values)
    wrong = values.notna() & ~((number >= 0) & np.isfinite(number))
    return at_rows("error", column, "expected a number from 0 up or nothing", wrong)


def numbers(values: pd.Series[Any]) -> pd.Series[float]:
    """Values as numbers; NaN where they are none."""
    found: pd.Series[float] = pd.to_numeric(values, errors="coerce").astype("Float64").astype(float)
    return found


def _check_text(values: pd.Series[Any], column: str) -> list[Finding]:
    is_text = _is_text(values)
    findings = at_rows("error", column, "expected text, got another kind of value", ~is_text)
    blank = values.isna() | (values.astype(str).str.strip() == "")
    text = f"expected a value, got none or only blanks{_hint(column)}"
    findings += at_rows("error", column, text, blank)
    if column in NAMES:
        named = values.astype(str).map({name: is_name(name) for name in values.astype(str).unique()})
        text = "expected a name, which goes into reports, of at most 4 words and 80 characters"
        findings += at_rows("error", column, text, ~(named.astype(bool) | blank | ~is_text))
    return findings


def _is_text(values: pd.Series[Any]) -> pd.Series[bool]:
    """Whether each value is text, a whole number, which is a fine id, or none."""
    if isinstance(values.dtype, pd.StringDtype):  # no need to look at half a million of them
        return pd.Series(data=True, index=values.index)
    is_text = values.map(lambda value: isinstance(value, (str, int, np.integer))).astype(bool)
    return values.isna() | is_text


def _hint(column: str) -> str:
    return f"; {HOW_TO_KEY}" if column == "prompt_key" else ""


def _bad_line(path: Path) -> int:
    """Line, from 1, that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1
