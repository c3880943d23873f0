"""From fitted weights to the served class graph, which holds integers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clearway.errors import TrainingDataError
from clearway.sensitivity.class_model import INPUT, OUTPUT
from clearway.sensitivity.evidence import N_COLUMNS, ONE
from training.dataset import FloatArray
from training.integer_graph import LOGISTIC, SCORE_BITS, Graph, look_up, table_constants

MAX_WEIGHT: Final = 2**10
_NAME: Final = "class"


def class_graph(weights: FloatArray, bias: FloatArray, owners: Sequence[Sequence[int]]) -> bytes:
    """The graph: weigh each row of evidence, keep each class's best score, read the logistic table.

    Columns are clipped to 0 to `ONE`, a weight is at most 2**42 for a whole column: sums stay below 2**60.

    Args:
        weights: Shape (N_COLUMNS, n_heads), logits for a column at `ONE`.
        bias: Shape (n_heads,), logits.
        owners: Heads of each class; a class without any says nothing.

    Raises:
        TrainingDataError: A weight is too large to be held.
    """
    if not max(np.abs(weights).max(), np.abs(bias).max()) <= MAX_WEIGHT:
        raise TrainingDataError(f"weights: expected at most {MAX_WEIGHT} in size, got a larger one")
    graph = Graph()
    graph.constant("none", np.array(0))
    graph.constant("whole", np.array(ONE))
    graph.constant("rows", np.array([0]))
    graph.constant("heads", np.array([1]))
    graph.constant("silent", np.array([-MAX_WEIGHT * 2**SCORE_BITS]))
    graph.constant("weights", np.rint(weights * (2.0**SCORE_BITS / ONE)).astype(np.int64))
    graph.constant("bias", np.rint(bias * 2.0**SCORE_BITS).astype(np.int64))
    graph.constant("owners", _padded(owners, len(bias)))
    table_constants(graph, _NAME, LOGISTIC)
    graph.constant(f"{_NAME}_table", LOGISTIC.values)
    graph.node("Clip", [INPUT, "none", "whole"], ["within"])
    graph.node("MatMul", ["within", "weights"], ["weighed"])
    graph.node("Add", ["weighed", "bias"], ["scores"])
    graph.node("ReduceMax", ["scores", "rows"], ["best"], keepdims=0)
    graph.node("Concat", ["best", "silent"], ["best_or_silent"], axis=0)
    graph.node("Gather", ["best_or_silent", "owners"], ["by_class"], axis=0)
    graph.node("ReduceMax", ["by_class", "heads"], [f"{_NAME}_score"], keepdims=0)
    look_up(graph, _NAME, OUTPUT)
    return graph.serialise("classes", {INPUT: ("n", N_COLUMNS)}, {OUTPUT: (len(owners),)})


def _padded(owners: Sequence[Sequence[int]], silent: int) -> NDArray[np.int64]:
    """Heads of each class in a rectangle, filled with the silent one."""
    width = max(1, *map(len, owners))
    return np.array([[*heads, *[silent] * (width - len(heads))] for heads in owners], dtype=np.int64)
