"""Routed requests of no one, by a seed: for timing the analysis at any size, and for its tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.report.gathered import Gathered
from training.report.routed import (
    ARMS,
    COLUMNS,
    LENGTHS,
    MEASURED,
    MODELLED,
    MOVE_COLUMNS,
    N_BUCKETS,
    REFUSE,
    ROUTE,
    SET_ASIDE,
)

N_ROWS_AT_ONCE: Final = 250_000
SCENARIOS: Final = {"eu only": "only models in eu and on_premises"}
_MODELS: Final = (
    ("local/llama-8b", "local", "on_premises", 40_000),
    ("alpha/small@eu", "alpha", "eu", 90_000),
    ("alpha/large@eu", "alpha", "eu", 2_500_000),
    ("beta/small@us", "beta", "us", 60_000),
    ("beta/large@us", "beta", "us", 3_000_000),
)
_BEFORE: Final = _MODELS[4]
_CLASSES: Final = ("", "", "", "", "contact", "personal", "contact+personal", "health", "financial+personal")
_FIRST_US: Final = 1_790_000_000_000_000
_Values = NDArray[Any]


def write_synthetic(folder: Path, n: int, *, seed: int = 0) -> Gathered:
    """Write `n` rows and as many moves of one scenario, in pieces.

    Args:
        folder: Gets `rows` and `moves`.
        n: Rows.
        seed: Of everything in them.
    """
    for name in ("rows", "moves"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for piece, start in enumerate(range(0, n, N_ROWS_AT_ONCE)):
        rng = np.random.default_rng((seed, piece))
        size = min(N_ROWS_AT_ONCE, n - start)
        rows = _rows(rng, start, size)
        _write(folder / "rows" / f"{piece:06}.parquet", rows, [c.name for c in COLUMNS])
        moves = _moves(rng, rows)
        _write(folder / "moves" / f"{piece:06}.parquet", moves, [c.name for c in MOVE_COLUMNS])
    return gathered_of(folder)


def gathered_of(folder: Path) -> Gathered:
    """What `write_synthetic` left in a folder."""
    return Gathered(
        kind="ledger",
        origin="synthetic",
        before=_BEFORE[0],
        rows=folder / "rows",
        moves=folder / "moves",
        scenarios=SCENARIOS,
        register="synthetic",
        classifiers={"c" * 64: "synthetic"},
        detectors={"d" * 64: "synthetic"},
        router_nusd=139,
        router_basis="10 ms of one core at 0.05 USD an hour",
    )


def _rows(rng: np.random.Generator, start: int, n: int) -> dict[str, Any]:
    """Columns of some requests."""
    verdict = rng.choice(3, n, p=[0.95, 0.04, 0.01])
    routed = verdict == 0
    model = rng.choice(len(_MODELS), n, p=[0.3, 0.2, 0.15, 0.2, 0.15])
    tokens = np.exp(rng.normal(6, 1.2, n))
    prices = np.array([price for *_, price in _MODELS])
    expected = (prices[model] * tokens / 1_000).astype(np.int64)
    before = (_BEFORE[3] * tokens / 1_000).astype(np.int64)
    reported = routed & (rng.random(n) < 0.7)
    floor = rng.random(n) < 0.9
    posture = routed & (rng.random(n) < 0.25)
    return {
        "request_id": pa.array([f"r{number}" for number in range(start, start + n)]),
        "bucket": rng.integers(0, N_BUCKETS, n),
        "time_us": _FIRST_US + np.arange(start, start + n) * 1_000_000,
        "verdict": _of((ROUTE, REFUSE, SET_ASIDE), verdict),
        "faults": _of(("", "unknown_model", "no_prompt"), np.where(verdict == 2, 2, rng.random(n) < 0.01)),
        **_slices(rng, n, tokens),
        **_placed("", model, routed),
        **_placed("before_", np.full(n, 4), np.ones(n, dtype=np.bool_)),
        "before_cleared": rng.random(n) < 0.6,
        "floor_met": _null(floor, ~routed),
        "expected_nusd": _null(expected, ~routed),
        **_spent(rng, routed, reported, expected),
        "router_nusd": np.full(n, 139),
        "before_nusd": before,
        **_qualities(rng, routed, reported),
        "posture_nusd": _null(before // 2, ~posture),
        "weaker_terms": _null(rng.random(n) < 0.2, ~routed),
        "refused_for": _of(("", "policy", "policy+floor"), np.where(verdict == 1, rng.integers(1, 3, n), 0)),
        "exceptions": _of(("", "exception-7"), rng.random(n) < 0.01),
        "example_terms": rng.random(n) < 0.1,
        **_digests(rng, n),
        **_arms(rng, n, before),
    }


def _spent(rng: np.random.Generator, routed: _Values, reported: _Values, expected: _Values) -> dict[str, Any]:
    """Reported costs around the expected, some after an attempt that failed."""
    n = len(routed)
    retried = reported & (rng.random(n) < 0.05)
    failed = np.where(retried, expected // 3, 0)
    paid = (expected * rng.uniform(0.6, 1.4, n)).astype(np.int64) + failed
    calls = np.where(reported, 1 + retried, 0)
    return {
        "spent_nusd": _null(np.where(reported, paid, expected), ~routed),
        "failed_nusd": failed,
        "n_calls": calls,
        "n_matched_calls": calls - (reported & (rng.random(n) < 0.002)),
    }


def _qualities(rng: np.random.Generator, routed: _Values, reported: _Values) -> dict[str, Any]:
    """Estimates, and grades of some of the reported answers."""
    n = len(routed)
    graded = reported & (rng.random(n) < 0.3)
    quality = np.where(graded, (rng.random(n) < 0.8) * 1_000_000, rng.integers(0, 1_000_001, n))
    return {
        "quality_ppm": _null(quality, ~routed),
        "before_quality_ppm": rng.integers(0, 1_000_001, n),
        "quality_basis": _of(("", MODELLED, MEASURED), np.where(routed, 1 + graded, 0)),
        "before_quality_basis": _of((MODELLED,), np.zeros(n, dtype=np.int64)),
    }


def _digests(rng: np.random.Generator, n: int) -> dict[str, Any]:
    only = np.zeros(n, dtype=np.int64)
    return {
        "classifier_sha256": _of(("c" * 64,), only),
        "detector_sha256": _of(("d" * 64,), only),
        "policy_digest": _of(("e" * 64, "f" * 64), rng.integers(0, 2, n)),
    }


def _slices(rng: np.random.Generator, n: int, tokens: _Values) -> dict[str, Any]:
    return {
        "purpose": _of(("customer_support", "code_review", "summaries"), rng.integers(0, 3, n)),
        "caller": _of(tuple(f"agent-{number}" for number in range(40)), rng.integers(0, 40, n)),
        "source": _of(("gateway-1", "gateway-2"), rng.integers(0, 2, n)),
        "category": _of(tuple(f"category {number}" for number in range(25)), rng.integers(0, 25, n)),
        "language": _of(("en", "de", "fr", ""), rng.choice(4, n, p=[0.8, 0.1, 0.05, 0.05])),
        "length": _of(("short", "medium", "long"), np.digitize(tokens, LENGTHS)),
        "classes": _of(_CLASSES, rng.integers(0, len(_CLASSES), n)),
        "level": _of(("public", "internal", "confidential", "restricted"), rng.integers(0, 4, n)),
    }


def _arms(rng: np.random.Generator, n: int, before: _Values) -> dict[str, Any]:
    """Estimates for two arms; what only graded answers tell is unknown."""
    known = ("best_single", "random_mix")
    unknown = pa.nulls(n, pa.int64())
    return {
        f"{arm}_{what}": unknown
        if arm not in known
        else before // 3
        if what == "nusd"
        else rng.integers(0, 10**6, n)
        for arm in ARMS
        for what in ("nusd", "quality_ppm")
    }


def _moves(rng: np.random.Generator, rows: dict[str, Any]) -> dict[str, Any]:
    """The same requests, each perhaps elsewhere; what was set aside too."""
    n = len(rows["bucket"])
    model, refused = rng.integers(0, 3, n), rng.random(n) < 0.05
    return {
        "scenario": _of(tuple(SCENARIOS), np.zeros(n, dtype=np.int64)),
        "request_id": rows["request_id"],
        "bucket": rows["bucket"],
        "classes": rows["classes"],
        "now_verdict": rows["verdict"],
        "now_nusd": rows["expected_nusd"],
        "now_quality_ppm": rows["quality_ppm"],
        "then_verdict": _of((ROUTE, REFUSE), refused),
        "then_nusd": _null(rows["before_nusd"] // 4, refused),
        "then_quality_ppm": _null(rng.integers(0, 10**6, n), refused),
        **{f"now_{name}": rows[name] for name in ("model", "provider", "region")},
        **_placed("then_", model, ~refused),
    }


def _placed(prefix: str, model: _Values, routed: _Values) -> dict[str, Any]:
    columns = zip(*_MODELS, strict=True)
    return {
        f"{prefix}{name}": _of([str(value) for value in values], model, ~routed)
        for name, values in zip(("model", "provider", "region"), columns, strict=False)
    }


def _of(values: Sequence[str], places: _Values, nulls: _Values | None = None) -> Any:
    """Texts by their place, stored once."""
    indices = pa.array(places.astype(np.int32), mask=nulls)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values)).cast(pa.string())


def _null(values: _Values, nulls: _Values) -> Any:
    return pa.array(values, mask=nulls)


def _write(path: Path, columns: dict[str, Any], names: Sequence[str]) -> None:
    pq.write_table(pa.table({name: columns[name] for name in names}), path, compression="zstd")
