"""What the tagger of names sees of each token: hashed integers only, the same on every machine.

Features of a word alone are made once for each distinct word; features of its neighbours are sums and
products of whole numbers over all tokens at once. Both end as rows of one table of weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clearway.sensitivity.name_words import (
    COMMON_FILE,
    FIRST_FILE,
    KNOWN_FILE,
    LAST_FILE,
    N_COLUMNS,
    N_OWN,
    N_ROWS,
    NAME_FILES,
    PARTICLES,
    PLACE_FILE,
    TABLE_BITS,
    TITLES,
    IntArray,
    Lexicon,
    Memo,
    WordArray,
    fold,
    load_lexicon,
    word_row,
)
from clearway.sensitivity.tokens import Tokens

__all__ = [
    "CAPITALS_REACH",
    "COMMON_FILE",
    "FEATURES_VERSION",
    "FIRST_FILE",
    "KNOWN_FILE",
    "LAST_FILE",
    "NAME_FILES",
    "N_COLUMNS",
    "N_FEATURES",
    "N_OWN",
    "N_ROWS",
    "N_SECOND",
    "N_SECOND_ROWS",
    "PARTICLES",
    "PLACE_FILE",
    "REACH",
    "TITLES",
    "IntArray",
    "Lexicon",
    "Window",
    "fold",
    "load_lexicon",
    "window_of",
    "word_row",
]

SECOND_BITS: Final = 15
N_SECOND_ROWS: Final = 2**SECOND_BITS
FEATURES_VERSION: Final = 1
# Neighbours looked at on each side, and words on each side in which a capital letter is looked for.
REACH: Final = 3
CAPITALS_REACH: Final = 8
_FACTORS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)


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
