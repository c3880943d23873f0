"""Persons sign changes of policy or register, reviews, exceptions and promotions; and each can be checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from clearway import exceptions
from clearway.approvals import (
    FILE,
    Act,
    Approvers,
    Signed,
    approve,
    check_signed,
    load_approvers,
    request_approval,
)
from clearway.errors import ApprovalError
from clearway.exceptions import RequestedException, is_same_person, needs_signature
from clearway.installation import PROMOTION, Settings, archive_of, operator, read_versions
from clearway.ledger.checkpoint import Signer, Verifier
from clearway.ledger.store import Entry, Ledger
from clearway.load_records import (
    APPROVAL,
    APPROVAL_REQUESTED,
    LOAD,
    SENSITIVITY_PROMOTION,
    authority,
    find_request,
    load_diff,
    promotion_subject,
    request_of,
    stamp_of,
)
from clearway.register_reviews import REVIEW

# Kinds of records with a signature: what kind of thing it is about, and which.
SUBJECTS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]]] = {
    exceptions.REQUESTED: (
        exceptions.SIGNED_KIND,
        lambda record: RequestedException.from_json(record["exception"]).subject,
    ),
    exceptions.APPROVED: (
        exceptions.SIGNED_KIND,
        lambda record: {"exception_id": record["exception_id"], "sha256": record["sha256"]},
    ),
    REVIEW: ("review", lambda record: {"sha256": record["sha256"]}),
    PROMOTION: (PROMOTION, promotion_subject),
    SENSITIVITY_PROMOTION: (SENSITIVITY_PROMOTION, promotion_subject),
}
_REQUESTS: Final = frozenset({APPROVAL_REQUESTED, exceptions.REQUESTED})


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found of one signed record.

    Attributes:
        index: Its place in the ledger.
        kind: Kind of the record.
        about: What was asked for or approved, such as `policy`; None where it cannot be read.
        person: Who is said to have signed; None where it cannot be read.
        fault: What does not hold, or None.
    """

    index: int
    kind: str
    about: str | None
    person: str | None
    fault: str | None

    def as_json(self) -> dict[str, Any]:
        """JSON form."""
        return {name: getattr(self, name) for name in self.__slots__} | {"ok": self.fault is None}


def sign_change(
    settings: Settings, ledger: Ledger, act: Act, kind: str, *, reason: str, signer: Signer
) -> tuple[Entry, dict[str, Any] | None]:
    """Ask for, or approve, what stands in a folder now; the record goes to the ledger.

    Args:
        settings: Where the folders lie.
        ledger: The installation's.
        act: `request` or `approve`.
        kind: `policy` or `register`.
        reason: Why.
        signer: Private key of who does it.

    Returns:
        The record, and what the change is: ids by part; None where nothing was loaded yet.

    Raises:
        ConfigurationError: The folder does not load: what cannot go into service is not approved.
        ApprovalError: The key may not, nobody asked for it, or the same person did.
        LedgerUnavailableError: It could not be recorded.
    """
    versions, at = read_versions(settings), datetime.now(UTC)
    subject, approvers = versions.subject(kind), authority(ledger, versions.approvers)
    stamp = stamp_of(at, operator())
    last = ledger.latest(LOAD)
    diff = load_diff(archive_of(settings), last.record, versions) if last else None
    of_kind = diff and {name: found for name, found in diff.items() if name in subject}
    if act == "request":
        signed = request_approval(kind, subject, reason=reason, signer=signer, approvers=approvers, at=at)
        record = {**stamp, "approval": signed.as_json(), "diff": of_kind}
        return ledger.append(APPROVAL_REQUESTED, record), of_kind
    request = find_request(ledger, kind, subject, approvers)
    if request is None:
        raise ApprovalError(
            f"{kind}: nobody asked for what stands in its folder now; another person runs "
            f"clearway approval request {kind} first"
        )
    requester = Signed.from_json(request.record["approval"]).statement.person
    signed = approve(
        kind, subject, requester=requester, reason=reason, signer=signer, approvers=approvers, at=at
    )
    named = {"request": {"ledger_index": request.index}}
    return ledger.append(APPROVAL, {**stamp, "approval": signed.as_json(), **named}), of_kind


def check_signer(settings: Settings, ledger: Ledger, kind: str, person: str, signer: Signer | None) -> None:
    """A person signs where all must, or where the person has a key; and under the own name.

    Args:
        settings: Where the policy folder lies.
        ledger: The installation's.
        kind: What is signed, such as `promotion`.
        person: Name of who signs.
        signer: The person's private key, or None.

    Raises:
        ApprovalError: It must be signed, or not with this key.
    """
    approvers = authority(ledger, load_approvers(settings.policy))
    if signer is None and needs_signature(approvers, person):
        why = "approvals are required" if approvers.required else "this person has a key"
        raise ApprovalError(f"{kind}: {why}; sign with the private key, --key")
    if signer is not None and not is_same_person(person, signer.name):
        raise ApprovalError(f"{kind}: expected the key of who signs, got the key of {signer.name}")
    if signer is not None and approvers.keys.get(signer.name) != signer.verifier:
        raise ApprovalError(f"{kind}: {signer.name}: not registered with this key; add it to {FILE}")


def sign_record(
    settings: Settings,
    ledger: Ledger,
    record_kind: str,
    record: Mapping[str, Any],
    *,
    requester: str,
    reason: str,
    signer: Signer | None,
) -> dict[str, Any] | None:
    """The signed approval to put under `approval` into a record of a review or a promotion.

    Args:
        settings: Where the policy folder lies.
        ledger: The installation's.
        record_kind: A key of `SUBJECTS`.
        record: The record without the approval.
        requester: Who asked for it.
        reason: Why.
        signer: The approver's private key, or None.

    Returns:
        None without a key, where none is required.

    Raises:
        ApprovalError: A key is required, this one may not, or the approver asked for it.
    """
    kind, subject = SUBJECTS[record_kind][0], subject_of(record_kind, record)
    approvers = authority(ledger, load_approvers(settings.policy))
    if signer is None:
        if approvers.required:
            raise ApprovalError(
                f"{kind}: approvals are required; sign with the approver's private key, --key"
            )
        return None
    at = datetime.now(UTC)
    return approve(
        kind, subject, requester=requester, reason=reason, signer=signer, approvers=approvers, at=at
    ).as_json()


def subject_of(record_kind: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is signed of a record of a review, an exception or a promotion."""
    return SUBJECTS[record_kind][1](record)


def check_records(settings: Settings, ledger: Ledger) -> list[Finding]:
    """Check every signature of a person in a ledger, in order.

    A key counts where the policy folder has it now, or where a load record says that it was in service: what
    a person signed who has left since is still signed.
    """
    known = _known_keys(load_approvers(settings.policy), ledger)
    kinds = (APPROVAL_REQUESTED, APPROVAL, *SUBJECTS)
    entries = [entry for kind in kinds for entry in ledger.entries(kind=kind) if entry.record.get("approval")]
    return [_finding(ledger, entry, known) for entry in sorted(entries, key=lambda entry: entry.index)]


def _finding(ledger: Ledger, entry: Entry, known: Mapping[tuple[str, str], Verifier]) -> Finding:
    about = person = fault = None
    try:
        signed = Signed.from_json(entry.record["approval"])
        about, person = signed.statement.kind, signed.statement.person
        key = known.get((person, signed.public_key))
        check_signed(signed, Approvers(required=False, keys={person: key} if key else {}))
        _check_place(ledger, entry, signed)
    except ApprovalError as found:
        fault = str(found)
    return Finding(entry.index, entry.kind, about, person, fault)


def _check_place(ledger: Ledger, entry: Entry, signed: Signed) -> None:
    """That the statement is one of this record, and not copied from another."""
    statement = signed.statement
    if entry.kind == APPROVAL:
        request_of(ledger, entry)
    act = "request" if entry.kind in _REQUESTS else "approve"
    kind, subject = statement.kind, statement.subject
    if entry.kind in SUBJECTS:
        kind, subject = SUBJECTS[entry.kind][0], subject_of(entry.kind, entry.record)
    if (statement.act, statement.kind, statement.subject) != (act, kind, subject):
        raise ApprovalError("approval: it is about something else than its record")


def _known_keys(present: Approvers, ledger: Ledger) -> dict[tuple[str, str], Verifier]:
    """Every key that is or was registered, by person and text."""
    loads = [entry.record["approvers"] for entry in ledger.entries(kind=LOAD) if "approvers" in entry.record]
    return {
        (name, str(key)): key
        for approvers in (present, *map(Approvers.from_json, loads))
        for name, key in approvers.keys.items()
    }
