"""Corpora and generated text in, sensitivity bundle out: one straight line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from clearway.bundle import CARD, METRICS, RegistryEntry
from clearway.errors import TrainingDataError
from clearway.ledger.canonical import sha256_hex
from clearway.sensitivity.bundle import TAGGER, TAGGER_SETTINGS, SensitivityManifest
from clearway.sensitivity.class_model import CLASS_MODEL, CLASS_SETTINGS, PPM, ClassModel, ClassSettings
from clearway.sensitivity.evidence import specification_sha256
from training.bundle_writer import check_free, library_versions, write_bundle
from training.pipeline import Report, Tracker
from training.sensitivity import DEFAULT_NAME, N_GENERATED
from training.sensitivity.card import render_card
from training.sensitivity.class_evidence import Find, gather
from training.sensitivity.class_learning import Rows, score_class
from training.sensitivity.class_report import flagged_classes, measure
from training.sensitivity.class_training import FittedClass, graph_of, learn_classes
from training.sensitivity.samples import (
    Sample,
    Split,
    clean_conversations,
    corpus_samples,
    data_sha256,
    generated_samples,
    session_samples,
)
from training.sensitivity.tagger_training import train_tagger

TURNS: Final = 20
# Most that the integer graph may differ from the fitted weights.
QUANTUM_PPM: Final = 10
_GENERATED_PER_SESSION: Final = 40


@dataclass(frozen=True)
class Plan:
    """What to train.

    Attributes:
        out: Folder of the bundle; must not exist.
        data: Holds the class table, the word lists and the lists of names.
        corpora: Folder `pii` of the shared corpora; None to learn from generated text only, with a tagger.
        name: Name of the model.
        version: Used where no tracker gives one; by default the digest of the class model.
        n_generated: Generated examples on each side of the split.
        seed: Of the generator.
        tagger: Folder with a trained tagger; None to train it.
    """

    out: Path
    data: Path
    corpora: Path | None = None
    name: str = DEFAULT_NAME
    version: str | None = None
    n_generated: int = N_GENERATED
    seed: int = 0
    tagger: Path | None = None


@dataclass(frozen=True)
class Trained:
    """What came out.

    Attributes:
        folder: Of the bundle.
        sha256: The bundle's digest.
        metrics: As in `metrics.json`.
        mlflow: Where the run is kept, or None.
    """

    folder: Path
    sha256: str
    metrics: Mapping[str, Any]
    mlflow: RegistryEntry | None


MakeFind = Callable[[Path, Path], Find]


def train_sensitivity(
    plan: Plan, make_find: MakeFind, *, tracker: Tracker | None = None, report: Report = lambda _: None
) -> Trained:
    """Train the tagger, find with it, learn the classes, measure on held-out templates, write.

    Args:
        plan: What to train.
        make_find: Recognisers in service, of the data folder and the folder with the tagger.
        tracker: Where to keep the run; nowhere when None.
        report: Told what is being done.

    Raises:
        TrainingDataError: The corpora are missing, or a check of the export fails.
        BundleError: The folder exists.
    """
    check_free(plan.out)
    with threadpool_limits(limits=1), tempfile.TemporaryDirectory() as temporary:
        tagger = plan.tagger or Path(temporary)
        if plan.tagger is None:
            report("learning names")
            train_tagger(_corpora_for_names(plan), plan.data, tagger)
        tagger_files = {name: (tagger / name).read_bytes() for name in (TAGGER, TAGGER_SETTINGS)}
        find = make_find(plan.data, tagger)
        report("finding evidence in training texts")
        train = samples_of("train", plan)
        rows = gather(train, find)
        report("learning classes")
        fitted = learn_classes(rows, train)
        report("measuring on held-out texts")
        test = samples_of("test", plan)
        held_out = gather(test, find)
    model = graph_of(fitted)
    metrics = _measure(model, fitted, test, held_out)
    metrics["data"] = _data_facts(train, test)
    settings = _settings(fitted, metrics)
    files = {
        **tagger_files,
        CLASS_MODEL: model,
        CLASS_SETTINGS: settings.to_json(),
        METRICS: (json.dumps(metrics, indent=1, sort_keys=True) + "\n").encode(),
        CARD: render_card(plan.name, metrics, library_versions()).encode(),
    }
    sha256, entry = _write(plan, files, metrics, tracker)
    return Trained(plan.out, sha256, metrics, entry)


def _corpora_for_names(plan: Plan) -> Path:
    if plan.corpora is None:
        raise TrainingDataError(
            "corpora: expected the shared corpora to learn names from, got none; set tagger"
        )
    return plan.corpora


def samples_of(split: Split, plan: Plan) -> list[Sample]:
    """All samples on one side: corpora, generated texts and conversations."""
    corpora = corpus_samples(plan.corpora, split) if plan.corpora else []
    clean = [s for s in corpora if s.kind == "clean" and s.source != "wikigold"]
    return [
        *corpora,
        *generated_samples(split, plan.n_generated, plan.seed),
        *session_samples(split, plan.n_generated // _GENERATED_PER_SESSION, plan.seed),
        *clean_conversations(clean, TURNS),
    ]


def _measure(
    model: bytes, fitted: Mapping[str, FittedClass], test: Sequence[Sample], rows: Rows
) -> dict[str, Any]:
    """Held-out measures, and how far the integer graph is from the fitted weights."""
    served = ClassModel(model, _settings(fitted, {}))
    gap = _gap_ppm(served, fitted, rows)
    if gap > QUANTUM_PPM:
        raise TrainingDataError(
            f"{CLASS_MODEL}: expected at most {QUANTUM_PPM} ppm from the fitted weights, got {gap}"
        )
    held_out = measure(test, flagged_classes(served, rows))
    return {"held_out": held_out, "parity": {"integer_ppm": gap}}


def _gap_ppm(model: ClassModel, fitted: Mapping[str, FittedClass], rows: Rows) -> int:
    exact = {name: expit(score_class(rows, learned.heads)) * PPM for name, learned in fitted.items()}
    worst = 0.0
    for index in np.unique(rows.request).tolist():
        ppm = model.predict_ppm(rows.values[rows.request == index])
        worst = max(worst, *(abs(ppm.get(name, 0) - exact[name][index]) for name in fitted))
    return int(np.ceil(worst))


def _settings(fitted: Mapping[str, FittedClass], metrics: Mapping[str, Any]) -> ClassSettings:
    measured = metrics.get("held_out", {})
    rates = {
        name: {key: measured[key][name] for key in ("recall", "false_pins_by_class", "twins_by_class")}
        for name in (fitted if measured else ())
    }
    thresholds = {name: learned.threshold_ppm for name, learned in fitted.items()}
    return ClassSettings(thresholds, rates, specification_sha256())


def _data_facts(train: Sequence[Sample], test: Sequence[Sample]) -> dict[str, Any]:
    sources = sorted({sample.source for sample in train})
    return {
        "sha256": data_sha256([*train, *test]),
        "n_train": len(train),
        "n_test": len(test),
        "sources": {
            source: {
                "n_train": sum(s.source == source for s in train),
                "n_test": sum(s.source == source for s in test),
                "n_train_templates": len({s.group for s in train if s.source == source}),
                "n_test_templates": len({s.group for s in test if s.source == source}),
            }
            for source in sources
        },
    }


def _write(
    plan: Plan, files: Mapping[str, bytes], metrics: Mapping[str, Any], tracker: Tracker | None
) -> tuple[str, RegistryEntry | None]:
    """Write the bundle under the version that the tracker gives it; its digest and registry entry."""
    run: AbstractContextManager[RegistryEntry | None] = tracker.start(plan.name) if tracker else nullcontext()
    with run as entry:
        manifest = SensitivityManifest(
            name=plan.name,
            version=entry.version
            if entry
            else plan.version or f"model-{sha256_hex(files[CLASS_MODEL])[:12]}",
            files={name: sha256_hex(content) for name, content in files.items()},
            training_data_sha256=metrics["data"]["sha256"],
            libraries=library_versions(),
            mlflow=entry,
        )
        sha256 = write_bundle(plan.out, files, manifest)
        if tracker:
            params = {"n_generated": plan.n_generated, "seed": plan.seed}
            tracker.finish(plan.out, sha256, params, metrics)
    return sha256, entry
