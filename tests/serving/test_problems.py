"""Requests that the service turns away: each with its status, its code and its whole text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clearway.request import MAX_BODY_BYTES, MAX_CHARACTERS
from clearway.router import Router
from clearway.testing import FakeSensitivity, shipped_policy
from serving.app import create_app

MakeRouter = Callable[..., Router]
MakeClient = Callable[..., TestClient]
ExpectProblem = Callable[..., None]
JSON = {"content-type": "application/json"}
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
LINE = {"id": "r-1", "caller": "local-dev", "request": CHAT}
NOT_JSON = "body: expected JSON, got a syntax error at line 1, column {}".format
BAD_BODIES = {
    "empty": (b"", NOT_JSON(1)),
    "malformed": (b'{"id": }', NOT_JSON(8)),
    "trailing": (b"{} {}", NOT_JSON(4)),
    "not UTF-8": (b'{"id": "\xff"}', "body: expected UTF-8, got a bad byte at offset 8"),
    "not an object": (b"[]", "body: expected a JSON object, got a list"),
    "deep": (b'{"a":' * 40 + b"0" + b"}" * 40, "body: expected at most 32 levels of nesting, got more"),
    "very deep": (b"[" * 200_000, "body: expected at most 32 levels of nesting, got more"),
    "duplicate key": (b'{"id": "a", "id": "b"}', "body: expected each key once, got a duplicate"),
    "NUL": (b'{"a": "\\u0000"}', "body: expected text, got a NUL character (binary data?)"),
    "NUL key": (b'{"\\u0000": 1}', "body: expected text, got a NUL character (binary data?)"),
    "surrogate": (b'{"a": "\\ud800"}', "body: expected valid Unicode, got a lone surrogate"),
    "NaN": (b'{"a": NaN}', "body: expected finite numbers, got NaN or Infinity"),
    "large integer": (
        b'{"a": 9007199254740992}',
        "body: expected integers of at most 53 bits, got a larger one",
    ),
    "huge float": (b'{"a": 1e999}', "body: expected numbers within a double's range, got a larger one"),
}


@pytest.mark.parametrize("path", ["/v1/route", "/v1/assess"])
@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_malformed_body(client: TestClient, case: str, path: str, expect_problem: ExpectProblem) -> None:
    """What is not one well-formed JSON object is 400 and says where it stops being one."""
    body, detail = BAD_BODIES[case]
    expect_problem(client.post(path, content=body, headers=JSON), 400, "malformed_body", detail)


def chunks(n_bytes: int) -> Iterator[bytes]:
    """A body of that many spaces, in pieces and so without a content length."""
    for start in range(0, n_bytes, 65_536):
        yield b" " * min(65_536, n_bytes - start)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_oversize_body(client: TestClient, is_chunked: bool, expect_problem: ExpectProblem) -> None:
    """One byte over the limit is 413, with a content length or without; at the limit the body is read."""
    for n_bytes, expected in (
        (MAX_BODY_BYTES, (400, "malformed_body", NOT_JSON(4_194_305))),
        (MAX_BODY_BYTES + 1, (413, "request_too_large", "body: expected at most 4194304 bytes, got more")),
    ):  # fmt: skip
        content = chunks(n_bytes) if is_chunked else b" " * n_bytes
        expect_problem(client.post("/v1/route", content=content, headers=JSON), *expected)


def test_a_million_characters(client: TestClient, expect_problem: ExpectProblem) -> None:
    """More text than is ever scored whole is refused, not truncated; the limit itself is decided."""
    for n_characters, status in ((MAX_CHARACTERS, 200), (1_000_000, 413)):
        chat = {"messages": [{"role": "user", "content": "a" * n_characters}]}
        response = client.post("/v1/route", json={"caller": "local-dev", "request": chat})
        assert response.status_code == status
    detail = "request: expected at most 400000 characters, got 1000000"
    expect_problem(response, 413, "request_too_large", detail)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonl"]
)
def test_another_media_type(
    client: TestClient, router: Router, media_type: str, expect_problem: ExpectProblem
) -> None:
    """Only JSON is read; what a form in a browser can send without asking is not."""
    body = json.dumps(LINE).encode()
    response = client.post("/v1/route", content=body, headers={"content-type": media_type})
    expect_problem(response, 415, "http_error", "Unsupported Media Type")
    assert router.ledger.size() == 0


def test_a_media_type_with_parameters(client: TestClient) -> None:
    """Case and parameters of the media type do not matter."""
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/v1/route", content=json.dumps(LINE), headers=headers).status_code == 200


@pytest.mark.parametrize("name", ["decision_id", "level", "classes", "identity", "session_level", "verdict"])
def test_an_unknown_field(
    client: TestClient, router: Router, name: str, expect_problem: ExpectProblem
) -> None:
    """No field of a line names a decision, a class, a level or an identity: refused, never ignored."""
    expect_problem(
        client.post("/v1/route", json={**LINE, name: "public"}),
        422,
        "invalid_request",
        f"{name}: unknown field; expected only caller, id, labels, purpose, request, session",
    )
    assert router.ledger.size() == 0


LABELS = (
    "labels: expected data classes or levels ("
    + ", ".join([*FakeSensitivity().class_levels, "public", "internal", "confidential", "restricted"])
    + ")"
)
BAD_LINES = {
    "no caller": (
        {"request": CHAT}, 422, "invalid_request",
        "caller: required field is missing; name the caller the gateway speaks for",
    ),
    "no request": ({"caller": "local-dev"}, 422, "invalid_request", "request: required field is missing"),
    "messages missing": (
        {**LINE, "request": {}}, 422, "invalid_request", "request.messages: expected a list, got null",
    ),
    "no messages": (
        {**LINE, "request": {"messages": []}}, 422, "invalid_request",
        "request.messages: expected at least one message, got none",
    ),
    "unknown role": (
        {**LINE, "request": {"messages": [{"role": "root", "content": "a"}]}}, 422, "invalid_request",
        "request.messages[0].role: expected one of assistant, developer, function, system, tool, user",
    ),
    "unknown caller": (
        {**LINE, "caller": "mallory"}, 403, "unknown_caller",
        "caller: not registered; add it to callers.yaml or correct the name",
    ),
    "unknown user": (
        {**LINE, "caller": {"agent": "local-dev", "user": "mallory"}}, 403, "unknown_caller",
        "caller.user: not registered; add it to callers.yaml or correct the name",
    ),
    "unknown label": ({**LINE, "labels": ["persnal"]}, 422, "invalid_request", LABELS),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_wrong_line(client: TestClient, router: Router, case: str, expect_problem: ExpectProblem) -> None:
    """Each fault has its status, its code and a text that says what to do; nothing is decided."""
    line, status, code, detail = BAD_LINES[case]
    expect_problem(client.post("/v1/route", json=line), status, code, detail)
    assert router.ledger.size() == 0


def test_a_retry_gets_the_same_decision(client: TestClient, router: Router) -> None:
    """The same id and body: the same answer, and one record."""
    first, again = (client.post("/v1/route", json=LINE) for _ in range(2))
    assert first.json() == again.json()
    assert router.ledger.size() == 1


def test_another_body_under_the_same_id(
    client: TestClient, router: Router, expect_problem: ExpectProblem
) -> None:
    """The same id with another body is a conflict, and the first decision stands."""
    client.post("/v1/route", json=LINE)
    response = client.post("/v1/route", json={**LINE, "session": "other"})
    detail = "id: already used by this caller for another body; use a new id"
    expect_problem(response, 409, "request_conflict", detail)
    assert router.ledger.size() == 1


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/route/", "/v1/decisions/", "/docs", "/v1/decisions/a/b"])
def test_an_unknown_path(client: TestClient, path: str, expect_problem: ExpectProblem) -> None:
    """A path that is not one of ours is 404: never a redirect to a host that the client named."""
    expect_problem(client.get(path, follow_redirects=False), 404, "http_error", "Not Found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("GET", "/v1/route", "POST"), ("DELETE", "/v1/decisions/a", "GET"), ("POST", "/healthz", "GET")],
)
def test_a_wrong_method(
    client: TestClient, method: str, path: str, allow: str, expect_problem: ExpectProblem
) -> None:
    """A method that a path lacks is 405 and says which it has (RFC 9110, section 15.5.6)."""
    response = client.request(method, path)
    expect_problem(response, 405, "http_error", "Method Not Allowed")
    assert response.headers["allow"] == allow


def test_a_gateway_speaks_only_for_its_callers(
    make_router: MakeRouter, client_of: MakeClient, expect_problem: ExpectProblem
) -> None:
    """A registered caller that the gateway may not name is refused; an assessment needs no caller at all."""
    policy = shipped_policy()
    silent = policy.callers.gateways["local-gateway"].model_copy(update={"speaks_for": ["support-bot"]})
    callers = replace(policy.callers, gateways={silent.id: silent})
    router = make_router(policy=replace(policy, callers=callers))
    client = client_of(router)
    detail = "caller: local-gateway may not speak for it; add it to speaks_for"
    expect_problem(client.post("/v1/route", json=LINE), 403, "unknown_caller", detail)
    assert router.ledger.size() == 0
    assert client.post("/v1/assess", json={"text": "Hello"}).status_code == 200


def test_a_client_that_leaves_is_no_fault_of_ours(router: Router, caplog: pytest.LogCaptureFixture) -> None:
    """A body whose rest never comes is the sender's problem: nothing decided, no incident."""
    body = [{"type": "http.request", "body": b'{"id": "a"', "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return body.pop(0) if body else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/route", "query_string": b"", "headers": headers}
    asyncio.run(create_app(router)(scope, receive, send))
    assert not [record for record in caplog.records if record.name == "clearway.serving"]
    answer = json.loads(b"".join(message.get("body", b"") for message in sent) or b"{}")
    assert answer.get("detail") == "body: expected all of it, got a closed connection"
    assert router.ledger.size() == 0
