"""Outcomes: what came of a decision, as reported afterwards, late, twice, or in parts.

Each report that says something new is a record: the whole state of one attempt, and the place of the record
that it replaces. The records of a decision are numbered, each kept under the keyed digest of decision and
number, so reading them takes a look-up for each, however long the ledger; and of two reports at once one
gets the number, and the other is read again on top of it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from clearway.errors import InvalidRequestError, LedgerError, NotFoundError
from clearway.ledger.store import Entry, Ledger, Private
from clearway.outcome_report import FIELDS, USD, OutcomeReport
from clearway.record import format_time

OUTCOME: Final = "outcome"
OUTCOME_FORMAT: Final = 1
# Of one decision: enough for every attempt with its grade and corrections, too few to fill a ledger with.
MAX_RECORDS: Final = 100
Result = Literal["recorded", "repeated", "updated"]


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports.

    Attributes:
        id: Registered id of the gateway or caller, or the operator's account.
        verified_by: How that was established.
    """

    id: str
    verified_by: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of one attempt of a decision.

    Attributes:
        decision_id: The decision.
        attempt: Number of the attempt, from 1.
        model: Model that was asked.
        status: How it ended: `ok`, `error`, `timeout`, `rate_limited`, `refused`.
        input_tokens: Tokens read, or None where nobody said.
        output_tokens: Tokens written, or None.
        cost_nano: Cost in billionths of the currency, or None.
        currency: ISO 4217 code of the cost, or None without one.
        latency_ms: From call to end, or None.
        ended_at: When it ended by the reporter's clock (RFC 3339), or None.
        grade_ppm: Grade of the answer, or None.
        marks: Sorted codes of what is odd: `other_currency`, `time_before_decision`, `time_in_future`,
            `unexpected_model` (neither the choice nor a fallback).
        time: When this was recorded.
        index: Place of the record in the ledger.
        replaces: Place of the record before it of the same attempt, or None for the first.
    """

    decision_id: str
    attempt: int
    model: str
    status: str
    input_tokens: int | None
    output_tokens: int | None
    cost_nano: int | None
    currency: str | None
    latency_ms: int | None
    ended_at: str | None
    grade_ppm: int | None
    marks: tuple[str, ...]
    time: str
    index: int
    replaces: int | None

    @property
    def cost_nusd(self) -> int | None:
        """Cost in nano-dollars; None where it is unknown or in another currency."""
        return self.cost_nano if self.currency == USD else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a report.

    Attributes:
        result: `recorded` (first of its attempt), `updated`, or `repeated` (no record was made).
        changed: Fields that an update set, sorted.
        outcome: The attempt as it now stands.
        entry: The record the report made, or the one that says what it says.
    """

    result: Result
    changed: tuple[str, ...]
    outcome: Outcome
    entry: Entry

    def as_json(self) -> dict[str, Any]:
        """The answer line."""
        latest = self.outcome.index
        return {
            "decision_id": self.outcome.decision_id,
            "attempt": self.outcome.attempt,
            "result": self.result,
            "changed": list(self.changed),
            "marks": list(self.outcome.marks),
            "superseded_by": latest if latest != self.entry.index else None,
            "ledger": {"index": self.entry.index, "leaf": self.entry.leaf_hash.hex()},
        }


def record_report(
    ledger: Ledger,
    report: OutcomeReport,
    *,
    reporter: Reporter,
    at: datetime,
    may_report: Callable[[Mapping[str, Any]], bool] = lambda _: True,
) -> Receipt:
    """Take in a report; it is durable when this returns.

    A report that came before, in whatever order with others, makes no record and changes nothing.

    Args:
        ledger: Where the decision is.
        report: As parsed.
        reporter: Who sent it.
        at: Now.
        may_report: Whether it may, by the `caller` of the decision's record.

    Raises:
        NotFoundError: There is no such decision, or the reporter may not tell of it: one answer for both.
        InvalidRequestError: The first report of an attempt lacks model or status, or there are too many.
        LedgerUnavailableError: It could not be written; nothing was.
    """
    decision = _decision(ledger, report.decision_id, may_report)
    while True:
        held = _held(ledger, report.decision_id)
        earlier = [entry for entry in held if entry.record["attempt"] == report.attempt]
        repeated = _repeated(report, earlier)
        if repeated is not None:
            return Receipt("repeated", (), _outcome(earlier[-1]), repeated)
        record = _merged(report, earlier[-1] if earlier else None, decision, reporter, at)
        written = _write(ledger, record, len(held) + 1)
        if written is not None:
            changed = tuple(sorted(report.fields)) if not earlier else _changed(report, earlier[-1])
            return Receipt("updated" if earlier else "recorded", changed, _outcome(written), written)


def outcomes_of(ledger: Ledger, decision_id: str) -> tuple[Outcome, ...]:
    """Attempts of a decision as they stand, by number; none where nothing was reported.

    Raises:
        LedgerError: The ledger was altered.
    """
    latest = {entry.record["attempt"]: entry for entry in _held(ledger, decision_id)}
    return tuple(_outcome(latest[attempt]) for attempt in sorted(latest))


def latest_outcomes(ledger: Ledger, start: int = 0, stop: int | None = None) -> Iterator[Outcome]:
    """Every attempt as it stands, in the order of the records; read twice, so memory grows with updates only.

    Args:
        ledger: The ledger.
        start: First entry to read.
        stop: Entry to stop before, by default the end: reports are read as of then.
    """
    stop = ledger.size() if stop is None else stop
    replaced = {entry.record.get("replaces") for entry in ledger.entries(start, stop, OUTCOME)}
    for entry in ledger.entries(start, stop, OUTCOME):
        if entry.index not in replaced:
            yield _outcome(entry)


def _decision(
    ledger: Ledger, decision_id: str, may_report: Callable[[Mapping[str, Any]], bool]
) -> Mapping[str, Any]:
    # One answer for both, so that nobody learns whether another's decision exists.
    unknown = NotFoundError("decision: none with this id; check the id")
    try:
        record = ledger.find(decision_id).record
    except NotFoundError:
        raise unknown from None
    if not may_report(record["caller"]):
        raise unknown
    return record


def _held(ledger: Ledger, decision_id: str) -> list[Entry]:
    """Records on outcomes of a decision, in order."""
    held: list[Entry] = []
    while True:
        key = _key(ledger, decision_id, len(held) + 1)
        entry = ledger.lookup(key, key)
        if entry is None:
            return held
        # The index is outside the tree, the record is in it.
        if (entry.kind, entry.record.get("decision_id")) != (OUTCOME, decision_id):
            raise LedgerError(
                f"decision {decision_id}: its outcome leads to another record; verify the ledger"
            )
        _outcome(entry)  # of the form that this version builds on
        held.append(entry)


def _key(ledger: Ledger, decision_id: str, number: int) -> bytes:
    return ledger.keyed(OUTCOME, decision_id, str(number))


def _repeated(report: OutcomeReport, earlier: list[Entry]) -> Entry | None:
    """The record that a report made before, or the latest where it says nothing that this does not."""
    for entry in earlier:
        if entry.record["report_sha256"] == report.sha256:
            return entry
    return earlier[-1] if earlier and not _changed(report, earlier[-1]) else None


def _changed(report: OutcomeReport, entry: Entry) -> tuple[str, ...]:
    return tuple(sorted(name for name, value in report.fields.items() if entry.record[name] != value))


def _merged(
    report: OutcomeReport, latest: Entry | None, decision: Mapping[str, Any], reporter: Reporter, at: datetime
) -> dict[str, Any]:
    """The state after a report: what it says, and of the rest what was known."""
    if latest is None and not {"model", "status"} <= report.fields.keys():
        raise InvalidRequestError(
            "report: expected model and status in the first report of an attempt; send them, then the grade"
        )
    known = dict.fromkeys(FIELDS) if latest is None else {name: latest.record[name] for name in FIELDS}
    state = {**known, **report.fields}
    return {
        "format": OUTCOME_FORMAT,
        "decision_id": report.decision_id,
        "attempt": report.attempt,
        **state,
        "marks": _marks(state, decision, at),
        "replaces": None if latest is None else latest.index,
        "report_sha256": report.sha256,
        "reported_by": {"id": reporter.id, "verified_by": reporter.verified_by},
        "time": format_time(at),
    }


def _marks(state: Mapping[str, Any], decision: Mapping[str, Any], at: datetime) -> list[str]:
    """What an auditor should look at: recorded as reported, never dropped."""
    ended = None if state["ended_at"] is None else datetime.fromisoformat(state["ended_at"])
    marks = {
        "unexpected_model": state["model"] not in (decision["model"], *decision["fallbacks"]),
        "other_currency": state["currency"] not in (None, USD),
        "time_before_decision": ended is not None and ended < datetime.fromisoformat(decision["time"]),
        "time_in_future": ended is not None and ended > at,
    }
    return sorted(mark for mark, holds in marks.items() if holds)


def _write(ledger: Ledger, record: Mapping[str, Any], number: int) -> Entry | None:
    """The new entry, or None where another report got the number first."""
    if number > MAX_RECORDS:
        raise InvalidRequestError(
            f"decision: expected at most {MAX_RECORDS} records of its outcomes, got more; stop correcting it"
        )
    key, mine = _key(ledger, record["decision_id"], number), secrets.token_bytes(16)
    entry = ledger.append(OUTCOME, record, Private(mine, key, key, None, 0))
    return entry if ledger.salt(entry.index) == mine else None


def _outcome(entry: Entry) -> Outcome:
    record = entry.record
    try:
        if record["format"] != OUTCOME_FORMAT:
            raise ValueError("another format")
        return Outcome(
            decision_id=record["decision_id"],
            attempt=record["attempt"],
            **{name: record[name] for name in FIELDS},
            marks=tuple(record["marks"]),
            time=record["time"],
            index=entry.index,
            replaces=record["replaces"],
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise LedgerError(
            f"entry {entry.index}: expected the record of an outcome, got another form; "
            "read it with the Clearway that wrote it"
        ) from fault
