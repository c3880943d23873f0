"""What the classifiers say of a request. Probabilities are parts per million (ppm), counts are integers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from clearway.request import Request

PPM = 1_000_000


class Level(IntEnum):
    """How bad it is if this leaks; ordered, joined by maximum."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3

    @property
    def label(self) -> str:
        """Lower-case name, as written in files and records."""
        return self.name.lower()

    @classmethod
    def parse(cls, label: str) -> Level:
        """Level of a label.

        Raises:
            KeyError: The label is none of public, internal, confidential, restricted.
        """
        return {level.label: level for level in cls}[label]

    @classmethod
    def join(cls, levels: Iterable[Level]) -> Level:
        """Highest of the levels; public when there is none."""
        return max(levels, default=cls.PUBLIC)


@dataclass(frozen=True, slots=True)
class ClassifierIdentity:
    """Which classifier spoke: enough to find the very bytes again.

    Attributes:
        name: Registered name.
        version: Version in its registry.
        sha256: Hex digest over everything that decides its output.
    """

    name: str
    version: str
    sha256: str

    def as_json(self) -> dict[str, str]:
        """JSON form, as in records."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a detector saw something: its type and place, never the text.

    Attributes:
        type: Entity type, such as `EMAIL_ADDRESS`.
        start: First character, counted in the original text of the part.
        end: One past the last character.
        score_ppm: The recogniser's confidence.
        part: Index of the part in `Request.parts`.
    """

    type: str
    start: int
    end: int
    score_ppm: int
    part: int


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the sensitivity detector says.

    Attributes:
        classes_ppm: Probability of each data class with any evidence.
        flagged: Data classes over their threshold, sorted.
        level: Level of the flagged classes joined with that of the notes; policy may vouch for images.
        findings: In order of part, start, end, type.
        notes: Sorted codes of what could not be read or is not covered.
    """

    classes_ppm: Mapping[str, int]
    flagged: tuple[str, ...]
    level: Level
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def finding_counts(self) -> dict[str, int]:
        """Number of findings by type: what a record keeps of them."""
        return dict(sorted(Counter(finding.type for finding in self.findings).items()))


@dataclass(frozen=True, slots=True)
class Complexity:
    """What the complexity model says, keyed by reference model (a name in the graded answers).

    Attributes:
        success_ppm: Chance that the reference model answers adequately.
        expected_output_tokens: Expected length of its answer, at least 1.
        difficulty_ppm: 0 is easy, 1,000,000 is hard; for people.
        n_input_tokens: Estimated tokens of the whole request.
        notes: Sorted codes, such as `truncated`.
    """

    success_ppm: Mapping[str, int]
    expected_output_tokens: Mapping[str, int]
    difficulty_ppm: int
    n_input_tokens: int
    notes: tuple[str, ...] = ()


class ComplexityModel(Protocol):
    """Scores how well each reference model would answer."""

    @property
    def identity(self) -> ClassifierIdentity:
        """Which bundle this is."""

    def score(self, request: Request) -> Complexity:
        """Success and length for each reference model; the same bytes for the same request."""


class SensitivityDetector(Protocol):
    """Finds data classes in the parts of a request."""

    @property
    def identity(self) -> ClassifierIdentity:
        """Which detector and tables these are."""

    @property
    def class_levels(self) -> Mapping[str, Level]:
        """Level of each data class it knows."""

    @property
    def note_levels(self) -> Mapping[str, Level]:
        """Level of each note about what it could not read; a note that is not here counts as restricted."""

    def scan(self, request: Request) -> Sensitivity:
        """Classes, level and findings of all parts.

        Raises:
            SensitivityError: The detector failed; the caller counts the request as restricted.
        """


@dataclass(frozen=True, slots=True)
class Assessment:
    """Both classifiers' answers to one request, keyed by model of the register.

    Attributes:
        sensitivity: As above; on a detector fault, restricted with the note `sensitivity_unknown`.
        success_ppm: Chance that each model answers adequately; a model without an estimate is absent.
        success_basis: `measured` or `mapped` for each model in `success_ppm`.
        expected_output_tokens: For each model in `success_ppm`, at least 1.
        difficulty_ppm: 0 is easy, 1,000,000 is hard.
        n_input_tokens: Estimated tokens of the whole request.
        notes: Sorted; those of both classifiers and of the request.
    """

    sensitivity: Sensitivity
    success_ppm: Mapping[str, int]
    success_basis: Mapping[str, str]
    expected_output_tokens: Mapping[str, int]
    difficulty_ppm: int
    n_input_tokens: int
    notes: tuple[str, ...] = field(default=())

    def as_json(self, request_id: str) -> dict[str, object]:
        """The assessment line of the command-line contract."""
        return {
            "id": request_id,
            "level": self.sensitivity.level.label,
            "classes": dict(self.sensitivity.classes_ppm),
            "flagged": list(self.sensitivity.flagged),
            "findings": [
                {"type": f.type, "start": f.start, "end": f.end, "score": f.score_ppm / PPM, "part": f.part}
                for f in self.sensitivity.findings
            ],
            "success_ppm": dict(self.success_ppm),
            "difficulty_ppm": self.difficulty_ppm,
            "expected_output_tokens": dict(self.expected_output_tokens),
            "n_input_tokens": self.n_input_tokens,
            "notes": list(self.notes),
        }
