"""Numbers in disguise: digits in words, one by one, grouped strangely, or with letters for digits."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clearway.sensitivity.views import Piece, View, excerpt_of

MAX_UNITS: Final = 1_000
MAX_DIGITS: Final = 19
MIN_IBAN_DIGITS: Final = 10

_ONES: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS: Final = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_DIGIT_OF: Final = {
    **{word: str(value) for value, word in enumerate(_ONES)},
    **{word: str(value) for value, word in enumerate(_TEENS, 10)},
    **{word: str(value) for value, word in zip(range(20, 100, 10), _TENS, strict=True)},
    **dict.fromkeys(("oh", "o", "nought", "null", "nil"), "0"),
    "fife": "5",
    "niner": "9",
    "tree": "3",
    "fower": "4",
    "for": "4",
    "won": "1",
    "too": "2",
    "ate": "8",
    **{
        word: str(value)
        for value, word in enumerate(
            ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"]
        )
    },
    **{
        word: str(value)
        for value, word in enumerate(
            ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
        )
    },
    **{
        word: str(value)
        for value, word in enumerate(
            ["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"]
        )
    },
}
# Words that are other words too count only beside spelled digits.
_WEAK: Final = frozenset(["o", "oh", "for", "won", "too", "ate", "tree", "un", "null", "nil"])
_STRONG: Final = frozenset(_DIGIT_OF) - _WEAK
_REPEATS: Final = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_SCALES: Final = {"hundred": "00", "thousand": "000"}
_WORD: Final = "|".join(sorted({*_DIGIT_OF, *_REPEATS, *_SCALES}, key=len, reverse=True))
_SPOKEN: Final = r"(?:dash|hyphen|minus|space|dot|point|slash|then|and|comma)"
_GAP: Final = r"[\W_]{1,8}"
_SPOKEN_GAP: Final = rf"(?:[\W_]{{1,4}}{_SPOKEN}[\W_]{{1,4}}|{_GAP})"
_DIGITS_RUN = re.compile(
    rf"\d(?<!\d\d)\d{{0,{MAX_DIGITS - 1}}}+(?:{_GAP}\d{{1,{MAX_DIGITS}}}+){{1,400}}(?!\d)"
)
_UNIT: Final = rf"(?:\d{{1,{MAX_DIGITS}}}+|(?:{_WORD})(?![^\W_]))"
_WORDS_RUN = re.compile(rf"(?<![^\W_]){_UNIT}(?:{_SPOKEN_GAP}{_UNIT}){{2,400}}", re.IGNORECASE)
_UNITS = re.compile(rf"\d+|(?:{_WORD})(?![^\W_])", re.IGNORECASE)
# Expressions begin with what a match begins with, and look behind it after that: `re` searches these faster.
_ENOUGH_DIGITS = re.compile(r"(?:\D*+\d){5}")
# As many digits as an IBAN has, with at most so much between them as an IBAN may have.
_MANY_DIGITS = re.compile(r"\d(?:\D{0,125}+\d){9}")
_PLAIN = re.compile(
    r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5}|\d{3}-\d{2}-\d{4}|\d{3}[-. ]\d{3}[-. ]\d{4}"
    r"|\d{3}\) ?\d{3}[-. ]\d{4}|1[-. ]\d{3}[-. ]\d{3}[-. ]\d{4}"
)
_TELLING = re.compile(
    r"(?i)(?:\b|_)(?:ssn|social|security|sin|tin|ein|itin|tax|phone|telephone|call|cell|mobile|tel|fax|text|reach|dial|whatsapp"
    r"|account|acct|routing|iban|passport|licen[cs]e|card|visa|amex|credit|debit|contact)(?:\b|_)"
)
_LEET_RUN = re.compile(
    r"[0-9OoQDlIi|!SsBZzbGgqA](?<![A-Za-z0-9].)(?:[ .()-]{0,2}[0-9OoQDlIi|!SsBZzbGgqA]){8,22}(?![A-Za-z0-9])"
)
_LEET_SIGN = re.compile(r"\d[ .()-]{0,2}[OoQDlISBZ|]|[OoQDlISBZ|][ .()-]{0,2}\d")
_LEET: Final = str.maketrans("OoQDlIi|!SsBZzbGgqA", "0000111115582266994"[:19])
_IBAN_RUN = re.compile(
    r"[A-Za-z](?<![A-Za-z0-9][A-Za-z])[\W_]{0,3}[A-Za-z][\W_]{0,3}\d[\W_]{0,3}\d(?:[\W_]{0,4}[A-Za-z0-9]){11,30}"
)
_IBAN_LENGTH: Final = {
    code: length
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "PT", 26: "IS TR", 27: "FR GR IT MC MR SM", 28: "AL AZ CY DO GT HU LB PL SV", 29: "BR PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC",
    }.items()
    for code in codes.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Unit:
    digits: str
    start: int
    end: int
    spelled: bool


def numbers_view(reading: View) -> View | None:
    """Passages with card, identity, telephone and bank numbers in disguise written plainly."""
    text = reading.text
    found = [*_runs(text)]
    if _MANY_DIGITS.search(text):
        found += _ibans(text)
    if _LEET_SIGN.search(text):
        found += _leet(text)
    return excerpt_of(reading, "digits", found)


def has_digits(text: str) -> bool:
    """Whether a text has enough digits for a number, an IBAN or a hexadecimal blob."""
    return _ENOUGH_DIGITS.match(text) is not None


def _has_spelled(text: str) -> bool:
    """Whether three number words stand within nine words."""
    lowered = text.lower()
    for sign in "-.,/_|*:":
        lowered = lowered.replace(sign, " ")
    words = lowered.split()
    if _STRONG.isdisjoint(words):
        return False
    places = [place for place, word in enumerate(words) if word in _STRONG]
    return any(last - first <= 8 for first, last in zip(places, places[2:], strict=False))


def is_card(digits: str) -> bool:
    """Whether digits have the prefix, length and check digit of a payment card.

    >>> is_card("4111111111111111"), is_card("4111111111111112")
    (True, False)
    """
    return _has_issuer(digits) and _luhn(digits)


def _has_issuer(digits: str) -> bool:
    length, two, three, four = len(digits), int(digits[:2] or 0), int(digits[:3] or 0), int(digits[:4] or 0)
    if digits[:1] == "4":
        return length in (13, 16, 19)
    if two in (34, 37):
        return length == 15
    if two in (36, 38, 39) or 300 <= three <= 305:
        return length == 14
    return length == 16 and (
        51 <= two <= 55 or 2221 <= four <= 2720 or four == 6011 or two in (62, 65) or 3528 <= four <= 3589
    )


def _luhn(digits: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[::-2]))) % 10 == 0


def _runs(text: str) -> Iterator[Piece]:
    """Numbers in runs of digits, or of digits and words where several number words occur."""
    spelled = _has_spelled(text)
    if not spelled and not has_digits(text):
        return
    n_units = 0
    for run in (_WORDS_RUN if spelled else _DIGITS_RUN).finditer(text):
        if run.end() - run.start() < 9 or n_units > MAX_UNITS:
            continue
        units = _units(run.group(), run.start())
        n_units += len(units)
        yield from _numbers(text, units)


def _units(run: str, offset: int) -> list[_Unit]:
    """Digit groups of a run: repeats, tens and scales of spelled numbers worked in."""
    units: list[_Unit] = []
    repeat, begun = 1, -1
    for found in _UNITS.finditer(run):
        word = found.group().lower()
        start, end = offset + found.start(), offset + found.end()
        if word in _REPEATS:
            repeat, begun = _REPEATS[word], start
        elif word in _SCALES:
            if units:
                units[-1] = _Unit(units[-1].digits + _SCALES[word], units[-1].start, end, spelled=True)
        else:
            digits = _DIGIT_OF.get(word, word) * repeat
            unit = _Unit(digits, start if begun < 0 else begun, end, spelled=not word.isdigit())
            units[-1:] = [*_merged(units[-1], unit)] if units else [unit]
            repeat, begun = 1, -1
    return units


def _merged(last: _Unit, unit: _Unit) -> tuple[_Unit, ...]:
    """The groups "twenty" and "five" are 25; anything else stays two groups."""
    tens = last.spelled and len(last.digits) == 2 and last.digits[1] == "0" and last.digits[0] > "1"
    if tens and unit.spelled and len(unit.digits) == 1 and unit.start - last.end == 1:
        return (_Unit(last.digits[0] + unit.digits, last.start, unit.end, spelled=True),)
    return last, unit


def _numbers(text: str, units: list[_Unit]) -> Iterator[Piece]:
    first = 0
    while first < len(units):
        piece, after = _longest(text, units, first)
        if piece:
            yield piece
        first = after


def _longest(text: str, units: list[_Unit], first: int) -> tuple[Piece | None, int]:
    """The number that begins at a unit, and the unit after it."""
    lengths = []
    total = 0
    for after in range(first + 1, len(units) + 1):
        total += len(units[after - 1].digits)
        if total > MAX_DIGITS:
            break
        if total >= 9 and (after - first > 1 or units[first].spelled):
            lengths.append(after)
    for after in sorted(lengths, key=lambda after: -after):
        if plain := _plain_number(text, units, first, after):
            start = units[first].start
            start -= text[max(0, start - 1) : start] == "+"
            return Piece(plain, start, units[after - 1].end), after
    return None, first + 1


def _plain_number(text: str, units: list[_Unit], first: int, after: int) -> str:
    """How a window of units is written plainly; empty when it is none, or plain already."""
    window = units[first:after]
    digits = "".join(unit.digits for unit in window)
    gaps = [_gap(text, left, right) for left, right in itertools.pairwise(window)]
    if _PLAIN.fullmatch(text[window[0].start : window[-1].end]) or not _is_delimited(
        text, units, first, after, set(gaps)
    ):
        return ""
    start = window[0].start
    plus = text[max(0, start - 1) : start] == "+" or text[max(0, start - 5) : start].lower() == "plus "
    commas = any("," in gap for gap in gaps)
    if is_card(digits) and not (commas and len({len(unit.digits) for unit in window}) > 1):
        return digits
    if len(digits) > 15 or (not plus and _is_listing(text, window, gaps)):
        return ""
    around = text[max(0, start - 60) : start] + "\n" + text[window[-1].end : window[-1].end + 30]
    one_by_one = all(len(unit.digits) == 1 or unit.spelled for unit in window)
    telling = _TELLING.search(around) is not None
    grouped = one_by_one or (len(digits) <= 11 and _is_grouping(window, gaps))
    if any("\n" in gap for gap in gaps) and not telling:
        return ""
    spelled = sum(unit.spelled for unit in window) >= 5
    varied = len(set(digits)) >= 4 and (spelled or (len(set(gaps)) > 1 and not commas))
    if plus or (telling and grouped) or (varied and one_by_one):
        return _written(digits, plus=plus)
    return ""


def _is_grouping(window: list[_Unit], gaps: list[str]) -> bool:
    """Whether the gaps part one number: not decimals, enumerations or an internet address."""
    firsts = {gap[0] for gap in gaps}
    if firsts == {"."}:
        is_address = len(window) == 4 and all(int(unit.digits) < 256 for unit in window)
        return len(window) >= 3 and not is_address
    return not firsts & {".", ","}


def _written(digits: str, *, plus: bool) -> str:
    """Digits in the usual groups of their length: 3-2-4 of nine, 3-3-4 of ten."""
    if plus:
        return "+" + digits
    if len(digits) == 9:
        return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"
    if len(digits) == 10 and digits[0] > "1":
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    if len(digits) == 11 and digits[0] == "1":
        return f"1-{digits[1:4]}-{digits[4:7]}-{digits[7:]}"
    return digits


def _gap(text: str, left: _Unit, right: _Unit) -> str:
    """What stands between two units, marks of quotation and emphasis aside."""
    gap = text[left.end : right.start].lower()
    return gap.strip(" *_`>\"'") or " "


def _is_delimited(text: str, units: list[_Unit], first: int, after: int, gaps: set[str]) -> bool:
    """Whether neighbours of a window differ from its parts, so that it is no cut-out of a longer list."""
    sizes = {len(unit.digits) for unit in units[first:after]}
    for inner, outer in ((first, first - 1), (after - 1, after)):
        if 0 <= outer < len(units):
            left, right = sorted((inner, outer))
            same_gap = _gap(text, units[left], units[right]) in gaps
            if same_gap and len(units[outer].digits) in sizes:
                return False
    return True


def _is_listing(text: str, window: list[_Unit], gaps: list[str]) -> bool:
    """Whether units count up, step evenly, are few values, or stand in brackets between commas."""
    values = [int(unit.digits) for unit in window]
    steps = {right - left for left, right in itertools.pairwise(values)}
    if (
        len(set(gaps)) == 1
        and len(values) > 3
        and (len(steps) <= 2 < len(values) - 2 or values == sorted(values))
    ):
        return True
    before = text[max(0, window[0].start - 2) : window[0].start].strip()
    listed = sum("," in gap or ";" in gap for gap in gaps) * 2 > len(gaps)
    signs = any(sign in gap for gap in gaps for sign in "+=^%$€£:")
    return signs or (listed and before[-1:] in ("[", "(", "{"))


def _leet(text: str) -> Iterator[Piece]:
    """Numbers with letters in place of digits, where at least half of the characters are digits."""
    for found in _LEET_RUN.finditer(text):
        run, offset = found.group(), found.start()
        blanks = [place for place, character in enumerate(run) if character == " "]
        starts, ends = [0, *(blank + 1 for blank in blanks[:3])], [len(run), *reversed(blanks[-2:])]
        pieces = (
            Piece(plain, offset + start, offset + end)
            for start in starts
            for end in ends
            if (
                plain := _letters_read(
                    run[start:end], plus=text[max(0, offset + start - 1) : offset + start] == "+"
                )
            )
        )
        yield from itertools.islice(pieces, 1)


def _letters_read(run: str, *, plus: bool) -> str:
    """The number that a run with letters for digits stands for; empty when it is none."""
    compact = re.sub(r"[ .()-]", "", run)
    n_digits = sum(map(str.isdigit, compact))
    if n_digits in (0, len(compact)):
        return ""
    digits, shape = compact.translate(_LEET), run.translate(_LEET)
    if is_card(digits) or (plus and 11 <= len(digits) <= 15):
        return digits
    return shape if n_digits * 3 >= len(compact) and shape != digits and _PLAIN.fullmatch(shape) else ""


def _ibans(text: str) -> Iterator[Piece]:
    """IBANs in unusual groups or case, told by country, length and check digits (ISO 13616)."""
    for found in _IBAN_RUN.finditer(text):
        run = found.group()
        places = [index for index, character in enumerate(run) if character.isascii() and character.isalnum()]
        compact = "".join(run[index] for index in places).upper()
        length = _IBAN_LENGTH.get(compact[:2], 99)
        if len(compact) < length or sum(map(str.isdigit, compact[:length])) < MIN_IBAN_DIGITS:
            continue
        if not _is_iban(compact[:length]):
            continue
        written = run[: places[length - 1] + 1]
        if written not in (compact[:length], _in_fours(compact[:length])):
            yield Piece(compact[:length], found.start(), found.start() + len(written))


def _is_iban(compact: str) -> bool:
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1


def _in_fours(compact: str) -> str:
    return " ".join(compact[index : index + 4] for index in range(0, len(compact), 4))
