"""Row files are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clearway.errors import ConfigurationError
from training.report.routed import COLUMNS, Column
from training.report.sources.row_files import RowWriter, schema_of, write_rows

SMALL = (
    Column("id", "string", "name"),
    Column("n", "int64", "count"),
    Column("is_so", "boolean", "fact"),
)


def test_rows_come_back_with_their_types(tmp_path: Path) -> None:
    """What was written is read again, empty values too."""
    rows: list[dict[str, object]] = [
        {"id": "a", "n": 2**60, "is_so": True},
        {"id": None, "n": None, "is_so": None},
    ]
    assert write_rows(tmp_path / "new", rows, SMALL) == 2
    table = pq.read_table(tmp_path / "new" / "rows.parquet")
    assert table.to_pylist() == rows
    assert table.schema == schema_of(SMALL)


def test_every_column_of_the_table_has_a_type() -> None:
    """The schema has the columns in order."""
    assert schema_of(COLUMNS).names == [column.name for column in COLUMNS]


def test_more_rows_than_fit_at_once_are_written(tmp_path: Path) -> None:
    """Rows are written in pieces, and none is lost."""
    rows = ({"id": str(n), "n": n, "is_so": n % 2 == 0} for n in range(45_000))
    write_rows(tmp_path, rows, SMALL, name="chunk-000001")
    file = pq.ParquetFile(tmp_path / "chunk-000001.parquet")
    assert (file.metadata.num_rows, file.num_row_groups) == (45_000, 3)


def test_an_empty_table_is_a_file_too(tmp_path: Path) -> None:
    """No rows make a file with columns and nothing in them."""
    assert write_rows(tmp_path, [], SMALL) == 0
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == 0


def test_an_interrupted_file_never_has_its_name(tmp_path: Path) -> None:
    """Where the writer's block fails, nothing is left; what was there before stays."""
    write_rows(tmp_path, [{"id": "old", "n": 1, "is_so": None}], SMALL)

    def interrupted() -> None:
        with RowWriter(tmp_path, SMALL) as writer:
            writer.add({"id": "new", "n": 1, "is_so": None})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]
    assert pq.read_table(tmp_path / "rows.parquet")["id"].to_pylist() == ["old"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": "a", "n": 1}, "KeyError"),
        ({"id": "a", "n": 2**70, "is_so": None}, "OverflowError"),
        ({"id": "a", "n": "one", "is_so": None}, "Arrow"),
        ({"id": 5, "n": 1, "is_so": None}, "Arrow"),
    ],
)
def test_a_row_of_another_form_is_an_error(tmp_path: Path, row: dict[str, object], problem: str) -> None:
    """A missing column, a huge number or a wrong type is said in one line, and no file is left."""
    with pytest.raises(ConfigurationError, match=f"rows.parquet: expected rows of .*{problem}"):
        write_rows(tmp_path, [row], SMALL)
    assert list(tmp_path.iterdir()) == []


def test_texts_that_engines_refuse_are_mended(tmp_path: Path) -> None:
    """NUL and half characters are replaced; other text stays as it is."""
    write_rows(tmp_path, [{"id": t, "n": 1, "is_so": None} for t in ("a\0b", "x\ud800", "ä<b>")], SMALL)
    assert pq.read_table(tmp_path / "rows.parquet")["id"].to_pylist() == [
        "a\N{REPLACEMENT CHARACTER}b",
        "x?",
        "ä<b>",
    ]


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    """A file where the folder should be gives an error that names it."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match=r"expected to write rows in .*taken"):
        write_rows(tmp_path / "taken", [], SMALL)
