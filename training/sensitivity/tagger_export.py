"""From fitted weights to the served graph of the tagger, which holds integers only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.special import expit

from clearway.errors import TrainingDataError
from clearway.sensitivity.tagger import INPUTS, MODEL_FILE, OUTPUTS, PPM, SPECIFICATION_FILE, specification
from training.integer_graph import serialised
from training.sensitivity.tagger_learning import WEIGHT_BITS, Weights, integers

# A weight is held in 2**-WEIGHT_BITS, in 16 bits; a probability is read from a table in steps of 2**-8.
STEP_BITS: Final = 8
SCALE_BITS: Final = 10
MAX_WEIGHT: Final = 2**15 - 1
MAX_LOGIT: Final = 14


def integer_graph(weights: Weights) -> bytes:
    """The served graph: rows summed onto a scaled base, read from a table; deterministic bytes.

    No sum overflows int32: in both passes together fewer than 2**6 weights of at most 2**15 are added.

    Raises:
        TrainingDataError: A weight is too large to be held.
    """
    rows = integers(weights.rows)
    if not np.abs(rows).max(initial=0) <= MAX_WEIGHT:
        raise TrainingDataError(
            f"weights: expected at most {MAX_WEIGHT >> WEIGHT_BITS} in size, got a larger one; "
            "lower INVERSE_PENALTY"
        )
    steps = (np.arange(2 * MAX_LOGIT * 2**STEP_BITS + 1) + 0.5) / 2.0**STEP_BITS - MAX_LOGIT
    constants = {
        "rows": rows.astype(np.int16),
        "axis": np.array([1]),
        "scale": np.array(round(weights.scale * 2**SCALE_BITS)),
        "unit": np.array(2**SCALE_BITS),
        "offset": np.array(MAX_LOGIT * 2**WEIGHT_BITS),
        "low": np.array(0),
        "high": np.array(2 * MAX_LOGIT * 2**WEIGHT_BITS),
        "step": np.array(2 ** (WEIGHT_BITS - STEP_BITS)),
        "table": np.rint(PPM * expit(steps)).astype(np.int64),
    }
    return _serialise(constants)


def _serialise(constants: dict[str, NDArray[Any]]) -> bytes:
    nodes = [
        helper.make_node("Gather", ["rows", INPUTS[0]], ["weights_16"], axis=0),
        helper.make_node("Cast", ["weights_16"], ["weights"], to=TensorProto.INT32),
        helper.make_node("ReduceSum", ["weights", "axis"], ["sum_32"], keepdims=0),
        helper.make_node("Cast", ["sum_32"], ["sum"], to=TensorProto.INT64),
        helper.make_node("Mul", [INPUTS[1], "scale"], ["product"]),
        helper.make_node("Div", ["product", "unit"], ["scaled"]),
        helper.make_node("Add", ["sum", "scaled"], [OUTPUTS[0]]),
        helper.make_node("Add", [OUTPUTS[0], "offset"], ["shifted"]),
        helper.make_node("Clip", ["shifted", "low", "high"], ["within"]),
        helper.make_node("Div", ["within", "step"], ["place"]),
        helper.make_node("Gather", ["table", "place"], [OUTPUTS[1]], axis=0),
    ]
    shapes = {INPUTS[0]: ["n", "k"], INPUTS[1]: ["n"], OUTPUTS[0]: ["n"], OUTPUTS[1]: ["n"]}
    values = {n: helper.make_tensor_value_info(n, TensorProto.INT64, s) for n, s in shapes.items()}
    graph = helper.make_graph(
        nodes,
        "tagger",
        [values[name] for name in INPUTS],
        [values[name] for name in OUTPUTS],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return serialised(graph)


def write_tagger(weights: Weights, lists: Path, bundle: Path) -> None:
    """Write `tagger.onnx` and `tagger.json` into a bundle.

    Args:
        weights: As fitted.
        lists: The lists that they were fitted with.
        bundle: Folder to write into; made where it is missing.

    Raises:
        TrainingDataError: A weight is too large to be held.
    """
    model = integer_graph(weights)
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / MODEL_FILE).write_bytes(model)
    stated = json.dumps(specification(model, lists), indent=2, sort_keys=True)
    (bundle / SPECIFICATION_FILE).write_text(stated + "\n", encoding="utf-8")
