"""A report line on the outcome of a decision, read strictly: ids, counts and codes, never a text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from clearway.errors import InvalidRequestError
from clearway.ledger.canonical import canonical_json
from clearway.record import format_time
from clearway.request import parse_identifier

STATUSES: Final = ("ok", "error", "timeout", "rate_limited", "refused")
USD: Final = "USD"
MAX_ATTEMPT: Final = 32
MAX_TOKENS: Final = 10_000_000
MAX_LATENCY_MS: Final = 86_400_000
MAX_COST: Final = 1_000_000
_NANO: Final = Decimal("1e-9")
_PPM: Final = Decimal("1e-6")

# What a record says of an attempt.
FIELDS: Final = (
    "model",
    "status",
    "input_tokens",
    "output_tokens",
    "cost_nano",
    "currency",
    "latency_ms",
    "ended_at",
    "grade_ppm",
)
_LINE_FIELDS: Final = frozenset(
    {
        *("decision_id", "attempt", "model", "status", "input_tokens", "output_tokens"),
        *("cost_usd", "currency", "latency_ms", "time", "grade"),
    }
)
# ASCII digits only: `int` and `Decimal` read those of other scripts, too.
_DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?")
_TIME = re.compile(
    r"2[0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """What somebody reports of one attempt; it may be a part of what there is to say.

    Attributes:
        decision_id: The decision.
        attempt: Number of the attempt, from 1.
        fields: What it says, by the names of `FIELDS`, in whole numbers.
    """

    decision_id: str
    attempt: int
    fields: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Digest of what it says, however it was written."""
        said = {"decision_id": self.decision_id, "attempt": self.attempt, **self.fields}
        return hashlib.sha256(canonical_json(said)).hexdigest()


def parse_report(line: Mapping[str, Any]) -> OutcomeReport:
    """Report of a parsed line; null says as little as a field that is not there.

    Raises:
        InvalidRequestError: A field is unknown, missing, of the wrong type or out of its limits.
    """
    if not set(line) <= _LINE_FIELDS:
        raise InvalidRequestError(
            f"report: expected only {', '.join(sorted(_LINE_FIELDS))}, got an unknown field"
        )
    given = {name: value for name, value in line.items() if value is not None}
    for name in ("decision_id", "attempt"):
        if name not in given:
            raise InvalidRequestError(f"{name}: required field is missing")
    readers = [(name, *_READERS[name]) for name in _READERS if name in given]
    fields = {target: read(given[name], name) for name, target, read in readers}
    if "cost_nano" in fields:
        fields.setdefault("currency", USD)
    elif "currency" in fields:
        raise InvalidRequestError("currency: expected cost_usd beside it, got none")
    if not fields:
        raise InvalidRequestError("report: expected something to report beside decision_id and attempt")
    return OutcomeReport(
        parse_identifier(given["decision_id"], "decision_id"), _attempt(given["attempt"]), fields
    )


def _attempt(value: object) -> int:
    return _whole(value, "attempt", 1, MAX_ATTEMPT)


def _status(value: object, name: str) -> str:
    if not isinstance(value, str) or value not in STATUSES:
        raise InvalidRequestError(f"{name}: expected one of {', '.join(STATUSES)}")
    return value


def _tokens(value: object, name: str) -> int:
    return _whole(value, name, 0, MAX_TOKENS)


def _latency(value: object, name: str) -> int:
    return _whole(value, name, 0, MAX_LATENCY_MS)


def _whole(value: object, name: str, lowest: int, highest: int) -> int:
    expected = f"{name}: expected a whole number from {lowest} to {highest}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidRequestError(f"{expected}, got something else")
    if not lowest <= value <= highest:
        raise InvalidRequestError(f"{expected}, got a {'smaller' if value < lowest else 'larger'} one")
    return value


def _cost(value: object, name: str) -> int:
    """Billionths of the currency; finer digits are rounded half to even."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value) or Decimal(value) > MAX_COST:
        raise InvalidRequestError(f'{name}: expected decimal text from "0" to "{MAX_COST}", such as "0.0123"')
    return _in_units(value, _NANO)


def _currency(value: object, name: str) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise InvalidRequestError(f"{name}: expected three capital letters, such as {USD}")
    return value


def _time(value: object, name: str) -> str:
    try:
        if isinstance(value, str) and _TIME.fullmatch(value):
            return format_time(datetime.fromisoformat(value.upper()))
    except (ValueError, OverflowError):  # no such day, or no such day in UTC
        pass
    raise InvalidRequestError(f"{name}: expected a time with its zone, such as 2027-01-31T18:00:00Z")


def _grade(value: object, name: str) -> int:
    """Parts per million of a number from 0 to 1, as its shortest decimal form says it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidRequestError(f"{name}: expected a number from 0 to 1")
    return _in_units(str(value), _PPM)


def _in_units(text: str, unit: Decimal) -> int:
    return int(Decimal(text).quantize(unit, ROUND_HALF_EVEN) / unit)


# Field of the line: its name in records, and what reads it.
_READERS: Final[Mapping[str, tuple[str, Callable[[object, str], Any]]]] = {
    "model": ("model", parse_identifier),
    "status": ("status", _status),
    "input_tokens": ("input_tokens", _tokens),
    "output_tokens": ("output_tokens", _tokens),
    "cost_usd": ("cost_nano", _cost),
    "currency": ("currency", _currency),
    "latency_ms": ("latency_ms", _latency),
    "time": ("ended_at", _time),
    "grade": ("grade_ppm", _grade),
}
