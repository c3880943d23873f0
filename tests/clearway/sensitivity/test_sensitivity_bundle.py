"""The sensitivity bundle: every byte verified, every fault named, and grading by its class model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from clearway.assessment import Finding, Level
from clearway.errors import SensitivityError
from clearway.request import Part
from clearway.sensitivity.bundle import FILES, SensitivityManifest, load_sensitivity_bundle
from clearway.sensitivity.class_model import PPM, ClassSettings
from clearway.sensitivity.evidence import COLUMNS, N_COLUMNS, specification_sha256
from clearway.sensitivity.grading import grade_evidence
from clearway.sensitivity.table import load_class_table
from training.bundle_writer import write_bundle
from training.sensitivity.class_export import class_graph

RESTORE = "restore the bundle or train it again"


def make_bundle(folder: Path) -> str:
    """A bundle whose model flags `contact` for any e-mail address; its digest."""
    weights = np.zeros((N_COLUMNS, 1))
    weights[COLUMNS.index("is.email"), 0] = 10.0
    files = {
        "classes.onnx": class_graph(weights, np.array([-5.0]), [[0]]),
        "classes.json": ClassSettings({"contact": PPM // 2}, {}, specification_sha256()).to_json(),
        "tagger.onnx": b"tagger",
        "tagger.json": b"{}",
        "metrics.json": b'{"held_out": {}}',
        "card.md": b"# card",
    }
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    manifest = SensitivityManifest("name", "1", digests, "0" * 64, {"onnx": "1"})
    return write_bundle(folder, files, manifest)


@pytest.fixture
def bundle_folder(tmp_path: Path) -> Path:
    """A tiny bundle."""
    make_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_bundle_loads_with_its_digest(tmp_path: Path) -> None:
    """Identity, card, metrics and files are those of the folder."""
    digest = make_bundle(tmp_path / "bundle")
    bundle = load_sensitivity_bundle(tmp_path / "bundle", trusted={digest})
    assert bundle.identity.as_json() == {"name": "name", "version": "1", "sha256": digest}
    assert (bundle.card, dict(bundle.metrics)) == ("# card", {"held_out": {}})
    assert set(bundle.files) == FILES
    assert dict(bundle.classes.thresholds_ppm) == {"contact": 500_000}


@pytest.mark.parametrize("name", sorted(FILES | {"manifest.json"}))
def test_a_missing_file_is_refused(bundle_folder: Path, name: str) -> None:
    """Each file is needed."""
    (bundle_folder / name).unlink()
    with pytest.raises(SensitivityError) as caught:
        load_sensitivity_bundle(bundle_folder)
    assert str(caught.value) == f"{bundle_folder / name}: expected a file, got none; {RESTORE}"


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_altered_file_is_refused(bundle_folder: Path, name: str) -> None:
    """One more byte is enough."""
    path = bundle_folder / name
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes() + b" ")
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(SensitivityError) as caught:
        load_sensitivity_bundle(bundle_folder)
    assert str(caught.value) == f"{path}: expected sha256 {expected}, got {got}; {RESTORE}"


def test_no_folder_names_the_remedy(tmp_path: Path) -> None:
    """The text says how a bundle is made."""
    with pytest.raises(SensitivityError) as caught:
        load_sensitivity_bundle(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path / 'none'}: expected a bundle folder, got none; restore it, or run make sensitivity-bundle"
    )


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 100_000, b'{"name": 1}'])
def test_a_manifest_that_is_none_is_refused(bundle_folder: Path, data: bytes) -> None:
    """Whatever stands there, the error is the same."""
    (bundle_folder / "manifest.json").write_bytes(data)
    with pytest.raises(SensitivityError) as caught:
        load_sensitivity_bundle(bundle_folder)
    assert str(caught.value) == (
        "manifest.json: expected the canonical manifest of a sensitivity bundle, got something else; "
        + RESTORE
    )


def test_an_untrusted_bundle_is_refused(bundle_folder: Path) -> None:
    """A whole bundle that nobody pinned decides nothing."""
    digest = hashlib.sha256((bundle_folder / "manifest.json").read_bytes()).hexdigest()
    with pytest.raises(SensitivityError) as caught:
        load_sensitivity_bundle(bundle_folder, trusted={"0" * 64})
    assert str(caught.value) == (
        f"{bundle_folder}: expected a pinned or promoted bundle, got manifest digest {digest}; "
        "restore the shipped one, or promote this one after review"
    )


def test_grading_flags_by_the_threshold_of_the_bundle(bundle_folder: Path, folder: Path) -> None:
    """Class, probability, level and notes of a request, the same for any order of its findings."""
    model, table = load_sensitivity_bundle(bundle_folder).classes, load_class_table(folder)
    parts = (Part("messages[0].content", "user", "write to a@example.com or Ana"),)
    findings = [Finding("PERSON", 26, 29, 500_000, 0), Finding("EMAIL_ADDRESS", 9, 22, 1_000_000, 0)]
    graded = grade_evidence(table, model, parts, findings, ["truncated"])
    assert graded.flagged == ("contact",)
    assert graded.classes_ppm["contact"] == 993_307
    assert graded.level is Level.RESTRICTED
    assert graded.notes == ("truncated",)
    assert [finding.type for finding in graded.findings] == ["EMAIL_ADDRESS", "PERSON"]
    assert grade_evidence(table, model, parts, findings[::-1], ["truncated"]) == graded


def test_doubtful_findings_are_evidence_but_not_shown(bundle_folder: Path, folder: Path) -> None:
    """A finding under 300,000 ppm decides with the others, and no record counts it."""
    model, table = load_sensitivity_bundle(bundle_folder).classes, load_class_table(folder)
    findings = [Finding("EMAIL_ADDRESS", 0, 3, ppm, 0) for ppm in (299_999, 300_000)]
    parts = (Part("messages[0].content", "user", "a@b"),)
    assert grade_evidence(table, model, parts, findings[:1], []).flagged == ("contact",)
    assert [f.score_ppm for f in grade_evidence(table, model, parts, findings, []).findings] == [300_000]


def test_nothing_found_is_public(bundle_folder: Path, folder: Path) -> None:
    """No finding, no class."""
    model, table = load_sensitivity_bundle(bundle_folder).classes, load_class_table(folder)
    graded = grade_evidence(table, model, (Part("p", "user", "hello"),), [], [])
    assert (dict(graded.classes_ppm), graded.flagged, graded.level) == ({}, (), Level.PUBLIC)
