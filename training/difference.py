"""What two bundles differ in: data, models, parameters, metrics, and the choices they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clearway.bundle import Bundle
from training.measurements import number_at, sources_of
from training.traffic import Traffic, share_moved, share_of_other_models

METRICS: Final = ("auc", "log_loss", "brier", "ece")
# What `metrics.json` holds that was set or chosen, not measured.
_PARAMETERS: Final = ("seed", "parameters")


def compare_bundles(before: Bundle, after: Bundle, traffic: Traffic) -> dict[str, Any]:
    """Everything that differs, as JSON.

    Args:
        before: One bundle.
        after: The other.
        traffic: Decided with both.
    """
    models = [set(bundle.manifest.reference_models) for bundle in (before, after)]
    destinations = [traffic.decide(bundle) for bundle in (before, after)]
    return {
        "a": _identity(before),
        "b": _identity(after),
        "same_model": before.manifest.files["model.onnx"] == after.manifest.files["model.onnx"],
        "models": {"added": sorted(models[1] - models[0]), "removed": sorted(models[0] - models[1])},
        "parameters": _changes(parameters(before), parameters(after)),
        "metrics": _changes(_metrics(before), _metrics(after), same_too=True),
        "traffic": {
            "sha256": traffic.sha256,
            "n_requests": len(traffic.requests),
            "share_of_other_models": round(share_of_other_models(*destinations), 6),
            "share_moved": round(share_moved(*destinations), 6),
        },
    }


def parameters(bundle: Bundle) -> dict[str, Any]:
    """What was set or chosen in training, with the sources and the libraries, by dotted name."""
    chosen = {name: bundle.metrics[name] for name in _PARAMETERS if name in bundle.metrics}
    data = bundle.metrics.get("data")
    sources = data.get("sources") if isinstance(data, Mapping) else None
    sources = sorted(sources) if isinstance(sources, Mapping) else []
    return _flat({**chosen, "sources": sources, "libraries": dict(bundle.manifest.libraries)})


def _identity(bundle: Bundle) -> dict[str, Any]:
    return {**bundle.identity.as_json(), "training_data_sha256": bundle.manifest.training_data_sha256}


def _metrics(bundle: Bundle) -> dict[str, Any]:
    return {
        f"{metric}.{source}": number_at(facts, "model", metric, "value")
        for source, facts in sources_of(bundle.metrics).items()
        for metric in METRICS
    }


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            flat |= _flat(inner, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = inner
    return flat


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, same_too: bool = False
) -> dict[str, dict[str, Any]]:
    """Value in a and in b by name, None where one has none."""
    return {
        name: {"a": before.get(name), "b": after.get(name)}
        for name in sorted({*before, *after})
        if same_too or before.get(name) != after.get(name)
    }
