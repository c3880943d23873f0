"""The recognisers in use, ordinary Presidio ones, each with a gate that tells when it is worth a try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import regex  # type: ignore[import-untyped, unused-ignore]
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from clearway.sensitivity.account_patterns import FINANCIAL_PATTERNS
from clearway.sensitivity.address_patterns import ADDRESS_PATTERNS
from clearway.sensitivity.artifacts import words_of
from clearway.sensitivity.contact_patterns import EMAIL_PATTERNS, PHONE_PATTERNS
from clearway.sensitivity.country_patterns import COUNTRY_PATTERNS
from clearway.sensitivity.facts import Facts
from clearway.sensitivity.identity_patterns import NATIONAL_PATTERNS
from clearway.sensitivity.patterns import MIN_ANCHOR_DIGITS, PatternRow
from clearway.sensitivity.personal_facts import HealthRecognizer, SpecialCategoryRecognizer
from clearway.sensitivity.secret_scan import SecretRecognizer
from clearway.sensitivity.word_lists import HEALTH_FILE, MARKER_FILE, SPECIAL_FILE, Terms, load_words

PATTERNS: Final = (
    *EMAIL_PATTERNS,
    *PHONE_PATTERNS,
    *ADDRESS_PATTERNS,
    *NATIONAL_PATTERNS,
    *COUNTRY_PATTERNS,
    *FINANCIAL_PATTERNS,
)
TIMEOUT_SECONDS: Final = 5
_FLAGS: Final = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE


class RowRecognizer(PatternRecognizer):  # type: ignore[misc, unused-ignore]
    """One row of the patterns as a Presidio recogniser, behind the row's gate."""

    def __init__(self, row: PatternRow) -> None:
        self._row = row
        self._regex = regex.compile(row.regex, _FLAGS)
        self._anchor = re.compile(row.anchor or "|".join(map(re.escape, row.parts)))
        pattern = Pattern(row.name, row.regex, row.score)
        super().__init__(row.entity, name=f"{row.entity}: {row.name}", patterns=[pattern])

    def wanted(self, facts: Facts) -> bool:
        """Whether the text has digits enough, one of the row's words, and what else the row needs."""
        row = self._row
        return (
            facts.n_digits >= row.n_digits
            and (not row.words or not row.words.isdisjoint(facts.words))
            and (not row.parts or facts.has_any(row.parts))
            and (not row.needs or getattr(facts, row.needs))
            and (not row.anchor or self._anchor.search(facts.lower) is not None)
        )

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: NlpArtifacts | None = None,
        regex_flags: int | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Matches whose check, if there is one, holds; a time-out is raised, not skipped."""
        found = []
        for match in self._matches(text, getattr(nlp_artifacts, "facts", None)):
            n_kept = len(match.group()) if self._row.check is None else self._accepted(match.group())
            if n_kept:
                start = match.start()
                found.append(RecognizerResult(self._row.entity, start, start + n_kept, self._row.score))
        return found

    def _matches(self, text: str, facts: Facts | None) -> Iterator[Any]:
        """Matches within reach of the row's anchors, or anywhere where nothing is known of the text."""
        if facts is None or self._row.reach is None or len(facts.lower) != len(text):
            yield from self._regex.finditer(text, timeout=TIMEOUT_SECONDS)
            return
        for low, high in facts.windows(self._anchors(facts), *self._row.reach):
            yield from self._regex.finditer(text, low, high, timeout=TIMEOUT_SECONDS)

    def _anchors(self, facts: Facts) -> Iterator[tuple[int, int]]:
        row = self._row
        if not row.anchor and row.n_digits >= MIN_ANCHOR_DIGITS:
            return ((a, b) for a, b, n_digits in facts.numbers if n_digits >= row.n_digits)
        return (match.span() for match in self._anchor.finditer(facts.lower))

    def _accepted(self, value: str) -> int:
        verdict = self._row.check(value) if self._row.check else True
        return len(value) if verdict is True else int(verdict)


def shipped_recognizers(folder: Path) -> list[EntityRecognizer]:
    """Every recogniser of the default detector but that of names, in a fixed order.

    Raises:
        ConfigurationError: A word list is missing or empty.
    """
    return [
        *(RowRecognizer(row) for row in PATTERNS),
        SecretRecognizer(),
        HealthRecognizer(load_words(folder / HEALTH_FILE)),
        SpecialCategoryRecognizer(load_words(folder / SPECIAL_FILE)),
        MarkerRecognizer(load_words(folder / MARKER_FILE)),
    ]


class MarkerRecognizer(EntityRecognizer):  # type: ignore[misc, unused-ignore]
    """Marks of what must not leave: surely one of the list's, less surely a word that may be one.

    Args:
        markers: What authors put on such material.
    """

    def __init__(self, markers: tuple[str, ...]) -> None:
        self._sure, self._weak = Terms(markers), Terms(_WEAK_MARKERS)
        super().__init__(supported_entities=["TRADE_SECRET_MARKER"], name="MarkerRecognizer")

    def load(self) -> None:
        """Nothing to load."""

    def wanted(self, facts: Facts) -> bool:
        """Whether a word begins a marker."""
        return not (self._sure.firsts | self._weak.firsts).isdisjoint(facts.words)

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:  # noqa: ARG002
        """Markers in order; a heading in capitals or before a colon is as sure as one of the list."""
        artifacts = words_of(text, nlp_artifacts)
        tokens, lower = artifacts.words, artifacts.lemmas
        scores = {
            (a, b): 0.8
            if text[a : b + 1].lower() in _HEADINGS or (text[a:b].isupper() and text[a] in "CPT")
            else 0.5
            for a, b in self._weak.find(tokens, lower)
        }
        scores.update(dict.fromkeys(self._sure.find(tokens, lower), 0.8))
        return [
            RecognizerResult("TRADE_SECRET_MARKER", a, b, score) for (a, b), score in sorted(scores.items())
        ]


_HEADINGS: Final = tuple(
    word + mark
    for word in ("confidential", "proprietary", "trade secret", "trade secrets", "restricted", "classified")
    for mark in ":])"
)
_WEAK_MARKERS: Final = (
    "confidential", "confidentiality", "proprietary", "trade secret", "trade secrets", "nda",
    "codename",
    "code name", "know-how", "restricted", "privileged", "insider", "secret project",
    "top secret", "roadmap",
)  # fmt: skip
