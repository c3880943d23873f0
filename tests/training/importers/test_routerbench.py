"""RouterBench's wide table becomes tidy rows; faults are named, pickles refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from clearway.errors import TrainingDataError
from training.answer_table import COLUMNS
from training.importers import Imported, import_file, write_tidy
from training.importers.routerbench import joined_turns, models_of


def wide(**columns: Any) -> pd.DataFrame:
    """Two prompts, two models, in upstream's form."""
    return pd.DataFrame(
        {
            "sample_id": ["mmlu.val.1", "mtbench.2"],
            "prompt": ["['What is 2 + 2?']", "['Write a poem.', 'Now shorter.']"],
            "eval_name": ["mmlu", "mtbench"],
            "maker/large": [1.0, 0.9],
            "small": [0.0, None],
            "maker/large|model_response": ["['4']", "['Roses are red', 'Roses']"],
            "small|model_response": ["['5']", "['no']"],
            "maker/large|total_cost": [0.001, 0.002],
            "small|total_cost": [0.0001, 0.0002],
            "oracle_model_to_route_to": ["maker/large", "maker/large"],
        }
    ).assign(**columns)


def imported(tmp_path: Path, table: pd.DataFrame) -> Imported:
    """Import of a table written as CSV."""
    table.to_csv(tmp_path / "wide.csv", index=False)
    return import_file(tmp_path / "wide.csv", file_format="routerbench", source="mine", grade_column="grade")


def test_rows_of_a_wide_table(tmp_path: Path) -> None:
    """One row for each prompt and model with a score; turns are joined; tokens are estimated, and said so."""
    result = imported(tmp_path, wide())
    table = result.table
    assert tuple(table.columns) == COLUMNS
    assert table[["prompt_id", "model", "score"]].to_numpy().tolist() == [
        ["mmlu.val.1", "maker/large", 1.0],
        ["mtbench.2", "maker/large", 0.9],
        ["mmlu.val.1", "small", 0.0],
    ]
    assert table["prompt"].tolist() == ["What is 2 + 2?", "Write a poem.\n\nNow shorter.", "What is 2 + 2?"]
    assert table["cost_usd"].tolist() == [0.001, 0.002, 0.0001]
    assert (table["output_tokens"] >= 1).all()
    assert [(f.severity, f.column, f.text, f.rows) for f in result.findings] == [
        ("excluded", "small", "no score", (2,)),
        (
            "note",
            "input_tokens, output_tokens",
            "token counts are estimates (clearway_estimate): the table holds none",
            (),
        ),
    ]


def test_parquet_and_csv_give_the_same(tmp_path: Path) -> None:
    """The format changes nothing, and lists of turns in Parquet are lists of turns."""
    table = wide(prompt=[["What is 2 + 2?"], ["Write a poem.", "Now shorter."]])
    table.to_parquet(tmp_path / "wide.parquet")
    path = tmp_path / "wide.parquet"
    other = import_file(path, file_format="routerbench", source="mine", grade_column="grade")
    pd.testing.assert_frame_equal(imported(tmp_path, wide()).table, other.table, check_dtype=False)


@pytest.mark.parametrize(
    ("columns", "column", "text", "rows"),
    [
        ({"small": [2.0, 0.0]}, "small", "expected a number from 0 to 1", (1,)),
        ({"small": ["yes", 0.0]}, "small", "expected a number from 0 to 1", (1,)),
        ({"small|total_cost": [-1, 0.0]}, "small|total_cost", "expected US dollars or nothing", (1,)),
        ({"sample_id": ["a", "a"]}, "sample_id", "expected each once", (1, 2)),
        ({"prompt": ["['hi']", None]}, "prompt", "expected text, got none", (2,)),
        ({"prompt": ["['']", "['hi']"]}, "prompt", "expected text, got none", (1,)),
    ],
)
def test_faults_are_named(
    tmp_path: Path, columns: dict[str, Any], column: str, text: str, rows: tuple[int, ...]
) -> None:
    """Column, rows and what was expected; nothing is made of a faulty table."""
    result = imported(tmp_path, wide(**columns))
    assert not result.is_usable
    errors = [(f.column, f.text, f.rows) for f in result.findings if f.severity == "error"]
    assert errors == [(column, text, rows)]
    assert not len(result.table)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    """All of them; and a table without any model is no RouterBench table."""
    with pytest.raises(TrainingDataError) as caught:
        imported(tmp_path, wide().drop(columns=["sample_id", "eval_name"]))
    assert str(caught.value) == "sample_id, eval_name: expected these columns, got none"
    result = imported(tmp_path, wide()[["sample_id", "prompt", "eval_name"]])
    assert [f.text for f in result.findings if f.severity == "error"] == [
        "expected columns MODEL and MODEL|total_cost, got none"
    ]


def test_models_have_a_score_and_a_cost_or_a_response() -> None:
    """The oracle's column and others beside are no models."""
    assert models_of(wide()) == ["maker/large", "small"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("['a', 'b']", "a\n\nb"),
        (np.array(["a", "b"]), "a\n\nb"),
        ("a plain prompt ", "a plain prompt"),
        ("[1, 2]", "[1, 2]"),
        ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000),
        ("[__import__('os').getcwd()]", "[__import__('os').getcwd()]"),
        (None, None),
        (3.5, None),
    ],
)
def test_turns(value: object, text: str | None) -> None:
    """Only a list of strings is unpacked, and nothing is run."""
    assert joined_turns(value) == text


@pytest.mark.parametrize("name", ["wide.pkl", "wide.parquet"])
def test_pickles_are_refused(tmp_path: Path, name: str) -> None:
    """By suffix and by content: reading one would run its code."""
    path = tmp_path / name
    wide().to_pickle(path)
    with pytest.raises(TrainingDataError) as caught:
        import_file(path, file_format="routerbench", source="mine", grade_column="grade")
    assert str(caught.value) == (
        f"{path}: expected CSV, Parquet or JSON lines, got a pickle, which can run any code when it is read; "
        "export it where you trust it: pandas.read_pickle(FILE).to_parquet(OUT)"
    )


def test_files_of_another_kind(tmp_path: Path) -> None:
    """A missing file, another suffix, another encoding: each is named."""
    texts = {
        "none.csv": "expected a file, got none",
        "table.xlsx": "expected a name that ends in .csv, .parquet or .jsonl",
        "latin.csv": "expected UTF-8, got another encoding in line 2",
        "list.jsonl": "expected a JSON object in UTF-8, got another in line 2",
    }
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    (tmp_path / "latin.csv").write_bytes(b"a\n\xe9\n")
    (tmp_path / "list.jsonl").write_bytes(b'{"a": 1}\n[1]\n')
    for name, text in texts.items():
        with pytest.raises(TrainingDataError) as caught:
            import_file(tmp_path / name, file_format="routerbench", source="mine", grade_column="grade")
        assert str(caught.value) == f"{tmp_path / name}: {text}"


@pytest.mark.parametrize("name", ["tidy.csv", "tidy.parquet"])
def test_what_is_written_is_its_owners(tmp_path: Path, name: str) -> None:
    """Mode 0600, never over another file."""
    table = imported(tmp_path, wide()).table
    write_tidy(table, tmp_path / name)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    with pytest.raises(TrainingDataError) as caught:
        write_tidy(table, tmp_path / name)
    text = "expected a new file, got one that exists; choose another name"
    assert str(caught.value) == f"{tmp_path / name}: {text}"
    with pytest.raises(TrainingDataError) as caught:
        write_tidy(table, tmp_path / "tidy.txt")
    assert str(caught.value) == f"{tmp_path / 'tidy.txt'}: expected a name that ends in .parquet or .csv"


@pytest.mark.parametrize("step", ["fsync", "fdopen"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Half a table is none: the text says what the system said, and no file stays behind."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    table = imported(tmp_path, wide()).table
    monkeypatch.setattr(os, step, full)
    out = tmp_path / "new" / "tidy.csv"
    out.parent.mkdir()
    with pytest.raises(TrainingDataError) as caught:
        write_tidy(table, out)
    assert str(caught.value) == f"{out}: expected a file that can be written, got: No space left on device"
    assert not list(out.parent.iterdir())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """It is not made."""
    out = tmp_path / "none" / "tidy.csv"
    with pytest.raises(TrainingDataError) as caught:
        write_tidy(imported(tmp_path, wide()).table, out)
    assert str(caught.value) == f"{out}: expected a file that can be written, got: No such file or directory"
