"""What routing saves against the best single model, beside what simpler ways save.

Thresholds are chosen on training questions, out of fold; what they then achieve on the test is reported. The
cheapest point that the test's own curve offers is reported too, under a name that says so. A prompt unlike
the training prompts goes to the best single model, as service sends it to the incumbent; kNN knows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from training.benchmark import curves, policies
from training.benchmark.blocks import Block
from training.benchmark.resampling import divided, interval, number, question_weights, weighted_means
from training.dataset import FloatArray, IndexArray

TARGETS: Final = {"equal": 1.0, "at_98": 0.98}
MIN_TRAINING_PROMPTS: Final = 20
_GUARDED: Final = ("success", "shuffled")


@dataclass(frozen=True)
class Sweep:
    """One predictor's choices on a block at every trade-off, and what they come to.

    Attributes:
        block: Where.
        predictor: Column of the block that the choices follow.
        quality: Column of the block that counts as quality.
        points: Shape (n_points,), trade-offs.
        incumbent: Column of the best single model.
    """

    block: Block
    predictor: str
    quality: str
    points: FloatArray
    incumbent: int

    @cached_property
    def chosen(self) -> IndexArray:
        """Shape (n_points, n_prompts): models."""
        cells = self.block.cells
        chosen = policies.choices(cells[self.predictor], cells["expected_spend"], self.points)
        if self.predictor not in _GUARDED:
            return chosen
        return policies.with_incumbent(chosen, self.block.outside, self.incumbent)

    def rows(self, column: str) -> FloatArray:
        """Shape (n_points, n_prompts): a column's value of the chosen model."""
        return policies.of_choice(self.chosen, self.block.cells[column])

    def means(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean spend and quality of each point, each of shape (n_resamples + 1, n_points)."""
        return weighted_means(self.rows("spend"), weights), weighted_means(self.rows(self.quality), weights)


def sweep(block: Block, predictor: str, quality: str, incumbent: int) -> Sweep:
    """Choices over the block's own range of trade-offs."""
    return Sweep(block, predictor, quality, policies.trade_offs(block.cells["expected_spend"]), incumbent)


@dataclass(frozen=True)
class Comparison:
    """One source, one notion of quality: everything is measured on the same prompts and the same resamples.

    Attributes:
        test: Block of the test questions.
        train: Block of the training questions, predictions out of fold; None without enough of them.
        quality: `adequate` or `score`.
        seed: Of the bootstrap and the random mix.
    """

    test: Block
    train: Block | None
    quality: str
    seed: int

    @cached_property
    def weights(self) -> FloatArray:
        """Shape (n_resamples + 1, n_prompts)."""
        return question_weights(self.test.keys, self.seed)

    @cached_property
    def singles(self) -> tuple[FloatArray, FloatArray]:
        """Mean spend and quality of each model, shape (n_resamples + 1, n_models)."""
        cells = self.test.cells
        return (
            weighted_means(cells["spend"].T, self.weights),
            weighted_means(cells[self.quality].T, self.weights),
        )

    @cached_property
    def best(self) -> int:
        """Best single model, chosen on the training questions; on the test where there are none."""
        return best_single(self.train or self.test, self.quality)

    def report(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        predictors = [name for name in ("success", "neighbours", "shuffled") if name in self.test.cells]
        swept = {name: sweep(self.test, name, self.quality, self.best) for name in predictors}
        means = {name: part.means(self.weights) for name, part in swept.items()}
        areas = {name: self._areas(*mean) for name, mean in means.items()}
        areas["zero_router"] = self._areas(*self.singles)
        return {
            "quality": self.quality,
            "n_prompts": len(self.test.keys),
            "n_prompts_offered": self.test.n_offered,
            "models": list(self.test.models),
            "best_single": self._best_single(),
            "oracle": self._achieved(
                policies.oracle(self.test.cells[self.quality], self.test.cells["spend"])
            ),
            "chosen_on_training": {
                target: self._chosen(share, predictors) for target, share in TARGETS.items()
            },
            "read_off_test_curve": {
                target: self._read_off(share, means) for target, share in TARGETS.items()
            },
            "aiq": {name: interval(values) for name, values in areas.items()},
            "aiq_over_zero_router": interval(areas["success"] - areas["zero_router"]),
            "curves": {
                name: {"cost_usd": cost[0].round(9).tolist(), "quality": quality[0].round(6).tolist()}
                for name, (cost, quality) in {**means, "single_models": self.singles}.items()
            },
        }

    def _best_single(self) -> dict[str, Any]:
        on_test = best_single(self.test, self.quality)
        return {
            "chosen_on": "training" if self.train else "test",
            **self._single(self.best),
            "of_test": self._single(on_test),
        }

    def _single(self, model: int) -> dict[str, Any]:
        cost, quality = self.singles
        return {
            "model": self.test.models[model],
            "quality": interval(quality[:, model]),
            "cost_usd": number(cost[0, model]),
        }

    def _areas(self, cost: FloatArray, quality: FloatArray) -> FloatArray:
        """AIQ in each resample, over the costs of the single models; the cheapest one starts every curve."""
        single_cost, single_quality = self.singles
        values = []
        for row in range(len(cost)):
            first = int(np.argmin(single_cost[row]))
            values.append(
                curves.aiq(
                    np.append(cost[row], single_cost[row, first]),
                    np.append(quality[row], single_quality[row, first]),
                    float(single_cost[row, first]),
                    float(single_cost[row].max()),
                )
            )
        return np.array(values)

    def _achieved(self, chosen: IndexArray) -> dict[str, Any]:
        """Quality and saving of one choice for each prompt, paired with the best single model."""
        cells = self.test.cells
        return self._paired(
            policies.of_choice(chosen, cells["spend"]), policies.of_choice(chosen, cells[self.quality])
        )

    def _paired(self, spend: FloatArray, quality: FloatArray) -> dict[str, Any]:
        """The same from each prompt's expected spend and quality, shape (n_prompts,)."""
        cost, good = weighted_means(np.stack([spend, quality]), self.weights).T
        base_cost, base_good = (values[:, self.best] for values in self.singles)
        return {
            "quality": interval(good),
            "quality_over_best_single": interval(divided(good, base_good)),
            "saving": interval(1 - divided(cost, base_cost)),
        }

    def _chosen(self, share: float, predictors: list[str]) -> dict[str, Any] | None:
        """What each way achieves on the test at the trade-off that the training questions chose."""
        if self.train is None:
            return None
        results: dict[str, Any] = {}
        for name in (name for name in predictors if name in self.train.cells):
            trade_off = choose_trade_off(self.train, name, self.quality, share)
            chosen = self._routed(name, trade_off)
            results[name] = {"trade_off": trade_off, **self._achieved(chosen)}
            if name == "success":
                mix = policies.shares(chosen, len(self.test.models))
                results["random_same_mix"] = self._mixed(mix)
        results["zero_router"] = self._mixed(mix_of_singles(self.train, self.quality, share))
        return results

    def _routed(self, predictor: str, trade_off: float | None) -> IndexArray:
        """Choices at a trade-off; the best single model where training found none good enough."""
        if trade_off is None:
            return np.full(len(self.test.keys), self.best, dtype=np.intp)
        points = np.array([trade_off])
        chosen: IndexArray = Sweep(self.test, predictor, self.quality, points, self.best).chosen[0]
        return chosen

    def _mixed(self, mix: FloatArray) -> dict[str, Any]:
        """Every prompt is dealt a model by chance, with the shares of `mix`: what is to be expected of it."""
        return self._paired(self.test.cells["spend"] @ mix, self.test.cells[self.quality] @ mix)

    def _read_off(self, share: float, means: dict[str, tuple[FloatArray, FloatArray]]) -> dict[str, Any]:
        """Saving of the cheapest point of the test's own curve against the test's own best single model."""
        cost, quality = self.singles
        best = best_single(self.test, self.quality)
        targets = share * quality[:, best]
        results: dict[str, Any] = {}
        for name, (spend, good) in means.items():
            points = [curves.cheapest_point(*row) for row in zip(spend, good, targets, strict=True)]
            found = [np.nan if at is None else spend[row, at] for row, at in enumerate(points)]
            results[name] = interval(1 - divided(np.array(found), cost[:, best]))
        mixed = [curves.cost_on_hull(*row) for row in zip(cost, quality, targets, strict=True)]
        results["zero_router"] = interval(1 - divided(np.array(mixed), cost[:, best]))
        return results


def best_single(block: Block, quality: str) -> int:
    """Column of the model with the highest mean quality; the cheapest of equals."""
    good, cost = block.cells[quality].mean(axis=0), block.cells["spend"].mean(axis=0)
    return int(np.lexsort((cost, -good))[0])


def choose_trade_off(train: Block, predictor: str, quality: str, share: float) -> float | None:
    """Trade-off of the cheapest choices whose quality is at least `share` of the best single model's.

    Returns:
        None where no trade-off reaches it, or none does so for less than the best single model costs.
    """
    best = best_single(train, quality)
    part = sweep(train, predictor, quality, best)
    cost, good = part.rows("spend").mean(axis=1), part.rows(quality).mean(axis=1)
    at = curves.cheapest_point(cost, good, share * float(train.cells[quality][:, best].mean()))
    if at is None or cost[at] > train.cells["spend"][:, best].mean():
        return None
    return float(part.points[at])


def mix_of_singles(train: Block, quality: str, share: float) -> FloatArray:
    """Shares of the single models in the cheapest mixture that reaches the target, shape (n_models,)."""
    cost, good = train.cells["spend"].mean(axis=0), train.cells[quality].mean(axis=0)
    x, y = curves.hull(cost, good)
    target = share * float(good.max())
    right = min(int(np.searchsorted(y, target - 1e-12)), len(y) - 1)
    mix = np.zeros(len(cost))
    corner = [int(np.flatnonzero((cost == x[at]) & (good == y[at]))[0]) for at in (max(right - 1, 0), right)]
    part = (target - y[right - 1]) / (y[right] - y[right - 1]) if right else 1.0
    mix[corner[1]] += part
    mix[corner[0]] += 1 - part
    return mix
