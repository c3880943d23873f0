"""Requests: what is refused and in which words, and that nothing a provider would read escapes scoring."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearway.body import MAX_BODY_BYTES, MAX_DEPTH, MAX_SAFE_INTEGER
from clearway.errors import ClearwayError, InvalidRequestError, MalformedBodyError, RequestTooLargeError
from clearway.record import canonical_body
from clearway.request import (
    MAX_CHARACTERS,
    MAX_LABELS,
    MAX_MESSAGES,
    MAX_OUTPUT_TOKENS,
    MAX_PARTS,
    ROLES,
    Caller,
    Part,
    Request,
    assessment_line,
    parse_identifier,
    parse_identity,
    parse_json,
    parse_request,
)

PLAIN = re.compile(r"[a-z][a-z_]{0,39}")
SECRET = "Zq7-canary-4417"
HELLO = [{"role": "user", "content": "hello"}]
IDENTIFIER = "expected 1 to 128 letters, digits and ._:/@- starting with a letter or digit"
ONLY = "expected only caller, id, labels, purpose, request, session"
PNG = "data:image/png;base64,iVBORw0KGgo="
any_text = st.text(st.characters(exclude_categories=[]), max_size=8)
names = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "messages",
        "name",
        "tools",
        "image_url",
        "max_tokens",
        "request",
        "id",
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, -(2**53), 10**400, 1e308, 411111111])
    | st.floats()
    | any_text
    | st.sampled_from(["user", "text", "image_url", "tool"])
)


def trees(keys: st.SearchStrategy[str], leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON trees over these keys and leaves."""
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=12,
    )


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


def content(*items: Any) -> Request:
    """A request of one user message with these content parts."""
    return chat({"role": "user", "content": list(items)})


def texts(request: Request) -> dict[str, str]:
    """Text by path."""
    return {part.path: part.text for part in request.parts}


def nested(depth: int) -> bytes:
    """An object with this many levels of nesting."""
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@given(st.binary(max_size=200) | any_text.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_never_raise_anything_else(data: bytes) -> None:
    """Whatever the bytes, the answer is an object or an error of ours."""
    with contextlib.suppress(ClearwayError):
        assert isinstance(parse_json(data), dict)


@settings(max_examples=300, deadline=None)
@given(
    trees(names | any_text, leaves),
    st.sampled_from(["line", "request", "messages", "message", "content", "item", "setting"]),
    st.integers(0, 60),
)
def test_trees_never_raise_anything_else(tree: Any, where: str, depth: int) -> None:
    """Whatever JSON stands wherever, however deep, it parses and has a canonical form, or is refused."""
    for _ in range(depth if depth > 25 else 0):
        tree = [tree]
    places: dict[str, Any] = {
        "line": tree,
        "request": {"request": tree},
        "messages": {"request": {"messages": tree}},
        "message": {"request": {"messages": [tree]}},
        "content": {"request": {"messages": [{"role": "user", "content": tree}]}},
        "item": {"request": {"messages": [{"role": "user", "content": [tree]}]}},
        "setting": {"request": {"messages": HELLO, "tools": tree, "max_tokens": None}},
    }
    with contextlib.suppress(ClearwayError):
        request = parse(places[where])
        assert canonical_body(request)
        assert repr(request)


strings = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
clean = trees(strings, st.none() | st.booleans() | st.integers(-9, 9) | strings)
extra = st.dictionaries(strings | st.sampled_from(["name", "tool_calls", "refusal"]), clean, max_size=3)
items = st.fixed_dictionaries({"type": st.sampled_from(["text", "input_text"]), "text": strings}) | (
    st.fixed_dictionaries({"type": st.sampled_from(["image_url", "tool_result", "a B"])})
)


@st.composite
def chats(draw: st.DrawFn) -> dict[str, Any]:
    """Valid chats with texts in every place that can hold one."""

    def joined(inner: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
        return {**draw(extra), **draw(inner)}

    def message() -> dict[str, Any]:
        role = st.fixed_dictionaries({"role": st.sampled_from(sorted(ROLES))})
        kind = draw(st.sampled_from(["text", "parts", "none"]))
        if kind == "none":
            return {**joined(role), "content": None}
        parts = [joined(items) for _ in range(draw(st.integers(0, 2)))]
        return {**joined(role), "content": draw(strings) if kind == "text" else parts}

    messages = [message() for _ in range(draw(st.integers(1, 2)))]
    return {**draw(extra), "model": "any", "messages": messages}


def strings_below(node: Any) -> Iterator[str]:
    """Every text and every key below a node."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from node
        for value in node.values():
            yield from strings_below(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings_below(value)


def fields_of(node: dict[str, Any], settings_fields: set[str]) -> Iterator[str]:
    """Strings of an object whose plain keys are field names; other keys are text."""
    for name, value in node.items():
        if not PLAIN.fullmatch(name):
            yield name
        if name not in settings_fields:
            yield from strings_below(value)


def seen_by_provider(chat: dict[str, Any]) -> Iterator[str]:
    """Every string of a chat but: `model`, `role`, a plain `type` of a part, plain names of fields."""
    yield from fields_of(chat, {"model", "messages"})
    for message in chat["messages"]:
        yield from fields_of(message, {"role", "content"})
        if isinstance(message["content"], str):
            yield message["content"]
        for item in message["content"] if isinstance(message["content"], list) else []:
            yield from fields_of(item, {"type"} if PLAIN.fullmatch(item["type"]) else set())


@settings(max_examples=300, deadline=None)
@given(chats())
def test_no_string_escapes_scoring(body: dict[str, Any]) -> None:
    """Every string that the provider would see stands in some part, as it is or as JSON writes it."""
    request = parse({"request": body})
    for text in seen_by_provider(body):
        written = json.dumps(text, ensure_ascii=False)[1:-1]
        assert any(text in part.text or written in part.text for part in request.parts)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "text", "text": "hi", "note": SECRET},
        {"type": "image_url", "image_url": {"url": PNG}, "text": SECRET},
        {"type": "image_url", "image_url": {"url": f"https://example.com/?q={SECRET}"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,AA== {SECRET}"}},
        {"type": "image_url", "image_url": {"url": PNG, SECRET: 1}},
        {"type": "image", "source": {"type": "base64", "data": f"{SECRET}!"}},
        {"type": "file", "file": {"filename": SECRET, "file_data": PNG}},
        {"type": "tool_result", "content": [{"type": "text", "text": SECRET}]},
        {"type": SECRET},
    ],
)
def test_text_beside_text_or_bytes_is_read(item: dict[str, Any]) -> None:
    """A text hidden in a content part that is known, an image or of an unknown type is scored."""
    assert any(SECRET in part.text for part in content(item).parts)


@pytest.mark.parametrize(
    "fields",
    [
        {SECRET: 1},
        {"user": SECRET},
        {"stop": [SECRET]},
        {"metadata": {SECRET: None}},
        {"tools": [{"type": "function", "function": {"name": "f", "description": SECRET}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": SECRET}}},
        {"prediction": {"content": SECRET}},
    ],
)
def test_text_in_settings_is_read(fields: dict[str, Any]) -> None:
    """A text in a setting, as a value or as an unusual key, is scored; no path shows it."""
    request = chat(*HELLO, **fields)
    assert any(SECRET in part.text for part in request.parts)
    assert not any(SECRET in part.path for part in request.parts)


@pytest.mark.parametrize(("number", "is_read"), [(99_999_999, False), (100_000_000, True), (-1.5e8, True)])
def test_long_numbers_are_read(number: float, is_read: bool) -> None:
    """A number of nine digits can be a person's, so it is scored; a setting such as a seed of 8 is not."""
    assert ("user" in texts(chat(*HELLO, user=number))) is is_read


def test_parts_in_order() -> None:
    """Messages first, each with its content and then its other fields by name; then the settings by name."""
    call = {"function": {"name": "f", "arguments": "{}"}}
    request = chat(
        {"role": "assistant", "content": None, "tool_calls": [call], "name": "bot"},
        {"role": "tool", "content": [{"type": "text", "text": "42"}], "tool_call_id": "c-1"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        user="u-1",
        temperature=0.5,
        model="any",
    )
    assert [(part.path, part.role, part.text) for part in request.parts] == [
        ("messages[0].name", "assistant", "bot"),
        ("messages[0].tool_calls", "assistant", '[{"function": {"name": "f", "arguments": "{}"}}]'),
        ("messages[1].content[0].text", "tool", "42"),
        ("messages[1].tool_call_id", "tool", "c-1"),
        ("messages[2].content[0].refusal", "assistant", "no"),
        ("user", "setting", "u-1"),
    ]


@pytest.mark.parametrize(
    ("item", "notes"),
    [
        ({"type": "image_url", "image_url": {"url": PNG}}, ("image",)),
        ({"type": "input_image", "image_url": PNG}, ("image",)),
        ({"type": "image", "source": {"data": "iVBORw0KGgo="}}, ("image",)),
        ({"type": "input_audio", "input_audio": {"data": "UklGRg=="}}, ("unread_part",)),
        ({"type": "file", "file": {"file_data": PNG}}, ("unread_part",)),
        ({"type": "text", "text": ""}, ()),
    ],
)
def test_what_cannot_be_read_is_noted(item: dict[str, Any], notes: tuple[str, ...]) -> None:
    """An image and a part of another type leave a note; their encoded bytes are no text."""
    request = content(item)
    assert request.notes == notes
    assert not any("RIF" in part.text or "iVBOR" in part.text for part in request.parts)


def test_an_image_needs_vision() -> None:
    """Needs are read from tools, images and the response format."""
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}
    everything = chat(picture, tools=[{"type": "function"}], response_format={"type": "json_object"})
    assert everything.needs == {"tools", "vision", "json"}
    assert chat(*HELLO, functions=[{"name": "f"}]).needs == {"tools"}
    assert chat(*HELLO, tools=[], response_format={"type": "text"}).needs == frozenset()


def test_nothing_shows_text() -> None:
    """Neither a request's nor a part's `repr` shows a text, the session or what was sent."""
    line = {"session": SECRET, "request": {"messages": [{"role": "user", "content": SECRET}], SECRET: SECRET}}
    request = parse(line)
    assert SECRET not in repr(request)
    assert SECRET not in repr(request.parts)
    assert repr(Part("p", "user", SECRET)) == "Part(path='p', role='user', n_characters=15)"


def test_fields_that_name_a_decision_or_a_class_are_text() -> None:
    """Inside the chat a name of ours decides nothing: it is scored like any other text."""
    plain = chat(*HELLO)
    named = chat(*HELLO, caller="root", purpose="research", labels=["public"], level="public", decision="x")
    assert (named.caller, named.purpose, named.labels) == (plain.caller, plain.purpose, plain.labels)
    assert {"caller", "purpose", "labels", "level", "decision"} <= set(texts(named))


def test_what_a_line_says() -> None:
    """Id, session, labels and the bound on output are read; the body keeps all but the id."""
    line = {
        "id": "r-9",
        "session": "s",
        "labels": ["health", "contact", "health"],
        "request": {"messages": HELLO, "max_tokens": 7},
    }
    request = parse(line)
    assert (request.id, request.session, request.labels) == ("r-9", "s", ("contact", "health"))
    assert (request.max_output_tokens, request.n_characters) == (7, 5)
    assert set(request.body) == {"caller", "session", "labels", "request"}


def test_what_a_line_leaves_out() -> None:
    """Without an id the fallback is used, and an empty session is no session."""
    request = parse({"session": "", "request": {"messages": HELLO}})
    assert (request.id, request.session, request.labels, request.max_output_tokens) == ("f-1", None, (), None)


def test_the_newer_bound_on_output_counts() -> None:
    """Of both bounds `max_completion_tokens` counts, as it does upstream."""
    assert chat(*HELLO, max_tokens=5, max_completion_tokens=MAX_OUTPUT_TOKENS).max_output_tokens == 10_000_000


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
