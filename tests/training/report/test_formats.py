"""Numbers and names are written one way."""

from __future__ import annotations

import doctest
import math

import pytest

from training.report.page import charts, formats, wording
from training.report.page.formats import (
    change,
    count,
    decimal,
    estimate,
    name,
    per_million,
    points,
    said,
    share,
    usd,
)
from training.report.results import Estimate


def test_examples() -> None:
    """Those of the docstrings are true."""
    for module in (formats, wording, charts):
        result = doctest.testmod(module)
        assert result.attempted
        assert not result.failed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (usd(-45_600_000), "\N{MINUS SIGN}$0.0456"),
        (usd(10**18), "$1,000,000,000"),
        (usd(10**30), "$1.00e+21"),
        (usd(0.2), "$0.00"),
        (usd(600_000_000), "$0.60"),
        (count(-3), "\N{MINUS SIGN}3"),
        (share(-0.314), "\N{MINUS SIGN}31.4%"),
        (share(-0.0), "0%"),
        (change(-0.0000000001), ">\N{MINUS SIGN}0.01%"),
        (points(-0.0041), "\N{MINUS SIGN}0.41 points"),
        (points(-0.000001), "0.00 points"),
        (decimal(-73.25), "\N{MINUS SIGN}73.2"),
        (per_million(0), "0"),
    ],
)
def test_signs_and_sizes(text: str, expected: str) -> None:
    """A minus is a minus sign, nothing has none, and small numbers keep their digits."""
    assert text == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "not measured (no grade)"),
        (Estimate(math.nan), "not measured (no grade)"),
        (Estimate(0.5), "50.0% (no interval)"),
        (Estimate(0.5, 0.4, math.inf), "50.0% (no interval)"),
        (Estimate(0.5, 0.4, 0.6), "50.0% (40.0% to 60.0%)"),
    ],
)
def test_estimates(value: Estimate | None, expected: str) -> None:
    """A number comes with its interval, its absence with the reason."""
    assert said(estimate(value, share, "no grade")) == expected


def test_a_negated_estimate_turns_its_interval() -> None:
    """A saving as a change in cost: the ends change places."""
    cell = estimate(Estimate(0.1, 0.05, 0.2), change, is_negated=True)
    assert said(cell).replace("\N{MINUS SIGN}", "-") == "-10.0% (-20.0% to -5.0%)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x00b", "a\\u0000b"),
        ("a\u202eb\U000e0001", "a\\u202eb\\U000e0001"),
        ("\ud800", "\\ud800"),
        ("tab\there", "tab\\u0009here"),
        ("plain name", "plain name"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_names_show_what_they_hold(text: str, expected: str) -> None:
    """What cannot be seen is named, what is too long is cut."""
    assert name(text) == expected
