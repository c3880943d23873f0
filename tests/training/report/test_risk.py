"""Risk: expected leaks by hand, their bounds, and cards that are not what they should be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from training.benchmark.sensitivity.shares import share
from training.report.analysis.risk import Paths, detection_of, leaks_per_million
from training.report.results import Detection, Estimate

RECALL = Estimate(0.9, 0.8, 0.95)
PIN = Estimate(0.01, 0.0, 0.02)


def _paths() -> Paths:
    """1,000 requests, 100 of them with health data, which go to `a`; half of the others go to `b`."""
    return Paths(
        n=1_000,
        after=Counter({("health", "a", "eu"): 100}),
        flagged=Counter({"health": 100}),
        sent=Counter({("a", "eu"): 550, ("b", "us"): 450}),
    )


def test_expected_leaks_follow_the_formula() -> None:
    """(p - f) / (r - f) hold the class, 1 - r of those are missed, and half of the unflagged go elsewhere."""
    found = leaks_per_million(_paths(), "health", RECALL, PIN)
    held = (0.1 - 0.01) / (0.9 - 0.01)
    assert found is not None
    assert found.value == round(held * 0.1 * 0.5 * 1e6, 1)
    p = share(100, 1_000)
    assert (p["low"], p["high"]) == (0.082105, 0.120288)
    assert found.low == round((0.082105 - 0.02) / (0.95 - 0.02) * 0.05 * 0.5 * 1e6, 1)
    assert found.high == round(0.120288 / 0.8 * 0.2 * 0.5 * 1e6, 1)


def test_nothing_leaks_where_everything_goes_where_the_class_may() -> None:
    """Missed requests that land where flagged ones are sent anyway are no leak."""
    paths = _paths()
    paths.sent = Counter({("a", "eu"): 1_000})
    assert leaks_per_million(paths, "health", RECALL, PIN) == Estimate(0.0, 0.0, 0.0)


@pytest.mark.parametrize("n_flagged", [0, 5])
def test_fewer_flags_than_false_ones_leave_an_upper_bound(n_flagged: int) -> None:
    """They are expected to be false, all of them; but a card's false flags do not prove that here."""
    paths = _paths()
    paths.flagged = Counter({"health": n_flagged})
    found = leaks_per_million(paths, "health", RECALL, Estimate(0.02, 0.01, 0.03))
    p = share(n_flagged, 1_000)["high"]
    assert found is not None
    assert p is not None
    assert (found.value, found.low) == (0.0, 0.0)
    astray = 450 / (1_000 - n_flagged)
    assert found.high == round(p / 0.8 * 0.2 * astray * 1e6, 1)


def test_without_a_detector_nothing_is_said_of_leaks() -> None:
    """Requests that nobody looked through have unknown classes: the card's rates are shown, leaks are not."""
    card = {"held_out": {"recall": {"health": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 40}}}}
    assert detection_of(Paths(), card, has_detector=False) == (
        Detection("health", 0, RECALL, 40, None, None),
    )


@pytest.mark.parametrize(
    "card",
    [
        None,
        {},
        {"held_out": []},
        {"held_out": {"recall": {"health": "high"}}},
        {"held_out": {"recall": {"health": {"value": float("nan"), "n": 3}}}},
        {"held_out": {"recall": {"health": {"value": "0.9"}}}},
        {"held_out": {"recall": {"health": {"value": 7}}}},
    ],
)
def test_a_card_without_the_numbers_says_nothing(card: Any) -> None:
    """A detector's card that is missing, older or damaged leaves its rates unknown."""
    found = detection_of(_paths(), card, has_detector=True)
    assert found == (Detection("health", 100, None, 0, None, None),)
