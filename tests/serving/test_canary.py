"""Bytes from anyone: none breaks the service, and no text of a request is ever told again."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearway.router import Router
from clearway.testing import FakeSensitivity

MakeRouter = Callable[..., Router]
MakeClient = Callable[..., TestClient]
CANARY = "Zq7-canary-4417"
JSON = {"content-type": "application/json"}
EXPECTED = {200, 400, 403, 409, 413, 422}
laws = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(CANARY),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.just(CANARY), inner, max_size=4)
    ),
    max_leaves=12,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "tool", "system", "root"]) | values,
        "content": st.just(CANARY)
        | values
        | st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["text", "refusal", "image_url", "tool_result", CANARY]) | values},
                optional={"text": st.just(CANARY) | values, "image_url": values, CANARY: values},
            ),
            max_size=3,
        ),
        "tool_calls": values,
        "name": st.just(CANARY),
        CANARY: values,
    },
)
chats = st.fixed_dictionaries(
    {"messages": st.lists(messages, max_size=3) | values},
    optional={
        "tools": values, "max_tokens": values, "response_format": values, "temperature": values,
        CANARY: values,
    },
)  # fmt: skip
names = st.just("a") | st.integers() | st.text()
# Ids, labels, purposes and callers are names, not texts: they may be told. Sessions may not.
lines = st.fixed_dictionaries(
    {"caller": st.just("local-dev") | values, "request": chats},
    optional={"id": st.just("a"), "session": st.just(CANARY) | values, "purpose": st.just("general")},
) | st.fixed_dictionaries(
    {},
    optional={
        "id": names, "caller": values, "text": values, "messages": values, "labels": values,
        "request": values, "purpose": names, CANARY: values,
    },
)  # fmt: skip


@laws
@given(body=st.binary(max_size=300) | lines.map(lambda line: json.dumps(line).encode()))
@pytest.mark.parametrize("path", ["/v1/route", "/v1/assess"])
def test_no_bytes_break_the_service(client: TestClient, path: str, body: bytes) -> None:
    """Whatever the body, the answer is a decision or a problem of the sender's: never 500."""
    response = client.post(path, content=body, headers=JSON)
    assert response.status_code in EXPECTED
    assert response.headers["content-type"] in ("application/json", "application/problem+json")


@laws
@given(body=lines.map(lambda line: json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")))
@pytest.mark.parametrize("path", ["/v1/route", "/v1/assess"])
def test_no_text_of_any_request_is_told_again(
    client: TestClient, router: Router, caplog: pytest.LogCaptureFixture, path: str, body: bytes
) -> None:
    """A canary anywhere but in a name is in no answer, no record and no line of the log."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        response = client.post(path, content=body, headers=JSON)
    assert CANARY not in response.text
    assert CANARY not in str(response.headers)
    assert CANARY not in caplog.text
    newest = router.ledger.latest("decision")
    assert newest is None or CANARY.encode() not in newest.canonical


def texts_everywhere() -> dict[str, Any]:
    """A request line that is decided, with the canary in every place where a text can stand."""
    return {
        "id": "r-1",
        "caller": "local-dev",
        "session": CANARY,
        "request": {
            "messages": [
                {"role": "system", "content": CANARY, CANARY: CANARY},
                {"role": "user", "name": CANARY, "content": [{"type": "text", "text": CANARY}]},
                {"role": "assistant", "tool_calls": [{"function": {"name": CANARY, "arguments": CANARY}}]},
                {"role": "tool", "tool_call_id": CANARY, "content": CANARY},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "description": CANARY}}],
            "metadata": {CANARY: CANARY},
            CANARY: CANARY,
        },
    }


def test_the_canary_is_scored_but_never_told(
    make_router: MakeRouter, client_of: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Prompt, tool result, session and unknown fields: read by the detector, told by nobody."""
    router = make_router(sensitivity=FakeSensitivity({CANARY: "trade_secret"}))
    client = client_of(router)
    line = texts_everywhere()
    with caplog.at_level(logging.DEBUG):
        decided = client.post("/v1/route", json=line)
        told = [decided, client.get(f"/v1/decisions/{decided.json()['decision_id']}")]
        told += [client.post("/v1/assess", json={"messages": line["request"]["messages"]})]
        told += [client.post("/v1/route", json={**line, "session": None})]
    assert [answer.status_code for answer in told] == [200, 200, 200, 409]
    assert decided.json()["flagged"] == ["trade_secret"]
    assert not any(CANARY in answer.text for answer in told)
    assert CANARY not in caplog.text
    assert not any(CANARY.encode() in leaf for leaf in router.ledger.leaves())


@pytest.mark.parametrize(
    "line",
    [
        {CANARY: 1},
        {**texts_everywhere(), CANARY: CANARY},
        {**texts_everywhere(), "session": CANARY * 20},
        {**texts_everywhere(), "caller": CANARY},
        {**texts_everywhere(), "caller": {"agent": "local-dev", "user": CANARY}},
        {**texts_everywhere(), "caller": {CANARY: CANARY}},
        {**texts_everywhere(), "labels": [CANARY]},
        {**texts_everywhere(), "id": f"{CANARY} {CANARY}"},
        {**texts_everywhere(), "purpose": f"{CANARY} {CANARY}"},
        {"caller": "local-dev", "request": {"messages": [{"role": CANARY, "content": CANARY}]}},
        {"caller": "local-dev", "request": {"messages": [{"role": "user", "content": [CANARY]}]}},
        {"caller": "local-dev", "request": {"messages": CANARY}},
    ],
)  # fmt: skip
def test_a_problem_never_quotes_the_request(client: TestClient, line: dict[str, Any]) -> None:
    """An error names the field and what was expected, never what came."""
    response = client.post("/v1/route", json=line)
    assert response.status_code in (403, 422)
    assert CANARY not in response.text


def test_a_path_is_not_quoted_either(client: TestClient) -> None:
    """A text sent as an id or a path is not told again."""
    for path in (f"/v1/decisions/{CANARY}", f"/{CANARY}", f"/v1/decisions/%00{CANARY}"):
        response = client.get(path)
        assert response.status_code == 404
        assert CANARY not in response.text
