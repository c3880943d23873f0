"""Shares of counted cases, with the exact interval of Clopper and Pearson."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

CONFIDENCE: Final = 0.95
# Fewer cases than this are marked: their interval says little.
FEW: Final = 30

Share = dict[str, Any]


def share(hits: int, n: int) -> Share:
    """Share of `n` independent cases that are hits, with its two-sided 95% interval.

    Args:
        hits: In [0, n].
        n: Cases; 0 gives no value and no interval.

    References:
        Clopper, Pearson (1934), Biometrika 26.

    >>> share(9, 10)
    {'hits': 9, 'n': 10, 'value': 0.9, 'low': 0.554984, 'high': 0.997471}
    """
    if n == 0:
        return {"hits": 0, "n": 0, "value": None, "low": None, "high": None}
    from scipy.stats import beta

    tail = (1 - CONFIDENCE) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return {"hits": hits, "n": n, "value": round(hits / n, 6), "low": round(low, 6), "high": round(high, 6)}


def share_of(cases: Iterable[bool]) -> Share:
    """Share of the cases that are true."""
    known = list(cases)
    return share(sum(known), len(known))
