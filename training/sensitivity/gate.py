"""The gate of a sensitivity bundle: what it must show before it is shipped or promoted.

Recall and false pins are read from the bundle's own `metrics.json`, which its digest covers. Latency and
sameness of bytes are measured here.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from clearway.promotion import Check, Gate
from clearway.sensitivity.bundle import SensitivityBundle
from clearway.sensitivity.class_model import CLASS_MODEL, PPM, ClassModel, ClassSettings
from clearway.sensitivity.evidence import N_COLUMNS, ONE
from clearway.style import IntArray
from training.measurements import number_at, up_ppm
from training.sensitivity.thresholds import RECALL_TARGETS

_REPEATS: Final = 50
_ROW_COUNTS: Final = (1, 3, 8, 40)


@dataclass(frozen=True)
class Limits:
    """What the gate asks; ppm are parts per million, us microseconds.

    Attributes:
        recall_room_ppm: How far the lower bound of a recall may lie under its target.
        clean_ppm: Most false pins on clean prompts of each source.
        twins_ppm: Most false pins on harmless look-alikes, over all kinds.
        sessions_ppm: Most clean conversations of 20 turns that are pinned.
        pairs_ppm: Least share of minimal pairs with both halves right.
        integer_ppm: Most difference between the served graph and the fitted weights.
        prediction_us: Of one prediction, at the largest of some sizes.
    """

    recall_room_ppm: int = 30_000
    clean_ppm: int = 20_000
    twins_ppm: int = 50_000
    sessions_ppm: int = 50_000
    pairs_ppm: int = 850_000
    integer_ppm: int = 10
    prediction_us: int = 500


SESSIONS: Final = "conversations of clean prompts"


def judge_candidate(bundle: SensitivityBundle) -> Gate:
    """All checks, as promotions record them: nothing is compared, and no traffic is decided."""
    return Gate(judge_bundle(bundle, Limits()))


def judge_bundle(bundle: SensitivityBundle, limits: Limits) -> tuple[Check, ...]:
    """All checks of a bundle."""
    metrics = bundle.metrics
    held_out = ("held_out",)
    twins = number_at(metrics, *held_out, "twins", "all", "value")
    return (
        *_recalls(metrics, limits),
        *_false_pins(metrics, limits),
        Check("twins", up_ppm(twins), limits.twins_ppm, "ppm"),
        Check(
            "pairs",
            _down(number_at(metrics, *held_out, "pairs", "value")),
            limits.pairs_ppm,
            "ppm",
            "at_least",
        ),
        Check(
            "parity.integer_graph",
            _whole(number_at(metrics, "parity", "integer_ppm")),
            limits.integer_ppm,
            "ppm",
        ),
        *_served(bundle, limits),
    )


def _recalls(metrics: Any, limits: Limits) -> list[Check]:
    checks = []
    for name, target in RECALL_TARGETS.items():
        value, low = (number_at(metrics, "held_out", "recall", name, key) for key in ("value", "low"))
        wanted = round(target * PPM)
        checks.append(Check(f"recall.{name}", _down(value), wanted, "ppm", "at_least"))
        room = wanted - limits.recall_room_ppm
        checks.append(Check(f"recall_low.{name}", _down(low), room, "ppm", "at_least"))
    return checks


def _false_pins(metrics: Any, limits: Limits) -> list[Check]:
    found = metrics.get("held_out", {}).get("false_pins", {})
    return [
        Check(
            f"false_pins.{source.replace(' ', '_')}",
            up_ppm(number_at(share, "value")),
            limits.sessions_ppm if source == SESSIONS else limits.clean_ppm,
            "ppm",
        )
        for source, share in sorted(found.items())
    ] or [Check("false_pins", None, limits.clean_ppm, "ppm")]


def _served(bundle: SensitivityBundle, limits: Limits) -> list[Check]:
    """Latency of a prediction, and the same answer from a second session and for rows in another order."""
    rows = _rows()
    again = ClassModel(bundle.files[CLASS_MODEL], ClassSettings.from_json(bundle.files["classes.json"]))
    n_other = sum(
        again.predict_ppm(np.ascontiguousarray(each[::-1])) != bundle.classes.predict_ppm(each)
        for each in rows
    )
    slowest = max(_best_us(bundle.classes, each) for each in rows)
    return [
        Check("same_bytes.other", n_other, 0, "requests"),
        Check("latency.prediction", math.ceil(slowest), limits.prediction_us, "us"),
    ]


def _rows() -> list[IntArray]:
    """Evidence of any values, the same every time."""
    generator = np.random.default_rng(0)
    return [generator.integers(0, ONE + 1, (n, N_COLUMNS)) for n in _ROW_COUNTS]


def _best_us(model: ClassModel, rows: IntArray) -> float:
    """Best of some repeats, so that a busy machine does not decide."""
    best = math.inf
    for _ in range(_REPEATS):
        started = time.perf_counter()
        model.predict_ppm(rows)
        best = min(best, time.perf_counter() - started)
    return best * PPM


def _down(value: float | None) -> int | None:
    return None if value is None else math.floor(round(value * PPM, 3))


def _whole(value: float | None) -> int | None:
    return None if value is None else math.ceil(value)
