"""Canonical bytes of a record (RFC 8785): the same record has one form, so its hash means something."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import rfc8785

from clearway.errors import LedgerError

MAX_DEPTH: Final = 64
MAX_SAFE_INTEGER: Final = 2**53 - 1


def canonical_json(value: object) -> bytes:
    """UTF-8 bytes of a JSON value in the canonical form of RFC 8785, whole numbers only.

    RFC 8785 allows floats; records do not, because a sum of floats depends on its order.

    Args:
        value: Dicts with text keys, lists, tuples, texts, integers of at most 53 bits, booleans, None.

    Raises:
        LedgerError: Anything else is in it. The text never carries the value: it may be a user's.

    >>> canonical_json({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    pending = [(value, 0)]
    while pending:
        node, depth = pending.pop()
        _check_node(node, depth)
        if isinstance(node, dict):
            pending.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list | tuple):
            pending.extend((child, depth + 1) for child in node)
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # its type of a JSON value is private; checked above


def parse_canonical(data: bytes) -> dict[str, Any]:
    """Record whose canonical form is exactly these bytes.

    Raises:
        LedgerError: Not a JSON object, or not in canonical form.
    """
    record = parse_object(data)
    if canonical_json(record) != data:
        raise LedgerError("record: expected the canonical form of RFC 8785, got another form")
    return record


def parse_object(data: bytes) -> dict[str, Any]:
    """JSON object in any form: for bytes whose hash was checked already.

    Raises:
        LedgerError: Not a JSON object.
    """
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):  # bad JSON, bad UTF-8, or an integer too long to convert
        raise LedgerError("record: expected JSON, got other bytes") from None
    if not isinstance(record, dict):
        raise LedgerError("record: expected a JSON object, got another JSON value")
    return record


def sha256_hex(data: bytes) -> str:
    """Lower-case hex SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _check_node(node: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise LedgerError(f"record: expected at most {MAX_DEPTH} levels of nesting, got more")
    if isinstance(node, float):
        raise LedgerError("record: expected whole numbers, got a float; use ppm or nano-dollars")
    if isinstance(node, int) and abs(node) > MAX_SAFE_INTEGER:
        raise LedgerError("record: expected integers of at most 53 bits, got a larger one")
    if isinstance(node, str):
        _check_text(node)
    elif isinstance(node, dict):
        for key in node:
            _check_key(key)
    elif not (node is None or isinstance(node, int | list | tuple)):
        raise LedgerError(f"record: expected JSON values, got {type(node).__name__}")


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise LedgerError(f"record: expected text as keys, got {type(key).__name__}")
    _check_text(key)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # its text quotes the value, so it is not passed on as the cause
        raise LedgerError("record: expected valid Unicode, got a lone surrogate") from None
