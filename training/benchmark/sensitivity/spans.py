"""Recall and precision of each entity at span level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from training.benchmark.sensitivity.labels import entity_of
from training.benchmark.sensitivity.scanning import Case
from training.benchmark.sensitivity.shares import share_of

RULE: Final = (
    "a gold span is found where findings of its entity cover at least half of its characters; a finding is "
    "right where gold spans of its entity cover at least half of its own"
)
Place = tuple[int, int]


def span_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Recall and precision of every entity that a source names, by source.

    Precision counts only findings in rows whose spans are complete, and only of entities that the source
    names at all: who marked names did not mark card numbers.
    """
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        by_source.setdefault(case.row.source, []).append(case)
    return [
        {"source": source, "entity": entity, **_measured(own, entity)}
        for source, own in by_source.items()
        for entity in _named(own)
    ]


def _named(cases: Iterable[Case]) -> list[str]:
    found = {entity_of(span.label) for case in cases for span in case.row.spans}
    return sorted(entity for entity in found if entity)


def _measured(cases: Iterable[Case], entity: str) -> dict[str, Any]:
    found, right = [], []
    for case in cases:
        gold = [(span.start, span.end) for span in case.row.spans if entity_of(span.label) == entity]
        said = [(f.start, f.end) for f in case.outcome.findings if entity_of(f.type) == entity]
        found += [is_covered(place, said) for place in gold]
        if case.row.has_all_spans:
            right += [is_covered(place, gold) for place in said]
    return {"recall": share_of(found), "precision": share_of(right)}


def is_covered(place: Place, others: Iterable[Place]) -> bool:
    """Whether at least half of a place's characters lie in the others.

    >>> is_covered((0, 10), [(0, 3), (2, 5)])
    True
    """
    start, end = place
    inside = {at for low, high in others for at in range(max(low, start), min(high, end))}
    return 2 * len(inside) >= end - start
