"""Requests that are refused: in which words, and at which edge."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from clearway.body import MAX_BODY_BYTES, MAX_DEPTH, MAX_SAFE_INTEGER
from clearway.errors import InvalidRequestError, MalformedBodyError, RequestTooLargeError
from clearway.request import (
    MAX_CHARACTERS,
    MAX_LABELS,
    MAX_MESSAGES,
    MAX_PARTS,
    Caller,
    Request,
    assessment_line,
    parse_identifier,
    parse_identity,
    parse_json,
    parse_request,
)

SECRET = "Zq7-canary-4417"
HELLO = [{"role": "user", "content": "hello"}]
IDENTIFIER = "expected 1 to 128 letters, digits and ._:/@- starting with a letter or digit"
ONLY = "expected only caller, id, labels, purpose, request, session"


def whole(text: str) -> str:
    """Pattern of exactly this text."""
    return rf"\A{re.escape(text)}\Z"


def parse(line: dict[str, Any]) -> Request:
    """The line through its bytes, as a client would send it."""
    return parse_request(
        parse_json(json.dumps(line).encode()), caller=Caller("agent"), purpose="general", fallback_id="f-1"
    )


def chat(*messages: Any, **fields: Any) -> Request:
    """A request of these messages and fields."""
    return parse({"request": {"messages": list(messages), **fields}})


def nested(depth: int) -> bytes:
    """An object with this many levels of nesting."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\xff", "body: expected UTF-8, got a bad byte at offset 0"),
        (b'{"a":\n]', "body: expected JSON, got a syntax error at line 2, column 1"),
        (b"", "body: expected JSON, got a syntax error at line 1, column 1"),
        (b"[1]", "body: expected a JSON object, got a list"),
        (b"null", "body: expected a JSON object, got null"),
        (b"true", "body: expected a JSON object, got a boolean"),
        (b'{"a": 1, "a": 2}', "body: expected each key once, got a duplicate"),
        (b'{"a": NaN}', "body: expected finite numbers, got NaN or Infinity"),
        (b'{"a": 1e999}', "body: expected numbers within a double's range, got a larger one"),
        (b'{"a": 9007199254740992}', "body: expected integers of at most 53 bits, got a larger one"),
        (b'{"a": %s}' % (b"9" * 5_000), "body: expected integers of at most 53 bits, got a larger one"),
        (b'{"a": "\\u0000"}', "body: expected text, got a NUL character (binary data?)"),
        (b'{"\\u0000": 1}', "body: expected text, got a NUL character (binary data?)"),
        (b'{"a": "\\ud800"}', "body: expected valid Unicode, got a lone surrogate"),
        (nested(MAX_DEPTH + 1), "body: expected at most 32 levels of nesting, got more"),
        (nested(100_000), "body: expected at most 32 levels of nesting, got more"),
    ],
)
def test_a_bad_body_is_refused(data: bytes, text: str) -> None:
    """A body that is not one clean JSON object is refused, and the text says where it stops being one."""
    with pytest.raises(MalformedBodyError, match=whole(text)):
        parse_json(data)


def test_the_edges_of_a_body() -> None:
    """The deepest nesting, the largest integer and the longest body still pass; a byte more does not."""
    assert parse_json(nested(MAX_DEPTH))
    assert parse_json(b'{"a": [9007199254740991, -9007199254740991]}') == {
        "a": [MAX_SAFE_INTEGER, -(2**53) + 1]
    }
    longest = b"{}".ljust(MAX_BODY_BYTES)
    assert parse_json(longest) == {}
    with pytest.raises(
        RequestTooLargeError, match=whole("body: expected at most 4194304 bytes, got 4194305")
    ):
        parse_json(longest + b" ")


def of(**fields: Any) -> dict[str, Any]:
    """A line with a good chat and these fields."""
    return {"request": {"messages": HELLO}, **fields}


def said(**fields: Any) -> dict[str, Any]:
    """A line whose only message is made of these fields."""
    return {"request": {"messages": [fields]}}


ROLE = "request.messages[0].role: expected one of assistant, developer, function, system, tool, user"
CONTENT = "request.messages[0].content"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({}, "request: required field is missing"),
        (of(prompt=SECRET), f"prompt: unknown field; {ONLY}"),
        (of(decision="route"), f"decision: unknown field; {ONLY}"),
        (of(**{SECRET: 1}), f"a field: unknown field; {ONLY}"),
        ({"request": SECRET}, "request: expected an object, got a string"),
        ({"request": {}}, "request.messages: expected a list, got null"),
        ({"request": {"messages": []}}, "request.messages: expected at least one message, got none"),
        ({"request": {"messages": [1]}}, "request.messages[0]: expected an object, got a number"),
        (said(content="x"), ROLE),
        (said(role="root", content="x"), ROLE),
        (said(role=["user"], content="x"), ROLE),
        (said(role="user"), f"{CONTENT}: expected a string or a list of parts"),
        (said(role="user", content={}), f"{CONTENT}: expected a string or a list of parts"),
        (said(role="user", content=["x"]), f"{CONTENT}[0]: expected an object, got a string"),
        (said(role="user", content=[{}]), f"{CONTENT}[0].type: expected a string"),
        (said(role="user", content=[{"type": "text"}]), f"{CONTENT}[0].text: expected a string"),
        (
            said(role="user", content=[{"type": "refusal", "refusal": 1}]),
            f"{CONTENT}[0].refusal: expected a string",
        ),
        (of(session=1), "session: expected a string of at most 256 characters"),
        (of(session="s" * 257), "session: expected a string of at most 256 characters"),
        (of(labels="health"), "labels: expected a list of at most 16 strings"),
        (of(labels=["x"] * (MAX_LABELS + 1)), "labels: expected a list of at most 16 strings"),
        (of(labels=[f"{SECRET} x"]), f"labels: {IDENTIFIER}"),
        (of(id=""), f"id: {IDENTIFIER}"),
        (of(id=None), f"id: {IDENTIFIER}"),
        (of(id="i" * 129), f"id: {IDENTIFIER}"),
        (
            {"request": {"messages": HELLO, "max_tokens": 0}},
            "request.max_tokens: expected an integer from 1 to 10000000",
        ),
        (
            {"request": {"messages": HELLO, "max_completion_tokens": 1, "max_tokens": SECRET}},
            "request.max_tokens: expected an integer from 1 to 10000000",
        ),
        (
            {"request": {"messages": HELLO, "max_completion_tokens": True}},
            "request.max_completion_tokens: expected an integer from 1 to 10000000",
        ),
    ],
)
def test_a_bad_line_is_refused(line: dict[str, Any], text: str) -> None:
    """A wrong field is named with what was expected, never with what it holds."""
    with pytest.raises(InvalidRequestError, match=whole(text)):
        parse(line)


@pytest.mark.parametrize(
    ("body", "n_most", "text"),
    [
        (
            lambda n: {"messages": HELLO * n},
            MAX_MESSAGES,
            "request.messages: expected at most 2000, got 2001",
        ),
        (
            lambda n: {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}] * n}]},
            MAX_PARTS,
            "request: expected at most 10000 texts, got 10001",
        ),
        (
            lambda n: {"messages": [{"role": "user", "content": "x" * n}]},
            MAX_CHARACTERS,
            "request: expected at most 400000 characters, got 400001",
        ),
    ],
)
def test_the_edges_of_a_request(body: Any, n_most: int, text: str) -> None:
    """The most that is allowed passes, one more is refused with both numbers."""
    assert parse({"request": body(n_most)}).parts
    with pytest.raises(RequestTooLargeError, match=whole(text)):
        parse({"request": body(n_most + 1)})


def test_a_million_characters_are_refused() -> None:
    """A request of a million characters is refused, not truncated."""
    text = "request: expected at most 400000 characters, got 1000000"
    with pytest.raises(RequestTooLargeError, match=whole(text)):
        chat({"role": "user", "content": "x" * 1_000_000})


@pytest.mark.parametrize(
    ("value", "identity"),
    [("a", ("a", None)), ({"agent": "a"}, ("a", None)), ({"agent": "a", "user": "u"}, ("a", "u"))],
)
def test_identities(value: object, identity: tuple[str, str | None]) -> None:
    """A caller is a name, or an agent and perhaps the user it acts for."""
    assert parse_identity(value) == identity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "caller: expected a string, or an object with agent and optionally user"),
        ({"user": "u"}, "caller: expected a string, or an object with agent and optionally user"),
        (
            {"agent": "a", "admin": 1},
            "caller: expected a string, or an object with agent and optionally user",
        ),
        ("", f"caller: {IDENTIFIER}"),
        ({"agent": 1}, f"caller.agent: {IDENTIFIER}"),
        ({"agent": "a", "user": "u v"}, f"caller.user: {IDENTIFIER}"),
    ],
)
def test_bad_identities(value: object, text: str) -> None:
    """Anything else is refused without saying what it was."""
    with pytest.raises(InvalidRequestError, match=whole(text)):
        parse_identity(value)


@pytest.mark.parametrize("value", ["a", "A1", "a" * 128, "a._:/@-"])
def test_identifiers(value: str) -> None:
    """The shortest, the longest and every sign that an id may have."""
    assert parse_identifier(value, "id") == value


def test_assessment_lines() -> None:
    """A text is one user message; messages are taken as they are; the id is kept."""
    assert assessment_line({"id": "a", "text": "hi"}) == {
        "id": "a",
        "request": {"messages": [{"role": "user", "content": "hi"}]},
    }
    assert assessment_line({"messages": HELLO}) == {"request": {"messages": HELLO}}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"id": "a"}, "input: expected id and either text or messages"),
        ({"text": "a", "messages": HELLO}, "input: expected id and either text or messages"),
        ({"text": "a", "labels": []}, "input: expected id and either text or messages"),
        ({"text": 1}, "text: expected a string"),
    ],
)
def test_bad_assessment_lines(line: dict[str, Any], text: str) -> None:
    """Neither, both or an unknown field is refused."""
    with pytest.raises(InvalidRequestError, match=whole(text)):
        assessment_line(line)
