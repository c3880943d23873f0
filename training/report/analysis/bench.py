"""`make bench-report`: time and peak memory of the report at several sizes, on each engine.

Each run is a process of its own. Its peak is the sum of the peaks of all the processes it starts, such as
Spark's; a PostgreSQL server is not among them. Times are noise on shared machines; how they grow holds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from clearway.commands.options import JsonOption, people_console
from clearway.errors import ConfigurationError
from clearway.installation import data_folder

SIZES: Final = (100_000, 1_000_000, 10_000_000)
DUCKDB: Final = "duckdb://"
# Other engines are timed up to here: this is about one machine.
MAX_ROWS_ELSEWHERE: Final = 1_000_000
_EVERY_S: Final = 0.1
_MADE_AT: Final = "2026-01-01T00:00:00+00:00"


def bench(
    *,
    rows: Annotated[list[int] | None, typer.Option(help="Rows of a run; may be given again.")] = None,
    engine: Annotated[list[str] | None, typer.Option(help="Address; may be given again.")] = None,
    seed: Annotated[int, typer.Option(help="Of the rows.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Time the report on synthetic requests by engine and size."""
    runs: list[dict[str, Any]] = []
    status = Console(stderr=True)
    for n in rows or SIZES:
        with tempfile.TemporaryDirectory(prefix="clearway-bench-") as folder:
            with status.status(f"writing {n:,} rows"):
                _write(Path(folder), n, seed)
            for address in engine or [DUCKDB]:
                if address == DUCKDB or n <= MAX_ROWS_ELSEWHERE:
                    with status.status(f"{n:,} rows on {address.partition('://')[0]}"):
                        runs.append(measured(Path(folder), n, address, seed))
    if as_json:
        people_console().print_json(data=runs)
    else:
        _show(runs)


def measured(folder: Path, n: int, engine: str, seed: int) -> dict[str, Any]:
    """Run the report in a process of its own, and watch what it takes.

    Raises:
        ConfigurationError: It failed; the text is its own.
    """
    program = "import sys; from training.report.analysis.bench import report_once; report_once(*sys.argv[1:])"
    given = [sys.executable, "-c", program, str(folder), str(n), engine, str(seed)]
    started = time.perf_counter()
    process = subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    peaks: dict[int, int] = {}
    while process.poll() is None:
        for pid in _with_children(process.pid):
            peaks[pid] = max(peaks.get(pid, 0), _peak_kb(pid))
        time.sleep(_EVERY_S)
    elapsed = time.perf_counter() - started
    said, complaint = process.communicate()
    if process.returncode:
        last = (complaint.strip().splitlines() or ["no word"])[-1]
        raise ConfigurationError(f"bench: expected a report of {n} rows, got: {last[:300]}")
    return {
        "rows": n,
        **json.loads(said.strip().splitlines()[-1]),
        "total_s": round(elapsed, 1),
        "rows_per_s": round(n / elapsed),
        "peak_mb": round(sum(peaks.values()) / 1024),
    }


def report_once(folder: str, n: str, engine: str, seed: str) -> None:
    """Analyse the rows of a folder and make the page; the times of both go to standard output."""
    from training.report.analysis.report import analyse
    from training.report.analysis.synthetic import gathered_of
    from training.report.page.html import render_html

    card = json.loads((data_folder() / "sensitivity" / "bundle" / "metrics.json").read_text(encoding="utf-8"))
    started = time.perf_counter()
    report = analyse(
        gathered_of(Path(folder)), engine=engine, seed=int(seed), made_at=_MADE_AT, detector_metrics=card
    )
    analysed = time.perf_counter()
    if report.counts.n_rows != int(n):
        raise ConfigurationError(f"bench: expected {n} rows in the report, got {report.counts.n_rows}")
    size = len(render_html(report).encode("utf-8")) // 1024
    times = {"analysis_s": round(analysed - started, 1), "page_s": round(time.perf_counter() - analysed, 1)}
    sys.stdout.write(json.dumps({"engine": report.about.engine, **times, "page_kb": size}) + "\n")


def _write(folder: Path, n: int, seed: int) -> None:
    from training.report.analysis.synthetic import write_synthetic

    write_synthetic(folder, n, seed=seed)


def _with_children(pid: int) -> Iterator[int]:
    """A process and all it started, as far as the system tells."""
    yield pid
    try:
        tasks = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(tasks).split():
        yield from _with_children(int(child))


def _peak_kb(pid: int) -> int:
    """Largest resident memory so far; 0 where the process is gone or the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def _show(runs: list[dict[str, Any]]) -> None:
    """A table: time, against the first size of the engine too, and memory."""
    table = Table(title="evaluation report by engine and size")
    for name in ("engine", "rows", "total s", "analysis s", "page s", "rows/s", "peak MB", "time / linear"):
        table.add_column(name, justify="left" if name == "engine" else "right")
    for run in runs:
        before = [other for other in runs if other["engine"] == run["engine"] and other["rows"] < run["rows"]]
        linear = before[-1]["total_s"] * run["rows"] / before[-1]["rows"] if before else None
        table.add_row(
            run["engine"],
            f"{run['rows']:,}",
            f"{run['total_s']}",
            f"{run['analysis_s']}",
            f"{run['page_s']}",
            f"{run['rows_per_s']:,}",
            f"{run['peak_mb']:,}",
            f"{run['total_s'] / linear:.2f}" if linear else "",
        )
    people_console().print(table)


if __name__ == "__main__":
    typer.run(bench)
