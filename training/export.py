"""From fitted learners to the served graph, which holds integers only.

A floating-point graph would give other last bits on other CPUs and batch sizes (design.md, invariant 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.special import expit

from clearway.assessment import PPM
from clearway.complexity import INPUTS, OUTPUTS
from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, NORM
from training.dataset import FloatArray
from training.learner import MAX_LOG2_TOKENS, AdequacyModel, LengthModel

OPSET: Final = 18
IR_VERSION: Final = 9
# A score is held in units of 2**-32: weights in 2**-20, feature values in 2**-12 (NORM).
WEIGHT_BITS: Final = 20
SCORE_BITS: Final = 32
MAX_WEIGHT: Final = 2**30
MAX_LOGIT: Final = 14
LOGISTIC_STEP_BITS: Final = 7
LENGTH_STEP_BITS: Final = 6
# Fractions of a ppm or of a token in the tables; the last rounding drops them.
OUTPUT_BITS: Final = 10


@dataclass(frozen=True)
class Weights:
    """Both learners as integers.

    Attributes:
        shared: Shape (N_HASHED, 2): of success and of length, for every model.
        own: Shape (N_INDICATORS, 2 * n_models): success of each model, then length of each.
        bias: Shape (2 * n_models,), in units of 2**-32.
    """

    shared: NDArray[np.int64]
    own: NDArray[np.int64]
    bias: NDArray[np.int64]

    @property
    def n_models(self) -> int:
        """Reference models."""
        return len(self.bias) // 2


def quantise(success: AdequacyModel, length: LengthModel) -> Weights:
    """Integer weights of two fitted learners.

    Raises:
        TrainingDataError: A weight is too large to be held.
    """
    assert NORM == 2 ** (SCORE_BITS - WEIGHT_BITS)  # noqa: S101 - the units above agree
    intercept = np.concatenate([success.intercept_, length.intercept_ + length.smearing_])
    return Weights(
        shared=_integers(np.column_stack([success.shared_, length.shared_])[:N_HASHED], WEIGHT_BITS),
        own=_integers(
            np.vstack([success.own_ + success.shared_[N_HASHED:], length.own_ + length.shared_[N_HASHED:]]).T,
            WEIGHT_BITS,
        ),
        bias=_integers(intercept, SCORE_BITS),
    )


def _integers(values: FloatArray, bits: int) -> NDArray[np.int64]:
    scaled: NDArray[np.int64] = np.rint(values * 2.0**bits).astype(np.int64)
    limit = MAX_WEIGHT * 2 ** (bits - WEIGHT_BITS)
    if np.abs(scaled).max(initial=0) > limit:
        raise TrainingDataError(
            "weights: expected at most 1024 in size, got a larger one; raise the penalties"
        )
    return scaled


def integer_graph(weights: Weights) -> bytes:
    """The served graph: integers only, deterministic bytes.

    No sum overflows int64, whatever comes in: values are clipped to [0, 2**12], weights are at most 2**30 in
    size, and N_HASHED + N_INDICATORS < 2**15 slots give a sum below 2**57 (a caller would need 2**20 slots
    in one row to leave 2**62); the bias is at most 2**42. The heads multiply a table's step (below 2**21) by
    a remainder (below 2**26).
    """
    n = weights.n_models
    heads = {"success": OUTPUTS[0], "length": OUTPUTS[1]}
    graph = _Graph()
    graph.constant("value_limit_low", np.array(0))
    graph.constant("value_limit_high", np.array(NORM))
    graph.constant("last_axis", np.array([2]))
    graph.constant("slot_axis", np.array([1]))
    _weighted_sum(graph, "shared", INPUTS[0], INPUTS[1], weights.shared)
    _weighted_sum(graph, "own", INPUTS[2], INPUTS[3], weights.own)
    for block in ("shared", "own"):
        parts = [f"{head}_{block}" for head in heads]
        graph.node("Split", [f"{block}_sum"], parts, axis=1, num_outputs=2)
    _head(graph, "success", heads["success"], weights.bias[:n], _LOGISTIC)
    _head(graph, "length", heads["length"], weights.bias[n:], _LENGTH)
    return graph.serialise(n)


@dataclass(frozen=True)
class _Table:
    """A function as a table over [low, high], read with linear interpolation.

    Attributes:
        values: One at each step, and one more; in 2**-OUTPUT_BITS units of the output.
        low: First argument, in whole units of the score.
        high: Last argument.
        step_bits: Steps are 2**-step_bits apart.
    """

    values: NDArray[np.int64]
    low: int
    high: int
    step_bits: int

    @classmethod
    def of(cls, values: Any, low: int, high: int, step_bits: int) -> _Table:
        steps = np.arange((high - low) * 2**step_bits + 2) / 2.0**step_bits + low
        return cls(np.rint(values(steps) * 2.0**OUTPUT_BITS).astype(np.int64), low, high, step_bits)


_LOGISTIC: Final = _Table.of(lambda z: PPM * expit(z), -MAX_LOGIT, MAX_LOGIT, LOGISTIC_STEP_BITS)
_LENGTH: Final = _Table.of(np.exp2, 0, int(MAX_LOG2_TOKENS), LENGTH_STEP_BITS)


class _Graph:
    """Nodes and constants, collected in order."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        integers = value if value.dtype == np.int32 else value.astype(np.int64)
        self._constants.append(numpy_helper.from_array(integers, name))
        return name

    def serialise(self, n_models: int) -> bytes:
        wide = [("ids", "k"), ("values", "k"), ("slots", "j"), ("slot_values", "j")]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["n", width]) for name, width in wide
        ]
        outputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["n", n_models]) for name in OUTPUTS
        ]
        graph = helper.make_graph(self._nodes, "complexity", inputs, outputs, self._constants)
        model = helper.make_model(
            graph,
            producer_name="clearway",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def _weighted_sum(graph: _Graph, name: str, ids: str, values: str, table: NDArray[np.int64]) -> None:
    """`name`_sum, shape (n, columns): the rows of a table at `ids`, times the clipped values, added up."""
    graph.constant(f"{name}_weights", table.astype(np.int32))
    graph.node("Gather", [f"{name}_weights", ids], [f"{name}_rows_32"], axis=0)
    graph.node("Cast", [f"{name}_rows_32"], [f"{name}_rows"], to=TensorProto.INT64)
    graph.node("Clip", [values, "value_limit_low", "value_limit_high"], [f"{name}_values"])
    graph.node("Unsqueeze", [f"{name}_values", "last_axis"], [f"{name}_values_3"])
    graph.node("Mul", [f"{name}_rows", f"{name}_values_3"], [f"{name}_terms"])
    graph.node("ReduceSum", [f"{name}_terms", "slot_axis"], [f"{name}_sum"], keepdims=0)


def _head(graph: _Graph, name: str, output: str, bias: NDArray[np.int64], table: _Table) -> None:
    """Score of each model, clipped, through a table with linear interpolation, rounded."""
    step = 2 ** (SCORE_BITS - table.step_bits)
    low = graph.constant(f"{name}_low", np.array(table.low * 2**SCORE_BITS))
    high = graph.constant(f"{name}_high", np.array(table.high * 2**SCORE_BITS))
    for suffix, value in (
        ("step", step),
        ("one", 1),
        ("half", 2 ** (OUTPUT_BITS - 1)),
        ("unit", 2**OUTPUT_BITS),
    ):
        graph.constant(f"{name}_{suffix}", np.array(value))
    graph.constant(f"{name}_bias", bias)
    graph.constant(f"{name}_table", table.values)

    def step_to(kind: str, result: str, *inputs: str) -> None:
        graph.node(kind, [f"{name}_{each}" for each in inputs], [f"{name}_{result}"])

    step_to("Add", "common", "shared", "bias")
    step_to("Add", "score", "own", "common")
    graph.node("Clip", [f"{name}_score", low, high], [f"{name}_clipped"])
    step_to("Sub", "place", "clipped", "low")  # from 0: Div truncates, which here is rounding down
    step_to("Div", "index", "place", "step")
    step_to("Mul", "floor", "index", "step")
    step_to("Sub", "rest", "place", "floor")
    step_to("Add", "next", "index", "one")
    step_to("Gather", "left", "table", "index")
    step_to("Gather", "right", "table", "next")
    step_to("Sub", "rise", "right", "left")
    step_to("Mul", "part", "rise", "rest")
    step_to("Div", "gain", "part", "step")
    step_to("Add", "exact", "left", "gain")
    step_to("Add", "rounded", "exact", "half")
    graph.node("Div", [f"{name}_rounded", f"{name}_unit"], [output])
