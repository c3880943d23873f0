"""Load records: which versions went into service, who did it, what changed, and who approved it.

Where `approvals: required` was in service last, a policy or a register goes into service only with a valid
approval, by the persons of *that* version: a new approvers file cannot let itself in. An approval is good for
one change: one that is older than the version in service lets nothing back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from clearway.approvals import Act, Approvers, Signed, check_signed
from clearway.archive import Archive
from clearway.errors import ApprovalError, NotFoundError
from clearway.ledger.canonical import canonical_json, sha256_hex
from clearway.ledger.store import Entry, Ledger
from clearway.load_diff import changes, diff_of
from clearway.policy import Policy
from clearway.record import format_time
from clearway.register import Register

LOAD: Final = "load"
LOAD_FAILED: Final = "load_failed"
APPROVAL_REQUESTED: Final = "approval_requested"
APPROVAL: Final = "approval"
PROMOTION: Final = "promotion"
SENSITIVITY_PROMOTION: Final = "sensitivity_promotion"
# What is approved together, by the names of load records.
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "policy": ("policy", "callers", "objectives", "approvers"),
    "register": ("register", "prices"),
}


@dataclass(frozen=True, slots=True)
class Versions:
    """Policy and register as they were read, with the folders they came from.

    Attributes:
        policy: Policy, callers and objectives.
        register: Providers, models, reviews and prices.
        approvers: Who may approve, as the policy folder says.
        policy_folder: Where the policy was read from.
        register_folder: Where the register was read from.
    """

    policy: Policy
    register: Register
    approvers: Approvers
    policy_folder: Path
    register_folder: Path

    def as_json(self) -> dict[str, Any]:
        """As in load records."""
        return {
            "register": {"digest": self.register.digest},
            "prices": {"digest": self.register.price_digest},
            "policy": {"digest": self.policy.digest},
            "callers": {"digest": self.policy.callers.digest},
            "objectives": {"digest": self.policy.objectives.digest},
            "approvers": self.approvers.as_json(),
        }

    def subject(self, kind: str) -> dict[str, str]:
        """What an approval of this kind is about: the digests of its parts."""
        return _subject(kind, self.as_json())

    def keep(self, archive: Archive) -> None:
        """Archive both folders."""
        policy, register = self.policy, self.register
        digests = (policy.digest, policy.callers.digest, policy.objectives.digest)
        archive.keep("policy", self.policy_folder, *digests)
        archive.keep("register", self.register_folder, register.digest, register.price_digest)


def authority(ledger: Ledger, given: Approvers) -> Approvers:
    """Who may approve: the persons of the version in service where it requires approvals, else the file's."""
    last = ledger.latest(LOAD)
    if last is None or last.record.get("approvers", {}).get("approvals") != "required":
        return given
    return Approvers.from_json(last.record["approvers"])


def find_approval(
    ledger: Ledger, kind: str, subject: Mapping[str, str], approvers: Approvers
) -> Entry | None:
    """The newest valid approval to put these digests into service in place of the last ones.

    Args:
        ledger: The installation's.
        kind: `policy` or `register`.
        subject: Digests by part.
        approvers: Who may approve.
    """
    start = _in_service_since(list(ledger.entries(kind=LOAD)), kind, subject) + 1
    found = None
    for entry in ledger.entries(start, kind=APPROVAL):
        with suppress(ApprovalError):
            _check_approval(ledger, entry, kind, subject, approvers)
            found = entry
    return found


def find_request(ledger: Ledger, kind: str, subject: Mapping[str, str], approvers: Approvers) -> Entry | None:
    """The newest valid request for an approval of these digests."""
    found = None
    for entry in ledger.entries(kind=APPROVAL_REQUESTED):
        with suppress(ApprovalError):
            signed = Signed.from_json(entry.record["approval"])
            _check_about(signed, "request", kind, subject)
            check_signed(signed, approvers)
            found = entry
    return found


def promotion_subject(record: Mapping[str, Any]) -> dict[str, str]:
    """What the approval of a promotion is of: the bundle, and what was asked of it."""
    gate = sha256_hex(canonical_json(record["gate"]))
    return {"bundle": record["bundle"]["sha256"], "gate": gate}


def promoted_bundles(ledger: Ledger, kind: str = PROMOTION) -> set[str]:
    """Bundles that were promoted: while approvals were required, only those that a person of then signed.

    Args:
        ledger: The installation's.
        kind: Of the records: one classifier's bundle is never trusted as the other's.
    """
    changes = sorted((*ledger.entries(kind=LOAD), *ledger.entries(kind=kind)), key=lambda entry: entry.index)
    approvers, found = Approvers(required=False, keys={}), set()
    for entry in changes:
        if entry.kind == LOAD:
            approvers = (
                Approvers.from_json(entry.record["approvers"]) if "approvers" in entry.record else approvers
            )
        elif not approvers.required or _is_signed_promotion(entry, approvers):
            found.add(str(entry.record["bundle"]["sha256"]))
    return found


def _is_signed_promotion(entry: Entry, approvers: Approvers) -> bool:
    try:
        signed = Signed.from_json(entry.record.get("approval") or {})
        _check_about(signed, "approve", entry.kind, promotion_subject(entry.record))
        check_signed(signed, approvers)
    except ApprovalError:
        return False
    return True


def approvals_of(ledger: Ledger, versions: Versions) -> dict[str, dict[str, Any] | None]:
    """Who approved each of policy and register, or None.

    Raises:
        ApprovalError: Approvals are required, and one is missing.
    """
    approvers, last = authority(ledger, versions.approvers), ledger.latest(LOAD)
    result: dict[str, dict[str, Any] | None] = {}
    for kind in PARTS:
        subject = versions.subject(kind)
        held = last.record.get("approvals", {}).get(kind) if last else None
        if last is None or held is None or _subject(kind, last.record) != subject:
            entry = find_approval(ledger, kind, subject, approvers)
            held = approval_json(entry) if entry else None
        result[kind] = held
        if held is None and approvers.required:
            raise ApprovalError(
                f"{kind}: not approved, and approvals are required; run clearway approval request {kind}, "
                f"then have another person run clearway approval approve {kind}"
            )
    return result


def record_load(
    ledger: Ledger,
    archive: Archive,
    versions: Versions,
    classifiers: Mapping[str, Any],
    stamp: Mapping[str, str],
) -> None:
    """Archive the versions and record their load, unless the last load was of the same.

    Args:
        ledger: The installation's.
        archive: Where versions are kept.
        versions: What goes into service.
        classifiers: Identities of `classifier` and `sensitivity`.
        stamp: `time` and `operator`.

    Raises:
        ApprovalError: Approvals are required, and one is missing.
        LedgerUnavailableError: The record could not be written.
    """
    approvals, last = approvals_of(ledger, versions), ledger.latest(LOAD)
    versions.keep(archive)
    loaded = {**versions.as_json(), **classifiers, "approvals": approvals}
    if last is None or any(last.record.get(name) != value for name, value in loaded.items()):
        diff = last and load_diff(archive, last.record, versions)
        ledger.append(LOAD, {**stamp, **loaded, "diff": diff})


def load_diff(archive: Archive, last: Mapping[str, Any], versions: Versions) -> dict[str, Any]:
    """What changed since a load record, by part; empty where nothing did."""
    before, after = _digests(last), _digests(versions.as_json())
    diff = diff_of(archive, before, after, versions.policy_folder, versions.register_folder)
    if "approvers" in last and before["approvers"] != after["approvers"]:
        old, new = Approvers.from_json(last["approvers"]), versions.approvers
        diff["approvers"] = changes(_approver_entries(old), _approver_entries(new))
    return diff


def approval_json(entry: Entry) -> dict[str, Any]:
    """An approval as load records name it."""
    statement = Signed.from_json(entry.record["approval"]).statement
    return {
        "approver": statement.person,
        "requester": statement.requester,
        "time": statement.time,
        "ledger_index": entry.index,
    }


def stamp_of(at: datetime, operator: str) -> dict[str, str]:
    """When, and under which account."""
    return {"time": format_time(at), "operator": operator}


def request_of(ledger: Ledger, approval: Entry) -> Entry:
    """The request that an approval of policy or register answers; its own signature is not checked here.

    Raises:
        ApprovalError: It is not in the ledger, about something else, or of another person.
    """
    statement = Signed.from_json(approval.record["approval"]).statement
    try:
        entry = ledger.get(int(approval.record["request"]["ledger_index"]))
    except (KeyError, TypeError, NotFoundError):
        raise ApprovalError("approval: the request it names is not in the ledger") from None
    if entry.kind != APPROVAL_REQUESTED:
        raise ApprovalError("approval: what it names as its request is none")
    signed = Signed.from_json(entry.record["approval"])
    _check_about(signed, "request", statement.kind, statement.subject)
    if signed.statement.person != statement.requester:
        raise ApprovalError("approval: the request it names is another person's")
    return entry


def _check_approval(
    ledger: Ledger, entry: Entry, kind: str, subject: Mapping[str, str], approvers: Approvers
) -> None:
    signed = Signed.from_json(entry.record["approval"])
    _check_about(signed, "approve", kind, subject)
    check_signed(signed, approvers)
    check_signed(Signed.from_json(request_of(ledger, entry).record["approval"]), approvers)


def _check_about(signed: Signed, act: Act, kind: str, subject: Mapping[str, Any]) -> None:
    statement = signed.statement
    if (statement.act, statement.kind, dict(statement.subject)) != (act, kind, dict(subject)):
        raise ApprovalError("approval: it is about something else")


def _in_service_since(loads: Sequence[Entry], kind: str, subject: Mapping[str, str]) -> int:
    """Place where the newest version that is not this one came into service; -1 where there was none."""
    other, index = None, -1
    for entry in reversed(loads):
        found = _subject(kind, entry.record)
        if other is None and found == subject:
            continue
        other = found if other is None else other
        if found != other:
            break
        index = entry.index
    return index


def _subject(kind: str, record: Mapping[str, Any]) -> dict[str, str]:
    digests = _digests(record)
    return {name: digests[name] for name in PARTS[kind]}


def _digests(record: Mapping[str, Any]) -> dict[str, str]:
    """Digests by part; empty for what load records did not name yet."""
    names = [name for parts in PARTS.values() for name in parts]
    return {name: str(record.get(name, {}).get("digest", "")) for name in names}


def _approver_entries(approvers: Approvers) -> dict[str, str]:
    content = approvers.as_json()
    return {"approvals": content["approvals"], **{f"approver:{n}": k for n, k in content["keys"].items()}}
