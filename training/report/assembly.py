"""From what was asked for to the report: gather the rows of its source, analyse them, write the files.

The command line says what is wanted; here is what that takes. Nothing is written on the ledger.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any, Final

from clearway.bundle import METRICS, read_metrics
from clearway.errors import BundleError, ConfigurationError, InvalidRequestError, NotFoundError
from clearway.installation import Settings, data_folder, existing_ledger
from clearway.register import load_register
from clearway.sensitivity.identity import identify
from training.report.gathered import Costs, Gathered, Progress, WhatIf
from training.report.report_files import ReportFiles
from training.report.results import Report

# Rows of logs are kept here for a week: an interrupted run goes on, a second report is there at once.
WORK: Final = "report-work"
_KEPT_S: Final = 7 * 24 * 3_600
_OTHER_DETECTOR: Final = (
    "Some requests were decided with another sensitivity detector than the one in use now. Error rates and "
    "expected leaks are those of the one in use now."
)
_ONLY: Final = {
    "answers": ("test", "prices", "sources"),
    "log": ("workers",),
    "ledger": ("requests",),
}
# Where an option has another name than its field.
_OPTIONS: Final = {"sources": "source"}


@dataclass(frozen=True)
class Wanted:
    """What a report is asked for; without `answers`, `log` and `table` it is of the ledger.

    Attributes:
        answers: Graded answers to learn from.
        test: Graded answers to measure on.
        prices: Their prices.
        sources: Only these sources of them.
        log: Past traffic.
        table: Rows of another run: a path, or a table of the engine.
        engine: Address of what sums the rows; DuckDB in this process by default.
        what_ifs: Other rules for the same traffic.
        requests: Texts of the ledger's decisions, for a what-if with another bundle.
        costs: Of one decision; what the source knows, by default.
        workers: Processes that decide a log; one for each core by default.
        work: Folder that keeps the rows.
        seed: Of splits and of the bootstrap.
    """

    answers: Path | None = None
    test: Path | None = None
    prices: Path | None = None
    sources: tuple[str, ...] = ()
    log: Path | None = None
    table: str | None = None
    engine: str | None = None
    what_ifs: tuple[WhatIf, ...] = ()
    requests: Path | None = None
    costs: Costs | None = None
    workers: int | None = None
    work: Path | None = None
    seed: int = 0

    @property
    def kind(self) -> str:
        """`answers`, `log`, `table` or `ledger`."""
        return next(
            (kind for kind in ("answers", "log", "table") if getattr(self, kind) is not None), "ledger"
        )

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Files that the report is made of."""
        named = (self.answers, self.test, self.prices, self.log, self.requests)
        table = (Path(self.table),) if self.table is not None else ()
        prices = tuple(spec.prices for spec in self.what_ifs)
        return tuple(path for path in (*named, *table, *prices) if path is not None)

    def check(self) -> None:
        """Say at once what does not go together, or is not there.

        Raises:
            InvalidRequestError: Two sources, an option of another source, or a file that is none.
        """
        sources = [kind for kind in ("answers", "log", "table") if getattr(self, kind) is not None]
        if len(sources) > 1:
            raise InvalidRequestError(
                f"report: expected one of answers, log and table, got {' and '.join(sources)}"
            )
        for kind, names in _ONLY.items():
            given = [name for name in names if getattr(self, name)]
            if given and kind != self.kind:
                name = _OPTIONS.get(given[0], given[0])
                raise InvalidRequestError(
                    f"{name}: expected only in a report of {_WORDS[kind]}, got one of {_WORDS[self.kind]}"
                )
        if self.what_ifs and self.kind not in ("ledger", "log"):
            raise InvalidRequestError(
                f"what-if: expected a report of the ledger or of a log, got one of {_WORDS[self.kind]}: "
                "there is no request to decide again"
            )
        if self.requests is not None and not any(spec.bundle for spec in self.what_ifs):
            raise InvalidRequestError(
                "requests: expected a what-if with a bundle, which alone reads the texts, got none; leave "
                "--requests out"
            )
        for path in (self.answers, self.test, self.prices, self.log, self.requests):
            if path is not None and not path.is_file():
                raise InvalidRequestError(f"{path}: expected a file, got none; check its name")


_WORDS: Final = {
    "answers": "graded answers (--answers)",
    "log": "a log (--log)",
    "table": "a table (--table)",
    "ledger": "the ledger",
}


@contextmanager
def gathered(wanted: Wanted, settings: Settings, at: datetime, progress: Progress) -> Iterator[Gathered]:
    """The rows of the source, for as long as the context lasts; longer where a folder was named for them.

    Args:
        wanted: What for.
        settings: Where everything lies.
        at: Time at which a log is decided and a what-if is checked.
        progress: Told what is being done, how much of it is done, and of how much.

    Raises:
        clearway.errors.ClearwayError: The source cannot be read; the text says what to do.
    """
    with ExitStack() as stack:
        if wanted.work is not None:
            folder = wanted.work
        elif wanted.kind == "log":
            folder = settings.home / WORK
            _forget(folder)
        else:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="clearway-report-")))
        yield _found(wanted, settings, folder, at, progress)


def check_source(wanted: Wanted, settings: Settings) -> None:
    """Say that there is no source, before anything is written for its report.

    Raises:
        clearway.errors.ClearwayError: There is no ledger, or it cannot be opened, or no rows.
    """
    if wanted.kind == "ledger":
        existing_ledger(settings).close()
    elif wanted.table is not None:
        _of_table(wanted, wanted.table, settings)


def _found(wanted: Wanted, settings: Settings, folder: Path, at: datetime, progress: Progress) -> Gathered:
    """Rows of the source that is wanted; what they do not say is kept beside them."""
    if wanted.table is not None:
        return _of_table(wanted, wanted.table, settings)
    from training.report.kept_rows import forget, keep

    if wanted.log is None:  # whose runs lie in folders of their own
        forget(folder)
    if wanted.answers is not None:
        found = _of_answers(wanted, wanted.answers, settings, folder, progress)
    elif wanted.log is not None:
        found = _of_log(wanted, wanted.log, settings, folder, at, progress)
    else:
        found = _of_ledger(wanted, settings, folder, at, progress)
    keep(found)
    return found


def analysed(found: Gathered, wanted: Wanted, settings: Settings, at: datetime) -> Report:
    """The report of gathered rows.

    Raises:
        ConfigurationError: The engine cannot be reached, or does not take the rows.
    """
    from training.report.analysis.report import analyse

    now = identify(data_folder() / "sensitivity", "", bundle=settings.sensitivity).sha256
    others = (_OTHER_DETECTOR,) if set(found.detectors) - {now} else ()
    return analyse(
        replace(found, notes=(*found.notes, *others)),
        engine=wanted.engine,
        seed=wanted.seed,
        made_at=at.isoformat(timespec="seconds"),
        detector_metrics=_detector_metrics(settings),
    )


def finished(report: Report, files: ReportFiles, home: Path | None, warn: Callable[[str], None]) -> Report:
    """Write the report's files and keep them in MLflow; its run is named on the page.

    Args:
        report: As analysed.
        files: Where to.
        home: Folder of MLflow's database; None for files alone.
        warn: Told in one line where MLflow fails so late: the files are written all the same.

    Raises:
        InvalidRequestError: The files cannot be written.
    """
    if home is not None:
        from training.report.mlflow_log import report_run

        try:
            with report_run(report, home) as run:
                logged = replace(report, mlflow=dict(run.ids))
                _write(logged, files)
                run.keep(files.all)
            return logged
        except (ConfigurationError, NotFoundError) as fault:
            warn(f"not kept in MLflow: {fault}")
    _write(report, files)
    return report


def figures(report: Report) -> tuple[tuple[str, str], ...]:
    """The numbers to read first, as the page words them: a label, and what there is to say."""
    from training.report.page.blocks import Figures
    from training.report.page.document import make_document
    from training.report.page.formats import said

    blocks = [block for section in make_document(report).sections for block in section.blocks]
    found = next(block for block in blocks if isinstance(block, Figures))
    return tuple((label, " ".join(filter(None, (said(cell), note)))) for label, cell, note in found.items)


def _write(report: Report, files: ReportFiles) -> None:
    from training.report.page.html import render_html
    from training.report.page.markdown import render_markdown

    files.write(
        {
            files.html: render_html(report),
            files.json: json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n",
            files.markdown: render_markdown(report),
        }
    )


def _of_answers(
    wanted: Wanted, train: Path, settings: Settings, folder: Path, progress: Progress
) -> Gathered:
    from training.report.sources import from_answers

    return from_answers.gather(
        train,
        wanted.test,
        folder,
        prices=wanted.prices,
        settings=settings,
        seed=wanted.seed,
        sources=wanted.sources,
        costs=wanted.costs,
        progress=progress,
    )


def _of_log(
    wanted: Wanted, log: Path, settings: Settings, folder: Path, at: datetime, progress: Progress
) -> Gathered:
    from training.report.sources import from_log

    return from_log.gather(
        log,
        settings,
        folder,
        what_ifs=wanted.what_ifs,
        costs=wanted.costs,
        workers=wanted.workers,
        at=at,
        progress=progress,
    )


def _of_ledger(
    wanted: Wanted, settings: Settings, folder: Path, at: datetime, progress: Progress
) -> Gathered:
    from training.report.sources import from_ledger
    from training.report.what_if import build

    with closing(existing_ledger(settings)) as ledger:
        return from_ledger.gather(
            ledger,
            load_register(settings.register),
            folder,
            variants=[build(spec, settings, at) for spec in wanted.what_ifs],
            today=build(WhatIf("today"), settings, at) if wanted.what_ifs else None,
            costs=wanted.costs,
            requests=wanted.requests,
            at=at,
            progress=progress,
        )


def _of_table(wanted: Wanted, table: str, settings: Settings) -> Gathered:
    """Rows that are there already: a file, a folder, what `--work` left, or a table of the engine."""
    path = Path(table)
    register = load_register(settings.register).digest
    from training.report.kept_rows import find, of_table

    if path.exists():
        return find(path, wanted.costs, register)
    if wanted.engine is None:
        raise InvalidRequestError(
            f"{table}: expected a Parquet file or a folder, got none; a table of a database needs --engine"
        )
    return of_table(path, wanted.costs, register)


def _forget(folder: Path) -> None:
    """Remove rows of logs that nobody came back to."""
    for run in folder.iterdir() if folder.is_dir() else ():
        if time() - run.stat().st_mtime > _KEPT_S:
            shutil.rmtree(run, ignore_errors=True)


def _detector_metrics(settings: Settings) -> Mapping[str, Any] | None:
    """What was measured of the sensitivity bundle; None where it does not say."""
    try:
        return read_metrics((settings.sensitivity / METRICS).read_bytes())
    except (OSError, BundleError):
        return None
