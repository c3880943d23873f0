"""Thresholds of the classes, chosen on folds that the scored model has not seen.

A threshold lies where recall meets its goal; where that leaves room under a part of the bounds on false
pins, a quarter of the room goes to recall. Where both cannot be had, recall is preferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.dataset import FloatArray
from training.sensitivity.class_learning import SILENT_LOGIT

RECALL_TARGETS: Final[Mapping[str, float]] = {
    "personal": 0.95,
    "contact": 0.97,
    "financial": 0.99,
    "health": 0.97,
    "government_id": 0.99,
    "credentials": 0.97,
    "special_category": 0.95,
    "trade_secret": 0.95,
}
# Over all classes a clean prompt may be pinned in 15 of 1,000 cases; conversations of 20 turns ask for less.
CLEAN_SHARE: Final = 0.0015
# The last that recall is given when the target is not met otherwise.
MOST_CLEAN_SHARE: Final = 0.004
TWIN_SHARE: Final = 0.04
ARTICLE_SHARE: Final = 0.04
MOST_ARTICLE_SHARE: Final = 0.08
SESSION_SHARE: Final = 0.02
# Part of these shares that is used where recall does not ask for more.
STRICT: Final = 0.25
# Of the positives that speak at all, so many are given up rather than flag everything.
UNREACHED_SHARE: Final = 0.01
# What may be flagged over all classes, where thresholds are weighed together.
ALL_SESSION_SHARE: Final = 0.04
ALL_CLEAN_SHARE: Final = 0.01
ALL_TWIN_SHARE: Final = 0.04
# Recall that a class may lose so.
MOST_RECALL_LOST: Final = 0.01
_LOWEST_LOGIT: Final = -5.0
_HIGHEST_LOGIT: Final = 6.0


@dataclass(frozen=True)
class Scored:
    """Scores of one class on held-out folds.

    Attributes:
        positive: Logits of requests of the class.
        clean: Logits of clean prompts.
        articles: Logits of articles of an encyclopedia, which name public persons.
        twins: Logits of harmless look-alikes.
        sessions: Logits of clean conversations.
    """

    positive: FloatArray
    clean: FloatArray
    articles: FloatArray
    twins: FloatArray
    sessions: FloatArray


@dataclass(frozen=True)
class Side:
    """Scores of one class for all training requests, on held-out folds.

    Attributes:
        scores: Logit of each request.
        positive: Which requests its recall is measured on.
        harmless: Which requests are not of the class.
    """

    scores: FloatArray
    positive: NDArray[np.bool_]
    harmless: NDArray[np.bool_]

    def recall(self, logit: float) -> float:
        """Share of the positives that a threshold flags."""
        return float(np.mean(self.scores[self.positive] >= logit)) if self.positive.any() else 0.0


def raise_together(
    logits: Mapping[str, float],
    sides: Mapping[str, Side],
    bounds: Sequence[tuple[NDArray[np.bool_], float]],
) -> dict[str, float]:
    """Thresholds under which fewer harmless requests are flagged for any class.

    Step by step the class gives way that frees the most requests for the recall that it costs, while a sort
    of requests is over its bound, and as long as no class loses more than `MOST_RECALL_LOST`.

    Args:
        logits: Thresholds chosen for each class by itself.
        sides: Of the same classes.
        bounds: Sorts of harmless requests, and the share of each that may be flagged.
    """
    chosen = dict(logits)
    while True:
        flags = {name: side.harmless & (side.scores >= chosen[name]) for name, side in sides.items()}
        hits = np.sum(list(flags.values()), axis=0)
        over = np.zeros(len(hits))
        for which, share in bounds:
            if np.any(which) and np.mean(hits[which] > 0) > share:
                over[which] = np.maximum(over[which], 1.0 / np.sum(which))
        best: tuple[float, str, float] | None = None
        for name, side in sides.items():
            flagged = np.unique(side.scores[flags[name] & (over > 0)])
            before, now = side.recall(logits[name]), side.recall(chosen[name])
            for score in flagged:
                logit = float(np.nextafter(score, np.inf))
                kept = side.recall(logit)
                if before - kept > MOST_RECALL_LOST or logit > _HIGHEST_LOGIT:
                    break
                freed = flags[name] & (side.scores < logit)
                gain = float(np.sum(over[freed] / hits[freed]))
                value = gain / (now - kept + 1e-3)
                if best is None or value > best[0]:
                    best = (value, name, logit)
        if best is None:
            return chosen
        chosen[best[1]] = best[2]


def choose_threshold(scored: Scored, target: float) -> float:
    """Logit from which the class is flagged.

    Args:
        scored: On held-out folds; at least one positive.
        target: Share of the positives to be flagged, in (0, 1).
    """
    goal = target + (1 - target) / 2
    reachable = scored.positive[scored.positive > SILENT_LOGIT]
    if not len(reachable):
        return 0.0
    wanted = _highest_with(scored.positive, goal, reachable)
    strict, lax = (_harmless(scored, part) for part in (STRICT, 1.0))
    if strict <= wanted:
        chosen = (strict + 3 * wanted) / 4
    elif lax <= wanted:
        chosen = wanted
    else:
        least = _highest_with(scored.positive, target, reachable)
        most = _lowest_with(scored.clean, MOST_CLEAN_SHARE), _lowest_with(scored.articles, MOST_ARTICLE_SHARE)
        chosen = min(lax, max(least, *most))
    return float(np.clip(chosen, _LOWEST_LOGIT, _HIGHEST_LOGIT))


def _harmless(scored: Scored, part: float) -> float:
    """Lowest threshold that flags at most a part of what is allowed of everything harmless."""
    return max(
        _lowest_with(scored.clean, part * CLEAN_SHARE),
        _lowest_with(scored.articles, part * ARTICLE_SHARE),
        _lowest_with(scored.twins, part * TWIN_SHARE),
        _lowest_with(scored.sessions, part * SESSION_SHARE),
    )


def _highest_with(positive: FloatArray, share: float, reachable: NDArray[np.float64]) -> float:
    """Highest threshold that still flags the share, or the best that can be had."""
    ordered = np.sort(positive)[::-1]
    needed = max(1, int(np.ceil(share * len(ordered))))
    return float(max(ordered[needed - 1], np.sort(reachable)[int(UNREACHED_SHARE * len(reachable))]))


def _lowest_with(harmless: FloatArray, share: float) -> float:
    """Lowest threshold that flags at most the share."""
    if not len(harmless):
        return SILENT_LOGIT
    ordered = np.sort(harmless)[::-1]
    allowed = int(share * len(ordered))
    return float(np.nextafter(ordered[min(allowed, len(ordered) - 1)], np.inf))
