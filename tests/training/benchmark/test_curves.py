"""The hull is the best that mixtures reach, and the area under it is bounded by its heights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.benchmark import curves

points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=25)


def _arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    cost, quality = np.array(rows, dtype=np.float64).T
    return cost, quality


@given(points)
def test_the_hull_rises_and_bends_down(rows: list[tuple[int, int]]) -> None:
    """Costs and qualities rise from corner to corner, and each step buys less than the one before."""
    x, y = curves.hull(*_arrays(rows))
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    assert (np.diff(np.diff(y) / np.diff(x)) < 0).all()


@given(points)
def test_no_point_is_above_the_hull(rows: list[tuple[int, int]]) -> None:
    """At its cost, no point is better than the hull; the corners are points."""
    cost, quality = _arrays(rows)
    x, y = curves.hull(cost, quality)
    assert (quality <= np.interp(cost, x, y) + 1e-9).all()
    assert set(zip(x, y, strict=True)) <= set(zip(cost, quality, strict=True))


@given(points, points)
def test_more_points_never_lower_the_area(rows: list[tuple[int, int]], more: list[tuple[int, int]]) -> None:
    """Another way to answer can only help, when the cheapest start is kept."""
    few, many = _arrays([(0, 0), *rows]), _arrays([(0, 0), *rows, *more])
    assert curves.aiq(*many, 0.0, 20.0) >= curves.aiq(*few, 0.0, 20.0) - 1e-9


@given(points)
def test_the_area_is_a_mean_height(rows: list[tuple[int, int]]) -> None:
    """It lies between the lowest and the highest quality."""
    cost, quality = _arrays(rows)
    assert quality.min() - 1e-9 <= curves.aiq(cost, quality, 0.0, 20.0) <= quality.max() + 1e-9


def test_a_range_of_no_width() -> None:
    """Where all models cost the same, the area is the height there."""
    assert curves.aiq(np.array([1.0, 1.0]), np.array([0.2, 0.6]), 1.0, 1.0) == 0.6


@given(points)
def test_cost_on_the_hull_is_where_it_has_that_height(rows: list[tuple[int, int]]) -> None:
    """Reading the hull back gives the target, and costs no more than any point that reaches it."""
    cost, quality = _arrays(rows)
    x, y = curves.hull(cost, quality)
    target = float(y[0] + 0.4 * (y[-1] - y[0]))
    found = curves.cost_on_hull(cost, quality, target)
    assert np.interp(found, x, y) == pytest.approx(target)
    at = curves.cheapest_point(cost, quality, target)
    assert at is not None
    assert found <= cost[at] + 1e-9


def test_what_is_out_of_reach() -> None:
    """A target over every quality is reached by none."""
    cost, quality = np.array([1.0, 2.0]), np.array([0.3, 0.5])
    assert curves.cheapest_point(cost, quality, 0.6) is None
    assert np.isnan(curves.cost_on_hull(cost, quality, 0.6))
