"""scikit-learn, the floating-point graph and the integer graph agree; a planted difference is seen."""

from __future__ import annotations

import copy
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from sklearn.base import clone

from clearway import style
from clearway.complexity import OUTPUTS, batch_inputs
from clearway.errors import TrainingDataError
from clearway.features import N_HASHED, NORM, FeatureSpecification
from training import export
from training import integer_graph as integer_graph_module
from training.dataset import TrainingSet, build, learn_specification, prompt_features
from training.export import Head, Weights, integer_graph, quantise
from training.learner import AdequacyModel, LengthModel
from training.parity import check_float, check_integer

Fitted = tuple[TrainingSet, AdequacyModel, LengthModel]


@pytest.fixture(scope="module")
def fitted(answers: pd.DataFrame) -> Fitted:
    """Both learners on all answers."""
    specification = learn_specification(sorted(answers["prompt"].unique()))
    table = answers.assign(adequate=answers["score"] >= 1, reference_model=answers["model_canonical"])
    data = build(table, ["strong", "tiny", "weak"], specification)
    success = AdequacyModel(n_skills=4, penalty=1.0, max_iter=30).fit(data.features, data.adequate)
    length = LengthModel(n_skills=4, penalty=1.0, max_iter=30).fit(data.features, data.output_tokens)
    return data, success, length


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


def _with_bias(weights: Weights, success: int, length: int) -> bytes:
    """The graph with each model's intercept moved."""
    heads = (weights.success, weights.length)
    moved = (replace(head, bias=head.bias + by) for head, by in zip(heads, (success, length), strict=True))
    return integer_graph(Weights(*moved))


def test_perturbed_weights_are_seen(fitted: Fitted) -> None:
    """20 ppm (at one half) on the intercepts is too much; so are lengths that are 1 percent off."""
    data, success, length = fitted
    weights = quantise(success, length)
    for model, text in (
        (
            _with_bias(weights, round(20e-6 / 0.25 * 2**32), 0),
            "ppm of the integer graph: expected at most 10",
        ),
        (
            _with_bias(weights, 0, round(np.log2(1.01) * 2**32)),
            "output tokens of the integer graph: expected at most 0.51",
        ),
    ):
        with pytest.raises(TrainingDataError) as caught:
            check_integer(model, success, length, data.integers, data.features)
        assert str(caught.value).startswith(f"{text} from scikit-learn, got ")
        assert str(caught.value).endswith("; the bundle was not written")


@pytest.mark.parametrize("part", ["words", "waves", "loadings"])
@pytest.mark.parametrize("head", ["success", "length"])
def test_every_weight_counts(fitted: Fitted, head: str, part: str) -> None:
    """A thousandth off in words, waves or loadings is seen; none of them is left out of the graph."""
    data, success, length = fitted
    weights = quantise(success, length)
    off = {part: np.rint(getattr(getattr(weights, head), part) * 1.05).astype(np.int64)}
    model = integer_graph(replace(weights, **{head: replace(getattr(weights, head), **off)}))
    with pytest.raises(TrainingDataError, match="of the integer graph: expected at most"):
        check_integer(model, success, length, data.integers, data.features)


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


N_SKILLS = 12


def _extreme(sign: int) -> Weights:
    """Both heads with the largest weights, loadings and bias that `quantise` lets through."""
    head = Head(
        words=np.full((N_HASHED, N_SKILLS), export.MAX_WEIGHT * 2**24 - 1, dtype=np.int64),
        waves=np.full((style.N_WAVES, N_SKILLS), export.MAX_WEIGHT * 2**24, dtype=np.int64),
        loadings=np.full((N_SKILLS, 2), sign * export.MAX_LOADING * 2**20, dtype=np.int64),
        bias=np.full(2, sign * export.MAX_BIAS * 2**32, dtype=np.int64),
    )
    return Weights(head, head)


@pytest.fixture(scope="module")
def extremes() -> dict[int, Any]:
    """Sessions of the graphs with the largest weights, either sign."""
    return {sign: _session(integer_graph(_extreme(sign))) for sign in (1, -1)}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("value", [NORM, NORM + 1, 2**62, 2**63 - 1])
@pytest.mark.parametrize("wave", [style.WAVE_NORM, 2**62, 2**63 - 1])
def test_no_overflow_at_the_extremes(extremes: dict[int, Any], sign: int, value: int, wave: int) -> None:
    """The largest weights on every slot, with any value: the ends of the tables, and nothing in between."""
    feeds = {
        "ids": np.arange(N_HASHED, dtype=np.int64)[None],
        "values": np.full((1, N_HASHED), value, dtype=np.int64),
        "waves": np.full((1, style.N_WAVES), wave, dtype=np.int64),
    }
    success, tokens = extremes[sign].run(list(OUTPUTS), feeds)
    assert success.tolist() == [[999_999, 999_999] if sign > 0 else [1, 1]]
    assert tokens.tolist() == [[65_536, 65_536] if sign > 0 else [1, 1]]


@pytest.mark.parametrize("wave", [-style.WAVE_NORM, -(2**62), -(2**63)])
@pytest.mark.parametrize("value", [0, -1, -(2**62), -(2**63)])
def test_no_overflow_below(extremes: dict[int, Any], value: int, wave: int) -> None:
    """Values below 0 count as 0, waves below their height as their height: the other end of the tables."""
    feeds = {
        "ids": np.arange(N_HASHED, dtype=np.int64)[None],
        "values": np.full((1, N_HASHED), value, dtype=np.int64),
        "waves": np.full((1, style.N_WAVES), wave, dtype=np.int64),
    }
    success, tokens = extremes[1].run(list(OUTPUTS), feeds)
    assert (success.tolist(), tokens.tolist()) == ([[1, 1]], [[1, 1]])


def test_bounds_of_the_sums_hold() -> None:
    """The argument of `integer_graph`, in Python's integers: nothing leaves 63 bits on the way."""
    weight, value = export.MAX_WEIGHT * 2**export.WEIGHT_BITS, max(NORM, style.WAVE_NORM)
    assert weight == 2**30 < 2**31  # words are stored in 32 bits
    assert (N_HASHED + style.N_WAVES) * weight * value < 2**58
    assert 2**20 * weight * value == 2**62
    demand = export.MAX_DEMAND * 2**export.SUM_BITS // 2 ** (export.SUM_BITS - export.DEMAND_BITS)
    loading = export.MAX_LOADING * 2**export.LOADING_BITS
    assert demand * loading * 16 == 2**60
    for learner in (AdequacyModel, LengthModel):
        assert learner().n_skills <= export.MAX_SKILLS
    score = (
        demand
        * loading
        * export.MAX_SKILLS
        // 2 ** (export.DEMAND_BITS + export.LOADING_BITS - integer_graph_module.SCORE_BITS)
    )
    assert score + export.MAX_BIAS * 2**integer_graph_module.SCORE_BITS < 2**50
    for table in (integer_graph_module.LOGISTIC, export._LENGTH):
        rise = max(int(abs(step)) for step in np.diff(table.values))
        rest = 2 ** (integer_graph_module.SCORE_BITS - table.step_bits)
        assert rise < 2**21
        assert rest <= 2**26
        assert rise * rest < 2**62
        assert len(table.values) == (table.high - table.low) * 2**table.step_bits + 2


@pytest.mark.parametrize(
    ("attribute", "value", "limit"),
    [
        ("skills_", 64.01, 64),
        ("skills_", -64.01, 64),
        ("skills_", float("nan"), 64),
        ("skills_", float("inf"), 64),
        ("loadings_", 64.01, 64),
        ("intercept_", 1024.01, 1024),
    ],
)
def test_weights_too_large_to_hold_are_refused(
    fitted: Fitted, attribute: str, value: float, limit: int
) -> None:
    """Beyond these the bounds of the sums would no longer hold."""
    _, success, length = fitted
    large = copy.copy(success)
    changed = getattr(large, attribute).copy()
    changed.flat[0] = value
    setattr(large, attribute, changed)
    with pytest.raises(TrainingDataError) as caught:
        quantise(large, length)
    assert str(caught.value) == (
        f"weights: expected at most {limit} in size, got a larger one; raise the penalty"
    )


@pytest.mark.parametrize("n_skills", [1, 7])
def test_any_number_of_skills(fitted: Fitted, n_skills: int) -> None:
    """From one up; both learners have as many."""
    data, _, _ = fitted
    success = AdequacyModel(n_skills, 1.0, max_iter=10).fit(data.features, data.adequate)
    length = LengthModel(n_skills, 1.0, max_iter=10).fit(data.features, data.output_tokens)
    model = integer_graph(quantise(success, length))
    assert check_integer(model, success, length, data.integers, data.features) <= 10


def test_an_empty_prompt_is_scored(fitted: Fitted) -> None:
    """Without words there are waves; the padding adds nothing."""
    data, success, length = fitted
    empty = prompt_features("", FeatureSpecification())
    session = _session(integer_graph(quantise(success, length)))
    alone = session.run(list(OUTPUTS), batch_inputs([empty]))
    among = session.run(list(OUTPUTS), batch_inputs([empty, *data.integers[:3]]))
    assert [array[0].tolist() for array in alone] == [array[0].tolist() for array in among]


def test_same_learners_same_bytes(fitted: Fitted) -> None:
    """Fitting and exporting again gives the same graph."""
    data, success, length = fitted
    again = integer_graph(
        quantise(success.refit(*_as_before(fitted)), length.refit(data.features, data.output_tokens))
    )
    assert again == integer_graph(quantise(success, length))


def _as_before(fitted: Fitted) -> tuple[Any, Any]:
    return fitted[0].features, fitted[0].adequate


@pytest.mark.parametrize(("n_success", "n_length"), [(33, 12), (24, 33)])
def test_more_skills_than_the_bound_allows_are_refused(fitted: Fitted, n_success: int, n_length: int) -> None:
    """Thirty-two of each at most."""
    _, success, length = fitted
    more, other = clone(success), clone(length)
    more.n_skills, other.n_skills = n_success, n_length
    with pytest.raises(TrainingDataError) as caught:
        quantise(more, other)
    assert str(caught.value) == "n_skills: expected at most 32, got more"
