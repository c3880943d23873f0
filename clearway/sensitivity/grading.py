"""From findings to data classes: pure, integers only, the same for any order of the findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from clearway.assessment import PPM, Finding, Level, Sensitivity
from clearway.request import Part
from clearway.sensitivity.class_model import ClassModel
from clearway.sensitivity.evidence import evidence
from clearway.sensitivity.table import ClassTable

# Doubtful findings are evidence, but nothing to show or to count in a record.
SHOWN_PPM: Final = 300_000


def grade_evidence(
    table: ClassTable,
    model: ClassModel,
    parts: Sequence[Part],
    findings: Iterable[Finding],
    notes: Iterable[str],
) -> Sensitivity:
    """Classes, level and kept findings of one request, by the class model.

    A finding of an entity that a row of the table names flags its class by itself: so recognisers of a
    user's own speak, which the model never saw.

    Args:
        table: Levels of classes and notes.
        model: From the bundle.
        parts: Of the request, in order.
        findings: Over all parts, in any order, perhaps repeated.
        notes: Codes of what could not be read, of the request and of the scan.
    """
    kept = sorted(set(findings), key=lambda f: (f.part, f.start, f.end, f.type, f.score_ppm))
    classes = model.predict_ppm(evidence(kept, parts))
    flagged = {name for name, ppm in classes.items() if ppm >= model.thresholds_ppm[name]}
    for name, row in table.classes.items():
        own = [f.score_ppm for f in kept if f.score_ppm >= row.entities.get(f.type, PPM + 1)]
        if own:
            classes[name] = max(classes.get(name, 0), *own)
            flagged.add(name)
    said = sorted(set(notes))
    levels = [table.class_levels[name] for name in flagged] + [table.note_level(note) for note in said]
    return Sensitivity(
        classes_ppm=dict(sorted(classes.items())),
        flagged=tuple(sorted(flagged)),
        level=Level.join(levels),
        findings=tuple(finding for finding in kept if finding.score_ppm >= SHOWN_PPM),
        notes=tuple(said),
    )
