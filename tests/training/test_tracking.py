"""A training run is in MLflow what a data scientist looks for, and holds no prompt."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from clearway.bundle import load_bundle
from clearway.errors import ConfigurationError
from training import corpora, run_plots, scoring
from training.pipeline import Plan, Trained, train_classifier
from training.tracking import EXPERIMENT, MlflowTracker, default_home, flat_metrics


@pytest.fixture(scope="module")
def kept_home(empty_registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of state that one training is kept in."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copy(empty_registry, folder)
    return folder


@pytest.fixture(scope="module")
def kept(answers: pd.DataFrame, kept_home: Path) -> Trained:
    """That training."""
    plan = Plan(out=kept_home / "b", min_answers=50)
    return train_classifier(corpora.check_answers(answers), plan, tracker=MlflowTracker(kept_home))


def test_a_run_keeps_data_numbers_plots_and_the_bundle(
    kept: Trained, kept_home: Path, answers: pd.DataFrame
) -> None:
    """The manifest names the version, its tag holds the manifest's digest, and it is the challenger."""
    entry, home = kept.mlflow, kept_home
    assert entry is not None
    bundle = load_bundle(home / "b", trusted={kept.sha256})
    assert bundle.manifest.mlflow == entry
    assert bundle.identity.version == entry.version == "1"
    client = MlflowTracker(home).client()
    version = client.get_model_version_by_alias(entry.name, "challenger")
    assert (str(version.version), version.run_id) == (entry.version, entry.run_id)
    assert version.tags["bundle_sha256"] == kept.sha256

    run = client.get_run(entry.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["training_data_sha256"] == kept.metrics["data"]["sha256"]
    facts = kept.metrics["by_source"]["all"]
    for key, value in (
        ("auc.all", facts["model"]["auc"]["value"]),
        ("auc.all.low", facts["model"]["auc"]["low"]),
        ("auc.all.high", facts["model"]["auc"]["high"]),
        ("auc.all.constant", facts["constant"]["auc"]["value"]),
    ):
        assert run.data.metrics[key] == value

    (data,) = run.inputs.dataset_inputs
    assert data.dataset.digest == kept.metrics["data"]["sha256"][:36]
    assert [tag.value for tag in data.tags] == ["training"]
    columns = [column["name"] for column in json.loads(data.dataset.schema)["mlflow_colspec"]]
    assert columns == list(corpora.READ)
    assert json.loads(data.dataset.profile)["n_answers"] == len(answers)

    plots = {file.path for file in client.list_artifacts(entry.run_id, "plots")}
    assert plots == {"plots/auc.png", "plots/reliability.png"}


def test_no_prompt_goes_to_mlflow(kept_home: Path, kept: Trained, answers: pd.DataFrame) -> None:
    """Not to its database, and not to its artifacts."""
    stored = b"".join(path.read_bytes() for path in kept_home.rglob("*") if path.is_file())
    assert kept.sha256.encode() in stored
    assert not [text for text in answers["prompt"] if text.encode() in stored]


def test_mlflow_itself_loads_the_model_and_shows_its_signature(
    kept: Trained, kept_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the alias, without a pickle: as what scores prompts, and as the integer graph."""
    import mlflow

    entry = kept.mlflow
    assert entry is not None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{kept_home}/mlflow.db")
    uri = f"models:/{entry.name}@challenger"
    signature = mlflow.models.get_model_info(uri).signature
    assert signature.inputs.input_names() == ["prompt"]
    assert signature.outputs.input_names() == list(scoring.COLUMNS)
    graph = mlflow.onnx.load_model(uri)
    assert graph.SerializeToString() == (kept_home / "b" / "model.onnx").read_bytes()
    assert not [path for path in kept_home.rglob("*") if path.suffix in {".pkl", ".pickle"}]


def test_the_logged_model_is_ready_and_has_the_metrics(kept: Trained, kept_home: Path) -> None:
    """In the experiment's list of models, tied to its run and its version."""
    entry = kept.mlflow
    assert entry is not None
    client = MlflowTracker(kept_home).client()
    (model,) = client.search_logged_models([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    assert (model.name, model.source_run_id, model.status.value) == (entry.name, entry.run_id, "READY")
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": entry.name, "version": 1}]
    assert "auc.all" in {metric.key for metric in model.metrics}


def test_two_runs_learn_the_same_model(
    kept: Trained, kept_home: Path, home: Path, answers: pd.DataFrame
) -> None:
    """Same data, seed and versions, same files; only the manifest names another run."""
    table = corpora.check_answers(answers.sample(frac=1, random_state=3))
    again = train_classifier(table, Plan(out=home / "c", min_answers=50), tracker=MlflowTracker(home))
    first, second = (load_bundle(f, trusted=None).manifest for f in (kept_home / "b", home / "c"))
    assert first.files == second.files
    assert first.mlflow != second.mlflow
    assert kept.sha256 != again.sha256


def test_a_run_that_fails_leaves_no_version(home: Path, answers: pd.DataFrame) -> None:
    """The run says that it failed, and the number is not in the registry."""

    class Broken(MlflowTracker):
        def finish(
            self, folder: Path, sha256: str, params: Mapping[str, object], metrics: Mapping[str, Any]
        ) -> None:
            """Fail."""
            raise ConfigurationError("disk full")

    table = corpora.check_answers(answers)
    with pytest.raises(ConfigurationError, match=r"^disk full$"):
        train_classifier(table, Plan(out=home / "c", min_answers=50), tracker=Broken(home))
    client = MlflowTracker(home).client()
    assert not client.search_model_versions("name='clearway-complexity'")
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["FAILED"]
    assert not client.get_registered_model("clearway-complexity").aliases


def test_a_failure_is_told_even_where_mlflow_cannot_be(home: Path) -> None:
    """As when the disk is full for both: the first error is the one that helps."""

    def run() -> None:
        with MlflowTracker(home).start("n"):
            with sqlite3.connect(home / "mlflow.db") as database:
                database.execute("DROP TABLE model_versions")
            database.close()
            raise ConfigurationError("disk full")

    with pytest.raises(ConfigurationError, match=r"^disk full$"):
        run()


def test_a_run_is_a_run_without_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib is no dependency of training."""
    monkeypatch.setattr(run_plots, "find_spec", lambda _: None)
    assert not run_plots.draw({"by_source": {"all": {}}}, tmp_path / "plots")
    assert not (tmp_path / "plots").exists()


def test_plots_of_measurements_that_are_missing(tmp_path: Path) -> None:
    """One class, one source, no bins: still two plots."""
    unknown = {"auc": {"value": None, "low": None, "high": None}}
    facts = {"n_answers": 1, "model": unknown, "constant": unknown}
    assert run_plots.draw({"by_source": {"all": facts}}, tmp_path / "plots")
    assert len(list((tmp_path / "plots").iterdir())) == 2


def test_numbers_that_are_none_are_left_out() -> None:
    """MLflow has no place for them."""
    value = {"value": 0.5, "low": None, "high": float("nan")}
    metrics = {"by_source": {"all": {"n_answers": 3, "model": {"auc": value}, "reliability": []}}}
    assert flat_metrics(metrics) == {"auc.all": 0.5}


def test_a_source_of_any_name_is_kept(register: Any, home: Path) -> None:
    """MLflow allows few characters, and parameters of some length."""
    entry = register(params={"sources": "é:" * 5_000, "päram": 1})
    run = MlflowTracker(home).client().get_run(entry.run_id)
    assert len(run.data.params["sources"]) == 6_000
    assert run.data.params["p_ram"] == "1"


def test_a_name_that_mlflow_has_no_place_for_leaves_no_run(home: Path) -> None:
    """Told before anything is begun."""
    with pytest.raises(ConfigurationError, match=r"MLflow refused: .*name"), MlflowTracker(home).start("a/b"):
        pass
    assert MlflowTracker(home).client().get_experiment_by_name(EXPERIMENT) is None


def test_tracker_must_be_started(tmp_path: Path) -> None:
    """Order of use is checked."""
    with pytest.raises(ConfigurationError) as caught:
        MlflowTracker(tmp_path).finish(tmp_path, "", {}, {})
    assert str(caught.value) == "tracker: expected a started run, got none"


def test_home_is_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`CLEARWAY_HOME` wins over the platform's folder."""
    monkeypatch.setenv("CLEARWAY_HOME", "/state")
    assert default_home() == Path("/state")


def refusal(home: Path) -> str:
    """The text of the error."""
    with pytest.raises(ConfigurationError) as caught:
        MlflowTracker(home).client()
    return str(caught.value)


def test_a_database_that_is_none_is_refused_at_once(home: Path) -> None:
    """MLflow itself would try again for an hour."""
    (home / "mlflow.db").write_bytes(b"not a database" * 100)
    text = f"{home}/mlflow.db: expected MLflow's database, got something else; restore it or move it away"
    assert refusal(home) == text


def test_a_locked_database_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds, with what to look for."""
    monkeypatch.setattr("training.tracking._BUSY_S", 0.05)
    with sqlite3.connect(home / "mlflow.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        text = f"{home}/mlflow.db: cannot be read (SQLITE_BUSY); is another process using it?"
        assert refusal(home) == text
        other.execute("ROLLBACK")
    other.close()


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file stands in the way."""
    (tmp_path / "file").write_text("")
    home = tmp_path / "file" / "home"
    assert refusal(home) == f"{home}: cannot be created (NotADirectoryError); choose a writable folder"


def test_without_mlflow_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where only the service is installed."""
    monkeypatch.setattr("training.tracking.find_spec", lambda _: None)
    assert refusal(tmp_path) == 'mlflow: not installed; install it with: pip install "clearway[train]"'
