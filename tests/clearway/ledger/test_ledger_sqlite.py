"""The SQLite store: what is appended is there, once, and what was altered is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from clearway.errors import LedgerError, NotFoundError, RequestConflictError
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Signer, Verifier, parse_checkpoint
from clearway.ledger.export import snapshot
from clearway.ledger.sqlite import PAGE, SqliteLedger
from clearway.ledger.store import Ledger, Private
from clearway.ledger.tree import EMPTY_ROOT, leaf_hash, root, verify_consistency, verify_inclusion
from clearway.ledger.verify import Verification, verify_entries

Open = Callable[[], SqliteLedger]
Tamper = Callable[..., None]


def verified(ledger: Ledger) -> Verification:
    """The ledger, checked from its bytes."""
    return verify_entries(*snapshot(ledger), Verifier.parse(ledger.public_key))


def test_sqlite_ledger_is_a_ledger(ledger: SqliteLedger) -> None:
    """The store offers the whole protocol."""
    offered: Ledger = ledger
    assert offered.size() == 0


def test_an_empty_ledger_is_signed(ledger: SqliteLedger) -> None:
    """Before the first entry there is a checkpoint already."""
    checkpoint = parse_checkpoint(ledger.checkpoint())
    assert (checkpoint.size, checkpoint.root) == (0, EMPTY_ROOT)
    assert verified(ledger).ok


def test_commits_are_durable(ledger: SqliteLedger) -> None:
    """Each commit is forced to the disk (FULL is 2), and readers do not hold up the writer (WAL)."""
    pragmas = [
        ledger._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
    ]
    assert pragmas == [2, "wal"]


def test_append(ledger: SqliteLedger) -> None:
    """A record is kept with its place and kind, in canonical form, under its leaf hash."""
    record = {"decision_id": "d", "b": 1, "a": 2}
    entry = ledger.append("decision", record)
    expected = {**record, "kind": "decision", "ledger_index": 0}
    assert (entry.index, entry.kind, entry.decision_id, entry.record) == (0, "decision", "d", expected)
    assert entry.canonical == canonical_json(expected)
    assert entry.leaf_hash == leaf_hash(entry.canonical)
    assert ledger.get(0) == ledger.find("d") == entry
    assert record == {"decision_id": "d", "b": 1, "a": 2}


def test_a_record_belongs_to_the_ledger(ledger: SqliteLedger) -> None:
    """Changing the record afterwards changes nothing that was returned."""
    record: dict[str, Any] = {"inner": [1]}
    entry = ledger.append("note", record)
    record["inner"].append(2)
    assert entry.record["inner"] == [1]


def test_it_lasts(five: SqliteLedger, open_again: Open) -> None:
    """Another connection sees every entry, and the checkpoint over them."""
    again = open_again()
    assert list(again.entries()) == list(five.entries())
    assert again.checkpoint() == five.checkpoint()
    assert verified(again) == Verification(5, parse_checkpoint(five.checkpoint()).root.hex())


def test_only_decisions_are_found_by_id(ledger: SqliteLedger) -> None:
    """An outcome may name a decision without taking its place."""
    ledger.append("decision", {"decision_id": "d"})
    assert ledger.append("outcome", {"decision_id": "d"}).decision_id is None
    assert ledger.find("d").kind == "decision"


@pytest.mark.parametrize("n", range(PAGE * 2 - 1, PAGE * 2 + 2))
def test_entries_in_pages(signer: Signer, n: int) -> None:
    """Every entry comes once and in order, whatever the page; start, stop and kind narrow it."""
    ledger = SqliteLedger(":memory:", signer=signer, index_key=b"k")
    for index in range(n):
        ledger.append("odd" if index % 2 else "even", {"n": index})
    assert [entry.index for entry in ledger.entries()] == list(range(n))
    assert [entry.index for entry in ledger.entries(3, n - 1, "odd")] == list(range(3, n - 1, 2))
    assert [entry.canonical for entry in ledger.entries(7)] == list(ledger.leaves(7))
    assert list(ledger.entries(n)) == list(ledger.entries(kind="none")) == []
    ledger.close()


def test_latest(five: SqliteLedger, tamper: Tamper) -> None:
    """The newest entry of a kind is given, none where there is none, and never an altered one."""
    five.append("note", {})
    newest = five.latest("decision")
    assert newest == five.get(4)
    assert five.latest("policy") is None
    tamper("UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND idx = 4")
    with pytest.raises(LedgerError):
        five.latest("decision")


def test_proofs(signer: Signer) -> None:
    """Proofs from stored nodes verify against the signed root, for each index and earlier size."""
    ledger = SqliteLedger(":memory:", signer=signer, index_key=b"k")
    leaves = [ledger.append("note", {"n": n}).leaf_hash for n in range(37)]
    signed = parse_checkpoint(ledger.checkpoint()).root
    assert signed == root(leaves)
    for n in range(37):
        assert verify_inclusion(leaves[n], n, 37, ledger.inclusion_proof(n), signed)
        assert verify_inclusion(leaves[0], 0, n + 1, ledger.inclusion_proof(0, n + 1), root(leaves[: n + 1]))
        assert verify_consistency(n, 37, ledger.consistency_proof(n, 37), root(leaves[:n]), signed)
    ledger.close()


def test_a_proof_is_few_look_ups(signer: Signer) -> None:
    """Neither an append nor a proof reads the log: about twice its height in nodes, not its length."""
    ledger = SqliteLedger(":memory:", signer=signer, index_key=b"k")
    for n in range(1000):
        ledger.append("note", {"n": n})
    statements: list[str] = []
    ledger._connection.set_trace_callback(statements.append)
    ledger.inclusion_proof(5)
    assert len(statements) <= 2 * 10
    statements.clear()
    ledger.append("note", {})
    assert len(statements) <= 4 * 10
    ledger.close()


def test_a_retry_gives_the_same_entry(five: SqliteLedger) -> None:
    """The same request and body: the first entry, and nothing appended."""
    again = five.append("decision", {"decision_id": "new"}, Private(b"s", b"request-1", b"body-1", None, 0))
    assert again == five.get(1) == five.lookup(b"request-1", b"body-1")
    assert five.size() == 5


def test_another_body_is_a_conflict(five: SqliteLedger) -> None:
    """The same request with another body is refused, and nothing is appended."""
    private = Private(b"s", b"request-1", b"other", None, 0)
    calls: tuple[Callable[[], object], ...] = (
        lambda: five.append("decision", {"decision_id": "new"}, private),
        lambda: five.lookup(b"request-1", b"other"),
    )
    for call in calls:
        with pytest.raises(RequestConflictError) as caught:
            call()
        assert str(caught.value) == "id: already used by this caller for another body; use a new id"
    assert five.size() == 5


def test_an_unknown_request(five: SqliteLedger) -> None:
    """A request that was never made has no entry."""
    assert five.lookup(b"request-9", b"body-1") is None


def test_requests_without_an_id_are_each_their_own(ledger: SqliteLedger) -> None:
    """Without a request key nothing is a retry."""
    for _ in range(2):
        ledger.append("decision", {}, Private(b"s", None, None, None, 0))
    assert ledger.size() == 2


def test_a_decision_id_is_used_once(five: SqliteLedger) -> None:
    """Two decisions never share an id."""
    with pytest.raises(RequestConflictError) as caught:
        five.append("decision", {"decision_id": "d1"})
    assert str(caught.value) == "decision d1: already in this ledger; use a new id"
    assert verified(five).size == 5


def test_session_level_only_rises(ledger: SqliteLedger) -> None:
    """A session has the highest level any of its requests had; an unknown one has 0."""
    assert ledger.session(b"s").level == 0
    for level, expected in ((1, 1), (3, 3), (2, 3), (0, 3)):
        ledger.append("decision", {}, Private(b"salt", None, None, b"s", level))
        assert ledger.session(b"s").level == expected
    assert ledger.session(b"t").level == 0


def test_half_a_request_key_is_refused() -> None:
    """A request key without the digest of its body could not tell a retry from a conflict."""
    with pytest.raises(LedgerError) as caught:
        Private(b"s", b"key", None, None, 0)
    assert str(caught.value) == "private: expected request_key and body_digest together, got one of them"


def test_private_does_not_show_the_salt() -> None:
    """A salt in a log line would undo its erasure."""
    assert "pepper" not in repr(Private(b"pepper", None, None, None, 0))


@pytest.mark.parametrize("name", ["kind", "ledger_index"])
def test_the_ledger_sets_its_own_fields(ledger: SqliteLedger, name: str) -> None:
    """A record that claims another kind or place is refused, and nothing is appended."""
    with pytest.raises(LedgerError) as caught:
        ledger.append("note", {name: 7})
    assert str(caught.value) == f"record: expected no {name} (the ledger sets it), got another one"
    assert ledger.append("note", {}).index == 0


def test_a_bad_record_changes_nothing(five: SqliteLedger) -> None:
    """A record without a canonical form is refused whole; the next append works."""
    with pytest.raises(LedgerError):
        five.append("note", {"cost": 0.5}, Private(b"s", b"request-9", b"body", b"session", 9))
    assert five.lookup(b"request-9", b"body") is None
    assert five.session(b"session").level == 2
    assert five.append("note", {}).index == 5


def test_not_found(five: SqliteLedger) -> None:
    """What is not there is said to be not there."""
    for call, text in (
        (lambda: five.get(5), "entry 5: not in this ledger of 5 entries"),
        (lambda: five.get(-1), "entry -1: not in this ledger of 5 entries"),
        (lambda: five.find("d9"), "decision d9: not in this ledger"),
        (lambda: five.erase("d9"), "decision d9: not in this ledger"),
        (lambda: five.inclusion_proof(5), "entry 5: expected an index from 0 to below 5"),
        (lambda: five.inclusion_proof(0, 6), "tree of size 6: expected a size from 0 to 5"),
        (lambda: five.consistency_proof(1, 6), "tree of size 6: expected a size from 0 to 5"),
    ):
        with pytest.raises(NotFoundError) as caught:
            call()
        assert str(caught.value) == text


def test_erase(five: SqliteLedger) -> None:
    """Salt and request key are gone, the session and the record stay, the tree verifies, and it is said."""
    assert five.erase("d2")
    assert five.salt(2) is None
    assert five.salt(1) == b"salt-1" * 4
    assert five.lookup(b"request-2", b"body-2") is None
    assert five.session(b"session").level == 2
    assert five.find("d2").record["model"] == "m"
    assert five.get(5).record == {
        "kind": "erasure",
        "ledger_index": 5,
        "erased_index": 2,
        "time": "2026-01-02T03:04:05.678Z",
    }
    assert (verified(five).ok, verified(five).size) == (True, 6)


def test_erasing_twice_records_once(five: SqliteLedger) -> None:
    """When nothing is left to erase, nothing is recorded."""
    assert five.erase("d2")
    assert not five.erase("d2")
    assert five.size() == 6


def test_erased_bytes_are_gone_from_the_disk(five: SqliteLedger, path: Path) -> None:
    """The salt is neither in the database nor in its write-ahead log."""

    def on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.glob("ledger.db*"))

    assert b"salt-2" * 4 in on_disk()
    five.erase("d2")
    assert b"salt-2" * 4 not in on_disk()
    assert b"salt-1" * 4 in on_disk()


@pytest.mark.parametrize("table", ["entries", "nodes", "checkpoints"])
def test_rows_of_the_log_are_only_added(five: SqliteLedger, table: str) -> None:
    """Neither an append nor an erasure changes or deletes a row of the tree; only the checkpoint moves."""
    before = five._connection.execute(f"SELECT * FROM {table}").fetchall()
    five.erase("d1")
    after = five._connection.execute(f"SELECT * FROM {table}").fetchall()
    assert (set(before) <= set(after)) == (table != "checkpoints")


ALTERED = "entry 2: altered, its bytes are not those of the tree; verify the ledger"
ROW = "entry 2: altered, its row says another place or kind; verify the ledger"


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("UPDATE entries SET leaf = replace(leaf, 'cost_nusd', 'cost_nust') WHERE idx = 2", ALTERED),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 0 AND idx = 2", ALTERED),
        ("DELETE FROM nodes WHERE level = 0 AND idx = 2", ALTERED),
        ("UPDATE entries SET kind = 'note' WHERE idx = 2", ROW),
    ],
)
def test_an_altered_entry_is_not_given_out(five: SqliteLedger, tamper: Tamper, sql: str, text: str) -> None:
    """Reading an altered record is an error, by whichever way; its neighbours are still read."""
    tamper(sql)
    for call in (
        lambda: five.get(2),
        lambda: five.find("d2"),
        lambda: five.lookup(b"request-2", b"body-2"),
        lambda: list(five.entries()),
    ):
        with pytest.raises(LedgerError) as caught:
            call()
        assert str(caught.value) == text
    assert five.get(1).index == 1


def test_a_decision_id_led_astray(five: SqliteLedger, tamper: Tamper) -> None:
    """The id column is outside the tree, so it is checked against the record."""
    tamper("UPDATE entries SET decision_id = 'x' WHERE idx = 2")
    with pytest.raises(LedgerError) as caught:
        five.find("x")
    assert str(caught.value) == "decision x: its row leads to another record; verify the ledger"


ENTRIES = "ledger: its entries are not those of its checkpoint; verify the ledger"
UNSIGNED = "ledger: its checkpoint is not signed by this ledger's key; restore a backup"


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("DELETE FROM entries WHERE idx = 4", ENTRIES),
        ("INSERT INTO entries VALUES (5, 'note', NULL, x'7b7d', NULL)", ENTRIES),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 2", ENTRIES),
        ("UPDATE checkpoints SET note = replace(note, char(10) || '5', char(10) || '4')", UNSIGNED),
        ("DELETE FROM checkpoints", "ledger: its checkpoint is missing; restore a backup"),
        ("DELETE FROM nodes WHERE level = 2", "ledger: node 0 at level 2 is missing; verify the ledger"),
    ],
)
def test_nothing_is_signed_over_an_alteration(
    five: SqliteLedger, tamper: Tamper, sql: str, text: str
) -> None:
    """An append upon a ledger that is not the one signed last is refused: it would launder the change."""
    tamper(sql)
    with pytest.raises(LedgerError) as caught:
        five.append("note", {})
    assert str(caught.value) == text


def test_check_writable(five: SqliteLedger, tamper: Tamper) -> None:
    """The check writes nothing, and sees an alteration that an append would refuse."""
    before = five.checkpoint()
    five.check_writable()
    assert (five.checkpoint(), five.size()) == (before, 5)
    tamper("DELETE FROM entries WHERE idx = 4")
    with pytest.raises(LedgerError):
        five.check_writable()


def test_a_rollback_under_a_running_process(five: SqliteLedger) -> None:
    """A process that has seen more entries does not append to an older copy."""
    with closing(sqlite3.connect(":memory:")) as older:
        five._connection.backup(older)
        five.append("note", {})
        five.append("note", {})
        older.backup(five._connection)
    with pytest.raises(LedgerError) as caught:
        five.append("note", {})
    assert str(caught.value) == (
        "ledger: rolled back to 5 entries, this process has seen 6; restore the newer file"
    )


def test_another_key_does_not_continue_a_ledger(five: SqliteLedger, path: Path) -> None:
    """A ledger opened with a key that did not sign it takes no entry."""
    other = SqliteLedger(path, signer=Signer.generate("clearway/test"), index_key=b"k")
    with pytest.raises(LedgerError) as caught:
        other.append("note", {})
    other.close()
    assert str(caught.value) == UNSIGNED
