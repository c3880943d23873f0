"""From fitted weights to the served graph of the tagger, which holds integers only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.special import expit

from clearway.errors import TrainingDataError
from clearway.sensitivity.name_features import N_FEATURES
from clearway.sensitivity.tagger import INPUT, MODEL_FILE, OUTPUT, PPM, SPECIFICATION_FILE, specification
from training.sensitivity.tagger_learning import Weights

OPSET: Final = 18
IR_VERSION: Final = 9
# A weight is held in 2**-11, in 16 bits; a score is read from a table in steps of 2**-8.
WEIGHT_BITS: Final = 11
STEP_BITS: Final = 8
MAX_WEIGHT: Final = 2**15 - 1
MAX_LOGIT: Final = 14


def integer_graph(weights: Weights) -> bytes:
    """The served graph: rows gathered, summed and read from a table; deterministic bytes.

    No sum overflows int32: N_FEATURES weights of at most 2**15 and a bias of at most 2**16 stay below 2**22.

    Raises:
        TrainingDataError: A weight is too large to be held.
    """
    rows = np.rint(weights.rows * 2.0**WEIGHT_BITS)
    bias = round(weights.bias * 2.0**WEIGHT_BITS)
    if not np.abs(rows).max(initial=0.0) <= MAX_WEIGHT or abs(bias) > 2 * MAX_WEIGHT:
        raise TrainingDataError(
            f"weights: expected at most {MAX_WEIGHT >> WEIGHT_BITS} in size, got a larger one; "
            "raise the penalty"
        )
    steps = np.arange(2 * MAX_LOGIT * 2**STEP_BITS + 1) / 2.0**STEP_BITS - MAX_LOGIT
    constants = {
        "rows": rows.astype(np.int16),
        "axis": np.array([1]),
        "offset": np.array(bias + MAX_LOGIT * 2**WEIGHT_BITS, dtype=np.int32),
        "low": np.array(0, dtype=np.int32),
        "high": np.array(2 * MAX_LOGIT * 2**WEIGHT_BITS, dtype=np.int32),
        "step": np.array(2 ** (WEIGHT_BITS - STEP_BITS), dtype=np.int32),
        "table": np.rint(PPM * expit(steps)).astype(np.int64),
    }
    return _serialise(constants)


def _serialise(constants: dict[str, NDArray[Any]]) -> bytes:
    nodes = [
        helper.make_node("Gather", ["rows", INPUT], ["weights_16"], axis=0),
        helper.make_node("Cast", ["weights_16"], ["weights"], to=TensorProto.INT32),
        helper.make_node("ReduceSum", ["weights", "axis"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "offset"], ["score"]),
        helper.make_node("Clip", ["score", "low", "high"], ["within"]),
        helper.make_node("Div", ["within", "step"], ["place"]),
        helper.make_node("Gather", ["table", "place"], [OUTPUT], axis=0),
    ]
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info(INPUT, TensorProto.INT64, ["n", N_FEATURES])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.INT64, ["n"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="clearway",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


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
