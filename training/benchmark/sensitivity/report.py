"""All that `clearway benchmark sensitivity` measures, in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from clearway.assessment import SensitivityDetector
from clearway.errors import TrainingDataError
from training.benchmark.sensitivity import latency, memory, spans, verdicts
from training.benchmark.sensitivity.corpus import Row
from training.benchmark.sensitivity.scanning import Case, Report, scan_rows


@dataclass(frozen=True)
class Plan:
    """What to measure besides the rows.

    Attributes:
        sample: Most rows of each source and cases of each table; all where None.
        seed: Of everything drawn.
        prevalence: Share of requests that hold a class, where it is known.
        is_timed: Whether to time stock Presidio beside the detector, and to weigh a worker.
    """

    sample: int | None = None
    seed: int = 0
    prevalence: Mapping[str, float] = field(default_factory=dict)
    is_timed: bool = True


def measure(
    detector: SensitivityDetector, rows: Sequence[Row], plan: Plan, report: Report = lambda _: None
) -> dict[str, Any]:
    """What `--json` prints.

    Args:
        detector: By its public interface only.
        rows: Of corpora, at least one.
        plan: What else to measure.
        report: Told what is being done.

    Raises:
        TrainingDataError: There is no row, or a prevalence names an unknown class.
    """
    if not rows:
        raise TrainingDataError("corpus: expected at least one row, got none")
    _check(plan.prevalence, detector)
    cases = scan_rows(detector, rows, report, "corpora")
    return {
        "detector": detector.identity.as_json(),
        "sample": plan.sample,
        "seed": plan.seed,
        "n_rows": len(rows),
        "n_failed_scans": sum(case.outcome.has_failed for case in cases),
        **_found(cases, plan),
        **(_costs(detector, rows, plan, report) if plan.is_timed else {}),
    }


def _found(cases: Sequence[Case], plan: Plan) -> dict[str, Any]:
    classes = verdicts.class_rows(cases)
    recalls = {row["class"]: row["recall"] for row in classes if row["source"] == "all"}
    recalls[verdicts.ANY] = verdicts.pinned_at_all(cases)
    return {
        "classes": classes,
        "clean": verdicts.pin_rows(cases),
        "without_gold": verdicts.unjudged_rows(cases),
        "spans": spans.span_rows(cases),
        "span_rule": spans.RULE,
        "risk": verdicts.risk_rows(recalls, plan.prevalence, 1.0),
    }


def _costs(detector: SensitivityDetector, rows: Sequence[Row], plan: Plan, report: Report) -> dict[str, Any]:
    from training.bench import stock_analyzer

    texts = [row.text for row in rows]
    report("loading stock Presidio")
    timed = latency.measure_latency(detector, stock_analyzer(), texts, report, seed=plan.seed)
    report("weighing a worker")
    drawn = Random(plan.seed).choices(texts, k=memory.N_SCANS)  # noqa: S311
    return {"latency": timed, "memory": memory.measure_memory(drawn)}


def _check(prevalence: Mapping[str, float], detector: SensitivityDetector) -> None:
    known = {*detector.class_levels, verdicts.ANY}
    unknown = sorted(set(prevalence) - known)
    if unknown:
        raise TrainingDataError(f"prevalence: expected one of {', '.join(sorted(known))}, got {unknown[0]}")
