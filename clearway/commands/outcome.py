"""`clearway outcome`: reports on what came of decisions in, what became of each report out."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import typer

from clearway.body import parse_json
from clearway.commands.options import HomeOption, input_lines, print_json, settings
from clearway.errors import InvalidRequestError, NotFoundError
from clearway.installation import existing_ledger, operator
from clearway.ledger.store import Ledger
from clearway.outcome_report import parse_report
from clearway.outcomes import Reporter, record_report


def outcome(home: HomeOption = None) -> None:
    """Report what came of decisions: a JSON line in, a JSON line out, each recorded before it is printed.

    A line is {"decision_id", "attempt": 1, "model", "status", "input_tokens",
    "output_tokens", "cost_usd": "0.0123", "currency", "latency_ms", "time",
    "grade"}. The first line of an attempt needs model and status; what it
    leaves out may come later, as a grade does, in a line of its own.
    STATUS is ok, error, timeout, rate_limited or refused; grade is 0 to 1.

    "result" is recorded, updated (with what "changed"), repeated (it was
    known: no record) or error. What is odd is recorded and in "marks":
    unexpected_model (neither the choice nor a fallback), other_currency,
    time_before_decision, time_in_future. Exit 1 when any line was refused.

    Example: echo '{"decision_id": "ID", "attempt": 1, "model": "MODEL",
    "status": "ok", "cost_usd": "0.0123"}' | clearway outcome
    """
    reporter = Reporter(operator(), "command_line")
    refused = False
    with closing(existing_ledger(settings(home))) as ledger:
        for number, raw in input_lines():
            answer = _answer(ledger, raw, reporter)
            refused |= answer["result"] == "error"
            print_json({"line": number, **answer})
    raise typer.Exit(int(refused))


def _answer(ledger: Ledger, raw: bytes, reporter: Reporter) -> dict[str, Any]:
    try:
        report = parse_report(parse_json(raw))
        return record_report(ledger, report, reporter=reporter, at=datetime.now(UTC)).as_json()
    except (InvalidRequestError, NotFoundError) as fault:
        return {"result": "error", "code": fault.code, "detail": str(fault)}
