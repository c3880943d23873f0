"""The body of a request as JSON, under explicit limits: one form for each value, nothing that is not text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final, cast

from clearway.errors import MalformedBodyError, RequestTooLargeError

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32
MAX_SAFE_INTEGER: Final = 2**53 - 1


def parse_json(data: bytes) -> dict[str, Any]:
    """JSON object of a request body or line, under the limits above.

    Raises:
        RequestTooLargeError: More than `MAX_BODY_BYTES`.
        MalformedBodyError: Not UTF-8, not one JSON object, nested too deep, a duplicate key,
            a number out of range, or a text that is not valid Unicode.
    """
    if len(data) > MAX_BODY_BYTES:
        raise RequestTooLargeError(f"body: expected at most {MAX_BODY_BYTES} bytes, got {len(data)}")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_safe_integer,
            parse_float=_finite,
        )
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"body: expected UTF-8, got a bad byte at offset {error.start}") from None
    except RecursionError:
        raise MalformedBodyError(f"body: expected at most {MAX_DEPTH} levels of nesting, got more") from None
    except json.JSONDecodeError as error:
        raise MalformedBodyError(
            f"body: expected JSON, got a syntax error at line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(value, dict):
        raise MalformedBodyError(f"body: expected a JSON object, got {kind_of(value)}")
    _check_tree(value)
    return value


def kind_of(value: object) -> str:
    """What a JSON value is, for an error: it never carries the value."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedBodyError("body: expected each key once, got a duplicate")
    return result


def _no_constant(_: str) -> None:
    raise MalformedBodyError("body: expected finite numbers, got NaN or Infinity")


def _safe_integer(digits: str) -> int:
    # RFC 8785 has no integers beyond the doubles' exact range; the commitment needs one form for each value.
    if len(digits) > 17 or abs(int(digits)) > MAX_SAFE_INTEGER:
        raise MalformedBodyError("body: expected integers of at most 53 bits, got a larger one")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise MalformedBodyError("body: expected numbers within a double's range, got a larger one")
    return value


def _check_tree(root: object) -> None:
    """Depth, Unicode and NUL of every node, without recursion."""
    pending: list[Iterator[object]] = [iter([root])]
    while pending:
        node = next(pending[-1], pending)
        if node is pending:
            pending.pop()
            continue
        if isinstance(node, str):
            _check_text(node)
        elif isinstance(node, (dict, list)):
            if len(pending) > MAX_DEPTH:
                raise MalformedBodyError(f"body: expected at most {MAX_DEPTH} levels of nesting, got more")
            if isinstance(node, dict):
                for key in node:
                    _check_text(key)
            pending.append(iter(node.values() if isinstance(node, dict) else cast("list[object]", node)))


def _check_text(text: str) -> None:
    if "\0" in text:
        raise MalformedBodyError("body: expected text, got a NUL character (binary data?)")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedBodyError("body: expected valid Unicode, got a lone surrogate") from None
