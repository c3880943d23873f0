"""Keeps a report in MLflow beside the classifier version it judges: its files, and its main numbers.

Numbers and counts only, as everywhere in MLflow: no prompt and no answer is in a report.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clearway.errors import ConfigurationError, NotFoundError
from training.report.results import Estimate, Report
from training.tracking import BUNDLE_TAG, EXPERIMENT, MlflowTracker, faults

RUN_NAME: Final = "report"
# Tag of a registered version: the newest run that judged it.
REPORT_TAG: Final = "report_run_id"
ARTIFACTS: Final = "report"
_PARENT_TAG: Final = "mlflow.parentRunId"
_NUSD_PER_USD: Final = 1_000_000_000
# A tag holds 8,000 characters.
_MAX_DIGESTS: Final = 100
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ReportRun:
    """A run that is under way.

    Attributes:
        ids: What the page says of it: experiment, run, and the versions it judges.
    """

    ids: Mapping[str, str]
    _client: Any
    _home: Path

    def keep(self, files: Iterable[Path]) -> None:
        """Keep the report's files with the run.

        Raises:
            ConfigurationError: MLflow's database or its folder cannot be written.
        """
        with faults(self._home):
            for file in files:
                self._client.log_artifact(self.ids["run_id"], str(file), ARTIFACTS)


@contextmanager
def report_run(report: Report, home: Path) -> Iterator[ReportRun]:
    """A run with the report's numbers; its versions are tagged with it once the body is through.

    Args:
        report: Its numbers; the files come while the run is under way, because they name it.
        home: Folder of state, with MLflow's database; made when missing.

    Raises:
        ConfigurationError: MLflow is not installed, or its database cannot be used.
    """
    tracker = MlflowTracker(home)
    client = tracker.client()
    with faults(home):
        judged = _versions(client, report)
        run_id = client.create_run(
            tracker.experiment(client), run_name=RUN_NAME, tags=_tags(report, judged)
        ).info.run_id
    ids = {"experiment": EXPERIMENT, "run_id": run_id}
    if judged:
        ids["classifier_versions"] = ", ".join(f"{found.name} {found.version}" for found in judged)
    try:
        with faults(home):
            _log_numbers(client, run_id, report)
        yield ReportRun(ids, client, home)
    except BaseException:
        with suppress(ConfigurationError, NotFoundError), faults(home):
            client.set_terminated(run_id, status="FAILED")
        raise
    with faults(home):
        for found in judged:
            client.set_model_version_tag(found.name, found.version, REPORT_TAG, run_id)
        client.set_terminated(run_id)


def main_numbers(report: Report) -> dict[str, float]:
    """Metrics of the run: counts, money in US dollars, and each estimate with its interval."""
    counts, money, measures = report.counts, report.money, report.measures
    numbers: dict[str, float | None] = {
        "n_requests": counts.n_rows,
        "n_compared": counts.n_compared,
        "n_refused": counts.n_refused,
        "n_set_aside": counts.n_set_aside,
        "before_usd": money.before_nusd / _NUSD_PER_USD,
        "spent_usd": money.spent_nusd / _NUSD_PER_USD,
        "router_usd": money.router_nusd / _NUSD_PER_USD,
        "failed_usd": money.failed_nusd / _NUSD_PER_USD,
        "provider_count": measures.provider_count,
        "exposure_paths": measures.exposure_paths,
    }
    estimates = {
        "gross_saving": money.gross_saving,
        "net_saving": money.net_saving,
        "audit_completeness": measures.audit_completeness,
        "share_routable": measures.share_routable,
        "saving_routable": measures.saving_routable,
        **{f"saving.{arm.name}": arm.saving for arm in report.arms},
        **{f"quality.{arm.name}": arm.quality for arm in report.arms},
        **{f"quality_difference.{arm.name}": arm.quality_difference for arm in report.arms},
    }
    for name, estimate in estimates.items():
        numbers.update(_with_interval(name, estimate))
    return {
        name: float(value) for name, value in numbers.items() if value is not None and math.isfinite(value)
    }


def _with_interval(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {}
    return {name: estimate.value, f"{name}.low": estimate.low, f"{name}.high": estimate.high}


def _log_numbers(client: Any, run_id: str, report: Report) -> None:
    from mlflow.entities import Metric, Param

    now, about = int(time.time() * 1_000), report.about
    params = {
        "kind": about.kind,
        "engine": about.engine,
        "seed": about.seed,
        "n_resamples": about.n_resamples,
        "register": about.register,
    }
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in main_numbers(report).items()],
        params=[Param(name, str(value)) for name, value in params.items()],
    )


def _tags(report: Report, judged: list[Any]) -> dict[str, str]:
    """Digest of the classifier; the training run of its version is the parent, so that MLflow shows both."""
    digests = _digests(report)
    tags = (
        {"clearway.kind": RUN_NAME, BUNDLE_TAG: ",".join(digests[:_MAX_DIGESTS])}
        if digests
        else {"clearway.kind": RUN_NAME}
    )
    return tags | ({_PARENT_TAG: judged[0].run_id} if judged and judged[0].run_id else {})


def _versions(client: Any, report: Report) -> list[Any]:
    """Registered versions with the digests that decided, in the order of the digests."""
    return [
        found
        for digest in _digests(report)
        for found in client.search_model_versions(f"tags.{BUNDLE_TAG} = '{digest}'")
    ]


def _digests(report: Report) -> list[str]:
    """As tags hold them, and only what is a digest: they stand in a filter of MLflow."""
    found = (digest.removeprefix("sha256:") for digest in report.about.classifiers)
    return sorted(digest for digest in found if _SHA256.fullmatch(digest))
