"""`clearway report`: one page for finance, security and the data scientist, and the same numbers as data."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from clearway.commands.options import (
    BundleOption,
    HomeOption,
    PolicyOption,
    RegisterOption,
    SensitivityOption,
    people_console,
    print_error,
    settings,
)
from clearway.errors import InvalidRequestError

if TYPE_CHECKING:
    from clearway.installation import Settings
    from training.report.assembly import Wanted
    from training.report.gathered import Progress
    from training.report.report_files import ReportFiles
    from training.report.results import Report

# Where there is no terminal, a line of progress every so often.
_BETWEEN_S: Final = 10.0


def report(
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="The page, NAME.html; NAME.json and NAME.md go beside it. Replaced if there."),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Report of graded answers, Parquet or CSV (see data/corpora.md).")
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option(help="Graded answers to measure on.", show_default="a fifth of the questions"),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            help="Prices of their models, CSV.", show_default="$CLEARWAY_CORPORA/routing/prices.csv"
        ),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only this source of graded answers; repeat for each.")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Report of a past traffic log, JSON lines (or .gz) or Parquet.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(help="Report of rows that --work left: a path, or a table of the engine."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="What sums the rows; see above.",
            show_default="DuckDB in this process",
        ),
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if", metavar="SPEC", help="The same traffic under other rules; repeat for each."
        ),
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option(
            help="Texts for a what-if with a bundle: the lines that were given to `clearway route`, or the "
            "file that `make demo` names."
        ),
    ] = None,
    router_nusd: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=10**12,
            help="Cost of one decision in nano-dollars.",
            show_default="measured (log), else 139",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that decide a log.", show_default="one a core")
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(help="Keep the rows in this folder, for --table; an interrupted log goes on there."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of splits and of the bootstrap.")] = 0,
    no_mlflow: Annotated[bool, typer.Option("--no-mlflow", help="Do not keep the report in MLflow.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    home: HomeOption = None,
    register: RegisterOption = None,
    policy: PolicyOption = None,
    bundle: BundleOption = None,
    sensitivity: SensitivityOption = None,
) -> None:
    """Say what routing saved, what it risked, and how far that can be trusted.

    By default of the ledger's decisions, with the outcomes that were reported.

    With --answers of graded answers: what every model would have said is known.

    With --log of past traffic, decided as if it had been routed.

    With --table of rows that --work kept: the same report again.

    A what-if has a name and what changes:

    --what-if "EU only: regions=eu,on_premises"
    --what-if "without it: without=openai/gpt-4o@us"
    --what-if "better: floor=0.85"       the least chance of an adequate answer
    --what-if "challenger: bundle=DIR"   a staged bundle; no promotion needed
    --what-if "new model: register=DIR"  also policy=DIR, prices=FILE
    --what-if "both: floor=0.8 regions=eu"     several at once

    Fields of a log's line: id, time (RFC 3339), caller, purpose, session,
    model, provider, region, input_tokens, output_tokens, cost_usd, currency,
    status, grade (0 to 1), latency_ms, and the prompt as messages (as in a
    chat request) or prompt. Only model and the prompt are needed; what is
    wrong with a line is counted.

    model: the register's id (openai/gpt-4o@us), PROVIDER/MODEL, MODEL alone
    (gpt-4o), or the provider's own name; where several fit, add provider and
    region.

    status: ok, success, succeeded, stop, complete, completed or 100 to 399 for
    an answer; error, failed, failure, timeout, rate_limited, refused,
    cancelled or 400 to 599 for none: such a line is set aside.

    Engines: duckdb://FILE, postgresql://USER@HOST/DB, spark://HOST:PORT,
    local[*] (Spark in this process). A file or folder is read by any of them,
    a table by the one that has it.

    CLEARWAY_CORPORA names the folder with the default prices of --answers,
    CLEARWAY_HOME the state; CLEARWAY_REGISTER, _POLICY, _BUNDLE and
    _SENSITIVITY name other folders.

    Example: clearway report --out report.html --what-if "EU only: regions=eu"
    """
    from training.report.assembly import Wanted
    from training.report.gathered import Costs
    from training.report.what_if import parse_all

    wanted = Wanted(
        answers=answers,
        test=test,
        prices=prices,
        sources=tuple(source or ()),
        log=log,
        table=table,
        engine=engine,
        what_ifs=parse_all(what_if or ()),
        requests=requests,
        costs=None if router_nusd is None else Costs(router_nusd, "given with --router-nusd"),
        workers=workers,
        work=work,
        seed=seed,
    )
    if out is None and not as_json:
        raise InvalidRequestError("out: expected --out FILE.html, or --json, got neither")
    wanted.check()
    _run(wanted, settings(home, register, policy, bundle, sensitivity), out, no_mlflow, as_json)


def _run(wanted: Wanted, chosen: Settings, out: Path | None, no_mlflow: bool, as_json: bool) -> None:
    from training.report.report_files import ReportFiles

    with ExitStack() as stack:
        folder = "" if out else stack.enter_context(TemporaryDirectory(prefix="clearway-report-"))
        files = ReportFiles.of(out or Path(folder, "report.html"), wanted.inputs)
        with _interruptible(wanted, files):
            made = _make(wanted, chosen, files, None if no_mlflow else chosen.home)
    if as_json:
        typer.echo(json.dumps(made.as_json(), allow_nan=False, separators=(",", ":")))
    else:
        _print(made, files)


@contextmanager
def _interruptible(wanted: Wanted, files: ReportFiles) -> Iterator[None]:
    """Ctrl-C is one line, whatever the engine that worked at the time makes of it."""
    pressed: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        signal.default_int_handler(number, frame)

    is_main = threading.current_thread() is threading.main_thread()
    was, before = signal.signal(signal.SIGINT, stop) if is_main else None, files.written
    try:
        yield
    except BaseException as error:
        if not (pressed or isinstance(error, KeyboardInterrupt)):
            raise
        print_error(_interrupted(wanted, files.written != before))
        raise typer.Exit(1) from None
    finally:
        if is_main:
            signal.signal(signal.SIGINT, was)


def _interrupted(wanted: Wanted, is_written: bool) -> str:
    if is_written:
        return "interrupted; the report was written"
    if wanted.kind == "log":
        return "interrupted; the same command goes on where it stopped"
    return "interrupted; nothing was written"


def _make(wanted: Wanted, chosen: Settings, files: ReportFiles, home: Path | None) -> Report:
    from training.report.assembly import analysed, check_source, finished, gathered

    check_source(wanted, chosen)
    if home is not None:
        from training.tracking import MlflowTracker

        MlflowTracker(home).client()  # says now, and not after the work, that MLflow cannot be used
    if wanted.engine is not None:
        from training.report.analysis.engines import check_engine

        check_engine(wanted.engine)
    at = datetime.now(UTC)
    with _progress() as progress, gathered(wanted, chosen, at, progress) as found:
        progress("analysing", 0, 0)
        made = analysed(found, wanted, chosen, at)
        progress("writing", 0, 0)
        return finished(made, files, home, print_error)


def _print(made: Report, files: ReportFiles) -> None:
    from rich.table import Table

    from training.report.assembly import figures

    console = people_console()
    table = Table(show_header=False)
    for label, value in figures(made):
        table.add_row(label, value)
    console.print(table, markup=False)
    for path in files.all:
        console.print(str(path), markup=False, highlight=False, soft_wrap=True)
    if made.mlflow:
        told = f"MLflow: experiment {made.mlflow['experiment']}, run {made.mlflow['run_id']}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    """What is being done: bars on a terminal, a line now and then where there is none."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        tasks = {}

        def tell(what: str, done: int, total: int) -> None:
            step = what.partition(":")[0]
            if step not in tasks:
                tasks[step] = bars.add_task(what, total=None)
            bars.update(tasks[step], description=what, completed=done, total=total or None)

        yield tell


class _Lines:
    """Progress as lines: each step when it begins, every `_BETWEEN_S` seconds, and at its end.

    A text that ends in a number says itself how much was done.
    """

    def __init__(self) -> None:
        self._step, self._told, self._line = "", 0.0, ""

    def tell(self, what: str, done: int, total: int) -> None:
        step, now = what.partition(":")[0], monotonic()
        is_new, is_end = step != self._step, 0 < total <= done
        if is_new or is_end or now - self._told > _BETWEEN_S:
            self._step, self._told = step, now
            is_plain = not total or (is_new and not is_end) or what[-1:].isdigit()
            self._write(what if is_plain else f"{what}: {done:,} of {total:,}")

    def _write(self, line: str) -> None:
        if line != self._line:
            print_error(line)
        self._line = line
