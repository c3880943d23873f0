"""Train, export, write, load, score; with MLflow and without; from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from clearway.bundle import RegistryEntry, load_bundle
from clearway.complexity import OnnxComplexityModel
from clearway.errors import (
    BundleError,
    ConfigurationError,
    InvalidRequestError,
    TrainingDataError,
)
from clearway.request import Caller, Part, Request
from training import corpora
from training.answers_cli import app as answers_app
from training.cli import train
from training.pipeline import Plan, Trained, train_classifier

APP = typer.Typer()
APP.command()(train)


@pytest.fixture(scope="module")
def table(answers: pd.DataFrame) -> pd.DataFrame:
    """The answers as read from a file."""
    return corpora.check_answers(answers)


@pytest.fixture(scope="module")
def trained(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One training without MLflow."""
    return train_classifier(table, Plan(out=tmp_path_factory.mktemp("t") / "bundle", min_answers=50))


def test_bundle_loads_and_scores(trained: Trained) -> None:
    """What training wrote, the service reads."""
    model = OnnxComplexityModel(load_bundle(trained.folder, trusted={trained.sha256}))
    request = Request("r", Caller("a"), "p", (Part("messages[0].content", "user", "easy words here"),))
    assert set(model.score(request).success_ppm) == {"strong", "tiny", "weak"}
    assert trained.models == ("strong", "tiny", "weak")


def test_same_data_and_seed_same_bundle(trained: Trained, answers: pd.DataFrame, tmp_path: Path) -> None:
    """Every byte is the same, even when the rows come in another order."""
    other_order = corpora.check_answers(answers.sample(frac=1, random_state=5))
    again = train_classifier(other_order, Plan(out=tmp_path / "again", min_answers=50))
    assert again.sha256 == trained.sha256
    for file in trained.folder.iterdir():
        assert file.read_bytes() == (again.folder / file.name).read_bytes()


def test_another_seed_another_bundle(trained: Trained, table: pd.DataFrame, tmp_path: Path) -> None:
    """The seed decides the split, and so the weights."""
    other = train_classifier(table, Plan(out=tmp_path / "other", min_answers=50, seed=1))
    assert other.sha256 != trained.sha256


def test_metrics_beat_the_baselines(trained: Trained) -> None:
    """On made-up data with a strong signal; each metric has its interval, for each source and all."""
    by_source = trained.metrics["by_source"]
    assert set(by_source) == {"all", "routellm_gsm8k", "zeroeval_gsm"}
    every = by_source["all"]
    assert every["model"]["log_loss"]["value"] < every["constant"]["log_loss"]["value"]
    assert every["model"]["auc"]["value"] > every["shuffled"]["auc"]["value"]
    assert set(every["model"]) == {"auc", "log_loss", "brier", "ece"}
    for metric in every["model"].values():
        assert metric["low"] <= metric["high"]


def test_card_says_what_it_is(trained: Trained) -> None:
    """Data, licences, baselines, failures, versions."""
    card = (trained.folder / "card.md").read_text()
    for text in ("Apache-2.0", "shuffled grades", "constant per model", "## Known failures", "scikit-learn"):
        assert text in card


def test_bundles_are_never_overwritten(trained: Trained, table: pd.DataFrame) -> None:
    """The folder is checked before any work is done."""
    with pytest.raises(BundleError) as caught:
        train_classifier(table, Plan(out=trained.folder, min_answers=50))
    assert str(caught.value) == (
        f"{trained.folder}: expected no such folder yet, got one; bundles are never overwritten"
    )


def test_one_question_cannot_be_split(table: pd.DataFrame, tmp_path: Path) -> None:
    """Nothing is left to measure on."""
    with pytest.raises(TrainingDataError) as caught:
        train_classifier(table.assign(prompt_key="one"), Plan(out=tmp_path / "b", min_answers=50))
    assert str(caught.value) == (
        "prompt_key: expected questions on both sides of the split, got one side; add answers"
    )


def test_lengths_are_needed(answers: pd.DataFrame, tmp_path: Path) -> None:
    """Expected cost hangs on them."""
    table = corpora.check_answers(answers.drop(columns="output_tokens"))
    with pytest.raises(TrainingDataError) as caught:
        train_classifier(table, Plan(out=tmp_path / "b", min_answers=50))
    assert str(caught.value) == "output_tokens: expected at least one count, got none; see data/corpora.md"
    assert not list(tmp_path.iterdir())


class _Tracker:
    """A tracker that gives version 7 and then fails."""

    @contextmanager
    def start(self, name: str) -> Iterator[RegistryEntry]:
        yield RegistryEntry(name, "7", "run")

    def finish(
        self, folder: Path, sha256: str, params: Mapping[str, object], metrics: Mapping[str, Any]
    ) -> None:
        raise ConfigurationError("no registry")


def test_a_version_that_was_not_kept_leaves_no_bundle(table: pd.DataFrame, tmp_path: Path) -> None:
    """A manifest never names a version that its registry does not have."""
    with pytest.raises(ConfigurationError):
        train_classifier(table, Plan(out=tmp_path / "b", min_answers=50), tracker=_Tracker())
    assert not list(tmp_path.iterdir())


def test_command_line_json(answers: pd.DataFrame, trained: Trained, tmp_path: Path) -> None:
    """One JSON object on stdout, and the same bundle as from Python."""
    answers.to_csv(tmp_path / "mine.csv", index=False)
    options = ["--answers", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "b"), "--min-answers", "50"]
    done = CliRunner().invoke(APP, [*options, "--no-mlflow", "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["sha256"] == trained.sha256
    assert result["reference_models"] == ["strong", "tiny", "weak"]
    assert result["mlflow"] is None


def test_command_line_for_people(
    answers: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table, who was left out, where the bundle is; the next run gets the next folder."""
    monkeypatch.setenv("CLEARWAY_HOME", str(tmp_path))
    monkeypatch.setenv("CLEARWAY_CORPORA", str(tmp_path))
    (tmp_path / "routing").mkdir()
    few = answers[(answers["model_canonical"] != "tiny") | (answers.index < 60)]
    few.to_parquet(tmp_path / "routing" / "graded_answers.parquet")
    done = CliRunner().invoke(APP, ["--min-answers", "50", "--no-mlflow", "--source", "zeroeval_gsm"])
    assert done.exit_code == 0, done.output
    assert "left out: tiny: 13 graded answers, fewer than 50" in done.stdout
    assert f"bundle: {tmp_path}/bundles/clearway-complexity-1\n" in done.stdout
    again = CliRunner().invoke(APP, ["--min-answers", "50", "--no-mlflow"])
    assert f"bundle: {tmp_path}/bundles/clearway-complexity-2\n" in again.stdout


def test_command_line_says_what_is_missing(tmp_path: Path) -> None:
    """Wrong use of the real program is exit 2, one line with the remedy on stderr, nothing on stdout."""
    done = subprocess.run(
        [sys.executable, "-c", "from clearway.commands import main; main()", "train"],
        capture_output=True,
        text=True,
        check=False,
        env={"CLEARWAY_HOME": str(tmp_path), "PATH": ""},
        timeout=60,
    )
    assert done.stderr == (
        "error: CLEARWAY_CORPORA: expected the folder that holds routing/graded_answers.parquet, got "
        "nothing; data/corpora.md says where the corpora come from. Or give your own table: --answers FILE\n"
    )
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("name", ["", "a/b", "../a", "-a", "a b", "a:b", "a\nb", "é", "x" * 65])
def test_a_name_is_checked_before_any_work(name: str, tmp_path: Path) -> None:
    """It becomes a folder and a registered version; the table is not even looked for."""
    options = ["--answers", str(tmp_path / "none.csv"), "--name", name]
    done = CliRunner().invoke(APP, options, env={"CLEARWAY_HOME": str(tmp_path / "home")})
    assert isinstance(done.exception, InvalidRequestError)
    assert str(done.exception) == (
        "name: expected up to 64 letters, digits and ._-, first a letter or digit, got another; "
        "choose another --name"
    )
    assert not list(tmp_path.iterdir())


def test_fifty_answers_a_model_are_enough(answers: pd.DataFrame, tmp_path: Path) -> None:
    """A new user's table of 120 a model trains without an option, and `answers check` says the same."""
    answers.to_csv(tmp_path / "mine.csv", index=False)
    path = ["--answers", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "b"), "--no-mlflow", "--json"]
    result = json.loads(CliRunner().invoke(APP, path).stdout)
    assert result["excluded"] == {}
    checked = CliRunner().invoke(answers_app, ["check", str(tmp_path / "mine.csv"), "--json"])
    assert [f for f in json.loads(checked.stdout)["findings"] if f["severity"] == "excluded"] == []
