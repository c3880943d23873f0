"""APGR and CPT are what the definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.benchmark import pairs

cases = st.lists(
    st.tuples(st.integers(-3, 3), st.sampled_from([-1.0, 0.0, 1.0]), st.integers(1, 4)),
    min_size=2,
    max_size=40,
).filter(lambda rows: sum(gain * weight for _, gain, weight in rows) > 0)


def _arrays(rows: list[tuple[int, float, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    advantage, gain, weight = np.array(rows, dtype=np.float64).T
    return advantage, gain, weight


@given(cases)
def test_a_constant_is_random(rows: list[tuple[int, float, int]]) -> None:
    """Equal advantages for all give 0.5, and 80% of the gap takes 80% of the calls."""
    _, gain, weight = _arrays(rows)
    curve = pairs.call_curve(np.zeros(len(gain)), gain, weight)
    assert pairs.apgr(*curve) == pytest.approx(0.5)
    assert pairs.cpt(*curve, 0.8) == pytest.approx(0.8)


@given(cases)
def test_no_order_beats_the_oracle(rows: list[tuple[int, float, int]]) -> None:
    """Ranking by the gain itself is the best there is."""
    advantage, gain, weight = _arrays(rows)
    oracle = pairs.call_curve(gain, gain, weight)
    ranked = pairs.call_curve(advantage, gain, weight)
    assert pairs.apgr(*oracle) >= pairs.apgr(*ranked) - 1e-12
    for level in pairs.LEVELS:
        assert pairs.cpt(*oracle, level) <= pairs.cpt(*ranked, level) + 1e-12


@given(cases)
def test_the_other_way_round_mirrors(rows: list[tuple[int, float, int]]) -> None:
    """Strong and weak mixed up are noticed: the areas add up to one."""
    advantage, gain, weight = _arrays(rows)
    areas = [pairs.apgr(*pairs.call_curve(sign * advantage, gain, weight)) for sign in (1, -1)]
    assert sum(areas) == pytest.approx(1.0)


@given(cases)
def test_a_weight_is_a_repetition(rows: list[tuple[int, float, int]]) -> None:
    """A row drawn three times counts as three rows."""
    advantage, gain, weight = _arrays(rows)
    n = weight.astype(int)
    long = pairs.call_curve(np.repeat(advantage, n), np.repeat(gain, n), np.ones(n.sum()))
    short = pairs.call_curve(advantage, gain, weight)
    np.testing.assert_allclose(long, short)


def test_random_orders_average_one_half() -> None:
    """The mean over random orders is 0.5."""
    generator = np.random.default_rng(0)
    gain = generator.choice([-1.0, 0.0, 1.0], 400, p=[0.1, 0.5, 0.4])
    areas = [pairs.apgr(*pairs.call_curve(generator.random(400), gain, np.ones(400))) for _ in range(200)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.02)


def test_threshold_by_threshold_gives_the_same_area() -> None:
    """The area equals that of a sweep over thresholds, prompt by prompt, as RouteLLM evaluates it."""
    generator = np.random.default_rng(1)
    advantage = generator.random(50)
    weak, strong = generator.random(50), generator.random(50) + 0.3
    share, quality = [], []
    for threshold in [np.inf, *sorted(advantage, reverse=True)]:
        is_strong = advantage >= threshold
        share.append(is_strong.mean())
        quality.append(np.where(is_strong, strong, weak).mean())
    recovered = (np.array(quality) - weak.mean()) / (strong.mean() - weak.mean())
    curve = pairs.call_curve(advantage, strong - weak, np.ones(50))
    assert pairs.apgr(*curve) == pytest.approx(np.trapezoid(recovered, share))


def test_no_gap_no_number() -> None:
    """Where the strong model is no better there is no gap to recover: null, not 0.5."""
    metrics = pairs.pair_metrics(np.array([0.1, 0.2]), np.array([-1.0, 0.0]), np.ones((3, 2)))
    assert metrics["apgr"] == {"value": None, "low": None, "high": None}
    assert metrics["cpt_50"]["value"] is None


def test_names_of_the_metrics() -> None:
    """The names that programs read."""
    assert list(pairs.pair_metrics(np.array([0.1, 0.2]), np.array([1.0, 0.0]), np.ones((2, 2)))) == [
        "apgr",
        "cpt_50",
        "cpt_80",
    ]
