"""Every error Clearway raises on purpose.

Each class stands for one situation of the reader; its docstring says what happened and what to do.
No text here or at a raise site ever carries a prompt, an answer or a detected value.
"""

from __future__ import annotations

from typing import ClassVar


class ClearwayError(Exception):
    """Something Clearway refuses to do; `code` is stable and safe to match on."""

    code: ClassVar[str] = "clearway_error"


class InvalidRequestError(ClearwayError):
    """The request is malformed. The text names the field, what was expected and what came."""

    code = "invalid_request"


class MalformedBodyError(InvalidRequestError):
    """The body is not one well-formed JSON object. The text says where it stops being one."""

    code = "malformed_body"


class RequestTooLargeError(InvalidRequestError):
    """The request exceeds a stated limit. Send less, or split it."""

    code = "request_too_large"


class UnknownCallerError(ClearwayError):
    """The caller, or the user it acts for, is not registered. Add it to the callers file."""

    code = "unknown_caller"


class IdentityLapsedError(UnknownCallerError):
    """The identity is registered, but has expired or has no owner. Its owner must review it."""

    code = "identity_lapsed"


class UnauthenticatedError(ClearwayError):
    """No valid credential came with the request. Send a token or a key of this service as a bearer token.

    Attributes:
        reason: Why, in one word for who runs the service; the client is not told.
    """

    code = "unauthenticated"

    def __init__(self, text: str, reason: str = "no_credential") -> None:
        super().__init__(text)
        self.reason = reason


class ForbiddenError(ClearwayError):
    """Who asks is known but has not the role this takes. Ask with an identity that has it."""

    code = "forbidden"


class RateLimitedError(ClearwayError):
    """This identity asked more often than it may. Wait as many seconds as the text says.

    Attributes:
        retry_after_s: Seconds until the next request is let in, at least 1.
    """

    code = "rate_limited"

    def __init__(self, text: str, retry_after_s: int) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class RequestConflictError(ClearwayError):
    """This caller has used this request id for another body. Use a new id."""

    code = "request_conflict"


class SessionChangedError(ClearwayError):
    """Another request of the session came first. Decide again on the session as it is now."""

    code = "session_changed"


class BasisChangedError(ClearwayError):
    """The ledger now says otherwise than what was decided on. Decide again on what it says now."""

    code = "basis_changed"


class NotFoundError(ClearwayError):
    """No such decision in this ledger, or the caller may not read it."""

    code = "not_found"


class ConfigurationError(ClearwayError):
    """A file the operator owns is wrong. The text names the file, the line and the remedy."""

    code = "configuration"


class RegisterError(ConfigurationError):
    """The register (providers, models, prices) does not load."""

    code = "register"


class PolicyError(ConfigurationError):
    """The policy folder (Cedar policies, schema, callers, objectives) does not load."""

    code = "policy"


class ApprovalError(ConfigurationError):
    """An approval is missing, or is not one. Ask for it, and have another registered person sign it."""

    code = "approval"


class BundleError(ConfigurationError):
    """A classifier bundle is missing, altered or not trusted. Train one, or restore the shipped one."""

    code = "bundle"


class TrainingDataError(ClearwayError):
    """The graded answers cannot be learned from. The text names the column or the rows."""

    code = "training_data"


class LedgerError(ClearwayError):
    """The ledger contradicts itself: it was altered or damaged. Stop writing and investigate."""

    code = "ledger"


class LedgerUnavailableError(ClearwayError):
    """The ledger cannot be written or read now (disk full, locked, permissions). Nothing was decided."""

    code = "ledger_unavailable"


class SensitivityError(ClearwayError):
    """The sensitivity detector failed on this request: its sensitivity is unknown."""

    code = "sensitivity"
