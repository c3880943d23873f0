"""From rows to the report: the engine sums whole numbers, so that every engine gives the same report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from training.report.engines import collected, open_tables
from training.report.gathered import Gathered
from training.report.intervals import N_RESAMPLES, Resamples
from training.report.results import About, Count, Fault, Report
from training.report.risk import LEAKS, Paths, detection_of, exposure_of, measures_of, paths_of
from training.report.routed import SET_ASIDE
from training.report.savings_analysis import arms_of, counts_of, money_of, quality_of, summed
from training.report.scenarios import scenarios_of
from training.report.slices import DIMENSIONS, sliced, slices_of
from training.report.sums import by_bucket, counts, one, prepared, split, usable, where

# Names in a list of the report, and combinations of codes that are looked through for them.
MAX_NAMES: Final = 100
_MAX_COMBINATIONS: Final = 10_000
OTHER: Final = "other"
_KEPT: Final = (
    *("bucket", "time_us", "verdict", "faults", *DIMENSIONS, "classes"),
    *("provider", "region", "before_provider", "before_region"),
    *("refused_for", "exceptions", "example_terms"),
    *("classifier_sha256", "detector_sha256", "policy_digest"),
)
# Microseconds of the years 1970 to 2199: a time outside is no time.
_LAST_US: Final = 7_258_118_399_000_000


def analyse(
    gathered: Gathered,
    *,
    engine: str | None = None,
    seed: int = 0,
    made_at: datetime | str,
    detector_metrics: Mapping[str, Any] | None = None,
) -> Report:
    """The report on what a source gathered.

    Args:
        gathered: Rows and what they do not say of themselves.
        engine: Address of the engine, as `engines.open_tables`.
        seed: Of the bootstrap.
        made_at: For the report, RFC 3339.
        detector_metrics: `metrics.json` of the sensitivity bundle.

    Raises:
        ConfigurationError: As `engines.open_tables`, or the engine fails.
    """
    with open_tables(engine, _named(gathered), gathered.moves) as tables:
        whole = tables.settle(prepared(tables.rows))
        sums = by_bucket(usable(whole), summed(usable(whole)))
        # Most questions are about few columns, whose soundness is then known.
        everything = tables.keep(whole.select(*_KEPT, **sliced(whole)))
        rows = usable(everything)
        resamples = Resamples(sums["used"] > 0, seed)
        paths = paths_of(rows)
        n_rows, n_set_aside, n_example, first, last = _counted(everything)
        digests = {
            name: [value for value, _ in counts(rows, name, at_most=MAX_NAMES) if value]
            for name in ("classifier_sha256", "detector_sha256", "policy_digest")
        }
        return Report(
            about=About(
                kind=gathered.kind,
                origin=gathered.origin,
                made_at=made_at if isinstance(made_at, str) else made_at.isoformat(timespec="seconds"),
                before=gathered.before,
                first_day=first,
                last_day=last,
                engine=tables.engine,
                seed=seed,
                n_resamples=N_RESAMPLES,
                classifiers={d: gathered.classifiers.get(d, "") for d in digests["classifier_sha256"]},
                detectors={d: gathered.detectors.get(d, "") for d in digests["detector_sha256"]},
                policies=tuple(digests["policy_digest"]),
                register=gathered.register,
                router_nusd=gathered.router_nusd,
                router_basis=gathered.router_basis,
                notes=_notes(gathered, paths),
            ),
            counts=counts_of(sums, n_rows, n_set_aside),
            faults=_faults(everything),
            money=money_of(sums, resamples),
            arms=arms_of(sums, resamples, gathered.kind),
            quality=quality_of(sums, resamples),
            slices=slices_of(rows, resamples),
            measures=measures_of(paths, sums, resamples),
            exposure=exposure_of(paths),
            refusals=_listed(rows, "refused_for"),
            exceptions=_listed(rows, "exceptions"),
            n_example_terms=n_example,
            detection=detection_of(paths, detector_metrics, has_detector=bool(digests["detector_sha256"])),
            scenarios=scenarios_of(tables.moves, gathered.scenarios, resamples),
            router_metrics=gathered.router_metrics,
        )


def _named(gathered: Gathered) -> Path | str:
    """A table that is no file is one of the engine's."""
    if gathered.kind == "table" and not gathered.rows.exists():
        return str(gathered.rows)
    return gathered.rows


def _counted(everything: Any) -> tuple[int, int, int, str | None, str | None]:
    """Rows, those set aside, those on example terms, and the first and the last day."""
    is_set_aside = everything.verdict == SET_ASIDE
    in_range = ~is_set_aside & everything.time_us.between(0, _LAST_US)
    time_us = in_range.fill_null(False).ifelse(everything.time_us, None).cast("int64")
    table = everything.select(
        set_aside=one(is_set_aside),
        example=where(~is_set_aside, one(everything.example_terms)),
        time_us=time_us,
    )
    answer = collected(
        table.aggregate(
            n=table.count(),
            set_aside=table.set_aside.sum().cast("int64"),
            example=table.example.sum().cast("int64"),
            first=table.time_us.min(),
            last=table.time_us.max(),
        )
    ).to_pylist()[0]
    return (
        answer["n"],
        answer["set_aside"] or 0,
        answer["example"] or 0,
        _day(answer["first"]),
        _day(answer["last"]),
    )


def _day(time_us: int | None) -> str | None:
    return None if time_us is None else datetime.fromtimestamp(time_us // 1_000_000, UTC).date().isoformat()


def _faults(everything: Any) -> tuple[Fault, ...]:
    """Rows with each code; a row with several counts under each."""
    all_rows: Counter[str] = Counter()
    set_aside: Counter[str] = Counter()
    faulty = everything.filter(everything.faults != "")
    for joined, verdict, n in counts(faulty, "faults", "verdict", at_most=_MAX_COMBINATIONS):
        for code in split(joined):
            all_rows[code] += n
            set_aside[code] += n if verdict == SET_ASIDE else 0
    return tuple(Fault(code, n, set_aside[code]) for code, n in _most(all_rows))


def _listed(rows: Any, column: str) -> tuple[Count, ...]:
    """Rows with each name of a column that lists some."""
    found: Counter[str] = Counter()
    for joined, n in counts(rows.filter(rows[column] != ""), column, at_most=_MAX_COMBINATIONS):
        found.update(dict.fromkeys(split(joined), n))
    return tuple(Count(name, n) for name, n in _most(found))


def _most(found: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first; what is beyond the longest list as one."""
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(n for _, n in ordered[MAX_NAMES:])
    return [*ordered[:MAX_NAMES], *([(OTHER, rest)] if rest else [])]


def _notes(gathered: Gathered, paths: Paths) -> tuple[str, ...]:
    cut = (
        ()
        if paths.is_complete
        else (f"Only the {paths.n} requests on the most frequent paths are in the exposure matrix.",)
    )
    return (*gathered.notes, LEAKS, *cut)
