"""Which language a text is in: py3langid's model, summed in whole numbers, the same on every processor."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Weights and logarithms of counts are held in 2**-16: a sum of their products is in 2**-32, and below 2**53.
SCALE_BITS: Final = 16
ONE: Final = 2 ** (2 * SCALE_BITS)


class ExactIdentifier(LanguageIdentifier):  # type: ignore[misc, unused-ignore]
    """Naive Bayes over bytes as in py3langid; scores are whole numbers, `ONE` to a unit of log-likelihood."""

    def _sparse_score(self, visits: dict[int, int], table: NDArray[Any]) -> NDArray[np.float64]:
        """Score of each language; floats, as py3langid marks some, but each a whole number and exact."""
        counts = _whole(np.log1p(np.fromiter(visits.values(), dtype=np.float64, count=len(visits))))
        rows = _whole(table[np.fromiter(visits, dtype=np.intp, count=len(visits))])
        totals = counts @ rows + (_whole(self.nb_pc) << SCALE_BITS)
        return totals.astype(np.float64)


def margin_over_english(text: str) -> int:
    """By how much the likeliest language is likelier than English, in units of `ONE`; 0 for English."""
    scores: dict[str, float] = dict(_identifier().rank(text))
    return int(max(scores.values())) - int(scores["en"])


@lru_cache(maxsize=1)
def _identifier() -> Any:
    return ExactIdentifier.from_model_file(MODEL_FILE)


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    """Nearest whole numbers of 2**-SCALE_BITS; the product by a power of two is exact."""
    return np.rint(values.astype(np.float64) * 2**SCALE_BITS).astype(np.int64)
