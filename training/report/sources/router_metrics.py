"""What the papers on routers measure, of one source of graded answers, with intervals over its questions.

References:
    Ong et al. (2024), RouteLLM, arXiv 2406.18665, section 3: APGR and CPT, of sources of two models.
    Hu et al. (2024), RouterBench, arXiv 2403.12031, section 3: AIQ, over the costs of the single models.
    Lu et al. (2025), RouterArena, arXiv 2510.00202: its score, of each way to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from training.benchmark import pairs
from training.benchmark.curves import hull
from training.benchmark.resampling import Interval, interval, weighted_means
from training.report.results import Estimate, Point, RouterMetrics
from training.report.sources.answer_ways import QUALITY, Contest
from training.report.sources.arena import arena_score

# Columns of the predictions, by the router that follows them.
ROUTERS: Final = {"success": "routed", "neighbours": "neighbours", "shuffled": "shuffled"}
MAX_CURVE_POINTS: Final = 24
MAX_SINGLES: Final = 12
# Names of the curves, other than those of the points that were fixed before the test.
CURVES: Final = {
    "routed": "router (every trade-off)",
    "neighbours": "nearest neighbours (every trade-off)",
    "shuffled": "shuffled labels (every trade-off)",
    "zero_router": "mixtures of single models",
}
PER_1000: Final = 1_000


def measure(contest: Contest) -> RouterMetrics:
    """All of it."""
    report = contest.comparison.report()
    pair = _pair(contest)
    return RouterMetrics(
        source=contest.source,
        n=len(contest.ids),
        aiq=_estimates({ROUTERS.get(name, name): values for name, values in report["aiq"].items()}),
        apgr=_estimates({name: values["apgr"] for name, values in pair.items()}),
        cpt_50=_estimates({name: values["cpt_50"] for name, values in pair.items()}),
        cpt_80=_estimates({name: values["cpt_80"] for name, values in pair.items()}),
        arena=_estimates({way: interval(_arena(contest, way)) for way in contest.shares}),
        points=(*_singles(contest), *_ways(contest), *_mixtures(contest), *_curves(report["curves"])),
    )


def _pair(contest: Contest) -> dict[str, dict[str, Interval]]:
    """APGR and CPT of each router; nothing but for two models. The strong one is so in training."""
    train, test = contest.comparison.train, contest.test
    if len(test.models) != 2 or train is None:
        return {}
    strong = int(np.argmax(train.cells["score"].mean(axis=0)))
    gain = test.cells["score"][:, strong] - test.cells["score"][:, 1 - strong]
    weights = contest.comparison.weights
    advantages = {
        router: test.cells[column][:, strong] - test.cells[column][:, 1 - strong]
        for column, router in ROUTERS.items()
    }
    advantages["random_mix"], advantages["oracle"] = np.zeros(len(gain)), gain
    return {name: pairs.pair_metrics(values, gain, weights) for name, values in advantages.items()}


def _arena(contest: Contest, way: str) -> Any:
    """RouterArena's score in each resample."""
    spend, quality = contest.of(way, "spend"), contest.of(way, QUALITY)
    cost, good = weighted_means(np.stack([spend, quality]), contest.comparison.weights).T
    return arena_score(PER_1000 * cost, np.clip(good, 0.0, 1.0))


def _estimates(intervals: Mapping[str, Interval]) -> dict[str, Estimate]:
    """Those that are a number."""
    return {
        name: Estimate(found["value"], found["low"], found["high"])
        for name, found in intervals.items()
        if found["value"] is not None
    }


def _singles(contest: Contest) -> list[Point]:
    """Models on their own, the best ones."""
    cost, quality = (contest.test.cells[name].mean(axis=0) for name in ("spend", QUALITY))
    return [
        _point(contest.test.models[model], "single", cost[model], quality[model])
        for model in np.lexsort((cost, -quality))[:MAX_SINGLES]
    ]


def _mixtures(contest: Contest) -> list[Point]:
    """The best that mixtures of models reach; many points, as costs may be drawn as logarithms."""
    x, y = hull(*(contest.test.cells[name].mean(axis=0) for name in ("spend", QUALITY)))
    between = np.geomspace(x[0], x[-1], MAX_CURVE_POINTS) if x[0] > 0 else x
    steps = np.unique(np.concatenate([x, np.clip(between, x[0], x[-1])]))
    return [
        _point(CURVES["zero_router"], "curve", *at) for at in zip(steps, np.interp(steps, x, y), strict=True)
    ]


def _ways(contest: Contest) -> list[Point]:
    """Each way as it was fixed before the test."""
    return [
        _point(way, "way", contest.of(way, "spend").mean(), contest.of(way, QUALITY).mean())
        for way in contest.shares
    ]


def _curves(curves: Mapping[str, Any]) -> list[Point]:
    """Each router at a spread of its trade-offs, from cheap to dear."""
    points = []
    for column, router in ROUTERS.items():
        curve = curves[column]
        found = sorted({*zip(curve["cost_usd"], curve["quality"], strict=True)})
        kept = np.unique(
            np.linspace(0, len(found) - 1, min(len(found), MAX_CURVE_POINTS)).round().astype(int)
        )
        points += [_point(CURVES[router], "curve", *found[index]) for index in kept]
    return points


def _point(name: str, kind: str, usd: float, quality: float) -> Point:
    return Point(name, kind, round(float(usd) * PER_1000, 6), round(float(quality), 6))
