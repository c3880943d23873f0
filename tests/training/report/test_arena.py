"""RouterArena's score is the one of its paper, its program and its leaderboard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.report.sources.arena import arena_score

# Leaderboard of github.com/RouteWorks/RouterArena: accuracy, US dollars per 1,000 queries, score.
PUBLISHED = {
    "R2-Router": (71.23, 0.06, 71.60),
    "vLLM-SR": (66.53, 0.06, 67.23),
    "MIRT-BERT": (66.88, 0.15, 66.89),
    "Azure-Router": (68.09, 0.54, 66.66),
    "NIRT-BERT": (66.34, 0.21, 66.12),
    "GPT-5": (73.96, 10.02, 64.32),
    "CARROT": (67.21, 2.06, 63.87),
    "Chayan": (64.89, 0.56, 63.83),
    "RouterBench-MLP": (61.62, 4.83, 57.56),
    "NotDiamond": (60.83, 4.10, 57.29),
    "GraphRouter": (57.00, 0.34, 57.22),
    "RouterBench-KNN": (58.69, 4.27, 55.48),
    "RouteLLM": (47.04, 0.27, 48.07),
    "RouterDC": (32.01, 0.07, 33.75),
}
shares = st.floats(0.01, 1.0)
costs = st.floats(0.0044, 200.0)


@pytest.mark.parametrize("router", PUBLISHED)
def test_the_leaderboard_comes_out(router: str) -> None:
    """Each published score follows from its accuracy and its cost, as far as their cents allow."""
    accuracy, usd, score = PUBLISHED[router]
    usds = np.array([usd - 0.005, usd, usd + 0.005])
    high, middle, low = 100 * arena_score(usds, np.full(3, accuracy / 100))
    assert middle == pytest.approx(score, abs=0.06)
    assert low - 0.01 <= score <= high + 0.01


def _by_definition(usd: float, accuracy: float) -> float:
    """The formula of the paper, one number at a time."""
    cheapness = np.log2(200 / usd) / np.log2(200 / 0.0044)
    return float(1.1 * accuracy * cheapness / (0.1 * accuracy + cheapness))


@given(st.floats(0.005, 199.0), shares)
def test_it_is_the_formula_of_the_paper(usd: float, accuracy: float) -> None:
    """For all costs between the bounds."""
    found = arena_score(np.array([usd]), np.array([accuracy]))[0]
    assert found == pytest.approx(_by_definition(usd, accuracy))


@given(costs, costs, shares, shares)
def test_better_or_cheaper_never_scores_less(usd: float, other: float, good: float, better: float) -> None:
    """It rises with accuracy and falls with cost, from 0 to 1."""
    cheap, dear = sorted((usd, other))
    low, high = sorted((good, better))
    best, worst = arena_score(np.array([cheap, dear]), np.array([high, low]))
    assert 0 <= worst <= best + 1e-12 <= 1 + 1e-9


def test_the_ends_of_the_scale() -> None:
    """Costs beyond the bounds count as the bounds; nothing right at the highest cost is 0."""
    usd = np.array([0.0001, 0.0044, 200.0, 1e9, 200.0])
    score = arena_score(usd, np.array([0.5, 0.5, 0.5, 0.5, 0.0]))
    np.testing.assert_allclose(score, [score[1], 0.55 / 1.05, 0, 0, 0])


@pytest.mark.parametrize("usd", [0.0, -1.0, np.nan])
def test_no_cost_has_no_score(usd: float) -> None:
    """Their program refuses such a cost; here it is no number."""
    assert np.isnan(arena_score(np.array([usd]), np.array([0.5]))[0])
