"""What the tagger of names sees of each token: hashed integers only, the same on every machine.

Features of a word alone are made once for each distinct word; features of its neighbours are sums and
products of whole numbers over all tokens at once. Both end as rows of one table of weights.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from clearway.errors import ConfigurationError
from clearway.sensitivity.tokens import Tokens

IntArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]

TABLE_BITS: Final = 18
N_ROWS: Final = 2**TABLE_BITS
FEATURES_VERSION: Final = 1
FIRST_FILE: Final = "first_names.txt"
LAST_FILE: Final = "last_names.txt"
KNOWN_FILE: Final = "known_names.txt"
PLACE_FILE: Final = "places.txt"
COMMON_FILE: Final = "common_words.txt"
NAME_FILES: Final = (FIRST_FILE, LAST_FILE, KNOWN_FILE, PLACE_FILE, COMMON_FILE)

TITLES: Final = frozenset(
    "mr mrs ms miss mx dr prof professor sir madam herr frau hr fr mme mlle monsieur madame senor senora sr sra "
    "signor signora don dona dott ing rev fr judge captain capt lt sgt officer nurse uncle aunt mister doctor".split()
)
PARTICLES: Final = frozenset(
    "de da do dos das del della di du la le les van von der den ter ten zu zur bin ibn bint al el abu ben ap af av y e "
    "st saint san mac mc o".split()
)
ORGANISATIONS: Final = frozenset(
    "inc ltd llc plc corp corporation company co gmbh ag sa bv nv group bank university college school hospital "
    "institute association foundation society church museum union party club league council ministry agency "
    "street road avenue lane drive st rd ave blvd square park river lake mountain bridge county city airport".split()
)
CALENDAR: Final = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december mon tue wed thu fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
# Neighbours looked at on each side, and words on each side in which a capital letter is looked for.
REACH: Final = 3
CAPITALS_REACH: Final = 8
_MEMO_WORDS: Final = 6_000
_CASES: Final = ("lower", "title", "upper", "initial", "mixed")
_FACTORS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)


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
    def memo(self) -> dict[str, WordRow]:
        """Rows of the most common words; fixed, so that no word of a text is ever kept."""
        words = self.common[:_MEMO_WORDS]
        known = [*words, *(word.capitalize() for word in words), *",.:;!?()[]{}\"'-/_*#=+<>|@&%$"]
        return {word: word_row(word, self) for word in known}


@dataclass(frozen=True, slots=True)
class WordRow:
    """What is known of a word alone.

    Attributes:
        word: Hash of the folded word, 32 bits.
        kind: Hash of its case, the lists that it is in, and its role, 32 bits.
        case: 0 not a word, otherwise one more than its case; 8 more where a list of names has it.
        ids: Rows of the table for the word itself.
    """

    word: int
    kind: int
    case: int
    ids: tuple[int, ...]


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
    *names, common = (_entries(folder / name) for name in NAME_FILES)
    return Lexicon(*(frozenset(words) for words in names), common=tuple(common))


def _entries(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"{path}: expected a word list in UTF-8, got no readable file; restore it from data/sensitivity"
        ) from None
    words = [line for line in lines if line and not line.startswith("#")]
    if not words:
        raise ConfigurationError(f"{path}:1: expected at least one word, got none; add one a line")
    return words


def word_row(word: str, lexicon: Lexicon) -> WordRow:
    """Everything that a word alone tells; only the first 40 characters are read."""
    word = word[:40]
    folded = fold(word)
    if not word[:1].isalpha():
        kind = "digits" if word.isdigit() else "number" if word[:1].isdigit() else f"symbol {word[:2]}"
        ids = _ids((f"w {folded}", f"k {kind}", f"n {len(word)}"))
        return WordRow(crc32(folded.encode()), crc32(kind.encode()), 0, ids)
    case = _case(word)
    in_first, in_last = folded in lexicon.first, folded in lexicon.last
    known, place, ordinary = folded in lexicon.known, folded in lexicon.places, folded in lexicon.ordinary
    lists = f"{in_first:d}{in_last:d}{known:d}{place:d}{ordinary:d}"
    kind = f"{_CASES[case]} {lists} {_role(folded)}"
    ids = _ids(_own_features(folded, _CASES[case], lists))
    named = 8 if in_first or in_last else 0
    return WordRow(crc32(folded.encode()), crc32(kind.encode()), 1 + case + named, ids)


def _own_features(folded: str, case: str, lists: str) -> Iterable[str]:
    return (
        f"w {folded}",
        f"wc {case} {folded}",
        f"p2 {folded[:2]}",
        f"p3 {case} {folded[:3]}",
        f"p4 {folded[:4]}",
        f"s2 {folded[-2:]}",
        f"s3 {case} {folded[-3:]}",
        f"s4 {folded[-4:]}",
        f"l {lists} {case} {min(len(folded), 9)}",
        f"s2l {lists} {case} {folded[-2:]}",
        f"a {folded.isascii()} {case} {chr(39) in folded}",
    )


def _ids(features: Iterable[str]) -> tuple[int, ...]:
    return tuple(crc32(feature.encode()) >> (32 - TABLE_BITS) for feature in features)


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


N_OWN: Final = 11
_WINDOW: Final = (-3, -2, -1, 1, 2, 3)
_NEAR: Final = (-2, -1, 0, 1, 2)
N_FEATURES: Final = N_OWN + len(_WINDOW) + len(_NEAR) + 14


def token_ids(tokens: Tokens, lexicon: Lexicon, seen: dict[str, WordRow] | None = None) -> IntArray:
    """Rows of the table for each token.

    Args:
        tokens: Of one text.
        lexicon: Lists of words.
        seen: Rows of words met before; what is met here is added. Training shares one over all texts.

    Returns:
        Shape (n_tokens, N_FEATURES), int64 in [0, N_ROWS); row 0 stands for a feature that a token lacks.
    """
    n = len(tokens)
    if n == 0:
        return np.zeros((0, N_FEATURES), dtype=np.int64)
    memo, seen = lexicon.memo, {} if seen is None else seen
    rows = []
    for word in tokens.words:
        row = memo.get(word) or seen.get(word)
        if row is None:
            row = seen[word] = word_row(word, lexicon)
        rows.append(row)
    own = np.array([row.ids + (0,) * (N_OWN - len(row.ids)) for row in rows], dtype=np.int64)
    context = _Context(
        words=_padded([row.word for row in rows]),
        kinds=_padded([row.kind for row in rows]),
        cases=_padded([row.case for row in rows]),
        gaps=_padded(_gaps(tokens)),
        n=n,
    )
    return np.hstack([own, context.ids()])


def _padded(values: list[int]) -> WordArray:
    padded = np.zeros(len(values) + 2 * REACH, dtype=np.uint64)
    padded[REACH : REACH + len(values)] = values
    return padded


def _gaps(tokens: Tokens) -> list[int]:
    """Before each token: 1 nothing, 2 a blank, 3 a line break or more than two blanks, 4 the start."""
    gaps, last = [], -1
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        if last < 0:
            gaps.append(4)
        elif start == last:
            gaps.append(1)
        else:
            between = tokens.text[last:start]
            gaps.append(3 if len(between) > 2 or "\n" in between else 2)
        last = end
    return gaps


@dataclass(frozen=True)
class _Context:
    """Padded columns of all tokens, read at an offset from each."""

    words: WordArray
    kinds: WordArray
    cases: WordArray
    gaps: WordArray
    n: int

    def ids(self) -> IntArray:
        w = {offset: self._at(self.words, offset) for offset in range(-REACH, REACH + 1)}
        c = {offset: self._at(self.kinds, offset) for offset in range(-2, 3)}
        s = {offset: self._at(self.cases, offset) for offset in range(-1, 2)}
        gap, after = self._at(self.gaps, 0), self._at(self.gaps, 1)
        capitals = self._capitals()
        groups: list[tuple[WordArray, ...]] = [(w[offset],) for offset in _WINDOW]
        groups += [(c[offset], self._at(self.gaps, offset)) for offset in _NEAR]
        groups += [
            (c[-1], c[0], c[1]),
            (c[-2], c[-1], c[0]),
            (c[0], c[1], c[2]),
            (w[-1], c[0]),
            (w[1], c[0]),
            (w[-2], w[-1], s[0]),
            (w[-1], w[1], s[0]),
            (w[1], w[2], s[0]),
            (gap, after, c[-1], c[0]),
            (capitals, c[0]),
            (w[-1], s[0], s[1]),
            (w[-2], c[-1], c[0]),
            (gap, after, c[0], c[1]),
            (w[-2], w[-1], w[-3], s[0]),
        ]
        return np.stack([_row(salt, group) for salt, group in enumerate(groups, 1)], axis=1)

    def _at(self, column: WordArray, offset: int) -> WordArray:
        return column[REACH + offset : REACH + offset + self.n]

    def _capitals(self) -> WordArray:
        """1 where a capital letter starts a word nearby, else 0."""
        cases = self._at(self.cases, 0) % np.uint64(8)
        count = np.concatenate([[0], np.cumsum((cases > 1).astype(np.int64))])
        places = np.arange(self.n)
        high = np.minimum(places + CAPITALS_REACH + 1, self.n)
        low = np.maximum(places - CAPITALS_REACH, 0)
        return (count[high] - count[low] > 0).astype(np.uint64)


def _row(salt: int, group: tuple[WordArray, ...]) -> IntArray:
    """Row of the table for a tuple of columns: sums and products modulo 2**64, then the upper bits."""
    total = np.full(len(group[0]), (salt * 0xA0761D6478BD642F) % 2**64, dtype=np.uint64)
    for column, factor in zip(group, _FACTORS, strict=False):
        total = (total ^ column) * np.uint64(factor)
        total ^= total >> np.uint64(29)
    return (total >> np.uint64(64 - TABLE_BITS)).astype(np.int64)
