"""Graded answers as they come: what cannot be used is set aside and counted, never a reason to stop.

Training refuses a table at its first fault; a report says how many faults there were and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clearway.errors import TrainingDataError
from training import corpora
from training.answer_table import COUNTS, KEY, NAMES, REQUIRED, TEXT_COLUMNS, Finding, is_name, read_file

MISSING_VALUE, BAD_NAME = "missing_value", "bad_name"
BAD_SCORE, BAD_NUMBER, DUPLICATE = "bad_score", "bad_number", "duplicate_answer"
# Far beyond any answer; sums of such numbers still fit in 64 bits.
MAX_TOKENS: Final = 10**9
MAX_COST_USD: Final = 10**5
_ROW: Final = "row "


@dataclass(frozen=True)
class Read:
    """A table of graded answers, and what was wrong with it.

    Attributes:
        table: Usable answers, from `corpora.check_answers`.
        faults: Unusable answers: `source`, `prompt_id`, `code`; the row's number where no prompt is named.
        n_answers: All answers of the file.
    """

    table: pd.DataFrame
    faults: pd.DataFrame
    n_answers: int

    def part(self, is_inside: NDArray[np.bool_], *, with_lost: bool = False) -> Read:
        """The answers of some rows, with the faults of their prompts.

        Args:
            is_inside: Shape (n_answers,).
            with_lost: Whether faults of prompts that have no usable answer belong to this part.
        """
        rows = self.table.assign(is_inside=is_inside).groupby(["source", "prompt_id"])["is_inside"]
        prompts = rows.any() if with_lost else rows.all()  # of a prompt on both sides, each fault once
        marked = self.faults.merge(prompts.reset_index(), how="left", on=["source", "prompt_id"])
        belongs = marked["is_inside"].astype("boolean").fillna(with_lost).to_numpy(dtype=np.bool_)
        faults = self.faults[belongs].reset_index(drop=True)
        inside = self.table[is_inside].reset_index(drop=True)
        return Read(inside, faults, len(inside) + len(faults))


def read_answers(path: Path) -> Read:
    """Answers of a Parquet or CSV file; each row that cannot be used is a fault with a code.

    Of answers with the same source, prompt and model the first one counts.

    Raises:
        TrainingDataError: There is no such file, it is no table, lacks a column, or no row can be used.
    """
    found = read_file(path)
    if isinstance(found, Finding):
        raise TrainingDataError(f"{path}: {found.text}")
    for column in REQUIRED:
        if column not in found.columns:
            raise TrainingDataError(f"{path}: {column}: expected this column, got none; see data/corpora.md")
    codes = _codes(found)
    usable = found.loc[codes == "", [name for name in corpora.READ if name in found.columns]]
    if not len(usable):
        raise TrainingDataError(
            f"{path}: expected at least one graded answer that can be used, got none in {len(found)} "
            "rows; clearway answers check says why"
        )
    numbers = {name: _numbers(usable[name]) for name in (*COUNTS, "score") if name in usable.columns}
    return Read(
        corpora.check_answers(usable.assign(**numbers).reset_index(drop=True)),
        _faults(found, codes),
        len(found),
    )


def _codes(table: pd.DataFrame) -> NDArray[np.object_]:
    """Code of the first thing wrong with each row; empty where nothing is."""
    codes = np.full(len(table), "", dtype=object)

    def mark(code: str, is_wrong: NDArray[np.bool_]) -> None:
        codes[is_wrong & (codes == "")] = code

    for column in TEXT_COLUMNS:
        mark(MISSING_VALUE, ~_is_text(table[column]))
    for column in NAMES:
        texts = table[column].astype(str)
        mark(BAD_NAME, texts.isin([text for text in texts.unique() if not is_name(text)]).to_numpy())
    mark(BAD_SCORE, ~_numbers(table["score"]).between(0.0, 1.0).to_numpy())
    for column in COUNTS:
        if column in table.columns:
            most = MAX_COST_USD if column == "cost_usd" else MAX_TOKENS
            is_number = _numbers(table[column]).between(0.0, most).to_numpy()
            mark(BAD_NUMBER, table[column].notna().to_numpy() & ~is_number)
    is_usable = codes == ""
    repeated = np.zeros(len(table), dtype=np.bool_)
    repeated[is_usable] = table.loc[is_usable, list(KEY)].astype(str).duplicated(keep="first").to_numpy()
    mark(DUPLICATE, repeated)
    return codes


def _is_text(values: pd.Series[Any]) -> NDArray[np.bool_]:
    """Whether each value is text or a whole number, which is a fine id, and not blank."""
    if isinstance(values.dtype, pd.StringDtype):  # no need to look at half a million of them
        return (values.str.strip().fillna("") != "").to_numpy(dtype=np.bool_)
    is_text = (isinstance(value, (str, int, np.integer)) and bool(str(value).strip()) for value in values)
    return np.fromiter(is_text, dtype=np.bool_)


def _texts(values: pd.Series[Any]) -> list[str]:
    return [str(value) for value in values]


def _numbers(values: pd.Series[Any]) -> pd.Series[float]:
    """Values as numbers; NaN where they are none."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("Float64").astype(float)
    return pd.Series([_number(value) for value in values], index=values.index, dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _faults(table: pd.DataFrame, codes: NDArray[np.object_]) -> pd.DataFrame:
    """Source, prompt and code of each row with a code; names that are none are not repeated."""
    rows = np.flatnonzero(codes != "")
    faulty = table.iloc[rows]
    named = _is_text(faulty["source"]) & _is_text(faulty["prompt_id"])
    sources = [
        source if known and is_name(source) else ""
        for source, known in zip(_texts(faulty["source"]), named, strict=True)
    ]
    prompts = [
        prompt if source else f"{_ROW}{row + 1}"
        for prompt, source, row in zip(_texts(faulty["prompt_id"]), sources, rows, strict=True)
    ]
    return pd.DataFrame({"source": sources, "prompt_id": prompts, "code": codes[rows]}, dtype="str")
