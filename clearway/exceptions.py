"""Exceptions to an absent permit: who may do what for a while, who asked, who agreed, and when it ends.

What is in force follows from the ledger alone: what was requested, approved and revoked, and how many
decisions needed it. This module only reads; `clearway.exception_steps` writes, and no service imports that.
A record that breaks a rule lifts nothing: approved by its requester, over another request, badly signed.
"""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from clearway.active_exception import ActiveException
from clearway.approvals import Act, Approvers, Signed, check_signed
from clearway.errors import ApprovalError, LedgerError
from clearway.ledger.canonical import canonical_json
from clearway.ledger.store import DECISION, Basis, Entry, Ledger
from clearway.record import format_time

REQUESTED: Final = "exception_requested"
APPROVED: Final = "exception_approved"
REVOKED: Final = "exception_revoked"
SIGNED_KIND: Final = "exception"
# How the canonical form of a decision that needed one differs from all others.
_USE: Final = b'"exceptions":["'
Status = Literal["requested", "active", "used_up", "expired", "revoked"]
Signature = Literal["valid", "none", "invalid"]


@dataclass(frozen=True, slots=True)
class RequestedException:
    """What somebody asks for; the approval is of exactly this.

    Attributes:
        id: Its id.
        template: `@id` of the policy template that it links.
        caller: Registered id of the one principal it permits.
        model: The only model it covers, or None; then a provider is named.
        provider: The only provider it covers, or None.
        data_class: The only data class a request may have under it, or None for any.
        purpose: The only purpose it covers, or None for any.
        requester: Person who asks.
        reason: Why.
        expires_at: First moment at which it is over, UTC.
        max_uses: Number of decisions that may need it.
    """

    id: str
    template: str
    caller: str
    model: str | None
    provider: str | None
    data_class: str | None
    purpose: str | None
    requester: str
    reason: str
    expires_at: datetime
    max_uses: int

    def as_json(self) -> dict[str, Any]:
        """JSON form, as in records."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "expires_at": format_time(self.expires_at),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RequestedException:
        """The inverse of `as_json`.

        Raises:
            ValueError: Its end is no time in a zone, or its limit no number; others where the form differs.
        """
        expires_at = datetime.fromisoformat(value["expires_at"])
        if expires_at.tzinfo is None or type(value["max_uses"]) is not int:
            raise ValueError("expected an end in a zone and a number of uses")
        return cls(**{**value, "expires_at": expires_at})

    @property
    def sha256(self) -> str:
        """Digest of its canonical form."""
        return hashlib.sha256(canonical_json(self.as_json())).hexdigest()

    @property
    def subject(self) -> dict[str, str]:
        """What requester and approver sign."""
        return {"exception_id": self.id, "sha256": self.sha256}

    def link(self) -> ActiveException:
        """As the policy engine reads it."""
        names = ("id", "template", "caller", "model", "provider", "data_class", "purpose")
        return ActiveException(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody's step in the life of an exception.

    Attributes:
        person: Who took it.
        time: When, as recorded.
        reason: Why.
        index: Place of its record in the ledger.
        signature: Whether it is signed, and the signature holds; nobody signs a revocation.
        counts: Whether it stands as it is signed.
    """

    person: str
    time: str
    reason: str
    index: int
    signature: Signature = "none"
    counts: bool = True

    def as_json(self) -> dict[str, Any]:
        """JSON form, as the command line prints it."""
        return {
            "by": self.person,
            "time": self.time,
            "reason": self.reason,
            "ledger_index": self.index,
            "signature": self.signature,
        }


@dataclass(frozen=True, slots=True)
class ExceptionState:
    """An exception as the ledger has it.

    Attributes:
        requested: What was asked for.
        request: Who asked and when.
        approval: Who agreed, or None.
        revocation: Who ended it, or None.
        n_uses: Decisions before `counted` that needed it.
        counted: Place in the ledger up to which its uses are counted.
    """

    requested: RequestedException
    request: Step
    approval: Step | None = None
    revocation: Step | None = None
    n_uses: int = 0
    counted: int = 0

    def status(self, at: datetime) -> Status:
        """Where it stands at a time."""
        if self.revocation is not None:
            return "revoked"
        if self.approval is not None and self.n_uses >= self.requested.max_uses:
            return "used_up"
        if at >= self.requested.expires_at:
            return "expired"
        return "active" if self.approval is not None else "requested"

    def as_json(self, at: datetime) -> dict[str, Any]:
        """JSON form, as the command line prints it."""
        return {
            **self.requested.as_json(),
            "sha256": self.requested.sha256,
            "status": self.status(at),
            "n_uses": self.n_uses,
            "requested": self.request.as_json(),
            "approved": self.approval and self.approval.as_json(),
            "revoked": self.revocation and self.revocation.as_json(),
        }


class ExceptionBook:
    """Exceptions of a ledger, kept up to date by reading only what was added; safe for several threads.

    Args:
        ledger: Where they are recorded.
        approvers: Whose signatures hold, and whether all must sign. What was signed with a key that is taken
            out does not hold any more, and the exception falls.
    """

    def __init__(self, ledger: Ledger, approvers: Approvers) -> None:
        self._ledger = ledger
        self._approvers = approvers
        self._lock = threading.Lock()
        self._states: dict[str, ExceptionState] = {}
        self._size = 0

    def active(self, at: datetime, held: Collection[str] = ()) -> tuple[ActiveException, ...]:
        """Exceptions in force at a time, sorted by id.

        Args:
            at: Time of the decision.
            held: Exceptions that the decision asked about has used already: a retry is no further use.
        """
        with self._lock:
            size = self._read()
            self._count([state for state in self._states.values() if state.status(at) == "active"], size)
            in_force = [
                state.requested
                for state in self._states.values()
                if (status := state.status(at)) == "active"
                or (status == "used_up" and state.requested.id in held and at < state.requested.expires_at)
            ]
        return tuple(requested.link() for requested in sorted(in_force, key=lambda requested: requested.id))

    def states(self) -> tuple[ExceptionState, ...]:
        """Every exception with all of its uses, in the order they were requested."""
        with self._lock:
            size = self._read()
            self._count([state for state in self._states.values() if state.approval], size)
            return tuple(self._states.values())

    def _read(self) -> int:
        """Take in what was recorded since the last time; the ledger's size then."""
        size = self._ledger.size()
        if size != self._size:
            added = [
                entry
                for kind in (REQUESTED, APPROVED, REVOKED)
                for entry in self._ledger.entries(self._size, size, kind)
            ]
            for entry in sorted(added, key=lambda entry: entry.index):
                self._take_in(entry)
            self._size = size
        return size

    def _take_in(self, entry: Entry) -> None:
        try:
            if entry.kind == REQUESTED:
                requested = RequestedException.from_json(entry.record["exception"])
                step = self._signed_step(entry, "request", requested, requested.requester, requested.reason)
                self._states.setdefault(requested.id, ExceptionState(requested, step))
                return
            known = self._states.get(entry.record["exception_id"])
            if known is not None:
                following = self._approved if entry.kind == APPROVED else _revoked
                self._states[known.requested.id] = following(known, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise LedgerError(
                f"entry {entry.index}: expected the record of an exception, got another form; "
                "read it with the Clearway that wrote it"
            ) from fault

    def _approved(self, state: ExceptionState, entry: Entry) -> ExceptionState:
        """The state with its approval, or as it was where this is none: doubt denies."""
        requested, approver = state.requested, str(entry.record["approver"])
        step = self._signed_step(entry, "approve", requested, approver, str(entry.record["reason"]))
        is_valid = (
            state.approval is None
            and state.revocation is None
            and state.request.counts
            and step.counts
            and entry.record["sha256"] == requested.sha256
            and not any(is_same_person(approver, other) for other in (requested.requester, requested.caller))
            and datetime.fromisoformat(step.time) < requested.expires_at
        )
        return replace(state, approval=step, counted=entry.index) if is_valid else state

    def _signed_step(
        self, entry: Entry, act: Act, requested: RequestedException, person: str, reason: str
    ) -> Step:
        """A step, and whether it stands as it is signed."""
        step = Step(person, str(entry.record["time"]), reason, entry.index)
        if entry.record.get("approval") is None:
            return replace(step, counts=not needs_signature(self._approvers, person))
        signature: Signature = "invalid"
        with suppress(ApprovalError):
            signed = Signed.from_json(entry.record["approval"])
            check_signed(signed, self._approvers)
            stated = signed.statement
            about = (stated.act, stated.kind, stated.subject, stated.person, stated.requester)
            if about == (act, SIGNED_KIND, requested.subject, person, requested.requester):
                signature = "valid"
        return replace(step, signature=signature, counts=signature == "valid")

    def _count(self, states: Collection[ExceptionState], size: int) -> None:
        """Bring the uses of some exceptions up to date; no decision before an approval can have used it."""
        start = min((state.counted for state in states), default=size)
        new = dict.fromkeys((state.requested.id for state in states), 0)
        for entry in self._uses(start, size):
            for name in new.keys() & set(entry.record["exceptions"]):
                new[name] += entry.index >= self._states[name].counted
        for state in states:
            name = state.requested.id
            self._states[name] = replace(state, n_uses=state.n_uses + new[name], counted=size)

    def _uses(self, start: int, stop: int) -> Iterator[Entry]:
        """Decisions that needed an exception, found by their bytes: most need none, and are not parsed."""
        for index, leaf in enumerate(self._ledger.leaves(start, stop), start):
            entry = self._ledger.get(index) if _USE in leaf else None
            if entry is not None and entry.kind == DECISION:
                yield entry


def active(ledger: Ledger, at: datetime, approvers: Approvers) -> tuple[ActiveException, ...]:
    """Exceptions in force at a time; `ExceptionBook` is for who asks often."""
    return ExceptionBook(ledger, approvers).active(at)


def needs_signature(approvers: Approvers, person: str) -> bool:
    """Whether a step of this person must be signed: where all must, or where the person has a key."""
    return approvers.required or any(is_same_person(person, name) for name in approvers.keys)


def basis_of(used: Collection[str], size: int) -> Basis | None:
    """What must still hold when a decision that needs exceptions is recorded; None where it needs none.

    Args:
        used: Ids of the exceptions it needs.
        size: Size of the ledger before it was asked which are in force.
    """

    def is_changed_by(entry: Entry) -> bool:
        if entry.kind == DECISION:
            return not set(used).isdisjoint(entry.record.get("exceptions", ()))
        return entry.kind == REVOKED and entry.record.get("exception_id") in used

    return Basis(size, is_changed_by) if used else None


def is_same_person(one: str, other: str) -> bool:
    """Whether two names may be one person's: case, width and spaces make no other person.

    >>> is_same_person("Ana  Diaz", " ana diaz ")
    True
    """
    return _folded(one) == _folded(other)


def _revoked(state: ExceptionState, entry: Entry) -> ExceptionState:
    record = entry.record
    step = Step(str(record["revoked_by"]), str(record["time"]), str(record["reason"]), entry.index)
    return state if state.revocation else replace(state, revocation=step)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
