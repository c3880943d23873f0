"""What `--work` keeps beside the rows: all that they do not say, so that their report can be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from clearway.errors import InvalidRequestError
from training.report.decoding import decode
from training.report.gathered import Costs, Gathered
from training.report.results import RouterMetrics
from training.report.sources.batch import write_whole

GATHERED: Final = "gathered.json"
FORMAT: Final = 1
_ROWS, _MOVES = "rows", "moves"
_KINDS: Final = ("answers", "ledger", "log")
_PARQUET: Final = "*.parquet"


@dataclass(frozen=True)
class _Kept:
    """The file, field by field: as `Gathered`, with what lies beside it instead of paths.

    Attributes:
        format: Of the file.
        in_folder: Whether rows are in the folder `rows`, rather than beside the file.
        has_moves: Whether the folder `moves` belongs to it.
    """

    format: int
    in_folder: bool
    has_moves: bool
    kind: str
    origin: str
    before: str
    scenarios: Mapping[str, str]
    register: str
    classifiers: Mapping[str, str]
    detectors: Mapping[str, str]
    router_nusd: int
    router_basis: str
    router_metrics: tuple[RouterMetrics, ...]
    notes: tuple[str, ...]
    arm_bases: Mapping[str, str]


_SHARED: Final = tuple(item.name for item in fields(_Kept) if item.name in Gathered.__dataclass_fields__)


def keep(found: Gathered) -> None:
    """Write what the rows do not say beside them; the file is there whole or not at all.

    Raises:
        ConfigurationError: It cannot be written.
    """
    in_folder = found.kind != "answers"
    kept = _Kept(
        format=FORMAT,
        in_folder=in_folder,
        has_moves=found.moves is not None,
        **{name: getattr(found, name) for name in _SHARED},
    )
    folder = found.rows.parent if in_folder else found.rows
    write_whole(folder / GATHERED, json.dumps(asdict(kept), indent=1, allow_nan=False) + "\n")


def forget(folder: Path) -> None:
    """Remove the file before other rows are written in the folder."""
    (folder / GATHERED).unlink(missing_ok=True)


def find(path: Path, costs: Costs | None, register: str) -> Gathered:
    """The rows of a file or folder, with all that was kept beside them.

    A folder of several runs, as a log leaves it, stands for the newest one that was finished.

    Args:
        path: File or folder, which exists.
        costs: What a decision is taken to cost, where nothing says it; None for the default.
        register: Digest of the register of now, for rows that came without their own.

    Raises:
        InvalidRequestError: There are no rows, what was kept beside them is damaged or foreign, or costs were
            given for rows that have theirs.
    """
    folder = _folder_of(path.resolve())
    if (folder / GATHERED).is_file():
        if costs is not None:
            raise InvalidRequestError(
                f"router-nusd: expected only for rows that do not say it, got some with {GATHERED}; leave it "
                "out"
            )
        return _read(folder)
    return replace(
        of_table(path.resolve(), costs, register),
        rows=folder / _ROWS if (folder / _ROWS).is_dir() else folder,
        moves=folder / _MOVES if (folder / _MOVES).is_dir() else None,
    )


def of_table(table: Path, costs: Costs | None, register: str) -> Gathered:
    """A table that came with nothing but its rows, in files or in an engine.

    Args:
        table: Its path or name.
        costs: As of `find`.
        register: As of `find`.
    """
    costs = costs or Costs()
    return Gathered(
        kind="table",
        origin=table.name,
        before="what the table says",
        rows=table,
        moves=None,
        scenarios={},
        register=register,
        classifiers={},
        detectors={},
        router_nusd=costs.router_nusd,
        router_basis=costs.basis,
    )


def _folder_of(path: Path) -> Path:
    """The file, or the folder that rows or what was kept lie in."""
    if path.is_file():
        return path
    runs = [run for run in (path, *sorted(path.iterdir())) if _has_rows(run) or _has_rows(run / _ROWS)]
    finished = [run for run in runs if (run / GATHERED).is_file()]
    if finished:
        return max(finished, key=lambda run: (run / GATHERED).stat().st_mtime_ns)
    if path in runs or (path / _ROWS) in runs:
        return path
    told = f"; a run that was not finished is in {', '.join(run.name for run in runs)}" if runs else ""
    raise InvalidRequestError(f"{path.name}: expected a Parquet file, or a folder of them, got none{told}")


def _has_rows(folder: Path) -> bool:
    return any(folder.glob(_PARQUET))


def _read(folder: Path) -> Gathered:
    kept = _decoded(folder / GATHERED)
    return Gathered(
        rows=folder / _ROWS if kept.in_folder else folder,
        moves=folder / _MOVES if kept.has_moves else None,
        **{name: getattr(kept, name) for name in _SHARED},
    )


def _decoded(path: Path) -> _Kept:
    try:
        value: Any = json.loads(path.read_bytes(), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"{path}: expected what was kept beside the rows, got {type(error).__name__}; make the "
            "report again"
        ) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT or value.get("kind") not in _KINDS:
        raise InvalidRequestError(
            f"{path}: expected what was kept beside the rows, got another file; make the report again"
        )
    kept: _Kept = decode(_Kept, value, GATHERED)
    return replace(kept, router_nusd=min(max(kept.router_nusd, 0), 10**12))


def _refuse(constant: str) -> float:
    raise ValueError(constant)
