"""A report line is read strictly: every field has its form and its limits, and errors never quote it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.body import parse_json
from clearway.errors import InvalidRequestError
from clearway.outcome_report import parse_report

LINE = {"decision_id": "d", "attempt": 1, "model": "a/one@eu", "status": "ok"}
COST = 'cost_usd: expected decimal text from "0" to "1000000", such as "0.0123"'
TIME = "time: expected a time with its zone, such as 2027-01-31T18:00:00Z"
GRADE = "grade: expected a number from 0 to 1"
CURRENCY = "currency: expected three capital letters, such as USD"
STATUS = "status: expected one of ok, error, timeout, rate_limited, refused"
IDENTIFIER = "expected 1 to 128 letters, digits and ._:/@- starting with a letter or digit"
INPUT = "input_tokens: expected a whole number from 0 to 10000000"
ATTEMPT = "attempt: expected a whole number from 1 to 32"
LATENCY = "latency_ms: expected a whole number from 0 to 86400000"
UNKNOWN = (
    "report: expected only attempt, cost_usd, currency, decision_id, grade, input_tokens, latency_ms, model, "
    "output_tokens, status, time, got an unknown field"
)


def parsed(**changed: Any) -> Any:
    """Fields of a line with something changed."""
    return parse_report({**LINE, **changed}).fields


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"prompt": "my card is 4111"}, UNKNOWN),
        ({"my card is 4111": 1}, UNKNOWN),
        ({"decision_id": None}, "decision_id: required field is missing"),
        ({"attempt": None}, "attempt: required field is missing"),
        ({"decision_id": 7}, f"decision_id: {IDENTIFIER}"),
        ({"decision_id": "a b"}, f"decision_id: {IDENTIFIER}"),
        ({"decision_id": "a\n"}, f"decision_id: {IDENTIFIER}"),
        ({"decision_id": ["d"]}, f"decision_id: {IDENTIFIER}"),
        ({"attempt": 0}, f"{ATTEMPT}, got a smaller one"),
        ({"attempt": 33}, f"{ATTEMPT}, got a larger one"),
        ({"attempt": True}, f"{ATTEMPT}, got something else"),
        ({"attempt": "1"}, f"{ATTEMPT}, got something else"),
        ({"model": "my card is 4111"}, f"model: {IDENTIFIER}"),
        ({"model": "m" * 129}, f"model: {IDENTIFIER}"),
        ({"status": "OK"}, STATUS),
        ({"status": ["ok"]}, STATUS),
        ({"input_tokens": -1}, f"{INPUT}, got a smaller one"),
        ({"input_tokens": 10_000_001}, f"{INPUT}, got a larger one"),
        ({"input_tokens": 1.0}, f"{INPUT}, got something else"),
        ({"input_tokens": {}}, f"{INPUT}, got something else"),
        ({"latency_ms": -5}, f"{LATENCY}, got a smaller one"),
        ({"cost_usd": 0.01}, COST),
        ({"cost_usd": "-1"}, COST),
        ({"cost_usd": "NaN"}, COST),
        ({"cost_usd": "Infinity"}, COST),
        ({"cost_usd": ""}, COST),
        ({"cost_usd": "1_0"}, COST),
        ({"cost_usd": "1\n"}, COST),
        ({"cost_usd": "٣"}, COST),
        ({"cost_usd": "9e99"}, COST),
        ({"cost_usd": "1000000.1"}, COST),
        ({"cost_usd": "1" * 5_000}, COST),
        ({"cost_usd": "1", "currency": "eur"}, CURRENCY),
        ({"cost_usd": "1", "currency": "EURO"}, CURRENCY),
        ({"cost_usd": "1", "currency": 978}, CURRENCY),
        ({"currency": "USD"}, "currency: expected cost_usd beside it, got none"),
        ({"time": "2026-12-01T12:00:00"}, TIME),
        ({"time": "2026-12-01"}, TIME),
        ({"time": "2026-02-30T12:00:00Z"}, TIME),
        ({"time": "2026-12-01T12:00:60Z"}, TIME),
        ({"time": "9999-12-31T23:59:59Z"}, TIME),
        ({"time": "1026-12-01T12:00:00Z"}, TIME),
        ({"time": "2026-12-01T12:00:00+99:00"}, TIME),
        ({"time": 1_764_590_400}, TIME),
        ({"grade": -0.1}, GRADE),
        ({"grade": 1.000001}, GRADE),
        ({"grade": 2}, GRADE),
        ({"grade": True}, GRADE),
        ({"grade": "0.5"}, GRADE),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, Any], text: str) -> None:
    """Each fault has one text: the field, what was expected, and never the value."""
    with pytest.raises(InvalidRequestError, match=f"^{re.escape(text)}$"):
        parsed(**changed)


def test_a_report_says_something() -> None:
    """Decision and attempt alone, or with nulls, report nothing."""
    text = "^report: expected something to report beside decision_id and attempt$"
    with pytest.raises(InvalidRequestError, match=text):
        parse_report({"decision_id": "d", "attempt": 1, "grade": None})


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("0", 0),
        ("0.000000001", 1),
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        ("0.0000000005000000000000001", None),
        ("0.00000000050000000000001", 1),
        ("1.2345678901234567e-05", 12_346),
        ("1e-99", 0),
        ("1E+3", 1_000_000_000_000),
        ("000000001", 1_000_000_000),
        ("999999.999999999999999999999999", 1_000_000_000_000_000),
        ("1000000", 1_000_000_000_000_000),
    ],
)
def test_costs_are_exact_to_the_nano_dollar(text: str, nano: int | None) -> None:
    """Decimal text, as programs print it, rounded once and half to even."""
    if nano is None:
        with pytest.raises(InvalidRequestError):
            parsed(cost_usd=text)
    else:
        assert (parsed(cost_usd=text)["cost_nano"], parsed(cost_usd=text)["currency"]) == (nano, "USD")


@pytest.mark.parametrize(
    ("grade", "ppm"),
    [(0, 0), (1, 1_000_000), (0.1, 100_000), (-0.0, 0), (1e-7, 0), (5e-324, 0), (0.29, 290_000)],
)
def test_grades_are_parts_per_million(grade: float, ppm: int) -> None:
    """The number as its shortest decimal form says it: 0.29 is 290000."""
    assert parsed(grade=grade)["grade_ppm"] == ppm


def test_times_are_kept_in_utc() -> None:
    """Any zone is read; digits beyond microseconds are dropped."""
    assert parsed(time="2026-12-01t13:00:00.1234567+01:00")["ended_at"] == "2026-12-01T12:00:00.123456Z"


FIELDS = (*LINE, "input_tokens", "cost_usd", "currency", "latency_ms", "time", "grade")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from([*LINE, "cost_usd", "currency", "latency_ms", "time", "grade"]), _JSON)
)
def test_any_line_is_read_or_refused(changed: dict[str, Any]) -> None:
    """No JSON makes anything but a report or an error in our words."""
    try:
        line = parse_json(json.dumps({**LINE, **changed}).encode())
        said = parse_report(line).sha256
    except InvalidRequestError as fault:
        said = str(fault)
    assert re.match("[0-9a-f]{64}$|(body|report|" + "|".join(FIELDS) + "): ", said)
