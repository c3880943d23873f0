"""What every ledger store offers, and the two values it takes and gives. Stores: `clearway.ledger.sqlite`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from clearway.errors import LedgerError
from clearway.ledger.canonical import canonical_json, parse_object
from clearway.ledger.tree import leaf_hash

DECISION: Final = "decision"
ERASURE: Final = "erasure"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the ledger.

    Attributes:
        index: Its place, from 0.
        kind: What sort of record: `decision`, `erasure`, `policy`, `outcome`, ...
        decision_id: Of a record of kind `decision`; None for every other kind.
        record: The record, with `kind` and `ledger_index`.
        canonical: Its RFC 8785 bytes: the leaf of the tree.
        leaf_hash: 32 bytes.
    """

    index: int
    kind: str
    decision_id: str | None
    record: dict[str, Any]
    canonical: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class SessionState:
    """What is known of a session; it only grows.

    Attributes:
        level: Highest level any request of it had; 0 when unknown.
        providers: Providers that decisions in it named, as choice or fallback, sorted.
    """

    level: int = 0
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """What of the ledger a record was computed from, beside its session.

    Attributes:
        size: Size of the ledger then.
        is_changed_by: Whether an entry added since makes the record one of the past.
    """

    size: int
    is_changed_by: Callable[[Entry], bool]


@dataclass(frozen=True, slots=True)
class Private:
    """Erasable companions of a decision record: kept outside the tree, so that they can be deleted.

    Attributes:
        salt: What the record's commitments were salted with.
        request_key: Keyed digest of caller and request id, or None where the client gave no id.
        body_digest: Keyed digest of the body; given exactly when `request_key` is.
        session_key: Keyed digest of caller and session, or None outside a session.
        level: Level to join to the session's, 0 or above.
        providers: Providers that the decision names, to add to the session's.
        session: State of the session that the decision was computed from, or None where it needs none.
        basis: What else of the ledger it was computed from, or None.
    """

    salt: bytes = field(repr=False)
    request_key: bytes | None
    body_digest: bytes | None
    session_key: bytes | None
    level: int
    providers: tuple[str, ...] = ()
    session: SessionState | None = None
    basis: Basis | None = None

    def __post_init__(self) -> None:
        if (self.request_key is None) != (self.body_digest is None):
            raise LedgerError("private: expected request_key and body_digest together, got one of them")


class Ledger(Protocol):
    """The append-only log of records. Safe to use from several threads."""

    @property
    def public_key(self) -> str:
        """The key that checkpoints are signed with, in the text form of `Verifier`."""

    def append(self, kind: str, record: Mapping[str, Any], private: Private | None = None) -> Entry:
        """Add a record; it is durable when this returns.

        A request key that is already there, with the same body digest, gives the entry that is there:
        of two racing retries, both get the winner's.

        Raises:
            RequestConflictError: The request key is there with another body, or the decision id is there.
            SessionChangedError: The session is no longer as `private` says; nothing was written.
            BasisChangedError: The rest of the ledger is not; nothing was written.
            LedgerUnavailableError: It could not be written; nothing was.
            LedgerError: The record has no canonical form, or the ledger contradicts itself.
        """

    def lookup(self, request_key: bytes, body_digest: bytes) -> Entry | None:
        """The entry already made for this request, or None.

        Raises:
            RequestConflictError: It was made for another body.
        """

    def session(self, session_key: bytes) -> SessionState:
        """What is known of a session; level 0 and no provider where nothing is."""

    def size(self) -> int:
        """Number of entries."""

    def get(self, index: int) -> Entry:
        """The entry at a place.

        Raises:
            NotFoundError: There is none.
            LedgerError: It was altered.
        """

    def find(self, decision_id: str) -> Entry:
        """The record of a decision.

        Raises:
            NotFoundError: There is none.
            LedgerError: It was altered.
        """

    def latest(self, kind: str) -> Entry | None:
        """The newest entry of a kind, or None.

        Raises:
            LedgerError: It was altered.
        """

    def check_writable(self) -> None:
        """Take and give back the write lock over an intact head; a full disk shows only at the next record.

        Raises:
            LedgerUnavailableError: Nothing can be written now.
            LedgerError: The ledger contradicts itself.
        """

    def entries(self, start: int = 0, stop: int | None = None, kind: str | None = None) -> Iterator[Entry]:
        """Entries in order, read in pages, from `start` to below `stop` (default: the present end).

        Raises:
            LedgerError: One was altered. To be told which and how, verify `leaves` instead.
        """

    def leaves(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Stored canonical bytes in order, read in pages and *not* checked: what a verifier reads."""

    def salt(self, index: int) -> bytes | None:
        """Salt of an entry; None once erased."""

    def keyed(self, *texts: str) -> bytes:
        """HMAC-SHA256 of the texts under the index key; unequal lists give unequal inputs."""

    def checkpoint(self) -> str:
        """The latest signed checkpoint."""

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Proof that entry `index` is in the tree of `size` entries (default: the latest checkpoint's).

        Raises:
            NotFoundError: No such entry or size.
        """

    def consistency_proof(self, first: int, second: int) -> list[bytes]:
        """Proof that the tree of `first` entries is a prefix of the tree of `second` entries.

        Raises:
            NotFoundError: No such sizes.
        """

    def erase(self, decision_id: str) -> bool:
        """Delete the salt and the request key of a decision, and record that this was done.

        The session's level stays: it belongs to no single decision, and levels only rise.

        Returns:
            False when there was nothing left to erase; then nothing is recorded either.

        Raises:
            NotFoundError: No such decision.
        """

    def close(self) -> None:
        """Release the store."""


def seal(kind: str, record: Mapping[str, Any], index: int) -> bytes:
    """Canonical bytes of a record at its place.

    Raises:
        LedgerError: The record names another kind or place, or has no canonical form.
    """
    for name, value in (("kind", kind), ("ledger_index", index)):
        if record.get(name, value) != value:
            raise LedgerError(f"record: expected no {name} (the ledger sets it), got another one")
    return canonical_json({**record, "kind": kind, "ledger_index": index})


def decision_id_of(kind: str, record: Mapping[str, Any]) -> str | None:
    """Id under which `find` finds a record; other kinds may name a decision without being one."""
    return record.get("decision_id") if kind == DECISION else None


def unseal(index: int, kind: str, canonical: bytes, expected: bytes | None) -> Entry:
    """Entry from what a store kept, checked against the tree's own leaf hash.

    Raises:
        LedgerError: The parts do not fit together.
    """
    digest = leaf_hash(canonical)
    if digest != expected:
        raise LedgerError(f"entry {index}: altered, its bytes are not those of the tree; verify the ledger")
    record = parse_object(canonical)
    if (record.get("ledger_index"), record.get("kind")) != (index, kind):
        raise LedgerError(f"entry {index}: altered, its row says another place or kind; verify the ledger")
    return Entry(index, kind, decision_id_of(kind, record), record, canonical, digest)
