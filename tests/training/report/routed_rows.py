"""Small tables of routed requests: a row with every column, changed where a test says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from training.report.gathered import Gathered
from training.report.routed import COLUMNS, MOVE_COLUMNS
from training.report.sources.row_files import write_rows

MADE_AT = "2026-03-01T00:00:00+00:00"
_EMPTY = {"string": "", "int64": None, "boolean": None}


def row(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A routed request that cost 40 nano-dollars in place of 100."""
    usual = {
        "request_id": f"r{number}",
        "bucket": number % 64,
        "verdict": "route",
        "model": "a/small",
        "provider": "a",
        "region": "eu",
        "before_model": "b/large",
        "before_provider": "b",
        "before_region": "us",
        "expected_nusd": 40,
        "spent_nusd": 40,
        "failed_nusd": 0,
        "n_calls": 0,
        "router_nusd": 1,
        "before_nusd": 100,
    }
    return {column.name: _EMPTY[column.type] for column in COLUMNS} | usual | changed


def refused(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A refused request."""
    nothing = dict.fromkeys(("model", "provider", "region", "expected_nusd", "spent_nusd"))
    return row(number, **{"verdict": "refuse", "refused_for": "policy", **nothing, **changed})


def move(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A request that a scenario leaves where it is."""
    usual = {
        "scenario": "eu only",
        "request_id": f"r{number}",
        "bucket": number % 64,
        "classes": "",
        **{
            f"{side}_{name}": value
            for side in ("now", "then")
            for name, value in (
                ("verdict", "route"),
                ("model", "a/small"),
                ("provider", "a"),
                ("region", "eu"),
                ("nusd", 40),
                ("quality_ppm", 500_000),
            )
        },
    }
    return usual | changed


def gathered(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    moves: Iterable[Mapping[str, Any]] | None = None,
    **changed: Any,
) -> Gathered:
    """Rows as a source hands them over."""
    write_rows(folder / "rows", rows, COLUMNS)
    if moves is not None:
        write_rows(folder / "moves", moves, MOVE_COLUMNS)
    usual: dict[str, Any] = {
        "kind": "ledger",
        "origin": "ledger",
        "before": "b/large",
        "rows": folder / "rows",
        "moves": None if moves is None else folder / "moves",
        "scenarios": {} if moves is None else {"eu only": "only models in eu"},
        "register": "0" * 64,
        "classifiers": {},
        "detectors": {},
        "router_nusd": 1,
        "router_basis": "assumed",
    }
    return Gathered(**usual | changed)
