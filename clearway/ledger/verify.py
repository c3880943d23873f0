"""Checking a ledger from its bytes alone: leaves, a signed checkpoint, and a public key got elsewhere.

Imports no store and no prover. A fault is an answer, not an exception: the first one found is returned.
What this cannot see: entries removed together with a rolled-back checkpoint, unless an older checkpoint
was kept elsewhere (`verify_extends`); and whether a record tells the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from clearway.errors import LedgerError
from clearway.ledger.canonical import canonical_json, parse_canonical
from clearway.ledger.checkpoint import Checkpoint, Verifier, parse_checkpoint
from clearway.ledger.tree import EMPTY_ROOT, leaf_hash, node_hash, verify_inclusion

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that does not hold.

    Attributes:
        code: `malformed_checkpoint`, `bad_signature`, `not_canonical`, `wrong_index`, `truncated`,
            `extra_entries`, `altered`, `rolled_back`, `forked`, `malformed_export`, `malformed_proof`
            or `not_included`.
        text: For people; carries no part of a record.
        index: Place of the entry, where one is to blame.
    """

    code: str
    text: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes:
        size: Entries read.
        root: Hex root over them.
        fault: The first fault, or None.
    """

    size: int
    root: str
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return self.fault is None

    def as_json(self) -> dict[str, Any]:
        """JSON form."""
        fault = self.fault and {"code": self.fault.code, "text": self.fault.text, "index": self.fault.index}
        return {"ok": self.ok, "size": self.size, "root": self.root, "fault": fault}


class CompactRange:
    """Root of a growing tree in O(log n) memory: only the roots of its complete subtrees are held."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        digest, size = leaf, self.size
        while size & 1:
            digest = node_hash(self._peaks.pop(), digest)
            size >>= 1
        self._peaks.append(digest)
        self.size += 1

    def root(self) -> bytes:
        """Root of the leaves so far (RFC 9162, 2.1.1)."""
        if not self._peaks:
            return EMPTY_ROOT
        digest = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            digest = node_hash(peak, digest)
        return digest


def verify_entries(leaves: Iterable[bytes], checkpoint: str, verifier: Verifier) -> Verification:
    """Whether the leaves are exactly what the checkpoint was signed over.

    Args:
        leaves: Canonical records in order; read once, never held.
        checkpoint: Signed note.
        verifier: The log's public key, got from somewhere other than the log.
    """
    tree = CompactRange()
    signed = _open(checkpoint, verifier)
    if isinstance(signed, Fault):
        return _finding(tree, signed)
    remaining = iter(leaves)
    fault = _read(islice(remaining, signed.size), tree)
    # One leaf too many is enough to know: an endless file of extra entries is not read.
    if not fault and next(remaining, None) is not None:
        fault = _extra(signed)
    return _finding(tree, fault or _difference(tree, signed))


def verify_extends(leaves: Iterable[bytes], older_checkpoint: str, verifier: Verifier) -> Verification:
    """Whether a checkpoint kept elsewhere is a prefix of the leaves: finds a rolled-back database.

    Reads only as many leaves as the older checkpoint has; `verify_entries` checks the whole.
    """
    tree = CompactRange()
    signed = _open(older_checkpoint, verifier)
    if isinstance(signed, Fault):
        return _finding(tree, signed)
    for leaf in islice(leaves, signed.size):
        tree.append(leaf_hash(leaf))
    if tree.size < signed.size:
        text = f"expected the {signed.size} entries of the older checkpoint, got {tree.size}"
        return _finding(tree, Fault("rolled_back", text))
    if tree.root() != signed.root:
        text = f"the first {signed.size} entries are not those of the older checkpoint"
        return _finding(tree, Fault("forked", text))
    return _finding(tree, None)


def verify_export(lines: Iterable[bytes], verifier: Verifier) -> Verification:
    """Whether an export (see `clearway.ledger.export`) is complete and unaltered.

    Args:
        lines: Its lines, each with its newline, as a file opened in binary mode gives them; read once.
        verifier: The log's public key. The one inside the export proves nothing, so it is not used.
    """
    tree, last = CompactRange(), [b""]
    fault = _read(_all_but_last(lines, last), tree)
    if fault:
        return _finding(tree, fault)
    checkpoint = _last_line(last[0])
    if checkpoint is None:
        text = "expected a last line with checkpoint and public_key, got another: the export was cut off"
        return _finding(tree, Fault("malformed_export", text))
    signed = _open(checkpoint, verifier)
    return _finding(tree, signed if isinstance(signed, Fault) else _difference(tree, signed))


def verify_proof(proof: Mapping[str, Any], verifier: Verifier) -> Verification:
    """Whether the record of an exported proof is in the log, without the log.

    Args:
        proof: As `clearway.ledger.export.prove` gives it, read from JSON; untrusted.
        verifier: The log's public key. The one inside the proof proves nothing, so it is not used.

    Returns:
        Size and root are those of the signed checkpoint; 0 and empty until its signature is found right.
    """
    signed = _open(str(proof.get("checkpoint")), verifier)
    if isinstance(signed, Fault):
        return Verification(0, "", signed)
    return Verification(signed.size, signed.root.hex(), _proof_fault(proof, signed))


def _read(leaves: Iterable[bytes], tree: CompactRange) -> Fault | None:
    """Add each leaf to the tree until one is not a canonical record that names its own place."""
    for leaf in leaves:
        index = tree.size
        try:
            place = parse_canonical(leaf).get("ledger_index")
        except LedgerError as error:
            return Fault("not_canonical", f"entry {index}: {error}", index)
        if type(place) is not int or place != index:  # JSON's true would equal 1
            return Fault("wrong_index", f"entry {index}: its record names another ledger_index", index)
        tree.append(leaf_hash(leaf))
    return None


def _difference(tree: CompactRange, signed: Checkpoint) -> Fault | None:
    if tree.size < signed.size:
        return Fault("truncated", f"expected the {signed.size} signed entries, got {tree.size}", tree.size)
    if tree.size > signed.size:
        return _extra(signed)
    if tree.root() != signed.root:
        return Fault("altered", f"the {signed.size} entries are not those that were signed")
    return None


def _extra(signed: Checkpoint) -> Fault:
    return Fault("extra_entries", f"expected the {signed.size} signed entries, got more", signed.size)


def _open(checkpoint: str, verifier: Verifier) -> Checkpoint | Fault:
    try:
        signed = parse_checkpoint(checkpoint)
    except LedgerError as error:
        return Fault("malformed_checkpoint", str(error))
    if not signed.is_signed_by(verifier):
        return Fault("bad_signature", "the checkpoint is not signed by the expected key under its name")
    return signed


def _proof_fault(proof: Mapping[str, Any], signed: Checkpoint) -> Fault | None:
    record, index = proof.get("record"), proof.get("index")
    path = _hashes(proof.get("proof"))
    if not isinstance(record, dict) or type(index) is not int or path is None:
        return Fault("malformed_proof", "expected record, index and proof (hex of 32 bytes each)")
    try:
        leaf = leaf_hash(canonical_json(record))
    except LedgerError as error:
        return Fault("not_canonical", f"entry {index}: {error}", index)
    if leaf.hex() != proof.get("leaf_hash"):
        return Fault("altered", f"entry {index}: the record does not have the leaf_hash given", index)
    if record.get("ledger_index") != index:
        return Fault("wrong_index", f"entry {index}: its record names another ledger_index", index)
    if not verify_inclusion(leaf, index, signed.size, path, signed.root):
        return Fault("not_included", f"entry {index}: the proof does not lead to the signed root", index)
    return None


def _hashes(value: object) -> list[bytes] | None:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        return None
    if not all(_HASH.fullmatch(text) for text in value):
        return None
    return [bytes.fromhex(text) for text in value]


def _all_but_last(lines: Iterable[bytes], last: list[bytes]) -> Iterator[bytes]:
    """Every line but the last, which is left in `last`; a leaf is its line without the newline."""
    remaining = iter(lines)
    last[0] = next(remaining, b"")
    for line in remaining:
        yield last[0].removesuffix(b"\n")
        last[0] = line


def _last_line(line: bytes) -> str | None:
    """The checkpoint of an export's last line; None where it is not one."""
    try:
        value = parse_canonical(line.removesuffix(b"\n"))
    except LedgerError:
        return None
    checkpoint = value.get("checkpoint")
    return checkpoint if isinstance(checkpoint, str) and set(value) == {"checkpoint", "public_key"} else None


def _finding(tree: CompactRange, fault: Fault | None) -> Verification:
    return Verification(tree.size, tree.root().hex(), fault)
