"""Request and Caller: what came in, parsed strictly, every text of it named.

A request is untrusted. Each limit is explicit below and nothing is dropped silently: what cannot be
read becomes a note, and a field that Clearway does not know is read as text like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from clearway.body import MAX_BODY_BYTES as MAX_BODY_BYTES
from clearway.body import kind_of
from clearway.body import parse_json as parse_json
from clearway.errors import InvalidRequestError, RequestTooLargeError

MAX_CHARACTERS: Final = 400_000
MAX_MESSAGES: Final = 2_000
MAX_PARTS: Final = 10_000
MAX_LABELS: Final = 16
MAX_OUTPUT_TOKENS: Final = 10_000_000

ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
REQUEST_FIELDS: Final = frozenset({"id", "caller", "purpose", "session", "labels", "request"})

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")
# A name of these says nothing of anyone: it may stand in a path or an error. Others are text.
_PLAIN_NAME = re.compile(r"[a-z][a-z_]{0,39}")
_LONG_NUMBER: Final = 10**8
# Fields of a chat request that hold no text of the user's: settings, or read elsewhere in this module.
_SETTINGS: Final = frozenset({"messages", "model", "max_tokens", "max_completion_tokens"})

_MESSAGE_FIELDS: Final = frozenset({"role", "content"})
_TEXT_FIELDS: Final = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_IMAGES: Final = frozenset({"image", "image_url", "input_image"})
# Encoded bytes of an image or a file, as OpenAI and Anthropic write them: noted, not read as text.
_DATA_URL = re.compile(r"data:[a-z0-9.+/-]+;base64,[A-Za-z0-9+/=_-]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]*")

Need = Literal["tools", "vision", "json"]
_Container = TypeVar("_Container", dict[str, Any], list[Any])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the non-human identity and, where it acts for someone, the user.

    Attributes:
        agent: Registered id of the agent or service.
        user: Registered id of the user it acts for, or None.
        verified_by: How the identity was established: `command_line`, `loopback` or `static_token`.
        gateway: Registered id of the gateway that spoke for the agent, or None.
    """

    agent: str
    user: str | None = None
    verified_by: str = "command_line"
    gateway: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """JSON form, as in records."""
        return {
            "agent": self.agent,
            "user": self.user,
            "verified_by": self.verified_by,
            "gateway": self.gateway,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """One text of a request and where it stood; `repr` shows the place and the size only."""

    path: str
    role: str
    text: str = field(repr=False)

    def __repr__(self) -> str:
        return f"Part(path={self.path!r}, role={self.role!r}, n_characters={len(self.text)})"


@dataclass(frozen=True, slots=True)
class Request:
    """A chat request plus who sent it, in which session, for which purpose.

    Attributes:
        id: The client's id, unique for each caller.
        caller: Who asks, as verified.
        purpose: Registered purpose of the caller.
        session: Session id, or None; an empty id is no session.
        labels: Data classes or levels that the caller declares; they only raise.
        parts: Every text, in order: messages, names, tool calls, tools, unknown fields.
        needs: Capabilities that the answer requires.
        max_output_tokens: The caller's own bound, or None.
        notes: Sorted codes of what could not be read (`image`, `unread_part`).
        body: What the caller sent and is committed to: everything but the id.
    """

    id: str
    caller: Caller
    purpose: str
    parts: tuple[Part, ...] = field(repr=False)
    session: str | None = field(default=None, repr=False)
    labels: tuple[str, ...] = ()
    needs: frozenset[Need] = frozenset()
    max_output_tokens: int | None = None
    notes: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    @property
    def n_characters(self) -> int:
        """Characters over all parts."""
        return sum(len(part.text) for part in self.parts)


def parse_request(line: Mapping[str, Any], *, caller: Caller, purpose: str, fallback_id: str) -> Request:
    """Request from a parsed line whose caller and purpose have been resolved.

    Args:
        line: The object of the command-line contract, as `parse_json` returns it; `caller` and `purpose` in
            it are not read again.
        caller: The verified caller.
        purpose: The purpose, registered to the caller.
        fallback_id: Id to use where the client gave none.

    Raises:
        InvalidRequestError: A field is unknown, missing or of the wrong type.
        RequestTooLargeError: More text than `MAX_CHARACTERS`, or too many messages or parts.
    """
    unknown = sorted(set(line) - REQUEST_FIELDS)
    if unknown:
        raise InvalidRequestError(
            f"{_quoted(unknown[0])}: unknown field; expected only {', '.join(sorted(REQUEST_FIELDS))}"
        )
    if "request" not in line:
        raise InvalidRequestError("request: required field is missing")
    chat = _expect(line["request"], dict, "request")
    session = line.get("session")
    if session is not None and (not isinstance(session, str) or len(session) > 256):
        raise InvalidRequestError("session: expected a string of at most 256 characters")
    parts, notes, needs = _read_chat(chat)
    return Request(
        id=parse_identifier(line.get("id", fallback_id), "id"),
        caller=caller,
        purpose=purpose,
        parts=parts,
        session=session or None,
        labels=_labels(line.get("labels", [])),
        needs=needs,
        max_output_tokens=_max_output_tokens(chat),
        notes=notes,
        body=MappingProxyType(
            {"caller": caller.as_json(), **{k: v for k, v in line.items() if k not in ("id", "caller")}}
        ),
    )


def parse_identity(value: object) -> tuple[str, str | None]:
    """Agent and user of a `caller` field: a string, or an object with `agent` and perhaps `user`.

    Raises:
        InvalidRequestError: Anything else.
    """
    if isinstance(value, dict) and set(value) <= {"agent", "user"} and "agent" in value:
        user = value.get("user")
        return parse_identifier(value["agent"], "caller.agent"), None if user is None else parse_identifier(
            user, "caller.user"
        )
    if isinstance(value, str):
        return parse_identifier(value, "caller"), None
    raise InvalidRequestError("caller: expected a string, or an object with agent and optionally user")


def _read_chat(chat: Mapping[str, Any]) -> tuple[tuple[Part, ...], tuple[str, ...], frozenset[Need]]:
    messages = _expect(chat.get("messages"), list, "request.messages")
    if not messages:
        raise InvalidRequestError("request.messages: expected at least one message, got none")
    if len(messages) > MAX_MESSAGES:
        raise RequestTooLargeError(f"request.messages: expected at most {MAX_MESSAGES}, got {len(messages)}")
    parts: list[Part] = []
    notes: set[str] = set()
    for index, message in enumerate(messages):
        _read_message(
            _expect(message, dict, f"request.messages[{index}]"), f"messages[{index}]", parts, notes
        )
    parts.extend(_other_texts(chat, _SETTINGS, "", "setting"))
    if len(parts) > MAX_PARTS:
        raise RequestTooLargeError(f"request: expected at most {MAX_PARTS} texts, got {len(parts)}")
    n_characters = sum(len(part.text) for part in parts)
    if n_characters > MAX_CHARACTERS:
        raise RequestTooLargeError(
            f"request: expected at most {MAX_CHARACTERS} characters, got {n_characters}"
        )
    return tuple(parts), tuple(sorted(notes)), _needs(chat, notes)


def _read_message(message: Mapping[str, Any], path: str, parts: list[Part], notes: set[str]) -> None:
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise InvalidRequestError(f"request.{path}.role: expected one of {', '.join(sorted(ROLES))}")
    content = message.get("content")
    if isinstance(content, str):
        parts.append(Part(f"{path}.content", role, content))
    elif isinstance(content, list):
        for index, item in enumerate(content):
            _read_content(
                _expect(item, dict, f"request.{path}.content[{index}]"),
                f"{path}.content[{index}]",
                role,
                parts,
                notes,
            )
    elif content is not None or set(message) == {"role"}:
        raise InvalidRequestError(f"request.{path}.content: expected a string or a list of parts")
    parts.extend(_other_texts(message, _MESSAGE_FIELDS, f"{path}.", role))


def _read_content(item: Mapping[str, Any], path: str, role: str, parts: list[Part], notes: set[str]) -> None:
    kind = item.get("type")
    if not isinstance(kind, str):
        raise InvalidRequestError(f"request.{path}.type: expected a string")
    read = {"type"} if _PLAIN_NAME.fullmatch(kind) else set()
    if kind in _TEXT_FIELDS:
        name = _TEXT_FIELDS[kind]
        text = item.get(name)
        if not isinstance(text, str):
            raise InvalidRequestError(f"request.{path}.{name}: expected a string")
        parts.append(Part(f"{path}.{name}", role, text))
        read.add(name)
    else:
        notes.add("image" if kind in _IMAGES else "unread_part")
        item = _without_bytes(item)
    parts.extend(_other_texts(item, frozenset(read), f"{path}.", role))


def _other_texts(node: Mapping[str, Any], read: frozenset[str], prefix: str, role: str) -> list[Part]:
    """Texts of the fields that have not been read: the provider sees them, so they are scored too."""
    names = sorted(set(node) - read)
    plain = [name for name in names if _PLAIN_NAME.fullmatch(name)]
    parts = [Part(f"{prefix}{name}", role, _as_text(node[name])) for name in plain if _has_text(node[name])]
    unusual = {name: node[name] for name in names if name not in plain}
    return [*parts, Part(f"{prefix}*", role, _as_text(unusual))] if unusual else parts


def _without_bytes(node: Any) -> Any:
    """The content part of an image or a file without its encoded bytes."""
    if isinstance(node, dict):
        return {k: _without_bytes(v) for k, v in node.items() if not _is_bytes(k, v)}
    return [_without_bytes(item) for item in node] if isinstance(node, list) else node


def _is_bytes(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if name in ("data", "file_data") and _BASE64.fullmatch(value):
        return True
    return name in ("url", "image_url", "file_data") and bool(_DATA_URL.fullmatch(value))


def _needs(chat: Mapping[str, Any], notes: set[str]) -> frozenset[Need]:
    needs: set[Need] = set()
    if chat.get("tools") or chat.get("functions"):
        needs.add("tools")
    if "image" in notes:
        needs.add("vision")
    response_format = chat.get("response_format")
    if isinstance(response_format, dict) and response_format.get("type") in ("json_object", "json_schema"):
        needs.add("json")
    return frozenset(needs)


def _max_output_tokens(chat: Mapping[str, Any]) -> int | None:
    given = []
    for name in ("max_completion_tokens", "max_tokens"):
        value = chat.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_OUTPUT_TOKENS:
            raise InvalidRequestError(f"request.{name}: expected an integer from 1 to {MAX_OUTPUT_TOKENS}")
        given.append(value)
    return given[0] if given else None


def _labels(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_LABELS:
        raise InvalidRequestError(f"labels: expected a list of at most {MAX_LABELS} strings")
    return tuple(sorted({parse_identifier(label, "labels") for label in value}))


def parse_identifier(value: object, name: str) -> str:
    """An id, which unlike free text may stand in records.

    Raises:
        InvalidRequestError: It is not a string, or not of the form of an id.
    """
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise InvalidRequestError(
            f"{name}: expected 1 to 128 letters, digits and ._:/@- starting with a letter or digit"
        )
    return value


def _expect(value: object, kind: type[_Container], name: str) -> _Container:
    if not isinstance(value, kind):
        raise InvalidRequestError(f"{name}: expected {kind_of(kind())}, got {kind_of(value)}")
    return value


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else "a field"


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _has_text(value: object) -> bool:
    """Whether there is something to read: a text, a key, or a number as long as one that names a person."""
    if isinstance(value, list):
        return any(_has_text(item) for item in value)
    if isinstance(value, (int, float)):
        return abs(value) >= _LONG_NUMBER
    return bool(value)


def assessment_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """Request line of an assessment's input, which has either `text` or `messages`.

    Raises:
        InvalidRequestError: Neither or both, or an unknown field.
    """
    unknown = sorted(set(line) - {"id", "text", "messages"})
    if unknown or ("text" in line) == ("messages" in line):
        raise InvalidRequestError("input: expected id and either text or messages")
    if "messages" in line:
        messages = line["messages"]
    elif isinstance(line["text"], str):
        messages = [{"role": "user", "content": line["text"]}]
    else:
        raise InvalidRequestError("text: expected a string")
    return {**({"id": line["id"]} if "id" in line else {}), "request": {"messages": messages}}
