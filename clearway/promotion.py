"""Promotions: a bundle goes into service when it passed its gate and somebody put a name to it.

A promotion says what may be loaded, a load record says what was: together they tell from the ledger alone
which version was live when.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

from clearway.bundle import Bundle, load_bundle, pinned_digests
from clearway.change_approval import check_signer, sign_record
from clearway.complexity import OnnxComplexityModel
from clearway.errors import BundleError, ConfigurationError, InvalidRequestError, LedgerUnavailableError
from clearway.installation import LOAD, PROMOTION, Settings, archive_of, data_folder, operator
from clearway.ledger.checkpoint import Signer
from clearway.ledger.sqlite import open_ledger
from clearway.ledger.store import Ledger
from clearway.record import format_time
from clearway.sensitivity.bundle import SensitivityBundle

MAX_APPROVER_CHARACTERS: Final = 128
MAX_REASON_CHARACTERS: Final = 2_000
_LOCK: Final = "promotion.lock"
_LAYOUT: Final = frozenset("\n\t")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a gate asks, in whole numbers, as records hold them.

    Attributes:
        name: Such as `calibration.mmlu_pro`.
        value: What was measured; None where it could not be.
        limit: What is asked for.
        unit: `ppm`, `us` (microseconds) or `requests`.
        bound: Whether the value is to be at most or at least the limit.
    """

    name: str
    value: int | None
    limit: int
    unit: Literal["ppm", "us", "requests"]
    bound: Literal["at_most", "at_least"] = "at_most"

    @property
    def passed(self) -> bool:
        """Whether it holds; what could not be measured does not."""
        if self.value is None:
            return False
        return self.value <= self.limit if self.bound == "at_most" else self.value >= self.limit

    def as_json(self) -> dict[str, Any]:
        """As in records."""
        return {
            "check": self.name,
            "value": self.value,
            "bound": self.bound,
            "limit": self.limit,
            "unit": self.unit,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Gate:
    """What was asked of a candidate.

    Attributes:
        checks: All of them, passed or not.
        compared_with: SHA-256 of the bundle that it was compared with, or None.
        traffic_sha256: Digest of the sample of requests that was decided with both, or None.
        n_requests: Their number.
        notes: Sorted codes of what was not judged, and how quality was compared.
    """

    checks: tuple[Check, ...]
    compared_with: str | None = None
    traffic_sha256: str | None = None
    n_requests: int = 0
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def passed(self) -> bool:
        """Whether every check holds; a gate that asks nothing is no gate."""
        return bool(self.checks) and not self.failed

    def as_json(self) -> dict[str, Any]:
        """As in records."""
        return {
            "passed": self.passed,
            "checks": [check.as_json() for check in self.checks],
            "compared_with": self.compared_with,
            "traffic": self.traffic_sha256 and {"sha256": self.traffic_sha256, "n_requests": self.n_requests},
            "notes": list(self.notes),
        }


Judge = Callable[[Bundle, Bundle], Gate]
AnyBundle = TypeVar("AnyBundle", Bundle, SensitivityBundle)


@dataclass(frozen=True, slots=True)
class Line(Generic[AnyBundle]):
    """One of the two classifiers, as promotions tell them apart.

    Attributes:
        record_kind: Kind of its records.
        archive_kind: Where its bundles are kept.
        read: Reads a folder and verifies every byte.
    """

    record_kind: str
    archive_kind: str
    read: Callable[[Path], AnyBundle]


@dataclass(frozen=True, slots=True)
class Promotion(Generic[AnyBundle]):
    """What came of asking for a promotion.

    Attributes:
        bundle: The candidate.
        gate: What was asked of it.
        record: The record, or None where the gate refused.
        folder: The archived copy, or None.
    """

    bundle: AnyBundle
    gate: Gate
    record: dict[str, Any] | None
    folder: Path | None


def promote_bundle(
    settings: Settings,
    folder: Path,
    *,
    approver: str,
    reason: str,
    judge: Judge,
    requester: str | None = None,
    signer: Signer | None = None,
) -> Promotion[Bundle]:
    """Let a bundle into service: verify it, judge it, archive it, record it. A refusal leaves no record.

    Args:
        settings: Where everything lies.
        folder: The bundle.
        approver: Who answers for it.
        reason: Why.
        judge: The gate: candidate and champion to the checks.
        requester: Who asked for it; the account that runs this by default.
        signer: The approver's private key; required where approvals are.

    Raises:
        ApprovalError: It must be signed, the key may not, or the approver asked for it.
        InvalidRequestError: Approver or reason is empty, too long, or holds what cannot be printed.
        BundleError: The bundle, or the copy in the archive, is incomplete or altered.
        ConfigurationError: Another promotion is under way.
        LedgerUnavailableError: The ledger cannot be written.
    """
    named = signatures(requester, approver, reason)
    line = Line(PROMOTION, "bundle", lambda path: load_bundle(path, trusted=None))
    bundle = line.read(folder)
    OnnxComplexityModel(bundle)

    def compared(ledger: Ledger) -> Gate:
        return judge(bundle, champion(settings, ledger))

    return Promotion(bundle, *settle(settings, line, folder, bundle, named, compared, signer))


def signatures(requester: str | None, approver: str, reason: str) -> dict[str, str]:
    """Who asked, who answers for it and why, as records hold them.

    Raises:
        InvalidRequestError: One is empty, too long, or holds what cannot be printed.
    """
    return {
        "requester": _signature(requester or operator(), "requester", MAX_APPROVER_CHARACTERS),
        "approver": _signature(approver, "approver", MAX_APPROVER_CHARACTERS),
        "reason": _signature(reason, "reason", MAX_REASON_CHARACTERS),
    }


def settle(
    settings: Settings,
    line: Line[AnyBundle],
    folder: Path,
    bundle: AnyBundle,
    named: Mapping[str, str],
    judge: Callable[[Ledger], Gate],
    signer: Signer | None,
) -> tuple[Gate, dict[str, Any] | None, Path | None]:
    """Judge, archive and record a bundle that was read; nobody else promotes meanwhile.

    Returns:
        The gate, the record and the archived copy; the last two None where the gate refused.

    Raises:
        ApprovalError, ConfigurationError, LedgerUnavailableError: As of `promote_bundle`.
        BundleError: The folder, or the copy in the archive, changed meanwhile.
    """
    ledger = open_ledger(settings.home)
    try:
        check_signer(settings, ledger, line.record_kind, named["approver"], signer)
        with _alone(settings.home):
            gate = judge(ledger)
            if not gate.passed:
                return gate, None, None
            kept = _archived(settings, line, folder, bundle)
            record = {**_record(line, bundle, gate, ledger), **named}
            approval = _approval(settings, ledger, line.record_kind, record, signer)
            return gate, ledger.append(line.record_kind, {**record, "approval": approval}).record, kept
    finally:
        ledger.close()


def champion(settings: Settings, ledger: Ledger) -> Bundle:
    """The bundle to be compared with: the last one promoted, else the shipped one.

    One that this version of Clearway cannot load any more gives way to the shipped one, too.

    Raises:
        BundleError: The shipped bundle does not load.
    """
    last = ledger.latest(PROMOTION)
    if last is not None:
        sha256 = last.record["bundle"]["sha256"]
        try:
            return load_bundle(archive_of(settings).find("bundle", sha256), trusted={sha256})
        except ConfigurationError:  # the gate's record names what it was compared with instead
            pass
    return load_bundle(data_folder() / "classifiers" / "default", trusted=pinned_digests())


def live_at(ledger: Ledger, at: datetime) -> dict[str, Any]:
    """Which version was live at a time, by the ledger alone.

    Args:
        ledger: The installation's.
        at: Aware; nothing is known of the future.

    Returns:
        `live`: what was loaded last before then; `promotion`: the newest promotion of that version before
        then, None for one that is pinned in the package; `promoted`: what was promoted last before then.
        Each with `since` and its place in the ledger, or None.

    Raises:
        InvalidRequestError: The time lies ahead.
    """
    if at > datetime.now(UTC):
        raise InvalidRequestError("at: expected a time that has passed, got one ahead")
    stamp = format_time(at)
    loads = [e for e in ledger.entries(kind=LOAD) if e.record["time"] <= stamp]
    promotions = [e for e in ledger.entries(kind=PROMOTION) if e.record["time"] <= stamp]
    live = None
    if loads:
        identity = loads[-1].record["classifier"]
        live = identity | {"since": _since(loads, identity), "ledger_index": loads[-1].index}
    own = [e for e in promotions if live and e.record["bundle"]["sha256"] == live["sha256"]]
    return {
        "at": stamp,
        "live": live,
        "promotion": _promotion_json(own[-1]) if own else None,
        "promoted": _promotion_json(promotions[-1]) if promotions else None,
    }


def _since(loads: list[Any], identity: dict[str, str]) -> str:
    """When the version came that was live last: other versions of the policy may have come since."""
    since = loads[-1].record["time"]
    for entry in reversed(loads):
        if entry.record["classifier"] != identity:
            break
        since = entry.record["time"]
    return str(since)


def _promotion_json(entry: Any) -> dict[str, Any]:
    record = entry.record
    named = {name: record[name] for name in ("approver", "reason")}
    return {**record["bundle"], "since": record["time"], **named, "ledger_index": entry.index}


def _record(line: Line[AnyBundle], bundle: AnyBundle, gate: Gate, ledger: Ledger) -> dict[str, Any]:
    previous = ledger.latest(line.record_kind)
    entry = bundle.manifest.mlflow
    return {
        "time": format_time(datetime.now(UTC)),
        "bundle": bundle.identity.as_json(),
        "training_data_sha256": bundle.manifest.training_data_sha256,
        "mlflow": entry and {"name": entry.name, "version": entry.version, "run_id": entry.run_id},
        "previous_sha256": previous.record["bundle"]["sha256"] if previous else None,
        "gate": gate.as_json(),
        "operator": operator(),
    }


def _approval(
    settings: Settings, ledger: Ledger, kind: str, record: dict[str, Any], signer: Signer | None
) -> dict[str, Any] | None:
    """The signed approval of a promotion's record; a reason of several lines is signed as one."""
    requester, reason = record["requester"], " ".join(record["reason"].split())
    return sign_record(settings, ledger, kind, record, requester=requester, reason=reason, signer=signer)


def _archived(settings: Settings, line: Line[AnyBundle], folder: Path, bundle: AnyBundle) -> Path:
    """The copy in the archive, verified: a folder may have changed since it was read."""
    archive = archive_of(settings)
    try:
        archive.keep(line.archive_kind, folder, bundle.sha256)
    except OSError as error:
        raise LedgerUnavailableError(
            f"{archive.root}: cannot be written ({type(error).__name__}); make it writable for this user"
        ) from error
    kept = archive.find(line.archive_kind, bundle.sha256)
    copied = line.read(kept)
    if copied.sha256 != bundle.sha256:
        raise BundleError(
            f"{kept}: expected manifest digest {bundle.sha256}, got {copied.sha256}; remove this folder"
        )
    return kept


def _signature(text: str, name: str, limit: int) -> str:
    stripped = text.strip()
    if not 0 < len(stripped) <= limit:
        raise InvalidRequestError(f"{name}: expected 1 to {limit} characters, got {len(stripped)}")
    if not all(letter.isprintable() or letter in _LAYOUT for letter in stripped):
        raise InvalidRequestError(f"{name}: expected text that can be printed, got a control character")
    return stripped


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One promotion at a time: what a candidate was compared with must still be the champion."""
    path = home / _LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LedgerUnavailableError(
            f"{path}: cannot be written; make its folder writable for this user"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"{path}: another promotion is under way; try again when it is done"
            ) from error
        yield
    finally:
        os.close(descriptor)
