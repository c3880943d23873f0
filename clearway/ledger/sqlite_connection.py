"""A connection to an SQLite file, set for durability before it is used."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Literal


def connect(path: Path | Literal[":memory:"], busy_timeout_ms: int) -> sqlite3.Connection:
    """Connection to a file, durable at each commit and shared with other processes."""
    # Transactions are opened by hand (isolation_level None); the lock of the store guards the threads.
    connection = sqlite3.connect(
        str(path), timeout=busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        _use_wal(connection, time.monotonic() + busy_timeout_ms / 1000)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # erased salts are overwritten, not just unlinked
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Change the journal mode; SQLite does not wait for another process here, so this does."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
