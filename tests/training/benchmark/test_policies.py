"""The more a success must buy, the less is spent; and nothing is better than the oracle."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.benchmark import policies


@given(st.integers(0, 10_000))
def test_expected_spend_never_rises_with_the_trade_off(seed: int) -> None:
    """A higher trade-off never expects to spend more; at 0 the best is taken, at the end the cheapest."""
    generator = np.random.default_rng(seed)
    success, cost = generator.random((30, 5)), generator.random((30, 5)) + 0.01
    chosen = policies.choices(success, cost, policies.trade_offs(cost))
    spend = policies.of_choice(chosen, cost).sum(axis=1)
    assert (np.diff(spend) <= 1e-9).all()
    assert (chosen[0] == success.argmax(axis=1)).all()
    assert spend[-1] <= cost.min(axis=1).sum() * 1.1


@given(st.integers(0, 10_000))
def test_the_oracle_is_best_and_cheapest_at_that(seed: int) -> None:
    """No choice has more adequate answers, and none has as many on every prompt for less."""
    generator = np.random.default_rng(seed)
    adequate, spend = generator.integers(0, 2, (20, 4)).astype(float), generator.random((20, 4))
    chosen = policies.oracle(adequate, spend)
    good, paid = policies.of_choice(chosen, adequate), policies.of_choice(chosen, spend)
    assert (good == adequate.max(axis=1)).all()
    assert (np.where(adequate >= good[:, None], spend, np.inf).min(axis=1) == paid).all()


def test_free_models_do_not_divide_by_nothing() -> None:
    """Where every answer is free the sweep still runs."""
    assert np.isfinite(policies.trade_offs(np.zeros((3, 2)))).all()


def test_shares_add_up() -> None:
    """Every prompt is answered by one model."""
    np.testing.assert_allclose(policies.shares(np.array([0, 2, 2, 2]), 4), [0.25, 0.0, 0.75, 0.0])
