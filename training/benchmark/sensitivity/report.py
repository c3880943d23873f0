"""All that `clearway benchmark sensitivity` measures, in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from clearway.assessment import SensitivityDetector
from clearway.errors import TrainingDataError
from training.benchmark.sensitivity import (
    conversations,
    evading,
    languages,
    latency,
    memory,
    spans,
    splitting,
    verdicts,
)
from training.benchmark.sensitivity.corpus import Row, clean_texts, drawn
from training.benchmark.sensitivity.generated import generated_rows
from training.benchmark.sensitivity.labels import LABELS, NOT_SCORED, entity_of
from training.benchmark.sensitivity.scanning import Case, Report, scan_rows
from training.benchmark.sensitivity.unseen import without_training


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
        rows: Of corpora, at least one that the detector did not learn from.
        plan: What else to measure.
        report: Told what is being done.

    Raises:
        TrainingDataError: There is no such row, or a prevalence names an unknown class.
    """
    _check(plan.prevalence, detector)
    report("leaving out what the detector learned from")
    unseen = without_training(rows)
    if not unseen:
        raise TrainingDataError(
            f"corpus: expected at least one row that the detector did not learn from, got {len(rows)} others"
        )
    kept = drawn(unseen, plan.sample, plan.seed)
    report("generating prompts")
    clean = clean_texts(kept)
    made = generated_rows(clean, sample=plan.sample, seed=plan.seed)
    own = scan_rows(detector, kept, report, "corpora")
    generated = scan_rows(detector, made, report, "generated prompts")
    return {
        "detector": detector.identity.as_json(),
        "sample": plan.sample,
        "seed": plan.seed,
        "n_rows": len(kept),
        "n_generated": len(made),
        "n_templates": len({row.template for row in made}),
        "n_learned_from": len(rows) - len(unseen),
        "n_failed_scans": sum(case.outcome.has_failed for case in [*own, *generated]),
        **_found([*own, *generated], plan),
        "kinds": verdicts.kind_rows(generated),
        "pairs": verdicts.pair_rows(generated),
        "sessions": conversations.session_rows(detector, clean, report, sample=plan.sample, seed=plan.seed),
        "evasions": _evasions(detector, [*made, *kept], plan, report),
        "languages": languages.language_rows(detector, report, sample=plan.sample, seed=plan.seed),
        **(_costs(detector, kept, plan, report) if plan.is_timed else {}),
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
        "labels": {"scored_as": dict(LABELS), "not_scored": sorted(NOT_SCORED)},
        "risk": verdicts.risk_rows(recalls, plan.prevalence, 1.0),
    }


def _evasions(
    detector: SensitivityDetector, rows: Sequence[Row], plan: Plan, report: Report
) -> dict[str, Any]:
    from training.sensitivity.evasions import EVASIONS, split_across
    from training.sensitivity.generator.entities import CLASS_OF_ENTITY

    report("evasions: choosing carriers")
    n = min(evading.N_CARRIERS, plan.sample or evading.N_CARRIERS)
    class_of = {entity_of(label) or "": name for label, name in CLASS_OF_ENTITY.items()}
    carried = evading.carriers(detector, rows, class_of, n=n, seed=plan.seed)
    tricks = [
        *evading.evasion_rows(detector, carried, EVASIONS, report, seed=plan.seed),
        *splitting.split_rows(detector, carried, split_across, report, seed=plan.seed),
    ]
    return {"tricks": tricks, "overall": evading.overall(tricks)}


def _costs(detector: SensitivityDetector, rows: Sequence[Row], plan: Plan, report: Report) -> dict[str, Any]:
    from training.bench import stock_analyzer

    texts = [row.text for row in rows]
    report("loading stock Presidio")
    timed = latency.measure_latency(detector, stock_analyzer(), texts, report, seed=plan.seed)
    turn = latency.measure_turn(detector, texts, seed=plan.seed)
    report("weighing a worker")
    drawn = Random(plan.seed).choices(texts, k=memory.N_SCANS)  # noqa: S311
    return {"latency": timed, "turn": turn, "memory": memory.measure_memory(drawn)}


def _check(prevalence: Mapping[str, float], detector: SensitivityDetector) -> None:
    known = {*detector.class_levels, verdicts.ANY}
    unknown = sorted(set(prevalence) - known)
    if unknown:
        raise TrainingDataError(f"prevalence: expected one of {', '.join(sorted(known))}, got {unknown[0]}")
