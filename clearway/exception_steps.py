"""Steps of an exception: a person requests it, another approves it, anyone may revoke it.

Each is a record of the ledger. A service takes none of them: nothing under `serving/` imports this module,
and no caller or gateway can be the person.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from clearway.approvals import Approvers, approve, request_approval
from clearway.callers import Callers
from clearway.errors import ApprovalError, ForbiddenError, InvalidRequestError, NotFoundError
from clearway.exceptions import (
    APPROVED,
    REQUESTED,
    REVOKED,
    SIGNED_KIND,
    ExceptionBook,
    ExceptionState,
    RequestedException,
    is_same_person,
    needs_signature,
)
from clearway.installation import operator
from clearway.ledger.checkpoint import Signer
from clearway.ledger.store import Entry, Ledger
from clearway.policy import Policy
from clearway.record import format_time
from clearway.register import Register

MAX_DAYS: Final = 366
MAX_USES: Final = 1_000_000
MAX_PERSON_CHARACTERS: Final = 128
MAX_REASON_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Known:
    """What an exception may speak of, and who decides on it.

    Attributes:
        policy: Its templates, callers and purposes.
        register: Its models and providers.
        classes: Data classes of the detector.
        approvers: Persons with a key, and whether all must sign.
    """

    policy: Policy
    register: Register
    classes: Collection[str]
    approvers: Approvers


@dataclass(frozen=True, slots=True)
class Person:
    """Who takes a step.

    Attributes:
        name: Own name; that of the key, where there is one.
        signer: Private key, or None.
    """

    name: str
    signer: Signer | None = None


def new_id() -> str:
    """Id of a new exception."""
    return f"exc-{uuid.uuid4().hex[:12]}"


def request_exception(
    ledger: Ledger, wanted: RequestedException, *, signer: Signer | None, known: Known, at: datetime
) -> Entry:
    """Record that a person asks for an exception; it permits nothing until another person approves it.

    Args:
        ledger: The installation's.
        wanted: What is asked for; its requester has the name of the key.
        signer: The requester's private key, or None where none is required.
        known: What it may speak of.
        at: Time.

    Raises:
        InvalidRequestError: It names what is not there, has no end within a year, or gives no reason.
        ForbiddenError: Its requester is a caller or a gateway.
        ApprovalError: It must be signed, or this key may not.
        LedgerUnavailableError: It could not be recorded.
    """
    _check_wanted(wanted, known, at)
    check_person(wanted.requester, "requester", known.policy.callers)
    _check_text(wanted.reason, "reason", MAX_REASON_CHARACTERS)
    _check_key(Person(wanted.requester, signer), known.approvers)
    content = {
        "exception": wanted.as_json(),
        "sha256": wanted.sha256,
        "policy": {"digest": known.policy.digest},
        "approval": signer and _signed_request(signer, wanted, known.approvers, at),
    }
    return ledger.append(REQUESTED, _stamp(at) | content)


def approve_exception(
    ledger: Ledger, name: str, *, approver: Person, reason: str, known: Known, at: datetime
) -> Entry:
    """Record that a person agrees to exactly what was requested; from now on it is in force.

    Args:
        ledger: The installation's.
        name: Id of the exception.
        approver: Who agrees.
        reason: Why.
        known: What it may speak of today.
        at: Time.

    Raises:
        NotFoundError: No such exception.
        InvalidRequestError: It is not waiting for approval, or names what is not there any more.
        ForbiddenError: The approver is the requester, the caller it permits, or no person.
        ApprovalError: It must be signed, this key may not, or the request was not signed as it must be.
        LedgerUnavailableError: It could not be recorded.
    """
    state = state_of(ledger, name, known.approvers)
    requested, status = state.requested, state.status(at)
    if status != "requested":
        raise InvalidRequestError(f"{name}: expected one that waits for approval, got one that is {status}")
    if not state.request.counts:
        raise ApprovalError(f"{name}: its request is not signed as it must be; request it anew with --key")
    _check_wanted(requested, known, at)
    _check_approver(approver, requested, known)
    _check_text(reason, "reason", MAX_REASON_CHARACTERS)
    signer = approver.signer
    content = {
        **requested.subject,
        "approver": approver.name.strip(),
        "reason": reason.strip(),
        "policy": {"digest": known.policy.digest},
        "approval": signer and _signed_approval(signer, requested, reason, known.approvers, at),
    }
    return ledger.append(APPROVED, _stamp(at) | content)


def revoke_exception(
    ledger: Ledger, name: str, *, person: str, reason: str, callers: Callers, at: datetime
) -> Entry:
    """Record that a person ends an exception, or a request for one; the next decision is without it.

    Ending takes no key: it can only deny.

    Raises:
        NotFoundError: No such exception.
        InvalidRequestError: It was revoked before, or there is no reason.
        ForbiddenError: The person is a caller or a gateway.
        LedgerUnavailableError: It could not be recorded.
    """
    if state_of(ledger, name, Approvers(required=False, keys={})).revocation is not None:
        raise InvalidRequestError(f"{name}: revoked already; nothing is left to do")
    check_person(person, "by", callers)
    _check_text(reason, "reason", MAX_REASON_CHARACTERS)
    content = {"exception_id": name, "revoked_by": person.strip(), "reason": reason.strip()}
    return ledger.append(REVOKED, _stamp(at) | content)


def state_of(ledger: Ledger, name: str, approvers: Approvers) -> ExceptionState:
    """An exception as the ledger has it.

    Raises:
        NotFoundError: There is none of that id.
    """
    for state in ExceptionBook(ledger, approvers).states():
        if state.requested.id == name:
            return state
    raise NotFoundError("exception: no such id in this ledger; `clearway exception list --all` shows them")


def _stamp(at: datetime) -> dict[str, Any]:
    return {"time": format_time(at), "operator": operator()}


def _check_wanted(wanted: RequestedException, known: Known, at: datetime) -> None:
    """It names what is there, narrowly, and ends."""
    callers = known.policy.callers
    if (wanted.model is None) == (wanted.provider is None):
        raise InvalidRequestError("scope: expected a model or a provider, one of them")
    _check_known("template", wanted.template, known.policy.templates)
    _check_known("caller", wanted.caller, [*callers.callers, *callers.users])
    _check_known("model", wanted.model, known.register.models)
    _check_known("provider", wanted.provider, known.register.providers)
    _check_known("class", wanted.data_class, known.classes)
    _check_known("purpose", wanted.purpose, known.policy.objectives.purposes)
    callers.check_in_force(wanted.caller, at)
    if not at < wanted.expires_at <= at + timedelta(days=MAX_DAYS):
        raise InvalidRequestError(
            f"expires: expected an end within {MAX_DAYS} days from now; for what lasts write a permit"
        )
    if not 1 <= wanted.max_uses <= MAX_USES:
        raise InvalidRequestError(f"max-uses: expected 1 to {MAX_USES}, got {wanted.max_uses}")


def _check_known(name: str, value: str | None, known: Collection[str]) -> None:
    if value is not None and value not in known:
        expected = ", ".join(sorted(known)) or "none: there is none"
        raise InvalidRequestError(f"{name}: expected one of {expected}")


def check_person(name: str, role: str, callers: Callers) -> None:
    """A person's name, and not that of an identity that a service runs as.

    Raises:
        InvalidRequestError: It is blank, too long or cannot be printed.
        ForbiddenError: It is a caller or a gateway.
    """
    _check_text(name, role, MAX_PERSON_CHARACTERS)
    if any(is_same_person(name, other) for other in (*callers.callers, *callers.gateways)):
        raise ForbiddenError(f"{role}: is a caller or a gateway; only a person takes this step")


def _check_approver(approver: Person, requested: RequestedException, known: Known) -> None:
    """Another person than who asked and than whom it permits."""
    check_person(approver.name, "approver", known.policy.callers)
    for other, role in ((requested.requester, "requester"), (requested.caller, "caller")):
        if is_same_person(approver.name, other):
            raise ForbiddenError(f"approver: is also its {role}; another person must approve it")
    _check_key(approver, known.approvers)


def _check_key(person: Person, approvers: Approvers) -> None:
    if person.signer is not None and person.signer.name != person.name:
        raise ApprovalError(f"exception: expected the key of who signs, got the key of {person.signer.name}")
    if person.signer is None and needs_signature(approvers, person.name):
        why = "approvals are required" if approvers.required else "this person has a key"
        raise ApprovalError(f"exception: {why}; sign with the private key, --key")


def _signed_request(
    signer: Signer, wanted: RequestedException, approvers: Approvers, at: datetime
) -> dict[str, Any]:
    return request_approval(
        SIGNED_KIND, wanted.subject, reason=wanted.reason, signer=signer, approvers=approvers, at=at
    ).as_json()


def _signed_approval(
    signer: Signer, requested: RequestedException, reason: str, approvers: Approvers, at: datetime
) -> dict[str, Any]:
    return approve(
        SIGNED_KIND,
        requested.subject,
        requester=requested.requester,
        reason=reason,
        signer=signer,
        approvers=approvers,
        at=at,
    ).as_json()


def _check_text(text: str, name: str, limit: int) -> None:
    stripped = text.strip()
    if not 0 < len(stripped) <= limit:
        raise InvalidRequestError(f"{name}: expected 1 to {limit} characters, got {len(stripped)}")
    if not stripped.isprintable():
        raise InvalidRequestError(f"{name}: expected text that can be printed, got a control character")
