"""Faults of the disk and of the file: refused in our words, rolled back, and over when they are over."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from clearway.errors import LedgerError, LedgerUnavailableError
from clearway.ledger.checkpoint import Signer, Verifier
from clearway.ledger.export import snapshot
from clearway.ledger.sqlite import SqliteLedger
from clearway.ledger.sqlite_faults import translate
from clearway.ledger.store import Private
from clearway.ledger.verify import verify_entries

Tamper = Callable[..., None]


def test_full_disk(five: SqliteLedger) -> None:
    """On a full disk an append is refused and leaves nothing; with space again the next one works."""
    pages = five._connection.execute("PRAGMA page_count").fetchone()[0]
    five._connection.execute(f"PRAGMA max_page_count = {pages}")
    private = Private(b"salt", b"request-9", b"body-9", b"session", 9)
    with pytest.raises(LedgerUnavailableError) as caught:
        five.append("decision", {"decision_id": "big", "text": "x" * 100_000}, private)
    assert str(caught.value) == "ledger: cannot append (SQLITE_FULL): the disk is full; free some space"
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert (five.size(), five.lookup(b"request-9", b"body-9"), five.session(b"session").level) == (5, None, 2)
    five._connection.execute("PRAGMA max_page_count = 100000")
    assert five.append("decision", {"decision_id": "big", "text": "x" * 100_000}, private).index == 5
    assert verify_entries(*snapshot(five), Verifier.parse(five.public_key)).ok


def test_a_fault_at_commit(five: SqliteLedger) -> None:
    """A transaction that fails in its last step is rolled back like any other."""
    five._connection.execute("PRAGMA foreign_keys = ON")
    five._connection.execute(
        "CREATE TABLE late (idx INTEGER REFERENCES salts (idx) DEFERRABLE INITIALLY DEFERRED)"
    )
    five._connection.execute(
        "CREATE TRIGGER fail AFTER INSERT ON entries BEGIN INSERT INTO late VALUES (99); END"
    )
    with pytest.raises(LedgerError):
        five.append("note", {})
    five._connection.execute("DROP TRIGGER fail")
    assert five.append("note", {}).index == 5
    assert verify_entries(*snapshot(five), Verifier.parse(five.public_key)).ok


def test_another_writer_holds_it(path: Path, signer: Signer) -> None:
    """A lock that is not released in time is said, and the next append works once it is."""
    ledger = SqliteLedger(path, signer=signer, index_key=b"k", busy_timeout_ms=20)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailableError) as caught:
            ledger.append("note", {})
        assert str(caught.value) == (
            "ledger: cannot append (SQLITE_BUSY): another process is writing to it for too long; "
            "try again, or stop that process"
        )
        with pytest.raises(LedgerUnavailableError):
            ledger.check_writable()
        assert ledger.size() == 0
    assert ledger.append("note", {}).index == 0
    ledger.close()


def test_read_only(five: SqliteLedger) -> None:
    """A ledger that cannot be written is still read."""
    five._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerUnavailableError) as caught:
        five.erase("d1")
    assert str(caught.value) == (
        "ledger: cannot erase (SQLITE_READONLY): it is read-only; "
        "make the file and its folder writable for this user"
    )
    assert five.get(1).decision_id == "d1"


def test_closed(five: SqliteLedger) -> None:
    """A closed ledger refuses every call."""
    five.close()
    with pytest.raises(LedgerUnavailableError) as caught:
        five.size()
    assert str(caught.value) == (
        "ledger: cannot read (ProgrammingError): "
        "check that it is open and that this user may write to its folder"
    )


def test_a_folder_that_is_not_there(tmp_path: Path, signer: Signer) -> None:
    """A path that cannot be opened is said, with the remedy."""
    with pytest.raises(LedgerUnavailableError) as caught:
        SqliteLedger(tmp_path / "missing" / "ledger.db", signer=signer, index_key=b"k")
    assert str(caught.value) == (
        "ledger: cannot open (SQLITE_CANTOPEN): the file cannot be opened; "
        "check that its folder exists and is writable"
    )


def test_not_a_database(path: Path, signer: Signer) -> None:
    """A file that is no database is damage, not a passing fault."""
    path.write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(LedgerError) as caught:
        SqliteLedger(path, signer=signer, index_key=b"k")
    assert str(caught.value) == (
        "ledger: cannot open (SQLITE_NOTADB): the database is damaged; restore a backup"
    )


@pytest.mark.parametrize("sql", ["CREATE TABLE other (a)", "PRAGMA user_version = 7"])
def test_a_database_of_something_else(path: Path, signer: Signer, tamper: Tamper, sql: str) -> None:
    """A database of another program or version is left as it is."""
    tamper(sql)
    with pytest.raises(LedgerError) as caught:
        SqliteLedger(path, signer=signer, index_key=b"k")
    version = 7 if "7" in sql else 0
    assert str(caught.value) == (
        f"ledger: expected schema version 2, got {version}; open it with the Clearway that wrote it"
    )


def test_a_missing_table(five: SqliteLedger, tamper: Tamper) -> None:
    """A table that is gone is damage."""
    tamper("DROP TABLE salts")
    with pytest.raises(LedgerError) as caught:
        five.append("note", {}, Private(b"s", None, None, None, 0))
    assert (
        str(caught.value) == "ledger: cannot append (SQLITE_ERROR): the database is damaged; restore a backup"
    )


@pytest.mark.parametrize(
    ("code", "name", "kind", "text"),
    [
        (
            sqlite3.SQLITE_IOERR_FSYNC,
            "SQLITE_IOERR_FSYNC",
            LedgerUnavailableError,
            "the disk failed; check it and its free space",
        ),
        (
            sqlite3.SQLITE_PROTOCOL,
            "SQLITE_PROTOCOL",
            LedgerUnavailableError,
            "check that it is open and that this user may write to its folder",
        ),
        (
            sqlite3.SQLITE_CORRUPT_INDEX,
            "SQLITE_CORRUPT_INDEX",
            LedgerError,
            "the database is damaged; restore a backup",
        ),
    ],
)
def test_extended_codes(code: int, name: str, kind: type[Exception], text: str) -> None:
    """An extended code is judged by its primary one."""
    error = sqlite3.OperationalError("a text that is not repeated")
    error.sqlite_errorcode, error.sqlite_errorname = code, name
    translated = translate(error, "append")
    assert type(translated) is kind
    assert str(translated) == f"ledger: cannot append ({name}): {text}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_is_refused(tmp_path: Path) -> None:
    """A connection taken over a fork would corrupt the file: the child is told to open its own."""
    script = (
        "import os, sys; from pathlib import Path; from clearway.ledger.sqlite import open_ledger\n"
        f"ledger = open_ledger(Path({str(tmp_path / 'home')!r}))\n"
        "if os.fork():\n    os.wait(); sys.exit()\n"
        "try:\n    ledger.size()\nexcept Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == (
        "LedgerUnavailableError ledger: opened before a fork; open it in the process that uses it\n"
    )
