"""What leaves the ledger for others to check: the whole of it as lines, or one record with its proof."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clearway.errors import LedgerError
from clearway.ledger.canonical import canonical_json
from clearway.ledger.checkpoint import Verifier, parse_checkpoint
from clearway.ledger.store import Ledger
from clearway.ledger.verify import verify_proof


def snapshot(ledger: Ledger) -> tuple[Iterator[bytes], str]:
    """Leaves and the checkpoint over them, for `verify_entries`, while others may be appending.

    Rows beyond the checkpoint are among the leaves, so that they are found.
    """
    # Size before checkpoint: an honest log is then never larger than what the checkpoint signs.
    size = ledger.size()
    checkpoint = ledger.checkpoint()
    return ledger.leaves(0, max(size, parse_checkpoint(checkpoint).size)), checkpoint


def export_lines(ledger: Ledger) -> Iterator[bytes]:
    """The ledger as JSON lines: each record in canonical form, then the checkpoint and the public key.

    A line without its newline is a leaf, so any RFC 9162 program can check an export.
    """
    leaves, checkpoint = snapshot(ledger)
    for leaf in leaves:
        yield leaf + b"\n"
    yield canonical_json({"checkpoint": checkpoint, "public_key": ledger.public_key}) + b"\n"


def prove(ledger: Ledger, decision_id: str) -> dict[str, Any]:
    """The record of a decision and the proof that it is in the ledger, JSON-ready.

    Raises:
        NotFoundError: No such decision.
        LedgerError: The ledger's own proof does not hold: it was altered.
    """
    entry = ledger.find(decision_id)
    checkpoint = ledger.checkpoint()
    path = ledger.inclusion_proof(entry.index, parse_checkpoint(checkpoint).size)
    proof = {
        "record": entry.record,
        "index": entry.index,
        "leaf_hash": entry.leaf_hash.hex(),
        "proof": [digest.hex() for digest in path],
        "checkpoint": checkpoint,
        "public_key": ledger.public_key,
    }
    found = verify_proof(proof, Verifier.parse(ledger.public_key))
    if found.fault:
        raise LedgerError(
            f"decision {decision_id}: its own proof fails ({found.fault.code}); verify the ledger"
        )
    return proof
