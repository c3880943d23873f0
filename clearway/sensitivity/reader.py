"""One text read: what it hides made plain, recognisers asked, and what could not be read noted."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from clearway.assessment import PPM, Finding
from clearway.errors import SensitivityError
from clearway.sensitivity.cache import Reading
from clearway.sensitivity.engine import Engine
from clearway.sensitivity.reading import chunks, is_language_unsupported, is_undecodable
from clearway.sensitivity.unmask import unmask

# Looked at between pieces of text: a request that takes longer has an unknown sensitivity.
MAX_SCAN_SECONDS: Final = 10


class Budget:
    """Time that the reading of one request may take.

    Args:
        seconds: From now on.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Nothing while there is time left.

        Raises:
            SensitivityError: It is used up.
        """
        if time.monotonic() > self._end:
            fault = f"expected to finish within {self._seconds} seconds, got no end"
            raise SensitivityError(f"sensitivity detector: {fault}")


def read_findings(engine: Engine, text: str, budget: Budget) -> tuple[Finding, ...]:
    """Findings of a text and of what it hides, in offsets of the text, scores in ppm.

    Args:
        engine: Asks the recognisers.
        text: Text of a part, or a window over a seam.
        budget: Looked at before each piece of text.

    Raises:
        SensitivityError: The time is used up, or a pattern took too long.
    """
    found: set[Finding] = set()
    for view in unmask(text):
        for offset, piece in chunks(view.text):
            budget.check()
            for spot in engine.analyze(piece) if piece.strip() else ():
                start, end = view.original(spot.start + offset, spot.end + offset)
                found.add(Finding(spot.entity, start, end, round(spot.score * PPM), 0))
    return tuple(without_contained(found))


def read_text(engine: Engine, text: str, budget: Budget) -> Reading:
    """Findings of a text, and notes on what could not be read.

    Raises:
        SensitivityError: As `read_findings`.
    """
    notes = set()
    if is_undecodable(text):
        notes.add("undecodable")
    if is_language_unsupported(text):
        notes.add("language_unsupported")
    return Reading(read_findings(engine, text, budget), frozenset(notes))


def read_joined(engine: Engine, text: str, budget: Budget) -> Reading:
    """Findings of a text that was joined from pieces: what could not be read is noted for the parts.

    Raises:
        SensitivityError: As `read_findings`.
    """
    return Reading(read_findings(engine, text, budget))


def without_contained(findings: Iterable[Finding]) -> list[Finding]:
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
