"""What an SQLite error means for the reader: the ledger cannot be used now, or it is damaged."""

from __future__ import annotations

import sqlite3
from typing import Final

from clearway.errors import LedgerError, LedgerUnavailableError

# A missing table or a broken constraint is damage too: this code never asks for what its schema lacks.
_DAMAGED: Final = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)
_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_BUSY: "another process is writing to it for too long; try again, or stop that process",
    sqlite3.SQLITE_READONLY: "it is read-only; make the file and its folder writable for this user",
    sqlite3.SQLITE_IOERR: "the disk failed; check it and its free space",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that its folder exists and is writable",
}
_OTHERWISE: Final = "check that it is open and that this user may write to its folder"


def translate(error: sqlite3.Error, action: str) -> LedgerError | LedgerUnavailableError:
    """The Clearway error for an SQLite error, to be raised from it.

    Args:
        error: As raised; its own text is not repeated.
        action: What was tried: `append`, `read`, `open`, `erase`.
    """
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    # The low byte is the primary code; extended codes say more than a reader can act on.
    primary = None if code is None else code & 0xFF
    if primary in _DAMAGED:
        return LedgerError(f"ledger: cannot {action} ({name}): the database is damaged; restore a backup")
    remedy = _OTHERWISE if primary is None else _REMEDIES.get(primary, _OTHERWISE)
    return LedgerUnavailableError(f"ledger: cannot {action} ({name}): {remedy}")
