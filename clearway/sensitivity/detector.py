"""PresidioDetector: the sensitivity detector of the core."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from presidio_analyzer import EntityRecognizer

from clearway.assessment import PPM, ClassifierIdentity, Finding, Level, Sensitivity
from clearway.errors import ConfigurationError, SensitivityError
from clearway.request import Request
from clearway.sensitivity.engine import Engine
from clearway.sensitivity.grading import grade
from clearway.sensitivity.identity import identify
from clearway.sensitivity.reading import chunks, is_language_unsupported, is_undecodable
from clearway.sensitivity.recognizers import shipped_recognizers
from clearway.sensitivity.table import TABLE_FILE, load_class_table

MAX_SCANNED_CHARACTERS: Final = 100_000
# Looked at between pieces of text: a request that takes longer has an unknown sensitivity.
MAX_SCAN_SECONDS: Final = 20
# Makes packages load their data now (languages, telephone numbers, suffixes) and not at the first request.
_WARM_UP: Final = "Ring mich bitte morgen unter +49 30 1234567 an oder schreibe an jemand@example.com."


class PresidioDetector:
    """Finds data classes in every part of a request; safe to share between threads.

    Args:
        folder: Holds `classes.yaml` and the word lists.
        recognizers: Further Presidio recognisers, beside the shipped ones.

    Raises:
        ConfigurationError: The table or a word list is missing or wrong, or names an unknown entity.
    """

    def __init__(self, folder: Path, *, recognizers: Sequence[EntityRecognizer] = ()) -> None:
        self._table = load_class_table(folder)
        self._engine = Engine([*shipped_recognizers(folder), *recognizers])
        unknown = sorted(set(self._table.entities) - self._engine.entities)
        if unknown:
            raise ConfigurationError(
                f"{folder / TABLE_FILE}: {unknown[0]}: no recogniser reports this entity; "
                f"expected one of {', '.join(sorted(self._engine.entities))}"
            )
        self._identity = identify(folder, self._table.version, recognizers)
        _reading_notes(_WARM_UP)
        self._scan_part(0, _WARM_UP, math.inf)

    def __repr__(self) -> str:
        return f"PresidioDetector(version={self._identity.version!r})"

    @property
    def identity(self) -> ClassifierIdentity:
        """Which engine, table, word lists and packages these are."""
        return self._identity

    @property
    def class_levels(self) -> Mapping[str, Level]:
        """Level of each data class of the table."""
        return self._table.class_levels

    @property
    def note_levels(self) -> Mapping[str, Level]:
        """Level of each note of the table."""
        return self._table.note_levels

    def scan(self, request: Request) -> Sensitivity:
        """Classes, level and findings of all parts, in the order of the parts up to the cap.

        Raises:
            SensitivityError: A recogniser failed; the caller counts the request as restricted.
        """
        findings: set[Finding] = set()
        notes = set(request.notes)
        left, deadline = MAX_SCANNED_CHARACTERS, time.monotonic() + MAX_SCAN_SECONDS
        for index, part in enumerate(request.parts):
            text = part.text[:left]
            left -= len(text)
            if len(text) < len(part.text):
                notes.add("truncated")
            try:
                notes |= _reading_notes(text)
                findings |= self._scan_part(index, text, deadline)
            except SensitivityError:
                raise
            except Exception as error:  # noqa: BLE001 - doubt denies, and a cause's text may quote the prompt
                raise SensitivityError(
                    f"sensitivity detector: expected part {index} to be read, got {type(error).__name__}"
                ) from None
        return grade(self._table, _without_contained(findings), notes)

    def _scan_part(self, index: int, text: str, deadline: float) -> set[Finding]:
        findings: set[Finding] = set()
        for offset, piece in chunks(text):
            if not piece.strip():
                continue
            if time.monotonic() > deadline:
                fault = f"expected to finish within {MAX_SCAN_SECONDS} seconds, got no end"
                raise SensitivityError(f"sensitivity detector: {fault}")
            for spot in self._engine.analyze(piece, self._table.entities):
                start, end = spot.start + offset, spot.end + offset
                findings.add(Finding(spot.entity, start, end, round(spot.score * PPM), index))
        return findings


def _reading_notes(text: str) -> set[str]:
    notes = set()
    if is_undecodable(text):
        notes.add("undecodable")
    if is_language_unsupported(text):
        notes.add("language_unsupported")
    return notes


def _without_contained(findings: set[Finding]) -> list[Finding]:
    """Findings without those that lie in another of the same type, part and at least the same score."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda f: (f.part, f.type, f.start, -f.end, -f.score_ppm)):
        if not any(_contains(other, finding) for other in kept[-8:]):
            kept.append(finding)
    return kept


def _contains(outer: Finding, inner: Finding) -> bool:
    return (
        (outer.part, outer.type) == (inner.part, inner.type)
        and outer.start <= inner.start
        and inner.end <= outer.end
        and outer.score_ppm >= inner.score_ppm
    )
