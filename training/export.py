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

from clearway import style
from clearway.assessment import PPM
from clearway.complexity import INPUTS, OUTPUTS
from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, NORM
from training.dataset import WAVE_AMPLITUDE, FloatArray
from training.learner import MAX_LOG2_TOKENS, AdequacyModel, LengthModel, SkillsModel

OPSET: Final = 18
IR_VERSION: Final = 9
# A demand is summed in units of 2**-36: weights in 2**-24, values in 2**-12 (NORM, style.WAVE_NORM). It is
# then kept within 64 and cut to 2**-24. Loadings are held in 2**-20: scores come in 2**-44, go on in 2**-32.
WEIGHT_BITS: Final = 24
SUM_BITS: Final = 36
DEMAND_BITS: Final = 24
LOADING_BITS: Final = 20
SCORE_BITS: Final = 32
MAX_WEIGHT: Final = 2**6
MAX_DEMAND: Final = 2**6
MAX_LOADING: Final = 2**6
MAX_BIAS: Final = 2**10
MAX_SKILLS: Final = 32
MAX_LOGIT: Final = 14
LOGISTIC_STEP_BITS: Final = 7
LENGTH_STEP_BITS: Final = 6
# Fractions of a ppm or of a token in the tables; the last rounding drops them.
OUTPUT_BITS: Final = 10


@dataclass(frozen=True)
class Head:
    """One learner as integers.

    Attributes:
        words: Shape (N_HASHED, n_skills), in 2**-24.
        waves: Shape (style.N_WAVES, n_skills), in 2**-24.
        loadings: Shape (n_skills, n_models), in 2**-20.
        bias: Shape (n_models,), in 2**-32.
    """

    words: NDArray[np.int64]
    waves: NDArray[np.int64]
    loadings: NDArray[np.int64]
    bias: NDArray[np.int64]


@dataclass(frozen=True)
class Weights:
    """Both learners as integers."""

    success: Head
    length: Head

    @property
    def n_models(self) -> int:
        """Reference models."""
        return len(self.success.bias)


def quantise(success: AdequacyModel, length: LengthModel) -> Weights:
    """Integer weights of two fitted learners; lengths as log2 of tokens.

    Raises:
        TrainingDataError: A weight is too large to be held, or there are too many skills.
    """
    if max(success.n_skills, length.n_skills) > MAX_SKILLS:
        raise TrainingDataError(f"n_skills: expected at most {MAX_SKILLS}, got more")
    assert NORM == style.WAVE_NORM == 2 ** (SUM_BITS - WEIGHT_BITS)  # noqa: S101 - the units above agree
    octaves = 1 / np.log(2.0)
    return Weights(
        success=_head(success, success.loadings_, success.intercept_),
        length=_head(length, length.loadings_ * octaves, length.intercept_ * octaves + np.log2(length.mean_)),
    )


def _head(learner: SkillsModel, loadings: FloatArray, intercept: FloatArray) -> Head:
    return Head(
        words=_integers(learner.skills_[:N_HASHED], WEIGHT_BITS, MAX_WEIGHT),
        waves=_integers(learner.skills_[N_HASHED:] * WAVE_AMPLITUDE, WEIGHT_BITS, MAX_WEIGHT),
        loadings=_integers(loadings.T, LOADING_BITS, MAX_LOADING),
        bias=_integers(intercept, SCORE_BITS, MAX_BIAS),
    )


def _integers(values: FloatArray, bits: int, limit: int) -> NDArray[np.int64]:
    if not np.abs(values).max(initial=0.0) <= limit:
        raise TrainingDataError(
            f"weights: expected at most {limit} in size, got a larger one; raise the penalty"
        )
    scaled: NDArray[np.int64] = np.rint(values * 2.0**bits).astype(np.int64)
    return scaled


def integer_graph(weights: Weights) -> bytes:
    """The served graph: integers only, deterministic bytes.

    No sum overflows int64, whatever comes in: values are clipped to 2**12 in size and weights are at most
    2**30, so that 2**15 slots and 2**10 waves add up to less than 2**58 (a caller would need 2**20 slots in
    one row to leave 2**62). A demand is clipped to 2**30, a loading is at most 2**26: at most 32 skills give
    at most 2**61. The tables multiply a step (below 2**21) by a remainder (below 2**26).
    """
    graph = _Graph()
    graph.constant("value_limit_low", np.array(0))
    graph.constant("value_limit_high", np.array(NORM))
    graph.constant("wave_limit_low", np.array(-style.WAVE_NORM))
    graph.constant("last_axis", np.array([2]))
    graph.constant("slot_axis", np.array([1]))
    graph.constant("demand_limit_low", np.array(-MAX_DEMAND * 2**SUM_BITS))
    graph.constant("demand_limit_high", np.array(MAX_DEMAND * 2**SUM_BITS))
    graph.constant("demand_cut", np.array(2 ** (SUM_BITS - DEMAND_BITS)))
    graph.constant("score_cut", np.array(2 ** (DEMAND_BITS + LOADING_BITS - SCORE_BITS)))
    _demands(graph, weights)
    n_skills = [head.words.shape[1] for head in (weights.success, weights.length)]
    graph.constant("n_skills", np.array(n_skills))
    graph.node("Split", ["demands", "n_skills"], ["success_demands", "length_demands"], axis=1)
    _head_nodes(graph, "success", OUTPUTS[0], weights.success, _LOGISTIC)
    _head_nodes(graph, "length", OUTPUTS[1], weights.length, _LENGTH)
    return graph.serialise(weights.n_models)


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
        wide: list[tuple[str, str | int]] = [("ids", "k"), ("values", "k"), ("waves", style.N_WAVES)]
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


def _demands(graph: _Graph, weights: Weights) -> None:
    """`demands`, in 2**-24, shape (n, skills of success and of length): words and waves, weighted, summed."""
    words = np.hstack([weights.success.words, weights.length.words])
    waves = np.hstack([weights.success.waves, weights.length.waves])
    graph.constant("word_weights", words.astype(np.int32))
    graph.constant("wave_weights", waves)
    graph.node("Gather", ["word_weights", INPUTS[0]], ["rows_32"], axis=0)
    graph.node("Cast", ["rows_32"], ["rows"], to=TensorProto.INT64)
    graph.node("Clip", [INPUTS[1], "value_limit_low", "value_limit_high"], ["values_within"])
    graph.node("Unsqueeze", ["values_within", "last_axis"], ["values_3"])
    graph.node("Mul", ["rows", "values_3"], ["terms"])
    graph.node("ReduceSum", ["terms", "slot_axis"], ["words_sum"], keepdims=0)
    graph.node("Clip", [INPUTS[2], "wave_limit_low", "value_limit_high"], ["waves_within"])
    graph.node("MatMul", ["waves_within", "wave_weights"], ["waves_sum"])
    graph.node("Add", ["words_sum", "waves_sum"], ["demands_exact"])
    graph.node("Clip", ["demands_exact", "demand_limit_low", "demand_limit_high"], ["demands_within"])
    graph.node("Div", ["demands_within", "demand_cut"], ["demands"])


def _head_nodes(graph: _Graph, name: str, output: str, head: Head, table: _Table) -> None:
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
    graph.constant(f"{name}_loadings", head.loadings)
    graph.constant(f"{name}_bias", head.bias)
    graph.constant(f"{name}_table", table.values)

    def step_to(kind: str, result: str, *inputs: str) -> None:
        graph.node(kind, [f"{name}_{each}" for each in inputs], [f"{name}_{result}"])

    step_to("MatMul", "fine", "demands", "loadings")
    graph.node("Div", [f"{name}_fine", "score_cut"], [f"{name}_moved"])
    step_to("Add", "score", "moved", "bias")
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
