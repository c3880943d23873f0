"""The command line of the sensitivity bundle, and what MLflow is told of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clearway.promotion import Check
from clearway.sensitivity.bundle import SensitivityManifest
from clearway.sensitivity.class_model import ClassSettings
from clearway.sensitivity.evidence import specification_sha256
from training.bundle_writer import write_bundle
from training.sensitivity.class_report import measure
from training.sensitivity.class_training import FittedClass, graph_of
from training.sensitivity.cli import app
from training.sensitivity.samples import CLASSES, Sample
from training.sensitivity.tracking import SensitivityTracker

DATA = {"sha256": "0" * 64, "sources": {"generator": {"n_train": 1}}, "n_train": 1, "n_test": 1}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle that found nothing."""
    sample = Sample(("text",), frozenset({"contact"}), frozenset(), (), "g", "generator", "positive")
    metrics = {
        "data": DATA,
        "held_out": measure([sample], [frozenset()]),
        "parity": {"integer_ppm": 1},
    }
    fitted = {name: FittedClass((), 500_000) for name in CLASSES}
    thresholds = dict.fromkeys(CLASSES, 500_000)
    files = {
        "classes.onnx": graph_of(fitted),
        "classes.json": ClassSettings(thresholds, {}, specification_sha256()).to_json(),
        "tagger.onnx": b"",
        "tagger.json": b"",
        "metrics.json": json.dumps(metrics).encode(),
        "card.md": b"",
    }
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    write_bundle(tmp_path / "bundle", files, SensitivityManifest("n", "1", digests, "0" * 64, {}))
    return tmp_path / "bundle"


def test_the_gate_command_refuses_what_misses_everything(bundle: Path) -> None:
    """Exit 1, and the JSON names each check."""
    result = CliRunner().invoke(app, ["gate", str(bundle), "--json"])
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["passed"] is False
    checks = {check["check"]: check for check in said["checks"]}
    assert (checks["recall.contact"]["value"], checks["recall.contact"]["limit"]) == (0, 970_000)
    assert checks["recall.health"]["value"] is None
    assert "recall.contact" in CliRunner().invoke(app, ["gate", str(bundle)]).stdout


def test_the_promote_command_refuses_what_the_gate_does(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 with the checks, and no record; what passes is on the ledger, and it says how to serve it."""
    monkeypatch.setattr("clearway.sensitivity_promotion.load_detector", lambda *_, **__: None)
    said = ["--approver", "Ana", "--reason", "our words", "--home", str(tmp_path / "home")]
    arguments = ["promote", str(bundle), *said]
    refused = CliRunner().invoke(app, [*arguments, "--json"])
    assert refused.exit_code == 1
    found = json.loads(refused.stdout)
    assert (found["promoted"], found["record"], found["gate"]["passed"]) == (False, None, False)
    assert "recall.contact" in {check["check"] for check in found["gate"]["checks"] if not check["passed"]}
    text = CliRunner().invoke(app, arguments)
    assert "refused: n 1 fails" in text.stdout
    passed = (Check("recall.contact", 1, 0, "ppm", "at_least"),)
    monkeypatch.setattr("training.sensitivity.gate.judge_bundle", lambda *_: passed)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "promoted: n 1, ledger entry 0" in done.stdout
    assert "serve it with: --sensitivity " in done.stdout


def test_a_run_is_kept_with_its_shares(bundle: Path, tmp_path: Path) -> None:
    """MLflow has recall with its bounds and the digest of the bundle, and no text."""
    metrics = json.loads((bundle / "metrics.json").read_text())
    tracker = SensitivityTracker(tmp_path / "home")
    with tracker.start("clearway-sensitivity") as entry:
        tracker.finish(bundle, "0" * 64, {"seed": 0}, metrics)
    client = tracker.client()
    kept = client.get_run(entry.run_id).data
    assert kept.metrics["recall.contact"] == 0.0
    assert kept.metrics["recall.contact.high"] == 0.975
    assert kept.params == {"seed": "0"}
    version = client.get_model_version_by_alias("clearway-sensitivity", "challenger")
    assert version.tags["bundle_sha256"] == "0" * 64
