"""What is wrong with a table of graded answers is counted, and the rest of it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training.report.sources.answer_reading import MAX_COST_USD, read_answers
from training.report.sources.answer_rows import codes_of

GOOD: dict[str, Any] = {
    "source": "own",
    "prompt_id": "p0",
    "prompt_key": "k0",
    "prompt": "How many legs has a spider?",
    "category": "animals",
    "model": "a",
    "model_canonical": "a",
    "score": 1.0,
    "output_tokens": 12,
    "input_tokens": 7,
    "cost_usd": 0.1,
}


def _write(path: Path, *changes: dict[str, Any]) -> Path:
    """A Parquet file of one good answer and one for each change to it."""
    rows = [GOOD, *({**GOOD, "prompt_id": f"p{n}", **change} for n, change in enumerate(changes, 1))]
    pd.DataFrame(rows).to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"score": float("nan")}, "bad_score"),
        ({"score": 1.01}, "bad_score"),
        ({"score": -0.1}, "bad_score"),
        ({"score": None}, "bad_score"),
        ({"output_tokens": -1}, "bad_number"),
        ({"input_tokens": 10**9 + 1}, "bad_number"),
        ({"cost_usd": float("inf")}, "bad_number"),
        ({"cost_usd": MAX_COST_USD * 1.01}, "bad_number"),
        ({"prompt": "  "}, "missing_value"),
        ({"prompt_key": None}, "missing_value"),
        ({"model": "<script>alert(1)</script>"}, "bad_name"),
        ({"model_canonical": "x" * 81}, "bad_name"),
        ({"prompt_id": "p0"}, "duplicate_answer"),
    ],
)
def test_an_answer_that_cannot_be_used_has_a_code(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    """It is left out under one code, at its prompt; the other answers are used."""
    read = read_answers(_write(tmp_path / "a.parquet", change, {}))
    prompt_id = change.get("prompt_id", "p1")
    assert codes_of(read.faults) == {("own", prompt_id): frozenset({code})}
    assert set(read.table["prompt_id"]) == {"p0", "p2"}
    assert read.n_answers == 3


@pytest.mark.parametrize("change", [{"source": None}, {"source": "what <b>"}, {"prompt_id": " "}])
def test_a_prompt_that_is_not_named_gets_the_number_of_its_row(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """Counted from 1, without what stood there."""
    read = read_answers(_write(tmp_path / "a.parquet", {}, change))
    assert set(codes_of(read.faults)) == {("", "row 3")}


def test_the_first_of_equal_answers_counts(tmp_path: Path) -> None:
    """As with a log: the later ones are set aside."""
    read = read_answers(_write(tmp_path / "a.parquet", {"prompt_id": "p0", "score": 0.0}))
    assert read.table["score"].tolist() == [1.0]


@pytest.mark.parametrize("score", ["", "high", "1e999", "[1]", "0x1"])
def test_text_in_a_csv_where_a_number_belongs(tmp_path: Path, score: str) -> None:
    """A fault of that answer, not of the file."""
    path = tmp_path / "a.csv"
    pd.DataFrame([GOOD, {**GOOD, "prompt_id": "p1", "score": score}]).to_csv(path, index=False)
    read = read_answers(path)
    assert codes_of(read.faults) == {("own", "p1"): frozenset({"bad_score"})}


def test_lists_and_huge_numbers_in_a_column(tmp_path: Path) -> None:
    """No value of whatever kind stops the reading."""
    path = tmp_path / "a.parquet"
    scores: list[Any] = [["1"], ["1", "2"]]
    table = pd.DataFrame([GOOD, {**GOOD, "prompt_id": "p1"}]).assign(category=scores)
    table.assign(output_tokens=[str(10**400), "5"]).to_parquet(path)
    read = read_answers(path)
    assert codes_of(read.faults) == {("own", "p0"): frozenset({"bad_number"})}


def test_two_parts_share_the_faults_out(tmp_path: Path) -> None:
    """Each belongs to the part of its prompt; of a prompt on neither or on both sides, to the one asked."""
    bad = {"model": "b", "score": 2.0}
    path = _write(
        tmp_path / "a.parquet",
        {},
        {"prompt_id": "p1", **bad},
        {"prompt_id": "lost", **bad},
        {"prompt_id": "p0", **bad},
    )
    read = read_answers(path)
    is_first = (read.table["prompt_id"] == "p0").to_numpy()
    first, second = read.part(is_first), read.part(~is_first, with_lost=True)
    assert set(codes_of(first.faults)) == {("own", "p0")}
    assert set(codes_of(second.faults)) == {("own", "p1"), ("own", "lost")}
    assert (first.n_answers, second.n_answers) == (2, 3)


def test_a_prompt_on_both_sides_has_each_fault_once(tmp_path: Path) -> None:
    """Its answers lie in two folds only where the table contradicts itself; counts hold all the same."""
    more: list[dict[str, Any]] = [
        {"prompt_id": "p0", "model": "b"},
        {"prompt_id": "p0", "model": "c", "score": 2.0},
    ]
    read = read_answers(_write(tmp_path / "a.parquet", *more))
    is_first = (read.table["model"] == "b").to_numpy()
    parts = read.part(is_first), read.part(~is_first, with_lost=True)
    assert [len(part.faults) for part in parts] == [0, 1]


def test_what_is_no_table_at_all(tmp_path: Path) -> None:
    """One line that names the file and what was expected."""
    path = tmp_path / "a.parquet"
    with pytest.raises(TrainingDataError, match=f"{path}: expected a file of graded answers, got none"):
        read_answers(path)
    path.write_bytes(b"")
    with pytest.raises(TrainingDataError, match=r"expected Parquet, or CSV in a \.csv file, got"):
        read_answers(path)
    pd.DataFrame([GOOD]).drop(columns="score").to_parquet(path)
    with pytest.raises(TrainingDataError, match="score: expected this column, got none"):
        read_answers(path)
    pd.DataFrame([{**GOOD, "score": np.nan}]).to_parquet(path)
    with pytest.raises(TrainingDataError, match="expected at least one graded answer that can be used, got"):
        read_answers(path)
