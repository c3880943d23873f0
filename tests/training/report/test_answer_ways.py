"""The ways to answer a source, and what the papers measure of them."""

from __future__ import annotations

import numpy as np
import pytest

from training.benchmark import curves, pairs
from training.benchmark.blocks import Block
from training.benchmark.savings import Comparison
from training.dataset import FloatArray
from training.report.routed import ARMS
from training.report.sources import router_metrics
from training.report.sources.answer_ways import Contest

# Cost (US dollars) and quality of points on a plane, such as of routers at their thresholds.
PLANE = [(1.0, 0.3), (2.0, 0.35), (3.0, 0.6), (4.0, 0.55), (6.0, 0.8), (8.0, 0.78), (10.0, 0.9)]


def make_block(seed: int, models: tuple[str, ...] = ("dear", "middle", "cheap"), n: int = 300) -> Block:
    """Dearer models are better, most of all at hard prompts, which predictions partly tell."""
    generator = np.random.default_rng(seed)
    hard = generator.random(n) < 0.5
    chance = np.stack([np.full(n, 0.95), np.where(hard, 0.2, 0.9), np.where(hard, 0.05, 0.6)], axis=1)
    columns = [("dear", "middle", "cheap").index(model) for model in models]
    adequate = (generator.random((n, 3)) < chance).astype(float)[:, columns]
    noise = 0.3 * generator.random((2, n, len(models)))
    spend = (np.array([1e-2, 1e-3, 1e-4]) * (0.5 + generator.random((n, 1))))[:, columns]
    cells: dict[str, FloatArray] = {
        "adequate": adequate,
        "score": adequate,
        "success": chance[:, columns] + noise[0],
        "neighbours": chance[:, columns] + 2 * noise[1],
        "shuffled": np.tile(chance.mean(axis=0)[columns], (n, 1)),
        "spend": spend,
        "expected_spend": spend,
        "outside": np.zeros_like(spend),
    }
    return Block(models, tuple(f"k{row}" for row in range(n)), cells, n)


def make_contest(models: tuple[str, ...] = ("dear", "middle", "cheap")) -> Contest:
    """A source whose training and test are alike."""
    test, train = make_block(1, models), make_block(2, models)
    return Contest("own", test.keys, Comparison(test, train, "adequate", seed=0), "counted", {})


@pytest.fixture(scope="module")
def contest() -> Contest:
    """Of three models."""
    return make_contest()


def test_every_arm_is_a_way(contest: Contest) -> None:
    """All of the table's arms, with before and routed; at each prompt the shares add up to one."""
    assert set(contest.shares) == {"before", "routed", *ARMS}
    for shares in contest.shares.values():
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_the_router_saves_and_chance_at_its_mix_is_worse(contest: Contest) -> None:
    """The same shares of models by chance cost about as much and answer worse."""
    cost = {way: contest.of(way, "spend").mean() for way in contest.shares}
    good = {way: contest.of(way, "adequate").mean() for way in contest.shares}
    assert cost["routed"] < 0.9 * cost["before"]
    assert cost["random_mix"] == pytest.approx(cost["routed"], rel=0.1)
    assert good["random_mix"] < good["routed"] - 0.05
    assert good["oracle"] == max(good.values())
    assert cost["routed_98"] <= cost["routed"]


def test_before_is_of_training_and_best_single_of_the_test() -> None:
    """Where the two disagree, the arm that nobody could have chosen is the harder one."""
    contest = make_contest()
    test = contest.test
    test.cells["adequate"][:, test.models.index("middle")] = 1.0
    assert contest.shares["before"][:, test.models.index("dear")].all()
    assert contest.shares["best_single"][:, test.models.index("middle")].all()


def test_the_test_does_not_choose_the_trade_off(contest: Contest) -> None:
    """Another test block has the same trade-offs."""
    other = Comparison(make_block(7), contest.comparison.train, "adequate", seed=0)
    assert Contest("own", other.test.keys, other, "counted", {}).trade_offs == contest.trade_offs


def test_all_metrics_of_a_source_of_three_models(contest: Contest) -> None:
    """AIQ and RouterArena's score of each; APGR and CPT are for two models."""
    metrics = router_metrics.measure(contest)
    assert set(metrics.aiq) == {"routed", "neighbours", "shuffled", "zero_router"}
    assert set(metrics.arena) == set(contest.shares)
    assert (metrics.apgr, metrics.cpt_50, metrics.cpt_80) == ({}, {}, {})
    assert metrics.aiq["routed"].value > metrics.aiq["zero_router"].value
    for found in (*metrics.aiq.values(), *metrics.arena.values()):
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1
    names = {kind: {p.name for p in metrics.points if p.kind == kind} for kind in ("single", "way", "curve")}
    assert names["single"] == set(contest.test.models)
    assert names["way"] == set(contest.shares)
    assert names["curve"] == set(router_metrics.CURVES.values())


def test_mixtures_lie_on_the_line_between_single_models() -> None:
    """Also between the corners, so that the line is right where costs are drawn as logarithms."""
    metrics = router_metrics.measure(make_contest(("cheap", "dear")))
    cheap, dear = sorted((p.usd_per_1000, p.quality) for p in metrics.points if p.kind == "single")
    mixed = [p for p in metrics.points if p.name == router_metrics.CURVES["zero_router"]]
    assert len(mixed) > 10
    for point in mixed:
        line = np.interp(point.usd_per_1000, [cheap[0], dear[0]], [cheap[1], dear[1]])
        assert point.quality == pytest.approx(line, abs=1e-5)


def test_a_pair_has_apgr_and_cpt() -> None:
    """A random order recovers half, with half of the calls; the oracle needs fewer."""
    metrics = router_metrics.measure(make_contest(("cheap", "dear")))
    assert metrics.apgr["random_mix"].value == pytest.approx(0.5)
    assert metrics.cpt_50["random_mix"].value == pytest.approx(0.5)
    assert metrics.cpt_80["random_mix"].value == pytest.approx(0.8)
    assert metrics.apgr["oracle"].value > metrics.apgr["routed"].value > 0.5
    assert metrics.cpt_50["oracle"].value < metrics.cpt_50["routed"].value < 0.5


def test_models_that_cost_nothing_have_no_arena_score() -> None:
    """Left out, as the score is not defined there; everything else is still measured."""
    contest = make_contest()
    contest.test.cells["spend"][:, contest.test.models.index("dear")] = 0.0
    metrics = router_metrics.measure(contest)
    assert "before" not in metrics.arena
    assert "random_mix" in metrics.arena


@pytest.mark.parametrize("n_thresholds", [10, None])
def test_apgr_and_cpt_as_routellm_evaluates_them(n_thresholds: int | None) -> None:
    """By accuracy over the share of strong calls, threshold by threshold (routellm/evals/evaluate.py).

    Their ten thresholds are quantiles of the predictions: near our exact area; all thresholds give ours.
    """
    generator = np.random.default_rng(3)
    n = 2_000
    win = generator.random(n)
    weak = (generator.random(n) < 0.5).astype(float)
    strong = (generator.random(n) < 0.6 + 0.3 * win).astype(float)
    ranks = np.linspace(0, 1, (n_thresholds or n) + 1)
    is_strong = [win >= threshold for threshold in np.quantile(win, 1 - ranks)]
    share = np.array([chosen.mean() for chosen in is_strong])
    accuracy = np.array([np.where(chosen, strong, weak).mean() for chosen in is_strong])
    share[0], accuracy[0] = 0.0, weak.mean()
    area = np.trapezoid(accuracy, share)
    theirs = (area - weak.mean()) / (strong.mean() - weak.mean())
    half = weak.mean() + 0.5 * (strong.mean() - weak.mean())
    curve = pairs.call_curve(win, strong - weak, np.ones(n))
    tolerance = 0.01 if n_thresholds else 1e-3
    assert pairs.apgr(*curve) == pytest.approx(theirs, abs=tolerance)
    calls = np.interp(half, np.maximum.accumulate(accuracy), share)
    assert pairs.cpt(*curve, 0.5) == pytest.approx(calls, abs=2 * tolerance)


def _envelope(points: list[tuple[float, float]], at: float) -> float:
    """Best quality at a cost by a cheaper point or a mixture of two: the hull by its definition."""
    reached = [quality for cost, quality in points if cost <= at]
    for cost, quality in points:
        for more, better in points:
            if cost < at < more:
                reached.append(quality + (better - quality) * (at - cost) / (more - cost))
    return max(reached)


def test_aiq_as_routerbench_defines_it() -> None:
    """The mean height of the non-decreasing hull of all mixtures, from the least to the largest cost."""
    cost, quality = np.array(PLANE).T
    steps = np.linspace(1.0, 10.0, 9_001)
    heights = np.array([_envelope(PLANE, at) for at in steps])
    assert curves.aiq(cost, quality, 1.0, 10.0) == pytest.approx(np.trapezoid(heights, steps) / 9.0, abs=1e-6)


def test_aiq_of_a_hull_counted_by_hand() -> None:
    """Corners (1, 0.3), (3, 0.6), (6, 0.8), (10, 0.9): areas 0.9, 2.1 and 3.4 over a range of 9."""
    cost, quality = np.array(PLANE).T
    assert curves.aiq(cost, quality, 1.0, 10.0) == pytest.approx((0.9 + 2.1 + 3.4) / 9)
