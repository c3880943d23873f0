"""Learn the tagger of names: two passes of logistic regression over hashed features of each token's window.

The second pass sees what the first thinks of the neighbours. It learns from thoughts on texts that the
first pass was not fitted on, as it will meet them in service.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from clearway.sensitivity.name_features import (
    N_ROWS,
    N_SECOND_ROWS,
    TITLES,
    IntArray,
    Lexicon,
    Window,
    fold,
    window_of,
)
from clearway.sensitivity.tagger import JOINING, levels_of
from clearway.sensitivity.tokens import Tokens, tokenise
from training.sensitivity.name_sampler import contexts, filler_text, renamed
from training.sensitivity.tagger_data import Row, varied

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SEED: Final = 20
INVERSE_PENALTY: Final = 0.5
ITERATIONS: Final = 200
TOLERANCE: Final = 1e-4
N_FOLDS: Final = 2
# A score is held in 2**-11 of a logit.
WEIGHT_BITS: Final = 11
# Share of texts in which the lists know no name, so that a name in no list is found by its place too.
UNLISTED: Final = 0.2
# Share of texts in which the list of common words knows the most frequent only.
UNCOMMON: Final = 0.3
N_FREQUENT: Final = 1_500
CLEAN_SHARE: Final = 0.7
# Copies of each text with other names, and fillings of each context.
COPIES: Final = 2
RENAMED: Final = ("presidio_synth_v2", "presidio_generated_large", "wnut17", "wikigold")
N_NAMED: Final = 16
N_UNNAMED: Final = 12
N_FILLER: Final = 40


@dataclass(frozen=True)
class Weights:
    """A fitted tagger.

    Attributes:
        rows: Shape (N_ROWS + N_SECOND_ROWS,), weight of each feature of the first and of the second pass.
        scale: Weight of the first pass's score in the second.
    """

    rows: FloatArray
    scale: float


@dataclass(frozen=True)
class Text:
    """One text to learn from.

    Attributes:
        window: Its features.
        in_name: Shape (n_tokens,).
        kept: Shape (n_tokens,), False where the label is not known.
        fold: Texts of one fold share their skeleton or document.
    """

    window: Window
    ids: NDArray[np.int32]
    in_name: BoolArray
    kept: BoolArray
    fold: int


def learn(rows: Sequence[Row], lexicon: Lexicon) -> Weights:
    """Fit on the rows given, on contexts filled with names, and on copies in other cases.

    The same rows give the same weights.
    """
    texts = gather(training_rows(rows, lexicon), lexicon)
    first = _fit([text.ids for text in texts], texts, N_ROWS)
    scores: list[IntArray] = [np.zeros(0, dtype=np.int64)] * len(texts)
    for number in range(N_FOLDS):
        others = [text for text in texts if text.fold != number]
        weights = integers(_fit([text.ids for text in others], others, N_ROWS))
        for place, text in enumerate(texts):
            if text.fold == number:
                scores[place] = weights[text.ids].sum(axis=1)
    second = _fit_second(texts, scores)
    return Weights(np.concatenate([first, second[:-1]]), float(second[-1]))


def training_rows(rows: Sequence[Row], lexicon: Lexicon) -> list[Row]:
    """The rows, a share of the unmarked ones, and all that is made of them."""
    chosen = [row for row in rows if row.gold or _chance(row.text, "clean") < CLEAN_SHARE]
    named = [row for row in chosen if row.source in RENAMED]
    for copy in range(COPIES):
        chosen += renamed(named, lexicon, SEED + copy)
    chosen += contexts(lexicon, SEED, N_NAMED, N_UNNAMED)
    chosen += filler_text(SEED, N_FILLER)
    return [*chosen, *varied(chosen, SEED)]


def integers(weights: FloatArray) -> IntArray:
    """Weights as they are served."""
    return np.rint(weights * 2.0**WEIGHT_BITS).astype(np.int64)


def _fit(ids: Sequence[NDArray[np.int32]], texts: Sequence[Text], n_rows: int) -> FloatArray:
    kept = np.concatenate([text.kept for text in texts])
    labels = np.concatenate([text.in_name for text in texts])[kept]
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS, tol=TOLERANCE, fit_intercept=False)
    model.fit(_matrix(np.concatenate(ids)[kept], n_rows), labels)
    weights: FloatArray = model.coef_[0].astype(np.float64)
    return weights


def _fit_second(texts: Sequence[Text], scores: Sequence[IntArray]) -> FloatArray:
    """Weights of the second pass, and last that of the first pass's score."""
    kept = np.concatenate([text.kept for text in texts])
    labels = np.concatenate([text.in_name for text in texts])[kept]
    pairs = zip(texts, scores, strict=True)
    ids = np.concatenate([text.window.second_ids(levels_of(score)) - N_ROWS for text, score in pairs])
    matrix = _matrix(ids[kept].astype(np.int32), N_SECOND_ROWS)
    base = np.concatenate(scores)[kept, None] / 2.0**WEIGHT_BITS
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=ITERATIONS, tol=TOLERANCE, fit_intercept=False)
    model.fit(hstack([matrix, csr_matrix(base.astype(np.float32))], format="csr"), labels)
    weights: FloatArray = model.coef_[0].astype(np.float64)
    return weights


def _matrix(ids: NDArray[np.int32], n_rows: int) -> csr_matrix:
    n, width = ids.shape
    ends = np.arange(0, n * width + 1, width, dtype=np.int32)
    return csr_matrix((np.ones(n * width, dtype=np.float32), ids.ravel(), ends), shape=(n, n_rows))


def gather(rows: Iterable[Row], lexicon: Lexicon) -> list[Text]:
    """Features and labels of all texts; tokens of unmarked text that may be names are not kept."""
    bare = replace(lexicon, first=frozenset(), last=frozenset(), known=frozenset())
    short = replace(lexicon, common=lexicon.common[:N_FREQUENT])
    seen: list[dict[str, tuple[int, ...]]] = [{}, {}, {}]
    lexicons = list(zip((lexicon, bare, short), seen, strict=True))
    texts = []
    for row in rows:
        tokens = tokenise(row.text)
        if len(tokens) == 0:
            continue
        window = window_of(tokens, *lexicons[_lists_of(row)])
        kept = np.ones(len(tokens), dtype=np.bool_) if row.gold else ~maybe_names(tokens, lexicon)
        in_name = in_names(tokens, row.names)
        number = crc32(row.group.encode()) % N_FOLDS
        ids = window.first_ids().astype(np.int32)
        texts.append(Text(window, ids, in_name, kept | in_name, number))
    return texts


def in_names(tokens: Tokens, names: Iterable[tuple[int, int]]) -> BoolArray:
    """Which tokens lie within a name; a title and its full stop do not, and neither does a comma."""
    inside: BoolArray = np.zeros(len(tokens), dtype=np.bool_)
    starts, ends = np.array(tokens.starts), np.array(tokens.ends)
    for start, end in names:
        inside |= (starts >= start) & (ends <= end)
    inside &= np.array([word[0].isalnum() or word[0] in JOINING for word in tokens.words])
    titles = np.array([fold(word) in TITLES for word in tokens.words], dtype=np.bool_)
    after_title = np.array([word == "." for word in tokens.words], dtype=np.bool_)
    after_title[1:] &= titles[:-1]
    inside &= ~titles & ~after_title
    return inside


def maybe_names(tokens: Tokens, lexicon: Lexicon) -> BoolArray:
    """Tokens of unmarked text that may be names: capitalised and in a list, or beside such a one."""
    names: BoolArray = np.array([w[0].isupper() and _is_listed(fold(w), lexicon) for w in tokens.words])
    capitals = np.array([w[0].isupper() for w in tokens.words])
    beside = np.zeros(len(names), dtype=np.bool_)
    beside[1:] |= names[:-1]
    beside[:-1] |= names[1:]
    names |= beside & capitals
    return names


def _lists_of(row: Row) -> int:
    """0 for all lists, 1 for none of names, 2 for the shorter list of common words."""
    draw = _chance(row.text, "lists")
    if row.names and draw < UNLISTED:
        return 1
    return 2 if draw > 1 - UNCOMMON else 0


def _is_listed(word: str, lexicon: Lexicon) -> bool:
    if word in lexicon.places and word not in lexicon.known:
        return False
    return word in lexicon.first or word in lexicon.last


def _chance(text: str, purpose: str) -> float:
    return Random(f"{SEED} {purpose} {crc32(text.encode())}").random()  # noqa: S311 - no secret
