"""What the tagger of names knows of a word alone: lists of names and words, and hashes of its letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from string import printable
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from clearway.sensitivity.word_lists import read_entries

IntArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]

TABLE_BITS: Final = 18
N_ROWS: Final = 2**TABLE_BITS
FIRST_FILE: Final = "first_names.txt"
LAST_FILE: Final = "last_names.txt"
KNOWN_FILE: Final = "known_names.txt"
PLACE_FILE: Final = "places.txt"
COMMON_FILE: Final = "common_words.txt"
NAME_FILES: Final = (FIRST_FILE, LAST_FILE, KNOWN_FILE, PLACE_FILE, COMMON_FILE)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


TITLES: Final = _set(
    "mr mrs ms miss mx dr prof professor sir madam herr frau hr fr mme mlle monsieur madame senor "
    "senora sr sra signor signora don dona dott ing rev judge captain capt lt sgt officer nurse uncle "
    "aunt mister doctor"
)
PARTICLES: Final = _set(
    "de da do dos das del della di du la le les van von der den ter ten zu zur bin ibn bint al el abu "
    "ben ap af av y e st saint san mac mc o"
)
ORGANISATIONS: Final = _set(
    "inc ltd llc plc corp corporation company co gmbh ag sa bv nv group bank university college school "
    "hospital institute association foundation society church museum union party club league council "
    "ministry agency street road avenue lane drive rd ave blvd square park river lake mountain bridge "
    "county city airport"
)
CALENDAR: Final = _set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june "
    "july august september october november december mon tue wed thu fri sat sun jan feb mar apr jun "
    "jul aug sep sept oct nov dec"
)
MEMO_WORDS: Final = 24_000
MEMO_CAPITALS: Final = 12_000
MEMO_CONTRACTED: Final = 300
MEMO_NUMBERS: Final = 2_100
_ENDINGS: Final = ("'t", "'ll", "'re", "'ve", "'d", "'m")
_MARKS: Final = (
    "'s",
    "\u2019s",
    "\u2019",
    "\u2013",
    "\u2014",
    "\u201c",
    "\u201d",
    "...",
    "**",
    "##",
    "###",
    "``",
    "```",
    "==",
)
N_OWN: Final = 11
N_COLUMNS: Final = N_OWN + 3
_CASES: Final = ("lower", "title", "upper", "initial", "mixed")


@dataclass(frozen=True)
class Lexicon:
    """Lists of words, folded (`fold`).

    Attributes:
        first: Given names.
        last: Family names.
        known: Names of either kind that English texts meet: of an English-speaking country, or of many.
        places: Words of the names of cities and countries.
        common: Words that stand in lower case in ordinary text, most frequent first.
    """

    first: frozenset[str]
    last: frozenset[str]
    known: frozenset[str]
    places: frozenset[str]
    common: tuple[str, ...]

    @cached_property
    def ordinary(self) -> frozenset[str]:
        """The common words as a set."""
        return frozenset(self.common)

    @cached_property
    def memo(self) -> Memo:
        """Rows of the most common words; fixed, so that no word of a text is ever kept."""
        common, listed = self.common[:MEMO_WORDS], sorted(self.known | self.places)
        known = dict.fromkeys(
            [
                *common,
                *(word.capitalize() for word in (*common[:MEMO_CAPITALS], *listed[:MEMO_CAPITALS])),
                *(word.upper() for word in common[: MEMO_CAPITALS // 4]),
                *(word + ending for word in common[:MEMO_CONTRACTED] for ending in _ENDINGS),
                *map(str, range(MEMO_NUMBERS)),
                *printable,
                *_MARKS,
            ]
        )
        places = {word: place for place, word in enumerate(known)}
        return Memo(places, np.array([word_row(word, self) for word in known], dtype=np.int64))


@dataclass(frozen=True)
class Memo:
    """Words met before.

    Attributes:
        places: Row of each word.
        rows: Shape (n_words, N_COLUMNS), as `word_row` gives them.
    """

    places: dict[str, int]
    rows: IntArray

    @cached_property
    def shared(self) -> WordArray:
        """What neighbours see of each word, shape (n_words, N_COLUMNS - N_OWN)."""
        return np.ascontiguousarray(self.rows[:, N_OWN:]).astype(np.uint64)


def fold(word: str) -> str:
    """The word in lower case without accents; other scripts stay as they are."""
    lower = word.lower().replace("\u2019", "'")
    if lower.isascii():
        return lower
    return "".join(c for c in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(c))


def load_lexicon(folder: Path) -> Lexicon:
    """The lists in a folder.

    Raises:
        ConfigurationError: A list cannot be read, or has no entry.
    """
    first, last, known, places, common = (read_entries(folder / name) for name in NAME_FILES)
    return Lexicon(frozenset(first), frozenset(last), frozenset(known), frozenset(places), tuple(common))


def word_row(word: str, lexicon: Lexicon) -> tuple[int, ...]:
    """Everything that a word alone tells; only the first 40 characters are read.

    Returns:
        N_COLUMNS numbers: rows of the table for the word itself; then hashes of the folded word and of its
        kind, 32 bits; then 0 for a symbol, otherwise one more than its case, and 8 more for a listed name.
    """
    word = word[:40]
    folded = fold(word)
    if not word[:1].isalpha():
        kind = "digits" if word.isdigit() else "number" if word[:1].isdigit() else f"symbol {word[:2]}"
        features = (f"w {folded}", f"k {kind}", f"n {len(word)}", *("-",) * (N_OWN - 3))
        return (*_ids(features), crc32(folded.encode()), crc32(kind.encode()), 0)
    case = _case(word)
    in_first, in_last = folded in lexicon.first, folded in lexicon.last
    known, place, ordinary = folded in lexicon.known, folded in lexicon.places, folded in lexicon.ordinary
    lists = f"{in_first:d}{in_last:d}{known:d}{place:d}{ordinary:d}"
    kind = f"{_CASES[case]} {lists} {_role(folded)}"
    named = 8 if in_first or in_last else 0
    own = _own_ids(folded, _CASES[case], lists)
    return (*own, crc32(folded.encode()), crc32(kind.encode()), 1 + case + named)


def _own_ids(folded: str, case: str, lists: str) -> tuple[int, ...]:
    """Rows of the table for a word; what a hash begins with is hashed once for all words."""
    size, last_two = min(len(folded), 9), folded[-2:].encode()
    hashes = (
        crc32(folded.encode(), _start("w ")),
        crc32(folded.encode(), _start(f"wc {case} ")),
        crc32(folded[:2].encode(), _start("p2 ")),
        crc32(folded[:3].encode(), _start(f"p3 {case} ")),
        crc32(folded[:4].encode(), _start("p4 ")),
        crc32(last_two, _start("s2 ")),
        crc32(folded[-3:].encode(), _start(f"s3 {case} ")),
        crc32(folded[-4:].encode(), _start("s4 ")),
        _start(f"l {lists} {case} {size}"),
        crc32(last_two, _start(f"s2l {lists} {case} ")),
        _start(f"a {folded.isascii()} {case} {chr(39) in folded}"),
    )
    return tuple([value >> (32 - TABLE_BITS) for value in hashes])


@lru_cache(maxsize=4_096)  # of kinds, cases and lists, never of a word
def _start(feature: str) -> int:
    return crc32(feature.encode())


def _ids(features: Iterable[str]) -> tuple[int, ...]:
    return tuple([crc32(feature.encode()) >> (32 - TABLE_BITS) for feature in features])


def _case(word: str) -> int:
    if word.islower() or not word[0].isupper():
        return 0 if word == word.lower() else 4
    if len(word) == 1:
        return 3
    if word.isupper():
        return 2
    rest = word[1:]
    return 1 if rest.islower() or word.istitle() else 4


def _role(folded: str) -> str:
    if folded in TITLES:
        return "title"
    if folded in CALENDAR:
        return "calendar"
    if folded in ORGANISATIONS:
        return "organisation"
    return "particle" if folded in PARTICLES else ""
