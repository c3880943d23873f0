"""Spend logs of a LiteLLM proxy (table LiteLLM_SpendLogs), to which you have added a column of grades.

The prompt is the last user turn, because that text decides at serving too; what was said before and the
system prompt weigh little there, and have no place in a table of prompts that stand alone. So an answer
that hangs on earlier turns is learned from without them, and each row of a conversation is a question.

A proxy stores prompts only with `store_prompts_in_spend_logs: true`; most versions then leave `messages`
empty, keep the request in `proxy_server_request`, cut long texts in the middle and mark the place.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from clearway.errors import InvalidRequestError
from clearway.request import Caller, Part, Request, parse_request
from training.answer_table import Finding, at_rows
from training.importers.reading import require
from training.prompt_key import prompt_key

CHATS: Final = frozenset({"completion", "acompletion", "responses", "aresponses", "anthropic_messages"})
CUT_MARK: Final = "(litellm_truncated"
COUNTS: Final = ("prompt_tokens", "completion_tokens", "spend")
_LEFT_OUT: Final = {
    "ungraded": "no grade",
    "other_call": "no chat call (call_type)",
    "failed": "the call failed (status)",
    "unstored": "no messages in messages or proxy_server_request: was store_prompts_in_spend_logs on?",
    "malformed": "messages that are no chat request",
    "cut": "text that LiteLLM cut before it was stored",
    "unread": "an image or another part that is not text",
    "no_user": "no text of a user",
}


@dataclass(frozen=True)
class _Read:
    """What a row holds: a prompt, or why not."""

    prompt: str = ""
    is_later_turn: bool = False
    reason: str = ""


def convert(table: pd.DataFrame, source: str, grade_column: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Tidy rows of spend logs: one for each graded chat call whose text was stored.

    Args:
        table: As read, with `request_id`, `model`, grades, and `messages` or `proxy_server_request`.
        source: Name of the source.
        grade_column: Where the grades are, 0 to 1; rows without one are left out.

    Raises:
        TrainingDataError: A column is missing.
    """
    stored = [name for name in ("messages", "proxy_server_request") if name in table.columns]
    require(table, ("request_id", "model", grade_column, *(() if stored else ("messages",))))
    read = [_read_row(row, grade_column) for row in table.to_dict("records")]
    findings = _check_values(table, grade_column)
    for reason, text in _LEFT_OUT.items():
        findings += at_rows("excluded", "", f"left out: {text}", [row.reason == reason for row in read])
    text = "later turns of a conversation: only the last user turn is kept"
    findings += at_rows("note", "prompt", text, [row.is_later_turn for row in read])
    if any(finding.severity == "error" for finding in findings):
        return table.iloc[:0], findings
    used = np.array([not row.reason for row in read], dtype=bool)
    kept = [row for row in read if not row.reason]
    return _tidy(table[used], kept, source, grade_column), findings


def _tidy(table: pd.DataFrame, kept: list[_Read], source: str, grade_column: str) -> pd.DataFrame:
    model = table["model"].astype("str")
    return pd.DataFrame(
        {
            "source": source,
            "prompt_id": table["request_id"].astype("str"),
            "prompt_key": [prompt_key(row.prompt) for row in kept],
            "prompt": [row.prompt for row in kept],
            "category": "",
            "model": model,
            "model_canonical": model,
            "score": _numbers(table, grade_column),
            "input_tokens": _numbers(table, "prompt_tokens"),
            "output_tokens": _numbers(table, "completion_tokens"),
            "tokens_basis": "reported",
            "cost_usd": _numbers(table, "spend").mask(_is_true(table, "cache_hit")),
            "latency_s": _seconds(table),
        }
    ).reset_index(drop=True)


def _check_values(table: pd.DataFrame, grade_column: str) -> list[Finding]:
    """Faults of the columns that are taken over."""
    wrong = table[grade_column].notna() & ~_numbers(table, grade_column).between(0.0, 1.0)
    findings = at_rows("error", grade_column, "expected a number from 0 to 1 or nothing", wrong)
    twice = table["request_id"].isna() | table["request_id"].duplicated(keep=False)
    findings += at_rows("error", "request_id", "expected each once", twice)
    blank = table["model"].isna() | (table["model"].astype(str).str.strip() == "")
    findings += at_rows("error", "model", "expected a name, got none", blank)
    for column in COUNTS:
        if column in table.columns:
            number = _numbers(table, column)
            wrong = table[column].notna() & ~((number >= 0) & np.isfinite(number))
            findings += at_rows("error", column, "expected a number from 0 up or nothing", wrong)
    hits = _is_true(table, "cache_hit")
    return findings + at_rows("note", "cost_usd", "answers from the cache: their cost is left empty", hits)


def _read_row(row: Mapping[Hashable, Any], grade_column: str) -> _Read:
    """Prompt of one row, or the reason why it is left out."""
    if _is_missing(row[grade_column]):
        return _Read(reason="ungraded")
    if not _is_missing(row.get("call_type")) and str(row["call_type"]) not in CHATS:
        return _Read(reason="other_call")
    if str(row.get("status") or "").lower() == "failure":
        return _Read(reason="failed")
    messages = _messages(row)
    if not messages:
        return _Read(reason="unstored")
    try:
        line = {"request": {"messages": messages}}
        request = parse_request(line, caller=Caller("import"), purpose="import", fallback_id="import")
    except (InvalidRequestError, RecursionError):
        return _Read(reason="malformed")
    return _read_request(request)


def _read_request(request: Request) -> _Read:
    if any(CUT_MARK in part.text for part in request.parts):
        return _Read(reason="cut")
    if request.notes:
        return _Read(reason="unread")
    turns: dict[str, list[str]] = {}
    for part in request.parts:
        if _is_user_text(part):
            turns.setdefault(part.path.split(".")[0], []).append(part.text)
    texts = ["\n".join(texts).strip() for texts in turns.values()]
    if not texts or not texts[-1]:
        return _Read(reason="no_user")
    if any("\ud800" <= letter <= "\udfff" for letter in texts[-1]):
        return _Read(reason="malformed")
    return _Read(texts[-1], is_later_turn=len(texts) > 1)


def _is_user_text(part: Part) -> bool:
    """What the user wrote; not what was found again inside of it."""
    return part.role == "user" and part.path.split(".")[1].startswith("content") and part.path[-5:] != ".json"


def _messages(row: Mapping[Hashable, Any]) -> list[Any]:
    """The messages of a call, wherever they were stored."""
    found = _decoded(row.get("messages"))
    if isinstance(found, list) and found:
        return found
    body = _decoded(row.get("proxy_server_request"))
    body = _decoded(body["body"]) if isinstance(body, dict) and "body" in body else body
    if not isinstance(body, dict):
        return []
    messages = _decoded(body.get("messages") or body.get("input"))
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return messages if isinstance(messages, list) else []


def _decoded(value: Any) -> Any:
    """A JSON value that may be written as text; text that is no JSON stays text."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value)) or value is pd.NA


def _numbers(table: pd.DataFrame, column: str) -> pd.Series[float]:
    if column not in table.columns:
        return pd.Series(np.nan, index=table.index)
    numbers: pd.Series[float] = pd.to_numeric(table[column], errors="coerce").astype("Float64").astype(float)
    return numbers


def _is_true(table: pd.DataFrame, column: str) -> pd.Series[bool]:
    if column not in table.columns:
        return pd.Series(data=False, index=table.index)
    return table[column].astype(str).str.lower() == "true"


def _seconds(table: pd.DataFrame) -> pd.Series[float]:
    """From start to end of each call; empty where a time is missing or makes no sense."""
    if not {"startTime", "endTime"} <= set(table.columns):
        return pd.Series(np.nan, index=table.index)
    start, end = (
        pd.to_datetime(table[column], errors="coerce", utc=True, format="ISO8601")
        for column in ("startTime", "endTime")
    )
    seconds = (end - start).dt.total_seconds()
    return seconds.where(seconds >= 0)
