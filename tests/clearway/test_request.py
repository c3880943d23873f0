"""Requests: what they say, and that nothing a provider would read escapes scoring."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clearway.errors import ClearwayError
from clearway.record import canonical_body
from clearway.request import (
    MAX_OUTPUT_TOKENS,
    ROLES,
    Caller,
    Part,
    Request,
    parse_json,
    parse_request,
)

PLAIN = re.compile(r"[a-z][a-z_]{0,39}")
SECRET = "Zq7-canary-4417"
HELLO = [{"role": "user", "content": "hello"}]
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


def parse(line: dict[str, Any]) -> Request:
    """The line through its bytes, as a client would send it."""
    return parse_request(
        parse_json(json.dumps(line).encode()),
        caller=Caller("agent"),
        purpose="general",
        fallback_id="f-1",
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


@given(st.binary(max_size=200) | any_text.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_never_raise_anything_else(data: bytes) -> None:
    """Whatever the bytes, the answer is an object or an error of ours."""
    with contextlib.suppress(ClearwayError):
        assert isinstance(parse_json(data), dict)


@settings(max_examples=300, deadline=None)
@example([float("inf")], "setting", 0)
@given(
    trees(names | any_text, leaves),
    st.sampled_from(
        ["line", "request", "messages", "message", "role", "content", "item", "type", "text", "setting"]
    ),
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
        "role": {"request": {"messages": [{"role": tree, "content": "x"}]}},
        "content": {"request": {"messages": [{"role": "user", "content": tree}]}},
        "item": {"request": {"messages": [{"role": "user", "content": [tree]}]}},
        "type": {"request": {"messages": [{"role": "user", "content": [{"type": tree, "text": "x"}]}]}},
        "text": {"request": {"messages": [{"role": "user", "content": [{"type": "text", "text": tree}]}]}},
        "setting": {"request": {"messages": HELLO, "tools": tree, "max_tokens": None}},
    }
    with contextlib.suppress(ClearwayError):
        # An infinity as a number that overflows; `json.dumps` would write a name that JSON does not have.
        data = json.dumps(places[where]).replace("Infinity", "1e999").encode()
        request = parse_request(
            parse_json(data), caller=Caller("agent"), purpose="general", fallback_id="f-1"
        )
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
    """Every string that the provider would see stands in some part, as it is and unescaped."""
    request = parse({"request": body})
    for text in seen_by_provider(body):
        assert any(text in part.text for part in request.parts)


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


@pytest.mark.parametrize(("number", "is_read"), [(99_999, False), (100_000, True), (-1.5e8, True)])
def test_long_numbers_are_read(number: float, is_read: bool) -> None:
    """A number of six digits can be a record's or a person's, so it is scored; a setting of 5 is not."""
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
        ("messages[0].name", "assistant", "name: bot"),
        ("messages[0].tool_calls", "assistant", "tool_calls:\nfunction:\nname: f\narguments: {}\narguments:"),
        ("messages[1].content[0].text", "tool", "42"),
        ("messages[1].tool_call_id", "tool", "tool_call_id: c-1"),
        ("messages[2].content[0].refusal", "assistant", "no"),
        ("user", "setting", "user: u-1"),
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
