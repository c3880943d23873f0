"""A ledger in a file, with a fixed key, and a way to change the file behind its back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import SqliteLedger
from clearway.ledger.store import Private

Tamper = Callable[..., None]
Open = Callable[[], SqliteLedger]


@pytest.fixture
def signer() -> Signer:
    """A key that is the same in every run."""
    return Signer("clearway/test", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger lies."""
    return tmp_path / "ledger.db"


@pytest.fixture
def open_again(path: Path, signer: Signer) -> Iterator[Open]:
    """Opens the ledger's file, each time with a connection of its own."""
    opened: list[SqliteLedger] = []

    def start() -> SqliteLedger:
        opened.append(
            SqliteLedger(
                path,
                signer=signer,
                index_key=b"k" * 32,
                clock=lambda: datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC),
                busy_timeout_ms=5_000,
            )
        )
        return opened[-1]

    yield start
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_again: Open) -> SqliteLedger:
    """An empty ledger."""
    return open_again()


@pytest.fixture
def five(ledger: SqliteLedger) -> SqliteLedger:
    """A ledger of five decisions, d0 to d4, each with all its private companions."""
    for n in range(5):
        private = Private(b"salt-%d" % n * 4, b"request-%d" % n, b"body-%d" % n, b"session", n % 3)
        ledger.append("decision", {"decision_id": f"d{n}", "model": "m", "cost_nusd": n}, private)
    return ledger


@pytest.fixture
def tamper(path: Path) -> Tamper:
    """Runs SQL on the file as an intruder would: around the ledger."""

    def run(sql: str, *given: object) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(sql, given)

    return run
