"""The gate of a promotion: what a bundle must show before a name is put to it. Needs no training stack.

Quality and calibration are read from the bundle's own `metrics.json`, which its digest covers, or quality is
measured on graded answers. Latency, sameness of bytes, robustness and moved traffic are measured here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clearway.assessment import PPM
from clearway.bundle import Bundle
from clearway.complexity import OnnxComplexityModel
from clearway.features import OUTSIDE_NOTE, featurise
from clearway.promotion import Check, Gate
from clearway.request import Request
from training.benchmark.perturbation import PERTURBATIONS
from training.measurements import CALIBRATION_LIMIT, LARGE_SOURCE_ROWS, number_at, sources_of, up_ppm
from training.traffic import Traffic, perturbed, share_moved

TOKENS_OF_LIMIT: Final = 250
_REPEATS: Final = 7
_MILLION: Final = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What the gate asks; ppm are parts per million, us microseconds.

    Attributes:
        auc_loss_ppm: Most that the AUC may fall against the champion, over all sources in common.
        log_loss_rise_ppm: Most that the log loss (nats) may rise, over all sources in common.
        source_auc_loss_ppm: Most that the AUC may fall on one source of `LARGE_SOURCE_ROWS` held-out rows.
        own_questions_ppm: In place of these three where each was measured on its own questions: one learner
            on two splits of all corpora differed by 0.0063 of AUC, and by 0.02 in single sources.
        ece_ppm: Most calibration error on one source of `LARGE_SOURCE_ROWS` held-out rows.
        integer_ppm: Most difference between the integer graph and scikit-learn.
        prediction_us: Of one prediction for all models, after featurising, 99th percentile.
        featurising_us: For each 250 tokens begun, 99th percentile.
        unchanged_ppm: Least share of choices that stay, over all perturbations.
        moved_ppm: Most requests of the sample that go to another provider or region.
    """

    auc_loss_ppm: int = 5_000
    log_loss_rise_ppm: int = 5_000
    source_auc_loss_ppm: int = 20_000
    own_questions_ppm: int = 20_000
    ece_ppm: int = round(CALIBRATION_LIMIT * _MILLION)
    integer_ppm: int = 10
    prediction_us: int = 300
    featurising_us: int = 500
    unchanged_ppm: int = 950_000
    moved_ppm: int = 200_000


@dataclass(frozen=True)
class Quality:
    """Candidate and champion on the sources that both were measured on.

    Attributes:
        basis: `measured` on given answers; else as recorded, on the `same_questions` or `own_questions`.
        n_rows: Held-out rows by source.
        auc_loss: By source; what the candidate has less than the champion.
        log_loss_rise: By source; what it has more, in nats.
    """

    basis: str
    n_rows: Mapping[str, int]
    auc_loss: Mapping[str, float]
    log_loss_rise: Mapping[str, float]


Compare = Callable[[Bundle, Bundle], Quality]


def judge(candidate: Bundle, champion: Bundle, traffic: Traffic, limits: Limits, compare: Compare) -> Gate:
    """All checks of a candidate.

    Args:
        candidate: To be promoted.
        champion: What it would replace.
        traffic: The sample, with register and policy.
        limits: What is asked for.
        compare: `compare_recorded`, or a comparison on graded answers.
    """
    quality = compare(candidate, champion)
    calibration = _calibration(candidate.metrics, limits)
    unchanged = _unchanged(candidate, traffic)
    share = sum(unchanged.values()) / len(unchanged) if unchanged else None
    moved = share_moved(traffic.decide(champion), traffic.decide(candidate))
    checks = (
        *_against_constant(candidate.metrics),
        *_against_champion(quality, limits),
        *calibration,
        *_parity(candidate, traffic.requests, limits),
        *_latency(candidate, traffic.spread, limits),
        _at_least("robustness.unchanged", share, limits.unchanged_ppm),
        Check("traffic.moved", up_ppm(moved), limits.moved_ppm, "ppm"),
    )
    notes = {f"quality_{quality.basis}" if quality.n_rows else "champion_not_comparable"}
    notes.add(f"outside_training_ppm:{_outside_ppm(candidate, traffic.requests)}")
    notes.update([] if calibration else ["no_source_large_enough_for_calibration"])
    notes.update(f"less_robust:{kind}" for kind, n in unchanged.items() if n * PPM < limits.unchanged_ppm)
    return Gate(checks, champion.sha256, traffic.sha256, len(traffic.requests), tuple(sorted(notes)))


def _outside_ppm(bundle: Bundle, requests: Sequence[Request]) -> int:
    """Requests unlike the training prompts: they go to the incumbent, and say nothing of the estimates."""
    notes = (featurise(request.parts, bundle.specification).notes for request in requests)
    return round(sum(OUTSIDE_NOTE in noted for noted in notes) * PPM / len(requests))


def _unchanged(bundle: Bundle, traffic: Traffic) -> dict[str, float]:
    """Share of routed requests that keep their model, by perturbation; empty where none is routed."""
    plain = zip(traffic.spread, traffic.decide(bundle, traffic.spread), strict=True)
    routed = [(request, place.model) for request, place in plain if place.model is not None]
    shares = {}
    for kind in PERTURBATIONS if routed else ():
        after = traffic.decide(bundle, [perturbed(request, kind) for request, _ in routed])
        same = [place.model == model for place, (_, model) in zip(after, routed, strict=True)]
        shares[kind] = sum(same) / len(same)
    return shares


def compare_recorded(candidate: Bundle, champion: Bundle) -> Quality:
    """Quality by what each bundle's training measured, on the sources that both name."""
    ours, theirs = _sources(candidate.metrics), _sources(champion.metrics)
    common = sorted(set(ours) & set(theirs))
    differences: dict[str, dict[str, float]] = {"auc": {}, "log_loss": {}}
    for source in common:
        for metric, by_source in differences.items():
            a = number_at(ours[source], "model", metric, "value")
            b = number_at(theirs[source], "model", metric, "value")
            if a is not None and b is not None:
                by_source[source] = a - b
    known = [s for s in common if s in differences["auc"] and s in differences["log_loss"]]
    is_same = _split(candidate) == _split(champion)
    return Quality(
        basis="same_questions" if is_same else "own_questions",
        n_rows={source: int(number_at(ours[source], "n_answers") or 0) for source in known},
        auc_loss={source: -differences["auc"][source] for source in known},
        log_loss_rise={source: differences["log_loss"][source] for source in known},
    )


def _split(bundle: Bundle) -> tuple[str, Any]:
    """What decides the held-out questions."""
    return bundle.manifest.training_data_sha256, bundle.metrics.get("seed")


def _against_constant(metrics: Mapping[str, Any]) -> list[Check]:
    """Over all held-out rows, better than each model's share of adequate answers."""
    every = ("by_source", "all")
    gains = []
    for metric, sign in (("auc", 1), ("log_loss", -1)):
        ours = number_at(metrics, *every, "model", metric, "value")
        constant = number_at(metrics, *every, "constant", metric, "value")
        gain = sign * (ours - constant) if ours is not None and constant is not None else None
        gains.append(_at_least(f"quality.{metric}_above_constant", gain, 1))
    return gains


def _against_champion(quality: Quality, limits: Limits) -> list[Check]:
    total = sum(quality.n_rows.values())
    if not total:
        return []
    auc, loss = (
        sum(by_source[source] * n for source, n in quality.n_rows.items()) / total
        for by_source in (quality.auc_loss, quality.log_loss_rise)
    )
    if quality.basis == "own_questions":
        return [
            Check("quality.auc_loss", up_ppm(auc), limits.own_questions_ppm, "ppm"),
            Check("quality.log_loss_rise", up_ppm(loss), limits.own_questions_ppm, "ppm"),
        ]
    large = [source for source, n in quality.n_rows.items() if n >= LARGE_SOURCE_ROWS]
    return [
        Check("quality.auc_loss", up_ppm(auc), limits.auc_loss_ppm, "ppm"),
        Check("quality.log_loss_rise", up_ppm(loss), limits.log_loss_rise_ppm, "ppm"),
        *(
            Check(f"quality.auc_loss.{s}", up_ppm(quality.auc_loss[s]), limits.source_auc_loss_ppm, "ppm")
            for s in large
        ),
    ]


def _calibration(metrics: Mapping[str, Any], limits: Limits) -> list[Check]:
    return [
        Check(
            f"calibration.{source}", up_ppm(number_at(facts, "model", "ece", "value")), limits.ece_ppm, "ppm"
        )
        for source, facts in _sources(metrics).items()
        if (number_at(facts, "n_answers") or 0) >= LARGE_SOURCE_ROWS
    ]


def _parity(bundle: Bundle, requests: Sequence[Request], limits: Limits) -> list[Check]:
    """Recorded agreement with scikit-learn, and the same bytes one by one and in a batch."""
    gap = number_at(bundle.metrics, "parity", "integer_ppm")
    together = OnnxComplexityModel(bundle).score_many(requests)
    again = OnnxComplexityModel(bundle)
    n_other = sum(again.score(r) != scored for r, scored in zip(requests, together, strict=True))
    most = min(limits.integer_ppm, bundle.manifest.quantum_ppm)
    return [
        Check("parity.integer_graph", None if gap is None else math.ceil(gap), most, "ppm"),
        Check("parity.other_bytes", n_other, 0, "requests"),
    ]


def _latency(bundle: Bundle, requests: Sequence[Request], limits: Limits) -> list[Check]:
    """99th percentile over requests of the best of some repeats, so that a busy machine does not decide."""
    model = OnnxComplexityModel(bundle)
    featurising, predicting = [], []
    for request in requests:
        features = _best_us(featurise, request.parts, bundle.specification)
        n_units = math.ceil(max(1, model.score(request).n_input_tokens) / TOKENS_OF_LIMIT)
        predicting.append(max(0.0, _best_us(model.score, request) - features))
        featurising.append(features / n_units)
    return [
        Check("latency.prediction_p99", _p99(predicting), limits.prediction_us, "us"),
        Check("latency.featurising_p99", _p99(featurising), limits.featurising_us, "us"),
    ]


def _best_us(run: Callable[..., object], *given: object) -> float:
    best = math.inf
    for _ in range(_REPEATS):
        started = time.perf_counter()
        run(*given)
        best = min(best, time.perf_counter() - started)
    return best * _MILLION


def _p99(values: Sequence[float]) -> int:
    return math.ceil(sorted(values)[min(len(values) - 1, len(values) * 99 // 100)])


def _at_least(name: str, value: float | None, limit: int) -> Check:
    """A share or a gain in ppm, rounded down but for the last bits of a float."""
    return Check(name, None if value is None else math.floor(round(value * PPM, 3)), limit, "ppm", "at_least")


def _sources(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Each source by itself."""
    return {source: facts for source, facts in sources_of(metrics).items() if source != "all"}
