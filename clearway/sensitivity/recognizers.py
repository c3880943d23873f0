"""The recognisers in use, ordinary Presidio ones, each with a gate that tells when it is worth a try."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import regex  # type: ignore[import-untyped, unused-ignore]
from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from clearway.sensitivity.contact_patterns import ADDRESS_PATTERNS, EMAIL_PATTERNS, PHONE_PATTERNS
from clearway.sensitivity.facts import Facts
from clearway.sensitivity.identity_patterns import FINANCIAL_PATTERNS, NATIONAL_PATTERNS
from clearway.sensitivity.patterns import PatternRow
from clearway.sensitivity.personal_facts import HealthRecognizer, SpecialCategoryRecognizer
from clearway.sensitivity.secret_scan import SecretRecognizer
from clearway.sensitivity.word_lists import HEALTH_FILE, MARKER_FILE, SPECIAL_FILE, alternation, load_words

PATTERNS: Final = (
    *EMAIL_PATTERNS,
    *PHONE_PATTERNS,
    *ADDRESS_PATTERNS,
    *NATIONAL_PATTERNS,
    *FINANCIAL_PATTERNS,
)
TIMEOUT_SECONDS: Final = 5
_FLAGS: Final = regex.DOTALL | regex.MULTILINE | regex.IGNORECASE


class RowRecognizer(PatternRecognizer):  # type: ignore[misc, unused-ignore]
    """One row of the patterns as a Presidio recogniser, behind the row's gate."""

    def __init__(self, row: PatternRow) -> None:
        self._row = row
        self._regex = regex.compile(row.regex, _FLAGS)
        pattern = Pattern(row.name, row.regex, row.score)
        super().__init__(row.entity, name=f"{row.entity}: {row.name}", patterns=[pattern])

    def wanted(self, facts: Facts) -> bool:
        """Whether the text has digits enough and one of the row's words."""
        row = self._row
        return facts.n_digits >= row.n_digits and (not row.parts or facts.has_any(row.parts))

    def analyze(
        self,
        text: str,
        entities: list[str],  # noqa: ARG002
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002
        regex_flags: int | None = None,  # noqa: ARG002
    ) -> list[RecognizerResult]:
        """Matches whose check, if there is one, holds; a time-out is raised, not skipped."""
        found = []
        for match in self._regex.finditer(text, timeout=TIMEOUT_SECONDS):
            n_kept = len(match.group()) if self._row.check is None else self._accepted(match.group())
            if n_kept:
                start = match.start()
                found.append(RecognizerResult(self._row.entity, start, start + n_kept, self._row.score))
        return found

    def _accepted(self, value: str) -> int:
        verdict = self._row.check(value) if self._row.check else True
        return len(value) if verdict is True else int(verdict)


def shipped_recognizers(folder: Path) -> list[EntityRecognizer]:
    """Every recogniser of the default detector, in a fixed order.

    Raises:
        ConfigurationError: A word list is missing or empty.
    """
    return [
        *(RowRecognizer(row) for row in PATTERNS),
        RowRecognizer(_STAND_IN_NAME),
        SecretRecognizer(),
        HealthRecognizer(load_words(folder / HEALTH_FILE)),
        SpecialCategoryRecognizer(load_words(folder / SPECIAL_FILE)),
        *(RowRecognizer(row) for row in _marker_rows(load_words(folder / MARKER_FILE))),
    ]


def _marker_rows(markers: tuple[str, ...]) -> tuple[PatternRow, ...]:
    heading = r"\btrade\s+secrets?\s*[:.\u2013\u2014](?=\s)|(?-i:\bTRADE SECRET\b)"
    marker = r"(?<!\w)" + alternation(markers) + r"(?!\w)"
    firsts = tuple(sorted({regex.split(r"[\s:\u2013\u2014'-]+", word)[0] for word in markers}))
    return (
        PatternRow("TRADE_SECRET_MARKER", "marker", 0.8, marker, firsts),
        PatternRow("TRADE_SECRET_MARKER", "heading", 0.8, heading, ("trade",)),
    )


# Until the tagger's recogniser lands.
_STAND_IN_NAME: Final = PatternRow(
    "PERSON",
    "capitalised words",
    0.7,
    r"(?-i:\b(?!The|What|How|When|Where|Why|This|That|If|In|On|Please|Write|My|Your)[A-Z][a-z]+ (?:[A-Z]\. )?[A-Z][a-z'\u2019A-Z-]+)",
)
