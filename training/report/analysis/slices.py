"""What was saved on each part of the requests, such as a purpose, a caller, a language or a data class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from training.report.analysis.intervals import Resamples
from training.report.analysis.savings import bases_of, difference, paired, total
from training.report.analysis.sums import Sums, by_bucket, by_value_and_bucket, counts, split, where
from training.report.results import Slice

DIMENSIONS: Final = ("purpose", "caller", "source", "category", "language", "length", "level")
# More values of a dimension are shown together, as `OTHER`.
MAX_VALUES: Final = 20
OTHER: Final = "other"
# Of a slice with fewer compared requests nothing should be concluded.
SMALL: Final = 100
NO_CLASS: Final = "none"
_PREFIX: Final = "slice_"
# Sets of classes that are looked through for the classes there are.
_MAX_SETS: Final = 10_000


def slices_of(rows: Any, resamples: Resamples) -> tuple[Slice, ...]:
    """Every slice, most requests first within a dimension, `OTHER` last.

    A dimension that is unknown for all requests is left out. A request with several classes counts under
    each.

    Args:
        rows: Ibis table with the columns of `sliced`, bucket and slices, without what is set aside.
        resamples: For the intervals.
    """
    found = [part for name in DIMENSIONS for part in _of_dimension(rows, name, resamples)]
    return (*found, *_of_classes(rows, resamples))


def _of_dimension(rows: Any, name: str, resamples: Resamples) -> list[Slice]:
    values = [value for value, _ in counts(rows, name, at_most=MAX_VALUES + 1)]
    if not any(values):
        return []
    value = rows[name]
    if len(values) > MAX_VALUES:
        value = value.isin(values[:MAX_VALUES]).ifelse(value, OTHER)
    parts = by_value_and_bucket(rows, {"value": value}, _kept(rows))
    return _ordered([_slice(name, value, sums, resamples) for (value,), sums in parts.items()])


def _of_classes(rows: Any, resamples: Resamples) -> list[Slice]:
    known = counts(rows, "classes", at_most=_MAX_SETS)
    sets = {joined: split(joined) or (NO_CLASS,) for joined, _ in known}
    sizes: Counter[str] = Counter()
    for joined, n in known:
        sizes.update(dict.fromkeys(sets[joined], n))
    if sizes.keys() <= {NO_CLASS}:
        return []
    ordered = sorted(sizes, key=lambda name: (-sizes[name], name))
    held = {name: _holds(rows, name) for name in ordered[:MAX_VALUES]}
    if rest := {*ordered[MAX_VALUES:]}:
        rest |= {OTHER} & held.keys()
        held[OTHER] = rows.classes.isin([joined for joined, classes in sets.items() if rest & {*classes}])
    found = []
    for name, condition in held.items():
        part = rows.filter(condition)
        found.append(_slice("class", name, by_bucket(part, _kept(part)), resamples))
    return _ordered(found)


def _holds(rows: Any, name: str) -> Any:
    return rows.classes == "" if name == NO_CLASS else ("+" + rows.classes + "+").contains(f"+{name}+")


def _kept(rows: Any) -> dict[str, Any]:
    return {name.removeprefix(_PREFIX): rows[name] for name in rows.columns if name.startswith(_PREFIX)}


def sliced(rows: Any) -> dict[str, Any]:
    """What to add up for each slice, by the names of the columns that `slices_of` reads.

    Args:
        rows: Ibis table of `sums.prepared`.
    """
    compared = rows.compared == 1
    sums = {
        "compared": rows.compared,
        "refused": rows.refused,
        "before": where(compared, rows.before_nusd),
        "after": where(compared, rows.spent_nusd)
        + where(rows.wasted == 1, rows.failed_nusd)
        + where(compared | (rows.refused == 1) | (rows.wasted == 1), rows.router_nusd),
        **paired(rows),
    }
    return {f"{_PREFIX}{name}": value for name, value in sums.items()}


def _slice(dimension: str, value: str, sums: Sums, resamples: Resamples) -> Slice:
    n = total(sums["compared"])
    return Slice(
        dimension=dimension,
        value=value,
        n=n,
        before_nusd=total(sums["before"]),
        net_saving=resamples.saving(sums["after"], sums["before"]),
        quality_difference=difference(sums, resamples),
        basis=bases_of(sums),
        n_refused=total(sums["refused"]),
        is_small=n < SMALL,
    )


def _ordered(slices: Sequence[Slice]) -> list[Slice]:
    return sorted(slices, key=lambda part: (part.value == OTHER, -part.n, -part.n_refused, part.value))
