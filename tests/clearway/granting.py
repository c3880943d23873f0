"""An exception to test with, and the steps to get it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from clearway.approvals import Approvers
from clearway.exception_steps import (
    Known,
    Person,
    approve_exception,
    request_exception,
    revoke_exception,
)
from clearway.exceptions import (
    ExceptionBook,
    RequestedException,
)
from clearway.installation import data_folder
from clearway.ledger.store import Ledger
from clearway.router import Router
from clearway.sensitivity import load_class_table
from clearway.testing import (
    NOON,
    fake_router,
    policy_of,
    shipped_register,
)

REGISTER, MODEL = shipped_register(), "openai/gpt-4o@us"
POLICY = policy_of(
    '@id("lift") @reason("r") @exception permit (principal == ?principal, action, resource == ?resource);'
)
UNSIGNED = Approvers(required=False, keys={})
KNOWN = Known(POLICY, REGISTER, load_class_table(data_folder() / "sensitivity").class_levels, UNSIGNED)
WANTED = RequestedException(
    id="exc-1",
    template="lift",
    caller="local-dev",
    model=MODEL,
    provider=None,
    data_class=None,
    purpose="general",
    requester="Ana Diaz",
    reason="Migration week",
    expires_at=NOON + timedelta(days=7),
    max_uses=2,
)


def requested(ledger: Ledger, wanted: RequestedException = WANTED) -> RequestedException:
    """Put a request on the ledger."""
    request_exception(ledger, wanted, signer=None, known=KNOWN, at=NOON)
    return wanted


def approved(ledger: Ledger, name: str = "exc-1", approver: str = "Ben Okoro") -> None:
    """Approve it."""
    approve_exception(ledger, name, approver=Person(approver), reason="Agreed", known=KNOWN, at=NOON)


def revoked(ledger: Ledger, name: str = "exc-1") -> None:
    """Revoke it."""
    revoke_exception(
        ledger, name, person="Carla Ek", reason="No longer needed", callers=POLICY.callers, at=NOON
    )


def granted(ledger: Ledger, wanted: RequestedException = WANTED) -> RequestedException:
    """Request and approve."""
    requested(ledger, wanted)
    approved(ledger, wanted.id)
    return wanted


def router_over(ledger: Ledger, at: datetime = NOON) -> Router:
    """A router under a policy that permits nothing but by exception, with the ledger's exceptions."""
    return with_ledger(fake_router(policy=POLICY, ledger=ledger, clock=lambda: at))


def with_ledger(router: Router) -> Router:
    """The same router, with the exceptions of its ledger."""
    return Router(
        register=router.register,
        policy=router.policy,
        complexity=router.complexity,
        sensitivity=router.sensitivity,
        ledger=router.ledger,
        exceptions=ExceptionBook(router.ledger, UNSIGNED).active,
        clock=router._clock,
    )


def approval_record(wanted: RequestedException, **changed: Any) -> Mapping[str, Any]:
    """What an approval looks like on the ledger."""
    record = {"time": "2026-12-01T12:00:00.000000Z", "approver": "Ben Okoro", "reason": "Agreed"}
    return {**record, "exception_id": wanted.id, "sha256": wanted.sha256, **changed}
