"""Text behind an encoding: base64, hexadecimal, percent-encoding, entities and escapes."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import Final

from clearway.sensitivity.numbers import has_digits
from clearway.sensitivity.views import Piece, View, excerpt_of

MIN_DECODED: Final = 7
MAX_BLOB: Final = 200_000

_BLOB = re.compile(
    r"[A-Za-z0-9+/_-](?<![A-Za-z0-9+/_-].)[A-Za-z0-9+/_-]{11,}+"
    r"(?:\r?\n[ >]{0,4}[A-Za-z0-9+/]{8,}+)*={0,2}"
)
_HEX = re.compile(
    r"[0-9A-Fa-f\\](?<![0-9A-Za-z].)(?:(?<=[0\\])x[0-9A-Fa-f]{2}|(?<!\\)[0-9A-Fa-f])"
    r"(?:[ :]?(?:0x|\\x)?[0-9A-Fa-f]{2}){6,}(?![0-9A-Za-z])"
)
_HEX_SIGN = re.compile(r"0x|\\x|[ :\s]")
_PART = re.compile(r"[A-Za-z0-9+]{8,}")
_MIXED = re.compile(r"(?=.*[A-Z])(?=.*[a-z0-9])|(?=.*[0-9])", re.DOTALL)
_ESCAPE = re.compile(
    r"[%&\\=](?:(?<=%)[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"
    r"|(?<=&)(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});"
    r"|(?<=\\)(?:u\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}"
    r"|[nrt](?=[A-Z\d+({])|[/\"'@.+_-]|[0-7]{3})"
    r"|(?<=\w=)(?:40|2E|2D|5F)(?=\w)|(?<==)\r?\n)"
)
_PLUS = re.compile(r"(?<=[A-Za-z0-9])\+(?=[A-Za-z0-9])")
_TOKEN_WITH_PERCENT = re.compile(r"(?<!\S)[^\s%]{0,400}%[0-9A-Fa-f]{2}\S*")
_BLANKS: Final = {"\\n": "\n", "\\r": "\n", "\\t": " "}


def base64_view(reading: View) -> View | None:
    """Passages with base64 and hexadecimal blobs decoded; every character stands for its whole blob."""
    text = reading.text
    found = [*_blobs(text), *_hexadecimal(text)] if has_digits(text) else [*_blobs(text)]
    return excerpt_of(reading, "base64", found)


def escaped_view(reading: View) -> View | None:
    """Passages with percent-encoding, HTML entities and source-code escapes undone."""
    text = reading.text
    if not any(sign in text for sign in "%&\\="):
        return None
    return excerpt_of(reading, "percent", _unescaped(text))


def _blobs(text: str) -> Iterator[Piece]:
    for found in _BLOB.finditer(text):
        blob = found.group()
        if not _MIXED.match(blob) and len(blob) < 16:
            continue
        if decoded := _from_base64(blob):
            yield Piece(decoded, found.start(), found.end())
        elif "/" in blob or "\n" in blob or "-" in blob or "_" in blob:
            for part in _PART.finditer(blob):
                if decoded := _from_base64(part.group()):
                    start = found.start()
                    yield Piece(decoded, start + part.start(), start + part.end())


def _from_base64(blob: str) -> str:
    """What a blob says; empty when it is not base64 of readable UTF-8."""
    compact = re.sub(r"[\s>=]", "", blob[:MAX_BLOB]).replace("-", "+").replace("_", "/")
    if len(compact) % 4 == 1:
        compact = compact[:-1]
    try:
        raw = base64.b64decode(compact + "=" * (-len(compact) % 4))
    except ValueError:
        return ""
    return _readable(raw)


def _hexadecimal(text: str) -> Iterator[Piece]:
    for found in _HEX.finditer(text):
        digits = _HEX_SIGN.sub("", found.group())
        if decoded := _readable(bytes.fromhex(digits)):
            yield Piece(decoded, found.start(), found.end())


def _readable(raw: bytes) -> str:
    """Bytes as text when they are UTF-8 of printable characters, some of them letters or digits."""
    try:
        decoded = raw.decode()
    except UnicodeDecodeError:
        return ""
    plain = re.sub(r"[\n\r\t]", " ", decoded)
    if len(plain) < MIN_DECODED or not plain.isprintable():
        return ""
    n_ascii = sum(character.isascii() for character in plain)
    n_words = sum(character.isalnum() for character in plain)
    return decoded if n_ascii * 10 >= len(plain) * 7 and n_words * 3 >= len(plain) * 2 else ""


def _unescaped(text: str) -> Iterator[Piece]:
    for found in _ESCAPE.finditer(text):
        if (plain := _plain(found.group())) != found.group():
            yield Piece(plain, found.start(), found.end())
    if "%" not in text or "+" not in text:
        return
    for token in _TOKEN_WITH_PERCENT.finditer(text):
        for found in _PLUS.finditer(token.group()):
            yield Piece(" ", token.start() + found.start(), token.start() + found.end())


def _plain(escape: str) -> str:
    """What one escape stands for; the escape itself where it stands for nothing."""
    if escape[0] == "%":
        return bytes.fromhex(escape.replace("%", "")).decode(errors="replace")
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "=":
        return "" if escape[-1] == "\n" else chr(int(escape[1:], 16))
    if escape in _BLANKS:
        return _BLANKS[escape]
    if escape[1] in "uUx":
        return _character(int(escape[2:].strip("{}"), 16))
    return _character(int(escape[1:], 8)) if len(escape) == 4 else escape[1]


def _character(code: int) -> str:
    return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else "\ufffd"
