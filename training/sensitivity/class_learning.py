"""Learns the class model: a logistic regression per class over rows of evidence, of which the best decides.

Which row of a request makes it sensitive is not said by the gold, so it is learned in rounds (multiple
instances, Andrews, Tsochantaridis, Hofmann 2002, section 4): each sensitive request puts forward the row that
the last round found best, each harmless one all of its rows. A class weighs each kind of finding by itself,
and what the kinds share, together: few examples of one kind lean on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.linear_model import LogisticRegression

from clearway.sensitivity.evidence import COLUMNS, N_COLUMNS, ONE
from clearway.style import IntArray
from training.dataset import FloatArray

# Which kinds of finding can make a class.
ANCHORS: Final[Mapping[str, tuple[str, ...]]] = {
    "personal": (
        "name",
        "birth",
        "email",
        "phone",
        "address",
        "card",
        "iban",
        "bank",
        "government",
        "record",
        "health",
    ),
    "contact": ("email", "phone", "address"),
    "financial": ("card", "iban", "bank", "crypto"),
    "health": ("health", "record"),
    "government_id": ("government",),
    "credentials": ("secret",),
    "special_category": ("special",),
    "trade_secret": ("trade",),
}
N_ROUNDS: Final = 4
PENALTY: Final = 0.1
# Classes that gain recall on the folds by leaning on more columns.
PENALTIES: Final[Mapping[str, float]] = {"personal": 0.3, "health": 0.3, "trade_secret": 0.3}
# A head is silent on rows of other kinds.
SILENT_LOGIT: Final = -100.0
_MAX_ITERATIONS: Final = 500


@dataclass(frozen=True)
class Rows:
    """Evidence of many requests, stacked.

    Attributes:
        values: Shape (n_rows, N_COLUMNS), int64.
        request: Shape (n_rows,); which request a row is of, ascending.
        is_gold: Shape (n_rows,); whether it lies on a gold span.
        n_requests: How many requests, those without rows counted.
    """

    values: IntArray
    request: NDArray[np.int64]
    is_gold: NDArray[np.bool_]
    n_requests: int

    def of(self, chosen: NDArray[np.bool_]) -> Rows:
        """Rows of the chosen requests; the others keep their numbers, without rows."""
        keep = chosen[self.request]
        return Rows(self.values[keep], self.request[keep], self.is_gold[keep], self.n_requests)


@dataclass(frozen=True)
class Head:
    """One kind's say in a class.

    Attributes:
        kind: Of the findings that it reads.
        weights: Shape (N_COLUMNS,), logits for a column at `ONE`.
        bias: Logits.
    """

    kind: str
    weights: FloatArray
    bias: float


def anchor_rows(rows: Rows, kind: str) -> NDArray[np.bool_]:
    """Rows of a kind."""
    is_kind: NDArray[np.bool_] = rows.values[:, COLUMNS.index(f"is.{kind}")] > 0
    return is_kind


def fit_class(
    rows: Rows, positive: NDArray[np.bool_], kinds: Sequence[str], penalty: float = PENALTY
) -> tuple[Head, ...]:
    """Heads of one class.

    Args:
        rows: Of the training requests.
        positive: Shape (n_requests,); whether a request is of the class.
        kinds: Which findings can make it.
        penalty: The smaller, the fewer columns decide.

    Returns:
        A head for each kind that was seen; none where no request with such a finding is on either side.
    """
    of_kind = {kind: anchor_rows(rows, kind) for kind in kinds}
    anchored = np.any(list(of_kind.values()), axis=0)
    values = csr_array(rows.values[anchored] / ONE)
    request = rows.request[anchored]
    marks = np.stack([of_kind[kind][anchored] for kind in kinds], axis=1)
    target = positive[request]
    if not target.any() or target.all():
        return ()
    chosen = _first_choice(request, target, rows.is_gold[anchored])
    own_values = (values.multiply(marks[:, [i]]) for i in range(len(kinds)))
    crossed = hstack([values, *own_values], format="csr")
    learner = LogisticRegression(C=penalty, max_iter=_MAX_ITERATIONS, solver="lbfgs")
    for _ in range(N_ROUNDS):
        learner.fit(crossed[chosen], target[chosen], sample_weight=_weights(request[chosen], target[chosen]))
        chosen = ~target | _best_rows(learner.decision_function(crossed), request)
    shared, *own = learner.coef_[0].reshape(len(kinds) + 1, N_COLUMNS)
    bias = float(learner.intercept_[0])
    return tuple(
        Head(kind, shared + own[i], bias) for i, kind in enumerate(kinds) if marks[target][:, i].any()
    )


def score_class(rows: Rows, heads: Sequence[Head]) -> FloatArray:
    """Best logit of each request, shape (n_requests,); `SILENT_LOGIT` where no row speaks."""
    best = np.full(rows.n_requests, SILENT_LOGIT)
    for head in heads:
        own = anchor_rows(rows, head.kind)
        np.maximum.at(best, rows.request[own], rows.values[own] / ONE @ head.weights + head.bias)
    return best


def _first_choice(
    request: NDArray[np.int64], target: NDArray[np.bool_], is_gold: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Rows on gold spans; all rows of requests without such rows, and of harmless ones."""
    with_gold = np.isin(request, request[is_gold])
    return ~target | is_gold | ~with_gold


def _best_rows(scores: FloatArray, request: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The first best row of each request."""
    order = np.lexsort((np.arange(len(scores)), -scores, request))
    first = np.r_[True, np.diff(request[order]) > 0]
    best = np.zeros(len(scores), dtype=np.bool_)
    best[order[first]] = True
    return best


def _weights(request: NDArray[np.int64], target: NDArray[np.bool_]) -> FloatArray:
    """Rows of a sensitive request count as one in all; a harmless one's by their number's root.

    One row flags a request: each that a harmless one has is a chance to be wrong.
    """
    _, place, counts = np.unique(request, return_inverse=True, return_counts=True)
    weights: FloatArray = np.where(target, 1.0 / counts[place], 1.0 / np.sqrt(counts[place]))
    return weights
