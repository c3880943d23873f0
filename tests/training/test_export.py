"""scikit-learn, the floating-point graph and the integer graph agree; a planted difference is seen."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest

from clearway.complexity import INPUTS, OUTPUTS, batch_inputs
from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, N_INDICATORS, NORM
from training.dataset import TrainingSet, build, learn_specification
from training.export import Weights, integer_graph, quantise
from training.learner import AdequacyModel, LengthModel
from training.parity import check_float, check_integer

Fitted = tuple[TrainingSet, AdequacyModel, LengthModel]


@pytest.fixture(scope="module")
def fitted(answers: pd.DataFrame) -> Fitted:
    """Both learners on all answers."""
    specification = learn_specification(sorted(answers["prompt"].unique()))
    table = answers.assign(adequate=answers["score"] >= 1, reference_model=answers["model_canonical"])
    data = build(table, ["strong", "tiny", "weak"], specification)
    success = AdequacyModel(1.0, 1.0).fit(data.features, data.adequate)
    return data, success, LengthModel(1.0, 1.0).fit(data.features, data.output_tokens)


def _session(model: bytes, n_threads: int = 1) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def test_all_three_agree(fitted: Fitted) -> None:
    """Within 2e-6 of a probability through skl2onnx, within 10 ppm in integers."""
    data, success, length = fitted
    assert check_float(success, length, data.features) <= 2e-6
    model = integer_graph(quantise(success, length))
    assert check_integer(model, success, length, data.integers, data.features) <= 10


def test_graph_holds_integers_only(fitted: Fitted) -> None:
    """No tensor of the served graph is floating-point, and nothing lies outside the file."""
    _, success, length = fitted
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(integer_graph(quantise(success, length))))
    integer = {onnx.TensorProto.INT32, onnx.TensorProto.INT64}
    values = [*model.graph.value_info, *model.graph.input, *model.graph.output]
    assert {value.type.tensor_type.elem_type for value in values} <= integer
    assert {constant.data_type for constant in model.graph.initializer} <= integer
    assert not any(constant.external_data for constant in model.graph.initializer)


def test_perturbed_weights_are_seen(fitted: Fitted) -> None:
    """20 ppm (at one half) on one model's intercept is too much; so are lengths that are 1 percent off."""
    data, success, length = fitted
    weights = quantise(success, length)
    shifted = weights.bias.copy()
    shifted[0] += round(20e-6 / 0.25 * 2**32)
    with pytest.raises(
        TrainingDataError, match=r"^ppm of the integer graph: expected at most 10 from scikit-learn, "
    ):
        check_integer(
            integer_graph(Weights(weights.shared, weights.own, shifted)),
            success,
            length,
            data.integers,
            data.features,
        )
    longer = weights.bias.copy()
    longer[3:] += round(np.log2(1.01) * 2**32)
    with pytest.raises(
        TrainingDataError,
        match=r"^output tokens of the integer graph: expected at most 0.51 from scikit-learn, ",
    ):
        check_integer(
            integer_graph(Weights(weights.shared, weights.own, longer)),
            success,
            length,
            data.integers,
            data.features,
        )


def test_perturbed_floating_point_graph_is_seen(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A converter that loses precision is caught before anything is written."""
    from training import parity

    data, success, length = fitted
    faithful = parity.as_linear_models

    def unfaithful(success: AdequacyModel, length: LengthModel) -> Any:
        classifier, regressor = faithful(success, length)
        classifier.estimators_[1].intercept_ = classifier.estimators_[1].intercept_ + 1e-4
        return classifier, regressor

    monkeypatch.setattr(parity, "as_linear_models", unfaithful)
    with pytest.raises(TrainingDataError) as caught:
        check_float(success, length, data.features)
    text = str(caught.value)
    assert text.startswith(
        "probabilities of the floating-point graph: expected at most 2e-06 from scikit-learn, got 2"
    )
    assert text.endswith("e-05; the bundle was not written")


def test_same_bytes_for_any_batch_and_threads(fitted: Fitted) -> None:
    """Batch sizes 1, 2, 7, 64 and 1, 2, 4 threads give the same bytes."""
    data, success, length = fitted
    model = integer_graph(quantise(success, length))
    seen = set()
    for n_threads, size in itertools.product((1, 2, 4), (1, 2, 7, 64)):
        session = _session(model, n_threads)
        results = [
            session.run(list(OUTPUTS), batch_inputs(data.integers[start : start + size]))
            for start in range(0, len(data.integers), size)
        ]
        joined = [np.concatenate([result[index] for result in results]) for index in (0, 1)]
        assert [array.dtype for array in joined] == [np.int64, np.int64]
        seen.add(b"".join(array.tobytes() for array in joined))
    assert len(seen) == 1


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("value", [NORM, 2**62, -(2**62)])
def test_no_overflow_at_the_extremes(sign: int, value: int) -> None:
    """The largest weights on every slot, with any value: the ends of the tables, and nothing in between."""
    limit = 2**30
    weights = Weights(
        shared=np.full((N_HASHED, 2), sign * limit, dtype=np.int64),
        own=np.full((N_INDICATORS, 4), sign * limit, dtype=np.int64),
        bias=np.full(4, sign * 2**42, dtype=np.int64),
    )
    feeds = {
        INPUTS[0]: np.arange(N_HASHED, dtype=np.int64)[None],
        INPUTS[1]: np.full((1, N_HASHED), value, dtype=np.int64),
        INPUTS[2]: np.arange(N_INDICATORS, dtype=np.int64)[None],
        INPUTS[3]: np.full((1, N_INDICATORS), value, dtype=np.int64),
    }
    success, tokens = _session(integer_graph(weights)).run(list(OUTPUTS), feeds)
    assert success.tolist() == [[999_999, 999_999] if sign > 0 else [1, 1]]
    assert tokens.tolist() == [[65_536, 65_536] if sign > 0 else [1, 1]]


def test_weights_too_large_to_hold_are_refused(fitted: Fitted) -> None:
    """Beyond 1,024 the bound of the sums would no longer hold."""
    _, success, length = fitted
    large = success.refit(*_as_before(fitted))
    large.shared_ = large.shared_.copy()
    large.shared_[0] = 1025.0
    with pytest.raises(TrainingDataError) as caught:
        quantise(large, length)
    assert str(caught.value) == (
        "weights: expected at most 1024 in size, got a larger one; raise the penalties"
    )


def test_same_learners_same_bytes(fitted: Fitted) -> None:
    """Fitting and exporting again gives the same graph."""
    data, success, length = fitted
    again = integer_graph(
        quantise(success.refit(*_as_before(fitted)), length.refit(data.features, data.output_tokens))
    )
    assert again == integer_graph(quantise(success, length))


def _as_before(fitted: Fitted) -> tuple[Any, Any]:
    return fitted[0].features, fitted[0].adequate
