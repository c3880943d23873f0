"""A ledger file of an older version opens with all its entries, and then keeps the providers of sessions."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from clearway.errors import SessionChangedError
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import SqliteLedger
from clearway.ledger.store import Private, SessionState

SIGNER = Signer.generate("clearway/test")


def opened(path: Path) -> SqliteLedger:
    """The ledger of a file."""
    return SqliteLedger(path, signer=SIGNER, index_key=bytes(32))


def test_a_file_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its entries, checkpoint and sessions stay; the table of providers is there, in a transaction."""
    path = tmp_path / "ledger.db"
    ledger = opened(path)
    entry = ledger.append("decision", {"decision_id": "d"}, Private(b"salt", None, None, b"s", 2))
    note = ledger.checkpoint()
    ledger.close()
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE session_providers; PRAGMA user_version = 1;")
    connection.close()
    upgraded = opened(path)
    assert upgraded.get(0) == entry
    assert upgraded.checkpoint() == note
    assert upgraded.session(b"s") == SessionState(2)
    upgraded.append("decision", {"decision_id": "e"}, Private(b"salt", None, None, b"s", 1, ("b", "a")))
    assert upgraded.session(b"s") == SessionState(2, ("a", "b"))
    assert upgraded.session(b"other") == SessionState()


@pytest.mark.parametrize("state", [SessionState(), SessionState(1), SessionState(1, ("b",))])
def test_a_record_made_on_an_old_state_of_its_session_is_not_written(
    tmp_path: Path, state: SessionState
) -> None:
    """Who decided before another request of the session was written decides again."""
    ledger = opened(tmp_path / "ledger.db")
    ledger.append("decision", {}, Private(b"salt", None, None, b"s", 1, ("a",), SessionState()))
    text = r"^session: another request of it came first; decide again$"
    with pytest.raises(SessionChangedError, match=text):
        ledger.append("decision", {}, Private(b"salt", None, None, b"s", 3, ("b",), state))
    assert ledger.size() == 1
    assert ledger.session(b"s") == SessionState(1, ("a",))
