"""The same requests under other rules, beside today's: how many move, where to, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from training.report.analysis.intervals import Resamples
from training.report.analysis.risk import MAX_PATHS, UNKNOWN
from training.report.analysis.savings import total
from training.report.analysis.sums import (
    MAX_NUSD,
    MILLION,
    Sums,
    all_of,
    by_value_and_bucket,
    counts,
    one,
    split,
    where,
)
from training.report.results import Move, Scenario
from training.report.routed import MOVE_COLUMNS, N_BUCKETS, REFUSE, ROUTE

MAX_MOVES: Final = 20
OTHER: Final = "other"
_SIDES: Final = ("now", "then")


def scenarios_of(moves: Any, described: Mapping[str, str], resamples: Resamples) -> tuple[Scenario, ...]:
    """Every scenario, in the order given.

    Args:
        moves: Ibis table with the columns `routed.MOVE_COLUMNS`, or None where no scenario was asked for.
        described: What each changes, by name.
        resamples: For the intervals.
    """
    if moves is None:
        return ()
    rows = _sound(moves)
    parts = by_value_and_bucket(rows, {"scenario": rows.scenario}, _summed(rows))
    moved = _moves(rows)
    reached = _reached(rows)
    names = (*described, *sorted({name for (name,) in parts} - {*described}))
    return tuple(
        _scenario(
            name, described.get(name, ""), parts.get((name,)), moved.get(name, Counter()), reached, resamples
        )
        for name in names
    )


def _sound(moves: Any) -> Any:
    texts = {c.name: moves[c.name].fill_null("") for c in MOVE_COLUMNS if c.type == "string"}
    conditions = [moves.bucket.fill_null(-1).between(0, N_BUCKETS - 1)]
    for side in _SIDES:
        conditions += [
            texts[f"{side}_verdict"].isin([ROUTE, REFUSE]),
            moves[f"{side}_nusd"].fill_null(0).between(0, MAX_NUSD),
            moves[f"{side}_quality_ppm"].fill_null(0).between(0, MILLION),
        ]
    return moves.mutate(**texts).filter(all_of(conditions))


def _summed(rows: Any) -> dict[str, Any]:
    both = (rows.now_verdict == ROUTE) & (rows.then_verdict == ROUTE)
    priced = both & rows.now_nusd.notnull() & rows.then_nusd.notnull()
    graded = both & rows.now_quality_ppm.notnull() & rows.then_quality_ppm.notnull()
    return {
        "n": one(rows.bucket >= 0),
        "now": where(priced, rows.now_nusd),
        "then": where(priced, rows.then_nusd),
        "refused_now": one(rows.now_verdict == REFUSE),
        "refused_then": one(rows.then_verdict == REFUSE),
        "graded": one(graded),
        "gained": where(graded, rows.then_quality_ppm - rows.now_quality_ppm),
    }


def _moves(rows: Any) -> dict[str, Counter[tuple[str, str]]]:
    """Requests by model now and then, of those that move, by scenario."""
    names = ("scenario", "now_verdict", "now_model", "then_verdict", "then_model")
    found: dict[str, Counter[tuple[str, str]]] = {}
    for scenario, now_verdict, now_model, then_verdict, then_model, n in counts(
        rows, *names, at_most=MAX_PATHS
    ):
        now = now_model if now_verdict == ROUTE else ""
        then = then_model if then_verdict == ROUTE else ""
        if (now_verdict, now) != (then_verdict, then):
            found.setdefault(scenario, Counter())[now, then] += n
    return found


def _reached(rows: Any) -> dict[tuple[str, str], tuple[set[str], set[tuple[str, str, str]]]]:
    """Providers and exposure paths by scenario and side."""
    found: dict[tuple[str, str], tuple[set[str], set[tuple[str, str, str]]]] = {}
    for side in _SIDES:
        names = ("scenario", "classes", f"{side}_verdict", f"{side}_provider", f"{side}_region")
        for scenario, classes, verdict, provider, region, _ in counts(rows, *names, at_most=MAX_PATHS):
            if verdict == ROUTE:
                providers, paths = found.setdefault((scenario, side), (set(), set()))
                place = (provider or UNKNOWN, region or UNKNOWN)
                providers.add(place[0])
                paths.update((data_class, *place) for data_class in split(classes))
    return found


def _scenario(
    name: str,
    what: str,
    sums: Sums | None,
    moved: Counter[tuple[str, str]],
    reached: Mapping[tuple[str, str], tuple[set[str], set[tuple[str, str, str]]]],
    resamples: Resamples,
) -> Scenario:
    nothing: tuple[set[str], set[tuple[str, str, str]]] = (set(), set())
    (now_providers, now_paths), (then_providers, then_paths) = (
        reached.get((name, side), nothing) for side in _SIDES
    )
    return Scenario(
        name=name,
        what=what,
        n=total(sums["n"]) if sums else 0,
        n_moved=moved.total(),
        moves=_listed(moved),
        now_nusd=total(sums["now"]) if sums else 0,
        then_nusd=total(sums["then"]) if sums else 0,
        saving=resamples.saving(sums["then"], sums["now"]) if sums else None,
        n_refused_now=total(sums["refused_now"]) if sums else 0,
        n_refused_then=total(sums["refused_then"]) if sums else 0,
        quality_difference=(
            resamples.ratio(sums["gained"], sums["graded"], scale=MILLION, bounds=(-1.0, 1.0))
            if sums
            else None
        ),
        provider_count_now=len(now_providers),
        provider_count_then=len(then_providers),
        exposure_paths_now=len(now_paths),
        exposure_paths_then=len(then_paths),
    )


def _listed(moved: Counter[tuple[str, str]]) -> tuple[Move, ...]:
    """The most frequent moves; the rest as one, so that they add up."""
    ordered = sorted(moved.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(n for _, n in ordered[MAX_MOVES:])
    listed = [Move(now, then, n) for (now, then), n in ordered[:MAX_MOVES]]
    return (*listed, *([Move(OTHER, OTHER, rest)] if rest else []))
