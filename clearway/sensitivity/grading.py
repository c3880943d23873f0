"""From findings to data classes: pure, integers only, the same for any order of the findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clearway.assessment import PPM, Finding, Level, Sensitivity
from clearway.request import Part
from clearway.sensitivity.class_model import ClassModel
from clearway.sensitivity.evidence import evidence
from clearway.sensitivity.table import ClassTable, Combination


def grade(table: ClassTable, findings: Iterable[Finding], notes: Iterable[str]) -> Sensitivity:
    """Classes, level and kept findings of one request.

    A class is as probable as its strongest evidence; findings that are evidence for nothing are dropped.

    Args:
        table: The class table.
        findings: Over all parts, in any order, perhaps repeated.
        notes: Codes of what could not be read, of the request and of the scan.
    """
    kept = sorted(
        {finding for finding in findings if _counts(table, finding)},
        key=lambda f: (f.part, f.start, f.end, f.type, f.score_ppm),
    )
    strongest = _strongest(kept)
    classes = _direct_classes(table, strongest)
    flagged = {name for name, ppm in classes.items() if ppm >= table.classes[name].threshold_ppm}
    for rule in table.combinations:
        ppm = _combined(rule, strongest, classes, flagged)
        if ppm:
            classes[rule.class_] = max(ppm, classes.get(rule.class_, 0))
    flagged = {name for name, ppm in classes.items() if ppm >= table.classes[name].threshold_ppm}
    said = sorted(set(notes))
    levels = [table.class_levels[name] for name in flagged] + [table.note_level(note) for note in said]
    return Sensitivity(
        classes_ppm=dict(sorted(classes.items())),
        flagged=tuple(sorted(flagged)),
        level=Level.join(levels),
        findings=tuple(kept),
        notes=tuple(said),
    )


def _counts(table: ClassTable, finding: Finding) -> bool:
    floors = [row.evidence[finding.type] for row in table.classes.values() if finding.type in row.evidence]
    if any(finding.score_ppm >= evidence.min_score_ppm for evidence in floors):
        return True
    return any(
        finding.type in rule.with_entities
        or (finding.type == rule.entity and finding.score_ppm >= rule.min_score_ppm)
        for rule in table.combinations
    )


def _strongest(findings: Iterable[Finding]) -> dict[str, int]:
    strongest: dict[str, int] = {}
    for finding in findings:
        strongest[finding.type] = max(finding.score_ppm, strongest.get(finding.type, 0))
    return strongest


def _direct_classes(table: ClassTable, strongest: dict[str, int]) -> dict[str, int]:
    classes: dict[str, int] = {}
    for name, row in table.classes.items():
        ppm = max(
            (
                strongest[entity] * evidence.weight_ppm // PPM
                for entity, evidence in row.evidence.items()
                if strongest.get(entity, -1) >= evidence.min_score_ppm
            ),
            default=0,
        )
        if ppm:
            classes[name] = ppm
    return classes


def _combined(
    rule: Combination, strongest: dict[str, int], classes: dict[str, int], flagged: set[str]
) -> int:
    beside = [classes[name] for name in rule.with_classes if name in flagged]
    beside += [strongest[entity] for entity in rule.with_entities if entity in strongest]
    own = strongest.get(rule.entity, 0)
    if own < rule.min_score_ppm or not beside:
        return 0
    return min(own, max(beside))


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
        findings=tuple(kept),
        notes=tuple(said),
    )
