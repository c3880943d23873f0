"""Keeps training runs and registered versions in MLflow; nothing here is on the request path.

A version of the registry is a pointer; what decides is the bundle's own digest, kept as a tag of the version.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import platformdirs

from clearway.bundle import RegistryEntry
from clearway.errors import ConfigurationError

EXPERIMENT: Final = "clearway-classifiers"
_ARTIFACTS: Final = "bundle"


def default_home() -> Path:
    """Folder of state: `CLEARWAY_HOME`, or the platform's user data folder."""
    return Path(os.environ.get("CLEARWAY_HOME") or platformdirs.user_data_dir("clearway"))


class MlflowTracker:
    """Runs in `mlflow.db`, artifacts beside it; MLflow is imported on first use, its telemetry off.

    Args:
        home: Folder of state; made when missing.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._entry: RegistryEntry | None = None

    @contextmanager
    def start(self, name: str) -> Iterator[RegistryEntry]:
        """A run, and the registered version that its bundle will have: a manifest names both.

        When the body fails the version is deleted and the run is marked failed.
        """
        client = self.client()
        run = client.create_run(self._experiment(client))
        run_id: str = run.info.run_id
        _register(client, name)
        source = f"{run.info.artifact_uri}/{_ARTIFACTS}"
        registered = client.create_model_version(name, source, run_id=run_id)
        self._entry = RegistryEntry(name, str(registered.version), run_id)
        try:
            yield self._entry
        except BaseException:
            client.delete_model_version(name, registered.version)
            client.set_terminated(run_id, status="FAILED")
            raise
        client.set_terminated(run_id)

    def finish(
        self, folder: Path, sha256: str, params: Mapping[str, object], metrics: Mapping[str, Any]
    ) -> None:
        """Keep parameters, metrics of each source, the bundle, and its digest as a tag of the version.

        Raises:
            ConfigurationError: No run was started.
        """
        if self._entry is None:
            raise ConfigurationError("tracker: expected a started run, got none")
        client = self.client()
        for key, value in params.items():
            client.log_param(self._entry.run_id, key, value)
        for key, number in _flat_metrics(metrics).items():
            client.log_metric(self._entry.run_id, key, number)
        client.log_artifacts(self._entry.run_id, str(folder), _ARTIFACTS)
        client.set_model_version_tag(self._entry.name, self._entry.version, "bundle_sha256", sha256)

    def client(self) -> Any:
        """MLflow's client of this home; it makes the database on first use, in some seconds."""
        mlflow = _import_mlflow()
        self._home.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{(self._home / 'mlflow.db').resolve()}"
        with warnings.catch_warnings():
            # MLflow 3.17 on SQLAlchemy 2.1; goes with the MLflow that stops using `noload`.
            warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
            return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def _experiment(self, client: Any) -> str:
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        location = (self._home / "mlflow-artifacts").resolve().as_uri()
        return str(client.create_experiment(EXPERIMENT, artifact_location=location))


def _import_mlflow() -> Any:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    import mlflow  # seconds to import, and only training needs it

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


def _register(client: Any, name: str) -> None:
    mlflow = _import_mlflow()
    try:
        client.create_registered_model(name)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """`metric.source` to value, for the model's own predictions."""
    return {
        f"{metric}.{source}": value["value"]
        for source, facts in metrics["by_source"].items()
        for metric, value in facts["model"].items()
        if value["value"] is not None
    }
