"""What the tagger of names sees of each token: hashed integers only, the same on every machine.

Features of a word alone are made once for each distinct word; features of its neighbours are sums and
products of whole numbers over all tokens at once. Both end as rows of one table of weights.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from string import printable
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from clearway.errors import ConfigurationError
from clearway.sensitivity.tokens import Tokens

IntArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]

TABLE_BITS: Final = 18
N_ROWS: Final = 2**TABLE_BITS
SECOND_BITS: Final = 15
N_SECOND_ROWS: Final = 2**SECOND_BITS
FEATURES_VERSION: Final = 1
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
# Neighbours looked at on each side, and words on each side in which a capital letter is looked for.
REACH: Final = 3
CAPITALS_REACH: Final = 8
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
    first, last, known, places, common = (_entries(folder / name) for name in NAME_FILES)
    return Lexicon(frozenset(first), frozenset(last), frozenset(known), frozenset(places), tuple(common))


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
    return tuple([_start(feature) >> (32 - TABLE_BITS) for feature in features])


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


def window_of(tokens: Tokens, lexicon: Lexicon, seen: dict[str, tuple[int, ...]] | None = None) -> Window:
    """All that the tagger sees of a text.

    Args:
        tokens: Of one text; at least one.
        lexicon: Lists of words.
        seen: Rows of words met before; what is met here is added. Training shares one over all texts.
    """
    seen = {} if seen is None else seen
    memo, extra = lexicon.memo, dict[str, int]()
    places = [memo.places.get(word, -1) for word in tokens.words]
    for index, place in enumerate(places):
        if place < 0:
            places[index] = extra.setdefault(tokens.words[index], len(memo.rows) + len(extra))
    for word in extra:
        if word not in seen:
            seen[word] = word_row(word, lexicon)
    rows = np.array([seen[word] for word in extra], dtype=np.int64).reshape(len(extra), N_COLUMNS)
    found = np.array(places, dtype=np.int64)
    columns = np.zeros((N_SHARED, len(places) + 2 * REACH), dtype=np.uint64)
    columns[:3, REACH:-REACH] = _of_words(memo.shared, rows[:, N_OWN:].astype(np.uint64), found).T
    columns[3, REACH:-REACH] = _gaps(tokens)
    return Window(memo, rows, found, columns)


def _of_words(known: NDArray[Any], extra: NDArray[Any], places: IntArray) -> NDArray[Any]:
    """Rows at places of two tables, the second of which goes on where the first ends."""
    found = known[np.minimum(places, len(known) - 1)]
    if len(extra):
        new = places >= len(known)
        found[new] = extra[places[new] - len(known)]
    return found


def _gaps(tokens: Tokens) -> list[int]:
    """Before each token: 1 nothing, 2 a blank, 3 a line break or more than two blanks, 4 the start."""
    text = tokens.text
    return [
        4,
        *(
            1 if start == last else 3 if start - last > 2 or "\n" in text[last:start] else 2
            for start, last in zip(tokens.starts[1:], tokens.ends, strict=False)
        ),
    ]


@dataclass(frozen=True)
class Window:
    """Columns of all tokens of a text, read at an offset from each.

    Attributes:
        memo: The most common words.
        extra: Shape (n_words, N_COLUMNS), rows of the words that are not among them.
        places: Shape (n_tokens,), row of each token in the two, one after the other.
        columns: Shape (N_SHARED, n_tokens + 2 * REACH), zeros at both ends: hash of the word, hash of its
            kind, its case, and what stands before it.
    """

    memo: Memo
    extra: IntArray
    places: IntArray
    columns: WordArray

    def __len__(self) -> int:
        return len(self.places)

    @property
    def own(self) -> IntArray:
        """Shape (n_tokens, N_OWN), rows of the table for the words alone."""
        return _of_words(self.memo.rows[:, :N_OWN], self.extra[:, :N_OWN], self.places)

    def sums(self, known: IntArray, extra: IntArray) -> IntArray:
        """Shape (n_tokens,): what each token's own rows sum up to.

        Args:
            known: Sums of the common words.
            extra: Sums of the others.
        """
        return _of_words(known, extra, self.places)

    def first_ids(self) -> IntArray:
        """Rows of the table in the first pass: words and their neighbours.

        Returns:
            Shape (n_tokens, N_FEATURES), int64 in [0, N_ROWS); the last row is the same for all.
        """
        return np.hstack([self.own, self.neighbour_ids()])

    def neighbour_ids(self) -> IntArray:
        """As `first_ids`, without the rows of the words alone."""
        return _FIRST.rows([*self.columns, self._capitals()], len(self))

    def second_ids(self, levels: IntArray) -> IntArray:
        """Rows of the table in the second pass: what the first pass thinks of a token and its neighbours.

        Args:
            levels: Shape (n_tokens,), 0 to 3, how sure the first pass is of a name.

        Returns:
            Shape (n_tokens, N_SECOND), int64 in [N_ROWS, N_ROWS + N_SECOND_ROWS).
        """
        shared = [*self.columns, _padded(levels + 1), _padded(self._same_word(levels))]
        return _SECOND.rows(shared, len(self)) + N_ROWS

    def _same_word(self, levels: IntArray) -> IntArray:
        """Highest level of the same word anywhere in the text."""
        if not levels.any():
            return levels
        _, place = np.unique(self.columns[0, REACH:-REACH], return_inverse=True)
        highest = np.zeros(len(levels), dtype=np.int64)
        np.maximum.at(highest, place, levels)
        return highest[place]

    def _capitals(self) -> WordArray:
        """1 where a capital letter starts a word nearby, else 0; padded."""
        cases = self.columns[2, REACH:-REACH] % np.uint64(8)
        count = np.concatenate([[0], np.cumsum((cases > 1).astype(np.int64))])
        places = np.arange(len(cases))
        high = np.minimum(places + CAPITALS_REACH + 1, len(cases))
        low = np.maximum(places - CAPITALS_REACH, 0)
        return _padded((count[high] - count[low] > 0).astype(np.int64))


def _padded(values: IntArray) -> WordArray:
    padded = np.zeros(len(values) + 2 * REACH, dtype=np.uint64)
    padded[REACH:-REACH] = values
    return padded


@dataclass(frozen=True)
class _Hashes:
    """Tuples of columns at offsets, each hashed to a row of a table.

    Attributes:
        groups: Of each tuple its members, written as the letter of a column and an offset: "w-1 k0".
        letters: A letter for each column.
        first_salt: Tuples of the same columns in two tables differ by it.
        bits: The table has 2**bits rows.
    """

    groups: tuple[str, ...]
    letters: str
    first_salt: int
    bits: int

    @cached_property
    def _members(self) -> list[tuple[int, int]]:
        return sorted({member for group in self._parsed for member in group})

    @cached_property
    def _parsed(self) -> list[list[tuple[int, int]]]:
        return [
            [(self.letters.index(member[0]), int(member[1:])) for member in group.split()]
            for group in self.groups
        ]

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Shape (4, n_groups): which member stands at each place of a tuple; zeros after the last."""
        members = {member: place for place, member in enumerate(self._members)}
        width = max(len(group) for group in self._parsed)
        rows = [[members[m] for m in group] + [len(members)] * (width - len(group)) for group in self._parsed]
        return np.array(rows).T

    @cached_property
    def _salts(self) -> WordArray:
        salts = [(self.first_salt + i) * 0xA0761D6478BD642F % 2**64 for i in range(len(self.groups))]
        return np.array(salts, dtype=np.uint64)[:, None]

    def rows(self, columns: Sequence[WordArray], n: int) -> IntArray:
        """Shape (n, n_groups): products and shifts modulo 2**64, then the upper bits, the good ones."""
        table = np.zeros((len(self._members) + 1, n), dtype=np.uint64)
        for place, (column, offset) in enumerate(self._members):
            table[place] = columns[column][REACH + offset : REACH + offset + n]
        total = np.repeat(self._salts, n, axis=1)
        other = np.empty_like(total)
        for place, factor in zip(self._places, _FACTORS, strict=False):
            total ^= np.take(table, place, axis=0, out=other, mode="clip")
            total *= np.uint64(factor)
            total ^= np.right_shift(total, np.uint64(29), out=other)
        total *= np.uint64(_FACTORS[0])
        return (total >> np.uint64(64 - self.bits)).T.astype(np.int64)


# w: word, k: kind, c: case, g: what stands before, a: a capital is near; v: level, s: that of the same word.
_FIRST: Final = _Hashes(
    (
        *("w-3", "w-2", "w-1", "w1", "w2", "w3"),
        *("k-2 g-2", "k-1 g-1", "k0 g0", "k1 g1", "k2 g2"),
        *("k-1 k0 k1", "k-2 k-1 k0", "k0 k1 k2", "w-1 k0", "w1 k0"),
        *("w-2 w-1 c0", "w-1 w1 c0", "w1 w2 c0", "g0 g1 k-1 k0", "a0 k0", "w-1 c0 c1"),
        *("w-2 k-1 k0", "g0 g1 k0 k1", "w-2 w-1 w-3 c0", ""),
    ),
    letters="wkcga",
    first_salt=1,
    bits=TABLE_BITS,
)
_SECOND: Final = _Hashes(
    (
        *("v0 v-1 v1", "v0 v-1 v1 c0", "v0 v-1 v1 k0", "v0 s0 c0", "v0 v-3 v-2 v-1", "v0 v1 v2 v3"),
        *("v0 v-1 v-2 v1", "v0 v-1 v1 v2", "v0 v-2 v2 w-1", "v0 v-2 v2 w1", "v0 v-1 w-1", "v0 v1 w1"),
        *("v0 v-1 g0 c0", "v0 v1 g1 c0"),
    ),
    letters="wkcgvs",
    first_salt=101,
    bits=SECOND_BITS,
)
N_SHARED: Final = 4
N_FEATURES: Final = N_OWN + len(_FIRST.groups)
N_SECOND: Final = len(_SECOND.groups)
