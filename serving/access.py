"""What an authenticated identity may ask of a router; which role each takes is said here and nowhere else.

| asks | roles |
|---|---|
| a decision | gateway, for the callers it speaks for; caller, for itself |
| a record | auditor: any; gateway: what it asked for; caller: its own |
| an outcome to be recorded | gateway: of what it asked for; caller: of what it asked for itself |
| an assessment, a dry run | operator, so often a minute |

Probabilities of data classes are for auditors and operators: who could see them could try out what passes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import clearway.request
from clearway.errors import ForbiddenError, InvalidRequestError, NotFoundError
from clearway.outcome_report import parse_report
from clearway.outcomes import Reporter, record_report
from clearway.request import Caller, assessment_line, parse_identity, parse_json, parse_request
from clearway.router import Router
from serving.authentication import Asker
from serving.rate_limit import RateLimit


class Access:
    """One identity's view of one version of the router.

    Args:
        router: Decides.
        asker: Who asks.
        rate_limit: Of assessments and dry runs.
        at: Now.
    """

    def __init__(self, router: Router, asker: Asker, rate_limit: RateLimit, at: datetime) -> None:
        self._router = router
        self._callers = router.policy.callers
        self._asker = asker
        self._rate_limit = rate_limit
        self._at = at

    def decide(self, body: bytes) -> dict[str, Any]:
        """Decision line on a request line, recorded.

        Raises:
            ForbiddenError: The asker is neither a gateway nor a caller.
        """
        line = parse_json(body)
        caller = self._caller(line)
        request = _request(line, caller, self._callers.purpose_of(caller, line))
        return self._line(self._router.decide(request).as_json())

    def preview(self, body: bytes) -> dict[str, Any]:
        """Decision line on a request line of any registered caller, without a record.

        Raises:
            ForbiddenError: The asker is no operator.
            RateLimitedError: It tries too often.
        """
        self._check_try()
        line = parse_json(body)
        agent, user = parse_identity(line["caller"]) if "caller" in line else (None, None)
        if agent is None:
            raise InvalidRequestError("caller: required field is missing; name the caller to try")
        self._callers.check_chain((agent,), user, self._at)
        caller = Caller(agent, user, self._asker.verified_by, self._asker.id)
        request = _request(line, caller, self._callers.purpose_of(caller, line))
        return self._router.preview(request).as_json()

    def assess(self, body: bytes) -> dict[str, Any]:
        """Assessment line of a text or messages; it depends on no caller, so it asks for none.

        Raises:
            ForbiddenError: The asker is no operator.
            RateLimitedError: It tries too often.
        """
        self._check_try()
        caller = Caller(self._callers.default_caller, None, self._asker.verified_by, self._asker.id)
        request = _request(assessment_line(parse_json(body)), caller, "assessment")
        return self._router.assess(request).as_json(request.id)

    def record(self, decision_id: str) -> dict[str, Any]:
        """Record of a decision that the asker may read.

        Raises:
            NotFoundError: There is none, or it may not.
        """
        # One answer for both, so that nobody learns whether another's decision exists.
        unknown = NotFoundError("decision: none with this id; check the id")
        try:
            record = self._router.ledger.find(decision_id).record
        except NotFoundError:
            raise unknown from None
        if not self._may_read(record["caller"]):
            raise unknown
        if self._sees_probabilities:
            return record
        return {**record, "classification": {**record["classification"], "classes": None}}

    def report(self, body: bytes) -> dict[str, Any]:
        """Answer to a report on the outcome of a decision that the asker got, recorded.

        Raises:
            ForbiddenError: The asker is neither a gateway nor a caller.
            NotFoundError: There is no such decision, or another got it.
        """
        self._check_decides()
        report, asker = parse_report(parse_json(body)), self._asker
        receipt = record_report(
            self._router.ledger,
            report,
            reporter=Reporter(asker.id, asker.verified_by),
            at=self._at,
            may_report=self._got,
        )
        return receipt.as_json()

    def _caller(self, line: Mapping[str, Any]) -> Caller:
        asker = self._asker
        if "gateway" in asker.roles:
            return self._callers.from_gateway(asker.id, line, verified_by=asker.verified_by, at=self._at)
        self._check_decides()
        if "caller" in line:
            raise InvalidRequestError("caller: expected none, since the credential says it; remove the field")
        return cast("Caller", asker.caller)

    def _check_decides(self) -> None:
        asker = self._asker
        if asker.caller is None and "gateway" not in asker.roles:
            raise ForbiddenError(f"role: expected gateway or caller, got {', '.join(sorted(asker.roles))}")

    def _may_read(self, recorded: Mapping[str, Any]) -> bool:
        """Whether a decision is the asker's: as an auditor, as its gateway, or as the very same caller."""
        return "auditor" in self._asker.roles or self._is_own(recorded)

    def _got(self, recorded: Mapping[str, Any]) -> bool:
        """Whether the asker itself got a decision: what a gateway got for a caller, that caller did not."""
        return self._is_own(recorded) and (self._asker.caller is None or recorded["gateway"] is None)

    def _is_own(self, recorded: Mapping[str, Any]) -> bool:
        asker, caller = self._asker, self._asker.caller
        if caller is not None:
            own = (caller.agent, caller.user, list(caller.chain))
            return own == (recorded["agent"], recorded["user"], list(recorded.get("chain", ())))
        return "gateway" in asker.roles and bool(recorded["gateway"] == asker.id)

    def _check_try(self) -> None:
        self._asker.check_role("operator")
        self._rate_limit.take(self._asker.id)

    @property
    def _sees_probabilities(self) -> bool:
        return bool({"auditor", "operator"} & self._asker.roles)

    def _line(self, line: dict[str, Any]) -> dict[str, Any]:
        return line if self._sees_probabilities else {**line, "classes": None}


def _request(line: Mapping[str, Any], caller: Caller, purpose: str) -> clearway.request.Request:
    return parse_request(line, caller=caller, purpose=purpose, fallback_id=uuid.uuid4().hex)
