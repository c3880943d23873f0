"""Verification from bytes alone: each kind of alteration has its name, and none passes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import LedgerError, NotFoundError
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Signer, Verifier, sign_checkpoint
from clearway.ledger.export import export_lines, prove, snapshot
from clearway.ledger.sqlite import SqliteLedger
from clearway.ledger.store import seal
from clearway.ledger.tree import leaf_hash, root
from clearway.ledger.verify import (
    Fault,
    Verification,
    verify_entries,
    verify_export,
    verify_extends,
    verify_proof,
)

Open = Callable[[], SqliteLedger]
Tamper = Callable[..., None]

SIGNER = Signer.generate("clearway/test")
VERIFIER = SIGNER.verifier
LEAVES = [seal("note", {"n": n}, n) for n in range(9)]


def note(n: int, signer: Signer = SIGNER) -> str:
    """The checkpoint that was signed when there were n entries."""
    return sign_checkpoint(signer, n, root([leaf_hash(leaf) for leaf in LEAVES[:n]]))


def fault(leaves: list[bytes], checkpoint: str = "") -> Fault | None:
    """What is wrong with these leaves under the checkpoint of the true nine."""
    return verify_entries(leaves, checkpoint or note(9), VERIFIER).fault


def test_imports_no_store() -> None:
    """The verifier runs without SQLite and without the code that writes."""
    script = (
        "import sys, clearway.ledger.verify; print([m for m in sys.modules if 'sqlite' in m or 'store' in m])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("n", range(10))
def test_true_ledgers_verify(n: int) -> None:
    """An unaltered ledger of any size has no fault, and the signed root."""
    expected = root([leaf_hash(leaf) for leaf in LEAVES[:n]]).hex()
    assert verify_entries(iter(LEAVES[:n]), note(n), VERIFIER) == Verification(n, expected)


@pytest.mark.parametrize("k", range(1, 10))
def test_truncated(k: int) -> None:
    """The last k entries deleted."""
    text = f"expected the 9 signed entries, got {9 - k}"
    assert fault(LEAVES[:-k]) == Fault("truncated", text, 9 - k)


@pytest.mark.parametrize("size", [0, 5])
def test_extra_entries(size: int) -> None:
    """Entries after the signed ones; an endless file of them is not read to its end."""
    text = f"expected the {size} signed entries, got more"
    assert fault(LEAVES, note(size)) == Fault("extra_entries", text, size)
    read = iter(LEAVES)
    assert verify_entries(read, note(size), VERIFIER).size == size
    assert len(list(read)) == 9 - size - 1


def test_altered() -> None:
    """Another record in an entry's place, well formed in itself."""
    forged = [*LEAVES[:4], seal("note", {"n": 5}, 4), *LEAVES[5:]]
    assert fault(forged) == Fault("altered", "the 9 entries are not those that were signed")


@given(st.integers(0, 8), st.data())
def test_any_altered_byte_is_found(index: int, data: st.DataObject) -> None:
    """No byte of any entry can differ."""
    place = data.draw(st.integers(0, len(LEAVES[index]) - 1))
    leaf = bytearray(LEAVES[index])
    leaf[place] ^= data.draw(st.integers(1, 255))
    found = fault([*LEAVES[:index], bytes(leaf), *LEAVES[index + 1 :]])
    assert found
    assert found.code in ("altered", "not_canonical", "wrong_index")


@given(st.permutations(range(9)))
def test_any_other_order_is_found(order: list[int]) -> None:
    """Swapped entries are found at the first one out of place."""
    found = fault([LEAVES[place] for place in order])
    wrong = next((n for n, place in enumerate(order) if n != place), None)
    text = f"entry {wrong}: its record names another ledger_index"
    assert found == (None if wrong is None else Fault("wrong_index", text, wrong))


@given(st.integers(0, 7))
def test_an_entry_cut_out_is_found(index: int) -> None:
    """An entry missing from the middle leaves the next one in the wrong place."""
    found = fault(LEAVES[:index] + LEAVES[index + 1 :])
    assert found
    assert (found.code, found.index) == ("wrong_index", index)


def test_true_is_not_one() -> None:
    """JSON's true does not pass for index 1, however canonical and signed."""
    leaves = [LEAVES[0], canonical_json({"kind": "note", "ledger_index": True})]
    checkpoint = sign_checkpoint(SIGNER, 2, root([leaf_hash(leaf) for leaf in leaves]))
    found = fault(leaves, checkpoint)
    assert found
    assert found.code == "wrong_index"


def test_not_canonical() -> None:
    """Bytes that could be read as another record are refused even where they were signed."""
    leaves = [b'{"kind": "note", "ledger_index": 0}']
    checkpoint = sign_checkpoint(SIGNER, 1, leaf_hash(leaves[0]))
    text = "entry 0: record: expected the canonical form of RFC 8785, got another form"
    assert fault(leaves, checkpoint) == Fault("not_canonical", text, 0)


def test_bad_signature() -> None:
    """A ledger signed anew by another key, all else in order."""
    text = "the checkpoint is not signed by the expected key under its name"
    forged = note(9, Signer.generate("clearway/test"))
    assert fault(LEAVES, forged) == Fault("bad_signature", text)


def test_malformed_checkpoint() -> None:
    """A checkpoint that is none."""
    text = "note: expected text, an empty line, and signature lines"
    assert fault(LEAVES, "x") == Fault("malformed_checkpoint", text)


@pytest.mark.parametrize("older", range(10))
def test_extends_every_older_checkpoint(older: int) -> None:
    """An honest ledger extends each checkpoint it ever had."""
    assert verify_extends(LEAVES, note(older), VERIFIER).ok


def test_rolled_back(five: SqliteLedger, path: Path, open_again: Open) -> None:
    """A database put back whole verifies by itself; a checkpoint kept elsewhere gives it away."""
    earlier = path.with_name("earlier.db")
    five._connection.execute("VACUUM INTO ?", (str(earlier),))
    five.append("note", {})
    kept = five.checkpoint()
    five.close()
    earlier.replace(path)
    restored = open_again()
    verifier = Verifier.parse(restored.public_key)
    assert verify_entries(*snapshot(restored), verifier).ok
    text = "expected the 6 entries of the older checkpoint, got 5"
    assert verify_extends(restored.leaves(), kept, verifier).fault == Fault("rolled_back", text)


def test_forked() -> None:
    """A log rewritten and signed anew with the true key does not extend what it signed before."""
    forged = [*LEAVES[:4], seal("note", {"n": 5}, 4), *LEAVES[5:]]
    checkpoint = sign_checkpoint(SIGNER, 9, root([leaf_hash(leaf) for leaf in forged]))
    assert verify_entries(forged, checkpoint, VERIFIER).ok
    text = "the first 6 entries are not those of the older checkpoint"
    assert verify_extends(forged, note(6), VERIFIER).fault == Fault("forked", text)
    assert verify_extends(forged, note(4), VERIFIER).ok


def test_an_older_checkpoint_must_be_signed() -> None:
    """A forged older checkpoint accuses nobody."""
    found = verify_extends(LEAVES, note(9, Signer.generate("clearway/test")), VERIFIER).fault
    assert found
    assert found.code == "bad_signature"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("DELETE FROM entries WHERE idx >= 3", "truncated"),
        ("INSERT INTO entries VALUES (5, 'note', NULL, x'7b7d', NULL)", "extra_entries"),
        ("UPDATE entries SET leaf = CAST(replace(leaf, '\"m\"', '\"n\"') AS BLOB) WHERE idx = 2", "altered"),
        (
            """UPDATE entries SET leaf = (SELECT leaf FROM entries e WHERE e.idx = 3 - entries.idx)
            WHERE idx IN (1, 2)""",
            "wrong_index",
        ),
        ("DELETE FROM entries WHERE idx = 2", "wrong_index"),
        ("UPDATE checkpoints SET note = replace(note, char(10) || '5', char(10) || '4')", "bad_signature"),
    ],
)
def test_a_changed_database(five: SqliteLedger, tamper: Tamper, sql: str, code: str) -> None:
    """What is done to the file is named by a check of the open ledger."""
    tamper(sql)
    found = verify_entries(*snapshot(five), Verifier.parse(five.public_key)).fault
    assert found
    assert found.code == code


@pytest.fixture
def export(five: SqliteLedger) -> list[bytes]:
    """The lines of an exported ledger."""
    return list(export_lines(five))


@pytest.fixture
def verifier(five: SqliteLedger) -> Verifier:
    """The key of that ledger."""
    return Verifier.parse(five.public_key)


def test_export(five: SqliteLedger, export: list[bytes], verifier: Verifier) -> None:
    """An export is the leaves, a line each, then checkpoint and key; it verifies without the ledger."""
    assert [line.removesuffix(b"\n") for line in export[:-1]] == list(five.leaves())
    assert json.loads(export[-1]) == {"checkpoint": five.checkpoint(), "public_key": five.public_key}
    assert verify_export(export, verifier) == verify_entries(*snapshot(five), verifier)
    assert verify_export(iter([*export[:-1], export[-1].rstrip()]), verifier).ok


CUT = "expected a last line with checkpoint and public_key, got another: the export was cut off"


def test_faults_of_an_export(export: list[bytes], verifier: Verifier) -> None:
    """Whatever is done to an export is found."""
    swapped = [export[1], export[0], *export[2:]]
    altered = [export[0].replace(b'"m"', b'"n"'), *export[1:]]
    extra = [*export[:-1], seal("note", {}, 5) + b"\n", export[-1]]
    for lines, code in (
        (export[:-1], "malformed_export"),
        ([], "malformed_export"),
        ([b"{}\n"], "malformed_export"),
        ([*export[:-1], b'{"checkpoint":1,"public_key":2}'], "malformed_export"),
        ([*export[:3], export[-1]], "truncated"),
        (swapped, "wrong_index"),
        (altered, "altered"),
        (extra, "extra_entries"),
        ([b"{\n", *export[1:]], "not_canonical"),
    ):
        found = verify_export(lines, verifier).fault
        assert found
        assert found.code == code
    assert verify_export(export[:-1], verifier).fault == Fault("malformed_export", CUT)


def test_an_export_does_not_vouch_for_its_own_key(export: list[bytes]) -> None:
    """An export signed by a forger, with the forger's key inside, is refused."""
    found = verify_export(export, VERIFIER).fault
    assert found
    assert found.code == "bad_signature"


def test_as_json() -> None:
    """A finding is JSON, for the command line."""
    bad = verify_entries(LEAVES[:1], note(9), VERIFIER).as_json()
    assert bad["fault"] == {"code": "truncated", "text": "expected the 9 signed entries, got 1", "index": 1}
    assert (bad["ok"], bad["size"]) == (False, 1)
    assert verify_entries([], note(0), VERIFIER).as_json()["fault"] is None


@pytest.mark.parametrize("decision_id", ["d0", "d3", "d4"])
def test_prove(five: SqliteLedger, verifier: Verifier, decision_id: str) -> None:
    """A proof is JSON that holds without the ledger."""
    proof = json.loads(json.dumps(prove(five, decision_id)))
    assert proof["record"]["decision_id"] == decision_id
    found = verify_proof(proof, verifier)
    assert (found.ok, found.size) == (True, 5)


NOT_INCLUDED = "entry 3: the proof does not lead to the signed root"
MALFORMED = "expected record, index and proof (hex of 32 bytes each)"


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"record": {"ledger_index": 3}}, "altered", "entry 3: the record does not have the leaf_hash given"),
        ({"leaf_hash": "00"}, "altered", "entry 3: the record does not have the leaf_hash given"),
        ({"index": 2}, "wrong_index", "entry 2: its record names another ledger_index"),
        ({"proof": []}, "not_included", NOT_INCLUDED),
        ({"proof": ["00" * 32] * 3}, "not_included", NOT_INCLUDED),
        ({"record": {"a": 0.5}}, "not_canonical",
         "entry 3: record: expected whole numbers, got a float; use ppm or nano-dollars"),
        ({"record": []}, "malformed_proof", MALFORMED),
        ({"index": True}, "malformed_proof", MALFORMED),
        ({"proof": "00"}, "malformed_proof", MALFORMED),
        ({"proof": [1]}, "malformed_proof", MALFORMED),
        ({"proof": ["0"]}, "malformed_proof", MALFORMED),
        ({"checkpoint": None}, "malformed_checkpoint",
         "note: expected text, an empty line, and signature lines"),
    ],
)  # fmt: skip
def test_faults_of_a_proof(
    five: SqliteLedger, verifier: Verifier, change: dict[str, Any], code: str, text: str
) -> None:
    """A proof with any part changed is refused, and never raises."""
    found = verify_proof({**prove(five, "d3"), **change}, verifier).fault
    assert found
    assert (found.code, found.text) == (code, text)


def test_a_proof_needs_its_parts(verifier: Verifier) -> None:
    """An empty proof is refused."""
    assert not verify_proof({}, verifier).ok


def test_a_proof_does_not_vouch_for_its_own_key(five: SqliteLedger) -> None:
    """The key inside a proof is not the key it is checked with."""
    found = verify_proof(prove(five, "d3"), VERIFIER).fault
    assert found
    assert found.code == "bad_signature"


def test_no_false_proof_is_given_out(five: SqliteLedger, tamper: Tamper) -> None:
    """A ledger whose nodes were altered finds so itself before it hands out a proof."""
    tamper("UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND idx = 0")
    with pytest.raises(LedgerError) as caught:
        prove(five, "d3")
    assert str(caught.value) == "decision d3: its own proof fails (not_included); verify the ledger"


def test_no_proof_of_an_unknown_decision(five: SqliteLedger) -> None:
    """What is not there is not proven."""
    with pytest.raises(NotFoundError):
        prove(five, "d9")
