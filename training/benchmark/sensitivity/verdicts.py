"""What counts for routing: data classes at prompt level, false pins, minimal pairs, and what leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from training.benchmark.sensitivity.scanning import Case
from training.benchmark.sensitivity.shares import Share, share_of

MILLION: Final = 1_000_000
ANY: Final = "any"


def class_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Recall and precision of every data class, over all sources and by source.

    A class is recalled where it is flagged. A scan that failed recalls none, though it pins the request.
    """
    known = [case for case in cases if case.row.classes is not None]
    names = sorted({name for case in known for name in case.row.classes or ()})
    rows = []
    for name in names:
        by_source = {"all": known}
        for case in known:
            by_source.setdefault(case.row.source, []).append(case)
        for source, own in by_source.items():
            recall = share_of(name in c.outcome.flagged for c in own if name in (c.row.classes or ()))
            precision = share_of(name in (c.row.classes or ()) for c in own if name in c.outcome.flagged)
            if recall["n"]:
                rows.append({"class": name, "source": source, "recall": recall, "precision": precision})
    return rows


def pin_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Share of the rows without a gold class that are pinned all the same, by source."""
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        if case.row.classes == frozenset():
            by_source.setdefault(case.row.source, []).append(case)
    return [{"source": source, **pins(own)} for source, own in by_source.items()]


def unjudged_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Share pinned of the rows whose classes nobody said, by source: no error rate."""
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        if case.row.classes is None:
            by_source.setdefault(case.row.source, []).append(case)
    return [{"source": source, **pins(own)} for source, own in by_source.items()]


def pins(cases: Sequence[Case]) -> dict[str, Any]:
    """How many of the cases are pinned, how many only for a note, and for which classes and notes."""
    classes = Counter(name for case in cases for name in case.outcome.flagged)
    notes = Counter(note for case in cases for note in case.outcome.notes)
    return {
        "pinned": share_of(case.outcome.is_pinned for case in cases),
        "by_note_only": sum(case.outcome.is_pinned and not case.outcome.flagged for case in cases),
        "classes": dict(sorted(classes.items())),
        "notes": dict(sorted(notes.items())),
    }


def kind_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """For each kind of generated row: all gold classes flagged, anything flagged that should not be."""
    by_kind: dict[str, list[Case]] = {}
    for case in cases:
        by_kind.setdefault(case.row.kind, []).append(case)
    return [
        {
            "kind": kind,
            "all_classes": share_of(
                (c.row.classes or frozenset()) <= c.outcome.flagged for c in own if c.is_sensitive
            ),
            "false_pin": share_of(c.is_false_pin for c in own),
            "by_note_only": sum(c.is_false_by_note for c in own),
        }
        for kind, own in sorted(by_kind.items())
    ]


def pair_rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Minimal pairs by the class that one half has: recall there, false pins on the other, both right."""
    halves: dict[str, list[Case]] = {}
    for case in cases:
        if case.row.pair:
            halves.setdefault(case.row.pair, []).append(case)
    whole = [_ordered(pair) for pair in halves.values() if len(pair) == 2]
    named: dict[str, list[tuple[Case, Case]]] = {"all": whole}
    for sensitive, harmless in whole:
        for name in sorted((sensitive.row.classes or frozenset()) - (harmless.row.classes or frozenset())):
            named.setdefault(name, []).append((sensitive, harmless))
    return [_pair_row(name, pairs) for name, pairs in named.items() if pairs]


def _ordered(pair: Sequence[Case]) -> tuple[Case, Case]:
    first, second = sorted(pair, key=lambda case: -len(case.row.classes or ()))
    return first, second


def _pair_row(name: str, pairs: Sequence[tuple[Case, Case]]) -> dict[str, Any]:
    found = [
        ((one.row.classes or frozenset()) if name == "all" else {name}) <= one.outcome.flagged
        for one, _ in pairs
    ]
    wrong = [other.is_false_pin for _, other in pairs]
    return {
        "class": name,
        "recall": share_of(found),
        "false_pin": share_of(wrong),
        "by_note_only": sum(other.is_false_by_note for _, other in pairs),
        "both_right": share_of(hit and not pin for hit, pin in zip(found, wrong, strict=True)),
    }


def pinned_at_all(cases: Sequence[Case]) -> Share:
    """Share of the rows with a gold class that are pinned, for whatever reason."""
    return share_of(case.outcome.is_pinned for case in cases if case.is_sensitive)


def risk_rows(
    recalls: Mapping[str, Share], prevalence: Mapping[str, float], default: float
) -> list[dict[str, Any]]:
    """Expected leaks per million requests of each class: prevalence x (1 - recall), and its bound.

    Args:
        recalls: Recall of each class.
        prevalence: Share of requests that hold the class, in [0, 1].
        default: Prevalence of classes that are not named.
    """
    return [
        {
            "class": name,
            "prevalence": prevalence.get(name, default),
            "leaks_per_million": _leaks(prevalence.get(name, default), recall["value"]),
            "at_most": _leaks(prevalence.get(name, default), recall["low"]),
            "n": recall["n"],
        }
        for name, recall in recalls.items()
        if recall["n"]
    ]


def _leaks(prevalence: float, recall: float) -> int:
    return round(MILLION * prevalence * (1 - recall))
