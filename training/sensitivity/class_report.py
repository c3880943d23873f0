"""What is measured of a class model on held-out samples: recall, false pins, pairs, with exact intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from clearway.sensitivity.class_model import ClassModel
from training.benchmark.sensitivity.shares import Share, share
from training.sensitivity.class_learning import Rows
from training.sensitivity.samples import CLASSES, Sample

CLEAN_KINDS: Final = ("clean", "clean_session")
TWIN_KINDS: Final = ("harmless_twin", "spliced_harmless", "style_harmless", "public_person", "fiction")


def flagged_classes(model: ClassModel, rows: Rows) -> list[frozenset[str]]:
    """Flagged classes of each request, by the served graph."""
    flagged: list[frozenset[str]] = [frozenset()] * rows.n_requests
    start = 0
    for index, group in groupby(rows.request.tolist()):
        stop = start + sum(1 for _ in group)
        ppm = model.predict_ppm(rows.values[start:stop])
        flagged[index] = frozenset(name for name, p in ppm.items() if p >= model.thresholds_ppm[name])
        start = stop
    return flagged


def measure(samples: Sequence[Sample], flagged: Sequence[frozenset[str]]) -> dict[str, Any]:
    """Everything that `metrics.json` says of the held-out side."""
    cases = list(zip(samples, flagged, strict=True))
    return {
        "recall": {name: _recall(cases, name) for name in CLASSES},
        "recall_by_source": {
            source: {
                name: _recall([case for case in cases if case[0].source == source], name)
                for name in CLASSES
                if any(s.source == source and name in s.classes for s in samples)
            }
            for source in sorted({s.source for s in samples})
        },
        "false_pins": _by(cases, lambda s: s.source, CLEAN_KINDS),
        "false_pins_by_class": {name: _pinned(cases, CLEAN_KINDS, name) for name in CLASSES},
        "twins": _by(cases, lambda s: s.kind, TWIN_KINDS),
        "twins_by_class": {name: _pinned(cases, TWIN_KINDS, name) for name in CLASSES},
        "pairs": _pairs(cases),
    }


_Case = tuple[Sample, frozenset[str]]


def _recall(cases: Sequence[_Case], name: str) -> Share:
    found = [name in flagged for sample, flagged in cases if name in sample.classes]
    return share(sum(found), len(found))


def _pinned(cases: Sequence[_Case], kinds: Sequence[str], name: str) -> Share:
    """Share of harmless requests that are flagged for a class that they do not have."""
    hits = [name in flagged - s.classes for s, flagged in cases if s.kind in kinds]
    return share(sum(hits), len(hits))


def _by(cases: Sequence[_Case], key: Callable[[Sample], str], kinds: Sequence[str]) -> Mapping[str, Share]:
    """Share of harmless requests with a class that they do not have, by key and over all."""
    chosen = [(s, f) for s, f in cases if s.kind in kinds]
    names = sorted({key(sample) for sample, _ in chosen})
    by_key = {name: [bool(f - s.classes) for s, f in chosen if key(s) == name] for name in names}
    return {name: share(sum(hits), len(hits)) for name, hits in by_key.items()} | (
        {"all": share(sum(map(sum, by_key.values())), len(chosen))} if chosen else {}
    )


def _pairs(cases: Sequence[_Case]) -> Share:
    """Pairs of which the sensitive half shows its classes and the harmless half none but its own."""
    right: dict[str, bool] = {}
    for sample, flagged in cases:
        if sample.pair:
            is_right = sample.classes <= flagged if sample.kind in ("positive", "spliced") else True
            is_right = is_right and (sample.kind in ("positive", "spliced") or flagged <= sample.classes)
            right[sample.pair] = right.get(sample.pair, True) and is_right
    return share(sum(right.values()), len(right))
