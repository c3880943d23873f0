"""A report is kept beside the classifier version that it judges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clearway.bundle import MANIFEST, RegistryEntry
from tests.training.report.example_report import bare_report, example_report
from training.report.mlflow_log import main_numbers, report_run
from training.report.results import Report
from training.tracking import EXPERIMENT, MlflowTracker

Register = Callable[..., RegistryEntry]


def judging(*digests: str) -> Report:
    """The example, of decisions by these classifiers."""
    report = example_report()
    return replace(report, about=replace(report.about, classifiers=dict.fromkeys(digests, "x 1")))


def registered_digest(home: Path, entry: RegistryEntry) -> str:
    """Digest of the bundle that was registered."""
    manifest = home / "bundles" / f"{entry.name}-{entry.version}" / MANIFEST
    return hashlib.sha256(manifest.read_bytes()).hexdigest()


def test_a_report_is_kept_beside_the_version_it_judges(
    home: Path, register: Register, tmp_path: Path
) -> None:
    """The version is tagged with the run, whose parent is the version's training, and which has the files."""
    register()
    entry = register()
    digest = registered_digest(home, entry)
    page = tmp_path / "report.html"
    page.write_text("page", encoding="utf-8")
    report = judging(digest)
    with report_run(report, home) as run:
        run.keep([page])
    run_id = run.ids["run_id"]
    assert dict(run.ids) == {
        "experiment": EXPERIMENT,
        "run_id": run_id,
        "classifier_versions": f"{entry.name} {entry.version}",
    }
    client = MlflowTracker(home).client()
    tags = {
        v.version: v.tags.get("report_run_id") for v in client.search_model_versions(f"name = '{entry.name}'")
    }
    assert {str(version): tag for version, tag in tags.items()} == {"1": None, "2": run_id}
    kept = client.get_run(run_id)
    assert (kept.info.status, kept.data.tags["mlflow.parentRunId"]) == ("FINISHED", entry.run_id)
    assert kept.data.tags["bundle_sha256"] == digest
    assert kept.data.metrics == main_numbers(report)
    assert [item.path for item in client.list_artifacts(run_id, "report")] == ["report/report.html"]


def test_a_classifier_that_is_not_registered_here_is_named_all_the_same(home: Path) -> None:
    """The shipped bundle was trained elsewhere; what is no digest is left out of the search."""
    with report_run(judging("ab" * 32, "' OR 1"), home) as run:
        pass
    assert set(run.ids) == {"experiment", "run_id"}
    tags = MlflowTracker(home).client().get_run(run.ids["run_id"]).data.tags
    assert tags["bundle_sha256"] == "ab" * 32
    assert "mlflow.parentRunId" not in tags


def test_a_report_that_fails_leaves_a_failed_run(home: Path, register: Register) -> None:
    """The version keeps the tag of its last whole report."""
    entry = register()
    started = []

    def fail() -> None:
        with report_run(judging(registered_digest(home, entry)), home) as run:
            started.append(run.ids["run_id"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    client = MlflowTracker(home).client()
    assert client.get_run(started[0]).info.status == "FAILED"
    assert "report_run_id" not in client.get_model_version(entry.name, entry.version).tags


def test_only_numbers_that_are_known_are_metrics() -> None:
    """Money is in US dollars; an estimate has its interval; what was not measured is absent."""
    numbers = main_numbers(example_report())
    assert (numbers["before_usd"], numbers["net_saving"], numbers["net_saving.low"]) == (
        92.418,
        0.33769,
        0.31907,
    )
    assert numbers["quality_difference.routed.high"] == 0.0036
    assert "quality.oracle" not in numbers
    assert set(main_numbers(bare_report())) == {
        "n_requests",
        "n_compared",
        "n_refused",
        "n_set_aside",
        "before_usd",
        "spent_usd",
        "router_usd",
        "failed_usd",
        "provider_count",
        "exposure_paths",
    }


def test_two_reports_may_make_the_database_at_once(tmp_path: Path) -> None:
    """The first report of a home makes MLflow's tables; a second one that comes meanwhile waits for it."""

    def kept(_: int) -> str:
        with report_run(bare_report(), tmp_path) as run:
            return run.ids["run_id"]

    with ThreadPoolExecutor(2) as pool:
        run_ids = set(pool.map(kept, range(2)))
    client = MlflowTracker(tmp_path).client()
    assert {run.info.run_id for run in client.search_runs([_experiment(client)])} == run_ids
    assert len(run_ids) == 2


def _experiment(client: Any) -> str:
    return str(client.get_experiment_by_name(EXPERIMENT).experiment_id)
