"""E-mail addresses in words, and values with marks inside: emphasis, quotes, line breaks, one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from clearway.sensitivity.views import Piece, View, excerpt_of

_GAP: Final = r"[\s>|*`]{0,6}"
_OPEN: Final = r"(?:\s{0,3}[\[({<*|]{1,2}\s{0,2}|[_/-])"
_CLOSE: Final = r"(?:\s{0,2}[\])}>*|]{1,2}\s{0,3}|[_/-])"
_AT_WORD: Final = r"(?:at[ -]?sign|at|arroba|arobase|chiocciola|klammeraffe|ät|ad)"
_DOT_WORD: Final = r"(?:dot|d0t|punkt|punto|point|period|ponto|full stop)"
_AT: Final = (
    rf"(?:{_GAP}@{{1,2}}{_GAP}|{_OPEN}(?:{_AT_WORD}|@){_CLOSE}"
    rf"|\s{{0,3}}[\[({{<]a[\])}}>]\s{{0,3}}|\s{{1,3}}{_AT_WORD}\s{{1,3}})"
)
_DOT: Final = (
    rf"(?:[ ]?[.\u3002\u00b7\u2022\u2027,]{{1,2}}[ ]?|{_OPEN}(?:{_DOT_WORD}|\.){_CLOSE}"
    rf"|\s{{1,3}}{_DOT_WORD}\s{{1,3}})"
)
_JOIN: Final = r"(?:\s(?:underscore|dash|hyphen|minus|plus)\s)"
_ADDRESS = re.compile(
    rf"(?<![\w.])(?P<local>[\w+%-]{{1,64}}(?:(?:{_DOT}|{_JOIN})[\w+%-]{{1,64}}){{0,4}}?)(?P<at>{_AT})"
    rf"(?P<domain>[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}}){{0,3}}?)(?P<dot>{_DOT})(?P<top>[a-z0-9]{{2,12}})\b",
    re.IGNORECASE,
)
_COUNTRY = re.compile(rf"(?:{_DOT})(uk|au|nz|jp|br|za|kr|cn|mx|tr|sg|ar)\b", re.IGNORECASE)
_HINT = re.compile(
    rf"[@ \[({{<_*|/-](?:(?<=@)|(?<=[^ ])\s{{0,2}}{_AT_WORD}\s{{0,2}}[\])}}>_*|/-]|(?<=[\[({{<])a[\])}}>]"
    rf"|\s{{0,2}}(?:{_DOT_WORD}|arroba)\b|(?<= )at\s{{1,3}}\w[\w-]{{0,62}}\.\w)",
    re.IGNORECASE,
)
_SIGNS: Final = (
    *("@", "dot", "d0t", "punkt", "punto", "ponto", " point ", " period ", "full stop", "arroba"),
    *("at)", "at]", "at}", "at>", "-at-", "_at_", "(a)", "[a]"),
)
_BARE_AT = re.compile(r" at\s{1,3}\w[\w-]{0,62}\.\w")
_REST = re.compile(r"(?:[\w-]{1,63}\.){1,5}([A-Za-z]{2,12})(?![\w-])")
MAX_HINTS: Final = 300
NEAR: Final = 8
_REACH = 160
_TOP: Final = frozenset(
    [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "mil",
        "int",
        "info",
        "biz",
        "io",
        "ai",
        "co",
        "us",
        "uk",
        "de",
        "fr",
        "es",
        "it",
        "nl",
        "be",
        "ch",
        "at",
        "ca",
        "au",
        "nz",
        "in",
        "jp",
        "cn",
        "br",
        "mx",
        "ru",
        "pl",
        "se",
        "no",
        "dk",
        "fi",
        "ie",
        "pt",
        "gr",
        "cz",
        "ro",
        "hu",
        "eu",
        "me",
        "tv",
        "app",
        "dev",
        "xyz",
        "online",
        "site",
        "tech",
        "cloud",
        "mail",
        "email",
        "test",
        "example",
        "invalid",
    ]
)
_NO_LOCAL: Final = frozenset(
    [
        "us",
        "me",
        "him",
        "her",
        "them",
        "it",
        "you",
        "look",
        "available",
        "more",
        "found",
        "online",
        "meet",
        "see",
        "arrive",
        "arrived",
        "here",
        "team",
        "be",
        "is",
        "are",
        "was",
        "not",
        "work",
        "works",
        "working",
        "visit",
        "read",
        "published",
        "located",
        "based",
        "stay",
        "live",
        "lives",
        "shop",
        "aimed",
        "anywhere",
    ]
)
_TELLING = re.compile(r"(?i)\b(?:e-?mail|mail|contact|reach|write|send|address|cc|user|login|account)\b")
_LEET: Final = str.maketrans("0134578$", "oieastbs")
_WORDS: Final = (
    (re.compile(r"(?i)\s(?:underscore)\s"), "_"),
    (re.compile(r"(?i)\s(?:dash|hyphen|minus)\s"), "-"),
    (re.compile(r"(?i)\splus\s"), "+"),
    (re.compile(_DOT, re.IGNORECASE), "."),
)
_PLAIN = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")

_MARKED = re.compile(
    r"[*`~_=|</\\\"'\r\n](?<=[\w@.+/=()-].)(?:(?<=\*)\*{0,2}|(?<=`)`{0,2}|(?<=~)~|(?<=_)_|(?<==)=|(?<=\|)\|"
    r"|(?<=<)(?:/?[A-Za-z]{1,8}/?|!--[^>]{0,40}--)>|(?<=/)\*[^*]{0,20}\*/|(?<=\\)(?:\r?\n|(?=[@.+/=-]))"
    r"|(?<=[\"'])\s{0,12}[+.&]?\s{0,12}[\"']|(?<=[\r\n])\n?[>\s|#*]{0,6})(?=[\w@.+/=()-])",
    re.DOTALL,
)
_STOP = re.compile(r"[^\w@.+/=*`~|<>\\\"'#\n-]")
_NOISE = re.compile(r"</?[A-Za-z]{1,8}/?>|[^\w@.+/=-]|__")
_NUMBER_SIGN = re.compile(r"[\dA-Z()+-]")
_REACH_VALUE: Final = 60
_SPACED = re.compile(r"[^\s](?<![^\s\"'(\[{:=,>`].)(?:[ ]{1,3}[^\s]){4,200}[ ]{1,3}[^\s,;](?![^\s])")
_DIVIDED = re.compile(
    r"[^\W_](?<![^\W_].)([-._/|*~]|[,;|][ ]?|[ ]?\r?\n)[^\W_](?:\1[\w@.+-]){4,200}(?![^\W_])"
)
_SPACES = re.compile(r"[ ]+")
_APART = re.compile(r"[-._/|*~,; \n][^\s](?:[-._/|*~,; \r\n]{1,3}[^\s]){3}[-._/|*~,; \r\n]")
_LETTER = re.compile(r"[^\W\d_]")


def address_view(reading: View) -> View | None:
    """Passages with e-mail addresses in words or leetspeak written as addresses."""
    lowered = reading.text.lower()
    if not any(sign in lowered for sign in _SIGNS) and not _BARE_AT.search(lowered):
        return None
    return excerpt_of(reading, "address", _addresses(reading.text))


def _addresses(text: str) -> Iterator[Piece]:
    done, n_hints = 0, 0
    for hint in _HINT.finditer(text):
        if hint.start() < done or n_hints >= MAX_HINTS or _is_written(text, hint):
            continue
        n_hints += 1
        lowest = max(done, hint.start() - _REACH)
        window = text[lowest : hint.end() + _REACH]
        for found in _ADDRESS.finditer(window):
            start = lowest + found.start()
            if plain := _address(found, text[max(0, start - 60) : start]):
                country = _COUNTRY.match(window, found.end())
                end = country.end() if country else found.end()
                yield Piece(plain + (f".{country[1]}" if country else ""), start, lowest + end)
        done = hint.end() + _REACH // 2


def _is_written(text: str, hint: re.Match[str]) -> bool:
    """Whether the sign stands in an address written plainly, which needs no second reading."""
    rest = _REST.match(text, hint.end()) if hint.group() == "@" else None
    return rest is not None and rest[1].lower() in _TOP and text[hint.start() - 1 : hint.start()].isalnum()


def _address(found: re.Match[str], before: str) -> str:
    """The address a match spells; empty when it is one already or is no address."""
    if _PLAIN.fullmatch(found.group()) and found["top"].lower() in _TOP:
        return ""
    local, domain, top = (_joined(found[name]) for name in ("local", "domain", "top"))
    top = top.lower().translate(_LEET) if top.lower() not in _TOP else top
    if top.lower() not in _TOP or local.lower() in _NO_LOCAL or local.endswith("."):
        return ""
    spoken = found["at"].strip().isalpha()
    if spoken and ("point" in found["dot"].lower() or "period" in found["dot"].lower()):
        return f"{local}@{domain}.{top}" if _TELLING.search(before) else ""
    bare = spoken and not any(map(str.isalpha, found["dot"]))
    if bare and found["dot"] != ".":
        return ""
    if bare and not (_TELLING.search(before) or re.search(r"[\d._]", local)):
        return ""
    return f"{local}@{domain}.{top}"


def _joined(part: str) -> str:
    for pattern, sign in _WORDS:
        part = pattern.sub(sign, part)
    return part


def marked_view(reading: View) -> View | None:
    """Passages with emphasis, tags, quotes and line breaks inside a value taken out."""
    return excerpt_of(reading, "markdown", _unmarked(reading.text))


def _unmarked(text: str) -> Iterator[Piece]:
    done, is_inside = -NEAR - 1, False
    for found in _MARKED.finditer(text):
        # Marks close together stand in one word, which is judged once.
        if found.start() - done > NEAR or " " in text[done : found.start()]:
            is_inside = _is_inside(text, found)
        done = found.end()
        if is_inside:
            yield Piece("", found.start(), found.end())


def _is_inside(text: str, found: re.Match[str]) -> bool:
    """Whether a mark stands inside an identifier."""
    start, end = found.span()
    left, right = text[max(0, start - _REACH_VALUE) : start], text[end : end + _REACH_VALUE]
    if _is_value(_last_word(left), _first_word(right), found.group()):
        return True
    return "\n" not in found.group() and _is_number(left, right)


def _last_word(left: str) -> str:
    return _NOISE.sub("", _STOP.split(_MARKED.sub("", left))[-1])


def _first_word(right: str) -> str:
    return _NOISE.sub("", _STOP.split(_MARKED.sub("", right), maxsplit=1)[0])


def _is_number(left: str, right: str) -> bool:
    """Whether a mark stands inside digits, capitals and dashes, of which enough near by are digits."""
    n_digits = sum(map(str.isdigit, left[-20:] + right[:20]))
    return (
        n_digits >= 7
        and _NUMBER_SIGN.match(left[-1]) is not None
        and _NUMBER_SIGN.match(right[0]) is not None
    )


def _is_value(left: str, right: str, mark: str) -> bool:
    """Whether both sides of a mark look like one identifier: digits, an address, or a key."""
    joined = left + right
    n_digits = sum(map(str.isdigit, joined))
    if "@" in joined:
        return True
    if "\n" in mark:
        mixed = any(
            len(side) >= 8 and any(map(str.isdigit, side)) and any(map(str.isalpha, side))
            for side in (left, right)
        )
        return len(joined) >= 12 and (mixed or n_digits == len(joined))
    return n_digits >= 7 or (len(joined) >= 12 and (n_digits >= 2 or joined.isupper()))


def spaced_view(reading: View) -> View | None:
    """Passages whose letters are written one by one, run together; bare digits are left to the numbers."""
    return excerpt_of(reading, "spaced", _unspaced(reading.text))


def _unspaced(text: str) -> Iterator[Piece]:
    if not _APART.search(text):
        return
    for found in _SPACED.finditer(text):
        if _LETTER.search(found.group()):
            narrow = min(map(len, _SPACES.findall(found.group())))
            yield Piece(_run_together(found.group(), narrow), found.start(), found.end())
    for found in _DIVIDED.finditer(text):
        if _LETTER.search(found.group()):
            yield Piece(found.group()[:: 1 + len(found[1])], found.start(), found.end())


def _run_together(spaced: str, narrow: int) -> str:
    """Single characters joined; a gap wider than the narrowest stays a blank."""
    return _SPACES.sub(lambda gap: " " if len(gap.group()) > narrow else "", spaced)
