"""From fitted weights to the served class graph, which holds integers only."""

from __future__ import annotations

from typing import Final

import numpy as np

from clearway.errors import TrainingDataError
from clearway.sensitivity.class_model import INPUT, OUTPUT
from clearway.sensitivity.evidence import N_COLUMNS, ONE
from training.dataset import FloatArray
from training.integer_graph import LOGISTIC, SCORE_BITS, Graph, look_up, table_constants

MAX_WEIGHT: Final = 2**10
_NAME: Final = "class"


def class_graph(weights: FloatArray, bias: FloatArray) -> bytes:
    """The graph: weigh each row of evidence, keep each class's best row, read the logistic table.

    Columns are clipped to 0 to `ONE`, a weight is at most 2**42 for a whole column: sums stay below 2**60.

    Args:
        weights: Shape (N_COLUMNS, n_classes), logits for a column at `ONE`.
        bias: Shape (n_classes,), logits.

    Raises:
        TrainingDataError: A weight is too large to be held.
    """
    if not max(np.abs(weights).max(), np.abs(bias).max()) <= MAX_WEIGHT:
        raise TrainingDataError(f"weights: expected at most {MAX_WEIGHT} in size, got a larger one")
    graph = Graph()
    graph.constant("none", np.array(0))
    graph.constant("whole", np.array(ONE))
    graph.constant("rows", np.array([0]))
    graph.constant("weights", np.rint(weights * (2.0**SCORE_BITS / ONE)).astype(np.int64))
    graph.constant("bias", np.rint(bias * 2.0**SCORE_BITS).astype(np.int64))
    table_constants(graph, _NAME, LOGISTIC)
    graph.constant(f"{_NAME}_table", LOGISTIC.values)
    graph.node("Clip", [INPUT, "none", "whole"], ["within"])
    graph.node("MatMul", ["within", "weights"], ["weighed"])
    graph.node("Add", ["weighed", "bias"], ["scores"])
    graph.node("ReduceMax", ["scores", "rows"], [f"{_NAME}_score"], keepdims=0)
    look_up(graph, _NAME, OUTPUT)
    return graph.serialise("classes", {INPUT: ("n", N_COLUMNS)}, {OUTPUT: (weights.shape[1],)})
