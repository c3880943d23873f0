"""Characters that look like others: invisible, wide, mathematical, and letters of other alphabets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from clearway.sensitivity.views import Piece

# Format characters, fillers, variation selectors (Unicode 15, Default_Ignorable_Code_Point) and overlays.
_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e007f"
    "\U000e0100-\U000e01ef\u0332-\u0338\u20d0-\u20f0"
)
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2212\ufe58\ufe63\uff0d\u2043"
_SPACES: Final = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_POINTS: Final = "\u2024\ufe52\uff0e\uff61"
# Where single characters fold to ASCII under NFKC, or are digits of some script.
_RANGES: Final = (
    (0x0660, 0x1100),
    (0x1780, 0x1B60),
    (0x1C40, 0x1DC0),
    (0x2100, 0x2190),
    (0x2460, 0x2500),
    (0x2776, 0x2794),
    (0xA620, 0xAC00),
    (0xFE50, 0xFF70),
    (0x104A0, 0x104AA),
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F190),
    (0x1FBF0, 0x1FBFA),
)
# Letters of other alphabets and what they look like (Unicode TR 39, the part that reads as Latin).
_LOOKALIKES: Final = dict(
    zip(
        "АВЕЅІЈКМНОРСТХҮаеѕіјорсухһԁԛԝүіҽӏѵѡгптΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεηικνορτυχϲϳγωσօոսհցԼՕՍႽᎪᏴᏟᎠᎬᏀᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᏔᏃ",
        "ABESIJKMHOPCTXYaesijopcyxhdqwyielvwrntABEZHIKMNOPTYXaenikvoptuxcjywoonuhgLOUSABCDEGHJKLMPRSTVWZ",
        strict=True,
    )
)
_SMALL_CAPITALS: Final = dict(
    zip("ᴀʙᴄᴅᴇғɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢɑɡıȷℓ", "abcdefghijklmnoprtuvwyzagijl", strict=True)
)


def _single(code: int) -> str:
    """The ASCII letter, digit or sign that a character is a form of; empty when none."""
    character = chr(code)
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    if len(folded) == 1 and folded.isascii() and folded.isprintable() and not folded.isspace():
        return folded
    name = unicodedata.name(character, "")
    if name.startswith(("NEGATIVE CIRCLED LATIN", "NEGATIVE SQUARED LATIN", "SQUARED LATIN")):
        return name[-1]
    return folded[1] if re.fullmatch(r"\([a-z0-9]\)", folded) else ""


def _table() -> dict[int, str]:
    table = {
        code: found for first, last in _RANGES for code in range(first, last) if (found := _single(code))
    }
    table |= {ord(key): value for key, value in _SMALL_CAPITALS.items()}
    table |= dict.fromkeys(map(ord, _DASHES), "-") | dict.fromkeys(map(ord, _SPACES), " ")
    table |= dict.fromkeys(map(ord, _POINTS), ".")
    # Tag characters repeat ASCII invisibly (U+E0020 to U+E007E).
    return table | {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}


_FOLDED: Final = _table()
# Raised and lowered digits are powers and notes unless they come in numbers.
_RAISED: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789", strict=True))
_RAISED_RUN = re.compile(f"[{''.join(_RAISED)}]{{3,}}")
_RAISED_TABLE: Final = str.maketrans(_RAISED)
_ALIKE: Final = {ord(key): value for key, value in _LOOKALIKES.items()}
_OTHER_LETTERS: Final = "\u0370-\u052f\u0531-\u0587\u10bd\u13a0-\u13f5"


def _members(ranges: str) -> frozenset[str]:
    """The characters that the inside of a character class stands for."""
    found = re.findall(r"(.)-(.)|(.)", ranges, re.DOTALL)
    singles = {single for _, _, single in found if single}
    spans = (range(ord(low), ord(high) + 1) for low, high, single in found if not single)
    return frozenset(singles | {chr(code) for span in spans for code in span})


# Sets, as a class that reaches beyond the 16-bit characters is slow to search for.
_DROPPABLE: Final = _members(_INVISIBLE + "\u0300-\u036f")
_DISGUISES: Final = _DROPPABLE | _members(_OTHER_LETTERS) | set(_RAISED) | set(map(chr, _FOLDED))
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_OTHER_ALPHABET = re.compile(f"[{_OTHER_LETTERS}]")
_TOKEN = re.compile(r"[^\s<>()\[\]{}\"',;:|]{2,}")
_DROPPED = re.compile(f"[{_INVISIBLE}]|(?<![^\\W\\d_])[\u0300-\u036f]+|[\u0300-\u036f]{{2,}}")


def is_disguised(text: str) -> bool:
    """Whether any character may be invisible or stand for another; ASCII text never is."""
    return not text.isascii() and not _DISGUISES.isdisjoint(_NOT_ASCII.findall(text))


def folded_pieces(text: str) -> Iterator[Piece]:
    """The text with invisible characters dropped and lookalikes replaced, one character for one."""
    plain = _without_lookalikes(_NOT_ASCII.sub(lambda found: found.group().translate(_FOLDED), text))
    plain = _RAISED_RUN.sub(lambda found: found.group().translate(_RAISED_TABLE), plain)
    start = 0
    if not _DROPPABLE.isdisjoint(_NOT_ASCII.findall(plain)):
        for found in _DROPPED.finditer(plain):
            yield Piece(plain[start : found.start()], start, found.start())
            start = found.end()
    yield Piece(plain[start:], start, len(plain))


def _without_lookalikes(text: str) -> str:
    """Letters of other alphabets replaced where a word mixes them with Latin, or in a text of lookalikes."""
    if not (others := set(_OTHER_ALPHABET.findall(text))):
        return text
    everywhere = all(ord(letter) in _ALIKE for letter in others)
    return _TOKEN.sub(lambda found: _token(found.group(), everywhere=everywhere), text)


def _token(token: str, *, everywhere: bool) -> str:
    if token.isascii() or not (others := _OTHER_ALPHABET.findall(token)):
        return token
    if not all(ord(letter) in _ALIKE for letter in others):
        return token
    if everywhere or any(character.isascii() and character.isalnum() for character in token):
        return token.translate(_ALIKE)
    return token
