"""The ledger in one SQLite file: durable before `append` returns, shared by threads and processes."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from clearway.errors import (
    BasisChangedError,
    LedgerError,
    LedgerUnavailableError,
    NotFoundError,
    RequestConflictError,
    SessionChangedError,
)
from clearway.ledger import queries
from clearway.ledger.checkpoint import Checkpoint, Signer, parse_checkpoint, sign_checkpoint
from clearway.ledger.keys import (
    create_index_key,
    create_signer,
    keyed_digest,
    load_index_key,
    load_signer,
    sync_folder,
)
from clearway.ledger.sqlite_connection import connect
from clearway.ledger.sqlite_faults import translate
from clearway.ledger.store import ERASURE, Basis, Entry, Private, SessionState, decision_id_of, seal, unseal
from clearway.ledger.tree import (
    EMPTY_ROOT,
    completed_nodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    subtree_root,
)

PAGE: Final = 256
BUSY_TIMEOUT_MS: Final = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


class SqliteLedger:
    """A `Ledger` in an SQLite file or, for tests and dry runs, in memory.

    Each append is one write transaction that also moves the signed checkpoint, so a killed process
    leaves either both or neither. Before signing, the stored tree must be the one signed last.
    """

    def __init__(
        self,
        path: Path | Literal[":memory:"],
        *,
        signer: Signer,
        index_key: bytes,
        clock: Callable[[], datetime] = _now,
        busy_timeout_ms: int = BUSY_TIMEOUT_MS,
    ) -> None:
        self._signer = signer
        self._verifier = signer.verifier
        self._index_key = index_key
        self._clock = clock
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._signed_size = 0
        try:
            self._connection = connect(path, busy_timeout_ms)
        except sqlite3.Error as error:
            raise translate(error, "open") from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @property
    def public_key(self) -> str:
        """The key that checkpoints are signed with, in the text form of `Verifier`."""
        return str(self._verifier)

    def append(self, kind: str, record: Mapping[str, Any], private: Private | None = None) -> Entry:
        """Add a record; see `Ledger.append`."""
        with self._transaction("append"):
            held = None
            if private and private.request_key is not None and private.body_digest is not None:
                held = self._lookup(private.request_key, private.body_digest)
            return held or self._append(kind, record, private)

    def lookup(self, request_key: bytes, body_digest: bytes) -> Entry | None:
        """The entry already made for this request, or None; see `Ledger.lookup`."""
        with self._guard("read"):
            return self._lookup(request_key, body_digest)

    def session(self, session_key: bytes) -> SessionState:
        """What is known of a session; see `Ledger.session`."""
        with self._guard("read"):
            return self._session(session_key)

    def size(self) -> int:
        """Number of entries."""
        with self._guard("read"):
            return int(self._value(queries.SIZE))

    def get(self, index: int) -> Entry:
        """The entry at a place; see `Ledger.get`."""
        with self._guard("read"):
            return self._entry(index)

    def find(self, decision_id: str) -> Entry:
        """The record of a decision; see `Ledger.find`."""
        with self._guard("read"):
            entry = self._entry(self._index_of(decision_id))
        if entry.decision_id != decision_id:  # the column is outside the tree, the record is in it
            raise LedgerError(f"decision {decision_id}: its row leads to another record; verify the ledger")
        return entry

    def latest(self, kind: str) -> Entry | None:
        """The newest entry of a kind; see `Ledger.latest`."""
        with self._guard("read"):
            row = self._connection.execute(queries.LATEST_OF_KIND, (kind,)).fetchone()
        return unseal(*row) if row else None

    def check_writable(self) -> None:
        """Whether a record could be begun now; see `Ledger.check_writable`."""
        with self._transaction("append"):
            self._head()

    def entries(self, start: int = 0, stop: int | None = None, kind: str | None = None) -> Iterator[Entry]:
        """Entries in order, read in pages; see `Ledger.entries`."""
        query, given = (queries.ENTRIES, ()) if kind is None else (queries.ENTRIES_OF_KIND, (kind,))
        for row in self._pages(query, given, start, stop):
            yield unseal(*row)

    def leaves(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Stored canonical bytes in order, not checked; see `Ledger.leaves`."""
        for _, leaf in self._pages(queries.LEAVES, (), start, stop):
            yield leaf

    def salt(self, index: int) -> bytes | None:
        """Salt of an entry; None once erased."""
        with self._guard("read"):
            salt: bytes | None = self._value(queries.SALT, index)
            return salt

    def keyed(self, *texts: str) -> bytes:
        """HMAC-SHA256 of the texts under the index key; unequal lists give unequal inputs."""
        return keyed_digest(self._index_key, texts)

    def checkpoint(self) -> str:
        """The latest signed checkpoint."""
        with self._guard("read"):
            return self._note()

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that an entry is in the tree; see `Ledger.inclusion_proof`."""
        with self._guard("read"):
            return inclusion_proof(index, self._tree_size(size), self._node)

    def consistency_proof(self, first: int, second: int) -> list[bytes]:
        """Proof that one tree is a prefix of another; see `Ledger.consistency_proof`."""
        with self._guard("read"):
            return consistency_proof(first, self._tree_size(second), self._node)

    def erase(self, decision_id: str) -> bool:
        """Delete the erasable companions of a decision; see `Ledger.erase`."""
        with self._transaction("erase"):
            index = self._index_of(decision_id)
            n_rows = self._connection.execute(queries.ERASE_SALT, (index,)).rowcount
            n_rows += self._connection.execute(queries.ERASE_REQUEST, (index,)).rowcount
            if n_rows == 0:
                return False
            time = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
            self._append(ERASURE, {"erased_index": index, "time": time.replace("+00:00", "Z")}, None)
        with self._guard("erase"):
            # Old page images in the WAL still hold the salt. A reader elsewhere can delay this; a later
            # checkpoint of SQLite's own then does it.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return True

    def close(self) -> None:
        """Release the store; any later call is refused."""
        with self._lock:
            self._connection.close()

    def _prepare(self) -> None:
        """Create the tables in a new file; refuse a file that is not a ledger of this version."""
        with self._guard("open"):
            if self._value("PRAGMA user_version") == queries.SCHEMA_VERSION:
                return
        with self._transaction("open"):
            version = self._value("PRAGMA user_version")
            if version == queries.SCHEMA_VERSION:
                return
            if version in queries.UPGRADES:
                for statement in queries.UPGRADES[version]:
                    self._connection.execute(statement)
                return
            if version or self._value(queries.N_TABLES):
                raise LedgerError(
                    f"ledger: expected schema version {queries.SCHEMA_VERSION}, got {version}; "
                    "open it with the Clearway that wrote it"
                )
            for statement in queries.SCHEMA:
                self._connection.execute(statement)
            self._connection.execute(queries.KEEP_NOTE, (sign_checkpoint(self._signer, 0, EMPTY_ROOT),))

    @contextmanager
    def _guard(self, action: str) -> Iterator[None]:
        """The connection for this thread alone, its errors in our words."""
        if os.getpid() != self._pid:
            # SQLite's locks do not survive a fork: two processes on one connection corrupt the file.
            raise LedgerUnavailableError("ledger: opened before a fork; open it in the process that uses it")
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise translate(error, action) from error

    @contextmanager
    def _transaction(self, action: str) -> Iterator[None]:
        """All or nothing. The write lock comes first, so that what is read is what is written upon."""
        with self._guard(action):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # On a full disk or an I/O error SQLite may have rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _append(self, kind: str, record: Mapping[str, Any], private: Private | None) -> Entry:
        index = self._head().size
        canonical = seal(kind, record, index)
        decision_id = decision_id_of(kind, record)
        if decision_id is not None and self._value(queries.INDEX_OF, decision_id) is not None:
            raise RequestConflictError(f"decision {decision_id}: already in this ledger; use a new id")
        time = record.get("time")
        row = (index, kind, decision_id, canonical, time if isinstance(time, str) else None)
        self._connection.execute(queries.ADD_ENTRY, row)
        digest = leaf_hash(canonical)
        self._connection.executemany(queries.ADD_NODE, list(completed_nodes(index, digest, self._node)))
        root = subtree_root(0, index + 1, self._node)
        self._connection.execute(queries.KEEP_NOTE, (sign_checkpoint(self._signer, index + 1, root),))
        if private:
            self._check_basis(index, private.basis)
            self._keep(index, private)
        return unseal(index, kind, canonical, digest)

    def _check_basis(self, index: int, basis: Basis | None) -> None:
        if basis is None:
            return
        rows = self._connection.execute(queries.ENTRIES, (basis.size, index, index - basis.size))
        if any(basis.is_changed_by(unseal(*row)) for row in rows):
            raise BasisChangedError("ledger: what was decided on has changed meanwhile; decide again")

    def _keep(self, index: int, private: Private) -> None:
        execute = self._connection.execute
        execute(queries.ADD_SALT, (index, private.salt))
        if private.request_key is not None:
            execute(queries.ADD_REQUEST, (private.request_key, private.body_digest, index))
        if private.session_key is None:
            return
        if private.session not in (None, self._session(private.session_key)):
            raise SessionChangedError("session: another request of it came first; decide again")
        execute(queries.JOIN_SESSION, (private.session_key, private.level, index))
        for provider in private.providers:
            execute(queries.REACH_PROVIDER, (private.session_key, provider))

    def _session(self, session_key: bytes) -> SessionState:
        rows = self._connection.execute(queries.SESSION_PROVIDERS, (session_key,)).fetchall()
        level = self._value(queries.SESSION, session_key) or 0
        return SessionState(level, tuple(provider for (provider,) in rows))

    def _head(self) -> Checkpoint:
        """The signed head that the next entry extends, checked so that no alteration is ever signed over."""
        head = parse_checkpoint(self._note())
        if not head.is_signed_by(self._verifier):
            raise LedgerError("ledger: its checkpoint is not signed by this ledger's key; restore a backup")
        size = self._value(queries.SIZE)
        if size != head.size or subtree_root(0, size, self._node) != head.root:
            raise LedgerError("ledger: its entries are not those of its checkpoint; verify the ledger")
        if size < self._signed_size:
            raise LedgerError(
                f"ledger: rolled back to {size} entries, this process has seen {self._signed_size}; "
                "restore the newer file"
            )
        self._signed_size = size
        return head

    def _lookup(self, request_key: bytes, body_digest: bytes) -> Entry | None:
        row = self._connection.execute(queries.REQUEST, (request_key,)).fetchone()
        if row is None:
            return None
        if row[0] != body_digest:
            raise RequestConflictError("id: already used by this caller for another body; use a new id")
        return self._entry(row[1])

    def _entry(self, index: int) -> Entry:
        row = self._connection.execute(queries.ENTRY, (index,)).fetchone()
        if row is None:
            raise NotFoundError(f"entry {index}: not in this ledger of {self._value(queries.SIZE)} entries")
        return unseal(*row)

    def _index_of(self, decision_id: str) -> int:
        index: int | None = self._value(queries.INDEX_OF, decision_id)
        if index is None:
            raise NotFoundError(f"decision {decision_id}: not in this ledger")
        return index

    def _pages(
        self, query: str, given: tuple[str, ...], start: int, stop: int | None
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a query that begins with the index, a page at a time; the lock is free between pages."""
        stop = self.size() if stop is None else stop
        while start < stop:
            with self._guard("read"):
                rows = self._connection.execute(query, (*given, start, stop, PAGE)).fetchall()
            yield from rows
            start = rows[-1][0] + 1 if len(rows) == PAGE else stop

    def _tree_size(self, size: int | None) -> int:
        held = parse_checkpoint(self._note()).size
        if size is not None and size > held:
            raise NotFoundError(f"tree of size {size}: expected a size from 0 to {held}")
        return held if size is None else size

    def _note(self) -> str:
        note: str | None = self._value(queries.NOTE)
        if note is None:
            raise LedgerError("ledger: its checkpoint is missing; restore a backup")
        return note

    def _node(self, level: int, index: int) -> bytes:
        digest: bytes | None = self._value(queries.NODE, level, index)
        if digest is None:
            raise LedgerError(f"ledger: node {index} at level {level} is missing; verify the ledger")
        return digest

    def _value(self, query: str, *given: object) -> Any:
        """First column of the first row, or None."""
        row = self._connection.execute(query, given).fetchone()
        return None if row is None else row[0]


def open_ledger(home: Path, origin: str = "clearway/local") -> SqliteLedger:
    """The ledger in a folder, made now unless it exists.

    Args:
        home: Folder for `ledger.db`, `ledger-key` and `index-key`; made with mode 0700.
        origin: Name of a new ledger in its checkpoints; an existing one keeps its own.

    Raises:
        LedgerError: A key or the database is missing that was there: restore it, a new one would not fit.
        ConfigurationError: A key file is readable by others.
        LedgerUnavailableError: The folder or the database cannot be used.
    """
    path, started = home / "ledger.db", home / "ledger-started"
    # Keys are durable before the database appears, and it before the mark that it did: each of them
    # without what came before it has lost that.
    if not path.exists() and started.exists():
        raise LedgerError(f"{path}: was here and is gone; restore it from a backup")
    if path.exists():
        signer, index_key = load_signer(home / "ledger-key"), load_index_key(home / "index-key")
    else:
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerUnavailableError(f"{home}: cannot be created; choose a writable folder") from error
        signer, index_key = create_signer(home / "ledger-key", origin), create_index_key(home / "index-key")
        _create_file(path)
    ledger = SqliteLedger(path, signer=signer, index_key=index_key)
    _create_file(started)
    return ledger


def _create_file(path: Path) -> None:
    """Empty file of mode 0600; SQLite gives its own side files the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_folder(path.parent)
    except OSError as error:
        raise LedgerUnavailableError(
            f"{path}: cannot be written; make its folder writable for this user"
        ) from error
