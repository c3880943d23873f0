"""Where the rows are summed: DuckDB in this process, or PostgreSQL or Spark by a connection string."""

from __future__ import annotations

import socket
import sys
import tempfile
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa

from clearway.errors import ConfigurationError
from training.report.routed import COLUMNS, MOVE_COLUMNS, Column

ENGINES: Final = "duckdb://FILE, postgresql://USER@HOST/DB, spark://HOST:PORT, local[*]"
N_THREADS: Final = 2
MEMORY: Final = "3GB"
_SPARK: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.extraJavaOptions": "-Dlog4j2.level=ERROR",
}
_KEPT: Final = "clearway_kept"
_SETTLED: Final = "clearway_settled"
_ATTACHED: Final = "clearway_given"
_POSTGRES_PORT: Final = 5_432
# A master that is there answers at once; one on another continent within this.
_ANSWER_S: Final = 5.0
_LOCAL: Final = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


class Tables(NamedTuple):
    """What the analysis sums.

    Attributes:
        rows: Ibis table with the columns `routed.COLUMNS`.
        moves: The same with `routed.MOVE_COLUMNS`, or None.
        engine: Name and version.
        settle: Computes a table once where the engine would compute a column again for each of its uses.
        keep: Computes a table once, for the sums that follow; gone with the context.
    """

    rows: Any
    moves: Any
    engine: str
    settle: Callable[[Any], Any]
    keep: Callable[[Any], Any]


@contextmanager
def open_tables(url: str | None, rows: Path | str, moves: Path | str | None = None) -> Iterator[Tables]:
    """The tables, on the engine that the address names, for as long as the context lasts.

    Args:
        url: One of `ENGINES`; None for DuckDB.
        rows: Parquet file, folder of Parquet files, or, as a string, the name of a table of the engine.
        moves: Likewise.

    Raises:
        ConfigurationError: No such engine, driver, server, file, table or column, or one of another type.
    """
    with ExitStack() as stack:
        source = _opened(url or "duckdb://", stack)
        sought = ((rows, COLUMNS), (moves, MOVE_COLUMNS))
        read, moved = (
            None if where is None else _checked(source.table(where, columns), columns)
            for where, columns in sought
        )
        yield Tables(read, moved, source.name, source.settle, source.keep)


def check_engine(url: str) -> None:
    """Say before long work that an engine cannot be used.

    Raises:
        ConfigurationError: No such engine, driver or server.
    """
    with ExitStack() as stack:
        _opened(url, stack)


def _opened(address: str, stack: ExitStack) -> _Source:
    scheme = address.partition("://")[0].lower()
    if scheme == "duckdb":
        return _Duckdb(address, stack)
    if scheme in ("postgresql", "postgres"):
        return _Postgres(address, stack)
    if scheme in ("spark", "pyspark") or address == "local" or address.startswith("local["):
        return _Spark(address, stack)
    raise ConfigurationError(f"engine: expected one of {ENGINES}, got an address of another kind")


def collected(expression: Any) -> pa.Table:
    """What an expression comes to, computed by its engine.

    Raises:
        ConfigurationError: The engine failed; the text names its error.
    """
    try:
        engine = expression.get_backend()
        if engine.name == "pyspark":
            # By way of Arrow alone: pandas would make fractions of whole numbers beside a null.
            with _quiet():
                return engine.raw_sql(engine.compile(expression)).toArrow()
        return expression.to_pyarrow()
    except _engine_errors() as error:
        raise _failed(error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """PySpark 4.3 warns of pandas 3, which no number here passes through."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _failed(error: BaseException) -> ConfigurationError:
    return ConfigurationError(
        f"engine: expected it to sum the rows, got {_told(error)}; check its memory, disk and connection, "
        "and that the files are whole"
    )


class _Source(ABC):
    """An open engine."""

    name: str
    connection: Any

    def table(self, where: Path | str, columns: Sequence[Column]) -> Any:
        """The table of files, or of a name."""
        try:
            if isinstance(where, str):
                return self.named(where)
            return self.of_files(_files(where), columns)
        except _engine_errors() as error:
            what = where if isinstance(where, str) else where.name
            raise ConfigurationError(
                f"{what}: expected a table that {self.name} can read, got {_told(error)}"
            ) from error

    def named(self, name: str) -> Any:
        """A table of the engine."""
        return self.connection.table(name)

    @abstractmethod
    def of_files(self, files: list[str], columns: Sequence[Column]) -> Any:
        """The table of some Parquet files."""

    def keep(self, table: Any) -> Any:
        """The table, computed."""
        try:
            return self.kept(table)
        except _engine_errors() as error:
            raise _failed(error) from error

    def kept(self, table: Any) -> Any:
        """As `keep`, with the engine's own errors."""
        return self.connection.create_table(_KEPT, table, temp=True)

    def settle(self, table: Any) -> Any:
        """The table as it is; most engines compute a column once for all of its uses."""
        return table


class _Duckdb(_Source):
    def __init__(self, address: str, stack: ExitStack) -> None:
        import ibis

        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="clearway-report-"))
        path = address.partition("://")[2]
        try:
            # A database in a file compresses what is kept.
            self.connection = ibis.duckdb.connect(
                Path(scratch) / "kept.duckdb",
                threads=N_THREADS,
                memory_limit=MEMORY,
                temp_directory=scratch,
                preserve_insertion_order=False,
            )
            if path:
                self.connection.attach(path, name=_ATTACHED, read_only=True)
        except _engine_errors() as error:
            raise ConfigurationError(f"engine: expected a DuckDB database, got {_told(error)}") from error
        stack.callback(self.connection.disconnect)
        self.name = f"DuckDB {self.connection.version}"

    def named(self, name: str) -> Any:
        return self.connection.table(name, database=_ATTACHED)

    def kept(self, table: Any) -> Any:
        return self.connection.create_table(_KEPT, table)

    def of_files(self, files: list[str], columns: Sequence[Column]) -> Any:
        return self.connection.read_parquet(files, table_name=f"clearway_{columns[-1].name}")


class _Postgres(_Source):
    def __init__(self, address: str, stack: ExitStack) -> None:
        import ibis

        try:
            self.connection = ibis.connect(address)
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "engine: expected the PostgreSQL driver, got none; install clearway[train]"
            ) from error
        except _engine_errors() as error:
            raise ConfigurationError(
                f"engine: expected a PostgreSQL server at {_server(address)}, got {type(error).__name__}; "
                "check that it runs, and the user, password and database in the address"
            ) from error
        stack.callback(self.connection.disconnect)
        self.name = f"PostgreSQL {self.connection.version.split()[0]}"

    def of_files(self, files: list[str], columns: Sequence[Column]) -> Any:
        """Uploaded into a temporary table, whose texts compare by their bytes as everywhere else."""
        import pyarrow.csv as csv
        import pyarrow.dataset as ds

        found = ds.dataset(files)
        _refuse_missing(found.schema.names, columns)
        types = {"string": 'text COLLATE "C"', "int64": "bigint", "boolean": "boolean"}
        name = f"clearway_{len(self.connection.list_tables())}_{columns[-1].name}"
        listed = ", ".join(f"{column.name} {types[column.type]}" for column in columns)
        names = [column.name for column in columns]
        written = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        with self.connection.con.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ({listed})")
            with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
                for batch in found.to_batches(columns=names):
                    sink = pa.BufferOutputStream()
                    csv.write_csv(batch, sink, written)
                    copy.write(sink.getvalue().to_pybytes())
            cursor.execute(f"ANALYZE {name}")
        return self.connection.table(name)

    def settle(self, table: Any) -> Any:
        try:
            return self.connection.create_table(_SETTLED, table, temp=True)
        except _engine_errors() as error:
            raise _failed(error) from error


class _Spark(_Source):
    def __init__(self, address: str, stack: ExitStack) -> None:
        is_local = not address.startswith("spark://")
        if not is_local:
            _check_answers(address)
        try:
            import ibis
            from pyspark.sql import SparkSession
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "engine: expected PySpark, got none; install clearway[spark] and Java 17 or newer"
            ) from error
        master = "local[*]" if address.startswith("pyspark://") else address
        builder = SparkSession.builder.master(master).appName("clearway report")
        for key, value in {**_SPARK, **(_LOCAL if is_local else {})}.items():
            builder = builder.config(key, value)
        was_open = SparkSession.getActiveSession() is not None
        try:
            session = builder.getOrCreate()
            session.sparkContext.setLogLevel("ERROR")
        except _engine_errors() as error:
            raise ConfigurationError(
                f"engine: expected Spark at {master}, got {type(error).__name__}; check that it runs "
                "and that Java 17 or newer is on the path"
            ) from error
        if not was_open:
            stack.callback(session.stop)
        self._session = session
        with _quiet():
            self.connection = ibis.pyspark.connect(session)
        self.name = f"Spark {session.version}"

    def of_files(self, files: list[str], columns: Sequence[Column]) -> Any:
        view = f"clearway_{columns[-1].name}"
        self._session.read.parquet(*files).createOrReplaceTempView(view)
        return self.connection.table(view)

    def kept(self, table: Any) -> Any:
        return table.cache()


def _files(where: Path) -> list[str]:
    files = sorted(where.glob("*.parquet")) if where.is_dir() else [where]
    if not files or not files[0].is_file():
        raise ConfigurationError(f"{where.name}: expected a Parquet file, or a folder of them, got none")
    return [str(file.resolve()) for file in files]


def _checked(table: Any, columns: Sequence[Column]) -> Any:
    """The columns in their types; whole numbers of any width are taken."""
    schema = table.schema()
    _refuse_missing(schema.names, columns)
    right = {"string": "is_string", "int64": "is_integer", "boolean": "is_boolean"}
    for column in columns:
        kind = schema[column.name]
        # A column of nothing but nulls has no type of its own.
        if not (getattr(kind, right[column.type])() or kind.is_null()):
            raise ConfigurationError(
                f"column {column.name}: expected {column.type}, got {str(kind)[:40]}; see "
                "training/report/routed.py"
            )
    return table.select(**{column.name: table[column.name].cast(column.type) for column in columns})


def _refuse_missing(names: Sequence[str], columns: Sequence[Column]) -> None:
    missing = [column.name for column in columns if column.name not in names]
    if missing:
        raise ConfigurationError(
            "table: expected the columns of training/report/routed.py, got none named "
            f"{', '.join(missing[:8])}{f' and {len(missing) - 8} more' if len(missing) > 8 else ''}"
        )


def _server(address: str) -> str:
    """Host and port of an address, never its password."""
    try:
        parts = urlsplit(address)
        return f"{parts.hostname or 'localhost'}:{parts.port or _POSTGRES_PORT}"
    except ValueError:
        return "an address that cannot be read"


def _check_answers(address: str) -> None:
    """Whether one of the masters of a Spark address answers: Spark itself would try for a minute.

    Raises:
        ConfigurationError: None does.
    """
    why = ""
    for master in address.removeprefix("spark://").split(","):
        host, _, port = master.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
            return
        except (ValueError, OverflowError):
            why = "no HOST:PORT"
        except OSError as error:
            why = error.strerror or str(error) or type(error).__name__
    raise ConfigurationError(
        f"engine: expected Spark at {address}, got no answer ({why}); check that it runs, and the address"
    )


def _told(error: BaseException) -> str:
    """Kind and first line of an engine's error; rows hold ids, counts and codes only."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:160]}"


def _engine_errors() -> tuple[type[Exception], ...]:
    """What engines raise, of those that were imported."""
    from ibis.common.exceptions import IbisError, TableNotFound

    found: list[type[Exception]] = [IbisError, TableNotFound, pa.ArrowException, OSError, ValueError]
    for module, name in (
        ("duckdb", "Error"),
        ("psycopg", "Error"),
        ("pyspark.errors", "PySparkException"),
        ("py4j.protocol", "Py4JError"),
    ):
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)
