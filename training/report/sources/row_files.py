"""Rows as Parquet: written in pieces, in little memory, and a file has its name only once it is whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from clearway.errors import ConfigurationError
from training.report.routed import Column

PARTIAL: Final = ".partial"
_N_ROWS_AT_ONCE: Final = 20_000
_TYPES: Final = {"string": pa.string(), "int64": pa.int64(), "boolean": pa.bool_()}


class RowWriter:
    """Writes `NAME.parquet` of a folder; as a context, it keeps the file only where nothing went wrong.

    Several processes may write the same name: the last one to finish leaves its file, whole.

    Args:
        folder: Made where it is missing.
        columns: Every row has each of them.
        name: Of the file, without its ending.

    Raises:
        ConfigurationError: The file cannot be written, or a row is not of these columns.
    """

    def __init__(self, folder: Path, columns: Sequence[Column], *, name: str = "rows") -> None:
        self.path = folder / f"{name}.parquet"
        self.n_rows = 0
        self._columns = tuple(columns)
        self._schema = schema_of(columns)
        self._waiting: list[Mapping[str, Any]] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                dir=folder, prefix=f"{name}.", suffix=PARTIAL, delete=False
            ) as file:
                self._partial = Path(file.name)
            self._writer = pq.ParquetWriter(self._partial, self._schema, compression="zstd")
        except OSError as error:
            raise self._unwritable(error) from error

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one more row."""
        self._waiting.append(row)
        self.n_rows += 1
        if len(self._waiting) >= _N_ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write what is left, and give the file its name."""
        self._flush()
        try:
            self._writer.close()
            self._partial.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def discard(self) -> None:
        """Leave nothing behind."""
        try:
            self._writer.close()
        except (OSError, pa.ArrowException):  # the disk that was full still is
            pass
        finally:
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
        except BaseException:
            self.discard()
            raise

    def _flush(self) -> None:
        if not self._waiting:
            return
        try:
            self._writer.write_table(_table(self._waiting, self._columns, self._schema))
        except OSError as error:
            raise self._unwritable(error) from error
        except (KeyError, OverflowError, pa.ArrowException) as error:
            raise ConfigurationError(
                f"{self.path.name}: expected rows of whole numbers and texts by the table's columns, "
                f"got {type(error).__name__}"
            ) from error
        self._waiting = []

    def _unwritable(self, error: OSError) -> ConfigurationError:
        why = error.strerror or type(error).__name__
        return ConfigurationError(
            f"{self.path.name}: expected to write rows in {self.path.parent}, got: {why}; free some space or "
            "name another folder"
        )


def write_rows(
    folder: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, name: str = "rows"
) -> int:
    """Write a table as one file, `NAME.parquet`, and say how many rows it has.

    Raises:
        ConfigurationError: As `RowWriter`.
    """
    with RowWriter(folder, columns, name=name) as writer:
        for row in rows:
            writer.add(row)
    return writer.n_rows


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """Arrow's schema of a table's columns."""
    return pa.schema([(column.name, _TYPES[column.type]) for column in columns])


def _table(rows: list[Mapping[str, Any]], columns: tuple[Column, ...], schema: pa.Schema) -> pa.Table:
    arrays = []
    for column in columns:
        values = [row[column.name] for row in rows]
        values = [_text(value) for value in values] if column.type == "string" else values
        arrays.append(pa.array(values, type=_TYPES[column.type]))
    return pa.Table.from_arrays(arrays, schema=schema)


def _text(value: Any) -> Any:
    """A text that every engine takes: without NUL, and without halves of characters."""
    if not isinstance(value, str) or (value.isascii() and "\0" not in value):
        return value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
