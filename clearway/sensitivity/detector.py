"""PresidioDetector: the sensitivity detector of the core."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from presidio_analyzer import EntityRecognizer

from clearway.assessment import ClassifierIdentity, Level, Sensitivity
from clearway.errors import ConfigurationError, SensitivityError
from clearway.request import Request
from clearway.sensitivity.bundle import BUNDLE_FOLDER, load_sensitivity_bundle
from clearway.sensitivity.cache import ReadingCache
from clearway.sensitivity.finder import Finder
from clearway.sensitivity.grading import grade_evidence
from clearway.sensitivity.identity import identify
from clearway.sensitivity.table import TABLE_FILE, load_class_table


class PresidioDetector:
    """Finds data classes in every part of a request; safe to share between threads.

    Args:
        folder: Holds `classes.yaml`, the word lists, the lists of names, and the bundle.
        recognizers: Further Presidio recognisers, beside the shipped ones.
        trusted: Digests (hex) of bundles that may decide; None checks integrity only.
        bundle: Folder of the bundle, where it is not the one in `folder`.

    Raises:
        ConfigurationError: The table or a word list is missing or wrong, or names an unknown entity.
        SensitivityError: A file of the bundle is missing, altered or not trusted, or its classes are others
            than the table's.
    """

    def __init__(
        self,
        folder: Path,
        *,
        recognizers: Sequence[EntityRecognizer] = (),
        trusted: Collection[str] | None = None,
        bundle: Path | None = None,
    ) -> None:
        bundle = bundle or folder / BUNDLE_FOLDER
        self._table = load_class_table(folder)
        self._model = load_sensitivity_bundle(bundle, trusted=trusted).classes
        if set(self._model.thresholds_ppm) != set(self._table.classes):
            raise SensitivityError(
                f"{bundle}: expected a model of the classes {', '.join(sorted(self._table.classes))}, "
                f"got {', '.join(sorted(self._model.thresholds_ppm))}; train it again"
            )
        self._finder = Finder(folder, bundle, recognizers=recognizers, cache=ReadingCache())
        unknown = sorted(set(self._table.entities) - self._finder.entities)
        if unknown:
            raise ConfigurationError(
                f"{folder / TABLE_FILE}: {unknown[0]}: no recogniser reports this entity; "
                f"expected one of {', '.join(sorted(self._finder.entities))}"
            )
        self._identity = identify(folder, self._table.version, recognizers, bundle=bundle)

    def __repr__(self) -> str:
        return f"PresidioDetector(version={self._identity.version!r})"

    @property
    def identity(self) -> ClassifierIdentity:
        """Which sources, table, lists, models and packages these are."""
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
            SensitivityError: A recogniser failed or the time was used up; the caller counts the request as
                restricted.
        """
        found = self._finder.find(request, self._identity.sha256)
        findings, parts = found.weighed(request.parts)
        notes = {*request.notes, *found.notes}
        weighed = grade_evidence(self._table, self._model, parts, findings, notes)
        kept = sorted(found.findings, key=lambda f: (f.part, f.start, f.end, f.type, f.score_ppm))
        return replace(weighed, findings=tuple(kept))
