"""Exceptions to an absent permit: who may do what for a while, who asked, who agreed, and when it ends.

What is in force follows from the ledger alone: what was requested, approved and revoked, and how many
decisions needed it. This module only reads; `clearway.exception_steps` writes, and no service imports that.
A record that breaks a rule (its requester approved it, or another request was approved) lifts nothing.
"""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from clearway.active_exception import ActiveException
from clearway.errors import LedgerError
from clearway.ledger.canonical import canonical_json
from clearway.ledger.store import DECISION, Basis, Entry, Ledger
from clearway.record import format_time

REQUESTED: Final = "exception_requested"
APPROVED: Final = "exception_approved"
REVOKED: Final = "exception_revoked"
Status = Literal["requested", "active", "used_up", "expired", "revoked"]


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
        """JSON form, as in records; this is what an approver signs."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "expires_at": format_time(self.expires_at),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RequestedException:
        """The inverse of `as_json`."""
        return cls(**{**value, "expires_at": datetime.fromisoformat(value["expires_at"])})

    @property
    def sha256(self) -> str:
        """Digest of its canonical form."""
        return hashlib.sha256(canonical_json(self.as_json())).hexdigest()

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
        index: Place of its record in the ledger.
        reason: Why, or None.
    """

    person: str
    time: str
    index: int
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON form, as the command line prints it."""
        return {"by": self.person, "time": self.time, "reason": self.reason, "ledger_index": self.index}


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
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
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
                state = _requested(entry)
                self._states.setdefault(state.requested.id, state)
                return
            known = self._states.get(entry.record["exception_id"])
            if known is not None:
                following = _approved if entry.kind == APPROVED else _revoked
                self._states[known.requested.id] = following(known, entry)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise LedgerError(
                f"entry {entry.index}: expected the record of an exception, got another form; "
                "read it with the Clearway that wrote it"
            ) from fault

    def _count(self, states: Collection[ExceptionState], size: int) -> None:
        """Bring the uses of some exceptions up to date; no decision before an approval can have used it."""
        start = min((state.counted for state in states), default=size)
        new = dict.fromkeys((state.requested.id for state in states), 0)
        for entry in self._ledger.entries(start, size, DECISION):
            for name in new.keys() & set(entry.record.get("exceptions", ())):
                new[name] += entry.index >= self._states[name].counted
        for state in states:
            name = state.requested.id
            self._states[name] = replace(state, n_uses=state.n_uses + new[name], counted=size)


def active(ledger: Ledger, at: datetime) -> tuple[ActiveException, ...]:
    """Exceptions in force at a time, by the ledger alone; `ExceptionBook` is for who asks often."""
    return ExceptionBook(ledger).active(at)


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
    first, second = (
        " ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in (one, other)
    )
    return first == second


def find_state(states: Iterable[ExceptionState], name: str) -> ExceptionState | None:
    """The exception of that id, or None."""
    return next((state for state in states if state.requested.id == name), None)


def _requested(entry: Entry) -> ExceptionState:
    requested = RequestedException.from_json(entry.record["exception"])
    return ExceptionState(requested, _step(entry, requested.requester, requested.reason))


def _approved(state: ExceptionState, entry: Entry) -> ExceptionState:
    """The state with its approval, or as it was where this is none: doubt denies."""
    requested, approver = state.requested, str(entry.record["approver"])
    is_valid = (
        state.approval is None
        and state.revocation is None
        and entry.record["sha256"] == requested.sha256
        and not any(is_same_person(approver, other) for other in (requested.requester, requested.caller))
        and datetime.fromisoformat(entry.record["time"]) < requested.expires_at
    )
    return replace(state, approval=_step(entry, approver), counted=entry.index) if is_valid else state


def _revoked(state: ExceptionState, entry: Entry) -> ExceptionState:
    if state.revocation is not None:
        return state
    return replace(state, revocation=_step(entry, entry.record["revoked_by"], entry.record["reason"]))


def _step(entry: Entry, person: str, reason: str | None = None) -> Step:
    return Step(person, entry.record["time"], entry.index, reason)
