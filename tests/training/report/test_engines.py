"""Engines: the same rows give the same report on each, and what cannot be read is said in one line."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clearway.errors import ConfigurationError
from tests.training.report.routed_rows import MADE_AT, gathered, move, refused, row
from training.report.analysis.engines import open_tables
from training.report.analysis.report import analyse
from training.report.analysis.synthetic import write_synthetic
from training.report.gathered import Gathered

N_ROWS = 3_000


def _message(url: str | None, rows: Path | str) -> str:
    with pytest.raises(ConfigurationError) as caught, open_tables(url, rows):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _rows(folder: Path) -> Gathered:
    """Synthetic rows and some with names that a query could stumble over."""
    names = ("'; DROP TABLE rows; --", '"', "100%", "\\", "a,b\nc", "\N{SNOWMAN}", "")
    odd = [row(number, caller=name, purpose=name, bucket=None) for number, name in enumerate(names)]
    odd += [row(number, caller=name, exceptions=name) for number, name in enumerate(names)]
    write_synthetic(folder, N_ROWS, seed=2)
    extra = gathered(folder / "odd", [*odd, refused(1), row(2, spent_nusd=-1)], [move(1), move(2)])
    (extra.rows / "rows.parquet").rename(folder / "rows" / "odd.parquet")
    (folder / "odd" / "moves" / "rows.parquet").rename(folder / "moves" / "odd.parquet")
    return replace(extra, rows=folder / "rows", moves=folder / "moves")


def _report(found: Gathered, engine: str | None) -> dict[str, Any]:
    report = analyse(found, engine=engine, made_at=MADE_AT)
    return replace(report, about=replace(report.about, engine="")).as_json()


@pytest.mark.systems
def test_spark_gives_the_report_of_duckdb(tmp_path: Path) -> None:
    """Local Spark sums the same rows to the same numbers, to the last digit."""
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("needs clearway[spark] and Java")
    found = _rows(tmp_path)
    assert _report(found, "local[2]") == _report(found, None)


@pytest.mark.systems
def test_postgresql_gives_the_report_of_duckdb(tmp_path: Path, postgresql: str) -> None:
    """A PostgreSQL server sums the same rows to the same numbers, to the last digit."""
    found = _rows(tmp_path)
    assert _report(found, postgresql) == _report(found, None)


@pytest.mark.systems
def test_a_table_of_postgresql_is_summed_where_it_is(tmp_path: Path, postgresql: str) -> None:
    """A table of that name is read in place; one that lacks columns says which."""
    import ibis

    found = replace(_rows(tmp_path), kind="table", moves=None)
    connection = ibis.connect(postgresql)
    connection.create_table("routed", pq.read_table(found.rows))
    connection.create_table("other", pa.table({"request_id": ["r1"]}))
    connection.disconnect()
    assert _report(replace(found, rows=Path("routed")), postgresql) == _report(found, None)
    assert "got none named bucket, time_us" in _message(postgresql, "other")
    assert "expected a table that PostgreSQL" in _message(postgresql, "nowhere")


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of its own, from the system's binaries."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders or shutil.which("runuser") is None:
        pytest.skip("needs the PostgreSQL server's binaries, and runuser")
    folder = tmp_path_factory.mktemp("postgresql")
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)
    shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *given: str) -> None:
        command = [
            "runuser",
            "-u",
            "postgres",
            "--",
            str(folders[-1] / program),
            "-D",
            f"{folder}/data",
            *given,
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")

    run("initdb", "-A", "trust", "-U", "postgres")
    run("pg_ctl", "-o", f"-p {port} -k {folder} -h 127.0.0.1", "-w", "-l", f"{folder}/log", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")


def test_a_database_of_duckdb_is_read_in_place(tmp_path: Path) -> None:
    """`duckdb://FILE` reads a table of that name, and leaves the file as it was."""
    import duckdb

    found = gathered(tmp_path, [row(number) for number in range(20)], kind="table")
    path = tmp_path / "given.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE routed AS FROM '{found.rows / 'rows.parquet'}'")
    before = path.read_bytes()
    assert _report(replace(found, rows=Path("routed")), f"duckdb://{path}") == _report(found, None)
    assert path.read_bytes() == before
    assert "nowhere: expected a table that DuckDB" in _message(f"duckdb://{path}", "nowhere")


def test_an_engine_of_another_kind_is_refused() -> None:
    """The engines there are get named; the address, which may hold a password, does not."""
    assert _message("mysql://user:secret@host/db", Path("rows")) == (
        "engine: expected one of duckdb://FILE, postgresql://USER@HOST/DB, spark://HOST:PORT, local[*], "
        "got an address of another kind"
    )


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Host and port are named and the password is not."""
    found = _message("postgresql://user:secret@127.0.0.1:1/db", tmp_path)
    assert found == (
        "engine: expected a PostgreSQL server at 127.0.0.1:1, got OperationalError; check that it runs, and "
        "the user, password and database in the address"
    )


def test_the_usual_port_of_postgresql_is_named_where_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is what was tried."""

    def fail(_: str) -> None:
        raise OSError

    monkeypatch.setattr("ibis.connect", fail)
    assert "a PostgreSQL server at db.example:5432, got OSError" in _message(
        "postgresql://db.example/x", tmp_path
    )


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("spark://127.0.0.1:1", "Connection refused"),
        ("spark://127.0.0.1:1,127.0.0.1:2", "Connection refused"),
        ("spark://127.0.0.1", "no HOST:PORT"),
        ("spark://127.0.0.1:port", "no HOST:PORT"),
    ],
)
def test_a_spark_that_does_not_answer_is_said_at_once(tmp_path: Path, address: str, why: str) -> None:
    """Spark itself would try for a minute, and fill the terminal."""
    assert _message(address, tmp_path) == (
        f"engine: expected Spark at {address}, got no answer ({why}); check that it runs, and the address"
    )


@pytest.mark.parametrize(
    "url", ["postgresql://[", "postgresql://host:port/db", "duckdb:///nowhere/at/all.duckdb"]
)
def test_an_address_that_cannot_be_read_is_said(url: str, tmp_path: Path) -> None:
    """A malformed address is one line, as is a database that is not there."""
    assert _message(url, tmp_path).startswith("engine: expected a ")


def test_rows_that_are_not_there_are_said(tmp_path: Path) -> None:
    """A folder without Parquet files, a file that is missing, and a file that is not Parquet."""
    (tmp_path / "empty").mkdir()
    expected = "expected a Parquet file, or a folder of them, got none"
    assert _message(None, tmp_path / "empty") == f"empty: {expected}"
    assert _message(None, tmp_path / "missing.parquet") == f"missing.parquet: {expected}"
    (tmp_path / "text.parquet").write_text("PAR1 it is not")
    assert "text.parquet: expected a table that DuckDB" in _message(None, tmp_path / "text.parquet")


def test_missing_columns_and_wrong_types_are_named(tmp_path: Path) -> None:
    """The first columns that are missing are named; and a column of fractions is no count."""
    found = gathered(tmp_path, [row(1)])
    whole = pq.read_table(found.rows)
    file = tmp_path / "table.parquet"
    pq.write_table(whole.drop_columns(["bucket", "model"]), file)
    assert _message(None, file) == (
        "table: expected the columns of training/report/routed.py, got none named bucket, model"
    )
    fractions = pa.array([0.5])
    pq.write_table(whole.set_column(whole.column_names.index("spent_nusd"), "spent_nusd", fractions), file)
    assert _message(None, file) == (
        "column spent_nusd: expected int64, got float64; see training/report/routed.py"
    )


def test_a_file_that_ends_early_is_said(tmp_path: Path) -> None:
    """A Parquet file whose middle is damaged fails while it is summed, in one line."""
    found = gathered(tmp_path, [row(number) for number in range(5_000)])
    file = found.rows / "rows.parquet"
    whole = bytearray(file.read_bytes())
    middle = len(whole) // 2
    whole[8:middle] = bytes(middle - 8)
    file.write_bytes(bytes(whole))
    with pytest.raises(ConfigurationError, match=r"^engine: expected it to sum the rows, got [^\n]*$"):
        analyse(found, made_at=MADE_AT)
