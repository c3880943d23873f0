"""Request and Caller: what came in, parsed strictly, every text of it named.

A request is untrusted. Each limit is explicit below and nothing is dropped silently: what cannot be
read becomes a note, and a field that Clearway does not know is read as text like any other.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

from clearway.body import MAX_BODY_BYTES as MAX_BODY_BYTES
from clearway.body import kind_of
from clearway.body import parse_json as parse_json
from clearway.errors import InvalidRequestError, RequestTooLargeError
from clearway.fields import number_text, read_field, read_inner

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
_LONG_NUMBER_DIGITS: Final = 6
# Fields of a chat request that hold no text of the user's: settings, or read elsewhere in this module.
_SETTINGS: Final = frozenset({"messages", "model", "max_tokens", "max_completion_tokens"})

_MESSAGE_FIELDS: Final = frozenset({"role", "content"})
_TEXT_FIELDS: Final = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
_IMAGES: Final = frozenset({"image", "image_url", "input_image"})
# Where a part holds its bytes, as OpenAI and Anthropic write them; noted, not read as text.
_BYTES: Final = frozenset({"url", "image_url", "data", "file_data"})
_DATA_URL = re.compile(r"data:[a-z0-9.+/-]+;base64,[A-Za-z0-9+/=_-]*")
_IMAGE_URL = re.compile(r"data:image/[a-z0-9.+-]+;base64,")
_IMAGE_STARTS: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
# Names of content that lies at the provider: an earlier conversation, a file, an answer in sound.
_REFERENCES: Final = frozenset(
    {"previous_response_id", "conversation", "file_id", "file_ids", "vector_store_ids", "audio_id"}
)

Need = Literal["tools", "vision", "json"]
_Container = TypeVar("_Container", dict[str, Any], list[Any])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the non-human identity and, where it acts for someone, the user.

    Attributes:
        agent: Registered id of the agent or service.
        user: Registered id of the user it acts for, or None.
        verified_by: How the identity was established: `command_line`, `loopback`, `static_token`,
            `static_key:ID`, `jwt:ISSUER` or `spiffe:ISSUER`.
        gateway: Registered id of the gateway that spoke for the agent, or None.
        chain: Registered ids of the agents between the agent and the user, nearest to the agent first.
    """

    agent: str
    user: str | None = None
    verified_by: str = "command_line"
    gateway: str | None = None
    chain: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """JSON form, as in records."""
        return {
            "agent": self.agent,
            "user": self.user,
            "verified_by": self.verified_by,
            "gateway": self.gateway,
            "chain": list(self.chain),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Caller:
        """The inverse of `as_json`; records of format 1 have no chain."""
        return cls(**{**value, "chain": tuple(value.get("chain", ()))})


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
            {"caller": _committed(caller), **{k: v for k, v in line.items() if k not in ("id", "caller")}}
        ),
    )


def _committed(caller: Caller) -> dict[str, Any]:
    """The caller as commitments bind it: without a chain as it was before there were any."""
    return {name: value for name, value in caller.as_json().items() if name != "chain" or value}


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
    if _refers_elsewhere(chat):
        notes.add("unread_part")
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
        parts.extend(_text_parts(f"{path}.content", role, content))
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
    if message.get("audio") or message.get(
        "image_url"
    ):  # an earlier answer in sound, or a picture beside the text
        notes.add("unread_part")
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
        parts.extend(_text_parts(f"{path}.{name}", role, text))
        read.add(name)
    else:
        notes.add("image" if kind in _IMAGES else "unread_part")
        item = _without_bytes(item, _is_image if kind in _IMAGES else _is_encoded)
        if "data:" in read_field("", item):  # some other file in the place of the image
            notes.add("unread_part")
    parts.extend(_other_texts(item, frozenset(read), f"{path}.", role))


def _other_texts(node: Mapping[str, Any], read: frozenset[str], prefix: str, role: str) -> list[Part]:
    """Texts of the fields that have not been read: the provider sees them, so they are scored too."""
    names = sorted(set(node) - read)
    plain = [name for name in names if _PLAIN_NAME.fullmatch(name)]
    parts = [
        Part(f"{prefix}{name}", role, read_field(name, node[name])) for name in plain if _has_text(node[name])
    ]
    unusual = {name: node[name] for name in names if name not in plain}
    return [*parts, Part(f"{prefix}*", role, read_field("", unusual))] if unusual else parts


def _without_bytes(node: Any, is_bytes: Callable[[str], bool]) -> Any:
    """A part without its encoded bytes; whatever only stands in their place stays, to be read as text."""
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if not (k in _BYTES and isinstance(v, str) and is_bytes(v))}
        return {k: _without_bytes(v, is_bytes) for k, v in kept.items()}
    return node


def _is_image(text: str) -> bool:
    """Whether a text is the encoded bytes of an image, by what the bytes begin with."""
    encoded = _IMAGE_URL.sub("", text, count=1)
    if not _BASE64.fullmatch(encoded):
        return False
    start = base64.b64decode(encoded.rstrip("=")[:16].ljust(16, "A"), validate=True)
    return start.startswith(_IMAGE_STARTS) or (start.startswith(b"RIFF") and start[8:12] == b"WEBP")


def _is_encoded(text: str) -> bool:
    """Whether a text may be the bytes of a file: enough for a part that no model is known to read."""
    return bool(_DATA_URL.fullmatch(text) or _BASE64.fullmatch(text))


def _refers_elsewhere(node: Any) -> bool:
    """Whether a value names content that the provider has and we do not see."""
    if isinstance(node, dict):
        return any((k in _REFERENCES and bool(v)) or _refers_elsewhere(v) for k, v in node.items())
    return isinstance(node, list) and any(map(_refers_elsewhere, node))


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
    return max(given, default=None)


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


def _text_parts(path: str, role: str, text: str) -> list[Part]:
    """A text, and what it says inside where it is itself escaped JSON, as a tool's result often is."""
    inner = read_inner(text)
    return [Part(path, role, text), *([Part(f"{path}.json", role, inner)] if inner else [])]


def _has_text(value: object) -> bool:
    """Whether there is something to read: a text, a key, or a number too long for a setting."""
    if isinstance(value, list):
        return any(_has_text(item) for item in value)
    if isinstance(value, (int, float)):
        return len(number_text(value)) >= _LONG_NUMBER_DIGITS
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
