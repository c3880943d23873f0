"""The served model on the shipped bundle: same bytes always, sane order, honest notes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from clearway.assessment import PPM, Complexity, ComplexityModel
from clearway.bundle import Bundle, load_bundle, pinned_digests
from clearway.complexity import INPUTS, OnnxComplexityModel, batch_inputs
from clearway.errors import BundleError
from clearway.features import FeatureSpecification, featurise
from clearway.request import Caller, Part, Request

DEFAULT = Path(__file__).parents[2] / "data" / "classifiers" / "default"
TEXTS = (
    "",
    "Hello!",
    "What is the capital of France?",
    "Prove that there are infinitely many primes. " * 30,
    "中文 смешанный text 123",
    "x" * 30_000,
)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The shipped bundle."""
    return load_bundle(DEFAULT, trusted=pinned_digests())


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> OnnxComplexityModel:
    """The shipped model."""
    return OnnxComplexityModel(bundle)


def _request(text: str) -> Request:
    return Request(
        id="r", caller=Caller("agent"), purpose="p", parts=(Part("messages[0].content", "user", text),)
    )


def _all(model: OnnxComplexityModel, size: int) -> list[Complexity]:
    requests = [_request(f"{text} {index}") for index in range(15) for text in TEXTS]
    return [
        result
        for start in range(0, len(requests), size)
        for result in model.score_many(requests[start : start + size])
    ]


def test_fits_the_protocol(model: OnnxComplexityModel, bundle: Bundle) -> None:
    """It is a complexity model, and says which."""
    served: ComplexityModel = model
    assert served.identity == bundle.identity


@pytest.mark.parametrize("text", TEXTS)
def test_scores_are_integers_in_range(model: OnnxComplexityModel, text: str) -> None:
    """Plain ints: parts per million, and at least one token."""
    result = model.score(_request(text))
    assert tuple(result.success_ppm) == tuple(result.expected_output_tokens) == model.reference_models
    assert all(type(ppm) is int and 0 < ppm < PPM for ppm in result.success_ppm.values())
    assert all(type(n) is int and 1 <= n <= 2**16 for n in result.expected_output_tokens.values())
    assert 0 < result.difficulty_ppm < PPM
    assert ("truncated_complexity" in result.notes) == (len(text) > 12_000)
    assert set(result.notes) <= {"truncated_complexity", "outside_training"}


def test_a_prompt_unlike_training_is_noted(model: OnnxComplexityModel) -> None:
    """Questions are like the training prompts; one letter 30,000 times, or Chinese alone, is not."""
    for text in TEXTS[2:4]:
        assert model.score(_request(text)).notes == ()
    both = ("truncated_complexity", "outside_training")
    assert model.score(_request("x" * 30_000)).notes == both
    assert model.score(_request("中文文本没有任何空格" * 50)).notes == both[1:]


def test_inputs_are_padded_with_zeros() -> None:
    """Ids and values to the longest row, waves as they are; an empty row is a row."""
    specification = FeatureSpecification()
    rows = [featurise(_request(text).parts, specification) for text in ("one two three", "")]
    inputs = batch_inputs(rows)
    assert tuple(inputs) == INPUTS == ("ids", "values", "waves")
    n = len(rows[0].ids)
    assert inputs["ids"].tolist() == [rows[0].ids.tolist(), [0] * n]
    assert inputs["values"].tolist() == [rows[0].values.tolist(), [0] * n]
    assert inputs["waves"].tolist() == [row.waves.tolist() for row in rows]
    assert batch_inputs(rows[1:])["ids"].shape == (1, 1)
    assert {array.dtype.name for array in inputs.values()} == {"int64"}


def test_any_batch_and_threads_give_the_same(bundle: Bundle, model: OnnxComplexityModel) -> None:
    """Batches of 1, 2, 7, 64 and all, on 1, 2 and 4 threads."""
    expected = _all(model, 1)
    for n_threads in (1, 2, 4):
        other = OnnxComplexityModel(bundle, n_threads=n_threads)
        for size in (1, 2, 7, 64, 90):
            assert _all(other, size) == expected


def test_no_requests_no_scores(model: OnnxComplexityModel) -> None:
    """An empty batch is empty."""
    assert model.score_many([]) == []


def test_competition_mathematics_is_harder_than_a_greeting(model: OnnxComplexityModel) -> None:
    """Difficulty moves the right way."""
    easy = model.score(_request("Hello!"))
    hard = model.score(
        _request("Find the number of triples $(a,b,c)$ of positive integers with $abc = 2^5 3^4$.")
    )
    assert hard.difficulty_ppm > easy.difficulty_ppm + 100_000
    assert hard.expected_output_tokens["gpt-4o-2024-08-06"] > easy.expected_output_tokens["gpt-4o-2024-08-06"]


@pytest.mark.parametrize("text", TEXTS[1:5])
def test_stronger_models_are_estimated_higher(model: OnnxComplexityModel, text: str) -> None:
    """GPT-4o, graded on mathematics only, is not taken for weaker than an 8B model graded on trivia."""
    success = model.score(_request(text)).success_ppm
    assert success["gpt-4o-2024-08-06"] > success["Meta-Llama-3.1-8B-Instruct"] > success["gemma-2-2b-it"]


def test_every_model_that_the_register_refers_to_is_there(model: OnnxComplexityModel) -> None:
    """A register entry's `measured` or `mapped_to` names a reference model of the shipped bundle."""
    import re

    text = (DEFAULT.parents[1] / "register" / "models.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"\{(?:measured|mapped_to): ([^,}]+)", text))
    assert named
    assert named <= set(model.reference_models)


def test_graph_that_does_not_load_is_refused(bundle: Bundle) -> None:
    """The runtime's own text may hold anything, so only its type is told."""
    with pytest.raises(BundleError) as caught:
        OnnxComplexityModel(dataclasses.replace(bundle, model=b"no graph"))
    assert str(caught.value) == "model.onnx: expected a loadable graph, got InvalidProtobuf"


def test_graph_for_other_models_is_refused(bundle: Bundle) -> None:
    """As many outputs as reference models."""
    n = len(bundle.manifest.reference_models)
    manifest = dataclasses.replace(bundle.manifest, reference_models=("one", "two"))
    with pytest.raises(BundleError) as caught:
        OnnxComplexityModel(dataclasses.replace(bundle, manifest=manifest))
    assert str(caught.value) == f"model.onnx: success_ppm: expected 2 reference models, got {n}"


def test_importing_loads_neither_runtime_nor_training_stack() -> None:
    """The runtime is imported when a bundle is opened; scikit-learn, onnx, pandas and mlflow never."""
    program = (
        "import sys, clearway.complexity; print([m for m in sys.modules if m in "
        + repr({"onnxruntime", "sklearn", "onnx", "pandas", "mlflow", "scipy", "skl2onnx"})
        + "])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_onnxruntime_leaves_no_trace_and_reports_nothing(tmp_path: Path) -> None:
    """Its telemetry, on by default, would write a device id into the home at once and send events later."""
    program = (
        "from clearway.bundle import load_bundle; from clearway.complexity import OnnxComplexityModel\n"
        "from clearway.installation import data_folder; from clearway.testing import fake_request\n"
        "bundle = load_bundle(data_folder() / 'classifiers' / 'default', trusted=None)\n"
        "OnnxComplexityModel(bundle).score(fake_request())"
    )
    environment = {"HOME": str(tmp_path), "PATH": ""}  # without CI, which would silence it by itself
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=60)
    assert list(tmp_path.rglob("*")) == []


def test_weights_beside_the_model_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph that names a file beside it, in whatever encoding, does not load: that file has no digest."""
    onnx = pytest.importorskip("onnx")
    bundle = load_bundle(DEFAULT, trusted=None)
    graph = onnx.load_from_string(bundle.model)
    weights = max(graph.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    (tmp_path / "w.bin").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "w.bin"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match=r"^model\.onnx: expected a loadable graph, got Fail$"):
        OnnxComplexityModel(dataclasses.replace(bundle, model=graph.SerializeToString()))
