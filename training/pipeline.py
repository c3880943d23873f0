"""Graded answers in, bundle out: one straight line."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clearway.bundle import RegistryEntry
from clearway.errors import InvalidRequestError, TrainingDataError
from clearway.features import FeatureSpecification
from clearway.ledger.canonical import sha256_hex
from training import DEFAULT_NAME, corpora, evaluation, sanity
from training.bundle_writer import bundle_files, check_free, library_versions, manifest_of, write_bundle
from training.card import render_card
from training.dataset import FloatArray, TrainingSet, build, cell_means, learn_specification, locate
from training.export import integer_graph, quantise
from training.learner import AdequacyModel, LengthModel
from training.learning import fit_learners
from training.parity import QUANTUM_PPM, check_float, check_integer

Report = Callable[[str], None]
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Tracker(Protocol):
    """Keeps runs; `training.tracking.MlflowTracker`, or nothing."""

    def start(self, name: str) -> AbstractContextManager[RegistryEntry]:
        """A run and the version that its bundle will have."""

    def finish(
        self, folder: Path, sha256: str, params: Mapping[str, object], metrics: Mapping[str, Any]
    ) -> None:
        """Keep what the run made."""


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
        out: Folder of the bundle; must not exist.
        min_answers: Fewer graded answers than this, and a model is left out.
        sources: Which sources to learn from; all that may train when empty.
        name: Name of the classifier.
        version: Used where no tracker gives one; by default the digest of the model, so that unregistered
            bundles of one name are told apart.
        seed: Of splits, shuffles and the bootstrap.

    Raises:
        InvalidRequestError: The name cannot be that of a folder and of a registered version.
    """

    out: Path
    min_answers: int
    sources: tuple[str, ...] = ()
    name: str = DEFAULT_NAME
    version: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidRequestError(
                "name: expected up to 64 letters, digits and ._-, first a letter or digit, got another; "
                "choose another --name"
            )


@dataclass(frozen=True)
class Trained:
    """What came out.

    Attributes:
        folder: Of the bundle.
        sha256: The bundle's digest.
        models: Reference models.
        excluded: Models left out, and why.
        metrics: As in `metrics.json`.
        mlflow: Where the run is kept, or None.
    """

    folder: Path
    sha256: str
    models: tuple[str, ...]
    excluded: Mapping[str, str]
    metrics: Mapping[str, Any]
    mlflow: RegistryEntry | None


@dataclass(frozen=True)
class _Split:
    """Graded answers on both sides, and what the learner sees of them."""

    specification: FeatureSpecification
    train_table: pd.DataFrame
    test_table: pd.DataFrame
    train: TrainingSet
    test: TrainingSet


def train_classifier(
    answers: pd.DataFrame, plan: Plan, *, tracker: Tracker | None = None, report: Report = lambda _: None
) -> Trained:
    """Learn, measure on held-out questions, export, check, write.

    The weights that are written are those that were measured: they never saw the held-out questions.

    Args:
        answers: From `corpora.read_answers`.
        plan: What to train.
        tracker: Where to keep the run; nowhere when None.
        report: Told what is being done.

    Raises:
        TrainingDataError: The answers cannot be learned from, or a check of the export fails.
        BundleError: The folder exists.
    """
    check_free(plan.out)
    table, excluded = corpora.select_models(corpora.select_sources(answers, plan.sources), plan.min_answers)
    with threadpool_limits(limits=1):  # one thread: the order of additions, and so the last bits, are fixed
        report(f"{len(table)} graded answers, {len(excluded)} models left out")
        split = _split(table, plan.seed)
        success, length = _learn(split.train, plan.seed, report)
        report("checking the export")
        model = integer_graph(quantise(success, length))
        gaps = {
            "float_probability": check_float(success, length, split.test.features),
            "integer_ppm": check_integer(model, success, length, split.test.integers, split.test.features),
        }
        metrics = _measure(split, success, length, plan.seed, report)
    metrics.update(data=_data_facts(table, excluded), parity={k: round(v, 9) for k, v in gaps.items()})
    card = render_card(plan.name, metrics, library_versions())
    files = bundle_files(model, split.specification, card, metrics)
    sha256, entry = _write(plan, split, files, metrics, tracker)
    return Trained(plan.out, sha256, split.train.models, excluded, metrics, entry)


def _write(
    plan: Plan, split: _Split, files: Mapping[str, bytes], metrics: Mapping[str, Any], tracker: Tracker | None
) -> tuple[str, RegistryEntry | None]:
    """Write the bundle under the version that the tracker gives it; its digest and registry entry."""
    run: AbstractContextManager[RegistryEntry | None] = tracker.start(plan.name) if tracker else nullcontext()
    with run as entry:
        manifest = manifest_of(
            files,
            name=plan.name,
            version=entry.version if entry else plan.version or _digest_version(files),
            specification=split.specification,
            reference_models=split.train.models,
            training_data_sha256=metrics["data"]["sha256"],
            quantum_ppm=QUANTUM_PPM,
            mlflow=entry,
        )
        sha256 = write_bundle(plan.out, files, manifest)
        if tracker:
            _keep(tracker, plan, sha256, metrics)
    return sha256, entry


def _digest_version(files: Mapping[str, bytes]) -> str:
    return f"model-{sha256_hex(files['model.onnx'])[:12]}"


def _split(table: pd.DataFrame, seed: int) -> _Split:
    test = corpora.held_out(table, seed)
    if test.all() or not test.any():
        raise TrainingDataError(
            "prompt_key: expected questions on both sides of the split, got one side; add answers"
        )
    train_table, test_table = table[~test], table[test]
    specification = learn_specification(sorted(train_table["prompt"].unique()))
    models = sorted(table["reference_model"].unique())
    return _Split(
        specification,
        train_table,
        test_table,
        build(train_table, models, specification),
        build(test_table, models, specification),
    )


def _learn(train: TrainingSet, seed: int, report: Report) -> tuple[AdequacyModel, LengthModel]:
    success, length = fit_learners(train, seed=seed, report=report)
    if length is None:
        raise TrainingDataError("output_tokens: expected at least one count, got none; see data/corpora.md")
    return success, length


def _measure(
    split: _Split, success: AdequacyModel, length: LengthModel, seed: int, report: Report
) -> dict[str, Any]:
    """Everything that `metrics.json` says but the data and the parity."""
    report("measuring on held-out questions, beside baselines")
    train, test = split.train, split.test
    row, column = locate(split.test_table, test.prompts, test.models)
    blind = success.refit(train.features, evaluation.shuffled(train.adequate, seed))
    predictions = {
        "model": success.predict_success(test.features)[row, column],
        "constant": evaluation.model_means(train.adequate)[column],
        "shuffled": blind.predict_success(test.features)[row, column],
    }
    every = split.test_table.assign(source="all")
    shown = sanity.estimates(success, split.specification)
    return {
        "by_source": evaluation.by_source(split.test_table, predictions, seed=seed)
        | evaluation.by_source(every, predictions, seed=seed),
        "by_slice": evaluation.by_slice(
            split.test_table, {name: predictions[name] for name in ("model", "constant")}, seed=seed
        ),
        "unseen_source": _unseen_sources(split, success, seed, report),
        "length": _lengths(split, length.predict_output_tokens(test.features)[row, column]),
        "parameters": {"success": success.get_params(), "length": length.get_params()},
        "sanity": {
            "prompts": list(sanity.PROMPTS),
            "success": {
                model: [round(float(p), 3) for p in shown[:, index]]
                for index, model in enumerate(train.models)
                if model in sanity.SHOWN
            },
            "pairs": sanity.pair_report(shown, train.models),
        },
        "seed": seed,
    }


def _lengths(split: _Split, predicted: FloatArray) -> dict[str, Any]:
    """How far lengths are off on the held-out answers of each source that counts them, and of all."""
    observed = split.test_table["output_tokens"].to_numpy(dtype=np.float64)
    sources = split.test_table["source"].to_numpy()
    counted = [source for source in sorted(set(sources)) if not np.isnan(observed[sources == source]).all()]
    errors: dict[str, Any] = {
        source: evaluation.length_error(predicted[sources == source], observed[sources == source])
        for source in counted
    }
    return {"all": evaluation.length_error(predicted, observed), **errors}


def _unseen_sources(split: _Split, success: AdequacyModel, seed: int, report: Report) -> dict[str, Any]:
    """Metrics on the held-out questions of each source by a learner that saw nothing of that source."""
    results: dict[str, Any] = {}
    for source in sorted(split.test_table["source"].unique()):
        known = split.train_table[split.train_table["source"] != source]
        models = set(known["reference_model"])
        table = split.test_table
        table = table[(table["source"] == source) & table["reference_model"].isin(models)]
        if not len(table):
            continue
        report(f"measuring {source} without having seen it")
        adequate = cell_means(known, split.train.prompts, split.train.models, "adequate")
        blind = success.refit(split.train.features, adequate)
        row, column = locate(table, split.test.prompts, split.test.models)
        predictions: dict[str, FloatArray] = {
            "model": blind.predict_success(split.test.features)[row, column],
            "constant": evaluation.model_means(adequate)[column],
        }
        results |= evaluation.by_source(table, predictions, seed=seed)
    return results


def _data_facts(table: pd.DataFrame, excluded: Mapping[str, str]) -> dict[str, Any]:
    groups = table.groupby("source")
    return {
        "sha256": corpora.data_digest(table),
        "n_answers": len(table),
        "n_questions": int(table["prompt_key"].nunique()),
        "sources": {
            str(source): {
                "n_answers": len(part),
                "n_models": int(part["reference_model"].nunique()),
                "threshold": corpora.rule_of(str(source)).threshold,
                "measure": corpora.rule_of(str(source)).measure,
                "licence": corpora.rule_of(str(source)).licence,
            }
            for source, part in groups
        },
        "models": {
            str(model): int(n) for model, n in table["reference_model"].value_counts().sort_index().items()
        },
        "excluded": dict(excluded),
    }


def _keep(tracker: Tracker, plan: Plan, sha256: str, metrics: Mapping[str, Any]) -> None:
    """Tell the tracker; a bundle that it did not keep is taken away, as its manifest would name nothing."""
    try:
        tracker.finish(plan.out, sha256, _params(plan, metrics), metrics)
    except BaseException:
        shutil.rmtree(plan.out, ignore_errors=True)
        raise


def _params(plan: Plan, metrics: Mapping[str, Any]) -> dict[str, object]:
    return {
        "sources": ",".join(metrics["data"]["sources"]),
        "min_answers": plan.min_answers,
        "seed": plan.seed,
        "training_data_sha256": metrics["data"]["sha256"],
        **{f"{head}_{k}": v for head, values in metrics["parameters"].items() for k, v in values.items()},
    }
