"""What of a text can be read: windows for the engine, undecodable text, languages not covered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

CHUNK_CHARACTERS: Final = 5_000
CHUNK_OVERLAP: Final = 500
MAX_UNREADABLE_SHARE_PERCENT: Final = 5
LANGUAGE_WINDOW: Final = 400
MIN_LETTERS: Final = 40
MIN_FOREIGN_LETTERS: Final = 6
MAX_FOREIGN_SHARE_PERCENT: Final = 30
# Gap of log-likelihoods per window from which another language is clearly likelier than English.
MIN_LANGUAGE_MARGIN: Final = 12
# Above this share of English function words a text is English whatever the identifier says.
MAX_ENGLISH_WORDS_PERCENT: Final = 12
MAX_SYMBOL_SHARE_PERCENT: Final = 6

# Frequent English words that are not also frequent words of French, Spanish, Portuguese or Italian.
_ENGLISH_TEXT: Final = (
    "the of and to in is that it for was are with his they at be this from have or by had not but "
    "what all were when we there can your which their said if will each about how up out them then "
    "she many some these would other into has more her two like him could make than been its who "
    "now my made over did down only way find use may any you he our why where write give explain "
    "please following "
)
_ENGLISH: Final = frozenset(_ENGLISH_TEXT.split())
# Frequent words of other languages in Latin letters that are no English words: a passage in such a language
# holds two of them, or a letter with a mark.
_OTHERS_TEXT: Final = (
    "aan adalah aga agus akan ako ale alla als amb anche ang ao ar att au auch auf aus aux av avec ay "
    "az bat bei bij bir bisa bitte bu by bylo ce cette che cho come como con csak cu cuando czy da "
    "dan dans dari das dat deg dei del della delle dels dem den dengan der det detta deze dhe di din "
    "donde dos du een egy ei ein eine einem einen einer el elles els em en era es est esta este et "
    "eta ett ez foi fra geboren gibi gli graag haben hai har heeft het hii hindi ho hogy hulle hun "
    "hvad ich ihr ihre ikke il ile ili ils im ima ini inte ir ist ito itu iyo ja jag jak je jeg jest "
    "joka jsem ka kad kaj kako kami kan kann katika khi ku kuin kun kung kunt kwa la las le les lo "
    "los ma maar mae mai mais meg mes mga mi mit mon mutta muy na naar nach ne nel nem ng nga ngo ni "
    "nicht nie niet niin ning noch non nous nu och od oder og ole olen om oma ons oo ook op os ou "
    "ovat pada para pas pe pero po por pour pro que questa questo qui sa saya se seit seu si sich sie "
    "sig skal sme som sono sont su sua sunt suo sur sus tai tak tas te tha tidak til till trong tu um "
    "uma un una und une untuk uw van vanaf ve vil vir vom von voor votre vous wa waa wat werden wie "
    "wij wir wohnhaft worden wordt wurde ya yang yn yr yra za ze zij zijn zu zum zur "
)
_OTHERS: Final = frozenset(_OTHERS_TEXT.split()) - _ENGLISH
# All that may be unreadable: anything but the printable characters of ASCII and the usual white space.
_UNUSUAL = re.compile(r"[^\x20-\x7e\t\n\r\f]")
_MARKED = re.compile(r"[^\W\d_a-zA-Z]")
_ADDRESS = re.compile(r"https?://\S+|(?<!\S)[^\s@]+@\S+")
_BLOCK = re.compile(r"`+|\n\s*\n")
_LINE = re.compile(r"`+|\n|:\s")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SYMBOL = re.compile(r"[{}()\[\]<>=+*/\\^_$|;#&~]")
# Runs of two or more letters outside Latin; single letters (pi, sigma, aleph) are mathematics.
_FOREIGN = re.compile(
    r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\u2100-\u214f\uff21-\uff5a\U0001d400-\U0001d7ff]{2,}"
)
# Scripts that write without spaces or with vowel marks: marks belong to the word.
_MARKS = re.compile(r"[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e4e]")


def chunks(text: str) -> Iterator[tuple[int, str]]:
    """Offsets and pieces of at most `CHUNK_CHARACTERS` that overlap, cut at white space where there is some.

    >>> [(start, len(piece)) for start, piece in chunks("x" * 6_000)]
    [(0, 5000), (4500, 1500)]
    """
    start = 0
    while start + CHUNK_CHARACTERS < len(text):
        end = _last_space(text, start + CHUNK_CHARACTERS - CHUNK_OVERLAP // 2, start + CHUNK_CHARACTERS)
        yield start, text[start:end]
        start = _first_space(text, end - CHUNK_OVERLAP, end - CHUNK_OVERLAP // 2)
    yield start, text[start:]


def is_undecodable(text: str) -> bool:
    """Whether over 5% of the characters are controls, replacement characters or unassigned."""
    n_bad = sum(map(_is_unreadable, _UNUSUAL.findall(text)))
    return n_bad * 100 > len(text) * MAX_UNREADABLE_SHARE_PERCENT


def is_language_unsupported(text: str) -> bool:
    """Whether a passage of the text is clearly not English; code, mathematics and short texts are not.

    Passages are judged one by one: a letter in German is not made English by the request to translate it,
    nor by standing between fences.
    """
    if not _may_be_foreign(text.lower()):
        return False
    lines = (_without_addresses(line) for line in text.split("\n"))
    return any(_is_foreign(passage) for passage in _passages("\n".join(lines)))


def _without_addresses(line: str) -> str:
    return _ADDRESS.sub(" ", line) if "@" in line or "://" in line else line


def _may_be_foreign(lower: str) -> bool:
    """Whether a lower-case text has a letter outside a to z, or two frequent words of other languages."""
    return _MARKED.search(lower) is not None or len(_OTHERS.intersection(_WORD.findall(lower))) > 1


def _passages(text: str) -> Iterator[str]:
    """Windows of each block between fences or blank lines, and of each line and what follows a colon."""
    for block in {*_BLOCK.split(text), *_LINE.split(text)}:
        if len(block) < MIN_FOREIGN_LETTERS:
            continue
        for start in range(0, max(1, len(block) - LANGUAGE_WINDOW // 2), LANGUAGE_WINDOW // 2):
            yield block[start : start + LANGUAGE_WINDOW]


def _is_foreign(prose: str) -> bool:
    return (not prose.isascii() and _is_other_script(prose)) or _is_other_latin(prose)


def _is_other_script(prose: str) -> bool:
    n_foreign = sum(len(run) for run in _FOREIGN.findall(_MARKS.sub("", prose)))
    if n_foreign < MIN_FOREIGN_LETTERS:
        return False
    return n_foreign * 100 > sum(map(str.isalpha, prose)) * MAX_FOREIGN_SHARE_PERCENT


def _is_other_latin(prose: str) -> bool:
    if len(prose) < MIN_LETTERS:
        return False
    lower = prose.lower()
    words = _WORD.findall(lower)
    if len(words) < 6 or (_MARKED.search(lower) is None and len(_OTHERS.intersection(words)) < 2):
        return False
    n_english = sum(map(_ENGLISH.__contains__, words))
    if n_english * 100 >= len(words) * MAX_ENGLISH_WORDS_PERCENT:
        return False
    if len(_SYMBOL.findall(prose)) * 100 > len(prose) * MAX_SYMBOL_SHARE_PERCENT:
        return False
    if sum(map(len, words)) < MIN_LETTERS:
        return False
    from clearway.sensitivity.languages import ONE, margin_over_english  # here, as its model costs 50 ms

    return margin_over_english(" ".join(words)) >= MIN_LANGUAGE_MARGIN * ONE


def _is_unreadable(character: str) -> bool:
    if character == "\ufffd":
        return True
    return character not in "\t\n\r\f" and unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs")


def _last_space(text: str, lowest: int, highest: int) -> int:
    for index in range(highest, lowest, -1):
        if text[index - 1].isspace():
            return index
    return highest


def _first_space(text: str, lowest: int, highest: int) -> int:
    for index in range(lowest, highest):
        if text[index].isspace():
            return index + 1
    return lowest
