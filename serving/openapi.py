"""What `/openapi.json` says of each operation."""

from __future__ import annotations

from typing import Any, Final

from clearway.outcome_report import MAX_ATTEMPT, MAX_LATENCY_MS, MAX_TOKENS, STATUSES, USD
from clearway.request import MAX_LABELS

DESCRIPTION: Final = (
    "The decision point behind an LLM gateway: which model may this caller send this data to, at what cost, "
    "and by which rule. Clearway decides; the gateway calls the model. Errors are RFC 9457 problem documents."
)

_PROBLEM: Final = {
    "description": "Problem document",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "code", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "code": {"type": "string", "description": "Stable; safe to match on."},
                    "detail": {
                        "type": "string",
                        "description": "What, expected, got. Never a part of a prompt.",
                    },
                },
            }
        }
    },
}
_MESSAGES: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"type": "string"}, "content": {}},
    },
}
_CALLER: Final = {
    "description": "The agent, or the agent and the user it acts for. A gateway must name it; a caller that "
    "sends a credential of its own must not.",
    "oneOf": [
        {"type": "string"},
        {
            "type": "object",
            "required": ["agent"],
            "additionalProperties": False,
            "properties": {"agent": {"type": "string"}, "user": {"type": "string"}},
        },
    ],
}
_ROUTE_BODY: Final = {
    "type": "object",
    "required": ["request"],
    "additionalProperties": False,
    "properties": {
        "id": {
            "type": "string",
            "description": "Yours; a retry with the same id and body gets the same decision.",
        },
        "caller": _CALLER,
        "purpose": {"type": "string", "description": "Registered to the caller; its first one by default."},
        "session": {"type": "string", "maxLength": 256},
        "labels": {
            "type": "array",
            "maxItems": MAX_LABELS,
            "items": {"type": "string"},
            "description": "Data classes or levels that you declare; they only raise.",
        },
        "request": {
            "type": "object",
            "required": ["messages"],
            "description": "An OpenAI-style chat request.",
            "properties": {"messages": _MESSAGES},
        },
    },
}
_ASSESS_BODY: Final = {
    "type": "object",
    "additionalProperties": False,
    "description": "Either text or messages.",
    "properties": {"id": {"type": "string"}, "text": {"type": "string"}, "messages": _MESSAGES},
}
_TOKENS: Final = {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_TOKENS}
_OUTCOME_BODY: Final = {
    "type": "object",
    "required": ["decision_id", "attempt"],
    "additionalProperties": False,
    "description": "What came of one attempt. The first report needs model and status; more may come later.",
    "properties": {
        "decision_id": {"type": "string"},
        "attempt": {"type": "integer", "minimum": 1, "maximum": MAX_ATTEMPT},
        "model": {"type": ["string", "null"], "description": "The one that was asked."},
        "status": {"enum": [*STATUSES, None]},
        "input_tokens": _TOKENS,
        "output_tokens": _TOKENS,
        "cost_usd": {"type": ["string", "null"], "description": "Decimal text.", "examples": ["0.0123"]},
        "currency": {"type": ["string", "null"], "pattern": "^[A-Z]{3}$", "default": USD},
        "latency_ms": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_LATENCY_MS},
        "time": {"type": ["string", "null"], "format": "date-time", "description": "When it ended."},
        "grade": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    },
}


# Any operation: a reserved header, or a fault of ours.
_ALWAYS: Final = (422, 500)
# Any that takes a credential: none that is believed, or an identity without the role, an owner or time left.
_CREDENTIAL: Final = (401, 403)
_DRY_RUN: Final = {
    "name": "dry_run",
    "in": "query",
    "required": False,
    "schema": {"type": "boolean", "default": False},
    "description": "Decide, but record nothing: for operators, so often a minute.",
}


def _operation(summary: str, statuses: tuple[int, ...], body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Arguments of a route; a status that is not listed here is not answered."""
    responses = dict.fromkeys(sorted({*statuses, *_ALWAYS}), _PROBLEM)
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if body is not None:
        operation["openapi_extra"] = {
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}}
        }
    return operation


ROUTE: Final = _operation(
    "Decide a request and record the decision", (400, *_CREDENTIAL, 409, 413, 415, 429, 503), _ROUTE_BODY
)
ROUTE["openapi_extra"]["parameters"] = [_DRY_RUN]
ASSESS: Final = _operation(
    "Assess a prompt without deciding, as an operator", (400, *_CREDENTIAL, 413, 415, 429), _ASSESS_BODY
)
OUTCOME: Final = _operation(
    "Report the outcome of a decision that you got; the same report again changes nothing",
    (400, *_CREDENTIAL, 404, 413, 415, 503),
    _OUTCOME_BODY,
)
DECISION: Final = _operation("The record of a decision of yours", (*_CREDENTIAL, 404, 503))
HEALTH: Final = _operation("Alive: the process answers", ())
READY: Final = _operation("Ready to decide: the ledger can be written", (503,))
