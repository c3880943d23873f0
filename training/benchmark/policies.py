"""Which model answers each prompt: success weighed against expected cost, and the baselines beside it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.dataset import FloatArray, IndexArray

# What one US dollar must buy, in units of one over the mean expected cost: from no care for cost to none for
# success. Twenty steps to each power of ten.
_STEPS: Final = np.concatenate([[0.0], np.logspace(-4, 3, 141)])


def trade_offs(expected_cost: FloatArray) -> FloatArray:
    """Success that one US dollar must buy, from 0 (take the best) to very much (take the cheapest).

    Args:
        expected_cost: Shape (n_prompts, n_models), USD.
    """
    mean = float(expected_cost.mean())
    return _STEPS / mean if mean > 0 else _STEPS


def choices(success: FloatArray, expected_cost: FloatArray, points: FloatArray) -> IndexArray:
    """Model of each prompt at each trade-off: the largest success less trade-off times expected cost.

    Args:
        success: Shape (n_prompts, n_models).
        expected_cost: Same shape, USD.
        points: Shape (n_points,), from `trade_offs`.

    Returns:
        Shape (n_points, n_prompts): columns of the models.

    >>> choices(np.array([[0.9, 0.5]]), np.array([[2.0, 1.0]]), np.array([0.0, 1.0]))
    array([[0],
           [1]])
    """
    return np.stack([np.argmax(success - point * expected_cost, axis=1) for point in points])


def with_incumbent(chosen: IndexArray, outside: NDArray[np.bool_], incumbent: int) -> IndexArray:
    """The choices as service makes them: prompts unlike the training prompts go to the incumbent.

    Args:
        chosen: Shape (n_points, n_prompts) or (n_prompts,): columns of the models.
        outside: Shape (n_prompts,).
        incumbent: Column of the model that would answer everything without routing.

    >>> with_incumbent(np.array([[0, 0], [1, 1]]), np.array([False, True]), 2)
    array([[0, 2],
           [1, 2]])
    """
    return np.where(outside, incumbent, chosen)


def of_choice(chosen: IndexArray, values: FloatArray) -> FloatArray:
    """Value of the chosen model of each prompt; shape as `chosen`, (n_points, n_prompts) or (n_prompts,)."""
    return np.asarray(values[np.arange(len(values)), chosen], dtype=np.float64)


def shares(chosen: IndexArray, n_models: int) -> FloatArray:
    """Share of the prompts that each model answers, shape (n_models,)."""
    return np.bincount(chosen, minlength=n_models) / len(chosen)


def oracle(adequate: FloatArray, spend: FloatArray) -> IndexArray:
    """Cheapest of the models whose answer is the best one to be had. Shape (n_prompts,).

    >>> oracle(np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
    array([0, 1, 1])
    """
    best = adequate.max(axis=1, keepdims=True)
    return np.asarray(np.argmin(np.where(adequate >= best, spend, np.inf), axis=1), dtype=np.intp)
