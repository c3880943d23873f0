"""The class model: evidence in, a probability for each data class out, in integers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from clearway.errors import SensitivityError
from clearway.integer_session import open_session
from clearway.sensitivity.evidence import N_COLUMNS, specification_sha256
from clearway.style import IntArray

CLASS_MODEL: Final = "classes.onnx"
CLASS_SETTINGS: Final = "classes.json"
INPUT: Final = "evidence"
OUTPUT: Final = "classes_ppm"
PPM: Final = 1_000_000
# What the table gives at its lower end: no finding of a kind that speaks for the class.
_NOTHING_PPM: Final = 1


@dataclass(frozen=True, slots=True)
class ClassSettings:
    """What `classes.json` says.

    Attributes:
        thresholds_ppm: From which probability a class is flagged; in the order of the model's outputs.
        rates: What was measured for each class on held-out data, as trained.
        evidence_sha256: Digest of the reading of evidence that the model was trained on.
    """

    thresholds_ppm: Mapping[str, int]
    rates: Mapping[str, Any]
    evidence_sha256: str

    def to_json(self) -> bytes:
        """Bytes of the file."""
        classes = {
            name: {"threshold_ppm": threshold, "rates": self.rates.get(name, {})}
            for name, threshold in self.thresholds_ppm.items()
        }
        content = {"classes": classes, "evidence_sha256": self.evidence_sha256, "schema_version": 1}
        return (json.dumps(content, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> ClassSettings:
        """Settings of the file's bytes.

        Raises:
            SensitivityError: Not as `to_json` writes it.
        """
        try:
            value = json.loads(data)
            classes = value["classes"]
            settings = cls(
                MappingProxyType({name: facts["threshold_ppm"] for name, facts in classes.items()}),
                MappingProxyType({name: facts["rates"] for name, facts in classes.items()}),
                value["evidence_sha256"],
            )
            is_right = value["schema_version"] == 1 and bool(classes)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            is_right = False
        if not is_right or not all(_is_ppm(ppm) for ppm in settings.thresholds_ppm.values()):
            raise SensitivityError(
                f"{CLASS_SETTINGS}: expected classes with thresholds of 1 to {PPM} ppm, got something else; "
                "restore the bundle or train it again"
            )
        return settings


class ClassModel:
    """Data classes of a request by the integer graph of a bundle; safe to share between threads.

    Args:
        model: Bytes of the graph, verified.
        settings: Names and thresholds, verified.

    Raises:
        SensitivityError: The graph was trained on another reading of evidence, or has another shape.
        BundleError: The graph does not load.
    """

    def __init__(self, model: bytes, settings: ClassSettings) -> None:
        self._settings = settings
        self._names = tuple(settings.thresholds_ppm)
        if settings.evidence_sha256 != specification_sha256():
            raise SensitivityError(
                f"{CLASS_SETTINGS}: expected evidence {specification_sha256()}, got "
                f"{settings.evidence_sha256}; train the bundle again: make sensitivity-bundle"
            )
        self._session = open_session(CLASS_MODEL, model)
        shape = (self._session.get_inputs()[0].shape[1], self._session.get_outputs()[0].shape[0])
        if shape != (N_COLUMNS, len(self._names)):
            raise SensitivityError(
                f"{CLASS_MODEL}: expected {N_COLUMNS} columns and {len(self._names)} classes, "
                f"got {shape[0]} and {shape[1]}; restore the bundle or train it again"
            )

    @property
    def thresholds_ppm(self) -> Mapping[str, int]:
        """From which probability each class is flagged."""
        return self._settings.thresholds_ppm

    def predict_ppm(self, evidence: IntArray) -> dict[str, int]:
        """Probability of each class with any evidence, the same bytes for the same evidence.

        Args:
            evidence: Shape (n_findings, N_COLUMNS), as `clearway.sensitivity.evidence.evidence` gives it.
        """
        if not len(evidence):
            return {}
        ppm = self._session.run([OUTPUT], {INPUT: evidence})[0].tolist()
        return {name: value for name, value in zip(self._names, ppm, strict=True) if value > _NOTHING_PPM}


def _is_ppm(value: object) -> bool:
    return type(value) is int and 0 < value <= PPM
