"""Training runs of the sensitivity detector in MLflow: the same database, registry and aliases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from clearway.sensitivity.class_model import CLASS_MODEL
from training.tracking import DIGEST_CHARACTERS, MlflowTracker


class SensitivityTracker(MlflowTracker):
    """Keeps recall, false pins and pairs of a run with its bundle; no text goes to MLflow."""

    graph: ClassVar[str] = CLASS_MODEL

    def _dataset(self, metrics: Mapping[str, Any]) -> Any:
        from mlflow.entities import Dataset

        data = metrics["data"]
        return Dataset(
            name="texts with gold classes",
            digest=data["sha256"][:DIGEST_CHARACTERS],
            source_type="code",
            source=json.dumps({"tags": {"sources": ",".join(data["sources"]), "sha256": data["sha256"]}}),
            schema=json.dumps({"mlflow_colspec": [{"type": "string", "name": "text"}]}),
            profile=json.dumps(data["sources"]),
        )

    def _numbers(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        return dict(_shares(metrics["held_out"]))

    def _draw(self, metrics: Mapping[str, Any], folder: Path) -> bool:  # noqa: ARG002
        return False


def _shares(held_out: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """`recall.health`, `false_pins.all`, `pairs` and so on, each with its bounds."""
    for group, shares in held_out.items():
        named = {group: shares} if "value" in shares else {f"{group}.{k}": v for k, v in shares.items()}
        for name, share in named.items():
            for suffix, key in (("", "value"), (".low", "low"), (".high", "high")):
                if share.get(key) is not None:
                    yield f"{name}{suffix}", float(share[key])
