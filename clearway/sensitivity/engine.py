"""Presidio's recognisers, called one by one behind cheap gates: text in, findings out, no pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from presidio_analyzer import EntityRecognizer, RecognizerRegistry, RecognizerResult, pattern_recognizer
from presidio_analyzer.predefined_recognizers.generic import iban_recognizer

from clearway.errors import SensitivityError
from clearway.sensitivity.artifacts import LANGUAGE, TokenArtifacts
from clearway.sensitivity.context import raise_by_context
from clearway.sensitivity.facts import Facts

NAME: Final = "PERSON"


class Spot(NamedTuple):
    """What a recogniser found in a text; offsets in characters."""

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


class Engine:
    """The given recognisers in Presidio's registry; safe to share between threads.

    A recogniser with a method `wanted(facts)` is asked first whether the text can hold anything for it; those
    that report names run before all others, which are handed the names.

    Args:
        recognizers: Ours and a user's; those for other languages than English are left out.
        gated: Whether the recognisers' gates are asked; a test compares both.
    """

    def __init__(self, recognizers: Sequence[EntityRecognizer], *, gated: bool = True) -> None:
        _silence()
        registry = RecognizerRegistry(recognizers=list(recognizers), supported_languages=[LANGUAGE])
        known = [r for r in registry.recognizers if r.supported_language == LANGUAGE]
        self._first = [r for r in known if NAME in r.supported_entities]
        self._then = [r for r in known if NAME not in r.supported_entities]
        self._gated = gated
        self.entities = frozenset(entity for recognizer in known for entity in recognizer.supported_entities)

    def analyze(self, text: str) -> list[Spot]:
        """Findings in a text, each once, by place.

        Raises:
            SensitivityError: A pattern did not finish in time.
        """
        facts = Facts(text)
        try:
            artifacts = TokenArtifacts(facts.tokens)
            artifacts.facts = facts if self._gated else None
            found = self._run(self._first, facts, artifacts)
            artifacts.names = sorted({(spot.start, spot.end) for spot in found if spot.entity == NAME})
            found |= self._run(self._then, facts, artifacts)
        except TimeoutError:
            fault = "expected every pattern to finish, got a time-out"
            raise SensitivityError(f"sensitivity detector: {fault}") from None
        return sorted(found, key=lambda spot: (spot.start, spot.end, spot.entity, spot.score))

    def _run(
        self, recognizers: Iterable[EntityRecognizer], facts: Facts, artifacts: TokenArtifacts
    ) -> set[Spot]:
        found: set[Spot] = set()
        for recognizer in recognizers:
            wanted: Any = getattr(recognizer, "wanted", None)
            if self._gated and wanted is not None and not wanted(facts):
                continue
            results = recognizer.analyze(facts.text, recognizer.supported_entities, artifacts)
            if results:
                found |= _spots(recognizer, facts.text, results, artifacts)
        return found


def _spots(
    recognizer: EntityRecognizer, text: str, results: list[RecognizerResult], artifacts: TokenArtifacts
) -> set[Spot]:
    """Results with the recogniser's own and Presidio's context words, above the recogniser's thresholds."""
    if type(recognizer).enhance_using_context is not EntityRecognizer.enhance_using_context:
        results = recognizer.enhance_using_context(text, results, [], artifacts)
    if recognizer.context:
        raise_by_context(results, recognizer.context, artifacts)
    floors = recognizer.score_thresholds
    return {
        Spot(r.entity_type, r.start, r.end, r.score)
        for r in results
        if r.score >= floors.get(r.entity_type, floors.get("default", 0))
    }


def _silence() -> None:
    """No text in a log, and no pattern skipped in silence.

    Presidio catches the time-out of a pattern, logs it and goes on: a value would go unseen. In the modules
    that do so the name `TimeoutError` is made to mean an error that never comes, so that the real one does.
    """
    for name in ("presidio-analyzer", "decision_process", "tldextract"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, _Muted) for known in logger.filters):
            logger.addFilter(_Muted())
    for module in (pattern_recognizer, iban_recognizer):
        vars(module)["TimeoutError"] = _NeverRaised
