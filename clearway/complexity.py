"""The complexity model: features in, success and length for each reference model out, in integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from clearway.assessment import PPM, ClassifierIdentity, Complexity
from clearway.bundle import MODEL, Bundle
from clearway.errors import BundleError
from clearway.features import Features, featurise
from clearway.integer_session import open_session
from clearway.request import Request
from clearway.style import IntArray

INPUTS: Final = ("ids", "values", "waves")
OUTPUTS: Final = ("success_ppm", "output_tokens")
_MAX_BATCH: Final = 64


class OnnxComplexityModel:
    """Scores requests with the integer graph of a bundle; safe to share between threads.

    Args:
        bundle: A loaded bundle.
        n_threads: Threads within one call; more than 1 helps nothing at this size, and changes no byte.

    Raises:
        BundleError: The graph does not load, or its outputs do not fit the manifest.
    """

    def __init__(self, bundle: Bundle, *, n_threads: int = 1) -> None:
        self._bundle = bundle
        self._models = bundle.manifest.reference_models
        self._session = open_session(MODEL, bundle.model, n_threads)
        _check_graph(self._session, len(self._models))

    @property
    def identity(self) -> ClassifierIdentity:
        """Which bundle this is."""
        return self._bundle.identity

    @property
    def reference_models(self) -> tuple[str, ...]:
        """Names that scores are keyed by, in the order of the graph's outputs."""
        return self._models

    def score(self, request: Request) -> Complexity:
        """Success and length for each reference model; the same bytes for the same request."""
        return self.score_many((request,))[0]

    def score_many(self, requests: Sequence[Request]) -> list[Complexity]:
        """As `score` for each request, in order; batching changes no byte."""
        results: list[Complexity] = []
        for start in range(0, len(requests), _MAX_BATCH):
            chunk = [
                featurise(r.parts, self._bundle.specification) for r in requests[start : start + _MAX_BATCH]
            ]
            success, tokens = self._session.run(list(OUTPUTS), batch_inputs(chunk))
            results.extend(
                self._complexity(features, row, lengths)
                for features, row, lengths in zip(chunk, success.tolist(), tokens.tolist(), strict=True)
            )
        return results

    def _complexity(self, features: Features, success: list[int], tokens: list[int]) -> Complexity:
        return Complexity(
            success_ppm=dict(zip(self._models, success, strict=True)),
            expected_output_tokens=dict(zip(self._models, tokens, strict=True)),
            difficulty_ppm=PPM - sum(success) // len(success),
            n_input_tokens=features.n_input_tokens,
            notes=features.notes,
        )


def batch_inputs(batch: Sequence[Features]) -> dict[str, IntArray]:
    """Inputs of the graph, padded with zeros, which add nothing.

    Args:
        batch: At least one.

    Returns:
        `ids`, `values`: shape (n, k), hashed slots; `waves`: shape (n, style.N_WAVES). All int64.
    """
    ids, values = _padded([(features.ids, features.values) for features in batch])
    return dict(zip(INPUTS, (ids, values, np.array([f.waves for f in batch])), strict=True))


def _padded(rows: Sequence[tuple[IntArray, IntArray]]) -> tuple[IntArray, IntArray]:
    width = max(1, *(len(ids) for ids, _ in rows)) if rows else 1
    ids = np.zeros((len(rows), width), dtype=np.int64)
    values = np.zeros((len(rows), width), dtype=np.int64)
    for index, (row_ids, row_values) in enumerate(rows):
        ids[index, : len(row_ids)] = row_ids
        values[index, : len(row_values)] = row_values
    return ids, values


def _check_graph(session: Any, n_models: int) -> None:
    inputs = tuple(value.name for value in session.get_inputs())
    outputs = tuple(value.name for value in session.get_outputs())
    if inputs != INPUTS or outputs != OUTPUTS:
        raise BundleError(
            f"model.onnx: expected inputs {', '.join(INPUTS)} and outputs {', '.join(OUTPUTS)}, "
            f"got {', '.join(inputs)} and {', '.join(outputs)}"
        )
    for value in session.get_outputs():
        if value.shape[1] != n_models:
            raise BundleError(
                f"model.onnx: {value.name}: expected {n_models} reference models, got {value.shape[1]}"
            )
