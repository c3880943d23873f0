"""Canonical bytes: one form for each record, and nothing that has no exact form."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from clearway.errors import LedgerError
from clearway.ledger.canonical import (
    MAX_SAFE_INTEGER,
    canonical_json,
    parse_canonical,
    parse_object,
    sha256_hex,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)
RECORDS = st.dictionaries(TEXTS, VALUES)


def nested(depth: int) -> list[object]:
    """A list in a list, `depth` levels below the outermost."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


@given(RECORDS)
def test_round_trip(record: dict[str, object]) -> None:
    """What was written is read back equal."""
    assert parse_canonical(canonical_json(record)) == record


@given(RECORDS)
def test_order_of_keys_is_irrelevant(record: dict[str, object]) -> None:
    """Two dicts that are equal have the same bytes."""
    assert canonical_json(dict(reversed(record.items()))) == canonical_json(record)


def test_rfc_8785_example() -> None:
    """Keys sort by UTF-16 code units: the example of RFC 8785, section 3.2.3."""
    record = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    expected = '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'
    assert canonical_json(record) == expected.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 0.5}, "record: expected whole numbers, got a float; use ppm or nano-dollars"),
        ([1, {"b": (1.0,)}], "record: expected whole numbers, got a float; use ppm or nano-dollars"),
        (float("nan"), "record: expected whole numbers, got a float; use ppm or nano-dollars"),
        (2**53, "record: expected integers of at most 53 bits, got a larger one"),
        (-(2**53), "record: expected integers of at most 53 bits, got a larger one"),
        ("\ud800", "record: expected valid Unicode, got a lone surrogate"),
        ({"\ud800": 1}, "record: expected valid Unicode, got a lone surrogate"),
        ({1: 1}, "record: expected text as keys, got int"),
        ({"a": {1}}, "record: expected JSON values, got set"),
        (b"a", "record: expected JSON values, got bytes"),
        (nested(65), "record: expected at most 64 levels of nesting, got more"),
    ],
)
def test_refused(value: object, text: str) -> None:
    """A value without an exact canonical form is refused, in words that do not repeat it."""
    with pytest.raises(LedgerError) as caught:
        canonical_json(value)
    assert str(caught.value) == text
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1, nested(64), True, None])
def test_accepted_at_the_edge(value: object) -> None:
    """The largest integers and the deepest nesting are still written."""
    assert json.loads(canonical_json(value)) == value


def test_cycle_is_refused() -> None:
    """A value inside itself ends in an error, not in a hang."""
    value: list[object] = []
    value.append(value)
    with pytest.raises(LedgerError):
        canonical_json(value)


@pytest.mark.parametrize(
    "data", [b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1,"a":1}', b'{"a":1}\n', b'{"a":"\\u0062"}', b'{"a":-0}']
)
def test_other_spellings_are_refused(data: bytes) -> None:
    """The same JSON in another spelling is not canonical."""
    with pytest.raises(LedgerError) as caught:
        parse_canonical(data)
    assert str(caught.value) == "record: expected the canonical form of RFC 8785, got another form"


def test_canonical_floats_are_refused_too() -> None:
    """A float is refused even where RFC 8785 itself allows it."""
    with pytest.raises(LedgerError):
        parse_canonical(rfc8785.dumps({"a": 0.5}))


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b'{"a":' + b"1" * 5_000 + b"}"])
def test_not_json(data: bytes) -> None:
    """Bytes that are not JSON are refused, however they are wrong."""
    with pytest.raises(LedgerError) as caught:
        parse_object(data)
    assert str(caught.value) == "record: expected JSON, got other bytes"


def test_not_an_object() -> None:
    """A record is an object."""
    with pytest.raises(LedgerError) as caught:
        parse_object(b"[]")
    assert str(caught.value) == "record: expected a JSON object, got another JSON value"


def test_sha256() -> None:
    """The digest is that of FIPS 180-2, appendix B.1."""
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
