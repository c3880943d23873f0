"""The lines of a past log as they lie in the file: JSON lines, perhaps in gzip, or Parquet.

A file of any size is read in little memory. What cannot be read is a line without content, never an end.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from clearway.errors import InvalidRequestError
from clearway.request import MAX_BODY_BYTES

# A request of the largest size, and the fields around it.
MAX_LINE_BYTES: Final = MAX_BODY_BYTES + 64 * 1024
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_MAX_DIGITS: Final = 20
_ROWS_AT_ONCE: Final = 250


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line.

    Attributes:
        number: From 1, blank lines counted.
        content: Bytes of a JSON line, or the row of a table; None where nothing can be read.
    """

    number: int
    content: bytes | Mapping[str, Any] | None = field(repr=False)

    @property
    def fields(self) -> Mapping[str, Any] | None:
        """What the line says by name, without nulls; None where it is no object."""
        if not isinstance(self.content, bytes):
            return self.content
        try:
            value = json.loads(self.content.decode("utf-8"), parse_int=_integer)
        except (ValueError, RecursionError):
            return None
        if not isinstance(value, dict):
            return None
        return {name: item for name, item in value.items() if item is not None}


class LogFile:
    """A log, read from its beginning as often as asked for.

    Args:
        path: JSON lines, JSON lines in gzip, or Parquet; its first bytes say which.

    Raises:
        InvalidRequestError: It cannot be opened, or is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._start = file.read(len(_PARQUET))
        except OSError as error:
            raise self._unreadable(error) from error
        if not self._start:
            raise InvalidRequestError(f"{path}: expected a log with at least one line, got an empty file")

    @property
    def sha256(self) -> str:
        """Hex digest of the file."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._unreadable(error) from error

    def lines(self) -> Iterator[RawLine]:
        """Every line that is not blank.

        Raises:
            InvalidRequestError: The file cannot be read any more, or is not the Parquet that it begins as.
        """
        return self._rows() if self._start == _PARQUET else self._text_lines()

    def _text_lines(self) -> Iterator[RawLine]:
        number = 0
        try:
            with self._open() as file:
                for number, content in enumerate(_split(file), 1):
                    if content is None or content.strip():
                        yield RawLine(number, content)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield RawLine(number + 1, None)  # where the archive breaks off
        except OSError as error:
            raise self._unreadable(error) from error

    def _open(self) -> IO[bytes]:
        if self._start.startswith(_GZIP):
            return io.BufferedReader(gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def _rows(self) -> Iterator[RawLine]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        number = 0
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                    for row in batch.to_pylist():
                        number += 1
                        yield RawLine(number, _without_nulls(row))
        except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
            raise InvalidRequestError(
                f"{self.path}: expected a whole Parquet file, got one that breaks ({type(error).__name__}) "
                f"after {number} rows; write it again"
            ) from error

    def _unreadable(self, error: OSError) -> InvalidRequestError:
        return InvalidRequestError(
            f"{self.path}: expected a log that can be read, got {type(error).__name__}; check the path"
        )


def _split(file: IO[bytes]) -> Iterator[bytes | None]:
    """Lines of a file; None for one over the limit, which is read past in pieces."""
    is_first = True
    while content := file.readline(MAX_LINE_BYTES + 1):
        is_whole = len(content) <= MAX_LINE_BYTES
        while not is_whole and content and not content.endswith(b"\n"):
            content = file.readline(MAX_LINE_BYTES)
        mark = b"\xef\xbb\xbf" if is_first else b""
        is_first = False
        yield content.removeprefix(mark) if is_whole else None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.nan


def _without_nulls(value: Any) -> Any:
    """Parquet gives every field of every message, null where there is none."""
    if isinstance(value, Mapping):
        return {str(name): _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
