"""ONNX graphs that hold integers only, and functions as tables in them.

A floating-point graph would give other last bits on other CPUs and batch sizes (design.md, invariant 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.special import expit

from clearway.assessment import PPM

OPSET: Final = 18
IR_VERSION: Final = 9
SCORE_BITS: Final = 32
# Fractions of a ppm or of a token in the tables; the last rounding drops them.
OUTPUT_BITS: Final = 10
MAX_LOGIT: Final = 14
LOGISTIC_STEP_BITS: Final = 7

Shapes = Mapping[str, Sequence[str | int]]


def serialised(graph: Any) -> bytes:
    """Checked, deterministic bytes of a model with this graph."""
    model = helper.make_model(
        graph,
        producer_name="clearway",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


class Graph:
    """Nodes and constants, collected in order."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        """Add a node; it is named after its first output."""
        self._nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add integers, as int32 where they are, else as int64; their name."""
        integers = value if value.dtype == np.int32 else value.astype(np.int64)
        self._constants.append(numpy_helper.from_array(integers, name))
        return name

    def serialise(self, name: str, inputs: Shapes, outputs: Shapes) -> bytes:
        """Checked, deterministic bytes; all inputs and outputs are int64."""
        graph = helper.make_graph(
            self._nodes, name, _int64_values(inputs), _int64_values(outputs), self._constants
        )
        return serialised(graph)


def _int64_values(shapes: Shapes) -> list[Any]:
    return [
        helper.make_tensor_value_info(name, TensorProto.INT64, list(shape)) for name, shape in shapes.items()
    ]


@dataclass(frozen=True)
class Table:
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
    def of(cls, values: Any, low: int, high: int, step_bits: int) -> Table:
        """Table of a function of arrays."""
        steps = np.arange((high - low) * 2**step_bits + 2) / 2.0**step_bits + low
        return cls(np.rint(values(steps) * 2.0**OUTPUT_BITS).astype(np.int64), low, high, step_bits)


LOGISTIC: Final = Table.of(lambda z: PPM * expit(z), -MAX_LOGIT, MAX_LOGIT, LOGISTIC_STEP_BITS)


def table_constants(graph: Graph, name: str, table: Table) -> None:
    """Bounds and units of a table."""
    graph.constant(f"{name}_low", np.array(table.low * 2**SCORE_BITS))
    graph.constant(f"{name}_high", np.array(table.high * 2**SCORE_BITS))
    for suffix, value in (
        ("step", 2 ** (SCORE_BITS - table.step_bits)),
        ("one", 1),
        ("half", 2 ** (OUTPUT_BITS - 1)),
        ("unit", 2**OUTPUT_BITS),
    ):
        graph.constant(f"{name}_{suffix}", np.array(value))


def look_up(graph: Graph, name: str, output: str) -> None:
    """`{name}_score`, in 2**-SCORE_BITS, clipped, through its table with linear interpolation, rounded."""

    def step_to(kind: str, result: str, *inputs: str) -> None:
        graph.node(kind, [f"{name}_{each}" for each in inputs], [f"{name}_{result}"])

    step_to("Clip", "clipped", "score", "low", "high")
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
