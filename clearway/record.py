"""The record of a decision: the facts it was computed from, its form, and the way back for replay.

Format 2 adds to format 1 the caller's chain, the exceptions in force and the providers a session reached.
Records of format 1 stay as they are: `facts_of` reads what they lack as nobody and none, as was true of them,
and replay leaves the new fields out (`in_format`).
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import rfc8785

from clearway.active_exception import ActiveException
from clearway.assessment import Assessment, ClassifierIdentity, Level, Sensitivity
from clearway.decision import Choice
from clearway.optimiser import Candidate
from clearway.policy import Clearing
from clearway.request import Caller, Request

RECORD_FORMAT: Final = 2
READ_FORMATS: Final = (1, 2)
_SINCE_2: Final = frozenset({"active_exceptions", "session_providers"})
_SOFTWARE: Final = ("clearway", "onnxruntime", "presidio-analyzer", "spacy", "cedarpy", "numpy")


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision is computed from, beside register, prices and policy.

    Attributes:
        caller: The verified caller.
        purpose: Purpose of the request.
        labels: Data classes and levels the caller declared, sorted.
        needs: Capabilities the answer requires, sorted.
        max_output_tokens: The caller's own bound, or None.
        session_level: Level the session had reached before.
        at: Time of the decision, UTC.
        assessment: What the classifiers said.
        finding_counts: Number of findings by type.
        classifier: The complexity model that said it.
        detector: The sensitivity detector that said it.
        in_session: Whether the request is part of a session.
        session_providers: Providers that the session had reached before, sorted.
        exceptions: Exceptions in force at that time.
    """

    caller: Caller
    purpose: str
    labels: tuple[str, ...]
    needs: tuple[str, ...]
    max_output_tokens: int | None
    session_level: Level
    at: datetime
    assessment: Assessment
    finding_counts: Mapping[str, int]
    classifier: ClassifierIdentity
    detector: ClassifierIdentity
    in_session: bool = False
    session_providers: tuple[str, ...] = ()
    exceptions: tuple[ActiveException, ...] = ()

    def as_json(self, level: Level) -> dict[str, Any]:
        """The part of the record that states the facts, with the level they were joined to."""
        return {
            "time": format_time(self.at),
            "request": {"needs": list(self.needs), "max_output_tokens": self.max_output_tokens},
            "caller": self.caller.as_json(),
            "purpose": self.purpose,
            "classification": {
                **sensitivity_json(self.assessment.sensitivity, self.finding_counts),
                "level": level.label,
                "labels": list(self.labels),
                "session_level": self.session_level.label,
                "detector": self.detector.as_json(),
            },
            "assessment": {**complexity_json(self.assessment), "classifier": self.classifier.as_json()},
        }


def sensitivity_json(sensitivity: Sensitivity, finding_counts: Mapping[str, int]) -> dict[str, Any]:
    """Classes, findings by type and notes: what a record keeps of the detector's answer."""
    return {
        "classes": dict(sensitivity.classes_ppm),
        "flagged": list(sensitivity.flagged),
        "findings": dict(finding_counts),
        "notes": list(sensitivity.notes),
    }


def complexity_json(assessment: Assessment) -> dict[str, Any]:
    """Success, length and size: what a record keeps of the complexity model's answer."""
    return {
        "success_ppm": dict(assessment.success_ppm),
        "success_basis": dict(assessment.success_basis),
        "expected_output_tokens": dict(assessment.expected_output_tokens),
        "difficulty_ppm": assessment.difficulty_ppm,
        "n_input_tokens": assessment.n_input_tokens,
        "notes": list(assessment.notes),
    }


def facts_of(record: Mapping[str, Any]) -> Facts:
    """Facts of a recorded decision; the inverse of `Facts.as_json`.

    Raises:
        KeyError: The record is not that of a decision.
    """
    seen, scored = record["classification"], record["assessment"]
    sensitivity = Sensitivity(
        classes_ppm=seen["classes"],
        flagged=tuple(seen["flagged"]),
        level=Level.parse(seen["level"]),
        notes=tuple(seen["notes"]),
    )
    return Facts(
        caller=Caller.from_json(record["caller"]),
        purpose=record["purpose"],
        labels=tuple(seen["labels"]),
        needs=tuple(record["request"]["needs"]),
        max_output_tokens=record["request"]["max_output_tokens"],
        session_level=Level.parse(seen["session_level"]),
        at=datetime.fromisoformat(record["time"]),
        assessment=Assessment(
            sensitivity=sensitivity,
            success_ppm=scored["success_ppm"],
            success_basis=scored["success_basis"],
            expected_output_tokens=scored["expected_output_tokens"],
            difficulty_ppm=scored["difficulty_ppm"],
            n_input_tokens=scored["n_input_tokens"],
            notes=tuple(scored["notes"]),
        ),
        finding_counts=seen["findings"],
        classifier=ClassifierIdentity(**scored["classifier"]),
        detector=ClassifierIdentity(**seen["detector"]),
        in_session=record["session"] is not None,
        session_providers=tuple((record.get("session_providers") or {}).get("before", ())),
        exceptions=tuple(map(ActiveException.from_json, record.get("active_exceptions", ()))),
    )


def in_format(record: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A decision computed now, as records of an older format say it: without the fields that came later.

    Args:
        record: What `Router.resolve` returns.
        number: The `format` of the old record, from 1 to `RECORD_FORMAT`.
    """
    if number == RECORD_FORMAT:
        return dict(record)
    kept = {name: value for name, value in record.items() if name not in _SINCE_2}
    return {**kept, "caller": {name: v for name, v in record["caller"].items() if name != "chain"}}


def outcome_json(
    choice: Choice, candidates: Iterable[Candidate], cleared: Mapping[str, Clearing]
) -> dict[str, Any]:
    """The part of the record that says what was chosen, and why not the others."""
    return {
        "verdict": "route" if choice.model else "refuse",
        "model": choice.model,
        "fallbacks": list(choice.fallbacks),
        "candidates": [
            {"model": c.model, "success_ppm": c.success_ppm, "cost_nusd": c.cost_nusd, "codes": list(c.codes)}
            for c in candidates
        ],
        "excluded": [exclusion.as_json() for exclusion in choice.excluded],
        "floor_met": choice.floor_met,
        "determining": _determining(choice, cleared),
        "exceptions": list(cleared[choice.model].exceptions) if choice.model else [],
    }


def request_json(request: Request, salt: bytes) -> dict[str, Any]:
    """The part of the record that binds it to the request without showing it."""
    return {
        "id": request.id,
        "commitment": commitment(salt, request),
        "n_parts": len(request.parts),
        "n_characters": request.n_characters,
    }


def canonical_body(request: Request) -> bytes:
    """Everything the caller sent but the id, in the canonical form of RFC 8785."""
    return rfc8785.dumps(dict(request.body))


def commitment(salt: bytes, request: Request) -> str:
    """Hex SHA-256 over a salt and the canonical body."""
    return hashlib.sha256(salt + canonical_body(request)).hexdigest()


def format_time(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds.

    >>> format_time(datetime(2026, 1, 2, tzinfo=UTC))
    '2026-01-02T00:00:00.000000Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@cache
def software() -> Mapping[str, str]:
    """Versions of what computes a decision."""
    return {"python": platform.python_version(), **{name: version(name) for name in _SOFTWARE}}


def _determining(choice: Choice, cleared: Mapping[str, Clearing]) -> list[str]:
    """Permits behind the choice and its fallbacks, or the forbids behind a refusal; sorted ids."""
    if choice.model is not None:
        return sorted({i for model in (choice.model, *choice.fallbacks) for i in cleared[model].permitted_by})
    codes = {code for clearing in cleared.values() for code in clearing.codes}
    return sorted(code.removeprefix("forbidden:") for code in codes if code.startswith("forbidden:"))
