"""`clearway answers` teaches: what is wrong and where, what was written, exit 0 or 1."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from clearway.errors import TrainingDataError
from training.answers_cli import Format, app
from training.importers import FORMATS

RUNNER = CliRunner()


def _wide(path: Path, score: float = 1.0, n_pairs: int = 3) -> None:
    rows = {
        "sample_id": [f"s{index}" for index in range(2 * n_pairs)],
        "prompt": [f"['Question {index}?']" for index in range(2 * n_pairs)],
        "eval_name": "task",
        "small": [score, 0.0] * n_pairs,
        "small|model_response": "['An answer.']",
        "small|total_cost": 0.1,
    }
    pd.DataFrame(rows).to_csv(path, index=False)


def test_check_says_usable(answers: pd.DataFrame, tmp_path: Path) -> None:
    """Exit 0, for people and for programs."""
    answers.to_csv(tmp_path / "a.csv", index=False)
    run = RUNNER.invoke(app, ["check", str(tmp_path / "a.csv"), "--min-answers", "50"])
    assert run.exit_code == 0
    assert run.stdout.splitlines()[-1] == "usable"
    run = RUNNER.invoke(app, ["check", str(tmp_path / "a.csv"), "--min-answers", "50", "--json"])
    facts = json.loads(run.stdout)
    assert facts["usable"]
    assert facts["sources"]["zeroeval_gsm"]["n_models"] == 3


def test_check_says_what_is_wrong(answers: pd.DataFrame, tmp_path: Path) -> None:
    """Exit 1; the table names column and rows."""
    answers.assign(score=[2.0, *[1.0] * 359]).to_csv(tmp_path / "a.csv", index=False)
    run = RUNNER.invoke(app, ["check", str(tmp_path / "a.csv")])
    assert run.exit_code == 1
    assert "expected a number from 0 to 1" in run.stdout
    assert run.stdout.splitlines()[-1] == "not usable"


def test_import_writes_what_check_accepts(tmp_path: Path) -> None:
    """From the wide table to a tidy one that is usable."""
    _wide(tmp_path / "wide.csv", n_pairs=20)
    out = tmp_path / "tidy.parquet"
    run = RUNNER.invoke(
        app, ["import", str(tmp_path / "wide.csv"), "--format", "routerbench", "--out", str(out)]
    )
    assert run.exit_code == 0
    assert "40 graded answers of 1 models to 40 questions: " in run.stdout
    assert f"next: clearway answers check {out}" in run.stdout
    run = RUNNER.invoke(app, ["check", str(out), "--min-answers", "5"])
    assert run.exit_code == 0


def test_import_with_errors_writes_nothing(tmp_path: Path) -> None:
    """Exit 1, no file, and the JSON says why."""
    _wide(tmp_path / "wide.csv", score=9.0)
    out = tmp_path / "tidy.parquet"
    options = ["import", str(tmp_path / "wide.csv"), "--format", "routerbench", "--out", str(out)]
    run = RUNNER.invoke(app, [*options, "--json"])
    assert run.exit_code == 1
    assert not out.exists()
    facts = json.loads(run.stdout)
    assert facts["written"] is None
    assert facts["findings"][0] == {
        "severity": "error",
        "column": "small",
        "text": "expected a number from 0 to 1",
        "n_rows": 3,
        "rows": [1, 3, 5],
    }
    assert RUNNER.invoke(app, options).stdout.splitlines()[-1] == "nothing was written"


def test_the_name_of_a_source_is_an_id(tmp_path: Path) -> None:
    """It stands in reports, so it holds no blanks."""
    _wide(tmp_path / "wide.csv")
    options = ["--format", "routerbench", "--out", str(tmp_path / "o.csv"), "--source", "my own"]
    run = RUNNER.invoke(app, ["import", str(tmp_path / "wide.csv"), *options])
    assert isinstance(run.exception, TrainingDataError)
    assert (
        str(run.exception) == "--source: expected up to 64 letters, digits and ._-, first a letter or digit"
    )


def test_every_format_can_be_asked_for() -> None:
    """The option's words are the formats."""
    assert [value.value for value in Format] == list(FORMATS)


@pytest.mark.parametrize("command", ["check", "import"])
def test_help_teaches(command: str) -> None:
    """Each command's help says what it does when all goes wrong."""
    assert "Exit" in RUNNER.invoke(app, [command, "--help"]).stdout
