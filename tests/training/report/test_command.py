"""`clearway report`, end to end: ledger, log, graded answers or rows in; a page, JSON and Markdown out."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from clearway.errors import ClearwayError, ConfigurationError, InvalidRequestError, NotFoundError
from clearway.installation import Settings, open_router
from clearway.outcome_report import parse_report
from clearway.outcomes import Reporter, record_report
from clearway.testing import fake_request
from training.benchmark.prices import Prices
from training.example_answers import EXAMPLE_PRICES, example_answers
from training.report import cli
from training.report.report_files import ReportFiles
from training.report.results import Report, from_json
from training.tracking import EXPERIMENT, MlflowTracker

Run = Callable[..., Result]
SECRET = "xyzzy plugh"
EU = "EU only: regions=eu,on_premises"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a home of its own, without corpora; an expected error is raised."""
    for name in ("REGISTER", "POLICY", "BUNDLE", "SENSITIVITY"):
        monkeypatch.delenv(f"CLEARWAY_{name}", raising=False)
    monkeypatch.delenv("CLEARWAY_CORPORA", raising=False)
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path / "home"))
    app = typer.Typer()
    app.command()(cli.report)

    def invoke(*arguments: object, mlflow: bool = False) -> Result:
        kept = [] if mlflow else ["--no-mlflow"]
        result = CliRunner().invoke(app, [*map(str, arguments), *kept])
        if isinstance(result.exception, ClearwayError):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def ledger_home(tmp_path: Path, detector: None) -> Path:
    """A home whose ledger has four decisions, one with a reported outcome."""
    home = tmp_path / "home"
    router = open_router(Settings.of({}, home=home))
    texts = ["Hello", "4111 " + SECRET, "How many legs has a spider?", "Write a sonnet about rain."]
    records = [router.decide(fake_request(text, id=f"r-{n}")).record for n, text in enumerate(texts)]
    line = {
        "decision_id": records[0]["decision_id"],
        "attempt": 1,
        "model": records[0]["model"],
        "status": "ok",
        "cost_usd": "0.001",
        "grade": 1,
    }
    report = parse_report(line)
    record_report(router.ledger, report, reporter=Reporter("gateway", "command_line"), at=datetime.now(UTC))
    router.ledger.close()
    return home


def made(out: Path) -> Report:
    """The report of a page's JSON."""
    return from_json(json.loads(out.with_suffix(".json").read_text(encoding="utf-8")))


def test_a_decision_cannot_cost_beyond_all_bounds(run: Run, tmp_path: Path) -> None:
    """A cost that no table could hold is wrong use, told before any work."""
    result = run("--log", tmp_path / "log", "--json", "--router-nusd", 10**12 + 1)
    assert result.exit_code == 2
    assert "1000000000000" in result.output


def test_the_ledger_is_reported(run: Run, ledger_home: Path, tmp_path: Path) -> None:
    """Three files, a short table, the scenario, the graded outcome; no prompt in any of it."""
    out = tmp_path / "report.html"
    result = run("--out", out, "--what-if", EU)
    assert result.exit_code == 0, result.output
    report = made(out)
    assert (report.counts.n_rows, report.counts.n_reported, report.about.kind) == (4, 1, "ledger")
    assert [(one.name, one.n) for one in report.scenarios] == [("EU only", 4)]
    assert "Saved, net of all costs" in result.stdout
    assert "MLflow" not in result.stdout
    assert str(out) in result.stdout
    for file in (out, out.with_suffix(".md"), out.with_suffix(".json")):
        assert SECRET not in file.read_text(encoding="utf-8")
    markdown = out.with_suffix(".md").read_text(encoding="utf-8")
    assert markdown.startswith("# What routing saved, and what it risked")


def test_progress_without_a_terminal_says_what_was_read(run: Run, ledger_home: Path) -> None:
    """A line as a step begins, and one that says how much there was."""
    assert run("--json").stderr.splitlines() == [
        *("decisions", "decisions: 4", "outcomes", "outcomes: 1", "rows", "rows: 4"),
        *("analysing", "writing"),
    ]


def test_progress_of_long_work_is_told_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ten seconds, and at the end; nothing twice."""
    seconds = iter([0.0, 5.0, 11.0, 12.0, 13.0])
    monkeypatch.setattr(cli, "monotonic", lambda: next(seconds))
    lines = cli._Lines()
    for done in (0, 100, 200, 300, 300):
        lines.tell("scoring", done, 300)
    assert capsys.readouterr().err.splitlines() == ["scoring", "scoring: 200 of 300", "scoring: 300 of 300"]


def test_json_goes_to_stdout_without_files(run: Run, ledger_home: Path) -> None:
    """Machines need no page."""
    result = run("--json")
    assert from_json(json.loads(result.stdout)).counts.n_rows == 4


def test_rows_that_were_kept_are_reported_again(run: Run, ledger_home: Path, tmp_path: Path) -> None:
    """`--table` on what `--work` left is the same report, without the ledger."""
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    run("--out", first, "--work", tmp_path / "work", "--what-if", EU)
    shutil.rmtree(ledger_home)
    run("--out", second, "--table", tmp_path / "work")
    before, after = made(first), made(second)
    assert replace(after, about=replace(after.about, made_at=before.about.made_at)) == before


def test_rows_of_a_log_are_reported_again(run: Run, tmp_path: Path) -> None:
    """Its runs lie in folders of their own: that of the newest run is found."""
    line = {"id": "a", "time": "2026-11-01T10:00:00Z", "model": "gpt-4o-2024-08-06", "prompt": "Hello"}
    log, first, second = tmp_path / "log.jsonl", tmp_path / "a.html", tmp_path / "b.html"
    log.write_text(json.dumps(line), encoding="utf-8")
    run("--out", first, "--log", log, "--workers", 1, "--work", tmp_path / "work")
    run("--out", second, "--table", tmp_path / "work")
    before, after = made(first), made(second)
    assert replace(after, about=replace(after.about, made_at=before.about.made_at)) == before


def test_a_report_is_kept_in_mlflow(
    run: Run, ledger_home: Path, empty_registry: Path, tmp_path: Path
) -> None:
    """The page names the run, and the run has the three files."""
    shutil.copy(empty_registry, ledger_home)
    out = tmp_path / "report.html"
    result = run("--out", out, mlflow=True)
    assert result.exit_code == 0
    run_id = made(out).mlflow["run_id"]
    assert result.stdout.splitlines()[-2:] == [
        str(out.with_suffix(".md")),
        f"MLflow: experiment {EXPERIMENT}, run {run_id}",
    ]
    assert run_id in out.read_text(encoding="utf-8")
    kept = MlflowTracker(ledger_home).client().list_artifacts(run_id, "report")
    assert [item.path for item in kept] == [f"report/report.{kind}" for kind in ("html", "json", "md")]


def test_a_log_is_reported(run: Run, tmp_path: Path) -> None:
    """Each line is decided as if it had been routed; what is wrong with lines is counted."""
    good = {"id": "a", "time": "2026-11-01T10:00:00Z", "model": "gpt-4o-2024-08-06", "cost_usd": 0.01}
    lines = [
        json.dumps({**good, "prompt": "How many legs has a spider? " + SECRET}),
        json.dumps({**good, "prompt": "Twice the same id."}),
        '{"id": "b", "prom',
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "report.html"
    result = run("--out", out, "--log", log, "--workers", 1, "--what-if", EU)
    assert result.exit_code == 0, result.output
    report = made(out)
    assert (report.about.kind, report.counts.n_rows, report.counts.n_set_aside) == ("log", 3, 2)
    assert {fault.code for fault in report.faults} >= {"duplicate_id", "unreadable_line"}
    assert SECRET not in out.read_text(encoding="utf-8")


def test_graded_answers_are_reported(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All models are known, so every baseline has its cost and its quality."""
    answers, prices, out = tmp_path / "answers.parquet", tmp_path / "prices.csv", tmp_path / "report.html"
    every = example_answers()
    every[every["source"] == "example_exact"].to_parquet(answers)
    write_prices(EXAMPLE_PRICES, prices)
    result = run("--out", out, "--answers", answers, "--prices", prices)
    assert result.exit_code == 0, result.output
    report = made(out)
    known = {arm.name: arm.n for arm in report.arms}
    assert set(known) >= {"routed", "before", "best_single", "random_mix", "shuffled", "neighbours", "oracle"}
    assert min(known.values()) > 0
    assert {arm.basis for arm in report.arms} == {"measured"}
    assert report.router_metrics


def write_prices(prices: Prices, path: Path) -> None:
    """Prices as the CSV file that the command reads."""
    rows = [f"{model},{paid},{got}" for model, (paid, got) in prices.of.items()]
    head = "model_canonical,input_usd_per_mtok,output_usd_per_mtok"
    path.write_text("\n".join([head, *rows]), encoding="utf-8")


def test_the_help_reads_well_in_80_columns(run: Run) -> None:
    """No line of the text is broken by the terminal, and what a newcomer asks is in it."""
    text = run("--help").stdout
    told = [line.strip() for line in (cli.report.__doc__ or "").splitlines()]
    shown = [line.strip() for line in text.splitlines()]
    assert [line for line in told if line not in shown] == []
    for word in ("floor=0.8 regions=eu", "duckdb://FILE", "CLEARWAY_CORPORA", "openai/gpt-4o@us", "timeout"):
        assert word in text


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "out: expected --out FILE.html, or --json, got neither"),
        (
            ["--json", "--answers", "x", "--log", "y"],
            "report: expected one of answers, log and table, got answers and log",
        ),
        (
            ["--json", "--log", "x", "--test", "y"],
            "test: expected only in a report of graded answers (--answers), got one of a log (--log)",
        ),
        (
            ["--json", "--source", "a"],
            "source: expected only in a report of graded answers (--answers), got one of the ledger",
        ),
        (
            ["--json", "--workers", "2"],
            "workers: expected only in a report of a log (--log), got one of the ledger",
        ),
        (
            ["--json", "--requests", "x", "--what-if", "x: regions=eu"],
            (
                "requests: expected a what-if with a bundle, which alone reads the texts, got none; leave "
                "--requests out"
            ),
        ),
        (["--json", "--log", "nowhere.jsonl"], "nowhere.jsonl: expected a file, got none; check its name"),
        (
            ["--json", "--table", "nowhere"],
            "nowhere: expected a Parquet file or a folder, got none; a table of a database needs --engine",
        ),
        (
            ["--json", "--table", "x", "--what-if", "EU: regions=eu"],
            (
                "what-if: expected a report of the ledger or of a log, got one of a table (--table): "
                "there is no request to decide again"
            ),
        ),
    ],
)
def test_what_does_not_go_together_is_said_at_once(run: Run, arguments: list[str], fault: str) -> None:
    """One line that says what was expected."""
    with pytest.raises(InvalidRequestError) as caught:
        run(*arguments)
    assert str(caught.value) == fault


@pytest.mark.parametrize("mlflow", [False, True])
def test_without_a_ledger_there_is_no_report(run: Run, tmp_path: Path, mlflow: bool) -> None:
    """Reading makes no ledger, nor a home for MLflow; the page is not begun."""
    with pytest.raises(NotFoundError) as caught:
        run("--out", tmp_path / "r.html", mlflow=mlflow)
    assert str(caught.value) == (
        f"{tmp_path}/home: no ledger here; name its folder with --home or CLEARWAY_HOME"
    )
    assert list(tmp_path.iterdir()) == []


def test_without_rows_nothing_is_written(run: Run, tmp_path: Path) -> None:
    """The rows are looked for before MLflow's database is made."""
    with pytest.raises(InvalidRequestError):
        run("--out", tmp_path / "r.html", "--table", tmp_path / "none", mlflow=True)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_cannot_be_used_is_said_before_the_work(
    run: Run, ledger_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log of hours is not decided for a misspelt address; no password of it is repeated."""
    monkeypatch.delattr("training.report.sources.from_ledger.gather")
    with pytest.raises(ConfigurationError) as caught:
        run("--json", "--engine", "mysql://ana:secret@host/database")
    assert str(caught.value) == (
        "engine: expected one of duckdb://FILE, postgresql://USER@HOST/DB, spark://HOST:PORT, local[*], "
        "got an address of another kind"
    )


def test_an_mlflow_that_cannot_be_used_is_said_before_the_work(
    run: Run, ledger_home: Path, tmp_path: Path
) -> None:
    """Nothing is written; `--no-mlflow` is the way round."""
    (ledger_home / "mlflow.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError, match=r"mlflow\.db"):
        run("--out", tmp_path / "r.html", mlflow=True)
    assert not (tmp_path / "r.html").exists()


def test_an_mlflow_that_fails_late_does_not_take_the_report_along(
    run: Run, ledger_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are written, and a line on stderr says what is missing."""

    def fail(*_: Any) -> None:
        raise ConfigurationError("mlflow.db: the disk is full")

    monkeypatch.setattr(MlflowTracker, "client", lambda _: None)
    monkeypatch.setattr("training.report.mlflow_log.report_run", fail)
    result = run("--out", tmp_path / "r.html", mlflow=True)
    assert result.exit_code == 0
    assert "not kept in MLflow: mlflow.db: the disk is full" in result.stderr
    assert made(tmp_path / "r.html").mlflow == {}


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupted_run_says_how_to_go_on(
    run: Run, ledger_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """Exit 1, one line, no page; DuckDB makes an exception of its own of Ctrl-C."""

    def stop(*_: Any, **__: Any) -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise fault

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr("training.report.sources.from_ledger.gather", stop)
    result = run("--out", tmp_path / "r.html")
    assert (result.exit_code, result.stderr.splitlines()) == (1, ["interrupted; nothing was written"])
    assert not (tmp_path / "r.html").exists()
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupted_log_goes_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its finished pieces stay, and the line says so."""

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    log = tmp_path / "log.jsonl"
    log.touch()
    monkeypatch.setattr("training.report.sources.from_log.gather", stop)
    result = run("--out", tmp_path / "r.html", "--log", log)
    assert (result.exit_code, result.stderr) == (
        1,
        "interrupted; the same command goes on where it stopped\n",
    )


def test_a_report_that_was_written_before_the_interruption_is_not_denied(
    run: Run, ledger_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while MLflow copies comes after the files."""

    def stop(_report: Report, files: ReportFiles, *_: Any) -> None:
        files.html.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("training.report.assembly.finished", stop)
    result = run("--out", tmp_path / "r.html")
    assert result.stderr.splitlines()[-1] == "interrupted; the report was written"


def test_another_fault_is_not_taken_for_an_interruption(
    run: Run, ledger_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Ctrl-C a defect stays one."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("training.report.sources.from_ledger.gather", fail)
    assert isinstance(run("--out", tmp_path / "r.html").exception, RuntimeError)
