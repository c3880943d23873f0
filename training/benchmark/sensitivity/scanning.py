"""Rows through the detector, by its public interface, as requests that it would see in service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clearway.assessment import Finding, Level, SensitivityDetector
from clearway.errors import SensitivityError
from clearway.request import Caller, Request, parse_request
from training.benchmark.sensitivity.corpus import Row

Messages = Sequence[Mapping[str, Any]]
Report = Callable[[str], None]
CALLER: Final = Caller("local-dev")
_STEP: Final = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the detector said of one request.

    Attributes:
        flagged: Data classes.
        level: Of the request; restricted where the scan failed.
        findings: Of the first part.
        notes: What could not be read or is not covered.
        has_failed: Whether the scan raised: the sensitivity is unknown.
    """

    flagged: frozenset[str]
    level: Level
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    has_failed: bool = False

    @property
    def is_pinned(self) -> bool:
        """Whether the request is kept from models that only public text may reach, for a class or a note."""
        return self.level > Level.PUBLIC


@dataclass(frozen=True, slots=True)
class Case:
    """A row and what the detector said of it."""

    row: Row
    outcome: Outcome

    @property
    def is_sensitive(self) -> bool:
        """Whether the row has a gold class."""
        return bool(self.row.classes)

    @property
    def is_false_pin(self) -> bool:
        """Whether a class is flagged that is not in the row, or a row without a class is pinned."""
        gold = self.row.classes or frozenset()
        return not self.outcome.flagged <= gold or (not gold and self.outcome.is_pinned)

    @property
    def is_false_by_note(self) -> bool:
        """Whether it is a false pin for a note alone: a language that is not covered, say."""
        return self.is_false_pin and not self.outcome.flagged


def scan_text(detector: SensitivityDetector, text: str) -> Outcome:
    """What the detector says of a prompt of one message."""
    return scan_messages(detector, [{"role": "user", "content": text}])


def scan_messages(detector: SensitivityDetector, messages: Messages) -> Outcome:
    """What the detector says of a conversation."""
    try:
        said = detector.scan(as_request(messages))
    except SensitivityError:
        return Outcome(frozenset(), Level.RESTRICTED, (), ("sensitivity_unknown",), has_failed=True)
    findings = tuple(finding for finding in said.findings if finding.part == 0)
    return Outcome(frozenset(said.flagged), said.level, findings, said.notes)


def as_request(messages: Messages) -> Request:
    """The messages as the router would parse them."""
    line = {"request": {"messages": list(messages)}}
    return parse_request(line, caller=CALLER, purpose="general", fallback_id="benchmark")


def scan_rows(detector: SensitivityDetector, rows: Sequence[Row], report: Report, what: str) -> list[Case]:
    """Every row with what the detector says of it."""
    cases = []
    for index, row in enumerate(rows):
        if index % _STEP == 0:
            report(f"scanning {what}: {index:,} of {len(rows):,}")
        cases.append(Case(row, scan_text(detector, row.text)))
    return cases
