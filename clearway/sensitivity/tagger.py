"""Persons' names by a token tagger: hashed windows in, a probability for each token out, in integers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from clearway.errors import ConfigurationError
from clearway.sensitivity.artifacts import TokenArtifacts
from clearway.sensitivity.name_features import (
    FEATURES_VERSION,
    N_FEATURES,
    N_OWN,
    N_ROWS,
    N_SECOND,
    N_SECOND_ROWS,
    NAME_FILES,
    IntArray,
    Lexicon,
    load_lexicon,
    window_of,
)
from clearway.sensitivity.tokens import Tokens, tokenise

MODEL_FILE: Final = "tagger.onnx"
SPECIFICATION_FILE: Final = "tagger.json"
NAMES_FOLDER: Final = "names"
INPUTS: Final = ("ids", "base")
OUTPUTS: Final = ("score", "ppm")
PPM: Final = 1_000_000
# A token from JOIN up belongs to a name in which one token reaches KEEP.
KEEP_PPM: Final = 200_000
JOIN_PPM: Final = 150_000
# Symbols that a name may hold within.
JOINING: Final = frozenset(".-'\u2019\u2010\u2011")
# Scores of the first pass, in 2**-11 of a logit, from which it is a little, rather and very sure of a name.
_LEVELS: Final = np.array([-4096, -1024, 2048])
# Tokens in one run of the graph: what one run holds in memory is bounded.
_MAX_TOKENS: Final = 4_096


@dataclass(frozen=True, slots=True)
class NameSpan:
    """One name; offsets in the text, probability of its surest token."""

    start: int
    end: int
    ppm: int


class Tagger:
    """The graph and its lists; safe to share between threads.

    Args:
        model: Bytes of the graph.
        lexicon: The lists that it was trained with.

    Raises:
        ConfigurationError: The graph does not load, or is not a tagger.
    """

    def __init__(self, model: bytes, lexicon: Lexicon) -> None:
        self._session = _open_session(model)
        self._lexicon = lexicon
        # The first pass sums weights: those of a common word alone are summed once.
        self._known_sums = self._first(lexicon.memo.rows[:, :N_OWN])

    def probabilities(self, tokens: Tokens) -> IntArray:
        """Probability of each token to be in a name, in ppm; shape (n_tokens,)."""
        if len(tokens) == 0:
            return np.zeros(0, dtype=np.int64)
        window = window_of(tokens, self._lexicon)
        own = window.sums(self._known_sums, self._first(window.extra[:, :N_OWN]))
        first = self._first(window.neighbour_ids()) + own
        return self._run(1, window.second_ids(levels_of(first)), first)

    def _first(self, ids: IntArray) -> IntArray:
        """Sums of weights, shape (n,)."""
        return self._run(0, ids, np.zeros(len(ids), dtype=np.int64))

    def _run(self, output: int, ids: IntArray, base: IntArray) -> IntArray:
        if len(ids) == 0:
            return base
        found: list[IntArray] = []
        for start in range(0, len(ids), _MAX_TOKENS):
            end = start + _MAX_TOKENS
            inputs = dict(zip(INPUTS, (ids[start:end], base[start:end]), strict=True))
            found.append(self._session.run([OUTPUTS[output]], inputs)[0])
        return np.concatenate(found)

    def names(self, tokens: Tokens) -> list[NameSpan]:
        """Names in the order of the text."""
        return spans(tokens, self.probabilities(tokens).tolist())


def levels_of(scores: IntArray) -> IntArray:
    """How sure the first pass is of a name, 0 to 3."""
    return np.searchsorted(_LEVELS, scores, side="right")


def spans(tokens: Tokens, ppm: Sequence[int]) -> list[NameSpan]:
    """Runs of likely tokens with one sure token; a line break or a comma ends a run."""
    found: list[NameSpan] = []
    run: list[int] = []
    for index in [index for index, value in enumerate(ppm) if value >= JOIN_PPM]:
        first = tokens.words[index][0]
        if not first.isalnum() and first not in JOINING:
            continue
        if run and (
            run[-1] != index - 1 or "\n" in tokens.text[tokens.ends[index - 1] : tokens.starts[index]]
        ):
            found.extend(_span(tokens, ppm, run))
            run = []
        run.append(index)
    return [*found, *_span(tokens, ppm, run)]


def _span(tokens: Tokens, ppm: Sequence[int], run: list[int]) -> list[NameSpan]:
    """The name in a run, without symbols at its ends, where there is one."""
    words = [index for index in run if tokens.words[index][0].isalnum()]
    if not words or max(ppm[index] for index in words) < KEEP_PPM:
        return []
    return [NameSpan(tokens.starts[words[0]], tokens.ends[words[-1]], max(ppm[index] for index in words))]


class NameRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """Persons' names as a Presidio recogniser; the score is the probability of the surest token."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        super().__init__(supported_entities=["PERSON"], name="NameRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Names, from the tokens of the artifacts where these have them."""
        tokens = nlp_artifacts.words if isinstance(nlp_artifacts, TokenArtifacts) else tokenise(text)
        return [
            RecognizerResult("PERSON", span.start, span.end, span.ppm / PPM)
            for span in self._tagger.names(tokens)
        ]


def load_tagger(bundle: Path, lists: Path) -> Tagger:
    """Tagger of a bundle, with the lists beside the class table.

    Args:
        bundle: Holds `tagger.onnx` and `tagger.json`.
        lists: Holds the lists of names.

    Raises:
        ConfigurationError: A file is missing, or is not the one that the tagger was trained with.
    """
    model = _read(bundle / MODEL_FILE)
    try:
        stated = json.loads(_read(bundle / SPECIFICATION_FILE))
    except ValueError:
        raise ConfigurationError(
            f"{bundle / SPECIFICATION_FILE}: expected JSON, got something else; restore the bundle"
        ) from None
    if stated != specification(model, lists):
        raise ConfigurationError(
            f"{bundle / SPECIFICATION_FILE}: expected the digests of {MODEL_FILE} and of {lists}, "
            "got others; restore the files, or train again"
        )
    return Tagger(model, load_lexicon(lists))


def specification(model: bytes, lists: Path) -> dict[str, Any]:
    """What `tagger.json` says: the shape of the features and the digests of what they rest on."""
    return {
        "features_version": FEATURES_VERSION,
        "n_features": N_FEATURES,
        "n_rows": N_ROWS + N_SECOND_ROWS,
        "n_second": N_SECOND,
        "join_ppm": JOIN_PPM,
        "keep_ppm": KEEP_PPM,
        "sha256": {
            MODEL_FILE: hashlib.sha256(model).hexdigest(),
            **{name: hashlib.sha256(_read(lists / name)).hexdigest() for name in NAME_FILES},
        },
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ConfigurationError(
            f"{path}: expected a file of the tagger, got none that can be read; restore the bundle"
        ) from None


def _open_session(model: bytes) -> Any:
    import onnxruntime  # here, because it costs 50 ms

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Weights come from the verified bytes alone: where a model names a file beside it, there is none.
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", "/dev/null/no-such-folder"
    )
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public class
        raise ConfigurationError(
            f"{MODEL_FILE}: expected a loadable graph, got {type(error).__name__}; restore the bundle"
        ) from error
    found = [(v.name, v.type) for v in (*session.get_inputs(), *session.get_outputs())]
    if found != [(name, "tensor(int64)") for name in (*INPUTS, *OUTPUTS)]:
        raise ConfigurationError(
            f"{MODEL_FILE}: expected int64 {', '.join(INPUTS)} in and {', '.join(OUTPUTS)} out, got others; "
            "restore the bundle"
        )
    return session
