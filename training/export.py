"""From fitted learners to the served graph, which holds integers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from clearway import style
from clearway.complexity import INPUTS, OUTPUTS
from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, NORM
from training.dataset import WAVE_AMPLITUDE, FloatArray
from training.integer_graph import LOGISTIC, SCORE_BITS, Graph, Table, look_up, table_constants
from training.learner import MAX_LOG2_TOKENS, AdequacyModel, LengthModel, SkillsModel

# A demand is summed in units of 2**-36: weights in 2**-24, values in 2**-12 (NORM, style.WAVE_NORM). It is
# then kept within 64 and cut to 2**-24. Loadings are held in 2**-20: scores come in 2**-44, go on in 2**-32.
WEIGHT_BITS: Final = 24
SUM_BITS: Final = 36
DEMAND_BITS: Final = 24
LOADING_BITS: Final = 20
MAX_WEIGHT: Final = 2**6
MAX_DEMAND: Final = 2**6
MAX_LOADING: Final = 2**6
MAX_BIAS: Final = 2**10
MAX_SKILLS: Final = 32
LENGTH_STEP_BITS: Final = 6


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
    graph = Graph()
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
    _head_nodes(graph, "success", OUTPUTS[0], weights.success, LOGISTIC)
    _head_nodes(graph, "length", OUTPUTS[1], weights.length, _LENGTH)
    return graph.serialise(
        "complexity",
        {INPUTS[0]: ("n", "k"), INPUTS[1]: ("n", "k"), INPUTS[2]: ("n", style.N_WAVES)},
        dict.fromkeys(OUTPUTS, ("n", weights.n_models)),
    )


_LENGTH: Final = Table.of(np.exp2, 0, int(MAX_LOG2_TOKENS), LENGTH_STEP_BITS)


def _demands(graph: Graph, weights: Weights) -> None:
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


def _head_nodes(graph: Graph, name: str, output: str, head: Head, table: Table) -> None:
    """Score of each model, clipped, through a table with linear interpolation, rounded."""
    table_constants(graph, name, table)
    graph.constant(f"{name}_loadings", head.loadings)
    graph.constant(f"{name}_bias", head.bias)
    graph.constant(f"{name}_table", table.values)
    graph.node("MatMul", [f"{name}_demands", f"{name}_loadings"], [f"{name}_fine"])
    graph.node("Div", [f"{name}_fine", "score_cut"], [f"{name}_moved"])
    graph.node("Add", [f"{name}_moved", f"{name}_bias"], [f"{name}_score"])
    look_up(graph, name, output)
