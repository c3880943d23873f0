"""Disguises of one sensitive value, by trick, to measure how many the detector sees through.

Written from what people and programs do to values, not from what the detector undoes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

_ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff"
_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_CYRILLIC: Final = dict(zip("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ", strict=True))  # noqa: RUF001
_GREEK: Final = dict(zip("ovABEZHIKMNOPTYX", "ονΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", strict=True))  # noqa: RUF001
_LEET: Final = dict(zip("aeiost", "431057", strict=True))
_LETTERS_FOR_DIGITS: Final = {"0": "O", "1": "l", "5": "S", "8": "B"}

Trick = Callable[[str, Random], str]


def evade(name: str, value: str, seed: int) -> str:
    """A value in disguise.

    Args:
        name: A trick of `EVASIONS`.
        value: A card number, an address, a key or the like.
        seed: Same seed, same disguise.

    Raises:
        KeyError: No such trick.

    >>> evade("dotted", "4111", 0)
    '4.1.1.1'
    """
    return EVASIONS[name](value, Random(f"{name}:{seed}"))  # noqa: S311


def split_across(value: str, random: Random) -> Mapping[str, tuple[str, ...]]:
    """A value cut in two or three, as it lands in the parts of a request.

    Returns:
        By way of splitting: the texts of neighbouring parts. "turns" and "tool_results" are whole messages,
        "json_fields" the leaves of one object, "chunks" pieces cut at any character.
    """
    middle = random.randrange(max(1, len(value) // 3), max(2, 2 * len(value) // 3 + 1))
    left, right = value[:middle], value[middle:]
    third = max(1, len(value) // 3)
    return MappingProxyType(
        {
            "turns": (f"The first half is {left}", f"{right} is the rest of it"),
            "turns_bare": (left, right),
            "tool_results": (f"row 1: {left}", f"{right}\nrow 2: done"),
            "json_fields": (left, right),
            "json_three": (value[:third], value[third : 2 * third], value[2 * third :]),
            "chunks": (f"Please note {left}", right + " and go on"),
        }
    )


def _sprinkled(signs: str) -> Trick:
    """One of the signs after each character or so."""
    return lambda value, random: "".join(
        c + (random.choice(signs) if i == 0 or random.random() < 0.6 else "") for i, c in enumerate(value)
    )


def _shifted(letter_upper: int, letter_lower: int, digit: int) -> Trick:
    """Letters and digits moved to another block of Unicode; 0 leaves them."""

    def shift(value: str, _random: Random) -> str:
        return "".join(_moved(c, letter_upper, letter_lower, digit) for c in value)

    return shift


def _moved(character: str, upper: int, lower: int, digit: int) -> str:
    if "A" <= character <= "Z" and upper:
        return chr(upper + ord(character) - ord("A"))
    if "a" <= character <= "z" and lower:
        return chr(lower + ord(character) - ord("a"))
    if "0" <= character <= "9" and digit:
        return chr(digit + ord(character) - ord("0"))
    return character


def _mapped(table: Mapping[str, str]) -> Trick:
    return lambda value, _random: "".join(table.get(c, c) for c in value)


def _joined(separator: str) -> Trick:
    """Every character apart; blanks that were there stay out, and the dashes of numbers."""
    return lambda value, _random: separator.join(_compact(value))


def _compact(value: str) -> str:
    """A value without blanks, and a number without dashes and brackets."""
    is_number = not any(map(str.isalpha, value))
    return "".join(c for c in value if not c.isspace() and not (is_number and c in "-()"))


def _spelled(separator: str, *, keep: bool = False, mixed: bool = False) -> Trick:
    """Digits as words; `keep` says the other signs too, `mixed` leaves every second digit."""

    def spell(value: str, _random: Random) -> str:
        said = {"-": "dash", "+": "plus", ".": "dot", "@": "at"} if keep else {"+": "plus"}
        parts = []
        for index, character in enumerate(value):
            if character.isdigit():
                parts.append(character if mixed and index % 2 else _WORDS[int(character)])
            elif character in said or character.isalpha():
                parts.append(said.get(character, character))
        return separator.join(parts)

    return spell


def _doubled(value: str, _random: Random) -> str:
    """Digits as words, with "double" and "oh"."""
    digits = [c for c in value if c.isdigit()]
    words, index = [], 0
    while index < len(digits):
        word = "oh" if digits[index] == "0" else _WORDS[int(digits[index])]
        pair = index + 1 < len(digits) and digits[index] == digits[index + 1]
        words.append(f"double {word}" if pair else word)
        index += 2 if pair else 1
    return " ".join(words)


def _regrouped(separator: str) -> Trick:
    """A number in groups of two to five; addresses and keys, which nobody groups, stay."""

    def regroup(value: str, random: Random) -> str:
        if "@" in value or any(c.islower() for c in value) or sum(map(str.isdigit, value)) * 2 < len(value):
            return value
        rest, groups = _compact(value), []
        while rest:
            size = random.randint(2, 5)
            groups.append(rest[:size])
            rest = rest[size:]
        return separator.join(groups)

    return regroup


def _cut(mark: str, *, n: int = 2) -> Trick:
    """A mark put inside the value at n places."""

    def cut(value: str, random: Random) -> str:
        places = sorted(random.sample(range(1, len(value)), min(n, len(value) - 1)), reverse=True)
        for place in places:
            value = value[:place] + mark + value[place:]
        return value

    return cut


def _around(left: str, right: str) -> Trick:
    """Marks round a stretch inside the value."""

    def surround(value: str, random: Random) -> str:
        start = random.randrange(1, max(2, len(value) // 2))
        end = random.randrange(start + 1, len(value))
        return value[:start] + left + value[start:end] + right + value[end:]

    return surround


def _address(at: str, dot: str) -> Trick:
    return lambda value, _random: value.replace("@", at).replace(".", dot)


def _base64(value: str, _random: Random) -> str:
    return base64.b64encode(value.encode()).decode()


def _base64_url_safe(value: str, _random: Random) -> str:
    return base64.urlsafe_b64encode(f"id:{value}".encode()).decode().rstrip("=")


def _base64_of_sentence(value: str, _random: Random) -> str:
    return base64.b64encode(f"the value is {value} as agreed".encode()).decode()


def _wrapped_base64(value: str, _random: Random) -> str:
    coded = base64.b64encode(
        f"Please keep this for the whole team: {value} is all we have.".encode()
    ).decode()
    return "\n".join(coded[index : index + 40] for index in range(0, len(coded), 40))


def _percent_all(value: str, _random: Random) -> str:
    return "".join(f"%{byte:02X}" for byte in value.encode())


EVASIONS: Final[Mapping[str, Trick]] = MappingProxyType(
    {
        "zero_width": _sprinkled(_ZERO_WIDTH),
        "soft_hyphen": _sprinkled("\u00ad"),
        "bidi_controls": _sprinkled("\u202a\u202c\u2066\u2069"),
        "variation_selectors": _sprinkled("\ufe0f\ufe0e"),
        "combining_strike": _sprinkled("\u0336"),
        "tag_characters": lambda value, _random: "".join(chr(0xE0000 + ord(c)) for c in value),
        "digits_full_width": _shifted(0, 0, 0xFF10),
        "all_full_width": _mapped({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}),
        "mathematical_bold": _shifted(0x1D400, 0x1D41A, 0x1D7CE),
        "mathematical_monospace": _shifted(0x1D670, 0x1D68A, 0x1D7F6),
        "arabic_digits": _shifted(0, 0, 0x0660),
        "devanagari_digits": _shifted(0, 0, 0x0966),
        "circled_letters": _shifted(0x24B6, 0x24D0, 0),
        "keycap_digits": _mapped({digit: digit + "\ufe0f\u20e3" for digit in "0123456789"}),
        "homoglyphs_cyrillic": _mapped(_CYRILLIC),
        "homoglyphs_greek": _mapped(_GREEK),
        "letters_for_digits": _mapped(_LETTERS_FOR_DIGITS),
        "base64": _base64,
        "base64_url_safe": _base64_url_safe,
        "base64_sentence": _base64_of_sentence,
        "base64_wrapped": _wrapped_base64,
        "base64_twice": lambda value, random: _base64(_base64(value, random), random),
        "hexadecimal": lambda value, _random: value.encode().hex(),
        "hexadecimal_spaced": lambda value, _random: value.encode().hex(" "),
        "percent_signs": lambda value, _random: quote(value, safe=""),
        "percent_all": _percent_all,
        "percent_twice": lambda value, random: quote(_percent_all(value, random), safe=""),
        "html_decimal": lambda value, _random: "".join(f"&#{ord(c)};" for c in value),
        "html_hexadecimal": lambda value, _random: "".join(f"&#x{ord(c):x};" for c in value),
        "html_named": _mapped({"@": "&commat;", ".": "&period;", "_": "&lowbar;"}),
        "unicode_escapes": lambda value, _random: "".join(f"\\u{ord(c):04x}" for c in value),
        "byte_escapes": lambda value, _random: "".join(f"\\x{ord(c):02x}" for c in value),
        "json_string": lambda value, _random: json.dumps(json.dumps({"v": "\n" + value})),
        "spaced": _joined(" "),
        "spaced_wide": _joined("  "),
        "dotted": _joined("."),
        "dashed": _joined("-"),
        "slashed": _joined("/"),
        "underscored": _joined("_"),
        "comma_separated": _joined(", "),
        "one_per_line": _joined("\n"),
        "no_break_spaces": _joined("\u00a0"),
        "regrouped_blanks": _regrouped(" "),
        "regrouped_dashes": _regrouped("-"),
        "regrouped_dots": _regrouped("."),
        "regrouped_mixed": _regrouped(" - "),
        "spelled": _spelled(" "),
        "spelled_commas": _spelled(", "),
        "spelled_dashes": _spelled("-"),
        "spelled_all": _spelled(" ", keep=True),
        "spelled_mixed": _spelled(" ", mixed=True),
        "spelled_double": _doubled,
        "leetspeak": _mapped(_LEET),
        "at_dot_words": _address(" at ", " dot "),
        "at_dot_upper": _address(" AT ", " DOT "),
        "at_dot_square": _address("[at]", "[dot]"),
        "at_dot_round": _address(" (at) ", " (dot) "),
        "at_dot_curly": _address("{at}", "{dot}"),
        "at_dot_angle": _address(" <at> ", " <dot> "),
        "at_dot_underscored": _address("_at_", "_dot_"),
        "at_word_only": _address(" at ", "."),
        "at_spaced": _address(" @ ", " . "),
        "at_sign_words": _address(" at-sign ", " point "),
        "bold_inside": _around("**", "**"),
        "italic_inside": _around("*", "*"),
        "code_inside": _around("`", "`"),
        "tag_inside": _around("<b>", "</b>"),
        "strike_inside": _around("~~", "~~"),
        "comment_inside": _cut("<!-- x -->", n=1),
        "escaped_marks": lambda value, _random: "".join(c if c.isalnum() else "\\" + c for c in value),
        "line_break": _cut("\n", n=1),
        "quoted_lines": _cut("\n> ", n=1),
        "table_cells": lambda value, random: "| " + _regrouped(" | ")(value, random) + " |",
        "code_strings": _cut('" + "', n=2),
        "code_lines": _cut('"\n    "', n=1),
    }
)  # fmt: skip
"""Tricks by name. Those for numbers leave letters alone and the other way round; see `changes`."""


def changes(name: str, value: str, seed: int = 0) -> bool:
    """Whether a trick does anything to a value: words for "@" leave a card number as it is."""
    return evade(name, value, seed) != value
