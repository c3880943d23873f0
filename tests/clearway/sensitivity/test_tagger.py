"""The tagger of names: runs of tokens, the recogniser, and files that are not the trained ones."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from clearway.errors import ConfigurationError
from clearway.sensitivity.artifacts import artifacts_of
from clearway.sensitivity.name_features import N_FEATURES, N_ROWS, N_SECOND_ROWS
from clearway.sensitivity.tagger import (
    MODEL_FILE,
    NAMES_FOLDER,
    SPECIFICATION_FILE,
    NameRecognizer,
    NameSpan,
    Tagger,
    load_tagger,
    spans,
)
from clearway.sensitivity.tokens import tokenise
from training.sensitivity import tagger_learning
from training.sensitivity.name_sampler import contexts
from training.sensitivity.tagger_export import integer_graph, write_tagger
from training.sensitivity.tagger_learning import Weights, learn
from training.sensitivity.tagger_pipeline import measure

LISTS = Path(__file__).parents[3] / "data" / "sensitivity" / NAMES_FOLDER
LETTER = "Dear Ms Okonkwo,\n\nplease send the form to Jane Doe by Friday.\n\nmy name is marta kowalska"


@pytest.fixture(scope="module")
def weights() -> Weights:
    """Learned from contexts alone, few of each: seconds."""
    patch = pytest.MonkeyPatch()
    patch.setattr(tagger_learning, "N_NAMED", 5)
    patch.setattr(tagger_learning, "N_UNNAMED", 5)
    patch.setattr(tagger_learning, "N_FILLER", 5)
    from clearway.sensitivity.name_features import load_lexicon

    found = learn([], load_lexicon(LISTS))
    patch.undo()
    return found


@pytest.fixture(scope="module")
def bundle(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tagger."""
    folder = tmp_path_factory.mktemp("bundle")
    write_tagger(weights, LISTS, folder)
    return folder


@pytest.fixture(scope="module")
def tagger(bundle: Path) -> Tagger:
    """The tagger as it is served."""
    return load_tagger(bundle, LISTS)


def test_joins_likely_tokens_around_a_sure_one() -> None:
    """A name runs over likely tokens, and counts as its surest."""
    tokens = tokenise("ask Anna-Lena Beck today")
    ppm = [0, 900_000, 250_000, 800_000, 210_000, 0]
    assert spans(tokens, ppm) == [NameSpan(4, 18, 900_000)]


@pytest.mark.parametrize("text", ["Ann\nBob", "Ann, Bob", "Ann / Bob"])
def test_line_break_comma_and_slash_end_a_name(text: str) -> None:
    """Two names on two lines, or with a comma or a slash between, are two."""
    tokens = tokenise(text)
    assert len(spans(tokens, [900_000] * len(tokens))) == 2


def test_name_has_no_symbol_at_its_ends() -> None:
    """A full stop or dash at the end of a run is not in the name."""
    tokens = tokenise("- Ann Lee.")
    assert spans(tokens, [900_000] * len(tokens)) == [NameSpan(2, 9, 900_000)]


def test_symbols_and_doubtful_words_are_no_name() -> None:
    """A run without a sure word gives nothing."""
    tokens = tokenise("ab . cd")
    assert spans(tokens, [160_000, 900_000, 160_000]) == []


def test_finds_names_in_any_case(tagger: Tagger) -> None:
    """Titled, full and lower-case names are found, also ones of other countries."""
    found = [LETTER[span.start : span.end] for span in tagger.names(tokenise(LETTER))]
    assert {"Okonkwo", "Jane Doe", "marta kowalska"} <= set(found)


def test_text_without_words_has_no_names(tagger: Tagger) -> None:
    """Empty and blank text gives nothing."""
    assert tagger.names(tokenise(" \n")) == []


def test_long_text_is_read_in_runs_with_the_same_result(tagger: Tagger) -> None:
    """Tokens far inside a long text get what they get with less text around them."""
    filler = "the pump is off. " * 1_500
    tokens = tokenise(filler + LETTER)
    short = tokenise("the pump is off. " * 4 + LETTER)
    n = len(tokenise(LETTER))
    assert np.array_equal(tagger.probabilities(tokens)[-n:], tagger.probabilities(short)[-n:])


def test_recogniser_gives_presidio_results(tagger: Tagger) -> None:
    """Results are persons with a probability, with our artifacts and without."""
    recogniser = NameRecognizer(tagger)
    with_words = recogniser.analyze(LETTER, ["PERSON"], artifacts_of(LETTER))
    without = recogniser.analyze(LETTER, ["PERSON"], None)  # type: ignore[arg-type, unused-ignore]
    spots = [(r.entity_type, r.start, r.end, r.score) for r in with_words]
    assert spots == [(r.entity_type, r.start, r.end, r.score) for r in without]
    assert {r.entity_type for r in with_words} == {"PERSON"}
    assert all(0.2 <= r.score <= 1 for r in with_words)


def test_same_result_in_any_thread(tagger: Tagger) -> None:
    """Threads share a tagger and get the same bytes."""
    tokens = tokenise(LETTER)
    with ThreadPoolExecutor(8) as pool:
        results = {p.tobytes() for p in pool.map(lambda _: tagger.probabilities(tokens), range(40))}
    assert len(results) == 1


def test_altered_model_is_refused(bundle: Path, tmp_path: Path) -> None:
    """One byte less in the model is refused, with the remedy."""
    (tmp_path / SPECIFICATION_FILE).write_bytes((bundle / SPECIFICATION_FILE).read_bytes())
    (tmp_path / MODEL_FILE).write_bytes((bundle / MODEL_FILE).read_bytes()[:-1])
    with pytest.raises(ConfigurationError) as caught:
        load_tagger(tmp_path, LISTS)
    assert str(caught.value) == (
        f"{tmp_path / SPECIFICATION_FILE}: expected the digests of tagger.onnx and of {LISTS}, "
        "got others; restore the files, or train again"
    )


def test_missing_model_is_refused(tmp_path: Path) -> None:
    """An empty folder is refused, with the remedy."""
    with pytest.raises(ConfigurationError) as caught:
        load_tagger(tmp_path, LISTS)
    assert str(caught.value) == (
        f"{tmp_path / MODEL_FILE}: expected a file of the tagger, got none that can be read; "
        "restore the bundle"
    )


def test_specification_that_is_no_json_is_refused(bundle: Path, tmp_path: Path) -> None:
    """A broken specification is refused, with the remedy."""
    (tmp_path / MODEL_FILE).write_bytes((bundle / MODEL_FILE).read_bytes())
    (tmp_path / SPECIFICATION_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_tagger(tmp_path, LISTS)
    assert str(caught.value) == (
        f"{tmp_path / SPECIFICATION_FILE}: expected JSON, got something else; restore the bundle"
    )


def test_model_that_does_not_load_is_refused(tagger: Tagger) -> None:
    """Bytes that are no graph are refused, with the remedy."""
    with pytest.raises(ConfigurationError, match=r"^tagger\.onnx: expected a loadable graph, got "):
        Tagger(b"no graph", tagger._lexicon)


def test_graph_holds_integers_only(bundle: Path) -> None:
    """No tensor of the served graph is a floating-point number."""
    import onnx

    graph = onnx.load(str(bundle / MODEL_FILE)).graph
    kinds = {tensor.data_type for tensor in graph.initializer}
    integers = {onnx.TensorProto.INT16, onnx.TensorProto.INT32, onnx.TensorProto.INT64}
    assert kinds <= integers
    assert {v.type.tensor_type.elem_type for v in (*graph.input, *graph.output)} == {onnx.TensorProto.INT64}


def test_training_gives_the_same_bytes_twice(weights: Weights, bundle: Path) -> None:
    """The graph and its specification are a function of the weights."""
    assert integer_graph(weights) == (bundle / MODEL_FILE).read_bytes()
    stated = json.loads((bundle / SPECIFICATION_FILE).read_text())
    assert stated["n_features"] == N_FEATURES
    assert weights.rows.shape == (N_ROWS + N_SECOND_ROWS,)


def test_measures_what_was_found(tagger: Tagger) -> None:
    """Counts of tokens and names by source; a text that changes its length is left out."""
    rows = list(contexts(tagger._lexicon, seed=1, n_named=1, n_unnamed=0))
    (score,) = measure(tagger, rows)
    assert score.n_exact <= score.n_met <= score.n_names
    assert score.n_found_tokens > 0.8 * score.n_named_tokens
    assert measure(tagger, rows, change=lambda text: text + " ") == []
