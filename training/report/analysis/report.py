"""From rows to the report: the engine sums whole numbers, so that every engine gives the same report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from training.report.analysis.engines import collected, open_tables
from training.report.analysis.intervals import N_RESAMPLES, Resamples
from training.report.analysis.risk import LEAKS, Paths, detection_of, exposure_of, measures_of, paths_of
from training.report.analysis.savings import arms_of, counts_of, estimates_of, money_of, quality_of, summed
from training.report.analysis.scenarios import scenarios_of
from training.report.analysis.slices import DIMENSIONS, sliced, slices_of
from training.report.analysis.sums import Sums, by_bucket, counts, one, prepared, split, usable, where
from training.report.gathered import Gathered
from training.report.results import About, Arm, Count, Fault, Report
from training.report.routed import SET_ASIDE

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
        resamples = Resamples(sums["used"] > 0, seed)
        about = _about(gathered, tables.engine, seed, made_at, everything)
        scenarios = scenarios_of(tables.moves, gathered.scenarios, resamples)
        known = estimates_of(sums) if gathered.kind == "table" else gathered.arm_bases
        arms = arms_of(sums, resamples, known)
        report = _report(about, arms, sums, everything, resamples, detector_metrics)
        return replace(report, scenarios=scenarios, router_metrics=gathered.router_metrics)


def _report(
    about: About,
    arms: tuple[Arm, ...],
    sums: Sums,
    everything: Any,
    resamples: Resamples,
    card: Mapping[str, Any] | None,
) -> Report:
    """All that is about the rows."""
    rows = usable(everything)
    counted = _counted(everything)
    paths = paths_of(rows)
    first, last = _day(counted["first"]), _day(counted["last"])
    notes = (*about.notes, LEAKS, *_cut(paths))
    return Report(
        about=replace(about, first_day=first, last_day=last, notes=notes),
        counts=counts_of(sums, counted["n"] or 0, counted["set_aside"] or 0),
        faults=_faults(everything),
        money=money_of(sums, resamples),
        arms=arms,
        quality=quality_of(sums, resamples),
        slices=slices_of(rows, resamples),
        measures=measures_of(paths, sums, resamples),
        exposure=exposure_of(paths),
        refusals=_listed(rows, "refused_for"),
        exceptions=_listed(rows, "exceptions"),
        n_example_terms=counted["example"] or 0,
        detection=detection_of(paths, card, has_detector=bool(about.detectors)),
    )


def _about(gathered: Gathered, engine: str, seed: int, made_at: datetime | str, everything: Any) -> About:
    """What was measured with what; without the days, which the sums say."""
    rows = usable(everything)

    def digests(name: str) -> list[str]:
        return [value for value, _ in counts(rows, name, at_most=MAX_NAMES) if value]

    return About(
        kind=gathered.kind,
        origin=gathered.origin,
        made_at=made_at if isinstance(made_at, str) else made_at.isoformat(timespec="seconds"),
        before=gathered.before,
        first_day=None,
        last_day=None,
        engine=engine,
        seed=seed,
        n_resamples=N_RESAMPLES,
        classifiers={d: gathered.classifiers.get(d, "") for d in digests("classifier_sha256")},
        detectors={d: gathered.detectors.get(d, "") for d in digests("detector_sha256")},
        policies=tuple(digests("policy_digest")),
        register=gathered.register,
        router_nusd=gathered.router_nusd,
        router_basis=gathered.router_basis,
        notes=gathered.notes,
    )


def _named(gathered: Gathered) -> Path | str:
    """A table that is no file is one of the engine's."""
    if gathered.kind == "table" and not gathered.rows.exists():
        return str(gathered.rows)
    return gathered.rows


def _counted(everything: Any) -> dict[str, int | None]:
    """Rows, those set aside, those on example terms, and the first and the last time."""
    is_set_aside = everything.verdict == SET_ASIDE
    in_range = ~is_set_aside & everything.time_us.between(0, _LAST_US)
    table = everything.select(
        set_aside=one(is_set_aside),
        example=where(~is_set_aside, one(everything.example_terms)),
        time_us=in_range.fill_null(False).ifelse(everything.time_us, None).cast("int64"),
    )
    sums = table.aggregate(
        n=table.count(),
        set_aside=table.set_aside.sum().cast("int64"),
        example=table.example.sum().cast("int64"),
        first=table.time_us.min(),
        last=table.time_us.max(),
    )
    return dict(collected(sums).to_pylist()[0])


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


def _cut(paths: Paths) -> tuple[str, ...]:
    """What to say where there were too many paths to tell apart."""
    if paths.is_complete:
        return ()
    return (f"Only the {paths.n} requests on the most frequent paths are in the exposure matrix.",)
