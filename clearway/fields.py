r"""Fields as text: what a detector reads of a JSON value, as a person would read it and unescaped.

Escapes hide values: `\n` before a number puts a letter there, `\"` stands where a pattern wants a quote,
`\u4e2d` is no foreign letter. So each leaf stands on a line of its own, as it is, behind the name it has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import rfc8785

# Texts that are themselves JSON (arguments, tool results) are read inside so many times over.
MAX_INNER_LEVELS: Final = 3


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its duplicate keys kept: the provider may read the one that a dict drops."""


def read_field(name: str, value: Any) -> str:
    r"""Lines `name: leaf` of everything in a value, keys and numbers included.

    Args:
        name: Name of the field, or an empty text.
        value: Any JSON value.

    >>> read_field("metadata", {"card": 4111111111111111, "note": "ok"})
    'metadata:\ncard: 4111111111111111\nnote: ok'
    """
    return "\n".join(_lines(name, value, MAX_INNER_LEVELS))


def read_inner(text: str) -> str:
    """What a text that is itself JSON says once its escapes are undone; empty for other texts."""
    inner = _parsed(text) if "\\" in text else None
    return "" if inner is None else "\n".join(_lines("", inner, MAX_INNER_LEVELS - 1))


def number_text(value: float) -> str:
    """A number as its digits, without sign or a fraction of zero.

    >>> number_text(-4111111111111111.0)
    '4111111111111111'
    """
    return rfc8785.dumps(abs(value)).decode()


def _lines(name: str, value: Any, n_levels: int) -> Iterator[str]:
    if isinstance(value, dict | _Pairs):
        if name:
            yield f"{name}:"
        for key, child in value.items() if isinstance(value, dict) else value:
            yield from _lines(key, child, n_levels)
    elif isinstance(value, list):
        if name and not value:
            yield f"{name}:"
        for child in value:
            yield from _lines(name, child, n_levels)
    else:
        text = value if isinstance(value, str) else _literal(value)
        yield f"{name}: {text}" if name else text
        inner = _parsed(text) if n_levels and isinstance(value, str) else None
        if inner is not None:
            yield from _lines(name, inner, n_levels - 1)


def _literal(value: Any) -> str:
    return number_text(value) if type(value) in (int, float) else json.dumps(value)


def _parsed(text: str) -> Any:
    """The object, list or text that a text is in JSON, or None; numbers stay as they are written."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return None
    try:
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
