"""The weights mean the same in scikit-learn, in a floating-point ONNX graph and in the served integer graph.

The floating-point graph is made by skl2onnx and thrown away: an independent program's reading of the weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from clearway.assessment import PPM
from clearway.complexity import OUTPUTS, batch_inputs
from clearway.errors import TrainingDataError
from clearway.features import Features
from training.dataset import FloatArray, Matrix
from training.learner import MAX_LOG2_TOKENS, AdequacyModel, LengthModel

FLOAT_TOLERANCE: Final = 2e-6
# Of log2 tokens, whose size is up to 16 where a probability's is up to 1.
FLOAT_LENGTH_TOLERANCE: Final = 16 * FLOAT_TOLERANCE
QUANTUM_PPM: Final = 10
# Expected tokens are whole: half a token of rounding, and 1 in 1,000 for the table.
TOKENS_ABSOLUTE: Final = 0.51
TOKENS_RELATIVE: Final = 1e-3
_BATCH = 256


def check_float(success: AdequacyModel, length: LengthModel, X: Matrix) -> float:  # noqa: N803
    """Largest difference between the learners and their floating-point ONNX graphs over held-out rows.

    Raises:
        TrainingDataError: It exceeds 2e-6 of a probability (or 16 times that in log2 tokens).
    """
    classifier, regressor = as_linear_models(success, length)
    options = {id(classifier): {"zipmap": False}}
    inputs = [("X", FloatTensorType([None, X.shape[1]]))]
    graph = to_onnx(classifier, initial_types=inputs, target_opset=18, options=options)
    lengths = to_onnx(regressor, initial_types=inputs, target_opset=18)
    sessions = [_session(model.SerializeToString()) for model in (graph, lengths)]
    worst = 0.0
    for rows in _batches(X):
        dense = {"X": rows.toarray().astype(np.float32)}
        probability = sessions[0].run(["probabilities"], dense)[0]
        worst = max(worst, _gap(np.array(probability)[:, :, 1].T, success.predict_success(rows)))
        log2_tokens = length.log2_tokens(rows)
        gap = _gap(sessions[1].run(None, dense)[0], log2_tokens)
        _refuse(gap, FLOAT_LENGTH_TOLERANCE, "log2 tokens of the floating-point graph")
    _refuse(worst, FLOAT_TOLERANCE, "probabilities of the floating-point graph")
    return worst


def as_linear_models(
    success: AdequacyModel, length: LengthModel
) -> tuple[MultiOutputClassifier, LinearRegression]:
    """The same functions as scikit-learn's linear models: a logistic regression for each reference model."""
    coef = success.loadings_ @ success.skills_.T
    classifier = MultiOutputClassifier(LogisticRegression())
    classifier.estimators_ = [
        _fitted(LogisticRegression(), row, intercept, classes_=np.array([0, 1]))
        for row, intercept in zip(coef, success.intercept_, strict=True)
    ]
    classifier.classes_ = [np.array([0, 1])] * len(success.intercept_)
    classifier.n_features_in_ = coef.shape[1]
    octaves = 1 / np.log(2.0)
    regressor = LinearRegression()
    regressor.coef_ = length.loadings_ @ length.skills_.T * octaves
    regressor.intercept_ = length.intercept_ * octaves + np.log2(length.mean_)
    regressor.n_features_in_ = coef.shape[1]
    return classifier, regressor


def check_integer(
    model: bytes,
    success: AdequacyModel,
    length: LengthModel,
    features: Sequence[Features],
    X: Matrix,  # noqa: N803
) -> float:
    """Largest difference in ppm between the learners and the integer graph over held-out rows.

    Args:
        model: The integer graph.
        success: Learner of adequacy.
        length: Learner of lengths.
        features: Integer features of the rows.
        X: The same rows, as the learners see them.

    Raises:
        TrainingDataError: It exceeds `QUANTUM_PPM`, or a length is off by more than its rounding.
    """
    session = _session(model)
    worst = 0.0
    for start in range(0, len(features), _BATCH):
        rows = X[start : start + _BATCH]
        ppm, tokens = session.run(list(OUTPUTS), batch_inputs(features[start : start + _BATCH]))
        worst = max(worst, _gap(ppm, PPM * success.predict_success(rows)))
        expected = np.minimum(length.predict_output_tokens(rows), 2.0**MAX_LOG2_TOKENS)
        _refuse(
            _gap(tokens, expected, TOKENS_RELATIVE), TOKENS_ABSOLUTE, "output tokens of the integer graph"
        )
    _refuse(worst, QUANTUM_PPM, "ppm of the integer graph")
    return worst


def _fitted(model: Any, coef: FloatArray, intercept: float, **learned: Any) -> Any:
    model.coef_ = coef[None, :]
    model.intercept_ = np.array([intercept])
    model.n_features_in_ = len(coef)
    for name, value in learned.items():
        setattr(model, name, value)
    return model


def _session(model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _batches(X: Matrix) -> Iterator[Matrix]:  # noqa: N803
    return (X[start : start + _BATCH] for start in range(0, X.shape[0], _BATCH))


def _gap(got: NDArray[Any], expected: FloatArray, relative: float = 0.0) -> float:
    """Largest difference beyond the relative allowance."""
    return float((np.abs(got - expected) - relative * np.abs(expected)).max(initial=0.0))


def _refuse(gap: float, limit: float, name: str) -> None:
    if not gap <= limit:
        raise TrainingDataError(
            f"{name}: expected at most {limit:g} from scikit-learn, got {gap:g}; the bundle was not written"
        )
