"""Dataclasses read back from JSON, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from clearway.errors import InvalidRequestError


def decode(kind: Any, value: Any, where: str) -> Any:
    """A dataclass from what `json.loads` made of its fields.

    Args:
        kind: The dataclass, or the type of a field: tuple of one type, mapping from text, optional, plain.
        value: What came.
        where: Name of its place, for the error.

    Raises:
        InvalidRequestError: A field is missing, is not one, or holds something else; the text names it.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if value is None else decode(arguments[0], value, where)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**_decode_fields(kind, value, where))
    if origin is tuple:
        items = _checked(list | tuple, "list", value, where)
        return tuple(decode(arguments[0], item, f"{where}[{n}]") for n, item in enumerate(items))
    if origin is Mapping:
        members = _checked(dict, "object", value, where)
        return {key: decode(arguments[1], item, f"{where}.{key}") for key, item in members.items()}
    if isinstance(value, bool) and kind is not bool:
        raise _mismatch(kind.__name__, value, where)
    return _checked(int | float if kind is float else kind, kind.__name__, value, where)


def _decode_fields(kind: Any, value: Any, where: str) -> dict[str, Any]:
    members = _checked(dict, "object", value, where)
    known = {item.name: item for item in fields(kind)}
    needed = {
        name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING
    }
    if wrong := sorted((needed - members.keys()) | (members.keys() - known.keys())):
        problem = "is missing" if wrong[0] in known else "is not one of its fields"
        raise InvalidRequestError(f"{where}.{wrong[0]:.80}: {problem}; make the report again")
    hints = get_type_hints(kind)
    return {name: decode(hints[name], item, f"{where}.{name}") for name, item in members.items()}


def _checked(kind: Any, name: str, value: Any, where: str) -> Any:
    if not isinstance(value, kind):
        raise _mismatch(name, value, where)
    return value


def _mismatch(expected: str, value: Any, where: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{where:.200}: expected {expected}, got {type(value).__name__}; make the report again"
    )
