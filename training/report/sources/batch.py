"""Scores a long input in pieces on several cores; what is finished stays finished when the run breaks off.

A finished piece is a file of rows, perhaps one of moves, and last a small file that says so. A run that finds
the files of an earlier one goes on from there. Two runs on one folder write the same pieces, each file whole.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import Any, Final, Protocol

from clearway.errors import ConfigurationError
from training.report.routed import COLUMNS, MOVE_COLUMNS
from training.report.sources.row_files import write_rows

CHUNK: Final = 250
_PARQUET: Final = b"PAR1"
# Pieces that wait for each process: enough that none is idle, few enough for little memory.
_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of one piece.

    Attributes:
        rows: With the columns `routed.COLUMNS`.
        moves: With the columns `routed.MOVE_COLUMNS`.
        tally: Counts and sums, to be added up over the pieces.
    """

    rows: Sequence[Mapping[str, Any]]
    moves: Sequence[Mapping[str, Any]]
    tally: Mapping[str, int]


class Scorer(Protocol):
    """Scores one piece; opened once in each process."""

    def score(self, items: Sequence[Any]) -> Scored:
        """Rows of the items, in order."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The folder of a run: `rows`, `moves` and `done`, a file for each piece in each.

    Attributes:
        folder: Of this very input under these very rules.
        n: How many pieces there are.
        has_moves: Whether there are moves.
    """

    folder: Path
    n: int
    has_moves: bool

    @property
    def rows(self) -> Path:
        """Folder of the rows."""
        return self.folder / "rows"

    @property
    def moves(self) -> Path | None:
        """Folder of the moves, where there are any."""
        return self.folder / "moves" if self.has_moves else None

    def is_done(self, number: int) -> bool:
        """Whether a piece is finished, and its files are whole."""
        folders = [self.rows, *([self.moves] if self.moves else [])]
        files = [folder / f"{_name(number)}.parquet" for folder in folders]
        return self._mark(number) is not None and all(map(_is_whole, files))

    def keep(self, number: int, scored: Scored) -> None:
        """Write a piece; it is finished when this returns.

        Raises:
            ConfigurationError: The folder cannot be written, or the disk is full.
        """
        write_rows(self.rows, scored.rows, COLUMNS, name=_name(number))
        if self.moves is not None:
            write_rows(self.moves, scored.moves, MOVE_COLUMNS, name=_name(number))
        write_whole(self._done(number), json.dumps(dict(scored.tally)))

    def tally(self) -> Counter[str]:
        """Sums over all pieces."""
        total: Counter[str] = Counter()
        for number in range(self.n):
            total.update(self._mark(number) or {})
        return total

    def _done(self, number: int) -> Path:
        return self.folder / "done" / f"{_name(number)}.json"

    def _mark(self, number: int) -> dict[str, int] | None:
        try:
            mark = json.loads(self._done(number).read_bytes())
        except (OSError, ValueError):
            return None
        return mark if isinstance(mark, dict) else None


def score_pieces(
    chunks: Iterable[tuple[int, Sequence[Any]]],
    pieces: Pieces,
    open_scorer: Callable[[], Scorer],
    *,
    workers: int,
    progress: Callable[[int], None],
) -> None:
    """Score the pieces that are not finished.

    Args:
        chunks: Number and items of each piece to score.
        pieces: Where they are kept.
        open_scorer: Makes the scorer; picklable where there are several processes.
        workers: Processes; with 1 all is done in this one.
        progress: Told the number of each piece when it is finished.

    Raises:
        ConfigurationError: A piece cannot be written, or a process was killed. What is finished stays.
    """
    if workers == 1:
        scorer = open_scorer()
        for number, items in chunks:
            pieces.keep(number, scorer.score(items))
            progress(number)
        return
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(open_scorer, pieces),
    )
    try:
        for number in _scored(pool, chunks, workers * _AHEAD):
            progress(number)
    except BrokenProcessPool as error:
        raise ConfigurationError(
            "scoring: a process was killed, perhaps for want of memory; the finished pieces are kept, "
            "run the same command again to go on, with fewer --workers if it happens again"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f"{path.name}.", suffix=".partial", delete=False
        ) as file:
            partial = Path(file.name)
            try:
                file.write(text)
                file.flush()
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigurationError(
            f"{path.name}: expected to write in {path.parent}, got: {why}; free some space or name another "
            "folder; the finished pieces are kept"
        ) from error


def _scored(
    pool: ProcessPoolExecutor, chunks: Iterable[tuple[int, Sequence[Any]]], ahead: int
) -> Iterator[int]:
    """Numbers of the pieces as they are finished; few wait at a time."""
    waiting: set[Future[int]] = set()
    for number, items in chunks:
        waiting.add(pool.submit(_score, number, items))
        if len(waiting) >= ahead:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


class _Worker:
    """What a process of the pool holds; the scorer is opened with the first piece, so its error is told."""

    def __init__(self, open_scorer: Callable[[], Scorer], pieces: Pieces) -> None:
        self._open, self._pieces = open_scorer, pieces
        self._scorer: Scorer | None = None

    def score(self, number: int, items: Sequence[Any]) -> int:
        self._scorer = self._scorer or self._open()
        self._pieces.keep(number, self._scorer.score(items))
        return number


_WORKER: Final[list[_Worker]] = []


def _start(open_scorer: Callable[[], Scorer], pieces: Pieces) -> None:
    """Of a process of the pool: an interrupt is the parent's business, and without a parent it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _WORKER.append(_Worker(open_scorer, pieces))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _score(number: int, items: Sequence[Any]) -> int:
    return _WORKER[0].score(number, items)


def _name(number: int) -> str:
    return f"piece-{number:06}"


def _is_whole(path: Path) -> bool:
    """Whether a Parquet file has its end: one that was cut off by a power failure has not."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_PARQUET), os.SEEK_END)
            return file.read() == _PARQUET
    except OSError:
        return False
