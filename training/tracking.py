"""Keeps training runs and registered versions in MLflow; nothing here is on the request path.

A version of the registry is a pointer; what decides is the bundle's own digest, kept as a tag of the version.
No prompt and no answer goes to MLflow: data are named by digest, counts and columns.
"""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import re
import shutil
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Final

import platformdirs

from clearway.bundle import MODEL, RegistryEntry
from clearway.errors import ConfigurationError, NotFoundError

EXPERIMENT: Final = "clearway-classifiers"
DATABASE: Final = "mlflow.db"
CHAMPION, CHALLENGER = "champion", "challenger"
BUNDLE_TAG: Final = "bundle_sha256"
# Where the bundle lies in the logged model, beside MLflow's own file about it.
BUNDLE_FOLDER: Final = "bundle"
_BUSY_S: Final = 5.0
# MLflow's limits: characters of a dataset's digest and of a parameter, entries of one call.
DIGEST_CHARACTERS: Final = 36
_PARAM_CHARACTERS: Final = 6_000
_BATCH: Final = 100
# Of MLflow's own text: enough to say `database is locked`.
_MESSAGE_CHARACTERS: Final = 200
# A name of a metric or parameter may hold these; a source of the user's own may hold others.
_FOREIGN = re.compile(r"[^A-Za-z0-9_. /-]")


def default_home() -> Path:
    """Folder of state: `CLEARWAY_HOME`, or the platform's user data folder."""
    return Path(os.environ.get("CLEARWAY_HOME") or platformdirs.user_data_dir("clearway"))


class MlflowTracker:
    """Runs in `mlflow.db`, artifacts beside it; MLflow is imported on first use, its telemetry off.

    Args:
        home: Folder of state; made when missing.
    """

    # The graph of a bundle that MLflow describes.
    graph: ClassVar[str] = MODEL

    def __init__(self, home: Path) -> None:
        self._home = home
        self._entry: RegistryEntry | None = None
        self._model_id = ""

    @contextmanager
    def start(self, name: str) -> Iterator[RegistryEntry]:
        """A run, and the registered version that its bundle will have: a manifest names both.

        When the body fails the version is deleted and the run is marked failed.

        Raises:
            ConfigurationError: MLflow's database cannot be used.
        """
        client = self.client()
        with faults(self._home):
            _register(client, name)
            experiment = self.experiment(client)
            run_id: str = client.create_run(experiment, run_name=f"train {name}").info.run_id
            model = client.create_logged_model(experiment, name, run_id, model_type="clearway bundle")
            # Not `models:/ID`: MLflow would look that up in its global database, not in this one.
            registered = client.create_model_version(name, model.artifact_location, run_id=run_id)
            versions = json.dumps([{"name": name, "version": registered.version}])
            client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": versions})
        self._entry = RegistryEntry(name, str(registered.version), run_id)
        self._model_id = model.model_id
        try:
            yield self._entry
        except BaseException:
            # Where MLflow cannot be told, the version has no digest, and so it cannot be staged.
            with suppress(ConfigurationError, NotFoundError), faults(self._home):
                client.delete_model_version(name, registered.version)
                client.finalize_logged_model(self._model_id, "FAILED")
                client.set_terminated(run_id, status="FAILED")
            raise
        with faults(self._home):
            client.finalize_logged_model(self._model_id, "READY")
            client.set_terminated(run_id)

    def finish(
        self, folder: Path, sha256: str, params: Mapping[str, object], metrics: Mapping[str, Any]
    ) -> None:
        """Keep data, parameters, metrics, plots and the bundle; its version becomes the challenger.

        Args:
            folder: The bundle.
            sha256: Its digest, kept as a tag of the version.
            params: Parameters of the training, by name.
            metrics: As in `metrics.json`.

        Raises:
            ConfigurationError: No run was started, or MLflow's database cannot be used.
        """
        if self._entry is None:
            raise ConfigurationError("tracker: expected a started run, got none")
        client, entry = self.client(), self._entry
        with faults(self._home):
            self._log_numbers(client, params, metrics)
            self._log_artifacts(client, folder, metrics)
            client.set_model_version_tag(entry.name, entry.version, BUNDLE_TAG, sha256)
            client.set_registered_model_alias(entry.name, CHALLENGER, entry.version)

    def client(self) -> Any:
        """MLflow's client of this home; it makes the database on first use, in some seconds.

        Raises:
            ConfigurationError: MLflow is not installed, or its database is locked, damaged or cannot be made.
        """
        mlflow = _import_mlflow()
        path = self._home / DATABASE
        try:
            self._home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{self._home}: cannot be created ({type(error).__name__}); choose a writable folder"
            ) from error
        uri = f"sqlite:///{path.resolve()}"
        with warnings.catch_warnings(), faults(self._home), _alone(self._home):
            _check_database(path)
            # MLflow 3.17 on SQLAlchemy 2.1; goes with the MLflow that stops using `noload`.
            warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
            return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def experiment(self, client: Any) -> str:
        """Id of the experiment that all runs are kept in; made when missing."""
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        location = (self._home / "mlflow-artifacts").resolve().as_uri()
        with _alone(self._home):
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is not None:
                return str(found.experiment_id)
            return str(client.create_experiment(EXPERIMENT, artifact_location=location))

    def _log_numbers(self, client: Any, params: Mapping[str, object], metrics: Mapping[str, Any]) -> None:
        """The data set, the parameters, and each metric tied to the data set and to the model."""
        from mlflow.entities import DatasetInput, InputTag, Metric, Param

        run_id, dataset, now = self._run_id, self._dataset(metrics), int(time.time() * 1000)
        client.log_inputs(
            run_id, [DatasetInput(dataset=dataset, tags=[InputTag("mlflow.data.context", "training")])]
        )
        texts = [Param(_name(key), str(value)[:_PARAM_CHARACTERS]) for key, value in params.items()]
        numbers = [
            Metric(
                _name(key),
                number,
                now,
                0,
                model_id=self._model_id,
                dataset_name=dataset.name,
                dataset_digest=dataset.digest,
            )
            for key, number in self._numbers(metrics).items()
        ]
        for start in range(0, len(texts), _BATCH):
            client.log_batch(run_id, params=texts[start : start + _BATCH])
        for start in range(0, len(numbers), _BATCH):
            client.log_batch(run_id, metrics=numbers[start : start + _BATCH])

    def _log_artifacts(self, client: Any, folder: Path, metrics: Mapping[str, Any]) -> None:
        """The bundle with its signature as the logged model, and the plots with the run."""
        from mlflow.entities import LoggedModelOutput

        with tempfile.TemporaryDirectory() as temporary:
            model, plots = Path(temporary, "model"), Path(temporary, "plots")
            shutil.copytree(folder, model / BUNDLE_FOLDER)
            _describe(model, self.graph, self._run_id, self._model_id)
            client.log_model_artifacts(self._model_id, str(model))
            if self._draw(metrics, plots):
                client.log_artifacts(self._run_id, str(plots), "plots")
        client.log_outputs(self._run_id, [LoggedModelOutput(self._model_id, 0)])

    def _dataset(self, metrics: Mapping[str, Any]) -> Any:
        return _dataset(metrics["data"])

    def _numbers(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        return flat_metrics(metrics)

    def _draw(self, metrics: Mapping[str, Any], folder: Path) -> bool:
        from training.run_plots import draw

        return draw(metrics, folder)

    @property
    def _run_id(self) -> str:
        return self._entry.run_id if self._entry else ""


@contextmanager
def faults(home: Path) -> Iterator[None]:
    """Turn MLflow's and the database's errors into ours; their own texts may hold whole statements.

    Raises:
        NotFoundError: MLflow has no such version, alias or run.
        ConfigurationError: Anything else.
    """
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    path = home / DATABASE
    try:
        yield
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotFoundError(f"{path}: {error.message}") from error
        raise ConfigurationError(
            f"{path}: MLflow refused: {str(error.message).splitlines()[0][:_MESSAGE_CHARACTERS]}"
        ) from error
    except (CommandError, SQLAlchemyError, OSError) as error:
        raise ConfigurationError(
            f"{path}: cannot be used ({type(error).__name__}); is it writable, does another process use it?"
        ) from error


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time makes MLflow's tables: two of them would undo each other's steps."""
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Of each source: `metric.source` of the model with its `.low` and `.high`, and of the baselines."""
    flat: dict[str, float | None] = {}
    for source, facts in metrics["by_source"].items():
        for predictor in ("model", "constant", "shuffled"):
            suffix = "" if predictor == "model" else f".{predictor}"
            for metric, value in facts.get(predictor, {}).items():
                flat[f"{metric}.{source}{suffix}"] = value["value"]
                if predictor == "model":
                    flat[f"{metric}.{source}.low"] = value["low"]
                    flat[f"{metric}.{source}.high"] = value["high"]
    return {key: number for key, number in flat.items() if number is not None and math.isfinite(number)}


def _import_mlflow() -> Any:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    if find_spec("mlflow") is None:
        raise ConfigurationError('mlflow: not installed; install it with: pip install "clearway[train]"')
    import mlflow  # seconds to import, and only training needs it

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return mlflow


def _check_database(path: Path) -> None:
    """Say at once what MLflow would try again for hours: a locked or damaged file."""
    if not path.exists():
        return
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
        ) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.sqlite_errorname}); is another process using it?"
        ) from error
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"{path}: expected MLflow's database, got something else; restore it or move it away"
        ) from error


def _register(client: Any, name: str) -> None:
    mlflow = _import_mlflow()
    try:
        client.create_registered_model(name, description="Staged with `clearway classifier stage`.")
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _dataset(data: Mapping[str, Any]) -> Any:
    """The graded answers as MLflow's data set: no row of them."""
    from mlflow.entities import Dataset

    from training.corpora import READ

    columns = [{"type": "double" if c in ("score", "output_tokens") else "string", "name": c} for c in READ]
    sources = {name: facts.get("n_answers") for name, facts in data["sources"].items()}
    return Dataset(
        name="graded answers",
        digest=data["sha256"][:DIGEST_CHARACTERS],
        source_type="code",
        source=json.dumps({"tags": {"sources": ",".join(sources), "sha256": data["sha256"]}}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"n_answers": data["n_answers"], "sources": sources}),
    )


def _describe(folder: Path, graph_file: str, run_id: str, model_id: str) -> None:
    """Write MLflow's own file about the model: what goes in and comes out, and how to load it."""
    import onnx
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    from training import scoring

    path = f"{BUNDLE_FOLDER}/{graph_file}"
    graph = onnx.load(folder / path, load_external_data=False).graph

    def schema(values: Any) -> Any:
        return Schema([TensorSpec(_dtype(value), _shape(value), value.name) for value in values])

    model = Model(
        run_id=run_id, model_id=model_id, signature=ModelSignature(schema(graph.input), schema(graph.output))
    )
    providers = ["CPUExecutionProvider"]
    model.add_flavor("onnx", onnx_version=version("onnx"), data=path, providers=providers)
    if graph_file == MODEL:
        scoring.offer(model, BUNDLE_FOLDER)
    model.save(str(folder / "MLmodel"))


def _dtype(value: Any) -> Any:
    from onnx.helper import tensor_dtype_to_np_dtype

    return tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)


def _shape(value: Any) -> tuple[int, ...]:
    """Sizes, -1 where any goes."""
    return tuple(d.dim_value if d.HasField("dim_value") else -1 for d in value.type.tensor_type.shape.dim)


def _name(text: str) -> str:
    return _FOREIGN.sub("_", text)
