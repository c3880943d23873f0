"""A good router saves, a bad one does not, and the threshold comes from training alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from training.benchmark import savings
from training.benchmark.blocks import Block
from training.dataset import FloatArray


def _block(seed: int, skill: float, n: int = 400, share_outside: float = 0.0) -> Block:
    """Three models; the dear one is best. `skill` 1 is a perfect prediction, 0 noise, -1 its opposite."""
    generator = np.random.default_rng(seed)
    hard = generator.random(n) < 0.5
    chance = np.stack([np.full(n, 0.95), np.where(hard, 0.2, 0.9), np.where(hard, 0.05, 0.6)], axis=1)
    adequate = (generator.random((n, 3)) < chance).astype(float)
    spend = np.array([10.0, 1.0, 0.1]) * (0.5 + generator.random((n, 1)))
    noise = generator.random((n, 3))
    success = abs(skill) * (adequate if skill > 0 else 1 - adequate) + (1 - abs(skill)) * noise
    return Block(
        ("dear", "middle", "cheap"),
        tuple(f"k{row}" for row in range(n)),
        {
            "adequate": adequate,
            "score": adequate,
            "success": success,
            "shuffled": generator.random((n, 3)),
            "spend": spend,
            "outside": np.tile(np.arange(n)[:, None] < share_outside * n, 3).astype(float),
            "expected_spend": np.broadcast_to(np.array([10.0, 1.0, 0.1]), (n, 3)),
        },
        n,
    )


def _report(skill: float) -> dict[str, Any]:
    comparison = savings.Comparison(_block(1, skill), _block(2, skill), "adequate", seed=0)
    return comparison.report()


def test_a_perfect_router_is_the_oracle() -> None:
    """It reaches the oracle's quality off the curve, and saves most of the cost."""
    report = _report(1.0)
    chosen = report["chosen_on_training"]["equal"]["success"]
    assert chosen["quality_over_best_single"]["value"] >= 0.97
    assert chosen["saving"]["value"] > 0.5
    assert report["aiq_over_zero_router"]["low"] > 0


@pytest.mark.parametrize("skill", [0.0, -0.5])
def test_a_blind_or_contrary_router_is_noticed(skill: float) -> None:
    """Noise or inverted predictions find no threshold in training, and lie below the zero-router."""
    report = _report(skill)
    chosen = report["chosen_on_training"]["equal"]["success"]
    assert chosen["trade_off"] is None
    assert chosen["saving"]["value"] == 0
    assert chosen["quality_over_best_single"]["value"] == 1
    assert report["aiq_over_zero_router"]["high"] < 0


def test_prompts_outside_training_are_answered_by_the_best_single_model() -> None:
    """All of them, so that nothing is saved on them; kNN, which knows no outside, still chooses."""
    train, test = (
        replace(block, cells={**block.cells, "neighbours": block.cells["success"]})
        for block in (_block(2, 1.0), _block(1, 1.0, share_outside=1.0))
    )
    chosen = savings.Comparison(test, train, "adequate", seed=0).report()["chosen_on_training"]["equal"]
    assert chosen["success"]["trade_off"] == chosen["neighbours"]["trade_off"] is not None
    assert chosen["success"]["saving"]["value"] == 0
    assert chosen["neighbours"]["saving"]["value"] > 0.5
    half = savings.Comparison(_block(1, 1.0, share_outside=0.5), train, "adequate", seed=0).report()
    saving = half["chosen_on_training"]["equal"]["success"]["saving"]["value"]
    assert 0 < saving < chosen["neighbours"]["saving"]["value"]


def test_the_threshold_is_chosen_with_outside_prompts_at_the_best_single_model() -> None:
    """Where all training prompts are outside, every trade-off is that model."""
    train = _block(2, 1.0, share_outside=1.0)
    part = savings.sweep(train, "success", "adequate", 0)
    assert (part.chosen == 0).all()


def test_random_at_the_same_mix_costs_as_much_and_is_worse() -> None:
    """Dealing the same shares by chance saves about the same and answers worse."""
    chosen = _report(0.6)["chosen_on_training"]["at_98"]
    assert chosen["random_same_mix"]["saving"]["value"] == pytest.approx(
        chosen["success"]["saving"]["value"], abs=0.03
    )
    assert chosen["random_same_mix"]["quality"]["value"] < chosen["success"]["quality"]["value"]


def test_the_zero_router_mixes_two_corners() -> None:
    """At 98% it plays the dear model mostly, and reaches the target in training exactly."""
    train = _block(2, 0.5)
    mix = savings.mix_of_singles(train, "adequate", 0.98)
    quality = train.cells["adequate"].mean(axis=0)
    assert mix.sum() == pytest.approx(1.0)
    assert quality @ mix == pytest.approx(0.98 * quality.max())
    np.testing.assert_allclose(savings.mix_of_singles(train, "adequate", 1.0), [1.0, 0.0, 0.0])


def test_the_threshold_does_not_look_at_the_test() -> None:
    """Another test changes what is achieved, not what was chosen."""
    train = _block(2, 0.7)
    chosen = [
        savings.Comparison(_block(seed, 0.7), train, "adequate", seed=0).report()["chosen_on_training"][
            "equal"
        ]
        for seed in (1, 5)
    ]
    assert chosen[0]["success"]["trade_off"] == chosen[1]["success"]["trade_off"]
    assert chosen[0]["success"]["saving"] != chosen[1]["success"]["saving"]


def test_without_training_questions_nothing_is_chosen() -> None:
    """An unseen source has no threshold of its own; what its curve would allow is still shown."""
    report = savings.Comparison(_block(1, 0.7), None, "adequate", seed=0).report()
    assert report["chosen_on_training"] == {"equal": None, "at_98": None}
    assert report["best_single"]["chosen_on"] == "test"
    assert report["read_off_test_curve"]["equal"]["success"]["value"] > 0


def test_the_oracle_is_no_worse_than_any_way() -> None:
    """No way has more adequate answers than the oracle."""
    report = _report(0.7)
    best = report["oracle"]["quality"]["value"]
    for ways in report["chosen_on_training"].values():
        assert all(way["quality"]["value"] <= best + 1e-9 for way in ways.values())


def test_equal_quality_goes_to_the_cheaper() -> None:
    """Of two models of one quality, the cheaper is the best single model."""
    cells: dict[str, FloatArray] = {"adequate": np.ones((3, 2)), "spend": np.tile([2.0, 1.0], (3, 1))}
    assert savings.best_single(Block(("a", "b"), ("1", "2", "3"), cells, 3), "adequate") == 1
