"""Values within fields are read as a person would read them: by name, unescaped, numbers and keys too."""

from __future__ import annotations

import re
from typing import Any

import pytest

from clearway.fields import number_text, read_field, read_inner
from clearway.request import Caller, Request, parse_request

HELLO: dict[str, Any] = {"role": "user", "content": "hello"}


def chat(*messages: dict[str, Any], **fields: Any) -> Request:
    """A request of messages and further fields."""
    line = {"request": {"messages": list(messages), **fields}}
    return parse_request(line, caller=Caller("agent"), purpose="general", fallback_id="f-1")


def content(item: dict[str, Any]) -> Request:
    """A request with one content part."""
    return chat({"role": "user", "content": [item]})


def texts(request: Request) -> dict[str, str]:
    """Text of each part by its path."""
    return {part.path: part.text for part in request.parts}


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_calls": [{"function": {"arguments": '{"note": "card\\n4111111111111111"}'}}]},
        {"tool_calls": [{"function": {"arguments": '"card\\n4111111111111111"'}}]},
        {"content": '{"note": "\\u0034111111111111111"}'},
        {"content": [{"type": "text", "text": '["card\\n4111111111111111"]'}]},
        {"name": "x\n4111111111111111"},
    ],
)
def test_an_escaped_value_is_read_unescaped(fields: dict[str, Any]) -> None:
    """A value in JSON within JSON stands in some part with nothing of an escape before it."""
    request = chat({"role": "assistant", "content": "x", **fields})
    assert any(re.search(r"(?<![\w\\])4111111111111111", part.text) for part in request.parts)


def test_a_name_stands_before_its_value() -> None:
    """Context words are often the field's own name."""
    assert (
        texts(chat(HELLO, metadata={"password": "Tr0ub4dor"}))["metadata"] == "metadata:\npassword: Tr0ub4dor"
    )


def test_duplicate_keys_within_a_text_are_all_read() -> None:
    """Which of two the provider reads is not ours to guess."""
    text = texts(content({"type": "text", "text": '{"a": "one\\n", "a": "two"}'}))
    assert "one" in text["messages[0].content[0].text.json"]
    assert "two" in text["messages[0].content[0].text.json"]


@pytest.mark.parametrize(
    "image",
    [
        {"data": "4111111111111111"},
        {"data": "AKIAIOSFODNN7EXAMPLE"},
        {"image_url": {"url": "data:text/plain;base64,NDExMTExMTExMTExMTExMQ=="}},
        {"source": {"data": "data:application/pdf;base64,JVBERi0xLjQ="}},
    ],
)
def test_what_only_says_that_it_is_an_image_is_read(image: dict[str, Any]) -> None:
    """Bytes are left out by what they begin with; another file is noted as unread, a text is scored."""
    request = content({"type": "image", **image})
    assert "unread_part" in request.notes or any("data" in part.path for part in request.parts)


@pytest.mark.parametrize(
    "fields",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "c_1"},
        {"tools": [{"type": "file_search", "vector_store_ids": ["v_1"]}]},
    ],
)
def test_content_that_lies_at_the_provider_is_noted(fields: dict[str, Any]) -> None:
    """What the provider adds by itself was not seen."""
    assert chat(HELLO, **fields).notes == ("unread_part",)
    assert chat({"role": "assistant", "content": "x", "audio": {"id": "a_1"}}).notes == ("unread_part",)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4111111111111111, "4111111111111111"),
        (-4111111111111111.0, "4111111111111111"),
        (1.5, "1.5"),
        (0, "0"),
    ],
)
def test_a_number_is_its_digits(value: float, text: str) -> None:
    """A sign or a fraction of zero does not hide a number."""
    assert number_text(value) == text


def test_every_key_is_read() -> None:
    """Keys of objects, of lists and of empty values stand there; truth values and null are words."""
    value = {"a": {"b": None, "c": []}, "d": [1, {"e": True}], "f": {}}
    assert read_field("", value) == "a:\nb: null\nc:\nd: 1\nd:\ne: true\nf:"


@pytest.mark.parametrize("text", ["", "plain \\n text", "{broken \\n", "[" * 100_000 + "\\n", '{"a": 1}'])
def test_only_escaped_json_is_read_again(text: str) -> None:
    """Other texts are read once, as they are; a deep one is no error."""
    assert read_inner(text) == ""
