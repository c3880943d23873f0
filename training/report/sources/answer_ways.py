"""Ways to answer the test prompts of one source: the router, and what it must be measured against.

A way is, for each prompt, the share of each model: all of one model where it chooses, a mixture where it
deals by chance, so that its cost and quality are what is to be expected of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from training.benchmark import blocks, policies, savings
from training.benchmark.blocks import Block
from training.benchmark.savings import MIN_TRAINING_PROMPTS, Comparison
from training.benchmark.sources import Sides
from training.dataset import FloatArray, IndexArray

QUALITY: Final = "adequate"
EQUAL, AT_98 = savings.TARGETS["equal"], savings.TARGETS["at_98"]
TOO_FEW_MODELS, NO_TRAINING, NO_COST = "too_few_priced_models", "too_few_training_questions", "no_known_cost"


@dataclass(frozen=True)
class Contest:
    """One source: its test prompts that every priced model answered, and the ways to answer them.

    Attributes:
        source: Name.
        ids: Prompt id of each row of the test block.
        comparison: Test block and training block.
        basis: Key of `blocks.BASES`: where costs come from.
        left_out: Models that do not take part, and why.
    """

    source: str
    ids: tuple[str, ...]
    comparison: Comparison
    basis: str
    left_out: Mapping[str, str]

    @property
    def test(self) -> Block:
        """Block of the test prompts."""
        return self.comparison.test

    @cached_property
    def trade_offs(self) -> dict[str, float | None]:
        """Trade-off of each routed way, chosen on training questions, out of fold."""
        train = self.comparison.train
        if train is None:
            raise ValueError(self.source)
        return {
            "routed": savings.choose_trade_off(train, "success", QUALITY, EQUAL),
            "routed_98": savings.choose_trade_off(train, "success", QUALITY, AT_98),
            "neighbours": savings.choose_trade_off(train, "neighbours", QUALITY, EQUAL),
        }

    @cached_property
    def routed(self) -> IndexArray:
        """Model of each prompt, at the trade-off that keeps the quality of the best single model."""
        return self._choices("success", self.trade_offs["routed"])

    @cached_property
    def shares(self) -> dict[str, FloatArray]:
        """Each way: shape (n_prompts, n_models), rows that add up to one."""
        train, cells = self.comparison.train, self.test.cells
        if train is None:
            raise ValueError(self.source)
        n_models = len(self.test.models)
        chosen = {
            "before": self._choices("success", None),
            "routed": self.routed,
            "routed_98": self._choices("success", self.trade_offs["routed_98"]),
            "best_single": np.full(len(self.ids), savings.best_single(self.test, QUALITY), dtype=np.intp),
            "shuffled": self._choices("shuffled", self.trade_offs["routed"]),
            "neighbours": self._choices("neighbours", self.trade_offs["neighbours"]),
            "oracle": policies.oracle(cells[QUALITY], cells["spend"]),
        }
        mixed = {
            "random_mix": policies.shares(self.routed, n_models),
            "zero_router": savings.mix_of_singles(train, QUALITY, AT_98),
        }
        whole = {name: np.eye(n_models)[models] for name, models in chosen.items()}
        return whole | {name: np.tile(mix, (len(self.ids), 1)) for name, mix in mixed.items()}

    def of(self, way: str, column: str) -> FloatArray:
        """Expected value of a column of the test block under a way, shape (n_prompts,)."""
        return np.asarray((self.shares[way] * self.test.cells[column]).sum(axis=1), dtype=np.float64)

    def _choices(self, predictor: str, trade_off: float | None) -> IndexArray:
        """Model of each prompt; the best single model of training where there is no trade-off."""
        best = self.comparison.best
        if trade_off is None:
            return np.full(len(self.ids), best, dtype=np.intp)
        points = np.array([trade_off])
        chosen: IndexArray = savings.Sweep(self.test, predictor, QUALITY, points, best).chosen[0]
        return chosen


def open_contest(source: str, sides: Sides, *, seed: int) -> Contest | str:
    """The contest of a source, or the code of why there is none.

    Args:
        source: Name.
        sides: From `sources.with_neighbours`: priced, with predictions.
        seed: Of the bootstrap.
    """
    if sides.train["prompt_id"].nunique() < MIN_TRAINING_PROMPTS:
        return NO_TRAINING
    basis = blocks.basis_of(sides.test)
    parts = [blocks.with_spend(part, basis) for part in (sides.test, sides.train)]
    models, left_out = blocks.candidates(parts)
    if len(models) < 2:
        return TOO_FEW_MODELS
    if parts[0]["expected_spend"].isna().all():
        return NO_COST
    test, train = (blocks.build_block(part, models) for part in parts)
    if len(train.keys) < MIN_TRAINING_PROMPTS:
        return NO_TRAINING
    if not len(test.keys) or test.cells["spend"].sum() <= 0:
        return NO_COST
    return Contest(source, _ids(parts[0], models), Comparison(test, train, QUALITY, seed), basis, left_out)


def _ids(part: pd.DataFrame, models: tuple[str, ...]) -> tuple[str, ...]:
    """Prompt ids of the rows of the block."""
    return blocks.build_block(part.assign(prompt_key=part["prompt_id"]), models).keys
