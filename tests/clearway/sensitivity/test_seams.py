"""Values split between turns, fields and tool results, and what seams leave alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearway.assessment import Finding, Sensitivity
from clearway.request import Caller, Part, Request, parse_request
from clearway.sensitivity.detector import PresidioDetector
from clearway.sensitivity.leaves import MAX_LEAVES, leaf_spans
from clearway.sensitivity.seams import Piece, Window, leaf_windows, seam_windows

Scan = Callable[..., Sensitivity]
KEY = "ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6"

SPLIT = [
    ("financial", ["my card is 4111 1111", "1111 1111, thanks"]),
    ("financial", ["it starts with 4111 1111", "and the rest of it is 1111 1111"]),
    ("financial", ["4111", "1111", "1111", "1111"]),
    ("financial", ["411111", "1111111111"]),
    ("contact", ["write to orchard.lane42", "@example.com please"]),
    ("contact", ["write to orchard.lane42@exam", "ple.com please"]),
    ("credentials", [f"the token: {KEY[:20]}", f"{KEY[20:]} is mine"]),
    ("financial", ['{"first": "4111 1111", "note": "x", "second": "1111 1111"}']),
    ("financial", ['{"a": "41111111", "b": "11111111"}']),
    ("financial", ["[4111, 1111, 1111, 1111]"]),
    ("contact", ['{"user": "orchard.lane42", "host": "@example.com"}']),
]

APART = [
    ["It is 4111", "No, 1112 apples. 1111 pears.", "1111 plums"],
    ["Hello there.", "How are you?"],
    ["I bought 4 apples", "5 pears and 12 plums", "for 16 dollars"],
    ['{"temperatures": [4, 11, 7, 12, 9, 21, 3]}'],
    ["Nobody said my.name", "See you at noon"],
]


def chat(*messages: dict[str, Any]) -> Request:
    """A request of messages, as the service reads it."""
    line = {"request": {"messages": list(messages)}}
    return parse_request(line, caller=Caller("seams"), purpose="p", fallback_id="r")


def windows(*texts: str, roles: str = "") -> list[Window]:
    """Windows of user turns, or of turns by the given first letters of roles."""
    names = {"u": "user", "a": "assistant"}
    paths = [f"messages[{i}].content" for i in range(len(texts))]
    return list(seam_windows(texts, [names[r] for r in roles or "u" * len(texts)], paths))


@pytest.mark.parametrize(("data_class", "texts"), SPLIT)
def test_a_split_value_is_found(scan: Scan, data_class: str, texts: list[str]) -> None:
    """Pieces of a value in neighbouring turns, or in fields of one part, flag its class."""
    assert data_class in scan(*texts).flagged


@pytest.mark.parametrize("texts", APART)
def test_pieces_of_nothing_flag_nothing(scan: Scan, texts: list[str]) -> None:
    """Counts, small numbers and plain sentences make no value together."""
    assert scan(*texts).flagged == ()


@pytest.mark.parametrize("field", ["content", "tool"])
def test_the_assistant_between_hides_nothing(detector: PresidioDetector, field: str) -> None:
    """A number in two turns of the user, or in two results of a tool, has other turns between."""
    role = "user" if field == "content" else "tool"
    texts = ["4111 1111", "1111 1111"] if role == "user" else ['{"x": "4111 1111"}', '{"x": "1111 1111"}']
    named = {} if role == "user" else {"tool_call_id": "call_0"}
    request = chat(
        {"role": role, "content": texts[0], **named},
        {"role": "assistant", "content": "Noted. Please go on."},
        {"role": role, "content": texts[1], **named},
    )
    found = detector.scan(request)
    assert "financial" in found.flagged
    assert {finding.part for finding in found.findings if finding.type == "CREDIT_CARD"} == (
        {0, 2} if role == "user" else {0, 3}
    )


def test_a_split_over_arguments_of_tool_calls_is_found(detector: PresidioDetector) -> None:
    """Arguments of two calls in one message are fields of one part."""
    calls = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": f'{{"digits": "{digits}"}}'}}
        for digits in ("4111 1111", "1111 1111")
    ]
    request = chat({"role": "assistant", "content": None, "tool_calls": calls})
    assert "financial" in detector.scan(request).flagged


def test_findings_are_cut_at_the_seam(scan: Scan) -> None:
    """Each part gets its piece, in its own offsets."""
    found = scan("my card is 4111 1111", "1111 1111, thanks").findings
    cuts = [(f.part, f.start, f.end) for f in found if f.type == "CREDIT_CARD"]
    assert cuts == [(0, 11, 20), (1, 0, 9)]


def test_a_value_at_the_end_is_not_stretched(scan: Scan) -> None:
    """A key that stands whole in one part is not found once more with the next word."""
    found = scan(f"use {KEY}", "Hello there").findings
    assert [(f.part, f.start, f.end) for f in found if f.type == "SECRET"] == [(0, 4, 44)]


def test_a_question_is_context_for_its_answer(scan: Scan) -> None:
    """A number that alone says little is read with the line before it."""
    found = scan("What is your bank account number?", "Account number: 40271893")
    assert "financial" in found.flagged


def test_plain_sentences_have_no_window() -> None:
    """The seam of two sentences costs a look, not a scan."""
    assert windows("Tell me of birds.", "They fly south in winter.") == []


def test_windows_of_a_longer_conversation_begin_the_same() -> None:
    """A turn adds windows and changes none: what was read stays in the cache."""
    turns = [f"number {n * 1111}" for n in range(1, 12)]
    for n in range(2, len(turns)):
        shorter, longer = ({w.text for w in windows(*turns[:m], roles=("ua" * m)[:m])} for m in (n, n + 1))
        assert shorter <= longer


def test_an_unescaped_text_stands_for_its_source() -> None:
    """A part and the same part unescaped are no neighbours."""
    paths = ["messages[0].content", "messages[0].content.json", "messages[1].content"]
    found = seam_windows(["4111", "4111", "1111"], ["user"] * 3, paths)
    assert {tuple(piece.part for piece in window.pieces) for window in found} == {(1, 2)}


@given(st.lists(st.text(st.sampled_from("41 @a\n"), min_size=1, max_size=300), min_size=2, max_size=5))
def test_every_character_of_a_window_is_that_of_its_part(texts: list[str]) -> None:
    """A piece says where it is from, and a cut never leaves its part."""
    for window in windows(*texts):
        for piece in window.pieces:
            assert texts[piece.part][piece.start : piece.start + len(piece.text)] == piece.text
        for cut in window.cut(Finding("X", 0, len(window.text), 1, 0)):
            assert 0 <= cut.start < cut.end <= len(texts[cut.part])


def test_a_joint_belongs_to_no_part() -> None:
    """A finding that takes in the blank between two pieces is cut around it."""
    window = Window((Piece(3, 10, "ab"), Piece(5, 0, "cd")), (" ",))
    assert window.text == "ab cd"
    assert window.cut(Finding("X", 1, 4, 7, 0)) == [Finding("X", 11, 12, 7, 3), Finding("X", 0, 1, 7, 5)]


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        ('{"a": "x", "b": [12, 3]}', "messages[0].content", ["x", "12", "3"]),
        ('see {"a":"x y"}', "messages[0].content", ["x y"]),
        ('{"a": ""}', "messages[0].content", []),
        ("a: 12\nb:\nplain", "messages[0].tool_calls", ["12", "plain"]),
        ("a: 12\nb: 13", "messages[0].content", []),
        ('He said "hello" to us.', "messages[0].content", []),
    ],
)
def test_leaves_are_values_of_fields(text: str, path: str, values: list[str]) -> None:
    """Strings and numbers of JSON, and what lines name, in fields; prose has none."""
    assert [text[start:end] for start, end in leaf_spans(text, path)] == values


@pytest.mark.parametrize("unit", ['"', '"a', "[1,", '"\\', "{", '"a": 4111, ', '" ', "1 "])
def test_hostile_fields_take_linear_time(unit: str) -> None:
    """100,000 characters of quotes, brackets or numbers are read in less than a second."""
    text = "[" + unit * (100_000 // len(unit))
    started = time.perf_counter()
    assert len(leaf_spans(text, "messages[0].content")) <= MAX_LEAVES
    leaf_windows(0, text, "messages[0].content")
    assert time.perf_counter() - started < 1


def test_too_many_seams_are_noted(monkeypatch: pytest.MonkeyPatch, scan: Scan) -> None:
    """Windows beyond their cap are not read, and the request says so."""
    monkeypatch.setattr("clearway.sensitivity.finder.MAX_SEAM_CHARACTERS", 40)
    texts = [f"{n}11" for n in range(10)]
    assert scan(*texts).notes == ("truncated",)
    assert scan(*texts[:2]).notes == ()


def test_many_small_parts_end_in_time(detector: PresidioDetector) -> None:
    """Ten thousand parts of one digit cost no more than the cap of their windows."""
    parts = tuple(Part(f"messages[{n}].content", "user", str(n % 10)) for n in range(10_000))
    started = time.perf_counter()
    found = detector.scan(Request(id="r", caller=Caller("small"), purpose="p", parts=parts))
    assert "truncated" in found.notes
    assert time.perf_counter() - started < 10
