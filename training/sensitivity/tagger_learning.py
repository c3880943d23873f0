"""Learn the tagger of names: logistic regression over hashed features of each token's window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from clearway.sensitivity.name_features import (
    N_FEATURES,
    N_ROWS,
    TITLES,
    IntArray,
    Lexicon,
    WordRow,
    fold,
    token_ids,
)
from clearway.sensitivity.tokens import Tokens, tokenise
from training.sensitivity.name_sampler import contexts, renamed
from training.sensitivity.tagger_data import Row, varied

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SEED: Final = 20
PENALTY: Final = 1.0
ITERATIONS: Final = 60
# Share of texts in which the lists know no name, so that a name in no list is found by its place too.
UNLISTED: Final = 0.3
CLEAN_SHARE: Final = 0.35
# Copies of each text with other names, and fillings of each context.
COPIES: Final = 2
RENAMED: Final = ("presidio_synth_v2", "presidio_generated_large", "wnut17", "wikigold")
N_NAMED: Final = 16
N_UNNAMED: Final = 12


@dataclass(frozen=True)
class Weights:
    """A fitted tagger.

    Attributes:
        rows: Shape (N_ROWS,), weight of each feature.
        bias: Weight of every token.
    """

    rows: FloatArray
    bias: float


@dataclass(frozen=True)
class Examples:
    """Tokens to learn from.

    Attributes:
        ids: Shape (n_tokens, N_FEATURES).
        in_name: Shape (n_tokens,).
    """

    ids: IntArray
    in_name: BoolArray


def learn(rows: Sequence[Row], lexicon: Lexicon) -> Weights:
    """Fit on the rows given and on copies of them in other cases; the same weights every time."""
    chosen = [row for row in rows if row.gold or _chance(row.text, "clean") < CLEAN_SHARE]
    for copy in range(COPIES):
        chosen += renamed([row for row in rows if row.gold and row.source in RENAMED], lexicon, SEED + copy)
    chosen += contexts(lexicon, SEED, N_NAMED, N_UNNAMED)
    examples = gather([*chosen, *varied(chosen, SEED)], lexicon)
    n = len(examples.in_name); import time; print("tokens",n,time.process_time())
    shape = (n, N_ROWS)
    data = np.ones(n * N_FEATURES, dtype=np.float32)
    indptr = np.arange(0, n * N_FEATURES + 1, N_FEATURES, dtype=np.int32)
    matrix = csr_matrix((data, examples.ids.ravel(), indptr), shape=shape)
    model = LogisticRegression(C=PENALTY, max_iter=ITERATIONS, tol=1e-3)
    model.fit(matrix, examples.in_name); print("fit",time.process_time(),model.n_iter_)
    return Weights(model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def gather(rows: Iterable[Row], lexicon: Lexicon) -> Examples:
    """Features and labels of all tokens; tokens of unmarked text that may be names are left out."""
    bare = replace(lexicon, first=frozenset(), last=frozenset(), known=frozenset())
    lexicons: dict[bool, tuple[Lexicon, dict[str, WordRow]]] = {False: (lexicon, {}), True: (bare, {})}
    ids, labels = [], []
    for row in rows:
        tokens = tokenise(row.text)
        if len(tokens) == 0:
            continue
        unlisted = bool(row.names) and _chance(row.text, "lists") < UNLISTED
        kept = np.ones(len(tokens), dtype=np.bool_) if row.gold else ~maybe_names(tokens, lexicon)
        ids.append(token_ids(tokens, *lexicons[unlisted])[kept].astype(np.int32))
        labels.append(in_names(tokens, row.names)[kept])
    return Examples(np.concatenate(ids), np.concatenate(labels))


def in_names(tokens: Tokens, names: Iterable[tuple[int, int]]) -> BoolArray:
    """Which tokens lie within a name; a title and its full stop do not."""
    inside = np.zeros(len(tokens), dtype=np.bool_)
    starts, ends = np.array(tokens.starts), np.array(tokens.ends)
    for start, end in names:
        inside |= (starts >= start) & (ends <= end)
    titles = np.array([fold(word) in TITLES for word in tokens.words], dtype=np.bool_)
    after_title = np.array([word == "." for word in tokens.words], dtype=np.bool_)
    after_title[1:] &= titles[:-1]
    return inside & ~titles & ~after_title


def maybe_names(tokens: Tokens, lexicon: Lexicon) -> BoolArray:
    """Tokens of unmarked text that may be names: capitalised and in a list, or beside such a one."""
    names = np.array([w[0].isupper() and _is_listed(fold(w), lexicon) for w in tokens.words])
    capitals = np.array([w[0].isupper() for w in tokens.words])
    beside = np.zeros(len(names), dtype=np.bool_)
    beside[1:] |= names[:-1]
    beside[:-1] |= names[1:]
    return names | (beside & capitals)


def _is_listed(word: str, lexicon: Lexicon) -> bool:
    if word in lexicon.places and word not in lexicon.known:
        return False
    return word in lexicon.first or word in lexicon.last


def _chance(text: str, purpose: str) -> float:
    return Random(f"{SEED} {purpose} {crc32(text.encode())}").random()  # noqa: S311 - no secret
